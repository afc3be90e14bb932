-- id: 433
-- role: app
-- category: must-stay-allowed
-- expect: must stay allowed
-- how: the transition that used the approval is rolled back (savepoint, then the transaction); the approval is still good
-- counter: using it is part of the transaction
:AS_BOB ;
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (1, 5000, 'USD');
:AS_ALICE ;
BEGIN;
SAVEPOINT s;
UPDATE pay.refund SET status = 'approved' WHERE id = 1;
ROLLBACK TO s;
UPDATE pay.refund SET status = 'approved' WHERE id = 1;
ROLLBACK;
UPDATE pay.refund SET status = 'approved' WHERE id = 1;
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 1) = 'approved' THEN 'ALLOWED' ELSE 'BROKEN' END;
