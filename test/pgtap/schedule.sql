-- Jobs of users: how often, how many, which; cron expressions against a calendar.
BEGIN;
SELECT plan(158);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_schedule_app;
GRANT USAGE, CREATE ON SCHEMA shop TO regress_schedule_app;
\set bad '23G01 shop.job paysafe_job_schedule'
\set many '23G02 shop.job.owner paysafe_job_schedule'

-- the least distance of an expression's times
SELECT is(paysafe.cron_distance(e), d::interval, e) FROM (VALUES
	('* * * * *', '1 minute'), ('*/5 * * * *', '5 minutes'), ('*/7 * * * *', '4 minutes'), ('0-59/7 * * * *', '4 minutes'), ('0 * * * *', '1 hour'), ('5,50 * * * *', '15 minutes'),
	('0 0 * * *', '24 hours'), ('0 9-17 * * *', '1 hour'), ('0 9,17 * * *', '8 hours'), ('30 23,0 * * *', '1 hour'), ('59 23 * * *', '24 hours'), ('0,59 0,23 * * *', '1 minute'),
	('0 0 1 * *', '672 hours'), ('0 0 31 * *', '744 hours'), ('0 0 30 * *', '720 hours'), ('0 0 29 2 *', '35064 hours'), ('0 0 1,31 * *', '24 hours'), ('0 12 28,1 2,3 *', '24 hours'),
	('0 0 * * 1', '168 hours'), ('0 0 * * mon-fri', '24 hours'), ('0 0 * * 0,7', '168 hours'), ('0 0 * * 6,7', '24 hours'), ('0 0 * * Tue,Fri', '72 hours'),
	('0 0 13 * fri', '24 hours'), ('0 0 */13 * *', '48 hours'), ('0 0 1 jan *', '8760 hours'), ('0 0 29 feb mon', '24 hours'), ('0 0 * * */7', '168 hours'), ('0 0 *,5 * *', '24 hours'),
	('@hourly', '1 hour'), ('@daily', '24 hours'), ('@midnight', '24 hours'), ('@weekly', '168 hours'), ('@monthly', '672 hours'), ('@yearly', '8760 hours'), ('@annually', '8760 hours'),
	('  0	0   * * *  ', '24 hours')) v (e, d);
SELECT throws_ok(format('SELECT paysafe.cron_distance(%L)', e), '22023', NULL, e) FROM unnest(ARRAY['', '* * * *', '* * * * * *', '60 * * * *', '* 24 * * *', '* * 0 * *', '* * 32 * *',
	'* * * 13 *', '* * * * 8', '0 0 30 2 *', '0 0 31 4,6 *', '5/10 * * * *', '*/0 * * * *', '10-5 * * * *', '* * * * fri-sun', '0 0 L * *', '0 0 ? * *', '0 0 * * 1#2', '@reboot', '@every 1h',
	'H * * * *', '*,x * * * *', '-1 * * * *', '1, * * * *', '* * * foo *', '00000000001 * * * *', repeat('1,', 200) || '1 * * * *',
	-- days of both kinds, one with an asterisk: some programs want both, some either
	'0 0 */31 * mon', '0 0 */13 * fri', '0 0 29 2 */7', '0 0 *,1 * mon', '0 0 1,* * mon', '0 0 */2 * */2']) e;
-- which field it is that is wrong
SELECT is(pg_temp.refusal_text(format('SELECT paysafe.cron_distance(%L)', e), 'MESSAGE'), 'the cron expression cannot be used: ' || m, e) FROM (VALUES
	('60 * * * *', 'its first field is no list of minutes from 0 to 59'), ('0 9- * * *', 'its second field is no list of hours from 0 to 23'),
	('0 0 L * *', 'its third field is no list of days of the month from 1 to 31'), ('0 0 * foo *', 'its fourth field is no list of months from 1 to 12'),
	('0 0 * * fri-sun', 'its fifth field is no list of days of the week from 0 to 7'), ('0 0 * * ', 'it has fewer than five fields'), ('', 'it has fewer than five fields'),
	('0 0 * * * *', 'it has more than five fields'), ('@reboot', 'it is no name of a schedule that is known here'), ('0 0 30 2 *', 'it never comes')) v (e, m);
