-- Accounts: reservations in parts, what is available, limits, frozen and closed
-- accounts, trial balances and statements
\set VERBOSITY default
CREATE SCHEMA t_accounts;
SET search_path = t_accounts;
CREATE TABLE wallet (id text PRIMARY KEY, balance numeric(12,2) DEFAULT 0, minimum numeric(12,2), maximum numeric(12,2), status text NOT NULL DEFAULT 'active');
CREATE TABLE entry (txn int NOT NULL, line int NOT NULL DEFAULT 1, account text NOT NULL, amount numeric(12,2) NOT NULL, currency char(3) NOT NULL DEFAULT 'EUR', UNIQUE (txn, line, account));
SELECT paysafe.protect_ledger('entry', 'txn', 'account', 'amount', 'currency');
SELECT paysafe.protect_balance('wallet', 'id', 'balance', 'entry', 'minimum', frozen => '{blocked}');	-- fails: of what
SELECT paysafe.protect_balance('wallet', 'id', 'balance', 'entry', 'minimum', status_column => 'status');	-- fails: for what
SELECT paysafe.protect_balance('wallet', 'id', 'balance', 'entry', 'minimum', status_column => 'status', frozen => '{blocked}', closed => '{blocked}');	-- fails
SELECT paysafe.protect_balance('wallet', 'id', 'balance', 'entry', 'minimum', maximum_column => 'maximum',
							   status_column => 'status', frozen => '{blocked}', in_only => '{dormant}', out_only => '{leaving}', closed => '{closed}');
SELECT definition, columns FROM paysafe.protection WHERE relation = 'wallet'::regclass AND rule = 'balance';
INSERT INTO wallet (id, minimum, maximum) VALUES ('ann', 0, NULL), ('bob', -50, 200), ('cap', NULL, 100), ('fees', NULL, NULL), ('bank', NULL, NULL);
INSERT INTO wallet (id, minimum, maximum) VALUES ('dan', 0, -1);		-- fails
INSERT INTO entry (txn, account, amount) VALUES (1, 'ann', 100), (1, 'bank', -100);

-- posted in parts
SELECT paysafe.reserve('wallet', 'ann', 40, key => 'order 1', to_account => 'bob') AS id \gset
SELECT * FROM paysafe.available_balance('ann');
SELECT * FROM paysafe.available_balance('bob', 'wallet');
BEGIN;
SELECT paysafe.post_reservation(:id, 15, final => false, key => 'part 1');
INSERT INTO entry (txn, account, amount) VALUES (2, 'ann', -15), (2, 'bob', 15);
COMMIT;
SELECT state, amount, posted, held, key, to_account FROM paysafe.reservation WHERE relation = 'wallet'::regclass;
SELECT * FROM paysafe.available_balance('ann');
SELECT * FROM paysafe.available_balance('bob');
INSERT INTO entry (txn, account, amount) VALUES (3, 'ann', -61), (3, 'bob', 61);	-- fails: 25 is still reserved
SELECT paysafe.post_reservation(:id, 26);								-- fails: more than is left
-- the same again is quiet, its entries are there; another one under the key is not
SELECT paysafe.post_reservation(:id, 15, final => false, key => 'part 1');
SELECT paysafe.post_reservation(:id, 16, final => false, key => 'part 1');	-- fails
SELECT paysafe.post_reservation(:id, 15, key => 'part 1');				-- fails
SELECT paysafe.reserve('wallet', 'ann', 40, key => 'order 1', to_account => 'bob') = :id AS the_same;
SELECT paysafe.reserve('wallet', 'ann', 41, key => 'order 1', to_account => 'bob');	-- fails
SELECT paysafe.reserve('wallet', 'ann', 40, key => 'order 1');			-- fails
SELECT paysafe.reserve('wallet', 'bob', 40, key => 'order 1');			-- fails
BEGIN;
SELECT paysafe.post_reservation(:id, 20, final => false);
INSERT INTO entry (txn, account, amount) VALUES (4, 'ann', -19), (4, 'bob', 19);
COMMIT;																	-- fails: one is missing
BEGIN;
SELECT paysafe.post_reservation(:id, 20, key => 'part 2');				-- the last one: 5 are given back
INSERT INTO entry (txn, account, amount) VALUES (4, 'ann', -20), (4, 'bob', 20);
COMMIT;
SELECT state, amount, posted, held FROM paysafe.reservation WHERE relation = 'wallet'::regclass;
SELECT paysafe.post_reservation(:id, 20, key => 'part 2');				-- quiet, although it has ended
SELECT paysafe.post_reservation(:id, 1);								-- fails
SELECT * FROM paysafe.available_balance('ann');
-- used up without being called final; voided after a part; expired after a part
SELECT paysafe.reserve('wallet', 'ann', 10) AS used, paysafe.reserve('wallet', 'ann', 10) AS voided \gset
SELECT paysafe.reserve('wallet', 'ann', 10, '5 seconds', 'expires') AS expired \gset
BEGIN;
SELECT paysafe.post_reservation(:used, 4, false), paysafe.post_reservation(:used, NULL, false),
	   paysafe.post_reservation(:voided, 3, false), paysafe.post_reservation(:expired, 2, false);
