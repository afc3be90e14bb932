-- What runs within statements of others: code of a table's owner in the name of
-- whoever writes, event triggers in what a window or paysafe itself does; and
-- temporary tables in the place of protected ones.  For a server that preloads
-- paysafe.
BEGIN;
SELECT plan(106);
\ir ../pgtap/lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE ROLE regress_guard_owner CREATEROLE;
CREATE ROLE regress_guard_other;
CREATE ROLE regress_guard_app;
CREATE SCHEMA shop AUTHORIZATION regress_guard_owner;
GRANT USAGE ON SCHEMA shop TO regress_guard_app;
DO 'BEGIN EXECUTE format(''GRANT TEMP ON DATABASE %I TO regress_guard_app'', current_database()); END';
SELECT set_config('test.inside', 'SELECT 1', true);
SET LOCAL ROLE regress_guard_owner;
CREATE FUNCTION shop.inside() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE current_setting('test.inside'); RETURN 1; END $$;
CREATE FUNCTION shop.inside(text) RETURNS boolean LANGUAGE sql AS $$ SELECT shop.inside() = 1 $$;
CREATE FUNCTION shop.pretends(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN shop.inside(); END $$;
CREATE FUNCTION shop.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM shop.inside(); RETURN NEW; END $$;
CREATE FUNCTION shop.in_sql() RETURNS int LANGUAGE sql AS $$ ALTER ROLE regress_guard_app CREATEDB; SELECT 1 $$;
CREATE PROCEDURE shop.called() LANGUAGE plpgsql AS $$ BEGIN PERFORM shop.inside(); END $$;
CREATE TABLE shop.checks (id int PRIMARY KEY, n text CHECK (shop.inside(n)));
CREATE TABLE shop.defaults (id int PRIMARY KEY, n int DEFAULT shop.inside());
CREATE TABLE shop.generates (id int PRIMARY KEY, n int GENERATED ALWAYS AS (shop.pretends(id)) STORED);
CREATE TABLE shop.indexed (id int PRIMARY KEY);
CREATE INDEX ON shop.indexed (shop.pretends(id));
CREATE TABLE shop.triggers (id int PRIMARY KEY);
INSERT INTO shop.triggers VALUES (0); DELETE FROM shop.triggers;	-- nobody depends on the rules of a table without
CREATE TRIGGER t BEFORE INSERT ON shop.triggers FOR EACH ROW EXECUTE FUNCTION shop.fires();
CREATE TABLE shop.sql_default (id int PRIMARY KEY, n int DEFAULT shop.in_sql());
CREATE DOMAIN shop.checked AS int CHECK (shop.inside(VALUE::text));
CREATE TABLE shop.domains (id int PRIMARY KEY, n shop.checked);
CREATE VIEW shop.seen AS SELECT shop.inside() AS n;
SELECT paysafe.audit(t) FROM unnest('{shop.checks,shop.defaults,shop.generates,shop.indexed,shop.triggers,shop.sql_default,shop.domains}'::regclass[]) t;
RESET ROLE;

-- a superuser who only writes, reads or calls gives nobody anything
CREATE TEMP TABLE way (command text);
INSERT INTO way VALUES ('INSERT INTO shop.checks VALUES (1, ''x'')'), ('INSERT INTO shop.defaults VALUES (1)'), ('INSERT INTO shop.generates VALUES (1)'),
	('INSERT INTO shop.indexed VALUES (1)'), ('INSERT INTO shop.triggers VALUES (1)'), ('INSERT INTO shop.domains VALUES (1, 1)'),
	('SELECT * FROM shop.seen'), ('SELECT shop.inside()'), ('CALL shop.called()'), ('DO ''BEGIN PERFORM shop.inside(); END''');
SELECT set_config('test.inside', 'ALTER ROLE regress_guard_app SUPERUSER', true);
SELECT is(pg_temp.refusal(command), '42501 paysafe_guard_privilege', 'ALTER ROLE in ' || command) FROM way;
SELECT is(pg_temp.refusal('INSERT INTO shop.sql_default VALUES (1)'), '42501 paysafe_guard_privilege', 'in the body of an SQL function');
SELECT is(pg_temp.refusal(format('SELECT set_config(''test.inside'', %L, true); INSERT INTO shop.triggers VALUES (1)', command)), '42501 paysafe_guard_privilege', command)
  FROM unnest(ARRAY['CREATE ROLE regress_guard_new SUPERUSER', 'GRANT pg_write_all_data TO regress_guard_app', 'ALTER SYSTEM SET work_mem = ''5MB''',
	'ALTER ROLE regress_guard_app SET work_mem = ''5MB''', 'ALTER ROLE regress_guard_app RENAME TO regress_guard_new', 'DROP ROLE regress_guard_other',
	'GRANT SET ON PARAMETER work_mem TO regress_guard_app', 'GRANT EXECUTE ON FUNCTION paysafe.approve TO regress_guard_app',
	'GRANT ALL ON ALL FUNCTIONS IN SCHEMA paysafe TO regress_guard_app', 'REASSIGN OWNED BY regress_guard_app TO regress_guard_other',
	'CREATE FUNCTION shop.later() RETURNS int LANGUAGE sql SECURITY DEFINER AS ''SELECT 1''',
	'ALTER FUNCTION shop.inside() OWNER TO CURRENT_USER', 'ALTER FUNCTION shop.inside() SECURITY DEFINER', 'CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION shop.ev()',
	'COPY (SELECT 1) TO PROGRAM ''cat''',
	'PREPARE later AS SELECT 1', 'DEALLOCATE later', 'DEALLOCATE ALL', 'DECLARE later CURSOR FOR SELECT 1',
	'DO ''BEGIN ALTER ROLE regress_guard_app SUPERUSER; END''']) command;
SELECT set_config('test.inside', $$SELECT paysafe.open_maintenance('why', 'T-1', '1 hour', '{shop.checks}')$$, true);
SELECT is(pg_temp.refusal(command), '42501 paysafe_maintenance', 'a window in ' || command) FROM way;
SELECT matches(pg_temp.refusal_text(command, 'MESSAGE'), 'statement of its own', 'for this reason') FROM way LIMIT 1;
SELECT is((SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = 'regress_guard_app'), false, 'nothing was given');

-- nor does it approve anything
SELECT set_config('test.inside', $$SELECT paysafe.approve('paysafe.rule', 'x', 'why')$$, true);
SELECT is(pg_temp.refusal(command), '42501 paysafe.approval_record paysafe_approval_record_approval', 'an approval in ' || command)
  FROM way WHERE command ~ '^(INSERT INTO shop.(checks|defaults|triggers)|SELECT|CALL)';
SELECT set_config('test.inside', $$SELECT paysafe.withdraw_approval(1, 'why')$$, true);
SELECT is(pg_temp.refusal('SELECT * FROM shop.seen'), '42501 paysafe.approval_record paysafe_approval_record_approval', 'nor withdraws one');
SELECT is(pg_temp.refusal(format('SELECT set_config(''test.inside'', %L, true); SELECT * FROM shop.seen', inside)), '42501 paysafe.approval_record paysafe_approval_record_approval', inside)
  FROM unnest(ARRAY['SELECT paysafe.approve_refund(''shop.checks'', ''1'', 1, ''EUR'', ''why'')', 'SELECT paysafe.request_refund(''shop.checks'', ''1'', 1, ''EUR'', ''why'')',
					'SELECT paysafe.settle_breach(1, ''why'')', 'SELECT paysafe.approval_challenge(''paysafe.rule'', ''x'')', 'SELECT paysafe.revoke_passkey(1, ''why'')',
					'SELECT paysafe.revoke_token_issuer(''https://login.example'', ''why'')', 'SELECT paysafe.revoke_token_key(''https://login.example'', ''a'', ''why'')',
					'SELECT paysafe.bootstrap_people(''a'', ''{}'', ''b'', ''{}'', ''why'')', 'SELECT paysafe.require_registered(true, ''why'')']) inside;
SELECT paysafe.audit('shop.triggers', require_reason => true);
SELECT is(pg_temp.refusal(format('SELECT set_config(''test.inside'', %L, true); %s', inside, command)), '42501 paysafe.approval_record paysafe_approval_record_approval', inside || ' in ' || command)
  FROM unnest(ARRAY['SELECT paysafe.propose(''why'')', 'SELECT paysafe.audit(''shop.triggers'')']) inside, unnest(ARRAY['SELECT * FROM shop.seen', 'INSERT INTO shop.defaults VALUES (7)']) command;
SELECT is(pg_temp.refusal('SELECT paysafe.act_as(''ann'', ''why''); SELECT paysafe.propose(''why''); SELECT paysafe.audit(''shop.triggers''); SELECT paysafe.propose(NULL)'), 'accepted', 'in a statement of one''s own');

-- an expression that needs no function of the owner's, a function that becomes its caller, a cursor that is left for later
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA paysafe TO regress_guard_owner;
SET LOCAL ROLE regress_guard_owner;
CREATE TABLE shop.plain_default (id int PRIMARY KEY, n bigint DEFAULT paysafe.approve('paysafe.rule', 'x', 'why'));
CREATE TABLE shop.plain_check (id int PRIMARY KEY CHECK (paysafe.approve('paysafe.rule', 'x', 'why') > 0));
CREATE DOMAIN shop.plain_domain AS int CHECK (paysafe.approve('paysafe.rule', VALUE::text, 'why') > 0);
CREATE VIEW shop.plain_view AS SELECT paysafe.approve('paysafe.rule', 'x', 'why') AS n;
CREATE VIEW shop.plain_window AS SELECT paysafe.open_maintenance('why', 'T-1', '1 hour', '{shop.checks}') AS n;
CREATE FUNCTION shop.one_select() RETURNS bigint LANGUAGE sql AS $$ SELECT paysafe.approve('paysafe.rule', 'x', 'why') $$;
CREATE FUNCTION shop.atomic() RETURNS bigint BEGIN ATOMIC SELECT paysafe.approve('paysafe.rule', 'x', 'why'); END;
CREATE FUNCTION shop.disguised() RETURNS bigint LANGUAGE plpgsql SET role = regress_guard_owner AS $$ BEGIN RETURN paysafe.approve('paysafe.rule', 'x', 'why'); END $$;
CREATE FUNCTION shop.argument(n bigint DEFAULT paysafe.approve('paysafe.rule', 'x', 'why')) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN n; END $$;
RESET ROLE;
SELECT is(pg_temp.refusal(command), '42501 paysafe.approval_record paysafe_approval_record_approval', command)
  FROM unnest(ARRAY['INSERT INTO shop.plain_default VALUES (1)', 'INSERT INTO shop.plain_check VALUES (1)', 'SELECT 1::shop.plain_domain', 'SELECT * FROM shop.plain_view',
					'SELECT shop.one_select()', 'SELECT shop.atomic()', 'SELECT shop.disguised()', 'SELECT shop.argument()']) command;
SELECT is(pg_temp.refusal('SELECT * FROM shop.plain_window'), '42501 paysafe_maintenance', 'SELECT * FROM shop.plain_window');
SELECT is(pg_temp.refusal(format('SELECT set_config(''test.inside'', %L, true); SELECT * FROM shop.seen', inside)), '42501 paysafe_guard_privilege', inside)
  FROM unnest(ARRAY['SET LOCAL ROLE regress_guard_owner', 'SET SESSION AUTHORIZATION regress_guard_owner', 'SELECT set_config(''role'', ''regress_guard_owner'', true)',
					'DECLARE later CURSOR WITH HOLD FOR SELECT paysafe.approve(''paysafe.rule'', ''x'', ''why'')']) inside;
-- what one's own text, or one's own or a superuser's function calls comes to another answer: there is no such change
CREATE FUNCTION shop.of_superuser() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN paysafe.approve('paysafe.rule', 'x', 'why'); END $$;
CREATE FUNCTION shop.of_superuser_select() RETURNS bigint LANGUAGE sql AS $$ SELECT paysafe.approve('paysafe.rule', 'x', 'why') $$;
CREATE FUNCTION shop.of_superuser_atomic() RETURNS bigint BEGIN ATOMIC SELECT paysafe.approve('paysafe.rule', 'x', 'why'); END;
SELECT isnt(pg_temp.refusal_text(command, 'MESSAGE'), 'paysafe.approve is not for code of others', command)
  FROM unnest(ARRAY['SELECT paysafe.approve(''paysafe.rule'', ''x'', ''why'')', 'SELECT * FROM paysafe.approve(''paysafe.rule'', ''x'', ''why'')', 'SELECT shop.of_superuser()',
					'SELECT shop.of_superuser_select()', 'SELECT shop.of_superuser_atomic()', 'PREPARE p AS SELECT paysafe.approve(''paysafe.rule'', ''x'', ''why''); EXECUTE p',
					'DO $x$BEGIN PERFORM paysafe.approve(''paysafe.rule'', ''x'', ''why''); END$x$',
					'SET LOCAL ROLE regress_guard_owner; SELECT shop.one_select()', 'SET LOCAL ROLE regress_guard_owner; SELECT shop.atomic()']) command;

-- what keeps working
GRANT regress_guard_app TO regress_guard_owner WITH ADMIN OPTION;
SELECT set_config('test.inside', 'ALTER ROLE regress_guard_app CONNECTION LIMIT 5', true);
SELECT is(pg_temp.refusal('SELECT shop.inside()', 'regress_guard_owner'), 'accepted', 'the owner''s own function, by the owner');
SELECT set_config('test.inside', 'GRANT SELECT ON shop.checks TO regress_guard_app', true);
SELECT is(pg_temp.refusal('INSERT INTO shop.triggers VALUES (2)'), 'accepted', 'a privilege on a table');
SELECT is(pg_temp.refusal('DO ''BEGIN ALTER ROLE regress_guard_app CONNECTION LIMIT 6; END'''), 'accepted', 'a superuser''s own DO');
CREATE FUNCTION public.trusted() RETURNS int LANGUAGE plpgsql AS $$ BEGIN ALTER ROLE regress_guard_app CONNECTION LIMIT 7; RETURN 1; END $$;
SELECT is(pg_temp.refusal('SELECT public.trusted()'), 'accepted', 'a superuser''s function');
SELECT set_config('test.inside', 'SELECT 1/0', true);
SELECT is(pg_temp.refusal('SELECT shop.inside()'), '22012', 'a function left by an error');
SELECT is(pg_temp.refusal('ALTER ROLE regress_guard_app CONNECTION LIMIT 8'), 'accepted', '... is not taken for one under way');
SELECT set_config('test.inside', 'SELECT 1', true);
SELECT matches((SELECT detail FROM paysafe.check() WHERE subject = 'shop.checks' AND check_name = 'code_of_others' AND ok), 'can give nobody privileges: shop.inside\(text\)', 'check() says whose code runs');

-- a window permits what the person does, not what others do in it
CREATE TABLE shop.wide (id int PRIMARY KEY, note text);
SELECT paysafe.audit('shop.wide');
INSERT INTO shop.wide VALUES (1, 'x');
CREATE FUNCTION pg_temp.opening() RETURNS text LANGUAGE sql AS $$ SELECT $x$SELECT paysafe.open_maintenance('why', 'T-2', '1 hour', '{shop.wide}')$x$ $$;
SELECT paysafe.act_as('ann');
SELECT 'SELECT ' || substring(pg_temp.refusal_text(pg_temp.opening(), 'HINT') FROM '(paysafe\.approve\(.*\));  then') AS command \gset
SELECT paysafe.act_as('bob');
SELECT is(pg_temp.refusal(:'command'), 'accepted', 'bob approves');
SELECT paysafe.act_as('ann');
SELECT is(pg_temp.refusal(pg_temp.opening()), 'accepted', 'ann opens the window');
SELECT set_config('test.inside', $$ALTER TABLE shop.wide ALTER note TYPE text USING 'gone'$$, true);
SELECT matches(pg_temp.refusal('INSERT INTO shop.triggers VALUES (3)'), '_wide_guard_column$', 'in a trigger');
CREATE FUNCTION public.event() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE current_setting('test.inside'); END $$;
CREATE EVENT TRIGGER regress_nested ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION public.event();
SELECT matches(pg_temp.refusal('CREATE INDEX ON shop.wide (note)'), '_wide_guard_column$', 'in an event trigger');
DROP EVENT TRIGGER regress_nested;
SELECT is((SELECT note FROM shop.wide), 'x', 'the row is what it was');
SELECT is(pg_temp.refusal($a$DO $x$BEGIN ALTER TABLE shop.wide ALTER note TYPE text USING 'y'; END$x$$a$), 'accepted', 'in a DO of one''s own');

-- temporary tables in front of protected ones
SET LOCAL search_path = shop, public;
SELECT matches(pg_temp.refusal(command), '^42501 shop.checks paysafe_checks_guard_shadow$', command) FROM unnest(ARRAY[
	'CREATE TEMP TABLE checks (id int, n text)', 'CREATE TEMP TABLE checks AS SELECT 1', 'CREATE TEMP VIEW checks AS SELECT 1',
	'CREATE TEMP TABLE other (id int); ALTER TABLE other RENAME TO checks']) command;
SET LOCAL search_path = public, shop, pg_temp;
SELECT is(pg_temp.refusal('CREATE TEMP TABLE checks (id int); DROP TABLE pg_temp.checks'), 'accepted', 'where pg_temp comes last it stands in nobody''s way');
SET LOCAL search_path = public;
SELECT is(pg_temp.refusal('CREATE TEMP TABLE checks (id int)'), 'accepted', 'or where the protected one is not in the path');
SELECT is((SELECT ok FROM paysafe.check() WHERE subject = 'shop.checks' AND check_name = 'shadowed'), false, 'check() shows it');
SELECT * FROM finish();
ROLLBACK;
