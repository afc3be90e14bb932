-- Rows that are refunds by two rules: of a payment, and of its order.  Each rule holds for them, by itself.
BEGIN;
SELECT plan(54);
\ir lib/refusal.psql
\ir lib/approved.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;

CREATE TABLE shop."order" (id int PRIMARY KEY, paid numeric, currency text);
CREATE TABLE shop.payment (id int PRIMARY KEY, order_id int REFERENCES shop."order", captured numeric, currency text);
INSERT INTO shop."order" SELECT i, 100, 'EUR' FROM generate_series(1, 20) i;
INSERT INTO shop.payment SELECT 10 * i + j, i, 60, 'EUR' FROM generate_series(1, 20) i, generate_series(0, 1) j;
CREATE TABLE shop.refund (id int PRIMARY KEY, order_id int NOT NULL, payment_id int, amount numeric, status text, note text);
CREATE INDEX ON shop.refund (order_id);
CREATE INDEX ON shop.refund (payment_id);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment_id', 'amount', status_column => 'status', gated => '{sent}', void => '{failed}',
	payment_amount_column => 'captured', payment_currency_column => 'currency', rows => '{"payment_id": {"not": [null]}}', rule => 'refund_payment')$$), 'accepted', 'of payments, where there is one');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 30)$$), 'accepted', 'the only rule is meant without a name');
SELECT is(paysafe.spoken_amount('shop.refund', 1, 'EUR'), '1 EUR', '... everywhere') FROM (VALUES (1)) v;
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.refund', 'shop.order', 'order_id', 'amount', status_column => 'status', gated => '{sent}', void => '{failed,written_off}',
	payment_amount_column => 'paid', payment_currency_column => 'currency', rule => 'refund_order')$$), 'accepted', 'of orders, in any case');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 40)$$), '22023', 'now there are two');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve_refund('shop.refund', '1', 40, 'EUR', 'x')$$), '22023', '... for approvals, too') FROM (SELECT paysafe.act_as('bob')) a;
SELECT is(pg_temp.refusal_text($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 40)$$, 'HINT'), 'Say which one is meant: rule => ''refund_order''.', '... and it says which');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 40, rule => 'refund_order')$$), 'accepted', 'so it is named');

-- the cap
\set order_cap '23R01 shop.refund.amount paysafe_refund_refund_order'
\set payment_cap '23R01 shop.refund.amount paysafe_refund_refund_payment'
SELECT paysafe.act_as('alice');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (1, 1, 10, 60.01, 'asked')$$), :'payment_cap', 'more than its payment');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (1, 1, 10, 60, 'asked')$$), 'accepted', 'all of it');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (2, 1, 11, 40.01, 'asked')$$), :'order_cap', 'more than its order');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (2, 1, NULL, 40.01, 'asked')$$), :'order_cap', '... without a payment');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (2, 1, NULL, 40, 'asked')$$), 'accepted', 'the rest of it');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET payment_id = 11 WHERE id = 2$$), 'accepted', 'a payment is found for it');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET payment_id = 10 WHERE id = 2$$), '23R03 shop.refund.payment_id paysafe_refund_refund_payment', '... and stays');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET payment_id = NULL WHERE id = 2$$), '23R03 shop.refund.payment_id paysafe_refund_refund_payment', '... so that it is not free again');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET order_id = 2 WHERE id = 2$$), '23R03 shop.refund.order_id paysafe_refund_refund_order', 'as does the order');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'written_off' WHERE id = 1$$), 'accepted', 'void by one rule');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (3, 1, 10, 1, 'asked')$$), :'payment_cap', '... it leaves no room to the other');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (3, 1, 11, 20, 'asked')$$), 'accepted', '... but to this');
SELECT is(pg_temp.refusal($$DELETE FROM shop.refund WHERE id = 1$$), '23R07 shop.refund paysafe_refund_refund_payment', 'it stays by the one');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'failed' WHERE id = 1; DELETE FROM shop.refund WHERE id = 1$$), 'accepted', 'void by both, it may go');

