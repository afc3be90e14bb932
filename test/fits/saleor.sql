-- saleor: payments whose captured amount is net of refunds; refunds are transactions of kind "refund" that
-- succeeded or not. Beside them the newer model: items without a status, whose charged value is net, too,
-- and events. A refund's row is added after the call, and before the payment is saved.
CREATE TABLE payment_payment (id serial PRIMARY KEY, gateway varchar(255) NOT NULL DEFAULT 'mirumee.payments.adyen', is_active boolean NOT NULL DEFAULT true,
	to_confirm boolean NOT NULL DEFAULT false, charge_status varchar(20) NOT NULL DEFAULT 'not-charged', total numeric(20,3) NOT NULL DEFAULT 0,
	captured_amount numeric(20,3) NOT NULL DEFAULT 0, currency varchar(3) NOT NULL, order_id uuid, cc_last_digits varchar(4) NOT NULL DEFAULT '', modified_at timestamptz DEFAULT now());
CREATE TABLE payment_transaction (id serial PRIMARY KEY, payment_id int NOT NULL REFERENCES payment_payment, kind varchar(25) NOT NULL, is_success boolean NOT NULL,
	action_required boolean NOT NULL DEFAULT false, currency varchar(3) NOT NULL, amount numeric(20,3) NOT NULL, error text, already_processed boolean NOT NULL DEFAULT false,
	gateway_response jsonb NOT NULL DEFAULT '{}');
CREATE INDEX ON payment_transaction (payment_id);
CREATE TABLE payment_transactionitem (id serial PRIMARY KEY, token uuid UNIQUE DEFAULT gen_random_uuid(), currency varchar(3) NOT NULL, authorized_value numeric(20,3) NOT NULL DEFAULT 0,
	charged_value numeric(20,3) NOT NULL DEFAULT 0, refunded_value numeric(20,3) NOT NULL DEFAULT 0, canceled_value numeric(20,3) NOT NULL DEFAULT 0, order_id uuid);
CREATE TABLE payment_transactionevent (id serial PRIMARY KEY, transaction_id int NOT NULL REFERENCES payment_transactionitem, type varchar(128) NOT NULL, psp_reference varchar(512),
	currency varchar(3) NOT NULL, amount_value numeric(20,3) NOT NULL DEFAULT 0, include_in_calculations boolean NOT NULL DEFAULT false);
CREATE INDEX ON payment_transactionevent (transaction_id);

