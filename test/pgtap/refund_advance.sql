-- A refund that is approved before its row is there: whom it is for, what it is of, how
-- long it lives, and that nothing else can use it.
BEGIN;
SELECT plan(124);
\ir lib/refusal.psql
\ir lib/approved.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text NOT NULL);
INSERT INTO shop.payment SELECT i, 1000, 'EUR' FROM generate_series(1, 60) i;
INSERT INTO shop.payment VALUES (61, 1000, 'USD'), (62, NULL, 'EUR'), (63, 1000, 'JPY');
CREATE TABLE shop.refund (id int PRIMARY KEY, payment bigint, amount numeric, currency text, status text, payee text);
CREATE INDEX ON shop.refund (payment);
SELECT paysafe.protect_status('shop.refund', 'status', '[*] --> requested
	[*] --> sent
	requested --> sent
	requested --> void
	sent --> paid
	sent --> void
	void --> sent');
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status',
							  '{sent,paid}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100);
CREATE TABLE shop.other (LIKE shop.refund INCLUDING ALL);
SELECT paysafe.protect_refund('shop.other', 'shop.payment', 'payment', 'amount', 'currency', 'status',
							  '{sent,paid}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.other', 'EUR', 100);
CREATE TABLE shop.plain (id int PRIMARY KEY);

\set needed '42501 shop.refund.status paysafe_refund_approval'
CREATE FUNCTION pg_temp.as(who text, command text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(command) FROM paysafe.act_as(who) $$;
CREATE FUNCTION pg_temp.approve(payment int, amount numeric DEFAULT 500, who text DEFAULT 'boss', currency text DEFAULT 'EUR', refund text DEFAULT 'shop.refund')
	RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as(who, format('SELECT paysafe.approve_refund(%L, %L, %L, %L, ''looked at it'', ''T-1'')', refund, payment, amount, currency)) $$;
CREATE FUNCTION pg_temp.send(id int, payment int, amount numeric DEFAULT 500, who text DEFAULT 'clerk', status text DEFAULT 'sent', refund text DEFAULT 'shop.refund')
	RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as(who, format('INSERT INTO %s VALUES (%s, %s, %s, (SELECT currency FROM shop.payment WHERE id = %s), %L, ''customer'')', refund, id, payment, amount, payment, status)) $$;
CREATE FUNCTION pg_temp.states(payment int) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(state || coalesce(' ' || key, ''), ', ' ORDER BY id) FROM paysafe.approval
	 WHERE relation = 'shop.refund'::regclass AND approval.payment = $1::text $$;

-- it passes once
SELECT is(pg_temp.send(1, 1), :'needed', 'added in a gated status without approval');

SELECT matches(pg_temp.refusal_text($$INSERT INTO shop.refund VALUES (1, 1, 500, 'EUR', 'sent')$$, 'HINT'), 'paysafe.approve_refund', 'the hint says the way');
SELECT is(pg_temp.approve(1), 'accepted', 'approved before its row is there');
SELECT is(pg_temp.states(1), 'open', '... and open');
SELECT is((SELECT format('%s|%s|%s|%s|%s|%s|%s|%s', relation, key, payment, amount, currency, approver, reason, ticket) FROM paysafe.approval WHERE payment = '1'),
	'shop.refund||1|500|EUR|boss|looked at it|T-1', 'the view has what it is of');
SELECT is(pg_temp.send(1, 1), 'accepted', 'added in the gated status');
SELECT is(pg_temp.states(1), 'used 1', 'used, by this refund');
SELECT is(pg_temp.send(2, 1), :'needed', 'no second time');
SELECT is(pg_temp.as('clerk', $$UPDATE shop.refund SET payee = 'mallory' WHERE id = 1$$), '23R03 shop.refund.payee paysafe_refund_refund', 'what was approved stays');
SELECT is(pg_temp.as('clerk', $$UPDATE shop.refund SET status = 'paid' WHERE id = 1$$), 'accepted', 'and goes on');

-- by another person than who adds it, whose name is known
SELECT is(pg_temp.approve(2) || pg_temp.send(10, 2, 500, who), 'accepted' || :'needed', 'added by ' || who) FROM unnest(ARRAY['boss', 'BOSS', 'Böss']) who WHERE who <> 'Böss';
SELECT is((SELECT pg_temp.refusal($$INSERT INTO shop.refund VALUES (10, 2, 500, 'EUR', 'sent')$$) FROM paysafe.act_as(NULL)), :'needed', 'added by nobody over a login that may act for others');
SELECT is(pg_temp.send(10, 2), 'accepted', 'added by somebody else');
SELECT is(pg_temp.as(NULL, $$SELECT paysafe.approve_refund('shop.refund', '3', 500, 'EUR', 'ok')$$), '42501 paysafe.approval_record paysafe_approval_record_approval', 'approved by nobody');

-- of this payment, table, currency and at most this amount
SELECT is(pg_temp.approve(3), 'accepted', 'approved');
SELECT is(pg_temp.send(20, 4), :'needed', 'not of another payment');
SELECT is(pg_temp.send(20, 3, 500.01), :'needed', 'not more');
SELECT is(pg_temp.send(20, 3, 500, refund => 'shop.other'), '42501 shop.other.status paysafe_other_approval', 'not in another table');
SELECT is(pg_temp.states(3), 'open', 'none of these has used it');
SELECT is(pg_temp.send(20, 3, 300), 'accepted', 'less');
SELECT is(pg_temp.states(3), 'used 20', '... uses all of it');
SELECT is(pg_temp.send(21, 3, 200), :'needed', '... nothing is left over');
SELECT is(pg_temp.approve(5, 600) || pg_temp.approve(5, 300) || pg_temp.send(22, 5, 250), 'acceptedacceptedaccepted', 'of two that fit');
SELECT is(pg_temp.states(5), 'open, used 22', '... the one that leaves least over is used');
SELECT is(pg_temp.send(23, 5, 600), 'accepted', '... the other one serves another refund');
SELECT is(pg_temp.send(24, 6, 100), 'accepted', 'below the threshold nobody is asked');
SELECT is(pg_temp.approve(6, 50) || pg_temp.send(25, 6, 50), 'acceptedaccepted', 'what exceeds it together with others needs one');
SELECT is(pg_temp.states(6), 'used 25', '... and used it');
SELECT is(pg_temp.approve(7) || pg_temp.send(26, 7, 100), 'acceptedaccepted', 'what needs none');
SELECT is(pg_temp.states(7), 'open', '... uses none');

-- what cannot be approved
SELECT is(pg_temp.as('boss', command), expected, command) FROM (VALUES
	($$SELECT paysafe.approve_refund('shop.refund', '999', 500, 'EUR', 'ok')$$, '22023'),
	($$SELECT paysafe.approve_refund('shop.refund', 'x', 500, 'EUR', 'ok')$$, '22023'),
	($$SELECT paysafe.approve_refund('shop.refund', '8', 500, 'USD', 'ok')$$, '22023'),
	($$SELECT paysafe.approve_refund('shop.refund', '8', 500, 'eur', 'ok')$$, 'accepted'),
	($$SELECT paysafe.approve_refund('shop.refund', '8', 0, 'EUR', 'ok')$$, '22023'),
	($$SELECT paysafe.approve_refund('shop.refund', '8', -5, 'EUR', 'ok')$$, '22023'),
	($$SELECT paysafe.approve_refund('shop.refund', '8', 'NaN', 'EUR', 'ok')$$, '22023'),
	($$SELECT paysafe.approve_refund('shop.refund', '8', 'Infinity', 'EUR', 'ok')$$, '22023'),
	($$SELECT paysafe.approve_refund('shop.refund', '8', 1.001, 'EUR', 'ok')$$, '22023'),
	($$SELECT paysafe.approve_refund('shop.refund', '8', 1000.01, 'EUR', 'ok')$$, '22023'),
	($$SELECT paysafe.approve_refund('shop.refund', '62', 1, 'EUR', 'ok')$$, '22023'),
	($$SELECT paysafe.approve_refund('shop.refund', '63', 1.5, 'JPY', 'ok')$$, '22023'),
	($$SELECT paysafe.approve_refund('shop.payment', '8', 1, 'EUR', 'ok')$$, '22023'),
	($$SELECT paysafe.approve_refund('shop.plain', '8', 1, 'EUR', 'ok')$$, '22023'),
	($$SELECT paysafe.approve_refund('shop.refund', '8', 1, 'EUR', '  ')$$, '22023'),
	($$SELECT paysafe.approve_refund('shop.refund', '8', 1, 'EUR', NULL)$$, '22004'),
	($$SELECT paysafe.approve_refund(NULL, '8', 1, 'EUR', 'ok')$$, '22004'),
	($$SELECT paysafe.approve_refund('shop.refund', NULL, 1, 'EUR', 'ok')$$, '22004'),
	($$SELECT paysafe.approve_refund('shop.refund', '8', NULL, 'EUR', 'ok')$$, '22004'),
	($$SELECT paysafe.approve_refund('shop.refund', '8', 1, NULL, 'ok')$$, '22004'),
	($$SELECT paysafe.approve_refund('shop.refund', '8', 1, 'EUR', 'ok', expires_at => now() - interval '1 s')$$, '22023')) v (command, expected);

-- it ends: by withdrawal, by the clock, with the rule
SELECT is(pg_temp.approve(9), 'accepted', 'approved');
SELECT is((SELECT pg_temp.refusal(format('SELECT paysafe.withdraw_approval(%s, ''wrong'')', id)) FROM paysafe.approval WHERE payment = '9'), 'accepted', 'withdrawn');
SELECT is(pg_temp.send(30, 9), :'needed', '... it is worth nothing');
SELECT is(pg_temp.as('boss', $$SELECT paysafe.approve_refund('shop.refund', '11', 500, 'EUR', 'ok', expires_at => clock_timestamp() + interval '1 s')$$), 'accepted', 'approved for a moment');
SELECT pg_sleep(1.1);
SELECT is(pg_temp.send(31, 11), :'needed', 'expired by the clock');
SELECT is(pg_temp.states(11), 'expired', '... and says so');
SELECT is(pg_temp.approve(12), 'accepted', 'approved');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100, valid_for => '0.05 seconds');
SELECT pg_sleep(0.1);
SELECT is(pg_temp.states(12) || pg_temp.send(32, 12), 'expired' || :'needed', 'a shorter life counts at once');
SELECT pg_temp.approved($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100)$$);
SELECT is(pg_temp.states(12), 'open', 'and a longer one');

