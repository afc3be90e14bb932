-- id: 430
-- role: app
-- category: must-stay-allowed
-- expect: must stay allowed
-- how: UPDATE moves rows to another partition, one with a legal transition, one with its status unchanged; MERGE does the same
-- counter: the DELETE here and the INSERT there are one update
UPDATE pay.txn SET region = 'eu', status = 'authorized' WHERE id = 1;
UPDATE pay.txn SET region = 'us' WHERE id = 2;
MERGE INTO pay.txn t USING (VALUES (1, 'us', 'captured'), (2, 'eu', 'captured')) v(id, region, st) ON t.id = v.id
WHEN MATCHED THEN UPDATE SET region = v.region, status = v.st;
SELECT CASE WHEN (SELECT string_agg(id || region || status, ' ' ORDER BY id) FROM pay.txn) = '1uscaptured 2eucaptured'
   AND (SELECT count(*) FROM rt.audit_v WHERE table_name LIKE 'txn%' AND after->>'status' = 'captured') = 2 THEN 'ALLOWED' ELSE 'BROKEN' END;
