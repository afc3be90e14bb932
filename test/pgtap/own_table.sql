-- paysafe's own tables take no change by SQL, from nobody, by no path.
BEGIN;
SELECT plan(597);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_paysafe_grantee;

-- a row that a dump brought for a table that is not here
INSERT INTO paysafe.dumped_row VALUES ('rule', '{"relation": "shop.gone", "rule": "status", "version": 1, "removed": false}');
INSERT INTO paysafe.seal_log VALUES (1, 'x/1', '1', 'x', '2026-01-01', 'x', 'x', NULL);
INSERT INTO paysafe.seal_transaction VALUES (1, 1, '3', '2026-01-01', 1, false);
INSERT INTO paysafe.seal_tile VALUES (1, 0, 0, '');
INSERT INTO paysafe.seal_finding VALUES (1, 1, '2026-01-01', '3', 1, 'x');
INSERT INTO paysafe.seal_checkpoint VALUES (1, 1, '', '2026-01-01', 'x', NULL, '', 0);
INSERT INTO paysafe.seal_cosignature VALUES (1, 1, 'x', 'x', '2026-01-01');
INSERT INTO paysafe.seal_policy VALUES (1, 'x', 'x', 'x', '2026-01-01');
INSERT INTO paysafe.token_issuer_record VALUES ('x', 1, '{x}', 60, 0, true, false, 'x', 'x', 'x', '2026-01-01');
INSERT INTO paysafe.token_key_record VALUES ('x', 'x', 1, 'EdDSA', '', NULL, '2026-01-01', 'infinity', false, 'x', 'x', 'x', '2026-01-01');
INSERT INTO paysafe.token_use VALUES ('', '2026-01-01');
INSERT INTO paysafe.delegation_record VALUES (1, 1, 2, '2026-01-02', 'claimed', '2026-01-01', 'x', NULL, 'x', 'x', 'x');
INSERT INTO paysafe.delegation_end VALUES (1, 'x', 'x', 'x', 'x', '2026-01-01');
INSERT INTO paysafe.throttle_limit_record VALUES ('x', 'x', '{}', 1, 1, 1000000, 1, false, false, false, 'x', 'x', 'x', '2026-01-01');
INSERT INTO paysafe.request_client_record VALUES ('x', 1, 'hmac', '{}', true, NULL, NULL, NULL, 1, 1, '2026-01-01', 1, false, 'x', 'x', 'x', '2026-01-01');
INSERT INTO paysafe.request_key VALUES ('x', 1, 1, 'x', '', 'x', '2026-01-01', NULL, '2026-01-01', 'x');
INSERT INTO paysafe.throttle_counter VALUES ('', '2026-01-01', 1, '2026-01-01');
INSERT INTO paysafe.outcome_minute VALUES ('2026-01-01', 'x', 'x', 1, 1);
INSERT INTO paysafe.outcome_hour VALUES ('2026-01-01', 'x', 'x', 1, 1);
INSERT INTO paysafe.first_seen_value VALUES ('', 'x', '2026-01-01', '2026-01-01');
INSERT INTO paysafe.alarm_state VALUES ('x', 'x', '2026-01-01', '');
INSERT INTO paysafe.alarm_record VALUES ('2026-01-01', 'x', 'x', 'x', 'opened', '{}');
INSERT INTO paysafe.velocity_flow VALUES ('', '2026-01-01', '2026-01-02', 'pg_class', 'x', 1, 1, NULL);
INSERT INTO paysafe.approver_setting VALUES (1, NULL, 'x', 'x', 'x', 'x', '2026-01-01');
INSERT INTO paysafe.break_glass_setting VALUES (1, 'pg_class', 'x', NULL, 'x', 'x', 'x', 'x', '2026-01-01');
INSERT INTO paysafe.break_glass_record VALUES (1, 'pg_class', 'x', 'x', 'x', 'x', 'x', '{x}', 'x', 'x', '2026-01-01', '2026-01-01');
INSERT INTO paysafe.break_glass_review VALUES (1, 'right', 'x', 'x', 'x', 'claimed', 'x', NULL, '2026-01-01');
INSERT INTO paysafe.seal_publisher VALUES (1, 'good', NULL, '2026-01-01', NULL);
INSERT INTO paysafe.seal_state VALUES (1, 0, '3', NULL, '', '', '2026-01-01', 1, '0/0', '3');
-- something of everything; rows of a test database change nothing here
SELECT paysafe.declare_test_database();
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON shop.refund (payment);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 50), paysafe.set_refund_threshold('shop.refund', 'EUR', 50, band => 'person', per => 'requester');
SELECT paysafe.audit('shop.refund');
INSERT INTO shop.payment VALUES (1, 100, 'EUR');
SELECT paysafe.act_as('clerk');
INSERT INTO shop.refund VALUES (1, 1, 100, 'EUR', 'requested');
SELECT paysafe.act_as('boss'), paysafe.approve('shop.refund', '1', 'x');
UPDATE shop.refund SET status = 'sent';
SELECT paysafe.reject_refund('shop.refund', '1', 100, 'EUR', 'x'), paysafe.withdraw_rejection(currval('paysafe.rejection_id_seq'), 'x');
CREATE TABLE shop.task (id int PRIMARY KEY, status text);
SELECT paysafe.protect_status('shop.task', 'status', E'[*] --> new\nnew --> done\ndone --> new', recorded => '{done}');
SELECT paysafe.act_as('clerk'), paysafe.request_refund('shop.refund', '1', 10, 'EUR', 'x');
INSERT INTO shop.task VALUES (2, 'done');
SELECT paysafe.act_as('boss'), paysafe.settle_breach(max(id), 'x') FROM paysafe.breach;
INSERT INTO shop.task VALUES (1, 'new');
UPDATE shop.task SET status = 'done'; UPDATE shop.task SET status = 'new';
SELECT paysafe.propose('x'), paysafe.set_refund_threshold('shop.refund', 'EUR', 60), paysafe.propose(NULL);
CREATE TABLE shop.entry (id int PRIMARY KEY, txn int, account int, amount numeric, currency text, day date);
SELECT paysafe.protect_ledger('shop.entry', 'txn', 'account', 'amount', 'currency', posting_date_column => 'day'), paysafe.close_period('shop.entry', '2026-01-31');
CREATE INDEX ON shop.entry (txn);
CREATE TABLE shop.account (id int PRIMARY KEY, balance numeric, minimum numeric);
INSERT INTO shop.account VALUES (1, 0, -9), (2, 0, -9);
SELECT paysafe.protect_balance('shop.account', 'id', 'balance', 'shop.entry', 'minimum');
INSERT INTO shop.entry VALUES (1, 1, 1, 5, 'EUR', '2026-02-01'), (2, 1, 2, -5, 'EUR', '2026-02-01');
SELECT paysafe.reserve('shop.account', '1', 2) AS reservation \gset
SELECT paysafe.post_reservation(:reservation, 1, false), paysafe.void_reservation(:reservation);
CREATE TABLE shop.net (id int PRIMARY KEY, amount numeric);
CREATE TABLE shop.back (id int PRIMARY KEY, net int, amount numeric);
CREATE INDEX ON shop.back (net);
SELECT paysafe.protect_payment('shop.net', NULL, 'amount', 'amount', currency => 'EUR', changes => 'net');
SELECT paysafe.protect_refund('shop.back', 'shop.net', 'net', 'amount');
SELECT paysafe.set_refund_threshold('shop.back', 'EUR', 50);
INSERT INTO shop.net VALUES (1, 9);
INSERT INTO shop.back VALUES (1, 1, 4);
UPDATE shop.net SET amount = 5;
SELECT paysafe.act_as('boss'), paysafe.approve('paysafe.maintenance_record', format('maintenance of shop.account by %L for 60 s: T-1, x', session_user), 'x');
SELECT paysafe.act_as('dba'), paysafe.open_maintenance('x', 'T-1', '1 minute', '{shop.account}');
SELECT paysafe.close_maintenance();
CREATE TABLE shop.old (id int PRIMARY KEY, status text);
INSERT INTO shop.old VALUES (1, 'lost');
SELECT paysafe.protect_status('shop.old', 'status', '[*] --> new', mode => 'observe');
SELECT paysafe.accept_rows('shop.old', 'status', 'x');
SELECT paysafe.set_retention('60 days', 'x'), paysafe.release_hold(paysafe.hold('x', 'shop.refund'), 'x');
SELECT paysafe.propose('x'), paysafe.erase('shop.refund', '1', 'x'), paysafe.propose(NULL);
SELECT paysafe.begin_fixtures('x');
SELECT paysafe.bootstrap_people('a', '{}', 'b', '{}', 'x'), paysafe.disable_person('b', 'x'), paysafe.add_to_group('b', 'auditor', 'x');
SELECT paysafe.enable_person('b', 'x'), paysafe.require_registered(true, 'x');
SELECT paysafe.signal('x'), paysafe.decide('x', 'x', NULL);
-- also for one who was granted everything on them
GRANT ALL ON ALL TABLES IN SCHEMA paysafe TO regress_paysafe_grantee;

