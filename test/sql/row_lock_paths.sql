-- The lost-update guard: every branch of an expression, and optimistic locks.  Only
-- SQLSTATEs here; the words are in row_lock.sql, the races in test/isolation.
CREATE SCHEMA t_row_lock_paths;
SET search_path = t_row_lock_paths;
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE w (id int PRIMARY KEY, balance numeric(12,2), points int DEFAULT 0, v int NOT NULL DEFAULT 0, v8 bigint DEFAULT 0,
				tok uuid DEFAULT gen_random_uuid(), st text DEFAULT 'a',
				hex varchar(36) DEFAULT md5('1'), hex4 char(36) DEFAULT gen_random_uuid()::text);
SELECT paysafe.protect_row_lock('w', '{balance,points}');
INSERT INTO w SELECT i, 100 FROM generate_series(1, 3) i;
\set VERBOSITY sqlstate

-- all accepted
UPDATE w SET balance = 150, v = 1 WHERE id = 1 AND v = 0;
UPDATE w SET balance = 151, v = v + 1 WHERE v = 1 AND id = 1;
UPDATE w SET balance = 152 WHERE id = 1 AND balance = 151;
UPDATE w SET balance = 153 WHERE id = 1 AND balance IS NOT DISTINCT FROM 152;
PREPARE opt AS UPDATE w SET balance = $1, v = $2 WHERE id = $3 AND v = $4;
EXECUTE opt(160, 3, 1, 2);
SET plan_cache_mode = force_generic_plan;
EXECUTE opt(161, 4, 1, 3);
RESET plan_cache_mode;
SELECT xmin::text AS x FROM w WHERE id = 1 \gset
UPDATE w SET balance = 162 WHERE id = 1 AND xmin = :'x'::xid;
SELECT xmin::text AS x FROM w WHERE id = 1 \gset
UPDATE w SET balance = 163 WHERE id = 1 AND xmin::text = :'x';
SELECT xmin::text AS x FROM w WHERE id = 1 \gset
UPDATE w SET balance = 164 WHERE id = 1 AND xmin::text::bigint = :x;
SELECT xmin::text AS x FROM w WHERE id = 1 \gset
UPDATE w SET balance = 164.5 WHERE id = 1 AND xmin = :x;
SELECT tok AS x FROM w WHERE id = 1 \gset
UPDATE w SET balance = 165, tok = gen_random_uuid() WHERE id = 1 AND tok = :'x';
UPDATE w SET balance = 165.5, hex = md5('2') WHERE id = 1 AND hex = md5('1');
PREPARE hexed(numeric, varchar, int, varchar) AS UPDATE w SET balance = $1, hex = $2 WHERE w.id = $3 AND w.hex = $4;
EXECUTE hexed(165.6, md5('3'), 1, md5('2'));
SELECT hex4 AS x FROM w WHERE id = 1 \gset
UPDATE w SET balance = 165.7, hex4 = gen_random_uuid() WHERE id = 1 AND hex4 = :'x';
UPDATE w SET balance = 166, v8 = 1 WHERE id = 1 AND v8 = 0;
UPDATE w SET balance = 167, v = 5 WHERE id = 1 AND v = 4::bigint;
UPDATE w SET balance = 168, v = 6 WHERE id = 1 AND v = 5::numeric;
UPDATE w SET balance = 169, v = 7 FROM (VALUES (1, 6)) q(id, v) WHERE w.id = q.id AND w.v = q.v;
MERGE INTO w USING (VALUES (1, 7, 170)) q(id, v, b) ON w.id = q.id WHEN MATCHED AND w.v = q.v THEN UPDATE SET balance = q.b, v = q.v + 1;
MERGE INTO w USING (VALUES (1, 8, 171)) q(id, v, b) ON w.id = q.id AND w.v = q.v WHEN MATCHED THEN UPDATE SET balance = q.b, v = q.v + 1;
INSERT INTO w (id, balance, v) VALUES (1, 172, 10) ON CONFLICT (id) DO UPDATE SET balance = EXCLUDED.balance, v = EXCLUDED.v WHERE w.v = EXCLUDED.v - 1;
UPDATE w SET balance = 173, v = 11 WHERE id = 1 AND (v = 10 AND st = 'a');
UPDATE w SET balance = COALESCE(balance, 0) + 5;
UPDATE w SET balance = CASE id WHEN 1 THEN balance + 1 WHEN 2 THEN balance + 2 ELSE NULL END WHERE id IN (1,2);
UPDATE w SET (balance, points) = (SELECT w.balance + 1, w.points + 1) WHERE id = 1;
UPDATE w SET balance = (SELECT w.balance + x.a FROM (VALUES (1)) x(a)) WHERE id = 1;
UPDATE w SET balance = (SELECT sum(x.a) + w.balance FROM (VALUES (1),(2)) x(a)) WHERE id = 1;
UPDATE w SET balance = round(abs(balance * 1.1), 2), points = points + 1;
UPDATE w SET balance = NULLIF(balance + 1, 0) WHERE id = 1;
UPDATE w SET balance = GREATEST(balance + 1, balance - 1) WHERE id = 1;
UPDATE w SET balance = w.balance + q.a FROM (SELECT 1 AS id, 5 AS a UNION ALL SELECT 2, 7) q WHERE q.id = w.id;
PREPARE co AS UPDATE w SET balance = CASE WHEN $1 = 1 THEN balance + 1 ELSE 5 END WHERE id = 1;
EXECUTE co(1);
SET plan_cache_mode = force_generic_plan; EXECUTE co(1); RESET plan_cache_mode;
SELECT id, balance, points, v, v8 FROM w ORDER BY id;

