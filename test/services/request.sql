-- Signed requests in: what clients sign is accepted once, everything else refused, with one
-- answer for all.  RFC 9421's own messages (appendix B.2 to B.4) with the keys of B.1; others are
-- made here by HMAC, so that each attack is one line.
BEGIN;
SELECT plan(232);
SET LOCAL client_min_messages = error;

CREATE FUNCTION pg_temp.padded(key bytea, pad int) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE block bytea := key || decode(repeat('00', 64 - length(key)), 'hex');
BEGIN
	FOR i IN 0..63 LOOP block := set_byte(block, i, get_byte(block, i) # pad); END LOOP;
	RETURN block;
END $$;
CREATE FUNCTION pg_temp.hmac(key bytea, data text) RETURNS bytea LANGUAGE sql IMMUTABLE AS
	$$SELECT sha256(pg_temp.padded(key, 92) || sha256(pg_temp.padded(key, 54) || convert_to(data, 'UTF8')))$$;
CREATE FUNCTION pg_temp.b64(data bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT replace(encode(data, 'base64'), E'\n', '')$$;
CREATE FUNCTION pg_temp.at(seconds int DEFAULT 0) RETURNS bigint LANGUAGE sql AS
	$$SELECT floor(extract(epoch FROM clock_timestamp()))::bigint + seconds$$;
CREATE TEMP TABLE secret (name text PRIMARY KEY, bytes bytea);
INSERT INTO secret VALUES ('a', sha256('a')), ('b', sha256('b')), ('c', sha256('c')), ('d', sha256('d'));
CREATE FUNCTION pg_temp.secret(n text) RETURNS text LANGUAGE sql AS $$SELECT pg_temp.b64(bytes) FROM secret WHERE name = n$$;
-- how an error shows itself: its code, its message
CREATE FUNCTION pg_temp.failure(statement text, OUT code text, OUT message text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
	code := SQLSTATE;
	message := SQLERRM;
END $$;
CREATE FUNCTION pg_temp.refusal(statement text) RETURNS text LANGUAGE sql AS $$SELECT code FROM pg_temp.failure(statement)$$;
CREATE FUNCTION pg_temp.refusal_text(statement text) RETURNS text LANGUAGE sql AS $$SELECT code || ' ' || message FROM pg_temp.failure(statement)$$;
-- what two persons do
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

-- Declared
SELECT is(paysafe.set_request_client('shop', 'our shop'), 1, 'a client whose signatures cover what is usual is declared by one');
SELECT is((SELECT row(profile, components, nonce, tolerance, max_bytes, revoked)::text FROM paysafe.request_client WHERE client = 'shop'),
	'(rfc9421,"{@method,@path,@query,content-digest}",t,00:05:00,1048576,f)', 'as it is declared');
SELECT is(pg_temp.refusal(format('SELECT paysafe.set_request_client(%s)', a)), '42501', 'less takes two: ' || a) FROM unnest(ARRAY[
	$$'other', 'x', components => '{@method,@path,content-digest}'$$, $$'other', 'x', components => '{}'$$, $$'other', 'x', nonce => false$$,
	$$'other', 'x', tolerance => '6 minutes'$$, $$'other', 'x', max_bytes => 1048577$$, $$'shop', 'x', base_url => 'https://api.example'$$,
	$$'shop', 'x', profile => 'hmac'$$, $$'shop', 'x', components => '{@method,@path,@query}'$$]) AS a;
SELECT is(paysafe.set_request_client('whole', 'x', components => '{@method,@target-uri,content-digest}', tolerance => '1 minute', tag => 'shop', label => 'sig', base_url => 'https://api.example:8443'), 1,
	'@target-uri is @path and @query, and more');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_request_client('whole', 'x', components => '{@method,@target-uri,content-digest}', tolerance => '1 minute', label => 'sig', base_url => 'https://api.example:8443')$$), '42501', 'a tag less takes two');
SELECT is(pg_temp.refusal_text(format('SELECT paysafe.set_request_client(%s)', a)), '22023 ' || m, m) FROM (VALUES
	($$'x', 'x', profile => 'basic'$$, 'argument "profile" must be rfc9421 or hmac'),
	($$'x', 'x', profile => 'hmac', nonce => false$$, 'profile hmac has a nonce, and neither base_url nor label nor tag'),
	($$'x', 'x', components => '{@status}'$$, 'argument "components" must be of components of requests that RFC 9421 knows, or names of fields in small letters'),
	($$'x', 'x', components => '{Date}'$$, 'argument "components" must be of components of requests that RFC 9421 knows, or names of fields in small letters'),
	($$'x', 'x', tolerance => '25 hours'$$, 'argument "tolerance" must be at most a day'),
	($$'x', 'x', base_url => 'https://api.example/x'$$, 'argument "base_url" must be https://HOST or https://HOST:PORT, in small letters and without a path'),
	($$'x', 'x', label => 'Sig'$$, 'argument "label" must be of small letters, digits and "_", "-", ".", "*", a letter first')) AS v (a, m);
SELECT is(pg_temp.refusal(format('SELECT paysafe.set_request_client(%s)', a)), c, 'arguments: ' || a) FROM (VALUES
	($$NULL, 'x'$$, '22004'), ($$'x', NULL$$, '22004'), ($$'x', ' '$$, '22023'), ($$'x', 'x', components => NULL$$, '22004'), ($$'x', 'x', nonce => NULL$$, '22004'),
	($$'x', 'x', tolerance => '0'$$, '22023'), ($$'x', 'x', max_bytes => 0$$, '22023')) AS v (a, c);

-- Keys
SELECT is((SELECT array_agg(row(subject, ok)::text ORDER BY subject) FROM paysafe.check() WHERE subject LIKE 'signed requests %'),
	'{"(\"signed requests shop\",f)","(\"signed requests whole\",f)"}', 'a client without a key is told of');
SELECT is(pg_temp.refusal($$SELECT paysafe.add_request_key('shop', 'shop-1', 'hmac-sha256', pg_temp.secret('a'), 'x')$$), '42501', 'a key takes two');
SELECT matches(pg_temp.by_two($$paysafe.add_request_key('shop', 'shop-1', 'hmac-sha256', pg_temp.secret('a'), 'the first')$$), '^[0-9a-f]{64}$', 'a key, by two');
SELECT is(pg_temp.refusal($$SELECT paysafe.add_request_key('shop', 'shop-1', 'hmac-sha256', pg_temp.secret('b'), 'x')$$), '42710', 'a name is one key for ever');
SELECT is(pg_temp.refusal($$SELECT paysafe.add_request_key('whole', 'shop-1', 'hmac-sha256', pg_temp.secret('b'), 'x')$$), '42710', '... and one client''s');
SELECT is(pg_temp.refusal(format('SELECT paysafe.add_request_key(%s)', a)), c, 'keys: ' || a) FROM (VALUES
	($$'nobody', 'x', 'hmac-sha256', pg_temp.secret('b'), 'x'$$, '22023'), ($$'shop', 'x y', 'hmac-sha256', pg_temp.secret('b'), 'x'$$, '22023'),
	($$'shop', 'x', 'rsa-v1_5-sha256', pg_temp.secret('b'), 'x'$$, '22023'), ($$'shop', 'x', 'hmac-sha256', pg_temp.b64('short'), 'x'$$, '22023'),
	($$'shop', 'x', 'hmac-sha256', pg_temp.secret('b') || '!', 'x'$$, '22023'), ($$'shop', 'x', 'ed25519', pg_temp.secret('b'), 'x'$$, '22023'),
	($$'shop', 'x', NULL, pg_temp.secret('b'), 'x'$$, '22004'), ($$'shop', 'x', 'hmac-sha256', NULL, 'x'$$, '22004')) AS v (a, c);
SELECT throws_ok($$SELECT paysafe.add_request_key('shop', 'x', 'hmac-sha256', 'kJ2ZQ0m1Cq3m0o0f0m1Cq3m0o0f0m1Cq3m0o0f0m1Cq=', 'x')$$, '22023', NULL, 'a secret is not in the statement');
SELECT is((SELECT count(*)::int FROM paysafe.request_key k, secret s WHERE position(s.bytes IN k.secret) > 0), 0, 'secrets are sealed');
SELECT is((SELECT row(key_id, algorithm, live, not_after)::text FROM paysafe.request_keys WHERE client = 'shop'), '(shop-1,hmac-sha256,t,)', 'a key is shown without itself');

SELECT is((SELECT array_agg(row(subject, ok)::text ORDER BY subject) FROM paysafe.check() WHERE subject LIKE 'signed requests %'),
	'{"(\"signed requests shop\",t)","(\"signed requests whole\",f)"}', '... until it has one');

-- What is signed: the lines of a base, and what comes of them
CREATE FUNCTION pg_temp.signed(input text, lines text, label text DEFAULT 'sig1', secret text DEFAULT 'a') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('Signature-Input', label || '=' || input, 'Signature', label || '=:' ||
		pg_temp.b64(pg_temp.hmac((SELECT bytes FROM secret s WHERE s.name = signed.secret), lines || '"@signature-params": ' || input)) || ':') $$;
CREATE FUNCTION pg_temp.digest(body text) RETURNS text LANGUAGE sql AS $$SELECT 'sha-256=:' || pg_temp.b64(sha256(convert_to(body, 'UTF8'))) || ':'$$;
-- a whole one: POST /pay?x=1
CREATE FUNCTION pg_temp.whole(nonce text, params text DEFAULT '', seconds int DEFAULT 0, body text DEFAULT '{"n": 1}', secret text DEFAULT 'a', key text DEFAULT 'shop-1') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('Content-Digest', pg_temp.digest(body), 'Host', 'api.example') || pg_temp.signed(
		format('("@method" "@path" "@query" "content-digest");created=%s;keyid="%s";nonce="%s"%s', pg_temp.at(seconds), key, nonce, params),
		format(E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n"content-digest": %s\n', pg_temp.digest(body)), secret => secret) $$;
CREATE FUNCTION pg_temp.verify(headers jsonb, body text DEFAULT '{"n": 1}', client text DEFAULT 'shop', method text DEFAULT 'POST', path text DEFAULT '/pay', query text DEFAULT 'x=1', at timestamptz DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', CASE WHEN ok THEN 'ok' END, reason, key_id, label) FROM paysafe.request_verify(client, method, path, query, headers, body::paysafe.payload, at) $$;
CREATE FUNCTION pg_temp.accept(headers jsonb, body text DEFAULT '{"n": 1}', client text DEFAULT 'shop', method text DEFAULT 'POST', path text DEFAULT '/pay', query text DEFAULT 'x=1') RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', accepted, reason, client_name, key_id, label) FROM paysafe.request_accept(client, method, path, query, headers, body::paysafe.payload, '192.0.2.7') $$;

SELECT is(pg_temp.accept(pg_temp.whole('n1')), 't shop shop-1 sig1', 'a signed request is accepted');
SELECT is(pg_temp.accept(pg_temp.whole('n1')), 'f refused', '... and no other one of its nonce');
SELECT is(pg_temp.accept(pg_temp.whole('n2'), client => NULL), 't shop shop-1 sig1', 'a client is known by its key');
SELECT is(pg_temp.accept(pg_temp.whole('n3') - 'Signature'), 'f refused', 'without a signature');
SELECT is((SELECT row(accepted, reason, client_name, key_id, signed_at, label)::text FROM paysafe.request_accept(NULL, NULL, NULL, NULL, NULL, NULL)), '(f,refused,,,,)', 'nothing at all');
SELECT is(pg_temp.accept(pg_temp.whole('n3'), client => 'nobody'), 'f refused', 'nobody''s');
SAVEPOINT rolled;
SELECT is(pg_temp.accept(pg_temp.whole('n4')), 't shop shop-1 sig1', 'once');
ROLLBACK TO rolled;
SELECT is(pg_temp.accept(pg_temp.whole('n4')), 't shop shop-1 sig1', '... or again, if nothing was done with it');
SELECT is(pg_temp.verify(pg_temp.whole('n4')), 'ok shop-1 sig1', 'verifying uses nothing up, and knows nothing of it');
SELECT ok((SELECT bool_and(until BETWEEN clock_timestamp() + interval '4 minutes' AND clock_timestamp() + interval '5 minutes') AND count(*) = 3 FROM paysafe.token_use), 'a nonce is known until its signed time plus the tolerance');
SELECT is(pg_temp.accept(pg_temp.whole('n5', seconds => 290)), 't shop shop-1 sig1', 'signed ahead of our clock');
SELECT ok((SELECT max(until) > clock_timestamp() + interval '9 minutes' FROM paysafe.token_use), '... is known for as long as it could come again');

-- whose body, target, time is another one
SELECT is(pg_temp.verify(pg_temp.whole('m1'), body => '{"n": 2}'), 'digest_wrong', 'another body');
SELECT is(pg_temp.verify(pg_temp.whole('m1'), method => 'PUT'), 'signature_wrong', 'another method');
SELECT is(pg_temp.verify(pg_temp.whole('m1'), path => '/refund'), 'signature_wrong', 'another path');
SELECT is(pg_temp.verify(pg_temp.whole('m1'), query => 'x=2'), 'signature_wrong', 'another query');
SELECT is(pg_temp.verify(pg_temp.whole('m1'), query => NULL), 'signature_wrong', '... or none');
SELECT is(pg_temp.verify(pg_temp.whole('m1'), path => a), 'path_malformed', 'no path: ' || a) FROM unnest('{pay,/pay?x=1,/a b,/pay#x,/ä}'::text[]) a;
SELECT is(pg_temp.verify(pg_temp.whole('m1'), method => a), 'method_malformed', 'no method') FROM (VALUES (NULL), (''), ('PO ST'), (E'POST\n')) v (a);
SELECT is(pg_temp.verify(pg_temp.whole('m1'), query => a), 'query_malformed', 'no query') FROM (VALUES ('x=1#y'), ('x= 1'), (E'x=1\n"@path": /pay')) v (a);
SELECT is(pg_temp.verify(pg_temp.whole('m1', secret => 'b')), 'signature_wrong', 'another secret');
SELECT is(pg_temp.verify(pg_temp.whole('m1', key => 'shop-2')), 'key_unknown', 'another key');
SELECT is(pg_temp.verify(pg_temp.whole('m1', seconds => -302)), 'timestamp_old', 'too old');
SELECT is(pg_temp.verify(pg_temp.whole('m1', seconds => 310)), 'timestamp_future', 'too new');
SELECT is(pg_temp.verify(pg_temp.whole('m1', ';expires=' || pg_temp.at(60))), 'ok shop-1 sig1', 'it may say when it is over');
SELECT is(pg_temp.verify(pg_temp.whole('m1', ';expires=' || pg_temp.at(-1), -10)), 'expired', '... and is, then');
SELECT is(pg_temp.verify(pg_temp.whole('m1', ';expires=' || pg_temp.at(-20), -10)), 'parameter_malformed', '... not before it begins');
SELECT is(pg_temp.verify(pg_temp.whole('m1', ';alg="hmac-sha256"')), 'ok shop-1 sig1', 'its algorithm may be named');
SELECT is(pg_temp.verify(pg_temp.whole('m1', ';alg="ed25519"')), 'algorithm_wrong', '... and not chosen');
SELECT is(pg_temp.verify(pg_temp.whole('m1', ';x=1')), 'parameter_malformed', 'a parameter that nobody knows');
SELECT is(pg_temp.verify(pg_temp.whole('m1"', ';tag="x')), 'header_malformed', 'a nonce that ends elsewhere');
SELECT is(pg_temp.verify(pg_temp.whole('', '')), 'parameter_missing', 'an empty nonce');
SELECT is(pg_temp.verify(pg_temp.whole('m1') || '{"Content-Digest": "sha-256=:AAAA:"}'), 'signature_wrong', 'another digest');

-- what it covers
CREATE FUNCTION pg_temp.covers(components text, lines text, params text DEFAULT NULL, more jsonb DEFAULT '{}', body text DEFAULT '{"n": 1}', query text DEFAULT 'x=1') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.verify(jsonb_build_object('Content-Digest', pg_temp.digest(body), 'Host', 'api.example') || more || pg_temp.signed(
		format('(%s)%s', components, coalesce(params, format(';created=%s;keyid="shop-1";nonce="c"', pg_temp.at()))), replace(lines, '$D', pg_temp.digest(body))), body, query => query) $$;
SELECT is(pg_temp.covers(components, lines, params, more, body, query), answer, what) FROM (VALUES
	('"@method" "@path" "@query"', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n', NULL, '{}'::jsonb, '{"n": 1}', 'x=1', 'component_missing', 'a body that is not covered'),
	('"@method" "@path" "@query"', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n', NULL, '{}', '', 'x=1', 'ok shop-1 sig1', '... where there is none'),
	('"@method" "@path" "@query"', E'"@method": POST\n"@path": /pay\n"@query": ?\n', NULL, '{}', '', NULL, 'ok shop-1 sig1', 'no query is an empty one'),
	('"@path" "@query" "content-digest"', E'"@path": /pay\n"@query": ?x=1\n"content-digest": $D\n', NULL, '{}', '{"n": 1}', 'x=1', 'component_missing', 'a method that is not covered'),
	('"@method" "@target-uri" "content-digest"', E'"@method": POST\n"@target-uri": https://api.example/pay?x=1\n"content-digest": $D\n', NULL, '{}', '{"n": 1}', 'x=1', 'ok shop-1 sig1', 'the target as a whole'),
	('"@method" "@request-target" "content-digest"', E'"@method": POST\n"@request-target": /pay?x=1\n"content-digest": $D\n', NULL, '{}', '{"n": 1}', 'x=1', 'ok shop-1 sig1', '... or without its host'),
	('"@method" "@path" "@query" "content-digest" "@authority" "@scheme"', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n"content-digest": $D\n"@authority": api.example\n"@scheme": https\n', NULL, '{"Host": "API.example:443"}', '{"n": 1}', 'x=1', 'ok shop-1 sig1', 'host and scheme'),
	('"@method" "@path" "@query-param";name="x" "content-digest"', E'"@method": POST\n"@path": /pay\n"@query-param";name="x": 1\n"content-digest": $D\n', NULL, '{}', '{"n": 1}', 'x=1', 'component_missing', 'a part of the query is not the query'),
	('"@method" "@path" "@query" "content-digest";key="sha-256"', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n"content-digest";key="sha-256": $D\n', NULL, '{}', '{"n": 1}', 'x=1', 'component_missing', 'a part of the digests is not the digest'),
	('"@method" "@path" "@query" "content-digest" "@method"', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n"content-digest": $D\n"@method": POST\n', NULL, '{}', '{"n": 1}', 'x=1', 'component_duplicate', 'twice the same'),
	('"@method" "@path" "@query" "content-digest" "@status"', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n"content-digest": $D\n"@status": 200\n', NULL, '{}', '{"n": 1}', 'x=1', 'component_unknown', 'what answers have'),
	('"@method" "@path" "@query" "content-digest" "X-A"', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n"content-digest": $D\n"X-A": 1\n', NULL, '{"X-A": "1"}', '{"n": 1}', 'x=1', 'component_unknown', 'a name in capitals'),
	('"@method" "@path" "@query" "content-digest" "x-a";bs', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n"content-digest": $D\n"x-a";bs: :MQ==:\n', NULL, '{"X-A": "1"}', '{"n": 1}', 'x=1', 'component_unknown', 'forms that are not taken'),
	('"@method" "@path" "@query" "content-digest" "x-a"', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n"content-digest": $D\n"x-a": 1, 2\n', NULL, '{"X-A": [" 1\t", "2"]}', '{"n": 1}', 'x=1', 'ok shop-1 sig1', 'lines are joined'),
	('"@method" "@path" "@query" "content-digest" "x-a"', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n"content-digest": $D\n"x-a": 1 2\n', NULL, '{"X-A": "1\r\n 2"}', '{"n": 1}', 'x=1', 'header_malformed', 'and not folded'),
	('"@method" "@path" "@query" "content-digest" "x-a"', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n"content-digest": $D\n"x-a": 1\n', NULL, '{}', '{"n": 1}', 'x=1', 'header_missing', 'a line that is not there'),
	('"@method" "@path" "@query" "content-digest" "x-a"', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n"content-digest": $D\n"x-a": ä\n', NULL, '{"X-A": "ä"}', '{"n": 1}', 'x=1', 'header_malformed', 'a line that is no ASCII'),
	('"@method" "@path" "@query" "content-digest" "x-a";key="b"', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n"content-digest": $D\n"x-a";key="b": 2.5;c\n', NULL, '{"X-A": "a=1, b=2.50;c=?1"}', '{"n": 1}', 'x=1', 'ok shop-1 sig1', 'a member of a dictionary, as it is written'),
	('"@method" "@path" "@query" "content-digest"', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n"content-digest": $D\n', ';keyid="shop-1";nonce="c"', '{}', '{"n": 1}', 'x=1', 'parameter_missing', 'no time'),
	('"@method" "@path" "@query" "content-digest"', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n"content-digest": $D\n', ';created=1e9;keyid="shop-1";nonce="c"', '{}', '{"n": 1}', 'x=1', 'header_malformed', 'a time that is none'),
	('"@method" "@path" "@query" "content-digest"', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n"content-digest": $D\n', format(';created=%s;created=1;keyid="shop-1";nonce="c"', pg_temp.at()), '{}', '{"n": 1}', 'x=1', 'header_malformed', 'two times'),
	('"@method" "@path" "@query" "content-digest"', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n"content-digest": $D\n', format(';created="%s";keyid="shop-1";nonce="c"', pg_temp.at()), '{}', '{"n": 1}', 'x=1', 'parameter_malformed', 'a time that is text'),
	('"@method" "@path" "@query" "content-digest"', E'"@method": POST\n"@path": /pay\n"@query": ?x=1\n"content-digest": $D\n', format(';created=%s;nonce="c"', pg_temp.at()), '{}', '{"n": 1}', 'x=1', 'parameter_missing', 'no key')
) AS v (components, lines, params, more, body, query, answer, what);

-- several signatures
CREATE FUNCTION pg_temp.both(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT a || b || jsonb_build_object('Signature-Input', jsonb_build_array(a->>'Signature-Input', b->>'Signature-Input'), 'Signature', (a->>'Signature') || ', ' || (b->>'Signature')) $$;
CREATE TEMP TABLE one AS SELECT pg_temp.whole('s1') AS good, pg_temp.signed(format('("@method");created=%s;keyid="shop-1";nonce="s2"', pg_temp.at()), E'"@method": POST\n', 'proxy') AS narrow;
SELECT is(pg_temp.verify(pg_temp.both(narrow, good)), 'ok shop-1 sig1', 'one that fits wholly is enough') FROM one;
SELECT is(pg_temp.verify(pg_temp.both(good, narrow)), 'ok shop-1 sig1', '... wherever it stands') FROM one;
SELECT is(pg_temp.verify(good || jsonb_build_object('Signature', narrow->>'Signature', 'Signature-Input', good->>'Signature-Input')), 'signature_missing', 'none is made of two') FROM one;
SELECT is(pg_temp.verify(good || jsonb_build_object('Signature', replace(narrow->>'Signature', 'proxy', 'sig1'))), 'signature_wrong', '... under one name neither') FROM one;
SELECT is(pg_temp.verify(good || jsonb_build_object('Signature-Input', jsonb_build_array(good->>'Signature-Input', good->>'Signature-Input'))), 'header_malformed', 'nor are there two of one name') FROM one;
SELECT is(pg_temp.verify(good || jsonb_build_object('Signature-Input', (SELECT string_agg(format('s%s=()', i), ', ') FROM generate_series(1, 9) i))), 'too_many_signatures', 'nor too many') FROM one;
SELECT is(pg_temp.verify(good || jsonb_build_object('Signature', 'sig1=:' || s || ':')), w, 'a signature that is ' || w || ' ' || s) FROM one,
	(VALUES ('AAA', 'header_malformed'), ('AAB=', 'header_malformed'), ('', 'signature_malformed'), ('AAAA', 'signature_wrong')) AS v (s, w);
SELECT is(pg_temp.verify(good || '{"Signature": "sig1"}'), 'signature_malformed', 'a signature that is a word') FROM one;
SELECT is(pg_temp.verify(good || jsonb_build_object('signature', good->'Signature')), 'headers_malformed', 'a name in two spellings') FROM one;
SELECT is(pg_temp.verify(h), 'headers_malformed', 'no header: ' || left(h::text, 20)) FROM (VALUES ('[]'::jsonb), ('"x"'), ('{"a": 1}'), ('{"a": {"b": "c"}}'), ('{"a": [["b"]]}'), ('{"a": null}')) v (h);
SELECT is(pg_temp.verify((SELECT jsonb_object_agg('h' || i, 'x') FROM generate_series(1, 257) i)), 'headers_malformed', 'too many lines');
SELECT is(pg_temp.verify(good || jsonb_build_object('Signature-Input', repeat('x', 9000))), 'header_too_large', 'too long a line') FROM one;
SELECT is(pg_temp.verify(good || '{"Host": ["a", "b"]}'), 'header_duplicate', 'two hosts') FROM one;

-- a client that has a host, a label and a tag
SELECT isnt(pg_temp.by_two($$paysafe.add_request_key('whole', 'whole-1', 'hmac-sha256', pg_temp.secret('c'), 'x')$$), NULL, 'its key');
CREATE FUNCTION pg_temp.tagged(label text, tag text, host text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.verify('{"Host": "internal.example"}'::jsonb || pg_temp.signed(format('("@method" "@target-uri");created=%s;keyid="whole-1";nonce="t";tag="%s"', pg_temp.at(), tag),
		format(E'"@method": GET\n"@target-uri": https://%s/\n', host), label, 'c'), '', 'whole', 'GET', '', NULL) $$;
SELECT is(pg_temp.tagged(l, t, h), a, a) FROM (VALUES ('sig', 'shop', 'api.example:8443', 'ok whole-1 sig'), ('sig1', 'shop', 'api.example:8443', 'label_missing'),
	('sig', 'other', 'api.example:8443', 'tag_wrong'), ('sig', 'shop', 'internal.example', 'signature_wrong')) AS v (l, t, h, a);

-- HMAC
SELECT is(paysafe.set_request_client('till', 'our till', profile => 'hmac'), 1, 'a client with HMAC');
SELECT is(pg_temp.refusal($$SELECT paysafe.add_request_key('till', 'till-1', 'ed25519', E'-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n-----END PUBLIC KEY-----', 'x')$$), '22023', 'has no other keys');
SELECT isnt(pg_temp.by_two($$paysafe.add_request_key('till', 'till-1', 'hmac-sha256', pg_temp.secret('b'), 'x')$$), NULL, 'its key');
CREATE FUNCTION pg_temp.hmac_headers(nonce text, seconds int DEFAULT 0, body text DEFAULT '{"n": 1}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('X-Request-Key', 'till-1', 'X-Request-Time', pg_temp.at(seconds)::text, 'X-Request-Nonce', nonce, 'X-Request-Signature',
		encode(pg_temp.hmac((SELECT bytes FROM secret WHERE name = 'b'), format(E'request-hmac-v1\nPOST\n/pay\nx=1\n%s\n%s\ntill-1\n%s', pg_temp.at(seconds), nonce, encode(sha256(convert_to(body, 'UTF8')), 'hex'))), 'hex')) $$;
SELECT is(pg_temp.accept(pg_temp.hmac_headers('h1'), client => c), a, 'by HMAC') FROM (VALUES ('till', 't till till-1'), ('till', 'f refused')) AS v (c, a);
SELECT is(pg_temp.accept(pg_temp.hmac_headers('h2'), client => NULL), 't till till-1', '... known by its key');
SELECT is(pg_temp.verify(pg_temp.hmac_headers('h3') || d, client => 'till'), a, a) FROM (VALUES ('{"X-Request-Time": "1"}'::jsonb, 'timestamp_malformed'), ('{"X-Request-Time": "1700000000.5"}', 'timestamp_malformed'),
	(jsonb_build_object('X-Request-Time', repeat('9', 255)), 'timestamp_malformed'),
	('{"X-Request-Time": "1700000000"}', 'signature_wrong'), ('{"X-Request-Nonce": "h4"}', 'signature_wrong'), ('{"X-Request-Nonce": ["h3", "h3"]}', 'header_duplicate'), ('{"X-Request-Nonce": "h 3"}', 'header_malformed'),
	('{"X-Request-Key": "shop-1"}', 'key_unknown'), ('{"X-Request-Signature": "AB"}', 'signature_malformed')) AS v (d, a);
SELECT is(pg_temp.verify(jsonb_set(h, '{X-Request-Signature}', to_jsonb(upper(h->>'X-Request-Signature'))), client => 'till'), 'signature_malformed', 'one text for each signature') FROM pg_temp.hmac_headers('h3') h;
SELECT is(pg_temp.verify(pg_temp.hmac_headers('h3', -302), client => 'till'), 'timestamp_old', 'old');
SELECT is(pg_temp.verify(pg_temp.whole('h3'), client => 'till'), 'header_missing', 'a client has one profile');

-- a message that a proxy has signed, too, under a key of its own
CREATE TEMP TABLE proxied AS SELECT pg_temp.both(pg_temp.signed(format('("@method");created=%s;keyid="whole-1";nonce="p"', pg_temp.at()), E'"@method": POST\n', 'proxy', 'c'), pg_temp.whole('p1')) AS headers;
SELECT is(pg_temp.accept(headers, client => NULL), a, 'whoever has signed all of it') FROM proxied, (VALUES ('t shop shop-1 sig1'), ('f refused')) AS v (a);

-- No bit of it can change.  A text has seven that it can change in.
CREATE FUNCTION pg_temp.flipped(t text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT overlay(t PLACING chr(ascii(substr(t, i, 1)) # (1 << b)) FROM i FOR 1) FROM generate_series(1, length(t)) i, generate_series(0, 6) b
	 WHERE ascii(substr(t, i, 1)) # (1 << b) <> 0 $$;
CREATE TEMP TABLE whole AS SELECT pg_temp.hmac_headers('bits') AS headers, 'till'::text AS client UNION ALL SELECT pg_temp.whole('bits') - 'Host', 'shop';
SELECT is((SELECT array_agg(pg_temp.verify(headers, client => client) ORDER BY client) FROM whole), '{"ok shop-1 sig1","ok till-1"}', 'whole');
SELECT is((SELECT count(*) FILTER (WHERE pg_temp.verify(jsonb_set(headers, ARRAY[key], to_jsonb(f)), client => client) LIKE 'ok%') || ' of ' || (count(*) > 1500)
	FROM whole, jsonb_each_text(headers), pg_temp.flipped(value) f), '0 of true', 'no bit of the header');
SELECT is((SELECT count(*) FILTER (WHERE pg_temp.verify(headers, client => client, method => f) LIKE 'ok%') FROM whole, pg_temp.flipped('POST') f), 0::bigint, 'nor of the method');
SELECT is((SELECT count(*) FILTER (WHERE pg_temp.verify(headers, client => client, path => f) LIKE 'ok%') FROM whole, pg_temp.flipped('/pay') f), 0::bigint, 'nor of the path');
SELECT is((SELECT count(*) FILTER (WHERE pg_temp.verify(headers, client => client, query => f) LIKE 'ok%') FROM whole, pg_temp.flipped('x=1') f), 0::bigint, 'nor of the query');
SELECT is((SELECT count(*) FILTER (WHERE (paysafe.request_verify(client, 'POST', '/pay', 'x=1', headers, set_bit('{"n": 1}'::bytea, b, 1 - get_bit('{"n": 1}'::bytea, b))::paysafe.payload)).ok)
	FROM whole, generate_series(0, 63) b), 0::bigint, 'nor of the body');

-- RFC 9421, appendix B
SELECT is(pg_temp.by_two($$paysafe.set_request_client('rfc', 'its examples', components => '{}', nonce => false)$$), '1', 'a client whose signatures cover what they like');
SELECT isnt(pg_temp.by_two(format('paysafe.add_request_key(''rfc'', %L, %L, %L, ''appendix B.1'', NULL)', k, a, E'-----BEGIN PUBLIC KEY-----\n' || p || E'\n-----END PUBLIC KEY-----')), NULL, k) FROM (VALUES
	('test-key-rsa-pss', 'rsa-pss-sha512', E'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2\n+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+\noAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq\ngDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W\nUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4\naOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI\n2wIDAQAB'),
	('test-key-ecc-p256', 'ecdsa-p256-sha256', E'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf\nw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ=='),
	('test-key-ed25519', 'ed25519', 'MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=')) AS v (k, a, p);
CREATE TEMP TABLE shared AS SELECT 'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=='::text AS secret;
SELECT isnt(pg_temp.by_two($$paysafe.add_request_key('rfc', 'test-shared-secret', 'hmac-sha256', secret, 'appendix B.1', NULL) FROM shared$$), NULL, 'test-shared-secret');
CREATE TEMP TABLE example (name text, input text, signature text, answer text, body text DEFAULT '{"hello": "world"}', method text DEFAULT 'POST', path text DEFAULT '/foo', query text DEFAULT 'param=Value&Pet=dog', headers jsonb DEFAULT
	'{"Host": "example.com", "Date": "Tue, 20 Apr 2021 02:07:55 GMT", "Content-Type": "application/json", "Content-Digest": "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:", "Content-Length": "18"}');
INSERT INTO example (name, input, signature, answer) VALUES
	('B.2.1', 'sig-b21=();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"', 'sig-b21=:d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==:', 'ok test-key-rsa-pss sig-b21'),
	('B.2.2', 'sig-b22=("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example"', 'sig-b22=:LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==:', 'ok test-key-rsa-pss sig-b22'),
	('B.2.3', 'sig-b23=("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss"', 'sig-b23=:bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==:', 'ok test-key-rsa-pss sig-b23'),
	('B.2.4, an answer', 'sig-b24=("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"', 'sig-b24=:wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==:', 'component_unknown'),
	('B.2.5', 'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"', 'sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:', 'ok test-shared-secret sig-b25'),
	('B.2.6', 'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"', 'sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:', 'ok test-key-ed25519 sig-b26');
INSERT INTO example (name, input, signature, answer, headers) VALUES
	('B.3', 'ttrp=("@path" "@query" "@method" "@authority" "client-cert");created=1618884473;keyid="test-key-ecc-p256"', 'ttrp=:xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw==:', 'ok test-key-ecc-p256 ttrp',
	 '{"Host": "service.internal.example", "Date": "Tue, 20 Apr 2021 02:07:55 GMT", "Content-Type": "application/json", "Content-Length": "18", "Client-Cert": ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:"}');
INSERT INTO example (name, input, signature, answer, body, method, path, query, headers)
	SELECT 'B.4 ' || what, 'transform=("@method" "@path" "@authority" "accept");created=1618884473;keyid="test-key-ed25519"', 'transform=:ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==:', answer, '', method, path, query, headers FROM (VALUES
		('as it was signed', 'ok test-key-ed25519 transform', 'GET', '/demo', 'name1=Value1&Name2=value2', '{"Host": "example.org", "Date": "Fri, 15 Jul 2022 14:24:55 GMT", "Accept": ["application/json", "*/*"]}'::jsonb),
		('with a field and a parameter more', 'ok test-key-ed25519 transform', 'GET', '/demo', 'name1=Value1&Name2=value2&param=added', '{"Host": "example.org", "Accept": ["application/json", "*/*"], "Accept-Language": "en-US,en;q=0.5"}'),
		('with its lines joined, without a date', 'ok test-key-ed25519 transform', 'GET', '/demo', 'name1=Value1&Name2=value2', '{"Host": "example.org", "Referer": "https://developer.example.org/demo", "Accept": "application/json, */*"}'),
		('in another order', 'signature_wrong', 'GET', '/demo', 'name1=Value1&Name2=value2', '{"Host": "example.org", "Accept": ["*/*", "application/json"]}'),
		('with another method and host', 'signature_wrong', 'POST', '/demo', 'name1=Value1&Name2=value2', '{"Host": "example.com", "Accept": ["application/json", "*/*"]}')) AS v (what, answer, method, path, query, headers);
CREATE FUNCTION pg_temp.of(e example) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.verify(e.headers || jsonb_build_object('Signature-Input', e.input, 'Signature', e.signature), e.body, 'rfc', e.method, e.path, e.query, to_timestamp(1618884475)) $$;
SELECT is(pg_temp.of(e), answer, name) FROM example e;
SELECT is((SELECT count(*) FILTER (WHERE pg_temp.of(e) LIKE 'ok%') || ' of ' || (count(*) > 5000) FROM (
	SELECT (jsonb_populate_record(e, jsonb_build_object(k, f))).* FROM example e, jsonb_each_text(to_jsonb(e)) AS j (k, v), pg_temp.flipped(v) f WHERE k IN ('input', 'signature', 'method', 'path') AND e.name IN ('B.2.6', 'B.3')
	UNION ALL SELECT (jsonb_populate_record(e, jsonb_build_object('signature', f))).* FROM example e, pg_temp.flipped(signature) f WHERE e.name = 'B.2.3') e), '0 of true', 'no bit of what they cover');
SELECT is((SELECT pg_temp.of(jsonb_populate_record(e, jsonb_build_object('input', replace(replace(input, '("date"', '( "date" '), ';created', '; created')))) FROM example e WHERE name = 'B.2.6'), 'ok test-key-ed25519 sig-b26', 'what is signed is in one form, however it is written');
SELECT is(pg_temp.verify(headers || jsonb_build_object('Signature-Input', input, 'Signature', signature), body, 'rfc', at => '2021-04-20 03:00+00'), 'timestamp_old', 'not for ever') FROM example WHERE name = 'B.2.1';

-- without a nonce it is known by what is signed
SELECT isnt(pg_temp.by_two($$paysafe.add_request_key('rfc', 'rfc-1', 'hmac-sha256', pg_temp.secret('d'), 'x', NULL)$$), NULL, 'its key');
CREATE TEMP TABLE bare AS SELECT pg_temp.signed(format('("@method");created=%s;keyid="rfc-1"', pg_temp.at()), E'"@method": POST\n', secret => 'd') AS headers;
SELECT is(pg_temp.accept(headers, client => 'rfc'), a, 'without a nonce') FROM bare, (VALUES ('t rfc rfc-1 sig1'), ('f refused')) AS v (a);

-- Keys end, and clients
SELECT isnt(pg_temp.by_two($$paysafe.add_request_key('shop', 'shop-2', 'hmac-sha256', pg_temp.secret('b'), 'the next one')$$), NULL, 'the next key');
SELECT is((SELECT array_agg(row(key_id, live, not_after BETWEEN clock_timestamp() + interval '6 days' AND clock_timestamp() + interval '7 days')::text ORDER BY key_id) FROM paysafe.request_keys WHERE client = 'shop'),
	'{"(shop-1,t,t)","(shop-2,t,)"}', '... and the one before it, for a week');
SELECT is(pg_temp.verify(pg_temp.whole('k1', key => k, secret => s)), a, 'both count') FROM (VALUES ('shop-1', 'a', 'ok shop-1 sig1'), ('shop-2', 'b', 'ok shop-2 sig1'), ('shop-1', 'b', 'signature_wrong')) AS v (k, s, a);

-- a request that several keys have signed is one: none of them brings it again
CREATE FUNCTION pg_temp.second(headers jsonb, label text DEFAULT 'sig2') RETURNS jsonb LANGUAGE sql AS $$
	SELECT headers || jsonb_build_object('Signature-Input', label || substr(headers->>'Signature-Input', 5), 'Signature', label || substr(headers->>'Signature', 5)) $$;
CREATE TEMP TABLE doubled AS SELECT pg_temp.whole('d1') AS old, pg_temp.second(pg_temp.whole('d2', key => 'shop-2', secret => 'b')) AS new, pg_temp.whole('d3') AS other,
	pg_temp.whole('d4') AS same, pg_temp.second(pg_temp.whole('d4', key => 'shop-2', secret => 'b')) AS same_new, pg_temp.second(pg_temp.whole('d5', seconds => 400)) AS ahead, pg_temp.whole('d6') AS now;
SELECT is(pg_temp.accept(pg_temp.both(old, new)), 't shop shop-1 sig1', 'signed with the old and the new key') FROM doubled;
SELECT is(pg_temp.accept(new), 'f refused', '... and again, without the first signature') FROM doubled;
SELECT is(pg_temp.accept(old), 'f refused', '... without the second one') FROM doubled;
SELECT is(pg_temp.accept(pg_temp.both(other, new)), 'f refused', 'one that is known is enough') FROM doubled;
SELECT is(pg_temp.accept(other), 't shop shop-1 sig1', '... and uses the others not up') FROM doubled;
SELECT is(pg_temp.accept(pg_temp.both(same, same_new)), 't shop shop-1 sig1', 'two signatures with one nonce') FROM doubled;
SELECT is(pg_temp.accept(same_new), 'f refused', '... are one') FROM doubled;
SELECT is(pg_temp.accept(pg_temp.both(now, ahead)), 't shop shop-1 sig1', 'one that counts later') FROM doubled;
SELECT ok(max(until) > clock_timestamp() + interval '11 minutes', '... is used up, too') FROM paysafe.token_use;
SELECT is(paysafe.set_request_client('twin', 'theirs'), 1, 'another client');
SELECT isnt(pg_temp.by_two($$paysafe.add_request_key('twin', 'twin-1', 'hmac-sha256', pg_temp.secret('c'), 'x')$$), NULL, 'its key');
CREATE TEMP TABLE twins AS SELECT pg_temp.whole('t1') AS one, pg_temp.second(pg_temp.whole('t1', key => 'twin-1', secret => 'c')) AS two;
SELECT is(pg_temp.accept(pg_temp.both(one, two), client => NULL), 't shop shop-1 sig1', 'signed by two clients') FROM twins;
SELECT is(pg_temp.accept(two, client => c), 'f refused', '... is not the other one''s, then') FROM twins, (VALUES (NULL), ('twin')) AS v (c);
SELECT is(pg_temp.accept(one, client => NULL), 'f refused', '... nor the first one''s') FROM twins;
SELECT is(paysafe.set_request_client('twin', 'under one label', label => 'sig1'), 2, 'only one label counts');
CREATE TEMP TABLE labels AS SELECT pg_temp.whole('l1', key => 'twin-1', secret => 'c') AS one, pg_temp.second(pg_temp.whole('l2', key => 'twin-1', secret => 'c')) AS two;
SELECT is(pg_temp.accept(pg_temp.both(two, one), client => 'twin'), 't twin twin-1 sig1', '... of two') FROM labels;
SELECT is(pg_temp.accept(pg_temp.second(two, 'sig1'), client => 'twin'), 'f refused', '... and the other one not under it') FROM labels;
SELECT isnt(pg_temp.by_two($$paysafe.add_request_key('rfc', 'rfc-2', 'hmac-sha256', pg_temp.secret('c'), 'x', NULL)$$), NULL, 'a key where there are no nonces');
CREATE TEMP TABLE bares AS SELECT pg_temp.signed(format('("@method");created=%s;keyid="rfc-1"', pg_temp.at(-200)), E'"@method": POST\n', secret => 'd') AS one,
	pg_temp.signed(format('("@method");created=%s;keyid="rfc-2"', pg_temp.at(-200)), E'"@method": POST\n', 'sig2', 'c') AS two;
SELECT is(pg_temp.accept(pg_temp.both(one, two), client => 'rfc'), 't rfc rfc-1 sig1', '... both') FROM bares;
SELECT is(pg_temp.accept(two, client => 'rfc'), 'f refused', '... once') FROM bares;

SELECT lives_ok($$SELECT paysafe.retire_request_key('shop', 'shop-1')$$, 'a key ends at once');
SELECT is(pg_temp.verify(pg_temp.whole('k1')), 'key_unknown', '... for every request');
SELECT is(pg_temp.refusal($$SELECT paysafe.retire_request_key('shop', 'shop-1')$$), '22023', '... and only once');
SELECT is(pg_temp.refusal($$SELECT paysafe.retire_request_key('shop', NULL)$$), '22004', 'which one');
SELECT is(pg_temp.by_two($$paysafe.set_request_client('till', 'slow clocks', profile => 'hmac', tolerance => '1 hour')$$), '2', 'a longer tolerance, by two');
SELECT is(pg_temp.verify(pg_temp.hmac_headers('h9', -600), client => 'till'), 'timestamp_old', '... counts for nothing that could have been forgotten');
SELECT is(pg_temp.verify(pg_temp.hmac_headers('h9', 7200), client => 'till', at => clock_timestamp() + interval '165 minutes'), 'ok till-1', '... but for what is signed later');
SELECT is(paysafe.revoke_request_client('shop', 'the contract has ended'), 2, 'a client is revoked by one');
SELECT is(pg_temp.verify(pg_temp.whole('k2', key => 'shop-2', secret => 'b')), 'client_revoked', '... at once');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_request_client('shop', 'back')$$), '42501', '... and comes back by two');
SELECT is(pg_temp.refusal($$SELECT paysafe.revoke_request_client('nobody', 'x')$$), '22023', 'nobody is no client');

-- what one has rejected is rejected under other names, too: who has rejected the second of two
CREATE FUNCTION pg_temp.rejected(first text, second text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE call text;
BEGIN
	FOREACH call IN ARRAY ARRAY[first, second] LOOP
		PERFORM paysafe.act_as('ann'), paysafe.propose('because');
		EXECUTE 'SELECT paysafe.' || call;
		PERFORM paysafe.propose(NULL);
		IF call = first THEN
			PERFORM paysafe.act_as('bob'), paysafe.reject(approved_as, key, 'no') FROM (SELECT * FROM paysafe.pending_change ORDER BY id DESC LIMIT 1) p;
		END IF;
	END LOOP;
	PERFORM paysafe.act_as(NULL);
	RETURN (SELECT rejected_by FROM paysafe.pending_change ORDER BY id DESC LIMIT 1);
END $$;
INSERT INTO secret VALUES ('e', sha256('e')), ('f', sha256('f')), ('g', sha256('g')), ('long', sha256('h') || sha256('i') || sha256('j')), ('hash', sha256(sha256('h') || sha256('i') || sha256('j')));
INSERT INTO secret VALUES ('e0', sha256('e') || '\x0000');
SELECT is(pg_temp.rejected(format($$add_request_key('till', 'till-7', 'hmac-sha256', pg_temp.secret('%s'), 'x')$$, a), format($$add_request_key('%s', 'till-8', 'hmac-sha256', pg_temp.secret('%s'), 'y')$$, c, b)), r, 'a rejected key: ' || w) FROM (VALUES
	('e', 'till', 'e', 'bob', 'under another name'), ('e', 'till', 'e0', 'bob', '... with zeros behind it'), ('long', 'till', 'hash', 'bob', '... by its hash'),
	('f', 'till', 'g', NULL, 'not another one'), ('g', 'rfc', 'g', NULL, 'nor another client''s')) AS v (a, c, b, r, w);
SELECT is(pg_temp.rejected(format($$set_request_client('wide', 'x', nonce => false, components => '%s')$$, a), format($$set_request_client('wide', 'y', nonce => false, components => '%s')$$, b)), r, 'a rejected client: ' || w) FROM (VALUES
	('{@target-uri}', '{@target-uri,@path,@authority}', 'bob', 'with components that others cover'), ('{@path,@query,@request-target,date}', '{date,@request-target}', 'bob', '... or without'),
	('{@target-uri,host}', '{host}', NULL, 'less is not the same')) AS v (a, b, r, w);

-- who may
CREATE ROLE regress_paysafe_web;
SELECT is((SELECT count(*)::int FROM pg_proc WHERE pronamespace = 'paysafe'::regnamespace AND proname ~ 'request_(client|key|accept|verify|failures)' AND has_function_privilege('regress_paysafe_web', oid, 'EXECUTE')), 0, 'nothing is granted');
GRANT USAGE ON SCHEMA paysafe TO regress_paysafe_web;
GRANT EXECUTE ON FUNCTION paysafe.request_accept TO regress_paysafe_web;
SELECT pg_temp.hmac_headers('w1') AS headers \gset
SET ROLE regress_paysafe_web;
SELECT is((SELECT accepted FROM paysafe.request_accept('till', 'POST', '/pay', 'x=1', :'headers', '{"n": 1}')), true, 'whoever may accept needs nothing else');
SELECT throws_ok($$SELECT * FROM paysafe.request_key$$, '42501', NULL, '... and sees no keys');
SELECT throws_ok($$SELECT paysafe.request_verify(NULL, NULL, NULL, NULL, NULL, NULL)$$, '42501', NULL, '... nor why not');
RESET ROLE;
SELECT finish();
ROLLBACK;
