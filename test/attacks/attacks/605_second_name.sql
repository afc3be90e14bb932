-- id: 605
-- role: app
-- category: identity
-- expect: must be blocked
-- how: one person whom the application knows under two names requests as one and approves as the other; over her own login, too
-- counter: all names that were ever registered as one person's are one
\c - pay_super
:ENROL ;
\c - pay_app
:AS_ALICE ;
INSERT INTO pay.refund(id, payment_id, amount) VALUES (70, 5, 3000);
SET app.actor = 'Alice M.';
INSERT INTO pay.approval(refund_id, amount, currency, approver) VALUES (70, 3000, 'USD', 'Alice M.');
\c - alice
SET app.actor = 'somebody else';
INSERT INTO pay.approval(refund_id, amount, currency, approver) VALUES (70, 3000, 'USD', 'somebody else');
RESET app.actor;
UPDATE pay.refund SET status = 'approved' WHERE id = 70;
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 70) = 'approved' THEN 'BYPASSED' ELSE 'HELD' END;
