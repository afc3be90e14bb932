#!/bin/bash
# id: 585
# role: app
# category: approval-binding
# expect: must be blocked
# how: alice claims that a refund was paid, which is stored, and goes on from there to a status that needs approval: at once, by way of the start, in another partition, after settling it herself, after deleting it
# counter: a fact has not passed the gate; it is on record until somebody else settles it
. "$HERE/lib/common.sh"
[ "$TARGET" = paysafe ] || { echo N/A; exit; }
sq pay_owner <<'S'
CREATE TABLE pay.sale (id int PRIMARY KEY, captured numeric, currency text DEFAULT 'USD');
CREATE TABLE pay.cashback (id int, region int, sale int, amount numeric, currency text DEFAULT 'USD', status text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE pay.cashback_1 PARTITION OF pay.cashback FOR VALUES IN (1);
CREATE TABLE pay.cashback_2 PARTITION OF pay.cashback FOR VALUES IN (2);
CREATE INDEX ON pay.cashback (sale);
GRANT ALL ON pay.sale, pay.cashback TO pay_app;
SELECT paysafe.protect_status('pay.cashback', 'status', E'[*] --> requested\nrequested --> sent\nsent --> paid\npaid --> again\npaid --> requested\npaid --> void', recorded => '{paid}', deletable => '{void}'),
	paysafe.protect_refund('pay.cashback', 'pay.sale', 'sale', 'amount', 'currency', 'status', '{sent,paid,again}', '{void}', 'captured', 'currency', recorded => '{paid}'),
	paysafe.set_refund_threshold('pay.cashback', 'USD', 100);
INSERT INTO pay.sale SELECT i, 1000 FROM generate_series(1, 9) i;
S
sq pay_app >/dev/null 2>&1 <<'S'
BEGIN; SELECT paysafe.act_as('alice'); INSERT INTO pay.cashback VALUES (1, 1, 1, 900, 'USD', 'paid'), (2, 1, 2, 900, 'USD', 'paid'), (3, 1, 3, 900, 'USD', 'paid'), (4, 1, 4, 900, 'USD', 'paid'), (5, 1, 5, 900, 'USD', 'paid'); COMMIT;
BEGIN; SELECT paysafe.act_as('alice'); UPDATE pay.cashback SET status = 'again' WHERE id = 1; COMMIT;
BEGIN; SELECT paysafe.act_as('alice'); UPDATE pay.cashback SET status = 'requested' WHERE id = 2; COMMIT;
BEGIN; SELECT paysafe.act_as('alice'); UPDATE pay.cashback SET status = 'sent' WHERE id = 2; COMMIT;
BEGIN; SELECT paysafe.act_as('alice'); UPDATE pay.cashback SET region = 2 WHERE id = 3; COMMIT;
BEGIN; SELECT paysafe.act_as('alice'); UPDATE pay.cashback SET region = 1, status = 'again' WHERE id = 3; COMMIT;
BEGIN; SELECT paysafe.act_as('ALICE'); SELECT paysafe.settle_breach(id, 'mine') FROM generate_series(1, 99) id; COMMIT;
BEGIN; SELECT paysafe.act_as('alice'); UPDATE pay.cashback SET status = 'again' WHERE id = 4; COMMIT;
BEGIN; SELECT paysafe.act_as('alice'); UPDATE pay.cashback SET status = 'void' WHERE id = 5; COMMIT;
BEGIN; SELECT paysafe.act_as('alice'); DELETE FROM pay.cashback WHERE id = 5; COMMIT;
S
verdict "$(ask "select count(*) filter (where status in ('sent', 'again')) > 0 or count(*) <> 5 from pay.cashback")"
