-- Transactions and accounts that several columns name.  What waits for COMMIT, or for a
-- second transaction, is in test/sql/ledger_keys.sql.
BEGIN;
SELECT plan(66);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
SET LOCAL search_path = public, pg_temp;
CREATE SCHEMA shop;

-- Forms of the arguments, and types.  The specification, or the refusal.
CREATE FUNCTION pg_temp.ledger(columns text, txn text, account text, reverses text DEFAULT 'NULL') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	made text;
BEGIN
	EXECUTE format('CREATE TABLE shop.made (eid int PRIMARY KEY, amount numeric, currency text, %s)', columns);
	EXECUTE format('SELECT paysafe.protect_ledger(''shop.made'', %s, %s, ''amount'', ''currency'', reverses_column => %s)', txn, account, reverses);
	SELECT concat_ws(' / ', spec -> 'transaction_column', spec -> 'account_column', spec -> 'reverses_column') INTO made FROM paysafe.rule WHERE relation = 'shop.made'::regclass;
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ', MESSAGE = made;
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
	RETURN SQLERRM;
WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
\set columns 't int, n bigint, a text, r bigint, s int, f float8, day date, at timestamptz'
SELECT is(pg_temp.ledger(:'columns', txn, account, reverses), expected, concat_ws(' / ', txn, account, reverses)) FROM (VALUES
	('''n''', '''a''', 'NULL', '"n" / "a"'),
	('''{n}''', '''a''', '''r''', '"n" / "a" / "r"'),
	('''{t,n}''', '''a''', 'NULL', '["t", "n"] / "a"'),
	('''n''', '''{t,a}''', 'NULL', '"n" / ["t", "a"]'),
	('''{t,n}''', '''{t,a}''', '''{t,r}''', '["t", "n"] / ["t", "a"] / ["t", "r"]'),
	('ARRAY[''t'', ''n'']', 'ARRAY[''a'']', 'ARRAY[''s'', ''r'']', '["t", "n"] / "a" / ["s", "r"]'),
	('ARRAY[''t'', ''n'']::name[]', '''{a}''', 'NULL', '["t", "n"] / "a"'),
	('''{at,n}''', '''{day,a}''', 'NULL', '["at", "n"] / ["day", "a"]'),
	('''{n,t}''', '''a''', '''{t,r}''', '22023'),
	('''{t,n}''', '''a''', '''r''', '22023'),
	('''{t,n}''', '''a''', '''{n,t}''', '22023'),
	('''n''', '''a''', '''n''', '22023'),
	('''{t,f}''', '''a''', 'NULL', '22023'),
	('''{t,n}''', '''{a,f}''', 'NULL', '22023'),
	('''{t,t}''', '''a''', 'NULL', '22023'),
	('''{t,missing}''', '''a''', 'NULL', '42703'),
	('''{}''', '''a''', 'NULL', '22023'),
	('NULL', '''a''', 'NULL', '22004'),
	('''n''', 'NULL::text', 'NULL', '22004'),
	('ARRAY[''t'', ''n'']', '''a''', 'NULL', '22P02')) v (txn, account, reverses, expected);

-- Half a key is none
CREATE TABLE shop.entry (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, l text, t int, al text, a int, amount numeric, currency text DEFAULT 'EUR', rl text, r int);
SELECT paysafe.protect_ledger('shop.entry', '{l,t}', '{al,a}', 'amount', 'currency', reverses_column => '{rl,r}');
SELECT is(pg_temp.refusal(format('INSERT INTO shop.entry (l, t, al, a, amount, rl, r) VALUES (%s), (%s)', entry, replace(entry, '5', '-5'))), want, entry) FROM (VALUES
	($$'x', 1, 'x', 1, 5, NULL, NULL$$, 'accepted'),
	($$NULL, 2, 'x', 1, 5, NULL, NULL$$, '23L03 shop.entry.l paysafe_entry_ledger'),
	($$'x', NULL, 'x', 1, 5, NULL, NULL$$, '23L03 shop.entry.t paysafe_entry_ledger'),
	($$'x', 2, NULL, 1, 5, NULL, NULL$$, '23L03 shop.entry.al paysafe_entry_ledger'),
	($$'x', 2, 'x', NULL, 5, NULL, NULL$$, '23L03 shop.entry.a paysafe_entry_ledger'),
	($$'x', 2, 'x', 1, 5, 'x', NULL$$, '23L05 shop.entry.r paysafe_entry_ledger'),
	($$'x', 2, 'x', 1, 5, NULL, 1$$, '23L05 shop.entry.rl paysafe_entry_ledger'),
	($$'x', 2, 'x', 1, 5, 'x', 2$$, '23L05 shop.entry.rl paysafe_entry_ledger'),
	($$'x', 2, 'x', 1, 5, 'y', 2$$, 'accepted')) v (entry, want);
