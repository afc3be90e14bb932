#!/bin/bash
# id: 504
# role: app
# category: concurrency
# expect: must be blocked
# how: two halves below the threshold pass the gate in two sessions at the same time, at each isolation level
# counter: the gate's sum is taken under the payment's lock with a snapshot taken after it
. "$HERE/lib/common.sh"
sq pay_app <<'S'
:AS_ALICE ;
INSERT INTO pay.payment(id, amount) SELECT 950 + g, 5000 FROM generate_series(1, 3) g;
UPDATE pay.payment SET status = 'authorized' WHERE id > 950;
UPDATE pay.payment SET status = 'captured', captured_amount = 5000 WHERE id > 950;
INSERT INTO pay.refund(id, payment_id, amount) SELECT 150 + 10 * g + n, 950 + g, 800 FROM generate_series(1, 3) g, generate_series(1, 2) n;
S
n=0
for level in 'READ COMMITTED' 'REPEATABLE READ' 'SERIALIZABLE'; do
	n=$((n + 1))
	for half in 1 2; do
		sq pay_app <<S &
SET lock_timeout = '5s'; BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM pay.refund; SELECT pg_sleep(0.3 * ($half - 1));
UPDATE pay.refund SET status = 'approved' WHERE id = 150 + 10 * $n + $half; SELECT pg_sleep(0.6); COMMIT;
S
	done
done
wait
verdict "$(ask "select exists (select from pay.refund where payment_id > 950 and status = 'approved' group by payment_id having sum(amount) > 1000)")"
