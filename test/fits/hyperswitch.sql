-- hyperswitch: payments of a merchant; the captured amount is on the intent, rises and falls with its
-- captures, and may be above the amount by a surcharge; the amount rises while it is authorized.
CREATE TYPE currency AS ENUM ('USD', 'EUR');
CREATE TYPE intent_status AS ENUM ('requires_payment_method', 'requires_confirmation', 'processing', 'requires_capture',
	'partially_captured_and_capturable', 'partially_captured', 'succeeded', 'failed', 'cancelled');
CREATE TABLE payment_intent (payment_id varchar(64), merchant_id varchar(64), status intent_status NOT NULL, amount bigint NOT NULL,
	currency currency, amount_captured bigint, active_attempt_id varchar(64) NOT NULL, modified_at timestamp NOT NULL DEFAULT now(),
	PRIMARY KEY (payment_id, merchant_id));

SELECT paysafe.protect_status('payment_intent', 'status', '
	[*] --> requires_payment_method
	[*] --> requires_confirmation
	[*] --> processing
	requires_payment_method --> requires_confirmation
	requires_confirmation --> processing
	requires_confirmation --> requires_payment_method
	processing --> requires_capture
	processing --> succeeded
	processing --> failed
	requires_capture --> partially_captured_and_capturable
	requires_capture --> partially_captured
	requires_capture --> succeeded
	requires_capture --> cancelled
	partially_captured_and_capturable --> partially_captured
	partially_captured_and_capturable --> succeeded
	failed --> requires_confirmation');
SELECT paysafe.protect_payment('payment_intent', 'status', 'amount', 'amount_captured', 'currency',
	captured => '{succeeded,partially_captured,partially_captured_and_capturable}',
	changes => 'any', over_percent => 10, adjustable => '{requires_capture}');
CREATE TYPE refund_status AS ENUM ('failure', 'manual_review', 'pending', 'success', 'transaction_failure');
CREATE TABLE refund (internal_reference_id varchar(64) NOT NULL, refund_id varchar(64), payment_id varchar(64) NOT NULL, merchant_id varchar(64),
	attempt_id varchar(64) NOT NULL, total_amount bigint NOT NULL, currency currency NOT NULL, refund_amount bigint NOT NULL, refund_status refund_status NOT NULL,
	sent_to_gateway boolean NOT NULL DEFAULT false, modified_at timestamp NOT NULL DEFAULT now(), PRIMARY KEY (merchant_id, refund_id));
CREATE INDEX ON refund (payment_id, merchant_id);
SELECT paysafe.protect_status('refund', 'refund_status', '
	[*] --> pending
	pending --> success
	pending --> failure
	pending --> manual_review
	manual_review --> success
	manual_review --> failure
	pending --> transaction_failure
	failure --> success');
SELECT paysafe.protect_refund('refund', 'payment_intent', '{payment_id,merchant_id}'::name[], 'refund_amount', 'currency', 'refund_status',
	gated => '{success}', void => '{failure,transaction_failure}', payment_amount_column => 'amount_captured', payment_currency_column => 'currency', payment_key => '{payment_id,merchant_id}', unapproved_columns => '{sent_to_gateway,modified_at}');
SELECT paysafe.set_refund_threshold('refund', 'USD', 100000);
-- rows only of payments that are captured several times: what of them is charged, beside what the intent says
CREATE TYPE capture_status AS ENUM ('started', 'charged', 'pending', 'failed');
CREATE TABLE captures (capture_id varchar(64) PRIMARY KEY, payment_id varchar(64) NOT NULL, merchant_id varchar(64) NOT NULL, status capture_status NOT NULL,
	amount bigint NOT NULL, currency currency, connector varchar(255), error_message varchar(255), authorized_attempt_id varchar(64) NOT NULL,
	capture_sequence smallint NOT NULL, modified_at timestamp NOT NULL DEFAULT now());
CREATE INDEX ON captures (payment_id, merchant_id);
SELECT paysafe.protect_status('captures', 'status', '
	[*] --> started
	started --> pending
	started --> charged
	started --> failed
	pending --> charged
	pending --> failed');
SELECT paysafe.protect_captures('captures', 'payment_intent', '{payment_id,merchant_id}'::name[], 'amount', 'currency', 'status', counted => '{charged}',
	limit_column => 'amount', over_percent => 10, payment_key => '{payment_id,merchant_id}');
SELECT paysafe.audit('payment_intent'), paysafe.audit('refund');

INSERT INTO payment_intent VALUES ('p1', 'm1', 'requires_confirmation', 1000, 'USD', NULL, 'a1'), ('p1', 'm2', 'requires_confirmation', 50, 'EUR', NULL, 'a1');
-- captured once
UPDATE payment_intent SET status = 'processing', modified_at = now() WHERE payment_id = 'p1' AND merchant_id = 'm1';
UPDATE payment_intent SET status = 'requires_capture', amount_captured = NULL WHERE payment_id = 'p1' AND merchant_id = 'm1';
UPDATE payment_intent SET status = 'succeeded', amount_captured = 1000 WHERE payment_id = 'p1' AND merchant_id = 'm1';
-- incremental authorization, then several captures in one status, one of which fails
INSERT INTO payment_intent VALUES ('p2', 'm1', 'processing', 1000, 'USD', NULL, 'a2');
UPDATE payment_intent SET status = 'requires_capture' WHERE payment_id = 'p2';
UPDATE payment_intent SET amount = 1300 WHERE payment_id = 'p2';
INSERT INTO captures (capture_id, payment_id, merchant_id, status, amount, currency, authorized_attempt_id, capture_sequence) VALUES ('c1', 'p2', 'm1', 'started', 300, 'USD', 'a2', 1);
UPDATE captures SET status = 'charged', modified_at = now() WHERE capture_id = 'c1';
UPDATE payment_intent SET status = 'partially_captured_and_capturable', amount_captured = 300 WHERE payment_id = 'p2';
INSERT INTO captures (capture_id, payment_id, merchant_id, status, amount, currency, authorized_attempt_id, capture_sequence) VALUES
	('c2', 'p2', 'm1', 'started', 200, 'USD', 'a2', 2), ('c3', 'p2', 'm1', 'started', 100, 'USD', 'a2', 3);
UPDATE captures SET status = 'pending' WHERE capture_id IN ('c2', 'c3');
UPDATE payment_intent SET status = 'partially_captured_and_capturable', amount_captured = 600 WHERE payment_id = 'p2';
UPDATE captures SET status = 'failed', error_message = 'declined' WHERE capture_id = 'c2';
UPDATE captures SET status = 'charged' WHERE capture_id = 'c3';
UPDATE payment_intent SET status = 'partially_captured_and_capturable', amount_captured = 400 WHERE payment_id = 'p2';
UPDATE payment_intent SET status = 'partially_captured', amount_captured = 400 WHERE payment_id = 'p2';
-- a surcharge
INSERT INTO payment_intent VALUES ('p4', 'm1', 'processing', 1000, 'USD', NULL, 'a4');
UPDATE payment_intent SET status = 'succeeded', amount_captured = 1025 WHERE payment_id = 'p4';
-- fails, and is tried again with another amount
INSERT INTO payment_intent VALUES ('p5', 'm1', 'requires_confirmation', 1000, 'USD', NULL, 'a5');
UPDATE payment_intent SET amount = 900 WHERE payment_id = 'p5';
UPDATE payment_intent SET status = 'processing' WHERE payment_id = 'p5';
UPDATE payment_intent SET status = 'failed' WHERE payment_id = 'p5';
UPDATE payment_intent SET status = 'requires_confirmation', active_attempt_id = 'a6' WHERE payment_id = 'p5';
-- refunds: of this merchant's payment, not of the other's with the same id
INSERT INTO refund VALUES ('i1', 'r1', 'p1', 'm1', 'a1', 1000, 'USD', 400, 'pending');
UPDATE refund SET refund_status = 'success', sent_to_gateway = true, modified_at = now() WHERE merchant_id = 'm1' AND refund_id = 'r1';
INSERT INTO refund VALUES ('i2', 'r2', 'p1', 'm1', 'a1', 1000, 'USD', 600, 'pending');
UPDATE refund SET refund_status = 'failure' WHERE merchant_id = 'm1' AND refund_id = 'r2';
UPDATE refund SET refund_status = 'success' WHERE merchant_id = 'm1' AND refund_id = 'r2';		-- a later sync
SELECT fits.refused('23R01', $$INSERT INTO refund VALUES ('i3', 'r3', 'p1', 'm1', 'a1', 1000, 'USD', 1, 'pending')$$);
SELECT fits.refused('23R01', $$INSERT INTO refund VALUES ('i3', 'r1', 'p1', 'm2', 'a1', 50, 'EUR', 1, 'pending')$$);		-- not captured
SELECT fits.refused('23R02', $$INSERT INTO refund VALUES ('i3', 'r3', 'p2', 'm1', 'a2', 400, 'EUR', 1, 'pending')$$);
SELECT fits.refused('23R06', $$INSERT INTO refund VALUES ('i3', 'r3', 'p1', 'm9', 'a1', 1000, 'USD', 1, 'pending')$$);
INSERT INTO refund VALUES ('i4', 'r4', 'p2', 'm1', 'a2', 400, 'USD', 350, 'pending');
SELECT fits.refused('23R01', $$UPDATE payment_intent SET amount_captured = 349 WHERE payment_id = 'p2'$$);	-- below its refunds

SELECT fits.refused('23R05', $$UPDATE payment_intent SET amount_captured = 1431 WHERE payment_id = 'p2'$$);
SELECT fits.refused('23R05', $$UPDATE payment_intent SET amount_captured = NULL WHERE payment_id = 'p2'$$);
SELECT fits.refused('23R05', $$UPDATE payment_intent SET amount_captured = 1 WHERE payment_id = 'p5'$$);
SELECT fits.refused('23R03', $$UPDATE payment_intent SET amount = 2000 WHERE payment_id = 'p2'$$);
SELECT fits.refused('23R03', $$UPDATE payment_intent SET currency = 'EUR' WHERE payment_id = 'p1' AND merchant_id = 'm1'$$);
SELECT fits.refused('23T05', $$UPDATE payment_intent SET merchant_id = 'm3' WHERE payment_id = 'p1' AND merchant_id = 'm1'$$);
SELECT fits.refused('23T01', $$UPDATE payment_intent SET status = 'cancelled' WHERE payment_id = 'p1' AND merchant_id = 'm1'$$);
SELECT fits.refused('23R04', $$INSERT INTO payment_intent VALUES ('p6', 'm1', 'processing', 1, NULL, NULL, 'a')$$);
SELECT fits.refused('23R02', $$INSERT INTO captures (capture_id, payment_id, merchant_id, status, amount, currency, authorized_attempt_id, capture_sequence)
	SELECT 'c9', 'p2', 'm1', 'started', 1, 'EUR', 'a2', 9; UPDATE captures SET status = 'charged' WHERE capture_id = 'c9'$$);
SELECT fits.refused('23R05', $$INSERT INTO captures (capture_id, payment_id, merchant_id, status, amount, currency, authorized_attempt_id, capture_sequence)
	SELECT 'c9', 'p2', 'm1', 'started', 1031, 'USD', 'a2', 9; UPDATE captures SET status = 'charged' WHERE capture_id = 'c9'$$);
SELECT fits.refused('23R06', $$INSERT INTO captures (capture_id, payment_id, merchant_id, status, amount, currency, authorized_attempt_id, capture_sequence)
	SELECT 'c9', 'p2', 'm2', 'started', 1, 'USD', 'a2', 9; UPDATE captures SET status = 'charged' WHERE capture_id = 'c9'$$);
SELECT fits.refused('23R03', $$UPDATE captures SET amount = 1 WHERE capture_id = 'c1'$$);
SELECT fits.refused('23R03', $$UPDATE captures SET merchant_id = 'm2' WHERE capture_id = 'c1'$$);
SELECT fits.refused('23T03', $$DELETE FROM captures WHERE capture_id = 'c1'$$);
