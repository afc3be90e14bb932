-- Refunds above a threshold need a second person.
CREATE SCHEMA t_approval;
CREATE ROLE regress_paysafe_app;
CREATE ROLE regress_paysafe_other;
GRANT USAGE ON SCHEMA t_approval TO regress_paysafe_app, regress_paysafe_other;
CREATE TABLE t_approval.payment (id int PRIMARY KEY, captured numeric, currency text DEFAULT 'USD');
CREATE TABLE t_approval.refund (
	id int PRIMARY KEY,
	payment_id int NOT NULL REFERENCES t_approval.payment,
	amount numeric NOT NULL,
	currency text NOT NULL DEFAULT 'USD',
	status text NOT NULL DEFAULT 'requested',
	iban text
);
CREATE INDEX ON t_approval.refund (payment_id);
GRANT SELECT, INSERT, UPDATE ON t_approval.payment, t_approval.refund TO regress_paysafe_app, regress_paysafe_other;
SELECT paysafe.protect_status('t_approval.refund', 'status', '[*] --> requested
	[*] --> approved
	requested --> approved
	requested --> paid
	requested --> rejected
	approved --> paid
	approved --> failed
	failed --> requested');
SELECT paysafe.protect_refund('t_approval.refund', 't_approval.payment', 'payment_id', 'amount', 'currency',
	'status', '{approved,paid}', '{rejected,failed}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('t_approval.refund', 'USD', 500);
SELECT rule, definition FROM paysafe.protection WHERE relation = 't_approval.refund'::regclass ORDER BY rule;
INSERT INTO t_approval.payment SELECT g, 10000, CASE g WHEN 5 THEN 'EUR' ELSE 'USD' END FROM generate_series(1, 6) g;

-- nobody but who was allowed to may say who acts
SET ROLE regress_paysafe_app;
SELECT paysafe.act_as('alice');						-- fails
RESET ROLE;
GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.approve, paysafe.withdraw_approval TO regress_paysafe_app;
SET ROLE regress_paysafe_app;

-- below the threshold nobody is asked
BEGIN;
SELECT paysafe.act_as('alice');
INSERT INTO t_approval.refund (id, payment_id, amount) VALUES (1, 1, 500), (2, 2, 500.01);
COMMIT;
UPDATE t_approval.refund SET status = 'approved' WHERE id = 1;
-- above it somebody is
UPDATE t_approval.refund SET status = 'approved' WHERE id = 2;		-- fails
UPDATE t_approval.refund SET status = 'paid' WHERE id = 2;			-- fails: no way around through the next status
BEGIN;
SELECT paysafe.act_as('alice');
INSERT INTO t_approval.refund (id, payment_id, amount, status) VALUES (3, 3, 501, 'approved');	-- fails: nor by INSERT
ROLLBACK;
SELECT relation, key, payment, amount, currency, total_within, threshold, approvals_needed, approvals_given, requested_by
  FROM paysafe.pending_approval;

-- not by the requester, in whatever spelling, nor by nobody
BEGIN;
SELECT paysafe.act_as('alice');
SELECT paysafe.approve('t_approval.refund', '2', 'I need it');		-- fails
ROLLBACK;
BEGIN;
SELECT paysafe.act_as('ALICE');
SELECT paysafe.approve('t_approval.refund', '2', 'I need it');		-- fails
ROLLBACK;
SELECT paysafe.act_as('alice ');									-- fails
SELECT paysafe.approve('t_approval.refund', '2', 'nobody');			-- fails
-- a claim ends with its transaction
BEGIN; SELECT paysafe.act_as('bob'); COMMIT;
SELECT paysafe.approve('t_approval.refund', '2', 'nobody');			-- fails
-- and with its savepoint
BEGIN;
SAVEPOINT s;
SELECT paysafe.act_as('bob');
ROLLBACK TO s;
SELECT paysafe.approve('t_approval.refund', '2', 'nobody');			-- fails
ROLLBACK;
-- a reason is needed
BEGIN;
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('t_approval.refund', '2', '  ');				-- fails
ROLLBACK;

-- a second person can, once
BEGIN;
SELECT paysafe.act_as('bob', 'daily review');
SELECT paysafe.approve('t_approval.refund', '2', 'receipt checked', 'T-77') AS id \gset
COMMIT;
SELECT relation, key, state, approver, reason, ticket FROM paysafe.approval;	-- fails: not granted
RESET ROLE;
SELECT relation, key, state, approver, reason, ticket FROM paysafe.approval WHERE id = :id;
SET ROLE regress_paysafe_app;
SELECT key, approvals_given FROM paysafe.pending_approval;
BEGIN;
SELECT paysafe.act_as('carol');
UPDATE t_approval.refund SET status = 'approved' WHERE id = 2;
COMMIT;
UPDATE t_approval.refund SET status = 'failed' WHERE id = 2;
-- whoever brings it back requests it
BEGIN;
SELECT paysafe.act_as('alice');
UPDATE t_approval.refund SET status = 'requested', iban = 'another' WHERE id = 2;
COMMIT;
UPDATE t_approval.refund SET status = 'approved' WHERE id = 2;		-- fails
RESET ROLE;
SELECT key, state, ended_by FROM paysafe.approval WHERE id = :id;
SET ROLE regress_paysafe_app;

-- moving on inside the gate needs no other approval
UPDATE t_approval.refund SET status = 'paid' WHERE id = 1;

-- splitting does not help: what passed within the period counts
BEGIN;
SELECT paysafe.act_as('alice');
INSERT INTO t_approval.refund (id, payment_id, amount) VALUES (10, 4, 300), (11, 4, 300), (12, 4, 200);
COMMIT;
UPDATE t_approval.refund SET status = 'approved' WHERE id = 10;
UPDATE t_approval.refund SET status = 'approved' WHERE id = 11;		-- fails
UPDATE t_approval.refund SET status = 'approved' WHERE id = 12;
-- nor in one statement
BEGIN;
SELECT paysafe.act_as('alice');
INSERT INTO t_approval.refund (id, payment_id, amount) VALUES (20, 6, 300), (21, 6, 300);
COMMIT;
UPDATE t_approval.refund SET status = 'approved' WHERE payment_id = 6;	-- fails
-- nor by undoing: what failed has passed, and counts
UPDATE t_approval.refund SET status = 'failed' WHERE id = 10;
UPDATE t_approval.refund SET status = 'approved' WHERE id = 11;		-- fails

-- an approval holds for the row as it was and for its status
BEGIN; SELECT paysafe.act_as('bob'); SELECT paysafe.approve('t_approval.refund', '21', 'ok'); COMMIT;
UPDATE t_approval.refund SET status = 'rejected' WHERE id = 21;
BEGIN; SELECT paysafe.act_as('bob'); SELECT paysafe.approve('t_approval.refund', '21', 'ok'); COMMIT;	-- fails
BEGIN; SELECT paysafe.act_as('bob'); SELECT paysafe.approve('t_approval.refund', '2', 'ok') AS id \gset
COMMIT;
-- it can be taken back, and then it is gone
SELECT paysafe.withdraw_approval(:id, 'changed my mind');
SELECT paysafe.withdraw_approval(:id, 'again');						-- fails
UPDATE t_approval.refund SET status = 'approved' WHERE id = 2;		-- fails
-- it can be given for a shorter time
BEGIN; SELECT paysafe.act_as('bob'); SELECT paysafe.approve('t_approval.refund', '2', 'ok', expires_at => clock_timestamp() - interval '1 s'); COMMIT;	-- fails
BEGIN; SELECT paysafe.act_as('bob');
SELECT id > 0 FROM paysafe.approve('t_approval.refund', '2', 'ok', expires_at => clock_timestamp() + interval '1 s') id; COMMIT;
-- the clock counts, not the start of the transaction
BEGIN;
SELECT pg_sleep(1.1);
UPDATE t_approval.refund SET status = 'approved' WHERE id = 2;		-- fails
ROLLBACK;
-- and it counts again at the end
BEGIN; SELECT paysafe.act_as('bob');
SELECT id > 0 FROM paysafe.approve('t_approval.refund', '2', 'ok', expires_at => clock_timestamp() + interval '5 s') id; COMMIT;
BEGIN;
UPDATE t_approval.refund SET status = 'approved' WHERE id = 2;
SELECT pg_sleep(5.1);
\set VERBOSITY sqlstate
COMMIT;																-- fails
\set VERBOSITY default
SELECT status FROM t_approval.refund WHERE id = 2;

-- who wrote a refund without saying who: the login is no second person
INSERT INTO t_approval.refund (id, payment_id, amount) VALUES (30, 3, 600);
\set VERBOSITY terse
BEGIN; SELECT paysafe.act_as('bob'); SELECT paysafe.approve('t_approval.refund', '30', 'ok'); COMMIT;	-- fails
\set VERBOSITY default

-- a currency without a threshold: always
BEGIN; SELECT paysafe.act_as('alice');
INSERT INTO t_approval.refund (id, payment_id, amount, currency) VALUES (40, 5, 1, 'EUR'); COMMIT;
UPDATE t_approval.refund SET status = 'approved' WHERE id = 40;		-- fails
BEGIN; SELECT paysafe.act_as('bob'); SELECT id > 0 FROM paysafe.approve('t_approval.refund', '40', 'ok') id; COMMIT;
UPDATE t_approval.refund SET status = 'approved' WHERE id = 40;

-- several approvers: different people
RESET ROLE;
SELECT paysafe.set_refund_threshold('t_approval.refund', 'USD', 400, approvers => 2);
SET ROLE regress_paysafe_app;
BEGIN; SELECT paysafe.act_as('alice');
INSERT INTO t_approval.refund (id, payment_id, amount) VALUES (50, 2, 450); COMMIT;
UPDATE t_approval.refund SET status = 'approved' WHERE id = 50;		-- fails
BEGIN; SELECT paysafe.act_as('bob'); SELECT id > 0 FROM paysafe.approve('t_approval.refund', '50', 'ok') id; COMMIT;
BEGIN; SELECT paysafe.act_as('Bob'); SELECT id > 0 FROM paysafe.approve('t_approval.refund', '50', 'ok again') id; COMMIT;
UPDATE t_approval.refund SET status = 'approved' WHERE id = 50;		-- fails
BEGIN; SELECT paysafe.act_as('carol'); SELECT id > 0 FROM paysafe.approve('t_approval.refund', '50', 'ok') id; COMMIT;
UPDATE t_approval.refund SET status = 'approved' WHERE id = 50;

-- what cannot be approved
BEGIN; SELECT paysafe.act_as('bob');
SELECT paysafe.approve('t_approval.refund', '999', 'ok');
ROLLBACK; BEGIN; SELECT paysafe.act_as('bob');
SELECT paysafe.approve('t_approval.refund', '50', 'ok');
ROLLBACK; BEGIN; SELECT paysafe.act_as('bob');
SELECT paysafe.approve('t_approval.payment', '1', 'ok');
ROLLBACK; BEGIN; SELECT paysafe.act_as('bob');
SELECT paysafe.approve('t_approval.refund', 'x', 'ok');
ROLLBACK; BEGIN; SELECT paysafe.act_as('bob');
SELECT paysafe.approve('pg_class', '1', 'ok');
ROLLBACK; BEGIN; SELECT paysafe.act_as('bob');
SELECT paysafe.approve(NULL, '1', 'ok');
ROLLBACK;
SELECT paysafe.withdraw_approval(0, 'never was');
RESET ROLE;

-- approvals of rows that were there before the rule: not by who moves them
CREATE TABLE t_approval.old (id int PRIMARY KEY, payment_id int, amount numeric, currency text, status text);
CREATE INDEX ON t_approval.old (payment_id);
INSERT INTO t_approval.payment VALUES (90, 10000, 'USD');
INSERT INTO t_approval.old VALUES (1, 90, 900, 'USD', 'asked'), (2, 90, 100, 'USD', 'paid');
SELECT paysafe.protect_refund('t_approval.old', 't_approval.payment', 'payment_id', 'amount', 'currency',
	'status', '{paid}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('t_approval.old', 'USD', 1000);
-- what was paid before counts from the declaration on
SELECT key, total_within FROM paysafe.pending_approval WHERE relation = 't_approval.old'::regclass;
UPDATE t_approval.old SET status = 'paid' WHERE id = 1;
SELECT paysafe.set_refund_threshold('t_approval.old', 'USD', 10);
INSERT INTO t_approval.old VALUES (3, 90, 1, 'USD', 'asked');
\set VERBOSITY terse
UPDATE t_approval.old SET status = 'paid' WHERE id = 3;				-- fails

-- requested by nobody over a login that may act for others: the hint says the way that there is
\set VERBOSITY default
UPDATE t_approval.old SET status = 'void' WHERE id = 1;
INSERT INTO t_approval.old VALUES (4, 90, 20, 'USD', 'asked');
UPDATE t_approval.old SET status = 'paid' WHERE id = 4;				-- fails
BEGIN; SELECT paysafe.act_as('bob'); SELECT paysafe.approve('t_approval.old', '4', 'ok'); ROLLBACK;		-- fails
UPDATE t_approval.old SET status = 'void' WHERE id = 4;
UPDATE t_approval.old SET status = 'paid' WHERE id = 4;				-- fails: who takes it back?
BEGIN; SELECT paysafe.act_as('bob'); UPDATE t_approval.old SET status = 'paid' WHERE id = 4; ROLLBACK;	-- fails
BEGIN; SELECT paysafe.act_as('alice'); INSERT INTO t_approval.old VALUES (5, 90, 20, 'USD', 'asked'); COMMIT;
BEGIN; SELECT paysafe.act_as('bob'); SELECT paysafe.approve('t_approval.old', '5', 'ok') > 0 AS approved; COMMIT;
UPDATE t_approval.old SET status = 'paid' WHERE id = 5;

-- a login that becomes the application by SET ROLE acts for others as well: what it asks for in nobody's name is nobody's
CREATE ROLE regress_paysafe_door LOGIN NOINHERIT;
CREATE ROLE regress_paysafe_between;
CREATE ROLE regress_paysafe_own LOGIN;
GRANT regress_paysafe_app TO regress_paysafe_between;
GRANT regress_paysafe_between TO regress_paysafe_door;
GRANT USAGE ON SCHEMA t_approval TO regress_paysafe_own, regress_paysafe_door;
GRANT SELECT, INSERT, UPDATE ON t_approval.old TO regress_paysafe_app, regress_paysafe_own;
CREATE FUNCTION t_approval.becomes(who text) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$SELECT paysafe.act_as(who)$$;
\c - regress_paysafe_door
\set VERBOSITY default
SET ROLE regress_paysafe_app;
INSERT INTO t_approval.old VALUES (6, 90, 20, 'USD', 'asked');
\c - regress_paysafe_own
\set VERBOSITY default
INSERT INTO t_approval.old VALUES (7, 90, 20, 'USD', 'asked');
-- a login without the right is one person's own, and a function of somebody else's does not make it act for others
BEGIN; SELECT t_approval.becomes('alice'); ROLLBACK;									-- fails
\c - postgres
\set VERBOSITY default
SELECT refund, identity, login FROM paysafe.refund_event WHERE relation = 't_approval.old'::regclass AND refund IN ('6', '7') ORDER BY refund;
BEGIN; SELECT paysafe.act_as('bob'); SELECT paysafe.approve('t_approval.old', '6', 'ok'); ROLLBACK;		-- fails
-- membership that has ended, and that which a superuser's role gives
REVOKE regress_paysafe_between FROM regress_paysafe_door;
\c - regress_paysafe_door
\set VERBOSITY default
BEGIN; SELECT t_approval.becomes('alice'); ROLLBACK;									-- fails
\c - postgres
GRANT postgres TO regress_paysafe_door;
\c - regress_paysafe_door
BEGIN; SELECT t_approval.becomes('alice'); ROLLBACK;
\c - postgres
\set VERBOSITY default
REVOKE postgres FROM regress_paysafe_door;

DROP OWNED BY regress_paysafe_door, regress_paysafe_between, regress_paysafe_own;
DROP ROLE regress_paysafe_door, regress_paysafe_between, regress_paysafe_own;
DROP OWNED BY regress_paysafe_app, regress_paysafe_other;
DROP ROLE regress_paysafe_app, regress_paysafe_other;
