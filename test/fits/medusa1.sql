-- medusa 1: refunds in one table name an order, which has several payments, or a payment of a collection, which has no order;
-- rows and nothing else, in minor units, without a currency. A payment is captured when captured_at says so, which also makes it
-- a part of what is captured of its order.
CREATE TYPE refund_reason_enum AS ENUM ('discount', 'return', 'swap', 'claim', 'other');
CREATE TABLE "order" (id varchar PRIMARY KEY, status varchar NOT NULL DEFAULT 'pending', payment_status varchar NOT NULL DEFAULT 'not_paid', currency_code varchar NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE payment (id varchar PRIMARY KEY, swap_id varchar, cart_id varchar, order_id varchar REFERENCES "order", amount integer NOT NULL, currency_code varchar NOT NULL,
	amount_refunded integer NOT NULL DEFAULT 0, provider_id varchar NOT NULL, data jsonb NOT NULL, captured_at timestamptz, canceled_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), metadata jsonb, idempotency_key varchar);
CREATE INDEX ON payment (order_id);
CREATE TABLE refund (id varchar PRIMARY KEY, order_id varchar REFERENCES "order", payment_id varchar REFERENCES payment, amount integer NOT NULL, note varchar,
	reason refund_reason_enum NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), metadata jsonb, idempotency_key varchar);
CREATE INDEX ON refund (order_id);
CREATE INDEX ON refund (payment_id);

SELECT paysafe.protect_payment('payment', 'captured_at', 'amount', currency_column => 'currency_code', captured => '{set}');
SELECT paysafe.protect_captures('payment', '"order"', 'order_id', 'amount', status_column => 'captured_at', counted => '{set}',
	currency_path => '{order_id,currency_code}', rows => '{"order_id": {"not": [null]}}');
SELECT paysafe.protect_refund('refund', '"order"', 'order_id', 'amount', rows => '{"order_id": {"not": [null]}}');
SELECT paysafe.protect_refund('refund', 'payment', 'payment_id', 'amount', rows => '{"payment_id": {"not": [null]}}', rule => 'refund_payment');
SELECT paysafe.set_refund_threshold('refund', 'usd', 50000), paysafe.set_refund_threshold('refund', 'usd', 20000, rule => 'refund_payment');
SELECT paysafe.audit('payment'), paysafe.audit('refund');

-- a cart is paid by two payments, which become the order's and are captured
INSERT INTO payment (id, cart_id, amount, currency_code, provider_id, data) VALUES ('pay_1', 'cart_1', 7000, 'usd', 'stripe', '{}'), ('pay_2', 'cart_1', 3000, 'usd', 'gift', '{}');
INSERT INTO "order" (id, currency_code) VALUES ('order_1', 'usd');
UPDATE payment SET order_id = 'order_1', updated_at = now() WHERE cart_id = 'cart_1';
SELECT fits.refused('23R01', $$INSERT INTO refund (id, order_id, amount, reason) VALUES ('ref_9', 'order_1', 1, 'return')$$);	-- nothing is captured
UPDATE payment SET captured_at = now(), data = '{"captured": true}', updated_at = now() WHERE id = 'pay_1';
UPDATE payment SET captured_at = now(), updated_at = now() WHERE id = 'pay_2';
UPDATE "order" SET payment_status = 'captured', updated_at = now();
-- refunded over both: of the order, after the provider's calls
INSERT INTO refund (id, order_id, amount, reason, note) VALUES ('ref_1', 'order_1', 8000, 'return', 'too small');
UPDATE payment SET amount_refunded = 7000, updated_at = now() WHERE id = 'pay_1';
UPDATE payment SET amount_refunded = 1000, updated_at = now() WHERE id = 'pay_2';
UPDATE "order" SET payment_status = 'partially_refunded', updated_at = now();
SELECT fits.refused('23R01', $$INSERT INTO refund (id, order_id, amount, reason) VALUES ('ref_9', 'order_1', 2001, 'return')$$);
-- a payment of a collection: its refunds name it
INSERT INTO payment (id, amount, currency_code, provider_id, data) VALUES ('pay_3', 500, 'usd', 'stripe', '{}');
UPDATE payment SET captured_at = now(), updated_at = now() WHERE id = 'pay_3';
INSERT INTO refund (id, payment_id, amount, reason) VALUES ('ref_2', 'pay_3', 200, 'other');
INSERT INTO refund (id, payment_id, amount, reason) VALUES ('ref_3', 'pay_3', 300, 'other');

