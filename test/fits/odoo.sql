-- odoo: refunds, partial captures and voids are transactions beside the payment, which they name as their
-- source; a refund is negative. The currency is a row. A refund's row is added as a draft just before the call.
CREATE TABLE res_currency (id serial PRIMARY KEY, name varchar(3) NOT NULL UNIQUE, decimal_places int, active boolean DEFAULT true, write_date timestamp);
CREATE TABLE payment_transaction (id serial PRIMARY KEY, provider_id int NOT NULL, payment_method_id int NOT NULL, company_id int, reference varchar NOT NULL,
	provider_reference varchar, amount numeric NOT NULL, currency_id int NOT NULL REFERENCES res_currency ON DELETE RESTRICT, token_id int,
	state varchar NOT NULL, state_message text, last_state_change timestamp, operation varchar, is_live boolean,
	source_transaction_id int REFERENCES payment_transaction ON DELETE SET NULL, is_post_processed boolean, tokenize boolean, landing_route varchar,
	partner_id int NOT NULL, partner_name varchar, partner_email varchar, create_date timestamp DEFAULT now(), write_date timestamp DEFAULT now(),
	CONSTRAINT payment_transaction_reference_uniq UNIQUE (reference));
CREATE INDEX payment_transaction__source_transaction_id_index ON payment_transaction (source_transaction_id) WHERE source_transaction_id IS NOT NULL;
CREATE INDEX payment_transaction__operation_index ON payment_transaction (operation);
CREATE INDEX ON payment_transaction (currency_id);
INSERT INTO res_currency (id, name, decimal_places) VALUES (1, 'USD', 2), (125, 'EUR', 2), (25, 'JPY', 0);

