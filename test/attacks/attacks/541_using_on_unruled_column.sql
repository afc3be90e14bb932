-- id: 541
-- role: owner
-- category: table-ddl
-- expect: must be blocked
-- how: values of a column that no rule names are rewritten with USING: the table is audited, and no audit row is written
-- counter: judge what ALTER TYPE does with values, not only the rule's columns
UPDATE pay.payment SET note = 'as it was' WHERE id = 2;
ALTER TABLE pay.payment ALTER note TYPE text USING 'as it never was';
SELECT CASE WHEN EXISTS (SELECT 1 FROM pay.payment WHERE note = 'as it never was') THEN 'BYPASSED' ELSE 'HELD' END;
