-- killbill: one table of all movements of a payment (authorize, capture, purchase, void, refund, credit,
-- chargeback), without foreign keys; the payment has neither amount nor currency nor a status of its own.
-- A transaction is added as UNKNOWN before the plugin is called, and gets its status after that.
CREATE TABLE payments (record_id serial PRIMARY KEY, id varchar(36) NOT NULL UNIQUE, account_id varchar(36) NOT NULL, payment_method_id varchar(36) NOT NULL,
	external_key varchar(255) NOT NULL, state_name varchar(64), last_success_state_name varchar(64), updated_date timestamp NOT NULL DEFAULT now());
CREATE TABLE payment_transactions (record_id serial PRIMARY KEY, id varchar(36) NOT NULL UNIQUE, attempt_id varchar(36), transaction_external_key varchar(255) NOT NULL,
	transaction_type varchar(32) NOT NULL, effective_date timestamp NOT NULL DEFAULT now(), transaction_status varchar(50) NOT NULL, amount numeric(15,9), currency varchar(3),
	processed_amount numeric(15,9), processed_currency varchar(3), payment_id varchar(36) NOT NULL, gateway_error_code varchar(32), gateway_error_msg varchar(256),
	updated_date timestamp NOT NULL DEFAULT now());
CREATE INDEX ON payment_transactions (payment_id);