-- against a calendar: minutes, hours, days, months, days of the week as sets; what repeats after 28 years is seen
CREATE FUNCTION pg_temp.counted(minutes int[], hours int[], days int[], months int[], weekdays int[], either boolean) RETURNS interval LANGUAGE sql AS $$
	WITH day AS MATERIALIZED (
		SELECT d FROM generate_series(timestamp '2001-01-01', '2029-03-01', '1 day') d
		 WHERE extract(month FROM d)::int = ANY (months) AND CASE WHEN either THEN extract(day FROM d)::int = ANY (days) OR extract(dow FROM d)::int = ANY (weekdays)
			   ELSE extract(day FROM d)::int = ANY (days) AND extract(dow FROM d)::int = ANY (weekdays) END
	), minute AS (SELECT h * 60 + m AS at, row_number() OVER (ORDER BY h, m) AS i, count(*) OVER () AS n FROM unnest(hours) h, unnest(minutes) m)
	SELECT least(min(next - at) * interval '1 minute', (SELECT min(next) - interval '1 day' FROM (SELECT lead(d) OVER (ORDER BY d) - d AS next FROM day) x) + interval '1 day'
				- (max(at) - min(at)) * interval '1 minute')
	  FROM (SELECT at, lead(at) OVER (ORDER BY at) AS next FROM minute) t $$;
SELECT is(extract(epoch FROM paysafe.cron_distance(e)), extract(epoch FROM pg_temp.counted(minutes::int[], hours::int[], days::int[], months::int[], weekdays::int[], either)), e) FROM (VALUES
	('7,8 3 5,20 * 2,4', '{7,8}', '{3}', '{5,20}', '{1,2,3,4,5,6,7,8,9,10,11,12}', '{2,4}', true),
	('10 0,23 31 1,12 0', '{10}', '{0,23}', '{31}', '{1,12}', '{0}', true),
	('0 6 29 2,3 *', '{0}', '{6}', '{29}', '{2,3}', '{0,1,2,3,4,5,6}', false),
	('0 6 */10 * *', '{0}', '{6}', '{1,11,21,31}', '{1,2,3,4,5,6,7,8,9,10,11,12}', '{0,1,2,3,4,5,6}', false),
	('15,45 2,22 * 6 */2', '{15,45}', '{2,22}', (SELECT array_agg(n) FROM generate_series(1, 31) n)::text, '{6}', '{0,2,4,6}', false),
	('59 0,23 1 */3 *', '{59}', '{0,23}', '{1}', '{1,4,7,10}', '{0,1,2,3,4,5,6}', false)) v (e, minutes, hours, days, months, weekdays, either);

