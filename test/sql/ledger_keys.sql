-- Ledgers of several tenants: transactions and accounts that several columns name.
CREATE SCHEMA t_ledger_keys;
SET search_path = t_ledger_keys;
CREATE TABLE account (tenant text, code text, balance bigint DEFAULT 0, minimum bigint, PRIMARY KEY (tenant, code));
CREATE TABLE entry (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	tenant text NOT NULL,
	txn int NOT NULL,
	account text NOT NULL,
	amount bigint NOT NULL,
	currency text NOT NULL DEFAULT 'EUR',
	reverses int
);
SELECT paysafe.protect_ledger('entry', '{tenant,txn}', '{tenant,account}', 'amount', 'currency', reverses_column => '{tenant,reverses}');	-- warns
CREATE INDEX ON entry (tenant, txn);
CREATE INDEX ON entry (reverses, tenant);
SELECT paysafe.protect_ledger('entry', ARRAY['tenant', 'txn'], ARRAY['tenant', 'account'], 'amount', 'currency',
	reverses_column => ARRAY['tenant', 'reverses']);
SELECT paysafe.protect_balance('account', 'code', 'balance', 'entry', 'minimum');				-- fails: as many columns
SELECT paysafe.protect_balance('account', '{tenant,balance}', 'balance', 'entry', 'minimum');	-- fails: not unique
SELECT paysafe.protect_balance('account', '{tenant,code}', 'balance', 'entry', 'minimum');
SELECT rule, definition, columns, version FROM paysafe.protection WHERE relation IN ('entry'::regclass, 'account'::regclass) ORDER BY rule;

-- one number, two tenants: two transactions, two accounts
INSERT INTO account (tenant, code, minimum) VALUES ('a', 'cash', 0), ('b', 'cash', 0), ('a', 'world', NULL), ('b', 'world', NULL), ('a', 'x,y', 0);
INSERT INTO entry (tenant, txn, account, amount) VALUES ('a', 1, 'cash', 100), ('a', 1, 'world', -100);
INSERT INTO entry (tenant, txn, account, amount) VALUES ('b', 1, 'cash', 5), ('b', 1, 'world', -5);
SELECT tenant, code, balance, paysafe.balance(tenant || ',' || code, accounts => 'account') FROM account WHERE code <> 'x,y' ORDER BY 1, 2;
INSERT INTO entry (tenant, txn, account, amount) VALUES ('b', 1, 'cash', 5), ('b', 1, 'world', -5);		-- fails: posted
INSERT INTO entry (tenant, txn, account, amount) VALUES ('a', 2, 'cash', 5), ('b', 2, 'world', -5);		-- fails: of two tenants, none balances
INSERT INTO entry (tenant, txn, account, amount) VALUES ('b', 2, 'cash', -6), ('b', 2, 'world', 6);		-- fails: below the minimum
INSERT INTO entry (tenant, txn, account, amount) VALUES ('b', 2, 'x,y', 6), ('b', 2, 'world', -6);		-- fails: no such account

-- keys as text
INSERT INTO entry (tenant, txn, account, amount) VALUES ('a', 3, 'x,y', 7), ('a', 3, 'world', -7);
SELECT paysafe.balance('a,x\,y', accounts => 'account');
SELECT paysafe.balance('a,x,y', accounts => 'account');													-- fails
SELECT paysafe.balance('cash', accounts => 'account');													-- fails
SELECT account, amount, balance FROM paysafe.balance_history WHERE relation = 'account'::regclass ORDER BY account, amount;
SELECT paysafe.reserve('account', 'a,cash', 99) > 0;
SELECT account, amount, state FROM paysafe.reservation WHERE relation = 'account'::regclass;
INSERT INTO entry (tenant, txn, account, amount) VALUES ('a', 4, 'cash', -2), ('a', 4, 'world', 2);		-- fails: reserved
SELECT paysafe.post_reservation(max(id)) FROM paysafe.reservation WHERE relation = 'account'::regclass;	-- fails: without entries

-- reversals: by the same tenant, of its own
INSERT INTO entry (tenant, txn, account, amount, reverses) VALUES ('b', 5, 'cash', -4, 3), ('b', 5, 'world', 4, 3);	-- fails: no such transaction
INSERT INTO entry (tenant, txn, account, amount, reverses) VALUES ('a', 5, 'x,y', -7, 3), ('a', 5, 'world', 7, 3);
INSERT INTO entry (tenant, txn, account, amount, reverses) VALUES ('a', 6, 'x,y', -7, 3), ('a', 6, 'world', 7, 3);	-- fails: reversed
INSERT INTO entry (tenant, txn, account, amount, reverses) VALUES ('a', 6, 'x,y', -7, 6), ('a', 6, 'world', 7, 6);	-- fails: itself

-- an account keeps each column of its key
UPDATE account SET tenant = 'c' WHERE tenant = 'b' AND code = 'cash';									-- fails
UPDATE account SET code = 'till' WHERE tenant = 'b' AND code = 'cash';									-- fails
DELETE FROM account WHERE tenant = 'b' AND code = 'cash';												-- fails

-- what is there must be right
CREATE TABLE past (id int PRIMARY KEY, ledger text, txn bigint, account text, amount bigint, currency text, rledger text, reverses bigint);
CREATE INDEX ON past (txn, ledger);
CREATE INDEX ON past (reverses, rledger);
INSERT INTO past VALUES (1, 'l1', 1, 'a', 5, 'EUR'), (2, 'l1', 1, 'b', -4, 'EUR'), (3, 'l2', 1, 'b', -1, 'EUR');
\set past 'SELECT paysafe.protect_ledger(''past'', ''{ledger,txn}'', ''account'', ''amount'', ''currency'', reverses_column => ''{rledger,reverses}'')'
:past;																									-- fails: they balance together only
UPDATE past SET amount = -5, rledger = 'l1' WHERE id = 2;
DELETE FROM past WHERE id = 3;
:past;																									-- fails: half of what it reverses
UPDATE past SET rledger = NULL WHERE id = 2;
:past;
INSERT INTO past VALUES (4, 'l2', 1, 'a', -5, 'EUR', 'l1', 1), (5, 'l2', 1, 'b', 5, 'EUR', 'l1', 1);
INSERT INTO past VALUES (6, 'l2', 2, 'a', -5, 'EUR', NULL, 1), (7, 'l2', 2, 'b', 5, 'EUR', NULL, 1);	-- fails
SELECT paysafe.protect_ledger('past', '{ledger,txn}', 'account', 'amount', 'currency', reverses_column => 'reverses');			-- fails
SELECT paysafe.protect_ledger('past', '{ledger,txn}', 'account', 'amount', 'currency', reverses_column => '{txn,ledger}');		-- fails
