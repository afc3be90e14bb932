-- Balances: moved by entries only, never below their minimum
\set VERBOSITY default
CREATE SCHEMA t_balance;
SET search_path = t_balance;
CREATE TABLE wallet (id int PRIMARY KEY, owner text, balance numeric(12,2) NOT NULL DEFAULT 0, minimum numeric(12,2) DEFAULT 0);
CREATE TABLE entry (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	txn text NOT NULL,
	account int NOT NULL REFERENCES wallet,
	amount numeric(12,2) NOT NULL,
	currency char(3) NOT NULL DEFAULT 'EUR'
);
CREATE INDEX ON entry (txn);
SELECT paysafe.protect_balance('wallet', 'id', 'balance', 'entry', 'minimum');	-- fails: no ledger
SELECT paysafe.protect_ledger('entry', 'txn', 'account', 'amount', 'currency');
SELECT paysafe.protect_balance('wallet', 'owner', 'balance', 'entry', 'minimum');	-- fails: not unique

-- what is there must be right
INSERT INTO wallet VALUES (1, 'ann', 10, 0), (2, 'bob', 0, 0), (3, 'fees', 0, NULL), (4, 'world', -10, -100);
INSERT INTO entry (txn, account, amount) VALUES ('t0', 1, 10), ('t0', 3, -10);
SELECT paysafe.protect_balance('wallet', 'id', 'balance', 'entry', 'minimum');	-- fails
UPDATE wallet SET balance = 0 WHERE id = 4;
SELECT paysafe.protect_balance('wallet', 'id', 'balance', 'entry', 'minimum');
SELECT rule, definition, columns FROM paysafe.protection WHERE relation = 'wallet'::regclass;
SELECT id, balance, paysafe.balance(id::text) FROM wallet ORDER BY id;

-- entries move balances, in the same statement
INSERT INTO entry (txn, account, amount) VALUES ('t1', 1, -4), ('t1', 2, 3.5), ('t1', 3, 0.5);
SELECT id, balance, paysafe.balance(id::text) FROM wallet ORDER BY id;
INSERT INTO entry (txn, account, amount) VALUES ('t2', 1, -6.01), ('t2', 2, 6.01);	-- fails: below the minimum
INSERT INTO entry (txn, account, amount) VALUES ('t2', 1, -6), ('t2', 2, 6);
BEGIN;
INSERT INTO entry (txn, account, amount) VALUES ('t3', 1, 5);
SELECT balance, paysafe.balance('1') FROM wallet WHERE id = 1;
SAVEPOINT s;
INSERT INTO entry (txn, account, amount) VALUES ('t3', 2, -9);
SELECT balance, paysafe.balance('2') FROM wallet WHERE id = 2;
ROLLBACK TO s;
SELECT balance, paysafe.balance('2', now()) FROM wallet WHERE id = 2;
INSERT INTO entry (txn, account, amount) VALUES ('t3', 2, -5);
COMMIT;
SELECT id, balance, paysafe.balance(id::text) FROM wallet ORDER BY id;

-- and nothing else does
UPDATE wallet SET balance = balance + 100 WHERE id = 1;					-- fails
INSERT INTO wallet VALUES (1, 'ann', 500) ON CONFLICT (id) DO UPDATE SET balance = excluded.balance;	-- fails
INSERT INTO wallet VALUES (5, 'eve', 100);								-- fails
INSERT INTO wallet VALUES (5, 'eve', 0, 1);								-- fails
UPDATE wallet SET id = 7 WHERE id = 4;									-- fails
UPDATE wallet SET minimum = NULL WHERE id = 1;							-- fails
UPDATE wallet SET minimum = 6 WHERE id = 1;								-- fails
UPDATE wallet SET minimum = 'NaN' WHERE id = 1;							-- fails
UPDATE wallet SET minimum = -1, owner = 'Ann', balance = balance WHERE id = 1;
DELETE FROM wallet WHERE id = 1;										-- fails
DELETE FROM wallet WHERE id = 3;										-- fails
TRUNCATE wallet CASCADE;												-- fails
INSERT INTO wallet VALUES (6, 'new');
DELETE FROM wallet WHERE id = 6;
ALTER TABLE entry DROP CONSTRAINT entry_account_fkey;
DELETE FROM wallet WHERE id = 1;										-- fails
DELETE FROM wallet WHERE id = 3;										-- fails
INSERT INTO entry (txn, account, amount) VALUES ('t4', 1, -1), ('t4', 99, 1);	-- fails: no such account
INSERT INTO entry (txn, account, amount, currency) VALUES ('t4', 1, -1, 'USD'), ('t4', 3, 1, 'USD');	-- fails: kept in EUR
INSERT INTO entry (txn, account, amount, currency) VALUES ('t4', 4, -1, 'USD'), ('t4', 3, 1, 'USD');
SELECT paysafe.balance('3');											-- fails: several currencies
SELECT paysafe.balance('3', currency => 'EUR'), paysafe.balance('3', currency => 'usd');
SELECT paysafe.balance('99');											-- fails
SELECT paysafe.balance('1', 'epoch'), paysafe.balance(NULL);

