-- What the index of the audit log must find: the same as a query of the whole log.
SET client_min_messages = warning;
CREATE EXTENSION paysafe;
CREATE SCHEMA shop;
CREATE TABLE shop.item (id int PRIMARY KEY, note text, n int DEFAULT 0);
CREATE TABLE shop.other (id text PRIMARY KEY, n int);
SELECT paysafe.audit('shop.item');
SELECT paysafe.audit('shop.other');
CREATE SCHEMA oracle;

-- history as one query over all months; pg_temp.whole is all of the view, as the transaction sees it
CREATE TEMP TABLE whole AS TABLE paysafe.audit_log;
CREATE FUNCTION oracle.history(relation regclass, key text) RETURNS SETOF paysafe.audit_log LANGUAGE sql STABLE AS $$
	WITH life AS MATERIALIZED (
		SELECT l.* FROM whole l
		 WHERE l.key = history.key
		   AND l.subject = (SELECT r.spec ->> 'subject' FROM paysafe.rule r
							 WHERE r.relation = history.relation AND r.rule = 'audit' ORDER BY r.version DESC LIMIT 1)
	), lived AS (
		SELECT l.* FROM life l
		UNION ALL
		SELECT l.* FROM whole l
		 WHERE l.key IS NULL AND l.op = 'ADD COLUMN' AND l.subject = (SELECT f.subject FROM life f LIMIT 1)
		   AND coalesce((SELECT f.op FROM life f WHERE f.at <= l.at ORDER BY f.at DESC, f.command DESC, f.seq DESC LIMIT 1),
						(SELECT CASE f.op WHEN 'INSERT' THEN 'DELETE' END FROM life f ORDER BY f.at, f.command, f.seq LIMIT 1),
						'') <> 'DELETE'
	)
	SELECT l.* FROM lived l ORDER BY min(l.at) OVER (PARTITION BY l.xid), l.xid, l.command, l.seq $$;

CREATE TABLE oracle.tally (what text, rows bigint);

-- Two queries must give the same rows; in_order: and in the same order
CREATE PROCEDURE oracle.same(what text, ours text, theirs text, in_order boolean) LANGUAGE plpgsql AS $$
DECLARE
	number text := CASE WHEN in_order THEN 'row_number() OVER ()' ELSE '0' END;
	differ text;
	n bigint;
BEGIN
	EXECUTE format($q$
		WITH ours AS MATERIALIZED (SELECT %1$s, x::text FROM (%2$s) x),
			 theirs AS MATERIALIZED (SELECT %1$s, x::text FROM (%3$s) x)
		SELECT (SELECT string_agg(d::text, E'\n') FROM (
					SELECT 'ours', e.* FROM (TABLE ours EXCEPT ALL TABLE theirs) e
					UNION ALL SELECT 'theirs', e.* FROM (TABLE theirs EXCEPT ALL TABLE ours) e) d),
			   (SELECT count(*) FROM ours)$q$, number, ours, theirs) INTO differ, n;
	IF differ IS NOT NULL THEN
		RAISE '% differs: %', what, left(differ, 2000);
	END IF;
	INSERT INTO oracle.tally VALUES (what, n);
END $$;

-- Everything, as this transaction sees it: at REPEATABLE READ, at one moment
CREATE PROCEDURE oracle.compare(nkeys int, nothers int) LANGUAGE plpgsql AS $$
DECLARE
	k text;
	half timestamptz;