SELECT paysafe.protect_status('payment_payment', 'charge_status', '
	state "not-charged" as not_charged
	state "partially-charged" as partially_charged
	state "fully-charged" as fully_charged
	state "partially-refunded" as partially_refunded
	state "fully-refunded" as fully_refunded
	[*] --> not_charged
	not_charged --> pending
	not_charged --> partially_charged
	not_charged --> fully_charged
	not_charged --> cancelled
	not_charged --> refused
	pending --> partially_charged
	pending --> fully_charged
	pending --> cancelled
	pending --> refused
	partially_charged --> fully_charged
	partially_charged --> partially_refunded
	partially_charged --> fully_refunded
	fully_charged --> partially_refunded
	fully_charged --> fully_refunded
	partially_refunded --> fully_refunded
	partially_refunded --> partially_charged
	partially_refunded --> fully_charged
	fully_refunded --> partially_charged
	fully_refunded --> fully_charged');
SELECT paysafe.protect_payment('payment_payment', 'charge_status', 'total', 'captured_amount', 'currency',
	captured => '{partially-charged,fully-charged,partially-refunded,fully-refunded}', changes => 'net');
SELECT paysafe.protect_refund('payment_transaction', 'payment_payment', 'payment_id', 'amount', 'currency', 'is_success', gated => '{true}', void => '{false}',
	rows => '{"kind": ["refund"]}');
SELECT paysafe.set_refund_threshold('payment_transaction', 'USD', 500);
SELECT paysafe.protect_columns('payment_transaction', '{payment_id,kind,amount,currency}');
SELECT paysafe.audit('payment_payment'), paysafe.audit('payment_transaction', redact => '{gateway_response}');
-- the newer model
SELECT paysafe.protect_payment('payment_transactionitem', NULL, 'charged_value', 'charged_value', 'currency', changes => 'net');
SELECT paysafe.protect_refund('payment_transactionevent', 'payment_transactionitem', 'transaction_id', 'amount_value', 'currency',
	rows => '{"type": ["refund_success", "charge_back"]}');
SELECT paysafe.set_refund_threshold('payment_transactionevent', 'USD', 500);
SELECT paysafe.audit('payment_transactionitem'), paysafe.audit('payment_transactionevent');

SELECT setval('payment_transaction_id_seq', 100);
-- authorized, captured, refunded in two parts: the transaction first, then the payment
INSERT INTO payment_payment (id, total, currency) VALUES (1, 100, 'USD');
INSERT INTO payment_transaction (id, payment_id, kind, is_success, currency, amount) VALUES (1, 1, 'auth', true, 'USD', 100);
SELECT fits.refused('23R01', $$INSERT INTO payment_transaction (id, payment_id, kind, is_success, currency, amount) VALUES (9, 1, 'refund', true, 'USD', 1)$$);
INSERT INTO payment_transaction (id, payment_id, kind, is_success, currency, amount) VALUES (2, 1, 'capture', true, 'USD', 100);
UPDATE payment_payment SET charge_status = 'fully-charged', captured_amount = 100, modified_at = now() WHERE id = 1;
UPDATE payment_transaction SET already_processed = true WHERE id = 2;
SELECT fits.refused('23R05', $$UPDATE payment_payment SET charge_status = 'partially-refunded', captured_amount = 40 WHERE id = 1$$);		-- nobody was refunded
INSERT INTO payment_transaction (id, payment_id, kind, is_success, currency, amount) VALUES (3, 1, 'refund', true, 'USD', 60);
SELECT fits.refused('23R05', $$UPDATE payment_payment SET charge_status = 'partially-refunded', captured_amount = 39 WHERE id = 1$$);
UPDATE payment_payment SET captured_amount = 40, charge_status = 'partially-refunded', modified_at = now() WHERE id = 1;
UPDATE payment_transaction SET already_processed = true WHERE id = 3;
-- one that the gateway declined, twice the money that is left, and the rest
INSERT INTO payment_transaction (id, payment_id, kind, is_success, currency, amount, error) VALUES (4, 1, 'refund', false, 'USD', 40, 'declined');
SELECT fits.refused('23R01', $$INSERT INTO payment_transaction (id, payment_id, kind, is_success, currency, amount) VALUES (9, 1, 'refund', true, 'USD', 40.01)$$);
SELECT fits.refused('23R05', $$UPDATE payment_payment SET captured_amount = 0, charge_status = 'fully-refunded' WHERE id = 1$$);
INSERT INTO payment_transaction (id, payment_id, kind, is_success, currency, amount) VALUES (5, 1, 'refund', true, 'USD', 40);
UPDATE payment_payment SET captured_amount = 0, charge_status = 'fully-refunded', is_active = false WHERE id = 1;
SELECT fits.refused('23R01', $$INSERT INTO payment_transaction (id, payment_id, kind, is_success, currency, amount) VALUES (9, 1, 'refund', true, 'USD', 0.01)$$);
-- what was captured stays, also of a payment whose column is zero
SELECT fits.refused('23503', $$DELETE FROM payment_payment WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE payment_payment SET total = 200 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE payment_payment SET currency = 'EUR' WHERE id = 1$$);
SELECT fits.refused('23R05', $$UPDATE payment_payment SET captured_amount = 101, charge_status = 'fully-charged' WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE payment_transaction SET kind = 'capture' WHERE id = 3$$);
SELECT fits.refused('23R07', $$DELETE FROM payment_transaction WHERE id = 3$$);
-- several captures between refunds
INSERT INTO payment_payment (id, total, currency) VALUES (2, 300, 'USD');
UPDATE payment_payment SET charge_status = 'partially-charged', captured_amount = 100 WHERE id = 2;
INSERT INTO payment_transaction (id, payment_id, kind, is_success, currency, amount) VALUES (20, 2, 'refund', true, 'USD', 30);
UPDATE payment_payment SET captured_amount = 70, charge_status = 'partially-refunded' WHERE id = 2;
UPDATE payment_payment SET captured_amount = 270, charge_status = 'fully-charged' WHERE id = 2;
INSERT INTO payment_transaction (id, payment_id, kind, is_success, currency, amount) VALUES (21, 2, 'refund', true, 'USD', 270);
UPDATE payment_payment SET captured_amount = 0, charge_status = 'fully-refunded' WHERE id = 2;
SELECT fits.refused('23R01', $$INSERT INTO payment_transaction (id, payment_id, kind, is_success, currency, amount) VALUES (9, 2, 'refund', true, 'USD', 0.01)$$);
-- above the threshold, agreed before the call
INSERT INTO payment_payment (id, total, currency) VALUES (3, 900, 'USD');
UPDATE payment_payment SET charge_status = 'fully-charged', captured_amount = 900 WHERE id = 3;
SELECT fits.refused('42501', $$INSERT INTO payment_transaction (payment_id, kind, is_success, currency, amount) VALUES (3, 'refund', true, 'USD', 600)$$);
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve_refund('payment_transaction', '3', 600, 'USD', 'agreed with the customer');
COMMIT;
BEGIN;
SELECT paysafe.act_as('agent');
INSERT INTO payment_transaction (payment_id, kind, is_success, currency, amount) VALUES (3, 'refund', true, 'USD', 600);
UPDATE payment_payment SET captured_amount = 300, charge_status = 'partially-refunded' WHERE id = 3;
COMMIT;

-- the newer model: an event, then the item as it is computed from all of them
INSERT INTO payment_transactionitem (id, currency) VALUES (1, 'USD');
INSERT INTO payment_transactionevent (transaction_id, type, psp_reference, currency, amount_value, include_in_calculations) VALUES (1, 'charge_success', 'p1', 'USD', 100, true);
UPDATE payment_transactionitem SET authorized_value = 0, charged_value = 100, refunded_value = 0 WHERE id = 1;
INSERT INTO payment_transactionevent (transaction_id, type, currency, amount_value) VALUES (1, 'refund_request', 'USD', 60), (1, 'info', 'USD', 0);
INSERT INTO payment_transactionevent (transaction_id, type, psp_reference, currency, amount_value, include_in_calculations) VALUES (1, 'refund_success', 'p2', 'USD', 60, true);
UPDATE payment_transactionitem SET charged_value = 40, refunded_value = 60 WHERE id = 1;
SELECT fits.refused('23R01', $$INSERT INTO payment_transactionevent (transaction_id, type, psp_reference, currency, amount_value) VALUES (1, 'refund_success', 'p3', 'USD', 41)$$);
SELECT fits.refused('23R05', $$UPDATE payment_transactionitem SET charged_value = 39 WHERE id = 1$$);
INSERT INTO payment_transactionevent (transaction_id, type, psp_reference, currency, amount_value, include_in_calculations) VALUES (1, 'charge_back', 'p4', 'USD', 40, true);
UPDATE payment_transactionitem SET charged_value = 0 WHERE id = 1;
SELECT fits.refused('23503', $$DELETE FROM payment_transactionitem WHERE id = 1$$);
