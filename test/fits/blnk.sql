-- blnk: transfers with both accounts in one row, as text; whole minor units in a numeric; a row for each step (queued, in flight,
-- applied, void), of which the applied ones count. The application writes the balance, and a version, before the
-- transaction, in statements of their own; rows get a hash of the chain later, and metadata. Its trigger
-- that keeps transactions goes first: the rule does what it does, and more.
CREATE SCHEMA blnk;
CREATE TABLE blnk.ledgers (id serial PRIMARY KEY, name text, ledger_id text NOT NULL UNIQUE, created_at timestamp NOT NULL DEFAULT now(), meta_data jsonb);
CREATE TABLE blnk.balances (id serial PRIMARY KEY, balance_id text NOT NULL UNIQUE, indicator text, balance numeric NOT NULL, credit_balance numeric NOT NULL, debit_balance numeric NOT NULL,
	currency text NOT NULL, currency_multiplier numeric NOT NULL, ledger_id text NOT NULL REFERENCES blnk.ledgers (ledger_id), identity_id text, created_at timestamp NOT NULL DEFAULT now(),
	modification_ref text, meta_data jsonb, version integer NOT NULL DEFAULT 1, inflight_balance numeric NOT NULL DEFAULT 0, inflight_credit_balance numeric NOT NULL DEFAULT 0,
	inflight_debit_balance numeric NOT NULL DEFAULT 0, CONSTRAINT unique_indicator_currency UNIQUE (indicator, currency));
CREATE TABLE blnk.transactions (id serial PRIMARY KEY, transaction_id text NOT NULL UNIQUE, source text REFERENCES blnk.balances (balance_id), destination text REFERENCES blnk.balances (balance_id),
	description text, reference text, amount numeric, currency text, status text, hash text, created_at timestamp NOT NULL DEFAULT now(), scheduled_for timestamp, meta_data jsonb, precise_amount numeric,
	precision bigint DEFAULT 1, parent_transaction text, effective_date timestamp, chain_seq bigint, chain_prev_hash char(64), chain_hash char(64));
CREATE UNIQUE INDEX idx_transactions_reference_unique ON blnk.transactions (reference);
CREATE INDEX idx_transactions_parent_transaction ON blnk.transactions (parent_transaction);
CREATE INDEX idx_transactions_source_created_at ON blnk.transactions (source, created_at);
CREATE INDEX idx_transactions_destination_created_at ON blnk.transactions (destination, created_at);

SELECT paysafe.protect_entries('blnk.transactions', 'destination', 'precise_amount', currency_column => 'currency', credit_account_column => 'source', decimals => 0,
	rows => '{"status": ["APPLIED"]}', mutable_columns => '{meta_data,chain_seq,chain_prev_hash,chain_hash}');
SELECT paysafe.protect_balance('blnk.balances', 'balance_id', 'balance', 'blnk.transactions', currency_column => 'currency', kept_by => 'application');
SELECT paysafe.protect_columns('blnk.transactions', '{transaction_id,source,destination,amount,precise_amount,currency,status,reference}');
SELECT paysafe.audit('blnk.balances');

INSERT INTO blnk.ledgers (name, ledger_id) VALUES ('General Ledger', 'general_ledger_id');
INSERT INTO blnk.balances (balance_id, indicator, balance, credit_balance, debit_balance, currency, currency_multiplier, ledger_id) VALUES
	('bln_world', '@world-usd', 0, 0, 0, 'USD', 1, 'general_ledger_id'), ('bln_a', NULL, 0, 0, 0, 'USD', 1, 'general_ledger_id'), ('bln_b', NULL, 0, 0, 0, 'USD', 1, 'general_ledger_id'),
	('bln_eur', NULL, 0, 0, 0, 'EUR', 1, 'general_ledger_id');
