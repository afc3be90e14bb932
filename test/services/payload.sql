-- Webhooks that fit a schema by their type, and those that do not: dead, with a reason.
BEGIN;
\ir ../pgtap/lib/refusal.psql
SET LOCAL client_min_messages = error;
SELECT plan(51);
CREATE TEMP TABLE secret (secret text);
INSERT INTO secret VALUES (repeat('not-so-secret-', 3));
\set mine '{"algorithm": "token", "key_encoding": "utf8", "signature_header": "x-token", "json": true, "id_path": "/id", "type_path": "/type"}'
SELECT paysafe.set_webhook_scheme(s, :'mine') FROM unnest('{mine,second}'::text[]) s;
SELECT paysafe.set_webhook_endpoint(e, 'mine', object_path => '/object', sequence_path => '/n'), paysafe.add_webhook_key(e, secret) FROM secret, unnest('{pay,other}'::text[]) e;
SELECT paysafe.set_webhook_endpoint('form', 'twilio', binding => 'https://example.com/');
CREATE FUNCTION pg_temp.accept(body text, endpoint text DEFAULT 'pay') RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', a.verdict, a.reason, a.event_id, a.event_type, 'inbox ' || (a.inbox_id IS NOT NULL))
	  FROM secret, paysafe.webhook_accept(endpoint, jsonb_build_object('x-token', secret), body, '192.0.2.9') a $$;
SELECT paysafe.act_as('ann');

