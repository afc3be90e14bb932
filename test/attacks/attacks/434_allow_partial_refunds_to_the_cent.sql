-- id: 434
-- role: app
-- category: must-stay-allowed
-- expect: must stay allowed
-- how: a partial capture refunded in parts until nothing is left, a rejected one in between, several in one statement
-- counter: -
UPDATE pay.payment SET status = 'captured', captured_amount = 700.10 WHERE id = 3;
INSERT INTO pay.refund(id, payment_id, amount) VALUES (150, 3, 700.10);
UPDATE pay.refund SET status = 'rejected' WHERE id = 150;
INSERT INTO pay.refund(id, payment_id, amount) VALUES (151, 3, 300.05), (152, 3, 400);
WITH a AS (UPDATE pay.refund SET status = 'approved' WHERE id IN (151, 152) RETURNING 1)
INSERT INTO pay.refund(id, payment_id, amount) SELECT 153, 3, 0.05 FROM a LIMIT 1;
SELECT CASE WHEN (SELECT sum(amount) FROM pay.refund WHERE payment_id = 3 AND status <> 'rejected') = 700.10 THEN 'ALLOWED' ELSE 'BROKEN' END;
