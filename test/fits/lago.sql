-- lago: uuid keys, minor units; a payment is captured when it has succeeded, by its amount; a refund
-- is added with what the provider has answered.
CREATE TABLE invoices (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), currency varchar, total_amount_cents bigint NOT NULL DEFAULT 0);
CREATE TABLE payments (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), invoice_id uuid REFERENCES invoices, amount_cents bigint NOT NULL,
	amount_currency varchar NOT NULL, status varchar, payable_payment_status varchar NOT NULL DEFAULT 'pending', provider_payment_id varchar, updated_at timestamp DEFAULT now());
CREATE TABLE refunds (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), payment_id uuid NOT NULL REFERENCES payments, amount_cents bigint NOT NULL DEFAULT 0,
	amount_currency varchar NOT NULL, status varchar NOT NULL, provider_refund_id varchar NOT NULL, updated_at timestamp DEFAULT now());
CREATE INDEX ON refunds (payment_id);

SELECT paysafe.protect_status('payments', 'payable_payment_status', '
	[*] --> pending
	[*] --> processing
	[*] --> succeeded
	pending --> processing
	pending --> succeeded
	pending --> failed
	processing --> succeeded
	processing --> failed
	failed --> processing
	failed --> succeeded');
SELECT paysafe.protect_payment('payments', 'payable_payment_status', 'amount_cents', currency_column => 'amount_currency', captured => '{succeeded}');
SELECT paysafe.protect_status('refunds', 'status', '
	[*] --> pending
	[*] --> succeeded
	[*] --> failed
	pending --> succeeded
	pending --> failed');
SELECT paysafe.protect_refund('refunds', 'payments', 'payment_id', 'amount_cents', 'amount_currency', 'status',
	gated => '{succeeded}', void => '{failed}');
SELECT paysafe.set_refund_threshold('refunds', 'EUR', 50000);
SELECT paysafe.audit('payments'), paysafe.audit('refunds');

INSERT INTO invoices VALUES ('00000000-0000-0000-0000-000000000001', 'EUR', 12000);
INSERT INTO payments (id, invoice_id, amount_cents, amount_currency)
	VALUES ('10000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000001', 12000, 'EUR');
UPDATE payments SET status = 'processing', payable_payment_status = 'processing', provider_payment_id = 'pi_1', updated_at = now();
SELECT fits.refused('23R01', $$INSERT INTO refunds (payment_id, amount_cents, amount_currency, status, provider_refund_id)
	VALUES ('10000000-0000-0000-0000-000000000001', 1, 'EUR', 'pending', 're_0')$$);
UPDATE payments SET status = 'succeeded', payable_payment_status = 'succeeded', updated_at = now();
INSERT INTO refunds (id, payment_id, amount_cents, amount_currency, status, provider_refund_id)
	VALUES ('20000000-0000-0000-0000-000000000001', '10000000-0000-0000-0000-000000000001', 5000, 'EUR', 'pending', 're_1');
UPDATE refunds SET status = 'succeeded', updated_at = now();
INSERT INTO refunds (payment_id, amount_cents, amount_currency, status, provider_refund_id)
	VALUES ('10000000-0000-0000-0000-000000000001', 7000, 'EUR', 'succeeded', 're_2');

SELECT fits.refused('23R01', $$INSERT INTO refunds (payment_id, amount_cents, amount_currency, status, provider_refund_id)
	VALUES ('10000000-0000-0000-0000-000000000001', 1, 'EUR', 'succeeded', 're_3')$$);
SELECT fits.refused('23R02', $$INSERT INTO refunds (payment_id, amount_cents, amount_currency, status, provider_refund_id)
	VALUES ('10000000-0000-0000-0000-000000000001', 1, 'USD', 'succeeded', 're_3')$$);
SELECT fits.refused('23R03', $$UPDATE payments SET amount_cents = 20000$$);
SELECT fits.refused('23R03', $$UPDATE payments SET amount_currency = 'USD'$$);
SELECT fits.refused('23T01', $$UPDATE payments SET payable_payment_status = 'pending'$$);
SELECT fits.refused('23R03', $$UPDATE refunds SET amount_cents = 1$$);
INSERT INTO payments (id, amount_cents, amount_currency, payable_payment_status) VALUES ('10000000-0000-0000-0000-000000000002', 90000, 'EUR', 'succeeded');
SELECT fits.refused('42501', $$INSERT INTO refunds (payment_id, amount_cents, amount_currency, status, provider_refund_id)
	VALUES ('10000000-0000-0000-0000-000000000002', 60000, 'EUR', 'succeeded', 're_4')$$);
-- the second person says so before the provider is called
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve_refund('refunds', '10000000-0000-0000-0000-000000000002', 60000, 'EUR', 'agreed with the customer');
COMMIT;
BEGIN;
SELECT paysafe.act_as('agent');
INSERT INTO refunds (payment_id, amount_cents, amount_currency, status, provider_refund_id)
	VALUES ('10000000-0000-0000-0000-000000000002', 60000, 'EUR', 'succeeded', 're_4');
COMMIT;
