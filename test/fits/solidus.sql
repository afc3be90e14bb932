-- solidus: what is captured of a payment is the sum of its capture events; a capture overwrites the payment's
-- amount with what was captured; the currency is the order's; there are no foreign keys. Refunds are rows and
-- nothing else, and get the provider's reference after its call.
CREATE TABLE spree_orders (id serial PRIMARY KEY, number varchar(32), currency varchar, state varchar, payment_state varchar,
	total numeric(10,2) NOT NULL DEFAULT 0, payment_total numeric(10,2) DEFAULT 0, updated_at timestamp NOT NULL DEFAULT now());
CREATE UNIQUE INDEX ON spree_orders (number);
CREATE TABLE spree_payments (id serial PRIMARY KEY, amount numeric(10,2) NOT NULL DEFAULT 0, order_id integer, source_type varchar, source_id integer,
	payment_method_id integer, state varchar, response_code varchar, number varchar, updated_at timestamp NOT NULL DEFAULT now());
CREATE INDEX ON spree_payments (order_id);
CREATE UNIQUE INDEX ON spree_payments (number);
CREATE TABLE spree_payment_capture_events (id serial PRIMARY KEY, amount numeric(10,2) DEFAULT 0, payment_id integer,
	created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now());
CREATE INDEX ON spree_payment_capture_events (payment_id);
CREATE TABLE spree_refunds (id serial PRIMARY KEY, payment_id integer, amount numeric(10,2) NOT NULL DEFAULT 0, transaction_id varchar,
	refund_reason_id integer, created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now());
CREATE INDEX ON spree_refunds (payment_id);

\set payment_states `cat lib/spree_payment.txt`
SELECT paysafe.protect_status('spree_payments', 'state', :'payment_states');
SELECT paysafe.protect_captures('spree_payment_capture_events', 'spree_payments', 'payment_id', 'amount', limit_column => 'amount', payment_key => 'id',
	currency_path => '{payment_id,order_id,currency}', currency_tables => '{spree_payments,spree_orders}');
SELECT paysafe.protect_refund('spree_refunds', 'spree_payments', 'payment_id', 'amount', payment_key => 'id');
SELECT paysafe.set_refund_threshold('spree_refunds', 'USD', 500);
SELECT paysafe.audit('spree_payments'), paysafe.audit('spree_payment_capture_events'), paysafe.audit('spree_refunds');

-- the cart may change its currency, and the payment its amount
INSERT INTO spree_orders (number, currency, state) VALUES ('R1', 'EUR', 'cart');
UPDATE spree_orders SET currency = 'USD', state = 'payment', total = 100, updated_at = now() WHERE number = 'R1';
INSERT INTO spree_payments (amount, order_id, source_type, source_id, state, number) VALUES (90, 1, 'Spree::CreditCard', 1, 'checkout', 'P1');
UPDATE spree_payments SET amount = 100, updated_at = now() WHERE id = 1;
-- authorized, captured in part: the payment's amount is what was captured from then on
UPDATE spree_payments SET state = 'processing', updated_at = now() WHERE id = 1;
UPDATE spree_payments SET state = 'pending', response_code = 'ch_1', updated_at = now() WHERE id = 1;
SELECT fits.refused('23R01', $$INSERT INTO spree_refunds (payment_id, amount) VALUES (1, 1)$$);
UPDATE spree_payments SET state = 'processing', updated_at = now() WHERE id = 1;
BEGIN;
INSERT INTO spree_payment_capture_events (amount, payment_id) VALUES (60, 1);
UPDATE spree_payments SET amount = 60, updated_at = now() WHERE id = 1;
UPDATE spree_payments SET state = 'completed', updated_at = now() WHERE id = 1;
UPDATE spree_orders SET state = 'complete', payment_state = 'paid', payment_total = 60, updated_at = now() WHERE id = 1;
COMMIT;
-- a purchase: authorized and captured in one
INSERT INTO spree_payments (amount, order_id, source_type, source_id, state, number) VALUES (40, 1, 'Spree::CreditCard', 1, 'checkout', 'P2');
UPDATE spree_payments SET state = 'processing', updated_at = now() WHERE id = 2;
INSERT INTO spree_payment_capture_events (amount, payment_id) VALUES (40, 2);
UPDATE spree_payments SET state = 'completed', amount = 40, updated_at = now() WHERE id = 2;
-- a refund: the row, the provider, its reference
BEGIN;
INSERT INTO spree_refunds (payment_id, amount, refund_reason_id) VALUES (1, 20, 1);
UPDATE spree_refunds SET transaction_id = 're_1', updated_at = now() WHERE id = currval('spree_refunds_id_seq');
COMMIT;
INSERT INTO spree_refunds (payment_id, amount) VALUES (1, 40);
-- voided: nothing was captured
INSERT INTO spree_payments (amount, order_id, state, number) VALUES (5, 1, 'checkout', 'P3');
UPDATE spree_payments SET state = 'pending' WHERE number = 'P3';
UPDATE spree_payments SET state = 'void' WHERE number = 'P3';

SELECT fits.refused('23R01', $$INSERT INTO spree_refunds (payment_id, amount) VALUES (1, 0.01)$$);
SELECT fits.refused('23R05', $$INSERT INTO spree_payment_capture_events (amount, payment_id) VALUES (0.01, 1)$$);
SELECT fits.refused('23R05', $$UPDATE spree_payments SET amount = 59 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE spree_payments SET amount = 1000 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE spree_payments SET order_id = NULL WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE spree_orders SET currency = 'EUR' WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE spree_payment_capture_events SET amount = 100 WHERE payment_id = 1$$);
SELECT fits.refused('23R03', $$UPDATE spree_payment_capture_events SET payment_id = 2 WHERE payment_id = 1$$);
SELECT fits.refused('23R03', $$UPDATE spree_refunds SET amount = 1$$);
SELECT fits.refused('23R04', $$INSERT INTO spree_payment_capture_events (amount, payment_id) VALUES (0, 1)$$);
SELECT fits.refused('23R04', $$INSERT INTO spree_refunds (payment_id, amount) VALUES (1, 0)$$);
SELECT fits.refused('23R06', $$INSERT INTO spree_payment_capture_events (amount, payment_id) VALUES (1, 99)$$);
SELECT fits.refused('23R06', $$INSERT INTO spree_refunds (payment_id, amount) VALUES (99, 1)$$);
SELECT fits.refused('23R07', $$DELETE FROM spree_payment_capture_events$$);
SELECT fits.refused('23R07', $$DELETE FROM spree_refunds$$);
SELECT fits.refused('23R07', $$DELETE FROM spree_orders WHERE id = 1$$);
SELECT fits.refused('23T01', $$UPDATE spree_payments SET state = 'checkout' WHERE id = 1$$);
-- above the threshold the second person says so before the row is there
INSERT INTO spree_payments (amount, order_id, state, number) VALUES (900, 1, 'checkout', 'P4');
INSERT INTO spree_payment_capture_events (amount, payment_id) SELECT 900, id FROM spree_payments WHERE number = 'P4';
SELECT fits.refused('42501', $$INSERT INTO spree_refunds (payment_id, amount) SELECT id, 600 FROM spree_payments WHERE number = 'P4'$$);
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve_refund('spree_refunds', id::text, 600, 'USD', 'agreed with the customer') FROM spree_payments WHERE number = 'P4';
COMMIT;
BEGIN;
SELECT paysafe.act_as('agent');
INSERT INTO spree_refunds (payment_id, amount) SELECT id, 600 FROM spree_payments WHERE number = 'P4';
COMMIT;
