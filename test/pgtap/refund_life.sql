-- A refund's life: what an approval is of, how long it lives, and that the gate is
-- passed by an event and by nothing else.
BEGIN;
SELECT plan(80);
\ir lib/refusal.psql
\ir lib/approved.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;

CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
INSERT INTO shop.payment SELECT i, 1000, 'EUR' FROM generate_series(1, 40) i;
CREATE TABLE shop.refund (id int, region text, payment int, amount numeric, currency text, status text, payee text, reference text,
						  data jsonb, updated_at timestamptz, pay_on date, twice numeric GENERATED ALWAYS AS (amount * 2) STORED,
						  PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.refund_eu PARTITION OF shop.refund FOR VALUES IN ('eu');
CREATE TABLE shop.refund_us (pay_on date, payee text, reference text, status text, region text NOT NULL, data jsonb, id int NOT NULL,
							 twice numeric GENERATED ALWAYS AS (amount * 2) STORED,
							 updated_at timestamptz, currency text, amount numeric, payment int);
ALTER TABLE shop.refund ATTACH PARTITION shop.refund_us FOR VALUES IN ('us');
CREATE INDEX ON shop.refund (payment);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status',
							  '{sent,paid}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100);

\set needed '42501 shop.refund.status paysafe_refund_approval'
CREATE FUNCTION pg_temp.as(who text, command text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(command) FROM paysafe.act_as(who) $$;
CREATE FUNCTION pg_temp.request(id int, amount numeric DEFAULT 500, region text DEFAULT 'eu', status text DEFAULT 'requested') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as('clerk', format('INSERT INTO shop.refund VALUES (%s, %L, %s, %s, ''EUR'', %L, ''customer'')', id, region, id, amount, status)) $$;
CREATE FUNCTION pg_temp.approve(id int) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as('boss', format('SELECT paysafe.approve(''shop.refund'', %L, ''looked at it'')', id)) $$;
CREATE FUNCTION pg_temp.send(id int, also text DEFAULT '', status text DEFAULT 'sent') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as('clerk', format('UPDATE shop.refund SET status = %L%s WHERE id = %s', status, also, id)) $$;
CREATE FUNCTION pg_temp.states(id int) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(state, ' ' ORDER BY id) FROM paysafe.approval WHERE relation = 'shop.refund'::regclass AND key = $1::text $$;
CREATE FUNCTION pg_temp.events(id int) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(event, ' ' ORDER BY e.whole_key, e.step) FROM paysafe.refund_event e WHERE relation = 'shop.refund'::regclass AND refund = $1::text $$;

-- an approval is of the row as it was
SELECT is(pg_temp.request(1) || pg_temp.approve(1), 'acceptedaccepted', 'requested and approved');
SELECT is(pg_temp.send(1, also), :'needed', 'sent with ' || also)
  FROM unnest(ARRAY[', payee = ''mallory''', ', payee = NULL', ', payee = ''customer ''', ', reference = ''x''', ', data = ''{}''', ', pay_on = ''2030-01-01''',
					', region = ''us''']) also;
SELECT is(pg_temp.states(1), 'open', 'a refused attempt uses nothing');
SELECT matches(pg_temp.refusal_text($$UPDATE shop.refund SET status = 'sent', payee = 'mallory' WHERE id = 1$$, 'HINT'), 'payee', 'the hint names the column');
SELECT is(pg_temp.send(1, ', payee = ''customer'', amount = 500.00, data = NULL, updated_at = now()'), 'accepted', 'the whole row saved again, with the time');
SELECT is(pg_temp.states(1), 'used', '... uses it');
SELECT is(pg_temp.as('clerk', 'UPDATE shop.refund SET ' || change || ' WHERE id = 1'), expected, 'after the approval: ' || change)
  FROM (VALUES
	('payee = ''mallory''', '23R03 shop.refund.payee paysafe_refund_refund'),
	('payee = NULL', '23R03 shop.refund.payee paysafe_refund_refund'),
	('status = ''paid'', payee = ''mallory''', '23R03 shop.refund.payee paysafe_refund_refund'),
	('region = ''us''', '23R03 shop.refund.region paysafe_refund_refund'),
	('updated_at = now()', 'accepted'),
	('status = ''paid'', reference = ''re_1''', 'accepted'),
	('reference = ''re_2''', '23R03 shop.refund.reference paysafe_refund_refund')) v (change, expected);
SELECT is(pg_temp.request(2, 50) || pg_temp.send(2), 'acceptedaccepted', 'one that needed no approval');
SELECT is(pg_temp.as('clerk', 'UPDATE shop.refund SET payee = ''other'' WHERE id = 2'), 'accepted', '... changes as before');

SELECT is(pg_temp.request(id) || pg_temp.approve(id) || pg_temp.as('clerk', format('UPDATE shop.refund SET %s WHERE id = %s', change, id)),
		  'acceptedacceptedaccepted', 'approved, then ' || change)
  FROM (VALUES (3, 'payee = ''mallory'''), (4, 'data = ''{}'''), (5, 'updated_at = now()'), (6, 'region = ''us''')) v (id, change);
SELECT is(pg_temp.send(id), expected, 'sent then')
  FROM (VALUES (3, :'needed'), (4, :'needed'), (5, 'accepted'), (6, :'needed')) v (id, expected);
SELECT is(pg_temp.as('clerk', 'UPDATE shop.refund SET payee = ''customer'' WHERE id = 3') || pg_temp.send(3), 'acceptedaccepted', 'changed back it is what was approved');
SELECT is(pg_temp.approve(6) || pg_temp.send(6), 'acceptedaccepted', 'approved in the other partition');
SELECT is(pg_temp.events(6), 'requested moved requested changed gated', 'its life goes on there');

-- it ends with the row
SELECT is(pg_temp.request(7) || pg_temp.approve(7) || pg_temp.send(7, '', 'void'), 'acceptedacceptedaccepted', 'approved and made void');
SELECT is(pg_temp.states(7), 'void', 'the approval is void');
SELECT is(pg_temp.as('mallory', $$UPDATE shop.refund SET status = 'requested' WHERE id = 7$$) || pg_temp.send(7), 'accepted' || :'needed', 'taken back, it is another request');
SELECT is(pg_temp.as('mallory', $$SELECT paysafe.approve('shop.refund', '7', 'mine')$$), '42501 paysafe.approval_record paysafe_approval_record_approval', '... of who took it back');
SELECT is(pg_temp.send(7, '', 'void') || pg_temp.send(7), 'accepted' || :'needed', 'not from void to sent either');
SELECT is(pg_temp.as('clerk', 'DELETE FROM shop.refund WHERE id = 7') || pg_temp.request(7) || pg_temp.send(7), 'acceptedaccepted' || :'needed', 'deleted and added again');
SELECT is(pg_temp.approve(7), 'accepted', '... approved');
SELECT is(pg_temp.as('clerk', $$UPDATE shop.refund SET status = 'void' WHERE id = 7; DELETE FROM shop.refund WHERE id = 7$$) || pg_temp.request(7) || pg_temp.send(7),
	'acceptedaccepted' || :'needed', '... and again: another row');
SELECT is(pg_temp.approve(7) || pg_temp.send(7), 'acceptedaccepted', 'which is approved and sent');
SELECT is(pg_temp.events(7), 'requested voided requested voided deleted requested voided deleted requested gated', 'its lives');

-- two rows of one key, in two partitions
SELECT is(pg_temp.request(8) || pg_temp.approve(8), 'acceptedaccepted', 'approved in one partition');
SELECT is(pg_temp.as('mallory', $$INSERT INTO shop.refund VALUES (8, 'us', 8, 500, 'EUR', 'requested', 'customer')$$), 'accepted', 'another row of its number in another one');
SELECT is(pg_temp.as('mallory', $$UPDATE shop.refund SET status = 'sent' WHERE id = 8 AND region = 'us'$$), :'needed', '... is not approved');
SELECT is(pg_temp.as('boss', $$SELECT paysafe.approve('shop.refund', '8', 'which?')$$), '22023', 'and cannot be, since the key names two');
SELECT is(pg_temp.as('clerk', $$UPDATE shop.refund SET status = 'sent' WHERE id = 8 AND region = 'eu'$$), :'needed', 'one key, one approval: a second request ended it');
SELECT is(pg_temp.as('clerk', $$UPDATE shop.refund SET status = 'void' WHERE id = 8 AND region = 'us'; DELETE FROM shop.refund WHERE id = 8 AND region = 'us'$$)
	|| pg_temp.approve(8) || pg_temp.send(8), 'acceptedacceptedaccepted', 'alone again it is approved and sent');
SELECT is(pg_temp.as('mallory', $$INSERT INTO shop.refund VALUES (8, 'us', 8, 400, 'EUR', 'requested', 'mallory')$$), 'accepted', 'another row of the number of one that passed the gate');
SELECT is(pg_temp.as('mallory', $$UPDATE shop.refund SET status = 'sent' WHERE id = 8 AND region = 'us'$$), :'needed', '... has not passed it');

-- the gate is passed by an event: no change of the rule lets anybody through
SELECT is(pg_temp.request(10) || pg_temp.request(11) || pg_temp.approve(11) || pg_temp.send(11) || pg_temp.send(11, '', 'failed'),
	'acceptedacceptedacceptedacceptedaccepted', 'one waits, one has gone back before the gate');
SELECT pg_temp.approved($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status',
	'{requested,failed,sent,paid}', '{void}', 'captured', 'currency')$$);
SELECT is(pg_temp.send(10), :'needed', 'what waited waits');
SELECT is(pg_temp.send(11), :'needed', 'what went back waits, too');
SELECT set_has('SELECT key FROM paysafe.pending_approval', $$VALUES ('10'), ('11')$$, 'both are shown');
SELECT is(pg_temp.request(12), :'needed', 'nothing is added there without approval');
SELECT is(pg_temp.send(5, '', 'paid'), 'accepted', 'what has passed goes on');
SELECT is(pg_temp.approve(10) || pg_temp.send(10), 'acceptedaccepted', 'what is approved passes');
SELECT pg_temp.approved($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status',
	'{sent,paid}', '{void,rejected}', 'captured', 'currency')$$);
