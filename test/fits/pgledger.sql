-- pgledger: transfers with both accounts in one row, and the two entries of each with the balance after it; a function locks the
-- accounts in order, writes their balances and versions, and then the rows. What keeps a balance from falling below zero is a
-- flag, and the function, not the database.
CREATE TABLE pgledger_accounts (id text PRIMARY KEY, name text NOT NULL, currency text NOT NULL, balance numeric NOT NULL DEFAULT 0, version bigint NOT NULL DEFAULT 0,
	allow_negative_balance boolean NOT NULL, allow_positive_balance boolean NOT NULL, metadata jsonb, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE pgledger_transfers (id text PRIMARY KEY, from_account_id text NOT NULL REFERENCES pgledger_accounts, to_account_id text NOT NULL REFERENCES pgledger_accounts, amount numeric NOT NULL,
	created_at timestamptz NOT NULL, event_at timestamptz NOT NULL, metadata jsonb, CHECK (amount > 0 AND from_account_id != to_account_id));
CREATE INDEX ON pgledger_transfers (from_account_id);
CREATE INDEX ON pgledger_transfers (to_account_id);
CREATE TABLE pgledger_entries (id bigserial PRIMARY KEY, account_id text NOT NULL REFERENCES pgledger_accounts, transfer_id text NOT NULL REFERENCES pgledger_transfers, amount numeric NOT NULL,
	account_previous_balance numeric NOT NULL, account_current_balance numeric NOT NULL, account_version bigint NOT NULL, created_at timestamptz NOT NULL);
CREATE INDEX ON pgledger_entries (account_id);
CREATE INDEX ON pgledger_entries (transfer_id);
CREATE FUNCTION pgledger_create_transfer(transfer text, from_account text, to_account text, of_amount numeric) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	f pgledger_accounts;
	t pgledger_accounts;
BEGIN
	PERFORM FROM pgledger_accounts a WHERE a.id = least(from_account, to_account) FOR UPDATE;
	PERFORM FROM pgledger_accounts a WHERE a.id = greatest(from_account, to_account) FOR UPDATE;
	UPDATE pgledger_accounts a SET balance = balance - of_amount, version = version + 1, updated_at = now() WHERE a.id = from_account RETURNING * INTO f;
	IF NOT f.allow_negative_balance AND f.balance < 0 THEN
		RAISE EXCEPTION 'Account (id=%, name=%) does not allow negative balance', f.id, f.name;
	END IF;
	UPDATE pgledger_accounts a SET balance = balance + of_amount, version = version + 1, updated_at = now() WHERE a.id = to_account RETURNING * INTO t;
	INSERT INTO pgledger_transfers (id, from_account_id, to_account_id, amount, created_at, event_at) VALUES (transfer, from_account, to_account, of_amount, now(), now());
	INSERT INTO pgledger_entries (account_id, transfer_id, amount, account_previous_balance, account_current_balance, account_version, created_at)
		VALUES (from_account, transfer, -of_amount, f.balance + of_amount, f.balance, f.version, now());
	INSERT INTO pgledger_entries (account_id, transfer_id, amount, account_previous_balance, account_current_balance, account_version, created_at)
		VALUES (to_account, transfer, of_amount, t.balance - of_amount, t.balance, t.version, now());
END $$;

SELECT paysafe.protect_entries('pgledger_transfers', 'to_account_id', 'amount', credit_account_column => 'from_account_id', currency_path => '{to_account_id,currency}');
SELECT paysafe.protect_ledger('pgledger_entries', 'transfer_id', 'account_id', 'amount', currency_path => '{account_id,currency}');
SELECT paysafe.protect_balance('pgledger_accounts', 'id', 'balance', 'pgledger_entries', currency_column => 'currency', kept_by => 'application');
SELECT paysafe.audit('pgledger_accounts');

INSERT INTO pgledger_accounts (id, name, currency, allow_negative_balance, allow_positive_balance, created_at, updated_at) VALUES
	('a1', 'external', 'USD', true, false, now(), now()), ('a2', 'available', 'USD', false, true, now(), now()), ('a3', 'pending', 'USD', false, true, now(), now());
SELECT pgledger_create_transfer('t1', 'a1', 'a2', 50);
SELECT pgledger_create_transfer('t2', 'a2', 'a3', 20);
BEGIN;
SELECT pgledger_create_transfer('t3', 'a3', 'a2', 5), pgledger_create_transfer('t4', 'a2', 'a3', 7.25);
COMMIT;
SELECT fits.is((SELECT string_agg(concat_ws(' ', id, balance, paysafe.balance(id)), ', ' ORDER BY id) FROM pgledger_accounts), 'a1 -50 -50, a2 27.75 27.75, a3 22.25 22.25', 'balances');

-- with one thing wrong
SELECT fits.refused('P0001', $$SELECT pgledger_create_transfer('t5', 'a3', 'a2', 100)$$);		-- the application's own
\set ON_ERROR_STOP off
UPDATE pgledger_accounts SET balance = 1000 WHERE id = 'a2';
\set got1 :SQLSTATE
BEGIN;
SELECT pgledger_create_transfer('t5', 'a2', 'a3', 1);
UPDATE pgledger_accounts SET balance = balance + 1 WHERE id = 'a2';
COMMIT;
\set got2 :SQLSTATE
INSERT INTO pgledger_entries (account_id, transfer_id, amount, account_previous_balance, account_current_balance, account_version, created_at) VALUES ('a2', 't5', 1, 0, 1, 9, now());
\set got3 :SQLSTATE
\set ON_ERROR_STOP on
SELECT fits.is(concat_ws(' ', :'got1'::text, :'got2'::text), '23M02 23M02', 'a balance that its entries do not say');
SELECT fits.is(:'got3'::text, '23503', 'an entry without its transfer');
SELECT fits.refused('23L01', $$UPDATE pgledger_transfers SET amount = 500 WHERE id = 't1'$$);
SELECT fits.refused('23L01', $$DELETE FROM pgledger_entries$$);
SELECT fits.refused('23L01', $$UPDATE pgledger_entries SET account_current_balance = 5$$);
SELECT fits.refused('23L04', $$INSERT INTO pgledger_entries (account_id, transfer_id, amount, account_previous_balance, account_current_balance, account_version, created_at)
	VALUES ('a2', 't1', 1, 0, 1, 9, now()), ('a1', 't1', -1, 0, 1, 9, now())$$);
SELECT fits.refused('23L03', $$INSERT INTO pgledger_transfers (id, from_account_id, to_account_id, amount, created_at, event_at) VALUES ('t6', 'a1', 'a2', 0.001, now(), now())$$);
SELECT fits.refused('23R03', $$UPDATE pgledger_accounts SET currency = 'EUR' WHERE id = 'a2'$$);
