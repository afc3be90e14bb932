#!/bin/bash
# id: 435
# role: app
# category: must-stay-allowed
# expect: must stay allowed
# how: two ORM saves of one row at the same time; both write every column, neither changes the status
# counter: a status that nobody changed has not been changed concurrently
. "$HERE/lib/common.sh"
sq pay_app <<'S' &
BEGIN; UPDATE pay.payment SET customer = 'a', status = 'captured', amount = 1000, currency = 'USD', captured_amount = 1000 WHERE id = 1;
\! : >$SAID/saved
SELECT pg_sleep(1); COMMIT;
S
heard saved
sq pay_app <<'S'
SET lock_timeout = '60s'; UPDATE pay.payment SET note = 'b', status = 'captured', amount = 1000, currency = 'USD', captured_amount = 1000 WHERE id = 1;
S
wait
[ "$(ask "select customer || note from pay.payment where id = 1")" = ab ] && echo ALLOWED || echo BROKEN
