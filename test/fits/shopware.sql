-- shopware 6: states are rows of a table, by binary keys, and a name stands for one in each machine; amounts are objects
-- within json. Rows have versions: who edits an order works on copies of its rows, which are merged and deleted.
CREATE TABLE state_machine (id bytea PRIMARY KEY, technical_name varchar(255) NOT NULL UNIQUE);
CREATE TABLE state_machine_state (id bytea PRIMARY KEY, technical_name varchar(255) NOT NULL, state_machine_id bytea NOT NULL REFERENCES state_machine, UNIQUE (technical_name, state_machine_id));
CREATE TABLE "order" (id bytea, version_id bytea, currency_id bytea NOT NULL, price jsonb NOT NULL, PRIMARY KEY (id, version_id));
CREATE TABLE order_transaction (id bytea, version_id bytea, order_id bytea NOT NULL, order_version_id bytea NOT NULL, state_id bytea NOT NULL REFERENCES state_machine_state ON UPDATE CASCADE,
	payment_method_id bytea, amount jsonb NOT NULL, custom_fields jsonb, created_at timestamp(3) NOT NULL DEFAULT now(), updated_at timestamp(3), PRIMARY KEY (id, version_id),
	FOREIGN KEY (order_id, order_version_id) REFERENCES "order" ON DELETE CASCADE ON UPDATE CASCADE);