-- the statement of a balance: all columns, if nobody has changed it meanwhile
PREPARE balance (text, numeric, numeric, numeric, numeric, numeric, numeric, int) AS
	UPDATE blnk.balances SET balance = $2, credit_balance = $3, debit_balance = $4, inflight_balance = $5, inflight_credit_balance = $6, inflight_debit_balance = $7, currency = 'USD',
		ledger_id = 'general_ledger_id', created_at = created_at, version = version + 1 WHERE balance_id = $1 AND version = $8;
PREPARE transaction (text, text, text, text, numeric, text, text, text) AS
	INSERT INTO blnk.transactions (transaction_id, parent_transaction, source, reference, amount, precise_amount, precision, currency, destination, description, status, created_at, meta_data, scheduled_for, hash, effective_date)
	VALUES ($1, $2, $3, $4, $5 / 100, $5, 100, $8, $6, '', $7, now(), '{}', now(), md5($1), now());
-- queued, then applied: a row of its own, with the balances
EXECUTE transaction ('txn_1', '', 'bln_world', 'ref_1', 10000, 'bln_a', 'QUEUED', 'USD');
BEGIN;
EXECUTE balance ('bln_world', -10000, 0, 10000, 0, 0, 0, 1);
EXECUTE balance ('bln_a', 10000, 10000, 0, 0, 0, 0, 1);
EXECUTE transaction ('txn_2', 'txn_1', 'bln_world', 'ref_1_q', 10000, 'bln_a', 'APPLIED', 'USD');
COMMIT;
-- in flight, a part of it committed, the rest void
BEGIN;
EXECUTE balance ('bln_a', 10000, 10000, 0, -3000, 0, 3000, 2);
EXECUTE balance ('bln_b', 0, 0, 0, 3000, 3000, 0, 1);
EXECUTE transaction ('txn_3', '', 'bln_a', 'ref_2', 3000, 'bln_b', 'INFLIGHT', 'USD');
COMMIT;
BEGIN;
EXECUTE balance ('bln_a', 8000, 10000, 2000, -1000, 0, 1000, 3);
EXECUTE balance ('bln_b', 2000, 2000, 0, 1000, 1000, 0, 2);
EXECUTE transaction ('txn_4', 'txn_3', 'bln_a', 'ref_3', 2000, 'bln_b', 'APPLIED', 'USD');
COMMIT;
BEGIN;
EXECUTE balance ('bln_a', 8000, 10000, 2000, 0, 0, 0, 4);
EXECUTE balance ('bln_b', 2000, 2000, 0, 0, 0, 0, 3);
EXECUTE transaction ('txn_5', 'txn_3', 'bln_a', 'ref_4', 1000, 'bln_b', 'VOID', 'USD');
COMMIT;
-- several at once: the balances in one statement, the transactions by COPY
BEGIN;
UPDATE blnk.balances AS b SET balance = v.balance, credit_balance = v.credit, debit_balance = v.debit, version = b.version + 1
  FROM (VALUES ('bln_a', 7000::numeric, 10500::numeric, 3500::numeric, 5), ('bln_b', 3000, 3500, 500, 4)) v (id, balance, credit, debit, version) WHERE b.balance_id = v.id AND b.version = v.version;
COPY blnk.transactions (transaction_id, source, destination, reference, amount, precise_amount, currency, status, hash) FROM stdin;
txn_6	bln_a	bln_b	ref_5	10	1000	USD	APPLIED	x
txn_7	bln_a	bln_b	ref_6	5	500	USD	APPLIED	y
txn_8	bln_b	bln_a	ref_7	5	500	USD	APPLIED	z
\.
COMMIT;
EXECUTE transaction ('txn_9', '', 'bln_a', 'ref_8', 900000, 'bln_b', 'REJECTED', 'USD');
UPDATE blnk.transactions SET chain_seq = 1, chain_prev_hash = 'a', chain_hash = 'b' WHERE transaction_id = 'txn_2';
UPDATE blnk.transactions SET meta_data = '{"k": "v"}' WHERE transaction_id = 'txn_2';
-- a version that is gone: it tries again
BEGIN;
EXECUTE balance ('bln_a', 0, 0, 0, 0, 0, 0, 5);
ROLLBACK;
SELECT fits.is((SELECT string_agg(concat_ws(' ', balance_id, balance, paysafe.balance(balance_id)), ', ' ORDER BY balance_id) FROM blnk.balances),
			   'bln_a 7000 7000, bln_b 3000 3000, bln_eur 0 0, bln_world -10000 -10000', 'balances');
