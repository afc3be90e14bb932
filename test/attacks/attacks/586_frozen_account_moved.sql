-- id: 586
-- role: owner
-- category: money
-- expect: must be blocked
-- how: a frozen account is emptied and a closed one filled, by entries in one statement with a change of status, by COPY, around a savepoint, through a new account of the same key, by an approval of one's own, and by a reservation from before
-- counter: status and movement exclude each other under the account's lock; a closed account stays, and two open it
\if `[ "$TARGET" = paysafe ] && echo true || echo false`
CREATE TABLE pay.account (id int PRIMARY KEY, balance numeric NOT NULL DEFAULT 0, minimum numeric DEFAULT 0, maximum numeric, status text DEFAULT 'open');
CREATE TABLE pay.posting (id int PRIMARY KEY, txn int, account int, amount numeric, currency text DEFAULT 'USD');
CREATE INDEX ON pay.posting (txn);
GRANT ALL ON pay.account, pay.posting TO pay_app;
SELECT paysafe.protect_ledger('pay.posting', 'txn', 'account', 'amount', 'currency');
SELECT paysafe.protect_balance('pay.account', 'id', 'balance', 'pay.posting', 'minimum', maximum_column => 'maximum',
							   status_column => 'status', frozen => '{frozen}', closed => '{closed}');
INSERT INTO pay.account VALUES (1, 0, 0, NULL), (2, 0, 0, NULL), (3, 0, -1000000, NULL), (4, 0, NULL, NULL), (5, 0, 0, 50), (6, 0, 0, NULL), (7, 0, NULL, NULL);
INSERT INTO pay.posting VALUES (1, 1, 1, 100), (2, 1, 2, 100), (3, 1, 3, -200);
SELECT paysafe.reserve('pay.account', '1', 60) AS id \gset
UPDATE pay.account SET status = 'frozen' WHERE id = 1;
UPDATE pay.account SET status = 'closed' WHERE id IN (6, 7);
\c - pay_app
:AS_ALICE ;
BEGIN;
SELECT paysafe.post_reservation(:id);
INSERT INTO pay.posting VALUES (10, 2, 1, -60), (11, 2, 2, 60);
COMMIT;
ROLLBACK;
WITH p AS (UPDATE pay.account SET status = 'closed' WHERE id = 2 RETURNING 1) INSERT INTO pay.posting SELECT 12 + i, 3, 2 + i, i * 20 - 10 FROM generate_series(0, 1) i, p;
BEGIN;
SAVEPOINT s;
INSERT INTO pay.posting VALUES (14, 4, 6, 10), (15, 4, 3, -10);
ROLLBACK TO s;
INSERT INTO pay.posting VALUES (16, 5, 7, 10), (17, 5, 3, -10);
COMMIT;
ROLLBACK;
COPY pay.posting (id, txn, account, amount) FROM stdin;
18	6	1	-10
19	6	6	10
\.
DELETE FROM pay.account WHERE id = 6;
INSERT INTO pay.account VALUES (6, 0, 0) ON CONFLICT (id) DO UPDATE SET status = 'open';
UPDATE pay.account SET status = NULL WHERE id = 6;
UPDATE pay.account SET status = 'frozen' WHERE id = 7;
BEGIN;
SELECT paysafe.approve('pay.account', '6', 'mine');
UPDATE pay.account SET status = 'open' WHERE id = 6;
COMMIT;
ROLLBACK;
UPDATE pay.account SET id = 8 WHERE id = 6;
BEGIN;
INSERT INTO pay.posting VALUES (20, 7, 5, 40), (21, 7, 2, -40);
INSERT INTO pay.posting VALUES (22, 8, 5, 20), (23, 8, 2, -20);
COMMIT;
ROLLBACK;
SELECT CASE WHEN (SELECT balance FROM pay.account WHERE id = 1) <> 100 OR (SELECT max(balance) FROM pay.account WHERE id IN (5, 6)) > 50
	OR EXISTS (SELECT FROM pay.posting WHERE account IN (6, 7)) OR (SELECT count(*) FROM pay.account WHERE id IN (6, 7) AND status = 'closed') <> 2 THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
