-- What alarms say of a past; what becomes of them in a server is test/shape.
BEGIN;
SELECT plan(21);
\ir lib/refusal.psql

CREATE FUNCTION pg_temp.alarms(good bigint[], bad bigint[]) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(kind || ' ' || event, ', ' ORDER BY minute, kind) FROM paysafe.alarms_in(good, bad) $$;
CREATE FUNCTION pg_temp.minutes(n int, count bigint) RETURNS bigint[] LANGUAGE sql AS $$ SELECT array_fill(count, ARRAY[n]) $$;

-- three weeks, as always
CREATE TEMP TABLE past AS SELECT pg_temp.minutes(21 * 1440, 99) AS good, pg_temp.minutes(21 * 1440, 1) AS bad;
SELECT is(pg_temp.alarms(good, bad), NULL, 'nothing while all is as it was') FROM past;
SELECT is(pg_temp.alarms(good || pg_temp.minutes(30, 95), bad || pg_temp.minutes(30, 5)), 'ratio_up opened', 'failures from 1 % to 5 %') FROM past;
SELECT is(pg_temp.alarms(good || pg_temp.minutes(240, 100), bad || pg_temp.minutes(240, 0)), 'ratio_down opened', 'none: does the check still check?') FROM past;
SELECT is(pg_temp.alarms(good || pg_temp.minutes(15, 50), bad || pg_temp.minutes(15, 0)), 'volume_down opened', 'half of it') FROM past;
SELECT is(pg_temp.alarms(good || pg_temp.minutes(30, 0), bad || pg_temp.minutes(30, 0)), 'silence opened', 'nothing') FROM past;
SELECT is(pg_temp.alarms(good || pg_temp.minutes(30, 0) || pg_temp.minutes(600, 99), bad || pg_temp.minutes(30, 0) || pg_temp.minutes(600, 1)),
		  'silence opened, silence closed', 'opens once and closes once') FROM past;
SELECT is((SELECT (minute - 21 * 1440) || ' ' || figures::text FROM paysafe.alarms_in(good || pg_temp.minutes(30, 0), bad || pg_temp.minutes(30, 0))),
		  '3 {"bad": 0, "good": 0, "minutes": 3, "usual_volume": 300.0, "usual_bad_share": 0.010000}', 'when, and by which figures') FROM past;
-- two bad minutes are none
SELECT is(pg_temp.alarms(good || pg_temp.minutes(2, 0) || pg_temp.minutes(60, 99), bad || pg_temp.minutes(2, 100) || pg_temp.minutes(60, 1)), NULL, 'two bad minutes') FROM past;

SELECT is(pg_temp.refusal($$SELECT paysafe.alarms_in('{1,2}', '{1}')$$), '22023', 'as many numbers');
SELECT is(pg_temp.refusal($$SELECT paysafe.alarms_in('{1,NULL}', '{1,2}')$$), '22023', 'no NULL among them');
SELECT is(pg_temp.refusal($$SELECT paysafe.alarms_in('{-1}', '{1}')$$), '22023', 'none below 0');
SELECT is(pg_temp.refusal($$SELECT paysafe.note_outcome('Not a word', 'x', true)$$), '22023', 'a series is a word');
SELECT is(pg_temp.refusal(format('SELECT paysafe.note_outcome(%L, ''x'', true)', series)), '22023', series || ' is paysafe''s own') FROM unnest('{write,refused,throttle,webhook,request,approval_given,approval_used,decision}'::text[]) series;
SELECT is(pg_temp.refusal($$SELECT paysafe.note_outcome('x', 'x', NULL)$$), '22004', 'well or badly');

SELECT * FROM finish();
ROLLBACK;
