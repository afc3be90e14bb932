-- Changes that wait for a second person: an approval is of exactly one of them,
-- of all of it, and of what the approver could read.
BEGIN;
SELECT plan(90);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE SCHEMA fake;
CREATE ROLE regress_paysafe_approver;
CREATE ROLE regress_paysafe_nobody;
GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.approve TO regress_paysafe_approver;

CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text, settle text);
CREATE TABLE fake.payment (LIKE shop.payment INCLUDING ALL);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment_id int, amount numeric, currency text, settle text, status text);
CREATE INDEX ON shop.refund (payment_id);
-- of tables that had rows: nobody depends on others
INSERT INTO shop.refund VALUES (0); DELETE FROM shop.refund;
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment_id', 'amount', 'currency', 'status', '{approved}', '{void}', 'captured', 'currency'),
	   paysafe.set_refund_threshold('shop.refund', 'USD', 100), paysafe.set_refund_threshold('shop.refund', 'EUR', 100);
CREATE TABLE shop.step (id int PRIMARY KEY, status text, a text, b text, "a, b" text, c text);
CREATE TABLE fake.step (LIKE shop.step INCLUDING ALL);
INSERT INTO shop.step VALUES (0); DELETE FROM shop.step;
INSERT INTO fake.step VALUES (0); DELETE FROM fake.step;
SELECT paysafe.protect_status(t, 'status', E'[*] --> a\na --> b\nstate "a, b" as both\nb --> both'),
	   paysafe.protect_columns(t, '{a,b,"a, b",c}'), paysafe.audit(t)
  FROM unnest('{shop.step,fake.step}'::regclass[]) t;

