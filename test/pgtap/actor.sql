-- Who acts: a claim of this transaction, which no setting and no role changes,
-- and which savepoints undo.
BEGIN;
SELECT plan(29);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.note (id serial PRIMARY KEY, n int);
SELECT paysafe.audit('shop.note');
CREATE ROLE regress_paysafe_app LOGIN;
GRANT USAGE ON SCHEMA shop TO regress_paysafe_app;
GRANT ALL ON shop.note, shop.note_id_seq TO regress_paysafe_app;

-- Change something and say what the log says of it.
CREATE FUNCTION pg_temp.recorded() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	INSERT INTO shop.note (n) VALUES (0);
	SELECT concat_ws('|', CASE WHEN actor_claimed THEN actor ELSE '(' || (actor = session_user_name) || ')' END, reason, ticket, request_id, business_id)
	  INTO result FROM paysafe.audit_log WHERE table_name = 'note' ORDER BY seq DESC LIMIT 1;
	RETURN result;
END $$;

SELECT is(pg_temp.recorded(), '(true)', 'nobody has said who acts: the session user');
SELECT paysafe.act_as('alice', 'why', 'T-1', 'r-1', 'b-1');
SELECT is(pg_temp.recorded(), 'alice|why|T-1|r-1|b-1', 'alice acts');
SELECT paysafe.act_as('bob');
SELECT is(pg_temp.recorded(), 'bob', 'then bob, for reasons of his own');

SAVEPOINT a;
SELECT paysafe.act_as('carol', 'inner');
SELECT is(pg_temp.recorded(), 'carol|inner', 'carol inside a savepoint');
ROLLBACK TO a;
SELECT is(pg_temp.recorded(), 'bob', 'bob again, after it is undone');
SAVEPOINT a;
SELECT paysafe.act_as('dave');
SAVEPOINT b;
SELECT paysafe.act_as('erin');
RELEASE b;
SELECT is(pg_temp.recorded(), 'erin', 'erin, released into the outer savepoint');
ROLLBACK TO a;
SELECT is(pg_temp.recorded(), 'bob', '... and undone with it');
SAVEPOINT a;
SELECT paysafe.act_as('frank');
RELEASE a;
SELECT is(pg_temp.recorded(), 'frank', 'frank, released for good');
DO $$
BEGIN
	FOR i IN 1..100 LOOP
		BEGIN
			PERFORM paysafe.act_as('loop ' || i);
			INSERT INTO shop.note (n) VALUES (i);
			IF i % 3 <> 0 THEN RAISE EXCEPTION 'undo'; END IF;
		EXCEPTION WHEN raise_exception THEN NULL;
		END;
	END LOOP;
END $$;
SELECT is((SELECT count(*) || ' ' || count(*) FILTER (WHERE actor = 'loop ' || (after ->> 'n')) FROM paysafe.audit_log WHERE table_name = 'note' AND after ->> 'n' <> '0'), '33 33', 'a hundred savepoints');
SELECT is(pg_temp.recorded(), 'loop 99', 'the last claim that was not undone');

-- nobody is named, and the rest is on record
SAVEPOINT a;
SELECT paysafe.act_as(NULL, 'a webhook', request_id => 'r-2');
SELECT is(pg_temp.recorded(), '(true)|a webhook|r-2', 'a request without a person');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve('shop.note', '1', 'looks right')$$), '42501 paysafe.approval_record paysafe_approval_record_approval', '... can approve nothing');
SELECT paysafe.act_as(NULL);
SELECT is(pg_temp.recorded(), '(true)', 'a claim can be taken back');
ROLLBACK TO a;
SELECT is(pg_temp.recorded(), 'loop 99', '... and the one before is in force again after a rollback');

-- no setting is asked
SET LOCAL "paysafe.actor" = 'mallory';
SELECT is(pg_temp.recorded(), 'loop 99', 'a setting of that name says nothing');
SELECT is_empty($$SELECT name FROM pg_settings WHERE name LIKE 'paysafe%' AND source <> 'session'$$, 'there is none');

-- roles
SET LOCAL SESSION AUTHORIZATION regress_paysafe_app;
INSERT INTO shop.note (n) VALUES (1000);
RESET SESSION AUTHORIZATION;
SELECT results_eq($$SELECT actor, session_user_name, current_user_name, login <> session_user_name FROM paysafe.audit_log WHERE table_name = 'note' AND after ->> 'n' = '1000'$$,
	$$VALUES ('loop 99', 'regress_paysafe_app', 'regress_paysafe_app', true)$$, 'SET SESSION AUTHORIZATION hides neither the actor nor the login');
SET LOCAL ROLE regress_paysafe_app;
INSERT INTO shop.note (n) VALUES (1001);
RESET ROLE;
SELECT results_eq($$SELECT current_user_name, session_user_name = login FROM paysafe.audit_log WHERE table_name = 'note' AND after ->> 'n' = '1001'$$,
	$$VALUES ('regress_paysafe_app', true)$$, 'SET ROLE is seen');
SELECT is(pg_temp.refusal('SELECT paysafe.act_as(''mallory'')', 'regress_paysafe_app'), '42501', 'act_as takes a grant');

SELECT is(pg_temp.refusal('SELECT paysafe.act_from(''192.0.2.1'')', 'regress_paysafe_app'), '42501', 'and so does act_from');
SELECT lives_ok('SELECT paysafe.act_from(''192.0.2.1:80'')', 'an address');
SELECT lives_ok('SELECT paysafe.act_from(''unknown''), paysafe.act_from(NULL)', 'what is no address is none');

-- what a name can be
SELECT is(pg_temp.refusal(format('SELECT paysafe.act_as(%L)', name)), expected, what)
  FROM (VALUES
	(repeat('x', 200), 'accepted', '200 bytes'),
	(repeat('x', 201), '22023', '201 bytes'),
	('Jürgen Müller', 'accepted', 'letters of other alphabets'),
	(E'two\nlines', '22023', 'two lines'),
	(E'\u0007', '22023', 'a control character'),
	('x ', '22023', 'a blank at the end'),
	('', '22023', 'nothing')) v (name, expected, what);

SELECT * FROM finish();
ROLLBACK;
