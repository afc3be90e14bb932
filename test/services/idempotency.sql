-- A request is executed once, however often it arrives.
BEGIN;
SELECT plan(86);
\ir ../pgtap/lib/refusal.psql
CREATE ROLE regress_paysafe_shop;

SELECT throws_ok($$SELECT paysafe.idempotency_begin('charge', 'k1', 'x')$$, '22023', 'there is no idempotency endpoint "charge"', 'an endpoint is set up first');
SELECT lives_ok($$SELECT paysafe.set_idempotency('charge')$$, 'set up');
SELECT lives_ok($$SELECT paysafe.set_idempotency('v2', '{2xx}', '1 day', '1 minute', true)$$, 'another one, as Stripe''s version 2');
SELECT lives_ok($$SELECT paysafe.set_idempotency('v1', '{2xx,4xx,5xx}')$$, 'and as its version 1');
SELECT throws_ok(format('SELECT paysafe.set_idempotency(%s)', a), '22023', NULL, a)
  FROM unnest(ARRAY[$$'x', '{abc}'$$, $$'x', '{6xx}'$$, $$'x', '{2x}'$$, $$'x', '{NULL}'$$, $$'', '{2xx}'$$, $$'x', '{2xx}', '-1 day'$$, $$E'x\ny'$$]) a;

-- the life of a request
CREATE TEMP TABLE first AS SELECT * FROM paysafe.idempotency_begin('charge', 'k1', '{"amount": 1}', scope => 'tenant-1');
SELECT results_eq('SELECT outcome, attempt, recovery_point, memo, status, headers::text, body FROM first',
	$$VALUES ('run', 1, NULL::text, NULL::bytea, NULL::int, NULL::text, NULL::bytea)$$, 'it is executed');
SELECT throws_ok($$SELECT paysafe.idempotency_begin('charge', 'k1', '{"amount": 1}', scope => 'tenant-1')$$, '55P03', NULL, 'not twice in one transaction');
SELECT is(paysafe.idempotency_finish('charge', 'k1', 1, 201, '{"b": 1,"a":2, "a":3,"n":1.0e2}', '\x7b2262223a20312c00ff'::bytea, 'tenant-1'), true, 'finished');
SELECT results_eq($$SELECT outcome, attempt, status, headers::text, body, body_sha256 FROM paysafe.idempotency_begin('charge', 'k1', '{"amount": 1}', 'tenant-1')$$,
	$$VALUES ('replay', 1, 201, '{"b": 1,"a":2, "a":3,"n":1.0e2}', '\x7b2262223a20312c00ff'::bytea, sha256('\x7b2262223a20312c00ff'))$$, 'byte for byte');
SELECT results_eq($$SELECT outcome, body FROM paysafe.idempotency_begin('charge', '"k1"', '{"amount": 1}', 'tenant-1', 'claimed', true)$$,
	$$VALUES ('replay', '\x7b2262223a20312c00ff'::bytea)$$, 'the key in quotes is the same; any mode repeats');
-- another request with the same key
SELECT throws_ok($$SELECT paysafe.idempotency_begin('charge', 'k1', '{"amount":1}', 'tenant-1')$$, '23I01', 'the idempotency key was used for another request', 'other bytes');
SELECT is(pg_temp.refusal($$SELECT paysafe.idempotency_begin('charge', 'k1', '{"amount":1}', 'tenant-1')$$), '23I01 paysafe_idempotency_mismatch', 'its constraint');
-- other scopes and endpoints are other keys
SELECT is((paysafe.idempotency_begin('charge', 'k1', 'x', 'tenant-2')).outcome, 'run', 'another tenant');
SELECT is((paysafe.idempotency_begin('v1', 'k1', 'x', 'tenant-1')).outcome, 'run', 'another endpoint');
SELECT is((paysafe.idempotency_begin('charge', 'k1', 'x')).outcome, 'run', 'no tenant: whoever acts');
SELECT is((paysafe.idempotency_begin('charge', 'k1', 'x', session_user::text)).outcome, 'run', 'a tenant of that name is another one');
SELECT is((SELECT count(*)::int FROM paysafe.idempotency_key WHERE encode(digest, 'escape') ~ 'tenant' OR encode(fingerprint, 'escape') ~ 'amount'), 0, 'nothing in clear');
SELECT paysafe.idempotency_fail('charge', 'k1', 1, scope => 'tenant-2'), paysafe.idempotency_fail('v1', 'k1', 1, scope => 'tenant-1'),
	   paysafe.idempotency_fail('charge', 'k1', 1), paysafe.idempotency_fail('charge', 'k1', 1, scope => session_user::text);

-- what is no key
SELECT throws_ok(format('SELECT paysafe.idempotency_begin(%L, %L, %L)', 'charge', k, 'x'), '22023', NULL, coalesce(k, 'NULL'))
  FROM unnest(ARRAY['', ' ', 'a b', '"', '""', '"a', 'a"', E'a\tb', 'ä', E'a\x7f', '"a\"', '"a\n"', repeat('x', 256)]) k;
