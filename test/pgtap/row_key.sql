-- Keys: what names a row, and what no rule can hold to.
BEGIN;
SELECT plan(63);
SET LOCAL client_min_messages = error;
\ir lib/refusal.psql
SET LOCAL search_path = public, pg_temp;
CREATE SCHEMA shop;
CREATE SEQUENCE shop.number;
CREATE TYPE shop.size AS ENUM ('s', 'm');
CREATE DOMAIN shop.size_domain AS shop.size;
CREATE DOMAIN shop.code AS varchar(10) CHECK (VALUE <> '');
CREATE DOMAIN shop.ratio AS float8;
CREATE TYPE shop.pair AS (a int, b int);

-- Equal keys must have one text, whatever the type is; NULL: declared, otherwise the SQLSTATE.
CREATE FUNCTION pg_temp.declares(type text, rule text DEFAULT 'paysafe.protect_status(%L, ''status'', ''[*] --> new
	new --> taken'')') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	name text := 'shop.keyed_' || nextval('shop.number');
BEGIN
	EXECUTE format('CREATE TABLE %s (id %s PRIMARY KEY, status text, secret bytea, amount numeric)', name, type);
	EXECUTE format('SELECT ' || rule, name);
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SELECT is(pg_temp.declares(type), NULL, type || ' names a row')
  FROM unnest('{smallint,integer,bigint,numeric,"numeric(10,2)",text,varchar,varchar(10),char(5),bpchar,name,uuid,bytea,boolean,date,time,timetz,timestamp,timestamptz,inet,cidr,macaddr,bit(3),oid,shop.size,shop.size_domain,shop.code}'::text[]) type;
SELECT is(pg_temp.declares(type), '22023', type || ' does not')
  FROM unnest('{real,"double precision",shop.ratio,interval,money,jsonb,integer[],numeric[],int4range,shop.pair,regclass,tsvector}'::text[]) type;
SELECT is(pg_temp.declares('double precision', rule), '22023', 'nor for ' || rule)
  FROM unnest('{"paysafe.audit(%L)","paysafe.protect_append_only(%L)","paysafe.protect_columns(%L, ''{amount}'')","paysafe.protect_secret(%L, ''{secret}'')","paysafe.protect_row_lock(%L, ''{amount}'')"}'::text[]) rule;

-- Collations that tell nothing apart, and types of extensions, where there are some
CREATE FUNCTION pg_temp.equal_spellings() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT 1 FROM pg_collation WHERE collprovider = 'i') THEN
		CREATE COLLATION shop.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
		CREATE DOMAIN shop.nocase_domain AS text COLLATE shop.nocase;
		RETURN NEXT is(pg_temp.declares('text COLLATE shop.nocase'), '22023', 'a nondeterministic collation does not');
		RETURN NEXT is(pg_temp.declares('shop.nocase_domain'), '22023', '... nor does a domain''s');
	ELSE
		RETURN NEXT skip('no ICU', 2);
	END IF;
	IF EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'citext') THEN
		CREATE EXTENSION citext;
		CREATE DOMAIN shop.citext_domain AS citext;
		RETURN NEXT is(pg_temp.declares('citext'), '22023', 'citext does not');
		RETURN NEXT is(pg_temp.declares('shop.citext_domain'), '22023', '... nor does a domain over it');
	ELSE
		RETURN NEXT skip('no citext', 2);
	END IF;
END $$;
SELECT pg_temp.equal_spellings();

-- A payment's key is asked too, when only its refunds are declared.
CREATE TABLE shop.payment (id float8 PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment float8, amount numeric, currency text, status text);
SELECT throws_ok($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{paid}', '{void}', 'captured', 'currency')$$,
	'22023', NULL, 'a payment with a float for a key has no refunds');

-- A key of which each partition has one of its own holds in that partition only.
CREATE TABLE shop.part (id int NOT NULL, shard int NOT NULL, status text) PARTITION BY LIST (shard);
CREATE TABLE shop.part_1 PARTITION OF shop.part (PRIMARY KEY (id)) FOR VALUES IN (1);
SELECT throws_ok($$SELECT paysafe.protect_status('shop.part', 'status', '[*] --> new')$$, '22023', NULL, 'a key that holds per partition is none');
ALTER TABLE shop.part_1 DROP CONSTRAINT part_1_pkey;
ALTER TABLE shop.part ADD PRIMARY KEY (id, shard);
SELECT lives_ok($$SELECT paysafe.protect_status('shop.part', 'status', E'[*] --> new\nnew --> taken')$$, '... one of the whole table is');