-- the account in the same statement; an account that is moved twice
WITH opened AS (INSERT INTO wallet VALUES (8, 'kim', 0, 0) RETURNING id)
INSERT INTO entry (txn, account, amount) SELECT 't5', id, 2 FROM opened UNION ALL SELECT 't5', 2, -2 FROM opened;
INSERT INTO entry (txn, account, amount) VALUES ('t6', 8, -3), ('t6', 8, 3);
SELECT id, owner, balance, minimum FROM wallet ORDER BY id;
SELECT account, currency, amount, balance FROM paysafe.balance_history WHERE relation = 'wallet'::regclass ORDER BY at, account, currency;

-- triggers of the accounts' own
CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	CASE new.owner
		WHEN 'bob' THEN new.balance := new.balance + 1000;
		WHEN 'kim' THEN RETURN NULL;
		ELSE new.owner := upper(new.owner);
	END CASE;
	RETURN new;
END $$;
CREATE TRIGGER spoil BEFORE UPDATE ON wallet FOR EACH ROW EXECUTE FUNCTION spoil();
INSERT INTO entry (txn, account, amount) VALUES ('t7', 2, 1), ('t7', 1, -1);	-- fails
INSERT INTO entry (txn, account, amount) VALUES ('t7', 8, 1), ('t7', 1, -1);	-- fails
INSERT INTO entry (txn, account, amount, currency) VALUES ('t7', 4, 1, 'USD'), ('t7', 3, -1, 'USD');
SELECT id, owner, balance FROM wallet ORDER BY id;
DROP TRIGGER spoil ON wallet;

-- reservations
SELECT paysafe.reserve('wallet', '1', 4) AS id \gset
SELECT paysafe.reserve('wallet', '1', 2.01);							-- fails: 1 above the minimum -1, 5 there
SELECT paysafe.reserve('wallet', '3', 1);								-- fails: no minimum
SELECT paysafe.reserve('wallet', '1', 0.001);							-- fails
SELECT paysafe.reserve('wallet', '1', 1, '-1 day');						-- fails
INSERT INTO entry (txn, account, amount) VALUES ('t8', 1, -2.01), ('t8', 2, 2.01);	-- fails
UPDATE wallet SET minimum = 2 WHERE id = 1;								-- fails
SELECT paysafe.post_reservation(:id, 5);								-- fails
SELECT paysafe.post_reservation(:id);									-- fails: not taken
\echo :LAST_ERROR_SQLSTATE
BEGIN;
SELECT paysafe.post_reservation(:id, 3);
INSERT INTO entry (txn, account, amount) VALUES ('t8', 1, -3), ('t8', 2, 3);
COMMIT;
SELECT paysafe.post_reservation(:id);									-- fails: has been posted
SELECT paysafe.void_reservation(:id);									-- fails
SELECT paysafe.reserve('wallet', '1', 3) AS id \gset
SELECT paysafe.void_reservation(:id, 'order cancelled');
SELECT paysafe.reserve('wallet', '1', 3, '10 milliseconds') AS id \gset
SELECT pg_sleep(0.02);
SELECT paysafe.post_reservation(:id);									-- fails: expired
SELECT paysafe.post_reservation(0);										-- fails
SELECT account, amount, state, posted, end_reason FROM paysafe.reservation ORDER BY id;
SELECT paysafe.reserve('wallet', '1', 3) IS NULL AS reserved;
SELECT id, balance, paysafe.balance(id::text) FROM wallet WHERE minimum IS NOT NULL ORDER BY id;

