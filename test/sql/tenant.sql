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
SELECT rule, columns, definition FROM paysafe.protection WHERE relation = 't_tenant.invoice'::regclass;
SELECT polname, polpermissive, polcmd, polroles, pg_get_expr(polwithcheck, polrelid) AS with_check
  FROM pg_policy WHERE polrelid = 't_tenant.invoice'::regclass ORDER BY 1;
SELECT relrowsecurity, relforcerowsecurity, paysafe.tenant_trouble(oid)
  FROM pg_class WHERE oid = 't_tenant.invoice'::regclass;

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

-- reading: the owner, too, by index
CREATE FUNCTION t_tenant.plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		-- versions name what an InitPlan gives otherwise
		IF line ~ 'Cond|Filter|Workers|Scan' THEN
			RETURN NEXT regexp_replace(line, '\$\d+|\(InitPlan \d+\)\.col\d+', '?', 'g');
		END IF;
	END LOOP;
END $$;
CREATE ROLE regress_tenant_owner;
CREATE ROLE regress_tenant_app;
GRANT ALL ON SCHEMA t_tenant TO regress_tenant_owner;
GRANT USAGE ON SCHEMA t_tenant TO regress_tenant_app;
GRANT EXECUTE ON FUNCTION paysafe.act_for_tenant(text, text) TO regress_tenant_owner, regress_tenant_app;
SET ROLE regress_tenant_owner;
-- plans are those of what ANALYZE has seen, whatever autovacuum does
CREATE TABLE t_tenant.payment (id int PRIMARY KEY, tenant_id text NOT NULL, amount int) WITH (autovacuum_enabled = off);
INSERT INTO t_tenant.payment SELECT i, 't' || i % 100, i FROM generate_series(1, 10000) i;
CREATE INDEX payment_tenant ON t_tenant.payment (tenant_id, id);
ANALYZE t_tenant.payment;
SELECT paysafe.protect_tenant('t_tenant.payment', 'tenant_id');
GRANT SELECT, INSERT, UPDATE, DELETE ON t_tenant.payment TO regress_tenant_app;
SELECT count(*) FROM t_tenant.payment;
SELECT paysafe.across_tenants('why');									-- fails: not granted
BEGIN;
SELECT paysafe.act_for_tenant('t7');
SELECT count(*), min(tenant_id), max(tenant_id) FROM t_tenant.payment;
SELECT t_tenant.plan($$SELECT * FROM t_tenant.payment WHERE amount > 5$$);
-- a condition that leaks is not asked about others' rows
CREATE FUNCTION t_tenant.tells(int) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
	IF $1 % 100 <> 7 THEN RAISE 'leaked %', $1; END IF;
	RETURN true;
END $$;
SELECT count(*) FROM t_tenant.payment WHERE t_tenant.tells(amount);
COMMIT;

-- one plan for all contexts
PREPARE p AS SELECT count(*), min(tenant_id) FROM t_tenant.payment;
SET plan_cache_mode = force_generic_plan;
EXECUTE p;
BEGIN; SELECT paysafe.act_for_tenant('t7'); EXECUTE p; COMMIT;
BEGIN; SELECT paysafe.act_for_tenant('t8'); EXECUTE p; COMMIT;
BEGIN; SELECT paysafe.act_for_tenant('none'); EXECUTE p; COMMIT;
EXECUTE p;
RESET ROLE;
GRANT EXECUTE ON FUNCTION paysafe.across_tenants(text) TO regress_tenant_owner;
SET ROLE regress_tenant_owner;
BEGIN; SELECT paysafe.across_tenants('report'); EXECUTE p; SELECT t_tenant.plan('EXECUTE p'); COMMIT;
EXECUTE p;
BEGIN; SELECT paysafe.act_for_tenant('t8'); EXECUTE p; COMMIT;
BEGIN;
SAVEPOINT s;
SELECT paysafe.across_tenants('report');
ROLLBACK TO s;
EXECUTE p;
SELECT paysafe.act_for_tenant('t8');									-- nothing was read across
EXECUTE p;
COMMIT;
BEGIN;
SELECT paysafe.across_tenants('report');
EXECUTE p;
SELECT paysafe.act_for_tenant('t8');									-- fails: all were read
ROLLBACK;
RESET plan_cache_mode;
DEALLOCATE p;

