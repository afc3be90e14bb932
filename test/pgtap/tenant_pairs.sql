-- Across tenants, too, a refund and a capture belong to the tenant of their payment.
BEGIN;
SELECT plan(40);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
-- whose a row is: a text there, a number here
CREATE TABLE shop.payment (id int PRIMARY KEY, tenant text, captured numeric, currency text DEFAULT 'EUR');
CREATE TABLE shop.refund (id int PRIMARY KEY, tenant int, payment int, amount numeric, currency text DEFAULT 'EUR', status text DEFAULT 'asked');
CREATE TABLE shop."order" (id int PRIMARY KEY, tenant uuid, amount numeric, currency text DEFAULT 'EUR');
CREATE TABLE shop.capture (id int PRIMARY KEY, tenant varchar(40), "order" int, amount numeric);
-- tables of which one belongs to nobody
CREATE TABLE shop.plain (id int PRIMARY KEY, tenant int, payment int, amount numeric, currency text DEFAULT 'EUR', status text DEFAULT 'asked');
CREATE INDEX ON shop.refund (payment);
CREATE INDEX ON shop.plain (payment);
CREATE INDEX ON shop.capture ("order");
-- captures that have a status, whose own tenant is known or not
CREATE TABLE shop.taken (id int PRIMARY KEY, tenant int, "order" int, amount numeric, status text DEFAULT 'done');
CREATE TABLE shop.taken_plain (LIKE shop.taken INCLUDING ALL);
CREATE INDEX ON shop.taken ("order");
CREATE INDEX ON shop.taken_plain ("order");
CREATE TABLE shop.bill (id int PRIMARY KEY, tenant int, amount numeric, currency text DEFAULT 'EUR');
INSERT INTO shop.bill VALUES (1, 7, 1000), (2, 8, 1000);
INSERT INTO shop.payment VALUES (1, '7', 1000), (2, '8', 1000);
INSERT INTO shop."order" VALUES (1, repeat('7', 32)::uuid, 1000), (2, repeat('8', 32)::uuid, 1000);
SELECT paysafe.protect_refund(t, 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency') FROM unnest('{shop.refund,shop.plain}'::regclass[]) t;
SELECT paysafe.protect_captures('shop.capture', 'shop.order', 'order', 'amount', limit_column => 'amount', currency_path => '{order,currency}');
SELECT paysafe.protect_captures(t, 'shop.bill', 'order', 'amount', status_column => 'status', counted => '{done}', limit_column => 'amount', currency_path => '{order,currency}') FROM unnest('{shop.taken,shop.taken_plain}'::regclass[]) t;
-- what is there from before
INSERT INTO shop.refund VALUES (9, 7, 2, 10);
INSERT INTO shop.taken VALUES (8, 8, 1, 20), (9, 7, 1, 30);
INSERT INTO shop.taken_plain VALUES (9, 7, 1, 40);
-- what leaves without a payment is of one tenant by its name; sums of what goes to one account, and of what one person asks for
CREATE TABLE shop.payout (id int PRIMARY KEY, tenant int, merchant text, amount numeric, currency text DEFAULT 'EUR', iban text);
CREATE INDEX ON shop.payout (tenant, merchant);
CREATE TABLE shop.credit (LIKE shop.payout INCLUDING ALL);
CREATE FUNCTION pg_temp.pays(t text, columns text) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT paysafe.protect_refund(''shop.%I'', NULL, %L, ''amount'', ''currency'', beneficiary_column => ''iban'')', t, columns) $$;
SELECT is(pg_temp.refusal(pg_temp.pays('credit', 'merchant')), 'accepted', 'payouts');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_tenant('shop.credit', 'tenant')$$), '22023', '... of which nobody knows the tenant');
SELECT is(pg_temp.refusal_text($$SELECT paysafe.protect_tenant('shop.credit', 'tenant')$$, field), expected, field) FROM (VALUES
	('MESSAGE', 'payouts of table "credit" belong to no tenant'),
	('DETAIL', 'Payouts with the same merchant are summed up and approved together, whatever tenant has them.'),
	('HINT', 'Make column "tenant" one of those that name what a payout is of: payment_column => ''{tenant,merchant}''.')) v (field, expected);
SELECT is(pg_temp.refusal(pg_temp.pays('payout', '{tenant,merchant}')), 'accepted', '... or has it in its name');
SELECT paysafe.set_refund_threshold('shop.payout', 'EUR', 1000, "within" => '7 days'),
	paysafe.set_refund_threshold('shop.payout', 'EUR', 1000, "within" => '7 days', band => 'account', per => 'beneficiary'),
	paysafe.set_refund_threshold('shop.payout', 'EUR', 2500, "within" => '7 days', band => 'person', per => 'requester');