INSERT INTO entry (txn, account, amount) VALUES (5, 'ann', -15), (5, 'bank', 15);
COMMIT;
SELECT paysafe.void_reservation(:voided, 'enough');
SELECT pg_sleep(5.1);
SELECT id = :used AS used, state, amount, posted, held FROM paysafe.reservation WHERE id IN (:used, :voided, :expired) ORDER BY id;
SELECT * FROM paysafe.available_balance('ann');
SELECT paysafe.reserve('wallet', 'ann', 50) AS id \gset
SELECT paysafe.void_reservation(:id);
SELECT paysafe.reserve('wallet', 'ann', 50.01);							-- fails
SELECT paysafe.reserve('wallet', 'ann', 1, to_account => 'ann');		-- fails
SELECT paysafe.reserve('wallet', 'ann', 1, to_account => 'nobody');		-- fails
SELECT paysafe.reserve('wallet', 'ann', 1, key => 'card 4111 1111 1111 1111');	-- fails
SELECT paysafe.post_reservation(:used, 1, NULL);						-- fails
SELECT paysafe.reserve('wallet', NULL, 1) IS NULL AS nothing;

-- a row that is there already is no new entry
INSERT INTO entry (txn, account, amount) VALUES (5, 'ann', -15), (5, 'bank', 15) ON CONFLICT DO NOTHING;
INSERT INTO entry (txn, account, amount) VALUES (5, 'ann', -15), (5, 'bank', 15);	-- fails

-- or by a function that compares them, and answers the same
SELECT paysafe.post_entries('entry', '[{"txn": 50, "line": 1, "account": "ann", "amount": -1.5}, {"txn": 50, "line": 2, "account": "bank", "amount": 1.50}]');
SELECT paysafe.post_entries('entry', '[{"txn": 50, "line": 2, "account": "bank", "amount": 1.5}, {"account": "ann", "txn": "50", "line": 1, "amount": "-1.50"}]');
SELECT paysafe.post_entries('entry', '[{"txn": 50, "line": 1, "account": "ann", "amount": -2}, {"txn": 50, "line": 2, "account": "bank", "amount": 2}]');	-- fails
SELECT paysafe.post_entries('entry', '[{"txn": 50, "line": 1, "account": "ann", "amount": -1.5}]');	-- fails
SELECT paysafe.post_entries('entry', '[{"txn": 50, "line": 1, "account": "ann", "amount": -1.5, "currency": "USD"}, {"txn": 50, "line": 2, "account": "bank", "amount": 1.5, "currency": "USD"}]');	-- fails
SELECT paysafe.post_entries('entry', '[{"txn": 51, "line": 1, "account": "ann", "amount": -1000}, {"txn": 51, "line": 2, "account": "bank", "amount": 1000}]');	-- fails: as an INSERT would
SELECT paysafe.post_entries('entry', '[{"txn": 51, "line": 1, "account": "ann", "amount": -1}, {"txn": 52, "line": 2, "account": "bank", "amount": 1}]');	-- fails: of two
SELECT paysafe.post_entries('entry', '[{"txn": null, "account": "ann", "amount": -1}]');	-- fails
SELECT paysafe.post_entries('entry', '[{"account": "ann", "amount": -1}]');	-- fails
SELECT paysafe.post_entries('entry', '[{"txn": 51, "account": "ann", "amount": -1}, {"txn": 51, "account": "bank"}]');	-- fails
SELECT paysafe.post_entries('entry', '[]');								-- fails
SELECT paysafe.post_entries('entry', '{"txn": 51}');					-- fails
SELECT paysafe.post_entries('entry', '[{"txn": 51, "account; DROP TABLE entry": 1}]');	-- fails
SELECT paysafe.post_entries('wallet', '[{"txn": 51}]');					-- fails
INSERT INTO entry (txn, account, amount) VALUES (53, 'ann', 1.5), (53, 'bank', -1.5);

