-- API keys: what they look like, who gets what answer, and how they end.
BEGIN;
SELECT plan(148);
\ir ../pgtap/lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE ROLE regress_paysafe_api;

-- what a key looks like: GitHub's form, by a published key of theirs that was never in use
-- (the example of gist coolaj86/eb8cddfd...; the checksum is crc32 of the 30 characters)
SELECT ok(paysafe.api_key_is_well_formed('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'), 'the checksum is GitHub''s');
SELECT is(paysafe.api_key_is_well_formed(k), false, 'no key: ' || left(k, 60))
  FROM unnest(ARRAY['', '_', 'ghp_', 'ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18', 'ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkK0mLq17',
	'ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq1', '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 ', ' 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',
	'zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17', '_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17', 'gh__zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17',
	'Ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17', '1hp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17', 'gh-p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17',
	'ghp-zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17', 'ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxk-0mLq17', repeat('a', 33) || '_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17',
	repeat('x', 1000000)]) k;
SELECT ok(paysafe.api_key_is_well_formed(repeat('a', 32) || '_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17'), 'the longest prefix');

-- nobody has any, and the first question makes none
SELECT is(paysafe.api_key_verify('x')::text, '(unknown,,,)', 'before any key is issued');

CREATE TEMP TABLE k (name text PRIMARY KEY, key text);
SELECT paysafe.act_as('alice');
INSERT INTO k VALUES ('all', paysafe.api_key_issue('acme')),
	('scoped', paysafe.api_key_issue('acme', '{payments:read,refunds:*}')),
	('test', paysafe.api_key_issue('umbrella', prefix => 'psk_test')),
	('long', paysafe.api_key_issue('acme', expires => 'infinity')),
	('other', paysafe.api_key_issue('umbrella'));
CREATE FUNCTION pg_temp.key(name text) RETURNS text LANGUAGE sql AS 'SELECT key FROM k WHERE k.name = key.name';
CREATE FUNCTION pg_temp.verdict(name text, scope text DEFAULT NULL) RETURNS text LANGUAGE sql AS
	'SELECT verdict FROM paysafe.api_key_verify(pg_temp.key(name), scope)';
SELECT ok(bool_and(key ~ '^psk_(live|test)_[0-9A-Za-z]{36}$' AND paysafe.api_key_is_well_formed(key)), 'what is issued') FROM k;
-- 3000 random characters, none of 62 missing: (61/62)^3000 is less than 1e-21
CREATE TEMP TABLE many AS SELECT paysafe.api_key_issue('many') AS key FROM generate_series(1, 100);
SELECT is((SELECT count(DISTINCT c)::int FROM many, regexp_split_to_table(substr(key, 10, 30), '') c), 62, 'all of the 62 characters occur');
SELECT is((SELECT count(DISTINCT key)::int FROM many), 100, 'no key comes twice');

-- valid ones
SELECT results_eq($$SELECT a.* FROM paysafe.api_key_verify(pg_temp.key('scoped')) a$$,
	$$SELECT 'valid', 'acme', id, '{payments:read,refunds:*}'::text[] FROM paysafe.api_key WHERE scopes = '{payments:read,refunds:*}'$$, 'whose it is, and for what');
SELECT results_eq($$SELECT (paysafe.api_key_verify_digest(sha256(convert_to(key, 'UTF8')))).* FROM k WHERE name = 'scoped'$$,
	$$SELECT (paysafe.api_key_verify(key)).* FROM k WHERE name = 'scoped'$$, 'the same by its SHA-256');
SELECT is((SELECT string_agg(DISTINCT pg_temp.verdict(name), ',') FROM k), 'valid', 'several of one client are');