-- it ends with its payment
SELECT is(pg_temp.approve(payment), 'accepted', 'approved: ' || payment) FROM generate_series(13, 16) payment;
SELECT is(pg_temp.refusal(command), 'accepted', command) FROM (VALUES
	($$DELETE FROM shop.payment WHERE id = 13; INSERT INTO shop.payment VALUES (13, 1000, 'EUR')$$),
	($$UPDATE shop.payment SET id = 114 WHERE id = 14; INSERT INTO shop.payment VALUES (14, 1000, 'EUR')$$),
	($$UPDATE shop.payment SET currency = 'USD' WHERE id = 15; UPDATE shop.payment SET currency = 'EUR' WHERE id = 15$$),
	($$UPDATE shop.payment SET captured = 900 WHERE id = 16$$)) v (command);
SELECT is(pg_temp.send(payment + 100, payment), expected, 'then: ' || payment) FROM (VALUES (13, :'needed'), (14, :'needed'), (15, :'needed'), (16, 'accepted')) v (payment, expected);
SELECT is(pg_temp.states(13) || ' ' || pg_temp.states(14) || ' ' || pg_temp.states(15), 'void void void', 'these say so');

-- the first passing of the gate, of a row that waited
SELECT is(pg_temp.send(40, 17, 500, 'clerk', 'requested') || pg_temp.approve(17), 'acceptedaccepted', 'a row that waits, and its payment approved');
SELECT is((SELECT count(*)::int FROM paysafe.pending_approval WHERE key = '40'), 0, 'it has all it needs');
SELECT is(pg_temp.as('boss', $$UPDATE shop.refund SET status = 'sent' WHERE id = 40$$), 'accepted', 'it passes');
SELECT is(pg_temp.states(17), 'used 40', 'by that');
SELECT is(pg_temp.send(41, 18, 500, 'boss', 'requested') || pg_temp.approve(18) || pg_temp.as('clerk', $$UPDATE shop.refund SET status = 'sent' WHERE id = 41$$),
	'acceptedaccepted' || :'needed', 'not if who approved it has requested it');
