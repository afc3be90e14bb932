-- Types under the columns of protected tables, and columns of another type.  For a
-- server that preloads paysafe.
BEGIN;
SELECT plan(98);
\ir ../pgtap/lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE ROLE regress_guard_owner;
CREATE SCHEMA shop AUTHORIZATION regress_guard_owner;
SET LOCAL ROLE regress_guard_owner;
-- each one under a column of an append-only table, some of them deep
CREATE TYPE shop.mood AS ENUM ('new', 'paid');
CREATE TYPE shop.payee AS (name text, sum numeric(8,2));
CREATE TYPE shop.inner AS (a int, b text);
CREATE DOMAIN shop.inner_domain AS shop.inner;
CREATE TYPE shop.outer AS (i shop.inner_domain[], n int);
CREATE TYPE shop.in_array AS (a int, b text);
CREATE TABLE shop.row_type (a int, b text);
CREATE DOMAIN shop.positive AS int NOT NULL CONSTRAINT positive CHECK (VALUE > 0);
CREATE DOMAIN shop.small AS shop.positive CONSTRAINT small CHECK (VALUE < 100);
CREATE TYPE shop.subtype AS (a int, b int);
CREATE TYPE shop.span AS RANGE (subtype = shop.subtype);
CREATE TYPE shop.span_mood AS ENUM ('low', 'high');
CREATE TYPE shop.mood_span AS RANGE (subtype = shop.span_mood);
CREATE TABLE shop.event (id int PRIMARY KEY, mood shop.mood[], payee shop.payee, deep shop.outer, many shop.in_array[],
	line shop.row_type, small shop.small, span shop.span, spans shop.span_multirange, mood_span shop.mood_span);
SELECT paysafe.protect_append_only('shop.event');
-- a child may have columns of its own
CREATE TYPE shop.of_child AS (a int, b text);
CREATE TYPE shop.child_mood AS ENUM ('up', 'down');
CREATE TABLE shop.event_child (own shop.of_child[], own_mood shop.child_mood, PRIMARY KEY (id)) INHERITS (shop.event);
INSERT INTO shop.event VALUES (1, '{new}', ROW('alice', 100), NULL, ARRAY[ROW(1, 'x')::shop.in_array], ROW(1, 'x'), 5);
-- and these under none, or one that nobody protects
CREATE TYPE shop.free AS (a int, b text);
CREATE TYPE shop.free_mood AS ENUM ('x', 'y');
CREATE DOMAIN shop.free_domain AS int CONSTRAINT positive CHECK (VALUE > 0);
CREATE TABLE shop.note (id int, free shop.free, mood shop.free_mood, d shop.free_domain);
RESET ROLE;

SELECT matches(pg_temp.refusal(command, r), '^42501 shop.event paysafe_event_guard_' || class || '$', command || coalesce(' by ' || r, ''))
  FROM (VALUES
	('type', 'ALTER TYPE shop.payee DROP ATTRIBUTE sum'),
	('type', 'ALTER TYPE shop.payee RENAME ATTRIBUTE name TO signed_by'),
	('type', 'ALTER TYPE shop.payee ADD ATTRIBUTE extra int'),
	('type', 'ALTER TYPE shop.in_array DROP ATTRIBUTE a'),
	('type', 'ALTER TYPE shop.inner DROP ATTRIBUTE b CASCADE'),
	('type', 'ALTER TYPE shop.inner RENAME ATTRIBUTE b TO c'),
	('type', 'ALTER TYPE shop.outer RENAME ATTRIBUTE n TO c'),
	('type', 'ALTER TYPE shop.subtype RENAME ATTRIBUTE a TO c'),
	('type', 'ALTER TABLE shop.row_type DROP COLUMN b'),
	('type', 'ALTER TABLE shop.row_type RENAME b TO c'),
	('type', 'ALTER TYPE shop.payee RENAME TO other'),
	('type', 'ALTER TYPE shop.inner SET SCHEMA public'),
	('type', 'ALTER DOMAIN shop.small RENAME TO other'),
	('type', 'ALTER DOMAIN shop.small DROP CONSTRAINT small'),
	('type', 'ALTER DOMAIN shop.positive DROP CONSTRAINT positive'),
	('type', 'ALTER DOMAIN shop.positive DROP NOT NULL'),
	('type', 'DROP TYPE shop.inner_domain CASCADE'),
	('label', 'ALTER TYPE shop.mood RENAME VALUE ''paid'' TO ''refunded'''),
	('type', 'ALTER TYPE shop.of_child DROP ATTRIBUTE a'),
	('type', 'ALTER TYPE shop.of_child RENAME ATTRIBUTE b TO c'),
	('label', 'ALTER TYPE shop.child_mood RENAME VALUE ''up'' TO ''high'''),
	('label', 'ALTER TYPE shop.span_mood RENAME VALUE ''low'' TO ''high er'''),
	('column', 'DROP TYPE shop.payee CASCADE')) v (class, command), unnest(ARRAY[NULL, 'regress_guard_owner']::name[]) r
 WHERE r IS NULL OR command NOT LIKE '%SCHEMA public';

