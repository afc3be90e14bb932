-- id: 530
-- role: owner
-- category: money
-- expect: must be blocked
-- how: the entry on the other side is rolled back to a savepoint, in a transaction that is prepared
-- counter: sums go with their subtransaction; PREPARE TRANSACTION checks like COMMIT
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
INSERT INTO pay.posting VALUES (10, 2, 1, 50);
SAVEPOINT s;
INSERT INTO pay.posting VALUES (11, 2, 3, -50);
ROLLBACK TO s;
PREPARE TRANSACTION 'half';
COMMIT PREPARED 'half';
BEGIN;
INSERT INTO pay.posting VALUES (12, 3, 1, 50);
SAVEPOINT s;
INSERT INTO pay.posting VALUES (13, 3, 3, -50);
ROLLBACK TO s;
COMMIT;
SELECT CASE WHEN (SELECT sum(amount) FROM pay.posting) <> 0 OR (SELECT balance FROM pay.account WHERE id = 1) <> 100 THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
