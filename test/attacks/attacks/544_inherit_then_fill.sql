-- id: 544
-- role: owner
-- category: partition
-- expect: must be blocked
-- how: an empty inheritance child is created, which has no triggers, and filled afterwards
-- counter: a child gets its triggers in the statement that makes it one
CREATE TABLE pay.phantom (PRIMARY KEY (id)) INHERITS (pay.payment);
INSERT INTO pay.phantom SELECT * FROM pay.payment WHERE id = 2;
UPDATE pay.phantom SET id = 4711, status = 'captured';
INSERT INTO pay.phantom SELECT 4712, customer, amount, currency, 'captured' FROM pay.payment WHERE id = 1;
SELECT CASE WHEN EXISTS (SELECT 1 FROM pay.phantom WHERE status = 'captured') THEN 'BYPASSED' ELSE 'HELD' END;
