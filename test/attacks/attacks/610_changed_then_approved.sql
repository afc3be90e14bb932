-- id: 610
-- role: owner
-- category: approval-binding
-- expect: must be blocked
-- how: the approver says first to whom the money goes, and approves that; the requester, or a worker, sends it
-- counter: requester = everyone who wrote what is approved
ALTER TABLE pay.refund ADD COLUMN payee text;
:AS_BOB ;
UPDATE pay.refund SET payee = 'bob' WHERE id = 1;
INSERT INTO pay.approval(refund_id, amount, currency, expires_at) VALUES (1, 5000, 'USD', now() + interval '1 hour');
:AS_ALICE ;
UPDATE pay.refund SET status = 'approved' WHERE id = 1;
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 1) = 'approved' THEN 'BYPASSED' ELSE 'HELD' END;
