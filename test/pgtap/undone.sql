-- An approval that is left over when what it was of has been made gives nothing again once
-- somebody has taken that away.
BEGIN;
SELECT plan(15);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.refund (id int PRIMARY KEY, amount numeric);
SELECT paysafe.audit('shop.refund');
SELECT paysafe.bootstrap_people('Ann', '{}', 'Bob', '{}', 'the first two');

CREATE FUNCTION pg_temp.as(who text, command text) RETURNS text LANGUAGE sql AS $$
	SELECT left(pg_temp.refusal(command), 8) FROM paysafe.act_as(who) $$;
-- Ann proposes it, and so many of the others approve it
CREATE FUNCTION pg_temp.agreed(command text, people text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE change record; who text;
BEGIN
	PERFORM paysafe.act_as('Ann'), paysafe.propose('x');
	EXECUTE command;
	PERFORM paysafe.propose(NULL);
	SELECT * INTO change FROM paysafe.pending_change ORDER BY id DESC LIMIT 1;
	FOREACH who IN ARRAY people LOOP
		PERFORM paysafe.act_as(who), paysafe.approve(change.approved_as, change.key, 'x');
	END LOOP;
	RETURN change.key;
END $$;
-- two approve it, it is made, taken away, and made again: what becomes of that; then with a fresh approval
CREATE FUNCTION pg_temp.again(command text, undo text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE keys text[] := ARRAY[pg_temp.agreed(command, '{Bob,Cyd}')]; made text; undone text; left_over text;
BEGIN
	made := pg_temp.as('Ann', command);
	undone := pg_temp.as('Cyd', undo);
	left_over := pg_temp.as('Ann', command);
	keys := keys || pg_temp.agreed(command, '{Bob}');
	RETURN concat_ws(', ', made, undone, left_over, pg_temp.as('Ann', command), (SELECT count(DISTINCT key) FROM unnest(keys) key));
END $$;
CREATE FUNCTION pg_temp.both(command text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as('Ann', command) FROM pg_temp.agreed(command, '{Bob}') $$;

SELECT is(pg_temp.both(format('SELECT paysafe.add_person(%L, ''x'')', name)), 'accepted', name) FROM unnest('{Cyd,Dee,Eve}'::text[]) name;

SELECT paysafe.disable_person('Dee', 'on leave');
SELECT is(pg_temp.again($$SELECT paysafe.enable_person('Dee', 'is back')$$, $$SELECT paysafe.disable_person('Dee', 'caught')$$),
	'accepted, accepted, 42501 pa, accepted, 2', 'somebody is disabled again');
SELECT is(pg_temp.both($$SELECT paysafe.add_to_group('Cyd', 'auditor', 'x')$$), 'accepted', 'a group of one');
SELECT is(pg_temp.again($$SELECT paysafe.add_to_group('Dee', 'auditor', 'x')$$, $$SELECT paysafe.remove_from_group('Dee', 'auditor', 'caught')$$),
	'accepted, accepted, 42501 pa, accepted, 2', 'put out of a group');
SELECT paysafe.require_registered(true, 'x');
SELECT is(pg_temp.again($$SELECT paysafe.require_registered(false, 'x')$$, $$SELECT paysafe.require_registered(true, 'x')$$),
	'accepted, accepted, 42501 pa, accepted, 2', 'only registered people act');
SELECT is(pg_temp.again($$SELECT paysafe.open_maintenance('x', 'T-1', '1 minute', '{shop.refund}')$$, 'SELECT paysafe.close_maintenance()'),
	'accepted, accepted, 42501 pa, accepted, 2', 'a window is closed');
SELECT is(pg_temp.both($$SELECT paysafe.set_retention('90 days', 'x')$$), 'accepted', 'a period');
SELECT is(pg_temp.again($$SELECT paysafe.set_retention('60 days', 'x')$$, $$SELECT paysafe.set_retention('90 days', 'x')$$),
	'accepted, accepted, 42501 pa, accepted, 2', 'it is kept longer');
SELECT is(pg_temp.both($$SELECT paysafe.add_alias('Cyd', 'name', 'till', 'x')$$), 'accepted', 'a name');
SELECT is(pg_temp.again($$SELECT paysafe.add_alias('Dee', 'name', 'till', 'x')$$, $$SELECT pg_temp.both($c$SELECT paysafe.add_alias('Cyd', 'name', 'till', 'y')$c$)$$),
	'accepted, accepted, 42501 pa, accepted, 2', 'it is given back');
SELECT paysafe.disable_person('Eve', 'x');
SELECT is(pg_temp.agreed($$SELECT paysafe.enable_person('Eve', 'x')$$, '{}'), format('people: enable person %s ''Eve'', after change %s: x', p.id, s.id), 'what is approved says so')
  FROM paysafe.person p, (SELECT max(id) AS id FROM paysafe.person_state) s WHERE p.name = 'Eve';

-- others that ask for nothing else are not ended by it
SELECT is(pg_temp.both(command), 'accepted', command) FROM unnest(ARRAY[
	$$SELECT paysafe.add_to_group('Ann', 'auditor', 'x')$$, $$SELECT paysafe.add_alias('Dee', 'name', 'dee@shop', 'x')$$]) command;
SELECT * FROM finish();
ROLLBACK;
