-- id: 511
-- role: app
-- category: approval-binding
-- expect: must be blocked
-- how: the gate is passed by the update arm of an upsert, by MERGE, by a CTE, and by a row born behind it
-- counter: the row counts, not the statement
:AS_ALICE ;
INSERT INTO pay.refund(id, payment_id, amount) VALUES (1, 5, 5000) ON CONFLICT (id) DO UPDATE SET status = 'approved';
MERGE INTO pay.refund r USING (VALUES (1)) v(id) ON r.id = v.id WHEN MATCHED THEN UPDATE SET status = 'approved';
WITH u AS (UPDATE pay.refund SET status = 'approved' WHERE id = 1 RETURNING 1) SELECT count(*) FROM u;
INSERT INTO pay.refund(id, payment_id, amount, status) VALUES (150, 5, 3000, 'approved');
MERGE INTO pay.refund r USING (VALUES (151)) v(id) ON r.id = v.id WHEN NOT MATCHED THEN INSERT (id, payment_id, amount, status) VALUES (v.id, 5, 3000, 'processed');
SELECT CASE WHEN EXISTS (SELECT FROM pay.refund WHERE id IN (1, 150, 151) AND status IN ('approved', 'processed')) THEN 'BYPASSED' ELSE 'HELD' END;
