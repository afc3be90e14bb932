-- polar: refunds name the order, in two amounts of minor units, net and tax; they are added with what the provider has answered. Payments
-- are added by webhooks in whatever status they have. Everything is deleted softly.
CREATE TABLE orders (id uuid PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(), modified_at timestamptz, deleted_at timestamptz, status varchar NOT NULL DEFAULT 'pending', subtotal_amount int NOT NULL,
	discount_amount int NOT NULL DEFAULT 0, tax_amount int NOT NULL, applied_balance_amount int NOT NULL DEFAULT 0, currency varchar(3) NOT NULL, refunded_amount int NOT NULL DEFAULT 0,
	refunded_tax_amount int NOT NULL DEFAULT 0, platform_fee_amount int NOT NULL DEFAULT 0, invoice_number varchar NOT NULL UNIQUE, user_metadata jsonb NOT NULL DEFAULT '{}');
CREATE TABLE payments (id uuid PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(), modified_at timestamptz, deleted_at timestamptz, processor varchar NOT NULL, status varchar NOT NULL, amount_v2 bigint NOT NULL,
	currency varchar(3) NOT NULL, method varchar NOT NULL, processor_metadata jsonb NOT NULL DEFAULT '{}', processor_id varchar NOT NULL UNIQUE, decline_reason varchar, order_id uuid REFERENCES orders ON DELETE SET NULL);
CREATE TABLE refunds (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), created_at timestamptz NOT NULL DEFAULT now(), modified_at timestamptz, deleted_at timestamptz, status varchar NOT NULL, reason varchar NOT NULL, amount int NOT NULL,
	tax_amount int NOT NULL, currency varchar(3) NOT NULL, comment varchar, failure_reason varchar, destination_details jsonb NOT NULL DEFAULT '{}', stripe_id varchar NOT NULL UNIQUE, stripe_receipt_number varchar,
	order_id uuid REFERENCES orders, pledge_id uuid);
CREATE INDEX ON refunds (order_id);

