-- fineract: a general ledger whose sides are 1 (credit) and 2 (debit), whose rows are flagged when they are reversed and get
-- running balances by a job; transactions are named after the loan's, and come again when it is undone. Savings have
-- a version. What a maker asks for is checked by somebody else.
CREATE TABLE acc_gl_account (id bigserial PRIMARY KEY, name varchar(200) NOT NULL, gl_code varchar(45) NOT NULL UNIQUE, disabled boolean NOT NULL DEFAULT false, classification_enum smallint NOT NULL);
CREATE TABLE acc_gl_journal_entry (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES acc_gl_account, office_id bigint NOT NULL DEFAULT 1, reversal_id bigint REFERENCES acc_gl_journal_entry,
	currency_code varchar(3) NOT NULL, transaction_id varchar(50) NOT NULL, loan_transaction_id bigint, savings_transaction_id bigint, reversed boolean NOT NULL DEFAULT false, ref_num varchar(100),
	manual_entry boolean NOT NULL DEFAULT false, entry_date date NOT NULL, type_enum smallint NOT NULL, amount numeric(19,6) NOT NULL, description varchar(500), entity_type_enum smallint, entity_id bigint,
	created_by bigint NOT NULL DEFAULT 1, last_modified_by bigint NOT NULL DEFAULT 1, created_on_utc timestamptz NOT NULL DEFAULT now(), last_modified_on_utc timestamptz NOT NULL DEFAULT now(),
	is_running_balance_calculated boolean NOT NULL DEFAULT false, office_running_balance numeric(19,6) NOT NULL DEFAULT 0, organization_running_balance numeric(19,6) NOT NULL DEFAULT 0, submitted_on_date date NOT NULL DEFAULT now());
CREATE INDEX ON acc_gl_journal_entry (transaction_id);
CREATE TABLE m_savings_account (id bigserial PRIMARY KEY, account_no varchar(20) NOT NULL UNIQUE, status_enum smallint NOT NULL DEFAULT 300, currency_code varchar(3) NOT NULL, account_balance_derived numeric(19,6) NOT NULL DEFAULT 0,
	min_required_balance numeric(19,6), version integer NOT NULL DEFAULT 1);
CREATE TABLE m_savings_account_transaction (id bigserial PRIMARY KEY, savings_account_id bigint NOT NULL REFERENCES m_savings_account, transaction_type_enum smallint NOT NULL, is_reversed boolean NOT NULL DEFAULT false,
	transaction_date date NOT NULL, amount numeric(19,6) NOT NULL, running_balance_derived numeric(19,6), submitted_on_date date NOT NULL DEFAULT now());
CREATE INDEX ON m_savings_account_transaction (savings_account_id);
CREATE TABLE m_portfolio_command_source (id bigserial PRIMARY KEY, action_name varchar(50) NOT NULL, entity_name varchar(50) NOT NULL, api_get_url varchar(100) NOT NULL, resource_id bigint, command_as_json text NOT NULL,
	maker_id bigint NOT NULL, made_on_date_utc timestamptz NOT NULL DEFAULT now(), checker_id bigint, checked_on_date_utc timestamptz, status smallint NOT NULL, idempotency_key varchar(50));

SELECT paysafe.protect_ledger('acc_gl_journal_entry', 'transaction_id', 'account_id', 'amount', 'currency_code', 'type_enum', posting_date_column => 'entry_date',
	debits => '{2}', credits => '{1}', closed => false,
	mutable_columns => '{reversed,reversal_id,last_modified_by,last_modified_on_utc,is_running_balance_calculated,office_running_balance,organization_running_balance}');