-- Columns
SET LOCAL ROLE regress_guard_owner;
CREATE TABLE shop.invoice (id int PRIMARY KEY, fee numeric(14,2), minor bigint, n int, due timestamp, day date, memo text, code varchar(10),
	fixed char(5), small shop.free_domain,
	base int, twice int GENERATED ALWAYS AS (base * 2) STORED);
SELECT paysafe.audit('shop.invoice'), paysafe.protect_columns('shop.invoice', '{code,n}');
INSERT INTO shop.invoice VALUES (1, 1.5, 9007199254740993, 1, '2024-01-01', '2024-01-01', 'memo', 'code', 'x', 1);
CREATE TABLE shop.entry (id int PRIMARY KEY, txn int, account varchar(20), amount numeric(12,2), currency text);
SELECT paysafe.protect_ledger('shop.entry', 'txn', 'account', 'amount', 'currency');
RESET ROLE;
SELECT matches(pg_temp.refusal('ALTER TABLE shop.invoice ' || command), '_invoice_guard_column$', 'refused: ' || command) FROM unnest(ARRAY[
	'ALTER fee TYPE real', 'ALTER fee TYPE float8', 'ALTER fee TYPE numeric(14,1)', 'ALTER fee TYPE numeric(16,4)', 'ALTER minor TYPE float8',
	'ALTER minor TYPE real', 'ALTER due TYPE timestamptz', 'ALTER due TYPE timestamp(0)', 'ALTER day TYPE timestamptz', 'ALTER memo TYPE name',
	'ALTER memo TYPE varchar(3) USING memo::varchar(3)', 'ALTER memo TYPE char(10)', 'ALTER fixed TYPE text', 'ALTER code TYPE varchar(5)', 'ALTER n TYPE bigint',
	'ALTER memo TYPE text USING left(memo, 3)', 'ALTER n TYPE int USING n + 1', 'ALTER memo TYPE varchar(5) USING memo::varchar(5)']) command;