SELECT paysafe.protect_status('payment_transaction', 'state', '
	[*] --> draft
	draft --> pending
	draft --> authorized
	draft --> done
	draft --> cancel
	draft --> error
	pending --> authorized
	pending --> done
	pending --> cancel
	pending --> error
	authorized --> done
	authorized --> cancel
	authorized --> error
	error --> done', deletable => '{draft}');
SELECT paysafe.protect_payment('payment_transaction', 'state', 'amount', currency_path => '{currency_id,name}', captured => '{done}',
	rows => '{"operation": {"not": ["refund"]}}');
SELECT paysafe.protect_refund('payment_transaction', 'payment_transaction', 'source_transaction_id', 'amount', status_column => 'state',
	gated => '{draft,pending,authorized,done}', void => '{cancel,error}', recorded => '{done}', rows => '{"operation": ["refund"]}', amounts => 'negative',
	unapproved_columns => '{provider_reference,state_message,last_state_change,is_post_processed,partner_name,partner_email,write_date}');
SELECT paysafe.set_refund_threshold('payment_transaction', 'USD', 500);
SELECT paysafe.protect_columns('payment_transaction', '{reference,provider_id}');
SELECT paysafe.audit('payment_transaction');

-- paid online; the ORM writes what has changed
INSERT INTO payment_transaction (id, provider_id, payment_method_id, reference, amount, currency_id, state, operation, partner_id)
	VALUES (1, 1, 1, 'S00001', 100.00, 1, 'draft', 'online_redirect', 7);
UPDATE payment_transaction SET provider_reference = 'pi_1', write_date = now() WHERE id = 1;
SELECT fits.refused('23R01', $$INSERT INTO payment_transaction (id, provider_id, payment_method_id, reference, amount, currency_id, state, operation, source_transaction_id, partner_id)
	VALUES (9, 1, 1, 'R-x', -1, 1, 'draft', 'refund', 1, 7)$$);		-- nothing is captured yet
UPDATE payment_transaction SET state = 'pending', last_state_change = now(), is_post_processed = false WHERE id = 1;
UPDATE payment_transaction SET state = 'done', last_state_change = now(), is_post_processed = false WHERE id = 1;
UPDATE payment_transaction SET is_post_processed = true WHERE id = 1;
-- refunded in two parts; the second fails, and went through after all
INSERT INTO payment_transaction (id, provider_id, payment_method_id, reference, amount, currency_id, state, operation, source_transaction_id, partner_id)
	VALUES (2, 1, 1, 'R-S00001', -40.00, 1, 'draft', 'refund', 1, 7);
UPDATE payment_transaction SET provider_reference = 're_1', state = 'pending', write_date = now() WHERE id = 2;
UPDATE payment_transaction SET state = 'done', last_state_change = now() WHERE id = 2;
INSERT INTO payment_transaction (id, provider_id, payment_method_id, reference, amount, currency_id, state, operation, source_transaction_id, partner_id)
	VALUES (3, 1, 1, 'R-S00001-1', -60, 1, 'draft', 'refund', 1, 7);
UPDATE payment_transaction SET state = 'error', state_message = 'timeout' WHERE id = 3;
UPDATE payment_transaction SET state = 'done' WHERE id = 3;

SELECT setval('payment_transaction_id_seq', 100);
-- above what was captured; positive; of a refund; of nothing; in another currency
SELECT fits.refused('23R01', $$INSERT INTO payment_transaction (provider_id, payment_method_id, reference, amount, currency_id, state, operation, source_transaction_id, partner_id)
	VALUES (1, 1, 'R-2', -0.01, 1, 'draft', 'refund', 1, 7)$$);
SELECT fits.refused('23R04', $$INSERT INTO payment_transaction (provider_id, payment_method_id, reference, amount, currency_id, state, operation, source_transaction_id, partner_id)
	VALUES (1, 1, 'R-2', 5, 1, 'draft', 'refund', 1, 7)$$);
SELECT fits.refused('23R06', $$INSERT INTO payment_transaction (provider_id, payment_method_id, reference, amount, currency_id, state, operation, source_transaction_id, partner_id)
	VALUES (1, 1, 'R-2', -5, 1, 'draft', 'refund', 2, 7)$$);
SELECT fits.refused('23R06', $$INSERT INTO payment_transaction (provider_id, payment_method_id, reference, amount, currency_id, state, operation, partner_id)
	VALUES (1, 1, 'R-2', -5, 1, 'draft', 'refund', 7)$$);
SELECT fits.refused('23R02', $$INSERT INTO payment_transaction (provider_id, payment_method_id, reference, amount, currency_id, state, operation, source_transaction_id, partner_id)
	VALUES (1, 1, 'R-2', -5, 125, 'draft', 'refund', 1, 7)$$);
SELECT fits.refused('23R04', $$INSERT INTO payment_transaction (provider_id, payment_method_id, reference, amount, currency_id, state, operation, partner_id)
	VALUES (1, 1, 'S00002', 10.5, 25, 'draft', 'online_direct', 7)$$);
-- neither becomes the other
SELECT fits.refused('23R03', $$UPDATE payment_transaction SET operation = 'refund', source_transaction_id = 1, amount = -100 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE payment_transaction SET operation = 'online_direct', amount = 40 WHERE id = 2$$);
-- what is done stays
SELECT fits.refused('23R03', $$UPDATE payment_transaction SET amount = 200 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE payment_transaction SET amount = -4 WHERE id = 2$$);
SELECT fits.refused('23R03', $$UPDATE payment_transaction SET currency_id = 125 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE payment_transaction SET source_transaction_id = NULL WHERE id = 2$$);
SELECT fits.refused('23R03', $$UPDATE res_currency SET name = 'XXX' WHERE id = 1$$);
SELECT fits.refused('23T01', $$UPDATE payment_transaction SET state = 'cancel' WHERE id = 1$$);
SELECT fits.refused('23T03', $$DELETE FROM payment_transaction WHERE id = 1$$);
SELECT fits.refused('23T03', $$DELETE FROM payment_transaction WHERE id = 2$$);

-- captured in part: children of the same operation are payments, and refunds name those
INSERT INTO payment_transaction (id, provider_id, payment_method_id, reference, amount, currency_id, state, operation, partner_id)
	VALUES (10, 1, 1, 'S00010', 2000, 1, 'draft', 'online_direct', 7);
UPDATE payment_transaction SET state = 'authorized' WHERE id = 10;
INSERT INTO payment_transaction (id, provider_id, payment_method_id, reference, amount, currency_id, state, operation, source_transaction_id, partner_id)
	VALUES (11, 1, 1, 'P-S00010', 1200, 1, 'draft', 'online_direct', 10, 7);
UPDATE payment_transaction SET state = 'done' WHERE id = 11;
SELECT fits.refused('23R01', $$INSERT INTO payment_transaction (id, provider_id, payment_method_id, reference, amount, currency_id, state, operation, source_transaction_id, partner_id)
	VALUES (12, 1, 1, 'R-S00010', -100, 1, 'draft', 'refund', 10, 7)$$);
-- above the threshold: a second person, before the call, who speaks of money that is paid out
SELECT fits.refused('42501', $$INSERT INTO payment_transaction (id, provider_id, payment_method_id, reference, amount, currency_id, state, operation, source_transaction_id, partner_id)
	VALUES (12, 1, 1, 'R-P-S00010', -600, 1, 'draft', 'refund', 11, 7)$$);
SELECT fits.refused('22023', $$SELECT paysafe.act_as('supervisor'), paysafe.approve_refund('payment_transaction', '2', 40, 'USD', 'of a refund')$$);
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve_refund('payment_transaction', '11', 600, 'USD', 'agreed with the customer');
COMMIT;
BEGIN;
SELECT paysafe.act_as('agent');
INSERT INTO payment_transaction (id, provider_id, payment_method_id, reference, amount, currency_id, state, operation, source_transaction_id, partner_id)
	VALUES (12, 1, 1, 'R-P-S00010', -600, 1, 'draft', 'refund', 11, 7);
COMMIT;
UPDATE payment_transaction SET state = 'done' WHERE id = 12;
SELECT fits.is((SELECT amount FROM paysafe.refund_event WHERE refund = '12' AND event = 'gated'), 600::numeric, 'events are of positive money');
-- one statement for a payment and its refund
WITH paid AS (UPDATE payment_transaction SET state = 'done' WHERE id = 10 RETURNING id)
INSERT INTO payment_transaction (id, provider_id, payment_method_id, reference, amount, currency_id, state, operation, source_transaction_id, partner_id)
	SELECT 13, 1, 1, 'R-S00010', -300, 1, 'draft', 'refund', id, 7 FROM paid;
-- a draft that came to nothing may go
INSERT INTO payment_transaction (id, provider_id, payment_method_id, reference, amount, currency_id, state, operation, partner_id)
	VALUES (20, 1, 1, 'S00020', 0, 1, 'draft', 'validation', 7);
DELETE FROM payment_transaction WHERE id = 20;
