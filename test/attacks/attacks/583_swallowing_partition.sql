-- id: 583
-- role: owner
-- category: partition
-- expect: must be blocked
-- how: an empty partition brings a BEFORE ROW trigger that swallows ledger entries: INSERT reports success, no row is there
-- counter: triggers that can keep rows out do not join a table in which each row counts
CREATE FUNCTION pay.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TABLE pay.ledger_part_2026_03 (LIKE pay.ledger_part INCLUDING DEFAULTS, PRIMARY KEY (id, entry_date));
CREATE TRIGGER swallow BEFORE INSERT ON pay.ledger_part_2026_03 FOR EACH ROW EXECUTE FUNCTION pay.swallow();
ALTER TABLE pay.ledger_part ATTACH PARTITION pay.ledger_part_2026_03 FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
BEGIN;
INSERT INTO pay.ledger_part VALUES (4711, '2026-03-15', 'a', 1);
\set failed :ERROR
COMMIT;
SELECT CASE WHEN :'failed' = 'false' AND NOT EXISTS (SELECT 1 FROM pay.ledger_part WHERE id = 4711) THEN 'BYPASSED' ELSE 'HELD' END;
