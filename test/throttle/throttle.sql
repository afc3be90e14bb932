-- Limits as they are declared, and what they answer: in a server that counts.
BEGIN;
SELECT plan(117);
SET LOCAL client_min_messages = error;
CREATE FUNCTION pg_temp.asked(policy text, key jsonb, cost int DEFAULT 1, tier text DEFAULT 'default') RETURNS text LANGUAGE sql AS
	$$SELECT concat_ws(' ', CASE WHEN t.allowed THEN 'yes' ELSE 'no' END, t."limit", t.remaining, '[' || t.per || ']') FROM paysafe.throttle(policy, key, cost, tier) t$$;

-- what is no limit
SELECT throws_ok(format('SELECT paysafe.set_throttle(%s)', a), code, NULL, a)
  FROM (VALUES ('22004', 'NULL, 1, ''1 s'', ''x'''), ('22004', '''p'', NULL, ''1 s'', ''x'''), ('22004', '''p'', 1, NULL, ''x'''),
	('22004', '''p'', 1, ''1 s'', NULL'), ('22004', '''p'', 1, ''1 s'', ''x'', NULL'), ('22004', '''p'', 1, ''1 s'', ''x'', tier => NULL'),
	('22004', '''p'', 1, ''1 s'', ''x'', when_full => NULL'), ('22004', '''p'', 1, ''1 s'', ''x'', ''{NULL}'''),
	('22023', ''''', 1, ''1 s'', ''x'''), ('22023', '''a b'', 1, ''1 s'', ''x'''), ('22023', '''p'', 0, ''1 s'', ''x'''),
	('22023', '''p'', -1, ''1 s'', ''x'''), ('22023', '''p'', 1, ''0 s'', ''x'''), ('22023', '''p'', 1, ''-1 s'', ''x'''),
	('22023', '''p'', 1, ''11 years'', ''x'''), ('22023', '''p'', 1, ''1 s'', '' '''), ('22023', '''p'', 1, ''1 s'', ''x'', burst => 0'),
	('22023', '''p'', 20000, ''1 s'', ''x'''), ('22023', '''p'', 1, ''9 years'', ''x'', burst => 2'),
	('22023', '''p'', 1, ''1 s'', ''x'', ''{a b}'''), ('22023', '''p'', 1, ''1 s'', ''x'', ''{{a},{b}}'''),
	('22023', '''p'', 1, ''1 s'', ''x'', tier => ''a b'''), ('22023', '''p'', 1, ''1 s'', ''x'', when_full => ''maybe'''),
	('22023', format('%L, 1, ''1 s'', ''x''', repeat('p', 64)))) v (code, a);
SELECT throws_ok($$SELECT paysafe.remove_throttle('p', 'x')$$, '22023', 'there is no limit of "p", tier "default", per policy', 'nothing to remove');

-- tightening is at once
SELECT is(paysafe.set_throttle('login', 5, '1 day', 'guessing', '{user}'), 1, 'a new policy');
SELECT is(paysafe.set_throttle('login', 8, '1 day', 'guessing', '{address}'), 1, 'a limit more');
SELECT is(paysafe.set_throttle('login', 100, '1 day', 'guessing'), 1, 'one of all together');
SELECT is(paysafe.set_throttle('login', 20, '1 day', 'guessing', '{user, address, user}'), 1, 'one of pairs');
SELECT is((SELECT string_agg(concat_ws(' ', tier, per, version, count, period, burst, when_full), ', ' ORDER BY per) FROM paysafe.throttle_limit WHERE policy = 'login'),
	'default {} 1 100 24:00:00 100 refuse, default {address} 1 8 24:00:00 8 refuse, default {address,user} 1 20 24:00:00 20 refuse, default {user} 1 5 24:00:00 5 refuse', 'the limits');

-- answers
SELECT is(pg_temp.asked('login', '{"user": "ann", "address": "a1"}'), 'yes 5 4 [user]', 'the narrowest decides');
SELECT is(pg_temp.asked('login', '{"user": "ann", "address": "a1"}', 0), 'yes 5 4 [user]', 'looking takes nothing');
SELECT is(pg_temp.asked('login', '{"user": "ann", "address": "a1", "more": [1]}', 4), 'yes 5 0 [user]', 'what no limit counts by is nothing');
SELECT is(pg_temp.asked('login', '{"user": "ann", "address": "a1"}'), 'no 5 0 [user]', 'no more');
SELECT is(pg_temp.asked('login', '{"user": "bob", "address": "a1"}'), 'yes 8 2 [address]', 'refused requests take nothing of other limits');
SELECT is(pg_temp.asked('login', '{"user": "bob", "address": "a1"}', 3), 'no 8 2 [address]', 'all or none');
SELECT is(pg_temp.asked('login', '{"user": "bob", "address": "a2"}', 0), 'yes 5 4 [user]', 'of none');
SELECT is((SELECT retry_after FROM paysafe.throttle('login', '{"user": "bob", "address": "a2"}', 6)), NULL, 'never');
SELECT cmp_ok((SELECT retry_after FROM paysafe.throttle('login', '{"user": "ann", "address": "a3"}')), '<=', interval '24 hours' / 5, 'who waits so long is let in');
SELECT cmp_ok((SELECT retry_after FROM paysafe.throttle('login', '{"user": "ann", "address": "a3"}')), '>', interval '24 hours' / 5 - interval '10 minutes', 'not much earlier');
SELECT is((SELECT retry_after FROM paysafe.throttle('login', '{"user": "eve", "address": "a3"}')), interval '0', 'let in');
-- the same whatever the type; another for what only looks alike
SELECT is(pg_temp.asked('login', '{"user": 42, "address": "a4"}'), 'yes 5 4 [user]', 'a number');
SELECT is(pg_temp.asked('login', '{"user": "42", "address": "a4"}'), 'yes 5 3 [user]', 'as a string');
SELECT is(pg_temp.asked('login', '{"user": 42.00, "address": "a4"}', 0), 'yes 5 3 [user]', 'with zeros behind');
SELECT is(pg_temp.asked('login', '{"user": 4.2e1, "address": "a4"}', 0), 'yes 5 3 [user]', 'as an exponent');
SELECT is(pg_temp.asked('login', '{"user": "a4", "address": "42"}'), 'yes 5 4 [user]', 'of another part');
SELECT is(pg_temp.asked('login', '{"user": "Ann", "address": "a5"}'), 'yes 5 4 [user]', 'byte by byte');
SELECT throws_ok(format('SELECT paysafe.throttle(%s)', a), code, NULL, a)
  FROM (VALUES ('22004', 'NULL, ''{}'''), ('22004', '''login'', NULL'), ('22004', '''login'', ''{}'', NULL'), ('22004', '''login'', ''{}'', 1, NULL'),
	('22023', '''login'', ''{}'''), ('22023', '''login'', ''{"user": "ann"}'''), ('22023', '''login'', ''{"user": null, "address": "a"}'''),
	('22023', '''login'', ''{"user": "", "address": "a"}'''), ('22023', '''login'', ''{"user": true, "address": "a"}'''), ('22023', '''login'', ''{"user": ["ann"], "address": "a"}'''),
	('22023', format('''login'', ''{"user": "%s", "address": "a"}''', repeat('x', 1001))),
	('22023', '''login'', ''{"user": "ann", "address": "a"}'', -1'), ('22023', '''login'', ''[]'''), ('22023', '''login'', ''{}'', 1, ''gold'''), ('22023', '''other'', ''{}''')) v (code, a);

-- durable limits: the same answers; what is taken comes back with a rollback
SELECT throws_ok(format('SELECT paysafe.set_throttle(%s)', a), code, m, a)
  FROM (VALUES ('22004', NULL, '''payout'', 1, ''1 s'', ''x'', durable => NULL'),
	('22023', 'a durable limit has a place for each key: argument "when_full" must be refuse', '''payout'', 1, ''1 s'', ''x'', when_full => ''allow'', durable => true')) v (code, m, a);
SELECT is(paysafe.set_throttle('payout', 5, '1 day', 'few', '{account}', durable => true), 1, 'a durable limit');
SELECT is(paysafe.set_throttle('payout', 5, '1 day', 'few', '{account}', durable => true), 1, 'nothing changes');
SELECT is(paysafe.set_throttle('payout', 7, '1 day', 'few'), 1, 'one beside it that is not');
SELECT is((SELECT string_agg(concat_ws(' ', per, durable), ', ' ORDER BY per) FROM paysafe.throttle_limit WHERE policy = 'payout'), '{} f, {account} t', 'shown');
SELECT throws_ok($$SELECT paysafe.set_throttle('payout', 9, '1 day', 'x', '{account}', tier => 'gold')$$, '22023', 'the limits of all tiers per account are durable, or none', 'what is used counts for all tiers');
SELECT throws_ok($$SELECT paysafe.set_throttle('payout', 1, '1 day', 'x', '{account}')$$, '42501', NULL, 'counted elsewhere, it begins anew: by two');
SELECT throws_ok($$SELECT paysafe.set_throttle('payout', 1, '1 day', 'x', durable => true)$$, '42501', NULL, 'nor the other way');
SELECT is(pg_temp.asked('payout', '{"account": "a"}', 0), 'yes 5 5 [account]', 'nothing used');
SELECT is((SELECT count(*)::int FROM paysafe.throttle_counter), 0, 'looking leaves no row');
SELECT is(pg_temp.asked('payout', '{"account": "a"}', 3), 'yes 5 2 [account]', 'three taken');
SELECT is(pg_temp.asked('payout', '{"account": "a"}', 3), 'no 5 2 [account]', 'no more');
SELECT is(pg_temp.asked('payout', '{"account": "b"}', 5), 'no 7 4 []', 'refused by memory');
SELECT is(pg_temp.asked('payout', '{"account": "b"}', 0), 'yes 7 4 []', 'nor is anything taken of the table');
SELECT is((SELECT count(*)::int FROM paysafe.throttle_counter), 1, 'no row for what is refused');
SELECT is((SELECT retry_after FROM paysafe.throttle('payout', '{"account": "b"}', 6)), NULL, 'never');
SELECT is((SELECT per FROM paysafe.throttle('payout', '{"account": "a"}', 5)), 'account', 'of two that refuse, the longer wait');
SELECT is(pg_temp.asked('payout', '{"account": "b"}', 0), 'yes 7 4 []', 'nothing is taken of memory for what the table refuses');
SAVEPOINT s;
SELECT pg_temp.asked('payout', '{"account": "a"}', 2);
ROLLBACK TO s;
SELECT is((SELECT round(extract(epoch FROM full_at - clock_timestamp()) * 1000000 / token_interval)::int FROM paysafe.throttle_counter), 3, 'the table gives it back');
SELECT is(pg_temp.asked('payout', '{"account": "b"}', 0), 'yes 7 2 []', 'memory does not');
SELECT lives_ok($$SELECT paysafe.throttle_return('payout', '{"account": "a"}', 5)$$, 'given back');
SELECT is(pg_temp.asked('payout', '{"account": "a"}', 0), 'yes 5 5 [account]', 'is there again');
SELECT lives_ok($$SELECT paysafe.throttle_return('payout', '{"account": "new"}', 3)$$, 'nothing to give back');
SELECT is((SELECT string_agg(length(digest)::text, ' ') FROM paysafe.throttle_counter), '32', 'keyed hashes');
SELECT is((SELECT string_agg(t.allowed::text, ' ' ORDER BY n) FROM generate_series(1, 6) n, LATERAL paysafe.throttle('payout', jsonb_build_object('account', 'many', 'n', n), 1) t), 'true true true true true false', 'several times in one statement');
SELECT is(pg_temp.asked('payout', '{"account": "many"}', 0), 'yes 5 0 [account]', 'all count');
SELECT throws_ok($$INSERT INTO paysafe.throttle_counter VALUES ('', now(), 1, now())$$, '42501', NULL, 'nobody writes a counter');
SELECT throws_ok($$DELETE FROM paysafe.throttle_counter$$, '42501', NULL, 'or takes it away');

-- what is given back is there again, and no more than that
SELECT lives_ok($$SELECT paysafe.throttle_return('login', '{"user": "ann", "address": "a6"}', 2)$$, 'given back');
SELECT is(pg_temp.asked('login', '{"user": "ann", "address": "a6"}', 0), 'yes 5 2 [user]', 'two of five');
SELECT throws_ok($$SELECT paysafe.throttle_return('login', '{"user": "ann", "address": "a6"}', 0)$$, '22023', NULL, 'nothing to give back');

-- it stays taken
SAVEPOINT before;
SELECT pg_temp.asked('login', '{"user": "fay", "address": "a7"}', 5);
ROLLBACK TO before;
SELECT is(pg_temp.asked('login', '{"user": "fay", "address": "a7"}'), 'no 5 0 [user]', 'ROLLBACK gives nothing back');

-- loosening takes two; a change keeps what is used
SELECT throws_ok(format('SELECT paysafe.%s', a), '42501', NULL, a)
  FROM (VALUES ('set_throttle(''login'', 6, ''1 day'', ''x'', ''{user}'')'), ('set_throttle(''login'', 5, ''1 day'', ''x'', ''{user}'', 6)'),
	('set_throttle(''login'', 5, ''23 hours'', ''x'', ''{user}'')'), ('set_throttle(''login'', 5, ''1 day'', ''x'', ''{user}'', when_full => ''allow'')'),
	('set_throttle(''login'', 1, ''1 day'', ''x'', ''{user}'', tier => ''gold'')'), ('remove_throttle(''login'', ''x'', ''{user}'')')) v (a);
SELECT is(paysafe.set_throttle('login', 5, '1 day', 'again', '{user}'), 1, 'the same is no change');
SELECT is(paysafe.set_throttle('login', 5, '2 days', 'slower', '{user}', 4), 2, 'tightened');
SELECT is(pg_temp.asked('login', '{"user": "fay", "address": "a8"}'), 'no 4 0 [user]', 'none of it comes back');
SELECT is(pg_temp.asked('login', '{"user": "a4", "address": "a8"}', 0), 'yes 4 3 [user]', 'one is still one');
-- a smaller burst: what is used is waited for, once, and what is given back is no more
SELECT is(paysafe.set_throttle('burst', 10, '1 second', 'x', burst => 1000), 1, 'a large burst');
SELECT is(pg_temp.asked('burst', '{}', 1000), 'yes 1000 0 []', 'used up');
SELECT is(paysafe.set_throttle('burst', 10, '1 second', 'x', burst => 1), 2, 'a small one');
SELECT cmp_ok((SELECT retry_after FROM paysafe.throttle('burst', '{}')), '>', interval '80 seconds', 'as long as it takes');
SELECT paysafe.throttle_return('burst', '{}', 1);
SELECT is(pg_temp.asked('burst', '{}'), 'no 1 0 []', 'one of 1000 is given back');
-- one after the other in one session, and changed in between
SELECT paysafe.set_throttle('turn', 9, '1 day', 'x'), paysafe.set_throttle('turns', 4, '1 day', 'x');
SELECT is(concat_ws(', ', pg_temp.asked('turn', '{}'), pg_temp.asked('turns', '{}'), pg_temp.asked('turn', '{}')), 'yes 9 8 [], yes 4 3 [], yes 9 7 []', 'each by its own limit');
SELECT paysafe.set_throttle('turn', 2, '1 day', 'x');
SELECT is(pg_temp.asked('turn', '{}', 0), 'yes 2 0 []', 'that is in force now');

-- a name that is none is remembered, until it is one, and not for ever
SELECT throws_ok($$SELECT pg_temp.asked('late', '{"user": "ann"}')$$, '22023', NULL, 'no such policy');
SAVEPOINT late;
SELECT is(paysafe.set_throttle('late', 5, '1 day', 'now there is', '{user}'), 1, 'then there is');
SELECT is(pg_temp.asked('late', '{"user": "ann"}'), 'yes 5 4 [user]', 'it counts at once');
ROLLBACK TO late;
SELECT throws_ok($$SELECT pg_temp.asked('late', '{"user": "ann"}')$$, '22023', NULL, 'taken back, there is none');
CREATE FUNCTION pg_temp.memory(first int, last int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN first .. last LOOP
		BEGIN
			PERFORM paysafe.throttle('nobody' || i, '{}');
		EXCEPTION WHEN invalid_parameter_value THEN NULL; END;
	END LOOP;
	RETURN (SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name LIKE 'paysafe throttle%');
END $$;
SELECT pg_temp.memory(1, 400) AS memory \gset
SELECT is(pg_temp.memory(401, 2400), :memory::bigint, 'names that callers make up take no memory');
SELECT * FROM finish();
ROLLBACK;
