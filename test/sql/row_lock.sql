-- The lost-update guard: a value is computed from what the row has, or the row
-- was locked before
CREATE SCHEMA t_row_lock;
SET search_path = t_row_lock;
CREATE TABLE wallet (id int PRIMARY KEY, owner text UNIQUE, balance numeric(12,2) NOT NULL, points int NOT NULL DEFAULT 0, note text);
INSERT INTO wallet VALUES (1, 'ann', 100, 5), (2, 'bob', 50, 0), (3, 'kim', 0, 0);
SELECT paysafe.protect_row_lock('wallet', '{}');						-- fails
SELECT paysafe.protect_row_lock('wallet', '{nothing}');					-- fails
SELECT paysafe.protect_row_lock('wallet', '{balance,points}');
SELECT rule, definition, columns FROM paysafe.protection WHERE relation = 'wallet'::regclass;

-- what an ORM writes back is refused if it has changed
UPDATE wallet SET owner = 'ann', balance = 150, points = 5, note = NULL WHERE id = 1;	-- fails
UPDATE wallet SET owner = 'ann', balance = 100.0, points = 5, note = 'x' WHERE id = 1;
PREPARE write_back AS UPDATE wallet SET balance = $1 WHERE id = $2;
EXECUTE write_back(150, 1);												-- fails
EXECUTE write_back(100, 1);

-- computed
UPDATE wallet SET balance = balance + 50 WHERE id = 1;
UPDATE wallet SET balance = balance + 1, points = 7 WHERE id = 1;		-- fails: the other one
UPDATE wallet SET balance = CASE WHEN id = 1 THEN balance + 5 ELSE balance - 5 END WHERE id IN (1, 2);
UPDATE wallet w SET balance = w.balance + v.amount FROM (VALUES (1, 1), (2, -1)) v (id, amount) WHERE v.id = w.id;
UPDATE wallet w SET balance = o.balance FROM wallet o WHERE o.id = 2 AND w.id = 1;	-- fails: of another row
UPDATE wallet SET balance = (SELECT 5) WHERE id = 1;					-- fails
WITH v AS (UPDATE wallet SET balance = balance + 1 WHERE id = 2 RETURNING balance) SELECT * FROM v;
WITH v AS (UPDATE wallet SET balance = 1 WHERE id = 2 RETURNING balance) SELECT * FROM v;	-- fails
INSERT INTO wallet VALUES (1, 'ann', 7) ON CONFLICT (id) DO UPDATE SET balance = excluded.balance;	-- fails
INSERT INTO wallet VALUES (1, 'ann', 7) ON CONFLICT (id) DO UPDATE SET balance = wallet.balance + excluded.balance;
MERGE INTO wallet w USING (VALUES (1, 9)) v (id, amount) ON v.id = w.id WHEN MATCHED THEN UPDATE SET balance = v.amount;	-- fails
MERGE INTO wallet w USING (VALUES (1, 9)) v (id, amount) ON v.id = w.id WHEN MATCHED THEN UPDATE SET balance = w.balance - v.amount;
DO $$ DECLARE b numeric; BEGIN SELECT balance INTO b FROM wallet WHERE id = 1; UPDATE wallet SET balance = b + 1 WHERE id = 1; END $$;	-- fails
DO $$ DECLARE b numeric; BEGIN SELECT balance INTO b FROM wallet WHERE id = 1 FOR UPDATE; UPDATE wallet SET balance = b + 1 WHERE id = 1; END $$;
SELECT id, balance, points FROM wallet ORDER BY id;

