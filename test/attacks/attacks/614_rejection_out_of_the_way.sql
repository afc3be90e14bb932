-- id: 614
-- role: superuser
-- category: approval-binding
-- expect: must be blocked
-- how: bob has said no: who asked for it and somebody else take that back, each alone; owner and superuser end, delete, change and empty what is on record of it; then mallory approves
-- counter: one no counts more than any number of approvals; whose it is takes it back, or two others together; own tables
\if `[ "$TARGET" = paysafe ] && echo true || echo false`
GRANT EXECUTE ON FUNCTION paysafe.reject, paysafe.withdraw_rejection TO pay_app;
\c - pay_app
SET app.actor = 'alice';
INSERT INTO pay.refund(id, payment_id, amount) VALUES (70, 5, 3000);
BEGIN;
SELECT paysafe.act_as('bob');
SELECT paysafe.reject('pay.refund', '70', 'nothing has come back') AS no \gset
COMMIT;
BEGIN;
SELECT paysafe.act_as('alice'), paysafe.withdraw_rejection(:no, 'it has');
COMMIT;
BEGIN;
SELECT paysafe.act_as('mallory'), paysafe.withdraw_rejection(:no, 'it has');
COMMIT;
BEGIN;
SELECT paysafe.act_as('MALLORY'), paysafe.withdraw_rejection(:no, 'it has');
COMMIT;
\c - pay_owner
INSERT INTO paysafe.rejection_end VALUES (:no, 'bob', 'bob', 'it has', now());
\c - pay_super
INSERT INTO paysafe.rejection_end VALUES (:no, 'bob', 'bob', 'it has', now());
UPDATE paysafe.rejection_record SET key = '71', scope = '71' WHERE id = :no;
ALTER TABLE paysafe.rejection_record DISABLE TRIGGER ALL;
DELETE FROM paysafe.rejection_record WHERE id = :no;
TRUNCATE paysafe.rejection_record, paysafe.rejection_end;
SET session_replication_role = replica;
DELETE FROM paysafe.rejection_record WHERE id = :no;
\c - pay_app
SET app.actor = 'mallory';
INSERT INTO pay.approval(refund_id, amount, currency, approver) VALUES (70, 3000, 'USD', 'mallory');
SET app.actor = 'carol';
INSERT INTO pay.approval(refund_id, amount, currency, approver) VALUES (70, 3000, 'USD', 'carol');
SET app.actor = 'alice';
UPDATE pay.refund SET status = 'approved' WHERE id = 70;
\c - pay_super
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 70) = 'approved' THEN 'BYPASSED'
            WHEN NOT EXISTS (SELECT FROM paysafe.rejection WHERE id = :no) THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