SELECT paysafe.protect_columns('m_savings_account_transaction', '{savings_account_id,transaction_type_enum,transaction_date,amount}');
SELECT paysafe.protect_row_lock('m_savings_account', '{account_balance_derived}');
SELECT paysafe.protect_status('m_portfolio_command_source', 'status', '
	state "1" as processed
	state "2" as awaiting_approval
	state "3" as rejected
	state "4" as under_processing
	state "5" as error
	[*] --> under_processing
	[*] --> awaiting_approval
	[*] --> processed
	under_processing --> processed
	under_processing --> awaiting_approval
	under_processing --> error
	awaiting_approval --> processed
	awaiting_approval --> rejected', deletable => '{2}');
SELECT paysafe.protect_columns('m_portfolio_command_source', '{action_name,entity_name,api_get_url,command_as_json,maker_id,made_on_date_utc}');
SELECT paysafe.protect_columns('m_portfolio_command_source', '{checker_id,checked_on_date_utc}', once_status => '{1,3}');
SELECT paysafe.audit('m_savings_account'), paysafe.audit('m_portfolio_command_source');

INSERT INTO acc_gl_account (id, name, gl_code, classification_enum) VALUES (1, 'fund', '10', 1), (2, 'portfolio', '11', 1), (3, 'savings', '20', 2);
-- a loan is paid out: two rows, one after the other
BEGIN;
INSERT INTO acc_gl_journal_entry (id, account_id, currency_code, transaction_id, loan_transaction_id, entry_date, type_enum, amount) VALUES (1, 2, 'USD', 'L1', 1, '2024-03-01', 2, 1000.000000);
INSERT INTO acc_gl_journal_entry (id, account_id, currency_code, transaction_id, loan_transaction_id, entry_date, type_enum, amount) VALUES (2, 1, 'USD', 'L1', 1, '2024-03-01', 1, 1000.000000);
COMMIT;
-- undone: under the same name
BEGIN;
INSERT INTO acc_gl_journal_entry (id, account_id, currency_code, transaction_id, loan_transaction_id, entry_date, type_enum, amount) VALUES (3, 2, 'USD', 'L1', 1, '2024-03-02', 1, 1000), (4, 1, 'USD', 'L1', 1, '2024-03-02', 2, 1000);
COMMIT;
-- by hand, and reversed: a transaction of its own, and flags; the whole row is saved again
BEGIN;
INSERT INTO acc_gl_journal_entry (id, account_id, currency_code, transaction_id, manual_entry, entry_date, type_enum, amount) VALUES (5, 1, 'USD', 'a1b2', true, '2024-03-03', 2, 12.5), (6, 3, 'USD', 'a1b2', true, '2024-03-03', 1, 12.5);
COMMIT;
BEGIN;
INSERT INTO acc_gl_journal_entry (id, account_id, currency_code, transaction_id, manual_entry, entry_date, type_enum, amount) VALUES (7, 1, 'USD', 'c3d4', true, '2024-03-03', 1, 12.5), (8, 3, 'USD', 'c3d4', true, '2024-03-03', 2, 12.5);
UPDATE acc_gl_journal_entry SET account_id = 1, office_id = 1, currency_code = 'USD', transaction_id = 'a1b2', entry_date = '2024-03-03', type_enum = 2, amount = 12.5, reversed = true, reversal_id = 7, last_modified_on_utc = now() WHERE id = 5;
UPDATE acc_gl_journal_entry SET reversed = true, reversal_id = 8, last_modified_on_utc = now() WHERE id = 6;
COMMIT;
-- the job
UPDATE acc_gl_journal_entry SET is_running_balance_calculated = true, organization_running_balance = 1000, office_running_balance = 1000 WHERE id IN (1, 2);
-- savings: deposit and withdrawal, one undone
INSERT INTO m_savings_account (id, account_no, currency_code) VALUES (1, '0001', 'USD');
INSERT INTO m_savings_account_transaction (id, savings_account_id, transaction_type_enum, transaction_date, amount, running_balance_derived) VALUES (1, 1, 1, '2024-03-01', 100, 100);
UPDATE m_savings_account SET account_balance_derived = 100, version = 2 WHERE id = 1 AND version = 1;
INSERT INTO m_savings_account_transaction (id, savings_account_id, transaction_type_enum, transaction_date, amount, running_balance_derived) VALUES (2, 1, 2, '2024-03-02', 30, 70);
UPDATE m_savings_account SET account_balance_derived = 70, version = 3 WHERE id = 1 AND version = 2;
UPDATE m_savings_account_transaction SET is_reversed = true WHERE id = 2;
UPDATE m_savings_account SET account_balance_derived = 100, version = 4 WHERE id = 1 AND version = 3;
-- made and checked; made and taken back; made and rejected
INSERT INTO m_portfolio_command_source (id, action_name, entity_name, api_get_url, command_as_json, maker_id, status) VALUES
	(1, 'DISBURSE', 'LOAN', '/loans/1', '{"amount": 1000}', 7, 4), (2, 'CREATE', 'CLIENT', '/clients', '{}', 7, 2), (3, 'CREATE', 'CLIENT', '/clients', '{"a": 1}', 7, 2);
UPDATE m_portfolio_command_source SET status = 2 WHERE id = 1;
UPDATE m_portfolio_command_source SET status = 1, checker_id = 8, checked_on_date_utc = now(), resource_id = 1 WHERE id = 1;
DELETE FROM m_portfolio_command_source WHERE id = 2;
UPDATE m_portfolio_command_source SET status = 3, checker_id = 8, checked_on_date_utc = now() WHERE id = 3;

-- with one thing wrong
SELECT setval('acc_gl_journal_entry_id_seq', 100);
\set entry 'INSERT INTO acc_gl_journal_entry (account_id, currency_code, transaction_id, entry_date, type_enum, amount) VALUES '
\set ON_ERROR_STOP off
:entry (1, 'USD', 'L2', '2024-03-01', 2, 10), (2, 'USD', 'L2', '2024-03-01', 1, 9);
\set got1 :SQLSTATE
:entry (1, 'USD', 'L2', '2024-03-01', 1, 10), (2, 'USD', 'L2', '2024-03-01', 1, 10);
\set got2 :SQLSTATE
:entry (2, 'USD', 'L1', '2024-03-01', 1, 10);
\set got3 :SQLSTATE
\set ON_ERROR_STOP on
SELECT fits.is(:'got1'::text, '23L02', 'unequal');
SELECT fits.is(:'got2'::text, '23L02', 'both credits');
SELECT fits.is(:'got3'::text, '23L02', 'what is added to L1 balances by itself');
SELECT fits.refused('23L03', :'entry' || $$(1, 'USD', 'L2', '2024-03-01', 3, 10)$$);													-- a side that is none
SELECT fits.refused('23L03', :'entry' || $$(1, 'USD', 'L2', '2024-03-01', 1, 10.005)$$);
SELECT fits.refused('23L03', :'entry' || $$(1, 'USD', 'L2', '2024-03-01', 1, 0)$$);
SELECT fits.refused('23L01', $$UPDATE acc_gl_journal_entry SET amount = 1 WHERE id = 1$$);
SELECT fits.refused('23L01', $$UPDATE acc_gl_journal_entry SET type_enum = 1, reversed = true WHERE id = 1$$);
SELECT fits.refused('23L01', $$UPDATE acc_gl_journal_entry SET account_id = 3 WHERE id = 1$$);
SELECT fits.refused('23L01', $$UPDATE acc_gl_journal_entry SET entry_date = '2025-01-01' WHERE id = 1$$);
SELECT fits.refused('23L01', $$UPDATE acc_gl_journal_entry SET description = 'x' WHERE id = 1$$);
SELECT fits.refused('23L01', $$DELETE FROM acc_gl_journal_entry WHERE transaction_id = 'L1'$$);
-- closed by two
BEGIN;
SELECT paysafe.act_as('accountant:1'), paysafe.propose('March is done');
SELECT paysafe.close_period('acc_gl_journal_entry', '2024-03-31');
COMMIT;
BEGIN;
SELECT paysafe.act_as('accountant:2');
SELECT paysafe.approve(approved_as, key, 'agreed') > 0 FROM paysafe.pending_change;
COMMIT;
BEGIN;
SELECT paysafe.act_as('accountant:1');
SELECT paysafe.close_period('acc_gl_journal_entry', '2024-03-31');
COMMIT;
SELECT fits.refused('23L06', :'entry' || $$(1, 'USD', 'L2', '2024-03-31', 2, 10), (2, 'USD', 'L2', '2024-03-31', 1, 10)$$);
UPDATE acc_gl_journal_entry SET office_running_balance = 5 WHERE id = 3;		-- what is computed is no posting
SELECT fits.refused('23R03', $$UPDATE m_savings_account_transaction SET amount = 1 WHERE id = 1$$);
SELECT fits.refused('23M04', $$UPDATE m_savings_account SET account_balance_derived = 5000 WHERE id = 1$$);
UPDATE m_savings_account SET account_balance_derived = 70, version = 4 WHERE id = 1 AND version = 3;	-- a version that is gone
SELECT fits.is((SELECT account_balance_derived FROM m_savings_account), 100::numeric, 'what was not overwritten');
SELECT fits.refused('23R03', $$UPDATE m_portfolio_command_source SET command_as_json = '{"amount": 9000}' WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE m_portfolio_command_source SET checker_id = 7 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE m_portfolio_command_source SET maker_id = 9 WHERE id = 1$$);
SELECT fits.refused('23T01', $$UPDATE m_portfolio_command_source SET status = 1, checker_id = 9 WHERE id = 3$$);							-- rejected
SELECT fits.refused('23T03', $$DELETE FROM m_portfolio_command_source WHERE id = 1$$);
