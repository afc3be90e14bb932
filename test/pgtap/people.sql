-- All names of one person are one, whichever of them requests, approves, settles or proposes; errors: test/sql/people.sql.
BEGIN;
SELECT plan(473);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON shop.refund (payment);
INSERT INTO shop.refund VALUES (0); DELETE FROM shop.refund;
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status',
							  '{sent,paid}', '{void}', 'captured', 'currency', recorded => '{paid}');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100, 2);
CREATE SEQUENCE shop.number;
CREATE TABLE shop.other (id int);
CREATE FUNCTION pg_temp.same(what text) RETURNS boolean LANGUAGE sql AS $$ SELECT what LIKE '42501 %' $$;
CREATE FUNCTION pg_temp.one() RETURNS int LANGUAGE plpgsql AS $$
DECLARE n int := nextval('shop.number'); BEGIN INSERT INTO shop.payment VALUES (n, 1000, 'EUR'); RETURN n; END $$;
-- may other approve what one asks for?
CREATE FUNCTION pg_temp.approves(one text, other text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n int := pg_temp.one();
BEGIN
	PERFORM paysafe.act_as(one);
	INSERT INTO shop.refund VALUES (n, n, 500, 'EUR', 'requested');
	PERFORM paysafe.act_as(other);
	RETURN pg_temp.refusal(format('SELECT paysafe.approve(''shop.refund'', %L, ''x'')', n));
END $$;
CREATE FUNCTION pg_temp.approves_before(one text, other text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n int := pg_temp.one();
BEGIN
	PERFORM paysafe.act_as(one), paysafe.request_refund('shop.refund', n::text, 500, 'EUR', 'x');
	PERFORM paysafe.act_as(other);
	RETURN pg_temp.refusal(format('SELECT paysafe.approve_refund(''shop.refund'', %L, 500, ''EUR'', ''x'')', n));
END $$;
-- both approve what a third one asks for, before the row and of it: do they pass the gate?
CREATE FUNCTION pg_temp.two(one text, other text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n int := pg_temp.one();
BEGIN
	PERFORM paysafe.act_as('clerk');
	INSERT INTO shop.refund VALUES (n, n, 500, 'EUR', 'requested');
	PERFORM paysafe.act_as(one), paysafe.approve('shop.refund', n::text, 'x');
	PERFORM paysafe.act_as(other), paysafe.approve_refund('shop.refund', n::text, 500, 'EUR', 'x');
	PERFORM paysafe.act_as('clerk');
	RETURN pg_temp.refusal(format('UPDATE shop.refund SET status = ''sent'' WHERE id = %s', n));
END $$;
-- a fact that one tells, which other settles
CREATE FUNCTION pg_temp.settles(one text, other text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n int := pg_temp.one(); b bigint;
BEGIN
	PERFORM paysafe.act_as(one);
	INSERT INTO shop.refund VALUES (n, n, 500, 'EUR', 'paid');
	SELECT max(id) INTO b FROM paysafe.breach;
	PERFORM paysafe.act_as(other);
	RETURN pg_temp.refusal(format('SELECT paysafe.settle_breach(%s, ''x'')', b));
END $$;
-- a change of a rule that one proposes
CREATE FUNCTION pg_temp.agrees(one text, other text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE asked text;
BEGIN
	PERFORM paysafe.act_as(one), paysafe.propose('x'), paysafe.set_refund_threshold('shop.refund', 'EUR', 1000 + nextval('shop.number'), 2), paysafe.propose(NULL);
	SELECT key INTO asked FROM paysafe.pending_change ORDER BY id DESC LIMIT 1;
	PERFORM paysafe.act_as(other);
	RETURN pg_temp.refusal(format('SELECT paysafe.approve(''paysafe.rule'', %L, ''x'')', asked));
END $$;
CREATE FUNCTION pg_temp.both(one text, other text, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE asked text;
BEGIN
	PERFORM paysafe.act_as(one), paysafe.propose('x');
	EXECUTE command;
	PERFORM paysafe.propose(NULL);
	SELECT key INTO asked FROM paysafe.pending_change WHERE approved_as = 'paysafe.person_record'::regclass ORDER BY id DESC LIMIT 1;
	PERFORM paysafe.act_as(other), paysafe.approve('paysafe.person_record', asked, 'x'), paysafe.act_as(one);
	RETURN pg_temp.refusal(command);
END $$;

CREATE TEMP TABLE alias (person text, name text);
INSERT INTO alias VALUES ('Ann', 'Ann'), ('Ann', 'user:1'), ('Ann', 'ann@shop'), ('Ann', 'USER:1'), ('Bob', 'Bob'), ('Bob', 'user:2'),
	('Bob', 'BOB'), ('Queue', 'worker'), (NULL, 'stranger');
-- by spelling, as long as nobody is registered
SELECT is(pg_temp.approves('user:1', 'ann@shop'), 'accepted', 'two names, before');
SELECT is(pg_temp.two('user:1', 'ann@shop'), 'accepted', 'two names, before, are two');

-- one that is rolled back has not been
SAVEPOINT s;
SELECT paysafe.bootstrap_people('Ann', '{}', 'Bob', '{}', 'too early');
ROLLBACK TO s;
SELECT is((SELECT count(*)::int FROM paysafe.person), 0, 'nobody is registered');
SELECT paysafe.bootstrap_people('Ann', '{name:user:1,name:ann@shop}', 'Bob', '{name:user:2}', 'the first two');
SELECT is(pg_temp.both('Ann', 'Bob', $$SELECT paysafe.add_person('Queue', 'x', '{name:worker}', true)$$), 'accepted', 'a service');
SELECT is(pg_temp.same(f), a.person IS NOT DISTINCT FROM b.person AND (a.person IS NOT NULL OR a.name = b.name) OR coalesce(b.person = 'Queue', false),
		  format('%s: %s, %s', what, a.name, b.name))
  FROM alias a, alias b, LATERAL (VALUES ('approve', pg_temp.approves(a.name, b.name)), ('approve_refund', pg_temp.approves_before(a.name, b.name)),
	('settle_breach', pg_temp.settles(a.name, b.name)), ('a rule', pg_temp.agrees(a.name, b.name))) v (what, f);
SELECT is(pg_temp.same(pg_temp.two(a.name, b.name)), a.person IS NOT DISTINCT FROM b.person, format('two approvals: %s, %s', a.name, b.name))
  FROM alias a, alias b WHERE coalesce(a.person, '') <> 'Queue' AND coalesce(b.person, '') <> 'Queue';

-- a savepoint that is rolled back takes all of it back
SAVEPOINT s;
SELECT paysafe.act_as('Ann'), paysafe.disable_person('Bob', 'x');
SELECT is(pg_temp.approves('Ann', 'stranger'), 'accepted', 'the others go on');
SELECT throws_ok($$SELECT paysafe.act_as('user:2')$$, '42501', '"Bob" is disabled');
ROLLBACK TO s;
SELECT is(pg_temp.approves('Ann', 'Bob'), 'accepted', 'not disabled after all');
SAVEPOINT s;
SELECT paysafe.require_registered(true, 'x');
SELECT throws_ok($$SELECT paysafe.act_as('stranger')$$, '42501', '"stranger" is not registered');
SELECT lives_ok($$SELECT paysafe.act_as('worker')$$, 'a service acts');
SELECT is(pg_temp.refusal($$SELECT paysafe.act_as(NULL); INSERT INTO shop.other VALUES (1)$$), 'accepted', 'a table without rules');
SELECT is(left(pg_temp.refusal($$SELECT paysafe.act_as(NULL); INSERT INTO shop.refund VALUES (1000, 1, 1, 'EUR', 'requested')$$), 5), '42501', 'nobody is named');
ROLLBACK TO s;
-- an approval by somebody who had to be registered only later does not count
SELECT paysafe.act_as('Ann');
INSERT INTO shop.payment VALUES (2000, 1000, 'EUR');
INSERT INTO shop.refund VALUES (2000, 2000, 500, 'EUR', 'requested');
SELECT paysafe.act_as('stranger'), paysafe.approve('shop.refund', '2000', 'x'), paysafe.act_as('Bob'), paysafe.approve('shop.refund', '2000', 'x'), paysafe.act_as('Ann');
SELECT paysafe.require_registered(true, 'x');
SELECT is(left(pg_temp.refusal('UPDATE shop.refund SET status = ''sent'' WHERE id = 2000'), 5), '42501', 'a stranger''s approval does not count any more');
SELECT is(pg_temp.both('Ann', 'Bob', $$SELECT paysafe.require_registered(false, 'x')$$), 'accepted', 'everybody acts again');
SELECT is(pg_temp.refusal('UPDATE shop.refund SET status = ''sent'' WHERE id = 2000'), 'accepted', 'and counts again');

-- what it takes to change the registry, and what it must say
SELECT is(pg_temp.refusal(command), state, command) FROM (VALUES
	('SELECT paysafe.add_person(NULL, ''x'')', '22004'), ('SELECT paysafe.add_person('''', ''x'')', '22023'), ('SELECT paysafe.add_person(''a'', NULL)', '22004'),
	('SELECT paysafe.add_person('' a'', ''x'')', '22023'), ('SELECT paysafe.add_person(''4111 1111 1111 1111'', ''x'')', '22023'),
	('SELECT paysafe.add_person(E''a\u200B'', ''x'')', '22023'), ('SELECT paysafe.add_person(repeat(''a'', 201), ''x'')', '22023'),
	('SELECT paysafe.add_person(''a'', ''x'', ''{NULL}'')', '22023'), ('SELECT paysafe.add_person(''a'', ''x'', NULL)', '22004'),
	('SELECT paysafe.add_person(''a'', ''x'', ''{}'', NULL)', '22004'), ('SELECT paysafe.add_person(''user:1'', ''x'')', '42710'),
	('SELECT paysafe.add_person(''a'', ''x'', ''{name:USER:2}'')', '42710'), ('SELECT paysafe.add_person(''a'', ''x'', ''{login:no_such_role}'')', '42704'),
	('SELECT paysafe.add_alias(''Ann'', ''passkey'', ''a b'', ''x'')', '22023'), ('SELECT paysafe.add_alias(''Ann'', ''token'', ''https://a b c'', ''x'')', '22023'),
	('SELECT paysafe.add_alias(''Ann'', ''certificate'', repeat(''0'', 65), ''x'')', '22023'), ('SELECT paysafe.disable_person(''x'', ''x'')', '22023'),
	('SELECT paysafe.enable_person(''Ann'', ''x'')', '22023'), ('SELECT paysafe.remove_from_group(''Ann'', ''approver'', ''x'')', '22023'),
	('SELECT paysafe.require_registered(false, ''x'')', '22023'), ('SELECT paysafe.require_registered(NULL, ''x'')', '22004')) v (command, state);
SELECT is(left(pg_temp.refusal(command), 5), '42501', 'alone: ' || command) FROM unnest(ARRAY[
	$$SELECT paysafe.add_person('Di', 'x')$$, $$SELECT paysafe.add_alias('Ann', 'name', 'annie', 'x')$$, $$SELECT paysafe.add_alias('Ann', 'name', 'user:2', 'x')$$,
	$$SELECT paysafe.add_to_group('Ann', 'approver', 'x')$$, $$SELECT paysafe.bootstrap_people('C', '{}', 'D', '{}', 'x')$$]) command;

-- a group is asked for from its first member on, everywhere
SELECT is(pg_temp.both('Ann', 'Bob', $$SELECT paysafe.add_to_group('user:2', 'approver', 'x')$$), 'accepted', 'one approver');
SELECT is(pg_temp.same(pg_temp.approves('clerk', name)), person IS DISTINCT FROM 'Bob', 'approve: ' || name) FROM alias;
SELECT is(pg_temp.same(pg_temp.approves_before('clerk', name)), person IS DISTINCT FROM 'Bob', 'approve_refund: ' || name) FROM alias;
SELECT is(pg_temp.same(pg_temp.agrees('clerk', name)), name = 'worker', 'a rule: ' || name) FROM alias;
SELECT is(pg_temp.both('Ann', 'Bob', $$SELECT paysafe.add_to_group('Ann', 'rule_administrator', 'x')$$), 'accepted', 'one administrator');
SELECT is(pg_temp.same(pg_temp.agrees('clerk', name)), person IS DISTINCT FROM 'Ann', 'a rule: ' || name) FROM alias;
SELECT is(left(pg_temp.refusal(format($$SELECT paysafe.act_as('Bob'), paysafe.approve('paysafe.maintenance_record', %L, 'x')$$, format('maintenance of shop.refund by %L for 60 s: T, x', session_user))), 5),
		  '42501', 'a window');
SELECT is(pg_temp.refusal(format($$SELECT paysafe.act_as('Ann'), paysafe.approve('paysafe.maintenance_record', %L, 'x')$$, format('maintenance of shop.refund by %L for 60 s: T, x', session_user))),
		  'accepted', 'a window');

-- what is on record
SELECT results_eq($$SELECT DISTINCT identity FROM paysafe.approval$$, ARRAY['claimed'], 'approvals');
SELECT results_eq($$SELECT DISTINCT identity FROM paysafe.refund_event WHERE actor IS NOT NULL$$, ARRAY['claimed'], 'refunds');
SELECT results_eq($$SELECT DISTINCT identity FROM paysafe.refund_request$$, ARRAY['claimed'], 'requests');
SELECT results_eq($$SELECT DISTINCT identity FROM paysafe.proposal_record$$, ARRAY['claimed'], 'proposals');
SELECT paysafe.act_as(NULL);
INSERT INTO shop.payment VALUES (3000, 1000, 'EUR');
INSERT INTO shop.refund VALUES (3000, 3000, 500, 'EUR', 'requested');
SELECT is(identity, 'none', 'a login that may act for others') FROM paysafe.refund_event WHERE refund = '3000';

SELECT * FROM finish();
ROLLBACK;
