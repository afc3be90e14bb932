-- btcpay: quoted names in capitals, keys of two columns, statuses as text in capitals, bitcoin with eight decimals. An invoice is paid
-- back by a pull payment, of which the customer draws payouts, up to its limit and in its currency, and which are sent in
-- another one; other payouts are made by hand, of the store. Store credit of subscribers: its balance is written by the application, and entries
-- of debit or credit by the same statement.
CREATE TABLE "Invoices" ("Id" text PRIMARY KEY, "Status" text, "Amount" numeric, "Currency" text, "StoreDataId" text, "Blob2" jsonb);
CREATE TABLE "Payments" ("Id" text NOT NULL, "PaymentMethodId" text NOT NULL, "InvoiceDataId" text REFERENCES "Invoices" ON DELETE CASCADE, "Amount" numeric, "Currency" text,
	"Status" text, "Created" timestamptz, "Blob2" jsonb, PRIMARY KEY ("Id", "PaymentMethodId"));
CREATE INDEX ON "Payments" ("InvoiceDataId");
CREATE TABLE "PullPayments" ("Id" varchar(30) PRIMARY KEY, "StoreId" varchar(50), "Currency" text NOT NULL, "Limit" numeric NOT NULL, "StartDate" timestamptz NOT NULL DEFAULT now(),
	"EndDate" timestamptz, "Archived" boolean NOT NULL DEFAULT false, "Blob" jsonb);
CREATE TABLE "Refunds" ("InvoiceDataId" text NOT NULL REFERENCES "Invoices" ON DELETE CASCADE, "PullPaymentDataId" varchar(30) NOT NULL REFERENCES "PullPayments" ON DELETE CASCADE,
	PRIMARY KEY ("InvoiceDataId", "PullPaymentDataId"));
CREATE TABLE "Payouts" ("Id" varchar(30) PRIMARY KEY, "Date" timestamptz NOT NULL DEFAULT now(), "PullPaymentDataId" varchar(30) REFERENCES "PullPayments" ON DELETE CASCADE,
	"State" varchar(20) NOT NULL, "PayoutMethodId" varchar(20) NOT NULL, "DedupId" text, "Currency" text NOT NULL, "Amount" numeric, "OriginalCurrency" text NOT NULL,
	"OriginalAmount" numeric NOT NULL, "Blob" jsonb, "Proof" jsonb, "StoreDataId" text);
CREATE INDEX ON "Payouts" ("PullPaymentDataId");
CREATE INDEX ON "Payouts" ("StoreDataId");
CREATE TABLE subs_subscriber_credits_history ("Id" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, subscriber_id bigint NOT NULL, currency text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(), description text NOT NULL, debit numeric NOT NULL, credit numeric NOT NULL, balance numeric NOT NULL);
CREATE INDEX ON subs_subscriber_credits_history (subscriber_id, currency);
CREATE TABLE subs_subscriber_credits (subscriber_id bigint NOT NULL, currency text NOT NULL, amount numeric NOT NULL, PRIMARY KEY (subscriber_id, currency));