SELECT fits.is((SELECT concat_ws(' ', sum(debit), sum(credit)) FROM paysafe.trial_balance('blnk.balances')), '10000 10000', 'trial balance');

-- with one thing wrong
\set ON_ERROR_STOP off
EXECUTE balance ('bln_a', 700000, 10500, 3500, 0, 0, 0, 6);		-- money out of nothing
\set got1 :SQLSTATE
EXECUTE transaction ('txn_10', '', 'bln_a', 'ref_9', 100, 'bln_b', 'APPLIED', 'USD');		-- and nothing of it in the balances
\set got2 :SQLSTATE
BEGIN;
EXECUTE balance ('bln_a', 6900, 10500, 3600, 0, 0, 0, 6);
EXECUTE transaction ('txn_10', '', 'bln_a', 'ref_9', 100, 'bln_b', 'APPLIED', 'USD');
COMMIT;		-- one side
\set got3 :SQLSTATE
BEGIN;
EXECUTE balance ('bln_a', 6901, 10500, 3599, 0, 0, 0, 6);
EXECUTE balance ('bln_b', 3100, 3600, 500, 0, 0, 0, 5);
EXECUTE transaction ('txn_10', '', 'bln_a', 'ref_9', 100, 'bln_b', 'APPLIED', 'USD');
COMMIT;		-- a cent
\set got4 :SQLSTATE
\set ON_ERROR_STOP on
SELECT fits.is(concat_ws(' ', :'got1'::text, :'got2'::text, :'got3'::text, :'got4'::text), '23M02 23M02 23M02 23M02', 'balances that are not what the transactions sum to');
SELECT fits.refused('23L03', $$EXECUTE transaction ('txn_10', '', 'bln_a', 'ref_9', 0, 'bln_b', 'APPLIED', 'USD')$$);
SELECT fits.refused('23L03', $$EXECUTE transaction ('txn_10', '', 'bln_a', 'ref_9', 1.5, 'bln_b', 'APPLIED', 'USD')$$);
SELECT fits.refused('23L03', $$EXECUTE transaction ('txn_10', '', 'bln_a', 'ref_9', -5, 'bln_b', 'APPLIED', 'USD')$$);
SELECT fits.refused('23L03', $$EXECUTE transaction ('txn_10', '', 'bln_a', 'ref_9', 5, 'bln_a', 'APPLIED', 'USD')$$);
SELECT fits.refused('23L03', $$EXECUTE transaction ('txn_10', '', NULL, 'ref_9', 5, 'bln_a', 'APPLIED', 'USD')$$);
SELECT fits.refused('23M03', $$EXECUTE transaction ('txn_10', '', 'bln_a', 'ref_9', 5, 'bln_eur', 'APPLIED', 'USD')$$);
SELECT fits.refused('23L01', $$DELETE FROM blnk.transactions WHERE transaction_id = 'txn_2'$$);
SELECT fits.refused('23R03', $$UPDATE blnk.transactions SET precise_amount = 1 WHERE transaction_id = 'txn_2'$$);		-- which its own trigger forgets
SELECT fits.refused('23R03', $$UPDATE blnk.transactions SET precise_amount = 1 WHERE transaction_id = 'txn_3'$$);
SELECT fits.refused('23M02', $$UPDATE blnk.balances SET currency = 'EUR' WHERE balance_id = 'bln_a'$$);
