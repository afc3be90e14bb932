-- id: 545
-- role: superuser
-- category: catalog-dml
-- expect: must be blocked
-- how: COPY into and MERGE over catalogs: neither is an UPDATE statement
-- counter: privileges are checked for whatever writes
MERGE INTO pg_trigger t USING (SELECT oid FROM pg_class WHERE relname = 'payment') c ON t.tgrelid = c.oid WHEN MATCHED THEN UPDATE SET tgenabled = 'D';
WITH d AS (UPDATE pg_trigger SET tgenabled = 'D' RETURNING 1) SELECT count(*) FROM d;
\c - pay_app
UPDATE pay.payment SET status = 'captured' WHERE id = 2;
SELECT CASE WHEN (SELECT status FROM pay.payment WHERE id = 2) = 'captured' THEN 'BYPASSED' ELSE 'HELD' END;
