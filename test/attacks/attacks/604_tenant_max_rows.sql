-- id: 604
-- role: app
-- category: tenants
-- expect: must be blocked
-- how: a leaked context rewrites a table although max_rows says ten: in one UPDATE, a loop, a function, WITH, several statements at once, a savepoint in between
-- counter: counted is what one statement of the client's changes, with all that it runs
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
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT paysafe.act_for_tenant('a');
UPDATE pay.bill SET amount = -1;
DO $$ BEGIN FOR i IN 1..50 LOOP UPDATE pay.bill SET amount = -1 WHERE id = 2 * i; END LOOP; END $$;
DO $$ BEGIN FOR i IN 1..50 LOOP BEGIN UPDATE pay.bill SET amount = -1 WHERE id = 2 * i; EXCEPTION WHEN division_by_zero THEN END; END LOOP; END $$;
WITH x AS (UPDATE pay.bill SET amount = -1 WHERE id <= 20), y AS (UPDATE pay.bill SET amount = -1 WHERE id BETWEEN 21 AND 40) UPDATE pay.bill SET amount = -1 WHERE id > 80;
CREATE FUNCTION pg_temp.set(n int) RETURNS void LANGUAGE sql AS 'UPDATE pay.bill SET amount = -1 WHERE id = n';
SELECT pg_temp.set(i) FROM generate_series(1, 100) i;
MERGE INTO pay.bill b USING generate_series(1, 100) i ON b.id = i WHEN MATCHED THEN UPDATE SET amount = -1;
UPDATE pay.bill SET amount = -1 WHERE id <= 20\; UPDATE pay.bill SET amount = -1 WHERE id BETWEEN 21 AND 40\; UPDATE pay.bill SET amount = -1 WHERE id > 80;
COMMIT;
\c - pay_super
SELECT CASE WHEN EXISTS (SELECT 1 FROM pay.bill WHERE amount = -1) OR (SELECT count(*) FROM pay.bill) <> 100 THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
