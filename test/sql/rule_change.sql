-- Rules change like refunds: loosening one needs a second person, tightening does not.
CREATE SCHEMA t_change;
CREATE ROLE regress_paysafe_owner;
CREATE ROLE regress_paysafe_stranger;
GRANT CREATE, USAGE ON SCHEMA t_change TO regress_paysafe_owner;
GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.approve TO regress_paysafe_owner;
SET ROLE regress_paysafe_owner;
CREATE TABLE t_change.payment (id int PRIMARY KEY, status text, amount numeric, note text);
INSERT INTO t_change.payment VALUES (0);	-- nobody depends on the rules of a table without
DELETE FROM t_change.payment;
SELECT paysafe.protect_status('t_change.payment', 'status', '[*] --> new
	new --> paid
	paid --> done', '{new}');
SELECT paysafe.protect_columns('t_change.payment', '{amount}');
SELECT paysafe.audit('t_change.payment', require_reason => true);
RESET ROLE;

-- only the owner
GRANT USAGE ON SCHEMA t_change TO regress_paysafe_stranger;
SET ROLE regress_paysafe_stranger;
SELECT paysafe.protect_append_only('t_change.payment');				-- fails
SELECT paysafe.unprotect('t_change.payment', 'status', 'because');	-- fails
RESET ROLE;

-- tightening: at once
SET ROLE regress_paysafe_owner;
SELECT paysafe.protect_columns('t_change.payment', '{amount,note}');
SELECT paysafe.audit('t_change.payment', require_reason => true, require_ticket => true);
SELECT paysafe.protect_status('t_change.payment', 'status', '[*] --> new
	new --> paid
	paid --> done');
-- the same machine in other words: nothing changes but the text
SELECT paysafe.protect_status('t_change.payment', 'status', '
	%% reviewed
	paid --> done : shipped
	new --> paid
	[*] --> new
	done --> [*]');
SELECT rule, version, definition FROM paysafe.protection WHERE relation = 't_change.payment'::regclass ORDER BY 1;

-- loosening: with a second person
SELECT paysafe.protect_status('t_change.payment', 'status', '[*] --> new
	new --> paid
	new --> done
	paid --> done');												-- fails: adds a move
SELECT paysafe.protect_status('t_change.payment', 'status', '[*] --> new
	new --> paid');													-- fails: removes one
SELECT paysafe.protect_status('t_change.payment', 'status', '[*] --> new
	[*] --> paid
	new --> paid
	paid --> done', '{paid}');										-- fails: another start, deletable
SELECT paysafe.protect_columns('t_change.payment', '{note}');		-- fails
\set VERBOSITY terse
SELECT paysafe.audit('t_change.payment');							-- fails
SELECT paysafe.audit('t_change.payment', '{note}', true, true);		-- fails: hides
\set VERBOSITY default
SELECT paysafe.unprotect('t_change.payment', 'columns', 'annoying');	-- fails
SELECT paysafe.unprotect('t_change.payment', 'columns', ' ');		-- fails
SELECT paysafe.unprotect('t_change.payment', 'refund', 'why not');	-- fails

-- the person who wants it cannot approve it; a short change is its own name
SELECT format('status of t_change.payment, version 4: {"machine": "[*] --> new%%0A%snew --> paid%%0A%snew --> done%%0A%spaid --> done", "deletable": [], "status_column": "status"} instead of %s',
	'%09', '%09', '%09', replace(replace(replace(spec::text, '%', '%25'), '\n', '%0A'), '\t', '%09')) AS key
  FROM paysafe.rule WHERE relation = 't_change.payment'::regclass AND rule = 'status' AND version = 3 \gset
\echo :key
BEGIN;
SELECT paysafe.act_as('alice');
SELECT id > 0 FROM paysafe.approve('paysafe.rule', :'key', 'I think so') id;
\set VERBOSITY terse
SELECT paysafe.protect_status('t_change.payment', 'status', '[*] --> new
	new --> paid
	new --> done
	paid --> done');												-- fails
ROLLBACK;
-- another one can, once, for exactly this change
BEGIN;
SELECT paysafe.act_as('bob');
SELECT id > 0 FROM paysafe.approve('paysafe.rule', :'key', 'gift cards need it', 'T-5') id;
COMMIT;
BEGIN;
SELECT paysafe.act_as('alice', 'gift cards', 'T-5');
SELECT paysafe.protect_status('t_change.payment', 'status', '[*] --> new
	new --> paid
	new --> done
	done --> paid
	paid --> done');												-- fails: more than was approved
ROLLBACK;
BEGIN;
SELECT paysafe.act_as('alice', 'gift cards', 'T-5');
SELECT paysafe.protect_status('t_change.payment', 'status', '[*] --> new
	new --> paid
	new --> done
	paid --> done');
COMMIT;
RESET ROLE;
SELECT rule, version, removed, actor, reason, ticket FROM paysafe.rule
 WHERE relation = 't_change.payment'::regclass AND rule = 'status' AND version >= 4 ORDER BY version;
SELECT state, ended_by FROM paysafe.approval WHERE relation = 'paysafe.rule'::regclass ORDER BY id;

-- a change that is too long for that, or has more than plain letters, is proposed
-- first: stored whole, and shown as a difference to what is in force
SELECT 'n' || string_agg(E'ew --> waiting_for_document_' || i || E'\nwaiting_for_document_' || i, E' --> paid\nn' ORDER BY i) || ' --> paid' AS long
  FROM generate_series(1, 6) i \gset
\set machine '[*] --> new\nnew --> paid\nnew --> done\npaid --> done\npaid --> new\n' :long
SET ROLE regress_paysafe_owner;
\set VERBOSITY default
BEGIN;
SELECT paysafe.act_as('alice', 'documents', 'T-6');
SELECT paysafe.protect_status('t_change.payment', 'status', :'machine');	-- fails
ROLLBACK;
-- not stored, not approved
BEGIN;
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('paysafe.rule', repeat('5', 64), 'I trust her');	-- fails
ROLLBACK;
SELECT paysafe.propose('nobody in particular');						-- fails
BEGIN;
SELECT paysafe.act_as('alice');
SELECT paysafe.propose(U&'\00A0\3000\200B');						-- fails: nothing to read
ROLLBACK;
BEGIN;
SELECT paysafe.act_as('alice');
SELECT paysafe.propose('statuses for documents', 'T-6');
SELECT paysafe.protect_status('t_change.payment', 'status', :'machine');
COMMIT;
-- nothing was changed
SELECT max(version) FROM paysafe.rule WHERE relation = 't_change.payment'::regclass AND rule = 'status';
SELECT relation, rule, version, difference, loosens, requested_by, reason, ticket FROM paysafe.pending_change;
SELECT relation, key = (SELECT key FROM paysafe.pending_change) AS key, approvals_needed, approvals_given, requested_by, change
  FROM paysafe.pending_approval WHERE relation = 'paysafe.rule'::regclass;
SELECT key FROM paysafe.pending_change \gset
\set VERBOSITY terse
BEGIN;
SELECT paysafe.act_as('alice');
SELECT paysafe.approve('paysafe.rule', :'key', 'I think so');			-- fails: she proposed it
ROLLBACK;
BEGIN;
SELECT paysafe.act_as('bob');
SELECT id > 0 FROM paysafe.approve('paysafe.rule', :'key', 'a step back is needed') id;
COMMIT;
-- it waits no longer
SELECT count(*) FROM paysafe.pending_change;
BEGIN;
SELECT paysafe.act_as('alice');
SELECT paysafe.protect_status('t_change.payment', 'status', :'machine' || E'\ndone --> new');	-- fails: more than that
ROLLBACK;
BEGIN;
SELECT paysafe.act_as('bob');
SELECT paysafe.protect_status('t_change.payment', 'status', :'machine');	-- fails: he approved it
ROLLBACK;
BEGIN;
SELECT paysafe.act_as('alice');
SELECT paysafe.protect_status('t_change.payment', 'status', :'machine');
COMMIT;
SELECT max(version) FROM paysafe.rule WHERE relation = 't_change.payment'::regclass AND rule = 'status';
RESET ROLE;

-- the new rule holds for the next statement, also in a plan made before
SET ROLE regress_paysafe_owner;
BEGIN;
SELECT paysafe.act_as('alice', 'test', 'T-5');
PREPARE finish AS UPDATE t_change.payment SET status = 'done' WHERE id = 1;
INSERT INTO t_change.payment VALUES (1, 'new', 1);
EXECUTE finish;
COMMIT;

-- dropping a rule
BEGIN; SELECT paysafe.act_as('bob');
SELECT id > 0 FROM paysafe.approve('paysafe.maintenance_record', format('maintenance of t_change.payment by %L for 3600 s: T-6, moved to another table', session_user), 'moved to another table') id; COMMIT;
BEGIN; SELECT paysafe.act_as('alice', 'clean-up', 'T-6');
SELECT id > 0 FROM paysafe.open_maintenance('moved to another table', 'T-6', '1 hour', '{t_change.payment}') id;
SELECT paysafe.unprotect('t_change.payment', 'columns', 'moved to another table');
SELECT paysafe.close_maintenance();
UPDATE t_change.payment SET note = 'free';
COMMIT;
SELECT rule FROM paysafe.protection WHERE relation = 't_change.payment'::regclass ORDER BY 1;
-- declaring it again is a fresh start and needs nobody
SELECT paysafe.protect_columns('t_change.payment', '{note}');

-- with the last rule the triggers go
RESET ROLE;
CREATE TABLE t_change.log (id int) PARTITION BY RANGE (id);
CREATE TABLE t_change.log_1 PARTITION OF t_change.log FOR VALUES FROM (0) TO (10);
SELECT paysafe.protect_append_only('t_change.log');
SELECT count(*) FROM pg_trigger WHERE tgrelid::regclass::text LIKE 't_change.log%';
BEGIN; SELECT paysafe.act_as('bob');
SELECT id > 0 FROM paysafe.approve('paysafe.maintenance_record', format('maintenance of t_change.log by %L for 3600 s: T-7, test data', session_user), 'test data') id; COMMIT;
BEGIN; SELECT paysafe.act_as('alice');
SELECT id > 0 FROM paysafe.open_maintenance('test data', 'T-7', '1 hour', '{t_change.log}') id;
SELECT paysafe.unprotect('t_change.log', 'append_only', 'test data');
SELECT paysafe.close_maintenance(); COMMIT;
SELECT count(*) FROM pg_trigger WHERE tgrelid::regclass::text LIKE 't_change.log%';
INSERT INTO t_change.log VALUES (1);
DELETE FROM t_change.log;

-- a rule that others build on cannot go before them
CREATE TABLE t_change.base (id int PRIMARY KEY, status text, token text);
INSERT INTO t_change.base VALUES (0);
DELETE FROM t_change.base;
SELECT paysafe.protect_status('t_change.base', 'status', '[*] --> new
	new --> paid');
SELECT paysafe.protect_columns('t_change.base', '{token}', '{paid}');
BEGIN; SELECT paysafe.act_as('bob');
SELECT id > 0 FROM paysafe.approve('paysafe.maintenance_record', format('maintenance of t_change.base by %L for 3600 s: T-8, x', session_user), 'x') id; COMMIT;
BEGIN; SELECT paysafe.act_as('alice');
SELECT id > 0 FROM paysafe.open_maintenance('x', 'T-8', '1 hour', '{t_change.base}') id;
SELECT paysafe.unprotect('t_change.base', 'status', 'x');			-- fails
ROLLBACK;

-- a rule that makes another one allow more loosens it, whichever was there first
\set VERBOSITY default
CREATE TABLE t_change.sale_2 (id int PRIMARY KEY, status text, amount numeric, captured numeric, currency text);
INSERT INTO t_change.sale_2 VALUES (0);
DELETE FROM t_change.sale_2;
SELECT paysafe.protect_payment('t_change.sale_2', 'status', 'amount', 'captured', 'currency', '{captured}');
SELECT paysafe.protect_status('t_change.sale_2', 'status', E'[*] --> new\n[*] --> captured\nnew --> captured');	-- fails
-- not if another column has the machine, and not what this transaction declares itself
BEGIN;
SELECT paysafe.protect_status('t_change.sale_2', 'currency', '[*] --> EUR');
ROLLBACK;
BEGIN;
CREATE TABLE t_change.sale_3 (id int PRIMARY KEY, status text, amount numeric, captured numeric, currency text);
INSERT INTO t_change.sale_3 VALUES (0);
DELETE FROM t_change.sale_3;
SELECT paysafe.protect_payment('t_change.sale_3', 'status', 'amount', 'captured', 'currency', '{captured}');
SELECT paysafe.protect_status('t_change.sale_3', 'status', E'[*] --> new\nnew --> captured');
COMMIT;
DROP TABLE t_change.sale_2, t_change.sale_3;

-- thresholds: down is free, up is not
CREATE TABLE t_change.refund (id int PRIMARY KEY, payment_id int, amount numeric, currency text, status text);
INSERT INTO t_change.refund VALUES (0);
DELETE FROM t_change.refund;
CREATE INDEX ON t_change.refund (payment_id);
CREATE TABLE t_change.sale (id int PRIMARY KEY, captured numeric, currency text);
INSERT INTO t_change.sale VALUES (0);
DELETE FROM t_change.sale;
SELECT paysafe.set_refund_threshold('t_change.refund', 'USD', 500);	-- fails: no refund rule
SELECT paysafe.protect_refund('t_change.refund', 't_change.sale', 'payment_id', 'amount', 'currency',
	'status', '{paid}', '{}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('t_change.refund', 'USD', 500);
SELECT paysafe.set_refund_threshold('t_change.refund', 'usd', 400, 2, '48 hours', '30 minutes');
\set VERBOSITY default
SELECT paysafe.set_refund_threshold('t_change.refund', 'USD', 401, 2, '48 hours', '30 minutes');	-- fails
SELECT paysafe.set_refund_threshold('t_change.refund', 'USD', 100, 1, '1 hour', '2 days');			-- fails
BEGIN; SELECT paysafe.act_as('bob');
SELECT id > 0 FROM paysafe.approve('paysafe.rule', 'threshold for USD of t_change.refund, version 3: {"amount": "401", "within": "172800 s", "currency": "USD", "approvers": "2", "valid_for": "1800 s"} instead of {"amount": "400", "within": "172800 s", "currency": "usd", "approvers": "2", "valid_for": "1800 s"}', 'ok') id; COMMIT;
BEGIN; SELECT paysafe.act_as('alice');
SELECT paysafe.set_refund_threshold('t_change.refund', 'USD', 401, 2, '48 hours', '30 minutes'); COMMIT;
SELECT rule, version, definition, by FROM paysafe.protection
 WHERE relation = 't_change.refund'::regclass AND rule LIKE 'threshold%';
SELECT paysafe.set_refund_threshold('t_change.refund', 'USD', -1);
SELECT paysafe.set_refund_threshold('t_change.refund', 'USD', 'NaN');
SELECT paysafe.set_refund_threshold('t_change.refund', 'USD', 1, 0);
SELECT paysafe.set_refund_threshold('t_change.refund', 'USD', 1, within => '0');
SELECT paysafe.set_refund_threshold('t_change.refund', 'USD', 1, valid_for => '-1 hour');
SELECT paysafe.set_refund_threshold('t_change.refund', 'ZZZ', 1);

-- another rule of the table takes its status column out of what is approved: somebody has relied on that
ALTER TABLE t_change.refund ADD account text, ADD state text, ADD beneficiary text;
\set payouts 'SELECT paysafe.protect_refund(''t_change.refund'', NULL, ''account'', ''amount'', ''currency'', %L, ''{sent,paid}'', ''{void}'', recorded => %L, rows => ''{"account": {"not": [null]}}''%s)'
SELECT format(:'payouts', 'beneficiary', '{}', $$, rule => 'refund_other'$$) AS statement \gexec
SELECT format(:'payouts', 'state', '{}', $$, rule => 'refund_other'$$) AS statement \gexec
SELECT format(:'payouts', 'state', '{}', $$, rule => 'refund_other', mode => 'observe'$$) AS statement \gexec
SELECT format(:'payouts', 'state', '{}', $$, rule => 'refund_other'$$) AS statement \gexec
SELECT format(:'payouts', 'amount', '{}', $$, rule => 'refund_other'$$) AS statement \gexec
SELECT format(:'payouts', 'status', '{paid}', $$, rule => 'refund_other'$$) AS statement \gexec
-- "refund" beside it is told, once
CREATE TABLE t_change.payout (LIKE t_change.refund INCLUDING INDEXES);
CREATE INDEX ON t_change.payout (account);
SELECT replace(format(:'payouts', 'state', '{paid}', $$, rule => 'refund_other'$$), 'change.refund', 'change.payout') AS statement \gexec
SELECT replace(format(:'payouts', 'state', '{sent}', ''), 'change.refund', 'change.payout') AS statement \gexec
SELECT replace(format(:'payouts', 'state', '{sent}', ''), 'change.refund', 'change.payout') AS statement \gexec
SELECT paysafe.set_refund_threshold('t_change.payout', 'USD', 50);
SELECT paysafe.set_refund_threshold('t_change.payout', 'USD', 50, rule => 'refund_other');

-- changes of rules are in the audit log, who and why included
SELECT key, op, after ->> 'version' AS version, actor, reason, ticket
  FROM paysafe.audit_log
 WHERE schema_name = 'paysafe' AND table_name = 'rule' AND key = 't_change.payment,status,4';
SELECT count(*) FROM paysafe.audit_log
 WHERE schema_name = 'paysafe' AND table_name = 'rule' AND key LIKE 't\_change.payment,status,%';
SELECT after ->> 'key' AS key, actor FROM paysafe.audit_log
 WHERE schema_name = 'paysafe' AND table_name = 'approval_record' AND after ->> 'relation' = 'paysafe.rule'
 ORDER BY xid, seq;

-- the tables of the rules cannot be written by SQL
\set VERBOSITY terse
DELETE FROM paysafe.rule;
UPDATE paysafe.threshold SET amount = 1000000;
INSERT INTO paysafe.rule SELECT relation, rule, version + 1, reference, spec, true, since, actor, session_user_name
  FROM paysafe.rule;
TRUNCATE paysafe.approval_record;
DROP OWNED BY regress_paysafe_owner, regress_paysafe_stranger;
DROP ROLE regress_paysafe_owner, regress_paysafe_stranger;
