-- id: 543
-- role: owner
-- category: partition
-- expect: must be blocked
-- how: a table with rows becomes an inheritance child of the payments: they are read as payments and were never judged
-- counter: ALTER TABLE INHERIT takes empty tables only
CREATE TABLE pay.phantom (LIKE pay.payment INCLUDING DEFAULTS);
INSERT INTO pay.phantom SELECT * FROM pay.payment WHERE id = 2;
UPDATE pay.phantom SET id = 4711, status = 'captured';
ALTER TABLE pay.phantom INHERIT pay.payment;
SELECT CASE WHEN EXISTS (SELECT 1 FROM pay.payment WHERE id = 4711) THEN 'BYPASSED' ELSE 'HELD' END;
