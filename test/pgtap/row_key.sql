-- Keys: what names a row, and what no rule can hold to.
BEGIN;
SELECT plan(126);
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
		-- other columns that are looked up, or name something
		CREATE TABLE shop.paid_by_name (id text PRIMARY KEY, captured numeric, currency text);
		CREATE TABLE shop.given_back (id int PRIMARY KEY, payment text COLLATE shop.nocase, amount numeric, currency text, status text);
		CREATE TABLE shop.blind_booking (id int PRIMARY KEY, tx text, blind_tx text COLLATE shop.nocase, account text COLLATE shop.nocase, exact text COLLATE "C", amount numeric, currency text);
		RETURN QUERY SELECT is(pg_temp.refusal(declaration), refusal, declaration) FROM (VALUES
			('SELECT paysafe.protect_refund(''shop.given_back'', ''shop.paid_by_name'', ''payment'', ''amount'', ''currency'', ''status'', ''{paid}'', ''{void}'', ''captured'', ''currency'')', '22023'),
			('SELECT paysafe.protect_ledger(''shop.blind_booking'', ''blind_tx'', ''exact'', ''amount'', ''currency'')', '22023'),
			('SELECT paysafe.protect_ledger(''shop.blind_booking'', ''tx'', ''exact'', ''amount'', ''currency'', reverses_column => ''blind_tx'')', '22023'),
			('SELECT paysafe.protect_ledger(''shop.blind_booking'', ''tx'', ''account'', ''amount'', ''currency'')', '22023'),
			('SELECT paysafe.protect_ledger(''shop.blind_booking'', ''tx'', ''exact'', ''amount'', ''currency'')', 'accepted')) v (declaration, refusal);
	ELSE
		RETURN NEXT skip('no ICU', 7);
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

-- However a session writes a value, the log knows which row is meant.
CREATE TABLE shop.day (id date, place inet, PRIMARY KEY (id, place));
SELECT paysafe.audit('shop.day');
INSERT INTO shop.day VALUES ('2020-01-03', '10.0.0.1');
SET LOCAL datestyle = 'German';
SELECT is((SELECT count(*)::int FROM paysafe.history('shop.day', key)), n, 'the history of ' || key)
  FROM (VALUES ('2020-01-03,10.0.0.1', 1), ('03.01.2020,10.0.0.1/32', 1), ('01.03.2020,10.0.0.1', 0), ('03.01.2020', 0), ('x,y', 0)) v (key, n);
SELECT paysafe.act_as('ann');
SELECT paysafe.propose('asked for');
SELECT is(paysafe.erase('shop.day', '03.01.2020,10.0.0.1/32', 'by law'), NULL, 'what is to be erased is proposed');
SELECT is((SELECT key FROM paysafe.pending_erasure), '2020-01-03,10.0.0.1', '... under the name that the log has');
SELECT paysafe.hold('case ' || key, 'shop.day', key) FROM unnest('{"03.01.2020,10.0.0.1/32","x,y"}'::text[]) key;
SELECT is((SELECT string_agg(key, ' ' ORDER BY id) FROM paysafe.legal_hold), '2020-01-03,10.0.0.1 x,y', 'holds, too; what is no value stays as it is');
RESET datestyle;
CREATE TABLE shop.fine (id numeric(10,2) PRIMARY KEY);
SELECT paysafe.audit('shop.fine');
INSERT INTO shop.fine VALUES (1.01);
SELECT is((SELECT count(*)::int FROM paysafe.history('shop.fine', '1.005')), 0, 'nothing is rounded to a row');
-- whatever a domain checks would run
CREATE TEMP SEQUENCE tried;
CREATE FUNCTION shop.tries(text) RETURNS boolean LANGUAGE sql AS $$ SELECT nextval('pg_temp.tried') > 0 $$;
CREATE DOMAIN shop.checked AS text CHECK (shop.tries(VALUE));
CREATE TABLE shop.odd (id shop.checked[] PRIMARY KEY);
SELECT is((SELECT count(*)::int FROM paysafe.history('shop.odd', '{a}')), 0, 'a key of a type that no rule knows');
SELECT is((SELECT is_called FROM tried), false, '... is not read as a value');

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