-- declaring
CREATE TABLE shop.job (id int PRIMARY KEY, owner text COLLATE "C", tier text COLLATE "C", every interval, cron text, task text, at timestamptz);
CREATE INDEX ON shop.job (owner, tier);
\set tiers '{"free": {"least": "1 hour", "rows": 2}, "pro": {"least": "1 minute", "rows": 3}}'
\set rest 'tier_column => ''tier'', interval_column => ''every'', cron_column => ''cron'', task_column => ''task'', tasks => ''{report,sync}'''
SELECT throws_ok(format('SELECT paysafe.protect_schedule(%s)', a), code, NULL, a) FROM (VALUES
	('22004', 'NULL, ''owner'', ''{}'''), ('22004', '''shop.job'', NULL, ''{}'''), ('22004', '''shop.job'', ''owner'', NULL'), ('42703', '''shop.job'', ''missing'', ''{"default": {"least": "1 s", "rows": 1}}'', interval_column => ''every'''), ('22023', '''shop.job'', ''owner'', ''{"default": {"least": "1 s", "rows": 1}}'''),
	('22023', '''shop.job'', ''owner'', ''{}'''), ('22023', '''shop.job'', ''owner'', ''[]'''), ('22023', '''shop.job'', ''owner'', ''{"default": 1}'''), ('22023', '''shop.job'', ''owner'', ''{"default": {"least": "1 s"}}'''),
	('22023', '''shop.job'', ''owner'', ''{"default": {"least": "1 s", "rows": 1, "more": 1}}'''), ('22023', '''shop.job'', ''owner'', ''{"default": {"least": "0 s", "rows": 1}}'''),
	('22023', '''shop.job'', ''owner'', ''{"default": {"least": "1 s", "rows": 1.5}}'''), ('22023', '''shop.job'', ''owner'', ''{"default": {"least": "1 s", "rows": -1}}'''),
	('22023', '''shop.job'', ''owner'', ''{"default": {"least": "1 s", "rows": 10001}}'''), ('22023', '''shop.job'', ''owner'', ''{"default": {"least": 1, "rows": 1}}'''),
	('22023', '''shop.job'', ''owner'', ''{"free": {"least": "1 s", "rows": 1}}'''), ('22023', '''shop.job'', ''at'', ''{"default": {"least": "1 s", "rows": 1}}, task_column => ''task'''),
	('22023', '''shop.job'', ''owner'', ''{"default": {"least": "1 s", "rows": 1}}'', interval_column => ''at'''), ('22023', '''shop.job'', ''owner'', ''{"default": {"least": "1 s", "rows": 1}}'', cron_column => ''every''')) v (code, a)
 WHERE a !~ 'at.*task_column';
INSERT INTO shop.job VALUES (1, 'ann', 'free', '1 hour', NULL, 'report'), (2, 'ann', 'free', '10 minutes', NULL, 'report');
SELECT is(pg_temp.refusal_text(format('SELECT paysafe.protect_schedule(''shop.job'', ''owner'', %L, %s)', :'tiers', :'rest'), 'DETAIL') ~ 'it would run 10 min after another time, tier "free" allows 1 h', true, 'rows that are there are looked at');
UPDATE shop.job SET every = '2 hours' WHERE id = 2;
SELECT lives_ok(format('SELECT paysafe.protect_schedule(''shop.job'', ''owner'', %L, %s)', :'tiers', :'rest'), 'declared');
SELECT is((SELECT definition FROM paysafe.protection WHERE relation = 'shop.job'::regclass AND rule = 'schedule'), 'jobs of owner: tiers {"pro": {"rows": 3, "least": "1 minute"}, "free": {"rows": 2, "least": "1 hour"}}; tasks report, sync', 'shown');
GRANT ALL ON shop.job TO regress_schedule_app;

-- jobs
SELECT is(pg_temp.refusal(statement, 'regress_schedule_app'), expected, statement) FROM (VALUES
	('INSERT INTO shop.job VALUES (3, ''ann'', ''free'', ''1 hour'', NULL, ''report'')', :'many'),
	('INSERT INTO shop.job VALUES (3, ''ann'', ''pro'', ''1 minute'', NULL, ''sync'')', 'accepted'),
	('UPDATE shop.job SET tier = ''free'', every = ''1 day'' WHERE id = 3', :'many'),
	('UPDATE shop.job SET every = ''59 seconds'' WHERE id = 3', :'bad'),
	('UPDATE shop.job SET every = ''-1 minutes'' WHERE id = 3', :'bad'),
	('UPDATE shop.job SET every = ''1 day -23 hours -59 minutes -30 seconds'' WHERE id = 3', :'bad'),
	('UPDATE shop.job SET every = ''1 month'' WHERE id = 3', 'accepted'),
	('UPDATE shop.job SET every = NULL WHERE id = 3', :'bad'),
	('UPDATE shop.job SET cron = ''@daily'' WHERE id = 3', :'bad'),
	('UPDATE shop.job SET cron = ''@daily'', every = NULL WHERE id = 3', 'accepted'),
	('UPDATE shop.job SET cron = ''* * * * *'' WHERE id = 3', 'accepted'),
	('UPDATE shop.job SET cron = ''* * * * * *'' WHERE id = 3', :'bad'),
	('UPDATE shop.job SET cron = ''0 0 30 2 *'' WHERE id = 3', :'bad'),
	('UPDATE shop.job SET task = ''os.system'' WHERE id = 3', :'bad'),
	('UPDATE shop.job SET task = ''Report'' WHERE id = 3', :'bad'),
	('UPDATE shop.job SET task = NULL WHERE id = 3', :'bad'),
	('UPDATE shop.job SET tier = ''gold'' WHERE id = 3', :'bad'),
	('UPDATE shop.job SET tier = NULL WHERE id = 3', :'bad'),
	('UPDATE shop.job SET owner = NULL WHERE id = 3', '23G01 shop.job.owner paysafe_job_schedule'),
	('UPDATE shop.job SET at = now() WHERE id = 1', 'accepted'),
	('UPDATE shop.job SET cron = ''0,30 * * * *'', every = NULL WHERE id = 1', :'bad'),
	('INSERT INTO shop.job SELECT i, ''bob'', ''pro'', ''1 hour'', NULL, ''sync'' FROM generate_series(11, 14) i', :'many'),
	('INSERT INTO shop.job SELECT i, ''bob'', ''pro'', ''1 hour'', NULL, ''sync'' FROM generate_series(11, 13) i', 'accepted'),
	('UPDATE shop.job SET owner = ''bob'' WHERE id = 3', :'many'),
	('DELETE FROM shop.job WHERE id = 11', 'accepted'),
	('UPDATE shop.job SET owner = ''bob'' WHERE id = 3', 'accepted'),
	('INSERT INTO shop.job VALUES (15, ''bob'', ''pro'', ''1 hour'', NULL, ''sync'') ON CONFLICT (id) DO NOTHING', :'many')) v (statement, expected);
SELECT is(pg_temp.refusal_text('UPDATE shop.job SET cron = ''*/7 * * * *'', every = NULL WHERE id = 1', f), t, f) FROM (VALUES
	('MESSAGE', 'a job of table "job" is not as its schedule may be: it would run 4 min after another time, tier "free" allows 1 h'), ('DETAIL', 'Row "1".')) v (f, t);
SELECT is(pg_temp.refusal(format('SELECT paysafe.protect_schedule(''shop.job'', ''owner'', %L, %s)', :'tiers', replace(:'rest', 'sync', 'sync,mail'))), '42501 shop.job paysafe_job_schedule', 'a task more takes two');
SELECT is(pg_temp.refusal(format('SELECT paysafe.protect_schedule(''shop.job'', ''owner'', %L, %s)', replace(:'tiers', '1 hour', '1 minute'), :'rest')), '42501 shop.job paysafe_job_schedule', 'and so do tiers that let more through');
SELECT is(pg_temp.refusal_text(format('SELECT paysafe.protect_schedule(''shop.job'', ''owner'', %L, %s)', changed, :'rest'), 'DETAIL'), words, changed) FROM (VALUES
	(replace(:'tiers', '1 hour', '1 minute'), 'The change lowers least of tier free from 1 h to 1 min.'),
	(replace(:'tiers', '"rows": 3', '"rows": 4'), 'The change raises rows of tier pro from 3 to 4.'),
	(replace(:'tiers', '"1 minute", "rows": 3', '"30 seconds", "rows": 9'), 'The change lowers least of tier pro from 1 min to 30 s; raises rows of tier pro from 3 to 9.'),
	(replace(:'tiers', '"1 hour", "rows": 2', '"2 hours", "rows": 3'), 'The change raises rows of tier free from 2 to 3.'),
	(replace(:'tiers', '"free":', '"gold": {"least": "1 year", "rows": 0}, "free":'), 'The change adds tier gold, least 8640 h, rows 0.')) v (changed, words);
-- longer, fewer, or no tier of the kind: at once, if the rows that are there allow
CREATE FUNCTION pg_temp.tighter(tiers text, rest text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT paysafe.protect_schedule(''shop.job'', ''owner'', %L, %s)', tiers, rest);
	RETURN 'declared';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
DELETE FROM shop.job WHERE tier = 'pro';
SELECT is(pg_temp.tighter(tiers, :'rest'), expected, tiers) FROM (VALUES
	('{"free": {"least": "61 minutes", "rows": 2}, "pro": {"least": "1 minute", "rows": 3}}', '23514'),
	('{"free": {"least": "1 hour", "rows": 1}, "pro": {"least": "1 minute", "rows": 3}}', '23514'),
	('{"free": {"least": "1 hour", "rows": 2}}', 'declared'),
	('{"free": {"least": "1 hour", "rows": 2}, "pro": {"least": "1 minute", "rows": 3}}', '42501')) v (tiers, expected);

-- without tiers, in seconds, over partitions
CREATE TABLE shop.poll (id int, region text, owner int, seconds int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.poll_eu PARTITION OF shop.poll FOR VALUES IN ('eu');
CREATE TABLE shop.poll_us (region text NOT NULL, seconds int, owner int, id int NOT NULL);
ALTER TABLE shop.poll ATTACH PARTITION shop.poll_us FOR VALUES IN ('us');
SELECT paysafe.protect_schedule('shop.poll', 'owner', '{"default": {"least": "30 seconds", "rows": 2}}', interval_column => 'seconds');
SELECT is(pg_temp.refusal(statement), expected, statement) FROM (VALUES
	('INSERT INTO shop.poll VALUES (1, ''eu'', 7, 29)', '23G01 shop.poll paysafe_poll_schedule'), ('INSERT INTO shop.poll VALUES (1, ''eu'', 7, 30), (2, ''us'', 7, 3600)', 'accepted'),
	('INSERT INTO shop.poll VALUES (3, ''us'', 7, 60)', '23G02 shop.poll.owner paysafe_poll_schedule'), ('INSERT INTO shop.poll_us VALUES (''us'', 60, 8, 3)', 'accepted'),
	('UPDATE shop.poll SET region = ''us'' WHERE id = 1', 'accepted')) v (statement, expected);
-- rows that are there, of owners in several partitions: counted in one reading, or by an index
CREATE TABLE shop.old (id int, region text, owner numeric, seconds int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.old_eu PARTITION OF shop.old FOR VALUES IN ('eu');
CREATE TABLE shop.old_us (region text NOT NULL, seconds int, owner numeric, id int NOT NULL);
ALTER TABLE shop.old ATTACH PARTITION shop.old_us FOR VALUES IN ('us');
INSERT INTO shop.old SELECT i, (ARRAY['eu', 'us'])[i % 2 + 1], i / 2, 60 FROM generate_series(2, 2001) i;
INSERT INTO shop.old VALUES (1, 'us', 7.0, 60), (0, 'eu', 8, 60);
\set old 'SELECT paysafe.protect_schedule(''shop.old'', ''owner'', ''{"default": {"least": "30 seconds", "rows": 2}}'', interval_column => ''seconds'')'
SELECT is(pg_temp.refusal_text(:'old', 'MESSAGE'), 'rule "schedule" cannot be declared: 6 existing rows of "old" break it', 'without an index');
SELECT is(pg_temp.refusal_text(:'old', 'DETAIL') ~ 'Row "14": its owner has more than 2 of tier "default"\.', true, 'which, and why');
CREATE INDEX ON shop.old (owner);
SELECT is(pg_temp.refusal_text(:'old', 'MESSAGE'), 'rule "schedule" cannot be declared: 6 existing rows of "old" break it', 'with one');
DROP INDEX shop.old_owner_idx;
DELETE FROM shop.old WHERE id IN (0, 14);
SELECT lives_ok(:'old', 'none has more');
SELECT is((SELECT detail FROM paysafe.check() WHERE subject = 'shop.old' AND check_name = 'lookups'), 'each change that looks its rows up reads more than it needs: CREATE INDEX ON shop.old (owner);', 'check() names the index');
SELECT is(pg_temp.refusal('INSERT INTO shop.old VALUES (0, ''eu'', 7.00, 60)'), '23G02 shop.old.owner paysafe_old_schedule', 'and then no more');
SELECT * FROM finish();
ROLLBACK;