-- with one thing wrong
SELECT fits.refused('23R01', $$INSERT INTO refund (id, payment_id, amount, reason) VALUES ('ref_9', 'pay_3', 1, 'other')$$);
SELECT fits.refused('23R01', $$INSERT INTO refund (id, order_id, payment_id, amount, reason) VALUES ('ref_9', 'order_1', 'pay_3', 1, 'other')$$);	-- of both: each is asked
SELECT fits.refused('23R01', $$INSERT INTO refund (id, order_id, payment_id, amount, reason) VALUES ('ref_9', 'order_1', 'pay_1', 2001, 'other')$$);
SELECT fits.refused('23R03', $$UPDATE refund SET order_id = NULL, payment_id = 'pay_1' WHERE id = 'ref_1'$$);		-- from one to the other
SELECT fits.refused('23R03', $$UPDATE refund SET payment_id = NULL WHERE id = 'ref_2'$$);
SELECT fits.refused('23R01', $$UPDATE refund SET order_id = 'order_1', amount = amount WHERE id = 'ref_2'; UPDATE refund SET order_id = 'order_1' WHERE id = 'ref_3';
	INSERT INTO refund (id, order_id, amount, reason) VALUES ('ref_9', 'order_1', 1501, 'other')$$);					-- both count for the order, too
SELECT fits.refused('23R03', $$UPDATE refund SET amount = 1 WHERE id = 'ref_2'$$);
SELECT fits.refused('23R03', $$UPDATE payment SET amount = 10000 WHERE id = 'pay_3'$$);
SELECT fits.refused('23R03', $$UPDATE payment SET currency_code = 'eur' WHERE id = 'pay_3'$$);
SELECT fits.refused('23R07', $$DELETE FROM refund WHERE id = 'ref_1'$$);
SELECT fits.refused('23R07', $$DELETE FROM refund WHERE id = 'ref_2'$$);
SELECT fits.refused('23R04', $$INSERT INTO refund (id, order_id, amount, reason) VALUES ('ref_9', 'order_1', -1, 'return')$$);
-- each has a threshold of its own
INSERT INTO "order" (id, currency_code) VALUES ('order_2', 'usd');
INSERT INTO payment (id, order_id, amount, currency_code, provider_id, data) VALUES ('pay_4', 'order_2', 90000, 'usd', 'stripe', '{}'), ('pay_5', NULL, 90000, 'usd', 'stripe', '{}');
UPDATE payment SET captured_at = now() WHERE id IN ('pay_4', 'pay_5');
INSERT INTO refund (id, order_id, amount, reason) VALUES ('ref_4', 'order_2', 50000, 'claim');
SELECT fits.refused('42501', $$INSERT INTO refund (id, order_id, amount, reason) VALUES ('ref_9', 'order_2', 1, 'claim')$$);
SELECT fits.refused('42501', $$INSERT INTO refund (id, payment_id, amount, reason) VALUES ('ref_9', 'pay_5', 20001, 'claim')$$);
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve_refund('refund', 'pay_5', 30000, 'usd', 'agreed', rule => 'refund_payment');
COMMIT;
BEGIN;
SELECT paysafe.act_as('agent');
INSERT INTO refund (id, payment_id, amount, reason) VALUES ('ref_5', 'pay_5', 30000, 'claim');
COMMIT;
SELECT fits.is((SELECT string_agg(rule || ' ' || state, ',') FROM paysafe.approval), 'refund_payment used', 'the approval is that rule''s');
