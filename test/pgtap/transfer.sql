-- Transfers with both accounts in one row: what is one, what may be declared, what is read of it, balances and minimum of both
-- accounts.  Balances that the application writes: who may change the rule.  What waits for COMMIT is in test/sql/balance_written.sql.
BEGIN;
SELECT plan(83);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
SET LOCAL search_path = public, pg_temp;
CREATE SCHEMA shop;
CREATE TABLE shop.move (id int PRIMARY KEY, source text, target text, amount numeric, currency text, fee numeric, side text, day date, state text, memo text, number int, label varchar(20));
CREATE INDEX ON shop.move (source);
CREATE INDEX ON shop.move (target);
INSERT INTO shop.move (id, source, target, amount) VALUES (0, 'a', 'b', 1);

-- what can be declared
\set entries 'SELECT paysafe.protect_entries(''shop.move'', ''target'', ''amount'', '
SELECT is(pg_temp.refusal(:'entries' || a || ')'), want, a) FROM (VALUES
	('currency => ''EUR'', credit_account_column => ''target''', '22023'),
	('currency => ''EUR'', credit_account_column => ''number''', '22023'),
	('currency => ''EUR'', credit_account_column => ''label''', '22023'),
	('currency => ''EUR'', credit_account_column => ''amount''', '22023'),
	('currency => ''EUR'', credit_account_column => ''{source,side}''', '22023'),
	('currency => ''EUR'', credit_account_column => ''nowhere''', '42703'),
	('currency => ''EUR'', credit_account_column => ''source'', credit_column => ''fee''', '22023'),
	('currency => ''EUR'', credit_account_column => ''source'', direction_column => ''side''', '22023'),
	('currency => ''EUR'', credit_account_column => ''source'', mutable_columns => ''{source}''', '22023'),
	('currency => ''EUR'', credit_account_column => ''source'', mutable_columns => ''{target}''', '22023'),
	('currency => ''EUR'', credit_account_column => ''source'', minimum => 1', '22023'),
	('currency => ''EUR'', credit_account_column => ''source''', 'accepted')) v (a, want);
SELECT is(pg_temp.refusal(:'entries' || 'currency => ''EUR'')'), '42501 shop.move paysafe_move_ledger', 'one of the accounts is forgotten: another person');
SELECT is(pg_temp.refusal(:'entries' || 'currency => ''EUR'', credit_account_column => ''side'')'), '42501 shop.move paysafe_move_ledger', '... or another one is meant');

-- what is a transfer, and what stays of it
SELECT is(pg_temp.refusal('INSERT INTO shop.move (id, source, target, amount) VALUES (' || v.row || ')'), want, v.row) FROM (VALUES
	('1, ''a'', ''b'', 5', 'accepted'), ('2, ''b'', ''a'', 0.01', 'accepted'),
	('3, NULL, ''b'', 5', '23L03 shop.move.source paysafe_move_ledger'), ('3, ''a'', NULL, 5', '23L03 shop.move.target paysafe_move_ledger'),
	('3, ''a'', ''a'', 5', '23L03 shop.move.source paysafe_move_ledger'), ('3, ''a'', ''b'', 0', '23L03 shop.move.amount paysafe_move_ledger'),
	('3, ''a'', ''b'', -5', '23L03 shop.move.amount paysafe_move_ledger'), ('3, ''a'', ''b'', NULL', '23L03 shop.move.amount paysafe_move_ledger'),
	('3, ''a'', ''b'', 0.001', '23L03 shop.move.amount paysafe_move_ledger'), ('3, ''a'', ''b'', ''NaN''', '23L03 shop.move.amount paysafe_move_ledger'),
	('3, ''a'', ''b'', ''Infinity''', '23L03 shop.move.amount paysafe_move_ledger'), ('3, ''a'', ''A'', 5', 'accepted')) v (row, want);
SELECT is(pg_temp.refusal('UPDATE shop.move SET ' || v.change || ' WHERE id = 1'), '23L01 shop.move paysafe_move_ledger', v.change) FROM (VALUES
	('source = ''c'''), ('target = ''c'''), ('amount = 6'), ('memo = ''x'''), ('source = target, target = source')) v (change);
SELECT is(pg_temp.refusal('DELETE FROM shop.move'), '23L01 shop.move paysafe_move_ledger', 'DELETE');
SELECT is(pg_temp.refusal('TRUNCATE shop.move'), '23L01 shop.move paysafe_move_ledger', 'TRUNCATE');
SELECT is((SELECT columns FROM paysafe.protection WHERE relation = 'shop.move'::regclass), '{amount,source,target}', 'columns');
SELECT is(pg_temp.refusal(format('SELECT paysafe.audit(''shop.move'', redact => ARRAY[%L])', c)), '22023', c || ' is not redacted') FROM unnest('{source,target,amount}'::text[]) c;
SELECT is(pg_temp.refusal_text($$INSERT INTO shop.move (id, source, target, amount) VALUES (9, NULL, 'b', 1)$$, 'DETAIL'), 'Row "9": the account that is credited is missing.', 'what is wrong');
SELECT is(pg_temp.refusal_text($$INSERT INTO shop.move (id, source, target, amount) VALUES (9, 'b', 'b', 1)$$, 'HINT'), 'Rows have two accounts, a currency and a finite positive amount, at the currency''s scale.', 'what is right');

