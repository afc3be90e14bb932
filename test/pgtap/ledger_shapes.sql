-- Looser ledgers: what loosens and tightens them, what is read of them, observed ones.  What waits for COMMIT is in
-- test/sql/ledger_shapes.sql.
BEGIN;
SELECT plan(60);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
SET LOCAL search_path = public, pg_temp;
CREATE SCHEMA shop;

-- each change by itself, from and to: the first needs a second person or does not
CREATE TABLE shop.entry (id int PRIMARY KEY, txn int, account text, amount numeric, credit numeric, currency text, side text, note text, flag boolean, state text);
CREATE INDEX ON shop.entry (txn);
INSERT INTO shop.entry VALUES (1, 1, 'a', 5, 0, 'EUR', 'debit', NULL, true, 'posted'), (2, 1, 'b', 5, 0, 'EUR', 'credit', NULL, true, 'posted');
CREATE FUNCTION pg_temp.change(before text, after text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT paysafe.protect_ledger(''shop.entry'', ''txn'', ''account'', ''amount'', %s)', before);
	result := pg_temp.refusal(format('SELECT paysafe.protect_ledger(''shop.entry'', ''txn'', ''account'', ''amount'', %s)', after));
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ', MESSAGE = split_part(result, ' ', 1);
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
	RETURN SQLERRM;
END $$;
\set plain '''currency'', ''side'''
SELECT is(pg_temp.change(before, after), want, before || ' to ' || after) FROM (VALUES
	(:'plain', :'plain', 'accepted'),
	(:'plain', :'plain' || ', zero_amounts => true', '42501'),
	(:'plain' || ', zero_amounts => true', :'plain', 'accepted'),
	(:'plain', :'plain' || ', closed => false', '42501'),
	(:'plain' || ', closed => false', :'plain', 'accepted'),
	(:'plain', :'plain' || ', mutable_columns => ''{note}''', '42501'),
	(:'plain' || ', mutable_columns => ''{note}''', :'plain' || ', mutable_columns => ''{note,flag}''', '42501'),
	(:'plain' || ', mutable_columns => ''{note,flag}''', :'plain' || ', mutable_columns => ''{note}''', 'accepted'),
	(:'plain' || ', mutable_columns => ''{note}''', :'plain', 'accepted'),
	(:'plain', :'plain' || ', decimals => 8', '42501'),
	(:'plain' || ', decimals => 8', :'plain' || ', decimals => 2', '42501'),
	(:'plain', :'plain' || ', rows => ''{"state": ["posted"]}''', '42501'),
	(:'plain' || ', rows => ''{"state": ["posted"]}''', :'plain', '42501'),
	(:'plain', :'plain' || ', debits => ''{debit}'', credits => ''{credit}''', '42501'),
	(:'plain', 'currency => ''EUR'', direction_column => ''side''', '42501'),
	(:'plain', :'plain' || ', posting_date_column => NULL', 'accepted')) v (before, after, want);

-- what is read of it, and what of it cannot be hidden
SELECT paysafe.protect_ledger('shop.entry', 'txn', 'account', 'amount', 'currency', 'side', debits => '{debit}', credits => '{credit}', mutable_columns => '{note}', rows => '{"state": ["posted"]}');
SELECT is((SELECT columns FROM paysafe.protection WHERE relation = 'shop.entry'::regclass), '{account,amount,currency,note,side,state,txn}', 'columns');
SELECT is(pg_temp.refusal(format('SELECT paysafe.audit(''shop.entry'', redact => ARRAY[%L])', c)), '22023', c || ' is not redacted')
  FROM unnest('{txn,account,amount,currency,side,state}'::text[]) c;
SELECT is(pg_temp.refusal($$SELECT paysafe.audit('shop.entry', redact => '{note}')$$), 'accepted', 'what nobody reads is');

-- every column but the one
\set before '(10, 2, ''a'', 5, 0, ''EUR'', ''debit'', NULL, true, ''posted''), (11, 2, ''b'', 5, 0, ''EUR'', ''credit'', NULL, true, ''posted'')'
INSERT INTO shop.entry VALUES :before;
SELECT is(pg_temp.refusal('UPDATE shop.entry SET ' || v.change || ' WHERE id = 10'), want, v.change) FROM (VALUES
	('note = ''x''', 'accepted'), ('note = NULL', 'accepted'), ('amount = amount', 'accepted'), ('amount = 5.00', 'accepted'),
	('amount = 6', '23L01 shop.entry.amount paysafe_entry_ledger'), ('credit = 1', '23L01 shop.entry.credit paysafe_entry_ledger'),
	('credit = NULL', '23L01 shop.entry.credit paysafe_entry_ledger'), ('flag = NULL', '23L01 shop.entry.flag paysafe_entry_ledger'),
	('account = ''A''', '23L01 shop.entry.account paysafe_entry_ledger'), ('currency = ''eur''', '23L01 shop.entry.currency paysafe_entry_ledger'),
	('side = ''credit'', note = ''y''', '23L01 shop.entry.side paysafe_entry_ledger'), ('txn = 3', '23L01 shop.entry.txn paysafe_entry_ledger'),
	('id = 12', '23L01 shop.entry.id paysafe_entry_ledger'), ('state = ''draft''', '23R03 shop.entry.state paysafe_entry_ledger'),
	('state = NULL', '23R03 shop.entry.state paysafe_entry_ledger')) v (change, want);
ALTER TABLE shop.entry ADD later text DEFAULT 'd';
SELECT is(pg_temp.refusal($$UPDATE shop.entry SET later = 'x' WHERE id = 10$$), '23L01 shop.entry.later paysafe_entry_ledger', 'a column that came later');
SELECT is(pg_temp.refusal($$DELETE FROM shop.entry WHERE id = 10$$), '23L01 shop.entry paysafe_entry_ledger', 'a row');
SELECT is(pg_temp.refusal($$TRUNCATE shop.entry$$), '23L01 shop.entry paysafe_entry_ledger', 'all of them');
SELECT is(pg_temp.refusal('INSERT INTO shop.entry (id, txn, account, amount, currency, side, state) VALUES ' || v.row), want, v.row) FROM (VALUES
	($$(20, 5, 'a', 1, 'EUR', 'Debit', 'posted')$$, '23L03 shop.entry.side paysafe_entry_ledger'),
	($$(20, 5, 'a', 1, 'EUR', 'd', 'posted')$$, '23L03 shop.entry.side paysafe_entry_ledger'),
	($$(20, 5, 'a', 1, 'EUR', NULL, 'posted')$$, '23L03 shop.entry.side paysafe_entry_ledger'),
	($$(20, 5, 'a', -1, 'EUR', 'debit', 'posted')$$, '23L03 shop.entry.amount paysafe_entry_ledger'),
	($$(20, 2, 'a', 1, 'EUR', 'debit', 'posted'), (21, 2, 'a', 1, 'EUR', 'credit', 'posted')$$, 'accepted'),
	($$(22, NULL, NULL, -1, 'XXX', 'Debit', 'Posted')$$, 'accepted')) v (row, want);
SELECT is(pg_temp.refusal($$UPDATE shop.entry SET state = 'posted' WHERE id = 22$$), '23L03 shop.entry.txn paysafe_entry_ledger', 'a draft that is no entry');
SELECT is(pg_temp.refusal($$DELETE FROM shop.entry WHERE id = 22$$), 'accepted', '... goes');

-- observed: what would be refused happens
CREATE TABLE shop.seen (id int PRIMARY KEY, card int, value numeric, memo text, ok boolean DEFAULT true);
SELECT paysafe.protect_entries('shop.seen', 'card', 'value', currency => 'EUR', minimum => 0, mutable_columns => '{memo}', rows => '{"ok": [true]}', mode => 'observe');
SELECT is(pg_temp.refusal(statement), 'accepted', statement) FROM unnest(ARRAY[
	'INSERT INTO shop.seen VALUES (1, 1, -5)', 'INSERT INTO shop.seen VALUES (2, 1, 0)', 'UPDATE shop.seen SET value = 7 WHERE id = 1',
	'UPDATE shop.seen SET ok = false WHERE id = 1', 'DELETE FROM shop.seen WHERE id = 2', 'TRUNCATE shop.seen']) statement;
INSERT INTO shop.seen VALUES (3, 1, -5);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_entries('shop.seen', 'card', 'value', currency => 'EUR', minimum => 0)$$), '23514 shop.seen paysafe_seen_ledger', 'enforced: what is there');
INSERT INTO shop.seen VALUES (4, 1, 5);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_entries('shop.seen', 'card', 'value', currency => 'EUR', minimum => 0)$$), 'accepted', '... is enough now');
SELECT is(pg_temp.refusal($$INSERT INTO shop.seen VALUES (5, 1, -0.01)$$), '23M01 shop.seen.value paysafe_seen_ledger', '... and must be from now on');
SELECT is(pg_temp.refusal($$INSERT INTO shop.seen SELECT 100 + i, 1, CASE WHEN i % 2 = 0 THEN -1 ELSE 1 END FROM generate_series(1, 100) i$$), 'accepted', 'the statement leaves enough');

SELECT * FROM finish();
ROLLBACK;
