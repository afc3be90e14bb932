-- How much of one key within a time: what counts, whatever the way, and that nothing makes room but time.
BEGIN;
SELECT plan(140);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_velocity_app;
GRANT USAGE ON SCHEMA shop TO regress_velocity_app;

-- what is no such rule
CREATE TABLE shop.pay (id int PRIMARY KEY, who text, card text, amount numeric, status text, at point, ci text COLLATE "C");
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

-- a whole period later it is over
CREATE TABLE shop.fast (id int PRIMARY KEY, who int);
SELECT paysafe.protect_velocity('shop.fast', 'who', 1, '4 seconds', mode => 'refuse');
INSERT INTO shop.fast VALUES (1, 7);
SELECT is(pg_temp.refusal('INSERT INTO shop.fast VALUES (2, 7)'), '23V01 shop.fast.who paysafe_fast_velocity', 'within the period');
SELECT pg_sleep(4.01);
SELECT is(pg_temp.refusal('INSERT INTO shop.fast VALUES (2, 7)'), 'accepted', 'after it');
SELECT is(paysafe.velocity_expire(), 1::bigint, 'what is over is removed');
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
SELECT * FROM finish();
ROLLBACK;