-- rows that move nothing between two accounts, where zero is an amount
CREATE TABLE shop.zero (LIKE shop.move INCLUDING ALL);
SELECT paysafe.protect_entries('shop.zero', 'target', 'amount', currency => 'EUR', credit_account_column => 'source', zero_amounts => true);
SELECT is(pg_temp.refusal('INSERT INTO shop.zero (id, source, target, amount) VALUES (' || v.row || ')'), want, v.row) FROM (VALUES
	('1, ''a'', ''a'', 0', 'accepted'), ('2, ''a'', ''b'', 0', 'accepted'), ('3, ''a'', ''a'', 5', '23L03 shop.zero.source paysafe_zero_ledger'), ('3, ''a'', ''a'', 0.01', '23L03 shop.zero.source paysafe_zero_ledger'), ('3, ''a'', ''b'', -5', '23L03 shop.zero.amount paysafe_zero_ledger')) v (row, want);

-- by what the entries say alone: a minimum of each account, however the money came
CREATE TABLE shop.points (LIKE shop.move INCLUDING ALL);
INSERT INTO shop.points (id, source, target, amount) VALUES (1, 'bank', 'a', 10);
\set points 'SELECT paysafe.protect_entries(''shop.points'', ''target'', ''amount'', currency => ''EUR'', credit_account_column => ''source'', mutable_columns => ''{memo}'', rows => ''{"state": ["done"]}'', minimum => '
SELECT is(pg_temp.refusal(replace(:'points', ', rows => ''{"state": ["done"]}''', '') || '0)'), '23514 shop.points paysafe_points_ledger', 'the bank has less');
SELECT is(pg_temp.refusal(:'points' || '-10)'), 'accepted', '... not of rows that do not count');
SELECT is(pg_temp.refusal('INSERT INTO shop.points (id, source, target, amount, state) VALUES ' || v.rows), want, v.rows) FROM (VALUES
	('(11, ''bank'', ''a'', 10, ''done'')', 'accepted'),
	('(12, ''bank'', ''a'', 0.01, ''done'')', '23M01 shop.points.amount paysafe_points_ledger'),
	('(13, ''a'', ''b'', 20, ''done'')', 'accepted'),
	('(14, ''a'', ''b'', 0.01, ''done'')', '23M01 shop.points.amount paysafe_points_ledger'),
	('(15, ''a'', ''b'', 100, ''asked'')', 'accepted'),
	('(16, ''a'', ''b'', 5, ''done''), (17, ''c'', ''a'', 5, ''done'')', 'accepted'),
	('(18, ''b'', ''a'', 36, ''done'')', '23M01 shop.points.amount paysafe_points_ledger'),
	('(18, ''b'', ''a'', 35, ''done'')', 'accepted')) v (rows, want);
SELECT is(pg_temp.refusal($$UPDATE shop.points SET state = 'done' WHERE id = 15$$), '23M01 shop.points.amount paysafe_points_ledger', 'posted by UPDATE');
SELECT is(pg_temp.refusal($$UPDATE shop.points SET memo = 'x' WHERE id = 11$$), 'accepted', 'a note');

-- accounts with balances, which the rows move: minimum, status, currency of both
CREATE TABLE shop.account (id text PRIMARY KEY, balance numeric NOT NULL DEFAULT 0, minimum numeric, currency text NOT NULL DEFAULT 'EUR', status text, side text NOT NULL DEFAULT 'debit');
CREATE TABLE shop.transfer (LIKE shop.move INCLUDING ALL);
SELECT paysafe.protect_entries('shop.transfer', 'target', 'amount', 'currency', credit_account_column => 'source', posting_date_column => 'day');
SELECT paysafe.protect_balance('shop.account', 'id', 'balance', 'shop.transfer', 'minimum', currency_column => 'currency', side_column => 'side',
	status_column => 'status', frozen => '{frozen}', in_only => '{in}', out_only => '{out}', closed => '{closed}');
INSERT INTO shop.account (id, minimum, currency, status, side) VALUES ('a', 0, 'EUR', NULL, 'debit'), ('b', 0, 'EUR', NULL, 'debit'), ('bank', NULL, 'EUR', NULL, 'credit'), ('usd', 0, 'USD', NULL, 'debit'),
	('frozen', 0, 'EUR', 'frozen', 'debit'), ('in', 0, 'EUR', 'in', 'debit'), ('out', 0, 'EUR', 'out', 'debit'), ('closed', 0, 'EUR', 'closed', 'debit');
