-- Who has changed a refund that waits does not approve what has become of it.
BEGIN;
SELECT plan(51);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int, region int DEFAULT 1, payment int, amount numeric, currency text, status text, payee text DEFAULT 'customer', written timestamptz, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.refund_1 PARTITION OF shop.refund FOR VALUES IN (1);
CREATE TABLE shop.refund_2 PARTITION OF shop.refund FOR VALUES IN (2);
CREATE INDEX ON shop.refund (payment);
-- those of before the rule
INSERT INTO shop.payment SELECT i, 1000, 'EUR' FROM generate_series(1, 40) i;
INSERT INTO shop.refund SELECT i, 1, i, 500, 'EUR', CASE i WHEN 32 THEN 'void' ELSE 'asked' END FROM generate_series(31, 33) i;
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 50);

\set needed '42501 shop.refund.status paysafe_refund_approval'
\set refused '42501 paysafe.approval_record paysafe_approval_record_approval'
CREATE FUNCTION pg_temp.as(who text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as(who);
	RETURN pg_temp.refusal(statement);
END $$;
CREATE FUNCTION pg_temp.asks(who text, id int) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as(who, format('INSERT INTO shop.refund VALUES (%s, 1, %1$s, 500, ''EUR'', ''asked'')', id)) $$;
CREATE FUNCTION pg_temp.changes(who text, id int, change text DEFAULT 'payee = ''friend''') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as(who, format('UPDATE shop.refund SET %s WHERE id = %s', change, id)) $$;
CREATE FUNCTION pg_temp.approves(who text, id int, region int DEFAULT 1) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as(who, format('SELECT paysafe.approve(''shop.refund'', ''%s,%s'', ''looked at it'')', id, region)) $$;
CREATE FUNCTION pg_temp.in_advance(who text, payment int) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as(who, format('SELECT paysafe.approve_refund(''shop.refund'', ''%s'', 500, ''EUR'', ''looked at it'')', payment)) $$;
CREATE FUNCTION pg_temp.sends(who text, id int) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.changes(who, id, 'status = ''sent''') $$;

-- each column that approvals are of
SELECT is(pg_temp.asks('ann', i), 'accepted', 'ann asks for ' || i) FROM generate_series(1, 4) i;
SELECT is(pg_temp.changes('mallory', id, change), 'accepted', 'mallory: ' || change) FROM (VALUES
	(1, 'payee = ''friend'''), (2, 'written = now()'), (3, 'region = 2'), (4, 'payee = payee')) v (id, change);
SELECT is(pg_temp.approves('mallory', 1), :'refused', 'who has changed the payee does not approve it');
SELECT is(pg_temp.refusal_text($$SELECT paysafe.approve('shop.refund', '1,1', 'x')$$, 'DETAIL'), '"mallory" changed it.', '... and is told why');
SELECT is(pg_temp.refusal_text($$SELECT paysafe.approve('shop.refund', '1,1', 'x')$$, 'HINT'), 'Another person has to approve it.', '... and what to do');
SELECT is(pg_temp.approves('MALLORY', 1), :'refused', '... in no spelling');
SELECT is(pg_temp.approves('ann', 1), :'refused', 'nor who has asked for it');
SELECT is(pg_temp.approves('mallory', 2), 'accepted', 'what approvals are not of is free');
SELECT is(pg_temp.approves('mallory', 3, 2), :'refused', 'nor who has moved it');
SELECT is(pg_temp.approves('mallory', 4), 'accepted', 'what stays as it is is no change');
SELECT is(pg_temp.sends('mallory', 1), :'needed', 'without another approval it does not pass');
SELECT is(pg_temp.refusal_text('UPDATE shop.refund SET status = ''sent'' WHERE id = 1', 'DETAIL'),
	'Refunds of payment "1" within 24:00:00 would total 500 EUR; the threshold is 50 EUR. 0 of 1 approvals found; requested by "ann", changed by "mallory".', '... which says who has had a hand in it');
SELECT results_eq($$SELECT requested_by, changed_by, approvals_given FROM paysafe.pending_approval WHERE key = '1'$$, $$VALUES ('ann', '{mallory}'::text[], 0)$$, '... as the view does');
SELECT is(pg_temp.approves('bob', 1), 'accepted', 'a third person approves it');
SELECT is(pg_temp.sends('mallory', 1), 'accepted', '... and anybody sends it');

-- an approval that was there before
SELECT pg_temp.asks('ann', i) FROM generate_series(5, 9) i;
SELECT is(pg_temp.approves('bob', 5), 'accepted', 'bob approves what ann has asked for');
SELECT is(pg_temp.changes('bob', 5), 'accepted', '... and changes it');
SELECT is(pg_temp.sends('cy', 5), :'needed', 'what he has approved was another');
SELECT is(pg_temp.approves('bob', 5), :'refused', '... and this one is his own');
SELECT is(pg_temp.changes('cy', 5, 'payee = ''customer'''), 'accepted', 'cy puts it right');
SELECT is(pg_temp.sends('cy', 5), 'accepted', 'that is what bob had approved, when he had changed nothing');
SELECT pg_temp.changes('bob', 6), pg_temp.changes('ann', 6, 'payee = ''customer''');
SELECT is(pg_temp.approves('bob', 6), :'refused', 'who had changed it before approves it no more, as it was either');

-- nobody is named
SELECT pg_temp.changes(NULL, 7);
SELECT is(pg_temp.approves('bob', 7), :'refused', 'who was not named may be anybody');
SELECT is(pg_temp.refusal_text('UPDATE shop.refund SET status = ''sent'' WHERE id = 7', 'HINT'),
	'Nobody was named when it was changed, so nobody can be shown to be another person: paysafe.act_as first. Void this refund and request another one.', '... and it is said so at the gate');
SELECT pg_temp.approves('bob', 8), pg_temp.changes(NULL, 8), pg_temp.changes('ann', 8, 'payee = ''customer''');
SELECT is(pg_temp.sends('ann', 8), 'accepted', 'what was approved before is as good as it was');

-- approved before there was a row: of the payment and so much, whatever the row says
SELECT is(pg_temp.in_advance('bob', 10), 'accepted', 'bob approves a refund that is not there');
SELECT pg_temp.asks('ann', 10), pg_temp.changes('bob', 10);
SELECT is(pg_temp.sends('cy', 10), :'needed', 'it is not his who then says to whom it goes');
SELECT is(pg_temp.in_advance('dee', 10), 'accepted', 'dee approves it, too');
SELECT is(pg_temp.sends('cy', 10), 'accepted', '... and has not changed it');
SELECT pg_temp.in_advance('bob', 11), pg_temp.asks('ann', 11);
SELECT is(pg_temp.changes('bob', 11, 'payee = ''friend'', status = ''sent'''), :'needed', 'nor while it passes');
SELECT is(pg_temp.changes('cy', 11, 'payee = ''friend'', status = ''sent'''), 'accepted', '... by somebody else it may');

-- void, and taken back; another partition; deleted, and added again
SELECT pg_temp.asks('ann', i) FROM generate_series(12, 15) i;
SELECT pg_temp.changes('mallory', 12), pg_temp.changes('ann', 12, 'status = ''void'''), pg_temp.changes('ann', 12, 'status = ''asked''');
SELECT is(pg_temp.approves('mallory', 12), :'refused', 'what is taken back has been changed by the same people');
SELECT pg_temp.changes('mallory', 13);
SELECT is(pg_temp.changes('ann', 13, 'region = 2'), 'accepted', 'ann moves it to another partition');
SELECT is(pg_temp.approves('mallory', 13, 2), :'refused', '... which takes along who had changed it');
SELECT is(pg_temp.approves('bob', 13, 2), 'accepted', '... and others approve it');
SELECT pg_temp.changes('mallory', 14), pg_temp.changes('ann', 14, 'status = ''void'''), pg_temp.as('ann', 'DELETE FROM shop.refund WHERE id = 14'), pg_temp.asks('ann', 14);
SELECT is(pg_temp.approves('mallory', 14), 'accepted', 'another row of the same key is another one');
SELECT pg_temp.changes('mallory', 15, 'status = ''void'', payee = ''friend'''), pg_temp.changes('ann', 15, 'status = ''asked''');
SELECT is(pg_temp.approves('mallory', 15), :'refused', 'what was changed on the way is, too');

-- older than the rule
SELECT pg_temp.changes('mallory', i) FROM generate_series(31, 33) i;
SELECT is(pg_temp.approves('mallory', 31), :'refused', 'who has asked for it nobody knows, but who has changed it');
SELECT pg_temp.changes('ann', 32, 'status = ''asked''');
SELECT is(pg_temp.approves('mallory', 32), :'refused', '... while it was void, too');
SELECT pg_temp.changes('ann', 33, 'status = ''void'''), pg_temp.changes('ann', 33, 'status = ''asked''');
SELECT is(pg_temp.approves('mallory', 33), :'refused', '... and before it was');
SELECT is(pg_temp.approves('bob', i), 'accepted', 'others approve ' || i) FROM generate_series(31, 33) i;

-- a no
SELECT pg_temp.asks('ann', 16), pg_temp.changes('mallory', 16);
SELECT is(pg_temp.as('bob', $$SELECT paysafe.reject('shop.refund', '16,1', 'it has another payee')$$), 'accepted', 'bob says no');
SELECT is(pg_temp.as('mallory', $$SELECT paysafe.withdraw_rejection(max(id), 'it is right') FROM paysafe.rejection_record$$), :'refused', 'who has changed it does not take that back');

SELECT * FROM finish();
ROLLBACK;
