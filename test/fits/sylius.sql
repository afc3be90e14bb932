-- sylius: minor units; refunds name the order, of whose payments one is completed; the order has a
-- status of its payment, by which its total is captured. Carts are deleted.
CREATE TABLE sylius_order (id int PRIMARY KEY, number varchar(255), state varchar(255) NOT NULL, checkout_state varchar(255) NOT NULL,
	payment_state varchar(255) NOT NULL, total int NOT NULL, currency_code varchar(3) NOT NULL, updated_at timestamp(0));
CREATE TABLE sylius_payment (id int PRIMARY KEY, method_id int, order_id int NOT NULL REFERENCES sylius_order ON DELETE CASCADE,
	currency_code varchar(3) NOT NULL, amount int NOT NULL, state varchar(255) NOT NULL, details json NOT NULL DEFAULT '[]', updated_at timestamp(0));
CREATE INDEX ON sylius_payment (order_id);
CREATE TABLE sylius_refund_refund (id serial PRIMARY KEY, order_id int REFERENCES sylius_order, amount int NOT NULL, refunded_unit_id int, type varchar(255) NOT NULL);
CREATE TABLE sylius_refund_refund_payment (id int PRIMARY KEY, order_id int REFERENCES sylius_order, payment_method_id int, amount int NOT NULL,
	currency_code varchar(255) NOT NULL, state varchar(255) NOT NULL);
CREATE INDEX ON sylius_refund_refund_payment (order_id);

