-- id: 600
-- role: owner
-- category: tenants
-- expect: must be blocked
-- how: the owner of a table that belongs to tenants takes row security away, to read another tenant's rows: DISABLE, NO FORCE, the policy dropped, altered, renamed, given to others; a permissive policy; row_security off; a view, a function
-- counter: the guard keeps the policy and row security; policies of others cannot widen a restrictive one
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
ALTER TABLE pay.bill DISABLE ROW LEVEL SECURITY;
ALTER TABLE pay.bill NO FORCE ROW LEVEL SECURITY;
DO $$ BEGIN EXECUTE 'ALTER TABLE pay.bill ALTER amount SET STATISTICS 10, NO FORCE ROW LEVEL SECURITY'; END $$;
DROP POLICY paysafe_tenant ON pay.bill;
ALTER POLICY paysafe_tenant ON pay.bill USING (true);
ALTER POLICY paysafe_tenant ON pay.bill TO pay_app;
ALTER POLICY paysafe_tenant ON pay.bill RENAME TO old;
CREATE POLICY everything ON pay.bill USING (true) WITH CHECK (true);
CREATE VIEW pay.all_bills AS SELECT * FROM pay.bill;
CREATE FUNCTION pay.all_bills() RETURNS SETOF pay.bill LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM pay.bill';
BEGIN;
SELECT paysafe.act_for_tenant('a');
INSERT INTO pay.loot SELECT tenant_id FROM pay.bill;
INSERT INTO pay.loot SELECT tenant_id FROM pay.all_bills;
INSERT INTO pay.loot SELECT tenant_id FROM pay.all_bills();
COMMIT;
INSERT INTO pay.loot SELECT tenant_id FROM pay.bill;
SET row_security = off;
INSERT INTO pay.loot SELECT tenant_id FROM pay.bill;
\c - pay_super
SELECT CASE WHEN EXISTS (SELECT 1 FROM pay.loot WHERE tenant_id = 'b') OR NOT EXISTS (SELECT 1 FROM pay.loot WHERE tenant_id = 'a') THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