-- locked
BEGIN;
SELECT balance FROM wallet WHERE id = 1 FOR UPDATE;
UPDATE wallet SET balance = 150 WHERE id = 1;
UPDATE wallet SET balance = 151 WHERE id = 1;							-- written before
SAVEPOINT s;
UPDATE wallet SET balance = 0 WHERE id = 2;								-- fails: another row
ROLLBACK TO s;
SELECT balance FROM wallet WHERE id = 2 FOR NO KEY UPDATE;
UPDATE wallet SET balance = 40 WHERE id = 2;
SELECT balance FROM wallet WHERE id = 3 FOR SHARE;
UPDATE wallet SET balance = 40 WHERE id = 3;							-- fails: others may hold that lock too
ROLLBACK;
BEGIN;
SELECT balance FROM wallet WHERE id = 1 FOR UPDATE;
SAVEPOINT s;
UPDATE wallet SET balance = 150 WHERE id = 1;
ROLLBACK TO s;
SAVEPOINT t;
SELECT balance FROM wallet WHERE id = 2 FOR NO KEY UPDATE;
ROLLBACK TO t;
UPDATE wallet SET balance = 1 WHERE id = 2;								-- fails: no longer locked
ROLLBACK;
BEGIN;
SELECT balance FROM wallet WHERE id = 1 FOR UPDATE;
MERGE INTO wallet w USING (VALUES (1, 9)) v (id, amount) ON v.id = w.id WHEN MATCHED THEN UPDATE SET balance = v.amount;
SELECT balance FROM wallet WHERE id = 2 FOR UPDATE;
INSERT INTO wallet VALUES (2, 'bob', 7) ON CONFLICT (id) DO UPDATE SET balance = excluded.balance;
ROLLBACK;
BEGIN;
SELECT balance FROM wallet WHERE id = 2 FOR NO KEY UPDATE;
INSERT INTO wallet VALUES (2, 'bob', 7) ON CONFLICT (id) DO UPDATE SET balance = excluded.balance;	-- fails: it takes the same lock
ROLLBACK;
BEGIN;
-- a change of the key takes the strongest lock by itself: that is no lock before
UPDATE wallet SET id = 10, balance = 1 WHERE id = 1;					-- fails
ROLLBACK;
BEGIN;
SELECT 1 AS locked FROM wallet WHERE id = 1 FOR UPDATE;
UPDATE wallet SET id = 10, balance = 1 WHERE id = 1;
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE wallet SET balance = 1 WHERE id = 1;								-- PostgreSQL itself refuses what would be lost
ROLLBACK;

-- a trigger of the table's own
CREATE FUNCTION points() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.points := 9; RETURN new; END $$;
CREATE TRIGGER points BEFORE UPDATE ON wallet FOR EACH ROW WHEN (new.note = 'points') EXECUTE FUNCTION points();
UPDATE wallet SET note = 'points' WHERE id = 2;
UPDATE wallet SET note = 'points', balance = 1 WHERE id = 2;			-- fails: the trigger's lock is no lock before
SELECT id, balance, points FROM wallet ORDER BY id;

-- partitions
CREATE TABLE part (id int, region int, balance int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE part_2 (balance int, region int NOT NULL, id int NOT NULL);
ALTER TABLE part ATTACH PARTITION part_2 FOR VALUES IN (2);
INSERT INTO part VALUES (1, 1, 10), (2, 2, 20);
SELECT paysafe.protect_row_lock('part', '{balance}');
UPDATE part SET balance = 5;											-- fails
UPDATE part SET balance = balance + 5;
UPDATE part SET balance = balance + 5, region = 3 - region;
UPDATE part SET balance = 7, region = 3 - region WHERE id = 1;			-- fails
BEGIN;
SELECT * FROM part ORDER BY id FOR NO KEY UPDATE;
UPDATE part SET balance = 5;
ROLLBACK;
SELECT tableoid::regclass, * FROM part ORDER BY id;

-- a session whose first statement it is
\c -
SET search_path = t_row_lock;
UPDATE wallet SET balance = balance + 1 WHERE id = 3;
\c -
UPDATE t_row_lock.wallet SET balance = 7 WHERE id = 3;					-- fails
\c -
BEGIN;
SELECT balance FROM t_row_lock.wallet WHERE id = 3 FOR UPDATE;
UPDATE t_row_lock.wallet SET balance = 7 WHERE id = 3;
COMMIT;
\c -
DO 'BEGIN UPDATE t_row_lock.wallet SET balance = balance + 1 WHERE id = 3; END';	-- fails: preload it
DO 'BEGIN UPDATE t_row_lock.wallet SET balance = balance + 1 WHERE id = 3; END';
SELECT balance FROM t_row_lock.wallet WHERE id = 3;
SELECT paysafe.protect_row_lock('t_row_lock.wallet', '{balance}');		-- fails: loosens
DROP SCHEMA t_row_lock CASCADE;
