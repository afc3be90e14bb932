-- Rows of owners: who writes whose, by every type that can name one, whatever the way.
BEGIN;
SELECT plan(80);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_owner_app;
CREATE ROLE regress_owner_table;
GRANT USAGE, CREATE ON SCHEMA shop TO regress_owner_app, regress_owner_table;
\set other '23J01 shop.job.owner paysafe_job_owner'
\set nobody '23J02 shop.job paysafe_job_owner'

CREATE TABLE shop.job (id int PRIMARY KEY, owner text COLLATE "C", what text);
INSERT INTO shop.job VALUES (1, 'ann', 'x'), (2, 'bob', 'x'), (3, NULL, 'x');
SELECT throws_ok(format('SELECT paysafe.protect_owner(%s)', a), code, NULL, a) FROM (VALUES
	('22004', 'NULL, ''owner'''), ('22004', '''shop.job'', NULL'), ('42703', '''shop.job'', ''missing'''), ('42703', '''shop.job'', ''ctid'''),
	('22004', '''shop.job'', ''owner'', identity => NULL'), ('22023', '''shop.job'', ''owner'', identity => ''none'''),
	('22023', '''shop.job'', ''owner'', identity => ''passkey'''), ('22023', '''shop.job'', ''owner'', identity => ''good'''),
	('22004', '''shop.job'', ''owner'', mode => NULL'), ('22023', '''shop.job'', ''owner'', mode => ''off'''),
	('23514', '''shop.job'', ''owner''')) v (code, a);
CREATE TABLE shop.when (id int PRIMARY KEY, owner timestamptz);
SELECT throws_ok($$SELECT paysafe.protect_owner('shop.when', 'owner')$$, '22023', 'column "owner" of table "when" cannot say who owns a row', 'a time names nobody');
DELETE FROM shop.job WHERE id = 3;
SELECT lives_ok($$SELECT paysafe.protect_owner('shop.job', 'owner')$$, 'declared');
SELECT is((SELECT definition FROM paysafe.protection WHERE relation = 'shop.job'::regclass), 'rows are written by the owner in owner, known by identity claimed', 'shown');
GRANT ALL ON shop.job TO regress_owner_app, regress_owner_table;

-- everybody their own: by every statement, as every role
SELECT paysafe.act_as('ann');
SELECT is(pg_temp.refusal(statement, role), expected, concat_ws(': ', role, statement)) FROM (VALUES
	('INSERT INTO shop.job VALUES (11, ''ann'')', 'accepted'),
	('INSERT INTO shop.job VALUES (12, ''bob'')', :'other'),
	('INSERT INTO shop.job VALUES (12, NULL)', :'other'),
	('INSERT INTO shop.job VALUES (12, ''Ann''), (13, ''ann'')', :'other'),
	('INSERT INTO shop.job VALUES (12, '' ann'')', :'other'),
	('INSERT INTO shop.job VALUES (12, ''annn'')', :'other'),
	('INSERT INTO shop.job VALUES (12, '''')', :'other'),
	('UPDATE shop.job SET what = ''y'' WHERE id = 1', 'accepted'),
	('UPDATE shop.job SET what = ''y'' WHERE id = 2', :'other'),
	('UPDATE shop.job SET owner = ''ann'' WHERE id = 2', :'other'),
	('UPDATE shop.job SET owner = ''bob'' WHERE id = 1', :'other'),
	('UPDATE shop.job SET owner = NULL WHERE id = 1', :'other'),
	('INSERT INTO shop.job VALUES (2, ''ann'') ON CONFLICT (id) DO UPDATE SET what = ''z''', :'other'),
	('MERGE INTO shop.job j USING (VALUES (2)) v(id) ON j.id = v.id WHEN MATCHED THEN UPDATE SET what = ''z''', :'other'),
	('DELETE FROM shop.job WHERE id = 2', :'other'),
	('DELETE FROM shop.job WHERE id = 11', 'accepted')) v (statement, expected),
	unnest('{NULL,regress_owner_app}'::name[]) role;