SELECT is(pg_temp.as('clerk', $$UPDATE shop.refund SET status = 'void' WHERE id = 40$$) || pg_temp.approve(17) ||
	pg_temp.as('carol', $$UPDATE shop.refund SET status = 'sent' WHERE id = 40$$), 'acceptedacceptedaccepted', 'one that was void and comes back needs another one');
SELECT is(pg_temp.as('clerk', $$INSERT INTO shop.refund VALUES (42, 19, 500, 'EUR', 'requested')$$) || pg_temp.as('boss', $$SELECT paysafe.approve('shop.refund', '42', 'this row')$$) ||
	pg_temp.approve(19, 500, 'carol') || pg_temp.as('clerk', $$UPDATE shop.refund SET status = 'sent' WHERE id = 42$$), 'acceptedacceptedacceptedaccepted', 'approved both ways');
SELECT is(pg_temp.states(19), 'open', 'the row''s own goes first');

-- asked for beforehand: shown until it is approved, and not approved by who asked
SELECT is(pg_temp.as(who, command), expected, coalesce(who, 'nobody') || ': ' || command) FROM (VALUES
	('alice', $$SELECT paysafe.request_refund('shop.refund', '23', 500, 'EUR', 'broken', 'T-9')$$, 'accepted'),
	(NULL, $$SELECT paysafe.request_refund('shop.refund', '23', 500, 'EUR', 'broken')$$, '42501 paysafe.approval_record paysafe_approval_record_approval'),
	('alice', $$SELECT paysafe.request_refund('shop.refund', '23', 500, 'EUR', '')$$, '22023'),
	('alice', $$SELECT paysafe.request_refund('shop.refund', '23', 5000, 'EUR', 'broken')$$, '22023'),
	('alice', $$SELECT paysafe.request_refund('shop.refund', '999', 500, 'EUR', 'broken')$$, '22023'),
	('alice', $$SELECT paysafe.request_refund('shop.refund', NULL, 500, 'EUR', 'broken')$$, '22004')) v (who, command, expected);