SELECT paysafe.set_currency('BTC', 8);
SELECT paysafe.protect_status('"Payments"', 'Status', '
	[*] --> Processing
	[*] --> Settled
	Processing --> Settled
	Processing --> Unaccounted : replaced by another transaction
	Unaccounted --> Processing');
SELECT paysafe.protect_payment('"Payments"', 'Status', 'Amount', currency_column => 'Currency', captured => '{Settled}');
SELECT paysafe.protect_payment('"PullPayments"', NULL, 'Limit', currency_column => 'Currency');
SELECT paysafe.protect_status('"Payouts"', 'State', '
	[*] --> AwaitingApproval
	AwaitingApproval --> AwaitingPayment : at a rate
	AwaitingApproval --> Cancelled
	AwaitingPayment --> InProgress
	AwaitingPayment --> Completed
	AwaitingPayment --> Cancelled
	InProgress --> Completed
	InProgress --> AwaitingPayment : the transaction is gone');
SELECT paysafe.protect_refund('"Payouts"', '"PullPayments"', 'PullPaymentDataId', 'OriginalAmount', 'OriginalCurrency', 'State',
	gated => '{AwaitingPayment,InProgress,Completed}', void => '{Cancelled}', rows => '{"PullPaymentDataId": {"not": [null]}}', unapproved_columns => '{Amount,Blob,Proof}');
SELECT paysafe.protect_refund('"Payouts"', NULL, 'StoreDataId', 'OriginalAmount', 'OriginalCurrency', 'State',
	gated => '{AwaitingPayment,InProgress,Completed}', void => '{Cancelled}', rows => '{"PullPaymentDataId": [null]}', unapproved_columns => '{Amount,Blob,Proof}', rule => 'refund_store');
SELECT paysafe.set_refund_threshold('"Payouts"', 'USD', 500), paysafe.set_refund_threshold('"Payouts"', 'USD', 200, rule => 'refund_store');
SELECT paysafe.protect_entries('subs_subscriber_credits_history', '{subscriber_id,currency}', 'credit', 'currency', credit_column => 'debit', minimum => 0);
SELECT paysafe.protect_balance('subs_subscriber_credits', '{subscriber_id,currency}', 'amount', 'subs_subscriber_credits_history', currency_column => 'currency', kept_by => 'application');
SELECT paysafe.audit('"Payments"', redact => '{Blob2}'), paysafe.audit('"PullPayments"'), paysafe.audit('"Payouts"'), paysafe.audit('subs_subscriber_credits_history');

-- paid on the chain, and by one that was replaced
INSERT INTO "Invoices" ("Id", "Status", "Amount", "Currency") VALUES ('i1', 'New', 100, 'USD');
INSERT INTO "Payments" ("Id", "PaymentMethodId", "InvoiceDataId", "Amount", "Currency", "Status") VALUES ('tx1-0', 'BTC-CHAIN', 'i1', 0.00161235, 'BTC', 'Processing'), ('tx0-0', 'BTC-CHAIN', 'i1', 0.00161235, 'BTC', 'Processing');
UPDATE "Payments" SET "Status" = 'Unaccounted', "Blob2" = '{}' WHERE ("Id", "PaymentMethodId") = ('tx0-0', 'BTC-CHAIN');
UPDATE "Payments" SET "Status" = 'Settled', "Amount" = 0.00161235, "Blob2" = '{"conf": 6}' WHERE ("Id", "PaymentMethodId") = ('tx1-0', 'BTC-CHAIN');
UPDATE "Invoices" SET "Status" = 'Settled' WHERE "Id" = 'i1';
SELECT fits.refused('23R03', $$UPDATE "Payments" SET "Amount" = 1 WHERE "Id" = 'tx1-0'$$);
SELECT fits.refused('23R03', $$UPDATE "Payments" SET "Currency" = 'USD' WHERE "Id" = 'tx1-0'$$);
SELECT fits.refused('23T01', $$UPDATE "Payments" SET "Status" = 'Processing' WHERE "Id" = 'tx1-0'$$);
SELECT fits.refused('23T03', $$DELETE FROM "Invoices" WHERE "Id" = 'i1'$$);
SELECT fits.refused('23R04', $$INSERT INTO "Payments" ("Id", "PaymentMethodId", "InvoiceDataId", "Amount", "Currency", "Status") VALUES ('tx2', 'BTC-CHAIN', 'i1', 0.000000001, 'BTC', 'Settled')$$);
-- refunded: a pull payment of all of it, payouts of that at a rate of their day, in two parts, and one that was given up
INSERT INTO "PullPayments" ("Id", "Currency", "Limit", "Blob") VALUES ('pp1', 'USD', 100, '{"Name": "Refund i1"}');
INSERT INTO "Refunds" VALUES ('i1', 'pp1');
INSERT INTO "Payouts" ("Id", "PullPaymentDataId", "State", "PayoutMethodId", "Currency", "OriginalCurrency", "OriginalAmount") VALUES ('po1', 'pp1', 'AwaitingApproval', 'BTC-CHAIN', 'BTC', 'USD', 60);
SELECT fits.refused('23R01', $$INSERT INTO "Payouts" ("Id", "PullPaymentDataId", "State", "PayoutMethodId", "Currency", "OriginalCurrency", "OriginalAmount")
	VALUES ('po9', 'pp1', 'AwaitingApproval', 'BTC-CHAIN', 'BTC', 'USD', 40.01)$$);
SELECT fits.refused('23R02', $$INSERT INTO "Payouts" ("Id", "PullPaymentDataId", "State", "PayoutMethodId", "Currency", "OriginalCurrency", "OriginalAmount")
	VALUES ('po9', 'pp1', 'AwaitingApproval', 'BTC-CHAIN', 'BTC', 'BTC', 1)$$);
UPDATE "Payouts" SET "State" = 'AwaitingPayment', "Amount" = 0.00096741, "Blob" = '{"Rate": 62021}' WHERE "Id" = 'po1';
UPDATE "Payouts" SET "State" = 'InProgress', "Proof" = '{"tx": "a"}' WHERE "Id" = 'po1';
UPDATE "Payouts" SET "State" = 'Completed', "Proof" = '{"tx": "a", "conf": 1}' WHERE "Id" = 'po1';
INSERT INTO "Payouts" ("Id", "PullPaymentDataId", "State", "PayoutMethodId", "Currency", "OriginalCurrency", "OriginalAmount") VALUES ('po2', 'pp1', 'AwaitingApproval', 'BTC-LN', 'BTC', 'USD', 40);
UPDATE "Payouts" SET "State" = 'Cancelled' WHERE "Id" = 'po2';
INSERT INTO "Payouts" ("Id", "PullPaymentDataId", "State", "PayoutMethodId", "Currency", "OriginalCurrency", "OriginalAmount") VALUES ('po3', 'pp1', 'AwaitingApproval', 'BTC-LN', 'BTC', 'USD', 40);
UPDATE "PullPayments" SET "Archived" = true WHERE "Id" = 'pp1';
SELECT fits.refused('23R03', $$UPDATE "PullPayments" SET "Limit" = 1000 WHERE "Id" = 'pp1'$$);
SELECT fits.refused('23R03', $$UPDATE "Payouts" SET "OriginalAmount" = 1 WHERE "Id" = 'po1'$$);
SELECT fits.refused('23T01', $$UPDATE "Payouts" SET "State" = 'AwaitingApproval' WHERE "Id" = 'po1'$$);
SELECT fits.refused('23R07', $$DELETE FROM "PullPayments" WHERE "Id" = 'pp1'$$);
-- above the threshold, somebody else approves the payout that waits
INSERT INTO "PullPayments" ("Id", "Currency", "Limit") VALUES ('pp2', 'USD', 900);
BEGIN;
SELECT paysafe.act_as('customer');
INSERT INTO "Payouts" ("Id", "PullPaymentDataId", "State", "PayoutMethodId", "Currency", "OriginalCurrency", "OriginalAmount") VALUES ('po4', 'pp2', 'AwaitingApproval', 'BTC-CHAIN', 'BTC', 'USD', 600);
COMMIT;
SELECT fits.refused('42501', $$UPDATE "Payouts" SET "State" = 'AwaitingPayment', "Amount" = 0.0096 WHERE "Id" = 'po4'$$);
BEGIN;
SELECT paysafe.act_as('owner');
SELECT paysafe.approve('"Payouts"', 'po4', 'the shop has moved');
COMMIT;
UPDATE "Payouts" SET "State" = 'AwaitingPayment', "Amount" = 0.0096, "Blob" = '{"Rate": 62500}' WHERE "Id" = 'po4';
-- by hand: nothing limits it but the store's own gate
INSERT INTO "Payouts" ("Id", "StoreDataId", "State", "PayoutMethodId", "Currency", "OriginalCurrency", "OriginalAmount") VALUES ('po5', 's1', 'AwaitingApproval', 'BTC-CHAIN', 'BTC', 'USD', 150),
	('po6', 's1', 'AwaitingApproval', 'BTC-CHAIN', 'BTC', 'USD', 51);
UPDATE "Payouts" SET "State" = 'AwaitingPayment', "Amount" = 0.0024 WHERE "Id" = 'po5';
SELECT fits.refused('42501', $$UPDATE "Payouts" SET "State" = 'AwaitingPayment', "Amount" = 0.0008 WHERE "Id" = 'po6'$$);
SELECT fits.refused('23R03', $$UPDATE "Payouts" SET "PullPaymentDataId" = 'pp2' WHERE "Id" = 'po6'$$);
SELECT fits.refused('23R03', $$UPDATE "Payouts" SET "PullPaymentDataId" = NULL, "StoreDataId" = 's1' WHERE "Id" = 'po1'$$);
SELECT fits.refused('23R06', $$INSERT INTO "Payouts" ("Id", "State", "PayoutMethodId", "Currency", "OriginalCurrency", "OriginalAmount") VALUES ('po9', 'AwaitingApproval', 'BTC-CHAIN', 'BTC', 'USD', 1)$$);

-- the balance and its entry in one statement
PREPARE credit (bigint, text, numeric, text) AS
	WITH change AS (SELECT o.id, o.currency, coalesce(c.amount, 0) + o.diff AS new_amount, o.diff FROM (SELECT $1 AS id, $2 AS currency, $3 AS diff) o
						LEFT JOIN subs_subscriber_credits c ON c.subscriber_id = o.id AND c.currency = o.currency),
		 up AS (INSERT INTO subs_subscriber_credits AS c (subscriber_id, currency, amount) SELECT id, currency, new_amount FROM change
				ON CONFLICT (subscriber_id, currency) DO UPDATE SET amount = EXCLUDED.amount RETURNING c.subscriber_id, c.currency, $3 AS diff, c.amount AS balance),
		 hist AS (INSERT INTO subs_subscriber_credits_history (subscriber_id, currency, description, debit, credit, balance)
				  SELECT up.subscriber_id, up.currency, $4, CASE WHEN up.diff < 0 THEN abs(up.diff) ELSE 0 END, CASE WHEN up.diff > 0 THEN up.diff ELSE 0 END, up.balance FROM up)
	SELECT balance FROM up;
EXECUTE credit (1, 'USD', 10, 'paid in');
EXECUTE credit (1, 'USD', -4, 'a month');
SELECT fits.is((SELECT concat_ws(' ', amount, paysafe.balance('1,USD')) FROM subs_subscriber_credits), '6 6', 'credit');
SELECT fits.refused('23M01', $$EXECUTE credit (1, 'USD', -6.01, 'a month')$$);
\set ON_ERROR_STOP off
UPDATE subs_subscriber_credits SET amount = 1000;
\set got1 :SQLSTATE
INSERT INTO subs_subscriber_credits_history (subscriber_id, currency, description, debit, credit, balance) VALUES (1, 'USD', 'paid in', 0, 10, 16);
\set got2 :SQLSTATE
\set ON_ERROR_STOP on
SELECT fits.is(concat_ws(' ', :'got1'::text, :'got2'::text), '23M02 23M02', 'credit that the history does not say');
SELECT fits.refused('23L01', $$UPDATE subs_subscriber_credits_history SET credit = 100$$);
SELECT fits.refused('23L01', $$DELETE FROM subs_subscriber_credits_history$$);
SELECT fits.refused('23L03', $$INSERT INTO subs_subscriber_credits_history (subscriber_id, currency, description, debit, credit, balance) VALUES (1, 'USD', 'both', 1, 1, 0)$$);
