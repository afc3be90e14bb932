-- id: 608
-- role: superuser
-- category: identity
-- expect: must be blocked
-- how: two approvers are asked for, and bob alone may approve: he approves, and lets carol approve in his place; requests another one, and lets her approve that; she lets mallory
-- counter: who stands for somebody is one voice with them, approves nothing that they have asked for, and does not pass it on
\if `[ "$TARGET" = paysafe ] && echo true || echo false`
:ENROL ;
GRANT EXECUTE ON FUNCTION paysafe.delegate_approval, paysafe.add_person, paysafe.add_to_group, paysafe.propose TO pay_app;
CREATE FUNCTION pg_temp.by_two(command text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE asked record;
BEGIN
	PERFORM paysafe.act_as('alice'), paysafe.propose('x');
	EXECUTE command;
	PERFORM paysafe.propose(NULL);
	SELECT approved_as, key INTO asked FROM paysafe.pending_change ORDER BY id DESC LIMIT 1;
	PERFORM paysafe.act_as('bob'), paysafe.approve(asked.approved_as, asked.key, 'x');
	PERFORM paysafe.act_as('alice');
	EXECUTE command;
END $$;
SELECT pg_temp.by_two('SELECT paysafe.add_person(''carol'', ''x'')');
SELECT pg_temp.by_two('SELECT paysafe.add_person(''mallory'', ''x'')');
SELECT pg_temp.by_two('SELECT paysafe.add_to_group(''bob'', ''approver'', ''x'')');
\c - pay_owner
SELECT paysafe.set_refund_threshold('pay.refund', 'USD', 2000, 2, band => 'large');
\c - pay_app
SET app.actor = 'alice';
INSERT INTO pay.refund(id, payment_id, amount) VALUES (70, 5, 3000);
SET app.actor = 'bob';
INSERT INTO pay.refund(id, payment_id, amount) VALUES (71, 5, 1500);
INSERT INTO pay.approval(refund_id, amount, currency, approver) VALUES (70, 3000, 'USD', 'bob');
BEGIN;
SELECT paysafe.act_as('bob'), paysafe.delegate_approval('carol', now() + interval '1 day', 'x');
SELECT paysafe.act_as('carol'), paysafe.delegate_approval('mallory', now() + interval '1 day', 'x');
COMMIT;
SET app.actor = 'carol';
INSERT INTO pay.approval(refund_id, amount, currency, approver) VALUES (70, 3000, 'USD', 'carol');
INSERT INTO pay.approval(refund_id, amount, currency, approver) VALUES (71, 1500, 'USD', 'carol');
SET app.actor = 'mallory';
INSERT INTO pay.approval(refund_id, amount, currency, approver) VALUES (70, 3000, 'USD', 'mallory');
INSERT INTO pay.approval(refund_id, amount, currency, approver) VALUES (71, 1500, 'USD', 'mallory');
SET app.actor = 'alice';
UPDATE pay.refund SET status = 'approved' WHERE id = 70;
UPDATE pay.refund SET status = 'approved' WHERE id = 71;
\c - pay_super
SELECT CASE WHEN (SELECT count(*) FROM paysafe.delegation WHERE state = 'in force') < 2 THEN 'N/A'
            WHEN EXISTS (SELECT FROM pay.refund WHERE id IN (70, 71) AND status = 'approved') THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
