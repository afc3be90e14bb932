-- Registered people: all their names are one person; who is disabled does nothing more.
-- The registry is of the whole database, and begun once: a database of its own.
SELECT current_database() AS others \gset
CREATE DATABASE regress_paysafe_people;
\c regress_paysafe_people
CREATE EXTENSION paysafe;
CREATE SCHEMA t_people;
CREATE ROLE regress_paysafe_app LOGIN;
CREATE ROLE regress_paysafe_bob LOGIN;
CREATE ROLE regress_paysafe_cy LOGIN;
CREATE TABLE t_people.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE t_people.refund (id int PRIMARY KEY, payment int NOT NULL REFERENCES t_people.payment, amount numeric, currency text, status text);
CREATE INDEX ON t_people.refund (payment);
GRANT USAGE ON SCHEMA t_people TO regress_paysafe_app, regress_paysafe_bob, regress_paysafe_cy;
GRANT SELECT, INSERT, UPDATE ON t_people.payment, t_people.refund TO regress_paysafe_app, regress_paysafe_bob, regress_paysafe_cy;
GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.approve TO regress_paysafe_app;
GRANT EXECUTE ON FUNCTION paysafe.approve, paysafe.add_alias, paysafe.propose TO regress_paysafe_bob, regress_paysafe_cy;
SELECT paysafe.protect_refund('t_people.refund', 't_people.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('t_people.refund', 'EUR', 50);
INSERT INTO t_people.payment SELECT n, 1000, 'EUR' FROM generate_series(1, 20) n;
-- numbers in errors and words
SELECT setval('paysafe.person_id_seq', 100), setval('paysafe.approval_id_seq', 100000);
CREATE FUNCTION t_people.request(id int, actor text) RETURNS void LANGUAGE sql AS
	$$ SELECT paysafe.act_as($2); INSERT INTO t_people.refund VALUES ($1, $1, 100, 'EUR', 'requested') $$;
CREATE FUNCTION t_people.approve(id int, actor text) RETURNS bigint LANGUAGE sql AS
	$$ SELECT paysafe.act_as($2); SELECT paysafe.approve('t_people.refund', $1::text, 'checked') $$;
CREATE FUNCTION t_people.send(id int, actor text) RETURNS void LANGUAGE sql AS
	$$ SELECT paysafe.act_as($2); UPDATE t_people.refund SET status = 'sent' WHERE id = $1 $$;
-- what one asks for and another approves, in one go
CREATE FUNCTION t_people.both(one text, other text, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text; asked text; wanted text;
BEGIN
	PERFORM paysafe.act_as(one), paysafe.propose('wanted');
	EXECUTE command INTO result;
	PERFORM paysafe.propose(NULL);
	SELECT key, difference INTO asked, wanted FROM paysafe.pending_change WHERE approved_as = 'paysafe.person_record'::regclass ORDER BY id DESC LIMIT 1;
	RAISE INFO '%', regexp_replace(wanted, 'role \d+, state \w+', 'role R, state S');
	PERFORM paysafe.act_as(other), paysafe.approve('paysafe.person_record', asked, 'right');
	PERFORM paysafe.act_as(one);
	EXECUTE command INTO result;
	RETURN result;
END $$;
\set VERBOSITY terse
SET client_min_messages = warning;

-- without anybody in it, names are compared by spelling, and nothing can be changed
SELECT paysafe.act_as('ann'), paysafe.add_person('Cy', 'hired');						-- fails
SELECT paysafe.disable_person('Ann', 'x');												-- fails
SELECT paysafe.require_registered(true, 'x');											-- fails
SELECT t_people.request(1, 'user:1');
SELECT t_people.approve(1, 'ann@shop');
-- the first two: by a superuser, two, once
SET ROLE regress_paysafe_app;
SELECT paysafe.bootstrap_people('Ann', '{}', 'Bob', '{}', 'x');						-- fails
RESET ROLE;
SELECT paysafe.bootstrap_people('Ann', '{}', 'ann', '{}', 'x');						-- fails: one
SELECT paysafe.bootstrap_people('Ann', '{name:x}', 'Bob', '{name:X}', 'x');			-- fails
SELECT paysafe.bootstrap_people('Ann', '{user:1}', 'Bob', '{}', 'x');					-- fails: no kind
SELECT paysafe.bootstrap_people('Ann', '{name}', 'Bob', '{}', 'x');					-- fails
SELECT paysafe.bootstrap_people('Ann', '{login:nobody_has_it}', 'Bob', '{}', 'x');		-- fails
SELECT paysafe.bootstrap_people('Ann', '{certificate:12}', 'Bob', '{}', 'x');			-- fails
SELECT paysafe.bootstrap_people('Ann', '{token:sub}', 'Bob', '{}', 'x');				-- fails
SELECT paysafe.bootstrap_people('Ann', '{}', 'Bob', '{}', '');							-- fails
SELECT paysafe.bootstrap_people('Ann', '{name:user:1, name:ann@shop, "token:https://idp.example/ 17"}',
	'Bob', '{name:user:2, login:regress_paysafe_bob}', 'the first two');
SELECT paysafe.bootstrap_people('Cy', '{}', 'Di', '{}', 'again');						-- fails
SELECT id, name, kind, disabled, groups, bootstrap, reason, registered_by FROM paysafe.person ORDER BY id;
SELECT person, kind, value, state FROM paysafe.person_alias ORDER BY person, kind, value;

-- two names of one person: also of what was approved before
SELECT t_people.send(1, 'user:1');														-- fails
SELECT t_people.request(2, 'user:1');
SELECT t_people.approve(2, 'user:1');													-- fails
SELECT t_people.approve(2, 'ANN@shop');												-- fails
SELECT t_people.approve(2, 'Ann');														-- fails
SELECT t_people.approve(2, 'stranger');
SELECT t_people.send(2, 'user:1');
SELECT approver, state, identity FROM paysafe.approval WHERE relation = 't_people.refund'::regclass ORDER BY id;

-- everything that gives somebody more takes two, who are registered and not the same
SELECT paysafe.act_as('Ann'), paysafe.add_person('Cy', 'hired', '{name:user:3}');		-- fails
SELECT t_people.both('Ann', 'user:1', $$SELECT paysafe.add_person('Cy', 'hired', '{name:user:3}')$$);		-- fails
SELECT t_people.both('Ann', 'stranger', $$SELECT paysafe.add_person('Cy', 'hired', '{name:user:3}')$$);	-- fails
SELECT t_people.both('Ann', 'Bob', $$SELECT paysafe.add_person('Cy', 'hired', '{name:user:3, login:regress_paysafe_cy}')$$);
SELECT t_people.both('Ann', 'Bob', $$SELECT paysafe.add_person('Queue', 'refunds', '{name:worker:refunds, login:regress_paysafe_app}', service => true)$$);
-- the approval was of these words only
BEGIN;
SELECT paysafe.act_as('Bob'), paysafe.approve('paysafe.person_record', $$people: add person 'Di': hired$$, 'right');
SELECT paysafe.act_as('Ann'), paysafe.add_person('Di', 'hired', '{name:user:4}');		-- fails
ROLLBACK;
-- an alias belongs to one person
SELECT paysafe.act_as('Ann'), paysafe.add_person('Di', 'hired', '{name:USER:3}');		-- fails
SELECT paysafe.act_as('Ann'), paysafe.add_alias('Cy', 'name', 'User:3', 'x');			-- fails: has it
SELECT paysafe.act_as('Ann'), paysafe.add_alias('Cy', 'name', 'Ann', 'x');				-- fails: stays
SELECT paysafe.act_as('Ann'), paysafe.add_alias('Nobody', 'name', 'x', 'x');			-- fails
SELECT paysafe.act_as('Ann'), paysafe.add_alias('Cy', 'finger', 'x', 'x');				-- fails
SELECT t_people.both('Ann', 'Bob', $$SELECT paysafe.add_alias('Cy', 'certificate', 'AB:$$ || repeat('cd', 31) || $$', 'card')$$);
SELECT t_people.both('Ann', 'Bob', $$SELECT paysafe.add_alias('Cy', 'name', 'ann@shop', 'took it over')$$);
-- whose it was and whose it is: both
SELECT t_people.request(3, 'Ann');
SELECT t_people.approve(3, 'ann@shop');												-- fails
SELECT person, kind, value FROM paysafe.person_alias WHERE person IN ('Ann', 'Cy') ORDER BY person, kind, value;

-- services act, and approve nothing; what they request, a person approves
SELECT t_people.request(4, 'worker:refunds');
SELECT t_people.approve(4, 'Queue');													-- fails
SELECT t_people.request(5, 'Cy');
SELECT t_people.approve(5, 'worker:refunds');											-- fails
SELECT t_people.approve(4, 'Cy');
SELECT t_people.send(4, 'worker:refunds');

-- disabled: at once, by one, and so are open approvals
SELECT t_people.request(6, 'Ann');
SELECT t_people.approve(6, 'user:2');
SELECT paysafe.act_as('Ann'), paysafe.disable_person('Bob', 'left');
SELECT paysafe.disable_person('user:2', 'left');										-- fails: is
SELECT state FROM paysafe.approval WHERE relation = 't_people.refund'::regclass AND key = '6';
SELECT t_people.send(6, 'Ann');														-- fails
SELECT paysafe.act_as('Bob');															-- fails
SELECT paysafe.act_as('USER:2');														-- fails
SELECT name, disabled, state_by, state_reason FROM paysafe.person WHERE name = 'Bob';
SELECT t_people.both('Ann', 'Cy', $$SELECT paysafe.enable_person('Bob', 'is back')$$);
SELECT paysafe.act_as('Ann'), paysafe.enable_person('Bob', 'is back');					-- fails: is
SELECT t_people.send(6, 'Ann');														-- fails: what was approved before is void
SELECT t_people.approve(6, 'Bob');
SELECT t_people.send(6, 'Ann');

-- groups: once somebody is in one, only they approve
SELECT paysafe.act_as('Ann'), paysafe.add_to_group('Cy', 'The Boss', 'x');					-- fails
SELECT t_people.request(7, 'Ann');
SELECT t_people.approve(7, 'Bob');
SELECT t_people.both('Ann', 'Bob', $$SELECT paysafe.add_to_group('Cy', 'approver', 'head of support')$$);
SELECT paysafe.act_as('Ann'), paysafe.add_to_group('Cy', 'approver', 'x');				-- fails: is
SELECT t_people.send(7, 'Ann');														-- fails: Bob's does not count any more
SELECT t_people.approve(7, 'Bob');														-- fails
SELECT t_people.approve(7, 'stranger');												-- fails
SELECT t_people.approve(7, 'Cy');
SELECT t_people.send(7, 'Ann');
SELECT t_people.both('Ann', 'Bob', $$SELECT paysafe.add_to_group('Ann', 'rule_administrator', 'rules')$$);
SELECT t_people.both('Bob', 'Cy', $$SELECT paysafe.add_alias('Bob', 'name', 'b', 'x')$$);	-- fails
SELECT t_people.both('Bob', 'Ann', $$SELECT paysafe.add_alias('Bob', 'name', 'b', 'x')$$);
BEGIN;
SELECT paysafe.act_as('Bob'), paysafe.approve('paysafe.rule', $$threshold for EUR of t_people.refund, version 2: {"x": 1}$$, 'x');	-- fails
ROLLBACK;
SELECT paysafe.act_as('Cy'), paysafe.remove_from_group('Cy', 'approver', 'x');			-- fails: the last one
SELECT t_people.both('Bob', 'Ann', $$SELECT paysafe.remove_from_group('Cy', 'approver', 'x')$$);
SELECT paysafe.remove_from_group('Cy', 'approver', 'x');								-- fails: is not
SELECT t_people.both('Bob', 'Ann', $$SELECT paysafe.remove_from_group('Ann', 'rule_administrator', 'x')$$);
SELECT name, groups FROM paysafe.person WHERE groups <> '{}';

-- a person's own login: needs no claim, and makes none for others
\c - regress_paysafe_bob
\set VERBOSITY terse
SELECT paysafe.approve('t_people.refund', '3', 'mine');
INSERT INTO t_people.refund VALUES (8, 8, 100, 'EUR', 'requested');
\c - postgres
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT key, approver, login, state, identity FROM paysafe.approval WHERE key = '3' AND relation = 't_people.refund'::regclass;
SELECT t_people.approve(8, 'user:2');													-- fails: the login is Bob's
SELECT t_people.send(3, 'Ann');
-- nor does it act for others
GRANT EXECUTE ON FUNCTION paysafe.act_as TO regress_paysafe_bob;
\c - regress_paysafe_bob
SELECT paysafe.act_as('Ann');															-- fails
SELECT paysafe.act_as('stranger');														-- fails
SELECT paysafe.act_as('user:2');
\c - postgres
\set VERBOSITY terse
SET client_min_messages = warning;
REVOKE EXECUTE ON FUNCTION paysafe.act_as FROM regress_paysafe_bob;
-- the login of a service is no person's
\c - regress_paysafe_app
SELECT paysafe.approve('t_people.refund', '8', 'x');									-- fails
\c - postgres
\set VERBOSITY terse
SET client_min_messages = warning;
-- a superuser who becomes Bob is not Bob
SET SESSION AUTHORIZATION regress_paysafe_bob;
SELECT paysafe.approve('t_people.refund', '8', 'x');									-- fails
INSERT INTO t_people.refund VALUES (9, 9, 100, 'EUR', 'requested');						-- fails
RESET SESSION AUTHORIZATION;
SET ROLE regress_paysafe_bob;
SELECT paysafe.approve('t_people.refund', '8', 'x');									-- fails: nobody
RESET ROLE;

-- a login that somebody has changed approves nothing until two people have seen it
ALTER ROLE regress_paysafe_bob PASSWORD 'stolen';
SELECT person, value, state FROM paysafe.person_alias WHERE state <> 'in force';
\c - regress_paysafe_bob
\set VERBOSITY terse
SELECT paysafe.approve('t_people.refund', '5', 'x');									-- fails
\c - postgres
\set VERBOSITY terse
SET client_min_messages = warning;
-- also if it is as it was again
ALTER ROLE regress_paysafe_bob PASSWORD NULL;
SELECT t_people.both('Ann', 'Cy', $$SELECT paysafe.add_alias('Bob', 'login', 'regress_paysafe_bob', 'reset by the DBA')$$);
SELECT person, value, state FROM paysafe.person_alias WHERE state <> 'in force';
-- a membership is a change, too; a setting is none
ALTER ROLE regress_paysafe_bob SET work_mem = '1MB';
SELECT state FROM paysafe.person_alias WHERE value = 'regress_paysafe_bob';
GRANT regress_paysafe_cy TO regress_paysafe_bob;
SELECT person, value, state FROM paysafe.person_alias WHERE state <> 'in force';
REVOKE regress_paysafe_cy FROM regress_paysafe_bob;
SELECT person, value, state FROM paysafe.person_alias WHERE state <> 'in force';
-- approved in one state, made in another
BEGIN;
SELECT paysafe.act_as('Ann'), paysafe.propose('x');
SELECT paysafe.add_alias('Cy', 'login', 'regress_paysafe_cy', 'x');
SELECT paysafe.propose(NULL), paysafe.act_as('Bob');
SELECT paysafe.approve('paysafe.person_record', key, 'right') > 0 AS approved FROM paysafe.pending_change WHERE approved_as = 'paysafe.person_record'::regclass ORDER BY id DESC LIMIT 1;
SELECT paysafe.act_as('Ann');
ALTER ROLE regress_paysafe_cy PASSWORD 'mine';
\set VERBOSITY sqlstate
SELECT paysafe.add_alias('Cy', 'login', 'regress_paysafe_cy', 'x');						-- fails
\set VERBOSITY terse
ROLLBACK;
-- an application's login may change: nothing is won by becoming a service
ALTER ROLE regress_paysafe_app PASSWORD 'rotated';
SELECT t_people.request(11, 'Ann');
\c - regress_paysafe_app
\set VERBOSITY terse
BEGIN;
SELECT paysafe.act_as('Cy');
SELECT paysafe.approve('t_people.refund', '11', 'x') > 0 AS approved;
COMMIT;
\c - postgres
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT person, value, state FROM paysafe.person_alias WHERE state <> 'in force';
SELECT subject, check_name, ok, detail FROM paysafe.check() WHERE subject = 'people';
-- unless it is disabled
BEGIN;
SELECT paysafe.act_as('Ann'), paysafe.disable_person('Queue', 'stop') AS ended;
COMMIT;
\c - regress_paysafe_app
\set VERBOSITY terse
BEGIN;
SELECT paysafe.act_as('Cy');																-- fails
ROLLBACK;
INSERT INTO t_people.refund VALUES (12, 12, 1, 'EUR', 'requested');						-- fails
\c - postgres
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT t_people.both('Ann', 'Cy', $$SELECT paysafe.enable_person('Queue', 'go on')$$);
-- renamed away, and another one in its place
ALTER ROLE regress_paysafe_bob RENAME TO regress_paysafe_rob;
ALTER ROLE regress_paysafe_cy RENAME TO regress_paysafe_bob;
SELECT person, value, state FROM paysafe.person_alias WHERE kind = 'login' ORDER BY 1, 2;
SELECT subject, check_name, ok, detail FROM paysafe.check() WHERE subject = 'people';
\c - regress_paysafe_rob
\set VERBOSITY terse
SELECT paysafe.approve('t_people.refund', '5', 'x');									-- fails
INSERT INTO t_people.refund VALUES (9, 9, 100, 'EUR', 'requested');						-- fails
\c - regress_paysafe_bob
\set VERBOSITY terse
SELECT paysafe.approve('t_people.refund', '5', 'x');									-- fails
INSERT INTO t_people.refund VALUES (9, 9, 100, 'EUR', 'requested');						-- fails
\c - postgres
\set VERBOSITY terse
SET client_min_messages = warning;
ALTER ROLE regress_paysafe_bob RENAME TO regress_paysafe_cy;
ALTER ROLE regress_paysafe_rob RENAME TO regress_paysafe_bob;
-- a role of the same name made anew
DROP OWNED BY regress_paysafe_cy;
DROP ROLE regress_paysafe_cy;
SELECT value, state FROM paysafe.person_alias WHERE kind = 'login' AND person = 'Cy';
CREATE ROLE regress_paysafe_cy LOGIN;
SELECT value, state FROM paysafe.person_alias WHERE kind = 'login' AND person = 'Cy';
GRANT USAGE ON SCHEMA t_people TO regress_paysafe_cy;
GRANT SELECT, INSERT, UPDATE ON t_people.refund TO regress_paysafe_cy;
\c - regress_paysafe_cy
\set VERBOSITY terse
INSERT INTO t_people.refund VALUES (9, 9, 100, 'EUR', 'requested');						-- fails
\c - postgres
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT t_people.both('Ann', 'Bob', $$SELECT paysafe.add_alias('Cy', 'login', 'regress_paysafe_cy', 'made anew')$$);
\c - regress_paysafe_cy
INSERT INTO t_people.refund VALUES (9, 9, 100, 'EUR', 'requested');
\c - postgres
\set VERBOSITY terse
SET client_min_messages = warning;

-- only registered people act
SELECT paysafe.act_as('Ann'), paysafe.require_registered(true, 'audit');
SELECT paysafe.require_registered(true, 'again');										-- fails
SELECT paysafe.act_as('stranger');														-- fails
INSERT INTO t_people.refund VALUES (10, 10, 10, 'EUR', 'requested');					-- fails: nobody is named
SELECT t_people.request(10, 'Ann');
SELECT t_people.approve(10, 'Cy');
SELECT t_people.send(10, 'Ann');
SELECT paysafe.act_as('Ann'), paysafe.require_registered(false, 'x');					-- fails
SELECT t_people.both('Ann', 'Cy', $$SELECT paysafe.require_registered(false, 'over')$$);
SELECT paysafe.act_as('stranger');
-- nothing goes around it
INSERT INTO paysafe.person_group VALUES (1, 'approver', 1, true, 'x', 'x', 'x', 'x', now());	-- fails
UPDATE paysafe.person_state SET disabled = false;										-- fails
-- one person left
SELECT paysafe.act_as('Ann'), paysafe.disable_person('Bob', 'x'), paysafe.disable_person('Cy', 'x');
-- and all of it is in the log
SELECT table_name, count(*) FROM paysafe.audit_log WHERE schema_name = 'paysafe' AND table_name ~ '^person' GROUP BY 1 ORDER BY 1;

\c :others
DROP DATABASE regress_paysafe_people;
DROP ROLE regress_paysafe_app, regress_paysafe_bob, regress_paysafe_cy;
