-- Declaring rules: what cannot be protected, by whom, with which arguments; what
-- a declaration leaves behind, and what a refused one does not.
BEGIN;
SELECT plan(95);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_paysafe_owner;
CREATE ROLE regress_paysafe_app;
GRANT USAGE, CREATE ON SCHEMA shop TO regress_paysafe_owner;
GRANT USAGE ON SCHEMA shop TO regress_paysafe_app;

-- What cannot be protected: 42809
CREATE TABLE shop.plain (id int PRIMARY KEY, status text, amount numeric, captured numeric, currency text, payment int);
CREATE TABLE shop.payment (LIKE shop.plain INCLUDING ALL);
CREATE VIEW shop.view AS SELECT * FROM shop.plain;
CREATE MATERIALIZED VIEW shop.matview AS SELECT * FROM shop.plain;
CREATE SEQUENCE shop.sequence;
CREATE UNLOGGED TABLE shop.unlogged (LIKE shop.plain INCLUDING ALL);
CREATE TEMP TABLE temporary (LIKE shop.plain INCLUDING ALL);
CREATE FOREIGN DATA WRAPPER regress_paysafe_fdw;
CREATE SERVER regress_paysafe_server FOREIGN DATA WRAPPER regress_paysafe_fdw;
CREATE FOREIGN TABLE shop.foreign (id int, status text, amount numeric, captured numeric, currency text, payment int) SERVER regress_paysafe_server;
CREATE TABLE shop.part (LIKE shop.plain INCLUDING ALL) PARTITION BY RANGE (id);
CREATE TABLE shop.part_1 PARTITION OF shop.part FOR VALUES FROM (1) TO (10);
CREATE TYPE shop.composite AS (id int, status text);
CREATE TABLE shop.mixed (LIKE shop.plain) PARTITION BY RANGE (id);
CREATE FOREIGN TABLE shop.mixed_1 PARTITION OF shop.mixed FOR VALUES FROM (1) TO (10) SERVER regress_paysafe_server;
CREATE TABLE shop.parent (LIKE shop.plain INCLUDING ALL);
CREATE UNLOGGED TABLE shop.child () INHERITS (shop.parent);
CREATE FUNCTION pg_temp.declarations(relation text) RETURNS TABLE (statement text) LANGUAGE sql AS $$
	VALUES (format('SELECT paysafe.protect_status(%L, ''status'', ''[*] --> new'')', relation)),
		   (format('SELECT paysafe.protect_columns(%L, ''{status}'')', relation)),
		   (format('SELECT paysafe.protect_append_only(%L)', relation)),
		   (format('SELECT paysafe.protect_payment(%L, ''status'', ''amount'', ''captured'', ''currency'', ''{captured}'')', relation)),
		   (format('SELECT paysafe.protect_refund(%L, ''shop.plain'', ''payment'', ''amount'', ''currency'', ''status'', ''{sent}'', ''{void}'', ''captured'', ''currency'')', relation)),
		   (format('SELECT paysafe.protect_tenant(%L, ''id'')', relation)),
		   (format('SELECT paysafe.protect_owner(%L, ''id'')', relation)),
		   (format('SELECT paysafe.protect_velocity(%L, ''id'', 1, ''1 day'')', relation)),
		   (format('SELECT paysafe.audit(%L)', relation)) $$;
SELECT is((SELECT string_agg(DISTINCT pg_temp.refusal(d.statement), ', ') FROM pg_temp.declarations(r) d), '42809', r || ' cannot be protected')
  FROM unnest(ARRAY['shop.view', 'shop.matview', 'shop.sequence', 'shop.unlogged', 'temporary', 'shop.foreign', 'shop.part_1',
					'shop.composite', 'shop.mixed', 'shop.parent', 'pg_class', 'information_schema.sql_features',
					'paysafe.rule', 'paysafe.audit_row', 'paysafe.currency', 'paysafe.audit_log']) r;
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.plain', 'shop.view', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency')$$),
	'42809', 'nor can refunds of a view''s payments');
