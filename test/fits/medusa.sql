-- medusa: what is captured of a payment is the sum of its captures; captures and refunds have no status
-- and no currency, are deleted softly, and for good when the provider fails. Its own indexes of them are
-- partial, so each gets a whole one.
CREATE TABLE payment_session (id text PRIMARY KEY, currency_code text NOT NULL, amount numeric NOT NULL, status text NOT NULL DEFAULT 'pending',
	payment_collection_id text NOT NULL, authorized_at timestamptz, deleted_at timestamptz);
CREATE TABLE payment (id text PRIMARY KEY, amount numeric NOT NULL, raw_amount jsonb NOT NULL, currency_code text NOT NULL, payment_collection_id text NOT NULL,
	payment_session_id text NOT NULL, data jsonb, created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(), deleted_at timestamptz,
	captured_at timestamptz, canceled_at timestamptz);
CREATE TABLE capture (id text PRIMARY KEY, amount numeric NOT NULL, raw_amount jsonb NOT NULL,
	payment_id text NOT NULL REFERENCES payment ON UPDATE CASCADE ON DELETE CASCADE,
	created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(), deleted_at timestamptz, created_by text);
CREATE TABLE refund (id text PRIMARY KEY, amount numeric NOT NULL, raw_amount jsonb NOT NULL,
	payment_id text NOT NULL REFERENCES payment ON UPDATE CASCADE ON DELETE CASCADE, refund_reason_id text, note text,
	created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(), deleted_at timestamptz, created_by text);
CREATE INDEX ON capture (payment_id) WHERE deleted_at IS NULL;
CREATE INDEX ON refund (payment_id) WHERE deleted_at IS NULL;
CREATE INDEX ON capture (payment_id);
CREATE INDEX ON refund (payment_id);