-- debit and credit, currency of the account, no minimum column, partitions, minor units
CREATE TABLE account (code text, region int, balance bigint NOT NULL DEFAULT 0, side text NOT NULL, currency text NOT NULL, PRIMARY KEY (code, region)) PARTITION BY LIST (region);
CREATE TABLE account_1 PARTITION OF account FOR VALUES IN (1);
CREATE TABLE account_2 PARTITION OF account FOR VALUES IN (2);
CREATE TABLE posting (id int PRIMARY KEY, journal int, code text, amount bigint, currency text, dc char(1));
CREATE INDEX ON posting (journal);
SELECT paysafe.protect_ledger('posting', 'journal', 'code', 'amount', 'currency', 'dc');
SELECT paysafe.protect_balance('account', 'code', 'balance', 'posting', currency_column => 'currency', side_column => 'side');	-- fails: not unique
CREATE UNIQUE INDEX ON account_1 (code);
CREATE UNIQUE INDEX ON account_2 (code);
SELECT paysafe.protect_balance('account', 'code', 'balance', 'posting', currency_column => 'currency', side_column => 'side');
SELECT paysafe.protect_balance('account', 'code', 'balance', 'posting', currency_column => 'currency', side_column => 'side');
INSERT INTO account VALUES ('cash', 1, 0, 'debit', 'EUR'), ('wallet', 2, 0, 'credit', 'EUR');
INSERT INTO account VALUES ('odd', 1, 0, 'left', 'EUR');				-- fails
INSERT INTO posting VALUES (1, 1, 'cash', 500, 'EUR', 'D'), (2, 1, 'wallet', 500, 'EUR', 'C');
INSERT INTO posting VALUES (3, 2, 'cash', 500, 'USD', 'D'), (4, 2, 'wallet', 500, 'USD', 'C');	-- fails
SELECT code, balance, paysafe.balance(code, accounts => 'account') FROM account ORDER BY code;
UPDATE account SET side = 'debit' WHERE code = 'wallet';				-- fails
INSERT INTO account VALUES ('cash', 2, 0, 'debit', 'EUR');				-- fails: two of them
UPDATE account SET region = 2 WHERE code = 'cash';
UPDATE account SET region = 1 WHERE code = 'cash';
BEGIN;
DELETE FROM account WHERE code = 'wallet';								-- fails
ROLLBACK;
INSERT INTO account VALUES ('till', 1, 0, 'debit', 'EUR');
WITH gone AS (DELETE FROM account WHERE code = 'till' RETURNING code) SELECT code FROM gone;
INSERT INTO account VALUES ('till', 2, 0, 'debit', 'EUR');
-- one that has come with a partition: nothing is posted until it has gone
CREATE TABLE account_3 (LIKE account INCLUDING ALL);
CREATE UNIQUE INDEX ON account_3 (code);
INSERT INTO account_3 VALUES ('cash', 3, 0, 'debit', 'EUR');
ALTER TABLE account ATTACH PARTITION account_3 FOR VALUES IN (3);
INSERT INTO posting VALUES (3, 2, 'cash', 500, 'EUR', 'D'), (4, 2, 'wallet', 500, 'EUR', 'C');	-- fails: two of them
DELETE FROM account WHERE code = 'cash' AND region = 1;					-- fails: not the one with the balance
DELETE FROM account WHERE code = 'cash' AND region = 3;
INSERT INTO posting VALUES (3, 2, 'cash', 500, 'EUR', 'D'), (4, 2, 'wallet', 500, 'EUR', 'C');
SELECT paysafe.balance('cash');											-- fails: several tables

