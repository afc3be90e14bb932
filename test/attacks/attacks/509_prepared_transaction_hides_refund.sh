#!/bin/bash
# id: 509
# role: app
# category: concurrency
# expect: must be blocked
# how: a prepared transaction holds a refund that no snapshot sees; the next refund's sum leaves it out
# counter: the lock on the payment outlives PREPARE
. "$HERE/lib/common.sh"
sq pay_app <<'S'
BEGIN; INSERT INTO pay.refund(id, payment_id, amount) VALUES (150, 1, 600); PREPARE TRANSACTION 'hidden';
SET lock_timeout = '1s';
INSERT INTO pay.refund(id, payment_id, amount) VALUES (151, 1, 600);
COMMIT PREPARED 'hidden';
S
verdict "$(ask "select sum(amount) > 1000 from pay.refund where payment_id = 1")"
