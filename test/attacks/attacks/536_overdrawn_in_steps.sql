-- id: 536
-- role: owner
-- category: money
-- expect: must be blocked
-- how: an account is emptied below its minimum in two statements of one transaction, by a pair of entries of which the first pays in, around a reservation, and with the same reservation posted twice
-- counter: the minimum holds after each statement; a reservation ends once and its entries must come
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
BEGIN;
INSERT INTO pay.posting VALUES (10, 2, 1, -100), (11, 2, 2, 100);
INSERT INTO pay.posting VALUES (12, 3, 1, -1), (13, 3, 2, 1);
COMMIT;
ROLLBACK;
INSERT INTO pay.posting VALUES (14, 4, 1, 50), (15, 4, 1, -151), (16, 4, 2, 101);
SELECT paysafe.reserve('pay.account', '1', 90) AS id \gset
INSERT INTO pay.posting VALUES (17, 5, 1, -20), (18, 5, 2, 20);
SELECT paysafe.post_reservation(:id);
BEGIN;
SELECT paysafe.post_reservation(:id, 90);
SAVEPOINT s;
INSERT INTO pay.posting VALUES (19, 6, 1, -90), (20, 6, 2, 90);
ROLLBACK TO s;
COMMIT;
BEGIN;
SELECT paysafe.post_reservation(:id, 90);
INSERT INTO pay.posting VALUES (21, 7, 1, -90), (22, 7, 2, 90);
COMMIT;
SELECT paysafe.post_reservation(:id, 90);
INSERT INTO pay.posting VALUES (23, 8, 1, -20), (24, 8, 2, 20);
SELECT CASE WHEN (SELECT min(balance) FROM pay.account WHERE id = 1) <> 10 THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