SELECT is((SELECT format('%s|%s|%s|%s|%s|%s|%s|%s|%s/%s|%s', relation, key, payment, amount, currency, status, total_within, threshold, approvals_given, approvals_needed, requested_by) FROM paysafe.pending_approval WHERE payment = '23'),
	'shop.refund||23|500|EUR||500|100|0/1|alice', 'it waits');
SELECT is(pg_temp.approve(23, 500, 'Alice'), '42501 paysafe.approval_record paysafe_approval_record_approval', 'not approved by who asked for it');
SELECT is(pg_temp.approve(23), 'accepted', 'approved');
SELECT is_empty($$SELECT 1 FROM paysafe.pending_approval WHERE payment = '23'$$, 'it waits no more');
SELECT is(pg_temp.send(60, 23, 500, 'alice'), 'accepted', 'who asked for it adds it');
SELECT is_empty($$SELECT 1 FROM paysafe.pending_approval WHERE payment = '23'$$, 'it has been answered');
SELECT is(pg_temp.approve(23, 500, 'alice'), 'accepted', 'the next one is another');
SELECT is(pg_temp.as('alice', format($$SELECT paysafe.request_refund('shop.refund', %L, %s, 'EUR', 'broken')$$, payment, amount)), 'accepted', format('%s of %s asked for', amount, payment))
  FROM (VALUES (25, 300), (25, 500), (26, 300)) v (payment, amount);
