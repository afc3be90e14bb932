-- In a test database nobody depends on what maintenance windows are for; what none permits is
-- refused there, too.  For a server that preloads paysafe.
BEGIN;
SELECT plan(17);
\ir ../pgtap/lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TYPE shop.stage AS ENUM ('new', 'paid');
CREATE TABLE shop.payment (id int PRIMARY KEY, status text, note int, stage shop.stage);
SELECT paysafe.protect_status('shop.payment', 'status', E'[*] --> new\nnew --> paid'),
	   paysafe.protect_columns('shop.payment', '{note}'), paysafe.audit('shop.payment');
CREATE TABLE shop."order" (id int PRIMARY KEY, stage shop.stage);
SELECT paysafe.protect_status('shop.order', 'stage', E'[*] --> new\nnew --> paid');

CREATE TEMPORARY TABLE attempt (n int, class text, command text) ON COMMIT DROP;
INSERT INTO attempt VALUES
	(1, 'column', 'ALTER TABLE shop.payment RENAME note TO memo; ALTER TABLE shop.payment RENAME memo TO note'),
	(2, 'column', 'ALTER TABLE shop.payment ALTER note TYPE bigint USING note::bigint'),
	(3, 'identity', 'ALTER TABLE shop.payment RENAME TO paid; ALTER TABLE shop.paid RENAME TO payment'),
	(4, 'key', 'ALTER TABLE shop.payment DROP CONSTRAINT payment_pkey; ALTER TABLE shop.payment ADD PRIMARY KEY (id)'),
	(5, 'column', 'ALTER TABLE shop.payment DROP note'),
	(6, 'drop_table', 'DROP TABLE shop.payment');
SELECT is(pg_temp.refusal(command), '42501 shop.payment paysafe_payment_guard_' || class, 'in no test database: ' || command) FROM attempt ORDER BY n;
SELECT paysafe.declare_test_database();
SELECT is(pg_temp.refusal(command), 'accepted', 'in one: ' || command) FROM attempt WHERE n < 5 ORDER BY n;

INSERT INTO shop.payment VALUES (1, 'new', 7);
SELECT matches(pg_temp.refusal(command), code, 'refused all the same: ' || command) FROM (VALUES
	('guard_column$', 'ALTER TABLE shop.payment ALTER note TYPE text USING ''x'''),
	('guard_trigger$', 'ALTER TABLE shop.payment DISABLE TRIGGER paysafe'),
	('guard_trigger$', 'DROP TRIGGER paysafe ON shop.payment'),
	('guard_label$', 'ALTER TYPE shop.stage RENAME VALUE ''paid'' TO ''x'''),
	('guard_own_table$', 'ALTER TABLE paysafe.rule ADD x int')) v (code, command);
SELECT is(pg_temp.refusal(command), 'accepted', 'in one: ' || command) FROM attempt WHERE n >= 5 ORDER BY n;
SELECT * FROM finish();
ROLLBACK;
