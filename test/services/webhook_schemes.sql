-- Webhook schemes: what a definition may sign, and each provider's form.
BEGIN;
SELECT plan(161);
\ir ../pgtap/lib/refusal.psql
CREATE FUNCTION pg_temp.utf8(t text) RETURNS bytea LANGUAGE sql AS $$ SELECT convert_to(t, 'UTF8') $$;
CREATE FUNCTION pg_temp.base64(b bytea) RETURNS text LANGUAGE sql AS $$ SELECT replace(encode(b, 'base64'), E'\n', '') $$;
-- HMAC of a hash with blocks of so many bytes, from its definition
CREATE FUNCTION pg_temp.hmac(key bytea, data bytea, hash text DEFAULT 'sha256') RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	block int := CASE hash WHEN 'sha512' THEN 128 ELSE 64 END;
	inner_key bytea := decode(repeat('36', block), 'hex');
	outer_key bytea := decode(repeat('5c', block), 'hex');
	result bytea;
BEGIN
	FOR i IN 0..length(key) - 1 LOOP
		inner_key := set_byte(inner_key, i, get_byte(key, i) # 54);
		outer_key := set_byte(outer_key, i, get_byte(key, i) # 92);
	END LOOP;
	EXECUTE format('SELECT %1$I($1 || %1$I($2 || $3))', hash) INTO result USING outer_key, inner_key, data;
	RETURN result;
END $$;
CREATE FUNCTION pg_temp.verify(endpoint text, headers jsonb, body paysafe.payload, at float DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', CASE WHEN v.ok THEN 'ok' END, v.reason, 'key ' || v.key_id) FROM paysafe.webhook_verify(endpoint, headers, body, to_timestamp(at)) v $$;
CREATE FUNCTION pg_temp.accept(endpoint text, headers jsonb, body paysafe.payload) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', a.verdict, a.reason, a.event_id, a.event_type) FROM paysafe.webhook_accept(endpoint, headers, body) a $$;

-- what is signed can be read in one way only
CREATE FUNCTION pg_temp.declare(change jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal_text(format('SELECT paysafe.set_webhook_scheme(''mine'', %L)', jsonb_strip_nulls('{"algorithm": "hmac-sha256", "key_encoding": "utf8",
		"signature_header": "x-s", "signature_encoding": "hex", "id_header": "x-id", "json": true}' || change)), 'DETAIL') $$;
CREATE TEMP TABLE trouble (name text, detail text);
INSERT INTO trouble VALUES ('nothing between', '"signed" has nothing between two parts: two requests could be the same bytes.'), ('digits', '"signed" has digits or a point next to a number: two requests could be the same bytes.'),
	('two', '"signed" has more than one part that may contain anything: the body, a form, a path with an asterisk.'), ('no body', 'It does not sign the body.'), ('no item', 'It does not sign the item.');
SELECT is(pg_temp.declare(change), (SELECT detail FROM trouble WHERE name = why), coalesce(change ->> 'signed', '') || ' ' || coalesce(why, 'is good')) FROM (VALUES
	('{"signed": "{id}{body}"}'::jsonb, 'nothing between'), ('{"signed": "{body}{id}"}', 'nothing between'), ('{"signed": "x{id}{body}"}', 'nothing between'),
	('{"signed": "{header:x-a}{body}"}', 'nothing between'), ('{"signed": "{id}{header:x-a}.{body}"}', 'nothing between'), ('{"signed": "{crc32}{id}"}', 'nothing between'),
	('{"signed": "{id}{binding}.{body}"}', 'nothing between'), ('{"signed": "{form}"}', 'nothing between'), ('{"signed": "{binding}{form}"}', 'nothing between'),
	('{"signed": "{timestamp}{body}", "timestamp_header": "x-t", "timestamp_format": "fractional"}', 'nothing between'),
	('{"signed": "{timestamp}{body}", "timestamp_header": "x-t", "timestamp_format": "seconds-or-milliseconds"}', 'nothing between'),
	('{"signed": "{timestamp}0{body}", "timestamp_header": "x-t"}', 'digits'), ('{"signed": "{crc32}5{id}"}', 'digits'),
	('{"signed": "{timestamp}.{body}", "timestamp_header": "x-t", "timestamp_format": "fractional"}', 'digits'),
	('{"signed": "{body}.{body}"}', 'two'), ('{"signed": "{body}.{/a*}"}', 'two'), ('{"signed": "{field:a}.{body}"}', 'two'),
	('{"signed": "constant"}', 'no body'), ('{"signed": "{id}"}', 'no body'), ('{"signed": "{id}.{/a}"}', 'no body'), ('{"signed": "{header:x-a}"}', 'no body'),
	('{"signed": "constant", "signature_header": null, "signature_path": "/sig", "items_path": "/items"}', 'no item'),
	('{"signed": "{body}", "signature_header": null, "signature_path": "/sig", "items_path": "/items"}', 'no item'),
	('{"signed": "{/a}{/b}", "signature_header": null, "signature_path": "/sig", "items_path": "/items"}', 'nothing between'),
	-- those beside them that are good
	('{"signed": "{id}.{body}"}', NULL), ('{"signed": "{body}.{id}"}', NULL), ('{"signed": "{id}.{body}.{header:x-a}"}', NULL), ('{"signed": "{binding}{body}"}', NULL),
	('{"signed": "{binding}{id}|{crc32}"}', NULL), ('{"signed": "{id}{body}", "id_format": "uuid"}', NULL), ('{"signed": "{sha256}{id}"}', NULL),
	('{"signed": "{timestamp}{body}", "timestamp_header": "x-t"}', NULL), ('{"signed": "{timestamp}{body}", "timestamp_header": "x-t", "timestamp_format": "milliseconds"}', NULL),
	('{"signed": "{timestamp}{body}", "timestamp_header": "x-t", "timestamp_format": "rfc3339"}', NULL), ('{"signed": "{timestamp}:{body}", "timestamp_header": "x-t", "timestamp_format": "fractional"}', NULL),
	('{"signed": "{/a};{/b}", "manifest": true}', NULL), ('{"signed": "{/a*};{/b}", "manifest": true}', NULL),
	('{"signed": "{/a}:{/b}", "signature_header": null, "signature_path": "/sig", "items_path": "/items"}', NULL)) AS v (change, why);
SELECT is(pg_temp.declare(change), detail, detail) FROM (VALUES
	('{"signed": "{/a}", "manifest": true, "id_header": null, "id_path": "/b"}'::jsonb, 'It reads an id that it does not sign.'),
	('{"signed": "{body}", "manifest": true}', '"manifest" is for values of the body that are signed instead of it.'),
	('{"algorithm": "jwt-es256", "key_encoding": null}', '"body_hash_path" is for a JSON web token in a header, which must have the body''s hash.'),
	('{"algorithm": "jwt-es256", "key_encoding": null, "body_hash_path": "/h", "signed": "{body}"}', 'Of a token, "signed" and the time are its own.'),
	('{"algorithm": "token", "signed": "{body}"}', 'Of a token, "signed" and the time are its own.'),
	('{"algorithm": "token", "signature_header": null, "signature_field": "s"}', 'A token stands in a header.'),
	('{"signed": "{body}", "timestamp_path": "/iat"}', '"signature_body", "body_hash_path" and "timestamp_path" are for JSON web tokens.'),
	('{"signed": "{body}", "signature_field": "s"}', 'The signature stands either in a header or at a path.'),
	('{"signed": "{body}", "signature_separator": "; "}', '"signature_separator" must be one character.'),
	('{"signed": "{body}", "id_format": "x"}', '"x" is no value of "id_format".'),
	('{"signed": "{body}", "signature_encoding": "sha1-of-utf8"}', '"sha1-of-utf8" is no value of "signature_encoding".')) AS v (change, detail);

-- keys: secrets reach functions as values, never as part of a statement
CREATE TEMP TABLE secret (name text PRIMARY KEY, scheme text, secret text, binding text);
INSERT INTO secret SELECT n, n, 'secret of ' || n || ' 0123456789', b FROM (VALUES ('svix', NULL), ('paddle', NULL), ('twitch', NULL), ('airwallex', NULL), ('mercadopago', NULL), ('paystack', NULL),
	('twilio', 'https://mycompany.com/myapp.php?foo=1&bar=2'), ('twilio-json', 'https://example.com/myapp?bodySHA256='), ('braintree', NULL), ('xendit', NULL), ('klarna', NULL), ('coinbase', NULL), ('lemonsqueezy', NULL), ('mollie', NULL)) v (n, b);
UPDATE secret SET secret = 'whsec_' || pg_temp.base64(pg_temp.utf8(secret)) WHERE name = 'svix';
INSERT INTO secret VALUES ('plaid', 'plaid', '{"alg":"ES256","crv":"P-256","kid":"k1","kty":"EC","use":"sig","x":"v1J2czX89WDT7dccdPVhW-hdJfj60dofrnDuCRTsmTk","y":"oGFFEENDWmomF32ztk2aU95xrIF_UIANia6YT1vZRco"}'),
	('event', 'event', E'-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEv1J2czX89WDT7dccdPVhW+hdJfj6\n0dofrnDuCRTsmTmgYUUQQ0NaaiYXfbO2TZpT3nGsgX9QgA2JrphPW9lFyg==\n-----END PUBLIC KEY-----'),
	('sendgrid', 'sendgrid', 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=='),
	('wise', 'wise', E'-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwpb91cEYuyJNQepZAVfP\nZIlPZfNUefH+n6w9SW3fykqKu938cR7WadQv87oF2VuT+fDt7kqeRziTmPSUhqPU\nys/V2Q1rlfJuXbE+Gga37t7zwd0egQ+KyOEHQOpcTwKmtZ81ieGHynAQzsn1We3j\nwt760MsCPJ7GMT141ByQM+yW1Bx+4SG3IGjXWyqOWrcXsxAvIXkpUD/jK/L958Cg\nnZEgz0BSEh0QxYLITnW1lLokSx/dTianWPFEhMC9BgijempgNXHNfcVirg1lPSyg\nz7KqoKUN0oHqWLr2U1A+7kqrl6O2nx3CKs1bj1hToT1+p4kcMoHXA7kA+VBLUpEs\nVwIDAQAB\n-----END PUBLIC KEY-----\n');
SELECT paysafe.set_webhook_scheme('event', '{"algorithm": "jwt-es256", "signature_body": true, "timestamp_path": "/iat", "id_path": "/id", "type_path": "/type"}');
DO $$ BEGIN PERFORM paysafe.set_webhook_endpoint(name, scheme, binding => binding), paysafe.add_webhook_key(name, secret) FROM secret; END $$;
CREATE FUNCTION pg_temp.mac(n text, data text, hash text DEFAULT 'sha256') RETURNS bytea LANGUAGE sql AS $$
	SELECT pg_temp.hmac(CASE n WHEN 'svix' THEN decode(substr(secret, 7), 'base64') ELSE pg_temp.utf8(secret) END, pg_temp.utf8(data), hash) FROM secret WHERE name = n $$;

-- signatures that providers publish
SELECT is(pg_temp.verify('wise', jsonb_build_object('X-Signature-SHA256', s), b), r, 'Wise, from transferwise/digital-signatures-examples: ' || r) FROM (VALUES ('wKcKCYXAzxNgiu7xmoDm943NUni7Rz33QN8JkEA9dWSGebgndonabgSj18Y4C08OrwVmueGsED2s00M7DtJVcYKOS1i3G4TMVx+mgM3aL9djMBkQtiYNBFUd6wrPI7ZUNHv/TrlKSjTMc+6JFvUvJ7owY3z85e3I4jLRLJowMFvO8kvCJ60+1pY9wDwZvtZ//WS93LrwGjk9Dvwzpmu0w+P4J75tETT5qC3Uv0y5G2yO8SEoO3yNP/tg/BOli02niHb53vEOUWUb9bly6thnfMoXoiV/osoGxgF20R58RlvkAmezyyl1Sv542TfS2DpiwVnmjjjkCyXeSUcKookYLQ==')) v (s),
	LATERAL (VALUES ('ok key 1', '{"data":{"resource":{"id":49983981,"profile_id":16055450,"account_id":14124090,"type":"transfer"},"current_state":"incoming_payment_waiting","previous_state":null,"occurred_at":"2021-08-23T10:12:50Z"},"subscription_id":"90aa8e14-4ef1-4a56-861c-f3c9cde097ea","event_type":"transfers#state-change","schema_version":"2.0.0","sent_at":"2021-08-23T10:12:50Z"}'), ('signature_wrong', '{}')) w (r, b);
SELECT is(pg_temp.verify('sendgrid', jsonb_build_object('x-twilio-email-event-webhook-signature', 'MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=', 'x-twilio-email-event-webhook-timestamp', t),
	pg_temp.utf8('[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]' || E'\r\n'), 1600112502),
	r, 'SendGrid, from its libraries'' tests: ' || t) FROM (VALUES ('1600112502', 'ok key 1'), ('1600112503', 'signature_wrong')) v (t, r);
-- Twilio's token there has five characters, too few for the scheme; so the text that is signed, in one that takes it
CREATE TEMP TABLE short AS SELECT '12345' AS token OFFSET 0;
SELECT paysafe.set_webhook_scheme('short', '{"algorithm": "hmac-sha1", "key_encoding": "utf8", "min_key_bytes": 5, "signature_header": "x-twilio-signature", "signature_encoding": "base64", "signed": "{body}"}');
DO $$ BEGIN PERFORM paysafe.set_webhook_endpoint('short', 'short'), paysafe.add_webhook_key('short', token || '') FROM short; END $$;
SELECT is(pg_temp.verify('short', '{"x-twilio-signature": "GvWf1cFY/Q7PnoempGyD5oXAezc="}', 'https://mycompany.com/myapp.php?foo=1&bar=2CallSidCA1234567890ABCDECaller+14158675310Digits1234From+14158675310To+18005551212'), 'ok key 1', 'Twilio, from its api-snippets');

-- signatures made by other programs with keys made up here, as their providers publish none
CREATE FUNCTION pg_temp.twilio(body text, signature text DEFAULT 'ungOuVlOX/iULkwaaoXL/urnxq4=') RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.verify('twilio', jsonb_build_object('X-Twilio-Signature', signature), body) $$;
SELECT is(pg_temp.twilio(b), r, 'Twilio: ' || b) FROM (VALUES ('To=%2B18005551212&CallSid=CA1234567890ABCDE&Body=a+%26+b%3Dc&MediaUrl=z&MediaUrl=y&MediaUrl=z', 'ok key 1'),
	('Body=a+%26+b%3Dc&CallSid=CA1234567890ABCDE&MediaUrl=y&MediaUrl=z&To=%2B18005551212', 'ok key 1'), ('To=%2B18005551212&CallSid=CA1234567890ABCDE&Body=a+%26+b%3Dc&MediaUrl=z&MediaUrl=y&MediaUrl=z&X=1', 'signature_wrong'), ('To=%2B18005551212&CallSid=CA1234567890ABCDE&Body=a+%26+b%3Dc&MediaUrl=z&MediaUrl=y&MediaUrl=z&', 'signature_malformed'), ('To=%2B18005551212&CallSid=CA1234567890ABCDE&Body=a+%26+b%3Dc&MediaUrl=z&MediaUrl=y&MediaUrl=z&X', 'signature_malformed'),
	('To=%2B18005551212&CallSid=CA1234567890ABCDE&Body=a+%26+b%3Dc&MediaUrl=z&MediaUrl=y&MediaUrl=z&X=%4', 'signature_malformed'), ('To=%2B18005551212&CallSid=CA1234567890ABCDE&Body=a+%26+b%3Dc&MediaUrl=z&MediaUrl=y&MediaUrl=z&=1', 'signature_malformed'), ('', 'signature_wrong')) v (b, r);
SELECT is(pg_temp.verify('twilio-json', '{"X-Twilio-Signature": "vnCg8d6Bj4N1J5msbdGc5ze8c/A="}', b), r, 'Twilio, JSON: ' || b) FROM (VALUES ('{"CallSid":"CA1234567890ABCDE"}', 'ok key 1'), ('{"CallSid":"CA1234567890ABCDE"} ', 'signature_wrong')) v (b, r);
SELECT is(pg_temp.verify('braintree', '{}', b), r, 'Braintree: ' || r) FROM (VALUES ('bt_signature=othr_key%7C0000000000000000000000000000000000000000%26pub_key%7C5a045936006fc8bef3a963847c9ef9c86f3be088&bt_payload=PG5vdGlmaWNhdGlvbj48a2luZD5jaGVjazwva2luZD48L25vdGlmaWNhdGlvbj4%3D%0A', 'ok key 1'), (replace('bt_signature=othr_key%7C0000000000000000000000000000000000000000%26pub_key%7C5a045936006fc8bef3a963847c9ef9c86f3be088&bt_payload=PG5vdGlmaWNhdGlvbj48a2luZD5jaGVjazwva2luZD48L25vdGlmaWNhdGlvbj4%3D%0A', 'bt_payload=P', 'bt_payload=Q'), 'signature_wrong'), ('bt_signature=othr_key%7C0000000000000000000000000000000000000000%26pub_key%7C5a045936006fc8bef3a963847c9ef9c86f3be088&bt_payload=PG5vdGlmaWNhdGlvbj48a2luZD5jaGVjazwva2luZD48L25vdGlmaWNhdGlvbj4%3D%0A&bt_payload=x', 'signature_malformed'), ('bt_payload=x', 'signature_malformed'), ('{}', 'signature_malformed')) v (b, r);
SELECT is(pg_temp.verify('plaid', jsonb_build_object('Plaid-Verification', t), b, at), r, concat_ws(' ', 'Plaid:', r, left(b, 5), at)) FROM (VALUES
	('eyJhbGciOiJFUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJpYXQiOjE3MDAwMDAwMDAsInJlcXVlc3RfYm9keV9zaGEyNTYiOiI1NDc1YTE0YTE3YzgzMjdkOWQ1YTRlOThkODlkMjY5N2Y3YjI2Y2Q5ZTc0ZjhlZGE3Mjc4ZWE1NjExMzU2ZDZhIn0.K9rcMeNw8H0XRBRfk8enBsbvzeBxzM7RHR9t33PHB-_XrWeV3ChEPrb7dGohuX-xfIYSKNh2WmRfVjKLeylhSg', '{"webhook_type":"TRANSACTIONS","webhook_code":"SYNC_UPDATES_AVAILABLE","item_id":"i1"}', 1700000100, 'ok key 1'), ('eyJhbGciOiJFUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJpYXQiOjE3MDAwMDAwMDAsInJlcXVlc3RfYm9keV9zaGEyNTYiOiI1NDc1YTE0YTE3YzgzMjdkOWQ1YTRlOThkODlkMjY5N2Y3YjI2Y2Q5ZTc0ZjhlZGE3Mjc4ZWE1NjExMzU2ZDZhIn0.K9rcMeNw8H0XRBRfk8enBsbvzeBxzM7RHR9t33PHB-_XrWeV3ChEPrb7dGohuX-xfIYSKNh2WmRfVjKLeylhSg', '{"webhook_type":"TRANSACTIONS","webhook_code":"SYNC_UPDATES_AVAILABLE","item_id":"i1"} ', 1700000100, 'signature_wrong'), ('eyJhbGciOiJFUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJpYXQiOjE3MDAwMDAwMDAsInJlcXVlc3RfYm9keV9zaGEyNTYiOiI1NDc1YTE0YTE3YzgzMjdkOWQ1YTRlOThkODlkMjY5N2Y3YjI2Y2Q5ZTc0ZjhlZGE3Mjc4ZWE1NjExMzU2ZDZhIn0.K9rcMeNw8H0XRBRfk8enBsbvzeBxzM7RHR9t33PHB-_XrWeV3ChEPrb7dGohuX-xfIYSKNh2WmRfVjKLeylhSg', '{"webhook_type":"TRANSACTIONS","webhook_code":"SYNC_UPDATES_AVAILABLE","item_id":"i1"}', 1700000301, 'timestamp_old'), ('eyJhbGciOiJFUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJpYXQiOjE3MDAwMDAwMDAsInJlcXVlc3RfYm9keV9zaGEyNTYiOiI1NDc1YTE0YTE3YzgzMjdkOWQ1YTRlOThkODlkMjY5N2Y3YjI2Y2Q5ZTc0ZjhlZGE3Mjc4ZWE1NjExMzU2ZDZhIn0.K9rcMeNw8H0XRBRfk8enBsbvzeBxzM7RHR9t33PHB-_XrWeV3ChEPrb7dGohuX-xfIYSKNh2WmRfVjKLeylhSg', '{"webhook_type":"TRANSACTIONS","webhook_code":"SYNC_UPDATES_AVAILABLE","item_id":"i1"}', 1699999699, 'timestamp_future'),
	(replace('eyJhbGciOiJFUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJpYXQiOjE3MDAwMDAwMDAsInJlcXVlc3RfYm9keV9zaGEyNTYiOiI1NDc1YTE0YTE3YzgzMjdkOWQ1YTRlOThkODlkMjY5N2Y3YjI2Y2Q5ZTc0ZjhlZGE3Mjc4ZWE1NjExMzU2ZDZhIn0.K9rcMeNw8H0XRBRfk8enBsbvzeBxzM7RHR9t33PHB-_XrWeV3ChEPrb7dGohuX-xfIYSKNh2WmRfVjKLeylhSg', 'eyJhbGci', 'eyJhbGcj'), '{"webhook_type":"TRANSACTIONS","webhook_code":"SYNC_UPDATES_AVAILABLE","item_id":"i1"}', 1700000100, 'signature_malformed'), ('eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3MDAwMDAwMDAsImlkIjoiZXZ0XzEiLCJ0eXBlIjoicGFpZCJ9.vZKh1z1dntS38oRgRuCKQG6JU7MwR4Xu-ck9to2PWoIt-ngQnHIZGmnSZcXwO2viaFYGnwWCPc0iyHFPMdqobw', '{"webhook_type":"TRANSACTIONS","webhook_code":"SYNC_UPDATES_AVAILABLE","item_id":"i1"}', 1700000100, 'signature_wrong'), ('eyJhbGciOiJFUzI1NiIsImNyaXQiOlsieCJdfQ.eyJpYXQiOjE3MDAwMDAwMDAsImlkIjoiZXZ0XzEifQ.82o2f8m2hc3--DTTxLOQjuMgmc3vHlst2jpwFK8yPYuNGID1HGksIghcNqO_Jlr9acdZ9JjV0iWO_2VNIaoF-A', '{"webhook_type":"TRANSACTIONS","webhook_code":"SYNC_UPDATES_AVAILABLE","item_id":"i1"}', 1700000100, 'signature_malformed'), ('x.y', '{"webhook_type":"TRANSACTIONS","webhook_code":"SYNC_UPDATES_AVAILABLE","item_id":"i1"}', 1700000100, 'signature_malformed'),
	('eyJhbGciOiJub25lIn0.eyJpYXQiOjE3MDAwMDAwMDB9.AA', '{"webhook_type":"TRANSACTIONS","webhook_code":"SYNC_UPDATES_AVAILABLE","item_id":"i1"}', 1700000100, 'signature_malformed'), (left('eyJhbGciOiJFUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJpYXQiOjE3MDAwMDAwMDAsInJlcXVlc3RfYm9keV9zaGEyNTYiOiI1NDc1YTE0YTE3YzgzMjdkOWQ1YTRlOThkODlkMjY5N2Y3YjI2Y2Q5ZTc0ZjhlZGE3Mjc4ZWE1NjExMzU2ZDZhIn0.K9rcMeNw8H0XRBRfk8enBsbvzeBxzM7RHR9t33PHB-_XrWeV3ChEPrb7dGohuX-xfIYSKNh2WmRfVjKLeylhSg', -1), '{"webhook_type":"TRANSACTIONS","webhook_code":"SYNC_UPDATES_AVAILABLE","item_id":"i1"}', 1700000100, 'signature_malformed')) v (t, b, at, r);
SELECT is(pg_temp.verify('event', '{}', b, at), r, concat_ws(' ', 'a token as the body:', r)) FROM (VALUES ('eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3MDAwMDAwMDAsImlkIjoiZXZ0XzEiLCJ0eXBlIjoicGFpZCJ9.vZKh1z1dntS38oRgRuCKQG6JU7MwR4Xu-ck9to2PWoIt-ngQnHIZGmnSZcXwO2viaFYGnwWCPc0iyHFPMdqobw', 1700000000, 'ok key 1'), ('eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3MDAwMDAwMDAsImlkIjoiZXZ0XzEiLCJ0eXBlIjoicGFpZCJ9.vZKh1z1dntS38oRgRuCKQG6JU7MwR4Xu-ck9to2PWoIt-ngQnHIZGmnSZcXwO2viaFYGnwWCPc0iyHFPMdqobw', 1800000000, 'timestamp_old'), ('eyJhbGciOiJFUzI1NiIsImNyaXQiOlsieCJdfQ.eyJpYXQiOjE3MDAwMDAwMDAsImlkIjoiZXZ0XzEifQ.82o2f8m2hc3--DTTxLOQjuMgmc3vHlst2jpwFK8yPYuNGID1HGksIghcNqO_Jlr9acdZ9JjV0iWO_2VNIaoF-A', 1700000000, 'signature_malformed'), ('{}', 1700000000, 'signature_malformed')) v (b, at, r);

-- signatures made here
CREATE FUNCTION pg_temp.now() RETURNS bigint LANGUAGE sql AS $$ SELECT extract(epoch FROM clock_timestamp())::bigint $$;
CREATE TEMP TABLE t AS SELECT pg_temp.now() AS s, '{"id": "e1", "event_id": "e1", "type": "x", "data": {"id": "AB1"}, "metadata": {"event_id": "e1"}, "event": {"id": "e1"}}' AS b;
SELECT is(pg_temp.verify('svix', jsonb_build_object(p || '-id', 'm', p || '-timestamp', s::text, p || '-signature', 'v1,' || pg_temp.base64(pg_temp.mac('svix', 'm.' || s || '.' || b))), b), 'ok key 1', 'Svix, headers of ' || p) FROM t, unnest('{svix,webhook}'::text[]) p;
SELECT is(pg_temp.verify('svix', jsonb_build_object('svix-id', 'm', 'webhook-id', i, 'svix-timestamp', s::text, 'svix-signature', 'v1,' || pg_temp.base64(pg_temp.mac('svix', 'm.' || s || '.' || b))), b), r, 'Svix, under both names: ' || r) FROM t, (VALUES ('m', 'ok key 1'), ('n', 'header_duplicate')) v (i, r);
SELECT is(pg_temp.verify('paddle', jsonb_build_object('Paddle-Signature', format(f, s, encode(pg_temp.mac('paddle', s || ':' || b), 'hex'))), b), r, 'Paddle: ' || f) FROM t, (VALUES ('ts=%s;h1=%s', 'ok key 1'), ('ts=%s;h1=' || repeat('0', 64) || ';h1=%s', 'ok key 1'), ('ts=%s,h1=%s', 'timestamp_malformed'), ('h1=%2$s', 'timestamp_malformed')) v (f, r);
SELECT is(pg_temp.verify('twitch', jsonb_build_object('Twitch-Eventsub-Message-Id', i, 'Twitch-Eventsub-Message-Timestamp', w, 'Twitch-Eventsub-Message-Signature', 'sha256=' || encode(pg_temp.mac('twitch', i || w || b), 'hex')), b, 1573899132), r, concat_ws(' ', 'Twitch:', i, w)) FROM t, (VALUES
	('e76c6bd4-55c9-4987-8304-da1588d8988b', '2019-11-16T10:12:12.634234626Z', 'ok key 1'), ('e76c6bd4-55c9-4987-8304-da1588d8988b', '2019-11-16T11:12:12+01:00', 'ok key 1'), ('e76c6bd4-55c9-4987-8304-da1588d8988b', '2019-11-16T10:02:12.6Z', 'timestamp_old'),
	('e76c6bd4-55c9-4987-8304-da1588d8988b', '2019-11-16T10:12:12', 'timestamp_malformed'), ('e76c6bd4-55c9-4987-8304-da1588d8988b2', '2019-11-16T10:12:12Z', 'event_id_malformed'), ('e76c6bd4-55c9', '2019-11-16T10:12:12Z', 'event_id_malformed')) v (i, w, r);
SELECT is(pg_temp.verify('airwallex', jsonb_build_object('x-timestamp', w, 'x-signature', encode(pg_temp.mac('airwallex', w || b), 'hex')), b, 1700000000.5), r, 'Airwallex: ' || w) FROM t, (VALUES ('1700000000123', 'ok key 1'), ('1700000301000', 'timestamp_future'), ('1700000000', 'timestamp_malformed')) v (w, r);
-- a digit of the time is no digit of the body
SELECT is(pg_temp.verify('airwallex', jsonb_build_object('x-timestamp', '170000000012', 'x-signature', encode(pg_temp.mac('airwallex', '1700000000123'), 'hex')), '3', 1700000000), 'timestamp_malformed', 'joined otherwise');
SELECT is(pg_temp.verify('mercadopago', jsonb_build_object('x-request-id', q, 'x-signature', format('ts=%s,v1=%s', w, encode(pg_temp.mac('mercadopago', format('id:%s;request-id:%s;ts:%s;', i, q, w)), 'hex'))), b, 1700000000), r, concat_ws(' ', 'Mercado Pago:', i, q, w)) FROM t, (VALUES
	('ab1', 'bb56a2f1-6aae-46ac-982e-9dcd3581d08e', '1700000000', 'ok key 1'), ('ab1', 'r', '1700000000123', 'ok key 1'), ('AB1', 'r', '1700000000', 'signature_wrong'), ('ab1', 'r;ts:1', '1700000000', 'signature_malformed'), ('ab1', 'r', '1600000000', 'timestamp_old')) v (i, q, w, r);
SELECT is(pg_temp.verify('paystack', jsonb_build_object('x-paystack-signature', encode(pg_temp.mac('paystack', x, 'sha512'), 'hex')), b), r, 'Paystack: ' || r) FROM (VALUES ('{"event": "charge.success"}')) t (b), LATERAL (VALUES (b, 'ok key 1'), ('y', 'signature_wrong')) v (x, r);
SELECT is(pg_temp.verify(n, jsonb_build_object(h, p || encode(pg_temp.mac(n, b), 'hex')), b), 'ok key 1', n) FROM t, (VALUES ('klarna', 'Klarna-Signature', ''), ('coinbase', 'X-CC-Webhook-Signature', ''), ('lemonsqueezy', 'X-Signature', ''), ('mollie', 'X-Mollie-Signature', 'sha256=')) v (n, h, p);
SELECT is(pg_temp.verify('xendit', jsonb_build_object('x-callback-token', x), '{"event": "paid"}'), r, 'Xendit: ' || r) FROM (SELECT secret FROM secret WHERE name = 'xendit') k, LATERAL (VALUES (secret, 'ok key 1'), (secret || ' x', 'signature_wrong'), (left(secret, -1), 'signature_wrong'), (upper(secret), 'signature_wrong')) v (x, r);

-- topics that stand in headers, of the same body (Shopify)
CREATE TEMP TABLE shop (secret text);
INSERT INTO shop VALUES (repeat('shopify!', 4));
DO $$ BEGIN PERFORM paysafe.set_webhook_endpoint('shop', 'shopify'), paysafe.add_webhook_key('shop', secret) FROM shop; END $$;
CREATE FUNCTION pg_temp.shopify(id text, topic text, body text DEFAULT '{"id": 1}') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.accept('shop', jsonb_build_object('X-Shopify-Webhook-Id', id, 'X-Shopify-Topic', topic, 'X-Shopify-Hmac-Sha256', pg_temp.base64(pg_temp.hmac(pg_temp.utf8(secret), pg_temp.utf8(body)))), body) FROM shop $$;
SELECT is(pg_temp.shopify(i, t), r || ' ' || i || ' ' || t, concat_ws(' ', i, t)) FROM (VALUES (1, 'i1', 'orders/create', 'accepted'), (2, 'i1', 'orders/create', 'duplicate'), (3, 'i2', 'orders/paid', 'accepted'), (4, 'i2', 'orders/paid', 'duplicate'),
	(5, 'i1', 'orders/paid', 'duplicate'), (6, 'i1', 'refunds/create', 'duplicate'), (7, 'i2', 'refunds/create', 'duplicate'), (8, 'i9', 'orders/create', 'duplicate'), (9, 'i9', 'orders/paid', 'duplicate'), (10, 'i3', 'orders/updated', 'accepted')) v (n, i, t, r);
SELECT is((SELECT string_agg(event_type, ' ' ORDER BY id) FROM paysafe.inbox WHERE endpoint = 'shop'), 'orders/create orders/paid orders/updated', 'three events of one body');
SELECT is((SELECT a.inbox_id FROM paysafe.webhook_accept('shop', jsonb_build_object('X-Shopify-Webhook-Id', 'i2', 'X-Shopify-Topic', 'x', 'X-Shopify-Hmac-Sha256', pg_temp.base64(pg_temp.hmac(pg_temp.utf8(secret), '{"id": 1}'))), '{"id": 1}') a), (SELECT id FROM paysafe.inbox WHERE endpoint = 'shop' AND event_id = 'i2'), 'a duplicate says of which') FROM shop;

-- bytes that some programs cannot have in a string, and sealed bodies
DO $$ BEGIN PERFORM paysafe.set_webhook_endpoint('odd', 'shopify', any_text => true, encrypt => true), paysafe.add_webhook_key('odd', secret) FROM shop; END $$;
CREATE FUNCTION pg_temp.odd(endpoint text, body text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.accept(endpoint, jsonb_build_object('X-Shopify-Webhook-Id', md5(body), 'X-Shopify-Topic', 't', 'X-Shopify-Hmac-Sha256', pg_temp.base64(pg_temp.hmac(pg_temp.utf8(secret), pg_temp.utf8(body)))), body) FROM shop $$;
SELECT is(split_part(pg_temp.odd(e, b), ' ', n), r, e || ': ' || b) FROM (VALUES ('{"a": "x\u0000y"}', 'accepted', 'json_zero'), ('{"a": "cut \ud83d"}', 'accepted', 'json_encoding'), ('{"a": "\udc00\ud800"}', 'accepted', 'json_encoding'), ('{"\ud83d": 1, "\ud83d": 2}', 'refused', 'json_duplicate'), ('{"a": "\u0000", "a": 1}', 'refused', 'json_zero')) v (b, odd, strict),
	LATERAL (VALUES ('odd', 1, odd), ('shop', 2, CASE WHEN strict = 'json_duplicate' THEN 'json_encoding' ELSE strict END)) w (e, n, r);
SELECT is((SELECT string_agg(convert_from(body, 'UTF8'), ' ' ORDER BY id) FROM paysafe.inbox_claim('odd', 10)), '{"a": "x\u0000y"} {"a": "cut \ud83d"} {"a": "\udc00\ud800"}', 'claimed as they came');
SELECT is((SELECT count(*) FROM paysafe.inbox_payload WHERE position(convert_to('{"a": "', 'UTF8') IN body) > 0 AND sealed), 0::bigint, 'and stored sealed');
SELECT is((SELECT count(*) FROM paysafe.inbox_payload WHERE sealed), 3::bigint, 'all three');
SELECT is((SELECT body FROM (SELECT paysafe.inbox_add('odd', 'other', NULL, NULL, 'clear text')) a, LATERAL paysafe.inbox_claim('odd')), 'clear text', 'what is added otherwise, too');
SELECT is((SELECT count(*) FROM paysafe.inbox_payload WHERE body = 'clear text'), 0::bigint, 'sealed as well');
SELECT lives_ok($$SELECT paysafe.set_webhook_destination('sealed', 'https://example.com/', encrypt => true), paysafe.add_destination_key('sealed'), paysafe.outbox_add('sealed', 't', '{"path": "C:\\new"}', 'm1')$$, 'a destination whose bodies are sealed');
SELECT is(paysafe.outbox_add('sealed', 't', '{"path": "C:\\new"}', 'm1'), 'm1', 'is known by its body');
SELECT is((SELECT count(*) FROM paysafe.outbox_payload WHERE sealed AND position('path'::bytea IN body) = 0), 1::bigint, 'stored sealed');
SELECT is((SELECT convert_from(body, 'UTF8') FROM paysafe.outbox_claim('sealed')), '{"path": "C:\\new"}', 'sent in clear, byte for byte');

-- bodies as text, JSON and bytes
SELECT lives_ok($$SELECT paysafe.set_webhook_destination('plain', 'https://example.com/'), paysafe.add_destination_key('plain')$$, 'a destination');
CREATE TEMP TABLE body (n int, kind text, id text);
INSERT INTO body VALUES (1, 'literal', paysafe.outbox_add('plain', 't', '{"q":"say \"hi\" \\x00"}')), (2, 'text', paysafe.outbox_add('plain', 't', '{"a":"\x41"}'::text)), (3, 'varchar', paysafe.outbox_add('plain', 't', '\001'::varchar)),
	(4, 'char', paysafe.outbox_add('plain', 't', 'x '::char(2))), (5, 'json', paysafe.outbox_add('plain', 't', '{"b":1,  "a":2}'::json)), (6, 'jsonb', paysafe.outbox_add('plain', 't', '{"b":1,  "a":"\\"}'::jsonb)), (7, 'bytes', paysafe.outbox_add('plain', 't', '\x00ff'::bytea)), (8, 'ü', paysafe.outbox_add('plain', 't', 'ü'));
PREPARE add_text(text) AS SELECT paysafe.outbox_add('plain', 't', $1);
PREPARE add_unknown AS INSERT INTO body VALUES (9, 'parameter', paysafe.outbox_add('plain', 't', $1));
EXECUTE add_unknown('\x7b7d');
SELECT is((SELECT body FROM paysafe.outbox_claim('plain', 20) c WHERE c.webhook_id = b.id), x, b.kind) FROM body b JOIN (VALUES (1, '{"q":"say \\"hi\\" \\\\x00"}'::bytea), (2, '{"a":"\\x41"}'), (3, '\\001'), (4, 'x '), (5, '{"b":1,  "a":2}'), (6, '{"a": "\\\\", "b": 1}'), (7, '\x00ff'), (8, '\xc3bc'), (9, '\\x7b7d')) v (n, x) USING (n);
SELECT throws_ok($$SELECT paysafe.outbox_add('plain', 't', NULL)$$, '22004', NULL, 'no body');
SELECT is(paysafe.webhook_sign('plain', 'm', '2026-01-01', '\x41'), paysafe.webhook_sign('plain', 'm', '2026-01-01', '\\x41'::bytea), 'signed as it is sent');
SELECT throws_ok($$SELECT '\x00'::bytea::paysafe.payload::text$$, '22021', 'the payload is no text', 'bytes are not shown as text');
SELECT is('\x'::paysafe.payload::text, '\x', 'text is');

SELECT * FROM finish();
ROLLBACK;