-- maximum
INSERT INTO entry (txn, account, amount) VALUES (6, 'bob', 165.01), (6, 'bank', -165.01);	-- fails
INSERT INTO entry (txn, account, amount) VALUES (6, 'bob', 165), (6, 'bank', -165);
INSERT INTO entry (txn, account, amount) VALUES (7, 'cap', 100.01), (7, 'bank', -100.01);	-- fails
INSERT INTO entry (txn, account, amount) VALUES (7, 'cap', 100), (7, 'bank', -100);
UPDATE wallet SET maximum = 99 WHERE id = 'cap';						-- fails
UPDATE wallet SET maximum = NULL WHERE id = 'cap';						-- fails: it has no other limit
UPDATE wallet SET maximum = 1 WHERE id = 'fees';						-- fails
UPDATE wallet SET minimum = 0 WHERE id = 'cap';							-- fails
UPDATE wallet SET maximum = 'NaN' WHERE id = 'cap';						-- fails
UPDATE wallet SET maximum = 500 WHERE id = 'cap';
UPDATE wallet SET maximum = NULL WHERE id = 'bob';
INSERT INTO entry (txn, account, amount) VALUES (8, 'cap', -200), (8, 'bob', 200);

-- frozen, in both directions or one
UPDATE wallet SET status = 'blocked' WHERE id = 'ann';
INSERT INTO entry (txn, account, amount) VALUES (9, 'ann', 1), (9, 'bank', -1);		-- fails
INSERT INTO entry (txn, line, account, amount) VALUES (9, 1, 'ann', 1), (9, 2, 'ann', -1);	-- fails
SELECT paysafe.reserve('wallet', 'ann', 1);								-- fails
UPDATE wallet SET status = 'dormant' WHERE id = 'ann';
INSERT INTO entry (txn, account, amount) VALUES (9, 'ann', 1), (9, 'bank', -1);
INSERT INTO entry (txn, account, amount) VALUES (10, 'ann', -1), (10, 'bank', 1);	-- fails
INSERT INTO entry (txn, line, account, amount) VALUES (10, 1, 'ann', -1), (10, 2, 'ann', 2), (10, 3, 'bank', -1);	-- fails
SELECT paysafe.reserve('wallet', 'ann', 1);								-- fails
UPDATE wallet SET status = 'leaving' WHERE id = 'ann';
INSERT INTO entry (txn, account, amount) VALUES (10, 'ann', 1), (10, 'bank', -1);	-- fails
INSERT INTO entry (txn, account, amount) VALUES (10, 'ann', -1), (10, 'bank', 1);
UPDATE wallet SET status = 'blocked' WHERE id = 'bank';
INSERT INTO entry (txn, account, amount) VALUES (11, 'ann', -1), (11, 'bank', 1);	-- fails
UPDATE wallet SET status = 'active' WHERE id = 'bank';