SELECT paysafe.protect_status('payment_transactions', 'transaction_status', '
	[*] --> UNKNOWN
	[*] --> SUCCESS
	[*] --> PAYMENT_FAILURE
	UNKNOWN --> PENDING
	UNKNOWN --> SUCCESS
	UNKNOWN --> PAYMENT_FAILURE
	UNKNOWN --> PLUGIN_FAILURE
	PENDING --> SUCCESS
	PENDING --> PAYMENT_FAILURE
	PLUGIN_FAILURE --> SUCCESS : the janitor has asked
	PAYMENT_FAILURE --> SUCCESS : the same
	SUCCESS --> PAYMENT_FAILURE : a chargeback is reversed');
SELECT paysafe.protect_movements('payment_transactions', 'payments', 'payment_id', 'transaction_type', 'amount', 'currency',
	authorize => '{AUTHORIZE,PURCHASE}', capture => '{CAPTURE,PURCHASE}', cancel => '{VOID}', refund => '{REFUND}', chargeback => '{CHARGEBACK}',
	status_column => 'transaction_status', counted => '{SUCCESS}', gated => '{UNKNOWN,PENDING,SUCCESS}', void => '{PAYMENT_FAILURE,PLUGIN_FAILURE}',
	unapproved_columns => '{attempt_id,processed_amount,processed_currency,gateway_error_code,gateway_error_msg,updated_date}', payment_key => 'id');
SELECT paysafe.set_refund_threshold('payment_transactions', 'USD', 50);
SELECT paysafe.audit('payments'), paysafe.audit('payment_transactions');

INSERT INTO payments (id, account_id, payment_method_id, external_key) VALUES ('p1', 'a', 'm', 'k1'), ('p2', 'a', 'm', 'k2'), ('p3', 'a', 'm', 'k3'), ('p4', 'a', 'm', 'k4');
-- a purchase, as the plugin answers it
INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('t1', 'k1-1', 'PURCHASE', 'UNKNOWN', 100, 'USD', 'p1');
SELECT fits.refused('23R01', $$INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('t9', 'k1-9', 'REFUND', 'UNKNOWN', 1, 'USD', 'p1')$$);
UPDATE payments SET state_name = 'PURCHASE_PENDING', updated_date = now() WHERE id = 'p1';
UPDATE payment_transactions SET transaction_status = 'PENDING', processed_amount = NULL, updated_date = now() WHERE id = 't1';
UPDATE payment_transactions SET transaction_status = 'SUCCESS', processed_amount = 100, processed_currency = 'USD', gateway_error_code = '', updated_date = now() WHERE id = 't1';
UPDATE payments SET state_name = 'PURCHASE_SUCCESS', last_success_state_name = 'PURCHASE_SUCCESS', updated_date = now() WHERE id = 'p1';
-- a refund that fails, and one that does not: both have passed the gate, and together are not above the threshold
INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('t2', 'k1-2', 'REFUND', 'UNKNOWN', 20, 'USD', 'p1');
UPDATE payment_transactions SET transaction_status = 'PLUGIN_FAILURE', gateway_error_code = 'timeout', updated_date = now() WHERE id = 't2';
INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('t3', 'k1-3', 'REFUND', 'UNKNOWN', 30, 'USD', 'p1');
UPDATE payment_transactions SET transaction_status = 'SUCCESS', processed_amount = 30, processed_currency = 'USD', updated_date = now() WHERE id = 't3';
-- above the threshold, with what went back within the day: a second person says so before
SELECT fits.refused('42501', $$INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('t4', 'k1-4', 'REFUND', 'UNKNOWN', 60, 'USD', 'p1')$$);
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve_refund('payment_transactions', 'p1', 60, 'USD', 'agreed with the customer');
COMMIT;
BEGIN;
SELECT paysafe.act_as('agent');
INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('t4', 'k1-4', 'REFUND', 'UNKNOWN', 60, 'USD', 'p1');
COMMIT;
UPDATE payment_transactions SET transaction_status = 'SUCCESS', processed_amount = 60, processed_currency = 'USD', updated_date = now() WHERE id = 't4';
-- authorized, captured in parts, the rest is voided; a chargeback, which comes back
INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('u1', 'k2-1', 'AUTHORIZE', 'UNKNOWN', 200, 'EUR', 'p2');
UPDATE payment_transactions SET transaction_status = 'SUCCESS', processed_amount = 200 WHERE id = 'u1';
INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('u2', 'k2-2', 'CAPTURE', 'UNKNOWN', 50, 'EUR', 'p2'), ('u3', 'k2-3', 'CAPTURE', 'UNKNOWN', 60, 'EUR', 'p2');
UPDATE payment_transactions SET transaction_status = 'SUCCESS', processed_amount = amount WHERE id IN ('u2', 'u3');
INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('u4', 'k2-4', 'CAPTURE', 'UNKNOWN', 91, 'EUR', 'p2');
SELECT fits.refused('23R05', $$UPDATE payment_transactions SET transaction_status = 'SUCCESS' WHERE id = 'u4'$$);		-- 201 of 200
UPDATE payment_transactions SET transaction_status = 'PAYMENT_FAILURE' WHERE id = 'u4';
INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('u5', 'k2-5', 'VOID', 'SUCCESS', NULL, 'EUR', 'p2');
SELECT fits.refused('23R05', $$INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('u6', 'k2-6', 'CAPTURE', 'SUCCESS', 1, 'EUR', 'p2')$$);
INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('u7', 'k2-7', 'CHARGEBACK', 'SUCCESS', 110, 'EUR', 'p2');
SELECT fits.refused('23R01', $$INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('u8', 'k2-8', 'REFUND', 'UNKNOWN', 1, 'EUR', 'p2')$$);
UPDATE payment_transactions SET transaction_status = 'PAYMENT_FAILURE', updated_date = now() WHERE id = 'u7';
-- a chargeback of more than is left has happened all the same, and is on record
SET client_min_messages = error;
INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('u9', 'k2-9', 'CHARGEBACK', 'SUCCESS', 111, 'EUR', 'p2');
RESET client_min_messages;
SELECT fits.is((SELECT string_agg(sqlstate, ' ') FROM paysafe.breach WHERE relation = 'payment_transactions'::regclass), '23R01', 'a breach');
-- a credit is no movement of a payment
INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('v1', 'k3-1', 'CREDIT', 'SUCCESS', 5, 'USD', 'p3');
-- the janitor finds that what had failed has been done
INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('w1', 'k4-1', 'PURCHASE', 'UNKNOWN', 10, 'USD', 'p4');
UPDATE payment_transactions SET transaction_status = 'PLUGIN_FAILURE' WHERE id = 'w1';
UPDATE payment_transactions SET transaction_status = 'SUCCESS', processed_amount = 10 WHERE id = 'w1';

SELECT fits.refused('23R01', $$INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('t9', 'k1-9', 'REFUND', 'UNKNOWN', 11, 'USD', 'p1')$$);
SELECT fits.refused('23R01', $$UPDATE payment_transactions SET transaction_status = 'SUCCESS' WHERE id = 't2'$$);
SELECT fits.refused('23R01', $$UPDATE payment_transactions SET transaction_status = 'PAYMENT_FAILURE' WHERE id = 't1'$$);
SELECT fits.refused('23R05', $$UPDATE payment_transactions SET transaction_status = 'PAYMENT_FAILURE' WHERE id = 'u1'$$);
SELECT fits.refused('23R02', $$INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('t9', 'k1-9', 'REFUND', 'UNKNOWN', 1, 'EUR', 'p1')$$);
SELECT fits.refused('23R02', $$INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('t9', 'k1-9', 'CAPTURE', 'SUCCESS', 1, 'EUR', 'p1')$$);
SELECT fits.refused('23R03', $$UPDATE payment_transactions SET amount = 1000 WHERE id = 't1'$$);
SELECT fits.refused('23R03', $$UPDATE payment_transactions SET payment_id = 'p3' WHERE id = 't1'$$);
SELECT fits.refused('23R03', $$UPDATE payment_transactions SET transaction_type = 'PURCHASE' WHERE id = 'u1'$$);
SELECT fits.refused('23R03', $$UPDATE payment_transactions SET transaction_type = 'CHARGEBACK' WHERE id = 't2'$$);
SELECT fits.refused('23R03', $$UPDATE payment_transactions SET amount = 1 WHERE id = 't3'$$);
SELECT fits.refused('23R03', $$UPDATE payments SET id = 'p9' WHERE id = 'p1'$$);
SELECT fits.refused('23R04', $$INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('t9', 'k1-9', 'PURCHASE', 'SUCCESS', 0.001, 'USD', 'p3')$$);
SELECT fits.refused('23R04', $$INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('t9', 'k1-9', 'PURCHASE', 'SUCCESS', NULL, 'USD', 'p3')$$);
SELECT fits.refused('23R06', $$INSERT INTO payment_transactions (id, transaction_external_key, transaction_type, transaction_status, amount, currency, payment_id)
	VALUES ('t9', 'k1-9', 'PURCHASE', 'SUCCESS', 1, 'USD', 'none')$$);
SELECT fits.refused('23T03', $$DELETE FROM payment_transactions WHERE id = 't1'$$);
SELECT fits.refused('23R07', $$DELETE FROM payments WHERE id = 'p1'$$);
