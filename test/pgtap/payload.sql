-- Columns whose JSON fits a schema: as a rule, and as a CHECK constraint.
BEGIN;
SELECT plan(76);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_payload_app;
GRANT USAGE, CREATE ON SCHEMA shop TO regress_payload_app;
\set wrong '23H01 shop.event.body paysafe_event_payload_body'
\set schema '{"type": "object", "required": ["amount", "currency"], "additionalProperties": false, "properties": {"amount": {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.01}, "currency": {"enum": ["EUR", "USD"]}, "note": {"type": ["string", "null"], "maxLength": 3}}}'

-- what is true of a value, and what it does not fit; nothing of the value is in it
SELECT is(paysafe.json_fault(:'schema', value), fault, left(value, 60)) FROM (VALUES
	('{"amount": 0.01, "currency": "EUR"}', NULL), ('{"amount": 1e400, "currency": "USD", "note": null}', NULL),
	('{"amount": 0.001, "currency": "EUR"}', '/amount: multipleOf'), ('{"amount": 0, "currency": "EUR"}', '/amount: exclusiveMinimum'),
	('{"amount": "1", "currency": "EUR"}', '/amount: type'), ('{"amount": 1}', '/currency: required'),
	('{"amount": 1, "currency": "eur"}', '/currency: enum'), ('{"amount": 1, "currency": "EUR", "4111111111111111": 1}', '/*: additionalProperties'),
	('{"amount": 1, "currency": "EUR", "note": "four"}', '/note: maxLength'), ('{"amount": 1, "currency": "EUR", "note": "äöü"}', NULL),
	('{"amount": 1, "currency": "EUR", "amount": 2}', 'the value itself: json_duplicate'), ('{"amount": 1, "currency": "EUR"} x', 'the value itself: json_syntax'),
	('{"amount": 1, "currency": "EUR", "note": "\u0000"}', 'the value itself: json_zero'), ('', 'the value itself: json_syntax'), ('[]', 'the value itself: type'), ('null', 'the value itself: type'),
	(repeat('[', 65) || repeat(']', 65), 'the value itself: json_depth'), ('{"amount": NaN, "currency": "EUR"}', 'the value itself: json_syntax')) v (value, fault);
SELECT is(paysafe.json_fault('{"properties": {"a/b~c": false, "": {"required": [""]}, "\u00e4\n": false}}', value), fault, value) FROM (VALUES
	('{"a/b~c": 1}', '/a~1b~0c: false'), ('{"": {}}', '//: required'), (U&'{"\00E4\\n": 1}', U&'/\00E4\\u000a: false')) v (value, fault);
SELECT is(paysafe.json_valid(:'schema', value), valid, left(value::text, 60)) FROM (VALUES
	('{"amount": 1, "currency": "EUR"}'::jsonb, true), ('{"amount": 1}', false), (NULL, NULL)) v (value, valid);
SELECT ok(paysafe.json_valid('{"$defs": {"a": {"items": {"items": true}}}}', '1'), 'definitions that nothing uses take their room once');
SELECT is(paysafe.json_fault('{"maxLength": 1}', '"' || repeat(':', 17000000) || '"'), 'the value itself: maxLength', 'room is for names, not for what looks as if some came');
SELECT ok(paysafe.json_valid(:'schema', '{"amount": 1, "currency": "EUR"}'::json), 'json');
SELECT ok(paysafe.json_valid(:'schema', convert_to('{"amount": 1, "currency": "EUR"}', 'UTF8')), 'bytes');
SELECT ok(NOT paysafe.json_valid(:'schema', '\xff'::bytea), 'bytes that are no text');
SELECT ok(paysafe.json_valid('{"const": "a"}'::jsonb, '"a"') AND NOT paysafe.json_valid('{"const": "a"}'::json, '"b"'), 'the schema is JSON of either type');
-- the schema of each row, if it likes
SELECT is(string_agg(paysafe.json_valid(s, '5')::text, ' ' ORDER BY n), 'true false true false', 'schemas that change from row to row')
  FROM (VALUES (1, '{"minimum": 5}'), (2, '{"minimum": 6}'), (3, '{"minimum": 5}'), (4, 'false')) v (n, s);

-- schemas that are none, or say what nobody checks
SELECT is(pg_temp.refusal_text(format('SELECT paysafe.json_valid(%L, ''1'')', schema), 'MESSAGE'), 'the schema cannot be used: ' || message, schema) FROM (VALUES
	('', 'it is no JSON that every reader reads the same way (json_syntax)'), ('{"type": "null", "type": "object"}', 'it is no JSON that every reader reads the same way (json_duplicate)'),
	('{"format": "email"}', 'it is not supported'), ('{"type": "text"}', 'there is no such type'), ('{"pattern": "(a)\\1"}', 'the pattern refers back'),
	('{"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}', 'it refers to itself'), ('[]', 'a schema must be an object, true or false')) v (schema, message);
SELECT is(pg_temp.refusal_text(format('SELECT paysafe.json_valid(%L, ''1'')', schema), 'DETAIL'), place, schema) FROM (VALUES
	('', 'At the schema itself.'), ('{"properties": {"": {"a/b": 1}}}', 'At /properties//a~1b.')) v (schema, place);
