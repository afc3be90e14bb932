-- id: 542
-- role: owner
-- category: type-hijack
-- expect: must be blocked
-- how: labels of the status enum are swapped by three renames: every row means something else, and no row was changed
-- counter: object access of pg_type with the statement under way
SELECT enumlabel AS first FROM pg_enum WHERE enumtypid = (SELECT atttypid FROM pg_attribute WHERE attrelid = 'pay.payout'::regclass AND attname = 'status') ORDER BY enumsortorder LIMIT 1 \gset
SELECT format('ALTER TYPE %s RENAME VALUE %L TO %L', (SELECT atttypid::regtype FROM pg_attribute WHERE attrelid = 'pay.payout'::regclass AND attname = 'status'), :'first', 'other') \gexec
SELECT CASE WHEN EXISTS (SELECT 1 FROM pg_enum WHERE enumlabel = 'other') THEN 'BYPASSED' ELSE 'HELD' END;
