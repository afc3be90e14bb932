-- id: 612
-- role: app
-- category: velocity
-- expect: must be blocked
-- how: money to one payee above what a day allows: in small rows, one statement, a loop of savepoints; room made by deleting, lowering, moving rows to another payee, an upsert, replica mode, a NaN that no sum survives
-- counter: what is written counts, nothing is taken off, and what cannot be added up is refused
\c - pay_owner
\if `[ "$TARGET" = paysafe ] && echo true || echo false`
CREATE TABLE pay.transfer (id int PRIMARY KEY, payee text NOT NULL, amount numeric);
SELECT paysafe.protect_velocity('pay.transfer', 'payee', 100, '1 day', 'amount', 'amount', mode => 'refuse');
GRANT ALL ON pay.transfer TO pay_app;
CREATE TABLE pay.gone (amount numeric);
GRANT ALL ON pay.gone TO pay_app;
\c - pay_app
\set ON_ERROR_STOP off
INSERT INTO pay.transfer VALUES (1, 'mallory', 60);
WITH d AS (DELETE FROM pay.transfer RETURNING amount) INSERT INTO pay.gone SELECT amount FROM d;
INSERT INTO pay.transfer VALUES (2, 'mallory', 60);
INSERT INTO pay.transfer VALUES (3, 'mallory', 'NaN');
INSERT INTO pay.transfer VALUES (3, 'mallory', 'Infinity'), (4, 'mallory', '-Infinity');
INSERT INTO pay.transfer VALUES (5, 'mallory', -1000);
INSERT INTO pay.transfer VALUES (6, 'mallory', 60);
DO $$ BEGIN FOR i IN 10..99 LOOP BEGIN INSERT INTO pay.transfer VALUES (i, 'mallory', 1); EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $$;
INSERT INTO pay.transfer SELECT i, 'friend', 1 FROM generate_series(200, 260) i;
UPDATE pay.transfer SET payee = 'mallory' WHERE payee = 'friend';
INSERT INTO pay.transfer VALUES (200, 'mallory', 60) ON CONFLICT (id) DO UPDATE SET payee = 'mallory', amount = 60;
UPDATE pay.transfer SET amount = 60 WHERE id = 10;
MERGE INTO pay.transfer t USING (VALUES (10)) v(id) ON t.id = v.id WHEN MATCHED THEN UPDATE SET amount = 60;
SET session_replication_role = replica;
INSERT INTO pay.transfer VALUES (300, 'mallory', 60);
\c - pay_owner
DELETE FROM paysafe.velocity_flow;
TRUNCATE paysafe.velocity_flow;
ALTER TABLE pay.transfer DISABLE TRIGGER ALL;
SELECT paysafe.protect_velocity('pay.transfer', 'payee', 1000, '1 day', 'amount', 'amount', mode => 'refuse');
SELECT paysafe.protect_velocity('pay.transfer', 'payee', 100, '1 second', 'amount', 'amount', mode => 'refuse');
SELECT paysafe.protect_velocity('pay.transfer', 'payee', 100, '1 day', 'amount', 'amount');
SELECT paysafe.velocity_expire();
ALTER TABLE pay.transfer RENAME COLUMN payee TO who;
ALTER TABLE pay.transfer RENAME TO transfers;
ALTER TABLE IF EXISTS pay.transfers RENAME TO transfer;
\c - pay_app
INSERT INTO pay.transfer VALUES (301, 'mallory', 60);
\c - pay_super
SELECT CASE WHEN (SELECT sum(amount) FROM (SELECT amount FROM pay.transfer WHERE amount > 0 AND 'mallory' IN (to_jsonb(transfer) ->> 'payee', to_jsonb(transfer) ->> 'who')
	UNION ALL SELECT amount FROM pay.gone) s) > 100 THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