SELECT is((paysafe.idempotency_begin('charge', k, 'x', 's')).outcome, 'run', k)
  FROM unnest(ARRAY['"a b\"\\"', repeat('x', 255), 'c6b1f4a0-7d0b-4c0e-9d3e-0a3c8c1d2f3e']) k;
SELECT throws_ok($$SELECT paysafe.idempotency_begin('charge', NULL, 'x')$$, '22004', NULL, 'no key');
SELECT throws_ok($$SELECT paysafe.idempotency_begin('charge', 'k', NULL)$$, '22004', NULL, 'no request');
SELECT throws_ok($$SELECT paysafe.idempotency_begin('charge', 'k', 'x', mode => 'other')$$, '22023', NULL, 'no mode');

-- what is final is the endpoint's choice
SELECT is((paysafe.idempotency_begin('v1', 'f', 'x', 's')).attempt, 1, 'version 1');
SELECT is(paysafe.idempotency_finish('v1', 'f', 1, 500, NULL, 'oops', 's'), true, 'its errors are final');
SELECT is((SELECT ROW(outcome, status, headers, convert_from(body, 'UTF8'))::text FROM paysafe.idempotency_begin('v1', 'f', 'x', 's')),
	'(replay,500,,oops)', 'and repeated');
SELECT is((paysafe.idempotency_begin('v2', 'f', 'x', 's')).attempt, 1, 'version 2');
SELECT is(paysafe.idempotency_finish('v2', 'f', 1, 500, '{}', 'oops', 's'), false, 'its errors are not');
SELECT is((SELECT last_error FROM paysafe.idempotency WHERE endpoint = 'v2' AND state = 'released'), 'status 500', 'which the view shows');
SELECT results_eq($$SELECT outcome, attempt FROM paysafe.idempotency_begin('v2', 'f', 'x', 's')$$, $$VALUES ('run', 2)$$, 'the next one tries again');
SELECT is(paysafe.idempotency_finish('v2', 'f', 2, 200, '{"x": "very secret"}', 'very secret', 's'), true, 'and may succeed');
SELECT is((SELECT ROW(status, headers ->> 'x', md5(body))::text FROM paysafe.idempotency_begin('v2', 'f', 'x', 's')),
	format('(200,"very secret",%s)', md5('very secret')), 'which is repeated, though stored encrypted');
SELECT is((SELECT count(*)::int FROM paysafe.idempotency_response WHERE sealed AND (encode(body, 'escape') ~ 'secret' OR encode(headers, 'escape') ~ 'secret')), 0, 'nothing in clear');

-- attempts that are over
SELECT throws_ok($$SELECT paysafe.idempotency_finish('v2', 'f', 1, 200, NULL, 'x', 's')$$, '40001', NULL, 'the first attempt cannot finish');
SELECT throws_ok($$SELECT paysafe.idempotency_finish('v2', 'f', 2, 200, NULL, 'x', 's')$$, '40001', NULL, 'nor the second one twice');
SELECT throws_ok($$SELECT paysafe.idempotency_step('v2', 'f', 2, 'x', scope => 's')$$, '40001', NULL, 'nor get further');
SELECT throws_ok($$SELECT paysafe.idempotency_fail('v2', 'f', 2, scope => 's')$$, '40001', NULL, 'nor fail');
SELECT throws_ok($$SELECT paysafe.idempotency_finish('v2', 'other', 1, 200, NULL, 'x', 's')$$, '22023', NULL, 'nor who has not begun');
SELECT throws_ok($$SELECT paysafe.idempotency_finish('v2', 'f', 2, 600, NULL, 'x', 's')$$, '22023', NULL, 'no status');
-- recovery points
SELECT is((paysafe.idempotency_begin('v2', 'r', 'x', 's', 'claimed')).outcome, 'run', 'claimed');
SELECT throws_ok($$SELECT paysafe.idempotency_begin('v2', 'r', 'x', 's', 'claimed')$$, '55P03', NULL, 'under way');
SELECT lives_ok($$SELECT paysafe.idempotency_step('v2', 'r', 1, 'charged', 'ch_secret', 's')$$, 'it got somewhere');
SELECT is((SELECT count(*)::int FROM paysafe.idempotency_key WHERE encode(memo, 'escape') ~ 'secret'), 0, 'its memo is encrypted');
SELECT lives_ok($$SELECT paysafe.idempotency_fail('v2', 'r', 1, 'card 4242424242424242 declined ' || repeat('é', 200), 's')$$, 'and failed');
SELECT is((SELECT ROW(state, last_error)::text FROM paysafe.idempotency WHERE endpoint = 'v2' AND recovery_point = 'charged'),
	format('(released,"card 424242******4242 declined %s")', repeat('é', 84)), 'why: 200 bytes, without the card number');
