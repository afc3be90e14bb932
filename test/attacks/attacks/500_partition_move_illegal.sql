-- id: 500
-- role: app
-- category: status-value
-- expect: must be blocked
-- how: an illegal transition inside a move to another partition (a DELETE and an INSERT for the triggers), forwards past a state and back
-- counter: the move is checked as the update it is
UPDATE pay.txn SET region = 'eu', status = 'captured' WHERE id = 1;
UPDATE pay.txn SET region = 'us', status = 'created' WHERE id = 2;
MERGE INTO pay.txn t USING (VALUES (1)) v(id) ON t.id = v.id WHEN MATCHED THEN UPDATE SET region = 'eu', status = 'captured';
SELECT CASE WHEN (SELECT string_agg(id || status, ' ' ORDER BY id) FROM pay.txn) = '1created 2authorized' THEN 'HELD' ELSE 'BYPASSED' END;
