#!/bin/bash
# id: 613
# role: app
# category: concurrency
# expect: must be blocked
# how: two cards of one user at the same time where a third is one too many, under REPEATABLE READ, in two tables of a partition tree
# counter: a lock for each key, and what is committed now
. "$HERE/lib/common.sh"
if [ "$TARGET" != paysafe ]; then echo N/A; exit; fi
sq pay_owner <<'S'
CREATE TABLE pay.card_use (id int, region text, who int, card text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE pay.card_use_us PARTITION OF pay.card_use FOR VALUES IN ('us');
CREATE TABLE pay.card_use_eu PARTITION OF pay.card_use FOR VALUES IN ('eu');
SELECT paysafe.protect_velocity('pay.card_use', 'who', 2, '1 day', 'values', 'card', mode => 'refuse');
INSERT INTO pay.card_use VALUES (1, 'us', 7, 'a');
GRANT ALL ON pay.card_use TO pay_app;
S
sq pay_app <<'S' &
BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pay.card_use; INSERT INTO pay.card_use VALUES (2, 'us', 7, 'b'); SELECT pg_sleep(1.2); COMMIT;
S
sleep 0.4
sq pay_app <<'S'
SET lock_timeout='5s'; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pay.card_use; INSERT INTO pay.card_use VALUES (3, 'eu', 7, 'c'); COMMIT;
S
wait
verdict "$(ask "select count(distinct card) > 2 from pay.card_use where who = 7")"
