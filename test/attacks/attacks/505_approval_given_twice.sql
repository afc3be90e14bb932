-- id: 505
-- role: app
-- category: approval-binding
-- expect: must be blocked
-- how: bob presses "approve" twice (double click); the refund fails, and its second attempt uses what the first left over
-- counter: approvals of the same state given before it was used end with it
:AS_BOB ;
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (1, 5000, 'USD');
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (1, 5000, 'USD');
:AS_ALICE ;
UPDATE pay.refund SET status = 'approved' WHERE id = 1;
UPDATE pay.refund SET status = 'failed' WHERE id = 1;
UPDATE pay.refund SET status = 'requested', note = 'new IBAN' WHERE id = 1;
UPDATE pay.refund SET status = 'approved' WHERE id = 1;
SELECT CASE WHEN (SELECT status = 'approved' AND note = 'new IBAN' FROM pay.refund WHERE id = 1) THEN 'BYPASSED' ELSE 'HELD' END;
