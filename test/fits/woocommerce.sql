-- woocommerce (high-performance order storage): orders and refunds are rows of one table, told apart by their
-- type; a refund's total is negative. Its row is saved with a total of zero first, then with the real one,
-- and then the provider is called.
CREATE TABLE wc_orders (id bigint PRIMARY KEY, status varchar(20), currency varchar(10), type varchar(20), tax_amount numeric(26,8), total_amount numeric(26,8),
	customer_id bigint, billing_email varchar(320), date_created_gmt timestamp, date_updated_gmt timestamp, parent_order_id bigint, payment_method varchar(100),
	payment_method_title text, transaction_id varchar(100), ip_address varchar(100), user_agent text, customer_note text);
CREATE INDEX ON wc_orders (status);
CREATE INDEX ON wc_orders (type, status, date_created_gmt);
CREATE INDEX ON wc_orders (parent_order_id);

SELECT paysafe.protect_status('wc_orders', 'status', '
	state "wc-checkout-draft" as checkout_draft
	state "wc-pending" as pending
	state "wc-on-hold" as on_hold
	state "wc-processing" as processing
	state "wc-completed" as completed
	state "wc-refunded" as refunded
	state "wc-cancelled" as cancelled
	state "wc-failed" as failed
	[*] --> checkout_draft
	[*] --> pending
	[*] --> completed
	checkout_draft --> pending
	pending --> on_hold
	pending --> processing
	pending --> completed
	pending --> cancelled
	pending --> failed
	on_hold --> processing
	on_hold --> completed
	on_hold --> cancelled
	failed --> pending
	failed --> processing
	processing --> completed
	processing --> refunded
	completed --> refunded', deletable => '{wc-checkout-draft,wc-completed}');
SELECT paysafe.protect_payment('wc_orders', 'status', 'total_amount', currency_column => 'currency', captured => '{wc-processing,wc-completed,wc-refunded}',
	adjustable => '{wc-pending}', rows => '{"type": ["shop_order"]}');
SELECT paysafe.protect_refund('wc_orders', 'wc_orders', 'parent_order_id', 'total_amount', 'currency', payment_key => 'id',
	rows => '{"type": ["shop_order_refund"], "total_amount": {"not": [0, null]}}', amounts => 'negative', deletable => true);
SELECT paysafe.set_refund_threshold('wc_orders', 'USD', 500);
SELECT paysafe.audit('wc_orders');

-- a cart that becomes an order, and is paid
INSERT INTO wc_orders (id, status, currency, type, tax_amount, total_amount, date_created_gmt, date_updated_gmt)
	VALUES (1, 'wc-checkout-draft', 'USD', 'shop_order', 0, 45, now(), now());
UPDATE wc_orders SET total_amount = 120, tax_amount = 20, billing_email = 'a@example.com', date_updated_gmt = now() WHERE id = 1;
UPDATE wc_orders SET status = 'wc-pending', payment_method = 'stripe' WHERE id = 1;
UPDATE wc_orders SET total_amount = 125 WHERE id = 1;
SELECT fits.refused('23R01', $$INSERT INTO wc_orders (id, status, currency, type, total_amount, parent_order_id) VALUES (9, 'wc-completed', 'USD', 'shop_order_refund', -5, 1)$$);
UPDATE wc_orders SET status = 'wc-processing', transaction_id = 'ch_1', date_updated_gmt = now() WHERE id = 1;
-- refunded in part, in the two steps of the first save; then the rest; the order is refunded
INSERT INTO wc_orders (id, status, currency, type, tax_amount, total_amount, parent_order_id) VALUES (2, 'wc-completed', 'USD', 'shop_order_refund', 0, 0, 1);
UPDATE wc_orders SET tax_amount = -5, total_amount = -25, date_updated_gmt = now() WHERE id = 2;
UPDATE wc_orders SET status = 'wc-completed', date_updated_gmt = now() WHERE id = 1;
-- one that the provider refuses is deleted
INSERT INTO wc_orders (id, status, currency, type, tax_amount, total_amount, parent_order_id) VALUES (8, 'wc-completed', 'USD', 'shop_order_refund', 0, 0, 1);
UPDATE wc_orders SET total_amount = -100 WHERE id = 8;
DELETE FROM wc_orders WHERE id = 8;
SELECT fits.refused('23R07', $$DELETE FROM wc_orders WHERE id = 1$$);
INSERT INTO wc_orders (id, status, currency, type, tax_amount, total_amount, parent_order_id) VALUES (3, 'wc-completed', 'USD', 'shop_order_refund', 0, 0, 1);
UPDATE wc_orders SET tax_amount = -15, total_amount = -100, customer_note = 'all of it' WHERE id = 3;
UPDATE wc_orders SET status = 'wc-refunded' WHERE id = 1;

INSERT INTO wc_orders (id, status, currency, type, total_amount, parent_order_id) VALUES (4, 'wc-completed', 'USD', 'shop_order_refund', 0, 1);
SELECT fits.refused('23R01', $$UPDATE wc_orders SET total_amount = -0.01 WHERE id = 4$$);
SELECT fits.refused('23R04', $$UPDATE wc_orders SET total_amount = 5 WHERE id = 4$$);
SELECT fits.refused('23R04', $$UPDATE wc_orders SET total_amount = -0.001 WHERE id = 4$$);
SELECT fits.refused('23R06', $$INSERT INTO wc_orders (id, status, currency, type, total_amount, parent_order_id) VALUES (5, 'wc-completed', 'USD', 'shop_order_refund', -5, 2)$$);
SELECT fits.refused('23R06', $$INSERT INTO wc_orders (id, status, currency, type, total_amount, parent_order_id) VALUES (5, 'wc-completed', 'USD', 'shop_order_refund', -5, 0)$$);
SELECT fits.refused('23R02', $$INSERT INTO wc_orders (id, status, currency, type, total_amount, parent_order_id) VALUES (5, 'wc-completed', 'EUR', 'shop_order_refund', -5, 1)$$);
SELECT fits.refused('23R03', $$UPDATE wc_orders SET total_amount = 0 WHERE id = 2$$);
SELECT fits.refused('23R03', $$UPDATE wc_orders SET total_amount = -26 WHERE id = 2$$);
SELECT fits.refused('23R03', $$UPDATE wc_orders SET parent_order_id = 4 WHERE id = 2$$);
SELECT fits.refused('23R03', $$UPDATE wc_orders SET type = 'shop_order', total_amount = 25 WHERE id = 2$$);
SELECT fits.refused('23R03', $$UPDATE wc_orders SET type = 'shop_order_refund' WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE wc_orders SET type = 'shop_order_placehold' WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE wc_orders SET total_amount = 1000 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE wc_orders SET currency = 'EUR' WHERE id = 1$$);
SELECT fits.refused('23T03', $$DELETE FROM wc_orders WHERE id = 1$$);		-- refunded by now
SELECT fits.refused('23T01', $$UPDATE wc_orders SET status = 'wc-pending' WHERE id = 1$$);
-- above the threshold
INSERT INTO wc_orders (id, status, currency, type, total_amount) VALUES (10, 'wc-pending', 'USD', 'shop_order', 900);
UPDATE wc_orders SET status = 'wc-processing' WHERE id = 10;
SELECT fits.refused('42501', $$INSERT INTO wc_orders (id, status, currency, type, total_amount, parent_order_id) VALUES (11, 'wc-completed', 'USD', 'shop_order_refund', -600, 10)$$);
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve_refund('wc_orders', '10', 600, 'USD', 'agreed with the customer');
COMMIT;
BEGIN;
SELECT paysafe.act_as('agent');
INSERT INTO wc_orders (id, status, currency, type, total_amount, parent_order_id) VALUES (11, 'wc-completed', 'USD', 'shop_order_refund', 0, 10);
UPDATE wc_orders SET total_amount = -600 WHERE id = 11;
COMMIT;
-- a cart that nobody paid may go
INSERT INTO wc_orders (id, status, currency, type, total_amount) VALUES (20, 'wc-checkout-draft', 'USD', 'shop_order', 10);
DELETE FROM wc_orders WHERE id = 20;
