-- Secrets at rest: sealed for table, column and row.
BEGIN;
\getenv vectors VECTORS
\set vectors `cat "$VECTORS/fernet_vectors.json" 2>/dev/null`
SELECT plan(CASE WHEN :'vectors' = '' THEN 104 ELSE 114 END);
\ir ../pgtap/lib/refusal.psql
CREATE ROLE regress_paysafe_clerk;

-- secrets reach functions as values, never as part of a statement
CREATE TEMP TABLE plain (name text PRIMARY KEY, secret text);
INSERT INTO plain SELECT n, 'sk_' || repeat(n, 8) FROM unnest('{a,b,c,ä}'::text[]) n;
CREATE FUNCTION pg_temp.plain(n text) RETURNS text LANGUAGE sql AS $$ SELECT secret FROM plain WHERE name = n $$;

CREATE TABLE shop (id int PRIMARY KEY, token bytea, pin bytea, name text);
CREATE TABLE other (id int PRIMARY KEY, token bytea);
CREATE TABLE two (a text, b int, token bytea, PRIMARY KEY (a, b));
CREATE TABLE keyless (id int, token bytea);

-- declared
SELECT throws_ok($$SELECT paysafe.encrypt_text('shop', 'token', '1', pg_temp.plain('a'))$$, '22023', '"token" is no secret column of table public.shop', 'a column is declared first');
SELECT throws_ok($$SELECT paysafe.protect_secret('shop', '{name}')$$, '22023', 'column "name" of table "shop" must be of type bytea', 'bytes only');
SELECT throws_ok($$SELECT paysafe.protect_secret('keyless', '{token}')$$, '22023', 'table "keyless" has no primary key', 'a row has a key');
SELECT throws_ok($$SELECT paysafe.protect_secret('shop', '{nosuch}')$$, '42703', NULL, 'no such column');
SELECT throws_ok($$SELECT paysafe.protect_secret('shop', '{}')$$, '22023', 'argument "columns" must not be empty', 'no column');
SELECT throws_ok($$SELECT paysafe.protect_secret(NULL, '{token}')$$, '22004', NULL, 'no table');
SELECT throws_ok($$SELECT paysafe.protect_secret('shop', NULL)$$, '22004', NULL, 'no columns');
INSERT INTO shop (id, token) VALUES (1, 'clear text');
SELECT throws_ok($$SELECT paysafe.protect_secret('shop', '{token,pin}')$$, '23514', NULL, 'rows that are there are looked at');
DELETE FROM shop;
SELECT lives_ok($$SELECT paysafe.protect_secret(t, '{token,pin}') FROM (VALUES ('shop'::regclass)) v (t)$$, 'declared');
SELECT lives_ok($$SELECT paysafe.protect_secret(t, '{token}') FROM (VALUES ('other'::regclass), ('two')) v (t)$$, 'others, too');
SELECT is((SELECT string_agg(definition, '; ') FROM paysafe.protection WHERE relation = 'shop'::regclass), 'pin, token: values sealed for their row', 'shown');

-- sealed and opened
CREATE TEMP TABLE sealed AS SELECT name, paysafe.encrypt_text('shop', 'token', '1', secret) AS s FROM plain;
SELECT is((SELECT count(*) FROM sealed WHERE paysafe.decrypt_text('shop', 'token', '1', s) = pg_temp.plain(name)), 4::bigint, 'opened');
SELECT is((SELECT count(*) FROM sealed WHERE position(convert_to(pg_temp.plain(name), 'UTF8') IN s) > 0), 0::bigint, 'not in clear');
SELECT isnt(paysafe.encrypt_text('shop', 'token', '1', pg_temp.plain('a')), paysafe.encrypt_text('shop', 'token', '1', pg_temp.plain('a')), 'twice is not the same');
SELECT is((SELECT length(s) - length(pg_temp.plain(name)) FROM sealed WHERE name = 'a'), 33, 'version, key, nonce and tag');
SELECT is(paysafe.decrypt('shop', 'pin', '1', paysafe.encrypt('shop', 'pin', '1', b)), b, length(b) || ' bytes') FROM (VALUES (''::bytea), ('\x00'), (decode(repeat('00ff', 100000), 'hex'))) v (b);
SELECT is(paysafe.encrypt('shop', 'pin', '1', NULL), NULL, 'nothing is nothing');
SELECT is(paysafe.encrypt_text('shop', 'pin', '1', NULL), NULL, 'nor as text');
SELECT is(paysafe.decrypt('shop', 'pin', '1', NULL), NULL, 'nor opened');
SELECT is(paysafe.decrypt_text('shop', 'pin', '1', NULL), NULL, 'nor that as text');
SELECT is(paysafe.blind_index('shop', 'pin', NULL), NULL, 'nor hashed');
SELECT throws_ok($$SELECT paysafe.decrypt_text('shop', 'pin', '1', paysafe.encrypt('shop', 'pin', '1', '\xff'))$$, '23K01', 'the sealed value is no text', 'bytes are no text');
SELECT throws_ok($$SELECT paysafe.encrypt('shop', 'pin', NULL, 'x')$$, '22004', NULL, 'a value is of a row');
SELECT throws_ok($$SELECT paysafe.encrypt_text('shop', 'pin', '1', 'my secret')$$, '22023', 'argument "value" must not be written into the statement', 'no literal');
SELECT throws_ok($$SELECT paysafe.encrypt_text('shop', 'pin', '1', 'it''s \secret')$$, '22023', NULL, 'nor one with quotes');
SELECT throws_ok($$SELECT paysafe.blind_index('shop', 'pin', E'it\'s \\ secret')$$, '22023', NULL, 'nor one in another form');

