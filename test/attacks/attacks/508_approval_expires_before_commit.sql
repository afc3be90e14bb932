-- id: 508
-- role: app
-- category: approval-binding
-- expect: must be blocked
-- how: the approval is good at the UPDATE and has expired at COMMIT
-- counter: checked again before the transaction commits
:AS_BOB ;
INSERT INTO pay.approval(refund_id, amount, currency, expires_at) VALUES (1, 5000, 'USD', (clock_timestamp() AT TIME ZONE 'UTC') + interval '1 second');
:AS_ALICE ;
BEGIN;
UPDATE pay.refund SET status = 'approved' WHERE id = 1;
SELECT pg_sleep(1.2);
COMMIT;
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 1) = 'approved' THEN 'BYPASSED' ELSE 'HELD' END;
