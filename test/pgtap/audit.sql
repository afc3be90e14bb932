-- The audit log: exactly one row for each changed row, whatever changed it;
-- visible to the next statement; gone with a savepoint; hashes that anybody
-- can compute again.
BEGIN;
SELECT plan(65);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
SET LOCAL TimeZone = 'UTC';
CREATE SCHEMA shop;

-- A plain trigger writes down the same changes; the two accounts must agree.
CREATE TABLE shop.mirror (n bigserial, table_name text, op text, before jsonb, after jsonb);
CREATE FUNCTION shop.mirror() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO shop.mirror (table_name, op, before, after)
		VALUES (TG_TABLE_NAME, TG_OP, CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
	RETURN NULL;
END $$;
CREATE FUNCTION pg_temp.watch(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.audit(relation);
	EXECUTE format('CREATE TRIGGER zz_mirror AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION shop.mirror()', relation);
END $$;

CREATE TABLE shop.parent (id int PRIMARY KEY, name text, n int DEFAULT 0, twice int GENERATED ALWAYS AS (n * 2) STORED);
CREATE TABLE shop.child (id int PRIMARY KEY, parent int REFERENCES shop.parent ON UPDATE CASCADE ON DELETE CASCADE, note text);
CREATE TABLE shop.loose (id int PRIMARY KEY, parent int DEFAULT 1 REFERENCES shop.parent ON DELETE SET NULL ON UPDATE SET DEFAULT);
CREATE TABLE shop.base (id int, note text);
CREATE TABLE shop.derived (more int) INHERITS (shop.base);
SELECT pg_temp.watch(r) FROM unnest(ARRAY['shop.parent', 'shop.child', 'shop.loose', 'shop.base']::regclass[]) r;
CREATE TRIGGER zz_mirror AFTER INSERT OR UPDATE OR DELETE ON shop.derived FOR EACH ROW EXECUTE FUNCTION shop.mirror();

CREATE TEMP VIEW log AS
	SELECT row_number() OVER (ORDER BY xid, seq) AS n, table_name, op, before, after, key, seq, xid
	  FROM paysafe.audit_log WHERE schema_name = 'shop';
-- How the log and the mirror differ, and how many rows they have.
CREATE FUNCTION pg_temp.differences() RETURNS text LANGUAGE sql AS $$
	WITH l AS (SELECT row_number() OVER (PARTITION BY table_name ORDER BY n) AS n, table_name, op, before, after FROM log),
		 m AS (SELECT row_number() OVER (PARTITION BY table_name ORDER BY n) AS n, table_name, op, before, after FROM shop.mirror)
	SELECT coalesce((SELECT string_agg('log ' || d::text, '; ') FROM (TABLE l EXCEPT ALL TABLE m) d), '') ||
		   coalesce((SELECT string_agg('mirror ' || d::text, '; ') FROM (TABLE m EXCEPT ALL TABLE l) d), '') $$;
-- Run something; then the two must agree, and there must be so many rows more.
CREATE FUNCTION pg_temp.recorded(statement text, expected int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	had int := (SELECT count(*) FROM log);
	differences text;
BEGIN
	EXECUTE statement;
	differences := pg_temp.differences();
	RETURN CASE WHEN differences = '' THEN '' ELSE differences || ' ' END || (SELECT count(*) FROM log) - had;
END $$;

SELECT is(pg_temp.recorded(statement, rows), rows::text, statement)
  FROM (VALUES
	($$INSERT INTO shop.parent VALUES (1, 'one')$$, 1),
	($$INSERT INTO shop.parent SELECT i, 'many' FROM generate_series(2, 700) i$$, 699),
	($$INSERT INTO shop.parent VALUES (1, 'again') ON CONFLICT DO NOTHING$$, 0),
	($$INSERT INTO shop.parent VALUES (1, 'again'), (701, 'new') ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name$$, 2),
	($$INSERT INTO shop.parent VALUES (1, 'again'), (2, 'x') ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name WHERE EXCLUDED.name <> 'x'$$, 1),
	($$UPDATE shop.parent SET name = name WHERE id <= 3$$, 3),
	($$UPDATE shop.parent SET n = n + 1$$, 701),
	($$UPDATE shop.parent SET n = 0 WHERE false$$, 0),
	($$UPDATE shop.parent p SET n = q.id FROM shop.parent q WHERE q.id = p.id + 1 AND p.id < 5$$, 4),
	($$DELETE FROM shop.parent WHERE id > 690$$, 11),
	($$DELETE FROM shop.parent WHERE id > 690 RETURNING *$$, 0),
	($$MERGE INTO shop.parent p USING generate_series(688, 692) v ON p.id = v
		WHEN MATCHED AND v = 688 THEN DELETE WHEN MATCHED AND v = 689 THEN DO NOTHING WHEN MATCHED THEN UPDATE SET n = -1 WHEN NOT MATCHED THEN INSERT VALUES (v, 'merged')$$, 4),
	($$WITH d AS (DELETE FROM shop.parent WHERE id > 680 RETURNING id), u AS (UPDATE shop.parent SET n = 9 WHERE id = 10 RETURNING id)
		INSERT INTO shop.parent SELECT id + 1000, 'with' FROM d UNION ALL SELECT id + 2000, 'with' FROM u$$, 24),
	($$INSERT INTO shop.child SELECT i, i % 4 + 1, 'c' FROM generate_series(1, 40) i$$, 40),
	($$UPDATE shop.parent SET id = 9000 WHERE id = 2$$, 11),
	($$DELETE FROM shop.parent WHERE id = 3$$, 11),
	($$INSERT INTO shop.loose VALUES (1, 4), (2, 4), (3, 5)$$, 3),
	($$DELETE FROM shop.child WHERE parent = 4; DELETE FROM shop.parent WHERE id = 4$$, 13),
	($$UPDATE shop.parent SET id = 9001 WHERE id = 5$$, 2),
	($$INSERT INTO shop.base VALUES (1, 'b'); INSERT INTO shop.derived VALUES (2, 'd', 3)$$, 2),
	($$UPDATE shop.base SET note = 'all'$$, 2),
	($$UPDATE ONLY shop.base SET note = 'only'$$, 1),
	($$DELETE FROM shop.base$$, 2)) v (statement, rows);

-- COPY
COPY shop.parent (id, name) FROM stdin;
5001	copied
5002	\N
\.
SELECT is(pg_temp.differences(), '', 'COPY');
SELECT is((SELECT count(*) FROM log WHERE key IN ('5001', '5002')), 2::bigint, '... two rows');

-- triggers that change the row, drop it, or change others
CREATE FUNCTION shop.change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.name = 'drop' THEN RETURN NULL; END IF;
	NEW.name := upper(NEW.name);
	RETURN NEW;
END $$;
CREATE TRIGGER a_change BEFORE INSERT OR UPDATE ON shop.parent FOR EACH ROW EXECUTE FUNCTION shop.change();
CREATE FUNCTION shop.more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.n > 0 THEN
		BEGIN
			UPDATE shop.parent SET n = NEW.n - 1 WHERE id = NEW.id;
			IF NEW.n = 2 THEN RAISE EXCEPTION 'undo'; END IF;
		EXCEPTION WHEN raise_exception THEN NULL;
		END;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER more AFTER INSERT OR UPDATE ON shop.parent FOR EACH ROW WHEN (NEW.id > 6000) EXECUTE FUNCTION shop.more();
SELECT is(pg_temp.recorded($$INSERT INTO shop.parent VALUES (5100, 'lower'), (5101, 'drop')$$, 1), '1', 'a BEFORE trigger changes a row and drops another');
SELECT is((SELECT after ->> 'name' FROM log WHERE key = '5100'), 'LOWER', '... and what is recorded is what is stored');
-- three rows, each undoing the change from 2 to 1 in a savepoint of its own
INSERT INTO shop.parent VALUES (6001, 'x', 4), (6002, 'x', 1), (6003, 'x', 3);
SELECT is((SELECT string_agg(n::text, ' ' ORDER BY id) FROM shop.parent WHERE id > 6000 AND id < 7000), '2 0 2', 'triggers within triggers');
SELECT is((SELECT string_agg(key || ' ' || op || ' ' || (after ->> 'n'), ', ' ORDER BY key, op, after ->> 'n' DESC) FROM log WHERE key::int BETWEEN 6001 AND 6999 AND table_name = 'parent'),
	'6001 INSERT 4, 6001 UPDATE 3, 6001 UPDATE 2, 6002 INSERT 1, 6002 UPDATE 0, 6003 INSERT 3, 6003 UPDATE 2', '... are recorded as far as they count');
SELECT is((SELECT string_agg(op || ' ' || (after ->> 'n'), ', ' ORDER BY seq) FROM log WHERE key = '6001' AND table_name = 'parent'),
	'UPDATE 2, UPDATE 3, INSERT 4', '... as the triggers fired, by name');
SELECT is((SELECT string_agg(op || ' ' || (after ->> 'n'), ', ') FROM paysafe.history('shop.parent', '6001')),
	'INSERT 4, UPDATE 3, UPDATE 2', '... and shown in the order in which they were made');

-- a statement that fails takes its rows along
SELECT is(pg_temp.refusal('INSERT INTO shop.parent SELECT 7000 + i % 300, ''x'' FROM generate_series(1, 400) i'), '23505 shop.parent parent_pkey', 'a statement that fails late');
SELECT is((SELECT count(*) FROM log WHERE key LIKE '7___'), 0::bigint, '... leaves nothing');

-- savepoints
CREATE TABLE shop.points (id int PRIMARY KEY, n int);
SELECT pg_temp.watch('shop.points');
INSERT INTO shop.points VALUES (1, 0);
SAVEPOINT a;
	UPDATE shop.points SET n = 1;
	SAVEPOINT b;
		UPDATE shop.points SET n = 2;
		SAVEPOINT c;
			UPDATE shop.points SET n = 3;
		RELEASE c;
		UPDATE shop.points SET n = 4;
	ROLLBACK TO b;
	UPDATE shop.points SET n = 5;
RELEASE a;
SELECT is((SELECT string_agg(after ->> 'n', ' ' ORDER BY seq) FROM log WHERE table_name = 'points'), '0 1 5', 'a rollback takes its own rows along, and those released into it');
SAVEPOINT a;
	UPDATE shop.points SET n = 6;
ROLLBACK TO a;
	UPDATE shop.points SET n = 7;
ROLLBACK TO a;
SELECT is(pg_temp.differences(), '', 'nothing of what was undone is left');
DO $$
BEGIN
	FOR i IN 1..200 LOOP
		BEGIN
			UPDATE shop.points SET n = 100 + i;
			INSERT INTO shop.points VALUES (1000 + i, i);
			BEGIN
				UPDATE shop.points SET n = n + 1 WHERE id = 1000 + i;
				IF i % 5 = 0 THEN RAISE EXCEPTION 'inner'; END IF;
			EXCEPTION WHEN raise_exception THEN
				IF i % 3 = 0 THEN RAISE; END IF;
			END;
		EXCEPTION WHEN raise_exception THEN
			DELETE FROM shop.points WHERE id = 1000 + i - 1;
		END;
	END LOOP;
END $$;
SELECT is(pg_temp.differences(), '', '200 nested blocks with exceptions');
SELECT is((SELECT count(DISTINCT seq) FROM log), (SELECT count(*) FROM log), 'each row has its own number');

-- visible to the next statement, also inside a function, and to nobody before
CREATE FUNCTION shop.look(steps int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	seen text := '';
BEGIN
	FOR i IN 1..steps LOOP
		UPDATE shop.points SET n = -i WHERE id = 1;
		seen := seen || (SELECT after ->> 'n' FROM paysafe.history('shop.points', '1') ORDER BY seq DESC LIMIT 1);
	END LOOP;
	RETURN seen;
END $$;
SELECT is(shop.look(3), '-1-2-3', 'in a function');
WITH u AS (UPDATE shop.points SET n = -4 WHERE id = 1 RETURNING n)
	SELECT is((SELECT min(after ->> 'n') FROM (SELECT after FROM paysafe.history('shop.points', '1') h ORDER BY h.seq DESC LIMIT 1) x), '-3', 'not in the statement itself') FROM u;
SELECT is((SELECT after ->> 'n' FROM paysafe.history('shop.points', '1') ORDER BY seq DESC LIMIT 1), '-4', 'in the next one');

-- partitions: a move is one UPDATE, with the columns in the root's order
CREATE TABLE shop.part (id int, region text, n int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.part_eu PARTITION OF shop.part FOR VALUES IN ('eu');
CREATE TABLE shop.part_us (n int, gone int, region text NOT NULL, id int NOT NULL);
ALTER TABLE shop.part_us DROP COLUMN gone;
ALTER TABLE shop.part ATTACH PARTITION shop.part_us FOR VALUES IN ('us');
SELECT paysafe.audit('shop.part');
INSERT INTO shop.part SELECT i, 'eu', i FROM generate_series(1, 300) i;
UPDATE shop.part SET region = 'us', n = n + 1 WHERE id <= 200;
SELECT is((SELECT count(*) || ' ' || count(*) FILTER (WHERE before = jsonb_build_object('id', key::int, 'region', 'eu', 'n', key::int)
													 AND after = jsonb_build_object('id', key::int, 'region', 'us', 'n', key::int + 1))
			 FROM log WHERE table_name = 'part' AND op = 'UPDATE'), '200 200', '200 moves are 200 updates');
SELECT is((SELECT count(*) FROM log WHERE table_name = 'part' AND op = 'DELETE'), 0::bigint, '... and no deletion');
CREATE TABLE shop.part_jp PARTITION OF shop.part FOR VALUES IN ('jp');
UPDATE shop.part SET region = 'jp' WHERE id = 1;
INSERT INTO shop.part_jp VALUES (9, 'jp', 9);
SELECT is((SELECT string_agg(op || ' ' || (after ->> 'region'), ', ' ORDER BY seq) FROM log WHERE table_name = 'part' AND after ->> 'region' = 'jp'), 'UPDATE jp, INSERT jp', 'a partition made later');
SELECT is((SELECT count(DISTINCT shape) FROM paysafe.audit_row r JOIN paysafe.audit_shape s ON s.id = r.shape WHERE s.table_name = 'part'), 1::bigint, 'all partitions have one shape');

-- who and why, in each row
SELECT paysafe.act_as('alice', E'because\nshe asked', 'T-1', 'req-1', 'order 7');
SET LOCAL application_name = 'billing';
INSERT INTO shop.points VALUES (20000, 0);
SELECT results_eq($$SELECT actor, actor_claimed, reason, ticket, request_id, business_id, application_name, login = session_user, session_user_name = session_user,
					current_user_name = current_user, replication_origin FROM paysafe.history('shop.points', '20000')$$,
	$$VALUES ('alice', true, E'because\nshe asked', 'T-1', 'req-1', 'order 7', 'billing', true, true, true, NULL::int)$$, 'who and why');
SELECT cmp_ok((SELECT at FROM paysafe.history('shop.points', '20000')), '>', now(), 'the time is that of the change');
SELECT is((SELECT xid::text FROM paysafe.history('shop.points', '20000')), pg_current_xact_id()::text, 'the transaction is the outer one');
CREATE ROLE regress_paysafe_app;
GRANT USAGE ON SCHEMA shop TO regress_paysafe_app;
GRANT INSERT ON shop.points TO regress_paysafe_app;
SELECT is(pg_temp.refusal('INSERT INTO shop.points VALUES (20001, 0)', 'regress_paysafe_app'), '42501', 'the mirror needs rights of its own');
ALTER TABLE shop.points DISABLE TRIGGER zz_mirror;
SELECT is(pg_temp.refusal('INSERT INTO shop.points VALUES (20001, 0)', 'regress_paysafe_app'), 'accepted', 'the log does not');
SELECT is((SELECT current_user_name FROM paysafe.history('shop.points', '20001')), 'regress_paysafe_app', '... and knows who it was');

SELECT pg_replication_origin_create('regress_paysafe_origin');
SELECT pg_replication_origin_session_setup('regress_paysafe_origin');
INSERT INTO shop.points VALUES (20002, 0);
SELECT pg_replication_origin_session_reset();
SELECT is((SELECT replication_origin::oid FROM paysafe.history('shop.points', '20002')), pg_replication_origin_oid('regress_paysafe_origin'), 'what a replica applies says where it comes from');

-- hashes, computed again in SQL as doc/architecture.md says
CREATE FUNCTION pg_temp.part(bytes bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN bytes IS NULL THEN '\xffffffff'::bytea
				ELSE int4send(length(bytes)) || bytes || substr('\x000000'::bytea, 1, (4 - length(bytes) % 4) % 4) END $$;
CREATE FUNCTION pg_temp.check_of(leaf_hash bytea) RETURNS int LANGUAGE sql IMMUTABLE AS $$
	SELECT get_byte(leaf_hash, 0) * 1048576 + get_byte(leaf_hash, 1) * 4096 + get_byte(leaf_hash, 2) * 16 + get_byte(leaf_hash, 3) / 16 $$;
CREATE FUNCTION pg_temp.way(number bigint, digits int) RETURNS int[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	n int := 1;
BEGIN
	WHILE number >> (2 * n) <> 0 LOOP n := n + 1; END LOOP;
	RETURN (SELECT array_agg((n - 1) >> (2 * i) & 3 ORDER BY i DESC) FROM generate_series(0, digits - 1) i)
		|| (SELECT array_agg((number >> (2 * i) & 3)::int ORDER BY i DESC) FROM generate_series(0, n - 1) i);
END $$;
CREATE FUNCTION pg_temp.nonce_of(r paysafe.audit_row) RETURNS bytea LANGUAGE plpgsql STABLE AS $$
DECLARE
	bytes bytea;
	digit int;
BEGIN
	IF length(r.nonce) = 16 THEN RETURN r.nonce; END IF;
	SELECT key INTO STRICT bytes FROM paysafe.audit_key WHERE path = '' AND int4send(id) = r.nonce;
	FOREACH digit IN ARRAY pg_temp.way(r.xid::text::bigint, 3) || pg_temp.way(r.seq, 2) LOOP
		bytes := sha256(bytes || set_byte('\x00', 0, digit));
	END LOOP;
	RETURN substr(bytes, 1, 16);
END $$;
SELECT is_empty($$
	SELECT r.xid, r.seq FROM paysafe.audit_row r JOIN LATERAL (SELECT * FROM paysafe.audit_shape s WHERE s.id = r.shape LIMIT 1) s ON true
	 WHERE r.leaf_check IS DISTINCT FROM pg_temp.check_of(sha256('\x00'::bytea || '\x01' || int8send(r.xid::text::bigint) || int4send(r.command) || int4send(r.seq) || timestamptz_send(r.at)
			|| convert_to(r.op::text, 'UTF8') || s.digest
			|| sha256(pg_temp.nonce_of(r) || pg_temp.part(convert_to(r.key, 'UTF8')) || pg_temp.part(r.context) || pg_temp.part(r.after) || pg_temp.part(r.before))))$$,
	'every leaf_check is what the stored row gives');
SELECT cmp_ok((SELECT count(*) FROM paysafe.audit_row WHERE length(nonce) = 4), '>', 100::bigint, '... with a nonce that is derived');
SELECT is_empty($$SELECT r.xid, r.seq FROM paysafe.audit_row r JOIN paysafe.audit_shape s ON s.id = r.shape
	WHERE r.leaf_check IS DISTINCT FROM paysafe.audit_leaf_check(r, s.digest)$$, '... and what audit_leaf_check gives');
SELECT is_empty($$SELECT r.xid, r.seq FROM paysafe.audit_row r JOIN paysafe.audit_shape s ON s.id = r.shape
	WHERE pg_temp.check_of(paysafe.audit_leaf_hash(r, s.digest)) IS DISTINCT FROM r.leaf_check OR substr(paysafe.audit_payload(r), 1, 16) <> pg_temp.nonce_of(r)$$, '... audit_leaf_hash and audit_payload');
SELECT is_empty($$SELECT 1 FROM paysafe.audit_row r WHERE NOT EXISTS (SELECT 1 FROM paysafe.audit_shape s WHERE s.id = r.shape)$$, 'every row has its shape');
SELECT is_empty($$SELECT substr(paysafe.audit_payload(r), 1, 16) AS nonce FROM paysafe.audit_row r GROUP BY 1 HAVING count(*) > 1 UNION ALL
	SELECT paysafe.audit_leaf_hash(r, s.digest) FROM paysafe.audit_row r JOIN paysafe.audit_shape s ON s.id = r.shape GROUP BY 1 HAVING count(*) > 1$$, 'no nonce and no leaf twice');
CREATE FUNCTION pg_temp.string(s text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	bytes bytea := convert_to(s, 'UTF8');
	n int := length(bytes) + 1;
	result bytea := '';
BEGIN
	WHILE n >= 128 LOOP
		result := result || set_byte('\x00', 0, 128 + n % 128);
		n := n / 128;
	END LOOP;
	RETURN result || set_byte('\x00', 0, n) || bytes;
END $$;
SELECT is_empty($$
	SELECT s.table_name FROM paysafe.audit_shape s
	 WHERE s.digest IS DISTINCT FROM sha256(pg_temp.string(s.subject) || pg_temp.string(s.schema_name) || pg_temp.string(s.table_name) || pg_temp.string(s.encoding::text)
			|| set_byte('\x00', 0, cardinality(s.key_columns)) || coalesce((SELECT string_agg(pg_temp.string(k), '' ORDER BY o) FROM unnest(s.key_columns) WITH ORDINALITY u (k, o)), '')
			|| pg_temp.string(s.columns::text))
		OR int8send(s.id) <> substr(s.digest, 1, 8)$$,
	'every shape''s digest is that of its description');

-- rows of own tables are recorded: rules, thresholds, approvals, currencies
SELECT paysafe.set_currency('QQA', 3);
SELECT is((SELECT count(*) FROM paysafe.audit_log WHERE schema_name = 'paysafe' AND table_name = 'rule' AND after ->> 'relation' = 'shop.points'), 1::bigint, 'the declaration of a rule');
SELECT is((SELECT actor || ' ' || (after ->> 'decimals') FROM paysafe.audit_log WHERE schema_name = 'paysafe' AND table_name = 'currency' AND after ->> 'code' = 'QQA'), 'alice 3', 'a currency');
SELECT is((SELECT count(*) FROM paysafe.audit_log WHERE table_name = 'rule'), (SELECT count(*) FROM paysafe.rule), 'all rules are in the log');

-- indexes of the log: one that is summarized, and one that somebody has added
SELECT tableoid::regclass::text AS month FROM paysafe.audit_row ORDER BY at DESC LIMIT 1 \gset
SELECT is(brin_summarize_range(:'month' || '_key', 0), 1, 'the first range of a month is not summarized while it is filled');
CREATE INDEX shop_extra ON :month (length(key), leaf_check) WHERE op = 'D';
INSERT INTO shop.parent SELECT i, 'indexed' FROM generate_series(170000, 170999) i;
DELETE FROM shop.parent WHERE id >= 170500;
SET LOCAL enable_seqscan = off;
SELECT is((SELECT count(*) FROM paysafe.history('shop.parent', '170777')), 2::bigint, 'rows are found in a range that was summarized before');
SELECT is((SELECT count(*) FROM :month WHERE op = 'D' AND length(key) = 6), 500::bigint, 'an index with an expression and a predicate has the rows it should');
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SELECT is((SELECT count(*) FROM :month WHERE op = 'D' AND length(key) = 6), 500::bigint, 'and they are the ones of the table');

SELECT * FROM finish();
ROLLBACK;
