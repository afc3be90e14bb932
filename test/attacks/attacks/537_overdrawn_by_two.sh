#!/bin/bash
# id: 537
# role: app
# category: concurrency
# expect: must be blocked
# how: two sessions at each isolation level see 100 on an account and take 60 each
# counter: the account row is locked, and what is committed then counts
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
n=100
for level in 'READ COMMITTED' 'REPEATABLE READ' SERIALIZABLE; do
	n=$((n + 10))
	for s in 1 2; do
		sq pay_app <<S &
:AS_ALICE ;
SET lock_timeout = '5s';
BEGIN ISOLATION LEVEL $level; SELECT balance FROM pay.account;
SELECT pg_sleep(0.$((3 * s)));
INSERT INTO pay.posting VALUES ($((n + 2 * s)), $((n + s)), 1, -60), ($((n + 2 * s + 1)), $((n + s)), 2, 60);
SELECT pg_sleep(0.6); COMMIT;
S
	done
	wait
done
wait
verdict "$(ask "select bool_or(balance < minimum or balance <> (select sum(amount) from pay.posting p where p.account = a.id)) from pay.account a where id < 4")"
