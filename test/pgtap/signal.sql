-- Signals and decisions: what is kept of them, what is refused, how they are found.
-- What outlives a rollback takes the preloaded library: test/throttle.
BEGIN;
SELECT plan(50);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;

SELECT is(pg_temp.refusal(statement), code, statement) FROM (VALUES
	('SELECT paysafe.signal(NULL)', '22004'),
	('SELECT paysafe.signal('''')', '22023'),
	('SELECT paysafe.signal(''Card'')', '22023'),
	('SELECT paysafe.signal(''card testing'')', '22023'),
	('SELECT paysafe.signal(repeat(''x'', 64))', '22023'),
	('SELECT paysafe.signal(''x'', severity => ''high'')', '22023'),
	('SELECT paysafe.signal(''x'', severity => NULL)', '22004'),
	('SELECT paysafe.signal(''x'', ''{}'')', '22023'),
	('SELECT paysafe.signal(''x'', ''{a,NULL}'')', '22004'),
	('SELECT paysafe.signal(''x'', segment => '' '')', '22023'),
	('SELECT paysafe.signal(''x'', segment => repeat(''x'', 64))', '22023'),
	('SELECT paysafe.signal(''x'', figures => ''[1]'')', '22023'),
	('SELECT paysafe.signal(''x'', figures => jsonb_build_object(''a'', repeat(''x'', 1000)))', '22023'),
	('SELECT paysafe.signal(''x'', business_id => repeat(''x'', 201))', '22023'),
	('SELECT paysafe.signal(''x'', request_id => repeat(''x'', 64))', '22023'),
	('SELECT paysafe.signal_subject(VARIADIC ''{}'')', '22023'),
	('SELECT paysafe.signal_expire(''34 days'')', '22023'),
	('SELECT paysafe.decide(NULL, ''x'', NULL)', '22004'),
	('SELECT paysafe.decide(''x'', NULL, NULL)', '22004'),
	('SELECT paysafe.decide(''x'', ''No'', NULL)', '22023'),
	('SELECT paysafe.decide(''x'', ''no'', NULL, ''1'')', '22023'),
	('SELECT paysafe.decide(''x'', ''no'', NULL, version => repeat(''x'', 64))', '22023'),
	('SELECT * FROM paysafe.signals(''x'')', '22P02')) v (statement, code);
SELECT is((SELECT count(*) FROM paysafe.signal_record) + (SELECT count(*) FROM paysafe.decision_record), 0::bigint, 'nothing of these is on record');

-- what is kept
SELECT paysafe.act_as('ann', request_id => 'r-1', business_id => 'order-42');
SELECT lives_ok($$SELECT paysafe.signal('card_testing', '{192.0.2.7}', 'critical', 'web', '{"n": 2, "card": "4111111111111111", "pin": "2468135790"}')$$, 'a signal');
SELECT paysafe.signal('card_testing', '{192.0.2.7}'), paysafe.signal('card_testing', '{192.0.2,.7}'), paysafe.signal('quiet', business_id => 'order-43', request_id => 'r-9');
CREATE FUNCTION pg_temp.answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text;
BEGIN
	EXECUTE format('SELECT string_agg(concat_ws(''|'', VARIADIC ARRAY(SELECT coalesce(e.value, ''-'') FROM jsonb_each_text(to_jsonb(x)) e)), '', '') FROM (%s) x', statement) INTO r;
	RETURN r;
END $$;
SELECT is(pg_temp.answer('SELECT severity AS a, segment AS b, figures AS c, actor AS d, request_id AS e, business_id AS f, count AS g FROM paysafe.signal WHERE severity = ''critical'''),
	format('critical|web|%s|ann|r-1|order-42|1', paysafe.redact('{"n": 2, "card": "4111111111111111", "pin": "2468135790"}'::jsonb)), 'its columns, redacted');
SELECT unalike((SELECT figures::text FROM paysafe.signal WHERE severity = 'critical'), '%2468135790%', 'no secret');
SELECT unalike((SELECT figures::text FROM paysafe.signal WHERE severity = 'critical'), '%4111111111111111%', 'no card number');
SELECT is((SELECT count(*) FROM paysafe.signal WHERE subject = paysafe.signal_subject('192.0.2.7')), 2::bigint, 'signals of a subject are found');
SELECT is((SELECT count(*) FROM paysafe.signal WHERE subject = paysafe.signal_subject('192.0.2', '.7')), 1::bigint, 'of two parts');
SELECT isnt(paysafe.signal_subject('ab', 'c'), paysafe.signal_subject('a', 'bc'), 'where a part ends counts');
SELECT is(octet_length(paysafe.signal_subject('x')), 32, 'a hash');
SELECT isnt(paysafe.signal_subject('x'), sha256('x'), 'with a key');
SELECT is(pg_temp.answer('SELECT business_id AS a, request_id AS b FROM paysafe.signal WHERE kind = ''quiet'''), 'order-43|r-9', 'ids that are given come before those of act_as');

