-- formance ledger: several ledgers in one table, amounts without a sign and a flag for the side, assets that are
-- free text, postings of nothing; and volumes of later moves that are written again when one comes in between.
CREATE TYPE volumes AS (inputs numeric, outputs numeric);
CREATE TABLE transactions (ledger varchar NOT NULL, id bigint NOT NULL, timestamp timestamp NOT NULL, reference varchar, reverted_at timestamp, inserted_at timestamp NOT NULL DEFAULT now(),
	updated_at timestamp, postings varchar NOT NULL, metadata jsonb NOT NULL DEFAULT '{}', post_commit_volumes jsonb, PRIMARY KEY (ledger, id));
CREATE UNIQUE INDEX ON transactions (ledger, reference);
CREATE TABLE moves (seq bigserial PRIMARY KEY, ledger varchar NOT NULL, transactions_id bigint NOT NULL, accounts_address varchar NOT NULL, asset varchar NOT NULL, amount numeric NOT NULL,
	insertion_date timestamp NOT NULL, effective_date timestamp NOT NULL, post_commit_volumes volumes, post_commit_effective_volumes volumes, is_source boolean NOT NULL);
CREATE INDEX ON moves (transactions_id);
CREATE INDEX ON moves (accounts_address, asset, effective_date DESC);
CREATE TABLE accounts_volumes (ledger varchar NOT NULL, accounts_address varchar NOT NULL, asset varchar NOT NULL, input numeric NOT NULL, output numeric NOT NULL, PRIMARY KEY (ledger, accounts_address, asset));
CREATE TABLE logs (ledger varchar NOT NULL, id bigint NOT NULL, type varchar NOT NULL, hash bytea, date timestamp NOT NULL DEFAULT now(), data jsonb NOT NULL, idempotency_key varchar(255), PRIMARY KEY (ledger, id));

CREATE INDEX ON moves (ledger, transactions_id);		-- else a posting reads its namesakes in the other ledgers, too
SELECT paysafe.protect_ledger('moves', '{ledger,transactions_id}', '{ledger,accounts_address,asset}', 'amount', 'asset', 'is_source',
	debits => '{false}', credits => '{true}', decimals => 0, zero_amounts => true,
	mutable_columns => '{post_commit_volumes,post_commit_effective_volumes}');
SELECT paysafe.protect_columns('transactions', '{ledger,id,timestamp,reference,inserted_at,postings}');
SELECT paysafe.protect_balance('accounts_volumes', '{ledger,accounts_address,asset}', 'input', 'moves', currency_column => 'asset', kept_by => 'application', credit_column => 'output');
SELECT paysafe.protect_row_lock('accounts_volumes', '{input,output}');
SELECT paysafe.protect_append_only('logs');
SELECT paysafe.audit('transactions'), paysafe.audit('accounts_volumes');

-- what the code sends for a transaction: volumes, the transaction, its moves, the log
CREATE FUNCTION post(of_ledger varchar, id bigint, source varchar, destination varchar, amount numeric, asset varchar, at timestamp DEFAULT now()) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
	INSERT INTO accounts_volumes AS v (ledger, accounts_address, asset, input, output) VALUES (of_ledger, source, post.asset, 0, post.amount), (of_ledger, destination, post.asset, post.amount, 0)
		ON CONFLICT (ledger, accounts_address, asset) DO UPDATE SET input = v.input + excluded.input, output = v.output + excluded.output;
	INSERT INTO transactions (ledger, id, timestamp, postings) VALUES (of_ledger, post.id, at, '[]');
	INSERT INTO moves (ledger, transactions_id, accounts_address, asset, amount, insertion_date, effective_date, is_source)
		VALUES (of_ledger, post.id, source, post.asset, post.amount, now(), at, true), (of_ledger, post.id, destination, post.asset, post.amount, now(), at, false);
	UPDATE moves m SET post_commit_effective_volumes = ((m.post_commit_effective_volumes).inputs + post.amount, (m.post_commit_effective_volumes).outputs)
	 WHERE m.ledger = of_ledger AND m.accounts_address = destination AND m.asset = post.asset AND m.effective_date > at;
	INSERT INTO logs (ledger, id, type, data) VALUES (of_ledger, post.id, 'NEW_TRANSACTION', '{}');
END $$;
SELECT post('l1', 1, 'world', 'users:1', 100, 'USD/2');
SELECT post('l2', 1, 'world', 'users:1', 5, 'USD/2');			-- the same id of another ledger
SELECT post('l1', 2, 'world', 'users:1', 7, 'COIN');			-- an asset that nobody has declared
SELECT post('l1', 3, 'users:1', 'users:2', 0, 'USD/2');			-- nothing
SELECT post('l1', 4, 'world', 'users:1', 50, 'USD/2', '2020-01-01');	-- before the others
-- several postings of one transaction, in two assets
BEGIN;
INSERT INTO accounts_volumes AS v (ledger, accounts_address, asset, input, output) VALUES ('l1', 'users:1', 'USD/2', 0, 10), ('l1', 'users:1', 'COIN', 0, 1), ('l1', 'users:2', 'USD/2', 10, 0), ('l1', 'users:2', 'COIN', 1, 0)
	ON CONFLICT (ledger, accounts_address, asset) DO UPDATE SET input = v.input + excluded.input, output = v.output + excluded.output;
