-- id: 593
-- role: owner
-- category: money
-- expect: must be blocked
-- how: more than the threshold is paid out to one merchant without an approval: split over rows, statements, savepoints, spellings of the currency, amounts below zero that would make room, and rows that become payouts
-- counter: what one merchant gets in a currency is added up, without signs
\if `[ "$TARGET" = paysafe ] && echo true || echo false`
CREATE TABLE pay.merchant_payout (id int PRIMARY KEY, merchant char(4), amount numeric, currency text, kind text DEFAULT 'manual', status text DEFAULT 'requested');
CREATE INDEX ON pay.merchant_payout (merchant);
GRANT ALL ON pay.merchant_payout TO pay_app;
SELECT paysafe.protect_refund('pay.merchant_payout', NULL, 'merchant', 'amount', 'currency', 'status', gated => '{sent}', void => '{void}', rows => '{"kind": ["manual"]}');
SELECT paysafe.set_refund_threshold('pay.merchant_payout', 'USD', 100);
\c - pay_app
:AS_ALICE ;
INSERT INTO pay.merchant_payout VALUES (1, 'm1', 60, 'USD', 'manual', 'sent'), (2, 'm1', 60, 'USD', 'manual', 'sent');
INSERT INTO pay.merchant_payout VALUES (3, 'm1', 60, 'USD', 'manual', 'sent');
INSERT INTO pay.merchant_payout VALUES (4, 'm1  ', 60, 'usd', 'manual', 'sent');
INSERT INTO pay.merchant_payout VALUES (5, 'm1', -50, 'USD', 'manual', 'sent');
INSERT INTO pay.merchant_payout VALUES (6, 'm1', 90, 'USD ', 'manual', 'sent');
BEGIN;
SAVEPOINT s;
INSERT INTO pay.merchant_payout VALUES (7, 'm1', 30, 'USD', 'manual', 'sent');
ROLLBACK TO s;
INSERT INTO pay.merchant_payout VALUES (8, 'm1', 90, 'USD', 'manual', 'sent');
COMMIT;
INSERT INTO pay.merchant_payout VALUES (9, 'm1', 1000, 'USD', 'sale', 'sent');
UPDATE pay.merchant_payout SET kind = 'manual' WHERE id = 9;
INSERT INTO pay.merchant_payout VALUES (10, 'm2', 1000, 'USD', 'manual', 'void');
UPDATE pay.merchant_payout SET merchant = 'm1', status = 'sent' WHERE id = 10;
UPDATE pay.merchant_payout SET status = 'sent' WHERE id = 10;
DELETE FROM pay.merchant_payout WHERE status = 'sent';
SELECT CASE WHEN (SELECT coalesce(sum(abs(amount)), 0) FROM pay.merchant_payout WHERE kind = 'manual' AND status = 'sent') <= 100 AND EXISTS (SELECT 1 FROM pay.merchant_payout WHERE status = 'sent') THEN 'HELD' ELSE 'BYPASSED' END;
\else
SELECT 'N/A';
\endif
