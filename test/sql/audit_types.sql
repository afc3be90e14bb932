-- What is in the log is what to_jsonb shows in UTC, whatever the writer's settings.
CREATE SCHEMA t_image;
CREATE TYPE t_image.mood AS ENUM ('sad', 'ok');
CREATE DOMAIN t_image.positive AS int CHECK (VALUE > 0);
CREATE TYPE t_image.address AS (street text, zip int, moods t_image.mood[]);
CREATE TABLE t_image.t (
	id int PRIMARY KEY,
	b boolean, i2 smallint, i8 bigint, f4 real, f8 float8, n numeric, n2 numeric(10,4),
	tt text, v varchar(10), c char(5), nm name, ch "char",
	e t_image.mood, d t_image.positive, by bytea, u uuid,
	dt date, tm time, tmz timetz, ts timestamp, tsz timestamptz, iv interval,
	j json, jb jsonb, ip inet, bt bit(4), rg int4range, tr tstzrange, pt point,
	ia int[], ta text[], ea t_image.mood[], aa int[][], ad t_image.address, ada t_image.address[],
	g int GENERATED ALWAYS AS (id * 2) STORED
);
SELECT paysafe.audit('t_image.t');

SET TimeZone = 'Pacific/Kiritimati';
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'iso_8601';
SET extra_float_digits = -15;
SET bytea_output = 'escape';
INSERT INTO t_image.t VALUES
	(1, true, -1, 9223372036854775807, 1.5, 0.1, 123456789.000100, -0.5,
	 'é "quoted" \', 'v', 'c', 'name', 'x', 'ok', 7, '\x00ff41', '12345678-1234-5678-1234-567812345678',
	 '2026-02-28', '12:34:56.789', '12:34:56+02', '2026-02-28 12:00', '2026-02-28 12:00+00', '1 year 2 days 03:04:05.6',
	 '{"b": 1, "a": [1,2]}', '{"z": 1.50}', '10.0.0.1/8', '1010', '[1,5)', '[2026-01-01 00:00+00,)', '(1,2)',
	 '{1,NULL,3}', '{a,"b,c",NULL}', '{sad,ok}', '{{1,2},{3,4}}', ROW('Main', 12, '{ok}'), ARRAY[ROW('A', NULL, NULL)]::t_image.address[]),
	(2, false, 32767, -9223372036854775808, 'NaN', '-Infinity', 'NaN', 0,
	 '', '', '', '', '', 'sad', 1, '', '00000000-0000-0000-0000-000000000000',
	 'infinity', '00:00', '23:59:59.999999-15', '-infinity', 'infinity', '-1 mon',
	 'null', 'null', '::1', '0000', 'empty', 'empty', '(-0,NaN)',
	 '{}', '{}', '{}', '{}', ROW(NULL, NULL, NULL), '{}'),
	(3, NULL, 0, 0, -0.0, 1e300, 1e-40, NULL,
	 repeat('long ', 500), NULL, NULL, NULL, NULL, NULL, NULL, decode(repeat('00', 300), 'hex'), NULL,
	 '4713-01-01 BC', '24:00', NULL, '0044-03-15 BC', '1999-12-31 23:59:59.999999+00', '0',
	 '{"u": "\u0000", "big": 1e999}', '[]', NULL, NULL, NULL, NULL, NULL,
	 '[5:6]={1,2}', NULL, NULL, NULL, NULL, NULL);
INSERT INTO t_image.t (id) VALUES (4);
RESET TimeZone; RESET DateStyle; RESET IntervalStyle; RESET extra_float_digits; RESET bytea_output;

SET TimeZone = 'UTC';
SELECT l.key, e.key AS column, e.value AS logged, to_jsonb(t) -> e.key AS row
  FROM paysafe.audit_log l JOIN t_image.t ON l.key = t.id::text, jsonb_each(l.after) e
 WHERE l.schema_name = 't_image' AND l.key <> '3' AND e.value IS DISTINCT FROM to_jsonb(t) -> e.key;
SELECT l.key, (SELECT count(*) FROM jsonb_each(l.after)) AS columns
  FROM paysafe.audit_log l WHERE l.schema_name = 't_image' ORDER BY 1;
