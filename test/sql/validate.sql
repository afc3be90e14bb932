-- Rows that were there before a rule: looked at beside writers, accepted by two people.
CREATE SCHEMA t_validate;
CREATE TABLE t_validate.payment (id int PRIMARY KEY, status text, note text);
INSERT INTO t_validate.payment SELECT g, CASE WHEN g > 7 THEN 'Paid' ELSE 'paid' END FROM generate_series(1, 9) g;
CREATE ROLE regress_paysafe_owner;
GRANT USAGE ON SCHEMA t_validate, paysafe TO regress_paysafe_owner;

-- what ends with the transaction ends at once
SELECT paysafe.act_as('alice');
SELECT * FROM paysafe.act_as('alice');
SELECT paysafe.act_as('alice ');									-- fails
SELECT paysafe.defer_validation();
SELECT paysafe.act_as(NULL)\; SELECT 1 AS together;
DO $$ BEGIN PERFORM paysafe.act_as('alice'); END $$;
WITH a AS MATERIALIZED (SELECT paysafe.act_as('alice')) SELECT count(*) FROM a;
BEGIN;
SELECT paysafe.act_as('alice');
COMMIT;

-- in force for what comes, at once
SELECT relation, lock, rows, bytes, reading < '1 minute' AS quick FROM paysafe.declaration_cost('t_validate.payment');
SELECT paysafe.protect_status('t_validate.payment', 'status', E'[*] --> new\nnew --> paid');	-- fails
BEGIN;
SELECT paysafe.defer_validation();
SELECT paysafe.protect_status('t_validate.payment', 'status', E'[*] --> new\nnew --> paid');
COMMIT;
INSERT INTO t_validate.payment VALUES (10, 'Paid');					-- fails
INSERT INTO t_validate.payment VALUES (10, 'new');
SELECT check_name, ok, detail FROM paysafe.check() WHERE check_name IN ('validated', 'accepted');
SELECT paysafe.validate_rows('t_validate.payment');					-- fails
SELECT paysafe.validate_rows('t_validate.payment', 'columns');		-- fails

-- accepted by two
SET client_min_messages = warning;
SELECT paysafe.accept_rows('t_validate.payment', 'status', 'a release of 2019');	-- fails
BEGIN;
SELECT paysafe.act_as('alice');
SELECT paysafe.propose('a release of 2019', 'T-1');
SELECT paysafe.accept_rows('t_validate.payment', 'status', 'a release of 2019', 'T-1');
COMMIT;
SELECT rule, difference, requested_by FROM paysafe.pending_change WHERE relation = 't_validate.payment'::regclass;
BEGIN;
SELECT paysafe.act_as('bob');
SELECT count(paysafe.approve(approved_as, key, 'seen')) FROM paysafe.pending_change WHERE relation = 't_validate.payment'::regclass;
COMMIT;
BEGIN;
SELECT paysafe.act_as('alice');
SELECT paysafe.accept_rows('t_validate.payment', 'status', 'a release of 2019', 'T-1');
COMMIT;
SELECT relation, rule, fault, by, approved_by, reason, ticket, ended_at FROM paysafe.accepted ORDER BY fault;
SELECT paysafe.validate_rows('t_validate.payment');
SELECT check_name, ok, regexp_replace(detail, '\d{4}-\d\d-\d\d', 'TODAY') AS detail FROM paysafe.check() WHERE check_name IN ('validated', 'accepted');

-- as they are, or right
UPDATE t_validate.payment SET note = 'seen' WHERE id = 8;
UPDATE t_validate.payment SET status = 'PAID' WHERE id = 8;			-- fails
DELETE FROM t_validate.payment WHERE id = 8;						-- fails
UPDATE t_validate.payment SET status = 'paid' WHERE id = 8;
UPDATE t_validate.payment SET status = 'Paid' WHERE id = 8;			-- fails
SELECT paysafe.validate_rows('t_validate.payment', 'status');
SELECT fault, ended_at IS NULL AS stands FROM paysafe.accepted ORDER BY fault;
-- a rule that is declared again passes it over
SELECT paysafe.protect_status('t_validate.payment', 'status', E'[*] --> new\nnew --> paid', '{new}');	-- fails: another person
SELECT paysafe.protect_status('t_validate.payment', 'status', E'[*] --> new\nnew --> paid');
SELECT pid, relation FROM paysafe.progress;

-- the first status rule beside a payment rule remembers the rows that are there, at once
CREATE TABLE t_validate.first (id int PRIMARY KEY, status text, amount numeric, captured numeric, currency text);
INSERT INTO t_validate.first VALUES (1, 'new', 10, NULL, 'EUR');
SELECT paysafe.protect_payment('t_validate.first', 'status', 'amount', 'captured', 'currency', '{paid}');
BEGIN;
SELECT paysafe.act_as('alice'), paysafe.propose('a machine');
SELECT paysafe.protect_status('t_validate.first', 'status', E'[*] --> new\nnew --> paid');
COMMIT;
BEGIN;
SELECT paysafe.act_as('bob');
SELECT count(paysafe.approve(approved_as, key, 'seen')) FROM paysafe.pending_change WHERE relation = 't_validate.first'::regclass;
COMMIT;
BEGIN;
SELECT paysafe.act_as('alice'), paysafe.defer_validation();
SELECT paysafe.protect_status('t_validate.first', 'status', E'[*] --> new\nnew --> paid');
COMMIT;
UPDATE t_validate.first SET amount = 11;								-- fails
SELECT rule, spec ? 'unvalidated' AS unvalidated FROM paysafe.rule WHERE relation = 't_validate.first'::regclass ORDER BY 1;

-- what computes from the rows cannot accept any
CREATE TABLE t_validate.entry (id int PRIMARY KEY, txn int, account int, amount int, currency text);
CREATE TABLE t_validate.account (id int PRIMARY KEY, balance int, minimum int);
CREATE INDEX ON t_validate.entry (txn);
SELECT paysafe.protect_ledger('t_validate.entry', 'txn', 'account', 'amount', 'currency'),
	   paysafe.protect_balance('t_validate.account', 'id', 'balance', 't_validate.entry', 'minimum');
SELECT paysafe.accept_rows('t_validate.account', 'balance', 'so be it');	-- fails
SELECT paysafe.accept_rows('t_validate.account', 'status', 'so be it');		-- fails
SELECT paysafe.accept_rows('t_validate.entry', 'ledger', ' ');				-- fails
SELECT paysafe.accept_rows('t_validate.entry', 'ledger', 'none');

-- for owners
SET ROLE regress_paysafe_owner;
SELECT paysafe.validate_rows('t_validate.payment');						-- fails
SELECT paysafe.accept_rows('t_validate.payment', 'status', 'mine');		-- fails
SELECT * FROM paysafe.declaration_cost('t_validate.payment');			-- fails
SELECT * FROM paysafe.accepted;											-- fails
RESET ROLE;
DROP SCHEMA t_validate CASCADE;
DROP OWNED BY regress_paysafe_owner;
DROP ROLE regress_paysafe_owner;
