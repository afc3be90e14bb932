-- invoice ninja: no rows of refunds; what is paid back is a column of the payment that rises, and of each invoice's part of it. Statuses are numbers,
-- the currency is a row, four decimals.
CREATE TABLE currencies (id int PRIMARY KEY, name varchar NOT NULL, code varchar NOT NULL);
CREATE TABLE payments (id bigserial PRIMARY KEY, company_id int NOT NULL, client_id int NOT NULL, status_id int NOT NULL DEFAULT 1, amount numeric(16,4) NOT NULL DEFAULT 0, refunded numeric(16,4) NOT NULL DEFAULT 0,
	applied numeric(16,4) NOT NULL DEFAULT 0, date date, transaction_reference varchar, currency_id int NOT NULL REFERENCES currencies, exchange_rate numeric(16,6) NOT NULL DEFAULT 1, number varchar,
	is_manual boolean NOT NULL DEFAULT false, private_notes text, created_at timestamp(6), updated_at timestamp(6), deleted_at timestamp(6), is_deleted boolean NOT NULL DEFAULT false, UNIQUE (company_id, number));
CREATE TABLE paymentables (id bigserial PRIMARY KEY, payment_id bigint NOT NULL REFERENCES payments ON DELETE CASCADE, paymentable_id int NOT NULL, amount numeric(16,4) NOT NULL DEFAULT 0, refunded numeric(16,4) NOT NULL DEFAULT 0,
	paymentable_type varchar NOT NULL, created_at timestamp(6), updated_at timestamp(6), deleted_at timestamp(6));
CREATE INDEX ON payments (currency_id);
INSERT INTO currencies VALUES (1, 'US Dollar', 'USD'), (12, 'Japanese Yen', 'JPY');

SELECT paysafe.protect_status('payments', 'status_id', '
	[*] --> 1 : pending
	[*] --> 4 : completed
	1 --> 2 : voided
	1 --> 3 : failed
	1 --> 4
	4 --> 5 : refunded in part
	4 --> 6 : refunded
	5 --> 6');
SELECT paysafe.protect_payment('payments', 'status_id', 'amount', currency_path => '{currency_id,code}', captured => '{4,5,6}');
SELECT paysafe.protect_refund('payments', 'payments', 'id', 'refunded', amounts => 'running');
SELECT paysafe.protect_row_lock('payments', '{refunded,applied}');
SELECT paysafe.set_refund_threshold('payments', 'USD', 500);
SELECT paysafe.protect_columns('payments', '{is_deleted,deleted_at}', once_status => '{5,6}');
-- what of a payment is of which invoice, credit or payment: within its own amount
SELECT paysafe.protect_columns('paymentables', '{payment_id,paymentable_id,paymentable_type}');
SELECT paysafe.protect_row_lock('paymentables', '{refunded}');
SELECT paysafe.audit('payments'), paysafe.audit('paymentables');

INSERT INTO payments (id, company_id, client_id, status_id, amount, currency_id, number) VALUES (1, 1, 5, 1, 1200.00, 1, '0001');
UPDATE payments SET status_id = 4, transaction_reference = 'pi_1', updated_at = now() WHERE id = 1;
INSERT INTO paymentables (id, payment_id, paymentable_id, amount, paymentable_type) VALUES (1, 1, 10, 1000, 'invoices'), (2, 1, 11, 200, 'invoices');
BEGIN;
SELECT 1 FROM payments WHERE id = 1 FOR UPDATE;
UPDATE payments SET applied = 1200 WHERE id = 1;
COMMIT;
-- a refund of a part, below the threshold
BEGIN;
SELECT 1 FROM payments WHERE id = 1 FOR UPDATE;
UPDATE payments SET refunded = 300.5, status_id = 5, updated_at = now() WHERE id = 1;
UPDATE paymentables SET refunded = refunded + 300.5 WHERE id = 1;
COMMIT;

SELECT setval('payments_id_seq', 100);
SELECT fits.refused('23R01', $$UPDATE payments SET refunded = refunded + 900 WHERE id = 1$$);
SELECT fits.refused('42501', $$UPDATE payments SET refunded = refunded + 300, status_id = 5 WHERE id = 1$$);	-- 600.50 in a day
SELECT fits.refused('23M04', $$UPDATE payments SET refunded = 400 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE payments SET refunded = refunded - 100 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE payments SET amount = 9000 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE payments SET currency_id = 12 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE currencies SET code = 'EUR' WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE payments SET is_deleted = true WHERE id = 1$$);
SELECT fits.refused('23T01', $$UPDATE payments SET status_id = 1 WHERE id = 1$$);
SELECT fits.refused('23T03', $$DELETE FROM payments WHERE id = 1$$);
SELECT fits.refused('23R04', $$INSERT INTO payments (company_id, client_id, status_id, amount, currency_id, number) VALUES (1, 5, 4, 10.005, 1, '0002')$$);
SELECT fits.refused('23R04', $$INSERT INTO payments (company_id, client_id, status_id, amount, currency_id, number) VALUES (1, 5, 4, 10.5, 12, '0002')$$);
SELECT fits.refused('23R03', $$UPDATE paymentables SET paymentable_id = 11 WHERE id = 1$$);
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve_refund('payments', '1', 300, 'USD', 'agreed with the customer');
COMMIT;
BEGIN;
SELECT paysafe.act_as('agent');
UPDATE payments SET refunded = refunded + 300, status_id = 5, updated_at = now() WHERE id = 1;
COMMIT;
