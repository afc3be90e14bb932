-- id: 521
-- role: app
-- category: audit-tamper
-- expect: must be blocked
-- how: rows that are rolled back must leave no trace and take no other's along: bulk changes, savepoints and failing statements in turn
-- counter: rows of a statement are written with it, in its subtransaction
BEGIN;
UPDATE pay.wallet SET balance = balance + 1;
SAVEPOINT a;
UPDATE pay.wallet SET balance = balance + 1000;
INSERT INTO pay.wallet SELECT 1000 + g, g, 0 FROM generate_series(1, 3000) g;
SAVEPOINT b;
UPDATE pay.payment SET status = 'captured' WHERE id = 2;
ROLLBACK TO a;
INSERT INTO pay.wallet SELECT 5000 + g, g, 0 FROM generate_series(1, 3000) g;
SAVEPOINT c;
UPDATE pay.wallet SET balance = 7 WHERE id > 5000;
RELEASE c;
COMMIT;
SELECT CASE WHEN (SELECT count(*) FROM rt.audit_v WHERE table_name = 'wallet') = 2 + 2 + 3000 + 3000
   AND NOT EXISTS (SELECT FROM rt.audit_v WHERE table_name = 'wallet' AND pk::bigint BETWEEN 1001 AND 4000)
   AND NOT EXISTS (SELECT FROM pay.wallet w WHERE to_jsonb(w) IS DISTINCT FROM
		(SELECT after FROM rt.audit_v WHERE table_name = 'wallet' AND pk = w.id::text ORDER BY id DESC LIMIT 1) AND w.id < 5100) THEN 'HELD' ELSE 'BYPASSED' END;