SELECT is(pg_temp.refusal('TRUNCATE shop.job'), '42501 shop.job paysafe_job_owner', 'nor all at once');
SELECT is(pg_temp.refusal_text('UPDATE shop.job SET owner = ''ann'' WHERE id = 2', f), t, f) FROM (VALUES
	('MESSAGE', 'a row of table "job" is another owner''s: UPDATE refused'), ('DETAIL', 'Row "2".'), ('HINT', 'Its owner may.')) v (f, t);
SELECT paysafe.act_as('bob');
SELECT is(pg_temp.refusal('UPDATE shop.job SET what = ''y'' WHERE id = 2'), 'accepted', 'bob''s is bob''s');
SELECT is(pg_temp.refusal('UPDATE shop.job SET what = ''y'' WHERE id = 1'), :'other', 'what was ann''s a moment ago is not');

-- a savepoint's actor goes with it
SAVEPOINT a;
SELECT paysafe.act_as('ann');
SELECT is(pg_temp.refusal('UPDATE shop.job SET what = ''s'' WHERE id = 1'), 'accepted', 'ann');
ROLLBACK TO a;
SELECT is(pg_temp.refusal('UPDATE shop.job SET what = ''s'' WHERE id = 1'), :'other', 'bob again');

-- a login that acts for others is nobody without a name
SELECT paysafe.act_as(NULL);
SELECT is(pg_temp.refusal('UPDATE shop.job SET what = ''s'' WHERE id = 1'), :'nobody', 'nobody is named, over a login that acts for others');
SELECT paysafe.act_as('bob');

-- how well it is known who acts
SELECT lives_ok($$SELECT paysafe.protect_owner('shop.job', 'owner', identity => 'proven')$$, 'to ask for more is no loosening');
SELECT is(pg_temp.refusal('UPDATE shop.job SET what = ''y'' WHERE id = 2'), :'nobody', 'a claim is not enough');
SELECT is(pg_temp.refusal_text('UPDATE shop.job SET what = ''y'' WHERE id = 2', 'DETAIL'), '"bob" is known by identity "claimed".', 'said');
SELECT throws_ok($$SELECT paysafe.protect_owner('shop.job', 'owner', identity => 'session')$$, '42501', NULL, 'to ask for less takes two');

