-- id: 609
-- role: app
-- category: approval-binding
-- expect: must be blocked
-- how: bob approves outside the hours in which it may be: under another TimeZone, in advance, before the hours were set, in a transaction that is kept open
-- counter: the clock, in the time zone of the declaration, when the approval was given
\if `[ "$TARGET" = paysafe ] && echo true || echo false`
\c - pay_owner
SELECT to_char((clock_timestamp() + '3 days') AT TIME ZONE 'UTC', 'Dy') AS far \gset
\c - pay_app
:AS_ALICE ;
INSERT INTO pay.refund(id, payment_id, amount) VALUES (70, 5, 3000);
SET app.actor = 'bob';
INSERT INTO pay.approval(refund_id, amount, currency, approver) VALUES (70, 3000, 'USD', 'bob');
\c - pay_owner
SELECT paysafe.set_refund_threshold('pay.refund', 'USD', 2500, band => 'day', approved_during => :'far' || ' 00:00-24:00 UTC');
\c - pay_app
SET app.actor = 'bob';
SET TimeZone = 'UTC+72';
INSERT INTO pay.approval(refund_id, amount, currency, approver) VALUES (70, 3000, 'USD', 'bob');
SET TimeZone = 'UTC-72';
INSERT INTO pay.approval(refund_id, amount, currency, approver) VALUES (70, 3000, 'USD', 'bob');
BEGIN;
SELECT paysafe.act_as('bob');
SELECT paysafe.approve_refund('pay.refund', '5', 3000, 'USD', 'x');
COMMIT;
BEGIN;
SELECT paysafe.act_as('bob');
SELECT paysafe.approve_refund('pay.refund', '5', 1, 'USD', 'x');
COMMIT;
SET app.actor = 'alice';
UPDATE pay.refund SET status = 'approved' WHERE id = 70;
SELECT CASE WHEN NOT EXISTS (SELECT FROM paysafe.approval_limit WHERE band = 'day') THEN 'N/A'
            WHEN (SELECT status FROM pay.refund WHERE id = 70) = 'approved' THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
