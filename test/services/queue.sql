-- Events wait, are claimed, worked on, tried again, given up, revived.
BEGIN;
SELECT plan(107);
\ir ../pgtap/lib/refusal.psql
CREATE ROLE regress_paysafe_worker;

-- what is there of an event
CREATE FUNCTION pg_temp.life(event bigint) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', state, attempt, last_error) FROM paysafe.inbox WHERE id = event $$;
-- a query's rows as text
CREATE FUNCTION pg_temp.rows(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r record;
	result text := '';
BEGIN
	FOR r IN EXECUTE query LOOP result := result || r::text; END LOOP;
	RETURN result;
END $$;
-- claim one, and give it back as failed, so many times
CREATE FUNCTION pg_temp.fail(source text, times int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	c record;
	event bigint;
BEGIN
	FOR i IN 1..times LOOP
		SELECT * INTO STRICT c FROM paysafe.inbox_claim(source);
		PERFORM paysafe.inbox_retry(c.id, c.attempt, 'failure ' || i);
		event := c.id;
	END LOOP;
	RETURN event;
END $$;

CREATE TEMP TABLE added (n int, id bigint);
INSERT INTO added SELECT n, paysafe.inbox_add('stripe', 'evt_' || n, CASE WHEN n < 3 THEN 'charge' END,
	CASE WHEN n < 3 THEN '{"x": ["1"]}'::jsonb END, decode(repeat('00ff7b', n), 'hex')) FROM generate_series(1, 5) n;
INSERT INTO added VALUES (9, paysafe.inbox_add('adyen', 'evt_1', NULL, NULL, ''));
SELECT is(pg_temp.rows($$SELECT e.endpoint, e.event_id, e.event_type, e.state, e.attempt, e.ended_at, e.last_error FROM paysafe.inbox e JOIN added a USING (id) WHERE n IN (2, 3, 9) ORDER BY n$$), pg_temp.rows($$VALUES ('stripe', 'evt_2', 'charge', 'ready', 0, NULL::timestamptz, NULL::text), ('stripe', 'evt_3', NULL, 'ready', 0, NULL, NULL), ('adyen', 'evt_1', NULL, 'ready', 0, NULL, NULL)$$), 'added');

-- claims: the oldest first, and each once
CREATE TEMP TABLE first AS SELECT * FROM paysafe.inbox_claim('stripe', 2);
SELECT is(pg_temp.rows('SELECT f.endpoint, f.event_id, f.event_type, f.headers, f.body, f.attempt FROM first f'), pg_temp.rows($$SELECT 'stripe', 'evt_' || n, 'charge', '{"x": ["1"]}'::jsonb, decode(repeat('00ff7b', n), 'hex'), 1 FROM generate_series(1, 2) n$$), 'the two oldest, as they came');
CREATE TEMP TABLE rest AS SELECT * FROM paysafe.inbox_claim('stripe', 10);
SELECT is(pg_temp.rows('SELECT event_id, event_type, headers FROM rest'), pg_temp.rows($$VALUES ('evt_3', NULL::text, NULL::jsonb), ('evt_4', NULL, NULL), ('evt_5', NULL, NULL)$$), 'then the others');
SELECT is_empty($$SELECT * FROM paysafe.inbox_claim('stripe', 10)$$, 'then none');
SELECT is((SELECT body FROM paysafe.inbox_claim('adyen', 10)), '', 'another endpoint''s was left, its body empty');
SELECT throws_ok($$SELECT * FROM paysafe.inbox_claim('nobody')$$, '22023', 'there is no inbox of endpoint "nobody"', 'an endpoint that there is not is an error: nobody would wait for it in vain');
SELECT paysafe.set_queue('inbox', 'declared');
SELECT is_empty($$SELECT * FROM paysafe.inbox_claim('declared')$$, 'one that is declared has none yet');
SELECT is(pg_temp.rows($$SELECT state, attempt, next_at > clock_timestamp() + interval '4 minutes' AND next_at <= clock_timestamp() + interval '5 minutes'
	FROM paysafe.inbox WHERE endpoint = 'stripe' AND event_id = 'evt_1'$$), pg_temp.rows($$VALUES ('leased', 1, true)$$), 'leased for five minutes');
-- in the very command that adds it
SELECT is((SELECT ROW(c.id = a.id, c.attempt) FROM (SELECT paysafe.inbox_add('now', 'e', NULL, NULL, 'x') AS id OFFSET 0) a, LATERAL paysafe.inbox_claim('now', CASE WHEN a.id > 0 THEN 1 END) c), ROW(true, 1), 'added and claimed by one statement');

-- done
SELECT lives_ok('SELECT paysafe.inbox_done(id, attempt) FROM first WHERE event_id = ''evt_1''', 'done');
SELECT is(pg_temp.rows($$SELECT state, ended_at IS NOT NULL FROM paysafe.inbox WHERE endpoint = 'stripe' AND event_id = 'evt_1'$$), pg_temp.rows($$VALUES ('done', true)$$), 'and stays so');
SELECT is(pg_temp.refusal('SELECT paysafe.inbox_done(id, attempt) FROM first WHERE event_id = ''evt_1'''), '40001 paysafe_inbox_fenced', 'not twice');
SELECT is(pg_temp.refusal('SELECT paysafe.inbox_retry(id, attempt, ''x'') FROM first WHERE event_id = ''evt_1'''), '40001 paysafe_inbox_fenced', 'nor failed then');
SELECT is(pg_temp.refusal('SELECT paysafe.inbox_done(id, 2) FROM first WHERE event_id = ''evt_2'''), '40001 paysafe_inbox_fenced', 'nor by another attempt');
SELECT is(pg_temp.refusal('SELECT paysafe.inbox_done(id, 0) FROM added WHERE n = 2'), '40001 paysafe_inbox_fenced', 'nor without one');
SELECT is(pg_temp.refusal_text('SELECT paysafe.inbox_done(id, 2) FROM first WHERE event_id = ''evt_2''', 'DETAIL'), format('Attempt 1 has event %s.', id), 'who has it') FROM added WHERE n = 2;
SELECT throws_ok('SELECT paysafe.inbox_done(9999999, 1)', '22023', 'inbox event 9999999 does not exist', 'no such event');
SELECT throws_ok('SELECT paysafe.inbox_retry(9999999, 1, ''x'')', '22023', 'inbox event 9999999 does not exist', 'to retry');
SELECT throws_ok('SELECT paysafe.inbox_revive(9999999, ''x'')', '22023', 'inbox event 9999999 does not exist', 'to revive');

-- failed: later, and later
-- how far off the next attempt is after so many failures: at most, at least
CREATE FUNCTION pg_temp.pause(source text, failures int) RETURNS float8[] LANGUAGE plpgsql AS $$
DECLARE
	c record;
	before timestamptz;
	at timestamptz;
BEGIN
	PERFORM paysafe.set_queue('inbox', source, 1000, '1 microsecond', '1 microsecond');
	PERFORM paysafe.inbox_add(source, 'e', NULL, NULL, 'x');
	PERFORM pg_temp.fail(source, failures - 1);
	PERFORM paysafe.set_queue('inbox', source, 1000);
	SELECT * INTO STRICT c FROM paysafe.inbox_claim(source);
	before := clock_timestamp();
	at := paysafe.inbox_retry(c.id, c.attempt, 'x');
	IF at <> (SELECT next_at FROM paysafe.inbox i WHERE i.id = c.id) THEN RETURN NULL; END IF;
	RETURN ARRAY[extract(epoch FROM at - before), extract(epoch FROM at - clock_timestamp())];
END $$;
SELECT ok(p[1] >= 0.8 * s AND p[2] <= 1.2 * s, format('after %s failures, %s s and a fifth more or less', f, s))
  FROM (SELECT f, s, pg_temp.pause('pause' || f, f) AS p FROM (VALUES (1, 10), (2, 20), (3, 40), (8, 1280), (11, 10240), (13, 21600), (40, 21600)) v (f, s) OFFSET 0) v;
SELECT cmp_ok(count(DISTINCT p)::int, '>', 1, 'not all at once') FROM (SELECT round(p[1]) AS p FROM (SELECT pg_temp.pause('jitter' || i, 13) AS p FROM generate_series(1, 10) i OFFSET 0) v) v;
SELECT is(pg_temp.life(id), 'leased 1', 'before') FROM first WHERE event_id = 'evt_2';
SELECT isnt(paysafe.inbox_retry(id, attempt, 'HTTP 503'), NULL, 'failed') FROM first WHERE event_id = 'evt_2';
SELECT is(pg_temp.life(id), 'ready 1 HTTP 503', 'it waits') FROM first WHERE event_id = 'evt_2';
SELECT is_empty($$SELECT * FROM paysafe.inbox_claim('stripe', 10)$$, 'and nobody gets it before its time');

-- the last attempt
SELECT paysafe.set_queue('inbox', 'short', 3, '1 microsecond', '1 microsecond');
SELECT paysafe.inbox_add('short', 'e', NULL, NULL, 'x');
SELECT is(pg_temp.life(pg_temp.fail('short', 2)), 'ready 2 failure 2', 'two of three');
SELECT is(pg_temp.life(pg_temp.fail('short', 1)), 'dead 3 failure 1', 'given up');
SELECT is_empty($$SELECT * FROM paysafe.inbox_claim('short')$$, 'nobody gets it');
SELECT is(pg_temp.rows($$SELECT n.queue, n.what, n.attempt, n.reason, n.actor, n.session_user_name FROM paysafe.queue_note n JOIN paysafe.inbox i ON i.id = n.event WHERE i.endpoint = 'short'$$), pg_temp.rows($$VALUES ('inbox', 'dead', 3, 'failure 1', session_user::text, session_user::text)$$), 'on record');
SELECT is(pg_temp.rows($$SELECT c.ok, c.detail FROM paysafe.check() c WHERE subject = 'inbox short' AND check_name = 'events'$$), pg_temp.rows($$VALUES (false, '1 dead, 0 overdue for more than an hour')$$), 'check() says so');
SELECT is(pg_temp.rows($$SELECT c.ok, c.detail FROM paysafe.check() c WHERE subject = 'inbox stripe' AND check_name = 'events'$$), pg_temp.rows($$VALUES (true, NULL::text)$$), 'and of those without trouble that there is none');
SELECT is(pg_temp.refusal('SELECT paysafe.inbox_revive(id, ''x'') FROM first WHERE event_id = ''evt_2'''), '23T01 paysafe_inbox_state', 'only the dead are revived');
SELECT is(pg_temp.refusal_text('SELECT paysafe.inbox_revive(id, ''x'') FROM first WHERE event_id = ''evt_1''', 'DETAIL'), 'It is done.', 'not the done');
SELECT throws_ok($$SELECT paysafe.inbox_revive(id, NULL) FROM paysafe.inbox WHERE endpoint = 'short'$$, '22004', NULL, 'nor without a reason');
SELECT throws_ok($$SELECT paysafe.inbox_revive(id, '') FROM paysafe.inbox WHERE endpoint = 'short'$$, '22023', NULL, 'or an empty one');
SELECT paysafe.act_as('ann');
SELECT lives_ok($$SELECT paysafe.inbox_revive(id, 'their bug is fixed') FROM paysafe.inbox WHERE endpoint = 'short'$$, 'revived');
SELECT is(pg_temp.rows($$SELECT n.what, n.reason, n.actor FROM paysafe.queue_note n JOIN paysafe.inbox i ON i.id = n.event WHERE i.endpoint = 'short' ORDER BY n.id DESC LIMIT 1$$), pg_temp.rows($$VALUES ('revived', 'their bug is fixed', 'ann')$$), 'on record');
SELECT is((SELECT count(*)::int FROM paysafe.audit_log l JOIN paysafe.inbox i ON i.id = (l.after ->> 'event')::bigint
	WHERE l.table_name = 'queue_note' AND i.endpoint = 'short'), 2, 'in the audit log too');
SELECT is(pg_temp.life(pg_temp.fail('short', 2)), 'ready 5 failure 2', 'it has three attempts again, and their numbers go on');
SELECT is(pg_temp.life(pg_temp.fail('short', 1)), 'dead 6 failure 1', 'and is given up again');
SELECT paysafe.inbox_add('short', 'e2', NULL, NULL, 'x');
SELECT is((SELECT paysafe.inbox_retry(id, attempt, 'no such customer', final => true) FROM paysafe.inbox_claim('short')), NULL, 'no use trying again');
SELECT is(state, 'dead', 'given up at once') FROM paysafe.inbox WHERE endpoint = 'short' AND event_id = 'e2';
SELECT throws_ok($$SELECT paysafe.inbox_dismiss(id, '') FROM paysafe.inbox WHERE endpoint = 'short' AND event_id = 'e2'$$, '22023', NULL, 'not dismissed without a reason');
SELECT lives_ok($$SELECT paysafe.inbox_dismiss(id, 'customer left') FROM paysafe.inbox WHERE endpoint = 'short' AND event_id = 'e2'$$, 'dismissed');
SELECT is(pg_temp.rows($$SELECT i.state, n.what, n.reason, n.actor FROM paysafe.queue_note n JOIN paysafe.inbox i ON i.id = n.event WHERE i.endpoint = 'short' ORDER BY n.id DESC LIMIT 1$$),
	'(dismissed,dismissed,"customer left",ann)', 'on record');
SELECT is(pg_temp.refusal(format('SELECT paysafe.inbox_%s(id, ''x'') FROM paysafe.inbox WHERE endpoint = ''short'' AND event_id = ''e2''', f)), '23T01 paysafe_inbox_state', 'it is too late to ' || f || ' it')
  FROM unnest('{dismiss,revive}'::text[]) f;
-- settings of an endpoint, and of those that have none
SELECT paysafe.set_queue('inbox', NULL, 2, '1 microsecond', '1 microsecond'), paysafe.set_queue('outbox', 'others', 1);
SELECT paysafe.inbox_add('others', 'e', NULL, NULL, 'x'), paysafe.inbox_add('short', 'e3', NULL, NULL, 'x');
SELECT is(pg_temp.life(pg_temp.fail('others', 2)), 'dead 2 failure 2', 'two attempts for all others');
SELECT is(pg_temp.life(pg_temp.fail('short', 2)), 'ready 2 failure 2', 'three for this one');
SELECT paysafe.inbox_retry(id, attempt, repeat('x', 300), true) FROM paysafe.inbox_claim('short');
SELECT is(length(last_error), 200, 'a reason is cut off') FROM paysafe.inbox WHERE endpoint = 'short' AND event_id = 'e3';
SELECT paysafe.inbox_add('umlaut', 'e', NULL, NULL, 'x');
SELECT paysafe.inbox_retry(id, attempt, repeat('ä', 99) || 'xää') FROM paysafe.inbox_claim('umlaut');
SELECT is(last_error, repeat('ä', 99) || 'x', 'between letters') FROM paysafe.inbox WHERE endpoint = 'umlaut';

-- leases that are over
SELECT paysafe.set_queue('inbox', 'lease', 3, '1 microsecond', '1 microsecond');
SELECT paysafe.inbox_add('lease', 'e', NULL, NULL, 'x');
SELECT is((SELECT attempt FROM paysafe.inbox_claim('lease', lease => '1 microsecond')), 1, 'a short lease');
SELECT is(pg_temp.rows($$SELECT event_id, attempt FROM paysafe.inbox_claim('lease', lease => '1 microsecond')$$), pg_temp.rows($$VALUES ('e', 2)$$), 'is over: the next attempt');
SELECT is(pg_temp.refusal($$SELECT paysafe.inbox_done(id, 1) FROM paysafe.inbox WHERE endpoint = 'lease'$$), '40001 paysafe_inbox_fenced', 'the first one is fenced off');
SELECT is(pg_temp.refusal($$SELECT paysafe.inbox_retry(id, 1, 'x') FROM paysafe.inbox WHERE endpoint = 'lease'$$), '40001 paysafe_inbox_fenced', 'and cannot fail either');
SAVEPOINT late;
SELECT lives_ok($$SELECT paysafe.inbox_done(id, 2) FROM paysafe.inbox WHERE endpoint = 'lease'$$, 'the second one may finish, late, as long as nobody has taken over');
ROLLBACK TO late;
SELECT is((SELECT attempt FROM paysafe.inbox_claim('lease', lease => '1 microsecond')), 3, 'the rollback took that back; the last attempt');
SELECT paysafe.inbox_add('lease', 'e2', NULL, NULL, 'x');
SELECT is(pg_temp.rows($$SELECT event_id, attempt FROM paysafe.inbox_claim('lease')$$), pg_temp.rows($$VALUES ('e2', 1)$$), 'who does not come back three times is not tried again, and keeps nobody waiting');
SELECT is(pg_temp.life(id), 'dead 3 the lease of the last attempt is over', 'but given up') FROM paysafe.inbox WHERE endpoint = 'lease' AND event_id = 'e';
SELECT paysafe.inbox_add('order', 'e' || i, NULL, NULL, 'x') FROM generate_series(1, 3) i;
SELECT paysafe.inbox_claim('order', lease => '1 microsecond');
SELECT is(pg_temp.rows($$SELECT event_id, attempt FROM paysafe.inbox_claim('order', 2)$$), pg_temp.rows($$VALUES ('e1', 2), ('e2', 1)$$), 'those whose lease is over come first');

-- savepoints
SELECT paysafe.inbox_add('savepoint', 'e' || i, NULL, NULL, 'x') FROM generate_series(1, 2) i;
SAVEPOINT a;
SELECT is((SELECT count(*)::int FROM paysafe.inbox_claim('savepoint', 5)), 2, 'claimed');
ROLLBACK TO a;
SELECT is(pg_temp.rows($$SELECT event_id, attempt FROM paysafe.inbox_claim('savepoint')$$), pg_temp.rows($$VALUES ('e1', 1)$$), 'a rollback gives a claim back');
SAVEPOINT b;
SELECT paysafe.inbox_add('savepoint', 'e3', NULL, NULL, 'x');
SELECT paysafe.inbox_done(id, 1) FROM paysafe.inbox WHERE endpoint = 'savepoint' AND event_id = 'e1';
ROLLBACK TO b;
SELECT is(pg_temp.rows($$SELECT event_id, state FROM paysafe.inbox WHERE endpoint = 'savepoint' ORDER BY id$$), pg_temp.rows($$VALUES ('e1', 'leased'), ('e2', 'ready')$$), 'and takes an addition and an end back');
SAVEPOINT c;
SELECT paysafe.inbox_done(id, 1) FROM paysafe.inbox WHERE endpoint = 'savepoint' AND event_id = 'e1';
RELEASE c;
SELECT is(state, 'done', 'a released one keeps them') FROM paysafe.inbox WHERE endpoint = 'savepoint' AND event_id = 'e1';

-- nobody else writes it
SELECT is(pg_temp.refusal(format(c, t)), format('42501 paysafe.%1$s paysafe_%1$s_own_table', t), format(c, t))
  FROM unnest('{inbox_event,inbox_payload,queue_note,queue_setting}'::text[]) t, unnest(ARRAY['DELETE FROM paysafe.%s', 'TRUNCATE paysafe.%s']) c;
SELECT is(pg_temp.refusal(c), '42501 paysafe.inbox_event paysafe_inbox_event_own_table', c)
  FROM unnest(ARRAY['UPDATE paysafe.inbox_event SET state = ''done''', 'INSERT INTO paysafe.inbox_event SELECT * FROM paysafe.inbox_event',
	'UPDATE paysafe.inbox SET state = ''ready''', 'DELETE FROM paysafe.inbox']) c;
SELECT is(pg_temp.refusal(c, 'regress_paysafe_worker'), '42501', c)
  FROM unnest(ARRAY['SELECT paysafe.inbox_claim(''stripe'')', 'SELECT paysafe.inbox_revive(1, ''x'')', 'SELECT * FROM paysafe.inbox', 'SELECT * FROM paysafe.inbox_payload']) c;
GRANT EXECUTE ON FUNCTION paysafe.inbox_claim, paysafe.inbox_done TO regress_paysafe_worker;
SELECT is(pg_temp.refusal($$SELECT paysafe.inbox_done(id, attempt) FROM paysafe.inbox_claim('savepoint')$$, 'regress_paysafe_worker'), 'accepted', 'a worker needs the functions, and nothing else');

-- what is no argument
SELECT is(pg_temp.refusal(c), '22023', c)
  FROM unnest(ARRAY['SELECT paysafe.inbox_claim('''')', 'SELECT paysafe.inbox_claim(''stripe'', 0)', 'SELECT paysafe.inbox_claim(''stripe'', 1001)',
	'SELECT paysafe.inbox_claim(''stripe'', 1, ''-1 s'')', 'SELECT paysafe.inbox_add(''stripe'', '''', NULL, NULL, ''x'')',
	'SELECT paysafe.set_queue(''other'', NULL)', 'SELECT paysafe.set_queue(''inbox'', NULL, 0)', 'SELECT paysafe.set_queue(''inbox'', NULL, 5, ''1 hour'', ''1 minute'')',
	'SELECT paysafe.queue_expire(''0'')']) c;
SELECT throws_ok(c, '22004', NULL, c)
  FROM unnest(ARRAY['SELECT paysafe.inbox_claim(NULL)', 'SELECT paysafe.inbox_done(NULL, 1)', 'SELECT paysafe.inbox_done(1, NULL)',
	'SELECT paysafe.inbox_retry(1, 1, NULL)', 'SELECT paysafe.inbox_add(''stripe'', ''e'', NULL, NULL, NULL)']) c;
-- a reader does not work
SET LOCAL transaction_read_only = on;
SELECT throws_ok(c, '25006', NULL, c)
  FROM unnest(ARRAY['SELECT paysafe.inbox_add(''stripe'', ''e'', NULL, NULL, ''x'')', 'SELECT paysafe.inbox_claim(''stripe'')', 'SELECT paysafe.inbox_done(1, 1)',
	'SELECT paysafe.inbox_retry(1, 1, ''x'')', 'SELECT paysafe.inbox_revive(1, ''x'')', 'SELECT paysafe.inbox_dismiss(1, ''x'')']) c;
SELECT * FROM finish();
ROLLBACK;
