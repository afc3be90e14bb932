-- id: 461
-- role: superuser
-- category: must-stay-allowed
-- expect: must stay allowed
-- how: alice requests and bob, registered both, approves over his own login, after settings of his role were changed
-- counter: -
:ENROL ;
ALTER ROLE bob SET work_mem = '1MB';
\c - alice
INSERT INTO pay.refund(id, payment_id, amount) VALUES (70, 5, 3000);
\c - bob
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (70, 3000, 'USD');
\c - alice
UPDATE pay.refund SET status = 'approved' WHERE id = 70;
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 70) = 'approved' THEN 'ALLOWED' ELSE 'BROKEN' END;
