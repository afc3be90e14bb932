-- Tables that only grow.
CREATE SCHEMA t_append;
CREATE TABLE t_append.ledger (id int PRIMARY KEY, amount numeric NOT NULL);
INSERT INTO t_append.ledger VALUES (1, 10);
SELECT paysafe.protect_append_only('t_append.ledger');
INSERT INTO t_append.ledger VALUES (2, -10);
UPDATE t_append.ledger SET amount = 11 WHERE id = 1;		-- fails
UPDATE t_append.ledger SET amount = 10 WHERE id = 1;		-- fails: not even the same
DELETE FROM t_append.ledger WHERE id = 1;					-- fails
TRUNCATE t_append.ledger;									-- fails
INSERT INTO t_append.ledger VALUES (1, 99) ON CONFLICT DO NOTHING;
\set VERBOSITY terse
INSERT INTO t_append.ledger VALUES (1, 99) ON CONFLICT (id) DO UPDATE SET amount = 99;	-- fails
-- a row of the same transaction too
BEGIN;
INSERT INTO t_append.ledger VALUES (3, 1);
DELETE FROM t_append.ledger WHERE id = 3;					-- fails
ROLLBACK;

-- what cascades is refused where it arrives
CREATE TABLE t_append.account (id int PRIMARY KEY);
INSERT INTO t_append.account VALUES (1), (2);
CREATE TABLE t_append.entry (id int PRIMARY KEY, account int REFERENCES t_append.account ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO t_append.entry VALUES (1, 1);
SELECT paysafe.protect_append_only('t_append.entry');
DELETE FROM t_append.account WHERE id = 1;					-- fails
UPDATE t_append.account SET id = 3 WHERE id = 1;			-- fails
DELETE FROM t_append.account WHERE id = 2;
TRUNCATE t_append.account CASCADE;							-- fails

-- partitions, sub-partitions, and one that comes later
CREATE TABLE t_append.part (id int, at date, n int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE t_append.part_1 PARTITION OF t_append.part FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')
	PARTITION BY HASH (id);
CREATE TABLE t_append.part_1a PARTITION OF t_append.part_1 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE t_append.part_2 PARTITION OF t_append.part FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
SELECT paysafe.protect_append_only('t_append.part');
CREATE TABLE t_append.part_3 PARTITION OF t_append.part FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
INSERT INTO t_append.part VALUES (1, '2026-01-10', 1), (2, '2026-02-10', 1), (3, '2026-03-10', 1);
UPDATE t_append.part SET n = 2 WHERE id = 1;				-- fails
UPDATE t_append.part SET at = '2026-02-11' WHERE id = 1;	-- fails
UPDATE t_append.part_1a SET n = 2;							-- fails
DELETE FROM t_append.part_3;								-- fails
DELETE FROM t_append.part;									-- fails
TRUNCATE t_append.part_1;									-- fails
TRUNCATE t_append.part_1a;									-- fails
TRUNCATE t_append.part_2;									-- fails
SELECT count(*) FROM t_append.part;

-- inheritance children
CREATE TABLE t_append.old (id int, n int);
CREATE TABLE t_append.old_2025 () INHERITS (t_append.old);
INSERT INTO t_append.old_2025 VALUES (1, 1);
SELECT paysafe.protect_append_only('t_append.old');
UPDATE t_append.old SET n = 2;								-- fails
DELETE FROM ONLY t_append.old_2025;							-- fails
TRUNCATE t_append.old_2025;									-- fails
INSERT INTO t_append.old_2025 VALUES (2, 1);

-- the triggers are ALWAYS, everywhere
SELECT tgrelid::regclass, tgname, tgenabled
  FROM pg_trigger
 WHERE tgname LIKE 'paysafe%' AND tgrelid::regclass::text LIKE 't_append.%'
   AND tgenabled <> 'A';
