-- Balances that the application writes: at COMMIT they are what the entries sum to, whatever came first.
CREATE SCHEMA t_written;
SET search_path = t_written;
SET client_min_messages = warning;

CREATE TABLE wallet (id text PRIMARY KEY, balance numeric(12,2) NOT NULL DEFAULT 0, version int NOT NULL DEFAULT 1, floor numeric(12,2), ceiling numeric(12,2), status text NOT NULL DEFAULT 'open');
CREATE TABLE move (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source text NOT NULL, target text NOT NULL, amount numeric(12,2) NOT NULL, memo text);
INSERT INTO wallet (id, balance) VALUES ('world', -50), ('old', 50), ('wrong', 1);
INSERT INTO move (source, target, amount) VALUES ('world', 'old', 50);
SELECT paysafe.protect_entries('move', 'target', 'amount', credit_account_column => 'source', currency => 'USD', mutable_columns => '{memo}');
SELECT paysafe.protect_balance('wallet', 'id', 'balance', 'move', kept_by => 'nobody');										-- fails
SELECT paysafe.protect_balance('wallet', 'id', 'balance', 'move', credit_column => 'floor');								-- fails
\set declare 'SELECT paysafe.protect_balance(''wallet'', ''id'', ''balance'', ''move'', ''floor'', maximum_column => ''ceiling'', status_column => ''status'', frozen => ''{frozen}'', closed => ''{closed}'', kept_by => ''application'')'
:declare;																													-- fails: one is wrong
UPDATE wallet SET balance = 0 WHERE id = 'wrong';
:declare;
SELECT rule, definition FROM paysafe.protection WHERE relation IN ('wallet'::regclass, 'move'::regclass) ORDER BY 1;
INSERT INTO wallet (id, floor) VALUES ('a', 0), ('b', 0), ('c', NULL);

-- balances first, entries afterwards, with a version
BEGIN;
UPDATE wallet SET balance = balance - 100, version = version + 1 WHERE id = 'world' AND version = 1;
UPDATE wallet SET balance = 100, version = version + 1 WHERE id = 'a' AND version = 1;
INSERT INTO move (source, target, amount) VALUES ('world', 'a', 100);
COMMIT;
-- entries first, several statements, savepoints
BEGIN;
INSERT INTO move (source, target, amount) VALUES ('a', 'b', 30);
SAVEPOINT s;
INSERT INTO move (source, target, amount) VALUES ('a', 'b', 5);
UPDATE wallet SET balance = 65 WHERE id = 'a';
ROLLBACK TO s;
UPDATE wallet SET balance = 60 WHERE id = 'a';
UPDATE wallet SET balance = 70 WHERE id = 'a';
SAVEPOINT t;
UPDATE wallet SET balance = 30 WHERE id = 'b';
RELEASE t;
COMMIT;
-- one statement for all, and what comes and goes
WITH m AS (INSERT INTO move (source, target, amount) VALUES ('b', 'a', 10) RETURNING *)
UPDATE wallet SET balance = balance + CASE wallet.id WHEN m.target THEN m.amount ELSE -m.amount END FROM m WHERE wallet.id IN (m.source, m.target);
BEGIN;
UPDATE wallet SET balance = 1000 WHERE id = 'a';
UPDATE wallet SET balance = 80 WHERE id = 'a';
UPDATE wallet SET balance = balance, version = version + 1;
COMMIT;
-- opened with what its entries say
BEGIN;
INSERT INTO wallet (id, balance, floor) VALUES ('d', 7, 0) ON CONFLICT (id) DO UPDATE SET balance = wallet.balance + excluded.balance;
UPDATE wallet SET balance = balance - 7 WHERE id = 'world';
INSERT INTO move (source, target, amount) VALUES ('world', 'd', 7);
COMMIT;
BEGIN;
INSERT INTO wallet (id, balance) VALUES ('e', 7);
DELETE FROM wallet WHERE id = 'e';
COMMIT;
SELECT id, balance, paysafe.balance(id, accounts => 'wallet') FROM wallet ORDER BY id;

