-- id: 603
-- role: superuser
-- category: tenants
-- expect: must be blocked
-- how: roles that act for tenants are made to read past policies: BYPASSRLS, SUPERUSER, a new role in their group
-- counter: the guard, outside of a window for all tables of tenants
\c - pay_owner
\if `[ "$TARGET" = paysafe ] && echo true || echo false`
CREATE TABLE pay.bill (id int PRIMARY KEY, tenant_id text NOT NULL, amount int);
INSERT INTO pay.bill SELECT i, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END, i FROM generate_series(1, 100) i;
SELECT paysafe.protect_tenant('pay.bill', 'tenant_id', 10);
GRANT ALL ON pay.bill TO pay_app;
CREATE TABLE pay.loot (tenant_id text);
GRANT ALL ON pay.loot TO pay_app;
\c - pay_super
GRANT EXECUTE ON FUNCTION paysafe.act_for_tenant(text, text) TO pay_app, pay_owner;
\c - pay_super
ALTER ROLE pay_app BYPASSRLS;
DO $$ BEGIN EXECUTE 'ALTER USER pay_app WITH BYPASSRLS'; END $$;
ALTER ROLE pay_app SUPERUSER;
CREATE ROLE pay_reader BYPASSRLS LOGIN IN ROLE pay_app;
UPDATE pg_authid SET rolbypassrls = true WHERE rolname = 'pay_app';
\c - pay_app
BEGIN; SELECT paysafe.act_for_tenant('a'); INSERT INTO pay.loot SELECT tenant_id FROM pay.bill; COMMIT;
SET row_security = off;
INSERT INTO pay.loot SELECT tenant_id FROM pay.bill;
\c - pay_super
DROP ROLE IF EXISTS pay_reader;
ALTER ROLE pay_app NOBYPASSRLS NOSUPERUSER;
\c - pay_super
SELECT CASE WHEN EXISTS (SELECT 1 FROM pay.loot WHERE tenant_id = 'b') OR NOT EXISTS (SELECT 1 FROM pay.loot WHERE tenant_id = 'a') THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
