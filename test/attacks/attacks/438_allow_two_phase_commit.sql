-- id: 438
-- role: app
-- category: must-stay-allowed
-- expect: must stay allowed
-- how: legal changes without an approval through PREPARE TRANSACTION; what is committed is audited, what is rolled back is not
-- counter: -
BEGIN;
UPDATE pay.payment SET status = 'authorized' WHERE id = 2;
UPDATE pay.wallet SET balance = balance + 1 WHERE id = 1;
PREPARE TRANSACTION 'good';
COMMIT PREPARED 'good';
BEGIN;
UPDATE pay.wallet SET balance = balance + 1 WHERE id = 2;
PREPARE TRANSACTION 'bad';
ROLLBACK PREPARED 'bad';
SELECT CASE WHEN (SELECT status FROM pay.payment WHERE id = 2) = 'authorized' AND (SELECT balance FROM pay.wallet WHERE id = 2) = 50
   AND (SELECT string_agg(pk, ',') FROM rt.audit_v WHERE table_name = 'wallet' AND op = 'UPDATE') = '1' THEN 'ALLOWED' ELSE 'BROKEN' END;
