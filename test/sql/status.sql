-- A status machine: what is declared happens, nothing else does.
CREATE SCHEMA t_status;
CREATE TABLE t_status.payment (
	id int PRIMARY KEY,
	status text,
	note text
);

SELECT paysafe.protect_status('t_status.payment', 'status', $$
	stateDiagram-v2
	%% a payment's life
	[*] --> created
	created --> authorized : card ok
	created --> failed
	authorized --> captured
	authorized --> voided
	captured --> refunded
	failed --> [*]
	voided --> [*]
	refunded --> [*]
$$, deletable => '{created}');

-- the diagram is the rule
SELECT paysafe.status_diagram('t_status.payment');

-- legal moves
INSERT INTO t_status.payment VALUES (1, 'created'), (2, 'created'), (3, 'created');
UPDATE t_status.payment SET status = 'authorized' WHERE id IN (1, 2);
UPDATE t_status.payment SET status = 'captured' WHERE id = 1;

-- staying is no move, and other columns are free
UPDATE t_status.payment SET status = 'captured', note = 'again' WHERE id = 1;
UPDATE t_status.payment SET note = 'x';

-- fails: never declared; the error names what would be allowed
UPDATE t_status.payment SET status = 'authorized' WHERE id = 1;
-- fails: skips a state
UPDATE t_status.payment SET status = 'captured' WHERE id = 3;
-- fails: final
UPDATE t_status.payment SET status = 'voided' WHERE id = 2;
UPDATE t_status.payment SET status = 'created' WHERE id = 2;
-- fails: no such state; case and blanks count
UPDATE t_status.payment SET status = 'Authorized' WHERE id = 3;
UPDATE t_status.payment SET status = 'authorized ' WHERE id = 3;
UPDATE t_status.payment SET status = '' WHERE id = 3;
-- fails: NULL is no state here
UPDATE t_status.payment SET status = NULL WHERE id = 3;
INSERT INTO t_status.payment VALUES (4, NULL);
-- fails: born in the middle
INSERT INTO t_status.payment VALUES (4, 'captured');
-- fails as a whole: one row of many
UPDATE t_status.payment
   SET status = CASE id WHEN 1 THEN 'refunded' ELSE 'captured' END WHERE id IN (1, 3);
SELECT id, status FROM t_status.payment ORDER BY id;

-- deleting: only where it is declared
DELETE FROM t_status.payment WHERE id = 3;
DELETE FROM t_status.payment WHERE id = 1;		-- fails
TRUNCATE t_status.payment;						-- fails

-- a row under way keeps its key, or two rows could swap their states
UPDATE t_status.payment SET id = 99 WHERE id = 1;	-- fails
INSERT INTO t_status.payment VALUES (5, 'created');
UPDATE t_status.payment SET id = 6 WHERE id = 5;

-- transition: true for the one who made the move
SELECT paysafe.transition('t_status.payment', '6', 'created', 'authorized');
SELECT paysafe.transition('t_status.payment', '6', 'created', 'authorized');
SELECT paysafe.transition('t_status.payment', '6', 'authorized', 'created');	-- fails
SELECT paysafe.transition('t_status.payment', '7', 'created', 'authorized');
SELECT paysafe.transition('t_status.payment', '6', 'x', 'x');	-- fails
SELECT paysafe.transition('t_status.payment', '6,1', 'created', 'authorized');	-- fails

-- declaring again with the same arguments changes nothing
SELECT paysafe.protect_status('t_status.payment', 'status',
							  paysafe.status_diagram('t_status.payment'), '{created}');
SELECT rule, version FROM paysafe.protection WHERE relation = 't_status.payment'::regclass;

-- existing rows are looked at first
CREATE TABLE t_status.old (id int PRIMARY KEY, status text);
INSERT INTO t_status.old SELECT g, CASE WHEN g % 2 = 0 THEN 'new' ELSE 'odd' END
  FROM generate_series(1, 14) g;
SELECT paysafe.protect_status('t_status.old', 'status', '[*] --> new');	-- fails
UPDATE t_status.old SET status = 'new' WHERE status = 'odd';
SELECT paysafe.protect_status('t_status.old', 'status', '[*] --> new');

-- NULL as a state
CREATE TABLE t_status.maybe (id int PRIMARY KEY, status text);
SELECT paysafe.protect_status('t_status.maybe', 'status', $$
	[*] --> NULL
	NULL --> known
$$);
INSERT INTO t_status.maybe VALUES (1);
UPDATE t_status.maybe SET status = 'known';
UPDATE t_status.maybe SET status = NULL;	-- fails

-- what cannot be protected
CREATE VIEW t_status.v AS SELECT * FROM t_status.payment;
CREATE TEMP TABLE temp_payment (id int, status text);
CREATE UNLOGGED TABLE t_status.unlogged (id int, status text);
SELECT paysafe.protect_status('t_status.v', 'status', '[*] --> a');
SELECT paysafe.protect_status('temp_payment', 'status', '[*] --> a');
SELECT paysafe.protect_status('t_status.unlogged', 'status', '[*] --> a');
SELECT paysafe.protect_status('pg_catalog.pg_class', 'relname', '[*] --> a');
SELECT paysafe.protect_status('paysafe.rule', 'rule', '[*] --> a');
SELECT paysafe.protect_status('t_status.old', 'nothing', '[*] --> a');
SELECT paysafe.protect_status('t_status.old', NULL, '[*] --> a');
SELECT paysafe.protect_status('t_status.old', 'status', NULL);
SELECT paysafe.protect_status(NULL, 'status', '[*] --> a');
SELECT paysafe.status_diagram('paysafe.rule');

-- what is suspicious is said, and declared
CREATE TYPE t_status.step AS ENUM ('new', 'paid', 'lost', 'old');
CREATE DOMAIN t_status.steps AS t_status.step;
CREATE TABLE t_status.advice (id int PRIMARY KEY, status t_status.steps DEFAULT 'paid', word text DEFAULT 'new', computed text DEFAULT lower('PAID'), none text);
SELECT paysafe.protect_status('t_status.advice', 'status', E'[*] --> new\nnew --> paid\nlost --> paid');
SELECT paysafe.protect_status('t_status.advice', 'word', E'[*] --> new\nnew --> paid');
SELECT paysafe.protect_status('t_status.advice', 'computed', E'[*] --> new\nnew --> paid');
SELECT paysafe.protect_status('t_status.advice', 'none', E'[*] --> new\nnew --> paid');
DROP TABLE t_status.advice;
