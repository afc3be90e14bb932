-- id: 533
-- role: owner
-- category: money
-- expect: must be blocked
-- how: entries that balance are added to a transaction that is posted, in a later transaction, by COPY and by a CTE; and in a period that is closed, through a time zone
-- counter: a posted id is closed; days are counted in UTC
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
BEGIN;
SELECT paysafe.act_as('carol');
SELECT paysafe.approve('paysafe.rule', 'period of pay.posting, version 1: {"until": "2026-05-31", "time_zone": "UTC"}', 'agreed');
SELECT paysafe.act_as('dave');
SELECT paysafe.close_period('pay.posting', '2026-05-31');
COMMIT;
\c - pay_app
:AS_ALICE ;
INSERT INTO pay.posting VALUES (10, 1, 1, 50), (11, 1, 3, -50);
WITH x AS (INSERT INTO pay.posting VALUES (12, 1, 1, 50) RETURNING 1) INSERT INTO pay.posting SELECT 13, 1, 3, -50 FROM x;
COPY pay.posting (id, txn, account, amount) FROM stdin;
14	1	1	50
15	1	3	-50
\.
SET timezone = 'America/New_York';
INSERT INTO pay.posting (id, txn, account, amount, at) VALUES (16, 4, 1, 5, '2026-06-01 00:00+02'), (17, 4, 3, -5, '2026-06-01 00:00+02');
SELECT CASE WHEN (SELECT count(*) FROM pay.posting) <> 3 THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
