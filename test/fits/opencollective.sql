-- opencollective: one table of movements with names in camel case, double entry: two rows for each, one of each account,
-- in cents, added one after the other. A refund is a group of rows of the same kinds with the signs turned; it refers to the
-- row that it takes back, and that to the refund, both once all of them are there. Rows are deleted softly.
CREATE TABLE "Collectives" (id serial PRIMARY KEY, slug varchar(255) NOT NULL, currency varchar(3) NOT NULL DEFAULT 'USD');
CREATE TABLE "Transactions" (id serial PRIMARY KEY, uuid uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE, type varchar(255) NOT NULL, kind varchar(255), description varchar(255),
	amount integer NOT NULL, currency varchar(255) NOT NULL, "hostCurrency" varchar(3), "hostCurrencyFxRate" double precision, "amountInHostCurrency" integer,
	"netAmountInCollectiveCurrency" integer, "TransactionGroup" uuid NOT NULL, "isRefund" boolean NOT NULL DEFAULT false, "isDisputed" boolean NOT NULL DEFAULT false,
	"isInReview" boolean NOT NULL DEFAULT false, "CollectiveId" integer NOT NULL REFERENCES "Collectives", "FromCollectiveId" integer NOT NULL REFERENCES "Collectives", "OrderId" integer,
	"RefundTransactionId" integer REFERENCES "Transactions", data jsonb, "createdAt" timestamptz NOT NULL DEFAULT now(), "updatedAt" timestamptz NOT NULL DEFAULT now(),
	"clearedAt" timestamptz, "deletedAt" timestamptz);
CREATE INDEX ON "Transactions" ("CollectiveId");
CREATE INDEX ON "Transactions" ("RefundTransactionId");
CREATE INDEX ON "Transactions" ("TransactionGroup");

SELECT paysafe.protect_entries('"Transactions"', 'CollectiveId', 'amount', 'currency', zero_amounts => true,
	mutable_columns => '{description,isDisputed,isInReview,RefundTransactionId,data,updatedAt,clearedAt,deletedAt}');
SELECT paysafe.protect_payment('"Transactions"', NULL, 'amount', currency_column => 'currency', rows => '{"kind": ["CONTRIBUTION"], "type": ["CREDIT"], "isRefund": [false]}');
SELECT paysafe.protect_refund('"Transactions"', '"Transactions"', 'RefundTransactionId', 'amount', 'currency', amounts => 'negative',
	rows => '{"kind": ["CONTRIBUTION"], "type": ["DEBIT"], "isRefund": [true], "RefundTransactionId": {"not": [null]}}');
SELECT paysafe.set_refund_threshold('"Transactions"', 'USD', 20000);
SELECT paysafe.audit('"Transactions"', redact => '{data}');

INSERT INTO "Collectives" (slug) VALUES ('webpack'), ('ann');
CREATE FUNCTION pg_temp.movement(g text, kind text, amount int, c int, f int, refund boolean DEFAULT false) RETURNS void LANGUAGE sql AS $$
	INSERT INTO "Transactions" (type, kind, amount, currency, "hostCurrency", "TransactionGroup", "CollectiveId", "FromCollectiveId", "isRefund")
	SELECT CASE WHEN a > 0 THEN 'CREDIT' ELSE 'DEBIT' END, kind, a, 'USD', 'USD', ('00000000-0000-0000-0000-00000000000' || g)::uuid, x, y, refund
	  FROM (VALUES (-amount, f, c), (amount, c, f)) v (a, x, y) $$;
