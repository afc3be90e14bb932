-- What says whether a row is a test is there when the row is added, and not later; and what goes with a test.
BEGIN;
SELECT plan(37);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
SELECT paysafe.act_as('ann');

-- without a foreign key: a parent that comes later makes no test of what is there
CREATE TABLE shop.orders (id int PRIMARY KEY, test boolean);
CREATE TABLE shop.payment (id int PRIMARY KEY, order_id int, state text, amount numeric);
CREATE INDEX ON shop.payment (order_id);
SELECT paysafe.protect_status('shop.payment', 'state', '[*] --> paid');
SELECT paysafe.protect_payment('shop.payment', 'state', 'amount', captured => '{paid}', currency => 'EUR');
SELECT paysafe.protect_test_rows('shop.payment', '{order_id,test}', parent => 'shop.orders');
INSERT INTO shop.orders VALUES (1, true), (2, false);
INSERT INTO shop.payment VALUES (1, 1, 'paid', 10), (2, 2, 'paid', 10), (3, NULL, 'paid', 10);
SELECT is(pg_temp.refusal(s), want, s) FROM (VALUES
	('INSERT INTO shop.payment VALUES (9, 99, ''paid'', 10)', '23R03 shop.payment.order_id paysafe_payment_test_rows'),
	('UPDATE shop.payment SET order_id = 99 WHERE id = 3', '23R03 shop.payment.order_id paysafe_payment_test_rows'),
	('UPDATE shop.payment SET order_id = 1 WHERE id = 3', '23R03 shop.payment.order_id paysafe_payment_test_rows'),
	('UPDATE shop.payment SET order_id = 99 WHERE id = 2', '23R03 shop.payment.order_id paysafe_payment_test_rows'),
	('INSERT INTO shop.payment VALUES (1, 99, ''paid'', 10) ON CONFLICT (id) DO UPDATE SET order_id = EXCLUDED.order_id', '23R03 shop.payment.order_id paysafe_payment_test_rows'),
	('UPDATE shop.orders SET id = 50 WHERE id = 1', '23R03 shop.orders.id paysafe_orders_test_rows'),
	('DELETE FROM shop.orders WHERE id = 2', '23R07 shop.orders paysafe_orders_test_rows'),
	('WITH o AS (INSERT INTO shop.orders VALUES (5, true) RETURNING id) INSERT INTO shop.payment SELECT 5, o.id, ''paid'', 10 FROM o', 'accepted'),
	('DELETE FROM shop.payment WHERE id = 5', 'accepted'),
	('DELETE FROM shop.payment WHERE id = 2', '23T03 shop.payment.state paysafe_payment_status'),
	('UPDATE shop.payment SET order_id = 2 WHERE id = 3', 'accepted'),
	('DELETE FROM shop.payment WHERE id = 3', '23T03 shop.payment.state paysafe_payment_status'),
	('DELETE FROM shop.payment WHERE id = 1', 'accepted')) v (s, want);

-- rows that refer to nothing there are not declared over
CREATE TABLE shop.old (id int PRIMARY KEY, order_id int, state text, amount numeric);
CREATE INDEX ON shop.old (order_id);
INSERT INTO shop.old VALUES (1, 77, 'paid', 10);
SELECT is(left(pg_temp.refusal('SELECT paysafe.protect_test_rows(''shop.old'', ''{order_id,test}'', parent => ''shop.orders'')'), 5), '23514', 'row 1 could become a test');
UPDATE shop.old SET order_id = 2;
SELECT is(pg_temp.refusal('SELECT paysafe.protect_test_rows(''shop.old'', ''{order_id,test}'', parent => ''shop.orders'')'), 'accepted', 'now not');

-- values that the column cannot have
CREATE TABLE shop.fresh (id int PRIMARY KEY, order_id int);
CREATE INDEX ON shop.fresh (order_id);
SELECT is(left(pg_temp.refusal(s), 5), '22023', s) FROM (VALUES
	('SELECT paysafe.protect_test_rows(''shop.orders'', ''{test}'', ''{yes}'')'),
	('SELECT paysafe.protect_test_rows(''shop.orders'', ''{test}'', ''{unset}'', mode => ''observe'')'),
	('SELECT paysafe.protect_test_rows(''shop.fresh'', ''{order_id,test}'', ''{yes}'', ''shop.orders'')'),
	('SELECT paysafe.protect_test_rows(''shop.fresh'', ''{order_id,id}'', ''{x}'', ''shop.orders'')')) v (s);