SELECT paysafe.protect_status('payment_session', 'status', '
	[*] --> pending
	pending --> requires_more
	pending --> authorized
	pending --> error
	pending --> canceled
	requires_more --> authorized
	requires_more --> error
	error --> pending
	authorized --> canceled', deletable => '{pending,requires_more,error,canceled,authorized}');
SELECT paysafe.protect_columns('payment', '{id,amount,currency_code,payment_collection_id,payment_session_id}');
SELECT paysafe.protect_captures('capture', 'payment', 'payment_id', 'amount', status_column => 'deleted_at', counted => '{unset}',
	limit_column => 'amount', currency_path => '{payment_id,currency_code}', deletable => true);
SELECT paysafe.protect_refund('refund', 'payment', 'payment_id', 'amount', status_column => 'deleted_at', gated => '{unset}', void => '{set}',
	deletable => true);
SELECT paysafe.set_refund_threshold('refund', 'usd', 500);
SELECT paysafe.audit('payment'), paysafe.audit('capture'), paysafe.audit('refund');

-- authorized; refunded before anything is captured
INSERT INTO payment_session (id, currency_code, amount, payment_collection_id) VALUES ('s1', 'usd', 100, 'c1');
UPDATE payment_session SET status = 'authorized', authorized_at = now() WHERE id = 's1';
INSERT INTO payment (id, amount, raw_amount, currency_code, payment_collection_id, payment_session_id) VALUES ('p1', 100, '{"value": "100"}', 'usd', 'c1', 's1');
SELECT fits.refused('23R01', $$INSERT INTO refund (id, amount, raw_amount, payment_id) VALUES ('r0', 1, '{"value": "1"}', 'p1')$$);
-- a capture that the provider refuses; one that it does not; the rest of it
INSERT INTO capture (id, amount, raw_amount, payment_id) VALUES ('c0', 40, '{"value": "40"}', 'p1');
DELETE FROM capture WHERE id = 'c0';
INSERT INTO capture (id, amount, raw_amount, payment_id, created_by) VALUES ('c1', 40, '{"value": "40"}', 'p1', 'user_1');
SELECT fits.refused('23R01', $$INSERT INTO refund (id, amount, raw_amount, payment_id) VALUES ('r0', 90, '{"value": "90"}', 'p1')$$);
UPDATE payment SET data = '{"id": "pi_1"}', updated_at = now() WHERE id = 'p1';
INSERT INTO refund (id, amount, raw_amount, payment_id) VALUES ('r1', 30, '{"value": "30"}', 'p1');
SELECT fits.refused('23R01', $$DELETE FROM capture WHERE id = 'c1'$$);
SELECT fits.refused('23R01', $$UPDATE capture SET deleted_at = now() WHERE id = 'c1'$$);
SELECT fits.refused('23R05', $$INSERT INTO capture (id, amount, raw_amount, payment_id) VALUES ('c2', 60.01, '{"value": "60.01"}', 'p1')$$);
INSERT INTO capture (id, amount, raw_amount, payment_id) VALUES ('c2', 60, '{"value": "60"}', 'p1');
UPDATE payment SET captured_at = now(), data = '{"id": "pi_1"}', updated_at = now() WHERE id = 'p1';
-- a refund that the provider refuses, and again
INSERT INTO refund (id, amount, raw_amount, payment_id) VALUES ('r2', 70, '{"value": "70"}', 'p1');
DELETE FROM refund WHERE id = 'r2';
INSERT INTO refund (id, amount, raw_amount, payment_id) VALUES ('r3', 70, '{"value": "70"}', 'p1');
UPDATE refund SET note = 'arrived broken', updated_at = now() WHERE id = 'r3';
-- canceled instead: nothing was captured
INSERT INTO payment (id, amount, raw_amount, currency_code, payment_collection_id, payment_session_id) VALUES ('p2', 10, '{"value": "10"}', 'usd', 'c2', 's2');
UPDATE payment SET canceled_at = now(), updated_at = now() WHERE id = 'p2';
UPDATE payment SET deleted_at = now() WHERE id = 'p2';

SELECT fits.refused('23R01', $$INSERT INTO refund (id, amount, raw_amount, payment_id) VALUES ('r4', 1, '{"value": "1"}', 'p1')$$);
SELECT fits.refused('23R01', $$UPDATE capture SET deleted_at = now(), updated_at = now() WHERE payment_id = 'p1'$$);
SELECT fits.refused('23R05', $$INSERT INTO capture (id, amount, raw_amount, payment_id) VALUES ('c3', 1, '{"value": "1"}', 'p1')$$);
SELECT fits.refused('23R03', $$UPDATE capture SET amount = 50 WHERE id = 'c1'$$);
SELECT fits.refused('23R03', $$UPDATE capture SET payment_id = 'p2' WHERE id = 'c1'$$);
SELECT fits.refused('23R03', $$UPDATE refund SET amount = 1 WHERE id = 'r1'$$);
SELECT fits.refused('23R03', $$UPDATE payment SET amount = 1000 WHERE id = 'p1'$$);
SELECT fits.refused('23R03', $$UPDATE payment SET currency_code = 'eur' WHERE id = 'p1'$$);
SELECT fits.refused('23R03', $$UPDATE payment SET id = 'p9' WHERE id = 'p1'$$);
SELECT fits.refused('23R04', $$INSERT INTO capture (id, amount, raw_amount, payment_id) VALUES ('c3', 0.001, '{}', 'p2')$$);
SELECT fits.refused('23R04', $$INSERT INTO capture (id, amount, raw_amount, payment_id) VALUES ('c3', -1, '{}', 'p2')$$);
SELECT fits.refused('23R04', $$INSERT INTO refund (id, amount, raw_amount, payment_id) VALUES ('r4', 0, '{}', 'p1')$$);
SELECT fits.refused('23R07', $$DELETE FROM payment WHERE id = 'p1'$$);
-- above the threshold the second person says so before the row is there
INSERT INTO payment (id, amount, raw_amount, currency_code, payment_collection_id, payment_session_id) VALUES ('p3', 900, '{"value": "900"}', 'usd', 'c3', 's3');
INSERT INTO capture (id, amount, raw_amount, payment_id) VALUES ('c4', 900, '{"value": "900"}', 'p3');
SELECT fits.refused('42501', $$INSERT INTO refund (id, amount, raw_amount, payment_id) VALUES ('r5', 600, '{"value": "600"}', 'p3')$$);
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve_refund('refund', 'p3', 600, 'usd', 'agreed with the customer');
COMMIT;
BEGIN;
SELECT paysafe.act_as('agent');
INSERT INTO refund (id, amount, raw_amount, payment_id) VALUES ('r5', 600, '{"value": "600"}', 'p3');
COMMIT;
