-- reconcile: rows are what the log says, through changes of the table that keep
-- what they say; what is changed beneath the triggers is found.
BEGIN;
SELECT plan(40);
SET LOCAL client_min_messages = error;
SET LOCAL TimeZone = 'UTC';
CREATE SCHEMA shop;
CREATE TYPE shop.pair AS (a int, b text);
CREATE TYPE shop.mood AS ENUM ('sad', 'ok');
CREATE TABLE shop.item (
	id bigint PRIMARY KEY, day date, n int, f real, short varchar(5), padded char(5), amount numeric(6,2),
	list int[], pair shop.pair, mood shop.mood, net cidr, secret text, gone text, large text
);
SELECT paysafe.audit('shop.item', '{secret}');
INSERT INTO shop.item
	SELECT i, '2024-01-01', i, 0.1, 'ab ', 'cd', 1.10, '{1,2}', ROW(1, 'x')::shop.pair, 'sad', '10.0.0.1/32', 'secret ' || i, 'gone', repeat(md5(i::text), 200)
	  FROM generate_series(1, 6) i;
INSERT INTO shop.item (id, day) VALUES (7, 'infinity');
UPDATE shop.item SET n = n + 1 WHERE id = 2;
UPDATE shop.item SET id = 100 WHERE id = 3;
DELETE FROM shop.item WHERE id = 4;
CREATE FUNCTION pg_temp.findings(relation regclass) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(f.key || ': ' || f.finding, '; ' ORDER BY f.key), 'none') FROM paysafe.reconcile(relation) f $$;
SELECT is(pg_temp.findings('shop.item'), 'none', 'as recorded');

