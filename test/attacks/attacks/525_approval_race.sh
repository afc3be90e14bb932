#!/bin/bash
# id: 525
# role: app
# category: concurrency
# expect: must be blocked
# how: one approval, two workers: the refund passes the gate, fails and is requested again while another session, with an older snapshot, is about to pass it too
# counter: whoever uses an approval locks it first and then looks with the newest snapshot
. "$HERE/lib/common.sh"
sq pay_app <<'S'
:AS_BOB ;
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (1, 5000, 'USD');
S
sq pay_app <<'S' &
:AS_ALICE ;
BEGIN; UPDATE pay.refund SET status = 'approved' WHERE id = 1;
\! : >$SAID/used
SELECT pg_sleep(0.8); COMMIT;
UPDATE pay.refund SET status = 'failed' WHERE id = 1;
UPDATE pay.refund SET status = 'requested' WHERE id = 1;
S
heard used
sq pay_app <<'S'
:AS_ALICE ;
SET lock_timeout = '5s';
BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pay.refund; SELECT pg_sleep(1.2);
UPDATE pay.refund SET status = 'approved', note = 'again' WHERE id = 1; COMMIT;
ROLLBACK;
UPDATE pay.refund SET status = 'approved', note = 'again' WHERE id = 1;
S
wait
verdict "$(ask "select status = 'approved' and note = 'again' from pay.refund where id = 1")"