-- a statement is what moves balances, whatever others it runs: its triggers', other parts
-- of it, and into partitions that have come later
CREATE TABLE safe (code text PRIMARY KEY, balance numeric(12,2), minimum numeric(12,2));
CREATE TABLE line (id int GENERATED BY DEFAULT AS IDENTITY, part int DEFAULT 1, txn int, code text, amount numeric(12,2), currency text DEFAULT 'EUR', PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE line_1 PARTITION OF line FOR VALUES IN (1);
CREATE INDEX ON line (txn);
CREATE TABLE event (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);
SELECT paysafe.protect_ledger('line', 'txn', 'code', 'amount', 'currency'), paysafe.protect_balance('safe', 'code', 'balance', 'line', 'minimum'), paysafe.audit('event');
CREATE TABLE line_2 PARTITION OF line FOR VALUES IN (2);
INSERT INTO safe VALUES ('bank', NULL, NULL), ('A', 0, 0), ('B', 0, 0), ('fee', 0, 0);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO event (what) VALUES (new.code);
	IF new.code = 'A' AND new.amount = -50 THEN
		BEGIN
			INSERT INTO line (txn, code, amount) VALUES (1000 + new.id, 'fee', -1), (1000 + new.id, 'bank', 1);
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
		INSERT INTO line (txn, code, amount) VALUES (2000 + new.id, 'fee', -1), (2000 + new.id, 'fee', 1);
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT ON line FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER zz_note AFTER INSERT ON line FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO line (txn, code, amount) VALUES (1, 'A', -50), (1, 'A', 50);
INSERT INTO line (txn, code, amount) VALUES (2, 'A', 50), (2, 'A', -50);
INSERT INTO line (txn, part, code, amount) VALUES (3, 2, 'A', -50), (3, 2, 'A', 50);
INSERT INTO line_2 (id, txn, part, code, amount) VALUES (901, 4, 2, 'A', -50), (902, 4, 2, 'A', 50);
WITH e AS (INSERT INTO event (what) SELECT 'x' FROM generate_series(1, 3) RETURNING what),
	 l AS (INSERT INTO line_1 (id, txn, code, amount) VALUES (903, 5, 'A', -50), (904, 5, 'B', 50) RETURNING 1),
	 m AS (INSERT INTO line_2 (id, txn, part, code, amount) VALUES (905, 5, 2, 'B', -50) RETURNING 1)
INSERT INTO line (txn, part, code, amount) SELECT 5, 1 + (SELECT count(*) FROM e)::int % 2, 'A', 50;
INSERT INTO line (txn, code, amount) VALUES (6, 'A', -51), (6, 'A', 50), (6, 'bank', 1);	-- fails
CREATE FUNCTION pay() RETURNS numeric LANGUAGE sql AS $$
	INSERT INTO line (txn, part, code, amount) VALUES (7, 2, 'A', -50), (7, 2, 'A', 55), (7, 1, 'bank', -5);
	SELECT balance FROM safe WHERE code = 'A';
$$;
SELECT pay();
SELECT code, balance, (SELECT coalesce(sum(amount), 0) FROM line l WHERE l.code = s.code) AS entries FROM safe s ORDER BY code;

-- all moves of a transaction count from one moment
BEGIN;
INSERT INTO line (txn, code, amount) VALUES (8, 'A', -2);
INSERT INTO line (txn, code, amount) VALUES (8, 'A', -1), (8, 'B', 4);
SAVEPOINT s;
INSERT INTO line (txn, code, amount) VALUES (8, 'B', -4);
ROLLBACK TO s;
INSERT INTO line (txn, code, amount) VALUES (8, 'bank', -1);
COMMIT;
SELECT count(DISTINCT at) AS moments, count(*) AS moves, sum(amount) FROM paysafe.balance_history h
 WHERE relation = 'safe'::regclass AND at = (SELECT max(at) FROM paysafe.balance_history WHERE relation = 'safe'::regclass);
SELECT DISTINCT (SELECT sum(paysafe.balance(code, t.at, 'safe')) FROM safe) AS trial_balance
  FROM (SELECT DISTINCT at FROM paysafe.balance_history WHERE relation = 'safe'::regclass) t;

-- what entries take counts for a posted reservation by itself
SELECT paysafe.reserve('safe', 'A', 2) AS id \gset
BEGIN;
SELECT paysafe.post_reservation(:id);
INSERT INTO line (txn, code, amount) VALUES (9, 'A', 20), (9, 'bank', -20);
INSERT INTO line (txn, code, amount) VALUES (10, 'A', -2), (10, 'bank', 2), (11, 'A', 3), (11, 'bank', -3);
COMMIT;
SELECT paysafe.reserve('safe', 'A', 2) AS id \gset
BEGIN;
SELECT paysafe.post_reservation(:id);
SAVEPOINT s;
INSERT INTO line (txn, code, amount) VALUES (12, 'A', -2), (12, 'bank', 2);
ROLLBACK TO s;
INSERT INTO line (txn, code, amount) VALUES (12, 'A', -1), (12, 'bank', 1);
COMMIT;																	-- fails: 1 of 2 taken
SELECT paysafe.void_reservation(:id);
-- one that expires is free again, for who needs it, also if others ended before
SELECT paysafe.void_reservation(paysafe.reserve('safe', 'A', 1, '5 seconds'));
SELECT balance - paysafe.reserve('safe', 'A', balance, '5 seconds') * 0 AS all_of_it FROM safe WHERE code = 'A';
INSERT INTO line (txn, code, amount) VALUES (13, 'A', -1), (13, 'bank', 1);	-- fails
SELECT pg_sleep(5.1);
INSERT INTO line (txn, code, amount) VALUES (13, 'A', -1), (13, 'bank', 1);
SELECT reserved FROM paysafe.reservation_total WHERE relation = 'safe'::regclass AND account = 'A' ORDER BY number DESC LIMIT 1;

-- a currency is the same in every spelling
CREATE TABLE purse (code text PRIMARY KEY, balance bigint, minimum bigint, currency char(5) NOT NULL);
CREATE TABLE shift (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, txn int, code text, amount bigint, currency text);
CREATE INDEX ON shift (txn);
SELECT paysafe.protect_ledger('shift', 'txn', 'code', 'amount', 'currency'), paysafe.protect_balance('purse', 'code', 'balance', 'shift', 'minimum', 'currency');
INSERT INTO purse VALUES ('x', 0, 0, 'EUR'), ('y', 0, 0, 'eur'), ('z', NULL, NULL, 'Eur');
INSERT INTO shift (txn, code, amount, currency) VALUES (1, 'x', 5, 'eur'), (1, 'z', -5, 'EUR ');
INSERT INTO shift (txn, code, amount, currency) VALUES (2, 'x', -5, 'EUR'), (2, 'y', 5, 'eur');
INSERT INTO shift (txn, code, amount, currency) VALUES (3, 'x', 5, 'usd'), (3, 'z', -5, 'USD');	-- fails: kept in EUR
SELECT code, balance, paysafe.balance(code, accounts => 'purse'), paysafe.balance(code, accounts => 'purse', currency => 'eur') FROM purse ORDER BY code;
SELECT DISTINCT currency FROM paysafe.balance_history WHERE relation = 'purse'::regclass;

-- dropped, and declared again after entries that it has not seen; then with a
-- balance in every row
CREATE TABLE pot (id int PRIMARY KEY, balance bigint NOT NULL DEFAULT 0, minimum bigint);
CREATE TABLE move (id int PRIMARY KEY, txn int, pot int, amount bigint, currency text DEFAULT 'EUR');
CREATE INDEX ON move (txn);
SELECT paysafe.protect_ledger('move', 'txn', 'pot', 'amount', 'currency');
SELECT paysafe.protect_balance('pot', 'id', 'balance', 'move', 'minimum');
INSERT INTO pot VALUES (1, 0, 0), (2, 0, NULL), (3, 0, -100);
INSERT INTO move VALUES (1, 1, 1, 10), (2, 1, 2, 20), (3, 1, 3, -30);
CREATE FUNCTION drop_rule(version int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as('bob');
	PERFORM paysafe.approve('paysafe.maintenance_record', format('maintenance of t_balance.pot by %L for 3600 s: T-%s, a test', session_user, version), 'a test');
	PERFORM paysafe.act_as('ann');
	PERFORM paysafe.open_maintenance('a test', 'T-' || version, '1 hour', '{pot}');
	PERFORM paysafe.unprotect('pot', 'balance', 'a test');
	PERFORM paysafe.close_maintenance();
END $$;
SELECT drop_rule(2);
INSERT INTO move VALUES (4, 2, 1, 1), (5, 2, 2, 1), (6, 2, 3, -2);
SELECT paysafe.protect_balance('pot', 'id', 'balance', 'move', 'minimum');	-- fails: rows 1 and 3 are behind
UPDATE pot SET balance = CASE id WHEN 1 THEN 11 ELSE -32 END WHERE id <> 2;
SELECT paysafe.protect_balance('pot', 'id', 'balance', 'move', 'minimum');
INSERT INTO move VALUES (7, 3, 1, -11), (8, 3, 2, 11);
SELECT id, balance, paysafe.balance(id::text, accounts => 'pot') FROM pot ORDER BY id;
SELECT drop_rule(4);
SELECT paysafe.protect_balance('pot', 'id', 'balance', 'move');			-- fails: row 2 has none
UPDATE pot SET balance = 32 WHERE id = 2;
SELECT paysafe.protect_balance('pot', 'id', 'balance', 'move');
INSERT INTO move VALUES (9, 4, 1, -1), (10, 4, 2, 1);
SELECT id, balance, paysafe.balance(id::text, accounts => 'pot') FROM pot ORDER BY id;
-- what a session has found out about tables is forgotten when they change
CREATE TABLE till (id int PRIMARY KEY, balance numeric(12,2) NOT NULL DEFAULT 0, minimum numeric(12,2));
CREATE TABLE deal (txn int NOT NULL, account int NOT NULL, amount numeric(12,2) NOT NULL, currency text NOT NULL DEFAULT 'EUR');
CREATE INDEX deal_txn ON deal (txn);
SELECT paysafe.protect_ledger('deal', 'txn', 'account', 'amount', 'currency');
SELECT paysafe.protect_balance('till', 'id', 'balance', 'deal', 'minimum');
INSERT INTO till VALUES (1, 0, 0), (2, 0, NULL);
INSERT INTO deal VALUES (1, 1, 5), (1, 2, -5);
DROP INDEX deal_txn;
INSERT INTO deal VALUES (2, 1, 5), (2, 2, -5);
INSERT INTO deal VALUES (1, 1, 5), (1, 2, -5);							-- fails: posted
CREATE INDEX deal_txn ON deal (txn);
INSERT INTO deal VALUES (3, 1, 5), (3, 2, -5);
INSERT INTO deal VALUES (2, 1, 5), (2, 2, -5);							-- fails: posted
ALTER TABLE till DROP CONSTRAINT till_pkey, ALTER id TYPE bigint, ADD PRIMARY KEY (id);
INSERT INTO deal VALUES (4, 1, 5), (4, 2, -5);
CREATE TABLE till_2 (PRIMARY KEY (id)) INHERITS (till);
INSERT INTO till_2 VALUES (2);
INSERT INTO deal VALUES (5, 1, 5), (5, 2, -5);							-- fails: two of them
DROP TABLE till_2;
INSERT INTO deal VALUES (5, 1, 5), (5, 2, -5);
BEGIN;
SAVEPOINT s;
INSERT INTO till VALUES (3, 0, NULL);
INSERT INTO deal VALUES (6, 1, 5), (6, 3, -5);
ROLLBACK TO s;
INSERT INTO deal VALUES (6, 1, 5), (6, 3, -5);							-- fails: none
ROLLBACK;
ALTER TABLE till DISABLE TRIGGER paysafe;
DELETE FROM till WHERE id = 2;
ALTER TABLE till ENABLE ALWAYS TRIGGER paysafe;
INSERT INTO deal VALUES (6, 1, 5), (6, 2, -5);							-- fails: none
SELECT id, balance, paysafe.balance(id::text, accounts => 'till') FROM till ORDER BY id;

-- privileges
CREATE ROLE t_balance_app;
GRANT USAGE ON SCHEMA t_balance, paysafe TO t_balance_app;
GRANT INSERT ON entry TO t_balance_app;
SET ROLE t_balance_app;
INSERT INTO entry (txn, account, amount) VALUES ('t9', 8, -1), ('t9', 2, 1);	-- needs no right on the accounts
INSERT INTO entry (txn, account, amount) VALUES ('t10', 8, -10), ('t10', 2, 10);	-- fails, and tells no balance
SELECT paysafe.balance('8', accounts => 't_balance.wallet');			-- fails
SELECT paysafe.reserve('t_balance.account', 'cash', 1);					-- fails
RESET ROLE;
SELECT paysafe.unprotect('entry', 'ledger', 'test');					-- fails
DROP SCHEMA t_balance CASCADE;
DROP OWNED BY t_balance_app;
DROP ROLE t_balance_app;
