-- id: 605
-- role: owner
-- category: tenants
-- expect: must be blocked
-- how: another tenant's rows read by the name of a partition or a child: one there before, one that comes later, one that is attached, a sub-partition
-- counter: each table of a tree has the policy; one that joins gets it in the same statement
\if `[ "$TARGET" = paysafe ] && echo true || echo false`
CREATE TABLE pay.bill (id int PRIMARY KEY, tenant_id text NOT NULL, amount int);
INSERT INTO pay.bill SELECT i, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END, i FROM generate_series(1, 100) i;
SELECT paysafe.protect_tenant('pay.bill', 'tenant_id', 10);
GRANT ALL ON pay.bill TO pay_app;
CREATE TABLE pay.loot (tenant_id text);
GRANT ALL ON pay.loot TO pay_app;
\c - pay_super
GRANT EXECUTE ON FUNCTION paysafe.act_for_tenant(text, text) TO pay_app, pay_owner;
\c - pay_owner
CREATE TABLE pay.part (id int, tenant_id text NOT NULL, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE pay.part_1 PARTITION OF pay.part FOR VALUES FROM (0) TO (10);
SELECT paysafe.protect_tenant('pay.part', 'tenant_id');
CREATE TABLE pay.part_2 PARTITION OF pay.part FOR VALUES FROM (10) TO (20);
CREATE TABLE pay.part_3 (id int NOT NULL, tenant_id text NOT NULL);
ALTER TABLE pay.part ATTACH PARTITION pay.part_3 FOR VALUES FROM (20) TO (30);
CREATE TABLE pay.part_4 PARTITION OF pay.part FOR VALUES FROM (30) TO (40) PARTITION BY RANGE (id);
CREATE TABLE pay.part_4a PARTITION OF pay.part_4 FOR VALUES FROM (30) TO (40);
CREATE TABLE pay.bill_2 (PRIMARY KEY (id)) INHERITS (pay.bill);
ALTER TABLE pay.part_2 NO FORCE ROW LEVEL SECURITY;
ALTER TABLE pay.part DETACH PARTITION pay.part_3;
ALTER TABLE pay.bill_2 NO INHERIT pay.bill;
\c - pay_super
BEGIN; SELECT paysafe.across_tenants('rows'); INSERT INTO pay.part SELECT i, CASE i % 2 WHEN 0 THEN 'a' ELSE 'b' END FROM generate_series(0, 39) i; INSERT INTO pay.bill_2 VALUES (1001, 'b', 1), (1002, 'a', 1); COMMIT;
\c - pay_owner
BEGIN;
SELECT paysafe.act_for_tenant('a');
INSERT INTO pay.loot SELECT tenant_id FROM pay.part UNION ALL SELECT tenant_id FROM pay.part_1 UNION ALL SELECT tenant_id FROM pay.part_2 UNION ALL SELECT tenant_id FROM pay.part_3 UNION ALL SELECT tenant_id FROM pay.part_4 UNION ALL SELECT tenant_id FROM pay.part_4a UNION ALL SELECT tenant_id FROM ONLY pay.bill_2;
COMMIT;
\c - pay_super
SELECT CASE WHEN EXISTS (SELECT 1 FROM pay.loot WHERE tenant_id = 'b') OR NOT EXISTS (SELECT 1 FROM pay.loot WHERE tenant_id = 'a') THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