-- scopes: exact, or by their beginning
SELECT is(pg_temp.verdict(k, s), v, format('%s for %s', k, coalesce(s, 'no scope')))
  FROM (VALUES ('scoped', 'payments:read', 'valid'), ('scoped', 'refunds:write', 'valid'), ('scoped', 'refunds:a:b', 'valid'), ('scoped', 'refunds:*', 'valid'),
	('scoped', 'payments:write', 'forbidden'), ('scoped', 'payments:rea', 'forbidden'), ('scoped', 'payments:readx', 'forbidden'),
	('scoped', 'refunds', 'forbidden'), ('scoped', 'refunds:', 'forbidden'), ('scoped', 'Refunds:write', 'forbidden'), ('scoped', '', 'forbidden'), ('scoped', '*', 'forbidden'),
	('scoped', NULL, 'valid'), ('all', 'payments:read', 'forbidden'), ('all', NULL, 'valid')) v(k, s, v);
SELECT results_eq($$SELECT a.client, a.key_id IS NOT NULL, a.scopes FROM paysafe.api_key_verify(pg_temp.key('scoped'), 'x') a$$,
	$$VALUES (NULL::text, true, NULL::text[])$$, 'whose it is, is told of valid ones only');

-- everything else is unknown, one answer
SELECT results_eq(format('SELECT a.* FROM paysafe.api_key_verify(%L) a', t), $$VALUES ('unknown', NULL::text, NULL::bigint, NULL::text[])$$, 'unknown: ' || left(coalesce(t, 'NULL'), 50))
  FROM (SELECT unnest(ARRAY['', NULL, 'psk_live_', 'SELECT', 'paysafe', E'\n', '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', repeat('x', 3000000), 'ключ'])
		UNION ALL SELECT unnest(ARRAY[upper(key), key || ' ', left(key, -1), overlay(key PLACING CASE substr(key, 12, 1) WHEN 'a' THEN 'b' ELSE 'a' END FROM 12)]) FROM k WHERE name = 'all') t(t);
SELECT results_eq(format('SELECT a.* FROM paysafe.api_key_verify_digest(%L) a', d), $$VALUES ('unknown', NULL::text, NULL::bigint, NULL::text[])$$, 'no digest: ' || coalesce(d::text, 'NULL'))
  FROM unnest(ARRAY['', NULL, '\x00', sha256('x'), (SELECT digest FROM paysafe.api_key_record LIMIT 1)]::bytea[]) d;
-- every byte in every place, and the origin and scope of whoever
SELECT is_empty($$SELECT t FROM (SELECT overlay(pg_temp.key('all') PLACING chr(b) FROM p FOR 1) t FROM generate_series(1, 127, 3) b, generate_series(1, 45, 4) p) t
	WHERE t <> pg_temp.key('all') AND paysafe.api_key_verify(t)::text <> '(unknown,,,)'$$, 'each character changed');
SELECT is((paysafe.api_key_verify(pg_temp.key('scoped'), repeat(s, 1000000), s)).verdict, 'forbidden', 'scope and origin: ' || s) FROM unnest(ARRAY['x', E'\n', '%s', 'ü']) s;

-- expiry is by the clock, not by the transaction
INSERT INTO k VALUES ('short', paysafe.api_key_issue('acme', expires => clock_timestamp() + interval '1 second'));
SELECT pg_sleep(1.1);
SELECT is(pg_temp.verdict('short'), 'expired', 'expired');
SELECT is(pg_temp.verdict('short', 'no such scope'), 'expired', 'which comes before scopes');
SELECT is(pg_temp.verdict('long'), 'valid', 'until for ever');

-- last use: noted once, not for each call
SELECT is((SELECT count(*)::int FROM paysafe.api_key WHERE client = 'many' AND last_used_at IS NULL), 100, 'issued, not used');
CREATE TEMP TABLE use AS SELECT u.ctid AS place, u.key FROM paysafe.api_key_use u WHERE u.at IS NOT NULL;
SELECT is((SELECT count(*)::int FROM paysafe.api_key WHERE last_used_at IS NOT NULL), 5, 'used, but for the expired one');
SELECT is((SELECT string_agg(DISTINCT pg_temp.verdict(name), ',' ORDER BY pg_temp.verdict(name)) FROM k, generate_series(1, 3)), 'expired,valid', 'used again');
SELECT set_eq('SELECT u.ctid AS place, u.key FROM paysafe.api_key_use u WHERE u.at IS NOT NULL', 'SELECT * FROM use', 'no second row version');
SELECT is((SELECT (paysafe.api_key_verify(paysafe.api_key_issue('acme'))).verdict), 'valid', 'issued and used by one command');

