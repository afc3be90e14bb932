-- Row images: the documented bytes, whatever the settings of the session that
-- writes, and read back as what to_jsonb shows in UTC.
BEGIN;
SELECT plan(94);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
SET LOCAL TimeZone = 'UTC';
CREATE SCHEMA shop;

-- A length in base 128, and a field: its length plus one, and its bytes.
CREATE FUNCTION pg_temp.length128(n int) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	result bytea := '';
BEGIN
	WHILE n >= 128 LOOP
		result := result || set_byte('\x00', 0, 128 + n % 128);
		n := n / 128;
	END LOOP;
	RETURN result || set_byte('\x00', 0, n);
END $$;
CREATE FUNCTION pg_temp.field(bytes bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN bytes IS NULL THEN '\x00' ELSE pg_temp.length128(length(bytes) + 1) || bytes END $$;

CREATE TYPE shop.mood AS ENUM ('sad', 'ok', 'très "bien"');
CREATE DOMAIN shop.amount AS numeric(12,4) CHECK (VALUE IS NULL OR VALUE < 1000000);
CREATE DOMAIN shop.price AS shop.amount;
CREATE DOMAIN shop.words AS text[];
CREATE TYPE shop.pair AS (a int, b text);
CREATE TYPE shop.nested AS (p shop.pair, m shop.mood, l shop.pair[], "odd ""name" shop.price);
CREATE TYPE shop.shrunk AS (a int, gone text, b text);
ALTER TYPE shop.shrunk DROP ATTRIBUTE gone;

-- Write the values (SQL expressions) into an audited column of the type, each
-- under other settings.  What is wrong with what is stored, or ''.  bytes: an
-- expression of v for the bytes that must be stored, or NULL.
CREATE FUNCTION pg_temp.wrong_images(type text, expressions text[], bytes text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text := '';
	r record;
BEGIN
	EXECUTE format('CREATE TABLE shop.source (id int PRIMARY KEY, v %s)', type);
	EXECUTE format('CREATE TABLE shop.target (id int PRIMARY KEY, v %s, pad text)', type);
	PERFORM paysafe.audit('shop.target');
	FOR i IN 1..cardinality(expressions) LOOP
		EXECUTE format('INSERT INTO shop.source VALUES (%s, %s)', i, expressions[i]);
	END LOOP;
	INSERT INTO shop.source VALUES (0, NULL);
	PERFORM set_config('TimeZone', 'Pacific/Kiritimati', true), set_config('DateStyle', 'SQL, DMY', true), set_config('IntervalStyle', 'iso_8601', true),
			set_config('extra_float_digits', '-15', true), set_config('bytea_output', 'escape', true), set_config('search_path', 'shop, public', true),
			set_config('quote_all_identifiers', 'on', true), set_config('array_nulls', 'off', true);
	INSERT INTO shop.target SELECT * FROM shop.source;
	PERFORM set_config('TimeZone', 'America/St_Johns', true), set_config('DateStyle', 'German', true), set_config('IntervalStyle', 'sql_standard', true),
			set_config('extra_float_digits', '3', true), set_config('bytea_output', 'hex', true), set_config('search_path', 'pg_catalog', true);
	UPDATE shop.target SET id = id;
	PERFORM set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, MDY', true), set_config('IntervalStyle', 'postgres', true),
			set_config('extra_float_digits', '1', true), set_config('search_path', 'public', true),
			set_config('quote_all_identifiers', 'off', true), set_config('array_nulls', 'on', true);
	FOR r IN EXECUTE format('
		SELECT t.id, count(l.key) AS n, count(DISTINCT l.after) AS images,
			   bool_and(l.after = to_jsonb(t) AND l.after::text = to_jsonb(t)::text) AS same, min(l.after::text) AS found, min(to_jsonb(t)::text) AS wanted,
			   count(DISTINCT a.after) AS stored,
			   bool_and(a.after = ''\x01''::bytea || pg_temp.field(int4send(t.id)) || pg_temp.field(%s) || pg_temp.field(NULL)) AS as_documented,
			   min(encode(a.after, ''hex'')) AS hex
		  FROM shop.target t LEFT JOIN (paysafe.audit_row a JOIN paysafe.audit_log l USING (xid, seq))
			   ON a.key = t.id::text AND l.subject = (SELECT spec ->> ''subject'' FROM paysafe.rule WHERE relation = ''shop.target''::regclass)
		 GROUP BY t.id ORDER BY t.id', coalesce(bytes, 'NULL::bytea'))
	LOOP
		IF r.n <> 2 OR r.stored <> 1 THEN
			result := result || format(' %s: %s rows, %s different images', r.id, r.n, r.stored);
		END IF;
		IF NOT r.same THEN
			result := result || format(' %s: reads %s, not %s', r.id, r.found, r.wanted);
		END IF;
		IF bytes IS NOT NULL AND NOT r.as_documented THEN
			result := result || format(' %s: stored as %s', r.id, r.hex);
		END IF;
	END LOOP;
	DROP TABLE shop.source, shop.target;
	RETURN result;
END $$;

SELECT is(pg_temp.wrong_images(type, expressions, bytes), '', type)
  FROM (VALUES
	('bool', ARRAY['true', 'false'], 'boolsend(v)'),
	('smallint', ARRAY['0', '1', '-1', '32767', '-32768'], 'int2send(v)'),
	('int', ARRAY['0', '1', '-1', '2147483647', '-2147483648'], 'int4send(v)'),
	('bigint', ARRAY['0', '1', '-1', '9223372036854775807', '-9223372036854775808'], 'int8send(v)'),
	('real', ARRAY['0', '''-0''', '1.5', '0.1', '1e-40', '3.4028235e38', '''NaN''', '''Infinity''', '''-Infinity''', '16777217'], 'float4send(v)'),
	('float8', ARRAY['0', '''-0''', '1.5', '0.1', '1e-310', '1.7976931348623157e308', '''NaN''', '''Infinity''', '''-Infinity''', '9007199254740993', '1e22', '1e-7'], 'float8send(v)'),
	('numeric', ARRAY['0', '0.000', '1', '-1', '1.50', '10000', '99990000', '0.0001', '0.00001', '1e100', '1e-100', '-12345678901234567890.123456789', '''NaN''', '''Infinity''', '''-Infinity''',
		'repeat(''9'', 5000)::numeric', '(''0.'' || repeat(''0'', 900) || ''1'')::numeric', '1e131071', '1::numeric(1000,999)'], 'numeric_send(v)'),
	('numeric(10,2)', ARRAY['0', '1.5', '-99999999.99', '''NaN'''], 'numeric_send(v)'),
	('shop.price', ARRAY['0', '1.5', '-1.23456'], 'numeric_send(v)'),
	('money', ARRAY['0', '12.34', '-92233720368547758.08', '92233720368547758.07'], 'cash_send(v)'),
	('text', ARRAY[$v$''$v$, $v$'a'$v$, $v$'null'$v$, $v$E'line\n"quoted" back\\slash \t tab \x01'$v$, $v$'Ω≈ç√ 💶 ' || chr(127)$v$, $v$repeat('long ', 40000)$v$, $v$repeat(md5('x'), 300)$v$, $v$repeat('x', 126)$v$, $v$repeat('x', 127)$v$, $v$repeat('x', 128)$v$, $v$repeat('x', 16383)$v$, $v$repeat('x', 16384)$v$],
		$v$convert_to(v, 'UTF8')$v$),
	('varchar(5)', ARRAY[$v$''$v$, $v$'a  '$v$], $v$convert_to(v, 'UTF8')$v$),
	('char(5)', ARRAY[$v$''$v$, $v$'a'$v$, $v$'abcde'$v$], 'bpcharsend(v)'),
	('bytea', ARRAY[$v$''$v$, $v$'\x00'$v$, $v$'\x00ff5c27'$v$, $v$decode(repeat('00', 100000), 'hex')$v$], 'v'),
	('name', ARRAY[$v$''$v$, $v$'a'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('"char"', ARRAY[$v$'a'$v$, $v$''$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('shop.mood', ARRAY[$v$'sad'$v$, $v$'très "bien"'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('date', ARRAY[$v$'2026-02-28'$v$, $v$'4713-01-01 BC'$v$, $v$'5874897-12-31'$v$, $v$'infinity'$v$, $v$'-infinity'$v$, $v$'0001-01-01 BC'$v$, $v$'10000-01-01'$v$], 'date_send(v)'),
	('time', ARRAY[$v$'00:00'$v$, $v$'24:00'$v$, $v$'23:59:59.999999'$v$, $v$'12:00:00.1'$v$], 'time_send(v)'),
	('time(2)', ARRAY[$v$'12:00:00.129'$v$], 'time_send(v)'),
	('timetz', ARRAY[$v$'00:00+00'$v$, $v$'24:00-15:59:59'$v$, $v$'12:34:56.789+05:30'$v$, $v$'12:00+00:00:01'$v$], 'timetz_send(v)'),
	('timestamp', ARRAY[$v$'2026-02-28 12:34:56.789'$v$, $v$'4713-01-01 00:00 BC'$v$, $v$'294276-12-31 23:59:59.999999'$v$, $v$'infinity'$v$, $v$'-infinity'$v$, $v$'0044-03-15 BC'$v$], 'timestamp_send(v)'),
	('timestamptz', ARRAY[$v$'2026-02-28 12:34:56.789+00'$v$, $v$'4713-01-01 00:00+00 BC'$v$, $v$'294276-12-31 23:59:59.999999+00'$v$, $v$'infinity'$v$, $v$'-infinity'$v$, $v$'1883-11-18 12:00+00'$v$], 'timestamptz_send(v)'),
	('interval', ARRAY[$v$'0'$v$, $v$'1 year 2 mons -3 days 04:05:06.789'$v$, $v$'-178000000 years'$v$, $v$'00:00:00.000001'$v$, $v$'-1 mon 1 day -00:00:01'$v$], 'interval_send(v)'),
	('uuid', ARRAY[$v$'00000000-0000-0000-0000-000000000000'$v$, $v$'FFFFFFFF-ffff-FFFF-ffff-FFFFFFFFFFFF'$v$], 'uuid_send(v)'),
	('json', ARRAY[$v$'{"b": 1, "a": [1, 2.50, null, true], "a": "twice"}'$v$, $v$' [1 , 2 ] '$v$, $v$'null'$v$, $v$'"text"'$v$, $v$'1e10'$v$, $v$'"\u00e9 \ud83d\ude00"'$v$, $v$'{}'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('jsonb', ARRAY[$v$'{"b": 1, "a": [1, 2.50, null, true]}'$v$, $v$'null'$v$, $v$'"text"'$v$, $v$'1e10'$v$, $v$'1e-10'$v$, $v$'[]'$v$, $v$'{"": {"": []}}'$v$, $v$jsonb_build_object('long', repeat('x', 100000))$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('int[]', ARRAY[$v$'{}'$v$, $v$'{1,-1}'$v$, $v$'{NULL}'$v$, $v$'[5:7]={1,NULL,3}'$v$, $v$array_fill(7, ARRAY[5000])$v$],
		$v$CASE WHEN v = '{}' THEN '\x00' WHEN v IS NOT NULL THEN '\x01' || int4send(cardinality(v)) || int4send(array_lower(v, 1)) || (SELECT string_agg(pg_temp.field(int4send(e)), '' ORDER BY o) FROM unnest(v) WITH ORDINALITY u (e, o)) END$v$),
	('text[]', ARRAY[$v$'{}'$v$, $v$'{"",NULL,"NULL","a,b","{}"}'$v$],
		$v$CASE WHEN v = '{}' THEN '\x00' WHEN v IS NOT NULL THEN '\x01' || int4send(cardinality(v)) || int4send(array_lower(v, 1)) || (SELECT string_agg(pg_temp.field(convert_to(e, 'UTF8')), '' ORDER BY o) FROM unnest(v) WITH ORDINALITY u (e, o)) END$v$),
	('int[][]', ARRAY[$v$'{{1,2},{3,NULL}}'$v$, $v$'{{{1},{2}},{{3},{4}}}'$v$, $v$'[0:1][-1:0]={{1,2},{3,4}}'$v$], NULL),
	('shop.words', ARRAY[$v$'{a,b}'$v$, $v$'{}'$v$], NULL),
	('numeric[]', ARRAY[$v$'{1.50,NaN,NULL,-Infinity}'$v$], NULL),
	('date[]', ARRAY[$v$'{2026-02-28,infinity}'$v$], NULL),
	('timestamptz[]', ARRAY[$v$'{2026-02-28 12:00+00,infinity,0044-03-15 00:00+00 BC}'$v$], NULL),
	('jsonb[]', ARRAY[$v$ARRAY['{"a": 1}', 'null', NULL]::jsonb[]$v$], NULL),
	('bytea[]', ARRAY[$v$ARRAY['\x00ff', '', NULL]::bytea[]$v$], NULL),
	('shop.mood[]', ARRAY[$v$'{sad,"très \"bien\""}'$v$], NULL),
	('shop.pair', ARRAY[$v$ROW(1, 'a')$v$, $v$ROW(NULL, NULL)$v$, $v$ROW(NULL, '')$v$],
		$v$CASE WHEN v IS DISTINCT FROM NULL THEN pg_temp.field(int4send((v).a)) || pg_temp.field(convert_to((v).b, 'UTF8')) END$v$),
	('shop.shrunk', ARRAY[$v$ROW(1, 'a')$v$],
		$v$CASE WHEN v IS DISTINCT FROM NULL THEN pg_temp.field(int4send((v).a)) || pg_temp.field(convert_to((v).b, 'UTF8')) END$v$),
	('shop.nested', ARRAY[$v$ROW(ROW(1, 'a'), 'ok', ARRAY[ROW(2, NULL), NULL]::shop.pair[], 1.5)$v$, $v$ROW(NULL, NULL, NULL, NULL)$v$], NULL),
	('shop.pair[]', ARRAY[$v$ARRAY[ROW(1, 'a'), NULL]::shop.pair[]$v$], NULL),
	('int4range', ARRAY[$v$'[1,5)'$v$, $v$'empty'$v$, $v$'(,)'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('numrange', ARRAY[$v$'[1.50,5)'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('tstzrange', ARRAY[$v$'[2026-01-01 00:00+00,infinity)'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('daterange', ARRAY[$v$'[2026-01-01,2026-02-01)'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('int4multirange', ARRAY[$v$'{[1,5),[7,8)}'$v$, $v$'{}'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('tstzmultirange', ARRAY[$v$'{[2026-01-01 00:00+00,2026-01-02 00:00+00)}'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('inet', ARRAY[$v$'10.0.0.1'$v$, $v$'10.0.0.1/8'$v$, $v$'::1'$v$, $v$'2001:db8::/32'$v$], $v$CASE WHEN v IS NOT NULL THEN convert_to(format('%s', v), 'UTF8') END$v$),
	('cidr', ARRAY[$v$'10.0.0.0/8'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('macaddr', ARRAY[$v$'08:00:2b:01:02:03'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('bit(4)', ARRAY[$v$'1010'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('varbit', ARRAY[$v$''$v$, $v$'10101'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('point', ARRAY[$v$'(0.1,-0)'$v$, $v$'(NaN,Infinity)'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('polygon', ARRAY[$v$'((0,0),(1,1),(0.1,0.3))'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('circle', ARRAY[$v$'<(0.1,0.2),0.3>'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('tsvector', ARRAY[$v$'a:1 b:2'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('tsquery', ARRAY[$v$'a & b'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('oid', ARRAY['0', '4294967295'], $v$convert_to(v::text, 'UTF8')$v$),
	('xid8', ARRAY[$v$'18446744073709551615'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('pg_lsn', ARRAY[$v$'16/B374D848'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('regtype', ARRAY[$v$'int'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('jsonpath', ARRAY[$v$'$.a ? (@ > 1)'$v$], $v$convert_to(v::text, 'UTF8')$v$),
	('int2vector', ARRAY[$v$'1 2 3'$v$], NULL),
	('oidvector', ARRAY[$v$'1 2 3'$v$], NULL)
  ) v (type, expressions, bytes);

-- numeric: the wire format, for thousands of values
CREATE TABLE shop.numbers (id int PRIMARY KEY, n numeric);
SELECT paysafe.audit('shop.numbers');
INSERT INTO shop.numbers
	SELECT i, trim_scale(('-0' || translate(substr(md5(i::text) || md5((-i)::text), 1, 1 + i % 60), 'abcdef', '987654'))::numeric * 10::numeric ^ (i % 90 - 60))
	  FROM generate_series(1, 2500) i;
INSERT INTO shop.numbers
	SELECT i, round(translate(substr(md5(i::text) || md5((-i)::text), 1, 1 + i % 60), 'abcdef', '987654')::numeric * (10::numeric ^ (-(i % 70))), i % 40) * (1 - 2 * (i % 2))
	  FROM generate_series(2501, 5000) i;
INSERT INTO shop.numbers SELECT i, (power(10, i % 40)::numeric(100,0))::text::numeric / 10000 FROM generate_series(5001, 5100) i;
SELECT is((SELECT count(*)::int FROM shop.numbers), 5100, 'numbers of every size');
SELECT is_empty($$
	SELECT t.id, t.n, r.after FROM shop.numbers t LEFT JOIN paysafe.audit_row r
		ON r.key = t.id::text AND r.shape IN (SELECT id FROM paysafe.audit_shape WHERE table_name = 'numbers')
	 WHERE r.after IS DISTINCT FROM '\x01'::bytea || pg_temp.field(int4send(t.id)) || pg_temp.field(numeric_send(t.n))$$,
	'are stored as numeric_send writes them');
SELECT is_empty($$
	SELECT t.id, t.n, l.after FROM shop.numbers t LEFT JOIN paysafe.audit_log l ON l.key = t.id::text AND l.table_name = 'numbers'
	 WHERE l.after::text IS DISTINCT FROM to_jsonb(t)::text$$,
	'and read as to_jsonb shows them');

-- json that jsonb cannot hold is read as a string; the log stays readable
CREATE TABLE shop.documents (id int PRIMARY KEY, v json);
SELECT paysafe.audit('shop.documents');
INSERT INTO shop.documents VALUES
	(1, '{"a": "\u0000"}'), (2, '"\ud800"'), (3, '"\udc00\ud800"'), (4, '1e200000'), (5, '1e-200000'),
	(6, repeat('9', 200000)::json), (7, ('0.' || repeat('0', 20000) || '1')::json), (8, '{"\u0000": 1}'),
	(9, (repeat('[', 3000) || repeat(']', 3000))::json), (10, '"\uD83D\u0041"');
CREATE FUNCTION pg_temp.reads(document int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT CASE WHEN jsonb_typeof(after -> 'v') = 'string' AND after ->> 'v' = d.v::text THEN 'the text'
						WHEN (after -> 'v')::text = d.v::jsonb::text THEN 'the document' ELSE 'something else' END
			  FROM paysafe.audit_log l JOIN shop.documents d ON d.id::text = l.key
			 WHERE l.table_name = 'documents' AND d.id = document);
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SELECT is(pg_temp.reads(d), expected, 'json ' || what)
  FROM (VALUES (1, 'the text', 'with an escaped zero byte'), (2, 'the text', 'with half a surrogate pair'), (3, 'the text', 'with a surrogate pair the wrong way round'),
			   (4, 'the text', 'with a number too large'), (5, 'the text', 'with a number too small'), (6, 'the text', 'with too many digits'),
			   (7, 'the text', 'with too many decimals'), (8, 'the text', 'with a zero byte in a name'),
			   (10, 'the text', 'with a surrogate followed by a letter')) v (d, expected, what);
SELECT matches(pg_temp.reads(9), '^the ', 'json nested 3000 times');
CREATE TABLE shop.escapes (id int PRIMARY KEY, v jsonb, w json);
SELECT paysafe.audit('shop.escapes');
INSERT INTO shop.escapes VALUES (1, '"\\u0000"', '"\\u0000"'), (2, '"1e5000"', '{"note": "1e5000"}');
SELECT is((SELECT string_agg((l.after = to_jsonb(t))::text, ' ' ORDER BY key) FROM shop.escapes t JOIN paysafe.audit_log l ON l.key = t.id::text WHERE l.table_name = 'escapes'),
	'true true', 'what only looks like it is read as it is');

-- what jsonb has no room for is shown by its length and hash, and hides nothing else
CREATE FUNCTION pg_temp.oversized(code text, value bytea) RETURNS jsonb LANGUAGE sql AS $$
	SELECT paysafe.audit_image(format('[{"name": "large", %s}, {"name": "n", "code": "4"}]', code)::jsonb, 'UTF8',
							   '\x01' || pg_temp.field(value) || '\x0500000007') $$;
SELECT is(pg_temp.oversized('"code": "y"', v), jsonb_build_object('large', 'oversize:135000000:' || encode(sha256(v), 'hex'), 'n', 7), 'bytea')
  FROM (SELECT decode(repeat('ab', 135000000), 'hex') AS v) x;
SELECT is(pg_temp.oversized('"code": "t"', convert_to(repeat(chr(1), 45000000), 'UTF8')) ->> 'large', 'oversize:45000000:' || encode(sha256(convert_to(repeat(chr(1), 45000000), 'UTF8')), 'hex'), 'text that is six times as long when it is escaped');
SELECT is(length(pg_temp.oversized('"code": "t"', convert_to(repeat('ab', 5000000), 'UTF8')) ->> 'large'), 10000000, 'what has room is shown');
SELECT is((SELECT string_agg(left(value, 9), ' ' ORDER BY key) FROM jsonb_each_text(paysafe.audit_image('[{"name": "a", "code": "y"}, {"name": "b", "code": "y"}]', 'UTF8',
	'\x01' || pg_temp.field(v) || pg_temp.field(v)))), E'\\xaaaaaaa oversize:', 'together they may be too much')
  FROM (SELECT decode(repeat('aa', 70000000), 'hex') AS v) x;

-- bytes that are no text, and texts that this database cannot hold
SELECT is(paysafe.audit_image('[{"name": "a", "code": "t"}]', 'UTF8', '\x01' || pg_temp.field('\x61e962c3')), '{"a": "a?b?"}', 'not valid');
SELECT is((paysafe.audit_context('\x01' || pg_temp.field('\x626f62e9') || pg_temp.field('\x626f62e9') || '\x00000000000000000000', 'LATIN1')).actor, 'bobé', 'a name in another encoding');

-- 22P03: bytes that are no image, never read beyond
SELECT throws_ok(format('SELECT paysafe.audit_image(%L, %L, %L)', columns, encoding, image), '22P03', NULL, format('%s as %s in %s', image, columns, encoding))
  FROM (VALUES
	('[{"name":"a","code":"4"}]', 'UTF8', '\x'),
	('[{"name":"a","code":"4"}]', 'UTF8', '\x00'),
	('[{"name":"a","code":"4"}]', 'UTF8', '\x0104000000'),
	('[{"name":"a","code":"4"}]', 'UTF8', '\x01ffffffff0f'),
	('[{"name":"a","code":"D"}]', 'UTF8', '\x01057ffffffe'),
	('[{"name":"a","code":"n"}]', 'UTF8', '\x01020000'),
	('[{"name":"a","code":"n"}]', 'UTF8', '\x010b00020000000000000001'),
	('[{"name":"a","code":"nonsense"}]', 'UTF8', '\x0100'),
	('"shape"', 'UTF8', '\x01'),
	('[{"name":"a","code":"4"}]', 'EBCDIC', '\x0100')) v (columns, encoding, image);

SELECT * FROM finish();
ROLLBACK;
