-- Rows of tenants, by every type that can name one and every way to write; the other
-- contexts take transactions of their own: test/sql/tenant.sql.
BEGIN;
SELECT plan(82);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_tenant_app;
GRANT USAGE ON SCHEMA shop TO regress_tenant_app;

-- Before there is a context
CREATE TABLE shop.early (id int PRIMARY KEY, tenant int);
SELECT paysafe.protect_tenant('shop.early', 'tenant');
SELECT is(pg_temp.refusal(statement), '23N02 shop.early paysafe_early_tenant', 'without a context: ' || statement)
  FROM unnest(ARRAY['INSERT INTO shop.early VALUES (1, 7)', 'INSERT INTO shop.early VALUES (1, NULL)',
	'MERGE INTO shop.early e USING (VALUES (1)) v(id) ON e.id = v.id WHEN NOT MATCHED THEN INSERT VALUES (1, 7)']) statement;
SELECT is(pg_temp.refusal('INSERT INTO shop.early SELECT 1, 7 WHERE false'), 'accepted', '... no row needs none');
SELECT is(pg_temp.refusal('TRUNCATE shop.early'), '42501 shop.early paysafe_early_tenant', 'TRUNCATE');
SELECT is(pg_temp.refusal(call), code, call) FROM (VALUES
	('SELECT paysafe.act_for_tenant(NULL)', '22004'),
	('SELECT paysafe.act_for_tenant('''')', '22023'),
	('SELECT paysafe.act_for_tenant(''7 '')', '22023'),
	('SELECT paysafe.act_for_tenant(''*'')', '22023'),
	('SELECT paysafe.act_for_tenant(''*: all'')', '22023'),
	('SELECT paysafe.act_for_tenant(E''7\u0001'')', '22023'),
	('SELECT paysafe.act_for_tenant(repeat(''7'', 201))', '22023'),
	('SELECT paysafe.act_for_tenant(''7'', repeat(''x'', 1001))', '22023'),
	('SELECT paysafe.across_tenants(repeat(''x'', 1001))', '22023'),
	('SELECT paysafe.across_tenants('''')', '22023'),
	('SELECT paysafe.across_tenants(NULL)', '22004'),
	('SELECT paysafe.protect_tenant(NULL, ''tenant'')', '22004'),
	('SELECT paysafe.protect_tenant(''shop.early'', NULL)', '22004'),
	('SELECT paysafe.protect_tenant(''shop.early'', ''missing'')', '42703'),
	('SELECT paysafe.protect_tenant(''shop.early'', ''ctid'')', '42703'),
	('SELECT paysafe.protect_tenant(''shop.early'', ''tenant'', 0)', '22023'),
	('SELECT paysafe.protect_tenant(''shop.early'', ''tenant'', -1)', '22023'),
	('SELECT paysafe.protect_tenant(''shop.early'', ''tenant'', mode => ''off'')', '22023'),
	('SELECT paysafe.protect_tenant(''shop.early'', ''tenant'', mode => NULL)', '22004')) v (call, code);
SELECT is(pg_temp.refusal(call, 'regress_tenant_app'), '42501', call || ', which nobody granted') FROM unnest(ARRAY[
	'SELECT paysafe.act_for_tenant(''7'')', 'SELECT paysafe.across_tenants(''x'')']) call;

