-- Retention, legal holds, and what removes payloads: privileges, arguments, two people.
-- That payloads leave, and what stays, is in test/retention, on a clock that is moved.
BEGIN;
SELECT plan(60);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_paysafe_nobody;
CREATE ROLE regress_paysafe_owner;
CREATE TABLE shop.customer (id int PRIMARY KEY, name text);
CREATE TABLE shop.other (id int PRIMARY KEY);
SELECT paysafe.audit('shop.customer');
ALTER SCHEMA shop OWNER TO regress_paysafe_owner;
INSERT INTO shop.customer VALUES (1, 'Ann'), (1947110815, 'Bob');
CREATE FUNCTION pg_temp.removes() RETURNS SETOF text LANGUAGE sql AS $$ VALUES
	('SELECT paysafe.set_retention(''60 days'', ''x'')'),
	('SELECT paysafe.release_hold(1, ''x'')'),
	('SELECT paysafe.purge(''2026-01-01'', ''x'')'),
	('SELECT paysafe.erase(''shop.customer'', ''1'', ''x'')'),
	('SELECT paysafe.archive(''2026-01-01'', ''pg_default'', ''x'')') $$;

-- privileges: the owner of a table has none of them
SELECT is(pg_temp.refusal(c, r), '42501', format('%s: %s', r, c))
  FROM pg_temp.removes() c, unnest('{regress_paysafe_nobody,regress_paysafe_owner}'::name[]) r;
SELECT is(pg_temp.refusal(c, 'regress_paysafe_nobody'), '42501', c)
  FROM unnest(ARRAY['SELECT paysafe.hold(''x'', ''shop.customer'')', 'SELECT paysafe.export_audit(''2026-01-01'', ''2027-01-01'')',
					'SELECT * FROM paysafe.legal_hold', 'SELECT * FROM paysafe.removal', 'SELECT * FROM paysafe.retention', 'SELECT * FROM paysafe.pending_erasure', 'SELECT * FROM paysafe.retention_record']) c;

-- one person is not enough, whoever it is
SELECT paysafe.act_as('alice');
SELECT paysafe.hold('case 1', 'shop.customer', '1') AS hold \gset
SELECT is(pg_temp.refusal(c), '42501 paysafe_retention', c)
  FROM unnest(ARRAY['SELECT paysafe.set_retention(''60 days'', ''x'')', format('SELECT paysafe.release_hold(%s, ''x'')', :hold),
					'SELECT paysafe.purge(''2026-01-01'', ''x'')', 'SELECT paysafe.set_retention(''60 days'', ''x'', ''shop.customer'')']) c;
SELECT is(pg_temp.refusal('SELECT paysafe.erase(''shop.customer'', ''1'', ''x'')'), '42501 paysafe.erasure_request paysafe_erasure_request_retention', 'nor is it for an erasure');
SELECT matches(pg_temp.refusal_text('SELECT paysafe.purge(''2026-01-01'', ''x'')', 'HINT'),
			   'paysafe.approve\(''paysafe.retention_record'', ''retention: purge payloads before 2026-01-01: x''', 'who approves finds the words');
SELECT matches(pg_temp.refusal_text('SELECT paysafe.purge(''2026-01-01'', ''x'', ''shop.customer'', true)', 'HINT'),
			   'purge payloads of shop.customer before 2026-01-01 except held ones: x', 'all of them');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve('paysafe.retention_record', 'purge everything', 'x')$$), '22023', 'what is no change is not approved');

-- words that are approved are of exactly this, by another person, and once
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('paysafe.retention_record', 'retention: keep payloads of the audit log for 60 days instead of for ever: books', 'agreed');
SELECT is(pg_temp.refusal('SELECT paysafe.set_retention(''60 days'', ''books'')'), '42501 paysafe_retention', 'not by who approved it');
SELECT paysafe.act_as('alice');
SELECT is(pg_temp.refusal('SELECT paysafe.set_retention(''59 days'', ''books'')'), '42501 paysafe_retention', 'not another period');
SELECT is(pg_temp.refusal('SELECT paysafe.set_retention(''60 days'', ''book'')'), '42501 paysafe_retention', 'not for another reason');
SELECT is(pg_temp.refusal('SELECT paysafe.set_retention(''60 days'', ''books'', ''shop.customer'')'), '42501 paysafe_retention', 'not of another table');
SELECT is(pg_temp.refusal('SELECT paysafe.set_retention(''60 days'', ''books'')'), 'accepted', 'this');
SELECT is(pg_temp.refusal('SELECT paysafe.set_retention(''90 days'', ''longer'')'), 'accepted', 'longer takes nobody');
SELECT is(pg_temp.refusal('SELECT paysafe.set_retention(NULL, ''longer'', ''shop.customer'')'), 'accepted', 'for ever neither');
SELECT is(pg_temp.refusal('SELECT paysafe.set_retention(''60 days'', ''books'')'), '42501 paysafe_retention', 'back again needs another approval');
SELECT is(pg_temp.refusal('SELECT paysafe.set_retention(''90 days'', ''x'', ''shop.customer'')'), '42501 paysafe_retention', 'shorter than for ever');
SELECT results_eq('SELECT table_name, keep FROM paysafe.retention ORDER BY 1 NULLS FIRST',
				  $$VALUES (NULL, '90 days'::interval), ('shop.customer', NULL)$$, 'in force');

