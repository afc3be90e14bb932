-- id: 606
-- role: superuser
-- category: identity
-- expect: must be blocked
-- how: one superuser makes himself an approver: writes the registry, begins it anew, moves bob's name to a person of his own, approves that as a name that nobody has registered
-- counter: own tables; the first two are registered once; changes take two people who are in it
\if `[ "$TARGET" = paysafe ] && echo true || echo false`
:ENROL ;
INSERT INTO paysafe.person_alias_record SELECT id + 1000, person, kind, 'mallory', lookup, role, stamp, reason, actor, login, session_user_name, at FROM paysafe.person_alias_record WHERE value = 'bob';
UPDATE paysafe.person_alias_record SET value = 'mallory' WHERE value = 'bob';
DELETE FROM paysafe.person_record;
TRUNCATE paysafe.person_record, paysafe.person_alias_record;
SELECT paysafe.bootstrap_people('m1', '{}', 'm2', '{}', 'again');
BEGIN;
SELECT paysafe.act_as('mallory'), paysafe.propose('x');
SELECT paysafe.add_person('mallory', 'x');
SELECT paysafe.propose(NULL), paysafe.act_as('second mallory');
SELECT paysafe.approve(approved_as, key, 'x') FROM paysafe.pending_change WHERE rule = 'people';
COMMIT;
BEGIN;
SELECT paysafe.act_as('mallory'), paysafe.add_person('mallory', 'x');
COMMIT;
SELECT CASE WHEN (SELECT count(*) FROM paysafe.person) = 2 AND (SELECT count(*) FROM paysafe.person_alias WHERE person IN ('alice', 'bob')) = 5 THEN 'HELD' ELSE 'BYPASSED' END;
\else
SELECT 'N/A';
\endif
