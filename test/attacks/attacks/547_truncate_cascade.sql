-- id: 547
-- role: owner
-- category: table-ddl
-- expect: must be blocked
-- how: TRUNCATE ... CASCADE of another table that the ledger refers to
-- counter: object access tells of each table that is truncated
CREATE TABLE pay.txn_head (id bigint PRIMARY KEY);
INSERT INTO pay.txn_head SELECT DISTINCT txn_id FROM pay.ledger_entry;
ALTER TABLE pay.ledger_entry ADD FOREIGN KEY (txn_id) REFERENCES pay.txn_head;
TRUNCATE pay.txn_head CASCADE;
SELECT CASE WHEN EXISTS (SELECT 1 FROM pay.ledger_entry) THEN 'HELD' ELSE 'BYPASSED' END;