CREATE INDEX ON order_transaction (order_id, order_version_id);
CREATE TABLE order_transaction_capture (id bytea, version_id bytea, order_transaction_id bytea NOT NULL, order_transaction_version_id bytea NOT NULL, state_id bytea NOT NULL REFERENCES state_machine_state ON UPDATE CASCADE,
	external_reference varchar(255), amount jsonb NOT NULL, custom_fields jsonb, created_at timestamp(3) NOT NULL DEFAULT now(), updated_at timestamp(3), PRIMARY KEY (id, version_id),
	FOREIGN KEY (order_transaction_id, order_transaction_version_id) REFERENCES order_transaction ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE order_transaction_capture_refund (id bytea, version_id bytea, capture_id bytea NOT NULL, capture_version_id bytea NOT NULL, state_id bytea NOT NULL REFERENCES state_machine_state ON UPDATE CASCADE,
	reason varchar(255), amount jsonb NOT NULL, custom_fields jsonb, external_reference varchar(255), created_at timestamp(3) NOT NULL DEFAULT now(), updated_at timestamp(3), PRIMARY KEY (id, version_id),
	FOREIGN KEY (capture_id, capture_version_id) REFERENCES order_transaction_capture ON DELETE CASCADE ON UPDATE CASCADE);
CREATE INDEX ON order_transaction_capture_refund (capture_id, capture_version_id);
CREATE INDEX ON order_transaction_capture (order_transaction_id, order_transaction_version_id);
INSERT INTO state_machine VALUES ('\x01', 'order_transaction.state'), ('\x02', 'order_transaction_capture.state'), ('\x03', 'order_transaction_capture_refund.state');
INSERT INTO state_machine_state VALUES ('\x11', 'open', '\x01'), ('\x12', 'in_progress', '\x01'), ('\x13', 'paid', '\x01'), ('\x14', 'paid_partially', '\x01'), ('\x15', 'authorized', '\x01'), ('\x16', 'refunded', '\x01'),
	('\x17', 'refunded_partially', '\x01'), ('\x18', 'cancelled', '\x01'), ('\x19', 'failed', '\x01'), ('\x1a', 'chargeback', '\x01'),
	('\x21', 'pending', '\x02'), ('\x22', 'completed', '\x02'), ('\x23', 'failed', '\x02'),
	('\x31', 'open', '\x03'), ('\x32', 'in_progress', '\x03'), ('\x33', 'completed', '\x03'), ('\x34', 'failed', '\x03'), ('\x35', 'cancelled', '\x03');

-- the live version of each; the copies are nobody's money
\set live '{"version_id": ["\\\\x0fa91ce3"]}'
SELECT paysafe.protect_payment('order_transaction', 'state_id', 'amount->totalPrice', captured => '{paid,refunded,refunded_partially,chargeback}', currency => 'EUR',
	status_path => '{technical_name}', rows => :'live');
SELECT paysafe.protect_payment('order_transaction_capture', 'state_id', 'amount->totalPrice', captured => '{completed}', currency => 'EUR', status_path => '{technical_name}', rows => :'live');
SELECT paysafe.protect_captures('order_transaction_capture', 'order_transaction', '{order_transaction_id,order_transaction_version_id}', 'amount->totalPrice', status_column => 'state_id', counted => '{completed}',
	limit_column => 'amount->totalPrice', currency => 'EUR', status_path => '{technical_name}', rows => :'live');
SELECT paysafe.protect_refund('order_transaction_capture_refund', 'order_transaction_capture', '{capture_id,capture_version_id}', 'amount->totalPrice', status_column => 'state_id', status_path => '{technical_name}',
	gated => '{in_progress,completed}', void => '{failed,cancelled}', rows => :'live', unapproved_columns => '{updated_at,custom_fields,external_reference}');
SELECT paysafe.set_refund_threshold('order_transaction_capture_refund', 'EUR', 100);
SELECT paysafe.protect_append_only('state_machine_state');

INSERT INTO "order" VALUES ('\xa1', '\x0fa91ce3', '\xee', '{"netPrice": 167.98, "totalPrice": 199.9, "taxStatus": "gross"}');
INSERT INTO order_transaction (id, version_id, order_id, order_version_id, state_id, amount)
	VALUES ('\xb1', '\x0fa91ce3', '\xa1', '\x0fa91ce3', '\x11', '{"quantity": 1, "unitPrice": 199.9, "totalPrice": 199.9, "taxRules": [{"taxRate": 19, "percentage": 100}]}');
UPDATE order_transaction SET state_id = '\x12', updated_at = now() WHERE id = '\xb1' AND version_id = '\x0fa91ce3';
UPDATE order_transaction SET state_id = '\x13', updated_at = now() WHERE id = '\xb1' AND version_id = '\x0fa91ce3';
INSERT INTO order_transaction_capture (id, version_id, order_transaction_id, order_transaction_version_id, state_id, amount) VALUES ('\xc1', '\x0fa91ce3', '\xb1', '\x0fa91ce3', '\x21', '{"unitPrice": 199.9, "totalPrice": 199.9}');
SELECT fits.refused('23R01', $$INSERT INTO order_transaction_capture_refund (id, version_id, capture_id, capture_version_id, state_id, amount)
	VALUES ('\xd0', '\x0fa91ce3', '\xc1', '\x0fa91ce3', '\x31', '{"totalPrice": 1}')$$);		-- not completed yet
UPDATE order_transaction_capture SET state_id = '\x22', external_reference = 'pi_1' WHERE id = '\xc1';
-- an editor's copy of it all, which is changed, merged and thrown away
INSERT INTO "order" SELECT id, '\xff', currency_id, price FROM "order";
INSERT INTO order_transaction SELECT id, '\xff', order_id, '\xff', state_id, payment_method_id, amount FROM order_transaction;
INSERT INTO order_transaction_capture SELECT id, '\xff', order_transaction_id, '\xff', state_id, external_reference, amount FROM order_transaction_capture;
UPDATE order_transaction SET amount = '{"totalPrice": 5}' WHERE version_id = '\xff';
DELETE FROM "order" WHERE version_id = '\xff';
-- a refund of a part
INSERT INTO order_transaction_capture_refund (id, version_id, capture_id, capture_version_id, state_id, amount)
	VALUES ('\xd1', '\x0fa91ce3', '\xc1', '\x0fa91ce3', '\x31', '{"unitPrice": 50, "totalPrice": 50, "calculatedTaxes": [{"tax": 7.98, "price": 50}]}');
UPDATE order_transaction_capture_refund SET state_id = '\x32', updated_at = now() WHERE id = '\xd1';
UPDATE order_transaction_capture_refund SET state_id = '\x33', external_reference = 're_1', updated_at = now() WHERE id = '\xd1';
UPDATE order_transaction SET state_id = '\x17' WHERE id = '\xb1';
-- one that fails and gives its room back
INSERT INTO order_transaction_capture_refund (id, version_id, capture_id, capture_version_id, state_id, amount) VALUES ('\xd2', '\x0fa91ce3', '\xc1', '\x0fa91ce3', '\x31', '{"totalPrice": 40}');
UPDATE order_transaction_capture_refund SET state_id = '\x32' WHERE id = '\xd2';
UPDATE order_transaction_capture_refund SET state_id = '\x34' WHERE id = '\xd2';

SELECT fits.refused('23R01', $$INSERT INTO order_transaction_capture_refund (id, version_id, capture_id, capture_version_id, state_id, amount)
	VALUES ('\xd3', '\x0fa91ce3', '\xc1', '\x0fa91ce3', '\x31', '{"totalPrice": 149.91}')$$);
SELECT fits.refused('23R04', $$INSERT INTO order_transaction_capture_refund (id, version_id, capture_id, capture_version_id, state_id, amount)
	VALUES ('\xd3', '\x0fa91ce3', '\xc1', '\x0fa91ce3', '\x31', '{"totalPrice": 49.989999999999995}')$$);	-- what floats add up to
SELECT fits.refused('23R04', $$INSERT INTO order_transaction_capture_refund (id, version_id, capture_id, capture_version_id, state_id, amount)
	VALUES ('\xd3', '\x0fa91ce3', '\xc1', '\x0fa91ce3', '\x31', '{"totalPrice": [50]}')$$);
SELECT fits.refused('23R04', $$INSERT INTO order_transaction_capture_refund (id, version_id, capture_id, capture_version_id, state_id, amount)
	VALUES ('\xd3', '\x0fa91ce3', '\xc1', '\x0fa91ce3', '\x31', '{"unitPrice": 50}')$$);
INSERT INTO order_transaction_capture_refund (id, version_id, capture_id, capture_version_id, state_id, amount) VALUES ('\xd4', '\x0fa91ce3', '\xc1', '\x0fa91ce3', '\x31', '{"totalPrice": 60}');
SELECT fits.refused('42501', $$UPDATE order_transaction_capture_refund SET state_id = '\x32' WHERE id = '\xd4'$$);	-- 110 in a day
SELECT fits.refused('23R03', $$UPDATE order_transaction_capture_refund SET amount = '{"totalPrice": 49}' WHERE id = '\xd4'$$);
SELECT fits.refused('23R05', $$INSERT INTO order_transaction_capture (id, version_id, order_transaction_id, order_transaction_version_id, state_id, amount) VALUES ('\xc2', '\x0fa91ce3', '\xb1', '\x0fa91ce3', '\x22', '{"totalPrice": 0.01}')$$);
SELECT fits.refused('23R03', $$UPDATE order_transaction_capture SET amount = amount || '{"totalPrice": 500}' WHERE id = '\xc1'$$);
SELECT fits.refused('23R03', $$UPDATE order_transaction SET amount = '{"totalPrice": 500}' WHERE id = '\xb1'$$);
SELECT fits.refused('23R03', $$UPDATE order_transaction SET version_id = '\xff' WHERE id = '\xb1'$$);
SELECT fits.refused('23R07', $$DELETE FROM "order" WHERE id = '\xa1'$$);
SELECT fits.refused('23R01', $$UPDATE order_transaction_capture SET state_id = '\x21' WHERE id = '\xc1'$$);
SELECT fits.refused('23L01', $$UPDATE state_machine_state SET technical_name = 'done' WHERE id = '\x31'$$);
