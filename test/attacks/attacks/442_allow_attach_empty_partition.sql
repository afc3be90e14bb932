-- id: 442
-- role: owner
-- category: must-stay-allowed
-- expect: must stay allowed
-- how: a table made beforehand is attached as a partition while it is empty; its rows obey the rules and are audited from then on
-- counter: -
CREATE TABLE pay.txn_apac (LIKE pay.txn INCLUDING ALL);
ALTER TABLE pay.txn ATTACH PARTITION pay.txn_apac FOR VALUES IN ('apac');
\set e1 :ERROR
INSERT INTO pay.txn VALUES (50, 'apac', 'created', 1);
UPDATE pay.txn SET status = 'authorized' WHERE id = 50;
UPDATE pay.txn SET region = 'us', status = 'captured' WHERE id = 50;
UPDATE pay.txn SET region = 'apac', status = 'captured' WHERE id = 1;
SELECT CASE WHEN :'e1' = 'false' AND (SELECT region || status FROM pay.txn WHERE id = 50) = 'uscaptured' AND (SELECT status FROM pay.txn WHERE id = 1) = 'created'
   AND (SELECT count(*) FROM rt.audit_v WHERE table_name LIKE 'txn%' AND pk = '50') = 3 THEN 'ALLOWED' ELSE 'BROKEN' END;
