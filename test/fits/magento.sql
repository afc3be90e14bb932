-- magento: no status of the payment, but running totals of the order, NULL until the first invoice is
-- paid; credit memos name the order, and are added as refunded after the provider's call.
CREATE TABLE sales_order (entity_id int PRIMARY KEY, state varchar(32), increment_id varchar(50), order_currency_code varchar(3), grand_total numeric(20,4),
	total_paid numeric(20,4), total_refunded numeric(20,4), updated_at timestamp NOT NULL DEFAULT now());
CREATE TABLE sales_order_payment (entity_id int PRIMARY KEY, parent_id int NOT NULL REFERENCES sales_order ON DELETE CASCADE, amount_ordered numeric(20,4),
	amount_authorized numeric(20,4), amount_paid numeric(20,4), amount_refunded numeric(20,4), last_trans_id varchar(255), additional_information text);
CREATE INDEX ON sales_order_payment (parent_id);
CREATE TABLE sales_creditmemo (entity_id int PRIMARY KEY, order_id int NOT NULL REFERENCES sales_order ON DELETE CASCADE, grand_total numeric(20,4),
	order_currency_code varchar(3), state int, transaction_id varchar(255), updated_at timestamp NOT NULL DEFAULT now());
CREATE INDEX ON sales_creditmemo (order_id);

SELECT paysafe.protect_payment('sales_order', NULL, 'grand_total', 'total_paid', 'order_currency_code', changes => 'rising');
SELECT paysafe.protect_payment('sales_order_payment', NULL, 'amount_ordered', 'amount_paid', currency_path => '{parent_id,order_currency_code}', changes => 'rising');
SELECT paysafe.protect_status('sales_creditmemo', 'state', '
	state "1" as open
	state "2" as refunded
	state "3" as canceled
	[*] --> open
	[*] --> refunded
	open --> refunded
	open --> canceled');
SELECT paysafe.protect_refund('sales_creditmemo', 'sales_order', 'order_id', 'grand_total', 'order_currency_code', 'state', gated => '{2}', void => '{3}');
SELECT paysafe.set_refund_threshold('sales_creditmemo', 'USD', 500);
SELECT paysafe.audit('sales_order'), paysafe.audit('sales_order_payment', redact => '{additional_information}'), paysafe.audit('sales_creditmemo');

-- placed, authorized, and invoiced in two parts
BEGIN;
INSERT INTO sales_order (entity_id, state, increment_id, order_currency_code, grand_total) VALUES (1, 'new', '000000001', 'USD', 119.9900);
INSERT INTO sales_order_payment (entity_id, parent_id, amount_ordered, amount_authorized) VALUES (1, 1, 119.9900, 119.9900);
COMMIT;
SELECT fits.refused('23R01', $$INSERT INTO sales_creditmemo VALUES (9, 1, 1, 'USD', 1)$$);
BEGIN;
UPDATE sales_order SET state = 'processing', total_paid = 60, updated_at = now();
UPDATE sales_order_payment SET amount_paid = 60, last_trans_id = 'ch_1', additional_information = '{"last4": "4242"}';
COMMIT;
BEGIN;
UPDATE sales_order SET total_paid = 119.9900, updated_at = now();
UPDATE sales_order_payment SET amount_paid = 119.9900, last_trans_id = 'ch_2';
COMMIT;
-- refunded after the provider's call; another one is open first, and one is canceled
BEGIN;
INSERT INTO sales_creditmemo VALUES (1, 1, 50.0000, 'USD', 2, 're_1');
UPDATE sales_order SET total_refunded = 50, updated_at = now();
UPDATE sales_order_payment SET amount_refunded = 50;
COMMIT;
INSERT INTO sales_creditmemo VALUES (2, 1, 69.9900, 'USD', 1);
SELECT fits.refused('23R01', $$INSERT INTO sales_creditmemo VALUES (3, 1, 0.01, 'USD', 1)$$);
UPDATE sales_creditmemo SET state = 3, updated_at = now() WHERE entity_id = 2;
INSERT INTO sales_creditmemo VALUES (3, 1, 69.9900, 'USD', 1);
UPDATE sales_creditmemo SET state = 2, transaction_id = 're_2', updated_at = now() WHERE entity_id = 3;
UPDATE sales_order SET total_refunded = 119.99, state = 'closed', updated_at = now();

SELECT fits.refused('23R01', $$INSERT INTO sales_creditmemo VALUES (4, 1, 0.01, 'USD', 2)$$);
SELECT fits.refused('23R02', $$INSERT INTO sales_creditmemo VALUES (4, 1, 0.01, 'EUR', 2)$$);
SELECT fits.refused('23R03', $$UPDATE sales_order SET grand_total = 200$$);
SELECT fits.refused('23R03', $$UPDATE sales_order SET order_currency_code = 'EUR'$$);
SELECT fits.refused('23R03', $$UPDATE sales_creditmemo SET grand_total = 1 WHERE entity_id = 1$$);
SELECT fits.refused('23R05', $$UPDATE sales_order SET total_paid = 100$$);
SELECT fits.refused('23R05', $$UPDATE sales_order SET total_paid = NULL$$);
SELECT fits.refused('23R05', $$UPDATE sales_order_payment SET amount_paid = 120$$);
SELECT fits.refused('23R04', $$INSERT INTO sales_order (entity_id, order_currency_code, grand_total) VALUES (3, 'USD', 10.3333)$$);
SELECT fits.refused('23T03', $$DELETE FROM sales_creditmemo WHERE entity_id = 1$$);
SELECT fits.refused('23T01', $$UPDATE sales_creditmemo SET state = 2 WHERE entity_id = 2$$);
-- who has paid nothing may go
INSERT INTO sales_order (entity_id, state, order_currency_code, grand_total) VALUES (2, 'new', 'USD', 10);
DELETE FROM sales_order WHERE entity_id = 2;
-- a large one: the second person says so before the provider is called
INSERT INTO sales_order (entity_id, state, order_currency_code, grand_total, total_paid) VALUES (4, 'complete', 'USD', 900, 900);
SELECT fits.refused('42501', $$INSERT INTO sales_creditmemo VALUES (5, 4, 600, 'USD', 2, 're_5')$$);
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve_refund('sales_creditmemo', '4', 600, 'USD', 'agreed with the customer');
COMMIT;
BEGIN;
SELECT paysafe.act_as('agent');
INSERT INTO sales_creditmemo VALUES (5, 4, 600, 'USD', 2, 're_5');
COMMIT;
