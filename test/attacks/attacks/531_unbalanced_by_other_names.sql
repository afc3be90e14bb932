-- id: 531
-- role: owner
-- category: money
-- expect: must be blocked
-- how: sums that look like zero: NaN, Infinity against -Infinity, another currency, fractions of a cent; USD in other letters is USD, and another transaction
-- counter: amounts are finite and at the scale; sums are per currency as stored
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
INSERT INTO pay.posting VALUES (10, 2, 4, 'NaN'), (11, 2, 3, 'NaN');
INSERT INTO pay.posting VALUES (10, 2, 4, 'Infinity'), (11, 2, 3, '-Infinity');
INSERT INTO pay.posting VALUES (10, 2, 4, 50, 'USD'), (11, 2, 3, -50, 'JPY');
INSERT INTO pay.posting VALUES (10, 2, 4, 50, 'USD'), (11, 2, 3, -50.01, 'usd');
INSERT INTO pay.posting VALUES (10, 2, 4, 0.004, 'USD'), (11, 2, 3, -0.004, 'USD');
SELECT CASE WHEN (SELECT count(*) FROM pay.posting) <> 3 THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
