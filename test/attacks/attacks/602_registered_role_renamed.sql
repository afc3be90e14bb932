-- id: 602
-- role: superuser
-- category: identity
-- expect: must be blocked
-- how: an approver's role is renamed away and the requester's own role put in its place; he requests as one and approves as the other
-- counter: a registered login is a role, not its name; neither acts until two people have confirmed it
:ENROL ;
\c - alice
INSERT INTO pay.refund(id, payment_id, amount) VALUES (70, 5, 3000);
\c - pay_super
ALTER ROLE bob RENAME TO rt_bob;
ALTER ROLE alice RENAME TO bob;
\c - bob
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (70, 3000, 'USD');
\c - rt_bob
INSERT INTO pay.approval(refund_id, amount, currency, approver) VALUES (70, 3000, 'USD', 'bob');
\c - pay_super
ALTER ROLE bob RENAME TO alice;
ALTER ROLE rt_bob RENAME TO bob;
\c - alice
UPDATE pay.refund SET status = 'approved' WHERE id = 70;
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 70) = 'approved' THEN 'BYPASSED' ELSE 'HELD' END;