-- with one thing wrong
UPDATE wallet SET balance = balance + 1 WHERE id = 'a';																		-- fails
INSERT INTO move (source, target, amount) VALUES ('a', 'b', 1);																-- fails: both
INSERT INTO wallet (id, balance) VALUES ('e', 7);																			-- fails
\set VERBOSITY terse
BEGIN;
UPDATE wallet SET balance = balance - 1 WHERE id = 'a';
INSERT INTO move (source, target, amount) VALUES ('a', 'b', 1);
COMMIT;																														-- fails: one of them
BEGIN;
UPDATE wallet SET balance = balance + CASE id WHEN 'a' THEN -1 ELSE 1.01 END WHERE id IN ('a', 'b');
INSERT INTO move (source, target, amount) VALUES ('a', 'b', 1);
COMMIT;																														-- fails: a cent
BEGIN;
UPDATE wallet SET balance = balance + CASE id WHEN 'a' THEN 1 ELSE -1 END WHERE id IN ('a', 'b');
INSERT INTO move (source, target, amount) VALUES ('a', 'b', 1);
COMMIT;																														-- fails: the other way
BEGIN;
UPDATE wallet SET balance = balance - 1 WHERE id = 'a';
UPDATE wallet SET balance = balance + 1 WHERE id = 'b';
SAVEPOINT s;
INSERT INTO move (source, target, amount) VALUES ('a', 'b', 1);
ROLLBACK TO s;
COMMIT;																														-- fails: rolled back
BEGIN;
UPDATE wallet SET balance = balance - 90 WHERE id = 'a';
UPDATE wallet SET balance = balance + 90 WHERE id = 'b';
INSERT INTO move (source, target, amount) VALUES ('a', 'b', 90);															-- fails: the minimum, as the entries come
ROLLBACK;
BEGIN;
UPDATE wallet SET balance = 'NaN' WHERE id = 'a';																			-- fails
ROLLBACK;

-- limits and statuses are for what the entries say, however far the row has got
BEGIN;
UPDATE wallet SET balance = 1000, floor = 900 WHERE id = 'a';																-- fails
ROLLBACK;
BEGIN;
UPDATE wallet SET balance = 0, status = 'closed' WHERE id = 'a';															-- fails
ROLLBACK;
BEGIN;
UPDATE wallet SET balance = 1000 WHERE id = 'a';
SELECT paysafe.reserve('wallet', 'a', 81);																					-- fails
ROLLBACK;
UPDATE wallet SET ceiling = 79 WHERE id = 'a';																				-- fails
UPDATE wallet SET ceiling = 80, floor = 10 WHERE id = 'a';
UPDATE wallet SET floor = 1 WHERE id = 'old';
UPDATE wallet SET floor = 51 WHERE id = 'old';																				-- fails
UPDATE wallet SET floor = NULL WHERE id = 'old';
UPDATE wallet SET status = 'frozen' WHERE id = 'b';
BEGIN;
UPDATE wallet SET balance = balance + CASE id WHEN 'a' THEN -1 ELSE 1 END WHERE id IN ('a', 'b');
INSERT INTO move (source, target, amount) VALUES ('a', 'b', 1);																-- fails
ROLLBACK;
UPDATE wallet SET id = 'z' WHERE id = 'c';																					-- fails
DELETE FROM wallet WHERE id = 'a';																							-- fails
DELETE FROM wallet WHERE id = 'c';

-- a trigger that writes the entry, whatever its name
CREATE FUNCTION journal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO t_written.move (source, target, amount) VALUES (CASE WHEN NEW.balance < OLD.balance THEN NEW.id ELSE 'world' END, CASE WHEN NEW.balance < OLD.balance THEN 'world' ELSE NEW.id END,
		abs(NEW.balance - OLD.balance));
	UPDATE t_written.wallet SET balance = balance - (NEW.balance - OLD.balance) WHERE id = 'world';
	RETURN NULL;
