-- id: 439
-- role: app
-- category: must-stay-allowed
-- expect: must stay allowed
-- how: two people with logins of their own (psql, no web application): one requests, the other approves
-- counter: -
\c - alice
INSERT INTO pay.refund(id, payment_id, amount) VALUES (150, 5, 3000);
\c - bob
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (150, 3000, 'USD');
\c - alice
UPDATE pay.refund SET status = 'approved' WHERE id = 150;
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 150) = 'approved' THEN 'ALLOWED' ELSE 'BROKEN' END;
