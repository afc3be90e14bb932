-- erpnext: documents are drafts (0), submitted (1), cancelled (2). Payments received and payments made are one table. The general ledger has debits and credits,
-- nine decimals; a voucher that is cancelled is posted once more the other way round, under its own name, and both are marked.
CREATE TABLE "tabPayment Entry" (name varchar(140) PRIMARY KEY, creation timestamp(6), modified timestamp(6), docstatus smallint NOT NULL DEFAULT 0, payment_type varchar(140), party_type varchar(140), party varchar(140),
	paid_from varchar(140), paid_from_account_currency varchar(140), paid_to varchar(140), paid_amount numeric(21,9) NOT NULL DEFAULT 0, received_amount numeric(21,9) NOT NULL DEFAULT 0, unallocated_amount numeric(21,9) NOT NULL DEFAULT 0,
	reference_no varchar(140), status varchar(140), amended_from varchar(140));
CREATE TABLE "tabGL Entry" (name varchar(140) PRIMARY KEY, creation timestamp(6), modified timestamp(6), modified_by varchar(140), docstatus smallint NOT NULL DEFAULT 0, posting_date date, account varchar(140), party_type varchar(140), party varchar(140),
	debit numeric(21,9) NOT NULL DEFAULT 0, credit numeric(21,9) NOT NULL DEFAULT 0, account_currency varchar(140), against text, voucher_type varchar(140), voucher_no varchar(140), remarks text, is_cancelled smallint NOT NULL DEFAULT 0,
	is_opening varchar(140), company varchar(140));
CREATE INDEX ON "tabGL Entry" (voucher_type, voucher_no);
CREATE INDEX ON "tabPayment Entry" (party);