-- closed
UPDATE wallet SET status = 'closed' WHERE id IN ('ann', 'bank');		-- fails: ann has 50
SELECT paysafe.reserve('wallet', 'ann', 50) AS id \gset
BEGIN;
SELECT paysafe.post_reservation(:id, 49, false);
INSERT INTO entry (txn, account, amount) VALUES (11, 'ann', -50), (11, 'bank', 50);	-- fails: 1 is still reserved
ROLLBACK;
SELECT paysafe.void_reservation(:id);
INSERT INTO entry (txn, account, amount) VALUES (11, 'ann', -50), (11, 'bank', 50);
UPDATE wallet SET status = 'closed' WHERE id = 'bank';					-- fails: it has something
UPDATE wallet SET status = 'closed' WHERE id = 'fees';
UPDATE wallet SET status = 'closed' WHERE id = 'ann';
INSERT INTO entry (txn, account, amount) VALUES (12, 'ann', 1), (12, 'bank', -1);	-- fails
INSERT INTO entry (txn, account, amount) VALUES (12, 'fees', 1), (12, 'bank', -1);	-- fails
SELECT paysafe.reserve('wallet', 'ann', 1);								-- fails
DELETE FROM wallet WHERE id = 'fees';									-- fails
INSERT INTO wallet (id, minimum, status) VALUES ('eve', -10, 'closed');
DELETE FROM wallet WHERE id = 'eve';									-- fails: a new one would be open
UPDATE wallet SET status = 'active' WHERE id = 'ann';					-- fails: alone
BEGIN;
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('wallet', 'bank', 'not closed');					-- fails
ROLLBACK;
BEGIN;
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('wallet', 'ann', 'the customer came back') > 0 AS approved;
UPDATE wallet SET status = 'active' WHERE id = 'ann';					-- fails: bob is not another person
COMMIT;
BEGIN;
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('wallet', 'ann', 'the customer came back') > 0 AS approved;
COMMIT;
BEGIN;
SELECT paysafe.act_as('carl');
UPDATE wallet SET status = 'active' WHERE id = 'ann';
COMMIT;
INSERT INTO entry (txn, account, amount) VALUES (12, 'ann', 1), (12, 'bank', -1);
INSERT INTO entry (txn, account, amount) VALUES (13, 'ann', -1), (13, 'bank', 1);
-- what was approved before it was closed again is of no use
UPDATE wallet SET status = 'closed' WHERE id = 'ann';
BEGIN;
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('wallet', 'ann', 'again') > 0 AS approved, paysafe.approve('wallet', 'ann', 'and again') > 0 AS approved_twice;
COMMIT;
BEGIN;
SELECT paysafe.act_as('carl');
UPDATE wallet SET status = 'active' WHERE id = 'ann';
UPDATE wallet SET status = 'closed' WHERE id = 'ann';
UPDATE wallet SET status = 'active' WHERE id = 'ann';					-- fails
ROLLBACK;

-- reports
SELECT sum(debit) = sum(credit) AS balanced, count(*) FROM paysafe.trial_balance('wallet');
SELECT account, currency, debit, credit, balance, settled FROM paysafe.trial_balance('entry');
SELECT clock_timestamp() AS cut \gset
INSERT INTO entry (txn, account, amount) VALUES (14, 'bob', -7), (14, 'bank', 7);
SELECT account, balance, settled FROM paysafe.trial_balance('wallet', :'cut');
SELECT count(*) AS other_balances FROM paysafe.trial_balance('wallet', :'cut') t WHERE t.balance <> paysafe.balance(t.account, :'cut', 'wallet');
SELECT line, amount, balance, settled FROM paysafe.statement('bob', :'cut');
SELECT line, amount, balance, settled FROM paysafe.statement('bob', (SELECT since FROM paysafe.rule WHERE relation = 'wallet'::regclass AND rule = 'balance'), :'cut');
SELECT line, count(*), sum(amount) FROM paysafe.statement('bank', (SELECT since FROM paysafe.rule WHERE relation = 'wallet'::regclass AND rule = 'balance'), :'cut') GROUP BY line ORDER BY line;
\set VERBOSITY sqlstate
SELECT * FROM paysafe.statement('bob', '2020-01-01');					-- fails
SELECT * FROM paysafe.trial_balance('wallet', '2020-01-01');			-- fails
\set VERBOSITY default
SELECT * FROM paysafe.statement('bob', :'cut', :'cut');					-- fails
SELECT * FROM paysafe.trial_balance('pg_class');						-- fails
SELECT * FROM paysafe.trial_balance('wallet', NULL);					-- fails