-- One row has one key, however deep its partition lies, and moves either way.
CREATE TABLE shop.deep (region text, created int, id int, status text NOT NULL, PRIMARY KEY (region, created, id)) PARTITION BY LIST (region);
CREATE TABLE shop.deep_us PARTITION OF shop.deep FOR VALUES IN ('us');
CREATE TABLE shop.deep_eu PARTITION OF shop.deep FOR VALUES IN ('eu') PARTITION BY RANGE (created);
CREATE TABLE shop.deep_eu_1 PARTITION OF shop.deep_eu FOR VALUES FROM (0) TO (10);
CREATE TABLE shop.deep_eu_2 PARTITION OF shop.deep_eu FOR VALUES FROM (10) TO (20);
SELECT paysafe.protect_status('shop.deep', 'status', E'[*] --> new\nnew --> taken\ntaken --> done');
SELECT paysafe.audit('shop.deep');
INSERT INTO shop.deep VALUES ('us', 1, 1, 'new'), ('eu', 1, 2, 'new');
UPDATE shop.deep SET status = 'taken';
SELECT is(pg_temp.refusal('UPDATE shop.deep SET region = ''us'' WHERE id = 2'), 'accepted', 'a row comes from a partition of partitions');
SELECT is(pg_temp.refusal('UPDATE shop.deep SET region = ''eu'' WHERE id = 2'), 'accepted', '... and goes back');
SELECT is(pg_temp.refusal('UPDATE shop.deep SET region = ''eu'', created = 15 WHERE id = 1'), 'accepted', 'one goes there');
SELECT is(pg_temp.refusal('UPDATE shop.deep SET created = 3 WHERE id = 1'), 'accepted', '... moves within');
SELECT is(pg_temp.refusal('UPDATE shop.deep SET region = ''us'' WHERE id = 1'), 'accepted', '... and comes back');
SELECT is(pg_temp.refusal('UPDATE shop.deep SET id = 3 WHERE id = 1'), '23T05 shop.deep.status paysafe_deep_status', 'its id is frozen');
SELECT is((SELECT string_agg(DISTINCT key, ',') FROM paysafe.audit_log WHERE table_name = 'deep'), '1,2', 'it is called the same everywhere');
SELECT is((SELECT count(*)::int FROM paysafe.history('shop.deep', '1')), 5, '... with one history');
SELECT is_empty($$SELECT * FROM paysafe.reconcile('shop.deep')$$, '... and is what the log says');
SELECT is(paysafe.transition('shop.deep', '1', 'taken', 'done'), true, '... is found');