CREATE TEMP TABLE own AS
	SELECT c.oid::regclass AS name, c.relname,
		   format('42501 paysafe.%1$s paysafe_%1$s_own_table', CASE WHEN c.relispartition THEN 'audit_row' ELSE c.relname END) AS refused,
		   (SELECT attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = 1) AS first
	  FROM pg_class c WHERE c.relnamespace = 'paysafe'::regnamespace AND c.relkind = 'r'
	   -- only what has been committed is indexed: test/reading
	   AND c.relname !~ '^index_'
	   -- two partitions stand for all
	   -- these are filled by the preloaded library only: test/guard, test/services
	   AND c.relname NOT IN ('refusal_record', 'maintenance_change')
	   -- no sums are kept in a test database: test/sql/refund_many.sql, captures_many.sql, entries_many.sql; parts only until all are
	   -- looked at: test/sql/validate_parts.sql
	   AND c.relname NOT IN ('refund_total', 'capture_total', 'entry_total', 'validation_part')
	   -- services, and what it takes a passkey to fill: test/services, test/passkey
	   AND c.relname !~ '^(data_key|passkey|idempotency|webhook|inbox|outbox|queue|api_key|destination)'
	   -- the month in which something was written just now, be it the next one meanwhile
	   AND (c.relname !~ '^audit_\d' OR c.oid = (SELECT a.tableoid FROM paysafe.audit_row a WHERE a.tableoid <> 'paysafe.audit_default'::regclass ORDER BY a.at DESC LIMIT 1));
