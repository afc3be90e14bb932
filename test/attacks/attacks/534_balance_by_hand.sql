-- id: 534
-- role: owner
-- category: money
-- expect: must be blocked
-- how: a balance is written by UPDATE, upsert, MERGE, a CTE, opening an account with one, deleting and opening again, another key, and taking the minimum away
-- counter: a balance changes by entries only
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
CREATE VIEW pay.account_view AS SELECT * FROM pay.account;
GRANT ALL ON pay.account_view TO pay_app;
\c - pay_app
:AS_ALICE ;
UPDATE pay.account SET balance = balance + 1 WHERE id = 1;
UPDATE pay.account_view SET balance = 999 WHERE id = 1;
INSERT INTO pay.account VALUES (1, 900, 0) ON CONFLICT (id) DO UPDATE SET balance = excluded.balance;
MERGE INTO pay.account a USING (VALUES (1)) v (id) ON v.id = a.id WHEN MATCHED THEN UPDATE SET balance = 900;
WITH x AS (UPDATE pay.account SET balance = 900 WHERE id = 1 RETURNING 1) SELECT * FROM x;
INSERT INTO pay.account VALUES (9, 900, 0);
UPDATE pay.account SET id = 19 WHERE id = 3;
DELETE FROM pay.account WHERE id = 3;
INSERT INTO pay.account VALUES (3, 0, -1000000);
UPDATE pay.account SET minimum = NULL WHERE id = 1;
TRUNCATE pay.account;
SELECT CASE WHEN (SELECT array_agg(balance ORDER BY id) FROM pay.account) <> '{100,100,-200,0}' OR
	(SELECT count(*) FROM pay.account WHERE minimum IS NULL) <> 1 THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
