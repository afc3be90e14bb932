-- Tables that belong to tenants: the guard keeps their row security, but in a window, whose
-- close makes it anew.  For a server that preloads paysafe.
BEGIN;
SELECT plan(28);
\ir ../pgtap/lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE ROLE regress_guard_tenant_owner;
CREATE ROLE regress_guard_tenant_app;
CREATE ROLE regress_guard_tenant_other BYPASSRLS;
GRANT EXECUTE ON FUNCTION paysafe.act_for_tenant(text, text) TO regress_guard_tenant_app;
CREATE SCHEMA shop AUTHORIZATION regress_guard_tenant_owner;
SET LOCAL ROLE regress_guard_tenant_owner;
CREATE TABLE shop.bill (id int PRIMARY KEY, tenant int NOT NULL, n int);
CREATE TABLE shop.part (id int PRIMARY KEY, tenant int NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE shop.part_1 PARTITION OF shop.part FOR VALUES FROM (0) TO (10);
CREATE TABLE shop.plain (id int PRIMARY KEY, tenant int NOT NULL);
SELECT paysafe.protect_tenant('shop.bill', 'tenant'), paysafe.protect_tenant('shop.part', 'tenant'), paysafe.audit('shop.plain');
RESET ROLE;

SELECT is(pg_temp.refusal(command, role), '42501 ' || refused, format('refused, as %s: %s', coalesce(role, 'superuser'), command))
  FROM (VALUES
	('ALTER TABLE shop.bill DISABLE ROW LEVEL SECURITY', 'shop.bill paysafe_bill_guard_tenant'),
	('ALTER TABLE shop.part_1 NO FORCE ROW LEVEL SECURITY', 'shop.part_1 paysafe_part_1_guard_tenant'),
	('ALTER POLICY paysafe_tenant ON shop.bill USING (true)', 'shop.bill paysafe_bill_guard_tenant'),
	('ALTER POLICY paysafe_tenant ON shop.bill RENAME TO x', 'shop.bill paysafe_bill_guard_tenant'),
	('DROP POLICY paysafe_tenant ON shop.part_1', 'shop.part_1 paysafe_part_1_guard_tenant'),
	('ALTER TABLE shop.bill RENAME tenant TO x', 'shop.bill paysafe_bill_guard_column')) v (command, refused),
	   unnest(ARRAY[NULL, 'regress_guard_tenant_owner']::name[]) role;
SELECT is(pg_temp.refusal(command), '42501 ' || refused, 'refused: ' || command)
  FROM (VALUES
	('ALTER ROLE regress_guard_tenant_app BYPASSRLS', 'shop.bill paysafe_bill_guard_tenant'),
	('ALTER ROLE regress_guard_tenant_app NOINHERIT SUPERUSER', 'shop.bill paysafe_bill_guard_tenant'),
	('CREATE ROLE regress_guard_tenant_more BYPASSRLS IN ROLE regress_guard_tenant_app', 'shop.bill paysafe_bill_guard_tenant')) v (command, refused);
SELECT is(pg_temp.refusal(command), 'accepted', 'allowed: ' || command)
  FROM unnest(ARRAY[
	'CREATE POLICY p ON shop.bill USING (true); ALTER POLICY p ON shop.bill USING (id > 0); DROP POLICY p ON shop.bill',
	'ALTER TABLE shop.plain ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; ALTER TABLE shop.plain NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY',
	'ALTER TABLE shop.bill FORCE ROW LEVEL SECURITY, ENABLE ROW LEVEL SECURITY',
	'ALTER ROLE regress_guard_tenant_other BYPASSRLS; ALTER ROLE regress_guard_tenant_app NOBYPASSRLS LOGIN; CREATE ROLE regress_guard_tenant_more IN ROLE regress_guard_tenant_app',
	'CREATE TABLE shop.part_2 PARTITION OF shop.part FOR VALUES FROM (10) TO (20)',
	'CREATE TABLE shop.part_3 (LIKE shop.part); ALTER TABLE shop.part ATTACH PARTITION shop.part_3 FOR VALUES FROM (20) TO (30)',
	'CREATE TABLE shop.bill_2 (PRIMARY KEY (id)) INHERITS (shop.bill)']) command;
SELECT is_empty($$SELECT subject, check_name, detail FROM paysafe.check() WHERE NOT ok AND subject LIKE 'shop.%' AND check_name IN ('row_security', 'row_trigger', 'statement_trigger')$$, 'what joined has what protects it');

-- in a window of two people
CREATE FUNCTION pg_temp.opening() RETURNS text LANGUAGE sql AS $$ SELECT $x$SELECT paysafe.open_maintenance('why', 'T-4', '1 hour', '{shop.bill}')$x$ $$;
SELECT paysafe.act_as('ann');
SELECT 'SELECT ' || substring(pg_temp.refusal_text(pg_temp.opening(), 'HINT') FROM '(paysafe\.approve\(.*\));  then') AS command \gset
SELECT paysafe.act_as('bob');
:command \g (format=unaligned) /dev/null
SELECT paysafe.act_as('ann');
SELECT is(pg_temp.refusal(pg_temp.opening()), 'accepted', 'a window');
SELECT is(pg_temp.refusal('ALTER TABLE shop.bill DISABLE ROW LEVEL SECURITY; DROP POLICY paysafe_tenant ON shop.bill'), 'accepted', 'in it, row security goes');
SELECT is(pg_temp.refusal('DROP POLICY paysafe_tenant ON shop.part'), '42501 shop.part paysafe_part_guard_tenant', '... not of another table');
SELECT is(pg_temp.refusal('SELECT paysafe.close_maintenance()'), 'accepted', 'it closes');
SELECT is(paysafe.tenant_trouble('shop.bill'), NULL, '... and row security is there again');

SELECT * FROM finish();
ROLLBACK;