SELECT is(pg_temp.refusal(format('SELECT paysafe.audit(''shop.entry'', redact => ARRAY[%L])', c)), '22023', c || ' is not redacted')
  FROM unnest('{l,t,al,a,rl,r}'::text[]) c;

-- Keys that look alike when they are joined are not
CREATE TABLE shop.account (al text, a text, balance numeric DEFAULT 0, minimum numeric, PRIMARY KEY (al, a));
CREATE TABLE shop.line (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, l text, t text, al text, a text, amount numeric, currency text DEFAULT 'EUR');
SELECT paysafe.protect_ledger('shop.line', '{l,t}', '{al,a}', 'amount', 'currency'), paysafe.protect_balance('shop.account', '{al,a}', 'balance', 'shop.line', 'minimum');
INSERT INTO shop.account (al, a, minimum) VALUES ('x', 'y,z', 0), ('x,y', 'z', 0), ('x\', 'y', 0), ('x', '\,y', 0), ('w', '', NULL), ('', 'w', NULL);
SELECT is(pg_temp.refusal($$INSERT INTO shop.line (l, t, al, a, amount) VALUES ('1', '2,3', 'x', 'y,z', 1), ('1', '2,3', 'w', '', -1), ('1,2', '3', 'x,y', 'z', 2), ('1,2', '3', '', 'w', -2),
	('1\', '2', 'x\', 'y', 3), ('1\', '2', 'w', '', -3), ('1', '\,2', 'x', '\,y', 4), ('1', '\,2', '', 'w', -4)$$), 'accepted', 'commas and backslashes in keys');
SELECT is((SELECT array_agg(balance ORDER BY al COLLATE "C", a COLLATE "C") FROM shop.account WHERE minimum IS NOT NULL), '{4,1,2,3}', '... each has its own');
SELECT is(paysafe.balance(key, accounts => 'shop.account'), balance::numeric, key || ' as text') FROM (VALUES
	('x,y\,z', 1), ('x\,y,z', 2), ('x\\,y', 3), ('x,\\\,y', 4), ('w,', -4), (',w', -6)) v (key, balance);
SELECT is(pg_temp.refusal(format('SELECT paysafe.balance(%L, accounts => ''shop.account'')', key)), '22023', key || ' is none')
  FROM unnest('{x,"x,y,z","","x,y","x,y\\,z,"}'::text[]) key;

-- The key in the order of the ledger's columns: by foreign key, by names, as it comes
CREATE FUNCTION pg_temp.key_order(ledger text, account text, key text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	made text;
BEGIN
	CREATE TABLE shop.acc (p int, q int, r text, s bigint, balance numeric DEFAULT 0, PRIMARY KEY (p, q), UNIQUE (q, r), UNIQUE (p, s));
	EXECUTE format('CREATE TABLE shop.led (eid int PRIMARY KEY, txn int, amount numeric, currency text, %s)', ledger);
	EXECUTE format('SELECT paysafe.protect_ledger(''shop.led'', ''txn'', %L, ''amount'', ''currency'')', account);
	EXECUTE format('SELECT paysafe.protect_balance(''shop.acc'', %L, ''balance'', ''shop.led'')', key);
	SELECT (spec -> 'key_column')::text INTO made FROM paysafe.rule WHERE relation = 'shop.acc'::regclass;
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ', MESSAGE = made;
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
	RETURN SQLERRM;
WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SELECT is(pg_temp.key_order(ledger, account, key), expected, concat_ws(' / ', ledger, account, key)) FROM (VALUES
	('x int, y int', '{x,y}', '{q,p}', '["q", "p"]'),
	('p int, q int', '{q,p}', '{p,q}', '["q", "p"]'),
	('x int, y int, FOREIGN KEY (x, y) REFERENCES shop.acc (q, p)', '{x,y}', '{p,q}', '["q", "p"]'),
	('p int, q int, FOREIGN KEY (p, q) REFERENCES shop.acc (q, p)', '{p,q}', '{p,q}', '["q", "p"]'),
	('x int, y int, FOREIGN KEY (x, y) REFERENCES shop.acc (p, q)', '{x,y}', '{p,s}', '22023'),
	('x int, y bigint', '{x,y}', '{p,s}', '["p", "s"]'),
	('x int, y int', '{x,y}', '{q,r}', '22023'),
	('x int, y int', '{x,y}', '{p,r}', '22023'),
	('x int, y int', 'x', '{p,q}', '22023'),
	('x int, y int', '{x,y}', 'p', '22023')) v (ledger, account, key, expected);

-- A ledger whose accounts are named by other columns is another one for balances
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_ledger('shop.line', '{l,t}', 'a', 'amount', 'currency')$$), '42501 shop.line paysafe_line_ledger', 'of a second person');
INSERT INTO shop.line (l, t, al, a, amount) VALUES ('9', '9', 'x', 'y,z', 1), ('9', '9', 'w', '', -1);
SELECT is((SELECT balance FROM shop.account WHERE al = 'x' AND a = 'y,z'), 2::numeric, '... and it is as it was');

-- Accounts in partitions and children have a key once
CREATE TABLE shop.wide (tenant int, code int, region text, balance numeric DEFAULT 0, minimum numeric, PRIMARY KEY (tenant, code, region)) PARTITION BY LIST (region);
CREATE TABLE shop.wide_eu PARTITION OF shop.wide (UNIQUE (code, tenant)) FOR VALUES IN ('eu');
CREATE TABLE shop.wide_us PARTITION OF shop.wide (UNIQUE (code, tenant)) FOR VALUES IN ('us');
CREATE TABLE shop.move (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, txn int, tenant int, code int, amount numeric, currency text DEFAULT 'EUR');
SELECT paysafe.protect_ledger('shop.move', '{tenant,txn}', '{tenant,code}', 'amount', 'currency'), paysafe.protect_balance('shop.wide', '{tenant,code}', 'balance', 'shop.move', 'minimum');
SELECT is(pg_temp.refusal($$INSERT INTO shop.wide VALUES (1, 1, 'eu', 0, 0), (2, 1, 'eu', 0, 0), (1, 2, 'us', 0, NULL)$$), 'accepted', 'other keys');
SELECT is(pg_temp.refusal($$INSERT INTO shop.wide VALUES (1, 1, 'us', 0, 0)$$), '23505 shop.wide.tenant paysafe_wide_balance', 'one that another partition has');
SELECT is(pg_temp.refusal($$UPDATE shop.wide SET tenant = 3 WHERE tenant = 2$$), '23M02 shop.wide.tenant paysafe_wide_balance', 'the tenant stays');
SELECT is(pg_temp.refusal($$UPDATE shop.wide SET code = 3 WHERE tenant = 2$$), '23M02 shop.wide.code paysafe_wide_balance', 'the code stays');
SELECT is(pg_temp.refusal($$INSERT INTO shop.move (txn, tenant, code, amount) VALUES (1, 1, 1, 5), (1, 1, 2, -5)$$), 'accepted', 'a move');
SELECT is((SELECT array_agg(balance ORDER BY tenant, code) FROM shop.wide), '{5,0,0}', '... of the one account');

SELECT * FROM finish();
ROLLBACK;