-- captures go by their payment
CREATE TABLE shop.intent (id int PRIMARY KEY, test boolean);
CREATE TABLE shop.capture (id int PRIMARY KEY, intent_id int REFERENCES shop.intent, amount numeric);
CREATE INDEX ON shop.capture (intent_id);
SELECT paysafe.protect_captures('shop.capture', 'shop.intent', 'intent_id', 'amount', currency => 'EUR');
INSERT INTO shop.intent VALUES (1, true), (2, false);
INSERT INTO shop.capture VALUES (1, 1, 10), (2, 2, 10);
SELECT is(left(pg_temp.refusal('DELETE FROM shop.capture WHERE id = 1'), 5), '23R07', 'nothing says yet what is a test');
SELECT paysafe.protect_test_rows('shop.intent', '{test}');
SELECT is(pg_temp.refusal(s), want, s) FROM (VALUES
	('DELETE FROM shop.intent WHERE id = 1', '23503 shop.capture capture_intent_id_fkey'),
	('DELETE FROM shop.capture WHERE id = 2', '23R07 shop.capture paysafe_capture_captures'),
	('DELETE FROM shop.capture WHERE id = 1', 'accepted'),
	('DELETE FROM shop.intent WHERE id = 1', 'accepted'),
	('DELETE FROM shop.intent WHERE id = 2', '23503 shop.capture capture_intent_id_fkey')) v (s, want);

-- refunds without rows go with their payment
CREATE TABLE shop.running (id int PRIMARY KEY, test boolean, state text, amount numeric, refunded numeric);
SELECT paysafe.protect_payment('shop.running', 'state', 'amount', captured => '{paid}', currency => 'EUR');
SELECT paysafe.protect_refund('shop.running', 'shop.running', 'id', 'refunded', amounts => 'running');
SELECT paysafe.set_refund_threshold('shop.running', 'EUR', 5);
SELECT paysafe.protect_test_rows('shop.running', '{test}');
INSERT INTO shop.running VALUES (1, true, 'paid', 10, 5), (2, false, 'paid', 10, 5);
SELECT is(pg_temp.refusal(s), want, s) FROM (VALUES
	('UPDATE shop.running SET test = true WHERE id = 2', '23R03 shop.running.test paysafe_running_test_rows'),
	('DELETE FROM shop.running WHERE id = 2', '23R07 shop.running paysafe_running_payment'),
	('DELETE FROM shop.running WHERE id = 1', 'accepted'),
	-- the same number again begins with what has been paid out of it
	('INSERT INTO shop.running VALUES (1, true, ''paid'', 10, 1)', '42501 shop.running.refunded paysafe_running_approval')) v (s, want);
-- refunds with rows go before their payment, and the hint says so
CREATE TABLE shop.sale (id int PRIMARY KEY, test boolean, state text, amount numeric);
CREATE TABLE shop.refund (id int PRIMARY KEY, sale_id int REFERENCES shop.sale ON DELETE CASCADE, amount numeric);
CREATE INDEX ON shop.refund (sale_id);
SELECT paysafe.protect_payment('shop.sale', 'state', 'amount', captured => '{paid}', currency => 'EUR');
SELECT paysafe.protect_refund('shop.refund', 'shop.sale', 'sale_id', 'amount');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 50);
SELECT paysafe.protect_test_rows('shop.sale', '{test}');
INSERT INTO shop.sale VALUES (1, true, 'paid', 10);
INSERT INTO shop.refund VALUES (1, 1, 4);
SELECT is(left(pg_temp.refusal('DELETE FROM shop.sale'), 5), '23R07', 'not by a cascade');
SELECT is(pg_temp.refusal_text('DELETE FROM shop.sale', 'HINT'), 'Its payment is gone. If that was a test, delete its refunds before it.', 'but so');
SELECT is(pg_temp.refusal('DELETE FROM shop.refund'), 'accepted', 'its refunds');
SELECT is(pg_temp.refusal('DELETE FROM shop.sale'), 'accepted', 'then itself');
-- a change is told by the names of the arguments
SAVEPOINT change;
CREATE TABLE shop.cart (id int PRIMARY KEY, test boolean, live boolean);
ALTER TABLE shop.sale ADD cart_id int REFERENCES shop.cart;
SELECT paysafe.act_as('dba');
SELECT paysafe.propose('why');
SELECT paysafe.protect_test_rows('shop.sale', '{cart_id,test}');
SELECT paysafe.propose(NULL);
SELECT is((SELECT difference FROM paysafe.pending_change WHERE relation = 'shop.sale'::regclass),
	E'refers to shop.cart instead of nothing\nunsets test_path, which was "test"\nsets parent_column to "test"\nsets parent_key to "id"\nsets test_path to "cart_id.test"\nsets test_path_column to "cart_id"', 'in words');
SELECT is((SELECT array_agg(k ORDER BY k COLLATE "C") FROM paysafe.pending_change, jsonb_object_keys(after) k WHERE relation = 'shop.sale'::regclass),
	'{parent_column,parent_key,test_path,test_path_column,test_values}', 'whole');
SELECT is((SELECT count(*) FROM paysafe.pending_change WHERE key ~ 'currency|[^a-z_]currency'), 0::bigint, 'and in its key');
ROLLBACK TO change;
SELECT is((SELECT count(*) FROM paysafe.check() c WHERE NOT c.ok AND c.subject LIKE 'shop.%' AND c.check_name IN ('rules_fit', 'row_trigger', 'table')), 0::bigint, 'in force');
SELECT * FROM finish();
ROLLBACK;
