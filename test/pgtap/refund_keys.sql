-- What refunds refer to: one column or several, which key of the payment they mean, and
-- that they mean it exactly.
BEGIN;
SELECT plan(117);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
SET LOCAL search_path = public, pg_temp;
CREATE SCHEMA shop;
CREATE SEQUENCE shop.number;

-- Forms of the argument
CREATE TABLE shop.order_payment (tenant int, id int, captured numeric, currency text, PRIMARY KEY (tenant, id));
CREATE TABLE shop.form (id int PRIMARY KEY, tenant int, payment int, amount numeric, currency text, status text, "{payment}" int, "{tenant,payment}" int, "a,b" int, "{tenant,gone}" int);
-- The columns that the rule has then, or the refusal.
CREATE FUNCTION pg_temp.form(argument text, key text DEFAULT '''{tenant,id}''') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	made text;
BEGIN
	EXECUTE format('SELECT paysafe.protect_refund(''shop.form'', ''shop.order_payment'', %s, ''amount'', ''currency'', ''status'', ''{sent}'', ''{void}'', ''captured'', ''currency'', payment_key => %s)', argument, key);
	SELECT (spec -> 'payment_column')::text INTO made FROM paysafe.rule WHERE relation = 'shop.form'::regclass ORDER BY version DESC LIMIT 1;
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ', MESSAGE = made;
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
	RETURN SQLERRM;
WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
ALTER TABLE shop.form DROP COLUMN "{tenant,payment}";
SELECT is(pg_temp.form(argument, key), expected, argument) FROM (VALUES
	('''{tenant,payment}''', '''{tenant,id}''', '["tenant", "payment"]'),
	('''{ payment , "tenant" }''', '''{id,tenant}''', '["tenant", "payment"]'),
	('''{tenant,payment}''::text', '''{tenant,id}''', '["tenant", "payment"]'),
	('''{tenant,payment}''::varchar', '''{tenant,id}''', '["tenant", "payment"]'),
	('''{tenant,payment}''::name', '''{tenant,id}''', '["tenant", "payment"]'),
	('ARRAY[''tenant'', ''payment'']', 'ARRAY[''tenant'', ''id'']', '["tenant", "payment"]'),
	('ARRAY[''tenant'', ''payment'']::name[]', '''{tenant,id}''', '["tenant", "payment"]'),
	('ARRAY[''tenant'', ''payment'']::varchar[]', '''{tenant,id}''', '["tenant", "payment"]'),
	('''{"{payment}",tenant}''', '''{id,tenant}''', '["tenant", "{payment}"]'),
	('''{"a,b",tenant}''', '''{id,tenant}''', '["tenant", "a,b"]'),
	('''{payment}''', '''{tenant,id}''', '22023'),
	('''{tenant,gone}''', '''{tenant,id}''', '22023'),
	('''tenant,payment''', '''{tenant,id}''', '22023'),
	('''{tenant,payment''', '''{tenant,id}''', '22023'),
	('''{tenant,nothing}''', '''{tenant,id}''', '42703'),
	('''{tenant,payment,status}''', '''{tenant,id}''', '22023'),
	('''{tenant,payment}''', '''{tenant,nothing}''', '42703'),
	('''{tenant,payment}''', '''{tenant,captured}''', '22023'),
	('''{tenant,payment}''', '''tenant''', '22023'),
	('''{tenant,tenant}''', '''{tenant,id}''', '22023'),
	('''{}''', 'NULL', '22023'),
	('ARRAY[]::name[]', 'NULL', '22023'),
	('''{tenant,NULL}''', '''{tenant,id}''', '22004'),
	('''{{tenant,payment}}''', '''{tenant,id}''', '22023'),
	('''{tenant,"payment}''', '''{tenant,id}''', '22P02'),
	('NULL', 'NULL', '22004'),
	('NULL::name[]', 'NULL', '22004'),
	('(SELECT array_agg(''c'' || i)::name[] FROM generate_series(1, 33) i)', 'NULL', '22023')) v (argument, key, expected);
-- a name that looks like a list is a name; what is both is refused
CREATE TABLE shop.odd_payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.odd (id int PRIMARY KEY, "{a,b}" int, amount numeric, currency text, status text);
\set odd 'SELECT paysafe.protect_refund(''shop.odd'', ''shop.odd_payment'', %s, ''amount'', ''currency'', ''status'', ''{sent}'', ''{void}'', ''captured'', ''currency'')'
SELECT is(pg_temp.refusal(format(:'odd', '''{a,b}''')), 'accepted', 'a column whose name looks like a list');
SELECT is((SELECT spec -> 'payment_column' FROM paysafe.rule WHERE relation = 'shop.odd'::regclass), '"{a,b}"', '... is that column');
ALTER TABLE shop.odd ADD COLUMN a int, ADD COLUMN b int;
SELECT is(pg_temp.refusal(format(:'odd', '''{a,b}''')), '22023', 'a text that is a name and a list');
SELECT is(pg_temp.refusal(format(:'odd', '''{"{a,b}"}''')), 'accepted', '... is said as a list of one');
SELECT is(pg_temp.refusal(format(:'odd', 'ARRAY[''{a,b}'']')), 'accepted', '... or as an array');
SELECT is((SELECT max(version) FROM paysafe.rule WHERE relation = 'shop.odd'::regclass), 1, '... which change nothing');

-- Which key is meant.  The payment's columns that the rule has, or the refusal.
CREATE FUNCTION pg_temp.meant(payment text, refund text, columns text, key text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	made text;
BEGIN
	EXECUTE format('CREATE TABLE shop.p (%s, captured numeric, currency text%s', split_part(payment, ';', 1), coalesce(nullif(split_part(payment, ';', 2), ''), ')'));
	IF split_part(payment, ';', 3) <> '' THEN
		EXECUTE split_part(payment, ';', 3);
	END IF;
	EXECUTE format('CREATE TABLE shop.r (rid int PRIMARY KEY, amount numeric, ccy text, status text, %s)', refund);
	EXECUTE format('SELECT paysafe.protect_refund(''shop.r'', ''shop.p'', %L, ''amount'', ''ccy'', ''status'', ''{sent}'', ''{void}'', ''captured'', ''currency'', payment_key => %L)', columns, key);
	SELECT concat_ws(' = ', spec -> 'payment_column', spec -> 'payment_key_column') INTO made FROM paysafe.rule WHERE relation = 'shop.r'::regclass;
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ', MESSAGE = made;
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
	RETURN SQLERRM;
WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
CREATE TABLE shop.elsewhere (id int PRIMARY KEY);
SELECT is(pg_temp.meant(payment, refund, columns, key), expected, concat_ws(' / ', payment, refund, columns, key)) FROM (VALUES
	-- a foreign key over exactly these columns, in its order
	('a int, b int, PRIMARY KEY (a, b)', 'x int, y int, FOREIGN KEY (x, y) REFERENCES shop.p (b, a)', '{x,y}', NULL, '["y", "x"] = ["a", "b"]'),
	('a int, b int, PRIMARY KEY (a, b)', 'x int, y int, FOREIGN KEY (x, y) REFERENCES shop.p', '{y,x}', NULL, '["x", "y"] = ["a", "b"]'),
	('a int, b int, PRIMARY KEY (a, b)', 'a int, b int, FOREIGN KEY (b, a) REFERENCES shop.p (a, b)', '{a,b}', NULL, '["b", "a"] = ["a", "b"]'),
	('a int, b int, UNIQUE (a, b), id int PRIMARY KEY', 'id int, a int, b int, FOREIGN KEY (a, b) REFERENCES shop.p (a, b)', '{a,b}', NULL, '["a", "b"] = ["a", "b"]'),
	('id int PRIMARY KEY, n int UNIQUE', 'x int REFERENCES shop.p (n)', 'x', NULL, '"x" = "n"'),
	('id int PRIMARY KEY, n int UNIQUE', 'x int REFERENCES shop.p (n)', 'x', 'n', '"x" = "n"'),
	('id int PRIMARY KEY, n int UNIQUE', 'x int REFERENCES shop.p (n)', 'x', 'id', '22023'),
	('id int PRIMARY KEY, n int UNIQUE', 'n int REFERENCES shop.p (id)', 'n', NULL, '"n" = "id"'),
	('id int PRIMARY KEY, n int UNIQUE', 'x int REFERENCES shop.p (n) REFERENCES shop.p (id)', 'x', NULL, '22023'),
	('id int PRIMARY KEY, n int UNIQUE', 'x int REFERENCES shop.p (n) REFERENCES shop.p (id)', 'x', 'id', '"x" = "id"'),
	('a int, b int, PRIMARY KEY (a, b), UNIQUE (b, a)', 'x int, y int, FOREIGN KEY (x, y) REFERENCES shop.p (a, b), FOREIGN KEY (x, y) REFERENCES shop.p (b, a)', '{x,y}', NULL, '22023'),
	-- one over others says nothing
	('a int, b int, PRIMARY KEY (a, b), id int UNIQUE', 'x int, y int, z int, FOREIGN KEY (x, y) REFERENCES shop.p', '{x,z}', NULL, '22023'),
	('a int, b int, PRIMARY KEY (a, b)', 'x int, y int, FOREIGN KEY (x, y) REFERENCES shop.p', 'y', NULL, '22023'),
	('a int, b int, PRIMARY KEY (a, b), id int UNIQUE', 'x int REFERENCES shop.p (id), y int', '{y,x}', NULL, '22023'),
	('id int PRIMARY KEY', 'x int REFERENCES shop.elsewhere', 'x', NULL, '22023'),
	('id int PRIMARY KEY', 'x int REFERENCES shop.elsewhere', 'x', 'id', '"x" = "id"'),
	-- columns of the same names
	('a int, b int, PRIMARY KEY (a, b)', 'a int, b int', '{b,a}', NULL, '["a", "b"] = ["a", "b"]'),
	('a int, b int, UNIQUE (b, a), id int PRIMARY KEY', 'a int, b int', '{a,b}', NULL, '["a", "b"] = ["a", "b"]'),
	('a int, b int, id int PRIMARY KEY', 'a int, b int', '{a,b}', NULL, '22023'),
	('a int, b int, PRIMARY KEY (a, b), id int', 'a int, c int', '{a,c}', NULL, '22023'),
	('id int PRIMARY KEY, n int UNIQUE', 'n int', 'n', NULL, '"n" = "n"'),
	-- which is a key: not deferrable, not of a part
	('id int PRIMARY KEY, a int, b int, UNIQUE (a, b) DEFERRABLE', 'a int, b int', '{a,b}', NULL, '22023'),
	('id int PRIMARY KEY, a int, b int, UNIQUE (a, b) DEFERRABLE', 'x int, y int', '{x,y}', '{a,b}', '22023'),
	('id int PRIMARY KEY, a int, b int;);CREATE UNIQUE INDEX ON shop.p (a, b) WHERE a > 0', 'a int, b int', '{a,b}', NULL, '22023'),
	('id int PRIMARY KEY, a int, b int;);CREATE UNIQUE INDEX ON shop.p (a, b)', 'a int, b int', '{a,b}', NULL, '["a", "b"] = ["a", "b"]'),
	('id int PRIMARY KEY, a int', 'x int, y int', '{x,y}', '{a,id}', '["y", "x"] = ["id", "a"]'),
	-- without a name: the primary key, if nothing else can be meant
	('id int PRIMARY KEY', 'x bigint', 'x', NULL, '"x" = "id"'),
	('id int PRIMARY KEY, n text UNIQUE', 'x bigint', 'x', NULL, '"x" = "id"'),
	('id int PRIMARY KEY, n bigint UNIQUE', 'x int', 'x', NULL, '22023'),
	('id int PRIMARY KEY, n bigint;);CREATE UNIQUE INDEX ON shop.p (n) WHERE n > 0', 'x int', 'x', NULL, '22023'),
	('id text PRIMARY KEY, n varchar UNIQUE', 'x text', 'x', NULL, '22023'),
	('id int PRIMARY KEY, n bigint UNIQUE', 'x int', 'x', 'n', '"x" = "n"'),
	('id int', 'x int', 'x', NULL, '22023'),
	('id int, day date, PRIMARY KEY (id, day);) PARTITION BY RANGE (day)', 'x int', 'x', NULL, '"x" = "id"'),
	('id int, n int, day date, PRIMARY KEY (id, day), UNIQUE (n, day);) PARTITION BY RANGE (day)', 'x int', 'x', NULL, '22023'),
	('t int, id int, day date, PRIMARY KEY (t, id, day);) PARTITION BY RANGE (day)', 't int, id int', '{t,id}', NULL, '["t", "id"] = ["t", "id"]'),
	('t int, id int, day date, PRIMARY KEY (id, day, t);) PARTITION BY RANGE (day)', 't int, id int, day date', '{t,id,day}', NULL, '["id", "day", "t"] = ["id", "day", "t"]'),
	-- exactly: types that are compared, in each column
	('a int, b bigint, PRIMARY KEY (a, b)', 'a bigint, b smallint', '{a,b}', NULL, '["a", "b"] = ["a", "b"]'),
	('a text, b varchar(9), PRIMARY KEY (a, b)', 'a varchar, b text', '{a,b}', NULL, '["a", "b"] = ["a", "b"]'),
	('a int, b timestamptz, PRIMARY KEY (a, b)', 'a int, b timestamptz', '{a,b}', NULL, '["a", "b"] = ["a", "b"]'),
	('a int, b timestamptz, PRIMARY KEY (a, b)', 'a int, b timestamp', '{a,b}', NULL, '22023'),
	('a int, b date, PRIMARY KEY (a, b)', 'a int, b timestamp', '{a,b}', NULL, '22023'),
	('a int, b text, PRIMARY KEY (a, b)', 'a int, b int', '{a,b}', NULL, '22023'),
	('a int, b float8, PRIMARY KEY (a, b)', 'a int, b float8', '{a,b}', NULL, '22023'),
	('a int, b numeric, PRIMARY KEY (a, b)', 'a int, b interval', '{a,b}', NULL, '22023'),
	('a int, b char(4), PRIMARY KEY (a, b)', 'a int, b text', '{a,b}', NULL, '22023')) v (payment, refund, columns, key, expected);

-- Several spellings of a value name nothing, on either side
CREATE FUNCTION pg_temp.spellings() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT 1 FROM pg_collation WHERE collprovider = 'i') THEN
		CREATE COLLATION shop.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
		RETURN NEXT is(pg_temp.meant('id int PRIMARY KEY, a int, b text COLLATE shop.nocase, UNIQUE (a, b)', 'a int, b text', '{a,b}'), '22023', 'a nondeterministic collation of the payment');
		RETURN NEXT is(pg_temp.meant('a int, b text, PRIMARY KEY (a, b)', 'a int, b text COLLATE shop.nocase', '{a,b}'), '22023', '... or of the refund');
	ELSE
		RETURN NEXT skip('no ICU', 2);
	END IF;
	IF EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'citext') THEN
		CREATE EXTENSION IF NOT EXISTS citext;
		RETURN NEXT is(pg_temp.meant('id int PRIMARY KEY, a int, b citext, UNIQUE (a, b)', 'a int, b citext', '{a,b}'), '22023', 'citext');
	ELSE
		RETURN NEXT skip('no citext');
	END IF;
END $$;
SELECT pg_temp.spellings();

-- What the rule does: a tenant's number, which others have, too
CREATE TABLE shop.payment (tenant text, id int, captured numeric, currency text, card text, PRIMARY KEY (tenant, id));
CREATE TABLE shop.refund (id int PRIMARY KEY, pay int, tenant text, amount numeric, currency text, status text,
	FOREIGN KEY (tenant, pay) REFERENCES shop.payment (tenant, id) MATCH FULL ON UPDATE CASCADE);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', '{pay,tenant}', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT is(pg_temp.refusal(format('SELECT paysafe.audit(%L, redact => %L)', t, c)), '22023', t || '.' || c || ' is not redacted')
  FROM (VALUES ('shop.refund', '{pay}'), ('shop.refund', '{tenant}'), ('shop.payment', '{tenant}'), ('shop.payment', '{id}')) v (t, c);
SELECT is(pg_temp.refusal($$SELECT paysafe.audit('shop.payment', redact => '{card}')$$), 'accepted', '... what nothing refers to is');
INSERT INTO shop.payment VALUES ('a', 1, 100, 'EUR'), ('b', 1, 10, 'EUR'), ('a', 2, 10, 'EUR'), ('a,1', 1, 5, 'EUR'), ('a\', 1, 6, 'EUR');
\set cap '23R01 shop.refund.amount paysafe_refund_refund'
SELECT is(pg_temp.refusal(statement), expected, statement) FROM (VALUES
	($$INSERT INTO shop.refund VALUES (1, 1, 'b', 11, 'EUR', 'asked')$$, :'cap'),
	($$INSERT INTO shop.refund VALUES (1, 2, 'a', 11, 'EUR', 'asked')$$, :'cap'),
	($$INSERT INTO shop.refund VALUES (1, 1, 'a,1', 6, 'EUR', 'asked')$$, :'cap'),
	($$INSERT INTO shop.refund VALUES (1, 1, 'a\', 7, 'EUR', 'asked')$$, :'cap'),
	($$INSERT INTO shop.refund VALUES (1, NULL, NULL, 1, 'EUR', 'asked')$$, '23R06 shop.refund.tenant paysafe_refund_refund'),
	($$INSERT INTO shop.refund VALUES (1, 1, 'a', 100, 'EUR', 'asked'), (2, 1, 'b', 10, 'EUR', 'asked'), (3, 2, 'a', 10, 'EUR', 'asked'), (4, 1, 'a,1', 5, 'EUR', 'asked'), (5, 1, 'a\', 6, 'EUR', 'asked')$$, 'accepted'),
	($$INSERT INTO shop.refund VALUES (9, 1, 'a', 0.01, 'EUR', 'asked')$$, :'cap'),
	($$UPDATE shop.refund SET tenant = 'b' WHERE id = 1$$, '23R03 shop.refund.tenant paysafe_refund_refund'),
	($$UPDATE shop.refund SET pay = 2 WHERE id = 1$$, '23R03 shop.refund.pay paysafe_refund_refund'),
	($$UPDATE shop.payment SET tenant = 'c' WHERE tenant = 'b'$$, '23R03 shop.refund.tenant paysafe_refund_refund'),
	($$UPDATE shop.payment SET id = 3 WHERE tenant = 'b'$$, '23R03 shop.refund.pay paysafe_refund_refund'),
	($$UPDATE shop.payment SET captured = 9 WHERE tenant = 'b'$$, '23R01 shop.payment.captured paysafe_payment_refund'),
	($$UPDATE shop.payment SET captured = 11 WHERE tenant = 'b'$$, 'accepted')) v (statement, expected);
SELECT is((SELECT array_agg(DISTINCT payment ORDER BY payment) FROM paysafe.refund_event WHERE relation = 'shop.refund'::regclass),
	'{"a,1","a,2","a\\,1,1","a\\\\,1","b,1"}', 'events name payments as their own history does');
SELECT is((SELECT array_agg(key ORDER BY key) FROM paysafe.audit_log WHERE table_name = 'payment' AND op = 'UPDATE'), '{"b,1"}', '... this one');

-- To mean another key is a change for two people, and is not possible while refunds mean others
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'pay', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency', payment_key => 'id')$$), '22023', 'a part of a key is none');
ALTER TABLE shop.payment ADD UNIQUE (id, tenant);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', '{tenant,pay}', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency')$$), 'accepted', 'the same in another order is the same');
SELECT is((SELECT max(version) FROM paysafe.rule WHERE relation = 'shop.refund'::regclass AND rule = 'refund'), 1, '... and no new version');

-- Of trees that have a key without the partition's: one payment of each
CREATE TABLE shop.month (tenant int, id int, day date, captured numeric, currency text, PRIMARY KEY (tenant, id, day)) PARTITION BY RANGE (day);
CREATE TABLE shop.month_1 PARTITION OF shop.month FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE shop.month_2 PARTITION OF shop.month FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE shop.monthly (id int PRIMARY KEY, tenant int, pid int, amount numeric, currency text, status text);
SELECT paysafe.protect_refund('shop.monthly', 'shop.month', '{tenant,pid}', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency', payment_key => '{tenant,id}');
INSERT INTO shop.month VALUES (1, 1, '2026-01-01', 100, 'EUR');
SELECT is(pg_temp.refusal($$INSERT INTO shop.month VALUES (1, 1, '2026-02-01', 100, 'EUR')$$), '23505 shop.month.tenant paysafe_month_refund', 'its twin in another month is refused');
SELECT is(pg_temp.refusal($$INSERT INTO shop.month VALUES (2, 1, '2026-02-01', 100, 'EUR'), (1, 2, '2026-02-01', 100, 'EUR')$$), 'accepted', '... another tenant''s, and another number, are not');
SELECT is(pg_temp.refusal($$UPDATE shop.month SET tenant = 1 WHERE tenant = 2$$), '23505 shop.month.tenant paysafe_month_refund', '... nor becomes one');
SELECT is(pg_temp.refusal($$INSERT INTO shop.monthly VALUES (1, 1, 1, 100, 'EUR', 'asked'); UPDATE shop.month SET day = '2026-02-05' WHERE tenant = 1 AND id = 1$$), 'accepted', 'a payment goes to another month with its refunds');
SELECT is(pg_temp.refusal($$INSERT INTO shop.monthly VALUES (2, 1, 1, 1, 'EUR', 'asked')$$), '23R01 shop.monthly.amount paysafe_monthly_refund', '... and has them there');

-- Two tables of refunds that mean the payment by different keys
ALTER TABLE shop.month ADD COLUMN reference text;
CREATE TABLE shop.whole (id int PRIMARY KEY, tenant int, pid int, day date, amount numeric, currency text, status text,
	FOREIGN KEY (day, pid, tenant) REFERENCES shop.month (day, id, tenant));
SELECT paysafe.protect_refund('shop.whole', 'shop.month', '{day,pid,tenant}', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT is(pg_temp.refusal($$INSERT INTO shop.whole VALUES (1, 2, 1, '2026-02-01', 60, 'EUR', 'asked'); INSERT INTO shop.monthly VALUES (3, 2, 1, 41, 'EUR', 'asked')$$), '23R01 shop.monthly.amount paysafe_monthly_refund', 'together they are more than captured');
SELECT is(pg_temp.refusal($$INSERT INTO shop.whole VALUES (1, 2, 1, '2026-02-01', 60, 'EUR', 'asked'); INSERT INTO shop.monthly VALUES (3, 2, 1, 40, 'EUR', 'asked')$$), 'accepted', '... or as much');
-- the foreign key has a copy for each partition; how copies are numbered is the version's
SELECT matches(pg_temp.refusal($$UPDATE shop.month SET day = '2026-02-02' WHERE tenant = 2$$), '^23503 shop.whole whole_day_pid_tenant_fkey(_?[0-9]+)?$', '... whose month stays, since the one means it');

-- Existing rows are judged by the same key
CREATE TABLE shop.old (id int PRIMARY KEY, tenant text, pay int, amount numeric, currency text, status text);
INSERT INTO shop.old VALUES (1, 'a', 2, 1, 'EUR', 'asked'), (2, 'b', 1, 2, 'EUR', 'asked');
\set old 'SELECT paysafe.protect_refund(''shop.old'', ''shop.payment'', ''{tenant,pay}'', ''amount'', ''currency'', ''status'', ''{sent}'', ''{void}'', ''captured'', ''currency'', payment_key => ''{tenant,id}'')'
SELECT matches(pg_temp.refusal_text(:'old', 'DETAIL'), 'Payment "a,2": refunds of this payment total 11, captured is 10', 'what is too much is named');
DELETE FROM shop.old WHERE id = 1;
UPDATE shop.old SET amount = 1, tenant = NULL;
SELECT matches(pg_temp.refusal_text(:'old', 'DETAIL'), 'it names no payment', '... and what names half a payment');
UPDATE shop.old SET tenant = 'b';
SELECT is(pg_temp.refusal(:'old'), 'accepted', 'what is right is accepted');

SELECT * FROM finish();
ROLLBACK;
