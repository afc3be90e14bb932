-- Status machines: exactly the declared moves, in every type, by every path.
BEGIN;
SELECT plan(92);
SET LOCAL client_min_messages = error;
\ir lib/refusal.psql
SET LOCAL search_path = public, pg_temp;
CREATE SCHEMA shop;

-- Every refusal names its place.
CREATE TABLE shop.payment (id int PRIMARY KEY, status text, note text);
SELECT paysafe.protect_status('shop.payment', 'status', '
	[*] --> new
	[*] --> NULL
	NULL --> new
	new --> paid
	paid --> refunded
	refunded --> [*]', '{new}');
INSERT INTO shop.payment VALUES (1, 'new'), (2, 'new'), (3, NULL), (4, 'new');
UPDATE shop.payment SET status = 'paid' WHERE id IN (2, 4);

SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = 'new' WHERE id = 2$$),
	'23T01 shop.payment.status paysafe_payment_status', 'a move that is not declared');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = 'refunded' WHERE id = 1$$),
	'23T01 shop.payment.status paysafe_payment_status', 'a move that skips a status');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = NULL WHERE id = 1$$),
	'23T01 shop.payment.status paysafe_payment_status', 'a move to NULL, which is a state but not next');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = 'new' WHERE id = 3$$), 'accepted', 'a declared move from NULL');
SELECT is(pg_temp.refusal($$INSERT INTO shop.payment VALUES (9, 'paid')$$),
	'23T02 shop.payment.status paysafe_payment_status', 'a start that is not initial');
SELECT is(pg_temp.refusal($$INSERT INTO shop.payment VALUES (9, NULL)$$), 'accepted', 'a start as NULL, which is initial');
SELECT is(pg_temp.refusal('DELETE FROM shop.payment WHERE id = 2'),
	'23T03 shop.payment.status paysafe_payment_status', 'a deletion outside deletable');
SELECT is(pg_temp.refusal('DELETE FROM shop.payment WHERE id = 1'), 'accepted', 'a deletion inside deletable');
SELECT is(pg_temp.refusal('TRUNCATE shop.payment'),
	'23T03 shop.payment.status paysafe_payment_status', 'TRUNCATE');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = 'Paid' WHERE id = 2$$),
	'23T04 shop.payment.status paysafe_payment_status', 'another case is another status');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = 'paid ' WHERE id = 2$$),
	'23T04 shop.payment.status paysafe_payment_status', 'a blank more is another status');
SELECT is(pg_temp.refusal($$INSERT INTO shop.payment VALUES (10, '')$$),
	'23T04 shop.payment.status paysafe_payment_status', 'the empty string is no status');
-- unless it is named, as for Django's CharField(blank=True)
CREATE TABLE shop.blank (id int PRIMARY KEY, status text);
SELECT paysafe.protect_status('shop.blank', 'status', E'state "" as none\n[*] --> none\nnone --> new');
SELECT is(pg_temp.refusal($$INSERT INTO shop.blank VALUES (1, ''), (2, '')$$), 'accepted', 'the empty string, named');
SELECT is(pg_temp.refusal($$UPDATE shop.blank SET status = ' ' WHERE id = 1$$),
	'23T04 shop.blank.status paysafe_blank_status', '... is not a blank');
SELECT is(pg_temp.refusal($$UPDATE shop.blank SET status = NULL WHERE id = 1$$),
	'23T04 shop.blank.status paysafe_blank_status', '... is not NULL');
SELECT is(pg_temp.refusal($$UPDATE shop.blank SET status = 'new' WHERE id = 1$$), 'accepted', '... and moves on');
SELECT is(pg_temp.refusal($$UPDATE shop.blank SET status = '' WHERE id = 1$$),
	'23T01 shop.blank.status paysafe_blank_status', '... not back');