-- arguments
SELECT is(pg_temp.refusal(c), code, c) FROM (VALUES
	('22023', 'SELECT paysafe.set_retention(''29 days'', ''x'')'),
	('22023', 'SELECT paysafe.set_retention(''11 years'', ''x'')'),
	('22023', 'SELECT paysafe.set_retention(''60 days'', ''  '')'),
	('22023', 'SELECT paysafe.set_retention(''60 days'', ''x'', ''shop.other'')'),
	('22023', 'SELECT paysafe.hold(''x'')'),
	('22023', 'SELECT paysafe.hold(''x'', key => ''1'')'),
	('22023', 'SELECT paysafe.hold(''x'', ''shop.other'')'),
	('22004', 'SELECT paysafe.hold(NULL, ''shop.customer'')'),
	('22023', 'SELECT paysafe.hold(''x'', since => ''2026-02-01'', until => ''2026-02-01'')'),
	('22023', 'SELECT paysafe.release_hold(0, ''x'')'),
	('22004', 'SELECT paysafe.purge(NULL, ''x'')'),
	('22023', 'SELECT paysafe.purge(''infinity'', ''x'')'),
	('22023', 'SELECT paysafe.purge(''2026-01-01'', ''x'', ''shop.other'')'),
	('22004', 'SELECT paysafe.erase(''shop.customer'', NULL, ''x'')'),
	('22023', 'SELECT paysafe.erase(''shop.other'', ''1'', ''x'')'),
	('22023', 'SELECT paysafe.archive(''1999-01-01'', ''pg_default'', ''x'')')) v (code, c);

-- an erasure: the key is in no record but the request
SELECT paysafe.propose('asked for');
SELECT is(paysafe.erase('shop.customer', '1947110815', 'art. 17'), NULL::bigint, 'proposed, not done');
SELECT paysafe.propose(NULL);
SELECT is((SELECT table_name || ' ' || key FROM paysafe.pending_erasure), 'shop.customer 1947110815', 'who approves sees the key');
SELECT is((SELECT count(*) FROM paysafe.proposal_record p WHERE p::text LIKE '%1947110815%'), 0::bigint, 'what is approved does not have it');
SELECT paysafe.act_as('bob');
SELECT paysafe.approve(approved_as, key, 'agreed') FROM paysafe.pending_change;
SELECT paysafe.act_as('alice');
SELECT is(pg_temp.refusal('SELECT paysafe.erase(''shop.customer'', ''1'', ''art. 17'')'), '42501 paysafe.erasure_request paysafe_erasure_request_retention', 'of another key it is not');
-- this transaction is not in the tree
SELECT is(pg_temp.refusal('SELECT paysafe.erase(''shop.customer'', ''1947110815'', ''art. 17'')'), '55000', 'what is not sealed stays');

-- what is held is said by the view, until two people release it
SELECT is((SELECT concat_ws('|', table_name, key, reason, actor, released_at) FROM paysafe.legal_hold), 'shop.customer|1|case 1|alice', 'the hold');
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('paysafe.retention_record', format('retention: release hold %s: over', :hold), 'agreed');
SELECT paysafe.act_as('alice');
SELECT is(paysafe.release_hold(:hold, 'over'), true, 'released');
SELECT is(pg_temp.refusal(format('SELECT paysafe.release_hold(%s, ''over'')', :hold)), '22023', 'once');

-- all of it is in the audit log
SELECT results_eq($$SELECT DISTINCT table_name FROM paysafe.audit_log WHERE table_name IN ('retention_record', 'hold_record', 'hold_end', 'erasure_request') ORDER BY 1$$,
				  $$VALUES ('hold_end'), ('hold_record'), ('retention_record')$$, 'periods, holds and their ends are in the log');

SELECT * FROM finish();
ROLLBACK;