SELECT paysafe.protect_status('orders', 'status', '
	[*] --> pending
	[*] --> paid
	pending --> paid
	paid --> partially_refunded
	paid --> refunded
	partially_refunded --> refunded
	partially_refunded --> paid : refund failed
	refunded --> paid : refund failed
	refunded --> partially_refunded : refund failed');
-- what is captured of an order, before discounts: none of its columns says it after them
SELECT paysafe.protect_payment('orders', 'status', 'subtotal_amount', currency_column => 'currency', captured => '{paid,refunded,partially_refunded}');
SELECT paysafe.protect_columns('orders', '{discount_amount,tax_amount,deleted_at}', once_status => '{paid}');
SELECT paysafe.protect_row_lock('orders', '{refunded_amount,refunded_tax_amount}');
SELECT paysafe.protect_status('payments', 'status', '
	[*] --> pending
	[*] --> succeeded
	[*] --> failed
	pending --> succeeded
	pending --> failed');
SELECT paysafe.protect_payment('payments', 'status', 'amount_v2', currency_column => 'currency', captured => '{succeeded}');
SELECT paysafe.protect_status('refunds', 'status', '
	[*] --> pending
	[*] --> succeeded
	[*] --> failed
	pending --> succeeded
	pending --> failed
	pending --> canceled
	succeeded --> failed : the bank sends it back');
SELECT paysafe.protect_refund('refunds', 'orders', 'order_id', 'amount', 'currency', 'status', gated => '{pending,succeeded}', void => '{failed,canceled}', rows => '{"order_id": {"not": [null]}}');
SELECT paysafe.set_refund_threshold('refunds', 'usd', 50000);
SELECT paysafe.audit('orders'), paysafe.audit('payments'), paysafe.audit('refunds');

INSERT INTO orders (id, subtotal_amount, discount_amount, tax_amount, currency, invoice_number) VALUES ('00000000-0000-0000-0000-000000000001', 10000, 0, 2500, 'usd', 'A-1');
INSERT INTO payments (id, processor, status, amount_v2, currency, method, processor_id, order_id) VALUES ('10000000-0000-0000-0000-000000000001', 'stripe', 'succeeded', 12500, 'usd', 'card', 'ch_1', '00000000-0000-0000-0000-000000000001');
SELECT fits.refused('23R01', $$INSERT INTO refunds (status, reason, amount, tax_amount, currency, stripe_id, order_id) VALUES ('succeeded', 'other', 100, 25, 'usd', 're_0', '00000000-0000-0000-0000-000000000001')$$);
UPDATE orders SET status = 'paid', modified_at = now();
-- the refund that the provider has answered, and the order's totals
BEGIN;
INSERT INTO refunds (id, status, reason, amount, tax_amount, currency, stripe_id, order_id) VALUES ('20000000-0000-0000-0000-000000000001', 'pending', 'customer_request', 4000, 1000, 'usd', 're_1', '00000000-0000-0000-0000-000000000001');
SELECT 1 FROM orders FOR UPDATE;
UPDATE orders SET status = 'partially_refunded', refunded_amount = 4000, refunded_tax_amount = 1000, modified_at = now();
COMMIT;
UPDATE refunds SET status = 'succeeded', stripe_receipt_number = '1-2', modified_at = now();
UPDATE payments SET processor_metadata = '{"refunded": true}', modified_at = now();

SELECT fits.refused('23R01', $$INSERT INTO refunds (status, reason, amount, tax_amount, currency, stripe_id, order_id) VALUES ('succeeded', 'other', 6001, 0, 'usd', 're_2', '00000000-0000-0000-0000-000000000001')$$);
SELECT fits.refused('23R02', $$INSERT INTO refunds (status, reason, amount, tax_amount, currency, stripe_id, order_id) VALUES ('succeeded', 'other', 1, 0, 'eur', 're_2', '00000000-0000-0000-0000-000000000001')$$);
SELECT fits.refused('23R03', $$UPDATE refunds SET amount = 1$$);
SELECT fits.refused('23R03', $$UPDATE refunds SET order_id = NULL$$);
SELECT fits.refused('23R03', $$UPDATE orders SET subtotal_amount = 90000$$);
SELECT fits.refused('23R03', $$UPDATE orders SET tax_amount = 0$$);
SELECT fits.refused('23R03', $$UPDATE orders SET deleted_at = now()$$);
SELECT fits.refused('23M04', $$UPDATE orders SET refunded_amount = 0$$);
SELECT fits.refused('23R03', $$UPDATE payments SET amount_v2 = 1$$);
SELECT fits.refused('23T01', $$UPDATE orders SET status = 'pending'$$);
SELECT fits.refused('23T03', $$DELETE FROM refunds$$);
INSERT INTO orders (id, subtotal_amount, tax_amount, currency, status, invoice_number) VALUES ('00000000-0000-0000-0000-000000000002', 90000, 0, 'usd', 'paid', 'A-2');
SELECT fits.refused('42501', $$INSERT INTO refunds (status, reason, amount, tax_amount, currency, stripe_id, order_id) VALUES ('pending', 'other', 60000, 0, 'usd', 're_3', '00000000-0000-0000-0000-000000000002')$$);
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve_refund('refunds', '00000000-0000-0000-0000-000000000002', 60000, 'usd', 'agreed with the customer');
COMMIT;
BEGIN;
SELECT paysafe.act_as('agent');
INSERT INTO refunds (status, reason, amount, tax_amount, currency, stripe_id, order_id) VALUES ('pending', 'other', 60000, 0, 'usd', 're_3', '00000000-0000-0000-0000-000000000002');
COMMIT;
-- refunds of pledges name none of these orders
INSERT INTO refunds (status, reason, amount, tax_amount, currency, stripe_id, pledge_id) VALUES ('succeeded', 'other', 60000, 0, 'usd', 're_4', gen_random_uuid());
