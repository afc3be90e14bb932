-- Nothing grows: each path runs $n times in one session, transaction after
-- transaction, then as often again; the second half must leave the session's memory
-- as it was.  An allocation of the smallest size per turn is above what is allowed.
-- Ends with an error that names the paths that grew.
--
--	psql -v n=5000 -f memory.sql		in a database with paysafe

\set ON_ERROR_STOP 1
\if :{?n} \else \set n 5000 \endif
\if :{?most} \else \set most 65536 \endif
\o /dev/null
SELECT set_config('mem.most', :'most', false);
SET client_min_messages = error;
CREATE SCHEMA mem;

CREATE TABLE mem.payment (id bigint PRIMARY KEY, status text, amount numeric, captured numeric, currency text, note text);
CREATE TABLE mem.refund (id bigint PRIMARY KEY, payment bigint REFERENCES mem.payment, amount numeric, currency text, status text);
CREATE INDEX ON mem.refund (payment);
CREATE TABLE mem.part (id int, region int, status text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE mem.part_1 PARTITION OF mem.part FOR VALUES IN (1);
CREATE TABLE mem.part_2 PARTITION OF mem.part FOR VALUES IN (2);
CREATE TABLE mem.gone (id bigint PRIMARY KEY, status text);
CREATE TABLE mem.ruled (id int PRIMARY KEY, status text, amount numeric);
CREATE TABLE mem.mark (path text, half int, bytes bigint, anon_kb int);

SELECT paysafe.protect_status('mem.payment', 'status', '[*] --> new
	[*] --> captured
	new --> captured
	captured --> closed');
SELECT paysafe.protect_columns('mem.payment', '{note}', '{captured}');
SELECT paysafe.protect_payment('mem.payment', 'status', 'amount', 'captured', 'currency', '{captured}');
SELECT paysafe.protect_status('mem.refund', 'status', '[*] --> asked
	asked --> sent
	asked --> void');
SELECT paysafe.protect_refund('mem.refund', 'mem.payment', 'payment', 'amount', 'currency', 'status',
							  '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('mem.refund', 'EUR', 10);
SELECT paysafe.protect_status('mem.part', 'status', '[*] --> a
	a --> b
	b --> a');
SELECT paysafe.protect_status('mem.gone', 'status', '[*] --> a', '{a}');
SELECT paysafe.audit('mem.payment', redact => '{note}');
SELECT paysafe.audit('mem.refund');
SELECT paysafe.audit('mem.part');
SELECT paysafe.audit('mem.gone');
INSERT INTO mem.part SELECT i, 1, 'a' FROM generate_series(1, 20) i;
CREATE SEQUENCE mem.id;

-- A payment's and a refund's life
CREATE PROCEDURE mem.life(n int) LANGUAGE plpgsql AS $$
DECLARE
	p bigint;
BEGIN
	FOR i IN 1 .. n LOOP
		p := nextval('mem.id');
		PERFORM paysafe.act_as('alice ' || i, 'reason ' || i, 'T-' || i);
		INSERT INTO mem.payment VALUES (p, 'new', 100, NULL, 'EUR', 'note ' || i);
		UPDATE mem.payment SET status = 'captured', captured = 100 WHERE id = p;
		COMMIT;
		INSERT INTO mem.refund VALUES (p, p, 5, 'EUR', 'asked');
		UPDATE mem.refund SET status = CASE i % 2 WHEN 0 THEN 'sent' ELSE 'void' END WHERE id = p;
		INSERT INTO mem.gone SELECT p + g * 100000000, 'a' FROM generate_series(1, 3) g;
		DELETE FROM mem.gone;
		COMMIT;
	END LOOP;
END $$;

CREATE PROCEDURE mem.actor(n int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n LOOP
		PERFORM paysafe.act_as(repeat('a', i % 200 + 1), repeat('r', i % 900 + 1), repeat('t', i % 50 + 1), 'q', 'b');
		PERFORM paysafe.act_as('bob');
		BEGIN
			PERFORM paysafe.act_as('carol', 'inside');
			UPDATE mem.part SET status = 'b' WHERE id = 1 AND status = 'a';
			RAISE division_by_zero;
		EXCEPTION WHEN division_by_zero THEN
		END;
		UPDATE mem.part SET status = CASE status WHEN 'a' THEN 'b' ELSE 'a' END WHERE id = i % 20 + 1;
		COMMIT;
	END LOOP;
END $$;

-- A refund above the threshold: asked for, approved (once withdrawn, once left), sent
CREATE PROCEDURE mem.approve(n int) LANGUAGE plpgsql AS $$
DECLARE
	p bigint;
	a bigint;
BEGIN
	FOR i IN 1 .. n LOOP
		p := nextval('mem.id');
		INSERT INTO mem.payment VALUES (p, 'captured', 100, 100, 'EUR', NULL);
		PERFORM paysafe.act_as('alice');
		INSERT INTO mem.refund VALUES (p, p, 50, 'EUR', 'asked');
		COMMIT;
		PERFORM paysafe.act_as('bob');
		a := paysafe.approve('mem.refund', p::text, 'fine', 'T');
		COMMIT;
		IF i % 4 = 0 THEN
			PERFORM paysafe.act_as('bob');
			PERFORM paysafe.withdraw_approval(a, 'not fine');
			COMMIT;
		ELSIF i % 4 = 1 THEN
			UPDATE mem.refund SET status = 'sent' WHERE id = p;
			ROLLBACK;
		ELSIF i % 4 = 2 THEN
			UPDATE mem.refund SET status = 'sent' WHERE id = p;
			COMMIT;
		ELSE
			UPDATE mem.refund SET status = 'void' WHERE id = p;
			COMMIT;
		END IF;
	END LOOP;
END $$;

CREATE PROCEDURE mem.refused(n int) LANGUAGE plpgsql AS $$
DECLARE
	statements text[] := ARRAY[
		$s$UPDATE mem.payment SET status = 'new', note = repeat('x', 3000) WHERE id = 0$s$,
		$s$UPDATE mem.payment SET amount = 7 WHERE id = 0$s$,
		$s$UPDATE mem.payment SET note = 'y' WHERE id = 0$s$,
		$s$DELETE FROM mem.payment WHERE id = 0$s$,
		$s$INSERT INTO mem.payment VALUES (-1, 'captured', 1, 'NaN', 'EUR', '')$s$,
		$s$INSERT INTO mem.payment VALUES (-1, 'new', 1, NULL, 'nope', '')$s$,
		$s$INSERT INTO mem.refund VALUES (-1, 0, 1000, 'EUR', 'asked')$s$,
		$s$INSERT INTO mem.refund VALUES (-1, 0, 50, 'EUR', 'sent')$s$,
		$s$TRUNCATE mem.part$s$,
		$s$DELETE FROM paysafe.rule$s$,
		$s$SELECT paysafe.approve('mem.refund', '1,2', 'x')$s$,
		$s$SELECT paysafe.approve('mem.refund', 'none', 'x')$s$,
		$s$SELECT paysafe.act_as('')$s$,
		$s$SELECT paysafe.protect_status('mem.payment', 'status', 'a --> ')$s$,
		$s$SELECT paysafe.protect_status('mem.payment', 'status', '[*] --> other')$s$,
		$s$SELECT paysafe.protect_columns('mem.payment', '{nope}')$s$,
		$s$SELECT paysafe.audit_image('[{"name": "a", "code": "n"}]', 'UTF8', '\x0105ffff')$s$,
		$s$SELECT paysafe.audit_context('\x01ff', 'UTF8')$s$];
BEGIN
	FOR i IN 1 .. n LOOP
		BEGIN
			EXECUTE statements[1 + i % cardinality(statements)];
			RAISE 'not refused: %', statements[1 + i % cardinality(statements)] USING ERRCODE = 'ZZ001';
		EXCEPTION WHEN SQLSTATE 'ZZ001' THEN RAISE;
			WHEN OTHERS THEN
		END;
		IF i % 3 = 0 THEN ROLLBACK; ELSE COMMIT; END IF;
	END LOOP;
END $$;

CREATE PROCEDURE mem.savepoints(n int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n LOOP
		UPDATE mem.part SET status = CASE status WHEN 'a' THEN 'b' ELSE 'a' END WHERE id < 4;
		BEGIN
			UPDATE mem.part SET status = CASE status WHEN 'a' THEN 'b' ELSE 'a' END WHERE id < 6;
			BEGIN
				UPDATE mem.part SET status = CASE status WHEN 'a' THEN 'b' ELSE 'a' END WHERE id < 8;
				IF i % 2 = 0 THEN RAISE division_by_zero; END IF;
			EXCEPTION WHEN division_by_zero THEN
			END;
			IF i % 3 = 0 THEN RAISE division_by_zero; END IF;
		EXCEPTION WHEN division_by_zero THEN
		END;
		IF i % 5 = 0 THEN ROLLBACK; ELSIF i % 5 < 3 THEN COMMIT; END IF;
	END LOOP;
	COMMIT;
END $$;

-- Rows move between partitions, and back
CREATE PROCEDURE mem.moves(n int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n LOOP
		UPDATE mem.part SET region = 3 - region, status = CASE status WHEN 'a' THEN 'b' ELSE 'a' END WHERE id = i % 20 + 1;
		COMMIT;
	END LOOP;
END $$;

CREATE PROCEDURE mem.read(n int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n LOOP
		PERFORM before, after, actor, reason FROM paysafe.audit_log LIMIT 20;
		IF i % 20 = 0 THEN
			PERFORM * FROM paysafe.history('mem.part', (i % 20)::text);
			PERFORM * FROM paysafe.protection;
			PERFORM paysafe.status_diagram('mem.part');
		END IF;
		COMMIT;
	END LOOP;
END $$;

CREATE PROCEDURE mem.transition(n int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n LOOP
		PERFORM paysafe.transition('mem.part', (i % 20 + 1)::text, 'a', 'b');
		PERFORM paysafe.transition('mem.part', (i % 20 + 1)::text, 'b', 'a');
		BEGIN
			PERFORM paysafe.transition('mem.part', (i % 20 + 1)::text, 'a', 'nowhere');
		EXCEPTION WHEN OTHERS THEN
		END;
		COMMIT;
	END LOOP;
END $$;

-- Rules are compiled anew
CREATE PROCEDURE mem.compile(n int) LANGUAGE plpgsql AS $$
DECLARE
	options text[] := ARRAY['SET (fillfactor = 90)', 'RESET (fillfactor)'];
BEGIN
	FOR i IN 1 .. n LOOP
		EXECUTE 'ALTER TABLE mem.payment ' || options[1 + i % 2];
		EXECUTE 'ALTER TABLE mem.refund ' || options[1 + i % 2];
		EXECUTE 'ALTER TABLE mem.part_1 ' || options[1 + i % 2];
		INSERT INTO mem.refund VALUES (-i, 0, 0.01, 'EUR', 'asked');
		UPDATE mem.refund SET status = 'void' WHERE id = -i;
		UPDATE mem.payment SET status = 'captured' WHERE id = 0;
		UPDATE mem.part SET status = CASE status WHEN 'a' THEN 'b' ELSE 'a' END WHERE id = 1;
		ROLLBACK;
	END LOOP;
END $$;

-- Rules are declared, dropped with a second person, or rolled back
CREATE PROCEDURE mem.declare(n int) LANGUAGE plpgsql AS $$
DECLARE
	r text;
BEGIN
	FOR i IN 1 .. n LOOP
		PERFORM paysafe.act_as('alice');
		PERFORM paysafe.protect_status('mem.ruled', 'status', '[*] --> a
			a --> b');
		PERFORM paysafe.protect_columns('mem.ruled', '{amount}');
		PERFORM paysafe.audit('mem.ruled');
		INSERT INTO mem.ruled VALUES (i, 'a', 1);
		UPDATE mem.ruled SET status = 'b' WHERE id = i;
		IF i % 2 = 0 THEN ROLLBACK; CONTINUE; END IF;
		COMMIT;
		FOREACH r IN ARRAY ARRAY['columns', 'status', 'audit'] LOOP
			PERFORM paysafe.act_as('bob');
			PERFORM paysafe.approve('paysafe.maintenance_record', format('maintenance of mem.ruled by %L for 3600 s: %s, no longer', session_user, r), 'agreed');
			COMMIT;
			PERFORM paysafe.act_as('alice');
			PERFORM paysafe.open_maintenance('no longer', r, '1 hour', '{mem.ruled}');
			PERFORM paysafe.unprotect('mem.ruled', r, 'no longer');
			PERFORM paysafe.close_maintenance();
			COMMIT;
		END LOOP;
		DELETE FROM mem.ruled;
		COMMIT;
	END LOOP;
END $$;

-- Protected tables come and go
CREATE PROCEDURE mem.tables(n int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n LOOP
		CREATE TABLE mem.short (id int PRIMARY KEY, status text);
		PERFORM paysafe.protect_status('mem.short', 'status', '[*] --> a');
		PERFORM paysafe.audit('mem.short');
		INSERT INTO mem.short VALUES (1, 'a');
		COMMIT;
		DROP TABLE mem.short;
		COMMIT;
	END LOOP;
END $$;

-- What a session holds: in memory contexts, and privately from the system, which
-- also knows what OpenSSL holds.  PostgreSQL's own catalog caches keep something of
-- each table that was dropped: without paysafe as much.
CREATE PROCEDURE mem.take(path text, half int) LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO mem.mark
		SELECT path, half, (SELECT sum(used_bytes) FROM pg_backend_memory_contexts
							  WHERE name <> 'CacheMemoryContext' OR path <> 'tables'),
			   substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\s*(\d+)')::int;
END $$;

INSERT INTO mem.payment VALUES (0, 'captured', 100, 100, 'EUR', 'z');
CALL mem.take('none', 0);
SELECT statement
  FROM (VALUES ('life', 1.0), ('actor', 1), ('approve', 0.5), ('refused', 1), ('savepoints', 1), ('moves', 1),
			   ('read', 1), ('transition', 1), ('compile', 0.5), ('declare', 0.1), ('tables', 0.1)) paths (path, share),
	   generate_series(1, 2) half,
	   LATERAL (VALUES (1, format('CALL mem.%I(%s)', path, ceil(:n * share))), (2, format('CALL mem.take(%L, %s)', path, half))) s (step, statement)
 ORDER BY path, half, step
\gexec
\o

SELECT a.path, b.bytes - a.bytes AS bytes_more, b.anon_kb - a.anon_kb AS kb_of_system_more, b.bytes AS bytes_held
  FROM mem.mark a JOIN mem.mark b USING (path)
 WHERE a.half = 1 AND b.half = 2 ORDER BY path;
DO $$
DECLARE
	grown text;
BEGIN
	SELECT string_agg(a.path, ', ') INTO grown
	  FROM mem.mark a JOIN mem.mark b USING (path)
	 WHERE a.half = 1 AND b.half = 2 AND b.bytes - a.bytes > current_setting('mem.most')::bigint;
	IF grown IS NOT NULL THEN
		RAISE 'memory grows: %', grown;
	END IF;
END $$;
