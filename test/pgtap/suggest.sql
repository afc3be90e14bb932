-- What is proposed for tables of several shapes; all of it can be declared.
BEGIN;
SELECT plan(84);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.orders (tenant int, id int, currency text NOT NULL, total numeric, PRIMARY KEY (tenant, id));
CREATE TABLE shop.payment (tenant int, id int, order_id int, amount numeric, currency text, status text CHECK (status IN ('new', 'authorized', 'captured')) DEFAULT 'new', PRIMARY KEY (tenant, id),
	FOREIGN KEY (tenant, order_id) REFERENCES shop.orders);
CREATE TABLE shop.refund (id int PRIMARY KEY, tenant int, payment_id int, amount numeric, currency text, status text CHECK (status IN ('asked', 'sent', 'failed')),
	FOREIGN KEY (tenant, payment_id) REFERENCES shop.payment);
CREATE TABLE shop.intent (id text PRIMARY KEY, amount numeric, currency text);
CREATE TABLE shop.transaction (id int PRIMARY KEY, intent_id text REFERENCES shop.intent, type text CHECK (type IN ('authorization', 'capture', 'void', 'refund', 'chargeback')),
	amount numeric, currency text, status text CHECK (status IN ('pending', 'success', 'failure')));
CREATE TABLE shop.capture (id int PRIMARY KEY, intent_id text REFERENCES shop.intent, amount numeric, currency text);
CREATE TABLE shop.bill (id int PRIMARY KEY, total numeric, currency text);
CREATE TABLE shop.refund_plain (id int PRIMARY KEY, bill_id int REFERENCES shop.bill, amount numeric);
CREATE TABLE shop.payout (id int PRIMARY KEY, merchant_id int, amount numeric, currency text, status text CHECK (status IN ('requested', 'approved', 'paid', 'rejected')));
CREATE TABLE shop.journal_line (id int PRIMARY KEY, journal_id int, account_id int, debit numeric, credit numeric, currency text, reversed boolean);
CREATE TABLE shop.posting (id int PRIMARY KEY, transaction_id int, account_id int, amount numeric, currency text, reversed boolean);
CREATE TABLE shop.unkeyed (id int, status text, amount numeric, captured numeric, currency text);
CREATE TABLE shop.login_event (id int, at timestamptz);
CREATE TABLE shop.other_units (id int PRIMARY KEY, payment_id int, amount bigint, currency text);
CREATE TABLE shop.charge (id int PRIMARY KEY, amount numeric, captured_amount bigint, currency text, status text);
CREATE VIEW shop.payment_view AS SELECT * FROM shop.payment;
CREATE TEMP TABLE payment_temp (id int PRIMARY KEY, status text);
CREATE TABLE shop.part (id int, region text, status text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.part_eu PARTITION OF shop.part FOR VALUES IN ('eu');
CREATE TABLE shop.ruled_log (id int PRIMARY KEY, status text);
CREATE RULE quiet AS ON DELETE TO shop.ruled_log DO INSTEAD NOTHING;
CREATE FUNCTION pg_temp.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE shop.touched_log (id int PRIMARY KEY, note text);
CREATE TRIGGER touch BEFORE INSERT ON shop.touched_log FOR EACH ROW EXECUTE FUNCTION pg_temp.nothing();

-- in other styles: names are quoted, statuses are flags and points in time
CREATE TABLE shop."Currencies" ("Id" int PRIMARY KEY, "IsoCode" char(3));
CREATE TABLE shop."PaymentIntents" ("Id" int PRIMARY KEY, "AmountInCents" bigint, "currencyId" int REFERENCES shop."Currencies", "capturedAt" timestamptz, "CreatedAt" timestamptz);
CREATE TABLE shop."Charge" (id uuid PRIMARY KEY, "Amount" int, currency text, "isPaid" boolean NOT NULL, "paymentOption" text, refunded boolean NOT NULL);
CREATE TABLE shop."ChargeRefunds" (id uuid PRIMARY KEY, "chargeId" uuid REFERENCES shop."Charge", "Amount" int, "deletedAt" timestamptz);
CREATE TABLE shop."Order" ("Id" int PRIMARY KEY, "OrderStatusId" int, "PaymentStatusId" int, "OrderTotal" numeric(18,4), "RefundedAmount" numeric(18,4), "CustomerCurrencyCode" text);
CREATE TABLE shop."LedgerEntries" (id int PRIMARY KEY, "journalId" int, "accountId" int, amount numeric(14,3), type text CHECK (type IN ('DEBIT', 'CREDIT')), balance numeric);
CREATE TABLE shop."GiftCard" (id int PRIMARY KEY);
CREATE TABLE shop."GiftCardTransactions" (id int PRIMARY KEY, "giftCardId" int REFERENCES shop."GiftCard", amount numeric(10,2), currency text);
CREATE TABLE shop.points_history (id int PRIMARY KEY, customer_id int, debit int, credit int);
CREATE TABLE shop."WalletTransfers" (id int PRIMARY KEY, "fromWalletId" int, "toWalletId" int, amount bigint, currency text);
CREATE TABLE shop.route (id int PRIMARY KEY, source text, destination int, amount int, currency text);
CREATE TABLE shop.access_log (id int PRIMARY KEY, note text, expires_at timestamptz);
CREATE TABLE shop.inexact (id double precision PRIMARY KEY, status text);
CREATE UNLOGGED TABLE shop.fleeting (id int PRIMARY KEY, status text);
CREATE TABLE shop.floats (id int PRIMARY KEY, amount double precision, currency text, status text);

SELECT is((SELECT string_agg(s.rule, ',' ORDER BY s.rule) FROM paysafe.suggest(t) s WHERE s.rule NOT IN ('audit', 'columns')), want, concat(t)) FROM (VALUES
	(NULL, NULL), ('shop.payment_view', NULL), ('payment_temp', NULL), ('shop.part_eu', NULL), ('shop.ruled_log', NULL),
	('shop.orders', NULL), ('shop.payment', 'payment,status'), ('shop.refund', 'refund,status'), ('shop.transaction', 'movements,status'), ('shop.capture', 'captures'),
	('shop.refund_plain', 'refund'), ('shop.payout', 'refund,status'), ('shop.journal_line', 'ledger'), ('shop.posting', 'ledger'), ('shop.unkeyed', NULL),
	('shop.login_event', 'append_only'), ('shop.charge', NULL), ('shop.touched_log', NULL), ('shop.part', NULL),
	('shop."PaymentIntents"', 'payment,status'), ('shop."Charge"', 'payment,status'), ('shop."ChargeRefunds"', 'refund'), ('shop."Order"', 'refund,row_lock'), ('shop."LedgerEntries"', 'ledger'),
	('shop."GiftCardTransactions"', 'ledger'), ('shop.points_history', 'ledger'), ('shop.access_log', NULL), ('shop.inexact', NULL), ('shop.floats', NULL),
	('shop."WalletTransfers"', 'ledger'), ('shop.route', NULL)) v (t, want);
SELECT is((SELECT count(*) FROM paysafe.suggest(t)), 0::bigint, concat('nothing for ', t)) FROM unnest(ARRAY[NULL, 'shop.payment_view', 'payment_temp', 'shop.part_eu', 'shop.ruled_log', 'pg_class', 'paysafe.rule', 'shop.inexact', 'shop.fleeting']) t;
SELECT is((SELECT s.declaration FROM paysafe.suggest(t::regclass) s WHERE s.rule = r), format('SELECT paysafe.%s, mode => ''observe'');', want), t || ' ' || r) FROM (VALUES
	('shop.refund', 'refund', 'protect_refund(''shop.refund'', ''shop.payment'', ''{tenant,payment_id}'', ''amount'', currency_column => ''currency'', status_column => ''status'', gated => ''{sent}'', void => ''{failed}'', payment_amount_column => ''amount'', payment_currency_column => ''currency'''),
	('shop.transaction', 'movements', 'protect_movements(''shop.transaction'', ''shop.intent'', ''intent_id'', ''type'', ''amount'', ''currency'', authorize => ''{authorization}'', capture => ''{capture}'', cancel => ''{void}'', refund => ''{refund}'', chargeback => ''{chargeback}'', status_column => ''status'', counted => ''{success}'', gated => ''{success}'', void => ''{failure}'''),
	('shop.payout', 'refund', 'protect_refund(''shop.payout'', NULL, ''merchant_id'', ''amount'', ''currency'', ''status'', ''{approved,paid}'', ''{rejected}'''),
	('shop.journal_line', 'ledger', 'protect_ledger(''shop.journal_line'', ''journal_id'', ''account_id'', ''debit'', credit_column => ''credit'', currency_column => ''currency'''),
	('shop."PaymentIntents"', 'payment', 'protect_payment(''shop."PaymentIntents"'', ''capturedAt'', ''AmountInCents'', captured => ''{set}'', currency_path => ''{currencyId,IsoCode}'''),
	('shop."Charge"', 'payment', 'protect_payment(''shop."Charge"'', ''isPaid'', ''Amount'', captured => ''{true}'', currency_column => ''currency'''),
	('shop."ChargeRefunds"', 'refund', 'protect_refund(''shop."ChargeRefunds"'', ''shop."Charge"'', ''chargeId'', ''Amount'', status_column => ''deletedAt'', gated => ''{unset}'', void => ''{set}'', payment_amount_column => ''Amount'', payment_currency_column => ''currency'''),
	('shop."Order"', 'refund', 'protect_refund(''shop."Order"'', ''shop."Order"'', ''Id'', ''RefundedAmount'', currency_column => ''CustomerCurrencyCode'', amounts => ''running'', decimals => 4'),
	('shop."LedgerEntries"', 'ledger', 'protect_ledger(''shop."LedgerEntries"'', ''journalId'', ''accountId'', ''amount'', currency => ''XXX'', decimals => 3, direction_column => ''type'''),
	('shop."GiftCardTransactions"', 'ledger', 'protect_entries(''shop."GiftCardTransactions"'', ''giftCardId'', ''amount'', currency_column => ''currency'''),
	('shop.points_history', 'ledger', 'protect_entries(''shop.points_history'', ''customer_id'', ''debit'', credit_column => ''credit'', currency => ''XXX'', decimals => 0'),
	('shop."WalletTransfers"', 'ledger', 'protect_entries(''shop."WalletTransfers"'', ''toWalletId'', ''amount'', currency_column => ''currency'', credit_account_column => ''fromWalletId'''),
	('shop.access_log', 'columns', 'protect_columns(''shop.access_log'', ''{id,note,expires_at}'''),
	('shop.posting', 'ledger', 'protect_ledger(''shop.posting'', ''transaction_id'', ''account_id'', ''amount'', ''currency''')) v (t, r, want);
SELECT is(pg_temp.refusal(s.declaration), 'accepted', c.relname || ' ' || s.rule)
  FROM pg_class c, LATERAL (SELECT * FROM paysafe.suggest(c.oid) OFFSET 0) s
 WHERE c.relnamespace = 'shop'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND s.rule NOT IN ('audit', 'columns')
 ORDER BY array_position('{status,payment,captures,movements,ledger,refund,append_only}', s.rule), c.relname;
-- a machine of points in time and flags, as they are and as they have been
INSERT INTO shop."PaymentIntents" VALUES (1, 1, NULL, NULL), (2, 1, NULL, now());
CREATE TABLE shop.seen AS SELECT 1 AS p, x.at, x.n FROM (VALUES (NULL::timestamptz, 1), (now(), 2)) x (at, n);
SELECT is((SELECT string_agg(concat(s.to_status, s.n), ',' ORDER BY s.to_status) FROM paysafe.seen_statuses('shop."PaymentIntents"', 'capturedAt') s), 'set1,unset1', 'points in time');
SELECT is((SELECT string_agg(concat(coalesce(s.from_status, '-'), '>', s.to_status, s.n), ',' ORDER BY s.from_status NULLS FIRST, s.to_status)
			 FROM paysafe.seen_statuses('shop."PaymentIntents"', 'capturedAt', 'shop.seen', 'p', 'at', 'n') s), '->unset1,set>set1,unset>set1,unset>unset1', 'their history');
SELECT is(paysafe.suggest_machine('shop."Charge"', 'isPaid') ~ 'state true' AND paysafe.suggest_machine('shop."Charge"', 'isPaid') ~ 'state false', true, 'a flag that nobody has set');
-- a type and an id: what is seen there are names of tables
CREATE TABLE shop.sales_orders (id bigint PRIMARY KEY, currency text, total numeric, captured_amount numeric);
CREATE TABLE shop.deposits (id int PRIMARY KEY, currency text, amount numeric);
CREATE TABLE shop.refund_item (id int PRIMARY KEY, refundable_type varchar, refundable_id int, amount numeric, currency text, status text CHECK (status IN ('asked', 'sent', 'failed')));
CREATE INDEX ON shop.refund_item (refundable_id);
SELECT is((SELECT count(*) FROM paysafe.suggest('shop.refund_item') s WHERE s.rule LIKE 'refund%'), 0::bigint, 'no type has been seen');
INSERT INTO shop.sales_orders VALUES (1, 'EUR', 10, 10);
INSERT INTO shop.deposits VALUES (2, 'EUR', 10);
INSERT INTO shop.refund_item VALUES (1, 'App\Models\SalesOrder', 1, 1, 'EUR', 'failed'), (2, 'Shop::Deposit', 2, 1, 'EUR', 'asked'), (3, 'Nothing', 3, 1, 'EUR', 'asked'), (4, NULL, 4, 1, 'EUR', 'asked');
SELECT is((SELECT string_agg(s.declaration, E'\n' ORDER BY s.rule) FROM paysafe.suggest('shop.refund_item') s WHERE s.rule LIKE 'refund%'),
	E'SELECT paysafe.protect_refund(''shop.refund_item'', ''shop.sales_orders'', ''refundable_id'', ''amount'', currency_column => ''currency'', status_column => ''status'', gated => ''{sent}'', void => ''{failed}'', payment_amount_column => ''captured_amount'', payment_currency_column => ''currency'', payment_key => ''id'', rows => E''{"refundable_type": ["App\\\\\\\\Models\\\\\\\\SalesOrder"]}'', mode => ''observe'');\n'
	'SELECT paysafe.protect_refund(''shop.refund_item'', ''shop.deposits'', ''refundable_id'', ''amount'', currency_column => ''currency'', status_column => ''status'', gated => ''{sent}'', void => ''{failed}'', payment_amount_column => ''amount'', payment_currency_column => ''currency'', payment_key => ''id'', rule => ''refund_deposits'', rows => ''{"refundable_type": ["Shop::Deposit"]}'', mode => ''observe'');', 'a rule for each type');
SELECT is(pg_temp.refusal((SELECT string_agg(s.declaration, ' ' ORDER BY s.rule) FROM paysafe.suggest('shop.refund_item') s WHERE s.rule LIKE 'refund%')), 'accepted', 'all of them together');
SELECT * FROM finish();
ROLLBACK;
