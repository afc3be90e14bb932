-- id: 431
-- role: app
-- category: must-stay-allowed
-- expect: must stay allowed
-- how: the way it is meant: one person requests a big refund, another approves it, the first goes on
-- counter: -
:AS_ALICE ;
INSERT INTO pay.refund(id, payment_id, amount) VALUES (150, 5, 3000);
:AS_BOB ;
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (150, 3000, 'USD');
:AS_ALICE ;
UPDATE pay.refund SET status = 'approved' WHERE id = 150;
UPDATE pay.refund SET status = 'processed', note = 'sent' WHERE id = 150;
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 150) = 'processed' THEN 'ALLOWED' ELSE 'BROKEN' END;