SELECT paysafe.protect_status('"tabPayment Entry"', 'docstatus', '
	[*] --> 0 : draft
	[*] --> 1 : added and submitted
	0 --> 1
	1 --> 2 : cancelled', deletable => '{0,2}');
SELECT paysafe.protect_payment('"tabPayment Entry"', 'docstatus', 'paid_amount', currency_column => 'paid_from_account_currency', captured => '{1}', rows => '{"payment_type": ["Receive"]}', decimals => 9);
SELECT paysafe.protect_refund('"tabPayment Entry"', NULL, 'party', 'paid_amount', 'paid_from_account_currency', 'docstatus', gated => '{1}', void => '{2}', rows => '{"payment_type": ["Pay"], "docstatus": [1, 2]}', decimals => 9,
	unapproved_columns => '{creation,modified,status,unallocated_amount}');
SELECT paysafe.set_refund_threshold('"tabPayment Entry"', 'INR', 50000);
SELECT paysafe.protect_ledger('"tabGL Entry"', '{voucher_type,voucher_no}', 'account', 'debit', credit_column => 'credit', currency => 'INR', decimals => 9, posting_date_column => 'posting_date',
	mutable_columns => '{is_cancelled,modified,modified_by,remarks,against}', closed => false);
SELECT paysafe.audit('"tabPayment Entry"'), paysafe.audit('"tabGL Entry"');

-- received: a draft is saved whole, renamed, and submitted, with its entries
INSERT INTO "tabPayment Entry" (name, payment_type, party, paid_from_account_currency, paid_amount, received_amount, status) VALUES ('new-1', 'Receive', 'C-1', 'INR', 900, 900, 'Draft');
UPDATE "tabPayment Entry" SET name = 'PE-1' WHERE name = 'new-1';
UPDATE "tabPayment Entry" SET modified = now(), payment_type = 'Receive', party = 'C-1', paid_from_account_currency = 'INR', paid_amount = 1000.50, received_amount = 1000.50, status = 'Draft' WHERE name = 'PE-1';
BEGIN;
UPDATE "tabPayment Entry" SET modified = now(), docstatus = 1, status = 'Submitted' WHERE name = 'PE-1';
INSERT INTO "tabGL Entry" (name, posting_date, account, debit, account_currency, voucher_type, voucher_no) VALUES ('gl-1', '2026-01-05', 'Bank', 1000.5, 'INR', 'Payment Entry', 'PE-1');
INSERT INTO "tabGL Entry" (name, posting_date, account, party, credit, account_currency, voucher_type, voucher_no) VALUES ('gl-2', '2026-01-05', 'Debtors', 'C-1', 1000.5, 'INR', 'Payment Entry', 'PE-1');
COMMIT;
UPDATE "tabPayment Entry" SET unallocated_amount = 0.5, modified = now() WHERE name = 'PE-1';
UPDATE "tabGL Entry" SET remarks = 'Amount INR 1000.5 received from C-1' WHERE voucher_no = 'PE-1';
-- cancelled: marked, and posted the other way round
BEGIN;
UPDATE "tabPayment Entry" SET docstatus = 2, status = 'Cancelled', modified = now() WHERE name = 'PE-1';
UPDATE "tabGL Entry" SET is_cancelled = 1, modified = now(), modified_by = 'x' WHERE voucher_type = 'Payment Entry' AND voucher_no = 'PE-1' AND is_cancelled = 0;
INSERT INTO "tabGL Entry" (name, posting_date, account, credit, account_currency, voucher_type, voucher_no, is_cancelled) VALUES ('gl-3', '2026-01-06', 'Bank', 1000.5, 'INR', 'Payment Entry', 'PE-1', 1);
INSERT INTO "tabGL Entry" (name, posting_date, account, party, debit, account_currency, voucher_type, voucher_no, is_cancelled) VALUES ('gl-4', '2026-01-06', 'Debtors', 'C-1', 1000.5, 'INR', 'Payment Entry', 'PE-1', 1);
COMMIT;
-- paid out, below the threshold; drafts are no payouts yet, and are edited
INSERT INTO "tabPayment Entry" (name, payment_type, party, paid_from_account_currency, paid_amount, received_amount) VALUES ('PE-2', 'Pay', 'S-1', 'INR', 30000, 30000);
UPDATE "tabPayment Entry" SET docstatus = 1 WHERE name = 'PE-2';
INSERT INTO "tabPayment Entry" (name, payment_type, party, paid_from_account_currency, paid_amount, received_amount) VALUES ('PE-3', 'Pay', 'S-1', 'INR', 30000, 30000);
SELECT fits.refused('42501', $$UPDATE "tabPayment Entry" SET docstatus = 1 WHERE name = 'PE-3'$$);		-- 60000 in a day, in two parts
UPDATE "tabPayment Entry" SET paid_amount = 40000, party = 'S-9' WHERE name = 'PE-3';
UPDATE "tabPayment Entry" SET paid_amount = 30001, party = 'S-1' WHERE name = 'PE-3';
SELECT fits.refused('42501', $$UPDATE "tabPayment Entry" SET docstatus = 1 WHERE name = 'PE-3'$$);
BEGIN;
SELECT paysafe.act_as('accounts manager');
SELECT paysafe.approve_refund('"tabPayment Entry"', 'S-1', 30001, 'INR', 'second half of the order');
COMMIT;
BEGIN;
SELECT paysafe.act_as('accounts user');
UPDATE "tabPayment Entry" SET docstatus = 1, status = 'Submitted', modified = now() WHERE name = 'PE-3';
COMMIT;
SELECT fits.refused('23R04', $$INSERT INTO "tabPayment Entry" (name, payment_type, party, paid_from_account_currency, paid_amount, docstatus) VALUES ('PE-5', 'Pay', 'S-1', 'INR', 0, 1)$$);
SELECT fits.refused('23R03', $$UPDATE "tabPayment Entry" SET payment_type = 'Receive' WHERE name = 'PE-2'$$);
SELECT fits.refused('23T01', $$UPDATE "tabPayment Entry" SET docstatus = 0 WHERE name = 'PE-2'$$);
SELECT fits.refused('23R03', $$UPDATE "tabPayment Entry" SET party = 'S-2' WHERE name = 'PE-2'$$);
INSERT INTO "tabPayment Entry" (name, payment_type, party, paid_from_account_currency, paid_amount, docstatus) VALUES ('PE-4', 'Receive', 'C-1', 'INR', 10, 1);
SELECT fits.refused('23R03', $$UPDATE "tabPayment Entry" SET paid_amount = 11 WHERE name = 'PE-4'$$);
SELECT fits.refused('23T05', $$UPDATE "tabPayment Entry" SET name = 'PE-9' WHERE name = 'PE-1'$$);
SELECT fits.refused('23T01', $$UPDATE "tabPayment Entry" SET docstatus = 1 WHERE name = 'PE-1'$$);
SELECT fits.refused('23T03', $$DELETE FROM "tabPayment Entry" WHERE name = 'PE-4'$$);
\set ON_ERROR_STOP off
INSERT INTO "tabGL Entry" (name, posting_date, account, debit, voucher_type, voucher_no) VALUES ('gl-5', '2026-01-06', 'Bank', 5, 'Journal Entry', 'JE-1');
\set got :SQLSTATE
\set ON_ERROR_STOP on
SELECT fits.is(:'got'::text, '23L02', 'half an entry');
SELECT fits.refused('23L01', $$UPDATE "tabGL Entry" SET debit = 5000 WHERE name = 'gl-1'$$);
SELECT fits.refused('23L01', $$UPDATE "tabGL Entry" SET posting_date = '2020-01-01' WHERE name = 'gl-1'$$);
SELECT fits.refused('23L01', $$DELETE FROM "tabGL Entry" WHERE name = 'gl-1'$$);
SELECT fits.refused('23L03', $$INSERT INTO "tabGL Entry" (name, posting_date, account, debit, credit, voucher_type, voucher_no) VALUES ('gl-5', '2026-01-06', 'Bank', 5, 5, 'Journal Entry', 'JE-1')$$);