-- a contribution with the fee of the provider, each of two rows
SELECT pg_temp.movement('1', 'CONTRIBUTION', 10000, 1, 2), pg_temp.movement('1', 'PAYMENT_PROCESSOR_FEE', -320, 1, 2);
-- refunded: the rows, then the references in both directions, one save after the other
SELECT pg_temp.movement('2', 'CONTRIBUTION', -10000, 1, 2, true), pg_temp.movement('2', 'PAYMENT_PROCESSOR_COVER', 320, 1, 2, true);
SELECT id AS paid FROM "Transactions" WHERE kind = 'CONTRIBUTION' AND type = 'CREDIT' AND NOT "isRefund" \gset
SELECT id AS back FROM "Transactions" WHERE kind = 'CONTRIBUTION' AND type = 'DEBIT' AND "isRefund" \gset
UPDATE "Transactions" SET "RefundTransactionId" = :back, "updatedAt" = now() WHERE id = :paid;
UPDATE "Transactions" SET "RefundTransactionId" = :paid, data = '{"refund": {"id": "re_1"}}', "updatedAt" = now() WHERE id = :back;
UPDATE "Transactions" SET "isDisputed" = true, "clearedAt" = now() WHERE id = :paid;
-- a second refund of the same
SELECT pg_temp.movement('3', 'CONTRIBUTION', -1, 1, 2, true);
SELECT max(id) AS twice FROM "Transactions" WHERE kind = 'CONTRIBUTION' AND type = 'DEBIT' AND "isRefund" \gset
SELECT fits.refused('23R01', format($$UPDATE "Transactions" SET "RefundTransactionId" = %s WHERE id = %s$$, :paid, :twice));
SELECT fits.refused('23R03', format($$UPDATE "Transactions" SET amount = 1 WHERE id = %s$$, :paid));
SELECT fits.refused('23L01', $$UPDATE "Transactions" SET amount = 1 WHERE kind = 'PAYMENT_PROCESSOR_FEE'$$);
SELECT fits.refused('23L01', format($$UPDATE "Transactions" SET "CollectiveId" = 2 WHERE id = %s$$, :paid));
SELECT fits.refused('23R03', format($$UPDATE "Transactions" SET "isRefund" = false WHERE id = %s$$, :back));
SELECT fits.refused('23503', format($$DELETE FROM "Transactions" WHERE id = %s$$, :paid));
SELECT fits.refused('23L01', $$DELETE FROM "Transactions" WHERE kind = 'PAYMENT_PROCESSOR_FEE'$$);
SELECT fits.refused('23R02', format($$INSERT INTO "Transactions" (type, kind, amount, currency, "TransactionGroup", "CollectiveId", "FromCollectiveId", "isRefund", "RefundTransactionId")
	VALUES ('DEBIT', 'CONTRIBUTION', -1, 'EUR', gen_random_uuid(), 1, 2, true, %s)$$, :paid));
SELECT fits.refused('23R03', format($$UPDATE "Transactions" SET "RefundTransactionId" = NULL WHERE id = %s$$, :back));
SELECT fits.is((SELECT count(*) FROM (SELECT 1 FROM "Transactions" GROUP BY "TransactionGroup", currency HAVING sum(amount) <> 0) g), 0::bigint, 'each group sums to zero');
-- above the threshold: the reference makes it a refund, and somebody else agrees before
SELECT pg_temp.movement('4', 'CONTRIBUTION', 50000, 1, 2), pg_temp.movement('5', 'CONTRIBUTION', -50000, 1, 2, true);
SELECT max(id) AS paid FROM "Transactions" WHERE kind = 'CONTRIBUTION' AND type = 'CREDIT' AND NOT "isRefund" \gset
SELECT max(id) AS back FROM "Transactions" WHERE kind = 'CONTRIBUTION' AND type = 'DEBIT' AND "isRefund" \gset
SELECT fits.refused('42501', format($$UPDATE "Transactions" SET "RefundTransactionId" = %s WHERE id = %s$$, :paid, :back));
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve_refund('"Transactions"', :'paid', 50000, 'USD', 'given by mistake');
COMMIT;
BEGIN;
SELECT paysafe.act_as('agent');
UPDATE "Transactions" SET "RefundTransactionId" = :paid WHERE id = :back;
COMMIT;
-- softly deleted
UPDATE "Transactions" SET "deletedAt" = now() WHERE id = :twice;