SELECT is(pg_temp.refusal('SELECT paysafe.audit(999999999)'), '42P01', 'an OID of nothing');
SELECT is(pg_temp.refusal('SELECT paysafe.audit(''shop.missing'')'), '42P01', 'a name of nothing');

-- By whom: the owner, who need not be a superuser
CREATE TABLE shop.owned (LIKE shop.plain INCLUDING ALL);
ALTER TABLE shop.owned OWNER TO regress_paysafe_owner;
GRANT ALL ON shop.owned TO regress_paysafe_app;
SELECT is((SELECT string_agg(DISTINCT pg_temp.refusal(d.statement, 'regress_paysafe_app'), ', ') FROM pg_temp.declarations('shop.owned') d),
	'42501', 'with all privileges, but not the owner');
SELECT is((SELECT string_agg(DISTINCT pg_temp.refusal(d.statement, 'regress_paysafe_app'), ', ') FROM pg_temp.declarations('shop.view') d),
	'42501', 'who is not the owner does not learn more');
SELECT is(pg_temp.refusal(format('SELECT paysafe.unprotect(''shop.owned'', %L, ''x'')', r), 'regress_paysafe_app'), '42501', 'dropping ' || r || ' likewise')
  FROM unnest(ARRAY['status', 'nothing']) r;
SELECT is(pg_temp.refusal('SELECT paysafe.set_refund_threshold(''shop.owned'', ''EUR'', 1)', 'regress_paysafe_app'), '42501', 'a threshold likewise');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.owned', 'shop.plain', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency')$$, 'regress_paysafe_owner'),
	'42501', 'both tables must be one''s own');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_status('shop.owned', 'status', '[*] --> new')$$, 'regress_paysafe_owner'), 'accepted', 'the owner');
SELECT is(pg_temp.refusal($$SELECT paysafe.audit('shop.owned')$$, 'regress_paysafe_owner'), 'accepted', 'the owner, also of an audited table');
GRANT regress_paysafe_owner TO regress_paysafe_app;
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_columns('shop.owned', '{currency}')$$, 'regress_paysafe_app'), 'accepted', 'a member of the owner');
REVOKE regress_paysafe_owner FROM regress_paysafe_app;

