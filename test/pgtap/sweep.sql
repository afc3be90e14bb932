-- Every function of the extension, called with what makes no sense: NULLs, OIDs of nothing
-- and of what is no table, texts, numbers and arrays out of range.  Each call may be refused;
-- none ends in an internal error.  The functions come from the catalog: a new one is swept too.
BEGIN;
SELECT plan(8);
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_sweep;
GRANT USAGE ON SCHEMA paysafe, shop TO regress_sweep;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA paysafe TO regress_sweep;

CREATE TABLE shop.item (id int PRIMARY KEY, status text, amount numeric, secret bytea, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON shop.refund (payment);
CREATE TABLE shop.entry (id int PRIMARY KEY, tx int, account int, amount numeric, currency text);
CREATE INDEX ON shop.entry (tx);
CREATE TABLE shop.account (id int PRIMARY KEY, balance numeric, minimum numeric);
SELECT paysafe.protect_status('shop.item', 'status', E'[*] --> new\nnew --> paid'), paysafe.audit('shop.item'),
	   paysafe.protect_columns('shop.item', '{amount}', '{paid}'),
	   paysafe.protect_refund('shop.refund', 'shop.item', 'payment', 'amount', 'currency', 'status', '{paid}', '{void}', 'amount', 'currency'),
	   paysafe.protect_ledger('shop.entry', 'tx', 'account', 'amount', 'currency'),
	   paysafe.protect_balance('shop.account', 'id', 'balance', 'shop.entry', 'minimum');
INSERT INTO shop.item VALUES (1, 'new', 5, NULL, 'EUR');
INSERT INTO shop.refund VALUES (1, 1, 1, 'EUR', 'new');
CREATE TABLE shop.nokey (id int);
CREATE TABLE shop.part (id int PRIMARY KEY, status text) PARTITION BY LIST (id);
CREATE TABLE shop.part_1 PARTITION OF shop.part FOR VALUES IN (1);
CREATE UNLOGGED TABLE shop.unlogged (id int PRIMARY KEY);
CREATE TEMP TABLE temporary (id int PRIMARY KEY);
CREATE VIEW shop.view AS SELECT * FROM shop.item;
CREATE MATERIALIZED VIEW shop.matview AS SELECT 1 AS id;
CREATE SEQUENCE shop.sequence;
CREATE TYPE shop.composite AS (id int);
CREATE FOREIGN DATA WRAPPER sweep;
CREATE SERVER sweep FOREIGN DATA WRAPPER sweep;
CREATE FOREIGN TABLE shop.foreign_table (id int) SERVER sweep;
CREATE TABLE shop.dropped (id int PRIMARY KEY, status text);
SELECT paysafe.protect_status('shop.dropped', 'status', E'[*] --> new\nnew --> paid');
CREATE TEMP TABLE gone AS SELECT 'shop.dropped'::regclass::oid AS oid;
DROP TABLE shop.dropped;
GRANT ALL ON ALL TABLES IN SCHEMA shop TO regress_sweep;

-- Values of each type, as SQL.
CREATE TEMP TABLE sample (type regtype, value text);
GRANT SELECT ON sample TO regress_sweep;
INSERT INTO sample
	SELECT 'regclass', quote_literal(v) FROM (
		SELECT unnest('{0,4294967295,pg_class,pg_class_oid_index,shop.item,shop.item_pkey,shop.refund,shop.entry,shop.account,shop.nokey,shop.part,shop.part_1,shop.unlogged,temporary,shop.view,shop.matview,shop.sequence,shop.composite,shop.foreign_table,paysafe.rule,paysafe.audit_row,paysafe.approval,information_schema.tables}'::text[])
		UNION ALL SELECT oid::text FROM gone
		UNION ALL SELECT reltoastrelid::text FROM pg_class WHERE oid = 'shop.item'::regclass) f (v);
INSERT INTO sample SELECT 'regclass[]', quote_literal(v) FROM unnest(ARRAY['{}', '{NULL}', '{0}', '{4294967295}', '{pg_class}', '{shop.item}', '{shop.view,shop.item}', '{{shop.item},{shop.view}}', '{paysafe.rule}']) v;
INSERT INTO sample SELECT 'regnamespace', quote_literal(v) FROM unnest('{0,4294967295,shop,pg_catalog,pg_toast,paysafe}'::text[]) v;
INSERT INTO sample SELECT t, quote_literal(v) FROM unnest('{text,name,character}'::regtype[]) t,
	unnest(ARRAY['', ' ', 'x', '1', '1,2', 'id', 'status', 'amount', 'secret', 'new', 'paid', 'EUR', 'rule', 'audit', 'inbox', 'outbox', 'stripe', '\', ',', 'é', '4111111111111111', '{', '[*] --> new', 'https://x.example/', 'sk_live_x', '-1', '99999999999999999999', U&'\+01F600']) v;
INSERT INTO sample SELECT 'text', v FROM unnest(ARRAY['repeat(''x'', 20000)', 'repeat(''\,'', 5000)']) v;
INSERT INTO sample SELECT t, quote_literal(v) FROM unnest('{text[],name[]}'::regtype[]) t,
	unnest(ARRAY['{}', '{NULL}', '{x}', '{id}', '{amount,amount}', '{status}', '{{a,b},{c,d}}', '[5:6]={new,paid}', '{"",new}', '{secret}']) v;
INSERT INTO sample SELECT t, v FROM unnest('{integer,bigint}'::regtype[]) t, unnest('{0,1,-1,2,200,100000,2147483647,-2147483648}'::text[]) v;
INSERT INTO sample SELECT 'bigint[]', quote_literal(v) FROM unnest(ARRAY['{}', '{NULL}', '{0}', '{-1}', '{2147483647,0}', '{9223372036854775807}', '{{1,2},{3,4}}', '[5:6]={1,2}']) v;
INSERT INTO sample SELECT 'xid8', quote_literal(v) FROM unnest('{0,3,18446744073709551615}'::text[]) v;
INSERT INTO sample SELECT 'bigint', v FROM unnest('{9223372036854775807,-9223372036854775808}'::text[]) v;
INSERT INTO sample SELECT 'boolean', v FROM unnest('{true,false}'::text[]) v;
INSERT INTO sample SELECT 'numeric', quote_literal(v) FROM unnest('{0,1,-1,0.001,NaN,Infinity,-Infinity,1e1000}'::text[]) v;
INSERT INTO sample SELECT 'smallint', quote_literal(v) FROM unnest('{0,-1,32767,-32768}'::text[]) v;
INSERT INTO sample SELECT 'uuid', quote_literal(v) FROM unnest('{00000000-0000-0000-0000-000000000000,a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'::text[]) v;
INSERT INTO sample SELECT 'tid', quote_literal(v) FROM unnest(ARRAY['(0,0)', '(0,1)', '(0,65535)', '(4294967295,1)', '(4294967294,1)', '(1,0)']) v;
INSERT INTO sample SELECT 'oid', quote_literal(v) FROM unnest('{0,10,4294967295}'::text[]) v;
INSERT INTO sample SELECT 'interval', quote_literal(v) FROM unnest('{0,1 hour,-1 hour,30 days,1 month,178000000 years,-178000000 years}'::text[]) v;
INSERT INTO sample SELECT 'timestamptz', quote_literal(v) FROM unnest('{now,infinity,-infinity,4714-11-24 00:00 BC,294276-12-31}'::text[]) v;
INSERT INTO sample SELECT 'date', quote_literal(v) FROM unnest('{today,infinity,-infinity,4714-11-24 BC,5874897-12-31}'::text[]) v;
INSERT INTO sample SELECT 'inet', quote_literal(v) FROM unnest('{10.0.0.1,8.8.8.8/0,::,::ffff:1.2.3.4}'::text[]) v;
INSERT INTO sample SELECT t, quote_literal(v) FROM unnest('{json,jsonb}'::regtype[]) t,
	unnest(ARRAY['null', '{}', '[]', '1', '"x"', '{"a": [1, {"b": null}]}', '{"subject": 1}', '{"id": "x", "webhook-id": 5}', '[["id"], {"name": 1}]', '{"columns": {}}', '[{"name": "a", "type": {"code": "c", "fields": 3}}]']) v;
INSERT INTO sample SELECT t, quote_literal(v) FROM unnest('{bytea,paysafe.payload}'::regtype[]) t,
	unnest(ARRAY['', 'x', '\x', '\x00', '\x01', '\x0102030405060708', '\x02ffffffffffffffffff', '\xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff', '{"a": 1}']) v;
INSERT INTO sample SELECT 'paysafe.webhook_url', quote_literal('https://x.example/');
INSERT INTO sample SELECT 'paysafe.audit_row', v FROM unnest(ARRAY['NULL::paysafe.audit_row', '(SELECT r FROM paysafe.audit_row r LIMIT 1)']) v;
INSERT INTO sample SELECT 'paysafe.audit_row', format('ROW(%s)', string_agg(CASE a.attname WHEN 'nonce' THEN '''''::bytea' WHEN 'at' THEN '''infinity''' ELSE 'NULL' END, ', ' ORDER BY a.attnum))
  FROM pg_attribute a WHERE a.attrelid = 'paysafe.audit_row'::regclass AND a.attnum > 0;
INSERT INTO sample SELECT DISTINCT type, 'NULL' FROM sample;

CREATE TEMP TABLE numbered AS
	SELECT type, value, row_number() OVER (PARTITION BY type ORDER BY md5(value)) AS nth, count(*) OVER (PARTITION BY type) AS n FROM sample;
GRANT SELECT ON numbered TO regress_sweep;

CREATE TEMP VIEW swept AS
	SELECT p.oid, p.oid::regprocedure::text AS name, p.pronargs AS n, p.proargtypes::oid[] AS types, p.proretset
	  FROM pg_proc p
	 WHERE p.pronamespace = 'paysafe'::regnamespace AND p.prokind = 'f'
	   AND p.prorettype <> 'trigger'::regtype AND NOT (p.proargtypes::oid[] && '{cstring,internal}'::regtype[]::oid[]);
SELECT is_empty('SELECT name FROM swept, unnest(types) t WHERE NOT EXISTS (SELECT 1 FROM sample s WHERE s.type = t)', 'there are values of each argument''s type');

-- What becomes of a call, which leaves nothing behind.
CREATE FUNCTION pg_temp.call(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
BEGIN
	EXECUTE statement;
	RAISE 'done' USING ERRCODE = 'ZZ000';
EXCEPTION
	WHEN SQLSTATE 'ZZ000' THEN
		RETURN NULL;
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
		RETURN SQLSTATE || ' ' || left(message, 200);
END $$;
-- The i-th call of a function: one argument at a time runs through its values, beside
-- others that change with it.
CREATE FUNCTION pg_temp.calls(function oid, per_function int) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('SELECT * FROM %s(%s)', function::regproc, string_agg(format('%s::%s', v.value, format_type(a.type, NULL)), ', ' ORDER BY a.position))
	  FROM generate_series(1, per_function) i, pg_proc p, unnest(p.proargtypes) WITH ORDINALITY a (type, position),
		   LATERAL (SELECT s.value FROM numbered s
					 WHERE s.type = a.type AND s.nth = 1 + (i * a.position + i / s.n * (a.position - 1)) % s.n) v
	 WHERE p.oid = function
	 GROUP BY i $$;
CREATE TEMP TABLE answer (role text, name text, statement text, answer text);
GRANT ALL ON answer, swept TO regress_sweep;
CREATE FUNCTION pg_temp.sweep(role text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	n int := 0;
	f record;
	c text;
BEGIN
	FOR f IN SELECT * FROM swept ORDER BY name LOOP
		FOR c IN SELECT pg_temp.calls(f.oid, CASE WHEN f.name ~ 'check\w*\(' THEN 1 ELSE 25 END) WHERE f.n > 0 UNION ALL SELECT format('SELECT * FROM %s()', f.oid::regproc) WHERE f.n = 0 LOOP
			n := n + 1;
			INSERT INTO answer VALUES (role, f.name, c, pg_temp.call(c));
		END LOOP;
	END LOOP;
	RETURN n;
END $$;
SELECT cmp_ok(pg_temp.sweep('superuser'), '>', 2000, 'calls by a superuser');
SET LOCAL ROLE regress_sweep;
SELECT cmp_ok(pg_temp.sweep('anybody'), '>', 2000, 'calls by anybody');
RESET ROLE;
SELECT is((SELECT string_agg(DISTINCT concat_ws(' ', role, answer, statement), E'\n') FROM answer WHERE answer ~ '^XX'), NULL, 'no internal error');
SELECT is_empty('SELECT name FROM swept EXCEPT SELECT name FROM answer', 'no function is left out');
SELECT cmp_ok((SELECT count(DISTINCT name)::int FROM answer WHERE answer IS NULL), '>', 20, 'many are answered');
SELECT is((SELECT string_agg(DISTINCT concat_ws(' ', role, answer, statement), E'\n') FROM answer WHERE answer LIKE '%(null)%'), NULL, 'nor one about nothing');
SELECT is((SELECT count(*)::int FROM shop.item) + (SELECT count(*)::int FROM shop.refund), 2, 'nothing is left behind');
SELECT * FROM finish();
ROLLBACK;
