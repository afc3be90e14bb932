-- Rows that belong to tenants
CREATE SCHEMA t_tenant;
CREATE TABLE t_tenant.invoice (id int PRIMARY KEY, tenant_id int, amount numeric NOT NULL);
INSERT INTO t_tenant.invoice VALUES (1, 7, 10), (2, 8, 20), (3, NULL, 30);
SELECT paysafe.protect_tenant('t_tenant.invoice', 'tenant_id');		-- fails: row 3 is nobody's
UPDATE t_tenant.invoice SET tenant_id = 7 WHERE id = 3;
SELECT paysafe.protect_tenant('t_tenant.invoice', 'tenant_id', 3);
SELECT paysafe.protect_tenant('t_tenant.invoice', 'tenant_id', 3);
SELECT paysafe.protect_tenant('t_tenant.invoice', 'amount');			-- fails
SELECT paysafe.protect_tenant('t_tenant.invoice', 'tenant_id', 0);		-- fails
SELECT rule, description FROM paysafe.protection WHERE relation = 't_tenant.invoice'::regclass;
\d t_tenant.invoice

-- writing, as whoever may do everything
INSERT INTO t_tenant.invoice VALUES (4, 7, 40);							-- fails: no context
UPDATE t_tenant.invoice SET amount = 11 WHERE id = 1;					-- fails
DELETE FROM t_tenant.invoice WHERE id = 1;								-- fails
SELECT paysafe.act_for_tenant('7');										-- ends at once
INSERT INTO t_tenant.invoice VALUES (4, 7, 40);							-- fails
BEGIN;
SELECT paysafe.act_for_tenant('7', 'month end');
INSERT INTO t_tenant.invoice VALUES (4, 7, 40);
UPDATE t_tenant.invoice SET amount = 11 WHERE id = 1;
DELETE FROM t_tenant.invoice WHERE id = 4;
SAVEPOINT s;
INSERT INTO t_tenant.invoice VALUES (5, 8, 40);							-- fails: another tenant's
ROLLBACK TO s;
INSERT INTO t_tenant.invoice VALUES (5, NULL, 40);						-- fails: nobody's
ROLLBACK TO s;
UPDATE t_tenant.invoice SET amount = 21 WHERE id = 2;					-- fails
ROLLBACK TO s;
DELETE FROM t_tenant.invoice WHERE id = 2;								-- fails
ROLLBACK TO s;
UPDATE t_tenant.invoice SET tenant_id = 8 WHERE id = 1;					-- fails: moves
ROLLBACK TO s;
SELECT paysafe.act_for_tenant('8');										-- fails: it is tenant 7's
ROLLBACK TO s;
SELECT paysafe.across_tenants('why');									-- fails
ROLLBACK TO s;
SELECT paysafe.act_for_tenant('7');
COMMIT;
\set VERBOSITY terse
SELECT paysafe.act_for_tenant(NULL);									-- fails
SELECT paysafe.act_for_tenant('');										-- fails
SELECT paysafe.act_for_tenant(' 7');									-- fails
SELECT paysafe.act_for_tenant('*');										-- fails
SELECT paysafe.act_for_tenant(E'7\n');									-- fails
SELECT paysafe.across_tenants(NULL);									-- fails
SELECT paysafe.across_tenants(' ');										-- fails

-- across tenants: whose a row is does not change
BEGIN;
SELECT paysafe.across_tenants('correction of amounts');
UPDATE t_tenant.invoice SET amount = amount + 1;
SAVEPOINT s;
UPDATE t_tenant.invoice SET tenant_id = 8 WHERE id = 1;					-- fails
ROLLBACK TO s;
INSERT INTO t_tenant.invoice VALUES (5, NULL, 40);						-- fails
ROLLBACK TO s;
INSERT INTO t_tenant.invoice SELECT i, 9, 1 FROM generate_series(10, 13) i;	-- fails: more than 3
ROLLBACK TO s;
DO $$ BEGIN FOR i IN 10..13 LOOP INSERT INTO t_tenant.invoice VALUES (i, 9, 1); END LOOP; END $$;	-- fails
ROLLBACK TO s;
INSERT INTO t_tenant.invoice SELECT i, 9, 1 FROM generate_series(10, 12) i;
INSERT INTO t_tenant.invoice SELECT i, 9, 1 FROM generate_series(13, 15) i;
COMMIT;
SELECT * FROM t_tenant.invoice ORDER BY id;

-- reading: the owner, too
CREATE ROLE regress_tenant_owner;
GRANT USAGE, CREATE ON SCHEMA t_tenant TO regress_tenant_owner;
GRANT EXECUTE ON FUNCTION paysafe.act_for_tenant(text, text) TO regress_tenant_owner;
SET ROLE regress_tenant_owner;
CREATE TABLE t_tenant.payment (id int PRIMARY KEY, tenant_id text NOT NULL, amount int) ;
INSERT INTO t_tenant.payment SELECT i, 't' || i % 100, i FROM generate_series(1, 10000) i;
CREATE INDEX payment_tenant ON t_tenant.payment (tenant_id);
ANALYZE t_tenant.payment;
SELECT paysafe.protect_tenant('t_tenant.payment', 'tenant_id');
SELECT count(*) FROM t_tenant.payment;
SELECT paysafe.across_tenants('why');									-- fails
BEGIN;
SELECT paysafe.act_for_tenant('t7');
SELECT count(*), min(tenant_id), max(tenant_id) FROM t_tenant.payment;
EXPLAIN (COSTS OFF) SELECT * FROM t_tenant.payment WHERE amount > 5;
COMMIT;
PREPARE p AS SELECT count(*), min(tenant_id) FROM t_tenant.payment;
SET plan_cache_mode = force_generic_plan;
EXECUTE p;
BEGIN; SELECT paysafe.act_for_tenant('t7'); EXECUTE p; COMMIT;
BEGIN; SELECT paysafe.act_for_tenant('t8'); EXECUTE p; COMMIT;
EXECUTE p;
RESET ROLE;
GRANT EXECUTE ON FUNCTION paysafe.across_tenants(text) TO regress_tenant_owner;
SET ROLE regress_tenant_owner;
BEGIN; SELECT paysafe.across_tenants('report'); EXECUTE p; EXPLAIN (COSTS OFF) EXECUTE p; COMMIT;
EXECUTE p;
BEGIN; SELECT paysafe.act_for_tenant('t8'); EXECUTE p; EXPLAIN (COSTS OFF) EXECUTE p; COMMIT;
RESET plan_cache_mode;
DEALLOCATE p;