SELECT is(pg_temp.approve(25, 400) || pg_temp.send(61, 25, 350, 'alice'), 'acceptedaccepted', 'approved of one payment, and added');
SELECT results_eq($$SELECT payment, amount FROM paysafe.pending_approval WHERE relation = 'shop.refund'::regclass AND payment IN ('25', '26') ORDER BY 1$$,
	$$VALUES ('25', 500::numeric), ('26', 300)$$, 'more than that, and another payment, still wait');
SELECT is(pg_temp.approve(25, 500, 'alice') || pg_temp.approve(25, 300, 'alice'), '42501 paysafe.approval_record paysafe_approval_record_approvalaccepted', 'and are not approved by who asked');
SELECT is(pg_temp.as('alice', $$SELECT paysafe.request_refund('shop.refund', '24', 50, 'EUR', 'broken')$$), 'accepted', 'asked for less than the threshold');
SELECT is_empty($$SELECT 1 FROM paysafe.pending_approval WHERE payment = '24'$$, 'waits for nobody');

-- several approvers
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100, approvers => 2);
SELECT is(pg_temp.approve(20) || pg_temp.approve(20, 600) || pg_temp.send(50, 20), 'acceptedaccepted' || :'needed', 'one person is one, however often');
SELECT is((SELECT array_agg(format('%s %s %s/%s', coalesce(key, '-'), amount, approvals_given, approvals_needed) ORDER BY amount) FROM paysafe.pending_approval
			WHERE relation = 'shop.refund'::regclass AND payment = '20'), ARRAY['- 500 1/2', '- 600 1/2'], 'it waits for another one, and is shown');
SELECT is(pg_temp.approve(20, 550, 'carol') || pg_temp.send(50, 20), 'acceptedaccepted', 'two persons');
SELECT is(pg_temp.states(20), 'used 50, open, used 50', 'one of each is used');
SELECT is(pg_temp.as('clerk', $$INSERT INTO shop.refund VALUES (51, 21, 500, 'EUR', 'requested')$$) || pg_temp.as('boss', $$SELECT paysafe.approve('shop.refund', '51', 'this row')$$) ||
	pg_temp.approve(21, 500, 'carol') || pg_temp.as('clerk', $$UPDATE shop.refund SET status = 'sent' WHERE id = 51$$), 'acceptedacceptedacceptedaccepted', 'one of the row, and one in advance');

-- a payment that several columns name
CREATE TABLE shop.tenant_payment (id int, tenant text, captured numeric, currency text, PRIMARY KEY (tenant, id));
CREATE TABLE shop.tenant_refund (id int PRIMARY KEY, tenant text, payment int, amount numeric, currency text, status text,
	FOREIGN KEY (tenant, payment) REFERENCES shop.tenant_payment (tenant, id));
