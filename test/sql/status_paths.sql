-- The rule holds on every path that a row can take.
CREATE SCHEMA t_paths;
CREATE TABLE t_paths.p (id int PRIMARY KEY, status text DEFAULT 'new', n int DEFAULT 0);
SELECT paysafe.protect_status('t_paths.p', 'status', '[*] --> new
	new --> open
	open --> shut', '{new}');
\set VERBOSITY terse

-- upsert: the arm that runs is the one that is judged
INSERT INTO t_paths.p VALUES (1, 'new') ON CONFLICT (id) DO UPDATE SET status = 'shut';
INSERT INTO t_paths.p VALUES (1, 'open') ON CONFLICT (id) DO UPDATE SET status = EXCLUDED.status;
INSERT INTO t_paths.p VALUES (1, 'new') ON CONFLICT (id) DO UPDATE SET status = EXCLUDED.status;	-- fails
INSERT INTO t_paths.p VALUES (1, 'shut') ON CONFLICT DO NOTHING;
INSERT INTO t_paths.p VALUES (2, 'shut') ON CONFLICT DO NOTHING;									-- fails

-- MERGE
MERGE INTO t_paths.p USING (VALUES (1, 'shut'), (3, 'new')) v(id, s) ON p.id = v.id
	WHEN MATCHED THEN UPDATE SET status = v.s
	WHEN NOT MATCHED THEN INSERT (id, status) VALUES (v.id, v.s);
MERGE INTO t_paths.p USING (VALUES (3, 'shut')) v(id, s) ON p.id = v.id
	WHEN MATCHED THEN UPDATE SET status = v.s;														-- fails
MERGE INTO t_paths.p USING (VALUES (1)) v(id) ON p.id = v.id WHEN MATCHED THEN DELETE;				-- fails
MERGE INTO t_paths.p USING (VALUES (3)) v(id) ON p.id = v.id WHEN MATCHED THEN DELETE;

-- COPY
COPY t_paths.p (id, status) FROM stdin;
4	new
5	new
\.
COPY t_paths.p (id, status) FROM stdin;	-- fails
6	new
7	open
\.
COPY (UPDATE t_paths.p SET status = 'shut' WHERE id = 4 RETURNING id) TO stdout;	-- fails

-- data-modifying CTE, view, function, prepared statement, cursor
WITH u AS (UPDATE t_paths.p SET status = 'shut' WHERE id = 4 RETURNING id) SELECT * FROM u;	-- fails
CREATE VIEW t_paths.v AS SELECT id AS k, status AS s FROM t_paths.p;
UPDATE t_paths.v SET s = 'shut' WHERE k = 4;	-- fails
CREATE FUNCTION t_paths.f() RETURNS void LANGUAGE sql AS $$UPDATE t_paths.p SET status = 'shut' WHERE id = 4$$;
SELECT t_paths.f();								-- fails
PREPARE move(int, text) AS UPDATE t_paths.p SET status = $2 WHERE id = $1;
EXECUTE move(4, 'open');
EXECUTE move(5, 'shut');						-- fails
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM t_paths.p WHERE id = 5 FOR UPDATE;
FETCH c;
UPDATE t_paths.p SET status = 'shut' WHERE CURRENT OF c;	-- fails
ROLLBACK;

-- a BEFORE trigger may say what it likes; the row as stored is judged
CREATE FUNCTION t_paths.meddle() RETURNS trigger LANGUAGE plpgsql AS
	$$BEGIN NEW.status := 'shut'; RETURN NEW; END$$;
CREATE TRIGGER zz BEFORE UPDATE ON t_paths.p FOR EACH ROW EXECUTE FUNCTION t_paths.meddle();
UPDATE t_paths.p SET n = 1 WHERE id = 5;		-- fails
UPDATE t_paths.p SET n = 1 WHERE id = 4;
DROP TRIGGER zz ON t_paths.p;
-- a rule of another table too
CREATE TABLE t_paths.other (n int);
INSERT INTO t_paths.other VALUES (0);
CREATE RULE r AS ON UPDATE TO t_paths.other DO ALSO UPDATE t_paths.p SET status = 'shut' WHERE id = 5;
UPDATE t_paths.other SET n = 1;					-- fails

-- not even as a replica
SET session_replication_role = replica;
UPDATE t_paths.p SET status = 'shut' WHERE id = 5;	-- fails
RESET session_replication_role;

-- a refused statement does not poison the transaction behind a savepoint
BEGIN;
SAVEPOINT a;
UPDATE t_paths.p SET status = 'shut' WHERE id = 5;	-- fails
ROLLBACK TO a;
UPDATE t_paths.p SET status = 'open' WHERE id = 5;
COMMIT;
SELECT * FROM t_paths.p ORDER BY id;

-- partitions: declared on the root, in force in each
CREATE TABLE t_paths.txn (id int, region text, status text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE t_paths.txn_us PARTITION OF t_paths.txn FOR VALUES IN ('us');
-- another order of columns, and a column that is gone
CREATE TABLE t_paths.txn_eu (gone int, status text, region text NOT NULL, id int NOT NULL);
ALTER TABLE t_paths.txn_eu DROP COLUMN gone;
ALTER TABLE t_paths.txn ATTACH PARTITION t_paths.txn_eu FOR VALUES IN ('eu');
SELECT paysafe.protect_status('t_paths.txn_us', 'status', '[*] --> new');	-- fails: not the root
SELECT paysafe.protect_status('t_paths.txn', 'status', '[*] --> new
	new --> open
	open --> shut');
INSERT INTO t_paths.txn VALUES (1, 'us', 'new'), (2, 'eu', 'new'), (3, 'us', 'new');
INSERT INTO t_paths.txn VALUES (4, 'eu', 'open');	-- fails
INSERT INTO t_paths.txn_eu (id, region, status) VALUES (4, 'eu', 'open');	-- fails
UPDATE t_paths.txn_eu SET status = 'shut';			-- fails
-- a row that moves is updated: legal with a legal move, refused with another
UPDATE t_paths.txn SET region = 'eu' WHERE id = 1;
UPDATE t_paths.txn SET region = 'us', status = 'open' WHERE id = 1;
UPDATE t_paths.txn SET region = 'eu', status = 'new' WHERE id = 1;	-- fails
UPDATE t_paths.txn SET region = CASE region WHEN 'us' THEN 'eu' ELSE 'us' END, status = 'open' WHERE id IN (2, 3);
UPDATE t_paths.txn SET region = CASE region WHEN 'us' THEN 'eu' ELSE 'us' END,
	status = CASE id WHEN 2 THEN 'shut' ELSE 'new' END;	-- fails
SELECT tableoid::regclass, id, region, status FROM t_paths.txn ORDER BY id;
-- a move whose destination swallows the row is a DELETE
CREATE FUNCTION t_paths.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER swallow BEFORE INSERT ON t_paths.txn_eu FOR EACH ROW EXECUTE FUNCTION t_paths.swallow();
UPDATE t_paths.txn SET region = 'eu' WHERE id = 1;	-- fails
DROP TRIGGER swallow ON t_paths.txn_eu;
-- a partition that comes later
CREATE TABLE t_paths.txn_asia PARTITION OF t_paths.txn FOR VALUES IN ('asia');
INSERT INTO t_paths.txn VALUES (9, 'asia', 'shut');	-- fails
INSERT INTO t_paths.txn_asia VALUES (9, 'asia', 'new');
UPDATE t_paths.txn_asia SET status = 'shut';		-- fails
TRUNCATE t_paths.txn;								-- fails
TRUNCATE t_paths.txn_us;							-- fails
-- declaring again completes the new partition
SELECT paysafe.protect_status('t_paths.txn', 'status', paysafe.status_diagram('t_paths.txn'));
TRUNCATE t_paths.txn_asia;							-- fails

-- inheritance: children are protected with their parent
CREATE TABLE t_paths.parent (id int PRIMARY KEY, status text);
CREATE TABLE t_paths.child (PRIMARY KEY (id), extra int) INHERITS (t_paths.parent);
SELECT paysafe.protect_status('t_paths.parent', 'status', '[*] --> new
	new --> open');
INSERT INTO t_paths.child VALUES (1, 'open', 0);	-- fails
INSERT INTO t_paths.child VALUES (1, 'new', 0);
UPDATE t_paths.parent SET status = 'open';
UPDATE t_paths.parent SET status = 'new';			-- fails
TRUNCATE t_paths.child;								-- fails

-- a child that came later, without the guard: what it has is named when its trigger is made
CREATE TABLE t_paths.late (PRIMARY KEY (id)) INHERITS (t_paths.parent);
INSERT INTO t_paths.late VALUES (7, 'old'), (8, 'open');
SELECT paysafe.protect_status('t_paths.parent', 'status', '[*] --> new
	new --> open');
UPDATE t_paths.late SET status = 'open' WHERE id = 7;	-- fails
SELECT paysafe.protect_status('t_paths.parent', 'status', '[*] --> new
	new --> open');