-- the credit side, and several currencies
CREATE TABLE book (code text PRIMARY KEY, balance bigint, minimum bigint, side text NOT NULL);
CREATE TABLE posting (txn int, code text, amount bigint, currency text NOT NULL);
CREATE INDEX ON posting (txn);
SELECT paysafe.protect_ledger('posting', 'txn', 'code', 'amount', 'currency');
SELECT paysafe.protect_balance('book', 'code', 'balance', 'posting', 'minimum', side_column => 'side');
INSERT INTO book VALUES ('cash', NULL, NULL, 'debit'), ('customer', 0, 0, 'credit');
INSERT INTO posting VALUES (1, 'cash', 500, 'EUR'), (1, 'customer', -500, 'EUR');
SELECT account, currency, debit, credit, balance FROM paysafe.trial_balance('book');
SELECT paysafe.reserve('book', 'customer', 200, to_account => 'cash') > 0 AS reserved;
SELECT * FROM paysafe.available_balance('customer', 'book');
SELECT * FROM paysafe.available_balance('cash', 'book');
SELECT line, amount, balance FROM paysafe.statement('customer', (SELECT since FROM paysafe.rule WHERE relation = 'book'::regclass), accounts => 'book');

-- by posting date, beside the clock
CREATE TABLE journal (txn text, code text, amount numeric(12,2), currency text DEFAULT 'EUR', day date NOT NULL);
CREATE INDEX ON journal (txn);
CREATE INDEX ON journal (code);
CREATE TABLE chart (code text PRIMARY KEY, balance numeric(12,2), side text);
SELECT paysafe.protect_ledger('journal', 'txn', 'code', 'amount', 'currency', posting_date_column => 'day');
SELECT account, debit, credit, balance, final FROM paysafe.trial_balance_on('journal', '2026-01-31');
SELECT paysafe.protect_balance('chart', 'code', 'balance', 'journal', side_column => 'side');
INSERT INTO chart VALUES ('cash', 0, 'debit'), ('sales', 0, 'credit'), ('tax', 0, 'credit');
INSERT INTO journal VALUES ('b', 'cash', 12, 'EUR', '2026-02-03'), ('b', 'sales', -10, 'EUR', '2026-02-03'), ('b', 'tax', -2, 'EUR', '2026-02-03');
INSERT INTO journal VALUES ('a', 'cash', 6, 'EUR', '2026-01-31'), ('a', 'sales', -5, 'EUR', '2026-01-31'), ('a', 'tax', -1, 'EUR', '2026-02-01');
SELECT * FROM paysafe.balance_on('sales', '2026-01-31', 'chart');
SELECT * FROM paysafe.balance_on('sales', '2026-02-28', 'chart');
SELECT * FROM paysafe.balance_on('sales', '2025-12-31', 'chart');
SELECT * FROM paysafe.trial_balance_on('chart', '2026-01-31');
SELECT * FROM paysafe.trial_balance_on('journal', '2026-02-28');
SELECT * FROM paysafe.statement_on('sales', '2026-02-01', '2026-02-28', 'chart');
SELECT * FROM paysafe.statement_on('cash', '2026-01-01', '2026-02-03', 'chart', 'eur');
SELECT * FROM paysafe.statement_on('cash', '2026-01-01', '2026-02-03', 'chart', 'USD');
CREATE FUNCTION close_journal(until date) RETURNS void LANGUAGE sql AS $$
	SELECT paysafe.act_as('bob'), paysafe.approve('paysafe.rule', format('period of t_accounts.journal, version 1: {"until": "%s", "time_zone": "UTC"}', to_char(until, 'YYYY-MM-DD')), 'agreed');
	SELECT paysafe.act_as('ann');
	SELECT paysafe.close_period('journal', until);