-- declaring
SELECT throws_ok(format('SELECT paysafe.set_payload_schema(%s)', a), code, NULL, a) FROM (VALUES
	('22004', 'NULL, ''{}'', ''x'''), ('22004', '''pay'', NULL, ''x'''), ('22004', '''pay'', ''{}'', NULL'), ('22023', '''pay'', ''{}'', '' '''),
	('22023', '''nowhere'', ''{}'', ''x'''), ('22023', '''form'', ''{}'', ''x'''), ('22023', '''pay'', ''{"format": "email"}'', ''x'''), ('22023', '''pay'', ''{'', ''x'''),
	('22023', '''pay'', ''{}'', ''x'', ''''')) v (code, a);
SELECT throws_ok($$SELECT paysafe.remove_payload_schema('pay', 'x')$$, '22023', NULL, 'there is none');
SELECT is(pg_temp.accept('{"id": "e1", "type": "paid", "amount": "a"}'), 'accepted e1 paid inbox true', 'nothing is asked for yet');
SELECT is(paysafe.set_payload_schema('pay', '{"type": "object", "required": ["id", "amount"], "properties": {"id": true, "type": {"type": "string"}, "amount": {"type": "integer", "minimum": 1}, "object": true, "n": true}, "additionalProperties": false}', 'as documented', 'paid'), 1, 'the first one is at once');
SELECT is(paysafe.set_payload_schema('pay', '{"required": ["type"]}', 'as documented'), 1, 'and so is one for all others');

-- what fits, and what does not
SELECT is(pg_temp.accept(body), expected, body) FROM (VALUES
	('{"id": "e2", "type": "paid", "amount": 5}', 'accepted e2 paid inbox true'),
	('{"id": "e3", "type": "paid", "amount": 0.5}', 'invalid /amount: type e3 paid inbox true'),
	('{"id": "e4", "type": "paid", "amount": 5, "card": "4111111111111111"}', 'invalid /*: additionalProperties e4 paid inbox true'),
	('{"id": "e5", "type": "paid", "object": "o", "n": 9}', 'invalid /amount: required e5 paid inbox true'),
	('{"id": "e6", "type": "paid", "object": "o", "n": 8, "amount": 1}', 'accepted e6 paid inbox true'),
	('{"id": "e7", "type": "paid", "object": "o", "n": 7, "amount": 1}', 'outdated e7 paid inbox false'),
	('{"id": "e8", "type": "void"}', 'accepted e8 void inbox true'),
	('{"id": "e9"}', 'invalid /type: required e9 inbox true'),
	('{"id": "e3", "type": "paid", "amount": 0.5}', 'duplicate e3 paid inbox true'),
	('{"id": "e3", "type": "paid", "amount": 5}', 'duplicate e3 paid inbox true'),
	('{"id": "e10", "type": "paid", "amount": 5, "amount": 6}', 'refused json_duplicate inbox false')) v (body, expected);
SELECT is(pg_temp.accept('{"id": "e3", "type": "paid", "amount": 0.5}', 'other'), 'accepted e3 paid inbox true', 'of another endpoint nothing is asked');
SELECT is((SELECT string_agg(concat_ws(' ', event_id, state, last_error), ', ' ORDER BY id) FROM paysafe.inbox WHERE endpoint = 'pay' AND state = 'dead'),
	'e3 dead /amount: type, e4 dead /*: additionalProperties, e5 dead /amount: required, e9 dead /type: required', 'the dead letters, and why');
SELECT is((SELECT string_agg(DISTINCT what, ',') FROM paysafe.queue_note n JOIN paysafe.inbox i ON i.id = n.event WHERE i.endpoint = 'pay'), 'dead', 'on record');
SELECT is((SELECT count(*) FROM paysafe.inbox_claim('pay', 100) WHERE event_id IN ('e3', 'e4', 'e5', 'e9')), 0::bigint, 'nobody works on them');
SELECT lives_ok($$SELECT paysafe.inbox_revive(id, 'looked at') FROM paysafe.inbox WHERE event_id = 'e5' AND endpoint = 'pay'$$, 'somebody may say that one is good all the same');
SELECT is((SELECT event_id FROM paysafe.inbox_claim('pay', 100)), 'e5', 'then it is worked on');

-- changing
SELECT is(split_part(pg_temp.refusal(format('SELECT paysafe.%s', c)), ' ', 1), expected, c) FROM (VALUES
	('set_payload_schema(''pay'', ''{"required": ["type"]}'', ''again'')', 'accepted'),
	('set_payload_schema(''pay'', ''{"required": ["type", "id"]}'', ''stricter'')', '42501'),
	('set_payload_schema(''pay'', ''true'', ''for this type'', ''void'')', '42501'),
	('remove_payload_schema(''pay'', ''not of use'', ''paid'')', '42501')) v (c, expected);
SELECT paysafe.propose('wanted'), paysafe.remove_payload_schema('pay', 'not of use'), paysafe.propose(NULL);
SELECT paysafe.act_as('bob'), paysafe.approve(approved_as, key, 'right') FROM (SELECT approved_as, key FROM paysafe.pending_change ORDER BY id DESC LIMIT 1) c;
SELECT paysafe.act_as('ann');
SELECT is(paysafe.remove_payload_schema('pay', 'not of use'), 2, 'by two');
SELECT is(pg_temp.accept('{"id": "e11"}'), 'accepted e11 inbox true', 'not asked for any more');
SELECT is((SELECT string_agg(concat_ws(' ', endpoint, event_type, version, by), ', ') FROM paysafe.payload_schema), 'pay paid 1 ann', 'what is in force');
SELECT is(paysafe.set_payload_schema('pay', '{"required": ["type"]}', 'again, after all'), 3, 'where nothing is asked, the next one is at once');

-- where the type is read from decides which schema counts
\set apart '{"algorithm": "token", "key_encoding": "utf8", "signature_header": "x-token", "json": true, "id_path": "/id", "type_path": "/kind"}'
CREATE FUNCTION pg_temp.approved(call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.propose('wanted');
	EXECUTE call;
	PERFORM paysafe.propose(NULL), paysafe.act_as('bob'), paysafe.approve(approved_as, key, 'right') FROM (SELECT approved_as, key FROM paysafe.pending_change ORDER BY id DESC LIMIT 1) c;
	PERFORM paysafe.act_as('ann');
	RETURN NULL;
END $$;
SELECT is(split_part(pg_temp.refusal(format('SELECT paysafe.%s', c)), ' ', 1), expected, left(c, 60)) FROM (VALUES
	(format('set_webhook_scheme(''mine'', %L)', :'apart'), '42501'),
	(format('set_webhook_scheme(''mine'', %L)', :'mine'::jsonb - 'type_path'), '42501'),
	(format('set_webhook_scheme(''mine'', %L)', :'mine'), 'accepted'),
	('set_webhook_endpoint(''pay'', ''second'')', '42501'),
	('set_webhook_endpoint(''pay'', ''github'')', '42501'),
	('set_webhook_endpoint(''pay'', ''mine'', ''1 minute'')', 'accepted'),
	('set_webhook_endpoint(''other'', ''second'')', 'accepted'),
	(format('set_webhook_scheme(''second'', %L)', :'apart'), 'accepted')) v (c, expected);
SELECT pg_temp.approved('SELECT paysafe.set_webhook_endpoint(''pay'', ''second'')');
SELECT is(pg_temp.accept('{"id": "e12", "type": "paid"}'), 'invalid /amount: required e12 paid inbox true', 'what is only proposed is not done');
SELECT paysafe.set_webhook_scheme('second', :'mine');
SELECT is(split_part(pg_temp.refusal('SELECT paysafe.set_webhook_endpoint(''pay'', ''second'')'), ' ', 1), '42501', 'the definition is another one than what was approved');
SELECT paysafe.set_webhook_scheme('second', :'apart');
SELECT lives_ok('SELECT paysafe.set_webhook_endpoint(''pay'', ''second'')', 'by two');
SELECT is(pg_temp.accept('{"id": "e13", "type": "void", "kind": "paid"}'), 'invalid /*: additionalProperties e13 paid inbox true', 'the type stands elsewhere now');
SELECT is((SELECT count(*) FROM paysafe.audit_log WHERE table_name = 'webhook_schema_record'), 4::bigint, 'each version is in the audit log');
SELECT * FROM finish();
ROLLBACK;
