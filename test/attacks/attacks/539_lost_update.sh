#!/bin/bash
# id: 539
# role: app
# category: concurrency
# expect: must be blocked
# how: two sessions read a balance without a lock and write back what they computed in the application, by UPDATE, by upsert, and after a lock on another row
# counter: who has not locked the row writes what is computed from it
. "$HERE/lib/common.sh"
[ "$TARGET" = paysafe ] || { echo N/A; exit; }
sq pay_owner <<'S'
CREATE TABLE pay.purse (id int PRIMARY KEY, balance numeric NOT NULL);
INSERT INTO pay.purse VALUES (1, 100), (2, 100), (3, 100);
GRANT ALL ON pay.purse TO pay_app;
SELECT paysafe.protect_row_lock('pay.purse', '{balance}');
S
for s in 1 2; do
	sq pay_app <<S &
:AS_ALICE ;
SET lock_timeout = '5s';
BEGIN; SELECT balance AS seen FROM pay.purse WHERE id = 1 \\gset
SELECT pg_sleep(0.$((3 * s)));
UPDATE pay.purse SET balance = :seen + 10 WHERE id = 1; COMMIT;
ROLLBACK;
BEGIN; SELECT balance AS seen FROM pay.purse WHERE id = 2 \\gset
SELECT balance FROM pay.purse WHERE id = 3 FOR UPDATE;
INSERT INTO pay.purse VALUES (2, :seen + 10) ON CONFLICT (id) DO UPDATE SET balance = excluded.balance; COMMIT;
ROLLBACK;
S
done
wait
verdict "$(ask "select bool_or(balance <> 100) from pay.purse")"