-- From here on the transaction is tenant 7's
SELECT paysafe.act_for_tenant('7');
CREATE DOMAIN shop.tenant_number AS int CHECK (VALUE > 0);
CREATE DOMAIN shop.tenant_name AS varchar(20);
CREATE FUNCTION pg_temp.kept(type text, own text, other text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	refused constant text := '23N01 shop.typed.tenant paysafe_typed_tenant';
	found text := '';
	n int;
	attempt record;
BEGIN
	EXECUTE format('CREATE TABLE shop.typed (id int PRIMARY KEY, tenant %s, n int)', type);
	EXECUTE format('INSERT INTO shop.typed SELECT i, CASE i WHEN 1 THEN %s ELSE %s END FROM generate_series(1, 20) i', own, other);
	CREATE INDEX ON shop.typed (tenant);
	PERFORM paysafe.protect_tenant('shop.typed', 'tenant');
	GRANT SELECT, INSERT, UPDATE, DELETE ON shop.typed TO regress_tenant_app;
	FOR attempt IN
		SELECT * FROM (VALUES (format('INSERT INTO shop.typed VALUES (21, %s)', own), 'accepted'),
							  (format('INSERT INTO shop.typed VALUES (22, %s)', other), refused),
							  ('INSERT INTO shop.typed VALUES (22, NULL)', refused),
							  ('UPDATE shop.typed SET n = 1 WHERE id = 1', 'accepted'),
							  ('UPDATE shop.typed SET n = 1 WHERE id = 2', refused),
							  (format('UPDATE shop.typed SET tenant = %s WHERE id = 1', other), refused),
							  (format('UPDATE shop.typed SET tenant = %s WHERE id = 2', own), refused),
							  ('UPDATE shop.typed SET tenant = NULL WHERE id = 1', refused),
							  ('DELETE FROM shop.typed WHERE id = 2', refused)) v (statement, expected)
	LOOP
		IF pg_temp.refusal(attempt.statement) <> attempt.expected THEN
			found := found || ' ' || attempt.statement;
		END IF;
	END LOOP;
	IF NOT pg_temp.refusal(format('INSERT INTO shop.typed VALUES (22, %s)', other), 'regress_tenant_app') = refused THEN
		found := found || ' the application writes';
	END IF;
	-- what is read, by index and without
	SET LOCAL ROLE regress_tenant_app;
	SET LOCAL enable_seqscan = off;
	SELECT count(*) INTO n FROM shop.typed;
	IF n <> 2 THEN found := found || ' by index: ' || n; END IF;
	SET LOCAL enable_seqscan = on;
	SET LOCAL enable_bitmapscan = off;
	SET LOCAL enable_indexscan = off;
	SET LOCAL enable_indexonlyscan = off;
	SELECT count(*) INTO n FROM shop.typed;
	IF n <> 2 THEN found := found || ' row by row: ' || n; END IF;
	UPDATE shop.typed SET n = 2;
	GET DIAGNOSTICS n = ROW_COUNT;
	IF n <> 2 THEN found := found || ' updated: ' || n; END IF;
	RESET enable_bitmapscan;
	RESET enable_indexscan;
	RESET enable_indexonlyscan;
	RESET enable_seqscan;
	RESET ROLE;
	IF paysafe.tenant_trouble('shop.typed') IS NOT NULL THEN
		found := found || ' ' || paysafe.tenant_trouble('shop.typed');
	END IF;
	DROP TABLE shop.typed;
	RETURN found;
END $$;
SELECT is(pg_temp.kept(type, own, other), '', 'tenants that are told by ' || type) FROM (VALUES
	('smallint', '7', '8'),
	('int', '7', '-7'),
	('bigint', '7', '4294967303'),
	('text', $$'7'$$, $$'07'$$),
	('text COLLATE "C"', $$'7'$$, $$'7 '$$),
	('varchar(5)', $$'7'$$, $$''$$),
	('shop.tenant_number', '7', '70'),
	('shop.tenant_name', $$'7'$$, $$'٧'$$)) v (type, own, other);

-- A name that is no value of the column's type is nobody there
CREATE TABLE shop.by_uuid (id int PRIMARY KEY, tenant uuid);
SELECT paysafe.protect_tenant('shop.by_uuid', 'tenant');
SELECT is(pg_temp.refusal('INSERT INTO shop.by_uuid VALUES (1, gen_random_uuid())'), '23N01 shop.by_uuid.tenant paysafe_by_uuid_tenant', 'tenant 7 is no uuid');
SELECT is(paysafe.current_tenant_int2(), 7::smallint, 'as smallint');
SELECT is(paysafe.current_tenant_int4(), 7, 'as int');
SELECT is(paysafe.current_tenant_int8(), 7::bigint, 'as bigint');
SELECT is(paysafe.current_tenant_text(), '7', 'as text');
SELECT is(paysafe.current_tenant_uuid(), NULL, 'as uuid');
SELECT is(paysafe.acts_across_tenants(), false, 'not across');
SELECT is(paysafe.of_tenant(a, b, c), result, format('of_tenant(%s, %s, %s)', a, b, c)) FROM (VALUES
	(1, 1, false, true), (1, 2, false, false), (NULL, 1, false, false), (1, NULL, false, false), (NULL, NULL, false, false),
	(1, 2, NULL, false), (1, NULL, true, true), (NULL, NULL, true, true)) v (a, b, c, result);

-- Types that cannot
SELECT is(pg_temp.refusal(format('CREATE TABLE shop.other (id int PRIMARY KEY, tenant %s); SELECT paysafe.protect_tenant(''shop.other'', ''tenant'')', type)),
	'22023', 'not by ' || type) FROM unnest(ARRAY['numeric', 'char(3)', 'name', 'date', 'boolean', 'int[]', 'jsonb', 'oid']) type;
CREATE FUNCTION pg_temp.blind_collation() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF NOT EXISTS (SELECT 1 FROM pg_collation WHERE collprovider = 'i') THEN
		RETURN '22023';
	END IF;
	CREATE COLLATION shop.blind (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
	RETURN pg_temp.refusal('CREATE TABLE shop.other (id int PRIMARY KEY, tenant text COLLATE shop.blind); SELECT paysafe.protect_tenant(''shop.other'', ''tenant'')');
END $$;
SELECT is(pg_temp.blind_collation(), '22023', 'not where two names are one');

-- Rows that were there
CREATE TABLE shop.before (id int PRIMARY KEY, tenant int);
INSERT INTO shop.before VALUES (1, 7), (2, NULL);
SELECT is(pg_temp.refusal('SELECT paysafe.protect_tenant(''shop.before'', ''tenant'')'), '23514 shop.before paysafe_before_tenant', 'a row of nobody');
SELECT is((SELECT relrowsecurity FROM pg_class WHERE oid = 'shop.before'::regclass), false, '... and nothing is left of the declaration');

-- Trees: each table by its own name
CREATE TABLE shop.tree (id int, tenant int, at int, PRIMARY KEY (id, at)) PARTITION BY LIST (at);
CREATE TABLE shop.tree_1 PARTITION OF shop.tree FOR VALUES IN (1) PARTITION BY HASH (id);
CREATE TABLE shop.tree_1a PARTITION OF shop.tree_1 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE shop.tree_2 (at int NOT NULL, tenant int, id int NOT NULL);
ALTER TABLE shop.tree ATTACH PARTITION shop.tree_2 FOR VALUES IN (2);
INSERT INTO shop.tree VALUES (1, 7, 1), (2, 8, 1), (3, 8, 2), (4, 7, 2);
SELECT paysafe.protect_tenant('shop.tree', 'tenant', 100);
GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA shop TO regress_tenant_app;
SET LOCAL ROLE regress_tenant_app;
SELECT is((SELECT array_agg(id ORDER BY id) FROM shop.tree), '{1,4}'::int[], 'the root shows the tenant''s rows');
SELECT is((SELECT array_agg(id) FROM shop.tree_1), '{1}'::int[], '... a part');
SELECT is((SELECT array_agg(id) FROM shop.tree_1a), '{1}'::int[], '... a leaf');
SELECT is((SELECT array_agg(id) FROM shop.tree_2), '{4}'::int[], '... a leaf with other places of columns');
UPDATE shop.tree SET at = 2 WHERE id = 1;
RESET ROLE;
SELECT is(pg_temp.refusal('UPDATE shop.tree SET at = 2, tenant = 8 WHERE id = 1'), '23N01 shop.tree.tenant paysafe_tree_tenant', 'a move to another tenant');
SELECT is(pg_temp.refusal('UPDATE shop.tree SET at = 1, tenant = 8 WHERE id = 1'), '23N01 shop.tree.tenant paysafe_tree_tenant', '... and another partition');
SELECT is(pg_temp.refusal('UPDATE shop.tree_2 SET at = 2 WHERE id = 3'), '23N01 shop.tree.tenant paysafe_tree_tenant', 'a leaf, as superuser');

-- Cascades and triggers meet the rule where they arrive
CREATE TABLE shop.head (id int PRIMARY KEY, tenant int);
CREATE TABLE shop.child (id int PRIMARY KEY, tenant int, head int REFERENCES shop.head ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO shop.head VALUES (1, 7), (2, 7);
INSERT INTO shop.child VALUES (1, 8, 1), (2, 7, 2);
SELECT paysafe.protect_tenant('shop.child', 'tenant');
SELECT is(pg_temp.refusal('DELETE FROM shop.head WHERE id = 1'), '23N01 shop.child.tenant paysafe_child_tenant', 'a cascade to another tenant''s row');
SELECT is(pg_temp.refusal('UPDATE shop.head SET id = 3 WHERE id = 1'), '23N01 shop.child.tenant paysafe_child_tenant', '... that updates it');
SELECT is(pg_temp.refusal('DELETE FROM shop.head WHERE id = 2'), 'accepted', '... to its own');
CREATE FUNCTION shop.change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.tenant := 8; RETURN NEW; END $$;
CREATE TRIGGER change BEFORE INSERT ON shop.child FOR EACH ROW EXECUTE FUNCTION shop.change();
SELECT is(pg_temp.refusal('INSERT INTO shop.child VALUES (3, 7, NULL)'), '23N01 shop.child.tenant paysafe_child_tenant', 'a BEFORE trigger that gives it away');

-- Limits, and changing them
SELECT is(pg_temp.refusal('UPDATE shop.tree SET id = id WHERE tenant = 7'), 'accepted', 'two rows, of 100');
CREATE TABLE shop.few (id int PRIMARY KEY, tenant int);
SELECT paysafe.protect_tenant('shop.few', 'tenant', 3);
INSERT INTO shop.few SELECT i, 7 FROM generate_series(1, 3) i;
SELECT is(pg_temp.refusal('UPDATE shop.few SET id = id + 10; INSERT INTO shop.few VALUES (1, 7)'), '23N03 shop.few paysafe_few_tenant', 'four rows, of 3');
SELECT is(pg_temp.refusal('DELETE FROM shop.few'), 'accepted', 'three are as many as may be');
SELECT is(pg_temp.refusal(format('SELECT paysafe.protect_tenant(''shop.few'', %s)', arguments)), '42501 shop.few paysafe_few_tenant', 'takes a second person: ' || arguments)
  FROM unnest(ARRAY['''tenant'', 30', '''tenant''', '''id'', 3', '''tenant'', 3, ''observe''']) arguments;
SELECT is(pg_temp.refusal('SELECT paysafe.unprotect(''shop.few'', ''tenant'', ''x'')'), '42501 shop.few paysafe_few_tenant', 'and dropping it a window');

SELECT is(pg_temp.refusal('SELECT paysafe.act_for_tenant(''8'')'), '42501 paysafe_tenant_context', 'another tenant, in the same transaction');
SELECT is(pg_temp.refusal('SELECT paysafe.across_tenants(''x'')'), '42501 paysafe_tenant_context', 'or all of them');
SELECT is(pg_temp.refusal('SELECT paysafe.act_for_tenant(''7'', ''once more'')'), 'accepted', 'the same');

SELECT * FROM finish();
ROLLBACK;