-- savepoints: what was read is known, whatever is rolled back
BEGIN;
SAVEPOINT s;
SELECT paysafe.act_for_tenant('t7');
SELECT count(*) FROM t_tenant.payment;
ROLLBACK TO s;
SELECT count(*) FROM t_tenant.payment;
SELECT paysafe.act_for_tenant('t8');									-- fails
ROLLBACK TO s;
SELECT paysafe.act_for_tenant('t7');
SELECT count(*) FROM t_tenant.payment;
COMMIT;
BEGIN;
SELECT paysafe.act_for_tenant('t7');
SAVEPOINT s;
SELECT paysafe.act_for_tenant('t8');
SELECT count(*) FROM t_tenant.payment;
ROLLBACK TO s;
SELECT count(*) FROM t_tenant.payment;									-- fails: t8's were read
ROLLBACK;

-- a pool's next transaction works for nobody
BEGIN; SELECT paysafe.act_for_tenant('t7'); SELECT count(*) FROM t_tenant.payment; COMMIT;
SELECT count(*) FROM t_tenant.payment;
BEGIN; SELECT paysafe.act_for_tenant('t7'); SELECT 1/0; ROLLBACK;
SELECT count(*) FROM t_tenant.payment;

-- parallel workers
BEGIN;
SELECT paysafe.act_for_tenant('t7');
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL enable_indexscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_indexonlyscan = off;
SELECT t_tenant.plan('SELECT count(*), min(tenant_id), max(tenant_id) FROM t_tenant.payment');
SELECT count(*), min(tenant_id), max(tenant_id) FROM t_tenant.payment;
COMMIT;

-- who bypasses nothing gains nothing
SET row_security = off;
SELECT count(*) FROM t_tenant.payment;									-- fails
COPY t_tenant.payment TO STDOUT;										-- fails
RESET row_security;
COPY t_tenant.payment TO STDOUT;
CREATE POLICY all_rows ON t_tenant.payment USING (true) WITH CHECK (true);
SELECT count(*) FROM t_tenant.payment;
DROP POLICY all_rows ON t_tenant.payment;

-- an application: other tenants' rows are not there, and RETURNING, ON CONFLICT and MERGE tell no values
SET ROLE regress_tenant_app;
BEGIN;
SELECT paysafe.act_for_tenant('t7');
UPDATE t_tenant.payment SET amount = 0 WHERE id = 8 RETURNING *;
DELETE FROM t_tenant.payment WHERE id = 8 RETURNING *;
INSERT INTO t_tenant.payment VALUES (10001, 't7', 1) RETURNING *;
SAVEPOINT s;
INSERT INTO t_tenant.payment VALUES (10002, 't8', 1);					-- fails
ROLLBACK TO s;
INSERT INTO t_tenant.payment VALUES (10002, 't8', 1) RETURNING *;		-- fails: PostgreSQL's
ROLLBACK TO s;
INSERT INTO t_tenant.payment VALUES (8, 't7', 1) ON CONFLICT DO NOTHING RETURNING *;
INSERT INTO t_tenant.payment VALUES (8, 't7', 1) ON CONFLICT (id) DO UPDATE SET amount = 0 RETURNING *;	-- fails: PostgreSQL's
ROLLBACK TO s;
UPDATE t_tenant.payment SET tenant_id = 't8' WHERE id = 7;				-- fails: PostgreSQL's
ROLLBACK TO s;
UPDATE t_tenant.payment SET tenant_id = 't8';							-- fails
ROLLBACK TO s;
MERGE INTO t_tenant.payment p USING (VALUES (7), (8)) v(id) ON p.id = v.id
	WHEN MATCHED THEN UPDATE SET amount = 70;
