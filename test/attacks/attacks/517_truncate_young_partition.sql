-- id: 517
-- role: owner
-- category: partition
-- expect: must be blocked
-- how: TRUNCATE of a partition that was created after the rules: row triggers are cloned to it, statement triggers are not
-- counter: the trigger is put on with the partition, or TRUNCATE is looked at elsewhere
CREATE TABLE pay.ledger_part_2026_03 PARTITION OF pay.ledger_part FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
INSERT INTO pay.ledger_part VALUES (50, '2026-03-05', 'cash', 1);
TRUNCATE pay.ledger_part_2026_03;
SELECT CASE WHEN NOT EXISTS (SELECT FROM pay.ledger_part WHERE id = 50) THEN 'BYPASSED' ELSE 'HELD' END;
