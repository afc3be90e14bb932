-- Tokens: who is let in by which, in a database that can keep secrets.  Tokens are made
-- here, with HS256, so that each attack is one line.
BEGIN;
SELECT plan(114);
SET LOCAL client_min_messages = error;

CREATE FUNCTION pg_temp.b64(data bytea) RETURNS text LANGUAGE sql IMMUTABLE AS
	$$SELECT rtrim(translate(encode(data, 'base64'), E'+/\n', '-_'), '=')$$;
CREATE FUNCTION pg_temp.padded(key bytea, pad int) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE block bytea := key || decode(repeat('00', 64 - length(key)), 'hex');
BEGIN
	FOR i IN 0..63 LOOP block := set_byte(block, i, get_byte(block, i) # pad); END LOOP;
	RETURN block;
END $$;
CREATE FUNCTION pg_temp.hmac(key bytea, data bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS
	$$SELECT sha256(pg_temp.padded(key, 92) || sha256(pg_temp.padded(key, 54) || data))$$;
CREATE FUNCTION pg_temp.at(seconds float8) RETURNS bigint LANGUAGE sql AS
	$$SELECT floor(extract(epoch FROM clock_timestamp()) + seconds)::bigint$$;
CREATE TABLE pg_temp.secret (kid text, bytes bytea);
INSERT INTO secret VALUES ('2026-a', sha256('a')), ('2026-b', sha256('b')), ('other', sha256('c'));

-- of header and payload as they are
CREATE FUNCTION pg_temp.signed(header text, payload text, kid text DEFAULT '2026-a') RETURNS text LANGUAGE sql AS $$
	SELECT s.input || '.' || pg_temp.b64(pg_temp.hmac(k.bytes, convert_to(s.input, 'UTF8')))
	  FROM (SELECT pg_temp.b64(convert_to(header, 'UTF8')) || '.' || pg_temp.b64(convert_to(payload, 'UTF8')) AS input) s,
		   secret k WHERE k.kid = signed.kid $$;
-- a good one, with what is different
CREATE FUNCTION pg_temp.token(differs jsonb DEFAULT '{}', kid text DEFAULT '2026-a') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.signed(format('{"alg":"HS256","kid":"%s"}', kid), jsonb_strip_nulls(jsonb_build_object(
		'iss', 'https://login.example', 'aud', 'payments', 'sub', 'anna', 'exp', pg_temp.at(60), 'jti', gen_random_uuid()) || differs)::text, kid) $$;
-- what is refused says the same to everybody, and why on record
CREATE FUNCTION pg_temp.refused(token text, why text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text; message text; detail text; name text; context text;
BEGIN
	PERFORM paysafe.act_as_token(token);
	RETURN fail(why);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
		name = CONSTRAINT_NAME, context = PG_EXCEPTION_CONTEXT;
	INSERT INTO told VALUES (why);
	RETURN is(row(state, message, detail, name), row('42501'::text, 'the token is not accepted'::text, ''::text, 'paysafe_token_key_token'::text), why);
END $$;
CREATE TABLE pg_temp.told (why text);

-- declared by two
SELECT throws_ok($$SELECT paysafe.set_token_issuer('https://login.example', '{payments}', 'our login')$$, '42501',
	'letting more tokens say who acts needs the approval of a second person', 'an issuer takes two');
CREATE FUNCTION pg_temp.by_two(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
	PERFORM paysafe.act_as('ann');
	PERFORM paysafe.propose('because');
	EXECUTE 'SELECT ' || call INTO result;
	PERFORM paysafe.propose(NULL);
	IF result IS NOT NULL THEN RETURN 'made by one: ' || result; END IF;
	PERFORM paysafe.act_as('bob');
	PERFORM paysafe.approve(approved_as, key, 'so be it') FROM paysafe.pending_change;
	PERFORM paysafe.act_as('ann');
	EXECUTE 'SELECT ' || call INTO result;
	PERFORM paysafe.act_as(NULL);
	RETURN result;
END $$;
SELECT is(pg_temp.by_two($$paysafe.set_token_issuer('https://login.example', '{payments}', 'our login')$$), '1', 'made by two');
SELECT throws_ok($$SELECT paysafe.set_token_secret('https://login.example', '2026-a', pg_temp.b64(bytes), 'why') FROM secret WHERE kid = '2026-a'$$,
	'22023', 'token issuer "https://login.example" may not sign with a shared secret', 'secrets only where they are let');
SELECT is(pg_temp.by_two($$paysafe.set_token_issuer('https://login.example', '{payments}', 'our login', shared_secrets => true)$$), '2', 'let by two');
SELECT throws_ok($$SELECT paysafe.set_token_secret('https://login.example', '2026-a', pg_temp.b64(bytes), 'why') FROM secret WHERE kid = '2026-a'$$,
	'42501', NULL, 'a key takes two');
SELECT matches(pg_temp.by_two($$paysafe.set_token_secret('https://login.example', '2026-a', pg_temp.b64(bytes), 'why') FROM secret WHERE kid = '2026-a'$$),
	'^[0-9a-f]{64}$', 'a secret, by two');
SELECT throws_ok($$SELECT paysafe.set_token_secret('https://login.example', '2026-a', pg_temp.b64(bytes), 'why') FROM secret WHERE kid = '2026-b'$$,
	'42710', NULL, 'a name is one key for ever');
SELECT throws_ok($$SELECT paysafe.set_token_secret('https://login.example', 'x', 'AAAA', 'why')$$, '22023', NULL, 'a secret is not in the statement');
SELECT throws_ok($$SELECT paysafe.set_token_secret('https://login.example', 'x', pg_temp.b64('too short'), 'why')$$, '22023', NULL, '... nor short');
SELECT throws_ok($$SELECT paysafe.set_token_secret('https://nobody.example', 'x', pg_temp.b64(bytes), 'why') FROM secret LIMIT 1$$, '22023', NULL, '... nor of an issuer that is none');
SELECT is((SELECT count(*)::int FROM paysafe.token_key_record WHERE secret = (SELECT bytes FROM secret WHERE kid = '2026-a')
	OR position((SELECT bytes FROM secret WHERE kid = '2026-a') IN secret) > 0), 0, 'secrets are sealed');

-- a good one
SELECT is(paysafe.act_as_token(pg_temp.token(), 'asked by phone', 'T-1', 'req-1', 'order-1'), 'anna', 'a token says who acts');
CREATE TABLE payment (id int PRIMARY KEY, amount numeric);
SELECT paysafe.audit('payment');
INSERT INTO payment VALUES (1, 100);
SELECT is((SELECT row(actor, actor_claimed, identity, reason, ticket, request_id, business_id) FROM paysafe.audit_log WHERE table_name = 'payment'),
	row('anna'::text, true, 'proven'::text, 'asked by phone'::text, 'T-1'::text, 'req-1'::text, 'order-1'::text), 'and is on record');
SELECT is((SELECT jsonb_build_object('iss', p->>'iss', 'sub', p->>'sub', 'kid', p->>'kid', 'jti', length(p->>'jti')) FROM (SELECT proof::jsonb AS p FROM paysafe.audit_log WHERE table_name = 'payment') l),
	'{"iss": "https://login.example", "sub": "anna", "kid": "2026-a", "jti": 36}', '... with what it said');
SELECT is((SELECT row(identity, proof) FROM paysafe.history('payment', '1')), (SELECT row(identity, proof) FROM paysafe.audit_log WHERE table_name = 'payment'), 'history shows the same');

-- a claim after it is a claim; a savepoint takes a proof back
SELECT paysafe.act_as('anna');
INSERT INTO payment VALUES (2, 100);
SELECT is((SELECT row(identity, proof) FROM paysafe.history('payment', '2')), row('claimed'::text, NULL::text), 'a claim after a proof is a claim');
SAVEPOINT before;
SELECT is(paysafe.act_as_token(pg_temp.token('{"sub": "berta"}')), 'berta', 'another person');
INSERT INTO payment VALUES (3, 100);
SELECT is((SELECT identity FROM paysafe.history('payment', '3')), 'proven', '... is proven');
ROLLBACK TO before;
INSERT INTO payment VALUES (4, 100);
SELECT is((SELECT row(actor, identity) FROM paysafe.history('payment', '4')), row('anna'::text, 'claimed'::text), '... until the savepoint is rolled back');
SELECT paysafe.act_as(NULL);
INSERT INTO payment VALUES (5, 100);
SELECT is((SELECT identity FROM paysafe.history('payment', '5')), 'none', 'a login that may act for others, and says nothing');
CREATE ROLE regress_paysafe_person;
GRANT INSERT ON payment TO regress_paysafe_person;
SELECT is(has_function_privilege('regress_paysafe_person', 'paysafe.act_as_token(text, text, text, text, text)', 'EXECUTE'), false, 'tokens are for applications');

-- a token's person is the one whom its issuer and subject are registered as, under all their names
SAVEPOINT people;
CREATE TABLE paid (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE back (id int PRIMARY KEY, paid int, amount numeric, currency text, status text);
CREATE INDEX ON back (paid);
SELECT paysafe.act_as(NULL);
SELECT paysafe.protect_refund('back', 'paid', 'paid', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
INSERT INTO paid SELECT n, 100, 'EUR' FROM generate_series(1, 5) n;
SELECT paysafe.bootstrap_people('Anna B.', '{name:user:1,"token:https://login.example anna"}',
	'Ben C.', '{name:user:2,"token:https://login.example ben","token:https://login.example user:1"}', 'the first two');
SELECT paysafe.act_as('user:1');
INSERT INTO back VALUES (1, 1, 10, 'EUR', 'requested');
SELECT is(paysafe.act_as_token(pg_temp.token()), 'anna', 'the same person, shown by a token');
SELECT throws_ok($$SELECT paysafe.approve('back', '1', 'x')$$, '42501', '"Anna B." cannot approve this', '... approves nothing of her own');
INSERT INTO back VALUES (2, 2, 10, 'EUR', 'requested');
SELECT paysafe.act_as('user:1');
SELECT throws_ok($$SELECT paysafe.approve('back', '2', 'x')$$, '42501', '"user:1" cannot approve this', '... nor what she requested with a token');
SELECT is(paysafe.act_as_token(pg_temp.token('{"sub": "ben"}')), 'ben', 'another one');
SELECT lives_ok($$SELECT paysafe.approve('back', '2', 'x')$$, '... approves it');
SELECT is((SELECT row(approver, identity) FROM paysafe.approval WHERE relation = 'back'::regclass), row('Ben C.'::text, 'proven'::text), '... under his name, proven');
SELECT is((SELECT array_agg(row(actor, identity)::text ORDER BY refund) FROM paysafe.refund_event WHERE relation = 'back'::regclass),
	'{"(user:1,claimed)","(\"Anna B.\",proven)"}', 'so are the requests');
SELECT throws_ok($$SELECT paysafe.act_as_token(pg_temp.token('{"sub": "user:1"}'))$$, '42501', 'the token of "Ben C." has the name of another person', 'whose token and whose name are two');
SELECT paysafe.act_as('user:1'), paysafe.disable_person('Ben C.', 'left');
SELECT throws_ok($$SELECT paysafe.act_as_token(pg_temp.token('{"sub": "ben"}'))$$, '42501', '"Ben C." is disabled', 'a token of one who is disabled');
ROLLBACK TO people;

-- audience
SELECT is(paysafe.act_as_token(pg_temp.token('{"aud": ["shop", "payments"]}')), 'anna', 'one of several audiences');
SELECT pg_temp.refused(pg_temp.token('{"aud": "shop"}'), 'it is for another audience');
SELECT pg_temp.refused(pg_temp.token('{"aud": null}'), 'it is for another audience');
SELECT pg_temp.refused(pg_temp.token('{"aud": ["shop", "payments/x"]}'), 'it is for another audience');
SELECT pg_temp.refused(pg_temp.token('{"aud": []}'), '"aud" is neither a text nor a list of 1 to 16 texts');
SELECT pg_temp.refused(pg_temp.token('{"aud": "Payments"}'), 'it is for another audience');
-- issuer, key, algorithm
SELECT pg_temp.refused(pg_temp.token('{"iss": "https://login.example/"}'), 'its issuer is not known');
SELECT pg_temp.refused(pg_temp.token('{}', 'other'), 'its issuer has no such key');
SELECT pg_temp.refused(pg_temp.signed('{"alg":"HS256"}', '{"iss":"https://login.example","sub":"anna","exp":1}'), 'it names no key');
SELECT pg_temp.refused(replace(pg_temp.token(), split_part(pg_temp.token(), '.', 1), pg_temp.b64('{"alg":"none","kid":"2026-a"}')), 'its algorithm is not that of the key');
SELECT pg_temp.refused(pg_temp.signed('{"alg":"RS256","kid":"2026-a"}', '{"iss":"https://login.example","sub":"anna","exp":1}'), 'its algorithm is not that of the key');
SELECT pg_temp.refused(pg_temp.signed('{"alg":"hs256","kid":"2026-a"}', '{"iss":"https://login.example","sub":"anna","exp":1}'), 'its algorithm is not that of the key');
SELECT pg_temp.refused(pg_temp.signed('{"alg":"HS256","kid":"2026-a"}', '{"iss":"https://login.example","sub":"anna","exp":1}', 'other'), 'its signature is not genuine');
SELECT pg_temp.refused(regexp_replace(pg_temp.token(), '[.][^.]*$', '.'), 'it does not have three parts');
SELECT pg_temp.refused(pg_temp.signed(h, '{"iss":"https://login.example","sub":"anna","exp":1}'), 'the header has a member that is not "alg", "kid" or "typ"')
  FROM (VALUES ('{"alg":"HS256","kid":"2026-a","crit":["exp"]}'), ('{"alg":"HS256","kid":"2026-a","jwk":{"kty":"oct","k":"AAAA"}}'),
			   ('{"alg":"HS256","kid":"2026-a","jku":"https://attacker.example"}'), ('{"alg":"HS256","kid":"2026-a","x5u":"https://attacker.example"}'),
			   ('{"alg":"HS256","kid":"2026-a","x5c":["AAAA"]}'), ('{"alg":"HS256","kid":"2026-a","b64":false}'), ('{"alg":"HS256","kid":"2026-a","zip":"DEF"}')) AS x(h);
SELECT pg_temp.refused(pg_temp.signed(h, '{"iss":"https://login.example","sub":"anna","exp":1}'), 'the header is no JSON object, or not one that can be read in one way only')
  FROM (VALUES ('{"alg":"HS256","kid":"other","kid":"2026-a"}'), ('{"alg":"HS256","kid":"2026-a"}{}'), ('"HS256"'), (repeat('[', 100))) AS x(h);
SELECT pg_temp.refused(pg_temp.signed('{"alg":"HS256","kid":"2026-a"}', '{"iss":"https://login.example","sub":"anna","sub":"berta","exp":1}'), 'the payload is no JSON object, or not one that can be read in one way only');
SELECT pg_temp.refused(pg_temp.signed('{"alg":"HS256","kid":"../../2026-a"}', '{"iss":"https://login.example","sub":"anna","exp":1}'), 'its issuer has no such key');
SELECT pg_temp.refused(pg_temp.token(jsonb_build_object('x', repeat('x', 8000))), 'it is empty or too long');
SELECT pg_temp.refused('', 'it is empty or too long');
SELECT pg_temp.refused('anna', 'it does not have three parts');
SELECT pg_temp.refused(pg_temp.token() || ' ', 'a part is no base64url without padding');
SELECT throws_ok('SELECT paysafe.act_as_token(NULL)', '22004', NULL, 'a token is not NULL');
-- times: exp, nbf and iat are the clock's, with a leeway of 30 seconds; 15 minutes at most
SELECT is(paysafe.act_as_token(pg_temp.token(jsonb_build_object('exp', pg_temp.at(-27)))), 'anna', 'over, within the leeway');
SELECT pg_temp.refused(pg_temp.token(jsonb_build_object('exp', pg_temp.at(-31))), 'it has expired');
SELECT is(paysafe.act_as_token(pg_temp.token(jsonb_build_object('nbf', pg_temp.at(29)))), 'anna', 'not yet, within the leeway');
SELECT pg_temp.refused(pg_temp.token(jsonb_build_object('nbf', pg_temp.at(33), 'exp', pg_temp.at(99))), 'it is not valid yet');
SELECT is(paysafe.act_as_token(pg_temp.token(jsonb_build_object('iat', pg_temp.at(29)))), 'anna', 'issued by a clock that goes before');
SELECT pg_temp.refused(pg_temp.token(jsonb_build_object('iat', pg_temp.at(33))), 'it was issued in the future');
SELECT is(paysafe.act_as_token(pg_temp.token(jsonb_build_object('exp', pg_temp.at(929)))), 'anna', 'as long as can be');
SELECT pg_temp.refused(pg_temp.token(jsonb_build_object('exp', pg_temp.at(934))), 'it is good for longer than its issuer may say');
SELECT pg_temp.refused(pg_temp.token(jsonb_build_object('iat', pg_temp.at(-932))), 'it was issued too long ago');
SELECT pg_temp.refused(pg_temp.token('{"exp": null}'), '"exp" is missing or no time in whole seconds');
SELECT pg_temp.refused(pg_temp.token(jsonb_build_object('exp', pg_temp.at(60) + 0.5)), '"exp" is missing or no time in whole seconds');
-- subject
SELECT pg_temp.refused(pg_temp.token('{"sub": null}'), '"sub" is missing or no text of at most 200 bytes');
SELECT pg_temp.refused(pg_temp.token('{"sub": ""}'), '"sub" is missing or no text of at most 200 bytes');
SELECT pg_temp.refused(pg_temp.token(jsonb_build_object('sub', repeat('x', 201))), '"sub" is missing or no text of at most 200 bytes');
SELECT pg_temp.refused(pg_temp.token(jsonb_build_object('sub', s)), 'its subject is no name that an actor can have')
  FROM (VALUES (' anna'), ('anna '), (' '), (E'an\tna'), (E'\u200banna'), ('4242424242424242')) AS x(s);
SELECT is(paysafe.act_as_token(pg_temp.token('{"sub": "Änne"}')), 'Änne', 'other letters');
-- once
SELECT pg_temp.refused(pg_temp.token('{"jti": null}'), 'it has no "jti", and its issuer''s tokens are used once');
SELECT is(paysafe.act_as_token(pg_temp.token('{"jti": "one"}')), 'anna', 'once');
SELECT pg_temp.refused(pg_temp.token('{"jti": "one"}'), 'it has been used');
SAVEPOINT used;
SELECT is(paysafe.act_as_token(pg_temp.token('{"jti": "two"}')), 'anna', 'once');
ROLLBACK TO used;
SELECT is(paysafe.act_as_token(pg_temp.token('{"jti": "two"}')), 'anna', '... or again, if nothing was done with it');
SELECT pg_temp.refused(pg_temp.token('{"jti": "two"}'), 'it has been used');
SELECT is((SELECT count(*)::int FROM paysafe.token_use WHERE until < now()), 0, 'uses are kept until nobody would take them');

-- two keys at once, and one no more
SELECT isnt(pg_temp.by_two($$paysafe.set_token_secret('https://login.example', '2026-b', pg_temp.b64(bytes), 'the next one', not_after => '2200-01-01') FROM secret WHERE kid = '2026-b'$$), NULL, 'the next key');
SELECT is(paysafe.act_as_token(pg_temp.token('{}', '2026-b')), 'anna', 'the new one');
SELECT is(paysafe.act_as_token(pg_temp.token('{}', '2026-a')), 'anna', '... beside the old one');
SELECT is(paysafe.act_as(NULL)::text, '', 'nobody');
SELECT lives_ok($$SELECT paysafe.revoke_token_key('https://login.example', '2026-a', 'the laptop is lost')$$, 'revoked by one');
SELECT pg_temp.refused(pg_temp.token('{}', '2026-a'), 'its key is revoked');
SELECT is(paysafe.act_as_token(pg_temp.token('{}', '2026-b')), 'anna', 'the new one goes on');
SELECT throws_ok($$SELECT paysafe.revoke_token_key('https://login.example', '2026-a', 'again')$$, '22023', NULL, 'it is revoked once');
SELECT is((SELECT string_agg(kid || ' ' || state, ', ' ORDER BY kid) FROM paysafe.token_key), '2026-a revoked, 2026-b live', 'the view says so');
SELECT isnt(pg_temp.by_two($$paysafe.set_token_secret('https://login.example', 'other', pg_temp.b64(bytes), 'later', not_before => '2199-01-01') FROM secret WHERE kid = 'other'$$), NULL, 'a key for later');
SELECT pg_temp.refused(pg_temp.token('{}', 'other'), 'its key is not in force yet');

-- less is at once, more takes two
SELECT paysafe.act_as(NULL);
SELECT is(paysafe.set_token_issuer('https://login.example', '{payments}', 'less', '1 minute', '0', true, true), 3, 'less is let in by one');
SELECT pg_temp.refused(pg_temp.token(jsonb_build_object('exp', pg_temp.at(63)), '2026-b'), 'it is good for longer than its issuer may say');
SELECT throws_ok(format('SELECT paysafe.set_token_issuer(%L, %L, ''more'', %L, %L, %L, %L)', 'https://login.example', a, b, c, d, e), '42501', NULL, 'more takes two: ' || concat_ws(' ', a, b, c, d, e))
  FROM (VALUES ('{payments,shop}', '1 minute', '0', true, true), ('{payments}', '61 s', '0', true, true), ('{payments}', '1 minute', '1 s', true, true), ('{payments}', '1 minute', '0', false, true)) AS x(a, b, c, d, e);
SELECT is(paysafe.set_token_issuer('https://login.example', '{payments}', 'less', '1 minute', '0'), 4, 'no secrets any more');
SELECT pg_temp.refused(pg_temp.token(jsonb_build_object('exp', pg_temp.at(10)), '2026-b'), 'its issuer may not sign with a shared secret');
SELECT is(paysafe.revoke_token_issuer('https://login.example', 'bought by somebody'), 5, 'an issuer is revoked by one');
SELECT throws_ok($$SELECT paysafe.set_token_issuer('https://login.example', '{payments}', 'back', '1 minute', '0')$$, '42501', NULL, '... and comes back by two');

-- why stands in the record, which another session writes; and no part of a token
CREATE FUNCTION pg_temp.not_recorded() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE missing text[];
BEGIN
	FOR i IN 1..1800 LOOP
		SELECT array_agg(DISTINCT t.why) INTO missing FROM told t
		 WHERE NOT EXISTS (SELECT 1 FROM paysafe.refusal_log r WHERE r.statement = 'act_as_token' AND r.message = 'a token is not accepted: ' || t.why);
		EXIT WHEN missing IS NULL;
		PERFORM pg_sleep(0.1);
	END LOOP;
	RETURN missing;
END $$;
SELECT is(pg_temp.not_recorded(), NULL, 'each refusal is on record, with its reason');
SELECT is((SELECT string_agg(DISTINCT r.message || ' ' || r.outside, E'\n') FROM paysafe.refusal_log r WHERE r.statement = 'act_as_token'
			AND r.message ~ '(signature|expired|been used)' ), E'a token is not accepted: it has been used false\na token is not accepted: it has expired false\na token is not accepted: its signature is not genuine true', 'what was genuine is told from what was not');
SELECT is((SELECT count(*)::int FROM paysafe.refusal_log WHERE statement = 'act_as_token' AND (message ~ 'berta|attacker|eyJ' OR key ~ 'attacker|[.][.]/')), 0, 'and nothing of a token that was not verified');
SELECT * FROM finish();
ROLLBACK;