CREATE TABLE shop.counted (id int PRIMARY KEY, status int);
SELECT throws_ok($$SELECT paysafe.protect_status('shop.counted', 'status', E'state "" as none\n[*] --> none')$$,
	'22023', NULL, 'the empty string is no integer');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET id = 20 WHERE id = 2'),
	'23T05 shop.payment.status paysafe_payment_status', 'another key under way');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET id = 30 WHERE id = 3'),
	'23T05 shop.payment.status paysafe_payment_status', 'another key in an initial status that it was not added in');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET id = 30 WHERE id = 9'), 'accepted', 'another key at the start');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = 'paid' WHERE id = 2$$), 'accepted', 'the status that it has');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET note = 'x'$$), 'accepted', 'another column');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = CASE id WHEN 2 THEN 'refunded' ELSE 'new' END WHERE id IN (2, 4)$$),
	'23T01 shop.payment.status paysafe_payment_status', 'one bad row of several');
SELECT is((SELECT status FROM shop.payment WHERE id = 2), 'paid', '... takes the good ones with it');

-- A machine that leads back: a row that has moved is not one that was added
CREATE TABLE shop.task (id int, region text, status text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.task_eu PARTITION OF shop.task FOR VALUES IN ('eu');
CREATE TABLE shop.task_us PARTITION OF shop.task FOR VALUES IN ('us');
SELECT paysafe.protect_status('shop.task', 'status', '
	[*] --> open
	open --> done
	done --> open', '{open}');
\set key '23T05 shop.task.status paysafe_task_status'
INSERT INTO shop.task VALUES (1, 'eu', 'open'), (2, 'eu', 'open'), (3, 'eu', 'open');
UPDATE shop.task SET status = 'done' WHERE id < 3;
UPDATE shop.task SET status = 'open' WHERE id < 3;
SELECT is(pg_temp.refusal('UPDATE shop.task SET id = 10 WHERE id = 1'), :'key', 'another key after a way back');
SELECT is(pg_temp.refusal('UPDATE shop.task SET id = 30 WHERE id = 3'), 'accepted', 'a row that was only added');
SELECT is(pg_temp.refusal($$UPDATE shop.task SET region = 'us' WHERE id = 1$$), 'accepted', 'to another partition');
SELECT is(pg_temp.refusal('UPDATE shop.task SET id = 10 WHERE id = 1'), :'key', '... it still has moved');
SELECT is(pg_temp.refusal($$UPDATE shop.task SET region = 'eu' WHERE id = 1; UPDATE shop.task SET id = 10 WHERE id = 1$$), :'key', '... and there and back');
SELECT is(pg_temp.refusal($$INSERT INTO shop.task VALUES (1, 'eu', 'open'); UPDATE shop.task SET id = 10 WHERE id = 1 AND region = 'eu'$$), 'accepted', 'a new row where it was');
SELECT is(pg_temp.refusal($$DELETE FROM shop.task WHERE id = 2; INSERT INTO shop.task VALUES (2, 'eu', 'open'); UPDATE shop.task SET id = 20 WHERE id = 2$$), 'accepted', 'a new row instead of a deleted one');
SELECT is(pg_temp.refusal($$DELETE FROM shop.task WHERE id IN (1, 10); INSERT INTO shop.task VALUES (1, 'us', 'open'); UPDATE shop.task SET id = 11 WHERE id = 1$$), 'accepted', '... also after a move');
SELECT is((SELECT count(*)::int FROM paysafe.row_mark WHERE relation = 'shop.task'::regclass AND mark <> 'used' AND NOT ended) -
	(SELECT count(*)::int FROM paysafe.row_mark WHERE relation = 'shop.task'::regclass AND ended), 0, 'no mark outlives its row');

-- Of a column that may not be NULL
CREATE TABLE shop.strict (id int PRIMARY KEY, status text);
SELECT paysafe.protect_status('shop.strict', 'status', '[*] --> new');
SELECT is(pg_temp.refusal('INSERT INTO shop.strict VALUES (1, NULL)'),
	'23T04 shop.strict.status paysafe_strict_status', 'NULL that is not named');
SELECT is(pg_temp.refusal($$INSERT INTO shop.strict VALUES (1, 'new'); DELETE FROM shop.strict$$),
	'23T03 shop.strict.status paysafe_strict_status', 'nothing can be deleted by default');

-- Every pair of states, in every type: the rule and a table of moves agree.
CREATE TYPE shop.mood AS ENUM ('1', '2', '3', '4');
CREATE DOMAIN shop.word AS text;
CREATE DOMAIN shop.wordy AS shop.word;
CREATE DOMAIN shop.feeling AS shop.mood;
CREATE DOMAIN shop.number AS int CHECK (VALUE > 0);
CREATE TABLE shop.lookup (id smallint PRIMARY KEY);
INSERT INTO shop.lookup VALUES (1), (2), (3), (4);

-- All 16 pairs of the four states, and what a table of the declared moves says.
CREATE FUNCTION pg_temp.disagreements(type text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	moves constant text[] := ARRAY['1>2', '2>3', '3>1', '3>4', '2>2'];
	path constant text[] := ARRAY['', '2', '2,3', '2,3,4'];
	result text := '';
	allowed bool;
	outcome text;
BEGIN
	EXECUTE format('CREATE TABLE shop.typed (id int PRIMARY KEY, status %s)', type);
	PERFORM paysafe.protect_status('shop.typed', 'status', '
		[*] --> 1
		1 --> 2
		2 --> 3
		3 --> 1
		3 --> 4
		2 --> 2
		4 --> [*]');
	FOR f IN 1..4 LOOP
		FOR t IN 1..4 LOOP
			-- a row that has come to f by legal moves
			EXECUTE format('INSERT INTO shop.typed VALUES (%s, %L)', f * 10 + t, '1');
			FOR step IN 1..coalesce(array_length(string_to_array(nullif(path[f], ''), ','), 1), 0) LOOP
				EXECUTE format('UPDATE shop.typed SET status = %L WHERE id = %s',
							   (string_to_array(path[f], ','))[step], f * 10 + t);
			END LOOP;
			allowed := f = t OR f || '>' || t = ANY (moves);
			outcome := pg_temp.refusal(format('UPDATE shop.typed SET status = %L WHERE id = %s', t, f * 10 + t));
			IF outcome <> (CASE WHEN allowed THEN 'accepted' ELSE '23T01 shop.typed.status paysafe_typed_status' END) THEN
				result := result || format(' %s>%s: %s', f, t, outcome);
			END IF;
		END LOOP;
		outcome := pg_temp.refusal(format('INSERT INTO shop.typed VALUES (%s, %L)', f, f));
		IF outcome <> (CASE WHEN f = 1 THEN 'accepted' ELSE '23T02 shop.typed.status paysafe_typed_status' END) THEN
			result := result || format(' *>%s: %s', f, outcome);
		END IF;
	END LOOP;
	-- and the compare-and-set of workers
	BEGIN
		IF paysafe.transition('shop.typed', '11', '1', '2') IS DISTINCT FROM true THEN
			result := result || ' transition did not move';
		END IF;
		IF paysafe.transition('shop.typed', '11', '1', '2') IS DISTINCT FROM false THEN
			result := result || ' transition moved twice';
		END IF;
	EXCEPTION WHEN OTHERS THEN
		result := result || ' transition: ' || SQLERRM;
	END;
	DROP TABLE shop.typed;
	RETURN result;
END $$;
SELECT is(pg_temp.disagreements(t), '', 'every pair of states as ' || t)
  FROM unnest(ARRAY['text', 'varchar(3)', 'char(1)', 'char(8)', 'smallint', 'int', 'bigint',
					'shop.mood', 'shop.word', 'shop.wordy', 'shop.feeling', 'shop.number',
					'smallint REFERENCES shop.lookup', 'text COLLATE "C"']) t;

-- Long values, values with other characters
CREATE TABLE shop.odd (id int PRIMARY KEY, status text);
SELECT paysafe.protect_status('shop.odd', 'status', format('
	state "%s" as long
	state "naïve  Ω" as greek
	[*] --> long
	long --> greek', repeat('x', 256)));
SELECT is(pg_temp.refusal($$INSERT INTO shop.odd VALUES (1, repeat('x', 256))$$), 'accepted', 'a state of 256 characters');
SELECT is(pg_temp.refusal($$INSERT INTO shop.odd VALUES (2, repeat('x', 255))$$),
	'23T04 shop.odd.status paysafe_odd_status', 'one character less');
SELECT is(pg_temp.refusal($$UPDATE shop.odd SET status = 'naïve  Ω'$$), 'accepted', 'a state of other characters');
SELECT is(pg_temp.refusal($$UPDATE shop.odd SET status = E'nai\u0308ve  Ω'$$),
	'23T04 shop.odd.status paysafe_odd_status', 'the same characters composed otherwise');

-- Every path by which a row changes
CREATE TABLE shop.path (id int PRIMARY KEY, status text NOT NULL DEFAULT 'new', n int DEFAULT 0);
SELECT paysafe.protect_status('shop.path', 'status', '
	[*] --> new
	new --> paid');
INSERT INTO shop.path VALUES (1, 'new'), (2, 'new');
UPDATE shop.path SET status = 'paid' WHERE id = 2;
SELECT is(pg_temp.refusal($$INSERT INTO shop.path VALUES (2, 'new') ON CONFLICT (id) DO UPDATE SET status = EXCLUDED.status$$),
	'23T01 shop.path.status paysafe_path_status', 'upsert that updates');
SELECT is(pg_temp.refusal($$INSERT INTO shop.path VALUES (5, 'paid') ON CONFLICT (id) DO UPDATE SET status = EXCLUDED.status$$),
	'23T02 shop.path.status paysafe_path_status', 'upsert that inserts');
SELECT is(pg_temp.refusal($$INSERT INTO shop.path VALUES (1, 'new') ON CONFLICT (id) DO UPDATE SET status = 'paid'$$),
	'accepted', 'upsert as declared');
SELECT is(pg_temp.refusal($$MERGE INTO shop.path p USING (VALUES (2)) v (id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET status = 'new'$$),
	'23T01 shop.path.status paysafe_path_status', 'MERGE that updates');
SELECT is(pg_temp.refusal($$MERGE INTO shop.path p USING (VALUES (9)) v (id) ON p.id = v.id WHEN NOT MATCHED THEN INSERT VALUES (9, 'paid')$$),
	'23T02 shop.path.status paysafe_path_status', 'MERGE that inserts');
SELECT is(pg_temp.refusal($$MERGE INTO shop.path p USING (VALUES (2)) v (id) ON p.id = v.id WHEN MATCHED THEN DELETE$$),
	'23T03 shop.path.status paysafe_path_status', 'MERGE that deletes');
SELECT is(pg_temp.refusal($$WITH d AS (DELETE FROM shop.path WHERE id = 2 RETURNING id) INSERT INTO shop.path SELECT id, 'new' FROM d$$),
	'23T03 shop.path.status paysafe_path_status', 'WITH that deletes and adds again');
SELECT is(pg_temp.refusal($$WITH u AS (UPDATE shop.path SET status = 'new' WHERE id = 2 RETURNING 1) SELECT count(*) FROM u$$),
	'23T01 shop.path.status paysafe_path_status', 'WITH that updates');
SELECT is(pg_temp.refusal($$UPDATE shop.path p SET status = v.status FROM (VALUES (2, 'new')) v (id, status) WHERE p.id = v.id$$),
	'23T01 shop.path.status paysafe_path_status', 'UPDATE FROM');
SELECT is(pg_temp.refusal($$DO $d$ DECLARE r record; c CURSOR FOR SELECT * FROM shop.path WHERE id = 2 FOR UPDATE;
	BEGIN OPEN c; FETCH c INTO r; UPDATE shop.path SET status = 'new' WHERE CURRENT OF c; END $d$;$$),
	'23T01 shop.path.status paysafe_path_status', 'WHERE CURRENT OF');
CREATE VIEW shop.path_view AS SELECT * FROM shop.path;
SELECT is(pg_temp.refusal($$UPDATE shop.path_view SET status = 'new' WHERE id = 2$$),
	'23T01 shop.path.status paysafe_path_status', 'through a view');
CREATE FUNCTION shop.definer() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$UPDATE shop.path SET status = 'new' WHERE id = 2$$;
SELECT is(pg_temp.refusal('SELECT shop.definer()'),
	'23T01 shop.path.status paysafe_path_status', 'through a SECURITY DEFINER function');
CREATE FUNCTION shop.before() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.status := 'lost'; RETURN NEW; END $$;
CREATE TRIGGER zz BEFORE UPDATE ON shop.path FOR EACH ROW WHEN (NEW.n = 13) EXECUTE FUNCTION shop.before();
SELECT is(pg_temp.refusal('UPDATE shop.path SET n = 13 WHERE id = 2'),
	'23T04 shop.path.status paysafe_path_status', 'what a BEFORE trigger makes of it');
CREATE TABLE shop.inbox (id int, deferred bool);
CREATE RULE forward AS ON INSERT TO shop.inbox WHERE NOT NEW.deferred DO ALSO UPDATE shop.path SET status = 'new' WHERE id = NEW.id;
SELECT is(pg_temp.refusal('INSERT INTO shop.inbox VALUES (2, false)'),
	'23T01 shop.path.status paysafe_path_status', 'what a rewrite rule makes of it');
CREATE FUNCTION shop.after() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN UPDATE shop.path SET status = 'new' WHERE id = NEW.id; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON shop.inbox DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.deferred) EXECUTE FUNCTION shop.after();
SELECT is(pg_temp.refusal('INSERT INTO shop.inbox VALUES (2, true); SET CONSTRAINTS ALL IMMEDIATE'),
	'23T01 shop.path.status paysafe_path_status', 'from a deferred trigger');
SELECT is(pg_temp.refusal($$SET LOCAL session_replication_role = replica; UPDATE shop.path SET status = 'new' WHERE id = 2$$),
	'23T01 shop.path.status paysafe_path_status', 'with session_replication_role = replica');
RESET session_replication_role;

-- A status that follows another table
CREATE TABLE shop.name (name text PRIMARY KEY);
INSERT INTO shop.name VALUES ('new'), ('paid'), ('odd');
CREATE TABLE shop.named (id int PRIMARY KEY, status text REFERENCES shop.name ON UPDATE CASCADE ON DELETE SET NULL);
SELECT paysafe.protect_status('shop.named', 'status', '
	[*] --> new
	new --> paid');
INSERT INTO shop.named VALUES (1, 'new');
UPDATE shop.named SET status = 'paid';
SELECT is(pg_temp.refusal($$UPDATE shop.name SET name = 'other' WHERE name = 'paid'$$),
	'23T04 shop.named.status paysafe_named_status', 'a cascade that renames the status');
SELECT is(pg_temp.refusal($$DELETE FROM shop.name WHERE name = 'paid'$$),
	'23T04 shop.named.status paysafe_named_status', 'a cascade that sets it NULL');
SELECT is(pg_temp.refusal($$DELETE FROM shop.name WHERE name = 'odd'$$), 'accepted', 'a name that no row has');

-- Partitions: one rule, moves included, named after the root
CREATE TABLE shop.part (id int, region text, status text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.part_eu PARTITION OF shop.part FOR VALUES IN ('eu');
CREATE TABLE shop.part_us (status text, filler int, id int NOT NULL, region text NOT NULL);
ALTER TABLE shop.part_us DROP COLUMN filler;
ALTER TABLE shop.part ATTACH PARTITION shop.part_us FOR VALUES IN ('us');
SELECT paysafe.protect_status('shop.part', 'status', '
	[*] --> new
	new --> paid');
INSERT INTO shop.part VALUES (1, 'eu', 'new'), (2, 'us', 'new');
SELECT is(pg_temp.refusal($$UPDATE shop.part SET region = 'us', status = 'paid' WHERE id = 1$$), 'accepted', 'a move across partitions with a legal status');
SELECT is(pg_temp.refusal($$UPDATE shop.part SET region = 'eu', status = 'new' WHERE id = 1$$),
	'23T01 shop.part.status paysafe_part_status', 'a move across partitions back to the start');
SELECT is(pg_temp.refusal($$UPDATE shop.part SET region = 'eu' WHERE id = 1$$), 'accepted', 'a move across partitions that keeps a late status');
SELECT is(pg_temp.refusal($$UPDATE shop.part SET region = 'us', id = 7 WHERE id = 1$$),
	'23T05 shop.part.status paysafe_part_status', 'a move across partitions under another key');
SELECT is(pg_temp.refusal($$INSERT INTO shop.part_us (id, region, status) VALUES (3, 'us', 'paid')$$),
	'23T02 shop.part.status paysafe_part_status', 'straight into a partition');
SELECT is(pg_temp.refusal('TRUNCATE shop.part_us'),
	'23T03 shop.part.status paysafe_part_status', 'TRUNCATE of a partition');
CREATE TABLE shop.part_jp PARTITION OF shop.part FOR VALUES IN ('jp');
SELECT is(pg_temp.refusal($$INSERT INTO shop.part VALUES (4, 'jp', 'paid')$$),
	'23T02 shop.part.status paysafe_part_status', 'a partition made later');
CREATE FUNCTION shop.swallow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END $$;
CREATE TRIGGER swallow BEFORE INSERT ON shop.part_jp FOR EACH ROW EXECUTE FUNCTION shop.swallow();
SELECT is(pg_temp.refusal($$UPDATE shop.part SET region = 'jp' WHERE id = 1$$),
	'23T03 shop.part.status paysafe_part_status', 'a move that a trigger of the destination swallows is a deletion');

-- Partitioned by the status itself: every move is a move across partitions
CREATE TABLE shop.queue (id int, status text, PRIMARY KEY (id, status)) PARTITION BY LIST (status);
CREATE TABLE shop.queue_new PARTITION OF shop.queue FOR VALUES IN ('new');
CREATE TABLE shop.queue_rest PARTITION OF shop.queue DEFAULT;
SELECT paysafe.protect_status('shop.queue', 'status', '
	[*] --> new
	new --> sent
	sent --> done');
INSERT INTO shop.queue SELECT i, 'new' FROM generate_series(1, 50) i;
SELECT is(pg_temp.refusal($$UPDATE shop.queue SET status = 'sent'$$), 'accepted', 'fifty moves across partitions');
SELECT is(pg_temp.refusal($$UPDATE shop.queue SET status = 'new' WHERE id = 7$$), '23T01 shop.queue.status paysafe_queue_status', 'back');
SELECT is(pg_temp.refusal($$UPDATE shop.queue SET status = 'done', id = 70 WHERE id = 7$$), '23T05 shop.queue.status paysafe_queue_status', 'on, under another key');
SELECT is(pg_temp.refusal($$DELETE FROM shop.queue WHERE id = 7$$), '23T03 shop.queue.status paysafe_queue_status', 'deletion');
SELECT is(paysafe.transition('shop.queue', '8', 'sent', 'done'), true, 'transition');

-- What is asked of transition
SELECT throws_ok($$SELECT paysafe.transition('shop.path', '1', 'new', 'new')$$, '22023', NULL, 'transition to the same status');
SELECT throws_ok($$SELECT paysafe.transition('shop.name', '1', 'new', 'paid')$$, '22023', NULL, 'transition of a table without machine');
SELECT is(pg_temp.refusal($$SELECT paysafe.transition('shop.path', '2', 'paid', 'new')$$),
	'23T01 shop.path.status paysafe_path_status', 'transition that is not declared');
SELECT is(paysafe.transition('shop.path', '99', 'new', 'paid'), false, 'transition of a row that is not there');
SELECT is(paysafe.transition('shop.part', '2', 'new', 'paid'), true, 'transition by the key without the partition key');
SELECT is(paysafe.status_diagram('shop.strict'), '[*] --> new', 'the diagram as it was declared');

SELECT * FROM finish();
ROLLBACK;