$$;
SELECT close_journal('2026-01-31');
SELECT * FROM paysafe.balance_on('sales', '2026-01-31', 'chart');
SELECT * FROM paysafe.balance_on('sales', '2026-02-01', 'chart');
SELECT bool_and(final) FROM paysafe.trial_balance_on('chart', '2026-01-31');
SELECT * FROM paysafe.statement_on('tax', '2026-01-01', '2026-01-31', 'chart');
SELECT * FROM paysafe.balance_on('sales', 'infinity', 'chart');			-- fails
SELECT * FROM paysafe.balance_on('sales', NULL, 'chart');				-- fails
SELECT * FROM paysafe.balance_on('bob', '2026-01-31', 'wallet');		-- fails: no dates
SELECT * FROM paysafe.statement_on('sales', '2026-02-01', '2026-01-31', 'chart');	-- fails
SELECT * FROM paysafe.trial_balance_on('pg_class', '2026-01-31');		-- fails
-- where a day ends
CREATE TABLE point (txn int, code text, amount int, currency text DEFAULT 'EUR', at timestamptz);
CREATE INDEX ON point (txn);
CREATE TABLE spot (code text PRIMARY KEY, balance int);
SELECT paysafe.protect_ledger('point', 'txn', 'code', 'amount', 'currency', posting_date_column => 'at'), paysafe.protect_balance('spot', 'code', 'balance', 'point');
INSERT INTO spot VALUES ('a', 0), ('b', 0);
INSERT INTO point VALUES (1, 'a', 1, 'EUR', '2026-01-31 22:59Z'), (1, 'b', -1, 'EUR', '2026-01-31 23:01Z'), (2, 'a', 1, 'EUR', '2026-02-01 00:00Z'), (2, 'b', -1, 'EUR', '2026-02-01 04:59Z');
SELECT z AS zone, (paysafe.balance_on('a', '2026-01-31', 'spot', time_zone => z)).*, b.balance AS b FROM unnest(ARRAY['UTC', 'Europe/Berlin', 'America/New_York']) z, paysafe.balance_on('b', '2026-01-31', 'spot', time_zone => z) b;
SELECT line, day, transaction, amount, balance FROM paysafe.statement_on('b', '2026-01-31', '2026-02-01', 'spot', time_zone => 'Europe/Berlin');
SELECT * FROM paysafe.balance_on('a', '2026-01-31', 'spot', time_zone => 'Mars/Olympus');	-- fails

