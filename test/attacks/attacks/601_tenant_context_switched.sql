-- id: 601
-- role: app
-- category: tenants
-- expect: must be blocked
-- how: an application in one tenant's context gets at another's rows: another context in the same transaction, after a savepoint, in a prepared plan, an open cursor, by a setting; rows of the one written into the other
-- counter: the context is no setting; a transaction that has read or written rows of one tenant is that tenant's to its end
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
\c - pay_app
BEGIN; SELECT paysafe.act_for_tenant('a'); INSERT INTO pay.loot SELECT tenant_id FROM pay.bill; COMMIT;
BEGIN; SELECT paysafe.act_for_tenant('a'); SELECT count(*) FROM pay.bill; SELECT paysafe.act_for_tenant('b'); INSERT INTO pay.loot SELECT tenant_id FROM pay.bill; COMMIT;
BEGIN; SAVEPOINT s; SELECT paysafe.act_for_tenant('a'); UPDATE pay.bill SET amount = 0 WHERE id = 2; ROLLBACK TO s; SELECT paysafe.act_for_tenant('b'); INSERT INTO pay.loot SELECT tenant_id FROM pay.bill; COMMIT;
BEGIN; SELECT paysafe.act_for_tenant('b'); SAVEPOINT s; SELECT paysafe.act_for_tenant('a'); SELECT count(*) FROM pay.bill; ROLLBACK TO s; INSERT INTO pay.loot SELECT tenant_id FROM pay.bill; COMMIT;
SET plan_cache_mode = force_generic_plan;
PREPARE take AS INSERT INTO pay.loot SELECT tenant_id FROM pay.bill;
BEGIN; SELECT paysafe.act_for_tenant('a'); EXECUTE take; SELECT paysafe.across_tenants('all of it'); EXECUTE take; COMMIT;
EXECUTE take;
BEGIN; SELECT paysafe.act_for_tenant('a'); SELECT set_config('paysafe.tenant', 'b', true); EXECUTE take; COMMIT;
BEGIN; SELECT paysafe.act_for_tenant('*'); EXECUTE take; COMMIT;
BEGIN; SELECT paysafe.act_for_tenant('b'' OR true --'); EXECUTE take; COMMIT;
CREATE FUNCTION pg_temp.tells(id int, tenant text) RETURNS boolean LANGUAGE plpgsql COST 0.000001 AS $$ BEGIN IF tenant = 'b' THEN RAISE 'loot %', id; END IF; RETURN true; END $$;
BEGIN; SELECT paysafe.act_for_tenant('a'); INSERT INTO pay.loot SELECT CASE WHEN count(*) = 50 THEN 'a' ELSE 'b' END FROM pay.bill WHERE pg_temp.tells(id, tenant_id); COMMIT;
BEGIN; SELECT paysafe.act_for_tenant('a'); INSERT INTO pay.loot SELECT b.tenant_id FROM pay.bill b RIGHT JOIN generate_series(1, 100) i ON b.id = i; COMMIT;
\c - pay_super
SELECT CASE WHEN EXISTS (SELECT 1 FROM pay.loot WHERE tenant_id = 'b') OR NOT EXISTS (SELECT 1 FROM pay.loot WHERE tenant_id = 'a') THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
