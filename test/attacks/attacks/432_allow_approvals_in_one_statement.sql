-- id: 432
-- role: app
-- category: must-stay-allowed
-- expect: must stay allowed
-- how: two refunds of one payment, each approved, pass the gate in one UPDATE
-- counter: an approval is used by its own refund and by no other
:AS_ALICE ;
INSERT INTO pay.refund(id, payment_id, amount) VALUES (150, 5, 3000), (151, 5, 2000);
:AS_BOB ;
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (150, 3000, 'USD'), (151, 2000, 'USD');
:AS_ALICE ;
UPDATE pay.refund SET status = 'approved' WHERE id IN (150, 151);
SELECT CASE WHEN (SELECT count(*) FROM pay.refund WHERE id IN (150, 151) AND status = 'approved') = 2 THEN 'ALLOWED' ELSE 'BROKEN' END;