-- a period is closed by two
\set period 'period of t_accounts.wages, version 1: {"until": "2026-05-31", "time_zone": "UTC"}'
CREATE TABLE wages (txn text, account text, amount int, currency text DEFAULT 'EUR', day date);
CREATE INDEX ON wages (txn);
SELECT paysafe.protect_ledger('wages', 'txn', 'account', 'amount', 'currency', posting_date_column => 'day');
INSERT INTO wages VALUES ('a', 'cash', 1, 'EUR', '2026-05-31'), ('a', 'work', -1, 'EUR', '2026-05-31');
SELECT paysafe.close_period('wages', '2026-05-31');						-- fails: alone
BEGIN;
SELECT paysafe.act_as('bob'), paysafe.approve('paysafe.rule', :'period', 'the books agree') > 0 AS approved;
SELECT paysafe.close_period('wages', '2026-05-31');						-- fails: bob has approved it
ROLLBACK;
BEGIN;
SELECT paysafe.act_as('bob'), paysafe.approve('paysafe.rule', :'period', 'the books agree') > 0 AS approved;
SELECT paysafe.act_as('ann');
SELECT paysafe.close_period('wages', '2026-05-30');						-- fails: another day
ROLLBACK;
BEGIN;
SELECT paysafe.act_as('bob'), paysafe.approve('paysafe.rule', :'period', 'the books agree') > 0 AS approved;
SELECT paysafe.act_as('ann');
SELECT paysafe.close_period('wages', '2026-05-31');
COMMIT;
SELECT until, actor, time_zone, ended_at AT TIME ZONE 'UTC' AS ended_at FROM paysafe.closed_period WHERE relation = 'wages'::regclass;
INSERT INTO wages VALUES ('b', 'cash', 1, 'EUR', '2026-05-31'), ('b', 'work', -1, 'EUR', '2026-06-01');	-- fails
-- a day ends somewhere
CREATE TABLE diary (txn int, account text, amount int, currency text DEFAULT 'EUR', at timestamptz);
CREATE INDEX ON diary (txn);
SELECT paysafe.protect_ledger('diary', 'txn', 'account', 'amount', 'currency', posting_date_column => 'at');
SELECT paysafe.close_period('diary', '2026-05-30', 'Europe/Nowhere');	-- fails
SELECT paysafe.close_period('diary', '2026-05-30', 'Europe/Berlin');	-- alone: nobody has posted
INSERT INTO diary VALUES (1, 'a', 1, 'EUR', '2026-05-30 23:59:59.999999+02'), (1, 'b', -1, 'EUR', '2026-06-01');	-- fails
INSERT INTO diary VALUES (1, 'a', 1, 'EUR', '2026-05-31 00:00+02'), (1, 'b', -1, 'EUR', '2026-05-31 05:59:59+02');
CREATE FUNCTION close_diary(until date, time_zone text) RETURNS void LANGUAGE sql AS $$
	SELECT paysafe.act_as('ann'), paysafe.propose('a day');
	SELECT paysafe.close_period('diary', until, time_zone);
	SELECT paysafe.propose(NULL), paysafe.act_as('bob');
	SELECT paysafe.approve('paysafe.rule', key, 'it has ended') FROM paysafe.pending_change WHERE relation = 'diary'::regclass ORDER BY id DESC LIMIT 1;
	SELECT paysafe.act_as('ann');
	SELECT paysafe.close_period('diary', until, time_zone);
$$;
SELECT close_diary('2026-05-30', 'America/New_York');		-- fails: the same day
SELECT close_diary('2026-05-31', 'America/New_York');
INSERT INTO diary VALUES (2, 'a', 1, 'EUR', '2026-05-31 23:59-04'), (2, 'b', -1, 'EUR', '2026-06-01 00:01-04');	-- fails
INSERT INTO diary VALUES (2, 'a', 1, 'EUR', '2026-06-01 00:00-04'), (2, 'b', -1, 'EUR', '2026-06-01 00:01-04');
SELECT until, time_zone, ended_at AT TIME ZONE 'UTC' AS ended_at FROM paysafe.closed_period WHERE relation = 'diary'::regclass ORDER BY until;

-- a status of two values; a rule that is there gets one
ALTER TABLE book ADD frozen boolean NOT NULL DEFAULT false, ADD closed_at timestamptz;
SELECT paysafe.protect_balance('book', 'code', 'balance', 'posting', 'minimum', side_column => 'side', status_column => 'frozen', frozen => '{true}');
UPDATE book SET frozen = true WHERE code = 'cash';
INSERT INTO posting VALUES (2, 'cash', 1, 'EUR'), (2, 'customer', -1, 'EUR');	-- fails
UPDATE book SET frozen = false WHERE code = 'cash';
INSERT INTO posting VALUES (2, 'cash', 1, 'EUR'), (2, 'customer', -1, 'EUR');
SELECT paysafe.protect_balance('book', 'code', 'balance', 'posting', 'minimum', side_column => 'side');	-- fails: looser
SELECT paysafe.protect_balance('book', 'code', 'balance', 'posting', 'minimum', side_column => 'side', status_column => 'closed_at', closed => '{set}');	-- fails: looser

\set VERBOSITY terse
DROP SCHEMA t_accounts CASCADE;
