-- When approvals are given that count, and who else may approve what has waited too long.
BEGIN;
SELECT plan(65);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
SET LOCAL TimeZone = 'Pacific/Auckland';

-- times of the week
SELECT is(paysafe.is_during(hours, at::timestamptz), expected, hours || ' has ' || at) FROM (VALUES
	('Mon-Fri 08:00-20:00 UTC', '2026-06-01 08:00+00', true),
	('Mon-Fri 08:00-20:00 UTC', '2026-06-01 07:59:59.999999+00', false),
	('Mon-Fri 08:00-20:00 UTC', '2026-06-05 19:59:59.999999+00', true),
	('Mon-Fri 08:00-20:00 UTC', '2026-06-05 20:00+00', false),
	('Mon-Fri 08:00-20:00 UTC', '2026-06-06 12:00+00', false),
	('sat-mon 00:00-24:00 UTC', '2026-06-07 23:59:59+00', true),
	('sat-mon 00:00-24:00 UTC', '2026-06-09 00:00+00', false),
	('Mon 08:00-12:00, Mon 13:00-17:00 UTC', '2026-06-01 12:30+00', false),
	('Mon 08:00-12:00,Mon 13:00-17:00 UTC', '2026-06-01 13:30+00', true),
	-- the clock on the wall, in summer, in winter and where it is put back
	('Mon-Fri 08:00-20:00 Europe/Berlin', '2026-06-01 06:00+00', true),
	('Mon-Fri 08:00-20:00 Europe/Berlin', '2026-12-01 06:00+00', false),
	('Sun 02:30-03:00 Europe/Berlin', '2026-10-25 00:45+00', true),
	('Sun 02:30-03:00 Europe/Berlin', '2026-10-25 01:15+00', false),
	('Sun 02:30-03:00 Europe/Berlin', '2026-10-25 01:45+00', true),
	('Sun 02:00-03:00 Europe/Berlin', '2026-03-29 01:30+00', false),
	('Mon 00:00-24:00 Pacific/Kiritimati', '2026-06-07 10:30+00', true),
	('Mon-Sun 00:00-24:00 UTC', 'infinity', false)) t (hours, at, expected);
SELECT is_empty($$SELECT at FROM generate_series('2026-01-01'::timestamptz, '2027-01-01', '29 minutes') at
	WHERE paysafe.is_during('Tue-Thu 07:15-18:45, Sun 22:00-24:00 America/New_York', at) IS DISTINCT FROM
		  (SELECT (extract(dow FROM l) BETWEEN 2 AND 4 AND l::time >= '07:15' AND l::time < '18:45') OR (extract(dow FROM l) = 0 AND l::time >= '22:00')
			 FROM (SELECT at AT TIME ZONE 'America/New_York' AS l) x)$$, 'a year of them');
SELECT is(left(pg_temp.refusal(format('SELECT paysafe.is_during(%L, now())', hours)), 5), '22023', 'is none: ' || hours)
  FROM unnest(ARRAY['', 'Mon', 'Mon-Fri', 'Mon 08:00-20:00', 'Mon 8:00-20:00 UTC', 'Mon 08:00-08:00 UTC', 'Mon 22:00-06:00 UTC', 'Mon 08:00-24:01 UTC', 'Mon 08:60-20:00 UTC', 'Day 08:00-20:00 UTC',
	'Mon 08:00-20:00 Nowhere/Else', 'Mon 08:00-20:00 CET5', 'Mon 08:00-20:00 +02', 'Mon  08:00-20:00 UTC', 'Mon 08:00-20:00  UTC', 'Mon 08:00-20:00; Tue 08:00-20:00 UTC']) hours;

CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text, iban text);
CREATE INDEX ON shop.refund (payment);
INSERT INTO shop.payment SELECT n, 100000, 'EUR' FROM generate_series(1, 99) n;
INSERT INTO shop.refund VALUES (0, 99, 1, 'EUR', 'void');
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.bootstrap_people('Ann', '{}', 'Bob', '{}', 'the first two');
CREATE FUNCTION pg_temp.by_two(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE asked record;
BEGIN
	PERFORM paysafe.act_as('Ann'), paysafe.propose('wanted');
	EXECUTE command;
	PERFORM paysafe.propose(NULL);
	SELECT approved_as, key, difference INTO asked FROM paysafe.pending_change ORDER BY id DESC LIMIT 1;
	PERFORM paysafe.act_as('Bob'), paysafe.approve(asked.approved_as, asked.key, 'right');
	PERFORM paysafe.act_as('Ann');
	EXECUTE command;
	RETURN asked.difference;
END $$;
CREATE SEQUENCE shop.number START 10;
CREATE FUNCTION pg_temp.asks(amount numeric, actor text DEFAULT 'clerk') RETURNS int LANGUAGE plpgsql AS $$
DECLARE n int := nextval('shop.number');
BEGIN
	PERFORM paysafe.act_as(actor);
	INSERT INTO shop.refund VALUES (n, n, $1, 'EUR', 'requested');
	RETURN n;
END $$;
CREATE FUNCTION pg_temp.approves(actor text, n int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as(actor);
	RETURN pg_temp.refusal(format('SELECT paysafe.approve(''shop.refund'', ''%s'', ''x'')', n));
END $$;
CREATE FUNCTION pg_temp.sends(n int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as('worker');
	RETURN pg_temp.refusal(format('UPDATE shop.refund SET status = ''sent'' WHERE id = %s', n));
END $$;
\set refused '42501 shop.refund.status paysafe_refund_approval'
\set not_approved '42501 paysafe.approval_record paysafe_approval_record_approval'
-- a day that is neither today nor next to it, whenever this runs
SELECT to_char((clock_timestamp() + '3 days') AT TIME ZONE 'UTC', 'Dy') AS far, to_char((clock_timestamp() + '3 days') AT TIME ZONE 'UTC', 'Dy YYYY-MM-DD') AS date \gset

-- approvals at their time
SELECT pg_temp.by_two(format('SELECT paysafe.add_person(%L, ''x'')', who)) FROM unnest('{Cy,Di,Ed}'::text[]) who;
SELECT paysafe.act_as('Ann');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100);
SELECT pg_temp.asks(2000) AS before \gset
SELECT is(pg_temp.approves('Bob', :before), 'accepted', 'at any time, as long as nothing is said');
SELECT lives_ok(format($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 1000, band => 'day', approved_during => '%s 09:00-10:00 UTC')$$, :'far'), 'one more band');
SELECT is(pg_temp.sends(:before), :'refused', 'what was approved at another time counts no more');
SELECT is(pg_temp.approves('Bob', :before), :'not_approved', 'nobody approves at another time');
SELECT is(pg_temp.refusal_text(format('SELECT paysafe.approve(''shop.refund'', ''%s'', ''x'')', :before), 'HINT'), 'The next time is ' || :'date' || ' 09:00 UTC.', 'it is said when');
SELECT is(pg_temp.refusal(format('SELECT paysafe.approve_refund(''shop.refund'', ''%s'', 2000, ''EUR'', ''x'')', :before)), :'not_approved', 'nor in advance');
SELECT is(pg_temp.approves('Bob', pg_temp.asks(500)), 'accepted', 'less may be');
SELECT results_eq(format('SELECT approved_during FROM paysafe.pending_approval WHERE key = ''%s''', :before), format('VALUES (ARRAY[''%s 09:00-10:00 UTC''])', :'far'), 'shown with what waits');
SELECT is(left(pg_temp.refusal(format($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 1000, band => 'day'%s)$$, more)), 5), '42501', 'more time takes two')
  FROM unnest(ARRAY['', format(', approved_during => ''%s 09:00-11:00 UTC''', :'far'), format(', approved_during => ''%s 09:00-10:00 Europe/London''', :'far')]) more;
SELECT lives_ok(format($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 1000, band => 'day', approved_during => '%s 09:15-09:45 UTC')$$, :'far'), 'less does not');
SELECT is(pg_temp.by_two($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 1000, band => 'day', approved_during => 'Mon-Sun 00:00-24:00 UTC')$$),
		  format('lets approvals count that are given Mon-Sun 00:00-24:00 UTC instead of %s 09:15-09:45 UTC', :'far'), 'two do');
