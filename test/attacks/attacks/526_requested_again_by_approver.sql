-- id: 526
-- role: app
-- category: approval-binding
-- expect: must be blocked
-- how: alice's refund was approved by bob and failed; bob requests it again with another payee, approves that himself and sends it: one person decides
-- counter: whoever brings a refund back is a requester too
:AS_BOB ;
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (1, 5000, 'USD');
:AS_ALICE ;
UPDATE pay.refund SET status = 'approved' WHERE id = 1;
UPDATE pay.refund SET status = 'failed' WHERE id = 1;
:AS_BOB ;
UPDATE pay.refund SET status = 'requested', note = 'IBAN of bob' WHERE id = 1;
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (1, 5000, 'USD');
UPDATE pay.refund SET status = 'approved' WHERE id = 1;
SELECT CASE WHEN (SELECT status = 'approved' AND note = 'IBAN of bob' FROM pay.refund WHERE id = 1) THEN 'BYPASSED' ELSE 'HELD' END;
