-- id: 532
-- role: owner
-- category: money
-- expect: must be blocked
-- how: a transaction is reversed twice, by two others; in part; under another currency; and what does not exist
-- counter: one reversal, equal and opposite
\if `[ "$TARGET" = paysafe ] && echo true || echo false`
CREATE TABLE pay.account (id int PRIMARY KEY, balance numeric NOT NULL DEFAULT 0, minimum numeric DEFAULT 0);
CREATE TABLE pay.posting (id int PRIMARY KEY, txn int, account int, amount numeric, currency text DEFAULT 'USD', reverses int, at timestamptz DEFAULT '2026-06-15');
CREATE INDEX ON pay.posting (txn);
CREATE INDEX ON pay.posting (reverses);
GRANT ALL ON pay.account, pay.posting TO pay_app;
SELECT paysafe.protect_ledger('pay.posting', 'txn', 'account', 'amount', 'currency', reverses_column => 'reverses', posting_date_column => 'at');
SELECT paysafe.protect_balance('pay.account', 'id', 'balance', 'pay.posting', 'minimum');
INSERT INTO pay.account VALUES (1, 0, 0), (2, 0, 0), (3, 0, -1000000), (4, 0, NULL);
INSERT INTO pay.posting VALUES (1, 1, 1, 100), (2, 1, 2, 100), (3, 1, 3, -200);
\c - pay_app
:AS_ALICE ;
INSERT INTO pay.posting (id, txn, account, amount, reverses) VALUES (10, 2, 1, -100, 1), (11, 2, 2, -100, 1), (12, 2, 3, 200, 1);
INSERT INTO pay.posting (id, txn, account, amount) VALUES (20, 5, 1, 300), (21, 5, 3, -300);
INSERT INTO pay.posting (id, txn, account, amount, reverses) VALUES (13, 3, 1, -100, 1), (14, 3, 2, 0, 1), (15, 3, 3, 100, 1);
INSERT INTO pay.posting (id, txn, account, amount, reverses) VALUES (13, 3, 1, -10, 5), (15, 3, 3, 10, 5);
INSERT INTO pay.posting (id, txn, account, amount, reverses) VALUES (13, 3, 1, -10, 77), (15, 3, 3, 10, 77);
SELECT CASE WHEN (SELECT count(*) FROM pay.posting WHERE txn = 3) > 0 THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