SELECT id, amount FROM t_tenant.payment WHERE id IN (7, 8);
SELECT * FROM t_tenant.payment WHERE id IN (7, 8) ORDER BY id FOR UPDATE;
SELECT most_common_vals FROM pg_stats WHERE schemaname = 't_tenant' AND tablename = 'payment' AND attname = 'tenant_id';
COMMIT;
INSERT INTO t_tenant.payment VALUES (10003, 't7', 1);					-- fails: no context
RESET ROLE;

-- limits: of what the client sends at once, with all that it calls
CREATE TABLE t_tenant.bill (id int, tenant_id uuid NOT NULL, at date, n int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE t_tenant.bill_1 PARTITION OF t_tenant.bill FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE t_tenant.bill_2 PARTITION OF t_tenant.bill FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
SELECT paysafe.protect_tenant('t_tenant.bill', 'tenant_id', 4);
CREATE TABLE t_tenant.line (id int PRIMARY KEY, tenant_id uuid NOT NULL, bill int, at date,
	FOREIGN KEY (bill, at) REFERENCES t_tenant.bill ON DELETE CASCADE);
SELECT paysafe.protect_tenant('t_tenant.line', 'tenant_id', 2);
BEGIN;
SELECT paysafe.act_for_tenant('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11');
INSERT INTO t_tenant.bill SELECT i, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', date '2026-01-31' + i % 2, 0 FROM generate_series(1, 4) i;
SAVEPOINT s;
INSERT INTO t_tenant.bill VALUES (9, 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2026-01-01', 0);	-- fails
ROLLBACK TO s;
INSERT INTO t_tenant.bill SELECT i, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', date '2026-01-31' + i % 2, 0 FROM generate_series(5, 9) i;	-- fails: both partitions
ROLLBACK TO s;
INSERT INTO t_tenant.bill SELECT i, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2026-01-31', 0 FROM generate_series(5, 6) i;
WITH x AS (UPDATE t_tenant.bill SET n = 1 WHERE id < 4 RETURNING id)
	UPDATE t_tenant.bill b SET n = 2 WHERE b.id IN (4, 5);				-- fails: five rows
ROLLBACK TO s;
COPY t_tenant.bill FROM STDIN;											-- fails
11	a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11	2026-01-05	0
12	a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11	2026-01-05	0
13	a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11	2026-01-05	0
14	a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11	2026-01-05	0
15	a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11	2026-01-05	0
\.
ROLLBACK TO s;
MERGE INTO t_tenant.bill b USING generate_series(1, 9) i ON b.id = i
	WHEN MATCHED THEN UPDATE SET n = 3
	WHEN NOT MATCHED THEN INSERT VALUES (i, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2026-01-06', 0);	-- fails
ROLLBACK TO s;
UPDATE t_tenant.bill SET at = at + 1;									-- four rows, some move
UPDATE t_tenant.bill SET at = at - 1;
INSERT INTO t_tenant.line VALUES (1, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 2, '2026-01-31'),
	(2, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 2, '2026-01-31');
INSERT INTO t_tenant.line VALUES (3, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 2, '2026-01-31');
SAVEPOINT s;
DELETE FROM t_tenant.bill WHERE id = 2;									-- fails: cascades to three lines
ROLLBACK TO s;
DELETE FROM t_tenant.line WHERE id = 3;
DELETE FROM t_tenant.bill WHERE id = 2;
COMMIT;
SELECT count(*) FROM t_tenant.bill;
SELECT count(*) FROM t_tenant.line;

-- a partition that comes where nothing guards: check() says so, and a declaration mends it
CREATE TABLE t_tenant.bill_3 PARTITION OF t_tenant.bill FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
SELECT check_name, ok FROM paysafe.check() WHERE subject = 't_tenant.bill_3' AND check_name = 'row_security';
SELECT paysafe.protect_tenant('t_tenant.bill', 'tenant_id', 4);
SELECT check_name, ok FROM paysafe.check() WHERE subject = 't_tenant.bill_3' AND check_name = 'row_security';
ALTER POLICY paysafe_tenant ON t_tenant.bill_2 USING (true);
ALTER TABLE t_tenant.bill_1 NO FORCE ROW LEVEL SECURITY;
SELECT subject, detail FROM paysafe.check() WHERE check_name = 'row_security' AND NOT ok ORDER BY 1;
SELECT paysafe.protect_tenant('t_tenant.bill', 'tenant_id', 4);
SELECT subject, detail FROM paysafe.check() WHERE check_name = 'row_security' AND NOT ok ORDER BY 1;

-- views and roles that show every tenant's rows
CREATE VIEW t_tenant.every AS SELECT * FROM t_tenant.payment;
CREATE VIEW t_tenant.own_rows WITH (security_invoker = true) AS SELECT * FROM t_tenant.payment;
ALTER ROLE regress_tenant_app BYPASSRLS;
SELECT subject, check_name, detail FROM paysafe.check() WHERE check_name IN ('tenants', 'tenant_views') AND NOT ok;
ALTER ROLE regress_tenant_app NOBYPASSRLS;
DROP VIEW t_tenant.every, t_tenant.own_rows;
SELECT subject, check_name, detail FROM paysafe.check() WHERE check_name IN ('tenants', 'tenant_views') AND NOT ok;

-- policies of somebody's own
CREATE TABLE t_tenant.own (id int PRIMARY KEY, tenant_id int NOT NULL);
CREATE POLICY mine ON t_tenant.own USING (id > 0);
SELECT paysafe.protect_tenant('t_tenant.own', 'tenant_id');				-- fails: it sleeps
ALTER TABLE t_tenant.own ENABLE ROW LEVEL SECURITY;
SELECT paysafe.protect_tenant('t_tenant.own', 'tenant_id');
SELECT polname FROM pg_policy WHERE polrelid = 't_tenant.own'::regclass ORDER BY 1;
SELECT paysafe.unprotect('t_tenant.own', 'tenant', 'no tenants here');
SELECT polname, relrowsecurity FROM pg_policy p JOIN pg_class c ON c.oid = polrelid WHERE polrelid = 't_tenant.own'::regclass ORDER BY 1;

-- tables that came back without their rules keep the policy
CREATE TABLE t_tenant.restored (id int PRIMARY KEY, tenant_id int NOT NULL);
CREATE POLICY paysafe_tenant ON t_tenant.restored AS RESTRICTIVE USING (paysafe.of_tenant(tenant_id, (SELECT paysafe.current_tenant_int4()), (SELECT paysafe.acts_across_tenants()))) WITH CHECK (true);
CREATE POLICY paysafe_tenant_rows ON t_tenant.restored USING (true) WITH CHECK (true);
ALTER TABLE t_tenant.restored ENABLE ROW LEVEL SECURITY;
SELECT paysafe.protect_columns('t_tenant.restored', '{id}');
SELECT polname, relrowsecurity, relforcerowsecurity FROM pg_policy p JOIN pg_class c ON c.oid = polrelid WHERE polrelid = 't_tenant.restored'::regclass ORDER BY 1;
SELECT paysafe.protect_tenant('t_tenant.restored', 'tenant_id');
SELECT polname, relrowsecurity, relforcerowsecurity FROM pg_policy p JOIN pg_class c ON c.oid = polrelid WHERE polrelid = 't_tenant.restored'::regclass ORDER BY 1;

-- observed: nothing is refused, and everybody reads
CREATE TABLE t_tenant.watched (id int PRIMARY KEY, tenant_id int);
SELECT paysafe.protect_tenant('t_tenant.watched', 'tenant_id', mode => 'observe');
INSERT INTO t_tenant.watched VALUES (1, 7), (2, NULL);
SELECT relrowsecurity FROM pg_class WHERE oid = 't_tenant.watched'::regclass;
UPDATE t_tenant.watched SET tenant_id = 7;
SELECT paysafe.protect_tenant('t_tenant.watched', 'tenant_id');
SELECT relrowsecurity FROM pg_class WHERE oid = 't_tenant.watched'::regclass;
INSERT INTO t_tenant.watched VALUES (3, 7);								-- fails

-- who did it, and for whom
SELECT paysafe.audit('t_tenant.watched');
BEGIN;
SELECT paysafe.act_as('alice', 'by mail');
SELECT paysafe.act_for_tenant('7');
INSERT INTO t_tenant.watched VALUES (3, 7);
COMMIT;
BEGIN;
SELECT paysafe.across_tenants('yearly close');
UPDATE t_tenant.watched SET id = 4 WHERE id = 3;
COMMIT;
BEGIN;
SELECT paysafe.act_for_tenant('7', 'clean up');
DELETE FROM t_tenant.watched WHERE id = 4;
COMMIT;
SELECT op, actor_claimed, reason, tenant FROM paysafe.audit_log WHERE schema_name = 't_tenant' AND table_name = 'watched' ORDER BY at, command;
SELECT op, tenant FROM paysafe.history('t_tenant.watched', '4');

-- balances: of a tenant's accounts in its context, the owner's too; of all across tenants (more: test/pgtap/tenant_money.sql)
CREATE TABLE t_tenant.account (code text PRIMARY KEY, tenant_id int NOT NULL, balance numeric);
CREATE TABLE t_tenant.entry (id int PRIMARY KEY, tenant_id int NOT NULL, tx int NOT NULL, account text NOT NULL, amount numeric NOT NULL, currency text NOT NULL DEFAULT 'EUR');
CREATE INDEX ON t_tenant.entry (tx);
SELECT paysafe.protect_ledger('t_tenant.entry', 'tx', 'account', 'amount', 'currency');
SELECT paysafe.protect_balance('t_tenant.account', 'code', 'balance', 't_tenant.entry');
INSERT INTO t_tenant.account VALUES ('a', 7, 0), ('b', 7, 0), ('c', 8, 0), ('d', 8, 0);
SELECT now() AS start \gset
INSERT INTO t_tenant.entry VALUES (1, 7, 1, 'a', 5), (2, 7, 1, 'b', -5), (3, 8, 2, 'c', 6), (4, 8, 2, 'd', -6);
SELECT paysafe.protect_tenant('t_tenant.account', 'tenant_id'), paysafe.protect_tenant('t_tenant.entry', 'tenant_id');
ALTER TABLE t_tenant.account OWNER TO regress_tenant_owner;
ALTER TABLE t_tenant.entry OWNER TO regress_tenant_owner;
SET ROLE regress_tenant_owner;
SELECT paysafe.balance('a', accounts => 't_tenant.account');			-- fails: for whom?
BEGIN;
SELECT paysafe.act_for_tenant('8');
SELECT account, balance FROM paysafe.trial_balance('t_tenant.account') ORDER BY 1;
SELECT line, amount, balance FROM paysafe.statement('c', :'start', accounts => 't_tenant.account');
SAVEPOINT s;
SELECT line, amount, balance FROM paysafe.statement('a', :'start', accounts => 't_tenant.account');	-- fails: another tenant's
ROLLBACK TO s;
SELECT paysafe.act_for_tenant('7');										-- fails: those of 8 were read
ROLLBACK;
BEGIN;
SELECT paysafe.across_tenants('monthly report');
SELECT account, balance FROM paysafe.trial_balance('t_tenant.account') ORDER BY 1;
COMMIT;
RESET ROLE;
DROP TABLE t_tenant.entry, t_tenant.account;

REASSIGN OWNED BY regress_tenant_owner TO CURRENT_USER;
DROP OWNED BY regress_tenant_app, regress_tenant_owner;
DROP ROLE regress_tenant_app, regress_tenant_owner;