INSERT INTO transactions (ledger, id, timestamp, postings) VALUES ('l1', 5, now(), '[]');
INSERT INTO moves (ledger, transactions_id, accounts_address, asset, amount, insertion_date, effective_date, is_source) VALUES
	('l1', 5, 'users:1', 'USD/2', 10, now(), now(), true), ('l1', 5, 'users:2', 'USD/2', 10, now(), now(), false),
	('l1', 5, 'users:1', 'COIN', 1, now(), now(), true), ('l1', 5, 'users:2', 'COIN', 1, now(), now(), false);
COMMIT;
-- reverted, by a transaction of its own
UPDATE transactions SET reverted_at = now(), updated_at = now() WHERE ledger = 'l1' AND id = 1 AND reverted_at IS NULL;
SELECT post('l1', 6, 'users:1', 'world', 100, 'USD/2');
UPDATE transactions SET metadata = metadata || '{"k": "v"}', updated_at = now() WHERE ledger = 'l1' AND id = 6;

-- with one thing wrong
\set move 'INSERT INTO moves (ledger, transactions_id, accounts_address, asset, amount, insertion_date, effective_date, is_source) VALUES '
\set ON_ERROR_STOP off
:move ('l1', 9, 'users:1', 'USD/2', 1, now(), now(), false);
\set got1 :SQLSTATE
:move ('l1', 9, 'users:1', 'USD/2', 1, now(), now(), false), ('l1', 9, 'world', 'COIN', 1, now(), now(), true);
\set got2 :SQLSTATE
:move ('l1', 9, 'users:1', 'USD/2', 1, now(), now(), false), ('l2', 9, 'world', 'USD/2', 1, now(), now(), true);
\set got3 :SQLSTATE
INSERT INTO accounts_volumes AS v (ledger, accounts_address, asset, input, output) VALUES ('l1', 'users:1', 'USD/2', 5, 0)
	ON CONFLICT (ledger, accounts_address, asset) DO UPDATE SET input = v.input + excluded.input, output = v.output + excluded.output;
\set got4 :SQLSTATE
INSERT INTO moves (ledger, transactions_id, accounts_address, asset, amount, insertion_date, effective_date, is_source) VALUES ('l1', 9, 'users:1', 'USD/2', 1, now(), now(), false), ('l1', 9, 'world', 'USD/2', 1, now(), now(), true);
\set got5 :SQLSTATE
\set ON_ERROR_STOP on
SELECT fits.is(:'got4'::text, '23M02', 'volumes that no move says');
SELECT fits.is(:'got5'::text, '23M02', 'moves that no volumes say');
SELECT fits.is(:'got1'::text, '23L02', 'one side');
SELECT fits.is(:'got2'::text, '23L02', 'of two assets');
SELECT fits.is(:'got3'::text, '23L02', 'of two ledgers');
SELECT fits.refused('23L04', :'move' || $$('l1', 6, 'users:1', 'USD/2', 1, now(), now(), false), ('l1', 6, 'world', 'USD/2', 1, now(), now(), true)$$);			-- posted
SELECT fits.refused('23L04', $$UPDATE moves SET post_commit_volumes = NULL WHERE transactions_id = 6; $$ || :'move' || $$('l1', 6, 'users:1', 'USD/2', 1, now(), now(), false), ('l1', 6, 'world', 'USD/2', 1, now(), now(), true)$$);
SELECT fits.refused('23L03', :'move' || $$('l1', 9, 'users:1', 'USD/2', -1, now(), now(), false), ('l1', 9, 'world', 'USD/2', -1, now(), now(), true)$$);
SELECT fits.refused('23L03', :'move' || $$('l1', 9, 'users:1', 'USD/2', 0.5, now(), now(), false), ('l1', 9, 'world', 'USD/2', 0.5, now(), now(), true)$$);		-- minor units
SELECT fits.refused('23L01', $$UPDATE moves SET amount = 1000 WHERE transactions_id = 6$$);
SELECT fits.refused('23L01', $$UPDATE moves SET is_source = NOT is_source WHERE transactions_id = 6$$);
SELECT fits.refused('23L01', $$UPDATE moves SET accounts_address = 'users:3' WHERE transactions_id = 6 AND is_source$$);
SELECT fits.refused('23L01', $$UPDATE moves SET effective_date = '2020-01-01' WHERE transactions_id = 6$$);
SELECT fits.refused('23L01', $$DELETE FROM moves WHERE transactions_id = 6$$);
SELECT fits.refused('23R03', $$UPDATE transactions SET postings = '[1]' WHERE id = 6$$);
SELECT fits.refused('23L01', $$UPDATE logs SET data = '{"a": 1}' WHERE id = 6$$);
SELECT fits.refused('23M04', $$UPDATE accounts_volumes SET input = 1000000 WHERE accounts_address = 'users:1'$$);
SELECT fits.is((SELECT sum(CASE WHEN is_source THEN -amount ELSE amount END) FROM moves), 0::numeric, 'what the moves sum to');