SELECT is((SELECT count(*)::int FROM own), 73, 'own tables, and two partitions');
CREATE FUNCTION pg_temp.rows(name regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint; BEGIN EXECUTE format('SELECT count(*) FROM %s', name) INTO n; RETURN n; END $$;
CREATE TEMP TABLE before AS SELECT relname, pg_temp.rows(name) AS rows FROM own;
SELECT is_empty($$SELECT relname FROM before WHERE rows = 0 AND relname <> 'audit_default'$$, 'all of them have rows');

SELECT is(pg_temp.refusal(format(command, name, first), r), refused,
		  format('%s by %s', format(command, name, first), coalesce(r, 'the owner')))
  FROM own, unnest(ARRAY[NULL, 'regress_paysafe_grantee']::name[]) r,
	   unnest(ARRAY['UPDATE %s SET %2$I = %2$I', 'DELETE FROM %s', 'TRUNCATE %s', 'INSERT INTO %1$s SELECT * FROM %1$s LIMIT 1']) command
 WHERE relname <> 'audit_default';
SELECT is(pg_temp.refusal('TRUNCATE paysafe.audit_default'), '42501 paysafe.audit_row paysafe_audit_row_own_table', 'TRUNCATE of an empty partition');

-- through the parent, with triggers "off", by other statements
SELECT is(pg_temp.refusal(command), '42501 paysafe.' || name || ' paysafe_' || name || '_own_table', command)
  FROM (VALUES
	('audit_row', 'UPDATE paysafe.audit_row SET key = key'),
	('audit_row', 'DELETE FROM paysafe.audit_row'),
	('audit_row', 'TRUNCATE paysafe.audit_row'),
	('audit_row', 'INSERT INTO paysafe.audit_row SELECT * FROM paysafe.audit_row LIMIT 1'),
	('audit_row', 'UPDATE paysafe.audit_row SET at = at + interval ''1 month'''),
	('rule', 'SET LOCAL session_replication_role = replica; DELETE FROM paysafe.rule'),
	('audit_row', 'SET LOCAL session_replication_role = replica; DELETE FROM paysafe.audit_row'),
	('currency', 'INSERT INTO paysafe.currency VALUES (''EUR'', 3, false) ON CONFLICT (code) DO UPDATE SET decimals = 3'),
	('rule', 'MERGE INTO paysafe.rule r USING (VALUES (1)) v (x) ON true WHEN MATCHED THEN UPDATE SET removed = true'),
	('rule', 'WITH d AS (DELETE FROM paysafe.rule RETURNING 1) SELECT count(*) FROM d'),
	('threshold', 'UPDATE paysafe.threshold SET amount = 1000000')) v (name, command);
RESET session_replication_role;
SELECT is_empty($$SELECT relname FROM before b JOIN own o USING (relname) WHERE pg_temp.rows(o.name) <> b.rows$$, 'no row came or went');

-- the views are no way in
SELECT isnt(pg_temp.refusal(command), 'accepted', command)
  FROM unnest(ARRAY['DELETE FROM paysafe.audit_log', 'UPDATE paysafe.approval SET reason = ''x''', 'INSERT INTO paysafe.protection DEFAULT VALUES',
					'DELETE FROM paysafe.pending_approval']) command;

-- a session that writes to one again and again notices that it looks otherwise
CREATE FUNCTION pg_temp.said(currency text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(k, ' ' ORDER BY k) FROM paysafe.audit_log l, jsonb_object_keys(l.after) k WHERE l.table_name = 'currency' AND l.key = currency $$;
SELECT paysafe.set_currency('XAA', 3);
SAVEPOINT renamed;
ALTER TABLE paysafe.currency RENAME COLUMN decimals TO places;
SELECT paysafe.set_currency('XAB', 3);
SELECT is(pg_temp.said('XAB'), 'code iso places', 'the log has a row as its table looked then');
ROLLBACK TO renamed;
SELECT paysafe.set_currency('XAC', 3);
SELECT is(pg_temp.said('XAA') || ', ' || pg_temp.said('XAC'), 'code decimals iso, code decimals iso', '... and as before where that was rolled back');

SELECT * FROM finish();
ROLLBACK;