BEGIN
	CREATE TEMP TABLE whole ON COMMIT DROP AS TABLE paysafe.audit_log;
	CREATE INDEX ON whole (key);
	ANALYZE whole;
	FOR k IN SELECT key FROM (SELECT DISTINCT key FROM whole WHERE table_name = 'item' AND key IS NOT NULL) d
			  ORDER BY random() LIMIT nkeys LOOP
		CALL oracle.same('a row', format('SELECT * FROM paysafe.history(''shop.item'', %L)', k),
						 format('SELECT * FROM oracle.history(''shop.item'', %L)', k), true);
		half := (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY at) FROM oracle.history('shop.item', k));
		CALL oracle.same('a row before a time', format('SELECT * FROM paysafe.history(''shop.item'', %L, ends_at => %L)', k, half),
						 format('SELECT * FROM oracle.history(''shop.item'', %L) WHERE at < %L', k, half), true);
		CALL oracle.same('a row from a time on', format('SELECT * FROM paysafe.history(''shop.item'', %L, %L)', k, half),
						 format('SELECT * FROM oracle.history(''shop.item'', %L) WHERE at >= %L', k, half), true);
	END LOOP;
	CREATE TEMP TABLE others ON COMMIT DROP AS SELECT key FROM (SELECT DISTINCT key FROM whole WHERE table_name = 'other') d ORDER BY random() LIMIT nothers;
	CALL oracle.same('all rows', $q$SELECT h.* FROM others k, paysafe.history('shop.other', k.key) h$q$,
					 $q$SELECT * FROM whole WHERE table_name = 'other' AND key IN (TABLE others)$q$, false);
	CALL oracle.same('actor', $q$SELECT h.* FROM unnest('{alice,bob,nobody,postgres}'::text[]) a, paysafe.history_of_actor(a) h$q$,
					 $q$SELECT * FROM whole WHERE actor IN ('alice', 'bob', 'nobody', 'postgres')$q$, false);
	half := (SELECT percentile_disc(0.4) WITHIN GROUP (ORDER BY at) FROM whole);
	CALL oracle.same('actor from a time on', format('SELECT * FROM paysafe.history_of_actor(''bob'', %L)', half),
					 format('SELECT * FROM whole WHERE actor = ''bob'' AND at >= %L', half), false);
	CALL oracle.same('request', $q$SELECT h.* FROM generate_series(1, 9) r, paysafe.history_of_request('req-' || r) h$q$,
					 $q$SELECT * FROM whole WHERE request_id ~ '^req-[1-9]$'$q$, false);
	CALL oracle.same('business id', $q$SELECT h.* FROM generate_series(1, 9) r, paysafe.history_of_business_id('order-' || r, '-infinity', 'infinity') h$q$,
					 $q$SELECT * FROM whole WHERE business_id ~ '^order-[1-9]$'$q$, false);
	CALL oracle.same('a period', format('SELECT * FROM paysafe.audit_log(%L, %L)', half, half + interval '1 s'),
					 format('SELECT * FROM whole WHERE at >= %L AND at < %L', half, half + interval '1 s'), false);
END $$;

-- What a writer does: statements of one row and of many, late commits, rollbacks
CREATE PROCEDURE shop.work(writer int, rounds int) LANGUAGE plpgsql AS $$
DECLARE
	many int;
BEGIN
	PERFORM setseed(writer / 100.0);
	FOR i IN 1..rounds LOOP
		IF random() < 0.7 THEN
			PERFORM paysafe.act_as((ARRAY['alice', 'bob', 'nobody'])[1 + floor(random() * 3)],
								   request_id => 'req-' || floor(random() * 40), business_id => 'order-' || floor(random() * 40));
		END IF;
		many := CASE WHEN random() < 0.8 THEN 1 ELSE 1 + floor(random() * 400) END;
		-- one row that others change too, then some that they do not: nobody waits in a circle
		INSERT INTO shop.item VALUES (-floor(random() * 20), 'shared') ON CONFLICT (id) DO UPDATE SET n = shop.item.n + 1;
		INSERT INTO shop.item SELECT DISTINCT ON (1) floor(random() * 500)::int * 100 + writer, repeat('x', floor(random() * 200)::int)
		  FROM generate_series(1, many) ON CONFLICT (id) DO UPDATE SET n = shop.item.n + 1;
		IF random() < 0.3 THEN
			BEGIN
				DELETE FROM shop.item WHERE id IN (SELECT floor(random() * 500) * 100 + writer FROM generate_series(1, many));
				IF random() < 0.5 THEN
					RAISE 'back to the savepoint';
				END IF;
			EXCEPTION WHEN raise_exception THEN NULL;
			END;
		END IF;
		INSERT INTO shop.other VALUES (writer || ' ' || i % 50, i) ON CONFLICT (id) DO UPDATE SET n = EXCLUDED.n;
		PERFORM pg_sleep(random() * 0.02);
		IF random() < 0.2 THEN ROLLBACK; ELSE COMMIT; END IF;
	END LOOP;
END $$;
