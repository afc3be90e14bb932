-- id: 501
-- role: owner
-- category: status-value
-- expect: must be blocked
-- how: DELETE in one partition and INSERT in another in one statement, dressed as a move: a row is born captured, another's life starts again
-- counter: only what the heap marks as moved is a move
WITH d AS (DELETE FROM pay.txn WHERE id = 2 RETURNING *) INSERT INTO pay.txn SELECT id, 'us', 'captured', amount FROM d;
WITH d AS (DELETE FROM pay.txn WHERE id = 2 RETURNING *) INSERT INTO pay.txn SELECT id, 'us', 'created', amount * 100 FROM d;
WITH m AS (UPDATE pay.txn SET region = 'us' WHERE id = 2 RETURNING *) INSERT INTO pay.txn SELECT 99, 'eu', 'authorized', 1e6 FROM m;
SELECT CASE WHEN (SELECT string_agg(id || status || amount, ' ' ORDER BY id) FROM pay.txn) = '1created10 2authorized20' THEN 'HELD' ELSE 'BYPASSED' END;