END $$;
CREATE TRIGGER a_journal AFTER UPDATE OF balance ON wallet FOR EACH ROW WHEN (NEW.id <> 'world' AND NEW.balance <> OLD.balance) EXECUTE FUNCTION journal();
UPDATE wallet SET balance = 55 WHERE id = 'old';
ALTER TRIGGER a_journal ON wallet RENAME TO z_journal;
UPDATE wallet SET balance = balance - 6 WHERE id = 'old';
DROP TRIGGER z_journal ON wallet;
CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON wallet INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.id <> 'world' AND NEW.balance <> OLD.balance) EXECUTE FUNCTION journal();
UPDATE wallet SET balance = balance + 1 WHERE id = 'old';
SELECT id, balance, paysafe.balance(id, accounts => 'wallet') FROM wallet ORDER BY id;
SELECT line, amount, balance FROM paysafe.statement('old', (SELECT min(since) FROM paysafe.rule WHERE relation = 'wallet'::regclass), accounts => 'wallet');
SELECT sum(debit), sum(credit) FROM paysafe.trial_balance('wallet');
DROP TRIGGER later ON wallet;

-- two columns, keys of two, the side of the account
CREATE TABLE account (tenant int, code text, debits_posted bigint NOT NULL DEFAULT 0, credits_posted bigint NOT NULL DEFAULT 0, side text NOT NULL, currency char(3) NOT NULL, PRIMARY KEY (tenant, code));
CREATE TABLE transfer (id int PRIMARY KEY, tenant int NOT NULL, debit_account text NOT NULL, credit_account text NOT NULL, amount bigint NOT NULL, currency char(3) NOT NULL, pending boolean NOT NULL DEFAULT false);
SELECT paysafe.protect_entries('transfer', '{tenant,debit_account}', 'amount', 'currency', credit_account_column => '{tenant,credit_account}', rows => '{"pending": [false]}');
SELECT paysafe.protect_balance('account', '{tenant,code}', 'debits_posted', 'transfer', currency_column => 'currency', side_column => 'side', kept_by => 'application', credit_column => 'credits_posted');
INSERT INTO account (tenant, code, side, currency) VALUES (1, 'cash', 'debit', 'EUR'), (1, 'wallet', 'credit', 'EUR'), (2, 'wallet', 'credit', 'EUR');
BEGIN;
INSERT INTO transfer VALUES (1, 1, 'cash', 'wallet', 500, 'EUR');
UPDATE account SET debits_posted = debits_posted + 500 WHERE (tenant, code) = (1, 'cash');
UPDATE account SET credits_posted = credits_posted + 500 WHERE (tenant, code) = (1, 'wallet');
COMMIT;
INSERT INTO transfer VALUES (2, 1, 'wallet', 'cash', 100, 'EUR', true);
BEGIN;
UPDATE transfer SET pending = false WHERE id = 2;
UPDATE account SET debits_posted = debits_posted + 100 WHERE (tenant, code) = (1, 'wallet');
UPDATE account SET credits_posted = credits_posted + 100 WHERE (tenant, code) = (1, 'cash');
COMMIT;
SELECT *, paysafe.balance(tenant || ',' || code, accounts => 'account') FROM account ORDER BY 1, 2;
UPDATE account SET credits_posted = credits_posted + 1 WHERE (tenant, code) = (1, 'wallet');								-- fails
INSERT INTO transfer VALUES (3, 1, 'cash', 'wallet', 5, 'EUR');																-- fails
INSERT INTO transfer VALUES (3, 3, 'cash', 'wallet', 5, 'EUR');																-- fails: no such accounts
INSERT INTO transfer VALUES (3, 1, 'cash', 'wallet', 5, 'USD');																-- fails: its currency
SELECT * FROM paysafe.trial_balance('account');

