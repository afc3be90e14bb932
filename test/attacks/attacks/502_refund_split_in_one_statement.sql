-- id: 502
-- role: app
-- category: approval-binding
-- expect: must be blocked
-- how: 1600 split into two halves below the threshold, both passed in one statement: each row's check must see the other
-- counter: rolling sum over the payment's refunds, the statement's own rows included
:AS_ALICE ;
INSERT INTO pay.payment(id, amount) VALUES (950, 5000);
UPDATE pay.payment SET status = 'authorized' WHERE id = 950;
UPDATE pay.payment SET status = 'captured', captured_amount = 5000 WHERE id = 950;
INSERT INTO pay.refund(id, payment_id, amount) VALUES (150, 950, 800), (151, 950, 800);
UPDATE pay.refund SET status = 'approved' WHERE id IN (150, 151);
SELECT CASE WHEN (SELECT sum(amount) FROM pay.refund WHERE payment_id = 950 AND status = 'approved') > 1000 THEN 'BYPASSED' ELSE 'HELD' END;
