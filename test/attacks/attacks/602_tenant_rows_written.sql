-- id: 602
-- role: app
-- category: tenants
-- expect: must be blocked
-- how: rows of another tenant written: inserted, updated, deleted, moved, by upsert, MERGE, COPY, a cascade, a trigger; by the application, the owner and a superuser, in one tenant's context and in none
-- counter: the row as stored, before and after, is compared with the context, for everybody
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
\c - pay_owner
CREATE TABLE pay.bill_head (id int PRIMARY KEY);
INSERT INTO pay.bill_head VALUES (1), (2);
ALTER TABLE pay.bill ADD head int REFERENCES pay.bill_head ON DELETE CASCADE ON UPDATE CASCADE;
\c - pay_super
BEGIN; SELECT paysafe.across_tenants('heads'); UPDATE pay.bill SET head = 1 WHERE id = 1; COMMIT;
\set attack 'UPDATE pay.bill SET amount = -1 WHERE id = 3; DELETE FROM pay.bill WHERE id = 5; INSERT INTO pay.bill VALUES (201, ''b'', -1); UPDATE pay.bill SET tenant_id = ''a'', amount = -1 WHERE id = 7; UPDATE pay.bill SET tenant_id = ''b'', amount = -1 WHERE id = 2; INSERT INTO pay.bill VALUES (9, ''a'', -1) ON CONFLICT (id) DO UPDATE SET amount = -1; MERGE INTO pay.bill b USING (VALUES (11)) v(id) ON b.id = v.id WHEN MATCHED THEN UPDATE SET amount = -1; DELETE FROM pay.bill_head WHERE id = 1; UPDATE pay.bill_head SET id = 9 WHERE id = 1;'
\c - pay_app
\set ON_ERROR_ROLLBACK on
BEGIN; SELECT paysafe.act_for_tenant('a'); :attack COMMIT;
:attack
\c - pay_owner
BEGIN; SELECT paysafe.act_for_tenant('a'); :attack COMMIT;
:attack
\c - pay_super
BEGIN; SELECT paysafe.act_for_tenant('a'); :attack COMMIT;
:attack
SET session_replication_role = replica;
BEGIN; SELECT paysafe.act_for_tenant('a'); :attack COMMIT;
COPY pay.bill (id, tenant_id, amount) FROM PROGRAM 'echo 202,b,-1' (FORMAT csv);
SELECT CASE WHEN (SELECT count(*) FROM pay.bill WHERE tenant_id = 'b' AND amount > 0) = 50 AND (SELECT count(*) FROM pay.bill WHERE tenant_id = 'b') = 50 AND EXISTS (SELECT 1 FROM pay.bill WHERE id = 1 AND head = 1) THEN 'HELD' ELSE 'BYPASSED' END;
\else
SELECT 'N/A';
\endif
