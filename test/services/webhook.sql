-- Webhooks in: verified as each provider signs them, and accepted once.
BEGIN;
\ir ../pgtap/lib/refusal.psql
CREATE ROLE regress_paysafe_receiver;
\getenv vectors VECTORS
\set vectors `cat "$VECTORS/webhook_vectors.json" 2>/dev/null`
SELECT plan(CASE WHEN :'vectors' = '' THEN 335 ELSE 363 END);

-- HMAC-SHA-256, from its definition
CREATE FUNCTION pg_temp.hmac(key bytea, data bytea) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	k bytea := CASE WHEN length(key) > 64 THEN sha256(key) ELSE key END;
	inner_key bytea := decode(repeat('36', 64), 'hex');
	outer_key bytea := decode(repeat('5c', 64), 'hex');
BEGIN
	FOR i IN 0..length(k) - 1 LOOP
		inner_key := set_byte(inner_key, i, get_byte(k, i) # 54);
		outer_key := set_byte(outer_key, i, get_byte(k, i) # 92);
	END LOOP;
	RETURN sha256(outer_key || sha256(inner_key || data));
END $$;
CREATE FUNCTION pg_temp.utf8(t text) RETURNS bytea LANGUAGE sql AS $$ SELECT convert_to(t, 'UTF8') $$;
CREATE FUNCTION pg_temp.base64(b bytea) RETURNS text LANGUAGE sql AS $$ SELECT replace(encode(b, 'base64'), E'\n', '') $$;

-- secrets reach functions as values, never as part of a statement
CREATE TEMP TABLE secret (name text PRIMARY KEY, secret text, key bytea);
INSERT INTO secret SELECT n, 'whsec_' || pg_temp.base64(k), k FROM (VALUES ('a', decode(repeat('a5', 32), 'hex')), ('b', decode(repeat('b6', 32), 'hex')), ('c', decode(repeat('c7', 24), 'hex')), ('short', decode(repeat('d8', 23), 'hex'))) AS v (n, k);
INSERT INTO secret SELECT n, repeat(n, 5), pg_temp.utf8(repeat(n, 5)) FROM (VALUES ('stripe'), ('github'), ('slack'), ('square'), ('shopify'), ('razorpay'), ('gocardless'), ('generic')) AS v (n);
INSERT INTO secret SELECT n, encode(k, 'hex'), k FROM (VALUES ('adyen', decode(repeat('e9', 32), 'hex'))) AS v (n, k);
CREATE FUNCTION pg_temp.secret(n text) RETURNS text LANGUAGE sql AS $$ SELECT secret FROM secret WHERE name = n $$;
CREATE FUNCTION pg_temp.key(n text) RETURNS bytea LANGUAGE sql AS $$ SELECT key FROM secret WHERE name = n $$;

CREATE FUNCTION pg_temp.now() RETURNS bigint LANGUAGE sql AS $$ SELECT extract(epoch FROM clock_timestamp())::bigint $$;
-- headers of Standard Webhooks, signed by these
CREATE FUNCTION pg_temp.standard(id text, at bigint, body bytea, VARIADIC names text[] DEFAULT '{a}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('Webhook-Id', id, 'Webhook-Timestamp', at::text, 'Webhook-Signature',
		(SELECT string_agg('v1,' || pg_temp.base64(pg_temp.hmac(pg_temp.key(n), pg_temp.utf8(id || '.' || at || '.') || body)), ' ') FROM unnest(names) n)) $$;
-- what becomes of it, as one line
CREATE FUNCTION pg_temp.accept(endpoint text, headers jsonb, body bytea) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', a.verdict, a.reason, a.event_id, a.event_type, 'key ' || a.key_id) FROM paysafe.webhook_accept(endpoint, headers, body, '192.0.2.7') a $$;
CREATE FUNCTION pg_temp.verify(endpoint text, headers jsonb, body bytea, at bigint DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', CASE WHEN v.ok THEN 'ok' END, v.reason, 'key ' || v.key_id) FROM paysafe.webhook_verify(endpoint, headers, body, to_timestamp(at)) v $$;

-- schemes
SELECT set_eq('SELECT scheme FROM paysafe.webhook_schemes WHERE builtin', '{standard,standard-asymmetric,stripe,github,slack,slack-events,square,adyen,adyen-platform,gocardless,razorpay,shopify,paypal,generic,svix,paddle,twitch,airwallex,mercadopago,paystack,twilio,twilio-json,sendgrid,braintree,plaid,xendit,flutterwave,klarna,coinbase,wise,lemonsqueezy,mollie}'::text[], 'schemes that are there');
SELECT throws_ok($$SELECT paysafe.set_webhook_scheme('stripe', definition) FROM paysafe.webhook_schemes WHERE scheme = 'stripe'$$, '22023', 'webhook scheme "stripe" is one of paysafe''s own', 'none of them is replaced');
SELECT throws_ok($$SELECT paysafe.set_webhook_scheme(s, d) FROM (VALUES (NULL, '{}'::jsonb)) v (s, d)$$, '22004', NULL, 'a scheme has a name');
SELECT throws_ok($$SELECT paysafe.set_webhook_scheme('x', NULL)$$, '22004', NULL, 'and a definition');
CREATE FUNCTION pg_temp.scheme(base text, change jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal_text(format('SELECT paysafe.set_webhook_scheme(''mine'', %L)', jsonb_strip_nulls(definition || change)), 'DETAIL')
	  FROM paysafe.webhook_schemes WHERE scheme = base $$;
SELECT is(pg_temp.scheme(base, change), detail, detail) FROM (VALUES
	('standard', '{"signed": "{id}.{body}"}'::jsonb, 'It reads a time that it does not sign.'),
	('stripe', '{"signed": "{body}"}', 'It reads a time that it does not sign.'),
	('github', '{"signed": "{timestamp}{body}"}', 'It signs a time that it does not read.'),
	('standard', '{"signed": "{id}.{timestamp}"}', 'It does not sign the body.'),
	('stripe', '{"signed": "{id}.{timestamp}.{body}"}', 'It signs an id that it does not read in a header.'),
	('standard', '{"signed": "{id}.{timestamp}.{bod}"}', '"signed" has a placeholder other than {id}, {timestamp}, {body}, {binding}, {crc32}, {sha256}, {header:NAME}, {field:NAME} and paths such as {/data/id}.'),
	('standard', '{"signed": "{id}.{timestamp}.{body"}', '"signed" has a placeholder other than {id}, {timestamp}, {body}, {binding}, {crc32}, {sha256}, {header:NAME}, {field:NAME} and paths such as {/data/id}.'),
	('adyen', '{"signed": "{/a*}:{/b*}"}', '"signed" has more than one part that may contain anything: the body, a form, a path with an asterisk.'),
	('standard', '{"signature_header": null}', 'The signature stands either in a header or at a path.'),
	('standard', '{"signature_path": "/a"}', 'The signature stands either in a header or at a path.'),
	('adyen', '{"items_path": null, "signed": "{body}"}', '"signature_path" and "items_path" belong together.'),
	('stripe', '{"signature_param": null}', '"timestamp_param" needs "signature_param".'),
	('stripe', '{"timestamp_header": "x"}', 'The time stands either in a header or in a parameter.'),
	('standard', '{"id_path": "/id"}', 'The id stands either in a header or at a path.'),
	('stripe', '{"json": false}', 'Paths need "json".'),
	('stripe', '{"id_path": "id"}', '"id_path" must be a path such as "/data/id".'),
	('stripe', '{"algorithm": "hmac-md5"}', '"hmac-md5" is no value of "algorithm".'),
	('stripe', '{"key_encoding": "x"}', '"x" is no value of "key_encoding".'),
	('stripe', '{"signature_encoding": "utf8"}', '"utf8" is no value of "signature_encoding".'),
	('paypal', '{"timestamp_format": "x"}', '"x" is no value of "timestamp_format".'),
	('stripe', '{"min_key_bytes": 0}', '"min_key_bytes" must be between 1 and 64.'),
	('stripe', '{"min_key_bytes": "8"}', '"min_key_bytes" must be a number.'),
	('stripe', '{"tolerance": 1}', 'There is no field "tolerance".')) AS v (base, change, detail);
SELECT is(pg_temp.refusal_text($$SELECT paysafe.set_webhook_scheme('mine', '[]')$$, 'DETAIL'), 'It must be an object.', 'a definition is an object');
SELECT lives_ok($$SELECT paysafe.set_webhook_scheme('mine', definition) FROM paysafe.webhook_schemes WHERE scheme = 'github'$$, 'one of our own');
SELECT lives_ok($$SELECT paysafe.set_webhook_scheme('mine', definition || '{"json": false}') FROM paysafe.webhook_schemes WHERE scheme = 'mine'$$, 'may change');
SELECT is((SELECT version || ' ' || (definition ->> 'json') FROM paysafe.webhook_schemes WHERE scheme = 'mine'), '2 false', 'and is in force as changed');

-- endpoints
SELECT throws_ok($$SELECT paysafe.set_webhook_endpoint('shop', 'unheard')$$, '22023', 'there is no webhook scheme "unheard"', 'a scheme comes first');
SELECT throws_ok($$SELECT paysafe.set_webhook_endpoint('shop', 'square')$$, '22023', 'webhook scheme "square" signs a binding: argument "binding" must not be null', 'what it binds to is asked for');
SELECT throws_ok($$SELECT paysafe.set_webhook_endpoint('shop', 'stripe', binding => 'x')$$, '22023', 'webhook scheme "stripe" signs no binding: argument "binding" must be null', 'and nothing that is not used');
SELECT throws_ok($$SELECT paysafe.set_webhook_endpoint('shop', 'stripe', object_path => '/a')$$, '22023', 'arguments "object_path" and "sequence_path" belong together', 'the guard has two parts');
SELECT throws_ok($$SELECT paysafe.set_webhook_endpoint('shop', 'slack', object_path => '/a', sequence_path => '/b')$$, '22023', NULL, 'of a body that is JSON');
SELECT throws_ok($$SELECT paysafe.set_webhook_endpoint('shop', 'stripe', event_types => '{}')$$, '22023', NULL, 'no types at all');
SELECT throws_ok($$SELECT paysafe.set_webhook_endpoint('shop', 'stripe', event_types => '{x,NULL}')$$, '22004', NULL, 'a type is a word');
SELECT throws_ok(format('SELECT paysafe.set_webhook_endpoint(''shop'', ''stripe'', %s)', a), c, NULL, a) FROM (VALUES
	('max_bytes => 0', '22023'), ('max_depth => 0', '22023'), ('tolerance => ''-1 s''', '22023'), ('tolerance => NULL', '22004'),
	('max_bytes => NULL', '22004'), ('inbox => NULL', '22004'), ('object_path => ''id'', sequence_path => ''/s''', '22023')) AS v (a, c);
SELECT throws_ok($$SELECT paysafe.add_webhook_key('shop', pg_temp.secret('a'))$$, '22023', 'there is no webhook endpoint "shop"', 'keys come after it');
SELECT lives_ok($$SELECT paysafe.set_webhook_endpoint('shop', 'standard')$$, 'set up');
SELECT is(pg_temp.accept('shop', pg_temp.standard('m0', pg_temp.now(), '{}'), '{}'), 'refused no_key', 'nothing is accepted without a key');

-- keys
SELECT is(paysafe.add_webhook_key('shop', pg_temp.secret('a')), 1, 'a key');
SELECT throws_ok($$SELECT paysafe.add_webhook_key('shop', pg_temp.secret('short'))$$, '22023', 'the key is too short: with this webhook scheme it has at least 24 bytes', 'too short');
SELECT throws_ok($$SELECT paysafe.add_webhook_key('shop', s) FROM unnest('{whsec_!,whsec_a,"whsec_ YWJj"}'::text[]) s$$, '22023', NULL, 'no base64');
SELECT throws_ok($$SELECT paysafe.add_webhook_key('shop', 'whsec_pXaItRkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk=')$$, '22023', NULL, 'no literal: it would stand in pg_stat_activity');
SELECT is((SELECT count(*) FROM paysafe.webhook_key WHERE position(pg_temp.key('a') IN secret) > 0), 0::bigint, 'no key in clear');

-- genuine, once
CREATE TEMP TABLE sent AS SELECT pg_temp.standard('msg_1', pg_temp.now(), '{"type": "paid"}') AS headers;
SELECT is((SELECT pg_temp.accept('shop', headers, '{"type": "paid"}') FROM sent), 'accepted msg_1 paid key 1', 'accepted');
SELECT is((SELECT pg_temp.accept('shop', headers, '{"type": "paid"}') FROM sent), 'duplicate msg_1 paid key 1', 'once');
SELECT is((SELECT inbox_id = (SELECT max(id) FROM paysafe.inbox) FROM paysafe.webhook_accept('shop', (SELECT headers FROM sent), '{"type": "paid"}')), true, 'a duplicate says where the first one is');
SELECT is(pg_temp.accept('shop', pg_temp.standard('msg_1', pg_temp.now() + 2, '{"other": 1}'), '{"other": 1}'), 'duplicate msg_1 key 1', 'an id that is signed counts once, whatever comes with it');
SELECT is((SELECT ROW(endpoint, event_id, event_type, c.headers, convert_from(body, 'UTF8'))::text FROM paysafe.inbox_claim('shop', 10) c),
	(SELECT ROW('shop', 'msg_1', 'paid', headers - 'Webhook-Signature', '{"type": "paid"}')::text FROM sent), 'in the inbox as it came, without the signature');
SELECT is((SELECT verdict FROM paysafe.webhook_accept('shop', (SELECT headers || '{"Authorization": "x", "Cookie": "y", "Content-Type": "application/json", "X": ["a", "b"]}' FROM (SELECT pg_temp.standard('msg_h', pg_temp.now(), '{}') AS headers) s), '{}')), 'accepted', 'other headers are no matter');
SELECT is((SELECT array_agg(k ORDER BY k) FROM paysafe.inbox_claim('shop') c, jsonb_object_keys(c.headers) k), '{Content-Type,Webhook-Id,Webhook-Timestamp}', 'credentials do not get into the inbox');
-- B5: what rolls back has not been here
SAVEPOINT first;
SELECT is(pg_temp.accept('shop', pg_temp.standard('msg_2', 1700000000 + (pg_temp.now() - 1700000000), '{}'), '{}'), 'accepted msg_2 key 1', 'accepted, and rolled back');
ROLLBACK TO first;
SELECT is(pg_temp.accept('shop', pg_temp.standard('msg_2', pg_temp.now(), '{}'), '{}'), 'accepted msg_2 key 1', 'is accepted when it comes again');
-- B6: ids are of an endpoint
SELECT lives_ok($$SELECT paysafe.set_webhook_endpoint('other', 'standard'), paysafe.add_webhook_key('other', pg_temp.secret('b'))$$, 'another endpoint');
SELECT is(pg_temp.accept('other', pg_temp.standard('msg_1', pg_temp.now(), '{}', 'b'), '{}'), 'accepted msg_1 key 1', 'has the same id once, too');
SELECT is(pg_temp.accept('other', pg_temp.standard('msg_9', pg_temp.now(), '{}', 'a'), '{}'), 'refused signature_wrong', 'and keys of its own');
SELECT is(pg_temp.accept(e, '{}', '{}'), 'refused unknown_endpoint', 'no such endpoint') FROM unnest(ARRAY['nowhere', '', NULL, repeat('x', 1000), E'sh\u00f6p', E'shop\n']) e;

-- the window: both sides; B3: what comes early is not accepted again later
SELECT is(pg_temp.verify('shop', pg_temp.standard('w', 1700000000, '{}'), '{}', 1700000000 + d), r, d || ' seconds later') FROM (VALUES (0, 'ok key 1'), (300, 'ok key 1'), (301, 'timestamp_old'), (-300, 'ok key 1'), (-301, 'timestamp_future')) AS v (d, r);
SELECT is(pg_temp.accept('shop', pg_temp.standard('early', pg_temp.now() + 290, '{}'), '{}'), 'accepted early key 1', 'from a clock that is ahead');
SELECT is(pg_temp.accept('shop', pg_temp.standard('early', pg_temp.now() + 290, '{}'), '{}'), 'duplicate early key 1', 'once: nothing that was seen is forgotten');
SELECT is(pg_temp.accept('shop', pg_temp.standard('old', pg_temp.now() - 400, '{}'), '{}'), 'refused timestamp_old', 'too late');
SELECT lives_ok($$SELECT paysafe.set_webhook_endpoint('shop', 'standard', tolerance => '10 seconds')$$, 'a narrower window');
SELECT is(pg_temp.verify('shop', pg_temp.standard('w', 1700000000, '{}'), '{}', 1700000011), 'timestamp_old', 'counts at once');
SELECT lives_ok($$SELECT paysafe.set_webhook_endpoint('shop', 'standard')$$, 'as it was');

-- B1, B2: a time and an id that are signed
SELECT is(pg_temp.accept('shop', pg_temp.standard('m', pg_temp.now(), '{}') || jsonb_build_object('Webhook-Timestamp', (pg_temp.now() + 1)::text), '{}'), 'refused signature_wrong', 'another time');
SELECT is(pg_temp.accept('shop', pg_temp.standard('m', pg_temp.now(), '{}') || '{"Webhook-Id": "n"}', '{}'), 'refused signature_wrong', 'another id');
SELECT is(pg_temp.verify('shop', pg_temp.standard('a.1', 1700000000, '{}') , '{}', 1700000000), 'event_id_malformed', 'an id that could be read as id and time');

-- grammar: every one of these was accepted, or raised an error, somewhere
CREATE TEMP TABLE good AS SELECT pg_temp.standard('m', 1700000000, '{}') AS h;
SELECT is(pg_temp.verify('shop', (SELECT h || jsonb_build_object(k, v) FROM good), '{}', 1700000000), r, concat_ws(' ', k, v)) FROM (VALUES
	('Webhook-Timestamp', '"1700000000.0"'::jsonb, 'signature_wrong'), ('Webhook-Timestamp', '"1_700_000_000"', 'signature_wrong'),
	('Webhook-Timestamp', '"+1700000000"', 'signature_wrong'), ('Webhook-Timestamp', '" 1700000000"', 'header_malformed'),
	('Webhook-Timestamp', '"1700000000 "', 'header_malformed'), ('Webhook-Timestamp', '""', 'header_malformed'),
	('Webhook-Timestamp', '1700000000', 'header_malformed'), ('Webhook-Timestamp', 'null', 'header_malformed'),
	('Webhook-Timestamp', '"00000000000000000000001700000000"', 'timestamp_malformed'),
	('Webhook-Timestamp', '["1700000000"]', 'ok key 1'), ('Webhook-Timestamp', '["1700000000", "1700000000"]', 'header_duplicate'),
	('webhook-timestamp', '"1700000000"', 'header_duplicate'), ('Webhook-Timestamp', '[]', 'header_missing'),
	('Webhook-Timestamp', '{"a": "1700000000"}', 'header_duplicate'), ('Webhook-Id', '"m\u00e4"', 'header_malformed'),
	('Webhook-Id', '"m\n"', 'header_malformed'), ('Webhook-Id', '"m m"', 'event_id_malformed'),
	('Webhook-Id', to_jsonb(repeat('m', 256)), 'event_id_malformed'), ('Webhook-Id', to_jsonb(repeat('m', 9000)), 'header_malformed'),
	('Webhook-Signature', '"v1,\u00e4"', 'header_malformed'), ('Webhook-Signature', '"v1,AAAA"', 'signature_malformed'),
	('Webhook-Signature', '"v1,"', 'signature_malformed'), ('Webhook-Signature', '"v1"', 'signature_malformed'),
	('Webhook-Signature', '"v2,AAAA"', 'signature_malformed'), ('Webhook-Signature', '"v1a,AAAA"', 'signature_malformed'),
	('X', '{"a": ["b", {"c": null}]}', 'ok key 1')) AS v (k, v, r);
SELECT is(pg_temp.verify('shop', (SELECT h || jsonb_build_object('Webhook-Signature', f) FROM good), '{}', 1700000000), r, f)
  FROM good, LATERAL (SELECT h ->> 'Webhook-Signature' AS s) s, LATERAL (VALUES
	(s || ' v2,x', 'ok key 1'), ('v2,x ' || s, 'ok key 1'), (s || '  ' || s, 'signature_malformed'), (s || ' ' || s, 'ok key 1'),
	(replace(s, '=', ''), 'signature_malformed'), (s || '=', 'signature_malformed'), (substr(s, 1, 20) || '\' || substr(s, 21), 'signature_malformed'),
	('v1,!!!! ' || s, 'signature_malformed'), (upper(s), 'signature_malformed'), ('v1,' || s, 'signature_malformed'),
	(repeat(s || ' ', 15) || s, 'ok key 1'), (repeat(s || ' ', 16) || s, 'signature_malformed')) AS v (f, r);
SELECT is(pg_temp.verify('shop', (SELECT h - k FROM good), '{}', 1700000000), 'header_missing', 'without ' || k) FROM unnest('{Webhook-Id,Webhook-Timestamp,Webhook-Signature}'::text[]) k;
SELECT is(pg_temp.verify('shop', h, '{}', 1700000000), 'headers_malformed', 'headers: ' || coalesce(h::text, 'NULL')) FROM unnest(ARRAY['[]'::jsonb, '1', 'null', '"x"', NULL]) h;
SELECT is(pg_temp.verify('shop', pg_temp.standard('m', t, '{}'), '{}', least(t, 9999999999)), r, t || '') FROM (VALUES (0::bigint, 'timestamp_malformed'), (1, 'ok key 1'), (9999999999, 'ok key 1'), (10000000000, 'timestamp_malformed')) AS v (t, r);

-- bodies
SELECT is(pg_temp.verify('shop', pg_temp.standard('m', 1700000000, b), b, 1700000000), r, encode(b, 'escape')) FROM (VALUES
	('{"a": 1, "a": 2}'::bytea, 'json_duplicate'), ('{"a": 1, "\\u0061": 2}', 'json_duplicate'), ('', 'json_syntax'), ('{} {}', 'json_syntax'),
	('{"a": "\\ud800"}', 'json_encoding'), ('\x7b2261223a2022ff227d', 'json_encoding'), ('{"a": "\\u0000"}', 'json_zero'), ('[1,]', 'json_syntax'),
	('[]', 'ok key 1'), ('"x"', 'ok key 1'), (E' {"a": 1e400}\n', 'ok key 1')) AS v (b, r);
SELECT is(pg_temp.verify('shop', pg_temp.standard('m', 1700000000, b), b, 1700000000), r, 'depth ' || d)
  FROM (VALUES (64, 'ok key 1'), (65, 'json_depth'), (100000, 'json_depth')) AS v (d, r), LATERAL pg_temp.utf8(repeat('[', d) || repeat(']', d)) b;
SELECT lives_ok($$SELECT paysafe.set_webhook_endpoint('shop', 'standard', max_bytes => 10, max_depth => 2)$$, 'limits');
SELECT is(pg_temp.verify('shop', pg_temp.standard('m', 1700000000, b), b, 1700000000), r, length(b) || ' bytes') FROM (VALUES ('"12345678"'::bytea, 'ok key 1'), ('"123456789"', 'body_too_large'), ('[[[]]]', 'json_depth')) AS v (b, r);
SELECT lives_ok($$SELECT paysafe.set_webhook_endpoint('shop', 'standard', event_types => '{paid,refunded}')$$, 'types');
SELECT is(pg_temp.accept('shop', pg_temp.standard('t' || n, pg_temp.now(), b), b), r, 'type ' || n) FROM (VALUES (1, '{"type": "paid"}'::bytea, 'accepted t1 paid key 1'), (2, '{"type": "opened"}', 'ignored t2 opened key 1'), (3, '{}', 'ignored t3 key 1'), (4, '{"type": 1}', 'ignored t4 1 key 1'), (5, '{"type": {}}', 'refused event_type_malformed'), (6, '{"type": "p\\u00e4id"}', 'refused event_type_malformed')) AS v (n, b, r);
SELECT lives_ok($$SELECT paysafe.set_webhook_endpoint('shop', 'standard')$$, 'as it was');

-- key ring: N and N-1, and which one fits
SELECT is(paysafe.add_webhook_key('shop', pg_temp.secret('b'), '1 hour'), 2, 'a new key');
SELECT is((SELECT string_agg(ROW(key_id, live, not_after IS NULL, kind)::text, '' ORDER BY key_id) FROM paysafe.webhook_keys WHERE endpoint = 'shop'), '(1,t,f,hmac-sha256)(2,t,t,hmac-sha256)', 'the old one has an end');
SELECT is(pg_temp.verify('shop', pg_temp.standard('m', pg_temp.now(), '{}', VARIADIC n), '{}'), r, n::text) FROM (VALUES ('{a}'::text[], 'ok key 1'), ('{b}', 'ok key 2'), ('{a,b}', 'ok key 2'), ('{b,a}', 'ok key 2'), ('{c}', 'signature_wrong'), ('{c,a}', 'ok key 1')) AS v (n, r);
SELECT is(pg_temp.verify('shop', pg_temp.standard('m', pg_temp.now() + 3600, '{}', 'a'), '{}', pg_temp.now() + 3601), 'signature_wrong', 'the old one after its end');
SELECT lives_ok($$SELECT paysafe.retire_webhook_key('shop', 1)$$, 'retired');
SELECT is(pg_temp.verify('shop', pg_temp.standard('m', pg_temp.now(), '{}', 'a'), '{}'), 'signature_wrong', 'at once');
SELECT throws_ok($$SELECT paysafe.retire_webhook_key('shop', 1)$$, '22023', 'webhook endpoint "shop" has no live key 1', 'once');
SELECT throws_ok($$SELECT paysafe.retire_webhook_key('shop', 2, 'infinity')$$, '22023', NULL, 'an end is a time');
SAVEPOINT keys;
SELECT is(paysafe.add_webhook_key('shop', pg_temp.secret('c'), NULL), 3, 'a key besides');
SELECT is(pg_temp.verify('shop', pg_temp.standard('m', pg_temp.now(), '{}', 'c'), '{}'), 'ok key 3', 'counts at once');
ROLLBACK TO keys;
SELECT is(pg_temp.verify('shop', pg_temp.standard('m', pg_temp.now(), '{}', 'c'), '{}'), 'signature_wrong', 'and not after a rollback');
SELECT is((SELECT max(paysafe.add_webhook_key('shop', pg_temp.secret('c'), NULL)) FROM generate_series(1, 7)), 9, 'eight live keys');
SELECT throws_ok($$SELECT paysafe.add_webhook_key('shop', pg_temp.secret('c'), NULL)$$, '22023', 'webhook endpoint "shop" has 8 live keys already', 'no more');
SELECT is((SELECT live_keys FROM paysafe.webhook_endpoints WHERE endpoint = 'shop'), 8::bigint, 'counted');
SELECT ok((SELECT c.ok FROM paysafe.check() c WHERE subject = 'webhooks shop' AND check_name = 'live_key'), 'check() finds them');
SAVEPOINT keys;
SELECT paysafe.retire_webhook_key('shop', n) FROM generate_series(2, 9) n;
SELECT ok(NOT (SELECT c.ok FROM paysafe.check() c WHERE subject = 'webhooks shop' AND check_name = 'live_key'), 'or that there is none');
ROLLBACK TO keys;

-- each scheme: as signed, and not with any byte changed
CREATE FUNCTION pg_temp.item(body text, signature text) RETURNS text LANGUAGE sql AS $$ SELECT replace(body, 'SIGNATURE', signature) $$;
CREATE TEMP TABLE provider AS
SELECT 'stripe' AS scheme, NULL AS binding, pg_temp.utf8('{"id": "evt_1", "type": "charge"}') AS body, jsonb_build_object('Stripe-Signature', 't=1700000000,v1=' || encode(pg_temp.hmac(pg_temp.key('stripe'), '1700000000.{"id": "evt_1", "type": "charge"}'), 'hex')) AS headers
UNION ALL SELECT 'github', NULL, '{"a": 1}', jsonb_build_object('X-GitHub-Delivery', 'd1', 'X-GitHub-Event', 'push', 'X-Hub-Signature-256', 'sha256=' || encode(pg_temp.hmac(pg_temp.key('github'), '{"a": 1}'), 'hex'))
UNION ALL SELECT 'slack', NULL, 'token=x&team=y', jsonb_build_object('X-Slack-Request-Timestamp', '1700000000', 'X-Slack-Signature', 'v0=' || encode(pg_temp.hmac(pg_temp.key('slack'), 'v0:1700000000:token=x&team=y'), 'hex'))
UNION ALL SELECT 'slack-events', NULL, '{"event_id": "E1"}', jsonb_build_object('X-Slack-Request-Timestamp', '1700000000', 'X-Slack-Signature', 'v0=' || encode(pg_temp.hmac(pg_temp.key('slack'), 'v0:1700000000:{"event_id": "E1"}'), 'hex'))
UNION ALL SELECT 'square', 'https://example.com/hook', '{"event_id": "e", "type": "t"}', jsonb_build_object('x-square-hmacsha256-signature', pg_temp.base64(pg_temp.hmac(pg_temp.key('square'), 'https://example.com/hook{"event_id": "e", "type": "t"}')))
UNION ALL SELECT 'adyen-platform', NULL, '{"type": "t"}', jsonb_build_object('HmacSignature', pg_temp.base64(pg_temp.hmac(pg_temp.key('adyen'), '{"type": "t"}')))
UNION ALL SELECT 'gocardless', NULL, '{"events": [], "meta": {"webhook_id": "WB1"}}', jsonb_build_object('Webhook-Signature', encode(pg_temp.hmac(pg_temp.key('gocardless'), '{"events": [], "meta": {"webhook_id": "WB1"}}'), 'hex'))
UNION ALL SELECT 'razorpay', NULL, '{"event": "paid"}', jsonb_build_object('x-razorpay-event-id', 'r1', 'X-Razorpay-Signature', encode(pg_temp.hmac(pg_temp.key('razorpay'), '{"event": "paid"}'), 'hex'))
UNION ALL SELECT 'shopify', NULL, '{"id": 1}', jsonb_build_object('X-Shopify-Webhook-Id', 's1', 'X-Shopify-Topic', 'orders/create', 'X-Shopify-Hmac-Sha256', pg_temp.base64(pg_temp.hmac(pg_temp.key('shopify'), '{"id": 1}')))
UNION ALL SELECT 'generic', NULL, 'any bytes', jsonb_build_object('x-webhook-id', 'g1', 'x-webhook-timestamp', '1700000000', 'x-webhook-signature', encode(pg_temp.hmac(pg_temp.key('generic'), 'g1.1700000000.any bytes'), 'hex'))
UNION ALL SELECT 'standard', NULL, '{}', h FROM good;
SELECT lives_ok(format('SELECT paysafe.set_webhook_endpoint(%L, %L, binding => %L)', scheme || ' x', scheme, binding), scheme) FROM provider;
SELECT is(paysafe.add_webhook_key(scheme || ' x', pg_temp.secret(CASE scheme WHEN 'standard' THEN 'a' ELSE split_part(scheme, '-', 1) END)), 1, scheme || ': a key') FROM provider;
SELECT is(pg_temp.verify(scheme || ' x', headers, body, 1700000000), 'ok key 1', scheme || ': genuine') FROM provider;
SELECT is((SELECT count(*) FROM generate_series(0, length(body) - 1) i, generate_series(1, 255) x WHERE pg_temp.verify(scheme || ' x', headers, set_byte(body, i, get_byte(body, i) # x), 1700000000) LIKE 'ok%'), 0::bigint, scheme || ': no byte of the body may be another') FROM provider;
SELECT is((SELECT count(*) FROM generate_series(0, length(body)) i WHERE pg_temp.verify(scheme || ' x', headers, substr(body, 1, i) || ' ' || substr(body, i + 1), 1700000000) LIKE 'ok%'), 0::bigint, scheme || ': none may be added') FROM provider;
SELECT is((SELECT count(*) FROM generate_series(0, length(body) - 1) i WHERE pg_temp.verify(scheme || ' x', headers, substr(body, 1, i) || substr(body, i + 2), 1700000000) LIKE 'ok%'), 0::bigint, scheme || ': none may be left out') FROM provider;
-- signed headers: any other printable character anywhere; hexadecimal digits may be of either case
SELECT is((SELECT string_agg(k || ': ' || overlay(v PLACING chr(c) FROM i), '; ')
	FROM jsonb_each_text(headers) AS h (k, v), generate_series(1, length(v)) i, generate_series(32, 126) c
	WHERE lower(k) !~ 'github-delivery|github-event|razorpay-event|shopify-webhook|shopify-topic' AND lower(chr(c)) <> lower(substr(v, i, 1))
	  AND pg_temp.verify(scheme || ' x', headers || jsonb_build_object(k, overlay(v PLACING chr(c) FROM i)), body, 1700000000) LIKE 'ok%'), NULL, scheme || ': no character of a header may be another') FROM provider;
-- another key
DO $$ BEGIN PERFORM paysafe.set_webhook_endpoint('key ' || i, 'generic') FROM generate_series(1, 35) i; END $$;
SELECT is((SELECT sum(paysafe.add_webhook_key('key ' || i, overlay(pg_temp.secret('generic') PLACING 'X' FROM i))) FROM generate_series(1, 35) i), 35::bigint, 'a key that differs in one byte');
SELECT is((SELECT count(*) FROM provider, generate_series(1, 35) i WHERE scheme = 'generic' AND pg_temp.verify('key ' || i, headers, body, 1700000000) <> 'signature_wrong'), 0::bigint, 'does not fit');

-- B7, and ids that are not signed: what is signed counts once, for ever
SELECT is(pg_temp.accept('github x', headers, body), 'accepted d1 push key 1', 'GitHub') FROM provider WHERE scheme = 'github';
SELECT is(pg_temp.accept('github x', headers || '{"X-GitHub-Delivery": "d2"}', body), 'duplicate d2 push key 1', 'another id is not another event') FROM provider WHERE scheme = 'github';
SELECT is(pg_temp.accept('gocardless x', headers, body), r, 'GoCardless: ' || r) FROM provider, (VALUES (1, 'accepted WB1 key 1'), (2, 'duplicate WB1 key 1')) AS v (n, r) WHERE scheme = 'gocardless' ORDER BY n;
CREATE FUNCTION pg_temp.slack(body bytea) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('X-Slack-Request-Timestamp', pg_temp.now()::text, 'X-Slack-Signature', 'v0=' || encode(pg_temp.hmac(pg_temp.key('slack'), pg_temp.utf8('v0:' || pg_temp.now() || ':') || body), 'hex')) $$;
SELECT is(pg_temp.accept('slack-events x', pg_temp.slack('{"type": "url_verification"}'), '{"type": "url_verification"}'), 'accepted key 1', 'an id that may be missing');
SELECT is((SELECT event_id ~ '^[0-9a-f]{64}$' FROM paysafe.inbox WHERE endpoint = 'slack-events x'), true, 'has another name in the inbox');
CREATE FUNCTION pg_temp.stripe(body text, extra text DEFAULT '') RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('Stripe-Signature', 't=' || pg_temp.now() || ',v1=' || encode(pg_temp.hmac(pg_temp.key('stripe'), pg_temp.utf8(pg_temp.now() || '.' || body)), 'hex') || extra) $$;
SELECT is(pg_temp.accept('stripe x', pg_temp.stripe(b), pg_temp.utf8(b)), r, b) FROM (VALUES ('{"id": 7}', 'accepted 7 key 1'), ('{"id": null}', 'refused event_id_missing'), ('{}', 'refused event_id_missing'), ('{"id": ["x"]}', 'refused event_id_malformed'), ('{"id": ""}', 'refused event_id_missing'), ('{"id": "a b"}', 'refused event_id_malformed'), (format('{"id": "%s"}', repeat('x', 256)), 'refused event_id_malformed')) AS v (b, r);
SELECT is(pg_temp.verify('stripe x', headers || jsonb_build_object('Stripe-Signature', f), body, 1700000000), r, f) FROM (SELECT *, headers ->> 'Stripe-Signature' AS s FROM provider WHERE scheme = 'stripe') p, LATERAL (VALUES
	(s || ',v0=00', 'ok key 1'), ('v1=' || repeat('0', 64) || ',' || s, 'ok key 1'), (s || ',t=1700000000', 'timestamp_malformed'), (s || ',', 'signature_malformed'),
	('t=1700000000', 'signature_malformed'), (replace(s, 't=1700000000,', ''), 'timestamp_malformed'), (replace(s, ',', ', '), 'signature_malformed'), (s || ',x', 'signature_malformed'),
	(s || ',v1=zz', 'signature_malformed'), (replace(s, 't=', 'T='), 'timestamp_malformed'), ('t=' || repeat('1', 40) || ',' || s, 'timestamp_malformed')) AS v (f, r);

-- Adyen: what is joined cannot be joined otherwise, and no item goes unverified
CREATE FUNCTION pg_temp.adyen(psp text, original text, merchant text, ref text, value text, currency text, event text, success text, signature text) RETURNS bytea LANGUAGE sql AS $$
	SELECT pg_temp.utf8(format('{"live": "false", "notificationItems": [%s]}', jsonb_build_object('NotificationRequestItem', jsonb_strip_nulls(jsonb_build_object(
		'pspReference', psp, 'originalReference', original, 'merchantAccountCode', merchant, 'merchantReference', ref, 'amount', jsonb_build_object('value', value::bigint, 'currency', currency),
		'eventCode', event, 'success', success, 'additionalData', jsonb_build_object('hmacSignature', signature)))))) $$;
CREATE FUNCTION pg_temp.adyen_signature(VARIADIC parts text[]) RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.base64(pg_temp.hmac(pg_temp.key('adyen'), pg_temp.utf8(array_to_string(parts, ':', '')))) $$;
SELECT lives_ok($$SELECT paysafe.set_webhook_endpoint('adyen', 'adyen'), paysafe.add_webhook_key('adyen', pg_temp.secret('adyen'))$$, 'Adyen');
CREATE TEMP TABLE adyen AS SELECT pg_temp.adyen_signature('p1', '', 'Shop', 'a:b', '100', 'EUR', 'AUTHORISATION', 'true') AS s;
SELECT is(pg_temp.verify('adyen', '{}', pg_temp.adyen('p1', NULL, 'Shop', 'a:b', '100', 'EUR', 'AUTHORISATION', 'true', s)), 'ok key 1', 'a reference with a colon') FROM adyen;
SELECT is(pg_temp.verify('adyen', '{}', pg_temp.adyen('p1', NULL, 'Shop:a', 'b', '100', 'EUR', 'AUTHORISATION', 'true', s)), 'signature_malformed', 'of the merchant, no') FROM adyen;
SELECT is(pg_temp.verify('adyen', '{}', pg_temp.adyen('p1', 'Shop', 'a:b', '', '100', 'EUR', 'AUTHORISATION', 'true', s)), 'signature_malformed', 'nor moved') FROM adyen;
SELECT is(pg_temp.verify('adyen', '{}', pg_temp.adyen('p1', NULL, 'Shop', 'a:b', '999', 'EUR', 'AUTHORISATION', 'true', s)), 'signature_wrong', 'another amount') FROM adyen;
SELECT is(pg_temp.verify('adyen', '{}', pg_temp.adyen('p1', NULL, 'Shop', 'a:b', '100', 'EUR', 'AUTHORISATION', 'true', NULL)), 'signature_malformed', 'without a signature');
SELECT is(pg_temp.verify('adyen', '{}', pg_temp.utf8(replace(convert_from(b, 'UTF8'), '[', format('[%s, ', substring(convert_from(b, 'UTF8') FROM '\[(.*)\]'))))), 'too_many_items', 'two items') FROM adyen, LATERAL pg_temp.adyen('p1', NULL, 'Shop', 'a:b', '100', 'EUR', 'AUTHORISATION', 'true', s) b;
SELECT is(pg_temp.verify('adyen', '{}', b), r, encode(b, 'escape')) FROM (VALUES ('{"notificationItems": []}'::bytea, 'signature_malformed'), ('{}', 'signature_malformed'), ('{"notificationItems": {}}', 'signature_malformed'), ('[]', 'signature_malformed')) AS v (b, r);
SELECT is(pg_temp.accept('adyen', '{}', pg_temp.adyen('p1', NULL, 'Shop', 'a:b', '100', 'EUR', 'AUTHORISATION', 'true', s)), 'accepted p1 AUTHORISATION key 1', 'accepted') FROM adyen;
SELECT is(pg_temp.accept('adyen', '{}', pg_temp.utf8(replace(convert_from(pg_temp.adyen('p1', NULL, 'Shop', 'a:b', '100', 'EUR', 'AUTHORISATION', 'true', s), 'UTF8'), 'false', 'fals'))), 'duplicate p1 AUTHORISATION key 1', 'what is not signed makes no other event of it') FROM adyen;

-- the guard against older events
SELECT lives_ok($$SELECT paysafe.set_webhook_endpoint('guarded', 'stripe', object_path => '/data/id', sequence_path => '/created'), paysafe.add_webhook_key('guarded', pg_temp.secret('stripe'))$$, 'a guard');
CREATE FUNCTION pg_temp.guarded(id text, object text, created text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.accept('guarded', pg_temp.stripe(b), pg_temp.utf8(b)) FROM (SELECT format('{"id": "%s", "data": {"id": %s}, "created": %s}', id, object, created)) AS v (b) $$;
SELECT is(pg_temp.guarded('g' || n, o, c), r, format('%s: %s of %s', n, c, o)) FROM (VALUES
	(1, '"o1"', '100', 'accepted g1 key 1'), (2, '"o1"', '99', 'outdated g2 key 1'), (3, '"o1"', '100', 'accepted g3 key 1'), (4, '"o1"', '101', 'accepted g4 key 1'),
	(5, '"o1"', '100', 'outdated g5 key 1'), (6, '"o2"', '1', 'accepted g6 key 1'), (7, '"o1"', '"x"', 'refused sequence_malformed'), (8, '"o1"', 'null', 'refused sequence_malformed'),
	(9, 'null', '1', 'accepted g9 key 1'), (10, '"t"', '"2024-02-29T12:00:00.5Z"', 'accepted g10 key 1'), (11, '"t"', '"2024-02-29T12:00:00.25Z"', 'outdated g11 key 1'),
	(12, '"t"', '"2024-02-29T13:00:01+01:00"', 'accepted g12 key 1'), (13, '"t"', '"2024-02-29T12:00:00Z"', 'outdated g13 key 1'), (14, '"t"', '"2023-02-29T12:00:00Z"', 'refused sequence_malformed'),
	(15, '"t"', '"2024-02-29T12:00:60Z"', 'refused sequence_malformed'), (2, '"o1"', '99', 'duplicate g2 key 1'),
	-- an object that cannot be told from others is none that the guard lets pass
	(16, '["o1"]', '1', 'refused sequence_malformed'), (17, '{}', '1', 'refused sequence_malformed'), (18, format('"%s"', repeat('o', 300)), '1', 'refused sequence_malformed')) AS v (n, o, c, r);
SELECT is((SELECT count(*) FROM paysafe.inbox WHERE endpoint = 'guarded'), 7::bigint, 'what is outdated does not get into the inbox');
SELECT lives_ok($$SELECT paysafe.set_webhook_endpoint('guarded', 'stripe', inbox => false)$$, 'without the inbox');
SELECT is(pg_temp.guarded('n1', '1', '1'), 'accepted n1 key 1', 'accepted');
SELECT is(pg_temp.guarded('n1', '1', '1'), 'duplicate n1 key 1', 'once');
SELECT is((SELECT count(*) FROM paysafe.inbox WHERE endpoint = 'guarded'), 7::bigint, 'for the caller to work on');

-- asymmetric: what paysafe itself signs
SELECT lives_ok($$SELECT paysafe.set_webhook_destination('out', 'https://example.com/', 'standard-asymmetric')$$, 'a destination');
CREATE TEMP TABLE out_key AS SELECT * FROM paysafe.add_destination_key('out');
SELECT lives_ok($$SELECT paysafe.set_webhook_endpoint('in', 'standard-asymmetric'), paysafe.add_webhook_key('in', public_key) FROM out_key$$, 'an endpoint with its public key');
CREATE TEMP TABLE outgoing AS SELECT jsonb_build_object('webhook-id', 'a1', 'webhook-timestamp', '1700000000', 'webhook-signature', paysafe.webhook_sign('out', 'a1', to_timestamp(1700000000), '{}')) AS h;
SELECT is(pg_temp.verify('in', h, '{}', 1700000000), 'ok key 1', 'genuine') FROM outgoing;
SELECT is(pg_temp.verify('in', h, '{ }', 1700000000), 'signature_wrong', 'another body') FROM outgoing;
SELECT is((SELECT count(*) FROM generate_series(5, 91) i, unnest('{A,b,/}'::text[]) c WHERE c <> substr(h ->> 'webhook-signature', i, 1) AND pg_temp.verify('in', h || jsonb_build_object('webhook-signature', overlay(h ->> 'webhook-signature' PLACING c FROM i)), '{}', 1700000000) LIKE 'ok%'), 0::bigint, 'another signature') FROM outgoing;
SELECT throws_ok($$SELECT paysafe.add_webhook_key('in', pg_temp.secret('c'))$$, '22023', 'the key does not have the form that its webhook scheme asks for', 'a key of Ed25519 has 32 bytes');
SELECT lives_ok($$SELECT paysafe.set_webhook_endpoint('in', 'standard')$$, 'another algorithm');
SELECT is(pg_temp.verify('in', h, '{}', 1700000000), 'signature_malformed', 'takes no signature of the first') FROM outgoing;
SELECT is(pg_temp.verify('in', pg_temp.standard('m', 1700000000, '{}'), '{}', 1700000000), 'no_key', 'nor its public key as a secret');

-- on record
SELECT is((SELECT count(*) FROM paysafe.webhook_keys WHERE endpoint = 'shop'), 9::bigint, 'keys are shown without themselves');
SELECT throws_ok(format('SELECT paysafe.webhook_accept(%s)', a), '42501', NULL, 'not for everybody') FROM (VALUES ('''shop'', ''{}'', ''''')) AS v (a), LATERAL (SELECT set_config('role', 'regress_paysafe_receiver', true)) r;
RESET ROLE;

-- the vectors of providers' own tests
CREATE TEMP TABLE vector AS SELECT row_number() OVER () AS n, v ->> 'scheme' AS scheme, coalesce(v ->> 'secret', v ->> 'secret_hex') AS secret, v ->> 'signature' AS signature,
	v ->> 'msg_id' AS id, v ->> 'timestamp' AS at, pg_temp.utf8(v ->> 'payload') AS body, v ->> 'notification_url' AS binding FROM jsonb_array_elements(coalesce(nullif(:'vectors', ''), '[]')::jsonb) v;
SELECT CASE WHEN count(*) = 0 THEN skip('no vectors') ELSE is(count(*), 16::bigint, 'vectors') END FROM vector;
DO $$ BEGIN PERFORM paysafe.set_webhook_scheme('vector ' || scheme, definition || '{"min_key_bytes": 8, "id_optional": true}' || CASE WHEN scheme IN ('github', 'razorpay') THEN '{"json": false, "id_header": null, "type_header": null, "type_path": null}' ELSE '{}' END::jsonb) FROM paysafe.webhook_schemes WHERE builtin AND scheme <> 'twilio'; END $$;
CREATE TEMP TABLE request AS SELECT n, CASE scheme WHEN 'standard-webhooks-v1' THEN 'standard' WHEN 'github-sha256' THEN 'github' WHEN 'adyen-notification' THEN 'adyen' WHEN 'adyen-payload' THEN 'adyen-platform' WHEN 'razorpay-link' THEN 'razorpay' WHEN 'stripe-v1' THEN 'stripe' ELSE scheme END AS scheme,
	secret, at, binding,
	CASE scheme WHEN 'adyen-notification' THEN (SELECT pg_temp.adyen(m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], signature) FROM regexp_match(convert_from(body, 'UTF8'), '^([^:]*):([^:]*):([^:]*):(.*):([^:]*):([^:]*):([^:]*):([^:]*)$') m) ELSE body END AS body,
	CASE scheme WHEN 'standard-webhooks-v1' THEN jsonb_build_object('webhook-id', id, 'webhook-timestamp', at, 'webhook-signature', signature)
		WHEN 'github-sha256' THEN jsonb_build_object('x-hub-signature-256', signature) WHEN 'square' THEN jsonb_build_object('x-square-hmacsha256-signature', signature)
		WHEN 'adyen-notification' THEN '{}' WHEN 'adyen-payload' THEN jsonb_build_object('hmacsignature', signature) WHEN 'gocardless' THEN jsonb_build_object('webhook-signature', signature)
		WHEN 'razorpay-link' THEN jsonb_build_object('x-razorpay-signature', signature) WHEN 'stripe-v1' THEN jsonb_build_object('stripe-signature', signature) END AS headers FROM vector;
DO $$ BEGIN PERFORM paysafe.set_webhook_endpoint('vector ' || n, 'vector ' || scheme, binding => binding), paysafe.add_webhook_key('vector ' || n, secret) FROM request; END $$;
SELECT is(pg_temp.verify('vector ' || n, headers, body, at::bigint), 'ok key 1', format('vector %s, %s', n, scheme)) FROM request;
SELECT is((SELECT count(*) FROM generate_series(0, length(body) - 1) i WHERE pg_temp.verify('vector ' || n, headers, set_byte(body, i, get_byte(body, i) # 1), at::bigint) LIKE 'ok%'), 0::bigint, format('vector %s: no byte changed', n)) FROM request WHERE scheme <> 'adyen';

SELECT * FROM finish();
ROLLBACK;