-- observed: nothing is refused
CREATE TABLE purse (id int PRIMARY KEY, balance int NOT NULL DEFAULT 0, minimum int);
CREATE TABLE purse_entry (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, purse int NOT NULL, amount int NOT NULL);
SELECT paysafe.protect_entries('purse_entry', 'purse', 'amount', currency => 'JPY');
SELECT paysafe.protect_balance('purse', 'id', 'balance', 'purse_entry', 'minimum', kept_by => 'application', mode => 'observe');
INSERT INTO purse VALUES (1, 0, 0);
BEGIN;
UPDATE purse SET balance = 5;
INSERT INTO purse_entry (purse, amount) VALUES (1, 5);
COMMIT;
UPDATE purse SET balance = 6;
INSERT INTO purse_entry (purse, amount) VALUES (1, 1);
SELECT paysafe.protect_balance('purse', 'id', 'balance', 'purse_entry', 'minimum', kept_by => 'application');
BEGIN;
UPDATE purse SET balance = 2;
INSERT INTO purse_entry (purse, amount) VALUES (1, -4);
COMMIT;
SELECT balance, paysafe.balance('1', accounts => 'purse') FROM purse;
UPDATE purse SET balance = 5;																								-- fails

-- changed with the protection switched off: the next one to write it finds out
ALTER TABLE purse DISABLE TRIGGER USER;
UPDATE purse SET balance = 3;
ALTER TABLE purse ENABLE ALWAYS TRIGGER paysafe, ENABLE ALWAYS TRIGGER paysafe_statement;
\set VERBOSITY default
UPDATE purse SET balance = 4;																								-- fails
INSERT INTO purse_entry (purse, amount) VALUES (1, 1);																		-- fails
UPDATE purse SET balance = 2;
BEGIN;
UPDATE purse SET balance = 3;
INSERT INTO purse_entry (purse, amount) VALUES (1, 1);
COMMIT;
\set VERBOSITY terse

-- Another database, for approvals and TRUNCATE
SELECT current_database() AS regress \gset
DROP DATABASE IF EXISTS regress_paysafe_written;
CREATE DATABASE regress_paysafe_written;
\c regress_paysafe_written
SET client_min_messages = error;
CREATE EXTENSION paysafe;
-- from the application to entries and back: in one transaction, by way of observing
CREATE TABLE pocket (id text PRIMARY KEY, balance numeric(12,2) DEFAULT 0, minimum numeric(12,2));
CREATE TABLE pass (id int PRIMARY KEY, source text, target text, amount numeric(12,2));
SELECT paysafe.protect_entries('pass', 'target', 'amount', credit_account_column => 'source', currency => 'USD');
\set by_entries 'SELECT paysafe.protect_balance(\'pocket\', \'id\', \'balance\', \'pass\', \'minimum\')'
\set by_application 'SELECT paysafe.protect_balance(\'pocket\', \'id\', \'balance\', \'pass\', \'minimum\', kept_by => \'application\')'
\set observed_entries 'SELECT paysafe.protect_balance(\'pocket\', \'id\', \'balance\', \'pass\', \'minimum\', mode => \'observe\')'
\set observed_application 'SELECT paysafe.protect_balance(\'pocket\', \'id\', \'balance\', \'pass\', \'minimum\', kept_by => \'application\', mode => \'observe\')'
:by_application;
BEGIN;
INSERT INTO pocket VALUES ('a', 5, 0), ('cash', -5, NULL);
INSERT INTO pass VALUES (1, 'cash', 'a', 5);
COMMIT;
BEGIN;
SELECT paysafe.act_as('ann'), paysafe.propose('entries keep it');
:by_entries;
:observed_application;
COMMIT;
BEGIN;
SELECT paysafe.act_as('bob');
SELECT count(paysafe.approve(approved_as, key, 'read')) FROM paysafe.pending_change;
COMMIT;
\set VERBOSITY default
BEGIN;
SELECT paysafe.act_as('ann');
:by_entries;																												-- fails: what the row has
ROLLBACK;
\set VERBOSITY terse
BEGIN;
SELECT paysafe.act_as('ann');
:observed_application;
UPDATE pocket SET balance = 0 WHERE id = 'cash';
:by_entries;
COMMIT;
INSERT INTO pass VALUES (2, 'cash', 'a', 2);
SELECT id, balance, paysafe.balance(id, accounts => 'pocket') FROM pocket ORDER BY id;
UPDATE pocket SET balance = 0 WHERE id = 'a';																				-- fails: entries do
BEGIN;
SELECT paysafe.act_as('ann'), paysafe.propose('the application keeps it');
:by_application;
:observed_entries;
COMMIT;
BEGIN;
SELECT paysafe.act_as('bob');
SELECT count(paysafe.approve(approved_as, key, 'read')) FROM paysafe.pending_change;
COMMIT;
\set VERBOSITY default
BEGIN;
SELECT paysafe.act_as('ann');
:by_application;																											-- fails: nor has the row
ROLLBACK;
\set VERBOSITY terse
BEGIN;
SELECT paysafe.act_as('ann');
:observed_entries;
UPDATE pocket SET balance = -7 WHERE id = 'cash';
:by_application;
COMMIT;
SELECT id, balance, paysafe.balance(id, accounts => 'pocket') FROM pocket ORDER BY id;
UPDATE pocket SET balance = 0 WHERE id = 'cash';																			-- fails
-- what was wrong before the declaration is not forgotten
BEGIN;
UPDATE pocket SET balance = 8 WHERE id = 'a';
:by_application;																											-- does nothing
COMMIT;																														-- fails
DROP TABLE pocket, pass;