SELECT paysafe.act_as('ann');
INSERT INTO shop.payout VALUES (1, 8, 'before', 300, DEFAULT, 'DE 1');
SELECT paysafe.protect_tenant(t, 'tenant') FROM unnest('{shop.payment,shop.refund,shop.order,shop.capture,shop.bill,shop.taken,shop.payout}'::regclass[]) t;
SELECT is(pg_temp.refusal(pg_temp.pays('payout', 'merchant')), '22023', '... for good');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve_refund('shop.payout', '8,before', 10, 'EUR', 'x')$$), '22023', 'without a tenant nothing is approved');
-- whoever works for nobody is told so, whether the payment is there or not
SELECT is(pg_temp.refusal(statement), expected, statement) FROM (VALUES
	($$INSERT INTO shop.taken_plain VALUES (1, 7, 1, 10)$$, '23N02 shop.taken_plain paysafe_taken_plain_captures'),
	($$INSERT INTO shop.taken_plain VALUES (1, 7, 99, 10)$$, '23N02 shop.taken_plain paysafe_taken_plain_captures'),
	($$UPDATE shop.taken_plain SET status = 'failed' WHERE id = 9$$, '23N02 shop.taken_plain paysafe_taken_plain_captures'),
	($$INSERT INTO shop.plain VALUES (1, 7, 2, 10)$$, '23N02 shop.plain paysafe_plain_refund'),
	($$INSERT INTO shop.plain VALUES (1, 7, 99, 10)$$, '23N02 shop.plain paysafe_plain_refund')) v (statement, expected);
SELECT is(pg_temp.refusal_text('INSERT INTO shop.taken_plain VALUES (1, 7, 1, 10)', field), expected, field) FROM (VALUES
	('MESSAGE', 'table "bill" belongs to tenants, and the transaction works for none: INSERT refused'),
	('DETAIL', 'Row "1" of table "taken_plain" is of a payment there.'),
	('HINT', 'In the same transaction: SELECT paysafe.act_for_tenant(''TENANT''); for all of them, where that is granted: SELECT paysafe.across_tenants(''why'').')) v (field, expected);
SELECT paysafe.across_tenants('support');
\set refund '23R06 shop.refund.payment paysafe_refund_refund'
\set capture '23R06 shop.capture.order paysafe_capture_captures'
SELECT is(pg_temp.refusal(statement), expected, statement) FROM (VALUES
	($$INSERT INTO shop.refund VALUES (1, 7, 2, 10)$$, :'refund'),
	($$INSERT INTO shop.refund VALUES (1, 8, 2, 10)$$, 'accepted'),
	($$INSERT INTO shop.refund VALUES (2, 7, 1, 10)$$, 'accepted'),
	($$INSERT INTO shop.refund SELECT 3, tenant, payment % 2 + 1, amount FROM shop.refund WHERE id = 1$$, :'refund'),
	($$UPDATE shop.refund SET status = 'void' WHERE id = 9$$, 'accepted'),
	($$UPDATE shop.refund SET status = 'asked' WHERE id = 9$$, :'refund'),
	($$INSERT INTO shop.plain VALUES (1, 7, 2, 10)$$, 'accepted'),
	($$UPDATE shop.taken SET status = 'failed' WHERE id = 8$$, 'accepted'),
	($$UPDATE shop.taken SET status = 'done' WHERE id = 8$$, '23R06 shop.taken.order paysafe_taken_captures'),
	($$INSERT INTO shop.capture VALUES (1, repeat('7', 32)::uuid::text, 2, 10)$$, :'capture'),
	($$INSERT INTO shop.capture VALUES (1, repeat('7', 32)::uuid::text, 1, 10)$$, 'accepted'),
	($$INSERT INTO shop.capture VALUES (2, repeat('7', 32), 1, 10)$$, :'capture'),
	($$DELETE FROM shop.capture WHERE id = 1$$, '23R07 shop.capture paysafe_capture_captures')) v (statement, expected);
SELECT is(pg_temp.refusal_text('INSERT INTO shop.refund VALUES (5, 7, 2, 10)', field), expected, field) FROM (VALUES
	('MESSAGE', 'refund "5" in table "refund" and its payment belong to two tenants'),
	('DETAIL', 'The refund belongs to "7", payment "2" to "8".')) v (field, expected);
SELECT is(pg_temp.refusal(format('INSERT INTO shop.payout VALUES (%s, %s, ''m'', %s, DEFAULT, %L)', id, tenant, amount, iban)), expected, format('%s to %s of tenant %s', amount, iban, tenant))
  FROM (VALUES
	-- what goes to one account is one sum, whoever pays it
	(2, 7, 701, 'DE1', '42501 shop.payout.amount paysafe_payout_approval'),
	(3, 7, 700, 'DE1', 'accepted'),
	(4, 8, 1, 'de-1', '42501 shop.payout.amount paysafe_payout_approval'),
	(5, 8, 700, 'DE2', 'accepted'),
	(6, 8, 300, 'DE3', 'accepted'),
	(7, 8, 1, 'DE4', '42501 shop.payout.amount paysafe_payout_approval'),
	(8, 7, 300, 'DE3', 'accepted')) v (id, tenant, amount, iban, expected);
-- and what it comes to is not told to one of them; nor is a person's
SELECT is(pg_temp.refusal_text(format('INSERT INTO shop.payout VALUES (9, 9, ''m'', %s, DEFAULT, %L)', amount, iban), 'DETAIL'), detail, band)
  FROM (VALUES (1, 'DE1', 'account', 'Payouts to this beneficiary within 168:00:00 would total more; the threshold of band account is 1000 EUR. 0 of 1 approvals found; requested by "ann".'),
	(201, 'DE4', 'person', 'Payouts requested by this person within 168:00:00 would total more; the threshold of band person is 2500 EUR. 0 of 1 approvals found; requested by "ann".')) v (amount, iban, band, detail);
SELECT * FROM finish();
ROLLBACK;
