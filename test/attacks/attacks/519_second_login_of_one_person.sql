-- id: 519
-- role: app
-- category: identity
-- expect: must be blocked
-- how: alice requests over the service login without saying who she is, then approves as herself over another login
-- counter: who did not say who acted cannot be shown to be another person, whatever the login
:AS_NOBODY ;
INSERT INTO pay.refund(id, payment_id, amount) VALUES (150, 5, 3000);
\c - pay_app2
:AS_ALICE ;
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (150, 3000, 'USD');
\c - pay_app
:AS_ALICE ;
UPDATE pay.refund SET status = 'approved' WHERE id = 150;
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 150) = 'approved' THEN 'BYPASSED' ELSE 'HELD' END;
