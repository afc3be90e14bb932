-- id: 440
-- role: app
-- category: must-stay-allowed
-- expect: must stay allowed
-- how: between approval and gate an ORM saves the whole row, the same amount written with two decimals; then the gate is passed the same way
-- counter: numbers are compared as numbers
:AS_BOB ;
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (1, 5000, 'USD');
:AS_ALICE ;
UPDATE pay.refund SET payment_id = 5, amount = 5000.00, currency = 'USD', status = 'requested', requested_by = 'alice', note = 'checked' WHERE id = 1;
UPDATE pay.refund SET payment_id = 5, amount = 5000.00, currency = 'USD', status = 'approved', requested_by = 'alice', note = 'go' WHERE id = 1;
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 1) = 'approved' THEN 'ALLOWED' ELSE 'BROKEN' END;
