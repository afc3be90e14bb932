-- id: 580
-- role: owner
-- category: trigger-ddl
-- expect: must be blocked
-- how: a trigger of the guard's own function that never fires is on an empty table that becomes a child of the payments: it passes for the real one
-- counter: only a trigger of exactly the right shape counts
SELECT coalesce((SELECT format('CREATE TRIGGER %I AFTER INSERT ON pay.phantom FOR EACH ROW WHEN (false) EXECUTE FUNCTION %s()', tgname, tgfoid::regproc)
	FROM pg_trigger WHERE tgrelid = 'pay.payment'::regclass AND NOT tgisinternal AND tgfoid::regproc::text !~ '^pay\.' ORDER BY tgname LIMIT 1), 'SELECT 1') AS plant \gset
CREATE TABLE pay.phantom (LIKE pay.payment INCLUDING ALL);
:plant ;
ALTER TABLE pay.phantom INHERIT pay.payment;
INSERT INTO pay.phantom SELECT * FROM pay.payment WHERE id = 2;
UPDATE pay.phantom SET id = 4711, status = 'captured', captured_amount = amount * 10;
SELECT CASE WHEN EXISTS (SELECT 1 FROM pay.payment WHERE id = 4711) THEN 'BYPASSED' ELSE 'HELD' END;