-- A deferrable key is frozen, recorded and found like another.
CREATE TABLE shop.job (id bigint PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, status text NOT NULL);
SELECT paysafe.protect_status('shop.job', 'status', E'[*] --> new\nnew --> taken');
SELECT paysafe.audit('shop.job');
INSERT INTO shop.job VALUES (1, 'new'), (2, 'new');
UPDATE shop.job SET status = 'taken' WHERE id = 1;
SELECT is(pg_temp.refusal('UPDATE shop.job SET id = 3 - id'), '23T05 shop.job.status paysafe_job_status', 'a deferrable key is frozen under way');
SELECT is(pg_temp.refusal('UPDATE shop.job SET id = 4 WHERE id = 2'), 'accepted', '... and free at the start');
SELECT is((SELECT string_agg(key || ' ' || op, ', ' ORDER BY at, seq) FROM paysafe.audit_log WHERE table_name = 'job'),
	'1 INSERT, 2 INSERT, 1 UPDATE, 4 UPDATE', '... recorded');
SELECT is((SELECT count(*)::int FROM paysafe.history('shop.job', '1')), 2, '... found');
SELECT is(paysafe.transition('shop.job', '4', 'new', 'taken'), true, '... moved');
SELECT is(paysafe.transition('shop.job', '4', 'new', 'taken'), false, '... once');

-- A key that is replaced later by a deferrable one is the key; one that becomes useless closes the table.
CREATE TABLE shop.later (id int PRIMARY KEY, status text NOT NULL);
SELECT paysafe.protect_status('shop.later', 'status', E'[*] --> new\nnew --> taken');
INSERT INTO shop.later VALUES (1, 'new');
UPDATE shop.later SET status = 'taken';
ALTER TABLE shop.later DROP CONSTRAINT later_pkey, ADD PRIMARY KEY (id) DEFERRABLE;
SELECT is(pg_temp.refusal('UPDATE shop.later SET id = 2'), '23T05 shop.later.status paysafe_later_status', 'a key replaced by a deferrable one');
ALTER TABLE shop.later ALTER id TYPE float8;
SELECT is(pg_temp.refusal('UPDATE shop.later SET id = 1'), '22023', '... by one that names nothing');

-- One key of fixed length has one text.
CREATE TABLE shop.ticket (id char(5) PRIMARY KEY, status text NOT NULL);
SELECT paysafe.protect_status('shop.ticket', 'status', E'[*] --> new\nnew --> taken');
SELECT paysafe.audit('shop.ticket');
INSERT INTO shop.ticket VALUES ('ab', 'new');
SELECT is((SELECT count(*)::int FROM paysafe.history('shop.ticket', 'ab')), 1, 'padding is no part of a key');
SELECT is(paysafe.transition('shop.ticket', 'ab', 'new', 'taken'), true, '... by which it is found');

-- A domain over an enum is compared by the enum's operators.
CREATE TABLE shop.shelf (id shop.size_domain PRIMARY KEY, status shop.size_domain NOT NULL);
SELECT paysafe.protect_status('shop.shelf', 'status', E'[*] --> s\ns --> m');
INSERT INTO shop.shelf VALUES ('s', 's');
SELECT is(paysafe.transition('shop.shelf', 's', 's', 'm'), true, 'a key of a domain over an enum is found');

-- A table that joins the tree brings a key that the rules can hold to.
CREATE TABLE shop.parent (id int PRIMARY KEY, note text);
SELECT paysafe.protect_columns('shop.parent', '{id}');
SELECT throws_ok($$
	DO 'BEGIN
		CREATE TABLE shop.child (other float8 PRIMARY KEY) INHERITS (shop.parent);
		PERFORM paysafe.protect_columns(''shop.parent'', ''{id,note}'');
	END'$$, '22023', NULL, 'a child''s key counts');

SELECT * FROM finish();
ROLLBACK;
