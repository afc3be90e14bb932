-- Frozen columns: a value that changes is refused, one that is written again
-- is not, in every type and by every path.
BEGIN;
SELECT plan(68);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;

-- For each type: two equal spellings and another value.
CREATE TYPE shop.mood AS ENUM ('sad', 'ok');
CREATE TYPE shop.pair AS (a int, b text);
CREATE DOMAIN shop.positive AS numeric CHECK (VALUE > 0);
CREATE FUNCTION pg_temp.frozen(type text, value text, again text, other text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	refused constant text := '23R03 shop.typed.frozen paysafe_typed_columns';
	result text := '';
	outcome text;
	assignment record;
BEGIN
	EXECUTE format('CREATE TABLE shop.typed (id int PRIMARY KEY, frozen %s, n int)', type);
	PERFORM paysafe.protect_columns('shop.typed', '{frozen}');
	EXECUTE format('INSERT INTO shop.typed VALUES (1, %s)', value);
	FOR assignment IN
		SELECT * FROM (VALUES (value, 'accepted'), (again, 'accepted'), ('frozen', 'accepted'),
							  (other, refused), ('NULL', refused)) v (expression, expected)
	LOOP
		outcome := pg_temp.refusal(format('UPDATE shop.typed SET n = 1, frozen = %s', assignment.expression));
		IF outcome <> assignment.expected THEN
			result := result || format(' %s: %s', assignment.expression, outcome);
		END IF;
	END LOOP;
	DROP TABLE shop.typed;
	RETURN result;
END $$;
SELECT is(pg_temp.frozen(type, value, again, other), '', 'a frozen column of type ' || type)
  FROM (VALUES
	('text', $$'a'$$, $$'a'::varchar$$, $$'A'$$),
	('text', $$repeat('long ', 50000)$$, $$repeat('long ', 50000) || ''$$, $$repeat('long ', 49999) || 'lonG '$$),
	('text COLLATE "C"', $$''$$, $$''$$, $$' '$$),
	('varchar(3)', $$'a'$$, $$'a'$$, $$'a '$$),
	('char(5)', $$'a'$$, $$'a  '$$, $$'b'$$),
	('bytea', $$'\x00ff'$$, $$'\x00FF'$$, $$'\x00fe'$$),
	('boolean', 'true', $$'yes'$$, 'false'),
	('smallint', '1', '1.2', '2'),
	('int', '1', '1.2', '2'),
	('bigint', '9223372036854775807', '9223372036854775807.0', '9223372036854775806'),
	('numeric', '1.50', '1.5', '1.51'),
	('numeric', '0', '-0.000', '0.001'),
	('numeric', $$'NaN'$$, $$'nan'$$, $$'Infinity'$$),
	('numeric(10,2)', '1.5', '1.50', '1.51'),
	('shop.positive', '1.50', '1.5', '1.51'),
	('float8', '0.1', '0.1', '0.2'),
	('float8', $$'NaN'$$, $$'nan'$$, '0'),
	('float4', '1.5', '1.50', '1.25'),
	('date', $$'2026-01-02'$$, $$'20260102'$$, $$'2026-01-03'$$),
	('time', $$'10:00'$$, $$'10:00:00'$$, $$'10:00:01'$$),
	('timestamp', $$'2026-01-02'$$, $$'2026-01-02 00:00'$$, $$'infinity'$$),
	('timestamptz', $$'2026-01-02 00:00+00'$$, $$'2026-01-02 02:00+02'$$, $$'2026-01-02 00:00+01'$$),
	('interval', $$'1 day'$$, $$'1 day'$$, $$'1 month'$$),
	('uuid', $$'12345678-1234-5678-1234-567812345678'$$, $$'{12345678123456781234567812345678}'$$, $$'12345678-1234-5678-1234-567812345679'$$),
	('jsonb', $$'{"a": 1, "b": 2}'$$, $$'{"b":2,"a":1}'$$, $$'{"a": 1, "b": 3}'$$),
	('json', $$'{"a":1}'$$, $$'{"a":1}'$$, $$'{"a": 1}'$$),
	('shop.mood', $$'sad'$$, $$'sad'$$, $$'ok'$$),
	('int[]', $$'{1,NULL}'$$, $$ARRAY[1,NULL]$$, $$'{1,2}'$$),
	('text[]', $$'{}'$$, $$ARRAY[]::text[]$$, $$'{""}'$$),
	('shop.pair', $$'(1,a)'$$, $$ROW(1,'a')$$, $$'(1,b)'$$),
	('int4range', $$'[1,3)'$$, $$'[1,2]'$$, $$'[1,4)'$$),
	('inet', $$'10.0.0.1'$$, $$'10.0.0.1/32'$$, $$'10.0.0.1/8'$$),
	('bit(4)', $$'1010'$$, $$B'1010'$$, $$'1011'$$)
  ) v (type, value, again, other);

-- What is bytes apart although "=" says equal is a change.
CREATE TABLE shop.image (id int PRIMARY KEY, f float8, t text, n int);
SELECT paysafe.protect_columns('shop.image', '{f,t}');
INSERT INTO shop.image VALUES (1, 0.0, 'a');
SELECT is(pg_temp.refusal('UPDATE shop.image SET f = -0.0::float8'),
	'23R03 shop.image.f paysafe_image_columns', 'minus zero is another float');
CREATE FUNCTION pg_temp.blind_collation() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF NOT EXISTS (SELECT 1 FROM pg_collation WHERE collprovider = 'i') THEN
		RETURN skip('PostgreSQL was built without ICU');
	END IF;
	CREATE COLLATION shop.blind (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
	CREATE TABLE shop.blind_table (id int PRIMARY KEY, t text COLLATE shop.blind);
	PERFORM paysafe.protect_columns('shop.blind_table', '{t}');
	INSERT INTO shop.blind_table VALUES (1, 'a');
	RETURN is(pg_temp.refusal($u$UPDATE shop.blind_table SET t = 'A'$u$),
		'23R03 shop.blind_table.t paysafe_blind_table_columns', 'what a collation does not tell apart is told apart');
END $$;
SELECT pg_temp.blind_collation();

-- NULL is a value
CREATE TABLE shop.card (id int PRIMARY KEY, token text, note text);
SELECT paysafe.protect_columns('shop.card', '{token,id}');
INSERT INTO shop.card VALUES (1, NULL), (2, 'tok');
SELECT is(pg_temp.refusal($$UPDATE shop.card SET token = 'late' WHERE id = 1$$),
	'23R03 shop.card.token paysafe_card_columns', 'from NULL');
SELECT is(pg_temp.refusal('UPDATE shop.card SET token = NULL WHERE id = 1'), 'accepted', 'NULL again');
SELECT is(pg_temp.refusal('UPDATE shop.card SET id = 3 WHERE id = 1'),
	'23R03 shop.card.id paysafe_card_columns', 'the primary key, if it is listed');
SELECT is(pg_temp.refusal($$UPDATE shop.card SET note = 'x'$$), 'accepted', 'a column that is not listed');
SELECT is(pg_temp.refusal('DELETE FROM shop.card WHERE id = 1'), 'accepted', 'DELETE is not for this rule');
SELECT is(pg_temp.refusal('TRUNCATE shop.card'), '42501 shop.card paysafe_card_columns', 'TRUNCATE would show it no rows');
SELECT is(pg_temp.refusal($$INSERT INTO shop.card VALUES (2, 'new') ON CONFLICT (id) DO UPDATE SET token = EXCLUDED.token$$),
	'23R03 shop.card.token paysafe_card_columns', 'upsert');
SELECT is(pg_temp.refusal($$MERGE INTO shop.card c USING (VALUES (2)) v (id) ON c.id = v.id WHEN MATCHED THEN UPDATE SET token = 'm'$$),
	'23R03 shop.card.token paysafe_card_columns', 'MERGE');

-- once a status is reached
CREATE TABLE shop.invoice (id int PRIMARY KEY, status text, total numeric);
SELECT throws_ok($$SELECT paysafe.protect_columns('shop.invoice', '{total}', '{sent}')$$, '22023', NULL, 'frozen by status needs a status rule');
SELECT paysafe.protect_status('shop.invoice', 'status', '
	[*] --> draft
	draft --> sent
	draft --> dropped
	sent --> paid');
SELECT throws_ok($$SELECT paysafe.protect_columns('shop.invoice', '{total}', '{Sent}')$$, '22023', NULL, '... and statuses that it knows');
SELECT paysafe.protect_columns('shop.invoice', '{total}', '{sent}');
INSERT INTO shop.invoice VALUES (1, 'draft', 1), (2, 'draft', 1), (3, 'draft', 1);
SELECT is(pg_temp.refusal('UPDATE shop.invoice SET total = 2'), 'accepted', 'before');
SELECT is(pg_temp.refusal($$UPDATE shop.invoice SET status = 'sent', total = 3 WHERE id = 1$$), 'accepted', 'in the UPDATE that gets there');
SELECT is(pg_temp.refusal('UPDATE shop.invoice SET total = 4 WHERE id = 1'),
	'23R03 shop.invoice.total paysafe_invoice_columns_once', 'after');
SELECT is(pg_temp.refusal($$UPDATE shop.invoice SET status = 'paid', total = 4 WHERE id = 1$$),
	'23R03 shop.invoice.total paysafe_invoice_columns_once', 'in the UPDATE that leaves it');
SELECT is(pg_temp.refusal($$UPDATE shop.invoice SET status = 'paid' WHERE id = 1$$), 'accepted', 'leaving it');
SELECT is(pg_temp.refusal('UPDATE shop.invoice SET total = 4 WHERE id = 1'),
	'23R03 shop.invoice.total paysafe_invoice_columns_once', 'in a status that is only reached through it');
SELECT is(pg_temp.refusal($$UPDATE shop.invoice SET status = 'dropped' WHERE id = 2; UPDATE shop.invoice SET total = 5 WHERE id = 2$$),
	'accepted', 'in a status beside it');

-- a machine that leads out of the statuses again
CREATE TABLE shop.paper (id int, region text, status text, total numeric, note text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.paper_eu PARTITION OF shop.paper FOR VALUES IN ('eu');
CREATE TABLE shop.paper_us PARTITION OF shop.paper FOR VALUES IN ('us');
SELECT paysafe.protect_status('shop.paper', 'status', '
	[*] --> draft
	draft --> sent
	sent --> draft
	draft --> dropped', '{draft}');
SELECT paysafe.protect_columns('shop.paper', '{total}', '{sent}');
\set once '23R03 shop.paper.total paysafe_paper_columns_once'
INSERT INTO shop.paper SELECT i, 'eu', 'draft', 1 FROM generate_series(1, 4) i;
UPDATE shop.paper SET status = 'sent' WHERE id < 3;
UPDATE shop.paper SET status = 'draft' WHERE id < 3;
SELECT is(pg_temp.refusal('UPDATE shop.paper SET total = 2 WHERE id = 1'), :'once', 'sent once, and a draft again');
SELECT is(pg_temp.refusal('UPDATE shop.paper SET note = 2 WHERE id = 1'), 'accepted', '... its other columns change');
SELECT is(pg_temp.refusal('UPDATE shop.paper SET total = 2 WHERE id = 3'), 'accepted', 'a draft that was not sent');
SELECT is(pg_temp.refusal($$UPDATE shop.paper SET status = 'dropped', total = 2 WHERE id = 1$$), :'once', 'on its way elsewhere');
SELECT is(pg_temp.refusal($$UPDATE shop.paper SET region = 'us' WHERE id = 1; UPDATE shop.paper SET total = 2 WHERE id = 1$$), :'once', 'in another partition');
SELECT is(pg_temp.refusal($$UPDATE shop.paper SET region = 'us', total = 2 WHERE id = 1$$), :'once', 'on the way to it');
SELECT is(pg_temp.refusal($$DELETE FROM shop.paper WHERE id = 2; INSERT INTO shop.paper VALUES (2, 'eu', 'draft', 1); UPDATE shop.paper SET total = 2 WHERE id = 2$$), 'accepted', 'a new row instead of a deleted one');
SELECT is(pg_temp.refusal($$INSERT INTO shop.paper VALUES (4, 'eu', 'sent', 1) ON CONFLICT (id, region) DO UPDATE SET status = 'sent'$$), 'accepted', 'sent by another path');
SELECT is(pg_temp.refusal($$MERGE INTO shop.paper p USING (VALUES (4)) v (id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET status = 'draft'$$), 'accepted', 'back by another path');
SELECT is(pg_temp.refusal('UPDATE shop.paper SET total = 3 WHERE id = 4'), :'once', '... is frozen, too');
SELECT is(pg_temp.refusal($$UPDATE shop.paper SET status = 'sent', total = 3 WHERE id = 4$$), :'once', 'also in the UPDATE that sends it again');
CREATE TABLE shop.keyless (status text, total numeric);
SELECT paysafe.protect_status('shop.keyless', 'status', E'[*] --> draft\ndraft --> sent\nsent --> draft');
SELECT throws_ok($$SELECT paysafe.protect_columns('shop.keyless', '{total}', '{sent}')$$, '22023', NULL, 'without a key, rows that come back cannot be told');
SELECT lives_ok($$SELECT paysafe.protect_columns('shop.keyless', '{total}', '{draft}')$$, '... where none can, that is no matter');

-- partitions: the partition key as well as others, and a layout of its own
CREATE TABLE shop.part (id int, region text, token text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.part_eu PARTITION OF shop.part FOR VALUES IN ('eu');
CREATE TABLE shop.part_us (token text, id int NOT NULL, region text NOT NULL);
ALTER TABLE shop.part ATTACH PARTITION shop.part_us FOR VALUES IN ('us');
SELECT paysafe.protect_columns('shop.part', '{token}');
INSERT INTO shop.part VALUES (1, 'eu', 'tok');
SELECT is(pg_temp.refusal($$UPDATE shop.part SET region = 'us', token = 'other'$$),
	'23R03 shop.part.token paysafe_part_columns', 'changed on the way to another partition');
SELECT is(pg_temp.refusal($$UPDATE shop.part SET region = 'us'$$), 'accepted', 'kept on the way to another partition');
SELECT is(pg_temp.refusal($$UPDATE shop.part_us SET token = 'other'$$),
	'23R03 shop.part.token paysafe_part_columns', 'in a partition with another layout');

SELECT * FROM finish();
ROLLBACK;