-- blanks at the end of a value are part of it
CREATE DOMAIN shop.five AS varchar(5);
CREATE TABLE shop.blank (id int, part text, memo text, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE shop.blank_a PARTITION OF shop.blank FOR VALUES IN ('a');
SELECT paysafe.audit('shop.blank');
INSERT INTO shop.blank VALUES (1, 'a', 'mémo5 '), (2, 'a', NULL);
SELECT is(pg_temp.refusal('ALTER TABLE shop.blank ' || command), refusal, command) FROM (VALUES
	('ALTER memo TYPE varchar(5)', '42501 shop.blank paysafe_blank_guard_column'), ('ALTER memo TYPE shop.five', '42501 shop.blank paysafe_blank_guard_column'),
	('ADD n int, ALTER memo TYPE varchar(5)', '42501 shop.blank paysafe_blank_guard_column'),
	('ALTER memo TYPE varchar(4)', '22001'), ('ALTER memo TYPE varchar(6)', 'accepted'), ('ALTER memo TYPE shop.nothing', '42704'),
	('ALTER memo TYPE varchar(2)', '22001')) v (command, refusal);
SELECT is(pg_temp.refusal('UPDATE shop.blank SET memo = rtrim(memo); ALTER TABLE shop.blank ALTER memo TYPE varchar(5)'), 'accepted', 'without them it is shorter');
SELECT is(pg_temp.refusal(command, 'regress_guard_owner'), 'accepted', 'allowed: ' || command) FROM unnest(ARRAY[
	'ALTER TABLE shop.invoice ALTER fee TYPE numeric(16,2), ALTER fee SET DEFAULT 0',
	'ALTER TABLE shop.invoice ALTER fee TYPE numeric',
	'ALTER TABLE shop.invoice ALTER minor TYPE numeric',
	'ALTER TABLE shop.invoice ALTER day TYPE timestamp',
	'ALTER TABLE shop.invoice ALTER memo TYPE varchar(500)', 'ALTER TABLE shop.invoice ALTER memo TYPE varchar',
	'ALTER TABLE shop.invoice ALTER code TYPE varchar(20)',
	'ALTER TABLE shop.invoice ALTER code TYPE text USING code::text',
	'ALTER TABLE shop.invoice ALTER small TYPE int',
	'ALTER TABLE shop.invoice ALTER twice DROP EXPRESSION',
	'ALTER TABLE shop.entry ALTER account TYPE text, ALTER amount TYPE numeric(14,2), ALTER currency TYPE varchar',
	'ALTER TABLE shop.entry ADD memo text; ALTER TABLE shop.entry RENAME memo TO note; ALTER TABLE shop.entry DROP note',
	'ALTER TYPE shop.mood ADD VALUE ''refunded''',
	'ALTER TABLE shop.row_type ADD c int',
	'ALTER DOMAIN shop.small ADD CONSTRAINT odd CHECK (VALUE % 2 = 1); ALTER DOMAIN shop.small SET DEFAULT 1',
	'ALTER TYPE shop.free DROP ATTRIBUTE b; ALTER TYPE shop.free RENAME ATTRIBUTE a TO c; ALTER TYPE shop.free RENAME TO free_2',
	'ALTER TYPE shop.free_mood RENAME VALUE ''x'' TO ''z''; ALTER DOMAIN shop.free_domain DROP CONSTRAINT positive']) command;
-- before there are rows, a column that no rule names is nobody's; afterwards it is
INSERT INTO shop.entry VALUES (1, 1, 'a', 5, 'EUR'), (2, 1, 'b', -5, 'EUR');
SELECT matches(pg_temp.refusal('ALTER TABLE shop.entry ADD memo text; ALTER TABLE shop.entry DROP memo'), '_entry_guard_column$', 'with rows it is not dropped');
SELECT is((SELECT to_jsonb(e) ->> 'payee' FROM shop.event e), '{"sum": 100.00, "name": "alice"}', 'the row is what it was');

-- In a window: what the rows say afterwards is recorded beside what they said
SELECT paysafe.audit('shop.event');
INSERT INTO shop.event VALUES (2, '{new}', ROW('bob', 7));
SELECT paysafe.act_as('ann');
CREATE FUNCTION pg_temp.opening() RETURNS text LANGUAGE sql AS $$ SELECT $x$SELECT paysafe.open_maintenance('why', 'T-3', '1 hour', '{shop.event,shop.invoice}')$x$ $$;
SELECT 'SELECT ' || substring(pg_temp.refusal_text(pg_temp.opening(), 'HINT') FROM '(paysafe\.approve\(.*\));  then') AS command \gset
SELECT paysafe.act_as('bob');
SELECT is(pg_temp.refusal(:'command'), 'accepted', 'bob approves');
SELECT paysafe.act_as('ann');
SELECT is(pg_temp.refusal(pg_temp.opening()), 'accepted', 'ann opens the window');
SELECT is(pg_temp.refusal(command), 'accepted', 'in a window: ' || command) FROM unnest(ARRAY[
	'ALTER TABLE shop.invoice ALTER fee TYPE real, ALTER memo TYPE text USING upper(memo)',
	'ALTER TYPE shop.payee DROP ATTRIBUTE sum', 'ALTER TYPE shop.payee RENAME ATTRIBUTE name TO signed_by']) command;
SELECT is_empty($$SELECT * FROM paysafe.reconcile('shop.invoice')$$, 'after which the log is what the rows say');
SELECT set_eq($$SELECT after ->> 'memo' FROM paysafe.history('shop.invoice', '1')$$, $$VALUES ('memo'), ('MEMO')$$, '... with what they said before');
SELECT results_eq($$SELECT after -> 'payee' FROM paysafe.history('shop.event', '2') ORDER BY seq, xid$$,
	$$VALUES ('{"sum": 7.00, "name": "bob"}'::jsonb), ('{"name": "bob"}'), ('{"signed_by": "bob"}')$$, 'attributes likewise');
SELECT * FROM finish();
ROLLBACK;
