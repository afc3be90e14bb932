-- bagisto: amounts have four decimals, as totals are computed from thirds of a cent; orders have running totals,
-- refunds name the order, are added after the provider's call, and have one state.
CREATE TABLE orders (id bigserial PRIMARY KEY, increment_id varchar(255) NOT NULL, status varchar(255), order_currency_code varchar(255),
	grand_total numeric(12,4) DEFAULT 0, grand_total_invoiced numeric(12,4) DEFAULT 0, grand_total_refunded numeric(12,4) DEFAULT 0,
	created_at timestamp, updated_at timestamp);
CREATE TABLE invoices (id bigserial PRIMARY KEY, state varchar(255), order_id bigint REFERENCES orders ON DELETE CASCADE,
	order_currency_code varchar(255), grand_total numeric(12,4) DEFAULT 0, transaction_id varchar(255), updated_at timestamp);
CREATE TABLE refunds (id bigserial PRIMARY KEY, state varchar(255), email_sent boolean NOT NULL DEFAULT false, order_id bigint REFERENCES orders ON DELETE CASCADE,
	order_currency_code varchar(255), adjustment_refund numeric(12,4) DEFAULT 0, grand_total numeric(12,4) DEFAULT 0, created_at timestamp, updated_at timestamp);
CREATE INDEX ON refunds (order_id);

SELECT paysafe.protect_payment('orders', NULL, 'grand_total', 'grand_total_invoiced', 'order_currency_code', changes => 'rising', decimals => 4);
SELECT paysafe.protect_refund('refunds', 'orders', 'order_id', 'grand_total', 'order_currency_code', decimals => 4);
SELECT paysafe.set_refund_threshold('refunds', 'USD', 50.0000);
SELECT paysafe.audit('orders'), paysafe.audit('refunds');

-- placed, with a third of a discount in its total, and invoiced in two parts
INSERT INTO orders (increment_id, status, order_currency_code, grand_total, created_at) VALUES ('1', 'pending', 'USD', 66.6667, now());
SELECT fits.refused('23R01', $$INSERT INTO refunds (state, order_id, order_currency_code, grand_total) VALUES ('refunded', 1, 'USD', 1)$$);
BEGIN;
INSERT INTO invoices (state, order_id, order_currency_code, grand_total) VALUES ('paid', 1, 'USD', 33.3333);
UPDATE orders SET grand_total_invoiced = 33.3333, status = 'processing', updated_at = now() WHERE id = 1;
COMMIT;
SELECT fits.refused('23R01', $$INSERT INTO refunds (state, order_id, order_currency_code, grand_total) VALUES ('refunded', 1, 'USD', 33.3334)$$);
BEGIN;
INSERT INTO invoices (state, order_id, order_currency_code, grand_total) VALUES ('paid', 1, 'USD', 33.3334);
UPDATE orders SET grand_total_invoiced = 66.6667, status = 'completed', updated_at = now() WHERE id = 1;
COMMIT;
-- refunded in parts
BEGIN;
INSERT INTO refunds (state, order_id, order_currency_code, grand_total, created_at) VALUES ('refunded', 1, 'USD', 33.3333, now());
UPDATE orders SET grand_total_refunded = 33.3333, updated_at = now() WHERE id = 1;
UPDATE refunds SET email_sent = true, updated_at = now() WHERE id = 2;
COMMIT;
-- above the threshold somebody else has said so before
SELECT fits.refused('42501', $$INSERT INTO refunds (state, order_id, order_currency_code, grand_total) VALUES ('refunded', 1, 'USD', 33.3334)$$);
BEGIN;
SELECT paysafe.act_as('admin');
SELECT paysafe.approve_refund('refunds', '1', 33.3334, 'USD', 'returned');
COMMIT;
BEGIN;
SELECT paysafe.act_as('clerk');
INSERT INTO refunds (state, order_id, order_currency_code, grand_total, created_at) VALUES ('refunded', 1, 'USD', 33.3334, now());
UPDATE orders SET grand_total_refunded = 66.6667, status = 'closed', updated_at = now() WHERE id = 1;
COMMIT;

SELECT fits.refused('23R01', $$INSERT INTO refunds (state, order_id, order_currency_code, grand_total) VALUES ('refunded', 1, 'USD', 0.0001)$$);
SELECT fits.refused('23R02', $$INSERT INTO refunds (state, order_id, order_currency_code, grand_total) VALUES ('refunded', 1, 'EUR', 0.0001)$$);
SELECT fits.refused('23R03', $$UPDATE refunds SET grand_total = 33.33 WHERE order_id = 1$$);
SELECT fits.refused('23R03', $$UPDATE orders SET grand_total = 66.67$$);
SELECT fits.refused('23R05', $$UPDATE orders SET grand_total_invoiced = 66.6668$$);
SELECT fits.refused('23R05', $$UPDATE orders SET grand_total_invoiced = 66.66$$);
SELECT fits.refused('23R07', $$DELETE FROM refunds$$);
SELECT fits.refused('23R07', $$DELETE FROM orders$$);
