#!/bin/bash
# id: 584
# role: app
# category: approval-binding
# expect: must be blocked
# how: bob approves one refund of a payment before its row is there; two sessions of alice's add one each, at each isolation level; then more, another payment, the payment deleted and made again, and bob himself
# counter: the payment's row and the approval are locked; an approval is of a payment's life and an amount
. "$HERE/lib/common.sh"
[ "$TARGET" = paysafe ] || { echo N/A; exit; }
sq pay_owner <<'S'
CREATE TABLE pay.sale (id int PRIMARY KEY, captured numeric, currency text DEFAULT 'USD');
CREATE TABLE pay.cashback (id int PRIMARY KEY, sale int, amount numeric, currency text DEFAULT 'USD', status text);
CREATE INDEX ON pay.cashback (sale);
GRANT ALL ON pay.sale, pay.cashback TO pay_app;
SELECT paysafe.protect_status('pay.cashback', 'status', E'[*] --> sent\nsent --> void'),
	paysafe.protect_refund('pay.cashback', 'pay.sale', 'sale', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency'),
	paysafe.set_refund_threshold('pay.cashback', 'USD', 100);
INSERT INTO pay.sale SELECT i, 10000 FROM generate_series(1, 9) i;
S
approve() { sq pay_app <<<"BEGIN; SELECT paysafe.act_as('bob'), paysafe.approve_refund('pay.cashback', '$1', 400, 'USD', 'fine'); COMMIT;" >/dev/null; }
n=0
for level in 'READ COMMITTED' 'REPEATABLE READ' SERIALIZABLE; do
	n=$((n + 1))
	approve $n
	for s in 1 2; do
		sq pay_app >/dev/null 2>&1 <<S &
SET lock_timeout = '5s';
BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM pay.cashback; SELECT paysafe.act_as('alice');
SELECT pg_sleep(0.$((3 * s)));
INSERT INTO pay.cashback VALUES ($((10 * n + s)), $n, 400, 'USD', 'sent');
SELECT pg_sleep(0.6); COMMIT;
S
	done
	wait
done
approve 4; approve 5; approve 6; approve 7
sq pay_app >/dev/null 2>&1 <<'S'
BEGIN; SELECT paysafe.act_as('alice'); INSERT INTO pay.cashback VALUES (101, 4, 400.01, 'USD', 'sent'); COMMIT;
BEGIN; SELECT paysafe.act_as('alice'); INSERT INTO pay.cashback VALUES (102, 9, 400, 'USD', 'sent'); COMMIT;
DELETE FROM pay.sale WHERE id = 5; INSERT INTO pay.sale VALUES (5, 10000);
BEGIN; SELECT paysafe.act_as('alice'); INSERT INTO pay.cashback VALUES (103, 5, 400, 'USD', 'sent'); COMMIT;
BEGIN; SELECT paysafe.act_as('Bob'); INSERT INTO pay.cashback VALUES (104, 6, 400, 'USD', 'sent'); COMMIT;
BEGIN; INSERT INTO pay.cashback VALUES (105, 7, 400, 'USD', 'sent'); COMMIT;
BEGIN; SELECT paysafe.act_as('alice'); INSERT INTO pay.cashback VALUES (106, 7, 200, 'USD', 'sent'), (107, 7, 200, 'USD', 'sent'); COMMIT;
S
verdict "$(ask "select count(*) filter (where id > 100) > 0 or (select count(*) filter (where id < 100) from pay.cashback) <> 3 from pay.cashback")"
