-- id: 603
-- role: superuser
-- category: identity
-- expect: must be blocked
-- how: a superuser becomes two people, one after the other, by SET SESSION AUTHORIZATION and SET ROLE, with and without the application's claim
-- counter: the role that logged in counts; who has become a registered person's role changes nothing
:ENROL ;
SET SESSION AUTHORIZATION alice;
INSERT INTO pay.refund(id, payment_id, amount) VALUES (70, 5, 3000);
RESET SESSION AUTHORIZATION;
SET ROLE alice;
INSERT INTO pay.refund(id, payment_id, amount) VALUES (70, 5, 3000);
RESET ROLE;
SET SESSION AUTHORIZATION bob;
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (70, 3000, 'USD');
RESET SESSION AUTHORIZATION;
SET ROLE bob;
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (70, 3000, 'USD');
RESET ROLE;
UPDATE pay.refund SET status = 'approved' WHERE id = 70;
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 70) = 'approved' THEN 'BYPASSED' ELSE 'HELD' END;
