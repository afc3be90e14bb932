-- What ALTER TABLE gives to rows of an audited table is on record, although no trigger
-- sees it; and the log is read through added, dropped, renamed and retyped columns.
-- For a server that preloads paysafe.
BEGIN;
SELECT plan(38);
\ir ../pgtap/lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE DOMAIN shop.fee AS int DEFAULT 9;
CREATE TABLE shop.item (id int PRIMARY KEY, n int, note text, code varchar(10));
CREATE TABLE shop.part (id int, region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.part_eu PARTITION OF shop.part FOR VALUES IN ('eu');
CREATE TABLE shop.part_us PARTITION OF shop.part FOR VALUES IN ('us');
CREATE TABLE shop.parent (id int PRIMARY KEY);
CREATE TABLE shop.child (PRIMARY KEY (id)) INHERITS (shop.parent);
CREATE TABLE shop.empty (id int PRIMARY KEY);
CREATE TABLE shop.strict (id int PRIMARY KEY);
CREATE TABLE shop.plain (id int PRIMARY KEY);
SELECT paysafe.audit('shop.item', '{note}'), paysafe.audit('shop.part'), paysafe.audit('shop.parent'), paysafe.audit('shop.empty');
SELECT paysafe.act_as('ann', 'migration 7');
INSERT INTO shop.strict VALUES (1);
SELECT paysafe.audit('shop.strict', require_reason => true, require_ticket => true);
INSERT INTO shop.item VALUES (1, 5, 'secret', 'abc'), (2, 6, 'x', 'd');
INSERT INTO shop.part VALUES (1, 'eu'), (2, 'us');
INSERT INTO shop.parent VALUES (1);
INSERT INTO shop.child VALUES (2);
INSERT INTO shop.plain VALUES (1);

CREATE TEMP TABLE mark (seq int);
INSERT INTO mark VALUES (0);
-- what was recorded since the last call, of all tables
CREATE FUNCTION pg_temp.news() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	SELECT coalesce(string_agg(concat_ws(' ', l.table_name, l.op, l.key,
			(SELECT string_agg(e.key || '=' || e.value, ',' ORDER BY e.key) FROM jsonb_each_text(l.after) e
			  WHERE l.before -> e.key IS DISTINCT FROM l.after -> e.key)), '; ' ORDER BY l.seq), 'nothing')
	  INTO result FROM paysafe.audit_log l, mark m
	 WHERE l.seq > m.seq AND l.schema_name = 'shop' AND l.xid = pg_current_xact_id();
	UPDATE mark SET seq = coalesce((SELECT max(l.seq) FROM paysafe.audit_log l WHERE l.xid = pg_current_xact_id()), 0);
	RETURN result;
END $$;
SELECT pg_temp.news();

-- stored once by PostgreSQL, recorded once
ALTER TABLE shop.item ADD COLUMN fee int DEFAULT 7;
SELECT is(pg_temp.news(), 'item ADD COLUMN fee=7', 'a default');
SELECT results_eq($$SELECT actor, reason, key, before::text FROM paysafe.audit_log WHERE table_name = 'item' AND op = 'ADD COLUMN'$$,
	$$VALUES ('ann', 'migration 7', NULL, NULL)$$, '... by whom, and why');
SELECT is((SELECT count(*)::int FROM paysafe.audit_row r JOIN paysafe.audit_shape s ON s.id = r.shape
	WHERE r.op = 'A' AND r.leaf_check = paysafe.audit_leaf_check(r, s.digest)), 1, '... under a leaf hash');
ALTER TABLE shop.item ADD COLUMN a int DEFAULT 1, ADD COLUMN b jsonb DEFAULT '{"x": null}', ADD COLUMN c text;
SELECT is(pg_temp.news(), 'item ADD COLUMN a=1,b={"x": null}', 'several, and one without');
ALTER TABLE shop.item ADD COLUMN d shop.fee;
SELECT is(pg_temp.news(), 'item ADD COLUMN d=9', 'a default of a domain');
ALTER TABLE shop.item ADD COLUMN e int DEFAULT 3;
ALTER TABLE shop.item ALTER COLUMN e DROP DEFAULT;
SELECT is(pg_temp.news(), 'item ADD COLUMN e=3', 'a default that goes at once');
DO 'BEGIN ALTER TABLE shop.item ADD COLUMN f int NOT NULL DEFAULT 4; END';
SELECT is(pg_temp.news(), 'item ADD COLUMN f=4', 'within a function');
ALTER TABLE shop.part ADD COLUMN fee int DEFAULT 7;
SELECT is(pg_temp.news(), 'part ADD COLUMN fee=7', 'one of partitions');
ALTER TABLE shop.parent ADD COLUMN fee int DEFAULT 7;
SELECT is(pg_temp.news(), 'parent ADD COLUMN fee=7; child ADD COLUMN fee=7', 'each of an inheritance tree');
ALTER TABLE shop.strict ADD COLUMN fee int DEFAULT 7;
SELECT is(pg_temp.news(), 'strict ADD COLUMN fee=7', 'where changes of rows need a ticket, too');

-- written into each row, recorded of each row
ALTER TABLE shop.item ADD COLUMN no bigint GENERATED ALWAYS AS IDENTITY;
SELECT is(pg_temp.news(), 'item UPDATE 1 no=1; item UPDATE 2 no=2', 'an identity');
ALTER TABLE shop.item ADD COLUMN twice int GENERATED ALWAYS AS (n * 2) STORED;
SELECT is(pg_temp.news(), 'item UPDATE 1 twice=10; item UPDATE 2 twice=12', 'computed');
CREATE SEQUENCE shop.number START 50;
ALTER TABLE shop.part ADD COLUMN v bigint DEFAULT nextval('shop.number');
SELECT is(pg_temp.news(), 'part UPDATE 1 v=50; part UPDATE 2 v=51', 'a volatile default');
ALTER TABLE shop.item ADD COLUMN w int DEFAULT 8, ADD COLUMN x bigint DEFAULT nextval('shop.number');
SELECT is(pg_temp.news(), 'item UPDATE 1 w=8,x=52; item UPDATE 2 w=8,x=53', '... that takes another one along');

-- nothing to record
ALTER TABLE shop.item ADD COLUMN z text;
ALTER TABLE shop.item ADD COLUMN IF NOT EXISTS fee int DEFAULT 99;
ALTER TABLE shop.item ALTER COLUMN fee SET DEFAULT 98;
ALTER TABLE shop.empty ADD COLUMN fee int DEFAULT 7;
ALTER TABLE shop.plain ADD COLUMN fee int DEFAULT 7;
CREATE TABLE shop.part_as PARTITION OF shop.part FOR VALUES IN ('as');
SELECT is(pg_temp.news(), 'nothing', 'no value, no rows, no audit');

-- with writes around it, and undone
INSERT INTO shop.item (id, n) VALUES (3, 1);
SELECT pg_temp.news();
SAVEPOINT s;
UPDATE shop.item SET n = 8 WHERE id = 1;
ALTER TABLE shop.item ADD COLUMN tmp int DEFAULT 1;
UPDATE shop.item SET tmp = 2 WHERE id = 1;
SELECT is(pg_temp.news(), 'item UPDATE 1 n=8,twice=16; item ADD COLUMN tmp=1; item UPDATE 1 tmp=2', 'between writes');
SELECT is_empty($$SELECT * FROM paysafe.reconcile('shop.item')$$, '... the rows are what the log says');
ROLLBACK TO s;
SELECT is_empty($$SELECT 1 FROM paysafe.audit_log WHERE op = 'ADD COLUMN' AND after ? 'tmp'$$, 'what is undone is not on record');
SELECT is_empty($$SELECT * FROM paysafe.reconcile('shop.item')$$, '... nor missing');
SELECT pg_temp.news();
UPDATE shop.item SET fee = 10 WHERE id = 2;
SELECT is(pg_temp.news(), 'item UPDATE 2 fee=10', 'later changes are told from it');
DELETE FROM shop.item WHERE id = 3;

-- the life of one row
SELECT is((SELECT string_agg(op, ',') FROM paysafe.history('shop.item', '1')),
	'INSERT,ADD COLUMN,ADD COLUMN,ADD COLUMN,ADD COLUMN,ADD COLUMN,UPDATE,UPDATE,UPDATE', 'columns are part of a row''s history');
SELECT is((SELECT string_agg(op, ',') FROM paysafe.history('shop.item', '3')), 'INSERT,DELETE', '... of one that was there');
ALTER TABLE shop.item ADD COLUMN late int DEFAULT 1;
SELECT is((SELECT string_agg(op, ',') FROM paysafe.history('shop.item', '3')), 'INSERT,DELETE', '... not of one that is gone');
SELECT is_empty($$SELECT 1 FROM paysafe.history('shop.item', '77')$$, '... nor of one that never was');
SELECT pg_temp.news();

-- dropped
ALTER TABLE shop.item DROP COLUMN code;
SELECT is((SELECT string_agg(after ->> 'code', ',') FROM paysafe.history('shop.item', '1') WHERE after ? 'code' AND op = 'INSERT'), 'abc', 'what a dropped column said');
SELECT is((SELECT (after ? 'code') FROM paysafe.history('shop.item', '1') WHERE op = 'UPDATE' ORDER BY seq DESC LIMIT 1), true, '... for as long as it was there');
UPDATE shop.item SET n = 15 WHERE id = 1;
SELECT is((SELECT after ? 'code' FROM paysafe.history('shop.item', '1') ORDER BY seq DESC LIMIT 1), false, '... no longer');
SELECT is_empty($$SELECT * FROM paysafe.reconcile('shop.item')$$, '... and nobody misses it');
ALTER TABLE shop.item ADD COLUMN code int DEFAULT 77;
SELECT is_empty($$SELECT * FROM paysafe.reconcile('shop.item')$$, 'another column of its name is not taken for it');
SELECT is((SELECT after ->> 'code' FROM paysafe.audit_log WHERE table_name = 'item' AND op = 'ADD COLUMN' ORDER BY seq DESC LIMIT 1), '77', '... and is on record');

-- renamed
ALTER TABLE shop.item RENAME n TO quantity;
UPDATE shop.item SET quantity = 16 WHERE id = 1;
SELECT is((SELECT after ->> 'n' FROM paysafe.history('shop.item', '1') WHERE op = 'INSERT'), '5', 'under the name that it had');
SELECT is((SELECT after ->> 'quantity' FROM paysafe.history('shop.item', '1') ORDER BY seq DESC LIMIT 1), '16', '... and has');
SELECT is_empty($$SELECT * FROM paysafe.reconcile('shop.item')$$, '... is one column');
ALTER TABLE shop.item RENAME quantity TO tmp_name;
ALTER TABLE shop.item RENAME fee TO quantity;
ALTER TABLE shop.item RENAME tmp_name TO fee;
SELECT is_empty($$SELECT * FROM paysafe.reconcile('shop.item')$$, 'two that changed their names are two');

-- retyped, each value kept
ALTER TABLE shop.item ALTER a TYPE bigint, ALTER quantity TYPE numeric, ALTER z TYPE varchar(20);
SELECT is_empty($$SELECT * FROM paysafe.reconcile('shop.item')$$, 'values of another type say the same');
UPDATE shop.item SET a = a + 1 WHERE id = 2;
SELECT is_empty($$SELECT * FROM paysafe.reconcile('shop.item')$$, '... and change');

-- redacted, by its name
SELECT is(pg_temp.refusal('ALTER TABLE shop.item DROP COLUMN note'), '42501 shop.item paysafe_item_guard_column', 'a redacted column stays: another one of its name would be hidden');
SELECT is((SELECT string_agg(subject || ' ' || check_name || ': ' || detail, '; ') FROM paysafe.check(true) WHERE NOT ok AND subject LIKE 'shop.%' AND check_name = 'rows'), NULL, 'check() finds nothing');
SELECT * FROM finish();
ROLLBACK;
