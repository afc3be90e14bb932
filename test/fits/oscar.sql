-- django-oscar: a source with running totals and no status; transactions of several types beside
-- it, whose status is free text and whose currency is the source's.
CREATE TABLE payment_source (id bigserial PRIMARY KEY, order_id bigint NOT NULL, currency varchar(12) NOT NULL DEFAULT 'GBP',
	amount_allocated numeric(12,2) NOT NULL DEFAULT 0, amount_debited numeric(12,2) NOT NULL DEFAULT 0,
	amount_refunded numeric(12,2) NOT NULL DEFAULT 0, reference varchar(255) NOT NULL DEFAULT '', label varchar(128) NOT NULL DEFAULT '');
CREATE TABLE payment_transaction (id bigserial PRIMARY KEY, source_id bigint NOT NULL REFERENCES payment_source, txn_type varchar(128) NOT NULL,
	amount numeric(12,2) NOT NULL, reference varchar(128) NOT NULL DEFAULT '', status varchar(128) NOT NULL DEFAULT '', date_created timestamptz DEFAULT now());
CREATE INDEX ON payment_transaction (source_id);

SELECT paysafe.protect_payment('payment_source', NULL, 'amount_allocated', 'amount_debited', 'currency', changes => 'rising', adjustable => '{added}');
SELECT paysafe.protect_columns('payment_source', '{order_id}');
SELECT paysafe.protect_append_only('payment_transaction');
SELECT paysafe.protect_refund('payment_transaction', 'payment_source', 'source_id', 'amount', rows => '{"txn_type": ["Refund"]}');
SELECT paysafe.set_refund_threshold('payment_transaction', 'GBP', 1000);
SELECT paysafe.audit('payment_source'), paysafe.audit('payment_transaction');

-- allocated at the checkout, debited in two parts as it is shipped, refunded; save() writes all columns
INSERT INTO payment_source (id, order_id, amount_allocated) VALUES (1, 1, 100);
INSERT INTO payment_transaction (source_id, txn_type, amount) VALUES (1, 'Authorise', 100);
UPDATE payment_source SET order_id = 1, currency = 'GBP', amount_allocated = 100, amount_debited = 40, amount_refunded = 0, reference = '', label = '' WHERE id = 1;
INSERT INTO payment_transaction (source_id, txn_type, amount) VALUES (1, 'Debit', 40);
UPDATE payment_source SET amount_allocated = 120 WHERE id = 1;			-- one thing more
UPDATE payment_source SET amount_debited = 120 WHERE id = 1;
INSERT INTO payment_transaction (source_id, txn_type, amount) VALUES (1, 'Debit', 80);
UPDATE payment_source SET amount_refunded = 50 WHERE id = 1;
INSERT INTO payment_transaction (source_id, txn_type, amount, status) VALUES (1, 'Refund', 50, 'ok');

SELECT fits.refused('23R01', $$INSERT INTO payment_transaction (source_id, txn_type, amount) VALUES (1, 'Refund', 70.01)$$);
SELECT fits.refused('23R04', $$INSERT INTO payment_transaction (source_id, txn_type, amount) VALUES (1, 'Refund', -1)$$);
SELECT fits.refused('23R05', $$UPDATE payment_source SET amount_debited = 121 WHERE id = 1$$);
SELECT fits.refused('23R05', $$UPDATE payment_source SET amount_debited = 100 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE payment_source SET amount_allocated = 119 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE payment_source SET currency = 'EUR' WHERE id = 1$$);
SELECT fits.refused('23L01', $$UPDATE payment_transaction SET txn_type = 'Debit' WHERE txn_type = 'Refund'$$);
INSERT INTO payment_source (id, order_id, amount_allocated, amount_debited) VALUES (2, 2, 5000, 5000);
SELECT fits.refused('23R07', $$DELETE FROM payment_source WHERE id = 2$$);
SELECT fits.refused('42501', $$INSERT INTO payment_transaction (source_id, txn_type, amount) VALUES (2, 'Refund', 1000.01)$$);
