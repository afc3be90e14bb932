-- spree: a payment is captured when it is completed, by its amount; refunds are rows and nothing else,
-- and get the provider's reference after its call; the currency is the order's. Spree has no foreign
-- key there: the one to the order is added for the rule.
CREATE TABLE spree_orders (id bigint PRIMARY KEY, number varchar(32), currency varchar, state varchar, payment_state varchar,
	total numeric(10,2) NOT NULL DEFAULT 0, payment_total numeric(10,2) DEFAULT 0, updated_at timestamp NOT NULL DEFAULT now());
CREATE TABLE spree_payments (id bigint PRIMARY KEY, amount numeric(10,2) NOT NULL DEFAULT 0, order_id bigint, source_type varchar, source_id bigint,
	state varchar, response_code varchar, number varchar, updated_at timestamp NOT NULL DEFAULT now());
CREATE TABLE spree_refunds (id bigint PRIMARY KEY, payment_id bigint, amount numeric(10,2) NOT NULL DEFAULT 0, transaction_id varchar,
	refund_reason_id bigint, updated_at timestamp NOT NULL DEFAULT now());
CREATE INDEX ON spree_payments (order_id);
CREATE INDEX ON spree_refunds (payment_id);
ALTER TABLE spree_payments ADD FOREIGN KEY (order_id) REFERENCES spree_orders;

\set payment_states `cat lib/spree_payment.txt`
SELECT paysafe.protect_status('spree_payments', 'state', :'payment_states');
SELECT paysafe.protect_payment('spree_payments', 'state', 'amount', captured => '{completed}', currency_path => '{order_id,currency}');
SELECT paysafe.protect_refund('spree_refunds', 'spree_payments', 'payment_id', 'amount', payment_key => 'id');
SELECT paysafe.set_refund_threshold('spree_refunds', 'USD', 500);
SELECT paysafe.audit('spree_payments'), paysafe.audit('spree_refunds');

-- the cart may change its currency and the payment its amount, until it is processed
INSERT INTO spree_orders (id, number, currency, state, total) VALUES (1, 'R1', 'EUR', 'cart', 0);
UPDATE spree_orders SET currency = 'USD', state = 'payment', total = 100, updated_at = now() WHERE id = 1;
INSERT INTO spree_payments (id, amount, order_id, source_type, source_id, state, number) VALUES (1, 90, 1, 'Spree::CreditCard', 1, 'checkout', 'P1');
UPDATE spree_payments SET amount = 100, updated_at = now() WHERE id = 1;
SELECT fits.refused('23R01', $$INSERT INTO spree_refunds (id, payment_id, amount) VALUES (9, 1, 1)$$);
UPDATE spree_payments SET state = 'processing', updated_at = now() WHERE id = 1;
UPDATE spree_payments SET state = 'failed', updated_at = now() WHERE id = 1;
UPDATE spree_payments SET state = 'processing', updated_at = now() WHERE id = 1;
UPDATE spree_payments SET state = 'pending', response_code = 'ch_1', updated_at = now() WHERE id = 1;
UPDATE spree_payments SET state = 'processing', updated_at = now() WHERE id = 1;
UPDATE spree_payments SET state = 'completed', updated_at = now() WHERE id = 1;
UPDATE spree_orders SET state = 'complete', payment_state = 'paid', payment_total = 100, updated_at = now() WHERE id = 1;
-- a refund: the row, the provider, its reference
BEGIN;
INSERT INTO spree_refunds (id, payment_id, amount, refund_reason_id) VALUES (1, 1, 30, 1);
UPDATE spree_refunds SET transaction_id = 're_1', updated_at = now() WHERE id = 1;
COMMIT;
INSERT INTO spree_refunds (id, payment_id, amount) VALUES (2, 1, 70);
-- voided before it was settled, without refunds
INSERT INTO spree_payments (id, amount, order_id, state) VALUES (2, 5, 1, 'checkout');
UPDATE spree_payments SET state = 'completed' WHERE id = 2;
UPDATE spree_payments SET state = 'void' WHERE id = 2;

SELECT fits.refused('23R01', $$INSERT INTO spree_refunds (id, payment_id, amount) VALUES (9, 1, 0.01)$$);
SELECT fits.refused('23R01', $$INSERT INTO spree_refunds (id, payment_id, amount) VALUES (9, 2, 1)$$);
SELECT fits.refused('23R01', $$UPDATE spree_payments SET state = 'void' WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE spree_payments SET amount = 1000 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE spree_refunds SET amount = 1 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE spree_refunds SET payment_id = 2 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE spree_orders SET currency = 'EUR' WHERE id = 1$$);
SELECT fits.refused('23R04', $$INSERT INTO spree_refunds (id, payment_id, amount) VALUES (9, 1, 0)$$);
SELECT fits.refused('23R06', $$INSERT INTO spree_refunds (id, payment_id, amount) VALUES (9, 99, 1)$$);
SELECT fits.refused('23R07', $$DELETE FROM spree_refunds WHERE id = 1$$);
SELECT fits.refused('23T01', $$UPDATE spree_payments SET state = 'checkout' WHERE id = 1$$);
SELECT fits.refused('23T02', $$INSERT INTO spree_payments (id, amount, order_id, state) VALUES (9, 1, 1, 'completed')$$);
SELECT fits.refused('23T03', $$DELETE FROM spree_payments WHERE id = 2$$);
-- above the threshold the second person says so before the row is there
INSERT INTO spree_payments (id, amount, order_id, state) VALUES (3, 900, 1, 'checkout');
UPDATE spree_payments SET state = 'completed' WHERE id = 3;
SELECT fits.refused('42501', $$INSERT INTO spree_refunds (id, payment_id, amount) VALUES (9, 3, 600)$$);
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve_refund('spree_refunds', '3', 600, 'USD', 'agreed with the customer');
COMMIT;
BEGIN;
SELECT paysafe.act_as('agent');
INSERT INTO spree_refunds (id, payment_id, amount) VALUES (9, 3, 600);
COMMIT;