-- what keeps each value
CREATE FUNCTION pg_temp.after(change text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
	EXECUTE change;
	RETURN pg_temp.findings('shop.item');
END $$;
SELECT is(pg_temp.after('ALTER TABLE shop.item ' || change), 'none', change)
  FROM unnest(ARRAY[
	'ALTER day TYPE timestamp', 'ALTER n TYPE bigint', 'ALTER n TYPE numeric', 'ALTER f TYPE float8', 'ALTER short TYPE varchar(9)',
	'ALTER short TYPE text', 'ALTER padded TYPE char(9)', 'ALTER padded TYPE text', 'ALTER amount TYPE numeric(9,4)',
	'ALTER list TYPE bigint[]', 'ALTER net TYPE inet', 'RENAME gone TO went', 'ALTER large SET STORAGE EXTERNAL']) change;
SELECT is(pg_temp.after(
	'ALTER TABLE shop.item RENAME short TO x; ALTER TABLE shop.item RENAME padded TO short; ALTER TABLE shop.item RENAME x TO padded'),
	'none', 'columns that changed their names');
SELECT is(pg_temp.after('ALTER TABLE shop.item DROP went; ALTER TABLE shop.item ADD went text DEFAULT ''new'''),
	'none', 'a column of the name of one that was dropped');
SELECT is(pg_temp.after('ALTER TYPE shop.pair ADD ATTRIBUTE c int'), 'none', 'an attribute more');
SELECT is(pg_temp.after('ALTER TYPE shop.mood RENAME VALUE ''sad'' TO ''blue'''), 'none', 'a label of another name');

-- a row that a trigger changes again is recorded in the other order
CREATE TABLE shop.again (id int PRIMARY KEY, a int, b int);
SELECT paysafe.audit('shop.again');
CREATE FUNCTION shop.again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	UPDATE shop.again SET b = NEW.a WHERE id = NEW.id AND b IS NULL;
	RETURN NULL;
END $$;
CREATE TRIGGER aaa AFTER INSERT ON shop.again FOR EACH ROW EXECUTE FUNCTION shop.again();
INSERT INTO shop.again VALUES (1, 5), (2, 6);
SELECT is(pg_temp.findings('shop.again'), 'none', 'a row that a trigger changes again');

-- a key of several columns, one of them a time, changed
CREATE TABLE shop.pairs (a timestamp, b text, v int, PRIMARY KEY (a, b));
SELECT paysafe.audit('shop.pairs');
INSERT INTO shop.pairs VALUES ('2024-01-01 10:00', 'x,\y', 1), ('2024-01-02', 'z', 1);
UPDATE shop.pairs SET a = a + interval '1 day';
SELECT is(pg_temp.findings('shop.pairs'), 'none', 'a key that was changed');

-- partitions
CREATE TABLE shop.part (id int, region text, v text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.part_eu PARTITION OF shop.part FOR VALUES IN ('eu');
CREATE TABLE shop.part_us (v text, junk int, region text NOT NULL, id int NOT NULL);
ALTER TABLE shop.part_us DROP junk;
ALTER TABLE shop.part ATTACH PARTITION shop.part_us FOR VALUES IN ('us');
SELECT paysafe.audit('shop.part');
INSERT INTO shop.part SELECT i, CASE WHEN i % 2 = 0 THEN 'eu' ELSE 'us' END, 'v' || i FROM generate_series(1, 6) i;
UPDATE shop.part SET region = 'us' WHERE id = 2;
SELECT is(pg_temp.findings('shop.part'), 'none', 'rows of partitions');

-- keys that change their rows within one command
CREATE TABLE shop.swapped (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v int);
SELECT paysafe.audit('shop.swapped');
INSERT INTO shop.swapped VALUES (3, 1), (4, 2), (5, 3);
UPDATE shop.swapped SET id = 7 - id WHERE id < 5;
WITH gone AS (DELETE FROM shop.swapped WHERE id = 5 RETURNING *) INSERT INTO shop.swapped SELECT id, v + 1 FROM gone;
SELECT is(pg_temp.findings('shop.swapped'), 'none', 'rows that swap their keys');
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE shop.swapped DISABLE TRIGGER ALL;
UPDATE shop.swapped SET v = 9 WHERE id IN (4, 5);
ALTER TABLE shop.swapped ENABLE ALWAYS TRIGGER paysafe, ENABLE ALWAYS TRIGGER paysafe_statement;
SELECT is(pg_temp.findings('shop.swapped'), '4: column "v" is not what the log says; 5: column "v" is not what the log says',
	'... are compared with their own images');

-- a child without a key is left out; it hides no other table's rows
CREATE TABLE shop.parent (id int PRIMARY KEY, v int);
CREATE TABLE shop.keyed (PRIMARY KEY (id)) INHERITS (shop.parent);
CREATE TABLE shop.nameless () INHERITS (shop.parent);
SELECT paysafe.audit('shop.parent');
INSERT INTO shop.parent VALUES (1, 1);
INSERT INTO shop.keyed VALUES (2, 1);
INSERT INTO shop.nameless VALUES (1, 5), (3, 6), (3, 7);
UPDATE shop.nameless SET v = v + 1;
DELETE FROM shop.nameless WHERE v = 8;
SELECT is((SELECT string_agg(concat(key, ': ', finding), '; ') FROM paysafe.reconcile('shop.parent')),
	': table "nameless" is not compared: without a primary key its rows are not found in the log',
	'a child without a key is named, and no fault of its parent');
SELECT is((SELECT format('%s %s', ok, detail) FROM paysafe.check(true) WHERE subject = 'shop.parent' AND check_name = 'rows'),
	't table "nameless" is not compared: without a primary key its rows are not found in the log', '... nor in check()');
-- it has had a key meanwhile, under which the log knows its rows
DELETE FROM shop.nameless;
ALTER TABLE shop.nameless ADD PRIMARY KEY (id);
SELECT is((SELECT string_agg(concat(key, ': ', finding), '; ') FROM paysafe.reconcile('shop.parent')), NULL, '... one that got a key');
INSERT INTO shop.nameless VALUES (9, 9);
ALTER TABLE shop.nameless DROP CONSTRAINT nameless_pkey;
SELECT is((SELECT string_agg(concat(key, ': ', finding), '; ') FROM paysafe.reconcile('shop.parent')),
	': table "nameless" is not compared: without a primary key its rows are not found in the log', '... and lost it');
ALTER TABLE shop.parent DISABLE TRIGGER ALL;
UPDATE ONLY shop.parent SET v = 2 WHERE id = 1;
SELECT is((SELECT string_agg(concat(key, ': ', finding), '; ' ORDER BY key) FROM paysafe.reconcile('shop.parent')),
	'1: column "v" is not what the log says; : table "nameless" is not compared: without a primary key its rows are not found in the log',
	'... what was changed in another table of the tree is found');
SELECT is((SELECT ok FROM paysafe.check(true) WHERE subject = 'shop.parent' AND check_name = 'rows'), false, '... by check(), too');
-- rows that meet in a key until the transaction ends, with one that was there and without
CREATE TABLE shop.met (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v int);
SELECT paysafe.audit('shop.met');
CREATE FUNCTION pg_temp.met(VARIADIC changes text[]) RETURNS text LANGUAGE plpgsql AS $$ DECLARE
	change text;
BEGIN
	SET CONSTRAINTS ALL DEFERRED;
	FOREACH change IN ARRAY changes LOOP
		EXECUTE change;
	END LOOP;
	SET CONSTRAINTS ALL IMMEDIATE;
	RETURN pg_temp.findings('shop.met');
END $$;
SELECT is(pg_temp.met('INSERT INTO shop.met VALUES (1, 10), (2, 20)', 'UPDATE shop.met SET id = 2 WHERE id = 1', 'UPDATE shop.met SET id = 1 WHERE v = 20'),
	'none', 'two rows swap their keys in two commands');
SELECT is(pg_temp.met('UPDATE shop.met SET id = 1 WHERE v = 10', 'UPDATE shop.met SET v = 11 WHERE v = 10', 'UPDATE shop.met SET v = 21 WHERE v = 20',
	'DELETE FROM shop.met WHERE v = 21'), 'none', 'they meet, change, and the one that was there goes');
SELECT is(pg_temp.met('INSERT INTO shop.met VALUES (1, 30)', 'UPDATE shop.met SET v = 31 WHERE v = 30', 'DELETE FROM shop.met WHERE v = 31'),
	'none', 'the one that came goes');
SELECT is(pg_temp.met('INSERT INTO shop.met VALUES (1, 11)', 'DELETE FROM shop.met WHERE ctid = (SELECT min(ctid) FROM shop.met WHERE id = 1)'),
	'none', 'two of the same content meet');
SELECT is(pg_temp.met('INSERT INTO shop.met VALUES (5, 1)', 'DELETE FROM shop.met WHERE id = 5', 'INSERT INTO shop.met VALUES (6, 1)',
	'UPDATE shop.met SET id = 7 WHERE id = 6', 'INSERT INTO shop.met VALUES (6, 2)', 'UPDATE shop.met SET id = 6 WHERE id = 7', 'UPDATE shop.met SET id = 7 WHERE v = 2'),
	'none', 'keys that came into being in the same transaction');
ALTER TABLE shop.met DISABLE TRIGGER ALL;
UPDATE shop.met SET v = 9 WHERE id = 6;
DELETE FROM shop.met WHERE id = 1;
INSERT INTO shop.met VALUES (5, 1);
ALTER TABLE shop.met ENABLE ALWAYS TRIGGER paysafe, ENABLE ALWAYS TRIGGER paysafe_statement;
SELECT is(pg_temp.findings('shop.met'), '1: is not there, but the log does not say that it was deleted; '
	'5: is there, but the log says it was deleted; 6: column "v" is not what the log says', 'what no trigger saw is found there, too');

-- what is changed where no trigger sees it
ALTER TABLE shop.item DISABLE TRIGGER ALL;
UPDATE shop.item SET n = 99 WHERE id = 1;
UPDATE shop.item SET secret = 'other' WHERE id = 2;
UPDATE shop.item SET large = large || 'x' WHERE id = 5;
DELETE FROM shop.item WHERE id = 6;
INSERT INTO shop.item (id) VALUES (4), (8);
SELECT is(pg_temp.findings('shop.item'),
	'1: column "n" is not what the log says; 2: column "secret" is not what the log says; '
	'4: is there, but the log says it was deleted; 5: column "large" is not what the log says; '
	'6: is not there, but the log does not say that it was deleted; 8: is there, but the log does not say that it was added', 'each of them is found');
SELECT is((SELECT detail FROM paysafe.check(true) WHERE subject = 'shop.item' AND check_name = 'rows'),
	'row ''1'' column "n" is not what the log says; row ''2'' column "secret" is not what the log says; '
	'row ''4'' is there, but the log says it was deleted; row ''5'' column "large" is not what the log says; '
	'row ''6'' is not there, but the log does not say that it was deleted', 'and check() says so, of the first five');
-- a table that was never used, one with rows from before, one that was not audited for a while
CREATE TABLE shop.unused (id int PRIMARY KEY);
SELECT paysafe.audit('shop.unused');
CREATE TABLE shop.used (id int PRIMARY KEY);
INSERT INTO shop.used VALUES (1);
SELECT paysafe.audit('shop.used');
CREATE TABLE shop.paused (id int PRIMARY KEY);
SELECT paysafe.audit('shop.paused');
SELECT paysafe.act_as('boss'), paysafe.approve('paysafe.maintenance_record', format('maintenance of shop.paused by %L for 60 s: T-1, x', session_user), 'x');
SELECT paysafe.act_as('dba'), paysafe.open_maintenance('x', 'T-1', '1 minute', '{shop.paused}');
SELECT paysafe.unprotect('shop.paused', 'audit', 'x'), paysafe.close_maintenance();
INSERT INTO shop.paused VALUES (1);
SELECT paysafe.audit('shop.paused');
ALTER TABLE shop.unused DISABLE TRIGGER ALL;
INSERT INTO shop.unused VALUES (1);
SELECT is(pg_temp.findings('shop.unused'), '1: is there, but the log does not say that it was added', 'the first row, beneath the triggers');
SELECT is(pg_temp.findings('shop.used'), 'none', 'rows from before');
SELECT is(pg_temp.findings('shop.paused'), 'none', 'rows of a time in which the table was not audited');
SELECT * FROM finish();
ROLLBACK;