-- Alice proposes one change and Bob approves it; what becomes of another one, and of this?
CREATE FUNCTION pg_temp.approved_then(proposed text, made text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	p record;
BEGIN
	PERFORM paysafe.act_as('alice');
	PERFORM paysafe.propose('it is right');
	EXECUTE proposed;
	PERFORM paysafe.propose(NULL);
	SELECT * INTO STRICT p FROM paysafe.pending_change;
	PERFORM paysafe.act_as('bob');
	PERFORM paysafe.approve(p.approved_as, p.key, 'agreed');
	PERFORM paysafe.act_as('alice');
	RAISE EXCEPTION '%, %', left(pg_temp.refusal(made), 8), left(pg_temp.refusal(proposed), 8) USING ERRCODE = 'PT001';
EXCEPTION WHEN SQLSTATE 'PT001' THEN
	RETURN SQLERRM;
END $$;
CREATE TEMP TABLE pair (difference text, one text, other text);
INSERT INTO pair VALUES
	('columns that words leave out, and the schema of the reference',
		$$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment_id', 'amount', 'settle', 'status', '{approved}', '{void}', 'captured', 'settle')$$,
		$$SELECT paysafe.protect_refund('shop.refund', 'fake.payment', 'payment_id', 'amount', 'currency', 'status', '{approved}', '{void}', 'captured', 'currency')$$),
	('one of two columns',
		$$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment_id', 'amount', 'settle', 'status', '{approved}', '{void}', 'captured', 'settle')$$,
		$$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment_id', 'amount', 'settle', 'status', '{approved}', '{void}', 'captured', 'currency')$$),
	('a gated status', -- gated, or void
		$$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment_id', 'amount', 'currency', 'status', '{approved,paid}', '{void}', 'captured', 'currency')$$,
		$$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment_id', 'amount', 'currency', 'status', '{approved}', '{void,paid}', 'captured', 'currency')$$),
	('where one element ends, in statuses',
		$$SELECT paysafe.protect_status('shop.step', 'status', E'[*] --> a\na --> b\nstate "a, b" as both\nb --> both', '{"a, b"}')$$,
		$$SELECT paysafe.protect_status('shop.step', 'status', E'[*] --> a\na --> b\nstate "a, b" as both\nb --> both', '{a,b}')$$),
	('where one element ends, in columns',
		$$SELECT paysafe.protect_columns('shop.step', '{c,"a, b"}')$$, $$SELECT paysafe.protect_columns('shop.step', '{c,a,b}')$$),
	('the schema of the table', $$SELECT paysafe.protect_columns('shop.step', '{a}')$$, $$SELECT paysafe.protect_columns('fake.step', '{a}')$$),
	('a move', $$SELECT paysafe.protect_status('shop.step', 'status', E'[*] --> a\na --> b\nstate "a, b" as both\nb --> both\nboth --> a')$$,
		$$SELECT paysafe.protect_status('shop.step', 'status', E'[*] --> a\na --> b\nstate "a, b" as both\nb --> both\nboth --> b')$$),
	('a comment', $$SELECT paysafe.protect_status('shop.step', 'status', E'[*] --> a\na --> b\nstate "a, b" as both\nb --> both\nboth --> a')$$,
		$$SELECT paysafe.protect_status('shop.step', 'status', E'%% fine\n[*] --> a\na --> b\nstate "a, b" as both\nb --> both\nboth --> a')$$),
	('a long machine''s last line',
		$$SELECT paysafe.protect_status('shop.step', 'status', E'[*] --> a\na --> b\nstate "a, b" as both\nb --> both\n' || (SELECT string_agg('a --> waits_for_document_' || i, E'\n') FROM generate_series(1, 50) i))$$,
		$$SELECT paysafe.protect_status('shop.step', 'status', E'[*] --> a\na --> b\nstate "a, b" as both\nb --> both\n' || (SELECT string_agg('a --> waits_for_document_' || i, E'\n') FROM generate_series(1, 50) i) || E'\nboth --> a')$$),
	('digits that redaction takes for a card',
		$$SELECT paysafe.protect_status('shop.step', 'status', E'[*] --> a\na --> b\nstate "a, b" as both\nb --> both\na --> 4242424242424242')$$,
		$$SELECT paysafe.protect_status('shop.step', 'status', E'[*] --> a\na --> b\nstate "a, b" as both\nb --> both\na --> 4242421111114242')$$),
	('letters that look alike',
		$$SELECT paysafe.protect_status('shop.step', 'status', E'[*] --> a\na --> b\nstate "a, b" as both\nb --> both\na --> paid')$$,
		$$SELECT paysafe.protect_status('shop.step', 'status', E'[*] --> a\na --> b\nstate "a, b" as both\nb --> both\na --> p\u0430id')$$),
	('the currency of a threshold', $$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 200)$$, $$SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 200)$$),
	('the amount of a threshold', $$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 200)$$, $$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 201)$$),
	('a period that gets tighter', $$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 200, within => '2 days')$$, $$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 200)$$),
	('what the log hides', $$SELECT paysafe.audit('shop.step', '{a}')$$, $$SELECT paysafe.audit('shop.step', '{b}')$$),
	('the table of a window', $$SELECT paysafe.open_maintenance('x', 'T-1', '1 hour', '{shop.step}')$$, $$SELECT paysafe.open_maintenance('x', 'T-1', '1 hour', '{fake.step}')$$),
	('one more table of a window', $$SELECT paysafe.open_maintenance('x', 'T-1', '1 hour', '{shop.step}')$$, $$SELECT paysafe.open_maintenance('x', 'T-1', '1 hour', '{shop.step,fake.step}')$$),
	('the length of a window', $$SELECT paysafe.open_maintenance('x', 'T-1', '1 hour', '{shop.step}')$$, $$SELECT paysafe.open_maintenance('x', 'T-1', '61 minutes', '{shop.step}')$$),
	('where the ticket ends', $$SELECT paysafe.open_maintenance('b, c', 'a', '1 hour', '{shop.step}')$$, $$SELECT paysafe.open_maintenance('c', 'a, b', '1 hour', '{shop.step}')$$),
	('where a quoted ticket ends', $$SELECT paysafe.open_maintenance('c', 'a, b', '1 hour', '{shop.step}')$$, $$SELECT paysafe.open_maintenance('b'', c', '''a', '1 hour', '{shop.step}')$$);
-- words of what has no name in SQL
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment_id', 'amount', 'currency', 'status', '{approved}', '{void}', 'captured', 'currency', '{}')$$),
	'accepted', 'naming nothing that may change after an approval is tighter');
SELECT is(pg_temp.refusal_text($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment_id', 'amount', 'currency', 'status', '{approved}', '{void}', 'captured', 'currency')$$, 'DETAIL'),
	'The change lets points in time change after an approval.', 'naming none is not');
SELECT is(pg_temp.approved_then(one, other), '42501 sh, accepted', 'approved: one of two that differ in ' || difference)
  FROM pair WHERE one NOT LIKE '%open_maintenance%' AND other LIKE '%shop.%';
SELECT is(pg_temp.approved_then(other, one), '42501 sh, accepted', 'approved: the other of two that differ in ' || difference)
  FROM pair WHERE one NOT LIKE '%open_maintenance%' AND other LIKE '%shop.%' AND other !~ 'fine|EUR'', 200\)';
SELECT is(pg_temp.approved_then(one, other), '42501 fa, accepted', 'approved: one of two that differ in ' || difference)
  FROM pair WHERE one NOT LIKE '%open_maintenance%' AND other NOT LIKE '%shop.%';
SELECT is(pg_temp.approved_then(one, other) || ', ' || pg_temp.approved_then(other, one), '42501 pa, accepted, 42501 pa, accepted', 'approved: a window that differs in ' || difference)
  FROM pair WHERE one LIKE '%open_maintenance%';

-- The same change in force twice: the approval is of one version
SELECT is(pg_temp.approved_then($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 200)$$,
	$$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 99); SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 200)$$),
	'42501 sh, accepted', 'another version');
SELECT is(pg_temp.approved_then($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 200)$$,
	$$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 200); SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100); SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 200)$$),
	'42501 sh, accepted', 'once');

-- Who: neither who proposed it nor who makes it has approved it
SELECT paysafe.act_as('alice'), paysafe.propose('faster', 'T-7'), paysafe.set_refund_threshold('shop.refund', 'EUR', 300), paysafe.propose(NULL);
SELECT is((SELECT max(version) FROM paysafe.threshold WHERE currency = 'EUR'), 1, 'a proposed change is not made');
SELECT results_eq($$SELECT relation, rule, version, difference, loosens, requested_by, reason, ticket, before ->> 'amount', after ->> 'amount' FROM paysafe.pending_change$$,
	$$VALUES ('shop.refund'::regclass, 'threshold for EUR', 2, 'raises the threshold from 100 EUR to 300 EUR', 'raises the threshold from 100 EUR to 300 EUR', 'alice', 'faster', 'T-7', '100', '300')$$, '... and shown');
SELECT results_eq($$SELECT relation, approvals_needed, approvals_given, requested_by, change FROM paysafe.pending_approval$$,
	$$VALUES ('paysafe.rule'::regclass, 1, 0, 'alice', 'raises the threshold from 100 EUR to 300 EUR')$$, '... among all that waits');
SELECT key AS waiting FROM paysafe.pending_change \gset
CREATE FUNCTION pg_temp.as_somebody(who text, command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as(who);
	RETURN pg_temp.refusal(command);
END $$;
\set threshold 'SELECT paysafe.set_refund_threshold(\'shop.refund\', \'EUR\', 300)'
SELECT is(pg_temp.as_somebody('alice', format('SELECT paysafe.approve(''paysafe.rule'', %L, ''x'')', :'waiting')), '42501 paysafe.approval_record paysafe_approval_record_approval', 'who proposed it does not approve it');
SELECT is(pg_temp.as_somebody('ALICE', format('SELECT paysafe.approve(''paysafe.rule'', %L, ''x'')', :'waiting')), '42501 paysafe.approval_record paysafe_approval_record_approval', '... in no spelling');
SELECT is(pg_temp.as_somebody('bob', format('SELECT paysafe.approve(''paysafe.rule'', %L, E''\u3000'')', :'waiting')), '22023', 'for no reason');
SELECT is(pg_temp.as_somebody('bob', format('SELECT paysafe.approve(''paysafe.maintenance_record'', %L, ''x'')', :'waiting')), '22023', 'as something else');
SELECT is(pg_temp.as_somebody('bob', format('SELECT paysafe.approve(''paysafe.rule'', %L, ''x'')', :'waiting')), 'accepted', 'another person does');
SELECT is_empty('SELECT key FROM paysafe.pending_change', 'it waits no longer');
SELECT is(pg_temp.as_somebody('bob', :'threshold'), '42501 shop.refund paysafe_refund_threshold for EUR', 'who approved it does not make it');
SELECT is(pg_temp.as_somebody('carol', :'threshold'), 'accepted', 'a third person may');

-- What is not stored, and no whole change either, is not approved
SELECT is(pg_temp.as_somebody('bob', format('SELECT paysafe.approve(%L, %L, ''x'')', place, key)), '22023', 'approving ' || key)
  FROM (VALUES ('paysafe.rule', ''), ('paysafe.rule', ' '), ('paysafe.rule', '1'), ('paysafe.rule', 'status of shop.step'),
	('paysafe.rule', 'status of shop.step, version 2: adds b --> a'), ('paysafe.rule', encode(sha256('x'), 'hex')),
	('paysafe.rule', E'status of shop.step, version 2: {"machine": "p\u0430id"}'), ('paysafe.rule', 'status of shop.step, version 2: {"machine": "' || repeat('x', 400) || '"}'),
	('paysafe.maintenance_record', 'all of it'), ('paysafe.maintenance_record', encode(sha256('x'), 'hex'))) v (place, key);
-- a short change in plain letters is its own key
SELECT is(pg_temp.as_somebody('bob', $$SELECT paysafe.approve('paysafe.rule', 'columns of shop.step, version 2: {"columns": ["a"]} instead of {"columns": ["a", "a, b", "b", "c"]}', 'read it')$$), 'accepted', 'a change written out');
SELECT is(pg_temp.as_somebody('alice', $$SELECT paysafe.protect_columns('shop.step', '{b}')$$), '42501 shop.step paysafe_step_columns', 'is not another one');
SELECT is(pg_temp.as_somebody('alice', $$SELECT paysafe.protect_columns('shop.step', '{a}')$$), 'accepted', 'is the change');

-- Who may read what waits
SELECT paysafe.act_as('alice'), paysafe.propose('x'), paysafe.protect_columns('shop.step', '{b}'), paysafe.propose(NULL);
SAVEPOINT reader;
SET LOCAL ROLE regress_paysafe_approver;
SELECT is((SELECT count(*)::int FROM paysafe.pending_change), 1, 'who may approve');
ROLLBACK TO reader;
SET LOCAL SESSION AUTHORIZATION regress_paysafe_nobody;
SELECT is((SELECT count(*)::int FROM paysafe.pending_change), 0, 'nobody else');
ROLLBACK TO reader;
SELECT is((SELECT count(*)::int FROM paysafe.pending_change), 1, 'it waits');
SELECT paysafe.protect_columns('shop.step', '{a,c}');
SELECT is((SELECT count(*)::int FROM paysafe.pending_change), 0, 'not for a version that is there already');

-- Proposing ends with its transaction, and with its savepoint
SAVEPOINT s;
SELECT paysafe.propose('x');
SELECT is(pg_temp.refusal(:'threshold'), 'accepted', 'nothing to do is nothing to propose');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 400)$$), 'accepted', 'proposed');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 50)$$), 'accepted', 'what tightens is made');
SELECT is((SELECT amount FROM paysafe.threshold WHERE currency = 'EUR' ORDER BY version DESC LIMIT 1), 50::numeric, '... at once');
ROLLBACK TO s;
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 400)$$), '42501 shop.refund paysafe_refund_threshold for EUR', 'taken back');
SELECT is_empty('SELECT key FROM paysafe.pending_change', '... with what it proposed');
SAVEPOINT s;
SAVEPOINT t;
SELECT paysafe.propose('x');
RELEASE t;
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 400)$$), 'accepted', 'proposing outlives a savepoint that is released');
ROLLBACK TO s;
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 400)$$), '42501 shop.refund paysafe_refund_threshold for EUR', '... and not the one around it');
SELECT paysafe.act_as(NULL, request_id => 'r-1');
SELECT is(pg_temp.refusal($$SELECT paysafe.propose('x')$$), '42501 paysafe.proposal_record paysafe_proposal_record_proposal', 'nobody proposes');

-- An approval of a change to a version that somebody else has made meanwhile
SELECT paysafe.act_as('alice');
SELECT paysafe.propose('it is right');
SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 200), paysafe.protect_columns('shop.step', '{a}'), paysafe.protect_columns('fake.step', '{a}');
SELECT paysafe.propose(NULL);
SELECT paysafe.act_as('bob');
SELECT count(paysafe.approve(approved_as, key, 'moves on')) FROM paysafe.pending_change WHERE reason = 'it is right';
SELECT is((SELECT string_agg(state, ',') FROM paysafe.approval WHERE reason = 'moves on'), 'open,open,open', 'three changes are approved');
SELECT paysafe.set_refund_threshold('shop.refund', 'usd', 50), paysafe.protect_columns('shop.step', '{a,b,"a, b",c,status}');
SELECT is((SELECT string_agg(state, ',' ORDER BY state) FROM paysafe.approval WHERE reason = 'moves on'), 'open,outdated,outdated', '... two of them are of versions that are taken');
SELECT is((SELECT count(*)::int FROM paysafe.pending_change WHERE reason = 'it is right'), 0, '... and wait for nobody');

-- Reasons with nothing to read in them: 22023 everywhere
SELECT paysafe.act_as('alice');
SELECT is((SELECT string_agg(DISTINCT pg_temp.refusal(format(command, blank)), ', ')
		FROM unnest(ARRAY['', ' ', E'\t\r\n', E'\u00a0', E'\u2003\u3000', E'\u200b', E'\u2800\ufeff', E'\u3164\u00ad ']) blank), '22023', 'no reason: ' || command)
  FROM unnest(ARRAY[
	'SELECT paysafe.approve(''shop.refund'', ''1'', %L)', 'SELECT paysafe.withdraw_approval(1, %L)',
	'SELECT paysafe.unprotect(''shop.step'', ''audit'', %L)', 'SELECT paysafe.propose(%L)', 'SELECT paysafe.propose(''x'', %L)',
	'SELECT paysafe.open_maintenance(%L, ''T-1'', ''1 hour'', ''{shop.step}'')', 'SELECT paysafe.open_maintenance(''x'', %L, ''1 hour'', ''{shop.step}'')',
	'SELECT paysafe.act_as(''alice'', %L)', 'SELECT paysafe.act_as(''alice'', ticket => %L)']) command;
SELECT is((SELECT string_agg(DISTINCT pg_temp.refusal(format('SELECT paysafe.act_as(''alice'', %L)', reason)), ', ')
		FROM unnest(ARRAY['x', E'\u00a0x', 'ok', E'\u0434\u0430', E'\u5bfe\u5fdc', '!', E'\u00e9']) reason), 'accepted', 'one letter is a reason');

-- asking more of approvers than anybody can give would stop everything
SELECT is(pg_temp.refusal(format('SELECT paysafe.require_approver_identity(%L, ''x'')', level)), expected, 'demanded: ' || level) FROM (VALUES
	('passkey', '55000'), ('proven', '55000'), ('claimed', '22023')) v (level, expected);
SELECT is(paysafe.required_approver_identity(), NULL, 'nothing is');

SELECT * FROM finish();
ROLLBACK;
