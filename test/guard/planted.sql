-- Triggers that only look like paysafe's, and what keeps rows from paysafe's own:
-- refused where they are made, where their table joins a protected one, and
-- where a rule is declared.  For a server that preloads paysafe.
BEGIN;
SELECT plan(76);
\ir ../pgtap/lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE ROLE regress_guard_owner;
CREATE SCHEMA shop AUTHORIZATION regress_guard_owner;
SET LOCAL ROLE regress_guard_owner;
CREATE TABLE shop.payment (id int PRIMARY KEY, status text, amount numeric);
CREATE TABLE shop.log (id int PRIMARY KEY, body text);
CREATE TABLE shop.part (id int, region text, body text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.part_eu PARTITION OF shop.part FOR VALUES IN ('eu');
CREATE TABLE shop.plain (id int PRIMARY KEY, status text, amount numeric);
CREATE TABLE shop.other (id int PRIMARY KEY);
CREATE TABLE shop.restored (id int PRIMARY KEY);
CREATE TABLE shop.order (id int PRIMARY KEY, status text, amount numeric, captured numeric, currency text);
CREATE FUNCTION shop.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION shop.after() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
SELECT paysafe.protect_status('shop.payment', 'status', E'[*] --> new\nnew --> paid'),
	   paysafe.protect_append_only('shop.log'), paysafe.protect_append_only('shop.part'),
	   paysafe.protect_payment('shop.order', 'status', 'amount', 'captured', 'currency', '{captured}');
RESET ROLE;

-- Made: on a protected table, on another one, under either name or either function
CREATE TEMP TABLE planted (definition text);
INSERT INTO planted VALUES
	('TRIGGER paysafe AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW WHEN (false) EXECUTE FUNCTION paysafe.enforce()'),
	('TRIGGER paysafe AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()'),
	('TRIGGER paysafe AFTER UPDATE OF status ON %s FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()'),
	('TRIGGER paysafe AFTER INSERT OR UPDATE OF id OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()'),
	('TRIGGER paysafe BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()'),
	('TRIGGER paysafe AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH STATEMENT EXECUTE FUNCTION paysafe.enforce()'),
	('TRIGGER paysafe AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION paysafe.enforce(''x'')'),
	('TRIGGER paysafe AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION shop.after()'),
	('TRIGGER paysafe2 AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()'),
	('TRIGGER "Paysafe" AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()'),
	('CONSTRAINT TRIGGER paysafe AFTER INSERT OR UPDATE OR DELETE ON %s DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()'),
	('CONSTRAINT TRIGGER paysafe AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()'),
	('TRIGGER paysafe_statement AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH STATEMENT EXECUTE FUNCTION paysafe.enforce_statement()'),
	('TRIGGER paysafe_statement AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION paysafe.enforce()'),
	('TRIGGER paysafe_statement AFTER INSERT ON %s REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION paysafe.enforce_statement()');
SELECT matches(pg_temp.refusal('CREATE ' || format(definition, 'shop.plain'), r), '^42501 shop.plain paysafe_plain_guard_trigger$', format(definition, 'shop.plain') || coalesce(' by ' || r, ''))
  FROM planted, unnest(ARRAY[NULL, 'regress_guard_owner']::name[]) r;
SELECT matches(pg_temp.refusal('CREATE OR REPLACE ' || format(definition, 'shop.payment'), 'regress_guard_owner'), '^42501 shop.payment paysafe_payment_guard_trigger$', format(definition, 'shop.payment'))
  FROM planted WHERE definition NOT LIKE 'CONSTRAINT%';
SELECT is(pg_temp.refusal(command, 'regress_guard_owner'), '42501 shop.plain paysafe_plain_guard_trigger', command) FROM (VALUES
	('CREATE TRIGGER x AFTER INSERT ON shop.plain FOR EACH ROW EXECUTE FUNCTION shop.after(); ALTER TRIGGER x ON shop.plain RENAME TO paysafe'),
	('CREATE TRIGGER paysafe AFTER INSERT OR UPDATE OR DELETE ON shop.plain FOR EACH ROW EXECUTE FUNCTION paysafe.enforce(); ALTER TRIGGER paysafe ON shop.plain RENAME TO x')) v (command);

-- Where rows would be kept out: CREATE, ENABLE, ATTACH, INHERIT, and at the declaration
SELECT matches(pg_temp.refusal(command, 'regress_guard_owner'), '^42501 .*_guard_' || class || '$', command) FROM (VALUES
	('swallowing_trigger', 'CREATE TRIGGER t BEFORE INSERT ON shop.log FOR EACH ROW EXECUTE FUNCTION shop.swallow()'),
	('swallowing_trigger', 'CREATE TRIGGER t BEFORE INSERT ON shop.part_eu FOR EACH ROW EXECUTE FUNCTION shop.swallow()'),
	('swallowing_trigger', $$CREATE TABLE shop.part_us (LIKE shop.part, PRIMARY KEY (id, region)); CREATE TRIGGER t BEFORE INSERT ON shop.part_us FOR EACH ROW EXECUTE FUNCTION shop.swallow();
		ALTER TABLE shop.part ATTACH PARTITION shop.part_us FOR VALUES IN ('us')$$),
	('swallowing_trigger', $$CREATE TABLE shop.part_as (LIKE shop.part, PRIMARY KEY (id, region)) PARTITION BY LIST (region); CREATE TABLE shop.part_jp PARTITION OF shop.part_as FOR VALUES IN ('jp');
		CREATE TRIGGER t BEFORE INSERT ON shop.part_jp FOR EACH ROW EXECUTE FUNCTION shop.swallow(); ALTER TABLE shop.part ATTACH PARTITION shop.part_as FOR VALUES IN ('jp')$$),
	('swallowing_trigger', 'CREATE TABLE shop.log_2 (LIKE shop.log, PRIMARY KEY (id)); CREATE TRIGGER t BEFORE UPDATE ON shop.log_2 FOR EACH ROW EXECUTE FUNCTION shop.swallow(); ALTER TABLE shop.log_2 INHERIT shop.log'),
	('swallowing_trigger', 'CREATE TABLE shop.log_2 (LIKE shop.log, PRIMARY KEY (id)); CREATE TRIGGER t BEFORE INSERT ON shop.log_2 FOR EACH ROW EXECUTE FUNCTION shop.swallow();
		ALTER TABLE shop.log_2 DISABLE TRIGGER t; ALTER TABLE shop.log_2 INHERIT shop.log; ALTER TABLE shop.log_2 ENABLE TRIGGER t'),
	('swallowing_trigger', 'CREATE TABLE shop.log_2 (LIKE shop.log, PRIMARY KEY (id)); CREATE TRIGGER t BEFORE INSERT ON shop.log_2 FOR EACH ROW EXECUTE FUNCTION shop.swallow();
		ALTER TABLE shop.log_2 DISABLE TRIGGER t; ALTER TABLE shop.log_2 INHERIT shop.log; ALTER TABLE shop.log_2 ENABLE TRIGGER USER'),
	('swallowing_trigger', 'CREATE TABLE shop.log_2 (LIKE shop.log, PRIMARY KEY (id)); CREATE TRIGGER t BEFORE INSERT ON shop.log_2 FOR EACH ROW EXECUTE FUNCTION shop.swallow();
		ALTER TABLE shop.log_2 DISABLE TRIGGER t; ALTER TABLE shop.log_2 INHERIT shop.log, ENABLE ALWAYS TRIGGER t'),
	('rewrite_rule', 'CREATE TABLE shop.log_2 (LIKE shop.log, PRIMARY KEY (id)); CREATE RULE r AS ON INSERT TO shop.log_2 DO INSTEAD NOTHING; ALTER TABLE shop.log_2 INHERIT shop.log')) v (class, command);
SELECT is(pg_temp.refusal(command, 'regress_guard_owner'), '55000', command) FROM (VALUES
	('CREATE TRIGGER t BEFORE INSERT ON shop.plain FOR EACH ROW EXECUTE FUNCTION shop.swallow(); SELECT paysafe.protect_append_only(''shop.plain'')'),
	('CREATE TABLE shop.q (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE shop.q_1 PARTITION OF shop.q DEFAULT;
		CREATE TRIGGER t BEFORE INSERT ON shop.q_1 FOR EACH ROW EXECUTE FUNCTION shop.swallow(); SELECT paysafe.protect_append_only(''shop.q'')'),
	('CREATE RULE r AS ON DELETE TO shop.plain DO INSTEAD NOTHING; SELECT paysafe.audit(''shop.plain'')')) v (command);
SELECT is(pg_temp.refusal('CREATE TRIGGER paysafe AFTER INSERT OR UPDATE OR DELETE ON shop.restored FOR EACH ROW EXECUTE FUNCTION paysafe.enforce(); SELECT paysafe.audit(''shop.restored''); INSERT INTO shop.restored VALUES (1)', 'regress_guard_owner'),
	'accepted', 'a trigger of exactly the right shape, as pg_restore brings it, is taken');

-- A child that the rules do not fit is refused as it is made, not when the parent is written to
SELECT is(pg_temp.refusal('CREATE TABLE shop.child () INHERITS (shop.order)', 'regress_guard_owner'), '22023', 'a child without a key');
SELECT matches(pg_temp.refusal_text('CREATE TABLE shop.child () INHERITS (shop.order)', 'HINT'), 'PRIMARY KEY', '... and the way out');
SELECT is(pg_temp.refusal('CREATE TABLE shop.child (PRIMARY KEY (id)) INHERITS (shop.order); UPDATE shop.order SET amount = 2', 'regress_guard_owner'), 'accepted', '... with one');

-- What an event trigger does within a statement that joins is seen too
CREATE FUNCTION public.inside() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
	IF to_regclass('shop.log_3') IS NOT NULL THEN EXECUTE current_setting('test.inside'); END IF; END $$;
CREATE EVENT TRIGGER regress_inside ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.inside();
SELECT set_config('test.inside', 'INSERT INTO shop.log_3 VALUES (1, ''unchecked'')', true);
SELECT matches(pg_temp.refusal('CREATE TABLE shop.log_3 (PRIMARY KEY (id)) INHERITS (shop.log)'), '_guard_tree$', 'rows put in by an event trigger');
SELECT set_config('test.inside', 'CREATE TRIGGER t BEFORE INSERT ON shop.log_3 FOR EACH ROW EXECUTE FUNCTION shop.swallow()', true);
SELECT matches(pg_temp.refusal('CREATE TABLE shop.log_3 (PRIMARY KEY (id)) INHERITS (shop.log)'), '_guard_swallowing_trigger$', 'a trigger made by an event trigger');
DROP EVENT TRIGGER regress_inside;
-- The same within a declaration: what it is declared on is looked at again at its end
CREATE TABLE shop.young (id int PRIMARY KEY, status text);
CREATE TABLE shop.young_child (PRIMARY KEY (id)) INHERITS (shop.young);
CREATE FUNCTION public.within() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE current_setting('test.inside'); END $$;
CREATE EVENT TRIGGER regress_inside ON ddl_command_end WHEN TAG IN ('CREATE TRIGGER') EXECUTE FUNCTION public.within();
SELECT is(CASE WHEN set_config('test.inside', command, true) IS NOT NULL THEN pg_temp.refusal($$SELECT paysafe.protect_status('shop.young', 'status', '[*] --> new')$$) END,
		  refusal, 'declared, and within: ' || command) FROM (VALUES
	('ALTER TABLE shop.young SET UNLOGGED', '42809'),
	('CREATE TABLE IF NOT EXISTS shop.young_2 (PRIMARY KEY (id)) INHERITS (shop.young)', '55000'),
	('ALTER TABLE shop.young DROP COLUMN IF EXISTS status', '42703'),
	('INSERT INTO shop.young_child VALUES (1, ''old'') ON CONFLICT DO NOTHING', '23514 shop.young paysafe_young_status'),
	('INSERT INTO shop.young_child VALUES (1, ''new'') ON CONFLICT DO NOTHING', 'accepted')) v (command, refusal);
DROP EVENT TRIGGER regress_inside;

-- What keeps working
SELECT is(pg_temp.refusal(command, 'regress_guard_owner'), 'accepted', 'allowed: ' || command) FROM unnest(ARRAY[
	'CREATE TRIGGER t AFTER INSERT ON shop.log FOR EACH ROW EXECUTE FUNCTION shop.after(); ALTER TABLE shop.log DISABLE TRIGGER t; ALTER TABLE shop.log ENABLE TRIGGER USER; DROP TRIGGER t ON shop.log',
	'CREATE TRIGGER t BEFORE INSERT ON shop.log FOR EACH STATEMENT EXECUTE FUNCTION shop.after()',
	'CREATE TRIGGER t BEFORE INSERT ON shop.payment FOR EACH ROW EXECUTE FUNCTION shop.swallow()',
	'CREATE RULE r AS ON INSERT TO shop.other DO INSTEAD NOTHING',
	'CREATE TRIGGER t BEFORE INSERT ON shop.plain FOR EACH ROW EXECUTE FUNCTION shop.swallow(); SELECT paysafe.audit(''shop.plain'')',
	'CREATE TABLE shop.part_us (LIKE shop.part, PRIMARY KEY (id, region)); ALTER TABLE shop.part ATTACH PARTITION shop.part_us FOR VALUES IN (''us''); INSERT INTO shop.part VALUES (1, ''us'')']) command;
ALTER TABLE shop.log ENABLE TRIGGER ALL;
SELECT is((SELECT string_agg(format('%s%s', tgname, tgenabled), ' ' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 'shop.log'::regclass AND tgname LIKE 'paysafe%'),
	'paysafeA paysafe_statementA', 'ENABLE TRIGGER ALL leaves paysafe''s ALWAYS');
SELECT is_empty($$SELECT subject, check_name, detail FROM paysafe.check() WHERE NOT ok AND subject LIKE 'shop.%'$$, 'and all is in force');
SELECT * FROM finish();
ROLLBACK;