SELECT is((SELECT ROW(outcome, attempt, recovery_point, convert_from(memo, 'UTF8'))::text FROM paysafe.idempotency_begin('v2', 'r', 'x', 's', 'claimed')),
	'(run,2,charged,ch_secret)', 'the next one goes on from there');
SELECT throws_ok($$SELECT paysafe.idempotency_fail('v2', 'r', 2, '', 's')$$, '22023', NULL, 'a reason that is none');
SELECT paysafe.idempotency_finish('v2', 'r', 2, 200, NULL, '', 's');

-- leases end, and whoever is taken over cannot finish
SELECT paysafe.set_idempotency('short', lease => '5 milliseconds'), paysafe.set_idempotency('brief', retention => '400 milliseconds');
SELECT is((paysafe.idempotency_begin('short', 'l', 'x', 's', 'claimed')).attempt, 1, 'a short lease');
SELECT pg_sleep(0.02);
SELECT results_eq($$SELECT outcome, attempt FROM paysafe.idempotency_begin('short', 'l', 'x', 's', 'claimed')$$, $$VALUES ('run', 2)$$, 'is over: the next attempt');
SELECT throws_ok($$SELECT paysafe.idempotency_finish('short', 'l', 1, 200, NULL, 'x', 's')$$, '40001', NULL, 'the first one is fenced off');
SELECT is(pg_temp.refusal($$SELECT paysafe.idempotency_step('short', 'l', 1, 'x', scope => 's')$$), '40001 paysafe_idempotency_fenced', 'its constraint');
SELECT is(paysafe.idempotency_finish('short', 'l', 2, 200, NULL, 'x', 's'), true, 'the second one finishes, though its lease is over too');
SELECT is((paysafe.idempotency_begin('short', 'l', 'x', 's')).outcome, 'replay', 'repeated');
-- and keys: for ever
SELECT paysafe.idempotency_begin('brief', 'l', 'x', 's'), paysafe.idempotency_finish('brief', 'l', 1, 200, NULL, 'x', 's');
SELECT pg_sleep(0.45);
SELECT throws_ok($$SELECT paysafe.idempotency_begin('brief', 'l', 'x', 's')$$, '23I02', 'the idempotency key is too old', 'an old key is refused, not executed again');
SELECT throws_ok($$SELECT paysafe.idempotency_begin('brief', 'l', 'y', 's')$$, '23I01', NULL, 'with another request too');
SELECT is((SELECT state FROM paysafe.idempotency WHERE endpoint = 'brief'), 'expired', 'as the view says');
-- what was begun is finished before COMMIT
SELECT paysafe.idempotency_begin('charge', 'u', 'x', 's');
SAVEPOINT a;
SELECT paysafe.idempotency_finish('charge', 'u', 1, 200, NULL, 'x', 's');
ROLLBACK TO a;
SELECT is((SELECT count(*)::int FROM paysafe.idempotency WHERE state IN ('open', 'abandoned') AND endpoint = 'charge'), 4, 'a savepoint takes the end back');
SAVEPOINT b;
SELECT paysafe.idempotency_begin('charge', 'u2', 'x', 's');
ROLLBACK TO b;
SELECT is((paysafe.idempotency_begin('charge', 'u2', 'another', 's')).outcome, 'run', 'and the beginning');

-- not where nothing can be written
SAVEPOINT c;
SET LOCAL transaction_read_only = on;
SELECT throws_ok(c, '25006', NULL, c) FROM unnest(ARRAY[
	$$SELECT paysafe.idempotency_begin('charge', 'ro', 'x')$$, $$SELECT paysafe.idempotency_step('charge', 'u2', 1, 'x', scope => 's')$$,
	$$SELECT paysafe.idempotency_finish('charge', 'u2', 1, 200, NULL, 'x', 's')$$, $$SELECT paysafe.idempotency_fail('charge', 'u2', 1, scope => 's')$$,
	$$SELECT paysafe.set_idempotency('charge')$$]) c;
ROLLBACK TO c;

-- privileges
SET LOCAL ROLE regress_paysafe_shop;
SELECT throws_ok($$SELECT paysafe.idempotency_begin('charge', 'k', 'x')$$, '42501', NULL, 'not for everybody');
RESET ROLE;
GRANT EXECUTE ON FUNCTION paysafe.idempotency_begin TO regress_paysafe_shop;
SET LOCAL ROLE regress_paysafe_shop;
SELECT is((paysafe.idempotency_begin('charge', 'k', 'x', 'other')).outcome, 'run', 'for who was granted the function, and nothing else');
RESET ROLE;
SELECT throws_ok('UPDATE paysafe.idempotency_key SET attempt = 9', '42501', NULL, 'nobody writes the keys by SQL');
SELECT throws_ok('DELETE FROM paysafe.idempotency_response', '42501', NULL, 'nor the responses');
SELECT * FROM finish();
ROLLBACK;