-- another place
SELECT throws_ok(format('SELECT paysafe.decrypt_text(%s, s) FROM sealed WHERE name = ''a''', p), '23K01', 'the value was not sealed for this place, or has been changed', p)
  FROM unnest(ARRAY['''shop'', ''token'', ''2''', '''shop'', ''pin'', ''1''', '''other'', ''token'', ''1''']) p;
-- every byte
SELECT is((SELECT count(*) FROM sealed, generate_series(0, length(s) - 1) i, unnest('{1,128,255}'::int[]) x WHERE name = 'a' AND
	pg_temp.refusal(format('SELECT paysafe.decrypt(''shop'', ''token'', ''1'', %L)', set_byte(s, i, get_byte(s, i) # x))) NOT IN ('23K01', '55000')), 0::bigint, 'no byte may be another');
SELECT is((SELECT count(*) FROM sealed, generate_series(0, length(s) - 1) i WHERE name = 'a' AND pg_temp.refusal(format('SELECT paysafe.decrypt(''shop'', ''token'', ''1'', %L)', substr(s, 1, i))) <> '23K01'), 0::bigint, 'none may be missing');
SELECT is(pg_temp.refusal(format('SELECT paysafe.decrypt(''shop'', ''token'', ''1'', %L)', s || '\x00'::bytea)), '23K01', 'none may be added') FROM sealed WHERE name = 'a';
SELECT is(pg_temp.refusal(format('SELECT paysafe.decrypt(''shop'', ''token'', ''1'', %L)', set_byte(s, 4, 99))), '55000', 'a key that is not there') FROM sealed WHERE name = 'a';
SELECT is(pg_temp.refusal($$SELECT paysafe.decrypt('shop', 'token', '1', 'clear text')$$), '23K01', 'what was never sealed is not handed out');

-- stored: by every path only what belongs there
SELECT is(pg_temp.refusal('INSERT INTO shop (id, token) SELECT 1, s FROM sealed WHERE name = ''a'''), 'accepted', 'its own row');
SELECT is(pg_temp.refusal('INSERT INTO shop (id, token) SELECT 2, s FROM sealed WHERE name = ''a'''), '23K01 public.shop.token paysafe_shop_secret', 'another row');
SELECT is(pg_temp.refusal('INSERT INTO shop (id, pin) SELECT 2, s FROM sealed WHERE name = ''a'''), '23K01 public.shop.pin paysafe_shop_secret', 'another column');
SELECT is(pg_temp.refusal('INSERT INTO shop (id, token) VALUES (2, ''clear text'')'), '23K01 public.shop.token paysafe_shop_secret', 'clear text');
SELECT is(pg_temp.refusal('INSERT INTO shop (id, token) VALUES (2, decode(''0100000063'' || repeat(''00'', 40), ''hex''))'), '23K01 public.shop.token paysafe_shop_secret', 'of a key that is not there');
SELECT is(pg_temp.refusal('UPDATE shop SET token = ''clear text'''), '23K01 public.shop.token paysafe_shop_secret', 'changed to clear text');
SELECT is(pg_temp.refusal('UPDATE shop SET id = 7'), '23K01 public.shop.token paysafe_shop_secret', 'the row has another key');
SELECT is(pg_temp.refusal('UPDATE shop SET pin = token'), '23K01 public.shop.pin paysafe_shop_secret', 'copied to another column');
SELECT is(pg_temp.refusal('INSERT INTO shop (id, token) SELECT 1, s FROM sealed WHERE name = ''a'' ON CONFLICT (id) DO UPDATE SET token = ''x'''), '23K01 public.shop.token paysafe_shop_secret', 'upsert');
SELECT is(pg_temp.refusal('UPDATE shop SET name = ''x'''), 'accepted', 'other columns are no matter');
SELECT is(pg_temp.refusal('INSERT INTO other (id, token) SELECT 1, s FROM sealed WHERE name = ''a'''), '23K01 public.other.token paysafe_other_secret', 'another table');
SELECT is(pg_temp.refusal('UPDATE shop SET token = NULL'), 'accepted', 'nothing');
SELECT is(pg_temp.refusal('INSERT INTO shop (id, token) SELECT id, paysafe.encrypt_text(''shop'', ''token'', id::text, pg_temp.plain(''b'')) FROM generate_series(10, 20) id'), 'accepted', 'several rows');
SELECT is(pg_temp.refusal('INSERT INTO two SELECT ''x,y'', 2, paysafe.encrypt_text(''two'', ''token'', ''x\,y,2'', pg_temp.plain(''b''))'), 'accepted', 'a key of several columns');

-- the key is a value: however it is written, it is the same one
CREATE TABLE keyed_numeric (id numeric PRIMARY KEY, t bytea);
CREATE TABLE keyed_boolean (id boolean PRIMARY KEY, t bytea);
CREATE TABLE keyed_date (id date PRIMARY KEY, t bytea);
CREATE TABLE keyed_time (id timestamptz PRIMARY KEY, t bytea);
CREATE TABLE keyed_uuid (id uuid PRIMARY KEY, t bytea);
CREATE TABLE keyed_char (id char(5) PRIMARY KEY, t bytea);
CREATE TABLE keyed_bytes (id bytea PRIMARY KEY, t bytea);
CREATE DOMAIN cents AS numeric(10, 2);
CREATE TABLE keyed_two (a cents, b date, t bytea, PRIMARY KEY (a, b));
CREATE TABLE keyed_part (id numeric, at date, t bytea, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE keyed_part_1 PARTITION OF keyed_part FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
DO $$ BEGIN PERFORM paysafe.protect_secret(t, '{t}') FROM unnest('{keyed_numeric,keyed_boolean,keyed_date,keyed_time,keyed_uuid,keyed_char,keyed_bytes,keyed_two,keyed_part}'::regclass[]) t; END $$;
CREATE FUNCTION pg_temp.keyed(t regclass, row_text text, key text, style text, zone text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM set_config('datestyle', style, true), set_config('timezone', zone, true);
	result := pg_temp.refusal(format('INSERT INTO %s VALUES (%s, paysafe.encrypt(%L, ''t'', %L, ''x''))', t, row_text, t, key));
	IF result = 'accepted' THEN EXECUTE format('DELETE FROM %s', t); END IF;
	PERFORM set_config('datestyle', 'ISO, MDY', true);
	RETURN split_part(result, ' ', 1);
END $$;
SELECT is(pg_temp.keyed(t::regclass, r, k, s, z), e, format('%s: %s as %s', t, r, k)) FROM (VALUES
	('keyed_numeric', '2.0', '2.00', 'ISO', 'UTC', 'accepted'), ('keyed_numeric', '2.0', ' +2e0 ', 'ISO', 'UTC', 'accepted'),
	('keyed_numeric', '3', '2', 'ISO', 'UTC', '23K01'), ('keyed_numeric', '2', 'two', 'ISO', 'UTC', '22P02'),
	('keyed_boolean', 'true', 'yes', 'ISO', 'UTC', 'accepted'), ('keyed_boolean', 'true', 'false', 'ISO', 'UTC', '23K01'),
	('keyed_date', 'date ''2020-01-03''', '03.01.2020', 'German', 'UTC', 'accepted'), ('keyed_date', 'date ''2020-01-03''', '03/01/2020', 'SQL, DMY', 'UTC', 'accepted'),
	('keyed_date', 'date ''2020-01-03''', '03/01/2020', 'SQL, MDY', 'UTC', '23K01'),
	('keyed_time', 'timestamptz ''2020-01-03 12:00+00''', '2020-01-03 13:00:00', 'ISO', 'Europe/Berlin', 'accepted'),
	('keyed_uuid', '''A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11''', '{a0eebc999c0b4ef8bb6d6bb9bd380a11}', 'ISO', 'UTC', 'accepted'),
	('keyed_char', '''ab''', 'ab', 'ISO', 'UTC', 'accepted'), ('keyed_bytes', '''\xab''', '\xAB', 'ISO', 'UTC', 'accepted'),
	('keyed_two', '1.5, ''2020-01-03''', '1.50,03.01.2020', 'German', 'UTC', 'accepted'), ('keyed_part', '1.50, ''2020-01-03''', '1.5', 'ISO', 'UTC', 'accepted'),
	('keyed_two', '1.5, ''2020-01-03''', '1.50', 'ISO', 'UTC', '22023')) AS v (t, r, k, s, z, e);
SELECT is(paysafe.decrypt('shop', 'token', ' 01', (SELECT s FROM sealed WHERE name = 'a')), convert_to(pg_temp.plain('a'), 'UTF8'), 'to open, too');

-- the blind index
SELECT is(paysafe.blind_index('shop', 'token', pg_temp.plain('a')), paysafe.blind_index('shop', 'token', pg_temp.plain('a')), 'equal values have equal hashes');
SELECT isnt(paysafe.blind_index('shop', 'token', pg_temp.plain('a')), paysafe.blind_index('shop', 'token', pg_temp.plain('b')), 'others have others');
SELECT isnt(paysafe.blind_index('shop', 'token', pg_temp.plain('a')), paysafe.blind_index('shop', 'pin', pg_temp.plain('a')), 'in another column, too');
SELECT is(length(paysafe.blind_index('shop', 'token', pg_temp.plain('a'))), 32, '32 bytes');
SELECT throws_ok($$SELECT paysafe.blind_index('shop', 'name', pg_temp.plain('a'))$$, '22023', NULL, 'of secret columns');

-- names
CREATE TEMP TABLE opening AS SELECT $$SELECT paysafe.open_maintenance('names', 'T-1', '1 hour', '{public.shop}')$$ AS command;
DO $$
DECLARE
	hint text;
BEGIN
	PERFORM paysafe.act_as('ann');
	SELECT pg_temp.refusal_text(command, 'HINT') INTO hint FROM opening;
	PERFORM paysafe.act_as('bob');
	EXECUTE 'SELECT ' || substring(hint FROM '(paysafe\.approve\(.*\));  then');
	PERFORM paysafe.act_as('ann');
END $$;
SELECT is(pg_temp.refusal(command), 'accepted', 'a window') FROM opening;
SELECT lives_ok('ALTER TABLE shop RENAME TO store', 'renamed');
SELECT paysafe.close_maintenance();
SELECT is((SELECT count(*) FROM store WHERE paysafe.decrypt_text('store', 'token', id::text, token) = pg_temp.plain('b')), 11::bigint, 'still opened');
CREATE TABLE shop (id int PRIMARY KEY, token bytea);
SELECT lives_ok($$SELECT paysafe.protect_secret('shop', '{token}')$$, 'a new table of the old name');
SELECT is(pg_temp.refusal('INSERT INTO shop SELECT id, token FROM store WHERE id = 10'), '23K01 public.shop.token paysafe_shop_secret', 'is another place');
SELECT is(pg_temp.refusal('ALTER TABLE shop RENAME token TO token2') <> 'accepted', true, 'columns keep their names');
SELECT lives_ok($$SELECT paysafe.protect_secret('store', '{token,pin}')$$, 'declared again');
SELECT is((SELECT count(*) FROM store WHERE paysafe.decrypt_text('store', 'token', id::text, token) = pg_temp.plain('b')), 11::bigint, 'under the name that it had');

-- rotation
SELECT is((SELECT string_agg(concat_ws(' ', kind, wrapped_by, in_use), ', ' ORDER BY kind) FROM paysafe.data_keys), 'mac test-2 t, seal test-2 t', 'two keys');
SELECT is(paysafe.reencrypt('store', 'token'), 0, 'nothing to do');
CREATE TEMP TABLE old AS SELECT max(id) AS id FROM paysafe.data_keys WHERE kind = 'seal';
SELECT is(paysafe.rotate_data_key() > id, true, 'a new key') FROM old;
SELECT is((SELECT count(*) FROM store WHERE paysafe.decrypt_text('store', 'token', id::text, token) = pg_temp.plain('b')), 11::bigint, 'the old one opens');
SELECT is(paysafe.sealed_by(paysafe.encrypt('shop', 'token', '1', 'x')) > id, true, 'the new one seals') FROM old;
SELECT is(paysafe.reencrypt('store', 'token', n), r, 'sealed anew: ' || r) FROM (VALUES (1, 7, 7), (2, 7, 4), (3, 7, 0)) v (i, n, r) ORDER BY i;
SELECT is((SELECT count(*) FROM store s, old WHERE paysafe.sealed_by(token) > old.id AND paysafe.decrypt_text('store', 'token', s.id::text, token) = pg_temp.plain('b')), 11::bigint, 'all by the new one');
SELECT is(paysafe.rewrap_data_keys(), 0, 'all are wrapped by the first key of the file');
SELECT is(paysafe.sealed_by('x'), NULL, 'what is not sealed is by none');

-- not for everybody
SELECT is((SELECT count(*) FROM pg_proc WHERE pronamespace = 'paysafe'::regnamespace AND has_function_privilege('regress_paysafe_clerk', oid, 'EXECUTE')
	AND proname IN ('encrypt', 'encrypt_text', 'decrypt', 'decrypt_text', 'blind_index', 'rotate_data_key', 'rewrap_data_keys', 'reencrypt', 'fernet_decrypt')), 0::bigint, 'functions are granted');
SELECT is(has_table_privilege('regress_paysafe_clerk', 'paysafe.data_keys', 'SELECT'), false, 'so is the view');

-- Fernet
SELECT throws_ok($$SELECT paysafe.fernet_decrypt('x', 'nosuch')$$, '55000', NULL, 'a key that is not there');
SELECT throws_ok($$SELECT paysafe.fernet_decrypt('x', 'vectors')$$, '23K01', NULL, 'no token');
SELECT is(paysafe.fernet_decrypt(NULL, 'vectors'), NULL, 'none is none');
CREATE TEMP TABLE fernet AS SELECT k AS kind, v ->> 'token' AS token, (v ->> 'now')::timestamptz AS at, make_interval(secs => (v ->> 'ttl_sec')::int) AS max_age, v ->> 'src' AS src, coalesce(v ->> 'desc', 'genuine') AS what
  FROM jsonb_each(coalesce(nullif(:'vectors', ''), '{}')::jsonb) AS f (k, l), jsonb_array_elements(l) v;
SELECT skip('no vectors') WHERE :'vectors' = '';
SELECT is(convert_from(paysafe.fernet_decrypt(token, 'vectors', max_age, at), 'UTF8'), src, kind) FROM fernet WHERE kind <> 'invalid';
SELECT throws_ok(format('SELECT paysafe.fernet_decrypt(%L, ''vectors'', %L, %L)', token, max_age, at), '23K01', NULL, what) FROM fernet WHERE kind = 'invalid';
SELECT is((SELECT count(*) FROM fernet, generate_series(1, length(token)) i, unnest('{A,b,-}'::text[]) c WHERE kind = 'verify' AND substr(token, i, 1) <> c
	AND pg_temp.refusal(format('SELECT paysafe.fernet_decrypt(%L, ''vectors'')', overlay(token PLACING c FROM i))) <> '23K01'), 0::bigint, 'no character may be another') WHERE :'vectors' <> '';

-- a table that is gone, or never was
SELECT throws_ok(command, '42P01', NULL, command) FROM unnest(ARRAY[
	$$SELECT paysafe.encrypt(99999999::regclass, 'x', '1', pg_catalog.sha256('a'))$$, $$SELECT paysafe.encrypt_text(99999999::regclass, 'x', '1', pg_temp.plain('a'))$$,
	$$SELECT paysafe.decrypt(99999999::regclass, 'x', '1', '\x00')$$, $$SELECT paysafe.decrypt_text(99999999::regclass, 'x', '1', '\x00')$$,
	$$SELECT paysafe.blind_index(99999999::regclass, 'x', pg_temp.plain('a'))$$, $$SELECT paysafe.reencrypt(99999999::regclass, 'x', 1)$$,
	$$SELECT paysafe.decrypt(0::regclass, 'x', '1', '\x00')$$]) command;

SELECT * FROM finish();
ROLLBACK;