CREATE INDEX ON shop.tenant_refund (tenant, payment);
INSERT INTO shop.tenant_payment VALUES (1, 'a', 1000, 'EUR'), (1, 'b', 1000, 'EUR'), (2, 'a,b', 1000, 'EUR');
SELECT paysafe.protect_refund('shop.tenant_refund', 'shop.tenant_payment', '{tenant,payment}'::name[], 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.tenant_refund', 'EUR', 100);
SELECT is(pg_temp.as(who, command), expected, command) FROM (VALUES
	('boss', $$SELECT paysafe.approve_refund('shop.tenant_refund', '1', 500, 'EUR', 'ok')$$, '22023'),
	('boss', $$SELECT paysafe.approve_refund('shop.tenant_refund', 'a,x', 500, 'EUR', 'ok')$$, '22023'),
	('boss', $$SELECT paysafe.approve_refund('shop.tenant_refund', 'a,2', 500, 'EUR', 'ok')$$, '22023'),
	('boss', $$SELECT paysafe.approve_refund('shop.tenant_refund', 'a,1', 500, 'EUR', 'ok')$$, 'accepted'),
	('clerk', $$INSERT INTO shop.tenant_refund VALUES (1, 'b', 1, 500, 'EUR', 'sent')$$, '42501 shop.tenant_refund.status paysafe_tenant_refund_approval'),
	('clerk', $$INSERT INTO shop.tenant_refund VALUES (1, 'a', 1, 500, 'EUR', 'sent')$$, 'accepted'),
	('clerk', $$SELECT paysafe.request_refund('shop.tenant_refund', 'a\,b,2', 500, 'EUR', 'broken')$$, 'accepted'),
	('boss', $$SELECT paysafe.approve_refund(relation, payment, amount, currency, 'ok') FROM paysafe.pending_approval WHERE relation = 'shop.tenant_refund'::regclass$$, 'accepted'),
	('clerk', $$INSERT INTO shop.tenant_refund VALUES (2, 'a,b', 2, 500, 'EUR', 'sent')$$, 'accepted')) v (who, command, expected);
SELECT is((SELECT string_agg(payment || ' ' || state || ' ' || key, '; ' ORDER BY id) FROM paysafe.approval WHERE relation = 'shop.tenant_refund'::regclass), 'a,1 used 1; a\,b,2 used 2', 'each by its payment');

-- a rule that names payments otherwise by now: what was asked for before hides nothing
CREATE TABLE shop.numbered (id int PRIMARY KEY, number text UNIQUE, captured numeric, currency text);
INSERT INTO shop.numbered VALUES (1, 'N-1', 1000, 'EUR'), (2, 'N-2', 1000, 'EUR');
CREATE TABLE shop.numbered_refund (id int PRIMARY KEY, number text, payment int, amount numeric, currency text, status text);
SELECT paysafe.protect_refund('shop.numbered_refund', 'shop.numbered', 'number', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT is(pg_temp.as('clerk', $$SELECT paysafe.request_refund('shop.numbered_refund', 'N-1', 500, 'EUR', 'broken')$$) ||
	pg_temp.as('boss', $$SELECT paysafe.approve_refund('shop.numbered_refund', 'N-2', 500, 'EUR', 'ok')$$), 'acceptedaccepted', 'asked for, and approved, by number');
SELECT pg_temp.approved($$SELECT paysafe.protect_refund('shop.numbered_refund', 'shop.numbered', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency')$$);
SELECT is(pg_temp.as('clerk', $$SELECT paysafe.request_refund('shop.numbered_refund', '1', 400, 'EUR', 'broken')$$), 'accepted', 'asked for by id');
SELECT results_eq($$SELECT payment FROM paysafe.pending_approval WHERE relation = 'shop.numbered_refund'::regclass$$, ARRAY['1'], 'the view has what still has a meaning');

-- a rolled back refund has used nothing
SELECT is(pg_temp.approve(22) || pg_temp.approve(22, 500, 'carol'), 'acceptedaccepted', 'approved');
SAVEPOINT s;
SELECT pg_temp.send(52, 22);
ROLLBACK TO s;
SELECT is(pg_temp.states(22), 'open, open', 'as they were');
SELECT is(pg_temp.send(52, 22), 'accepted', 'used after all');

SELECT * FROM finish();
ROLLBACK;
