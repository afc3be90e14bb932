-- Redacted values: a keyed hash of the canonical bytes, and nothing of the
-- value anywhere in what paysafe stores or says.
BEGIN;
SELECT plan(34);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;

CREATE TABLE shop.customer (id int PRIMARY KEY, pan text, born date, tags text[], secret jsonb, income numeric, note text);
CREATE INDEX ON shop.customer (pan);
SELECT paysafe.protect_columns('shop.customer', '{born}');
SELECT paysafe.audit('shop.customer', '{pan,born,tags,secret,income}');

-- HMAC-SHA-256 after RFC 2104
CREATE FUNCTION pg_temp.xored(key bytea, with_byte int) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	block bytea := key || decode(repeat('00', 64 - length(key)), 'hex');
BEGIN
	FOR i IN 0..63 LOOP
		block := set_byte(block, i, get_byte(block, i) # with_byte);
	END LOOP;
	RETURN block;
END $$;
CREATE FUNCTION pg_temp.hmac(key bytea, data bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT sha256(pg_temp.xored(key, 92) || sha256(pg_temp.xored(key, 54) || data)) $$;
SELECT is(encode(pg_temp.hmac('Jefe', 'what do ya want for nothing?'), 'hex'),
	'5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843', 'HMAC of this test is that of RFC 4231');
-- as stored: subject and column, each with its length plus one in front, under
-- the database's key make the column's key
CREATE FUNCTION pg_temp.redacted(relation regclass, column_name text, canonical bytea) RETURNS text LANGUAGE sql AS $$
	SELECT 'redacted:' || encode(pg_temp.hmac(pg_temp.hmac(k.key,
				set_byte('\x00', 0, length(r.spec ->> 'subject') + 1) || convert_to(r.spec ->> 'subject', 'UTF8') ||
				set_byte('\x00', 0, octet_length(column_name) + 1) || convert_to(column_name, 'UTF8')), canonical), 'hex')
	  FROM paysafe.redaction_key k, paysafe.rule r WHERE r.relation = redacted.relation AND r.rule = 'audit' $$;

-- Is the text anywhere in what paysafe stores: in text, bytes, arrays, json?
CREATE FUNCTION pg_temp.stored(secret text) RETURNS TABLE (place text) LANGUAGE plpgsql AS $$
DECLARE
	c record;
	hits bigint;
BEGIN
	FOR c IN SELECT r.oid::regclass AS relation, a.attname, a.atttypid FROM pg_class r JOIN pg_attribute a ON a.attrelid = r.oid
			  WHERE r.relnamespace = 'paysafe'::regnamespace AND r.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
	LOOP
		IF c.atttypid = 'bytea'::regtype THEN
			EXECUTE format('SELECT count(*) FROM %s WHERE position(convert_to($1, ''UTF8'') IN %I) > 0 OR position($1 IN encode(%2$I, ''escape'')) > 0 OR position($1 IN encode(%2$I, ''hex'')) > 0', c.relation, c.attname) INTO hits USING secret;
		ELSE
			EXECUTE format('SELECT count(*) FROM %s WHERE position($1 IN %I::text) > 0', c.relation, c.attname) INTO hits USING secret;
		END IF;
		IF hits > 0 THEN
			place := c.relation || '.' || c.attname;
			RETURN NEXT;
		END IF;
	END LOOP;
END $$;

INSERT INTO shop.customer VALUES
	(1, '4242424242424242', '1901-02-03', '{alpha-secret,beta-secret}', '{"pin": "gamma-secret"}', 987654321.25, 'plain-note'),
	(2, '4242424242424242', '1901-02-03', '{alpha-secret,beta-secret}', '{"pin": "gamma-secret"}', 987654321.25, NULL),
	(3, '4242424242424243', '1901-02-04', '{alpha-secret}', '{"pin": "delta-secret"}', 987654321.250, NULL),
	(4, NULL, NULL, NULL, NULL, NULL, NULL),
	(5, '', '1901-02-03', '{}', 'null', 0, NULL);
UPDATE shop.customer SET pan = '5555444433332222', secret = '{"pin": "gamma-secret", "old": "epsilon-secret"}' WHERE id = 1;
UPDATE shop.customer SET note = 'other' WHERE id = 2;
-- values that are stored out of line and compressed
UPDATE shop.customer SET secret = jsonb_build_object('long', repeat('zeta-secret ', 20000)) WHERE id = 3;
UPDATE shop.customer SET note = 'x' WHERE id = 3;
DELETE FROM shop.customer WHERE id IN (1, 3);

SELECT isnt_empty($$SELECT * FROM pg_temp.stored('plain-note')$$, 'what is not redacted is found');
SELECT is_empty(format('SELECT * FROM pg_temp.stored(%L)', secret), 'not stored: ' || secret)
  FROM unnest(ARRAY['4242424242424242', '4242424242424243', '5555444433332222', 'alpha-secret', 'beta-secret', 'gamma-secret', 'delta-secret',
					'epsilon-secret', 'zeta-secret', '987654321', '1901-02-03',
					encode(numeric_send(987654321.25), 'hex'), encode(substr(numeric_send(987654321.25), 9), 'hex'),
					encode(date_send('1901-02-03'), 'hex'), encode('4242424242424242', 'hex')]) secret;

-- equal values give equal hashes, within a column; others do not
CREATE TEMP VIEW log AS
	SELECT op, key, before, after, xid, seq FROM paysafe.history('shop.customer', '1') UNION ALL
	SELECT op, key, before, after, xid, seq FROM paysafe.history('shop.customer', '2') UNION ALL
	SELECT op, key, before, after, xid, seq FROM paysafe.history('shop.customer', '3') UNION ALL
	SELECT op, key, before, after, xid, seq FROM paysafe.history('shop.customer', '4') UNION ALL
	SELECT op, key, before, after, xid, seq FROM paysafe.history('shop.customer', '5');
SELECT is((SELECT count(DISTINCT after - 'id' - 'note') FROM log WHERE op = 'INSERT' AND key IN ('1', '2')), 1::bigint, 'equal values, equal hashes');
SELECT is((SELECT count(DISTINCT after ->> 'pan') FROM log WHERE op = 'INSERT'), 3::bigint, 'other values, other hashes; the empty string is a value');
SELECT is((SELECT after - 'id' - 'note' FROM log WHERE key = '4'), '{"pan": null, "born": null, "tags": null, "secret": null, "income": null}', 'NULL is seen to be NULL');
SELECT is((SELECT count(*) FROM log, jsonb_each_text(after - 'id' - 'note') e WHERE e.value !~ '^redacted:[0-9a-f]{64}$'), 0::bigint, 'nothing but hashes');
SELECT is((SELECT before ->> 'pan' FROM log WHERE key = '1' AND op = 'UPDATE'), (SELECT after ->> 'pan' FROM log WHERE key = '1' AND op = 'INSERT'), 'a difference has the hash of the old value');
SELECT is((SELECT before FROM log WHERE key = '2' AND op = 'UPDATE'), (SELECT after FROM log WHERE key = '2' AND op = 'INSERT'), '... and of those that did not change');
SELECT is((SELECT before FROM log WHERE key = '1' AND op = 'DELETE'), (SELECT after FROM log WHERE key = '1' AND op = 'UPDATE'), 'so has a deletion');
CREATE TABLE shop.other (id int PRIMARY KEY, pan text, pan2 text);
SELECT paysafe.audit('shop.other', '{pan,pan2}');
INSERT INTO shop.other VALUES (1, '4242424242424242', '4242424242424242');
SELECT is((SELECT count(DISTINCT v) FROM (SELECT after ->> 'pan' FROM paysafe.history('shop.other', '1') UNION SELECT after ->> 'pan2' FROM paysafe.history('shop.other', '1')
	UNION SELECT after ->> 'pan' FROM log WHERE key = '2') x (v)), 3::bigint, 'the same value in another column or table cannot be matched');

-- computed again with the key
SELECT is((SELECT after ->> 'pan' FROM log WHERE key = '2' AND op = 'INSERT'), pg_temp.redacted('shop.customer', 'pan', '4242424242424242'), 'HMAC of a text');
SELECT is((SELECT after ->> 'income' FROM log WHERE key = '2' AND op = 'INSERT'), pg_temp.redacted('shop.customer', 'income', numeric_send(987654321.25)), 'HMAC of a number');
SELECT is((SELECT after ->> 'born' FROM log WHERE key = '2' AND op = 'INSERT'), pg_temp.redacted('shop.customer', 'born', date_send('1901-02-03')), 'HMAC of a date');
SELECT is((SELECT after ->> 'secret' FROM log WHERE key = '3' AND op = 'UPDATE' ORDER BY seq LIMIT 1),
	pg_temp.redacted('shop.customer', 'secret', convert_to(jsonb_build_object('long', repeat('zeta-secret ', 20000))::text, 'UTF8')), 'HMAC of a long value');

-- errors of paysafe do not tell either
SELECT unalike(pg_temp.refusal_text('UPDATE shop.customer SET born = ''1950-06-07'' WHERE id = 2', field), '%19%', field || ' of a refusal')
  FROM unnest(ARRAY['MESSAGE', 'DETAIL', 'HINT']) field;

-- a redaction that cannot be done is not left out
ALTER TABLE shop.customer RENAME COLUMN pan TO card;
SELECT isnt(pg_temp.refusal('UPDATE shop.customer SET note = ''y'' WHERE id = 2'), 'accepted', 'a redacted column that was renamed');
ALTER TABLE shop.customer RENAME COLUMN card TO pan;
SELECT is(pg_temp.refusal('UPDATE shop.customer SET note = ''y'' WHERE id = 2'), 'accepted', '... and named as before');

SELECT * FROM finish();
ROLLBACK;
