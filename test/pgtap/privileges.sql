-- What each kind of role may do with the grants that doc/reference.md names,
-- and that nobody may do more.
BEGIN;
SELECT plan(227);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_paysafe_nobody;
CREATE ROLE regress_paysafe_app;
CREATE ROLE regress_paysafe_auditor;
CREATE ROLE regress_paysafe_owner;
GRANT USAGE ON SCHEMA shop TO regress_paysafe_nobody, regress_paysafe_app, regress_paysafe_auditor, regress_paysafe_owner;
GRANT CREATE ON SCHEMA shop TO regress_paysafe_owner;
GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.approve TO regress_paysafe_app;
GRANT SELECT ON paysafe.audit_log, paysafe.approval TO regress_paysafe_auditor;
GRANT EXECUTE ON FUNCTION paysafe.history TO regress_paysafe_auditor;

CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON shop.refund (payment);
ALTER TABLE shop.payment OWNER TO regress_paysafe_owner;
ALTER TABLE shop.refund OWNER TO regress_paysafe_owner;
GRANT SELECT, INSERT, UPDATE ON shop.payment, shop.refund TO regress_paysafe_app;

-- the owner of the tables needs nothing of paysafe
SELECT is(pg_temp.refusal(command, 'regress_paysafe_owner'), 'accepted', 'owner: ' || command)
  FROM unnest(ARRAY[
	$$SELECT paysafe.protect_status('shop.refund', 'status', E'[*] --> requested\nrequested --> sent\nrequested --> void')$$,
	$$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency')$$,
	$$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 50)$$,
	$$SELECT paysafe.audit('shop.refund')$$,
	$$SELECT paysafe.protect_columns('shop.payment', '{currency}')$$]) command;
SELECT is(pg_temp.refusal(command, 'regress_paysafe_owner'), '42501', 'owner: ' || command)
  FROM unnest(ARRAY[
	$$SELECT paysafe.act_as('x')$$,
	$$CREATE TABLE shop.reference (id bigint REFERENCES paysafe.approval_record)$$,
	$$CREATE TRIGGER mine BEFORE INSERT ON paysafe.rule FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()$$,
	$$SET session_replication_role = replica$$]) command;
-- nor does the application, for its changes to be checked and recorded
SELECT is(pg_temp.refusal(command, 'regress_paysafe_app'), expected, 'app: ' || command)
  FROM (VALUES
	($$INSERT INTO shop.payment VALUES (1, 100, 'EUR')$$, 'accepted'),
	($$INSERT INTO shop.refund VALUES (1, 1, 40, 'EUR', 'requested'), (2, 1, 40, 'EUR', 'requested')$$, 'accepted'),
	($$UPDATE shop.refund SET status = 'sent' WHERE id = 1$$, 'accepted'),
	($$UPDATE shop.refund SET status = 'sent' WHERE id = 2$$, '42501 shop.refund.status paysafe_refund_approval'),
	($$INSERT INTO shop.refund VALUES (3, 1, 40, 'EUR', 'requested')$$, '23R01 shop.refund.amount paysafe_refund_refund'),
	($$SELECT paysafe.act_as('clerk'); SELECT paysafe.transition('shop.refund', '2', 'requested', 'void')$$, 'accepted'),
	($$INSERT INTO shop.refund VALUES (4, 1, 60, 'EUR', 'requested')$$, 'accepted'),
	($$SELECT paysafe.act_as('boss'); SELECT paysafe.approve('shop.refund', '4', 'looked at it')$$, 'accepted'),
	($$UPDATE shop.refund SET status = 'sent' WHERE id = 4$$, 'accepted'),
	($$SELECT count(*) FROM paysafe.pending_approval$$, 'accepted'),
	($$SELECT count(*) FROM paysafe.protection$$, 'accepted'),
	($$SELECT paysafe.status_diagram('shop.refund')$$, 'accepted'),
	($$SELECT count(*) FROM paysafe.currency$$, 'accepted'),
	($$SELECT count(*) FROM paysafe.audit_log$$, '42501'),
	($$SELECT * FROM paysafe.history('shop.refund', '1')$$, '42501'),
	($$SELECT count(*) FROM paysafe.approval$$, '42501'),
	($$SELECT paysafe.withdraw_approval(1, 'x')$$, '42501'),
	($$SELECT paysafe.set_currency('QQQ', 2)$$, '42501'),
	($$SELECT paysafe.extend_audit()$$, '42501'),
	($$SELECT paysafe.unprotect('shop.refund', 'refund', 'x')$$, '42501'),
	($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 1)$$, '42501'),
	($$SELECT setval('paysafe.approval_id_seq', 1)$$, '42501'),
	($$SELECT nextval('paysafe.approval_id_seq')$$, '42501'),
	($$CREATE TABLE paysafe.mine (id int)$$, '42501'),
	($$CREATE TEMP TABLE t (LIKE paysafe.redaction_key); INSERT INTO t SELECT * FROM paysafe.redaction_key$$, '42501'),
	($$ALTER TABLE shop.refund DISABLE TRIGGER ALL$$, '42501'),
	($$DROP TRIGGER paysafe ON shop.refund$$, '42501'),
	($$SET session_replication_role = replica$$, '42501')) v (command, expected);