-- json that jsonb cannot hold is shown as the string that it is
SELECT after -> 'j' AS j FROM paysafe.audit_log WHERE schema_name = 't_image' AND key = '3';
SELECT e.key AS column FROM paysafe.audit_log l JOIN (SELECT id, to_jsonb(r) AS js FROM (SELECT id, b, i2, i8, f4, f8, n, n2, tt, v, c, nm, ch, e, d, "by", u, dt, tm, tmz, ts, tsz, iv, jb, ip, bt, rg, tr, pt, ia, ta, ea, aa, ad, ada, g FROM t_image.t) r) t ON l.key = t.id::text, jsonb_each(l.after - 'j') e
 WHERE l.schema_name = 't_image' AND l.key = '3' AND e.value IS DISTINCT FROM t.js -> e.key;

-- the same bytes whatever the settings: an UPDATE under others differs in nothing
SET DateStyle = 'German'; SET extra_float_digits = 3;
UPDATE t_image.t SET b = b;
RESET DateStyle; RESET extra_float_digits;
SELECT key, length(r.before) AS bytes_before
  FROM paysafe.audit_row r WHERE op = 'U' AND shape IN (SELECT id FROM paysafe.audit_shape WHERE schema_name = 't_image') ORDER BY key;

-- readable after the table has changed, and after it is gone
UPDATE t_image.t SET e = 'ok', d = 8 WHERE id = 2;
ALTER TABLE t_image.t DROP COLUMN ad, DROP COLUMN ada;
ALTER TABLE t_image.t RENAME COLUMN e TO feeling;
ALTER TABLE t_image.t ADD COLUMN later text DEFAULT 'x';
ALTER TYPE t_image.mood RENAME VALUE 'ok' TO 'fine';
UPDATE t_image.t SET d = 9 WHERE id = 2;
SELECT before ->> 'e' AS old_e, before ->> 'feeling' AS old_feeling, after ->> 'e' AS e, after ->> 'feeling' AS feeling, after ->> 'later' AS later
  FROM paysafe.history('t_image.t', '2');
ALTER TABLE t_image.t RENAME TO renamed;
UPDATE t_image.renamed SET d = 10 WHERE id = 2;
SELECT table_name, after ->> 'd' AS d FROM paysafe.history('t_image.renamed', '2');
DROP TABLE t_image.renamed;
DROP TYPE t_image.address, t_image.mood;
SELECT table_name, op, after ->> 'd' AS d, after -> 'ad' AS ad FROM paysafe.audit_log
 WHERE schema_name = 't_image' AND key = '2' ORDER BY xid, seq;

-- malformed images are an error, nothing worse
SELECT paysafe.audit_image('[{"name":"a","code":"4"}]', 'UTF8', '\x01');
SELECT paysafe.audit_image('[{"name":"a","code":"4"}]', 'UTF8', '\x0105000000');
SELECT paysafe.audit_image('[{"name":"a","code":"4"}]', 'UTF8', '\x010500000001');
SELECT paysafe.audit_image('[{"name":"a","code":"4"}]', 'UTF8', '\x01050000000100');
SELECT paysafe.audit_image('[{"name":"a","code":"4"}]', 'UTF8', '\x01850000000001');
SELECT paysafe.audit_image('[{"name":"a","code":"4"}]', 'UTF8', '\x0201');
SELECT paysafe.audit_image('[{"name":"a","code":"4"}]', 'UTF8', '\x0201', '\x010500000001');
SELECT paysafe.audit_image('[{"name":"a","code":"?"}]', 'UTF8', '\x0101');
SELECT paysafe.audit_image('[{"code":"4"}]', 'UTF8', '\x01');
SELECT paysafe.audit_image('{}', 'UTF8', '\x01');
SELECT paysafe.audit_image('[]', 'nope', '\x01');
SELECT paysafe.audit_image('[{"name":"a","code":"t"}]', 'UTF8', '\x0102ff');
SELECT paysafe.audit_image('[{"name":"a","code":"a","of":{"code":"4"}}]', 'UTF8', '\x010a017fffffff00000001');
SELECT paysafe.audit_context('\x', 'UTF8');
SELECT paysafe.audit_context('\x0100', 'UTF8');