SELECT is(pg_temp.send(10, '', 'paid'), 'accepted', 'what has passed goes on, whatever else is gated');
SELECT is(pg_temp.request(13) || pg_temp.approve(13) || pg_temp.send(13, '', 'rejected') , 'acceptedacceptedaccepted', 'approved and rejected');
SELECT pg_temp.approved($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status',
	'{sent,paid}', '{void}', 'captured', 'currency')$$);
SELECT is(pg_temp.send(13, '', 'requested') || pg_temp.send(13), 'accepted' || :'needed', 'the rejected one must be approved anew');
-- narrowed with approval, moved, and widened again by one person
SELECT pg_temp.approved($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status',
	'{paid}', '{void}', 'captured', 'currency')$$);
SELECT is(pg_temp.request(14) || pg_temp.send(14), 'acceptedaccepted', 'to what is not gated for a while');
SELECT pg_temp.approved($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status',
	'{sent,paid}', '{void}', 'captured', 'currency')$$);
SELECT is(pg_temp.send(14, '', 'paid'), :'needed', 'it has not passed');

-- rows from before the rule
CREATE TABLE shop.old (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON shop.old (payment);
INSERT INTO shop.old VALUES (1, 30, 500, 'EUR', 'sent'), (2, 31, 500, 'EUR', 'asked'), (3, 32, 500, 'EUR', NULL), (4, 33, 500, 'EUR', 'void');
SELECT paysafe.protect_refund('shop.old', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent,paid}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.old', 'EUR', 100);
\set old '42501 shop.old.status paysafe_old_approval'
SELECT is(pg_temp.as('clerk', $$UPDATE shop.old SET status = 'paid' WHERE id = 1$$), 'accepted', 'what was sent has passed');
SELECT is(pg_temp.as('clerk', $$UPDATE shop.old SET status = 'sent' WHERE id = 2$$), :'old', 'what was asked has not');
SELECT is(pg_temp.as('clerk', $$UPDATE shop.old SET status = 'sent' WHERE id = 3$$), :'old', 'nor what had no status');
SELECT is(pg_temp.as('clerk', $$UPDATE shop.old SET status = 'sent' WHERE id = 4$$), :'old', 'nor what was void');
SELECT set_eq($$SELECT key FROM paysafe.pending_approval WHERE relation = 'shop.old'::regclass$$, ARRAY['2', '3'], 'both that wait are shown');
SELECT is(pg_temp.as('boss', $$SELECT paysafe.approve('shop.old', '3', 'x')$$) || pg_temp.as('clerk', $$UPDATE shop.old SET status = 'sent' WHERE id = 3$$), 'acceptedaccepted', 'one without a status is approved');
SELECT is_empty($$SELECT key FROM paysafe.pending_approval WHERE relation = 'shop.old'::regclass AND key <> '2'$$, '... and waits no more');
SELECT is(pg_temp.as('boss', $$SELECT paysafe.approve('shop.old', '2', 'x')$$), 'accepted', 'the other one is approved');
SELECT is_empty($$SELECT key FROM paysafe.pending_approval WHERE relation = 'shop.old'::regclass$$, '... and waits for nobody''s approval');
SELECT is(pg_temp.as('clerk', $$UPDATE shop.old SET status = 'asked' WHERE id = 1$$) || pg_temp.as('clerk', $$UPDATE shop.old SET status = 'sent' WHERE id = 1$$), 'accepted' || :'old', 'what went back must be approved');

-- which columns an approval is of
CREATE TABLE shop.named (id int PRIMARY KEY, payment int, amount numeric, currency text, status text, payee text, sent_by text, at timestamp);
CREATE INDEX ON shop.named (payment);
SELECT throws_ok(format($$SELECT paysafe.protect_refund('shop.named', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency', %L)$$, columns),
	code, NULL, 'not with ' || columns) FROM (VALUES ('{nothing}', '42703'), ('{NULL}', '22004')) v (columns, code);
SELECT paysafe.protect_refund('shop.named', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency',
							  unapproved_columns => '{sent_by}');
SELECT paysafe.set_refund_threshold('shop.named', 'EUR', 0);
INSERT INTO shop.named VALUES (1, 35, 10, 'EUR', 'asked', 'customer');
SELECT is(pg_temp.as('boss', $$SELECT paysafe.approve('shop.named', '1', 'x')$$), 'accepted', 'approved');
SELECT is(pg_temp.as('clerk', $$UPDATE shop.named SET status = 'sent', at = now() WHERE id = 1$$), '42501 shop.named.status paysafe_named_approval', 'a time that is not named');
SELECT is(pg_temp.as('clerk', $$UPDATE shop.named SET status = 'sent', sent_by = 'clerk' WHERE id = 1; UPDATE shop.named SET sent_by = 'other'$$), 'accepted', 'a column that is');
SELECT is(pg_temp.as('clerk', $$SELECT paysafe.protect_refund('shop.named', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency', '$$ || columns || $$')$$),
	expected, 'from {sent_by} to ' || columns)
  FROM (VALUES ('{sent_by,payee}', '42501 shop.named paysafe_named_refund'), ('{}', 'accepted')) v (columns, expected);
SELECT is(pg_temp.as('clerk', $$SELECT paysafe.protect_refund('shop.named', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency')$$),
	'42501 shop.named paysafe_named_refund', 'times free again');

SELECT * FROM finish();
ROLLBACK;
