-- How much of one key within a time: what counts, whatever the way, and that nothing makes room but time.
BEGIN;
SELECT plan(199);
\ir lib/refusal.psql
\ir lib/approved.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_velocity_app;
GRANT USAGE ON SCHEMA shop TO regress_velocity_app;

-- what is no such rule
CREATE TABLE shop.pay (id int PRIMARY KEY, who text, card text, amount numeric, status text, at point, ci text COLLATE "C");
DO $$
BEGIN
	IF EXISTS (SELECT 1 FROM pg_collation WHERE collprovider = 'i') THEN
		CREATE COLLATION shop.blind (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
		CREATE TABLE shop.alike (id int PRIMARY KEY, who text COLLATE shop.blind, weight float8);
	ELSE
		CREATE TABLE shop.alike (id int PRIMARY KEY, who point, weight float8);
	END IF;
END $$;
SELECT is(pg_temp.refusal(format('SELECT paysafe.protect_velocity(''shop.alike'', %L, 3, ''1 hour'')', c)), '22023', c) FROM unnest('{who,weight}'::name[]) c;

SELECT throws_ok(format('SELECT paysafe.protect_velocity(%s)', a), code, NULL, a) FROM (VALUES
	('22004', 'NULL, ''who'', 3, ''1 hour'''), ('22004', '''shop.pay'', NULL::text, 3, ''1 hour'''), ('22004', '''shop.pay'', ''who'', NULL, ''1 hour'''),
	('22004', '''shop.pay'', ''who'', 3, NULL'), ('22004', '''shop.pay'', ''who'', 3, ''1 hour'', NULL'), ('22004', '''shop.pay'', ''who'', 3, ''1 hour'', mode => NULL'),
	('42703', '''shop.pay'', ''missing'', 3, ''1 hour'''), ('42703', '''shop.pay'', ''{who,missing}'', 3, ''1 hour'''), ('42703', '''shop.pay'', ''who'', 3, ''1 hour'', ''values'', ''missing'''),
	('22023', '''shop.pay'', ''at'', 3, ''1 hour'''), ('22023', '''shop.pay'', ''who'', 3, ''1 hour'', ''values'', ''at'''), ('22023', '''shop.pay'', ''who'', 3, ''1 hour'', ''amount'', ''at'''),
	('22023', '''shop.pay'', ''who'', 0, ''1 hour'''), ('22023', '''shop.pay'', ''who'', -1, ''1 hour'''), ('22023', '''shop.pay'', ''who'', 1.5, ''1 hour'''),
	('22023', '''shop.pay'', ''who'', ''NaN'', ''1 hour'''), ('22023', '''shop.pay'', ''who'', ''Infinity'', ''1 hour'', ''amount'', ''amount'''),
	('22023', '''shop.pay'', ''who'', 1000001, ''1 hour'''), ('22023', '''shop.pay'', ''who'', 31, ''1 hour'', ''values'', ''card'''),
	('22023', '''shop.pay'', ''who'', 3, ''0 s'''), ('22023', '''shop.pay'', ''who'', 3, ''-1 s'''), ('22023', '''shop.pay'', ''who'', 3, ''1.5 s'''), ('22023', '''shop.pay'', ''who'', 3, ''11 years'''),
	('22023', '''shop.pay'', ''who'', 3, ''1 hour'', ''cards'''), ('22023', '''shop.pay'', ''who'', 3, ''1 hour'', ''values'''), ('22023', '''shop.pay'', ''who'', 3, ''1 hour'', ''amount'''),
	('22023', '''shop.pay'', ''who'', 3, ''1 hour'', ''rows'', ''card'''), ('22023', '''shop.pay'', ''who'', 3, ''1 hour'', ''values'', ''card'', 1'),
	('22023', '''shop.pay'', ''who'', 3, ''1 hour'', ''rows'', ''amount'', 5, 5'), ('22023', '''shop.pay'', ''who'', 3, ''1 hour'', amount_from => 1'),
	('22023', '''shop.pay'', ''who'', 3, ''1 hour'', rows => ''[]'''), ('22023', '''shop.pay'', ''who'', 3, ''1 hour'', rule => ''cards'''),
	('22023', '''shop.pay'', ''who'', 3, ''1 hour'', rule => ''velocity_'''), ('22023', '''shop.pay'', ''who'', 3, ''1 hour'', rule => ''velocity_A'''),
	('22023', '''shop.pay'', ''who'', 3, ''1 hour'', mode => ''off''')) v (code, a);

SELECT lives_ok($$SELECT paysafe.protect_velocity('shop.pay', 'who', 3, '1 hour', 'values', 'card', rule => 'velocity_cards', mode => 'refuse')$$, 'cards of one user');
SELECT lives_ok($$SELECT paysafe.protect_velocity('shop.pay', 'card', 2, '1 day', 'values', 'who', rule => 'velocity_users', mode => 'enforce')$$, 'users of one card');
SELECT lives_ok($$SELECT paysafe.protect_velocity('shop.pay', 'who', 1000.50, '90 minutes', 'amount', 'amount', mode => 'refuse')$$, 'an amount');
SELECT lives_ok($$SELECT paysafe.protect_velocity('shop.pay', '{who,status}'::name[], 2, '1 minute', rows => '{"status": ["declined"]}', rule => 'velocity_declined', mode => 'refuse')$$, 'some of the rows');
SELECT lives_ok($$SELECT paysafe.protect_velocity('shop.pay', 'ci', 2, '7 days', 'rows', 'amount', 450, 500, rule => 'velocity_below', mode => 'refuse')$$, 'rows just below a threshold');
SELECT is(string_agg(concat_ws(' | ', rule, definition, mode), E'\n' ORDER BY rule) COLLATE "default",
	E'velocity | at most 1000.5 amount of one who within 90 minutes | enforce\n'
	'velocity_below | at most 2 rows of one ci within 7 days; amount from 450 below 500 | enforce\n'
	'velocity_cards | at most 3 different values of card of one who within 1 hour | enforce\n'
	'velocity_declined | at most 2 rows of one (who, status) within 1 minute; rows with status declined | enforce\n'
	'velocity_users | at most 2 different values of who of one card within 1 day | enforce', 'shown')
  FROM paysafe.protection WHERE relation = 'shop.pay'::regclass;
GRANT ALL ON shop.pay TO regress_velocity_app;

-- by every statement, as every role
CREATE FUNCTION pg_temp.after(statements text, statement text, role name DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
	BEGIN
		EXECUTE statements;
		result := pg_temp.refusal(statement, role);
		RAISE division_by_zero;
	EXCEPTION WHEN division_by_zero THEN NULL;
	END;
	RETURN result;
END $$;
\set cards '23V01 shop.pay.card paysafe_pay_velocity_cards'
\set users '23V01 shop.pay.who paysafe_pay_velocity_users'
\set amount '23V01 shop.pay.amount paysafe_pay_velocity'
\set declined '23V01 shop.pay.who paysafe_pay_velocity_declined'
\set below '23V01 shop.pay.ci paysafe_pay_velocity_below'
SELECT is(pg_temp.after('INSERT INTO shop.pay VALUES (1, ''ann'', ''c1'', 100), (2, ''ann'', ''c2'', 100), (3, ''ann'', ''c3'', 100), (4, ''bob'', ''c1'', 1), (5, NULL, ''c4'', 5), (6, ''dan'', NULL, NULL)', statement, role), expected, concat_ws(': ', role, statement)) FROM (VALUES
	('INSERT INTO shop.pay VALUES (11, ''ann'', ''c4'', 1)', :'cards'),
	('INSERT INTO shop.pay VALUES (11, ''ann'', ''c1'', 1)', 'accepted'),
	('INSERT INTO shop.pay SELECT n, ''cy'', ''d'' || greatest(n, 13), 1 FROM generate_series(11, 15) n', 'accepted'),
	('INSERT INTO shop.pay VALUES (11, ''Ann'', ''c4'', 1)', 'accepted'),
	('INSERT INTO shop.pay SELECT n, ''cy'', ''d'' || n, 1 FROM generate_series(11, 13) n', 'accepted'),
	('INSERT INTO shop.pay SELECT n, ''cy'', ''d'' || n, 1 FROM generate_series(11, 14) n', :'cards'),
	('INSERT INTO shop.pay SELECT n, NULL, ''d'' || n, 1 FROM generate_series(11, 20) n', 'accepted'),
	('INSERT INTO shop.pay SELECT n, ''cy'', NULL, NULL FROM generate_series(11, 20) n', 'accepted'),
	('INSERT INTO shop.pay VALUES (11, ''cy'', ''c1'', 1)', :'users'),
	('UPDATE shop.pay SET card = ''c4'' WHERE id = 1', :'cards'),
	('UPDATE shop.pay SET card = ''c2'' WHERE id = 1', 'accepted'),
	('UPDATE shop.pay SET who = ''ann'' WHERE id = 5', :'cards'),
	('UPDATE shop.pay SET who = ''cy'' WHERE id = 1', :'users'),
	('UPDATE shop.pay SET amount = 701.50 WHERE id = 1', 'accepted'),
	('UPDATE shop.pay SET amount = 801 WHERE id = 1', :'amount'),
	('UPDATE shop.pay SET amount = 1, status = ''x''', 'accepted'),
	('INSERT INTO shop.pay VALUES (11, ''ann'', ''c1'', 700.5)', 'accepted'),
	('INSERT INTO shop.pay VALUES (11, ''ann'', ''c1'', 700.51)', :'amount'),
	('INSERT INTO shop.pay VALUES (11, ''ann'', ''c1'', -700)', 'accepted'),
	('INSERT INTO shop.pay SELECT n, ''cy'', nullif(''d'' || n, ''d11''), 1 FROM generate_series(11, 14) n', 'accepted'),
	('INSERT INTO shop.pay VALUES (11, ''ann'', ''c1'', ''NaN'')', :'amount'),
	('INSERT INTO shop.pay VALUES (11, ''ann'', ''c1'', ''Infinity'')', :'amount'),
	('UPDATE shop.pay SET amount = ''-Infinity'' WHERE id = 1', :'amount'),
	('INSERT INTO shop.pay VALUES (1, ''ann'', ''c9'', 1) ON CONFLICT (id) DO UPDATE SET card = excluded.card', :'cards'),
	('MERGE INTO shop.pay p USING (VALUES (1)) v(id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET card = ''c9''', :'cards'),
	('WITH w AS (UPDATE shop.pay SET card = ''c9'' WHERE id = 1 RETURNING 1) SELECT * FROM w', :'cards')) v (statement, expected),
	unnest('{NULL,regress_velocity_app}'::name[]) role;
SELECT is(pg_temp.after(before, statement), expected, before || '; ' || statement) FROM (VALUES
	-- deleting, lowering and leaving make no room; what is undone was never there
	('INSERT INTO shop.pay SELECT n, ''ann'', ''c'' || n, 1 FROM generate_series(1, 3) n; DELETE FROM shop.pay', 'INSERT INTO shop.pay VALUES (1, ''ann'', ''c4'', 1)', :'cards'),
	('INSERT INTO shop.pay VALUES (1, ''ann'', ''c'', 1000); UPDATE shop.pay SET amount = 1', 'UPDATE shop.pay SET amount = 3', :'amount'),
	('INSERT INTO shop.pay VALUES (1, ''ann'', ''c'', 1000); UPDATE shop.pay SET who = ''bob''', 'INSERT INTO shop.pay VALUES (2, ''ann'', ''c'', 1)', :'amount'),
	('INSERT INTO shop.pay VALUES (1, ''ann'', ''c'', -100)', 'UPDATE shop.pay SET amount = 1000.5', 'accepted'),
	('INSERT INTO shop.pay VALUES (1, ''ann'', ''c'', 600), (2, ''bob'', ''c'', 600)', 'UPDATE shop.pay SET who = ''bob'' WHERE id = 1', :'amount'),
	('DO $$BEGIN INSERT INTO shop.pay VALUES (1, ''ann'', ''c'', 1000); RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END$$', 'INSERT INTO shop.pay VALUES (1, ''ann'', ''c'', 1000)', 'accepted'),
	-- rows count when they become some that do
	('INSERT INTO shop.pay SELECT n, ''ann'', NULL, NULL, ''new'' FROM generate_series(1, 3) n; UPDATE shop.pay SET status = ''declined'' WHERE id < 3; UPDATE shop.pay SET ci = ''x''', 'UPDATE shop.pay SET status = ''declined'' WHERE id = 3', :'declined'),
	('INSERT INTO shop.pay VALUES (1, ''ann'', NULL, NULL, ''new''); UPDATE shop.pay SET status = ''declined''; UPDATE shop.pay SET status = ''new''; UPDATE shop.pay SET status = ''declined''; UPDATE shop.pay SET status = ''new''', 'UPDATE shop.pay SET status = ''declined''', :'declined'),
	('INSERT INTO shop.pay SELECT n, NULL, NULL, 499.99, NULL, NULL, ''a'' FROM generate_series(1, 2) n', 'INSERT INTO shop.pay VALUES (3, NULL, NULL, 450, NULL, NULL, ''a'')', :'below'),
	('INSERT INTO shop.pay SELECT n, NULL, NULL, 499.99, NULL, NULL, ''a'' FROM generate_series(1, 2) n', 'INSERT INTO shop.pay VALUES (3, NULL, NULL, 500, NULL, NULL, ''a''), (4, NULL, NULL, 449.99, NULL, NULL, ''a'')', 'accepted'),
	('INSERT INTO shop.pay SELECT n, NULL, NULL, 449, NULL, NULL, ''a'' FROM generate_series(1, 3) n; UPDATE shop.pay SET amount = 450 WHERE id < 3', 'UPDATE shop.pay SET amount = 451', :'below')) v (before, statement, expected);
INSERT INTO shop.pay VALUES (1, 'ann', '4111111111111111', 100), (2, 'ann', 'c2', 100), (3, 'ann', 'c3', 100);
SELECT is(pg_temp.refusal_text('INSERT INTO shop.pay VALUES (11, ''ann'', ''4222222222222222'', 1)', f), t, f) FROM (VALUES
	('MESSAGE', 'too many different values of card of one who in table "pay" within 1 hour'), ('DETAIL', 'With row "11" it would be 4; at most 3 may be.'),
	('HINT', 'Wait until some of it is older than that. Deleting makes no room.')) v (f, t);
SELECT is(pg_temp.refusal_text('INSERT INTO shop.pay VALUES (11, ''ann'', ''c2'', 900)', f), t, f) FROM (VALUES
	('MESSAGE', 'too much amount of one who in table "pay" within 90 minutes'), ('DETAIL', 'With row "11" it would be 1200; at most 1000.5 may be.')) v (f, t);

-- what is stored: hashes, and no more than two descents need
SELECT is(count(*), 9::bigint, 'a row for each rule and row that counts') FROM paysafe.velocity_flow WHERE relation = 'shop.pay'::regclass;
SELECT is(count(*), 0::bigint, 'no values') FROM paysafe.velocity_flow f WHERE f::text ~ '4111111111111111|ann' OR length(f.of) <> 16 OR encode(f.of, 'escape') ~ '4111111111111111' OR encode(f.seen, 'escape') ~ '4111111111111111';
SELECT is(string_agg(length(seen)::text, ' ' ORDER BY at), '16 32 48', 'each value once') FROM paysafe.velocity_flow WHERE relation = 'shop.pay'::regclass AND rule = 'velocity_cards';
SELECT is(max(total), 300::numeric, 'the sum') FROM paysafe.velocity_flow WHERE relation = 'shop.pay'::regclass AND rule = 'velocity';
SELECT is_empty($$SELECT subject, check_name, detail FROM paysafe.check() WHERE subject = 'shop.pay' AND NOT ok$$, 'check()');
SELECT is(paysafe.velocity_expire(), 0::bigint, 'nothing is over');
SELECT is(pg_temp.refusal($$INSERT INTO paysafe.velocity_flow SELECT * FROM paysafe.velocity_flow$$), '42501 paysafe.velocity_flow paysafe_velocity_flow_own_table', 'nobody writes it');

-- tighter by one, looser by two
SELECT is(pg_temp.refusal(format('SELECT paysafe.protect_velocity(''shop.pay'', %s)', a)), expected, a) FROM (VALUES
	('''who'', 2, ''1 hour'', ''values'', ''card'', rule => ''velocity_cards'', mode => ''refuse''', 'accepted'),
	('''who'', 2, ''60 minutes'', ''values'', ''card'', rule => ''velocity_cards'', mode => ''refuse''', 'accepted'),
	('''who'', 2, ''2 hours'', ''values'', ''card'', rule => ''velocity_cards'', mode => ''refuse''', 'accepted'),
	('''who'', 3, ''2 hours'', ''values'', ''card'', rule => ''velocity_cards'', mode => ''refuse''', '42501 shop.pay paysafe_pay_velocity_cards'),
	('''who'', 2, ''119 minutes'', ''values'', ''card'', rule => ''velocity_cards'', mode => ''refuse''', '42501 shop.pay paysafe_pay_velocity_cards'),
	('''who'', 2, ''2 hours'', ''values'', ''status'', rule => ''velocity_cards'', mode => ''refuse''', '42501 shop.pay paysafe_pay_velocity_cards'),
	('''{who,ci}'', 2, ''2 hours'', ''values'', ''card'', rule => ''velocity_cards'', mode => ''refuse''', '42501 shop.pay paysafe_pay_velocity_cards'),
	('''who'', 2, ''2 hours'', ''values'', ''card'', rule => ''velocity_cards'', rows => ''{"status": ["x"]}'', mode => ''refuse''', '42501 shop.pay paysafe_pay_velocity_cards'),
	('''who'', 2, ''2 hours'', ''values'', ''card'', rule => ''velocity_cards''', '42501 shop.pay paysafe_pay_velocity_cards')) v (a, expected);
SELECT is(pg_temp.refusal('INSERT INTO shop.pay VALUES (11, ''ann'', ''c4'', 1)'), :'cards', 'what has counted counts for the new version');
SELECT is(pg_temp.refusal('INSERT INTO shop.pay VALUES (11, ''ann'', ''c2'', 1)'), 'accepted', 'and is no new value');

-- a whole hour later it is over
CREATE FUNCTION pg_temp.set_back(what regclass, by interval, which bigint DEFAULT 0) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	ALTER TABLE paysafe.velocity_flow DISABLE TRIGGER ALL;
	UPDATE paysafe.velocity_flow SET at = at + by, until = until + by,
		seen = (SELECT string_agg(int8send(('x' || encode(substr(seen, n, 8), 'hex'))::bit(64)::bigint + (extract(epoch FROM by) * 1000000)::bigint) || substr(seen, n + 8, 8), '' ORDER BY n)
			FROM generate_series(1, length(seen), 16) n)
	 WHERE relation = what AND (which = 0 OR total = which);
	ALTER TABLE paysafe.velocity_flow ENABLE ALWAYS TRIGGER paysafe_own;
	ALTER TABLE paysafe.velocity_flow ENABLE ALWAYS TRIGGER paysafe_own_truncate;
END $$;
CREATE TABLE shop.fast (id int PRIMARY KEY, who int);
SELECT paysafe.protect_velocity('shop.fast', 'who', 1, '1 hour', mode => 'refuse');
INSERT INTO shop.fast VALUES (1, 7);
CREATE TABLE shop.quick (id int PRIMARY KEY, who int, what text);
SELECT paysafe.protect_velocity('shop.quick', 'who', 1, '1 hour', 'values', 'what', mode => 'refuse');
INSERT INTO shop.quick VALUES (1, 7, 'a');
SELECT is(pg_temp.refusal('INSERT INTO shop.fast VALUES (2, 7)'), '23V01 shop.fast.who paysafe_fast_velocity', 'within the hour');
SELECT pg_temp.set_back('shop.fast', '-30 minutes'), pg_temp.set_back('shop.quick', '-30 minutes');
SELECT is(pg_temp.refusal('INSERT INTO shop.fast VALUES (2, 7)'), '23V01 shop.fast.who paysafe_fast_velocity', 'half of it later');
SELECT is(pg_temp.refusal('INSERT INTO shop.quick VALUES (2, 7, ''b'')'), '23V01 shop.quick.what paysafe_quick_velocity', 'a value half of it later');
SELECT pg_temp.set_back('shop.fast', '-30 minutes'), pg_temp.set_back('shop.quick', '-30 minutes');
SELECT is(pg_temp.refusal('INSERT INTO shop.fast VALUES (2, 7)'), 'accepted', 'after it');
SELECT is(pg_temp.refusal('INSERT INTO shop.quick VALUES (2, 7, ''b'')'), 'accepted', 'a value after it');
SELECT is(pg_temp.refusal('INSERT INTO shop.quick VALUES (3, 7, ''a'')'), '23V01 shop.quick.what paysafe_quick_velocity', 'of which there was another one until then');
SELECT is(paysafe.velocity_expire(), 2::bigint, 'what is over is removed');
SELECT is(pg_temp.refusal('INSERT INTO shop.fast VALUES (3, 7)'), '23V01 shop.fast.who paysafe_fast_velocity', 'and the rest counts');
SELECT is_empty($$SELECT subject, check_name, detail FROM paysafe.check() WHERE subject = 'shop.fast' AND NOT ok$$, 'check() does not miss it');

-- partitions, moves between them, children
CREATE TABLE shop.lot (id int, region text, who int, what text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.lot_eu PARTITION OF shop.lot FOR VALUES IN ('eu');
CREATE TABLE shop.lot_us (what text, region text NOT NULL, who int, id int NOT NULL);
ALTER TABLE shop.lot ATTACH PARTITION shop.lot_us FOR VALUES IN ('us');
SELECT paysafe.protect_velocity('shop.lot', 'who', 2, '1 day', 'values', 'what', mode => 'refuse');
CREATE TABLE shop.lot_asia PARTITION OF shop.lot FOR VALUES IN ('asia');
SELECT is(pg_temp.refusal(statement), expected, statement) FROM (VALUES
	('INSERT INTO shop.lot VALUES (1, ''eu'', 7, ''a'')', 'accepted'),
	('INSERT INTO shop.lot_us VALUES (''b'', ''us'', 7, 2)', 'accepted'),
	('INSERT INTO shop.lot_asia VALUES (3, ''asia'', 7, ''c'')', '23V01 shop.lot.what paysafe_lot_velocity'),
	('UPDATE shop.lot SET region = ''us'' WHERE id = 1', 'accepted'),
	('UPDATE shop.lot SET region = ''asia'', what = ''c'' WHERE id = 1', '23V01 shop.lot.what paysafe_lot_velocity')) v (statement, expected);
SELECT is(count(*), 2::bigint, 'a move counts for nothing') FROM paysafe.velocity_flow WHERE relation = 'shop.lot'::regclass;
SELECT is(pg_temp.refusal('TRUNCATE shop.lot'), '42501 shop.lot paysafe_lot_velocity', 'nor all at once');

-- one that observes refuses nothing, and stores nothing
CREATE TABLE shop.seen (id int PRIMARY KEY, who int);
SELECT paysafe.protect_velocity('shop.seen', 'who', 1, '1 day');
SELECT is(pg_temp.refusal('INSERT INTO shop.seen SELECT n, 7 FROM generate_series(1, 9) n'), 'accepted', 'observed');
SELECT is(count(*), 0::bigint, 'nothing is stored') FROM paysafe.velocity_flow WHERE relation = 'shop.seen'::regclass;
SELECT is(count(*), 1::bigint, 'check() says whether it sees') FROM paysafe.check() WHERE subject = 'shop.seen' AND check_name = 'velocity';
SELECT is(count(*), 0::bigint, 'and not that it does not refuse') FROM paysafe.check() WHERE subject = 'shop.seen' AND check_name = 'mode';
SELECT lives_ok($$SELECT paysafe.protect_velocity('shop.seen', 'who', 1, '1 day', mode => 'refuse')$$, 'from now on');
SELECT is(pg_temp.refusal('INSERT INTO shop.seen VALUES (11, 7)'), 'accepted', 'it begins with nothing');
SELECT is(pg_temp.refusal('INSERT INTO shop.seen VALUES (12, 7)'), '23V01 shop.seen.who paysafe_seen_velocity', 'and counts');

-- a label may be renamed; addresses are the same in every spelling; domains are what they are of
CREATE TYPE shop.method AS ENUM ('card', 'bank');
CREATE DOMAIN shop.address AS inet;
CREATE TABLE shop.typed (id int PRIMARY KEY, method shop.method, origin shop.address, net cidr);
SELECT paysafe.protect_velocity('shop.typed', '{method,net}'::name[], 1, '1 day', 'values', 'origin', mode => 'refuse');
INSERT INTO shop.typed VALUES (1, 'card', '192.0.2.1', '10.0.0.0/8');
SELECT is(pg_temp.after(before, statement), expected, before || '; ' || statement) FROM (VALUES
	('SELECT', 'INSERT INTO shop.typed VALUES (2, ''card'', ''192.0.2.1/32'', ''10/8'')', 'accepted'),
	('SELECT', 'INSERT INTO shop.typed VALUES (2, ''card'', ''192.0.2.1/24'', ''10.0.0.0/8'')', '23V01 shop.typed.origin paysafe_typed_velocity'),
	('SELECT', 'INSERT INTO shop.typed VALUES (2, ''bank'', ''192.0.2.2'', ''10.0.0.0/8''), (3, ''card'', ''192.0.2.2'', ''10.0.0.0/9'')', 'accepted'),
	('ALTER TYPE shop.method RENAME VALUE ''card'' TO ''cards''', 'INSERT INTO shop.typed VALUES (2, ''cards'', ''192.0.2.2'', ''10.0.0.0/8'')', '23V01 shop.typed.origin paysafe_typed_velocity')) v (before, statement, expected);

CREATE TABLE shop.digits (id int PRIMARY KEY, who numeric);
SELECT paysafe.protect_velocity('shop.digits', 'who', 1, '1 day', mode => 'refuse');
SELECT is(pg_temp.after('INSERT INTO shop.digits VALUES (1, 7)', 'INSERT INTO shop.digits VALUES (2, ' || n || ')'), expected, n) FROM (VALUES ('7.00', '23V01 shop.digits.who paysafe_digits_velocity'), ('7.01', 'accepted')) v (n, expected);

-- ways to write that are not INSERT and UPDATE of the table
CREATE TABLE shop.owner (name text PRIMARY KEY);
CREATE TABLE shop.item (id int PRIMARY KEY, owner text REFERENCES shop.owner ON UPDATE CASCADE ON DELETE CASCADE, note text);
INSERT INTO shop.owner VALUES ('ann'), ('bob'), ('cy');
PREPARE earlier (int, text) AS INSERT INTO shop.item VALUES ($1, $2);
EXECUTE earlier (1, 'ann');
EXECUTE earlier (2, 'ann');
EXECUTE earlier (3, 'ann');
SELECT paysafe.protect_velocity('shop.item', 'owner', 2, '1 day', mode => 'refuse');
\set items '23V01 shop.item.owner paysafe_item_velocity'
SELECT is(pg_temp.after(before, statement), expected, before || '; ' || statement) FROM (VALUES
	('EXECUTE earlier (4, ''bob''); EXECUTE earlier (5, ''bob'')', 'EXECUTE earlier (6, ''bob'')', :'items'),
	('SELECT', 'UPDATE shop.owner SET name = ''ann b.'' WHERE name = ''ann''', :'items'),
	('EXECUTE earlier (4, ''bob''); UPDATE shop.owner SET name = ''dan'' WHERE name = ''bob''', 'EXECUTE earlier (5, ''dan'')', 'accepted'),
	('EXECUTE earlier (4, ''bob''); UPDATE shop.owner SET name = ''dan'' WHERE name = ''bob''; EXECUTE earlier (5, ''dan'')', 'EXECUTE earlier (6, ''dan'')', :'items'),
	('EXECUTE earlier (4, ''bob''); EXECUTE earlier (5, ''bob''); DELETE FROM shop.owner WHERE name = ''bob''; INSERT INTO shop.owner VALUES (''bob'')', 'EXECUTE earlier (4, ''bob'')', :'items'),
	('SELECT', 'COPY shop.item (id, owner) FROM PROGRAM ''printf "7\tbob\n8\tbob\n"''', 'accepted'),
	('SELECT', 'COPY shop.item (id, owner) FROM PROGRAM ''printf "7\tbob\n8\tbob\n9\tbob\n"''', :'items'),
	('SELECT', 'INSERT INTO shop.item SELECT 1, ''bob'' FROM generate_series(1, 9) ON CONFLICT DO NOTHING', 'accepted'),
	('SELECT', 'MERGE INTO shop.item i USING generate_series(11, 13) n ON i.id = n WHEN NOT MATCHED THEN INSERT VALUES (n, ''bob'')', :'items'),
	('SET LOCAL session_replication_role = replica', 'INSERT INTO shop.item SELECT n, ''bob'' FROM generate_series(11, 13) n', :'items')) v (before, statement, expected);
-- amounts that no sum survives were there before the rule
CREATE TABLE shop.vast (id int PRIMARY KEY, who int, amount numeric);
INSERT INTO shop.vast VALUES (1, 7, 'NaN'), (2, 7, 'NaN');
SELECT paysafe.protect_velocity('shop.vast', 'who', 10, '1 day', 'amount', 'amount', mode => 'refuse');
SELECT is(pg_temp.after('SELECT', statement), expected, statement) FROM (VALUES
	('UPDATE shop.vast SET id = id + 10', 'accepted'), ('UPDATE shop.vast SET amount = ''Infinity''', 'accepted'), ('UPDATE shop.vast SET amount = 5', 'accepted'),
	('UPDATE shop.vast SET amount = 6', '23V01 shop.vast.amount paysafe_vast_velocity'), ('UPDATE shop.vast SET who = 8', '23V01 shop.vast.amount paysafe_vast_velocity')) v (statement, expected);

-- the clock is set back: what has counted by then is of a time to come
SELECT is(pg_temp.after(before, 'INSERT INTO shop.vast VALUES (30, 9, 4)'), expected, before) FROM (VALUES
	('INSERT INTO shop.vast VALUES (21, 9, 6)', 'accepted'),
	('INSERT INTO shop.vast VALUES (21, 9, 6), (22, 9, 1)', '23V01 shop.vast.amount paysafe_vast_velocity'),
	('INSERT INTO shop.vast VALUES (21, 9, 7); SELECT pg_temp.set_back(''shop.vast'', ''1 hour'')', '23V01 shop.vast.amount paysafe_vast_velocity'),
	('INSERT INTO shop.vast VALUES (21, 9, 6); SELECT pg_temp.set_back(''shop.vast'', ''1 hour''); INSERT INTO shop.vast VALUES (22, 9, 1)', '23V01 shop.vast.amount paysafe_vast_velocity'),
	('INSERT INTO shop.vast VALUES (21, 9, 7); SELECT pg_temp.set_back(''shop.vast'', ''2 days'')', 'accepted'),
	('INSERT INTO shop.vast VALUES (21, 9, 7); SELECT pg_temp.set_back(''shop.vast'', ''2 days''); INSERT INTO shop.vast VALUES (22, 9, 7)', '23V01 shop.vast.amount paysafe_vast_velocity'),
	-- the first is forgotten, the second is to come
	('INSERT INTO shop.vast VALUES (21, 9, 1), (22, 9, 2); SELECT pg_temp.set_back(''shop.vast'', ''-2 days'', 1), pg_temp.set_back(''shop.vast'', ''2 days'', 3), paysafe.velocity_expire(); INSERT INTO shop.vast VALUES (23, 9, 7)', '23V01 shop.vast.amount paysafe_vast_velocity')) v (before, expected);
SELECT is(pg_temp.after('INSERT INTO shop.vast VALUES (21, 9, 1), (22, 9, 2); SELECT pg_temp.set_back(''shop.vast'', ''-2 days'', 1), paysafe.velocity_expire(); SELECT pg_temp.set_back(''shop.vast'', ''2 days'', 3)',
	'INSERT INTO shop.vast VALUES (23, 9, 11)'), '23V01 shop.vast.amount paysafe_vast_velocity', 'what is to come is no beginning');
INSERT INTO shop.vast VALUES (21, 9, 1);
SELECT pg_temp.set_back('shop.vast', '2 days');
SELECT is(paysafe.velocity_expire(), 1::bigint, 'what no window could have led to is removed');

SELECT paysafe.act_as('boss'), paysafe.approve('paysafe.maintenance_record', format('maintenance of shop.item by %L for 3600 s: T-1, x', session_user), 'x');
SELECT paysafe.act_as('dba'), paysafe.open_maintenance('x', 'T-1', '1 hour', '{shop.item}');
-- what has counted is of what was declared: the same again goes on, something else begins with nothing
INSERT INTO shop.item VALUES (21, 'bob', 'x'), (22, 'bob', 'y');
SELECT is(pg_temp.after(before, 'INSERT INTO shop.item VALUES (31, ''bob'', ''bob'')'), expected, before) FROM (VALUES
	('SELECT', :'items'),
	('ALTER TABLE shop.item RENAME COLUMN owner TO who', '42703'),
	('ALTER TABLE shop.item RENAME COLUMN owner TO who; SELECT pg_temp.approved($s$SELECT paysafe.protect_velocity(''shop.item'', ''who'', 2, ''1 day'', mode => ''refuse'')$s$)', '23V01 shop.item.who paysafe_item_velocity'),
	('ALTER TABLE shop.item ALTER COLUMN owner TYPE varchar(9)', :'items'),
	('ALTER TABLE shop.item RENAME TO thing; CREATE VIEW shop.item AS TABLE shop.thing', '23V01 shop.thing.owner paysafe_thing_velocity'),
	('SELECT paysafe.unprotect(''shop.item'', ''velocity'', ''a while'')', 'accepted'),
	('SELECT paysafe.unprotect(''shop.item'', ''velocity'', ''a while''); SELECT paysafe.protect_velocity(''shop.item'', ''owner'', 2, ''1 day'', mode => ''refuse'')', :'items'),
	('SELECT pg_temp.approved($s$SELECT paysafe.protect_velocity(''shop.item'', ''owner'', 2, ''1 hour'', mode => ''refuse'')$s$)', :'items'),
	('SELECT pg_temp.approved($s$SELECT paysafe.protect_velocity(''shop.item'', ''owner'', 3, ''1 day'', mode => ''refuse'')$s$)', 'accepted'),
	('SELECT pg_temp.approved($s$SELECT paysafe.protect_velocity(''shop.item'', ''owner'', 2, ''1 day'', rows => ''{"note": ["bob"]}'', mode => ''refuse'')$s$)', :'items'),
	('SELECT pg_temp.approved($s$SELECT paysafe.protect_velocity(''shop.item'', ''note'', 2, ''1 day'', mode => ''refuse'')$s$)', 'accepted'),
	('SELECT pg_temp.approved($s$SELECT paysafe.protect_velocity(''shop.item'', ''owner'', 3, ''1 day'', ''amount'', ''id'', mode => ''refuse'')$s$)', '23V01 shop.item.id paysafe_item_velocity'),
	('SELECT pg_temp.approved($s$SELECT paysafe.protect_velocity(''shop.item'', ''owner'', 31, ''1 day'', ''amount'', ''id'', mode => ''refuse'')$s$)', 'accepted'),
	('SELECT pg_temp.approved($s$SELECT paysafe.protect_velocity(''shop.item'', ''owner'', 1, ''1 day'', ''values'', ''note'', mode => ''refuse'')$s$)', 'accepted'),
	('SELECT pg_temp.approved($s$SELECT paysafe.protect_velocity(''shop.item'', ''owner'', 1, ''1 day'', ''values'', ''note'', mode => ''refuse'')$s$); INSERT INTO shop.item VALUES (30, ''bob'', ''z'');
	  SELECT pg_temp.approved($s$SELECT paysafe.protect_velocity(''shop.item'', ''owner'', 1, ''1 day'', ''values'', ''id'', mode => ''refuse'')$s$)', 'accepted')) v (before, expected);
-- what came first is removed first, so that what is left follows from what came before
SELECT pg_temp.approved($$SELECT paysafe.protect_velocity('shop.item', 'owner', 9, '1 hour', mode => 'refuse')$$);
INSERT INTO shop.item VALUES (31, 'bob', 'z');
SELECT is(count(*), 0::bigint, 'in the order of their time') FROM (SELECT until < lag(until) OVER (PARTITION BY of ORDER BY at) AS early FROM paysafe.velocity_flow WHERE relation = 'shop.item'::regclass) f WHERE early;
SELECT paysafe.close_maintenance();
SELECT is_empty($$SELECT subject, check_name, detail FROM paysafe.check() WHERE subject = 'shop.item' AND check_name = 'velocity' AND NOT ok$$, 'and check() finds it in order');
SELECT * FROM finish();
ROLLBACK;
