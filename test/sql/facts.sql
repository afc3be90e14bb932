-- Approved before the row is there; and what has happened in the world is stored.
CREATE SCHEMA t_facts;
CREATE TABLE t_facts.payment (id bigint PRIMARY KEY, status text NOT NULL, captured numeric, currency char(3) NOT NULL DEFAULT 'USD');
CREATE TABLE t_facts.refund (id bigint PRIMARY KEY, payment_id bigint NOT NULL REFERENCES t_facts.payment, amount numeric NOT NULL,
	currency char(3) NOT NULL DEFAULT 'USD', status text NOT NULL);
CREATE INDEX ON t_facts.refund (payment_id);
SELECT paysafe.protect_status('t_facts.refund', 'status', '[*] --> sent
	sent --> success
	sent --> failure', recorded => '{success}');
SELECT paysafe.protect_refund('t_facts.refund', 't_facts.payment', 'payment_id', 'amount', 'currency', 'status',
	'{sent,success}', '{failure}', 'captured', 'currency', recorded => '{success}');
SELECT paysafe.set_refund_threshold('t_facts.refund', 'USD', 500);
SELECT rule, definition FROM paysafe.protection WHERE relation = 't_facts.refund'::regclass ORDER BY rule;
INSERT INTO t_facts.payment VALUES (1, 'captured', 1000), (2, 'captured', 1000);

-- the row is added in the gated status, just before the provider is called
BEGIN; SELECT paysafe.act_as('clerk');
INSERT INTO t_facts.refund VALUES (1, 1, 800, 'USD', 'sent');				-- fails
ROLLBACK;
INSERT INTO t_facts.refund VALUES (1, 1, 800, 'USD', 'sent');				-- fails: and nobody is named
SELECT paysafe.approve_refund('t_facts.refund', '1', 800, 'USD', 'ok');		-- fails
BEGIN; SELECT paysafe.act_as('manager');
SELECT paysafe.approve_refund('t_facts.refund', '1', 800, 'EUR', 'ok');		-- fails
ROLLBACK; BEGIN; SELECT paysafe.act_as('manager');
SELECT paysafe.approve_refund('t_facts.refund', '1', 8000, 'USD', 'ok');	-- fails
ROLLBACK; BEGIN; SELECT paysafe.act_as('manager');
SELECT paysafe.approve_refund('t_facts.refund', '3', 800, 'USD', 'ok');		-- fails
ROLLBACK; BEGIN; SELECT paysafe.act_as('manager');
SELECT paysafe.approve_refund('t_facts.payment', '1', 800, 'USD', 'ok');	-- fails
ROLLBACK; BEGIN; SELECT paysafe.act_as('manager');
SELECT paysafe.approve_refund('t_facts.refund', '1', 800, 'USD', 'photo checked', 'T-77') > 0 AS approved;
COMMIT;
SELECT key, payment, amount, currency, state, approver, reason, ticket FROM paysafe.approval WHERE relation = 't_facts.refund'::regclass;
BEGIN; SELECT paysafe.act_as('manager');
INSERT INTO t_facts.refund VALUES (1, 1, 800, 'USD', 'sent');				-- fails: by who approved it
ROLLBACK; BEGIN; SELECT paysafe.act_as('clerk');
INSERT INTO t_facts.refund VALUES (1, 1, 800, 'USD', 'sent');
\set VERBOSITY terse
PREPARE TRANSACTION 'facts';												-- fails
\set VERBOSITY default
BEGIN; SELECT paysafe.act_as('clerk');
INSERT INTO t_facts.refund VALUES (1, 1, 800, 'USD', 'sent');
COMMIT;
SELECT key, payment, amount, state FROM paysafe.approval WHERE relation = 't_facts.refund'::regclass;

-- the gateway timed out, and it was tried again under another id
UPDATE t_facts.refund SET status = 'failure' WHERE id = 1;
BEGIN; SELECT paysafe.act_as('manager');
SELECT paysafe.approve_refund('t_facts.refund', '1', 800, 'USD', 'again') > 0 AS approved;
COMMIT; BEGIN; SELECT paysafe.act_as('clerk');
INSERT INTO t_facts.refund VALUES (2, 1, 800, 'USD', 'sent');
UPDATE t_facts.refund SET status = 'success' WHERE id = 2;
COMMIT;
-- the webhook says that the first one went through after all
ALTER SEQUENCE paysafe.breach_id_seq RESTART 1000;
BEGIN; SELECT paysafe.act_as('webhook', request_id => 'evt_1');
UPDATE t_facts.refund SET status = 'success' WHERE id = 1;
COMMIT;
SELECT sum(amount) FILTER (WHERE status = 'success') AS booked FROM t_facts.refund;
SELECT id, relation, key, rule, sqlstate, message, detail, actor, request_id, settled_by FROM paysafe.breach WHERE relation = 't_facts.refund'::regclass ORDER BY id;
SELECT ok, detail FROM paysafe.check() WHERE check_name = 'breaches' AND subject = 't_facts.refund';
SELECT op, key, actor FROM paysafe.audit_log WHERE table_name = 'breach_record' ORDER BY seq DESC LIMIT 1;
-- it counts
INSERT INTO t_facts.refund VALUES (3, 1, 1, 'USD', 'sent');					-- fails
UPDATE t_facts.payment SET captured = 999 WHERE id = 1;						-- fails
-- and is settled by somebody else
BEGIN; SELECT paysafe.act_as('webhook');
SELECT paysafe.settle_breach(1000, 'all is well');							-- fails
ROLLBACK;
SELECT paysafe.settle_breach(1000, 'all is well');							-- fails
BEGIN; SELECT paysafe.act_as('manager');
SELECT paysafe.settle_breach(id, 'claimed back', 'T-78') FROM paysafe.breach WHERE relation = 't_facts.refund'::regclass ORDER BY id;
COMMIT; BEGIN; SELECT paysafe.act_as('director');
SELECT paysafe.settle_breach(1000, 'again');								-- fails
ROLLBACK;
SELECT id, settled_by, settled_at IS NOT NULL AS settled, reason, ticket FROM paysafe.breach WHERE relation = 't_facts.refund'::regclass ORDER BY id;
SELECT ok, detail FROM paysafe.check() WHERE check_name = 'breaches' AND subject = 't_facts.refund';

-- nobody is named: two people
INSERT INTO t_facts.refund VALUES (4, 2, 2000, 'USD', 'success');
BEGIN; SELECT paysafe.act_as('manager');
SELECT paysafe.settle_breach(max(id), 'a test of theirs') FROM paysafe.breach;
SELECT paysafe.settle_breach(max(id), 'a test of theirs') FROM paysafe.breach;	-- fails
ROLLBACK;

-- arguments
SELECT paysafe.protect_refund('t_facts.refund', 't_facts.payment', 'payment_id', 'amount', 'currency', 'status',
	'{sent}', '{failure}', 'captured', 'currency', recorded => '{success}');
SELECT paysafe.protect_status('t_facts.refund', 'status', '[*] --> sent', recorded => '{success}');
