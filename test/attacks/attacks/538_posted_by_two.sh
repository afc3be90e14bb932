#!/bin/bash
# id: 538
# role: app
# category: concurrency
# expect: must be blocked
# how: two sessions post the same transaction id at the same time, each balanced; and reverse the same transaction
# counter: ids are locked until the end, and looked up with what is committed then
. "$HERE/lib/common.sh"
[ "$TARGET" = paysafe ] || { echo N/A; exit; }
sq pay_owner <<'S'
CREATE TABLE pay.account (id int PRIMARY KEY, balance numeric NOT NULL DEFAULT 0, minimum numeric DEFAULT 0);
CREATE TABLE pay.posting (id int PRIMARY KEY, txn int, account int, amount numeric, currency text DEFAULT 'USD', reverses int, at timestamptz DEFAULT '2026-06-15');
CREATE INDEX ON pay.posting (txn);
CREATE INDEX ON pay.posting (reverses);
GRANT ALL ON pay.account, pay.posting TO pay_app;
SELECT paysafe.protect_ledger('pay.posting', 'txn', 'account', 'amount', 'currency', reverses_column => 'reverses', posting_date_column => 'at');
SELECT paysafe.protect_balance('pay.account', 'id', 'balance', 'pay.posting', 'minimum');
INSERT INTO pay.account VALUES (1, 0, 0), (2, 0, 0), (3, 0, -1000000), (4, 0, NULL);
INSERT INTO pay.posting VALUES (1, 1, 1, 100), (2, 1, 2, 100), (3, 1, 3, -200);
S
for s in 1 2; do
	sq pay_app <<S &
:AS_ALICE ;
SET lock_timeout = '5s';
BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pay.posting;
SELECT pg_sleep(0.$((3 * s)));
INSERT INTO pay.posting VALUES ($((100 * s)), 7, 1, -10), ($((100 * s + 1)), 7, 3, 10);
SELECT pg_sleep(0.6); COMMIT;
S
done
wait
for s in 1 2; do
	sq pay_app <<S &
:AS_ALICE ;
SET lock_timeout = '5s';
BEGIN; SELECT pg_sleep(0.$((3 * s)));
INSERT INTO pay.posting (id, txn, account, amount, reverses) VALUES ($((1000 * s)), $((20 + s)), 1, 10, 7), ($((1000 * s + 1)), $((20 + s)), 3, -10, 7);
SELECT pg_sleep(0.6); COMMIT;
S
done
wait
verdict "$(ask "select count(*) > 2 or (select count(distinct txn) from pay.posting where reverses = 7) > 1 from pay.posting where txn = 7")"
