-- id: 592
-- role: owner
-- category: money
-- expect: must be blocked
-- how: entries that balance are added to a transaction that others have posted, after its rows have been written again by a column that may change, moved to another partition, or drafts of it are posted; and a posted row is taken back to a draft, changed, and posted again
-- counter: whose version of a row it is says not who has posted it
\if `[ "$TARGET" = paysafe ] && echo true || echo false`
CREATE TABLE pay.doc (id int, txn int, account text, amount numeric, state text DEFAULT 'draft', note text, part int DEFAULT 1) PARTITION BY LIST (part);
CREATE TABLE pay.doc_1 PARTITION OF pay.doc FOR VALUES IN (1);
CREATE TABLE pay.doc_2 PARTITION OF pay.doc FOR VALUES IN (2);
CREATE INDEX ON pay.doc (txn);
GRANT ALL ON pay.doc TO pay_app;
SELECT paysafe.protect_ledger('pay.doc', 'txn', 'account', 'amount', currency => 'USD', mutable_columns => '{note,part}', rows => '{"state": ["posted"]}');
INSERT INTO pay.doc (id, txn, account, amount, state) VALUES (1, 1, 'a', 5, 'posted'), (2, 1, 'b', -5, 'posted'), (3, 1, 'a', 7, 'draft'), (4, 1, 'b', -7, 'draft');
\c - pay_app
:AS_ALICE ;
BEGIN;
UPDATE pay.doc SET note = 'mine' WHERE txn = 1;
INSERT INTO pay.doc (id, txn, account, amount, state) VALUES (5, 1, 'a', 1, 'posted'), (6, 1, 'b', -1, 'posted');
COMMIT;
BEGIN;
UPDATE pay.doc SET part = 2 WHERE txn = 1 AND state = 'posted';
UPDATE pay.doc SET state = 'posted' WHERE id IN (3, 4);
COMMIT;
BEGIN;
SAVEPOINT s;
UPDATE pay.doc SET note = 'x', part = 2 WHERE txn = 1;
RELEASE s;
UPDATE pay.doc SET note = 'y' WHERE txn = 1;
MERGE INTO pay.doc d USING (VALUES (3), (4)) v (id) ON d.id = v.id WHEN MATCHED THEN UPDATE SET state = 'posted';
COMMIT;
BEGIN;
UPDATE pay.doc SET state = 'draft' WHERE id IN (1, 2);
UPDATE pay.doc SET amount = amount * 100 WHERE id IN (1, 2);
UPDATE pay.doc SET state = 'posted' WHERE id IN (1, 2);
COMMIT;
SELECT CASE WHEN (SELECT array_agg(amount ORDER BY id) FROM pay.doc WHERE state = 'posted') = '{5,-5}' THEN 'HELD' ELSE 'BYPASSED' END;
\else
SELECT 'N/A';
\endif
