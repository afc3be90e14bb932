-- id: 507
-- role: app
-- category: approval-binding
-- expect: must be blocked
-- how: the approved transition is prepared while the approval is good and committed after it has expired
-- counter: a transaction that used an approval cannot be prepared
:AS_BOB ;
INSERT INTO pay.approval(refund_id, amount, currency, expires_at) VALUES (1, 5000, 'USD', (clock_timestamp() AT TIME ZONE 'UTC') + interval '1 second');
:AS_ALICE ;
BEGIN;
UPDATE pay.refund SET status = 'approved' WHERE id = 1;
PREPARE TRANSACTION 'later';
ROLLBACK;
SELECT pg_sleep(1.2);
COMMIT PREPARED 'later';
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 1) = 'approved' THEN 'BYPASSED' ELSE 'HELD' END;