SELECT paysafe.protect_status('sylius_payment', 'state', '
	[*] --> cart
	[*] --> new : another try
	cart --> new
	new --> processing
	new --> authorized
	new --> completed
	new --> failed
	new --> cancelled
	processing --> authorized
	processing --> completed
	processing --> failed
	processing --> cancelled
	authorized --> completed
	authorized --> failed
	authorized --> cancelled
	completed --> refunded', deletable => '{cart}');
SELECT paysafe.protect_payment('sylius_payment', 'state', 'amount', currency_column => 'currency_code', captured => '{completed,refunded}');
SELECT paysafe.protect_status('sylius_order', 'payment_state', '
	[*] --> cart
	cart --> awaiting_payment
	cart --> paid : nothing to pay
	awaiting_payment --> authorized
	awaiting_payment --> paid
	awaiting_payment --> cancelled
	authorized --> paid
	authorized --> cancelled
	paid --> partially_refunded
	paid --> refunded
	partially_refunded --> refunded', deletable => '{cart}');
SELECT paysafe.protect_payment('sylius_order', 'payment_state', 'total', currency_column => 'currency_code', captured => '{paid,partially_refunded,refunded}');
SELECT paysafe.protect_status('sylius_refund_refund_payment', 'state', '
	[*] --> new
	new --> completed');
SELECT paysafe.protect_refund('sylius_refund_refund_payment', 'sylius_order', 'order_id', 'amount', 'currency_code', 'state',
	gated => '{completed}', void => '{}');
SELECT paysafe.set_refund_threshold('sylius_refund_refund_payment', 'EUR', 50000);
SELECT paysafe.protect_append_only('sylius_refund_refund');
SELECT paysafe.audit('sylius_order'), paysafe.audit('sylius_payment'), paysafe.audit('sylius_refund_refund_payment');

-- a cart that fills, and one that is cleaned up; the ORM removes the payment first
INSERT INTO sylius_order VALUES (1, NULL, 'cart', 'cart', 'cart', 0, 'EUR', now()), (2, NULL, 'cart', 'cart', 'cart', 0, 'USD', now());
INSERT INTO sylius_payment (id, order_id, currency_code, amount, state) VALUES (1, 1, 'EUR', 0, 'cart'), (2, 2, 'USD', 0, 'cart');
UPDATE sylius_order SET currency_code = 'EUR', total = 500 WHERE id = 2;
DELETE FROM sylius_payment WHERE id = 2;
DELETE FROM sylius_order WHERE id = 2;
UPDATE sylius_order SET total = 12000, checkout_state = 'payment_selected', updated_at = now() WHERE id = 1;
UPDATE sylius_payment SET amount = 12000, method_id = 3, updated_at = now() WHERE id = 1;
-- the order is placed; its first payment fails, the second one succeeds
BEGIN;
UPDATE sylius_order SET number = '000000001', state = 'new', checkout_state = 'completed', payment_state = 'awaiting_payment', updated_at = now() WHERE id = 1;
UPDATE sylius_payment SET state = 'new', updated_at = now() WHERE id = 1;
COMMIT;
UPDATE sylius_payment SET state = 'processing', details = '{"id": "pi_1"}', updated_at = now() WHERE id = 1;
BEGIN;
UPDATE sylius_payment SET state = 'failed', updated_at = now() WHERE id = 1;
INSERT INTO sylius_payment (id, order_id, currency_code, amount, state) VALUES (3, 1, 'EUR', 12000, 'new');
COMMIT;
SELECT fits.refused('23R01', $$INSERT INTO sylius_refund_refund_payment VALUES (1, 1, 3, 1, 'EUR', 'new')$$);
BEGIN;
UPDATE sylius_payment SET state = 'completed', details = '{"id": "pi_2"}', updated_at = now() WHERE id = 3;
UPDATE sylius_order SET payment_state = 'paid', updated_at = now() WHERE id = 1;
COMMIT;
-- two refunds: the units, what is paid out, the order's state
BEGIN;
INSERT INTO sylius_refund_refund (order_id, amount, refunded_unit_id, type) VALUES (1, 5000, 7, 'order_item_unit');
INSERT INTO sylius_refund_refund_payment (id, order_id, payment_method_id, amount, currency_code, state) VALUES (1, 1, 3, 5000, 'EUR', 'new');
UPDATE sylius_order SET payment_state = 'partially_refunded', updated_at = now() WHERE id = 1;
COMMIT;
UPDATE sylius_refund_refund_payment SET state = 'completed' WHERE id = 1;
BEGIN;
INSERT INTO sylius_refund_refund (order_id, amount, refunded_unit_id, type) VALUES (1, 7000, 8, 'order_item_unit');
INSERT INTO sylius_refund_refund_payment (id, order_id, payment_method_id, amount, currency_code, state) VALUES (2, 1, 3, 7000, 'EUR', 'new');
UPDATE sylius_order SET payment_state = 'refunded', state = 'fulfilled', updated_at = now() WHERE id = 1;
UPDATE sylius_payment SET state = 'refunded', updated_at = now() WHERE id = 3;
COMMIT;
UPDATE sylius_refund_refund_payment SET state = 'completed' WHERE id = 2;

SELECT fits.refused('23R01', $$INSERT INTO sylius_refund_refund_payment (id, order_id, amount, currency_code, state) VALUES (3, 1, 1, 'EUR', 'new')$$);
SELECT fits.refused('23R02', $$INSERT INTO sylius_refund_refund_payment (id, order_id, amount, currency_code, state) VALUES (3, 1, 1, 'USD', 'new')$$);
SELECT fits.refused('23R06', $$INSERT INTO sylius_refund_refund_payment (id, order_id, amount, currency_code, state) VALUES (3, NULL, 1, 'EUR', 'new')$$);
SELECT fits.refused('23R03', $$UPDATE sylius_order SET total = 20000 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE sylius_order SET currency_code = 'USD' WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE sylius_payment SET amount = 20000 WHERE id = 3$$);
SELECT fits.refused('23R03', $$UPDATE sylius_refund_refund_payment SET amount = 1 WHERE id = 1$$);
SELECT fits.refused('23T03', $$DELETE FROM sylius_refund_refund_payment WHERE id = 1$$);
SELECT fits.refused('23T01', $$UPDATE sylius_payment SET state = 'completed' WHERE id = 1$$);
SELECT fits.refused('23T01', $$UPDATE sylius_order SET payment_state = 'paid' WHERE id = 1$$);
SELECT fits.refused('23T01', $$UPDATE sylius_refund_refund_payment SET state = 'new' WHERE id = 1$$);
SELECT fits.refused('23T03', $$DELETE FROM sylius_payment WHERE id = 1$$);
SELECT fits.refused('23L01', $$UPDATE sylius_refund_refund SET amount = 1$$);
-- an order of its own above the threshold
INSERT INTO sylius_order VALUES (4, NULL, 'cart', 'cart', 'cart', 90000, 'EUR', now());
UPDATE sylius_order SET payment_state = 'awaiting_payment', state = 'new' WHERE id = 4;
UPDATE sylius_order SET payment_state = 'paid' WHERE id = 4;
BEGIN;
SELECT paysafe.act_as('agent');
INSERT INTO sylius_refund_refund_payment (id, order_id, amount, currency_code, state) VALUES (9, 4, 60000, 'EUR', 'new');
COMMIT;
SELECT fits.refused('42501', $$UPDATE sylius_refund_refund_payment SET state = 'completed' WHERE id = 9$$);
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve('sylius_refund_refund_payment', '9', 'agreed with the customer');
COMMIT;
UPDATE sylius_refund_refund_payment SET state = 'completed' WHERE id = 9;
