-- The guard: what weakens a rule is refused, by whatever road; all other DDL
-- keeps working.  For a server that preloads paysafe.
BEGIN;
SELECT plan(171);
\ir ../pgtap/lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE ROLE regress_guard_owner;
CREATE ROLE regress_guard_other;
CREATE SCHEMA shop AUTHORIZATION regress_guard_owner;
GRANT regress_guard_other TO regress_guard_owner;
GRANT CREATE ON SCHEMA shop TO regress_guard_other;
GRANT CREATE ON SCHEMA public TO regress_guard_owner;
DO 'BEGIN EXECUTE format(''GRANT CREATE ON DATABASE %I TO regress_guard_owner, regress_guard_other'', current_database()); END';
SET LOCAL ROLE regress_guard_owner;
CREATE TYPE shop.state AS ENUM ('new', 'paid');
CREATE DOMAIN shop.money AS numeric;
CREATE TABLE shop.payment (id int PRIMARY KEY, status shop.state, amount shop.money, note varchar(10), code text);
CREATE TABLE shop.entry (id int PRIMARY KEY, txn int, account int, amount numeric, currency text, note text);
CREATE TABLE shop.part (id int, region text, status text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.part_eu PARTITION OF shop.part FOR VALUES IN ('eu');
CREATE TABLE shop.parent (id int PRIMARY KEY, status text);
CREATE TABLE shop.child () INHERITS (shop.parent);
CREATE TABLE shop.plain (id int PRIMARY KEY, status text, amount numeric);
SELECT paysafe.protect_status('shop.payment', 'status', E'[*] --> new\nnew --> paid'),
	   paysafe.protect_columns('shop.payment', '{amount}'), paysafe.audit('shop.payment'),
	   paysafe.protect_ledger('shop.entry', 'txn', 'account', 'amount', 'currency'),
	   paysafe.protect_status('shop.part', 'status', E'[*] --> new\nnew --> paid'),
	   paysafe.protect_status('shop.parent', 'status', E'[*] --> new\nnew --> paid');
INSERT INTO shop.payment VALUES (1, 'new', 5, 'x', 'y');
INSERT INTO shop.entry VALUES (1, 1, 1, 5, 'EUR'), (2, 1, 2, -5, 'EUR');
INSERT INTO shop.part VALUES (1, 'eu', 'new');
RESET ROLE;

-- Refused: for the owner and for a superuser, as a statement and from code
CREATE TEMP TABLE attempt (class text, command text);
INSERT INTO attempt VALUES
	('guard_trigger', 'ALTER TABLE shop.payment DISABLE TRIGGER paysafe'),
	('guard_trigger', 'ALTER TABLE shop.payment DISABLE TRIGGER USER'),
	('guard_trigger', 'ALTER TABLE shop.payment ENABLE TRIGGER paysafe'),
	('guard_trigger', 'ALTER TABLE shop.payment ENABLE REPLICA TRIGGER paysafe_statement'),
	('guard_trigger', 'DROP TRIGGER paysafe ON shop.payment'),
	('guard_trigger', 'ALTER TRIGGER paysafe ON shop.payment RENAME TO zzz'),
	('guard_trigger', 'ALTER TABLE shop.part_eu DISABLE TRIGGER paysafe'),
	('guard_trigger', 'CREATE OR REPLACE TRIGGER paysafe AFTER INSERT ON shop.payment FOR EACH ROW WHEN (false) EXECUTE FUNCTION paysafe.enforce()'),
	('guard_membership', 'ALTER TRIGGER paysafe ON shop.payment DEPENDS ON EXTENSION plpgsql'),
	('guard_drop_table', 'DROP TABLE shop.entry'),
	('guard_drop_table', 'DROP TABLE shop.part_eu'),
	('guard_drop_table', 'DROP SCHEMA shop CASCADE'),
	('guard_trigger', 'DROP OWNED BY regress_guard_owner CASCADE'),
	('guard_identity', 'ALTER TABLE shop.entry RENAME TO entry_old'),
	('guard_identity', 'ALTER TABLE shop.entry SET SCHEMA public'),
	('guard_identity', 'ALTER TABLE shop.entry OWNER TO regress_guard_other'),
	('guard_(identity|schema)', 'REASSIGN OWNED BY regress_guard_owner TO regress_guard_other'),
	('guard_identity', 'ALTER TABLE shop.entry SET UNLOGGED'),
	('guard_column', 'ALTER TABLE shop.payment RENAME status TO state'),
	('guard_column', 'ALTER TABLE shop.payment DROP COLUMN status'),
	('guard_key', 'ALTER TABLE shop.payment DROP COLUMN id CASCADE'),
	('guard_column', 'ALTER TABLE shop.payment ALTER amount TYPE numeric USING amount * 10'),
	('guard_column', 'ALTER TABLE shop.entry ALTER amount TYPE numeric USING amount * 10'),
	('guard_column', 'ALTER TABLE shop.payment ALTER note TYPE varchar(10) USING ''nothing'''),
	('guard_column', 'ALTER TABLE shop.payment ALTER code TYPE varchar(1) USING code::varchar(1)'),
	('guard_column', 'ALTER TABLE shop.entry DROP COLUMN note'),
	('guard_column', 'DROP TYPE shop.state CASCADE'),
	('guard_column', 'DROP DOMAIN shop.money CASCADE'),
	('guard_label', 'ALTER TYPE shop.state RENAME VALUE ''paid'' TO ''refunded'''),
	('guard_key', 'ALTER TABLE shop.payment DROP CONSTRAINT payment_pkey'),
	('guard_rewrite_rule', 'CREATE RULE r AS ON INSERT TO shop.payment DO INSTEAD NOTHING'),
	('guard_rewrite_rule', 'CREATE RULE r AS ON UPDATE TO shop.payment DO ALSO SELECT 1'),
	('guard_swallowing_trigger', 'CREATE TRIGGER t BEFORE INSERT ON shop.entry FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()'),
	('guard_tree', 'ALTER TABLE shop.part DETACH PARTITION shop.part_eu'),
	('guard_tree', 'ALTER TABLE shop.child NO INHERIT shop.parent'),
	('guard_tree', 'CREATE TABLE shop.full (LIKE shop.part); INSERT INTO shop.full VALUES (9, ''us'', ''paid''); ALTER TABLE shop.part ATTACH PARTITION shop.full FOR VALUES IN (''us'')'),
	('guard_tree', 'CREATE TABLE shop.above (id int, status text); ALTER TABLE shop.parent INHERIT shop.above'),
	('guard_schema', 'ALTER SCHEMA shop RENAME TO old'),
	('guard_schema', 'ALTER SCHEMA shop OWNER TO regress_guard_other'),
	('entry_ledger', 'TRUNCATE shop.entry'),
	('part_status', 'TRUNCATE shop.part_eu');
SELECT matches(pg_temp.refusal(command, r), '^(42501|23...) .*paysafe_(\w+_)?' || class || '$',
			   format('%s by %s', command, coalesce(r, 'a superuser')))
  FROM attempt, unnest(ARRAY[NULL, 'regress_guard_owner']::name[]) r;
SELECT matches(pg_temp.refusal(format('DO %L', format('BEGIN EXECUTE %L; END', command))), '_guard_', 'in a DO block: ' || command)
  FROM attempt WHERE class IN ('guard_trigger', 'guard_drop_table', 'guard_column') AND command NOT LIKE '%;%' LIMIT 6;

-- What only a superuser might
SELECT matches(pg_temp.refusal(command), '^42501.* paysafe_(\w+_)?' || class || '$', command)
  FROM (VALUES
	('guard_catalog', 'UPDATE pg_trigger SET tgenabled = ''D'''),
	('guard_catalog', 'DELETE FROM pg_trigger WHERE tgname = ''paysafe'''),
	('guard_catalog', 'UPDATE pg_class SET relhastriggers = false WHERE relname = ''payment'''),
	('guard_catalog', 'INSERT INTO pg_enum SELECT * FROM pg_enum LIMIT 0'),
	('guard_catalog', 'WITH d AS (DELETE FROM pg_depend WHERE false RETURNING 1) SELECT count(*) FROM d'),
	('guard_own_object', 'ALTER FUNCTION paysafe.enforce() OWNER TO regress_guard_other'),
	('guard_own_object', 'CREATE OR REPLACE FUNCTION paysafe.enforce() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN NULL; END'''),
	('guard_own_object', 'CREATE FUNCTION paysafe.mine() RETURNS int LANGUAGE sql AS ''SELECT 1'''),
	('guard_own_object', 'CREATE TABLE paysafe.mine ()'),
	('guard_own_object', 'CREATE INDEX ON paysafe.rule (since)'),
	('guard_own_object', 'CREATE TRIGGER t BEFORE INSERT ON paysafe.refusal_record FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()'),
	('guard_own_object', 'CREATE RULE r AS ON INSERT TO paysafe.approval_record DO INSTEAD NOTHING'),
	('guard_own_object', 'CREATE OR REPLACE VIEW paysafe.protection AS SELECT * FROM paysafe.protection LIMIT 0'),
	('guard_own_object', 'ALTER SCHEMA paysafe RENAME TO old'),
	('guard_own_object', 'ALTER FUNCTION paysafe.enforce() SET SCHEMA public'),
	('guard_own_object', 'ALTER FUNCTION paysafe.act_as(text, text, text, text, text) SET SCHEMA public'),
	('guard_own_object', 'ALTER TYPE paysafe.payload SET SCHEMA public'),
	('guard_own_object', 'ALTER DOMAIN paysafe.webhook_url SET SCHEMA public'),
	('guard_own_object', 'ALTER DOMAIN paysafe.webhook_url DROP CONSTRAINT paysafe_webhook_url'),
	('guard_own_object', 'ALTER DOMAIN paysafe.webhook_url ADD CONSTRAINT mine CHECK (false)'),
	('guard_own_object', 'ALTER DOMAIN paysafe.webhook_url RENAME CONSTRAINT paysafe_webhook_url TO mine'),
	('guard_own_object', 'CREATE SEQUENCE public.mine; ALTER SEQUENCE public.mine SET SCHEMA paysafe'),
	('guard_own_object', 'CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS ''SELECT 1''; ALTER FUNCTION public.mine() SET SCHEMA paysafe'),
	('guard_own_object', 'CREATE OPERATOR paysafe.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)'),
	('guard_own_object', 'CREATE COLLATION paysafe.mine FROM "C"'),
	('guard_own_object', 'CREATE TEXT SEARCH DICTIONARY paysafe.mine (TEMPLATE = simple)'),
	('guard_own_object', 'CREATE STATISTICS paysafe.mine ON status, note FROM shop.payment'),
	('guard_own_table', 'ALTER TABLE paysafe.rule ENABLE ROW LEVEL SECURITY'),
	('guard_own_table', 'ALTER TABLE paysafe.rule DISABLE TRIGGER ALL'),
	('guard_own_table', 'ALTER TABLE paysafe.audit_row SET UNLOGGED'),
	('guard_membership', 'ALTER EXTENSION paysafe DROP FUNCTION paysafe.enforce()'),
	('guard_membership', 'ALTER EXTENSION plpgsql ADD TABLE shop.entry'),
	('guard_membership', 'ALTER FUNCTION paysafe.enforce() DEPENDS ON EXTENSION plpgsql'),
	('guard_drop_extension', 'DROP EXTENSION paysafe CASCADE'),
	('guard_setting', 'SET session_replication_role = replica'),
	('guard_setting', 'SET LOCAL Session_Replication_Role TO ''REPLICA'''),
	('guard_setting', 'ALTER ROLE regress_guard_other SET session_replication_role = replica'),
	('guard_setting', 'CREATE FUNCTION public.f() RETURNS int LANGUAGE sql SET session_replication_role = replica AS ''SELECT 1'''),
	('guard_setting', 'GRANT SET ON PARAMETER session_replication_role TO regress_guard_other'),
	('guard_setting', 'SET allow_system_table_mods = on'),
	('guard_server_setting', 'ALTER SYSTEM SET shared_preload_libraries = ''pg_stat_statements'''),
	('guard_server_setting', 'ALTER SYSTEM RESET shared_preload_libraries'),
	('guard_server_setting', 'ALTER SYSTEM RESET ALL'),
	('guard_server_setting', 'ALTER SYSTEM SET "paysafe.superuser_lockdown" = off'),
	('guard_builtin', 'CREATE OR REPLACE FUNCTION pg_catalog.texteq(text, text) RETURNS boolean LANGUAGE sql AS ''SELECT true'''),
	('guard_builtin', 'ALTER FUNCTION pg_catalog.texteq(text, text) COST 2'),
	('guard_builtin', 'CREATE FUNCTION pg_catalog.unnest(regclass[]) RETURNS SETOF regclass LANGUAGE sql AS ''SELECT NULL::regclass'''),
	('guard_builtin', 'CREATE FUNCTION public.same(oid, regclass) RETURNS boolean LANGUAGE sql AS ''SELECT true''; CREATE OPERATOR pg_catalog.= (LEFTARG = oid, RIGHTARG = regclass, FUNCTION = public.same)'),
	('guard_builtin', 'CREATE FUNCTION public.moved(regclass[]) RETURNS int LANGUAGE sql AS ''SELECT 1''; ALTER FUNCTION public.moved(regclass[]) SET SCHEMA pg_catalog')) v (class, command);

-- What keeps working
SELECT is(pg_temp.refusal(command, 'regress_guard_owner'), 'accepted', 'allowed: ' || command)
  FROM unnest(ARRAY[
	'ALTER TABLE shop.payment ADD COLUMN channel text NOT NULL DEFAULT ''web''',
	'ALTER TABLE shop.payment RENAME code TO reference',
	'ALTER TABLE shop.payment DROP COLUMN reference',
	'ALTER TABLE shop.payment ALTER note TYPE varchar(20)',
	'ALTER TABLE shop.payment ALTER note TYPE text USING note::text',
	'ALTER TABLE shop.payment ALTER status SET DEFAULT ''new''',
	'ALTER TABLE shop.payment ALTER note SET NOT NULL',
	'ALTER TABLE shop.payment ADD CONSTRAINT positive CHECK (amount > 0) NOT VALID',
	'ALTER TABLE shop.payment VALIDATE CONSTRAINT positive',
	'ALTER TABLE shop.payment ENABLE ROW LEVEL SECURITY',
	'ALTER TABLE shop.payment REPLICA IDENTITY FULL',
	'ALTER TABLE shop.payment SET (fillfactor = 90)',
	'CREATE INDEX i ON shop.payment (note); DROP INDEX shop.i',
	'CREATE STATISTICS shop.s ON status, note FROM shop.payment',
	'CREATE POLICY p ON shop.payment USING (true)',
	'CREATE TRIGGER t BEFORE UPDATE ON shop.payment FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
	'ALTER TYPE shop.state ADD VALUE ''refunded''',
	'COMMENT ON TABLE shop.payment IS ''x''',
	'GRANT SELECT ON shop.payment TO regress_guard_other',
	'CLUSTER shop.payment USING payment_pkey',
	'REINDEX TABLE shop.payment',
	'ANALYZE shop.payment',
	'CREATE TABLE shop.part_us PARTITION OF shop.part FOR VALUES IN (''us'')',
	'CREATE TABLE shop.child2 () INHERITS (shop.parent)',
	'CREATE TABLE shop.empty (LIKE shop.part); ALTER TABLE shop.part ATTACH PARTITION shop.empty FOR VALUES IN (''asia'')',
	'ALTER TABLE shop.plain ALTER status TYPE varchar USING ''x''; TRUNCATE shop.plain; ALTER TABLE shop.plain DISABLE TRIGGER USER; ALTER TABLE shop.plain RENAME TO p; DROP TABLE shop.p']) command;

SELECT is(pg_temp.refusal(command), 'accepted', 'allowed, as a superuser: ' || command)
  FROM unnest(ARRAY[
	'CREATE SCHEMA apart; CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS ''SELECT 1''; ALTER FUNCTION public.f() SET SCHEMA apart',
	'CREATE DOMAIN public.d AS int CONSTRAINT c CHECK (VALUE > 0); ALTER DOMAIN public.d DROP CONSTRAINT c',
	'CREATE TABLE public.uses (url paysafe.webhook_url, body paysafe.payload); DROP TABLE public.uses',
	'CREATE CAST (name AS paysafe.payload) WITH INOUT AS IMPLICIT',
	'COMMENT ON FUNCTION paysafe.act_as(text, text, text, text, text) IS ''x''',
	'GRANT EXECUTE ON FUNCTION paysafe.act_as(text, text, text, text, text) TO regress_guard_other']) command;

-- Partitions and children were protected as they join
SELECT is_empty($$SELECT subject, check_name FROM paysafe.check() WHERE NOT ok AND subject LIKE 'shop.%'$$, 'new partitions and children have what protects them');
SELECT is(pg_temp.refusal($$INSERT INTO shop.child2 VALUES (7, 'paid')$$), '23T02 shop.parent.status paysafe_parent_status', 'and their rows are judged');

SELECT * FROM finish();
ROLLBACK;