SELECT is(pg_temp.refusal_text($$SELECT paysafe.json_valid('{"properties": {"a": {"oneOf": []}}}', '1')$$, 'DETAIL'), 'At /properties/a/oneOf.', 'where');
SELECT throws_ok($$SELECT paysafe.json_valid(convert_from('\x7b22636f6e7374223a22e9227d', 'LATIN1'), '\x22c3a922'::bytea) AND paysafe.json_valid('\x22e922'::bytea, '1')$$, '22023', NULL, 'a schema is text in UTF-8');

-- as a constraint, by whoever writes
CREATE TABLE shop.checked (id int PRIMARY KEY, body jsonb CHECK (paysafe.json_valid('{"type": "object", "maxProperties": 1}', body)));
GRANT ALL ON shop.checked TO regress_payload_app;
SELECT is(pg_temp.refusal('INSERT INTO shop.checked VALUES (1, ''{"a": 1}''), (2, NULL)', 'regress_payload_app'), 'accepted', 'fits, or is not there');
SELECT is(pg_temp.refusal('INSERT INTO shop.checked VALUES (3, ''{"a": 1, "b": 2}'')', 'regress_payload_app'), '23514 shop.checked checked_body_check', 'does not');
SELECT is((SELECT count(*) FROM pg_get_constraintdef((SELECT oid FROM pg_constraint WHERE conname = 'checked_body_check')) d WHERE d LIKE '%maxProperties%'), 1::bigint, 'a dump has it');

-- as a rule
CREATE TABLE shop.event (id int PRIMARY KEY, body jsonb, raw text, bytes bytea, at timestamptz);
INSERT INTO shop.event VALUES (1, '{"amount": 1, "currency": "EUR"}'), (2, NULL), (3, '{"amount": 1, "currency": "XXX"}');
SELECT throws_ok(format('SELECT paysafe.protect_payload(%s)', a), code, NULL, a) FROM (VALUES
	('22004', 'NULL, ''body'', ''{}'''), ('22004', '''shop.event'', NULL, ''{}'''), ('22004', '''shop.event'', ''body'', NULL'), ('42703', '''shop.event'', ''missing'', ''{}'''),
	('22023', '''shop.event'', ''at'', ''{}'''), ('22023', '''shop.event'', ''body'', ''{"x": 1}'''), ('22023', '''shop.event'', ''body'', ''{}'', mode => ''off'''),
	('23514', format('''shop.event'', ''body'', %L', :'schema'))) v (code, a);
SELECT is(pg_temp.refusal_text(format('SELECT paysafe.protect_payload(''shop.event'', ''body'', %L)', :'schema'), 'DETAIL') ~ '/currency: enum', true, 'the row that does not fit, and why');
DELETE FROM shop.event WHERE id = 3;
SELECT lives_ok(format('SELECT paysafe.protect_payload(''shop.event'', ''body'', %L), paysafe.protect_payload(''shop.event'', ''raw'', ''{"type": "array"}''), paysafe.protect_payload(''shop.event'', ''bytes'', ''{"maxLength": 2}'')', :'schema'), 'three columns');
SELECT is((SELECT string_agg(rule || ': ' || definition, '; ' ORDER BY rule) FROM paysafe.protection WHERE relation = 'shop.event'::regclass),
	format('payload_body: body fits a schema of %s bytes; payload_bytes: bytes fits a schema of 16 bytes; payload_raw: raw fits a schema of 17 bytes', length(:'schema')), 'shown');
GRANT ALL ON shop.event TO regress_payload_app;
SELECT is(pg_temp.refusal(statement, role), expected, concat_ws(': ', role, statement)) FROM (VALUES
	('INSERT INTO shop.event (id, body) VALUES (4, ''{"amount": 2, "currency": "USD"}'')', 'accepted'),
	('INSERT INTO shop.event (id, body) VALUES (5, ''{"amount": 2}'')', :'wrong'),
	('UPDATE shop.event SET body = ''{"amount": 2}'' WHERE id = 1', :'wrong'),
	('UPDATE shop.event SET body = jsonb_set(body, ''{note}'', ''"long"'') WHERE id = 1', :'wrong'),
	('UPDATE shop.event SET at = now(), body = body WHERE id = 1', 'accepted'),
	('UPDATE shop.event SET body = NULL WHERE id = 4', 'accepted'),
	('DELETE FROM shop.event WHERE id = 4', 'accepted')) v (statement, expected), unnest('{NULL,regress_payload_app}'::name[]) role;
SELECT is(pg_temp.refusal('INSERT INTO shop.event (id, raw) VALUES (5, ''{}'')'), '23H01 shop.event.raw paysafe_event_payload_raw', 'text');
SELECT is(pg_temp.refusal('INSERT INTO shop.event (id, bytes) VALUES (5, ''"äöü"''::text::bytea)'), '23H01 shop.event.bytes paysafe_event_payload_bytes', 'bytes');
SELECT is(pg_temp.refusal_text('INSERT INTO shop.event (id, body) VALUES (5, ''{"amount": 2, "currency": "EUR", "4111111111111111": "x"}'')', 'DETAIL'), 'Row "5": /*: additionalProperties.', 'nothing of the value is said');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payload('shop.event', 'raw', '{"type": ["array", "object"]}')$$), '42501 shop.event paysafe_event_payload_raw', 'another schema takes two');
SELECT is(pg_temp.refusal($$SELECT paysafe.unprotect('shop.event', 'payload_raw', 'x')$$), '42501 shop.event paysafe_event_payload_raw', 'and so does none');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payload('shop.event', 'raw', '{"type": "array"}')$$), 'accepted', 'the same is no other one');
SELECT * FROM finish();
ROLLBACK;
