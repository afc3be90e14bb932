-- Balances that the application writes: reservations and the minimum that they count against, and who keeps the balance from now on.
-- What is judged at COMMIT is in test/sql/balance_written.sql.
BEGIN;
SELECT plan(33);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
SET LOCAL search_path = public, pg_temp;
CREATE SCHEMA shop;
CREATE TABLE shop.purse (id text PRIMARY KEY, balance numeric(12,2) DEFAULT 0, minimum numeric(12,2), low numeric(12,2), high numeric(12,2));
CREATE TABLE shop.transfer (id int PRIMARY KEY, source text, target text, amount numeric(12,2));
CREATE INDEX ON shop.transfer (source);
CREATE INDEX ON shop.transfer (target);
SELECT paysafe.protect_entries('shop.transfer', 'target', 'amount', currency => 'EUR', credit_account_column => 'source');
\set declare 'SELECT paysafe.protect_balance(''shop.purse'', ''id'', ''balance'', ''shop.transfer'', '
\set kept 'kept_by => ''application'''
CREATE FUNCTION pg_temp.approved(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	PERFORM paysafe.act_as('ann');
	BEGIN
		EXECUTE command;
		RETURN 'accepted at once';
	EXCEPTION WHEN insufficient_privilege THEN
		GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	END;
	PERFORM paysafe.act_as('bob');
	EXECUTE 'SELECT ' || substring(hint FROM '(paysafe\.approve\(.*\));  then');
	PERFORM paysafe.act_as('ann');
	EXECUTE command;
	RETURN 'approved';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT is(pg_temp.refusal(:'declare' || '''minimum'', ' || :'kept' || ')'), 'accepted', 'declared');
INSERT INTO shop.purse (id, balance, minimum, low, high) VALUES ('a', 100, 0, NULL, 50), ('b', 0, 0, 0, 0), ('cash', -100, NULL, NULL, NULL);
INSERT INTO shop.transfer VALUES (1, 'cash', 'a', 100);
SELECT paysafe.reserve('shop.purse', 'a', 60) AS first, paysafe.reserve('shop.purse', 'a', 10) AS second \gset

-- the minimum stays for as long as something is reserved
SELECT is(pg_temp.refusal(v.change), want, v.change) FROM (VALUES
	($$UPDATE shop.purse SET minimum = NULL WHERE id = 'a'$$, '23M01 shop.purse.minimum paysafe_purse_balance'),
	($$UPDATE shop.purse SET minimum = NULL, balance = 40 WHERE id = 'a'$$, '23M01 shop.purse.minimum paysafe_purse_balance'),
	($$INSERT INTO shop.purse (id, balance) VALUES ('a', 100) ON CONFLICT (id) DO UPDATE SET minimum = excluded.minimum$$, '23M01 shop.purse.minimum paysafe_purse_balance'),
	($$DELETE FROM shop.purse WHERE id = 'a'$$, '23M02 shop.purse paysafe_purse_balance'),
	($$UPDATE shop.purse SET minimum = 31 WHERE id = 'a'$$, '23M01 shop.purse.minimum paysafe_purse_balance'),
	($$UPDATE shop.purse SET minimum = 30 WHERE id = 'a'$$, 'accepted'),
	($$UPDATE shop.purse SET minimum = -5 WHERE id = 'a'$$, 'accepted'),
	($$UPDATE shop.purse SET minimum = NULL WHERE id = 'b'$$, 'accepted'),
	($$UPDATE shop.purse SET minimum = 0 WHERE id = 'b'$$, 'accepted')) v (change, want);
SELECT is(pg_temp.refusal_text($$UPDATE shop.purse SET minimum = NULL WHERE id = 'a'$$, 'DETAIL'), 'It has 70 reserved.', 'what is against it');
SELECT is(pg_temp.refusal_text($$UPDATE shop.purse SET minimum = NULL WHERE id = 'a'$$, 'HINT'), 'Post or void the reservations first; the view paysafe.reservation shows them.', 'the way out');

-- no declaration takes it away
SELECT is(pg_temp.approved(:'declare' || v.rest || ')'), want, v.rest) FROM (VALUES
	(:'kept', '23514 rule "balance" cannot be declared: 1 existing row of "purse" breaks it'),
	('''low'', ' || :'kept', '23514 rule "balance" cannot be declared: 1 existing row of "purse" breaks it'),
	('''high'', ' || :'kept', '23514 rule "balance" cannot be declared: 1 existing row of "purse" breaks it')) v (rest, want);
SELECT is(pg_temp.approved(:'declare' || '''minimum'', ' || :'kept' || ', mode => ''observe'')'), 'approved', 'only observed');
UPDATE shop.purse SET minimum = NULL WHERE id = 'a';
SELECT is(pg_temp.refusal_text(:'declare' || '''minimum'', ' || :'kept' || ')', 'DETAIL'),
	'Account "a": it has 70 reserved, and no minimum; void that first (paysafe.void_reservation).', 'enforced again: not without it');
SELECT is(pg_temp.refusal(format('SELECT paysafe.post_reservation(%s)', :first)), '22023', 'nothing is posted meanwhile');
SELECT is(pg_temp.refusal(format('SELECT paysafe.void_reservation(%s, ''x'')', :first)), 'accepted', '... what is reserved can be voided');
SELECT is(pg_temp.refusal(format('SELECT paysafe.void_reservation(%s, ''x'')', :second)), 'accepted', '... all of it');
SELECT is(pg_temp.refusal(:'declare' || '''minimum'', ' || :'kept' || ')'), 'accepted', 'nothing is reserved');
SELECT is(pg_temp.refusal($$SELECT paysafe.reserve('shop.purse', 'a', 1)$$), '22023', 'reserved of an account without a minimum');


-- an account that nothing has been posted to is not made another one: deleted
SELECT is(pg_temp.refusal_text($$UPDATE shop.purse SET id = 'z' WHERE id = 'b'$$, 'HINT'), 'Nothing has been posted to it: delete it, and open another one.', 'a key');
SELECT is(pg_temp.refusal_text($$UPDATE shop.purse SET id = 'z' WHERE id = 'a'$$, 'HINT'), 'Open another account, and post what is on this one to it.', '... of one that has been used');
SELECT is(pg_temp.refusal($$DELETE FROM shop.purse WHERE id = 'b'; INSERT INTO shop.purse (id, minimum) VALUES ('z', 0), ('b', 0)$$), 'accepted', '... deleted, and another one');

-- in partitions: moved without its minimum
CREATE TABLE shop.pocket (id text, region text, balance numeric(12,2) DEFAULT 0, minimum numeric(12,2), PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.pocket_1 PARTITION OF shop.pocket (UNIQUE (id)) FOR VALUES IN ('north');
CREATE TABLE shop.pocket_2 PARTITION OF shop.pocket (UNIQUE (id)) FOR VALUES IN ('south');
CREATE TABLE shop.pass (LIKE shop.transfer INCLUDING ALL);
SELECT paysafe.protect_entries('shop.pass', 'target', 'amount', currency => 'EUR', credit_account_column => 'source');
SELECT paysafe.protect_balance('shop.pocket', 'id', 'balance', 'shop.pass', 'minimum', kept_by => 'application');
INSERT INTO shop.pocket VALUES ('a', 'north', 100, 0), ('cash', 'north', -100, NULL);
INSERT INTO shop.pass VALUES (1, 'cash', 'a', 100);
SELECT paysafe.reserve('shop.pocket', 'a', 60) AS third \gset
SELECT is(pg_temp.refusal($$UPDATE shop.pocket SET region = 'south', minimum = NULL WHERE id = 'a'$$), '23M01 shop.pocket.minimum paysafe_pocket_balance', 'to another partition');
SELECT is(pg_temp.refusal($$UPDATE shop.pocket SET minimum = NULL WHERE id = 'a'$$), '23M01 shop.pocket.minimum paysafe_pocket_balance', 'in its own');
SELECT is(pg_temp.refusal($$INSERT INTO shop.pocket VALUES ('a', 'south', 0, NULL)$$), '23505 shop.pocket.id paysafe_pocket_balance', 'beside it');
SELECT is(pg_temp.refusal($$UPDATE shop.pocket SET region = 'south' WHERE id = 'a'$$), 'accepted', '... with it');
SELECT is(pg_temp.refusal(format('SELECT paysafe.post_reservation(%s, 50)', :third) || $$; INSERT INTO shop.pass VALUES (2, 'a', 'cash', 50)$$), 'accepted', 'posted from there');
SELECT is(pg_temp.refusal($$UPDATE shop.pocket SET minimum = NULL WHERE id = 'a'$$), 'accepted', 'nothing is reserved any more');

-- a row that was changed with the protection switched off
ALTER TABLE shop.purse DISABLE TRIGGER USER;
UPDATE shop.purse SET balance = 1 WHERE id = 'b';
ALTER TABLE shop.purse ENABLE ALWAYS TRIGGER paysafe, ENABLE ALWAYS TRIGGER paysafe_statement;
SELECT is(pg_temp.refusal_text($$SELECT paysafe.validate_rows('shop.purse')$$, 'MESSAGE'), 'rule "balance" is in force, but 1 row of "purse" breaks it', 'validate_rows declares nothing');
SELECT is(pg_temp.refusal($$UPDATE shop.purse SET balance = 0 WHERE id = 'b'; SELECT paysafe.validate_rows('shop.purse')$$), 'accepted', '... put right');
SELECT * FROM finish();
ROLLBACK;