-- how they end
SELECT ok(paysafe.api_key_revoke((SELECT key_id FROM paysafe.api_key_verify(pg_temp.key('all'))), 'found in a repository'), 'revoked');
SELECT is(pg_temp.verdict('all'), 'revoked', 'at once');
SELECT is(paysafe.api_key_revoke(key_id, 'again'), false, 'not twice') FROM paysafe.api_key_verify(pg_temp.key('all'));
SELECT results_eq($$SELECT k.client, state, revoked_by, revoked_because, k.shown = left(key, 13), created_by FROM paysafe.api_key k, paysafe.api_key_verify(pg_temp.key('all')) v, k t WHERE k.id = v.key_id AND t.name = 'all'$$,
	$$VALUES ('acme', 'revoked', 'alice', 'found in a repository', true, 'alice')$$, 'the view says who and why');
SELECT results_eq($$SELECT a.client, a.scopes FROM paysafe.api_key_verify(pg_temp.key('all')) a$$, $$VALUES (NULL::text, NULL::text[])$$, 'a revoked key is nobody''s');
SELECT is(pg_temp.verdict('scoped'), 'valid', 'the others are not');
SELECT throws_ok('SELECT paysafe.api_key_revoke(0, ''x'')', '22023', 'there is no API key 0', 'no such key');
SELECT throws_ok('SELECT paysafe.api_key_revoke(1, '''')', '22023', NULL, 'a reason is given');
SELECT is(paysafe.api_key_revoke_all('acme', 'left'), 3, 'all that a client has: three were active');
SELECT is((SELECT string_agg(name || ' ' || pg_temp.verdict(name), ', ' ORDER BY name) FROM k), 'all revoked, long revoked, other valid, scoped revoked, short revoked, test valid', 'of this client only');
INSERT INTO k SELECT 'new', paysafe.api_key_issue('acme');
SELECT is(pg_temp.verdict('new'), 'valid', 'what is issued afterwards is good');
SELECT is((SELECT count(*)::int FROM paysafe.audit_log WHERE table_name = 'api_key_end' AND after ->> 'reason' IN ('found in a repository', 'left')), 2, 'who revoked is in the audit log');
SELECT is(paysafe.api_key_revoke_all('acm', 'x'), 0, 'a client with a name that begins like it');
SELECT is(pg_temp.verdict('new'), 'valid', 'is another one');
SAVEPOINT everything;
SELECT paysafe.api_key_revoke_everything('the key file was copied');
SELECT is((SELECT string_agg(DISTINCT state, ',') FROM paysafe.api_key), 'revoked', 'everything');
SELECT is((SELECT string_agg(DISTINCT pg_temp.verdict(name), ',') FROM k), 'revoked', 'each of them');
INSERT INTO k SELECT 'newest', paysafe.api_key_issue('acme');
SELECT is(pg_temp.verdict('newest'), 'valid', 'and on we go');
ROLLBACK TO everything;
SELECT is(pg_temp.verdict('new'), 'valid', 'what is rolled back was not');

-- a revocation stays, whoever wants it back
SELECT is(pg_temp.refusal(command), '42501 paysafe.api_key_' || t || ' paysafe_api_key_' || t || '_own_table', command)
  FROM (VALUES ('end', 'DELETE FROM paysafe.api_key_end'), ('end', 'UPDATE paysafe.api_key_end SET key = -1'), ('end', 'TRUNCATE paysafe.api_key_end'),
	('record', $$UPDATE paysafe.api_key_record SET expires_at = NULL, scopes = '{a:*}'$$), ('record', 'INSERT INTO paysafe.api_key_record SELECT * FROM paysafe.api_key_record'),
	('record', 'DELETE FROM paysafe.api_key_record'), ('use', 'UPDATE paysafe.api_key_use SET at = NULL')) v(t, command);
SELECT isnt(pg_temp.refusal(c), 'accepted', c) FROM unnest(ARRAY['SET LOCAL session_replication_role = replica; DELETE FROM paysafe.api_key_end', 'DROP TABLE paysafe.api_key_end CASCADE', 'ALTER TABLE paysafe.api_key_end DISABLE TRIGGER ALL',
	'ALTER TABLE paysafe.api_key_end RENAME TO x', 'DROP INDEX paysafe.api_key_end_target']) c;

-- what cannot be issued
SELECT throws_ok(format('SELECT paysafe.api_key_issue(%s)', a), code, NULL, a) FROM (VALUES
	('22004', 'NULL'), ('22023', $$''$$), ('22023', $$' x'$$), ('22023', $$E'x\n'$$), ('22023', $$repeat('x', 201)$$),
	('22004', $$'x', NULL$$), ('22023', $$'x', '{NULL}'$$), ('22023', $$'x', '{""}'$$), ('22023', $$'x', '{a b}'$$), ('22023', $$'x', '{*}'$$), ('22023', $$'x', '{a*}'$$), ('22023', $$'x', '{:*}'$$),
	('22023', $$'x', ARRAY[repeat('x', 65)]$$), ('2202E', $$'x', '{{a},{b}}'$$), ('22023', $$'x', array_fill('a'::text, '{65}')$$),
	('22023', $$'x', '{}', clock_timestamp()$$), ('22023', $$'x', '{}', '-infinity'$$),
	('22004', $$'x', prefix => NULL$$), ('22023', $$'x', prefix => 'Psk'$$), ('22023', $$'x', prefix => 'psk_'$$), ('22023', $$'x', prefix => 'p__k'$$), ('22023', $$'x', prefix => '1psk'$$)) v(code, a);

-- nothing of a key is anywhere
SELECT is_empty($$SELECT t.name FROM (SELECT name, substr(key, 14, 32) AS secret, key FROM k) t
	WHERE EXISTS (SELECT 1 FROM paysafe.api_key_record r WHERE r::text LIKE '%' || secret || '%' OR r.digest = sha256(key::bytea) OR r.digest = key::bytea)
	   OR EXISTS (SELECT 1 FROM paysafe.audit_log l WHERE l::text LIKE '%' || secret || '%')
	   OR EXISTS (SELECT 1 FROM paysafe.refusal_record f WHERE f::text LIKE '%' || left(secret, 8) || '%')$$, 'not in the tables');
SELECT is((SELECT count(*)::int FROM paysafe.audit_log WHERE table_name = 'api_key_record' AND after ->> 'client' = 'umbrella' AND actor = 'alice' AND actor_claimed), 2, 'that they were issued, and by whom, is in the audit log');

-- failed checks are on record, written by another process
CREATE FUNCTION pg_temp.wait_for(condition text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE done boolean := false;
BEGIN
	FOR i IN 1 .. 1200 LOOP
		EXECUTE format('SELECT %s', condition) INTO done;
		EXIT WHEN done;
		PERFORM pg_sleep(0.05);
	END LOOP;
	RETURN done;
END $$;
SELECT paysafe.api_key_verify(t, NULL, o) FROM (VALUES ('x', '192.0.2.7'), ('x', '192.0.2.7'), ('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', '2001:DB8::0:1'), ('x', 'nonsense; from 1.2.3.4')) v(t, o);
SELECT paysafe.api_key_verify(pg_temp.key('other'), 'payments:write', '192.0.2.7'), paysafe.api_key_verify(pg_temp.key('all'), NULL, '192.0.2.7');
SELECT ok(pg_temp.wait_for($$sum(checks) >= 5 FROM paysafe.api_key_failures() WHERE origin IN ('192.0.2.7', '2001:db8::1')$$), 'in time');
SELECT results_eq($$SELECT f.origin, f.verdict, f.checks, k.client FROM paysafe.api_key_failures() f LEFT JOIN paysafe.api_key k ON k.id = f.key_id WHERE f.origin IN ('192.0.2.7', '2001:db8::1') ORDER BY 1, 2$$,
	$$VALUES ('192.0.2.7', 'forbidden', 1::bigint, 'umbrella'), ('192.0.2.7', 'revoked', 1, 'acme'), ('192.0.2.7', 'unknown', 2, NULL), ('2001:db8::1', 'unknown', 1, NULL)$$, 'where from, how often');
SELECT is_empty($$SELECT 1 FROM paysafe.api_key_failures() WHERE origin = '1.2.3.4'$$, 'an address that is none does not count as one');
SELECT is_empty($$SELECT 1 FROM paysafe.api_key_failures('-1 day')$$, 'within the time asked for');
SELECT results_eq($$SELECT DISTINCT message, sqlstate, statement FROM paysafe.refusal_log WHERE table_name = 'api_key' AND message LIKE '%; from 192.0.2.7' ORDER BY 1$$,
	$$VALUES ('an API key does not have scope payments:write; from 192.0.2.7', '42501', 'api_key_verify'), ('an API key is revoked; from 192.0.2.7', '28000', 'api_key_verify'),
		('this is no API key; from 192.0.2.7', '28000', 'api_key_verify')$$, 'what the record says');

-- a read-only transaction verifies, and notes nothing
SAVEPOINT reading;
SET LOCAL transaction_read_only = on;
SELECT is((SELECT string_agg(DISTINCT (paysafe.api_key_verify(key)).verdict, ',') FROM many), 'valid', 'read only');
SELECT throws_ok(c, '25006', NULL, c) FROM unnest(ARRAY[$$SELECT paysafe.api_key_issue('x')$$, $$SELECT paysafe.api_key_revoke(1, 'x')$$, $$SELECT paysafe.api_key_revoke_all('x', 'x')$$, $$SELECT paysafe.api_key_revoke_everything('x')$$]) c;
SELECT is((SELECT count(*)::int FROM paysafe.api_key WHERE client = 'many' AND last_used_at IS NOT NULL), 0, 'nothing is noted');
ROLLBACK TO reading;

-- a sequence that is behind, as after a restore that left it out: a revocation would miss keys
SAVEPOINT behind;
SELECT last_value AS newest FROM paysafe.api_key_id_seq \gset
SELECT setval('paysafe.api_key_id_seq', 1);
SELECT is(pg_temp.refusal(c), '55000', c) FROM unnest(ARRAY[$$SELECT paysafe.api_key_issue('x')$$, $$SELECT paysafe.api_key_revoke_all('x', 'x')$$, $$SELECT paysafe.api_key_revoke_everything('x')$$]) c;
SELECT setval('paysafe.api_key_id_seq', :newest);
SELECT lives_ok($$SELECT paysafe.api_key_revoke_everything('x')$$, 'put right, as the hint says');
SELECT is((SELECT count(*)::int FROM paysafe.api_key WHERE state = 'active'), 0, 'it revokes every key');
ROLLBACK TO behind;

-- who may
SELECT set_eq($$SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'paysafe'::regnamespace AND p.proname LIKE 'api\_key%' AND has_function_privilege('regress_paysafe_api', p.oid, 'EXECUTE')$$,
	ARRAY['api_key_is_well_formed']::name[], 'nobody without a grant');
SELECT is_empty($$SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'paysafe'::regnamespace AND c.relname LIKE 'api\_key%' AND c.relkind IN ('r', 'v', 'S')
	AND (CASE WHEN c.relkind = 'S' THEN has_sequence_privilege('regress_paysafe_api', c.oid, 'SELECT, USAGE, UPDATE') ELSE has_table_privilege('regress_paysafe_api', c.oid, 'SELECT, INSERT, UPDATE, DELETE') END)$$, 'nor reads a table');
GRANT EXECUTE ON FUNCTION paysafe.api_key_verify(text, text, text) TO regress_paysafe_api;
GRANT SELECT ON k TO regress_paysafe_api;
SET LOCAL ROLE regress_paysafe_api;
SELECT is((paysafe.api_key_verify(key)).verdict, 'valid', 'a role that may verify') FROM k WHERE name = 'new';
SELECT is(pg_temp.refusal($$SELECT paysafe.api_key_issue('x')$$), '42501', 'issues none');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
