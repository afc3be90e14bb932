-- Webhooks out: signed as Standard Webhooks has it, sent at least once.
BEGIN;
SELECT plan(115);
\ir ../pgtap/lib/refusal.psql
CREATE ROLE regress_paysafe_sender;
\getenv vectors VECTORS
\set vectors `cat "$VECTORS/webhook_vectors.json" 2>/dev/null`

-- a query's rows as text
CREATE FUNCTION pg_temp.rows(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r record;
	result text := '';
BEGIN
	FOR r IN EXECUTE query LOOP result := result || r::text; END LOOP;
	RETURN result;
END $$;
-- HMAC-SHA-256, from its definition
CREATE FUNCTION pg_temp.hmac(key bytea, data bytea) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	inner_key bytea := decode(repeat('36', 64), 'hex');
	outer_key bytea := decode(repeat('5c', 64), 'hex');
BEGIN
	FOR i IN 0..length(key) - 1 LOOP
		inner_key := set_byte(inner_key, i, get_byte(key, i) # 54);
		outer_key := set_byte(outer_key, i, get_byte(key, i) # 92);
	END LOOP;
	RETURN sha256(outer_key || sha256(inner_key || data));
END $$;
CREATE FUNCTION pg_temp.signature(secret text, id text, at bigint, body bytea) RETURNS text LANGUAGE sql AS $$
	SELECT 'v1,' || encode(pg_temp.hmac(decode(substr(secret, 7), 'base64'), convert_to(id || '.' || at || '.', 'UTF8') || body), 'base64') $$;
-- secrets reach functions as values, never as part of a statement
CREATE TEMP TABLE secret (name text PRIMARY KEY, secret text);
INSERT INTO secret SELECT 'bytes ' || n, 'whsec_' || replace(encode(decode(repeat('a5', n), 'hex'), 'base64'), E'\n', '') FROM unnest('{0,16,23,24,32,64,65}'::int[]) n;

-- destinations
SELECT throws_ok($$SELECT * FROM paysafe.outbox_claim('nosuch')$$, '22023', 'there is no webhook destination "nosuch"', 'a worker of none would wait in vain');
SELECT throws_ok($$SELECT paysafe.outbox_add('shop', 'x', '{}')$$, '22023', 'there is no webhook destination "shop"', 'a destination is set up first');
SELECT throws_ok($$SELECT paysafe.add_destination_key('shop')$$, '22023', NULL, 'its keys come after it');
SELECT throws_ok($$SELECT paysafe.webhook_sign('shop', 'x', now(), '')$$, '22023', NULL, 'nothing is signed for it');
SELECT lives_ok($$SELECT paysafe.set_webhook_destination('shop', 'https://hooks.Example.com/geheim/4711?token=abc')$$, 'set up');
SELECT throws_ok(format('SELECT paysafe.set_webhook_destination(%L, %L)', 'other', u), '23514', NULL, u)
  FROM unnest('{http://example.com/,https://127.0.0.1/,https://user@example.com/,nonsense}'::text[]) u;
SELECT throws_ok($$SELECT paysafe.set_webhook_destination('other', 'https://example.com/', 'stripe')$$, '22023', NULL, 'no scheme');
SELECT throws_ok($$SELECT paysafe.set_webhook_destination('other', NULL)$$, '22004', NULL, 'no URL');
SELECT is(pg_temp.rows($$SELECT destination, url, scheme FROM paysafe.destination$$), '(shop,https://hooks.example.com/...,standard)', 'of the URL only the host is shown');
SELECT is((SELECT count(*)::int FROM paysafe.webhook_destination d WHERE d.url_shown ~ 'geheim|4711|abc' OR position('geheim'::bytea IN d.url) > 0 OR position('token=abc'::bytea IN d.url) > 0), 0, 'nor stored in clear');
SELECT is((SELECT count(*)::int FROM paysafe.audit_log WHERE table_name = 'webhook_destination' AND after ->> 'destination' = 'shop'), 1, 'on record');
SELECT throws_ok($$SELECT paysafe.outbox_add('shop', 'x', '{}')$$, '55000', 'webhook destination "shop" has no key to sign with', 'what cannot be signed is not added');
SELECT throws_ok($$SELECT paysafe.webhook_sign('shop', 'x', now(), '')$$, '55000', NULL, 'nor is there an empty signature');

-- keys: made here, shown once
CREATE TEMP TABLE key AS SELECT * FROM paysafe.add_destination_key('shop');
SELECT is(pg_temp.rows('SELECT key_id, secret ~ ''^whsec_[A-Za-z0-9+/]{43}=$'', public_key FROM key'), '(1,t,)', 'a secret of 32 bytes');
SELECT is((SELECT count(*)::int FROM paysafe.destination_key d, key k WHERE position(decode(substr(k.secret, 7), 'base64') IN d.secret) > 0), 0, 'not stored in clear');
SELECT is(paysafe.webhook_sign('shop', 'msg_1', '2026-01-02 03:04:05.999+00', 'body'), pg_temp.signature(secret, 'msg_1', 1767323045, 'body'), 'signs id, whole seconds and body') FROM key;
SELECT is(paysafe.webhook_sign('shop', 'msg_1', '1970-01-01 00:00:01.5+00', '\x00ff2e'::bytea), pg_temp.signature(secret, 'msg_1', 1, '\x00ff2e'), 'any bytes') FROM key;
INSERT INTO key SELECT * FROM paysafe.add_destination_key('shop');
SELECT is(paysafe.webhook_sign('shop', 'm', '2026-01-02 03:04:05+00', 'b'),
	(SELECT string_agg(pg_temp.signature(secret, 'm', 1767323045, 'b'), ' ' ORDER BY key_id DESC) FROM key), 'two keys, two signatures, the newest first');
SELECT is(pg_temp.rows($$SELECT key_id, kind, live, not_after - clock_timestamp() BETWEEN '23 hours' AND '24 hours' FROM paysafe.destination_keys WHERE destination = 'shop' ORDER BY 1$$),
	'(1,v1,t,t)(2,v1,t,)', 'the first one for a day');
INSERT INTO key SELECT * FROM paysafe.add_destination_key('shop', overlap => '7 days');
SELECT is(pg_temp.rows($$SELECT key_id, not_after - clock_timestamp() > '1 day' FROM paysafe.destination_keys WHERE destination = 'shop' ORDER BY 1$$),
	'(1,f)(2,t)(3,)', 'a later key does not give it longer');
SELECT lives_ok($$SELECT paysafe.retire_destination_key('shop', 1)$$, 'a key ends');
SELECT is(paysafe.webhook_sign('shop', 'm', '2026-01-02 03:04:05+00', 'b'),
	(SELECT string_agg(pg_temp.signature(secret, 'm', 1767323045, 'b'), ' ' ORDER BY key_id DESC) FROM key WHERE key_id > 1), 'it signs no more');
SELECT throws_ok($$SELECT paysafe.retire_destination_key('shop', 1, '2100-01-01')$$, '22023', NULL, 'and does not come back');
SELECT throws_ok($$SELECT paysafe.retire_destination_key('shop', 3)$$, '22023', 'key 3 is the last one of webhook destination "shop"', 'the last one stays');
SELECT throws_ok($$SELECT paysafe.retire_destination_key('shop', 3, '2100-01-01')$$, '22023', NULL, 'for ever, not until then');
SELECT throws_ok($$SELECT paysafe.retire_destination_key('shop', 2, 'infinity')$$, '22023', NULL, 'an end is a time');
SELECT throws_ok($$SELECT paysafe.retire_destination_key('shop', 9)$$, '22023', 'webhook destination "shop" has no live key 9', 'no such key');
SELECT lives_ok($$SELECT paysafe.retire_destination_key('shop', 2, clock_timestamp() + '1 hour')$$, 'a key ends sooner');
SAVEPOINT k;
SELECT paysafe.add_destination_key('shop');
ROLLBACK TO k;
SELECT is(pg_temp.rows($$SELECT key_id, live, not_after - clock_timestamp() < '1 day' FROM paysafe.destination_keys WHERE destination = 'shop' ORDER BY 1$$),
	'(1,f,t)(2,t,t)(3,t,)', 'a rollback takes a key back, and the end of the others');
SELECT isnt((SELECT secret FROM paysafe.set_webhook_destination('twin', 'https://example.com/'), paysafe.add_destination_key('twin')), (SELECT secret FROM key WHERE key_id = 1), 'each destination has its own');
SELECT is(array_length(string_to_array(paysafe.webhook_sign('twin', 'm', now(), 'b'), ' '), 1), 1, 'and signs with its own alone');
-- Ed25519
SELECT paysafe.set_webhook_destination('pair', 'https://example.com/', 'standard-asymmetric');
SELECT is(pg_temp.rows($$SELECT key_id, secret, public_key ~ '^whpk_[A-Za-z0-9+/]{43}=$' FROM paysafe.add_destination_key('pair')$$), '(1,,t)', 'of a pair the private key is not shown at all');
SELECT matches(paysafe.webhook_sign('pair', 'm', now(), 'b'), '^v1a,[A-Za-z0-9+/]{86}==$', 'its signature');
SELECT paysafe.set_webhook_destination('pair', 'https://example.com/v2');
SELECT is(pg_temp.rows($$SELECT key_id, secret IS NOT NULL, public_key FROM paysafe.add_destination_key('pair')$$), '(2,t,)', 'another scheme: another kind of key');
SELECT matches(paysafe.webhook_sign('pair', 'm', now(), 'b'), '^v1,[A-Za-z0-9+/]{43}= v1a,[A-Za-z0-9+/]{86}==$', 'both sign while both are live');
SELECT is(count(*)::int, 2, 'the keys are on record') FROM paysafe.audit_log WHERE table_name = 'destination_key' AND after ->> 'destination' = 'pair' AND after ->> 'version' = '1';

-- secrets that are there already
SELECT is(pg_temp.refusal(format($$SELECT paysafe.add_destination_key('twin', secret) FROM secret WHERE name = %L$$, name)),
	CASE WHEN name IN ('bytes 24', 'bytes 32', 'bytes 64') THEN 'accepted' ELSE '22023' END, name) FROM secret;
DELETE FROM secret;
INSERT INTO secret SELECT s, s FROM unnest('{whsec_,whsec_!!!!,whsk_AAAA,whpk_AAAA,MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS*,MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwB}'::text[]) s;
-- a private key whose second half is not its public key
INSERT INTO secret VALUES ('pair', 'whsk_' || replace(encode(decode(repeat('a5', 64), 'hex'), 'base64'), E'\n', ''));
SELECT is(pg_temp.refusal(format($$SELECT paysafe.add_destination_key('twin', secret) FROM secret WHERE name = %L$$, name)), '22023', name) FROM secret;
SELECT throws_ok($$SELECT paysafe.add_destination_key('twin', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')$$, '22023', 'argument "secret" must not be written into the statement', 'a secret in the statement');
-- svix/svix-webhooks, server/svix-server/src/worker.rs: test_asymmetric_key_signing
INSERT INTO secret VALUES ('v1a', 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==');
SELECT paysafe.set_webhook_destination('v1a', 'https://example.com/');
SELECT is(pg_temp.rows($$SELECT a.* FROM secret s, LATERAL paysafe.add_destination_key('v1a', s.secret) a WHERE name = 'v1a'$$), '(1,,whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=)', 'seed and public key');
SELECT is(paysafe.webhook_sign('v1a', 'msg_p5jXN8AQM9LWM0D4loKWxJek', to_timestamp(1614265330), '{"test": 2432232314}'),
	'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==', 'the published signature');
-- the published vectors of v1
CREATE TEMP TABLE vector AS SELECT n, v FROM json_array_elements(nullif(:'vectors', '')::json) WITH ORDINALITY e(v, n) WHERE v ->> 'scheme' = 'standard-webhooks-v1';
SELECT paysafe.set_webhook_destination('vector ' || n, 'https://example.com/'), paysafe.add_destination_key('vector ' || n, v ->> 'secret') FROM vector;
SELECT CASE WHEN (SELECT count(*) FROM vector) = 0 THEN skip('no webhook_vectors.json', 1)
	ELSE is((SELECT string_agg(paysafe.webhook_sign('vector ' || n, v ->> 'msg_id', to_timestamp((v ->> 'timestamp')::bigint), convert_to(v ->> 'payload', 'UTF8')), ' ' ORDER BY n) FROM vector),
		(SELECT string_agg(v ->> 'signature', ' ' ORDER BY n) FROM vector), 'the published signatures') END;
-- what is not signed
SELECT throws_ok(format($$SELECT paysafe.webhook_sign('shop', %L, now(), 'b')$$, i), '22023', NULL, i) FROM unnest(ARRAY['', 'a.b', 'a b', 'a"b', 'a\b', E'a\nb', 'ä', repeat('x', 256)]) i;
SELECT throws_ok(format($$SELECT paysafe.webhook_sign('shop', 'm', %L, 'b')$$, t), '22023', NULL, t) FROM unnest('{infinity,-infinity,1970-01-01 00:00:00+00,1969-12-31 00:00:00+00,2300-01-01 00:00:00+00}'::text[]) t;
SELECT throws_ok($$SELECT paysafe.webhook_sign('shop', 'm', now(), NULL)$$, '22004', NULL, 'no body');

-- the outbox
SELECT matches(paysafe.outbox_add('shop', 'refund.created', '{"n": 1}'), '^msg_0[0-9A-HJKMNP-TV-Z]{25}$', 'an id of its own');
SELECT is(paysafe.outbox_add('shop', 'refund.created', '{"n": 2}', 'msg_2'), 'msg_2', 'or a given one');
SELECT is(paysafe.outbox_add('shop', 'refund.created', '{"n": 2}', 'msg_2'), 'msg_2', 'once, however often it is added');
SELECT is((SELECT count(*)::int FROM paysafe.outbox WHERE webhook_id = 'msg_2'), 1, 'one row');
SELECT is(pg_temp.refusal($$SELECT paysafe.outbox_add('shop', 'refund.created', '{"n": 3}', 'msg_2')$$), '23505 paysafe_outbox_webhook_id', 'another body');
SELECT is(pg_temp.refusal($$SELECT paysafe.outbox_add('shop', 'refund.paid', '{"n": 2}', 'msg_2')$$), '23505 paysafe_outbox_webhook_id', 'another type');
SELECT is(pg_temp.refusal_text($$SELECT paysafe.outbox_add('shop', NULL, '{"n": 2}', 'msg_2')$$, 'DETAIL'), 'Key (destination, id)=(shop, msg_2) already exists.', 'in PostgreSQL''s words');
SELECT is(paysafe.outbox_add('twin', 'x', '{}', 'msg_2'), 'msg_2', 'of another destination it is another one');
SELECT throws_ok($$SELECT paysafe.outbox_add('shop', 'x', '{}', 'a.b')$$, '22023', NULL, 'an id that cannot be signed');
SAVEPOINT o;
SELECT paysafe.outbox_add('shop', 'x', '{}', 'msg_3');
ROLLBACK TO o;
SELECT is((SELECT count(*)::int FROM paysafe.outbox), 3, 'what is rolled back is not sent');

CREATE TEMP TABLE sent AS SELECT * FROM paysafe.outbox_claim('shop', 10);
SELECT is(pg_temp.rows('SELECT destination, url, convert_from(body, ''UTF8''), attempt FROM sent ORDER BY id'),
	pg_temp.rows($$VALUES ('shop', 'https://hooks.example.com/geheim/4711?token=abc', '{"n": 1}', 1), ('shop', 'https://hooks.example.com/geheim/4711?token=abc', '{"n": 2}', 1)$$), 'claimed, with the whole URL');
SELECT is(headers - 'webhook-timestamp' - 'webhook-signature', jsonb_build_object('content-type', 'application/json', 'webhook-id', webhook_id), 'its headers')
  FROM sent WHERE webhook_id = 'msg_2';
SELECT is(headers ->> 'webhook-signature', paysafe.webhook_sign('shop', webhook_id, to_timestamp((headers ->> 'webhook-timestamp')::bigint), body), 'signed with all live keys')
  FROM sent WHERE webhook_id = 'msg_2';
SELECT ok(to_timestamp((headers ->> 'webhook-timestamp')::bigint) BETWEEN now() - interval '1 second' AND clock_timestamp(), 'at the time of the claim') FROM sent WHERE webhook_id = 'msg_2';
SELECT is((SELECT destination FROM paysafe.outbox_claim("limit" => 10)), 'twin', 'those of any destination');
SELECT throws_ok('SELECT paysafe.outbox_done(id, attempt, 302) FROM sent', '22023', 'a webhook that was answered with status 302 has not arrived', 'a redirect is no arrival');
SELECT lives_ok('SELECT paysafe.outbox_done(id, attempt, 204) FROM sent WHERE webhook_id = ''msg_2''', 'arrived');
SELECT is(pg_temp.refusal('SELECT paysafe.outbox_done(id, attempt, 200) FROM sent WHERE webhook_id = ''msg_2'''), '40001 paysafe_outbox_fenced', 'once');
SELECT paysafe.set_queue('outbox', 'shop', 2, '1 microsecond', '1 microsecond');
SELECT isnt((SELECT paysafe.outbox_retry(id, attempt, 'connection refused') FROM sent WHERE webhook_id <> 'msg_2'), NULL, 'not arrived');
SELECT is((SELECT paysafe.outbox_retry(id, attempt, 'HTTP 500', 500) FROM paysafe.outbox_claim('shop')), NULL, 'nor the second time: given up');
SELECT is(pg_temp.rows($$SELECT a.attempt, a.status, a.reason FROM paysafe.outbox_attempt a JOIN paysafe.outbox o ON o.id = a.event WHERE o.destination = 'shop' ORDER BY a.event, a.attempt$$),
	'(1,,"connection refused")(2,500,"HTTP 500")(1,204,)', 'each attempt is on record');
SELECT is(pg_temp.rows($$SELECT state, attempt, last_error FROM paysafe.outbox WHERE destination = 'shop' ORDER BY id$$), '(dead,2,"HTTP 500")(done,1,)', 'what became of them');
SELECT lives_ok($$SELECT paysafe.outbox_revive(id, 'their server is up again') FROM paysafe.outbox WHERE destination = 'shop' AND state = 'dead'$$, 'revived');
SELECT is(pg_temp.refusal($$SELECT paysafe.outbox_revive(id, 'x') FROM paysafe.outbox WHERE destination = 'shop' AND state = 'done'$$), '23T01 paysafe_outbox_state', 'only the dead');
SELECT paysafe.set_webhook_destination('shop', 'https://new.example.com/');
SELECT is(pg_temp.rows($$SELECT attempt, url FROM paysafe.outbox_claim()$$), '(3,https://new.example.com/)', 'the third attempt, at the new address');

SELECT paysafe.outbox_retry(id, attempt, 'HTTP 410', 410, true) FROM paysafe.outbox WHERE destination = 'shop' AND state = 'leased';
SELECT lives_ok($$SELECT paysafe.outbox_dismiss(id, 'they want no more') FROM paysafe.outbox WHERE destination = 'shop' AND state = 'dead'$$, 'dismissed');
SELECT is(pg_temp.rows($$SELECT state, attempt, last_error FROM paysafe.outbox WHERE destination = 'shop' ORDER BY id$$), '(dismissed,3,"HTTP 410")(done,1,)', 'for good');

-- for whom
SELECT is(pg_temp.refusal(format(c, t)), format('42501 paysafe.%1$s paysafe_%1$s_own_table', t), format(c, t))
  FROM unnest('{outbox_event,outbox_payload,outbox_attempt,webhook_destination,destination_key}'::text[]) t, unnest(ARRAY['DELETE FROM paysafe.%s', 'TRUNCATE paysafe.%s']) c;
SELECT is(pg_temp.refusal(c, 'regress_paysafe_sender'), '42501', c)
  FROM unnest(ARRAY['SELECT paysafe.outbox_add(''shop'', ''x'', ''{}'')', 'SELECT paysafe.outbox_claim()', 'SELECT paysafe.webhook_sign(''shop'', ''x'', now(), ''b'')',
	'SELECT paysafe.add_destination_key(''shop'')', 'SELECT * FROM paysafe.destination_keys', 'SELECT * FROM paysafe.outbox']) c;
GRANT EXECUTE ON FUNCTION paysafe.outbox_add TO regress_paysafe_sender;
SELECT is(pg_temp.refusal($$SELECT paysafe.outbox_add('shop', 'x', '{}')$$, 'regress_paysafe_sender'), 'accepted', 'an application needs the function, and nothing else');
SELECT * FROM finish();
ROLLBACK;
