-- id: 522
-- role: superuser
-- category: audit-tamper
-- expect: must be blocked
-- how: replication role, then DELETE, UPDATE and TRUNCATE of the audit log itself, its partitions one by one
-- counter: ENABLE ALWAYS on every partition
SELECT count(*) AS n FROM rt.audit_v \gset
SET session_replication_role = replica;
SELECT format('DELETE FROM %s', :'AUDIT') \gexec
SELECT format('TRUNCATE %s', :'AUDIT') \gexec
SELECT format(c, inhrelid::regclass) FROM pg_inherits, (VALUES ('DELETE FROM %s'), ('TRUNCATE %s')) v(c) WHERE inhparent = :'AUDIT'::regclass \gexec
SELECT CASE WHEN (SELECT count(*) FROM rt.audit_v) = :n THEN 'HELD' ELSE 'BYPASSED' END;
