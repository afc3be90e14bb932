-- id: 506
-- role: app
-- category: approval-binding
-- expect: must be blocked
-- how: one approval, one transaction: used in a savepoint, used again in nested ones, rolled back and released in turn
-- counter: use is recorded in the transaction, in the subtransaction that made it
:AS_BOB ;
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (1, 5000, 'USD');
:AS_ALICE ;
BEGIN;
SAVEPOINT a;
UPDATE pay.refund SET status = 'approved' WHERE id = 1;
SAVEPOINT b;
UPDATE pay.refund SET status = 'failed' WHERE id = 1;
UPDATE pay.refund SET status = 'requested', note = 'again' WHERE id = 1;
RELEASE b;
SAVEPOINT c;
SAVEPOINT d;
UPDATE pay.refund SET status = 'approved' WHERE id = 1;
RELEASE d;
RELEASE c;
COMMIT;
ROLLBACK;
SELECT CASE WHEN (SELECT status = 'approved' AND note = 'again' FROM pay.refund WHERE id = 1) THEN 'BYPASSED' ELSE 'HELD' END;