-- each type that can be a name
CREATE FUNCTION pg_temp.kept(type text, own text, others text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
	EXECUTE format('CREATE TABLE shop.typed (id int PRIMARY KEY, owner %s)', type);
	PERFORM paysafe.protect_owner('shop.typed', 'owner'), paysafe.act_as(own);
	result := concat_ws(', ', pg_temp.refusal(format('INSERT INTO shop.typed VALUES (1, %L)', own)), pg_temp.refusal(format('INSERT INTO shop.typed VALUES (2, %L)', others)));
	PERFORM paysafe.unprotect('shop.typed', 'owner', 'x');
	RETURN result;
EXCEPTION WHEN insufficient_privilege THEN
	RETURN result;
END $$;
SELECT is(pg_temp.kept(type, own, others), 'accepted, 23J01 shop.typed.owner paysafe_typed_owner', type) FROM (VALUES
	('smallint', '7', '8'), ('int', '7', '70'), ('bigint', '9223372036854775807', '7'), ('varchar(20)', 'ann', 'an'),
	('uuid', '00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b')) v (type, own, others);

-- partitions, moves between them, cascades
CREATE TABLE shop.plan (id int, region text, owner int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.plan_eu PARTITION OF shop.plan FOR VALUES IN ('eu');
CREATE TABLE shop.plan_us (region text NOT NULL, owner int, id int NOT NULL);
ALTER TABLE shop.plan ATTACH PARTITION shop.plan_us FOR VALUES IN ('us');
SELECT paysafe.protect_owner('shop.plan', 'owner'), paysafe.act_as('7');
SELECT is(pg_temp.refusal(statement), expected, statement) FROM (VALUES
	('INSERT INTO shop.plan VALUES (1, ''eu'', 7)', 'accepted'),
	('INSERT INTO shop.plan_us VALUES (''us'', 8, 2)', '23J01 shop.plan.owner paysafe_plan_owner'),
	('UPDATE shop.plan SET region = ''us'' WHERE id = 1', 'accepted'),
	('UPDATE shop.plan SET region = ''eu'', owner = 8 WHERE id = 1', '23J01 shop.plan.owner paysafe_plan_owner')) v (statement, expected);

-- people of the registry, and a group of them
SELECT paysafe.bootstrap_people('Ann', '{}', 'Bob', '{}', 'the first two');
CREATE FUNCTION pg_temp.by_two(command text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE asked record;
BEGIN
	PERFORM paysafe.act_as('Ann'), paysafe.propose('wanted');
	EXECUTE command;
	PERFORM paysafe.propose(NULL);
	SELECT approved_as, key INTO asked FROM paysafe.pending_change ORDER BY id DESC LIMIT 1;
	PERFORM paysafe.act_as('Bob'), paysafe.approve(asked.approved_as, asked.key, 'right');
	PERFORM paysafe.act_as('Ann');
	EXECUTE command;
END $$;
SELECT pg_temp.by_two(c) FROM unnest(ARRAY[$$SELECT paysafe.add_person('Cy', 'x')$$, $$SELECT paysafe.add_alias('Cy', 'name', 'cy@example.com', 'x')$$, $$SELECT paysafe.add_to_group('Bob', 'support', 'x')$$]) c;
CREATE TABLE shop.task (id int PRIMARY KEY, owner text, what text);
SELECT paysafe.protect_owner('shop.task', 'owner', 'support');
CREATE FUNCTION pg_temp.by(actor text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as(actor);
	RETURN pg_temp.refusal(statement);
END $$;
SELECT is(pg_temp.by(actor, statement), coalesce(expected, '23J01 shop.task.owner paysafe_task_owner'), actor || ': ' || statement) FROM (VALUES
	('Cy', 'INSERT INTO shop.task VALUES (1, ''cy@example.com''), (2, ''Cy'')', 'accepted'),
	('cy@example.com', 'UPDATE shop.task SET what = ''y''', 'accepted'),
	('Ann', 'UPDATE shop.task SET what = ''y''', NULL),
	('Bob', 'UPDATE shop.task SET what = ''by support''', 'accepted'),
	('Bob', 'UPDATE shop.task SET owner = ''Bob'' WHERE id = 1', NULL),
	('Bob', 'UPDATE shop.task SET owner = ''Ann'' WHERE id = 1', 'accepted'),
	('Bob', 'INSERT INTO shop.task VALUES (3, ''Ann'')', 'accepted'),
	('Ann', 'UPDATE shop.task SET what = ''mine now'' WHERE id = 1', 'accepted'),
	('Ann', 'DELETE FROM shop.task WHERE id = 2', NULL)) v (actor, statement, expected);
SELECT is(pg_temp.refusal_text('DELETE FROM shop.task WHERE id = 2', 'HINT'), 'Its owner may, or a member of group "support", but for rows that would become their own.', 'the way out');
SELECT paysafe.act_as('Ann'), paysafe.remove_from_group('Bob', 'support', 'left');
SELECT is(pg_temp.by('Bob', 'UPDATE shop.task SET what = ''y'' WHERE id = 2'), '23J01 shop.task.owner paysafe_task_owner', 'who has left the group may no more');
SELECT is(pg_temp.refusal('SELECT paysafe.protect_owner(''shop.task'', ''owner'', ''others'')'), '42501 shop.task paysafe_task_owner', 'another group: by two');
SELECT * FROM finish();
ROLLBACK;