-- decisions
SELECT is(paysafe.decide('screening', 'declined', 'abc', '{"score": 91}', 'model-7'), sha256('abc'), 'SHA-256 of the input');
SELECT is(paysafe.decide('screening', 'passed', NULL), NULL, 'of none');
SELECT is(pg_temp.answer('SELECT v AS a, name AS b, outcome AS c, input_sha256 = sha256(''abc'') AS d, version AS e, detail AS f, actor AS g, request_id AS h, business_id AS i, count AS j FROM paysafe.decision WHERE outcome = ''declined'''),
	'1|screening|declined|true|model-7|{"score": 91}|ann|r-1|order-42|1', 'a decision');

-- a cursor of this database that it has not come to: it was restored to an earlier time
CREATE FUNCTION pg_temp.place(timelines int, xids bigint) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws('/', s.system_identifier, d.oid, c.timeline_id + $1, pg_current_xact_id()::text::bigint + $2, 0)
	  FROM pg_control_system() s, pg_control_checkpoint() c, pg_database d WHERE d.datname = current_database() $$;
SELECT is(pg_temp.refusal('SELECT * FROM paysafe.signals(pg_temp.place(0, 1000000))'), '55000', 'of a transaction to come');
SELECT is(pg_temp.refusal('SELECT * FROM paysafe.signals(pg_temp.place(1, -1))'), '55000', 'of a timeline to come');
SELECT is_empty('SELECT * FROM paysafe.signals(pg_temp.place(0, 0))', 'of what there is');

-- sealed with the log, and read in the order of transactions that have ended
SELECT is((SELECT count(*) FROM paysafe.audit_log WHERE subject IN ('paysafe.signal_record', 'paysafe.decision_record')), 6::bigint, 'they are rows of the audit log');
SELECT is_empty('SELECT * FROM paysafe.signals()', 'none is read of a transaction that has not ended');

-- a story
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, status text);
SELECT paysafe.protect_status('shop.payment', 'status', '[*] --> new'), paysafe.audit('shop.payment'), paysafe.extend_audit();
SELECT paysafe.act_as('ann', request_id => 'r-2', business_id => 'order-42');
INSERT INTO shop.payment VALUES (1, 'new');
SELECT paysafe.act_as('bob', request_id => 'r-2');
SELECT paysafe.decide('review', 'held', 'x');
SELECT paysafe.act_as('bob', request_id => 'r-3', business_id => 'order-44');
SELECT paysafe.decide('review', 'other', 'x');
SELECT paysafe.act_as('bob', request_id => 'r-2', business_id => 'order-44');
SELECT paysafe.decide('review', 'other', 'x'), paysafe.signal('another_order');
SELECT is(pg_temp.answer($$SELECT source AS a, name AS b, outcome AS c, key AS d, actor AS e FROM paysafe.story('order-42') WHERE table_name IS NULL OR table_name = 'shop.payment'$$),
	'signal|card_testing|critical|-|ann, signal|card_testing|warning|-|ann, signal|card_testing|warning|-|ann, decision|screening|declined|-|ann, '
	'decision|screening|passed|-|ann, change|INSERT|-|1|ann, decision|review|held|-|bob', 'in order, also what is known by the request only, and nothing of another order in it');
SELECT is_empty($$SELECT * FROM paysafe.story('order-45')$$, 'of nobody');

-- by indexes, whatever there is
SET LOCAL enable_seqscan = off;
CREATE FUNCTION pg_temp.plan(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || statement; END $$;
SELECT is_empty(format($$SELECT * FROM pg_temp.plan(%L) p WHERE p ~ 'Seq Scan on (signal|decision|refusal|approval|rejection)_record'$$, statement), statement)
  FROM unnest(ARRAY[
	$$SELECT * FROM paysafe.decision WHERE outcome <> 'verified' AND request_id = ANY ('{r-1,r-2}')$$,
	$$SELECT * FROM paysafe.signal WHERE business_id = 'order-42' OR request_id = ANY ('{r-1}') AND business_id IS NULL$$,
	$$SELECT * FROM paysafe.signal WHERE subject = '\x00'$$]) statement;

-- figures
SELECT is(paysafe.metric_line('a_total', ARRAY['b', E'q"b\\n\n', 'c', 'd'], 1.5), E'a_total{b="q\\"b\\\\n\\n",c="d"} 1.5', 'labels are escaped');
SELECT is(paysafe.metric_line('a', '{}', 2), 'a 2', 'or none');
SELECT matches(paysafe.metrics(), '# HELP paysafe_info [^\n]+\n# TYPE paysafe_info gauge\npaysafe_info\{version="[0-9.]+"\} 1\n', 'an info metric');
SELECT * FROM finish();
ROLLBACK;
