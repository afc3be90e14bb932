-- Triggers that only look like paysafe's, where no guard is loaded: a declaration
-- replaces them; what would keep rows from paysafe's own is refused there.
BEGIN;
SELECT plan(33);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE FUNCTION shop.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TEMP TABLE planted (definition text);
INSERT INTO planted VALUES
	('TRIGGER paysafe AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW WHEN (false) EXECUTE FUNCTION paysafe.enforce()'),
	('TRIGGER paysafe AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()'),
	('TRIGGER paysafe AFTER INSERT OR UPDATE OF id OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()'),
	('TRIGGER paysafe BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()'),
	('TRIGGER paysafe AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH STATEMENT EXECUTE FUNCTION paysafe.enforce()'),
	('TRIGGER paysafe AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION paysafe.enforce(''x'')'),
	('TRIGGER paysafe AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION paysafe.enforce_statement()'),
	('TRIGGER "2nd" AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()'),
	('CONSTRAINT TRIGGER paysafe AFTER INSERT OR UPDATE OR DELETE ON %s DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()'),
	('TRIGGER paysafe_statement AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH STATEMENT EXECUTE FUNCTION paysafe.enforce_statement()'),
	('TRIGGER paysafe_statement AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION paysafe.enforce()');

-- on a table, a partition and a child, before the first declaration and again
CREATE TABLE shop.plain (id int PRIMARY KEY, status text);
CREATE TABLE shop.part (id int PRIMARY KEY, status text) PARTITION BY RANGE (id);
CREATE TABLE shop.part_1 PARTITION OF shop.part DEFAULT;
CREATE FUNCTION pg_temp.planting(definition text, root text, leaf text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(format('CREATE %s; SELECT paysafe.protect_status(%L, ''status'', ''[*] --> new'');
		INSERT INTO %3$s VALUES (1, ''new''); UPDATE %3$s SET status = ''other''', format(definition, leaf), root, leaf)) $$;
SELECT is(pg_temp.planting(definition, 'shop.plain', 'shop.plain'), '23T04 shop.plain.status paysafe_plain_status', definition) FROM planted;
SELECT is(pg_temp.planting(definition, 'shop.part', 'shop.part_1'), '23T04 shop.part.status paysafe_part_status', 'on a partition: ' || definition) FROM planted;
SELECT is(pg_temp.planting('TRIGGER paysafe AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()', 'shop.part', 'shop.part_1'),
	'23T04 shop.part.status paysafe_part_status', 'on a partition: the right one, but no clone');
SELECT paysafe.protect_status('shop.plain', 'status', '[*] --> new');
CREATE OR REPLACE TRIGGER paysafe AFTER INSERT ON shop.plain FOR EACH ROW WHEN (false) EXECUTE FUNCTION paysafe.enforce();
CREATE TRIGGER "2nd" AFTER INSERT ON shop.plain FOR EACH ROW EXECUTE FUNCTION paysafe.enforce();
SELECT matches(paysafe.trigger_trouble('shop.plain', false), 'missing, altered', 'the trouble with the row trigger');
SELECT is(paysafe.trigger_trouble('shop.plain', true), NULL, '... none with the other');
SELECT set_eq($$SELECT check_name FROM paysafe.check() WHERE subject = 'shop.plain' AND NOT ok$$, $$VALUES ('row_trigger'), ('second_trigger')$$, 'check() says so');
SELECT paysafe.protect_status('shop.plain', 'status', '[*] --> new');
SELECT is((SELECT string_agg(tgname, ' ' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 'shop.plain'::regclass), 'paysafe paysafe_statement', 'declared again, both are gone');

-- somebody's own trigger, and what keeps rows away
SELECT is(pg_temp.refusal(command), result, command) FROM (VALUES
	('42710', 'CREATE TABLE shop.x (id int PRIMARY KEY, status text); CREATE TRIGGER paysafe AFTER INSERT ON shop.x FOR EACH ROW EXECUTE FUNCTION shop.swallow(); SELECT paysafe.audit(''shop.x'')'),
	('55000', 'CREATE TABLE shop.x (id int PRIMARY KEY, status text); CREATE TRIGGER t BEFORE DELETE ON shop.x FOR EACH ROW EXECUTE FUNCTION shop.swallow(); SELECT paysafe.protect_append_only(''shop.x'')'),
	('55000', 'CREATE TABLE shop.x (id int PRIMARY KEY, status text); CREATE RULE r AS ON INSERT TO shop.x WHERE NEW.id > 5 DO INSTEAD NOTHING; SELECT paysafe.audit(''shop.x'')'),
	('accepted', 'CREATE TABLE shop.x1 (id int PRIMARY KEY, status text); CREATE TRIGGER t BEFORE DELETE ON shop.x1 FOR EACH ROW EXECUTE FUNCTION shop.swallow(); SELECT paysafe.audit(''shop.x1'')'),
	('accepted', 'CREATE TABLE shop.x2 (id int PRIMARY KEY, status text); CREATE TRIGGER t BEFORE DELETE ON shop.x2 FOR EACH ROW EXECUTE FUNCTION shop.swallow(); ALTER TABLE shop.x2 DISABLE TRIGGER t; SELECT paysafe.protect_append_only(''shop.x2'')'),
	('accepted', 'CREATE TABLE shop.x3 (id int PRIMARY KEY, status text); CREATE RULE r AS ON INSERT TO shop.x3 DO ALSO NOTIFY x; SELECT paysafe.audit(''shop.x3'')')) v (result, command);
SELECT * FROM finish();
ROLLBACK;
