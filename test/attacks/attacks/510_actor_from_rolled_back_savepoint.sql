-- id: 510
-- role: app
-- category: approval-binding
-- expect: must be blocked
-- how: bob is claimed in a savepoint that is rolled back; alice approves with what is left of him
-- counter: the claim is undone with its subtransaction
:AS_ALICE ;
BEGIN;
INSERT INTO pay.refund(id, payment_id, amount) VALUES (150, 5, 3000);
SAVEPOINT s;
:AS_BOB ;
UPDATE pay.wallet SET balance = balance WHERE id = 1;
ROLLBACK TO s;
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (150, 3000, 'USD');
COMMIT;
ROLLBACK;
UPDATE pay.refund SET status = 'approved' WHERE id = 150;
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 150) = 'approved' THEN 'BYPASSED' ELSE 'HELD' END;