-- Arguments
SELECT throws_ok('SELECT paysafe.' || call, code, NULL, code || ': ' || call)
  FROM (VALUES
	('22004', $$protect_status(NULL, 'status', '[*] --> new')$$),
	('22004', $$protect_status('shop.plain', NULL, '[*] --> new')$$),
	('22004', $$protect_status('shop.plain', 'status', NULL)$$),
	('22004', $$protect_status('shop.plain', 'status', '[*] --> new', NULL)$$),
	('22004', $$protect_columns('shop.plain', NULL)$$),
	('22004', $$protect_payment('shop.plain', 'status', NULL, 'captured', 'currency', '{captured}')$$),
	('22023', $$protect_payment('shop.plain', NULL, 'amount', 'captured', 'currency', '{captured}')$$),
	('22004', $$protect_payment('shop.plain', 'status', 'amount', 'captured', 'currency', NULL)$$),
	('22023', $$protect_refund('shop.plain', NULL, 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency')$$),
	('22004', $$protect_refund('shop.plain', 'shop.owned', 'payment', 'amount', 'currency', 'status', '{sent}', NULL, 'captured', 'currency')$$),
	('22004', $$approve('shop.plain', '1', NULL)$$),
	('42703', $$protect_status('shop.plain', 'missing', '[*] --> new')$$),
	('42703', $$protect_status('shop.plain', 'ctid', '[*] --> new')$$),
	('42703', $$protect_columns('shop.plain', '{status,missing}')$$),
	('42703', $$protect_payment('shop.plain', 'status', 'missing', 'captured', 'currency', '{captured}')$$),
	('42703', $$protect_refund('shop.plain', 'shop.payment', 'missing', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency')$$),
	('42703', $$audit('shop.plain', '{missing}')$$),
	('22023', $$protect_status('shop.plain', 'amount', '[*] --> new')$$),
	('22023', $$protect_status('shop.plain', 'payment', '[*] --> new')$$),
	('22023', $$protect_status('shop.plain', 'payment', '[*] --> 01')$$),
	('22023', $$protect_status('shop.plain', 'payment', '[*] --> 99999999999999999999')$$),
	('22023', $$protect_status('shop.plain', 'status', '')$$),
	('22023', $$protect_status('shop.plain', 'status', 'new --> paid')$$),
	('22023', $$protect_status('shop.plain', 'status', '[*] --> new', '{old}')$$),
	('22004', $$protect_status('shop.plain', 'status', '[*] --> new', '{NULL}')$$),
	('22023', $$protect_columns('shop.plain', '{}')$$),
	('22023', $$protect_columns('shop.plain', '{status}', '{}')$$),
	('22023', $$protect_payment('shop.plain', 'status', 'amount', 'captured', 'currency', '{}')$$),
	('22023', $$protect_payment('shop.plain', 'status', 'currency', 'captured', 'currency', '{captured}')$$),
	('22023', $$protect_payment('shop.plain', 'status', 'amount', 'payment', 'currency', '{captured}')$$),
	('22023', $$protect_refund('shop.plain', 'shop.plain', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency')$$),
	('22023', $$protect_refund('shop.plain', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{}', '{void}', 'captured', 'currency')$$),
	('22023', $$protect_refund('shop.plain', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{sent}', 'captured', 'currency')$$),
	('22023', $$protect_refund('shop.owned', 'shop.plain', 'status', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency')$$),
	('22023', $$unprotect('shop.plain', 'status', 'x')$$),
	('22023', $$unprotect('shop.owned', 'status', ' ')$$),
	('22023', $$status_diagram('shop.plain')$$),
	('22023', $$extend_audit(0)$$),
	('22023', $$extend_audit(1201)$$),
	('22023', $$act_as('')$$),
	('22023', $$act_as(' x')$$),
	('22023', $$act_as(E'x\ny')$$),
	('22023', $$act_as(repeat('x', 201))$$),
	('22023', $$act_as('x', ticket => repeat('x', 1001))$$)) v (code, call);

-- Rows that are there: 23514, naming the first ones, and nothing is left behind
CREATE TABLE shop.existing (id int PRIMARY KEY, status text, amount numeric, captured numeric, currency text, payment int);
INSERT INTO shop.existing SELECT i, 'odd', -i, i, 'EUR', i FROM generate_series(1, 20) i;
SELECT is(pg_temp.refusal(call), '23514 shop.existing paysafe_existing_' || rule, 'existing rows against rule ' || rule)
  FROM (VALUES
	('status', $$SELECT paysafe.protect_status('shop.existing', 'status', '[*] --> new')$$),
	('payment', $$SELECT paysafe.protect_payment('shop.existing', 'status', 'amount', 'captured', 'currency', '{captured}')$$),
	('refund', $$SELECT paysafe.protect_refund('shop.existing', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency')$$)) v (rule, call);
SELECT alike(pg_temp.refusal_text($$SELECT paysafe.protect_status('shop.existing', 'status', '[*] --> new')$$, 'MESSAGE'), '%20 existing rows%', 'they are counted');
SELECT is((SELECT count(*)::int FROM regexp_matches(pg_temp.refusal_text($$SELECT paysafe.protect_status('shop.existing', 'status', '[*] --> new')$$, 'DETAIL'), 'Row "', 'g')), 5, '... and five are named');
SELECT is((SELECT count(*) FROM paysafe.rule WHERE relation = 'shop.existing'::regclass), 0::bigint, 'no rule was left');
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgrelid = 'shop.existing'::regclass), 0::bigint, 'no trigger was left');
SELECT lives_ok('UPDATE shop.existing SET status = ''odder''', 'and nothing is enforced');

-- What a declaration leaves behind
SELECT set_eq($$SELECT tgname::text, tgenabled, tgtype::int, tgfoid::regproc::text FROM pg_trigger WHERE tgrelid = 'shop.owned'::regclass$$,
	-- 29: AFTER, ROW, INSERT, UPDATE, DELETE; 60: AFTER, STATEMENT, and TRUNCATE
	$$VALUES ('paysafe', 'A'::"char", 29, 'paysafe.enforce'), ('paysafe_statement', 'A', 60, 'paysafe.enforce_statement')$$, 'two triggers, ENABLE ALWAYS');
SELECT is_empty($$SELECT tgname FROM pg_trigger WHERE tgrelid = 'shop.owned'::regclass
	AND NOT (tgqual IS NULL AND tgattr = '' AND NOT tgdeferrable AND tgnargs = 0 AND tgoldtable IS NULL AND tgnewtable IS NULL)$$, '... without WHEN, columns or arguments');
SELECT set_eq($$SELECT rule, version FROM paysafe.protection WHERE relation = 'shop.owned'::regclass$$,
	$$VALUES ('status', 1), ('audit', 1), ('columns', 1)$$, 'rules in the view');
SELECT lives_ok($$SELECT paysafe.protect_status('shop.owned', 'status', '[*] --> new')$$, 'the same again');
SELECT is((SELECT max(version) FROM paysafe.rule WHERE relation = 'shop.owned'::regclass AND rule = 'status'), 1, '... is no new version');
ALTER TABLE shop.owned DISABLE TRIGGER paysafe;
DROP TRIGGER paysafe_statement ON shop.owned;
SELECT lives_ok($$SELECT paysafe.protect_status('shop.owned', 'status', '[*] --> new')$$, 'the same again, after the triggers were tampered with');
SELECT is((SELECT string_agg(format('%s%s', tgname, tgenabled), ' ' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 'shop.owned'::regclass), 'paysafeA paysafe_statementA', '... puts them right');

-- Rolled back to a savepoint, it is as if it had not been
CREATE TABLE shop.undone (id int PRIMARY KEY, note text);
INSERT INTO shop.undone VALUES (1, 'a');
SAVEPOINT undone;
SELECT paysafe.protect_append_only('shop.undone');
SELECT is(pg_temp.refusal('UPDATE shop.undone SET note = ''b'''), '23L01 shop.undone paysafe_undone_append_only', 'declared');
ROLLBACK TO undone;
SELECT is(pg_temp.refusal('UPDATE shop.undone SET note = ''b'''), 'accepted', 'undone');
SELECT paysafe.protect_columns('shop.undone', '{id}');
SAVEPOINT undone;
SELECT paysafe.protect_columns('shop.undone', '{id,note}');
SELECT is(pg_temp.refusal('UPDATE shop.undone SET note = ''c'''), '23R03 shop.undone.note paysafe_undone_columns', 'tightened');
ROLLBACK TO undone;
SELECT is(pg_temp.refusal('UPDATE shop.undone SET note = ''c'''), 'accepted', 'the older version again');
SELECT is(pg_temp.refusal('UPDATE shop.undone SET id = 2'), '23R03 shop.undone.id paysafe_undone_columns', '... which still holds');

-- A table that no longer fits its rule takes no rows
CREATE TABLE shop.misfit (id int PRIMARY KEY, status text, n int);
SELECT paysafe.protect_status('shop.misfit', 'status', '[*] --> new');
INSERT INTO shop.misfit VALUES (1, 'new');
ALTER TABLE shop.misfit RENAME COLUMN status TO state;
SELECT isnt(pg_temp.refusal('INSERT INTO shop.misfit VALUES (2, ''new'')'), 'accepted', 'the column of the rule was renamed');
ALTER TABLE shop.misfit RENAME COLUMN state TO status;
SELECT is(pg_temp.refusal('INSERT INTO shop.misfit VALUES (2, ''new'')'), 'accepted', '... and named as before');
ALTER TABLE shop.misfit DROP COLUMN status;
SELECT isnt(pg_temp.refusal('UPDATE shop.misfit SET n = 1'), 'accepted', 'the column of the rule was dropped');

SELECT * FROM finish();
ROLLBACK;
