-- id: 549
-- role: owner
-- category: approval-binding
-- expect: must be blocked
-- how: one person alone: a maintenance window that nobody else approved, one for another table, and one whose time is over
-- counter: approval bound to tables, time and login; the clock at each use
SELECT to_regprocedure('paysafe.open_maintenance(text, text, interval, regclass[])') IS NOT NULL AS there \gset
\if :there
BEGIN;
SELECT paysafe.open_maintenance('alone', 'T-1', '1 hour', '{pay.payment}');
COMMIT;
\c - pay_super
BEGIN; SELECT paysafe.act_as('bob'), paysafe.approve('paysafe.maintenance_record', 'maintenance of pay.wallet by ''pay_super'' for 1 s: T-2, other', 'ok'); COMMIT;
BEGIN; SELECT paysafe.act_as('alice'), paysafe.open_maintenance('other', 'T-2', '1 second', '{pay.wallet}'); COMMIT;
ALTER TABLE pay.payment ALTER status TYPE text USING 'captured';
SELECT pg_sleep(1.1);
ALTER TABLE pay.wallet DROP CONSTRAINT wallet_pkey CASCADE;
ALTER TABLE pay.wallet RENAME TO purse;
SELECT CASE WHEN EXISTS (SELECT 1 FROM pay.payment WHERE id = 2 AND status::text = 'captured') OR to_regclass('pay.purse') IS NOT NULL THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
