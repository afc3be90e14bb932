-- id: 615
-- role: superuser
-- category: approval-binding
-- expect: must be blocked
-- how: an approval that bob has taken back is made one that is given alone: the owner allows broken glass by himself, a superuser writes the approval, the broken glass and its review; brings back what was taken back
-- counter: two people allow it, one breaks it with a passkey, another reviews it; own tables
\if `[ "$TARGET" = paysafe ] && echo true || echo false`
\c - pay_app
SET app.actor = 'alice';
INSERT INTO pay.refund(id, payment_id, amount) VALUES (70, 5, 3000);
SET app.actor = 'bob';
INSERT INTO pay.approval(refund_id, amount, currency, approver) VALUES (70, 3000, 'USD', 'bob');
\c - pay_super
SELECT max(id) AS given FROM paysafe.approval_record \gset
\c - pay_app
BEGIN;
SELECT paysafe.act_as('bob'), paysafe.withdraw_approval(:given, 'not this one');
COMMIT;
\c - pay_owner
BEGIN;
SELECT paysafe.act_as('alice'), paysafe.set_break_glass('pay.refund', '1 day', 'nights');
COMMIT;
\c - pay_super
INSERT INTO paysafe.approval_record SELECT id + 1000, relation, key, digest, 'alice', login, session_user_name, client_addr, reason, ticket, request_id, at, now() + interval '1 day',
	payment, amount, currency, rule, 'passkey', true FROM paysafe.approval_record WHERE id = :given;
INSERT INTO paysafe.break_glass_record SELECT id + 1000, relation, rule, key, 'alice', login, session_user_name, '{carol}', 'fire', 'T-1', at, now() + interval '1 day', 'none' FROM paysafe.approval_record WHERE id = :given;
INSERT INTO paysafe.break_glass_review VALUES (:given + 1000, 'right', 'bob', 'bob', 'bob', 'passkey', 'seen', NULL, now(), NULL);
UPDATE paysafe.approval_record SET alone = true, valid_until = now() + interval '1 day' WHERE id = :given;
DELETE FROM paysafe.approval_end WHERE approval = :given;
SET session_replication_role = replica;
DELETE FROM paysafe.approval_end WHERE approval = :given;
\c - pay_app
SET app.actor = 'alice';
UPDATE pay.refund SET status = 'approved' WHERE id = 70;
\c - pay_super
SELECT CASE WHEN (SELECT state FROM paysafe.approval WHERE id = :given) IS DISTINCT FROM 'withdrawn' THEN 'N/A'
            WHEN (SELECT status FROM pay.refund WHERE id = 70) = 'approved' OR EXISTS (SELECT FROM paysafe.break_glass_use) THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