SELECT is(pg_temp.approves('Cy', :before), 'accepted');
SELECT is(pg_temp.sends(:before), 'accepted', '... and it passes');

-- what has waited long enough
SELECT is(left(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 5000, band => 'large', escalation_group => 'board', escalation_after => '1 hour')$$), 5), '22023', 'instead of whom?');
SELECT lives_ok($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 5000, band => 'large', approver_group => 'finance', escalation_group => 'board', escalation_after => '1 hour')$$, 'a band with a way out');
SELECT pg_temp.by_two('SELECT paysafe.add_to_group(''Cy'', ''finance'', ''x'')'), pg_temp.by_two('SELECT paysafe.add_to_group(''Di'', ''board'', ''x'')');
SELECT pg_temp.asks(6000) AS waits \gset
SELECT is(pg_temp.approves('Di', :waits), :'not_approved', 'not yet');
SELECT results_eq(format('SELECT escalates_at > clock_timestamp(), escalation_groups FROM paysafe.pending_approval WHERE key = ''%s''', :waits), $$VALUES (true, '{board}'::text[])$$, 'shown with what waits');
SELECT escalates_at AS before FROM paysafe.pending_approval WHERE key = :'waits' \gset
SELECT paysafe.act_as('Ann') \g /dev/null
UPDATE shop.refund SET iban = 'another account' WHERE id = :waits;
SELECT ok(escalates_at > :'before', 'what is to be approved is another thing now, and waits anew') FROM paysafe.pending_approval WHERE key = :'waits';
SELECT is(left(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 5000, band => 'large', approver_group => 'finance', escalation_group => 'board', escalation_after => '1 microsecond')$$), 5),
		  '42501', 'sooner takes two');
SELECT is(pg_temp.by_two($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 5000, band => 'large', approver_group => 'finance', escalation_group => 'board', escalation_after => '1 microsecond')$$),
		  'lets the group board approve what has waited 00:00:00.000001', 'two do');
SELECT is(pg_temp.approves('Ed', :waits), :'not_approved', 'who is in neither');
SELECT is(pg_temp.approves('Di', :waits), 'accepted', 'now they may');
SELECT paysafe.act_as('Ann');
SELECT lives_ok($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 5500, band => 'other', approver_group => 'finance')$$, 'a band of the same group without a way out');
SELECT is(pg_temp.sends(:waits), :'refused', '... is the stricter one');
SELECT is(pg_temp.approves('Cy', :waits), 'accepted', 'the group itself may as ever');
SELECT is(pg_temp.sends(:waits), 'accepted');
SELECT pg_temp.asks(5200) AS again \gset
SELECT is(pg_temp.approves('Di', :again), 'accepted', 'below the other band');
SELECT is(pg_temp.sends(:again), 'accepted', '... it passes');
-- another partition is no way back to when each of them changed it first
CREATE TABLE shop.claim (id int, region text, payment int, amount numeric, currency text, status text, iban text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.claim_eu PARTITION OF shop.claim FOR VALUES IN ('eu');
CREATE TABLE shop.claim_us PARTITION OF shop.claim FOR VALUES IN ('us');
CREATE INDEX ON shop.claim (payment);
SELECT paysafe.protect_refund('shop.claim', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency', unapproved_columns => '{region}');
SELECT paysafe.set_refund_threshold('shop.claim', 'EUR', 10, approver_group => 'finance', escalation_group => 'board', escalation_after => '1 hour');
SELECT paysafe.act_as('Ann');
INSERT INTO shop.claim VALUES (1, 'eu', 98, 20, 'EUR', 'requested', 'an account');
UPDATE shop.claim SET iban = 'another account';
SELECT paysafe.act_as('Cy');
UPDATE shop.claim SET iban = 'a third account';
SELECT paysafe.act_as('Ann');
UPDATE shop.claim SET iban = 'a fourth account';
SELECT escalates_at AS before FROM paysafe.pending_approval WHERE relation = 'shop.claim'::regclass \gset
UPDATE shop.claim SET region = 'us';
SELECT is(escalates_at, :'before'::timestamptz, 'in another partition it has waited since it was changed last') FROM paysafe.pending_approval WHERE relation = 'shop.claim'::regclass;
SELECT * FROM finish();
ROLLBACK;