-- an auditor reads, with the grants that the reference gives, and writes nothing
SELECT is(pg_temp.refusal(command, 'regress_paysafe_auditor'), expected, 'auditor: ' || command)
  FROM (VALUES
	($$SELECT * FROM paysafe.audit_log$$, 'accepted'),
	($$SELECT before, after FROM paysafe.audit_log WHERE key = '1'$$, 'accepted'),
	($$SELECT actor, reason FROM paysafe.audit_log$$, 'accepted'),
	($$SELECT * FROM paysafe.history('shop.refund', '1')$$, 'accepted'),
	($$SELECT * FROM paysafe.approval$$, 'accepted'),
	($$SELECT * FROM paysafe.protection$$, 'accepted'),
	($$SELECT * FROM paysafe.audit_row$$, '42501'),
	($$SELECT * FROM paysafe.redaction_key$$, '42501'),
	($$SELECT * FROM paysafe.audit_key$$, '42501'),
	($$SELECT paysafe.act_as('x')$$, '42501'),
	($$SELECT paysafe.approve('shop.refund', '1', 'x')$$, '42501'),
	($$SELECT * FROM paysafe.breach$$, '42501'),
	($$DELETE FROM paysafe.audit_log$$, '55000')) v (command, expected);
-- everybody sees what is in force, and no more
SELECT is(pg_temp.refusal(command, 'regress_paysafe_nobody'), expected, 'everybody: ' || command)
  FROM (VALUES
	($$SELECT * FROM paysafe.protection$$, 'accepted'),
	($$SELECT * FROM paysafe.pending_approval$$, 'accepted'),
	($$SELECT paysafe.status_diagram('shop.refund')$$, 'accepted'),
	($$SELECT paysafe.transition('shop.refund', '4', 'sent', 'void')$$, '42501'),
	($$SELECT paysafe.act_as('x')$$, '42501'),
	($$SELECT paysafe.approve('shop.refund', '1', 'x')$$, '42501'),
	($$SELECT paysafe.approve_refund('shop.refund', '1', 1, 'EUR', 'x')$$, '42501'),
	($$SELECT paysafe.request_refund('shop.refund', '1', 1, 'EUR', 'x')$$, '42501'),
	($$SELECT paysafe.settle_breach(1, 'x')$$, '42501'),
	($$SELECT * FROM paysafe.approval$$, '42501'),
	($$SELECT * FROM paysafe.audit_log$$, '42501'),
	($$SELECT last_value FROM paysafe.approval_id_seq$$, '42501')) v (command, expected);
SELECT is(pg_temp.refusal(format('SELECT * FROM %s', c.oid::regclass), 'regress_paysafe_nobody'),
		  CASE WHEN c.relname IN ('currency', 'protection', 'approval_limit', 'pending_approval', 'pending_change', 'progress', 'rule', 'test_database', 'fixture_block') THEN 'accepted' ELSE '42501' END, 'everybody: SELECT FROM ' || c.oid::regclass)
  FROM pg_class c WHERE c.relnamespace = 'paysafe'::regnamespace AND c.relkind IN ('r', 'v', 'p') AND c.relname !~ '^audit_\d';
-- what waits is shown to those who may read the table
INSERT INTO shop.payment VALUES (2, 100, 'EUR');
INSERT INTO shop.refund VALUES (20, 2, 60, 'EUR', 'requested');
CREATE FUNCTION pg_temp.waiting(role name) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint; BEGIN EXECUTE format('SET LOCAL ROLE %I', role); SELECT count(*) INTO n FROM paysafe.pending_approval; RESET ROLE; RETURN n; END $$;
SELECT is(pg_temp.waiting(r), n::bigint, 'what waits, for ' || r)
  FROM (VALUES ('regress_paysafe_app', 1), ('regress_paysafe_owner', 1), ('regress_paysafe_auditor', 0), ('regress_paysafe_nobody', 0)) v (r, n);

-- row security and rules of a user's do not blind the checks
ALTER TABLE shop.refund ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop.payment ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON shop.refund TO regress_paysafe_app USING (id >= 100) WITH CHECK (true);
CREATE POLICY none_seen ON shop.payment TO regress_paysafe_app USING (false);
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (100, 2, 41, 'EUR', 'requested')$$, 'regress_paysafe_app'),
	'23R01 shop.refund.amount paysafe_refund_refund', 'refunds that a policy hides count');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (100, 2, 40, 'EUR', 'requested')$$, 'regress_paysafe_app'),
	'accepted', 'a payment that a policy hides is found');

SELECT is(pg_temp.waiting('regress_paysafe_app'), 0::bigint, 'but what a policy hides from a role is not shown to it as waiting');

SELECT * FROM finish();
ROLLBACK;
