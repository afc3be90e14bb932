-- id: 523
-- role: superuser
-- category: config-tamper
-- expect: must be blocked
-- how: direct DML on the rules and thresholds as a superuser, with the replication role too
-- counter: ENABLE ALWAYS triggers on the guard's own tables
:CFG_RAISE_THRESHOLD ;
:CFG_ADD_TRANSITION ;
SET session_replication_role = replica;
:CFG_RAISE_THRESHOLD ;
:CFG_ADD_TRANSITION ;
:CFG_DELETE_RULES ;
SET session_replication_role = origin;
\c - pay_app
:AS_ALICE ;
UPDATE pay.payment SET status = 'captured' WHERE id = 2;
UPDATE pay.refund SET status = 'approved' WHERE id = 1;
SELECT CASE WHEN (SELECT status FROM pay.payment WHERE id = 2) = 'captured' OR (SELECT status FROM pay.refund WHERE id = 1) = 'approved' THEN 'BYPASSED' ELSE 'HELD' END;