-- in a test database: what is pending goes with the rows, unless they come back
SELECT paysafe.declare_test_database();
CREATE TABLE wallet (id text PRIMARY KEY, balance numeric(12,2) DEFAULT 0, minimum numeric(12,2));
CREATE TABLE move (id int PRIMARY KEY, source text, target text, amount numeric(12,2));
CREATE TABLE entry (id int PRIMARY KEY, txn int, account text, amount numeric(12,2));
CREATE INDEX ON entry (txn);
SELECT paysafe.protect_ledger('entry', 'txn', 'account', 'amount', currency => 'USD');
SELECT paysafe.protect_entries('move', 'target', 'amount', credit_account_column => 'source', currency => 'USD');
SELECT paysafe.protect_balance('wallet', 'id', 'balance', 'move', 'minimum', kept_by => 'application');
BEGIN;
INSERT INTO wallet VALUES ('a', 5, 0);
SAVEPOINT s;
INSERT INTO wallet VALUES ('b', 7, 0);
UPDATE wallet SET balance = 6 WHERE id = 'a';
TRUNCATE wallet, move;
INSERT INTO wallet VALUES ('a', 3, 0), ('cash', -3, NULL);
INSERT INTO move VALUES (1, 'cash', 'a', 3);
RELEASE s;
COMMIT;
BEGIN;
INSERT INTO move VALUES (2, 'cash', 'a', 5);
SAVEPOINT s;
TRUNCATE wallet, move;
ROLLBACK TO s;
COMMIT;																														-- fails
BEGIN;
INSERT INTO move VALUES (2, 'cash', 'a', 5);
TRUNCATE wallet, move;
INSERT INTO wallet VALUES ('a', 3, 0);
COMMIT;																														-- fails: that of afterwards
SELECT id, balance, paysafe.balance(id, accounts => 'wallet') FROM wallet ORDER BY id;
BEGIN;
INSERT INTO entry VALUES (1, 1, 'a', 5);
SAVEPOINT s;
TRUNCATE entry;
ROLLBACK TO s;
COMMIT;																														-- fails
BEGIN;
INSERT INTO entry VALUES (1, 1, 'a', 5);
TRUNCATE entry;
INSERT INTO entry VALUES (1, 1, 'a', 5), (2, 1, 'b', -5);
COMMIT;
SELECT count(*) FROM entry;
BEGIN;
UPDATE wallet SET balance = 50 WHERE id = 'a';
INSERT INTO entry VALUES (3, 2, 'a', 5);
DROP TABLE wallet, move, entry;
COMMIT;
\c :regress
DROP DATABASE regress_paysafe_written;
SET client_min_messages = warning;
DROP SCHEMA t_written CASCADE;
