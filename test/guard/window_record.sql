-- What a maintenance window lets pass is on record: of tables below, of types, of rows of
-- catalogs; and it closes when everything is in order again.  For a server that
-- preloads paysafe.
BEGIN;
SELECT plan(33);
\ir ../pgtap/lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TYPE shop.address AS (street text, n int);
CREATE TABLE shop.part (id int, region text, status text, note text, address shop.address, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.part_eu PARTITION OF shop.part FOR VALUES IN ('eu');
CREATE TABLE shop.part_us PARTITION OF shop.part FOR VALUES IN ('us');
CREATE TABLE shop.plain (id int PRIMARY KEY);
SELECT paysafe.protect_status('shop.part', 'status', E'[*] --> new\nnew --> paid');
INSERT INTO shop.part VALUES (1, 'eu', 'new');
CREATE FUNCTION pg_temp.open(tables text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	command text := format('SELECT paysafe.open_maintenance(''why'', ''T-1'', ''1 hour'', %L)', tables);
	hint text;
BEGIN
	PERFORM paysafe.act_as('ann');
	hint := pg_temp.refusal_text(command, 'HINT');
	PERFORM paysafe.act_as('bob');
	EXECUTE 'SELECT ' || substring(hint FROM '(paysafe\.approve\(.*\));  then');
	PERFORM paysafe.act_as('ann');
	EXECUTE command;
END $$;
CREATE VIEW pg_temp.recorded AS SELECT id, statement, table_name, before, after FROM paysafe.maintenance_change;
CREATE TEMP TABLE mark (id bigint);
INSERT INTO mark VALUES (0);
-- what was recorded since the last call
CREATE FUNCTION pg_temp.news() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT statement || ' ' || table_name FROM paysafe.maintenance_change WHERE id > (SELECT m.id FROM mark m) ORDER BY 1;
	UPDATE mark SET id = coalesce((SELECT max(c.id) FROM paysafe.maintenance_change c), 0);
END $$;

-- tables and types
SELECT pg_temp.open('{shop.part}');
SELECT is(pg_temp.refusal('ALTER TABLE shop.part ALTER note TYPE varchar(50)'), 'accepted', 'a column of the root');
SELECT set_eq('SELECT pg_temp.news()', ARRAY['ALTER TABLE shop.part', 'ALTER TABLE shop.part_eu', 'ALTER TABLE shop.part_us'], '... is changed in the partitions, too');
SELECT is(pg_temp.refusal('ALTER TABLE shop.part_eu ALTER note SET DEFAULT ''x'''), 'accepted', 'a default of a partition');
SELECT set_eq('SELECT pg_temp.news()', ARRAY['ALTER TABLE shop.part_eu'], '... of that one only');
SELECT is(pg_temp.refusal('CREATE TABLE shop.part_as PARTITION OF shop.part FOR VALUES IN (''as'')'), 'accepted', 'a new partition');
SELECT set_eq('SELECT pg_temp.news()', ARRAY['CREATE TABLE shop.part', 'CREATE TABLE shop.part_as'], '... was not there before');
SELECT is((SELECT before FROM pg_temp.recorded WHERE table_name = 'shop.part_as'), NULL, '... says the record');
SELECT is(pg_temp.refusal('DROP TABLE shop.part_as'), 'accepted', 'it is dropped');
SELECT set_eq('SELECT pg_temp.news()', ARRAY['DROP TABLE shop.part', 'DROP TABLE shop.part_as'], '... which is on record');
SELECT is((SELECT after FROM pg_temp.recorded WHERE statement = 'DROP TABLE' AND table_name = 'shop.part_as'), NULL, '... as gone');
SELECT is(pg_temp.refusal('ALTER TABLE shop.part DETACH PARTITION shop.part_us'), 'accepted', 'a partition leaves');
SELECT set_eq('SELECT pg_temp.news()', ARRAY['ALTER TABLE shop.part', 'ALTER TABLE shop.part_us'], '... which is on record');
SELECT is(pg_temp.refusal('ALTER TABLE shop.plain ADD COLUMN x int'), 'accepted', 'a table that no window names');
SELECT is_empty('SELECT pg_temp.news()', '... is not recorded');
SELECT is(pg_temp.refusal('ALTER TYPE shop.address DROP ATTRIBUTE n'), 'accepted', 'an attribute of a column''s type');
SELECT set_eq('SELECT pg_temp.news()', ARRAY['ALTER TYPE shop.part', 'ALTER TYPE shop.part_eu'], '... is on record for the tables that have the type');
SELECT is((SELECT (before #>> '{types,shop.address,attributes}') || (after #>> '{types,shop.address,attributes}') FROM pg_temp.recorded WHERE statement = 'ALTER TYPE' AND table_name = 'shop.part'),
	'[["street", "text"], ["n", "integer"]][["street", "text"]]', '... before and after');
SELECT is(pg_temp.refusal('UPDATE pg_class SET reltuples = reltuples WHERE oid = ''shop.part''::regclass'), '42501 pg_catalog.pg_class paysafe_pg_class_guard_catalog', 'a catalog that it does not name stays closed');
SELECT is(pg_temp.refusal('SELECT paysafe.close_maintenance()'), 'accepted', 'the window is closed');

-- catalogs
SELECT pg_temp.news();
SELECT pg_temp.open('{pg_catalog.pg_trigger,pg_catalog.pg_class}');
SELECT is(pg_temp.refusal($$UPDATE pg_trigger SET tgenabled = 'D' WHERE tgname = 'paysafe' AND tgrelid = 'shop.part_eu'::regclass$$), 'accepted', 'a row of a catalog');
SELECT set_eq('SELECT pg_temp.news()', ARRAY['UPDATE pg_catalog.pg_trigger'], '... is on record');
SELECT is((SELECT string_agg(check_name, ' ') FROM paysafe.check() WHERE NOT ok AND subject = 'shop.part_eu'), 'row_trigger',
	'... and seen by check(), although this session has known the table before');
SELECT results_eq($$SELECT before -> 0 ->> 'tgenabled', after -> 0 ->> 'tgenabled', before -> 0 ->> 'tgrelid' = ('shop.part_eu'::regclass::oid)::text
	FROM pg_temp.recorded WHERE table_name = 'pg_catalog.pg_trigger'$$, $$VALUES ('A', 'D', true)$$, '... before and after');
SELECT is(pg_temp.refusal($$WITH u AS (UPDATE pg_class SET reltuples = 7 WHERE oid = 'shop.plain'::regclass RETURNING 1) SELECT * FROM u$$), 'accepted', 'within a query');
SELECT set_eq('SELECT pg_temp.news()', ARRAY['SELECT pg_catalog.pg_class'], '... is on record');
SELECT is(pg_temp.refusal($$UPDATE pg_class SET relhastriggers = false WHERE oid = 'paysafe.rule'::regclass$$), '42501 pg_catalog.pg_class paysafe_pg_class_guard_catalog', 'not of paysafe''s own tables');
SELECT is(pg_temp.refusal($$DELETE FROM pg_trigger WHERE tgname = 'paysafe_own'$$), '42501 pg_catalog.pg_trigger paysafe_pg_trigger_guard_catalog', 'nor of their triggers');
SELECT is(pg_temp.refusal('TRUNCATE pg_trigger'), '42501 pg_catalog.pg_trigger paysafe_pg_trigger_guard_catalog', 'nor its shape');
UPDATE pg_class SET relhasrules = true, relhastriggers = false WHERE oid = 'shop.part_eu'::regclass;
SELECT matches(pg_temp.refusal('SELECT paysafe.close_maintenance()'), '^55000', 'the window does not close while something is wrong');
UPDATE pg_class SET relhasrules = false, relhastriggers = true WHERE oid = 'shop.part_eu'::regclass;
SELECT pg_temp.news();
SELECT is(pg_temp.refusal('SELECT paysafe.close_maintenance()'), 'accepted', '... and closes afterwards');
SELECT set_eq('SELECT pg_temp.news()', ARRAY['close_maintenance shop.part_eu'], '... what closing mended is on record');
SELECT is_empty($$SELECT subject, check_name FROM paysafe.check() WHERE NOT ok$$, 'everything is in force');
SELECT is(pg_temp.refusal($$UPDATE pg_trigger SET tgenabled = 'D'$$), '42501 pg_catalog.pg_trigger paysafe_pg_trigger_guard_catalog', 'and catalogs are closed');
SELECT * FROM finish();
ROLLBACK;
