-- id: 436
-- role: owner
-- category: must-stay-allowed
-- expect: must stay allowed
-- how: next month's partition is created, rows come in through the root and directly, and are audited
-- counter: -
CREATE TABLE pay.ledger_part_2026_03 PARTITION OF pay.ledger_part FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
GRANT SELECT, INSERT ON pay.ledger_part_2026_03 TO pay_app;
\c - pay_app
INSERT INTO pay.ledger_part VALUES (50, '2026-03-05', 'cash', 1);
INSERT INTO pay.ledger_part_2026_03 VALUES (51, '2026-03-06', 'cash', 2);
SELECT CASE WHEN (SELECT count(*) FROM pay.ledger_part WHERE id IN (50, 51)) = 2
   AND (SELECT count(*) FROM rt.audit_v WHERE table_name LIKE 'ledger\_part%' AND pk IN ('50', '51')) = 2 THEN 'ALLOWED' ELSE 'BROKEN' END;