-- the gate of each
\set order_gate '42501 shop.refund.status paysafe_refund_refund_order_approval'
\set payment_gate '42501 shop.refund.status paysafe_refund_refund_payment_approval'
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (10, 2, 20, 30, 'sent')$$), 'accepted', 'below both');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (11, 2, 20, 1, 'sent')$$), :'payment_gate', 'above the payment''s');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (11, 2, 21, 11, 'sent')$$), :'order_gate', 'above the order''s');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (11, 2, NULL, 11, 'sent')$$), :'order_gate', '... without a payment');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (11, 2, NULL, 10, 'sent'); UPDATE shop.refund SET payment_id = 20 WHERE id = 11$$), :'payment_gate', 'a payment that is found later asks, too');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (12, 3, 30, 50, 'asked')$$), 'accepted', 'one that waits by both');
SELECT results_eq($$SELECT rule, threshold FROM paysafe.pending_approval WHERE key = '12' ORDER BY rule$$, $$VALUES ('refund_order', 40::numeric), ('refund_payment', 30)$$, '... and shows so');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'sent' WHERE id = 12$$), :'order_gate', '... does not pass');
SELECT paysafe.act_as('bob');
SELECT ok(paysafe.approve('shop.refund', '12', 'fine') IS NOT NULL, 'one look approves it by both');
SELECT is_empty($$SELECT FROM paysafe.pending_approval WHERE key = '12'$$, 'it does not wait any more');
SELECT results_eq($$SELECT rule, state COLLATE "default" FROM paysafe.approval WHERE key = '12' ORDER BY rule$$, $$VALUES ('refund_order', 'open'), ('refund_payment', 'open')$$, 'what was approved');
SELECT paysafe.act_as('alice');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET note = 'x' WHERE id = 12; UPDATE shop.refund SET status = 'sent' WHERE id = 12$$), :'order_gate', 'another row has not been');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'sent' WHERE id = 12$$), 'accepted', 'it passes both');
SELECT results_eq($$SELECT rule, state COLLATE "default" FROM paysafe.approval WHERE key = '12' ORDER BY rule$$, $$VALUES ('refund_order', 'used'), ('refund_payment', 'used')$$, '... and has used both');
SELECT results_eq($$SELECT rule COLLATE "default", payment COLLATE "default", event FROM paysafe.refund_event WHERE refund = '12' AND event = 'gated' ORDER BY rule$$, $$VALUES ('refund_order', '3', 'gated'), ('refund_payment', '30', 'gated')$$, 'both remember it');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (13, 4, 40, 50, 'asked')$$), 'accepted', 'another one');
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('shop.refund', '13', 'fine');
SELECT paysafe.withdraw_approval(id, 'not this one') FROM paysafe.approval WHERE key = '13' AND rule = 'refund_payment';
SELECT paysafe.act_as('alice');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'sent' WHERE id = 13$$), :'payment_gate', 'approved by one only, it does not pass');
SELECT is((SELECT state FROM paysafe.approval WHERE key = '13' AND rule = 'refund_order'), 'open', '... and has used nothing');

-- looser and observed
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 60, rule => 'refund_order')$$), '42501 shop.refund paysafe_refund_threshold for EUR of refund_order', 'a higher threshold needs a second person');
SELECT pg_temp.approved($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 60, rule => 'refund_order')$$);
SELECT results_eq($$SELECT rule COLLATE "default", amount FROM paysafe.threshold t WHERE version = (SELECT max(version) FROM paysafe.threshold n WHERE n.rule = t.rule) ORDER BY rule$$,
	$$VALUES ('refund_order', 60::numeric), ('refund_payment', 30)$$, '... and is of the one rule');
SELECT pg_temp.approved($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment_id', 'amount', status_column => 'status', gated => '{sent}', void => '{failed}',
	payment_amount_column => 'captured', payment_currency_column => 'currency', rows => '{"payment_id": {"not": [null]}}', rule => 'refund_payment', mode => 'observe')$$);
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (20, 5, 50, 60, 'sent')$$), 'accepted', 'one rule is only observed');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (21, 6, 60, 61, 'sent')$$), :'order_gate', '... the other is not');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET payment_id = 51 WHERE id = 20$$), 'accepted', 'the payment may change');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET order_id = 6 WHERE id = 20$$), '23R03 shop.refund.order_id paysafe_refund_refund_order', 'the order may not');

-- what cannot stand beside it
CREATE FUNCTION pg_temp.beside(arguments text) RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.refusal(format('SELECT paysafe.protect_refund(%s)', arguments)) $$;
SELECT is(pg_temp.beside($$'shop.refund', 'shop.refund', 'id', 'amount', currency => 'EUR', amounts => 'running'$$), '22023', 'a column that says what has been refunded');
SELECT is(pg_temp.beside($$'shop.refund', 'shop.order', 'order_id', 'amount', payment_amount_column => 'paid', payment_currency_column => 'currency', rule => 'refund_x'$$), '22023', 'the same orders once more');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_movements('shop.refund', NULL, 'order_id', 'note', 'amount', 'status', capture => '{c}', refund => '{r}')$$), '22023', 'movements of payments that no table has');
SELECT is(pg_temp.beside($$'shop.refund', NULL, 'note', 'amount', currency => 'EUR', status_column => 'status', gated => '{sent}', void => '{failed}', rows => '{"note": {"not": [null]}}', rule => 'refund_agent'$$), 'accepted', 'payouts of an agent');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 25, rule => 'refund_agent');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (30, 7, 70, 20, 'sent', 'eve'), (31, 8, 80, 6, 'sent', 'eve')$$), '42501 shop.refund.status paysafe_refund_refund_agent_approval', '... are limited over all orders');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (30, 7, 70, 20, 'sent', 'eve'), (31, 8, 80, 5, 'sent', 'eve'), (32, 8, 80, 25, 'sent', 'mallory')$$), 'accepted', '... each by itself');
SELECT is(pg_temp.refusal($$SELECT paysafe.unprotect('shop.refund', 'refund_order', 'x')$$), '42501 shop.refund paysafe_refund_refund_order', 'a rule is dropped by its name');
SELECT is_empty($$SELECT * FROM paysafe.check() WHERE subject = 'shop.refund' AND NOT ok AND check_name IN ('refund_totals', 'rules', 'rule')$$, 'check()');

SELECT * FROM finish();
ROLLBACK;