-- all refused: 23M04
UPDATE w SET balance = 130, v = 12 WHERE id = 1;
UPDATE w SET balance = 130, v = v + 1 WHERE id = 1;
UPDATE w SET balance = 130 WHERE id = 1 AND v = 11;
UPDATE w SET balance = 130, v = 12 WHERE id = 1 AND (v = 11 OR v = 10);
UPDATE w SET balance = 130, v = 12 WHERE id = 1 AND (v = 11 OR id = 1);
UPDATE w SET balance = 130, v = 12 WHERE id = 1 AND v IN (10, 11);
UPDATE w SET balance = 130, v = 12 WHERE id = 1 AND v <= 11;
UPDATE w SET balance = 130, v = 12 WHERE id = 1 AND v IS DISTINCT FROM 10;
UPDATE w SET balance = 130, v = 12 WHERE id = 1 AND v <> 10;
UPDATE w SET balance = 130, v = 12 WHERE id = 1 AND NOT v = 10;
UPDATE w SET balance = 130, v = 12 WHERE id = 1 AND v = v;
UPDATE w SET balance = 130, v = 12 WHERE id = 1 AND v = (SELECT v FROM w WHERE id = 1);
UPDATE w SET balance = 130, v = 12 WHERE id = 1 AND balance = (SELECT balance FROM w WHERE id = 1);
UPDATE w SET balance = 130, v = 12 FROM w o WHERE w.id = 1 AND o.id = 2 AND o.v = 0;
UPDATE w SET balance = 130, v = 12 FROM w o WHERE w.id = 1 AND o.id = 1 AND o.v = w.v;
UPDATE w SET balance = 130, v = 12 FROM (VALUES (10),(11)) q(v) WHERE w.id = 1 AND w.v = q.v;
UPDATE w SET balance = 130, v = 12 FROM (SELECT 10 v UNION ALL SELECT 11) q WHERE w.id = 1 AND w.v = q.v;
UPDATE w SET balance = 130, v = 12 FROM unnest('{10,11}'::int[]) q(v) WHERE w.id = 1 AND w.v = q.v;
UPDATE w SET balance = 130, v = 12 WHERE id = 1 AND v IN (VALUES (10),(11));
UPDATE w SET balance = 130, v = 12 WHERE id = 1 AND EXISTS (SELECT FROM w o WHERE o.v = 11);
UPDATE w SET balance = 130, v = 10 WHERE id = 1 AND v = 11;
UPDATE w SET balance = 130, st = 'b' WHERE id = 1 AND st = 'a';
UPDATE w SET balance = 130, points = 99 WHERE id = 1 AND points = 2;
UPDATE w SET balance = 130, v = 12 WHERE id = 1 AND v + 0 = 11;
UPDATE w SET balance = 130, v = 12 WHERE id = 1 AND v::float8 = 11;
UPDATE w SET balance = 130 WHERE id = 1 AND balance > 0;
UPDATE w SET balance = 130, v = 12 FROM (SELECT 1) x LEFT JOIN w o ON o.v = 11 WHERE w.id = 1;
UPDATE w SET balance = CASE id WHEN 1 THEN 130 ELSE balance END WHERE id IN (1, 2);
UPDATE w SET balance = CASE WHEN id = 1 THEN 130 ELSE balance END + 0 WHERE id IN (1, 2);
UPDATE w SET balance = CASE id WHEN 2 THEN balance + 1 END WHERE id = 1;
UPDATE w SET balance = GREATEST(balance, 1000) WHERE id = 1;
UPDATE w SET balance = LEAST(balance, 1) WHERE id = 1;
UPDATE w SET balance = NULLIF(130, balance) WHERE id = 1;
UPDATE w SET balance = COALESCE(NULL, 130, balance) WHERE id = 1;
UPDATE w SET balance = COALESCE(balance + NULLIF(points, points), 130) WHERE id = 1;
UPDATE w SET balance = (ARRAY[130, balance])[1] WHERE id = 1;
UPDATE w SET balance = (SELECT balance + 5 FROM w o WHERE o.id = w.id) WHERE id = 1;
UPDATE w SET balance = (SELECT max(x) FROM (VALUES (w.balance), (1000)) v(x)) WHERE id = 1;
UPDATE w SET balance = (SELECT CASE WHEN w.id = 1 THEN 130 ELSE w.balance END) WHERE id = 1;
UPDATE w SET (balance, points) = (SELECT 130, 5) WHERE id = 1;
UPDATE w SET balance = abs(coalesce(130, balance)) WHERE id = 1;
UPDATE w SET balance = q.b FROM (SELECT 1 AS id, 130 AS b UNION ALL SELECT 2, 7) q WHERE q.id = w.id;
UPDATE w SET balance = q.b FROM (VALUES (1, 130), (2, 140)) q(id, b) WHERE q.id = w.id;
INSERT INTO w (id, balance) VALUES (1, 90) ON CONFLICT (id) DO UPDATE SET balance = coalesce(EXCLUDED.balance, w.balance);
INSERT INTO w (id, balance) VALUES (1, 90), (2, 91) ON CONFLICT (id) DO UPDATE SET balance = coalesce(EXCLUDED.balance, w.balance);
INSERT INTO w (id, balance, v) VALUES (1, 90, 12) ON CONFLICT (id) DO UPDATE SET balance = EXCLUDED.balance, v = EXCLUDED.v WHERE w.v < EXCLUDED.v;
MERGE INTO w USING (VALUES (1, 80), (2, 81)) s(id, b) ON s.id = w.id WHEN MATCHED THEN UPDATE SET balance = coalesce(s.b, w.balance);
MERGE INTO w USING (VALUES (1, 80)) s(id, b) ON s.id = w.id WHEN MATCHED AND w.v = 11 THEN UPDATE SET balance = s.b WHEN MATCHED THEN UPDATE SET balance = 3;
CREATE FUNCTION inlined(a numeric, b numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT coalesce($2, $1)';
UPDATE w SET balance = inlined(balance, 90) WHERE id = 1;
UPDATE w SET balance = DEFAULT WHERE id = 1;
INSERT INTO w (id, balance) VALUES (1, 90) ON CONFLICT (id) DO UPDATE SET balance = CASE WHEN EXCLUDED.balance > 0 THEN EXCLUDED.balance ELSE w.balance END;
UPDATE w SET balance = 130, v = 12 WHERE id = 1 AND v = ANY ('{10,11}');
UPDATE w SET balance = 130, v = 12 WHERE id = 1 AND v BETWEEN 0 AND 99;
UPDATE w SET balance = 130, tok = gen_random_uuid() WHERE id = 1 AND tok <> gen_random_uuid();
UPDATE w SET balance = 130, st = 'b' WHERE id = 1 AND st = 'a';
UPDATE w SET balance = 130, hex = upper(md5('3')) WHERE id = 1 AND hex = md5('3');
UPDATE w SET balance = 130, hex = md5('3')::uuid WHERE id = 1 AND hex = md5('3');
UPDATE w SET balance = 130, hex = 'next' WHERE id = 1 AND hex = md5('3');
UPDATE w SET balance = 130, hex = md5('4') WHERE id = 1;
ALTER TABLE w ALTER hex TYPE varchar(36) COLLATE loose;
UPDATE w SET balance = 130, hex = md5('4') WHERE id = 1 AND hex = md5('3');
WITH o AS MATERIALIZED (SELECT v FROM w WHERE id = 1) UPDATE w SET balance = 130, v = 12 FROM o WHERE w.id = 1 AND w.v = o.v;
EXECUTE co(2);
SET plan_cache_mode = force_generic_plan; EXECUTE co(2);
PREPARE cc AS UPDATE w SET balance = coalesce($1, balance) WHERE id = 1;
EXECUTE cc(90);
SET plan_cache_mode = force_custom_plan;
EXECUTE cc(90);
EXECUTE cc(NULL);
DO $$ DECLARE x numeric := 90; BEGIN UPDATE w SET balance = coalesce(x, balance) WHERE id = 1; END $$;
SELECT id, balance, points, v, v8 FROM w ORDER BY id;

-- a column of a status machine is no version; partitions and inheritance
\set VERBOSITY default
CREATE TABLE s (id int PRIMARY KEY, balance int, status int);
SELECT paysafe.protect_row_lock('s', '{balance}'), paysafe.protect_status('s', 'status', '[*] --> 1
1 --> 2');
INSERT INTO s VALUES (1, 100, 1);
\set VERBOSITY sqlstate
UPDATE s SET balance = 130, status = 2 WHERE id = 1 AND status = 1;		-- refused
CREATE TABLE p (id int, region int, balance int, v int DEFAULT 0, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p_2 (v int, balance int, region int NOT NULL, id int NOT NULL);
ALTER TABLE p ATTACH PARTITION p_2 FOR VALUES IN (2);
SELECT paysafe.protect_row_lock('p', '{balance}');
INSERT INTO p VALUES (1, 1, 100, 0), (2, 2, 100, 0);
UPDATE p SET balance = 130, v = 1 WHERE v = 0;
UPDATE p SET balance = 140, v = 2 WHERE id = 2 AND v = 1;
UPDATE p SET balance = 150, v = 2, region = 2 WHERE id = 1 AND v = 1;
UPDATE p SET balance = CASE id WHEN 1 THEN 5 ELSE balance END;			-- refused
UPDATE p SET balance = 130, v = 3 WHERE id = 1 AND (v = 3 OR v = 2);	-- refused
SELECT tableoid::regclass, id, region, balance, v FROM p ORDER BY id;
-- several rows in one statement, each compared with a version of its own
CREATE TABLE b (tenant int, id bigint, name text NOT NULL, balance int, v int NOT NULL DEFAULT 0, PRIMARY KEY (tenant, id));
SELECT paysafe.protect_row_lock('b', '{balance}');
INSERT INTO b SELECT t, i, 'row ' || i, 100 FROM generate_series(1, 2) t, generate_series(1, 3) i;
UPDATE b SET balance = 1, v = v + 1 WHERE (tenant = 1 AND id = 1 AND v = 0) OR (tenant = 1 AND id = 2 AND v = 0);
UPDATE b SET balance = CASE id WHEN 1 THEN 2 ELSE 3 END, v = v + 1 WHERE (tenant = 1 AND id = 1 AND v = 1) OR (tenant = 2 AND id = 1 AND v = 0) OR (id = 3 AND tenant = 1 AND 0 = v);
UPDATE b SET balance = 4, v = v + 1 WHERE (tenant, id, v) IN ((1, 1, 2), (1, 2, 1), (2, 2, 0));
UPDATE b SET balance = 5, v = v + 1 WHERE tenant = 1 AND ((id = 1 AND v = 3 AND name > '') OR (id = 2 AND v = 2) OR (id = 3 AND v = NULL));
UPDATE b SET balance = 6 WHERE tenant = 1 AND ((id = 1 AND balance = 5) OR (id = 2 AND balance = 5) OR (id = 3 AND balance = 7));
UPDATE b SET balance = q.b, v = b.v + 1 FROM (VALUES (1, 1, 4, 7), (1, 2, 3, 8), (1, 3, 0, 9)) q(t, i, v, b) WHERE b.tenant = q.t AND b.id = q.i AND b.v = q.v;
PREPARE batch(int, int, int, int) AS UPDATE b SET balance = q.b, v = b.v + 1 FROM (VALUES ($1, $2, 10), ($3, $4, 11)) q(i, v, b) WHERE b.tenant = 1 AND b.id = q.i AND b.v = q.v;
SET plan_cache_mode = force_generic_plan;
EXECUTE batch(1, 5, 2, 4);
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off;
EXECUTE batch(1, 6, 2, 5);
SET enable_nestloop = off; SET enable_mergejoin = on;
EXECUTE batch(2, 6, 1, 7);
RESET enable_hashjoin; RESET enable_nestloop; RESET enable_seqscan;
PREPARE ored(int, int, int, int) AS UPDATE b SET balance = 12, v = v + 1 WHERE tenant = 1 AND ((id = $1 AND v = $2) OR (id = $3 AND v = $4));
EXECUTE ored(1, 8, 2, 7);
RESET plan_cache_mode;
UPDATE b SET balance = 13, v = v + 1 WHERE tenant = 1 AND (id, v) IN (VALUES (1, 9), (2, 8));
MERGE INTO b USING (VALUES (1, 10, 14), (2, 9, 15)) q(i, v, b) ON b.tenant = 1 AND b.id = q.i AND b.v = q.v WHEN MATCHED THEN UPDATE SET balance = q.b, v = b.v + 1;
-- one that is older is not changed
UPDATE b SET balance = 16, v = v + 1 WHERE tenant = 1 AND ((id = 1 AND v = 10) OR (id = 2 AND v = 10));
SELECT * FROM b ORDER BY 1, 2;
-- refused
UPDATE b SET balance = 90, v = v + 1 WHERE (tenant = 1 AND id = 1 AND v = 11) OR (tenant = 1 AND id = 1 AND v = 10);
UPDATE b SET balance = 90, v = v + 1 WHERE (tenant = 1 AND id = 1 AND v = 11) OR (tenant = 1 AND id = 1::int AND v = 10) OR (tenant = 1 AND id = 2 AND v = 1);
UPDATE b SET balance = 90, v = v + 1 WHERE (tenant = 1 AND id = 1 AND v = 11) OR (tenant = 1 AND id = 2);
UPDATE b SET balance = 90, v = v + 1 WHERE (tenant = 1 AND id = 1 AND v = 11) OR (tenant = 1 AND id = 2 AND v > 1);
UPDATE b SET balance = 90, v = v + 1 WHERE (id = 1 AND v = 11) OR (tenant = 2 AND v = 1);
UPDATE b SET balance = 90, v = v + 1 WHERE (name = 'row 1' AND v = 11) OR (name = 'row 2' AND v = 1);
UPDATE b SET balance = 90, v = v + 1 WHERE (tenant = 1 AND id = 1 AND v = 11) OR (tenant = 1 AND id = 2 AND v = (random() * 0)::int + 11);
UPDATE b SET balance = 90, v = v + 1 WHERE (tenant = 1 AND id = 1 AND v = 11) OR (tenant = 1 AND id = (random() * 0)::int + 2 AND v = 10);
UPDATE b SET balance = 90, v = v + 1 WHERE (tenant = 1 AND id = 1 AND v = 11) OR (tenant = 1 AND id = 2 AND v = (SELECT v FROM b WHERE tenant = 1 AND id = 2));
UPDATE b SET balance = 90, v = v + 1 WHERE (tenant = 1 AND id = 1 AND v = 11) OR (tenant = 1 AND id = 2 AND v = v);
UPDATE b SET balance = 90 WHERE (tenant = 1 AND id = 1 AND v = 11) OR (tenant = 1 AND id = 2 AND v = 10);
UPDATE b SET balance = 90, v = 13 WHERE tenant = 1 AND ((id = 1 AND v = 11) OR (id = 2 AND v = 10));
UPDATE b SET balance = 90, v = v + 1 WHERE NOT ((tenant <> 1 OR id <> 1 OR v <> 11) AND (tenant <> 1 OR id <> 1 OR v <> 10));
UPDATE b SET balance = q.b, v = b.v + 1 FROM (VALUES (1, 11, 90), (1, 10, 91)) q(i, v, b) WHERE b.tenant = 1 AND b.id = q.i AND b.v = q.v;
UPDATE b SET balance = q.b, v = b.v + 1 FROM (VALUES (1, 1, 11, 90), (2, 1, 11, 91), (1, 1, 10, 92)) q(t, i, v, b) WHERE b.tenant = q.t AND b.id = q.i AND b.v = q.v;
UPDATE b SET balance = q.b, v = b.v + 1 FROM (VALUES (1, 11, 90), (2, (SELECT v FROM b WHERE tenant = 1 AND id = 2), 91)) q(i, v, b) WHERE b.tenant = 1 AND b.id = q.i AND b.v = q.v;
UPDATE b SET balance = q.b, v = b.v + 1 FROM (VALUES (1, 11, 90), ((random() * 0)::int + 2, 10, 91)) q(i, v, b) WHERE b.tenant = 1 AND b.id = q.i AND b.v = q.v;
UPDATE b SET balance = q.b, v = b.v + 1 FROM (VALUES (1, 11, 90), (NULL, 10, 91)) q(i, v, b) WHERE b.tenant = 1 AND b.id = q.i AND b.v = q.v;
UPDATE b SET balance = q.b, v = b.v + 1 FROM (VALUES (1, 11, 90), (2, 10, 91)) q(i, v, b) WHERE b.tenant = 1 AND b.v = q.v;
UPDATE b SET balance = q.b, v = b.v + 1 FROM (VALUES (1, 11, 90), (2, 10, 91)) q(i, v, b), (VALUES (1, 11), (2, 10)) r(i, v) WHERE b.tenant = 1 AND b.id = q.i AND b.v = r.v;
WITH q(i, v, b) AS (VALUES (1, 10, 90), (2, 11, 91)) UPDATE b SET balance = q.b, v = b.v + 1 FROM q, q r WHERE b.tenant = 1 AND b.id = q.i AND b.v = r.v;
WITH q(i, v, b) AS NOT MATERIALIZED (VALUES (1, 10, 90), (2, 11, 91)) UPDATE b SET balance = q.b, v = b.v + 1 FROM q, q r WHERE b.tenant = 1 AND b.id = q.i AND b.v = r.v;
UPDATE b SET balance = q.b, v = b.v + 1 FROM (VALUES (1, 11, 90), (2, 10, 91)) q(i, v, b) WHERE b.tenant = 1 AND b.id = q.i AND (b.v = q.v OR b.v = 11);
UPDATE b SET balance = 90, v = b.v + 1 FROM (VALUES (1, 1), (2, 1)) x(i, one) LEFT JOIN (VALUES (1, 11), (2, 10)) q(i, v) ON x.i = q.i WHERE b.tenant = 1 AND b.id = x.i AND b.v <> 0;
UPDATE b SET balance = 90, v = b.v + 1 FROM (SELECT 1 i, 11 v UNION ALL SELECT 1, 10) q WHERE b.tenant = 1 AND b.id = q.i AND b.v = q.v;
UPDATE b SET balance = 90, v = b.v + 1 FROM b o JOIN (VALUES (1, 11), (2, 10)) q(i, v) ON o.id = q.i AND o.v = q.v WHERE b.tenant = 1 AND b.id = o.id AND b.tenant = o.tenant;
UPDATE b SET balance = 90, v = b.v + 1 FROM (VALUES (1, 11), (2, 10)) q(i, v) WHERE b.tenant = 1 AND b.id + 0 = q.i AND b.v = q.v;
MERGE INTO b USING (VALUES (1, 11, 90), (1, 10, 91)) q(i, v, b) ON b.tenant = 1 AND b.id = q.i AND b.v = q.v WHEN MATCHED THEN UPDATE SET balance = q.b, v = b.v + 1;
SELECT * FROM b ORDER BY 1, 2;
-- of partitions
UPDATE p SET balance = q.b, v = p.v + 1 FROM (VALUES (1, 2, 2, 200), (2, 2, 2, 201)) q(i, r, v, b) WHERE p.id = q.i AND p.region = q.r AND p.v = q.v;
UPDATE p SET balance = 202, v = v + 1 WHERE (id = 1 AND v = 3) OR (id = 2 AND v = 3);
UPDATE p SET balance = q.b, v = p.v + 1 FROM (VALUES (1, 2, 4, 200), (1, 2, 3, 201)) q(i, r, v, b) WHERE p.id = q.i AND p.region = q.r AND p.v = q.v;	-- refused
SELECT tableoid::regclass, id, region, balance, v FROM p ORDER BY id;
-- parts of a value: what is put into it counts; what somebody's function has looked up was not given
SET client_min_messages = warning;
CREATE TYPE sum_of AS (amount numeric, currency text);
CREATE TABLE parts (id int PRIMARY KEY, list int[], purse sum_of, doc jsonb, v int NOT NULL DEFAULT 0);
SELECT paysafe.protect_row_lock('parts', '{list,purse,doc}');
INSERT INTO parts VALUES (1, '{1,2}', (100, 'EUR'), '{"a": 1}');
CREATE FUNCTION looked_up(i int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT v FROM parts WHERE id = i); END';
CREATE FUNCTION decoded(t text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN substr(t, 2)::int; END';
UPDATE parts SET list[1] = list[1] + 1, purse.amount = (purse).amount + 1, doc['a'] = to_jsonb((doc['a'])::int + 1);
UPDATE parts SET list = list || 3, v = v + 1;
UPDATE parts SET list[2] = 9, v = 2 WHERE v = decoded('v1');
UPDATE parts SET list[1] = 8;						-- refused, like the others here
UPDATE parts SET list[1] = list[1] + 1, list[2] = 8;
UPDATE parts SET list[1:2] = '{8,8}';
UPDATE parts SET purse.amount = 8;
UPDATE parts SET purse.amount = (purse).amount + 1, purse.currency = 'USD';
UPDATE parts SET doc['a'] = '8';
UPDATE parts SET list = '{}', v = 3 WHERE id = 1 AND v = looked_up(1);
SELECT * FROM parts;
-- an index that has the version in its predicate, and a view
CREATE INDEX ON w (id) WHERE v = 11;
CREATE VIEW view AS SELECT id, balance, v FROM w WHERE id < 3 WITH CHECK OPTION;
SET plan_cache_mode = auto;
SET enable_seqscan = off;
UPDATE w SET balance = 180, v = 12 WHERE id = 1 AND v = 11;
UPDATE view SET balance = 181, v = 13 WHERE id = 1 AND v = 12;
UPDATE view SET balance = 182, v = 14 WHERE id = 1;						-- refused
SELECT id, balance, v FROM w WHERE id = 1;
SET client_min_messages = warning;
DROP SCHEMA t_row_lock_paths CASCADE;