SELECT is(pg_temp.refusal('INSERT INTO shop.transfer (id, source, target, amount, currency, day) VALUES ' || v.rows), want, v.rows) FROM (VALUES
	('(1, ''bank'', ''a'', 100, ''EUR'', ''2024-01-01'')', 'accepted'),
	('(2, ''a'', ''b'', 30, ''EUR'', ''2024-01-02''), (3, ''b'', ''a'', 10, ''EUR'', ''2024-02-01'')', 'accepted'),
	('(4, ''b'', ''a'', 21, ''EUR'', ''2024-02-01'')', '23M01 shop.account.balance paysafe_account_balance'),
	('(4, ''b'', ''a'', 21, ''EUR'', ''2024-02-01''), (5, ''bank'', ''b'', 1, ''EUR'', ''2024-02-01'')', 'accepted'),
	('(6, ''a'', ''usd'', 1, ''EUR'', ''2024-02-01'')', '23M03 shop.account.currency paysafe_account_balance'),
	('(6, ''a'', ''nobody'', 1, ''EUR'', ''2024-02-01'')', '23M03 shop.transfer.target paysafe_transfer_balance'),
	('(6, ''nobody'', ''a'', 1, ''EUR'', ''2024-02-01'')', '23M03 shop.transfer.target paysafe_transfer_balance'),
	('(6, ''a'', ''frozen'', 1, ''EUR'', ''2024-02-01'')', '23M07 shop.account.status paysafe_account_balance'),
	('(6, ''a'', ''out'', 1, ''EUR'', ''2024-02-01'')', '23M07 shop.account.status paysafe_account_balance'),
	('(6, ''a'', ''closed'', 1, ''EUR'', ''2024-02-01'')', '23M08 shop.account.status paysafe_account_balance'),
	('(6, ''a'', ''in'', 1, ''EUR'', ''2024-02-01'')', 'accepted'),
	('(7, ''in'', ''a'', 1, ''EUR'', ''2024-02-01'')', '23M07 shop.account.status paysafe_account_balance')) v (rows, want);
SELECT is((SELECT string_agg(concat_ws(' ', id, balance, paysafe.balance(id)), ', ' ORDER BY id) FROM shop.account WHERE id IN ('a', 'b', 'bank', 'in')), 'a 100 100, b 0 0, bank 0 101, in 1 1', 'balances');
SELECT is((SELECT concat_ws(' ', posted, available) FROM paysafe.available_balance('a')), '100 100', 'available_balance');
SELECT is((SELECT string_agg(concat_ws(' ', account, debit, credit, balance), ', ' ORDER BY account) FROM paysafe.trial_balance('shop.transfer')), 'a 100 0 100, b 0 0 0, bank 0 101 101, in 1 0 1', 'trial_balance');
SELECT is((SELECT string_agg(concat_ws(' ', account, balance), ', ' ORDER BY account) FROM paysafe.trial_balance_on('shop.transfer', '2024-01-31')), 'a 70, b 30, bank 100', 'trial_balance_on');
SELECT is((SELECT concat_ws(' ', balance, final) FROM paysafe.balance_on('a', '2024-01-31')), '70 f', 'balance_on');
SELECT is((SELECT string_agg(concat_ws(' ', line, transaction, amount, balance), ', ') FROM paysafe.statement_on('a', '2024-01-02', '2024-02-28')),
	'opening 100, posted 2 -30 70, posted 3 10 80, posted 4 21 101, posted 6 -1 100, closing 100', 'statement_on: named by their rows');

-- the application writes balances: another person says who keeps them
SELECT paysafe.protect_entries('shop.zero', 'target', 'amount', currency => 'EUR', credit_account_column => 'source', zero_amounts => true);
CREATE TABLE shop.wallet (id text PRIMARY KEY, balance numeric, out_balance numeric, minimum numeric);
INSERT INTO shop.wallet (id, balance) VALUES ('a', 0), ('b', 0);
\set balance 'SELECT paysafe.protect_balance(''shop.wallet'', ''id'', ''balance'', ''shop.zero'''
CREATE FUNCTION pg_temp.change(before text, after text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE 'SELECT paysafe.protect_balance(''shop.wallet'', ''id'', ''balance'', ''shop.zero''' || before;
	result := pg_temp.refusal('SELECT paysafe.protect_balance(''shop.wallet'', ''id'', ''balance'', ''shop.zero''' || after);
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ', MESSAGE = split_part(result, ' ', 1);
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
	RETURN SQLERRM;
END $$;
SELECT is(pg_temp.refusal_text($$SELECT paysafe.post_entries('shop.move', '[{"source": "a", "target": "b", "amount": 1}]')$$, 'MESSAGE'), 'the entries of table "move" are of no transactions', 'post_entries');
SELECT is(pg_temp.refusal_text(:'entries' || 'currency => ''EUR'', credit_account_column => ''number'')', 'DETAIL'), 'One is text, the other one integer.', 'types');
SELECT is(pg_temp.change(before, after), want, before || ' to ' || after) FROM (VALUES
	(')', ', kept_by => ''application'')', '42501'),
	(', kept_by => ''application'')', ')', '42501'),
	(', kept_by => ''application'')', ', kept_by => ''application'', credit_column => ''out_balance'')', '42501'),
	(')', ', kept_by => ''entries'')', 'accepted'),
	(')', ', kept_by => NULL)', '22023'),
	(')', ', kept_by => ''Application'')', '22023'),
	(')', ', kept_by => ''application'', credit_column => ''id'')', '22023')) v (before, after, want);
SELECT * FROM finish();
ROLLBACK;