-- A hash of the id takes nothing away.
CREATE TABLE shop.hashed (region text, id int, status text NOT NULL, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE shop.hashed_us PARTITION OF shop.hashed FOR VALUES IN ('us') PARTITION BY HASH (id);
CREATE TABLE shop.hashed_us_0 PARTITION OF shop.hashed_us FOR VALUES WITH (modulus 1, remainder 0);
CREATE TABLE shop.hashed_eu PARTITION OF shop.hashed FOR VALUES IN ('eu');
SELECT paysafe.protect_status('shop.hashed', 'status', E'[*] --> new\nnew --> taken\ntaken --> done');
INSERT INTO shop.hashed VALUES ('us', 1, 'new');
UPDATE shop.hashed SET status = 'taken';
SELECT is(pg_temp.refusal('UPDATE shop.hashed SET region = ''eu'''), 'accepted', 'a row leaves a hash partition');
SELECT is(pg_temp.refusal('UPDATE shop.hashed SET region = ''us'''), 'accepted', '... and comes back');
SELECT is(pg_temp.refusal('UPDATE shop.hashed SET id = 2'), '23T05 shop.hashed.status paysafe_hashed_status', '... with its id');

-- Rows that differ in the partition key alone are two rows.
INSERT INTO shop.deep VALUES ('eu', 4, 1, 'new');
SELECT is_empty($$SELECT * FROM paysafe.reconcile('shop.deep')$$, 'two rows of one id are what the log says');
UPDATE shop.deep SET status = 'taken' WHERE id = 1 AND region = 'eu';
UPDATE shop.deep SET region = 'eu', created = 11 WHERE id = 1 AND region = 'us';
SELECT is_empty($$SELECT * FROM paysafe.reconcile('shop.deep')$$, '... also below one partition');
SELECT is((SELECT string_agg(subject, ',') FROM paysafe.check(true) WHERE check_name = 'rows' AND NOT ok), NULL, '... says check()');
INSERT INTO shop.deep VALUES ('us', 9, 2, 'new');
UPDATE shop.deep SET status = 'taken' WHERE id = 2 AND region = 'us';
SELECT throws_ok($$SELECT paysafe.transition('shop.deep', '2', 'taken', 'done')$$, '21000', NULL, 'their id names two');
SELECT is(paysafe.transition('shop.deep', 'us,9,2', 'taken', 'done'), true, '... the whole key one of them');
SELECT is((SELECT string_agg(region || status, ',' ORDER BY region) FROM shop.deep WHERE id = 2), 'eutaken,usdone', '... that one');
ALTER TABLE shop.deep_eu_1 DISABLE TRIGGER ALL;
UPDATE shop.deep SET status = 'new' WHERE id = 1 AND created = 4;
SELECT results_eq($$SELECT key, finding FROM paysafe.reconcile('shop.deep')$$, $$VALUES ('1', 'column "status" is not what the log says')$$, 'what changed beneath is found');

-- Keys of every type are sorted as they were logged.
CREATE TABLE shop.typed (a char(4), b date, c timestamptz, d numeric, e shop.size, f boolean, g inet, h uuid, v int, PRIMARY KEY (a, b, c, d, e, f, g, h)) PARTITION BY RANGE (a, b, c, d);
CREATE TABLE shop.typed_1 PARTITION OF shop.typed DEFAULT;
SELECT paysafe.audit('shop.typed');
INSERT INTO shop.typed VALUES ('a', '2024-01-02', '2024-01-02 03:04:05.6+07', 1.50, 'm', true, '10.0.0.1/8', '00000000-0000-0000-0000-00000000000a', 1),
	('a', '2024-01-03', '2024-01-02 03:04:05.6+07', 1.50, 'm', true, '10.0.0.1/8', '00000000-0000-0000-0000-00000000000a', 2);
UPDATE shop.typed SET v = v + 1;
UPDATE shop.typed SET a = 'b,', b = b + 1 WHERE v = 2;
SELECT is_empty($$SELECT * FROM paysafe.reconcile('shop.typed')$$, 'the types of keys');

-- In a tree of inheritance each table sees to its own keys; one is one row's all the same.
CREATE TABLE shop.base (id int PRIMARY KEY, note text);
CREATE TABLE shop.base_1 (PRIMARY KEY (id)) INHERITS (shop.base);
INSERT INTO shop.base VALUES (1), (2);
INSERT INTO shop.base_1 VALUES (1), (3);
SELECT throws_ok($$SELECT paysafe.audit('shop.base')$$, '23514', NULL, 'two rows of one key are no tree');
DELETE FROM ONLY shop.base WHERE id = 1;
SELECT lives_ok($$SELECT paysafe.audit('shop.base')$$, '... one is');
SELECT is(pg_temp.refusal('INSERT INTO shop.base VALUES (1)'), '23505 shop.base paysafe_base_audit', 'a second row of one key is refused above');
SELECT is(pg_temp.refusal('INSERT INTO shop.base_1 VALUES (2)'), '23505 shop.base paysafe_base_audit', '... and below');
SELECT is(pg_temp.refusal('UPDATE shop.base_1 SET id = 2 WHERE id = 3'), '23505 shop.base paysafe_base_audit', '... and by another key');
SELECT is(pg_temp.refusal('UPDATE shop.base SET id = id + 10, note = ''x'''), 'accepted', 'other keys are free');
SELECT is(pg_temp.refusal('DELETE FROM ONLY shop.base WHERE id = 12'), 'accepted', 'a row goes');
SELECT is(pg_temp.refusal('INSERT INTO shop.base_1 VALUES (12)'), 'accepted', '... and comes back in another table');
SELECT is_empty($$SELECT * FROM paysafe.reconcile('shop.base')$$, 'the log says so');
CREATE TABLE shop.base_2 (code text PRIMARY KEY) INHERITS (shop.base);
SELECT is(pg_temp.refusal('SELECT paysafe.protect_append_only(''shop.base'')'), '22023', 'another key is no key of the tree');

-- Refunds name their payment by a key that no index keeps unique.
CREATE TABLE shop.sale (id int, region text, captured numeric, currency text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.sale_us PARTITION OF shop.sale FOR VALUES IN ('us');
CREATE TABLE shop.sale_eu PARTITION OF shop.sale FOR VALUES IN ('eu');
CREATE TABLE shop.back (id int PRIMARY KEY, sale int, amount numeric, currency text, status text);
CREATE INDEX ON shop.back (sale);
INSERT INTO shop.sale VALUES (7, 'us', 10, 'EUR'), (7, 'eu', 10, 'EUR');
SELECT paysafe.protect_refund('shop.back', 'shop.sale', 'sale', 'amount', 'currency', 'status', '{paid}', '{void}', 'captured', 'currency');
SELECT matches(pg_temp.refusal('INSERT INTO shop.back VALUES (1, 7, 1, ''EUR'', ''new'')'), '^23R', 'two payments of one key have no refunds');
SELECT is(pg_temp.refusal('DELETE FROM shop.sale WHERE id = 7 AND region = ''us'''), 'accepted', '... and one can go');
SELECT is(pg_temp.refusal('INSERT INTO shop.back VALUES (1, 7, 1, ''EUR'', ''new'')'), 'accepted', '... then the other has them');
SELECT is(pg_temp.refusal('INSERT INTO shop.sale VALUES (7, ''us'', 1, ''EUR'')'), '23505 shop.sale.id paysafe_sale_refund', 'a second payment of one key is refused');
SELECT is(pg_temp.refusal('INSERT INTO shop.sale VALUES (8, ''us'', 1, ''EUR'')'), 'accepted', '... another one is not');
SELECT is(pg_temp.refusal('UPDATE shop.sale SET id = 7 WHERE id = 8'), '23505 shop.sale.id paysafe_sale_refund', '... until it takes that key');
SELECT is(pg_temp.refusal('UPDATE shop.sale SET region = ''us'' WHERE id = 7'), 'accepted', 'a payment moves');

-- A refund that is called as another one is approved by its whole key.
CREATE TABLE shop.back_part (id int, region text, sale int, amount numeric, currency text, status text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.back_part_us PARTITION OF shop.back_part FOR VALUES IN ('us');
CREATE TABLE shop.back_part_eu PARTITION OF shop.back_part FOR VALUES IN ('eu');
CREATE INDEX ON shop.back_part (sale);
CREATE TABLE shop.sold (id int PRIMARY KEY, captured numeric, currency text);
INSERT INTO shop.sold VALUES (1, 100, 'EUR');
SELECT paysafe.protect_refund('shop.back_part', 'shop.sold', 'sale', 'amount', 'currency', 'status', '{paid}', '{void}', 'captured', 'currency');
SELECT paysafe.act_as('ann');
INSERT INTO shop.back_part VALUES (1, 'us', 1, 5, 'EUR', 'new'), (1, 'eu', 1, 6, 'EUR', 'new');
SELECT paysafe.act_as('bob');
SELECT throws_ok($$SELECT paysafe.approve('shop.back_part', '1', 'fine')$$, '22023', NULL, 'their id names two');
SELECT lives_ok($$SELECT paysafe.approve('shop.back_part', '1,eu', 'fine')$$, '... the whole key one of them');
SELECT paysafe.act_as('ann');
SELECT matches(pg_temp.refusal('UPDATE shop.back_part SET status = ''paid'' WHERE region = ''us'''), '^42501', '... not the other one');
SELECT is(pg_temp.refusal('UPDATE shop.back_part SET status = ''paid'' WHERE region = ''eu'''), 'accepted', '... that one');

-- What is no key says so.
SELECT throws_ok(format('SELECT paysafe.transition(''shop.job'', %L, ''new'', ''taken'')', key), '22023', NULL, 'no key: ' || key)
  FROM unnest('{x,"1,2","",9999999999999999999}'::text[]) key;
SELECT throws_ok($$SELECT paysafe.transition('shop.shelf', 's', 's', 'xl')$$, '22023', NULL, 'no status of the type');

SELECT * FROM finish();
ROLLBACK;
