-- Several thresholds of a currency: what holds above which sum, for whose approvals, whatever changes in between.
BEGIN;
SELECT plan(78);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text, iban text);
CREATE INDEX ON shop.refund (payment);
INSERT INTO shop.payment SELECT n, 100000, CASE WHEN n < 90 THEN 'EUR' ELSE 'USD' END FROM generate_series(1, 99) n;
INSERT INTO shop.refund VALUES (0, 99, 1, 'USD', 'void');
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status',
							  '{sent,paid}', '{void}', 'captured', 'currency', recorded => '{paid}');
SELECT paysafe.bootstrap_people('Ann', '{}', 'Bob', '{}', 'the first two');
-- what Ann asks for and Bob approves
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
-- a refund of its own payment that waits, and whether it passes once these have approved it
CREATE SEQUENCE shop.number START 10;
CREATE FUNCTION pg_temp.asks(amount numeric, of int DEFAULT NULL, actor text DEFAULT 'clerk') RETURNS int LANGUAGE plpgsql AS $$
DECLARE n int := nextval('shop.number');
BEGIN
	PERFORM paysafe.act_as(actor);
	INSERT INTO shop.refund SELECT n, p.id, $1, p.currency, 'requested' FROM shop.payment p WHERE p.id = coalesce(of, n);
	RETURN n;
END $$;
CREATE FUNCTION pg_temp.approves(actor text, n int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as(actor);
	RETURN pg_temp.refusal(format('SELECT paysafe.approve(''shop.refund'', ''%s'', ''x'')', n));
END $$;
CREATE FUNCTION pg_temp.sends(n int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as('clerk');
	RETURN pg_temp.refusal(format('UPDATE shop.refund SET status = ''sent'' WHERE id = %s', n));
END $$;
CREATE FUNCTION pg_temp.passes(amount numeric, VARIADIC by text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n int := pg_temp.asks(amount); who text;
BEGIN
	FOREACH who IN ARRAY by LOOP PERFORM pg_temp.approves(who, n); END LOOP;
	RETURN pg_temp.sends(n);
END $$;
\set refused '42501 shop.refund.status paysafe_refund_approval'
SELECT pg_temp.by_two(format('SELECT paysafe.add_person(%L, ''x'')', who)) FROM unnest('{Cy,Di,Ed}'::text[]) who;
SELECT pg_temp.by_two(format('SELECT paysafe.add_to_group(%L, ''finance'', ''x'')', who)) FROM unnest('{Bob,Cy}'::text[]) who;

-- one more band is set by one person, and asks above its amount only
SELECT paysafe.act_as('Ann');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 500);
SELECT lives_ok($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 5000, 2, approver_group => 'finance', band => 'large')$$, 'one more band is no loosening');
SELECT is(pg_temp.passes(500, 'nobody at all'), 'accepted', 'up to the first');
SELECT is(pg_temp.passes(501, 'clerk'), :'refused', 'above it');
SELECT is(pg_temp.passes(5000, 'Di'), 'accepted', '... by anybody else, up to the second');
SELECT is(pg_temp.passes(5001, 'Bob'), :'refused', 'above that two');
SELECT is(pg_temp.passes(5001, 'Bob', 'Di'), :'refused', '... of the group');
SELECT is(pg_temp.passes(5001, 'Bob', 'Cy'), 'accepted', '... both');
SELECT is(pg_temp.approves('Di', pg_temp.asks(5001)), '42501 paysafe.approval_record paysafe_approval_record_approval', 'who is not in it is told so');
SELECT is(pg_temp.approves('stranger', pg_temp.asks(5001)), '42501 paysafe.approval_record paysafe_approval_record_approval', 'nor is who is not registered');
SELECT results_eq($$SELECT e.amount, e.bands, e.approvals FROM paysafe.refund_event e WHERE event = 'gated' ORDER BY at$$,
	$$VALUES (500::numeric, NULL::text[], 0), (5000, '{""}', 1), (5001, '{"",large}', 2)$$, 'what each was above is on record');
SELECT results_eq($$SELECT amount, band, threshold, exceeded, approver_group FROM paysafe.refund_threshold ORDER BY amount, threshold$$,
	$$VALUES (500::numeric, NULL::text, 500::numeric, false, NULL::text), (500, 'large', 5000, false, 'finance'), (5000, NULL, 500, true, NULL), (5000, 'large', 5000, false, 'finance'),
		(5001, NULL, 500, true, NULL), (5001, 'large', 5000, true, 'finance')$$, '... and shown');

-- split into several, they are together above it
SELECT is(pg_temp.passes(4000, 'Di'), 'accepted', 'a part');
SELECT pg_temp.asks(1001, id) AS rest FROM (SELECT max(payment) AS id FROM shop.refund WHERE status = 'sent') p \gset
SELECT is(pg_temp.approves('Di', :rest), '42501 paysafe.approval_record paysafe_approval_record_approval', 'the rest is above the second with it');
SELECT is(pg_temp.sends(:rest), :'refused', '... and does not pass');
SELECT results_eq(format('SELECT threshold, band, total_within, approvals_needed, approvals_given, approver_groups FROM paysafe.pending_approval WHERE key = ''%s''', :rest),
	$$VALUES (5000::numeric, 'large', 5001::numeric, 2, 0, '{finance}'::text[])$$, '... but waits for two of the group');
SELECT pg_temp.approves('Bob', :rest), pg_temp.approves('Cy', :rest);
SELECT is(pg_temp.sends(:rest), 'accepted', '... who are enough');

-- approved below a band, and above it by the time it passes
SELECT pg_temp.asks(3000) AS one \gset
SELECT pg_temp.asks(3000, :one) AS two \gset
SELECT pg_temp.approves('Di', :one), pg_temp.approves('Di', :two);
SELECT is(pg_temp.sends(:one), 'accepted', 'the first of two that were approved apart');
SELECT is(pg_temp.sends(:two), :'refused', '... the second is above the band with it');

-- people who leave the group, or are disabled
SELECT pg_temp.asks(6000) AS one \gset
SELECT pg_temp.approves('Bob', :one), pg_temp.approves('Cy', :one);
SELECT paysafe.remove_from_group('Cy', 'finance', 'x');
SELECT is(pg_temp.sends(:one), :'refused', 'who has left the group approves nothing of before');
SELECT pg_temp.by_two($$SELECT paysafe.add_to_group('Cy', 'finance', 'x')$$);
SELECT is(pg_temp.sends(:one), :'refused', '... nor when back');
SELECT is(pg_temp.approves('Cy', :one), 'accepted', '... but again');
SELECT is(pg_temp.sends(:one), 'accepted', '... that counts');
SELECT pg_temp.asks(6000) AS one \gset
SELECT pg_temp.approves('Bob', :one), pg_temp.approves('Cy', :one);
SELECT paysafe.act_as('Ann'), paysafe.disable_person('Cy', 'x');
SELECT is(pg_temp.sends(:one), :'refused', 'who is disabled approves nothing');
SELECT pg_temp.by_two($$SELECT paysafe.enable_person('Cy', 'x')$$);
SELECT paysafe.remove_from_group('Cy', 'finance', 'x'), paysafe.remove_from_group('Bob', 'finance', 'x');
SELECT is(pg_temp.approves('Di', :one), '42501 paysafe.approval_record paysafe_approval_record_approval', 'a group of nobody is not one of everybody');
SELECT is(pg_temp.sends(:one), :'refused', '... and lets nothing pass');
SELECT pg_temp.by_two(format('SELECT paysafe.add_to_group(%L, ''finance'', ''x'')', who)) FROM unnest('{Bob,Cy}'::text[]) who;
SELECT pg_temp.approves('Bob', :one), pg_temp.approves('Cy', :one);
SELECT is(pg_temp.sends(:one), 'accepted', '... until somebody is in it');

-- who approves in advance
SELECT paysafe.act_as('Di');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve_refund('shop.refund', '1', 6000, 'EUR', 'x')$$), '42501 paysafe.approval_record paysafe_approval_record_approval', 'nobody else before the row, either');
SELECT lives_ok($$SELECT paysafe.approve_refund('shop.refund', '1', 5000, 'EUR', 'x')$$, '... of what is below it');
SELECT paysafe.act_as('Bob'), paysafe.approve_refund('shop.refund', '1', 6000, 'EUR', 'x');
SELECT results_eq($$SELECT band, approvals_needed, approvals_given FROM paysafe.pending_approval WHERE key IS NULL AND payment = '1'$$,
	$$VALUES ('large', 2, 1)$$, '... which waits for the second one');
SELECT paysafe.act_as('Cy'), paysafe.approve_refund('shop.refund', '1', 6000, 'EUR', 'x');
SELECT paysafe.act_as('clerk');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (1001, 1, 6000, 'EUR', 'sent')$$), 'accepted', '... and passes by both');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (1002, 1, 1, 'EUR', 'sent')$$), :'refused', 'what follows is above it, too');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (1003, 2, 6000, 'EUR', 'paid')$$), 'accepted', 'a fact is stored');
SELECT is((SELECT count(*)::int FROM paysafe.breach WHERE key = '1003' AND settled_at IS NULL), 1, '... and is a breach');

-- a band that comes between request and gate, and another life
SELECT pg_temp.asks(900) AS one \gset
SELECT is(pg_temp.approves('Di', :one), 'accepted', 'approved');
SELECT paysafe.act_as('Ann'), paysafe.set_refund_threshold('shop.refund', 'EUR', 800, valid_for => '30 minutes', approver_identity => 'proven', band => 'middle');
SELECT is(pg_temp.sends(:one), :'refused', 'a band that has come since asks for more');
SELECT results_eq(format('SELECT band, approver_identity, approvals_given FROM paysafe.pending_approval WHERE key = ''%s''', :one), $$VALUES ('middle', 'proven', 0)$$, '... which is shown');

-- an approval of a change of one band is of no other
SELECT paysafe.act_as('Ann'), paysafe.propose('x'), paysafe.set_refund_threshold('shop.refund', 'EUR', 5500, 2, approver_group => 'finance', band => 'large'), paysafe.propose(NULL);
SELECT paysafe.act_as('Bob'), paysafe.approve(approved_as, key, 'x') FROM paysafe.pending_change WHERE rule = 'threshold for EUR band large';
SELECT is((SELECT state FROM paysafe.approval WHERE relation = 'paysafe.rule'::regclass ORDER BY id DESC LIMIT 1), 'open', 'a change that is approved');
SELECT paysafe.act_as('Ann'), paysafe.set_refund_threshold('shop.refund', 'EUR', 799, valid_for => '30 minutes', approver_identity => 'proven', band => 'middle');
SELECT is((SELECT state FROM paysafe.approval WHERE relation = 'paysafe.rule'::regclass ORDER BY id DESC LIMIT 1), 'open', '... whatever becomes of another band');
SELECT is(left(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 801, valid_for => '30 minutes', approver_identity => 'proven', band => 'middle')$$), 5), '42501', '... for which it is not');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 4999, 2, approver_group => 'finance', band => 'large');
SELECT is((SELECT state FROM paysafe.approval WHERE relation = 'paysafe.rule'::regclass ORDER BY id DESC LIMIT 1), 'outdated', '... until the band has changed');
SELECT is(pg_temp.by_two($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 5000, 2, approver_group => 'finance', band => 'large')$$), 'raises the threshold from 4999 EUR to 5000 EUR', '... back by two');

-- what is less takes two
SELECT paysafe.act_as('Ann');
SELECT is(left(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', $$ || args || $$)$$), 5), '42501', args)
  FROM unnest('{"5001, 2, approver_group => ''finance'', band => ''large''", "5000, 1, approver_group => ''finance'', band => ''large''", "5000, 2, band => ''large''",
	"5000, 2, approver_group => ''others'', band => ''large''", "NULL, band => ''large''", "NULL, band => ''middle''", "501"}'::text[]) args;
SELECT is(pg_temp.by_two($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 6000, 1, band => 'large')$$),
	'raises the threshold from 5000 EUR to 6000 EUR; lowers the approvers from 2 to 1; lets approvals count of who is not in the group finance', 'by two it is');
SELECT is(pg_temp.by_two($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', NULL, band => 'large')$$), 'takes away what is asked above 6000 EUR', '... taken away, too');
SELECT results_eq($$SELECT version, definition, approved_by, valid_until IS NULL FROM paysafe.rule_history WHERE rule = 'threshold for EUR band large' ORDER BY version$$,
	$$VALUES (1, 'above 5000 EUR within 24:00:00 2 approval(s) of finance, valid for 01:00:00', NULL, false), (2, 'above 4999 EUR within 24:00:00 2 approval(s) of finance, valid for 01:00:00', NULL, false), (3, 'above 5000 EUR within 24:00:00 2 approval(s) of finance, valid for 01:00:00', 'Bob', false),
		(4, 'above 6000 EUR within 24:00:00 1 approval(s), valid for 01:00:00', 'Bob', false),
		(5, 'taken away', 'Bob', true)$$, '... which is its history');
SELECT is_empty($$SELECT FROM paysafe.protection WHERE rule = 'threshold for EUR band large'$$, '... and it is not in force');
SELECT paysafe.act_as('Ann');
SELECT lives_ok($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 5000, 2, approver_group => 'finance', requester_identity => 'proven', band => 'large')$$, 'it may come again');
SELECT is((SELECT definition FROM paysafe.protection WHERE rule = 'threshold for EUR band large'),
	'refunds of a payment above 5000 EUR within 24:00:00 need 2 approval(s) of finance, valid for 01:00:00, requested by proven', '... as it is said now');
SELECT is(left(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 5000, 2, approver_group => 'finance', band => 'large')$$), 5), '42501', 'less known requesters take two');
SELECT is(left(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 5000, 2, approver_group => 'finance', requester_identity => 'session', band => 'large')$$), 5), '42501', '... one level, too');

-- who has asked is known too little
SELECT pg_temp.asks(7000) AS one \gset
SELECT is(pg_temp.approves('Bob', :one), '42501 paysafe.approval_record paysafe_approval_record_approval', 'what cannot pass is not approved');
SELECT is(pg_temp.sends(:one), :'refused', '... and does not pass');
SELECT is(pg_temp.refusal_text(format('UPDATE shop.refund SET status = ''sent'' WHERE id = %s', :one), 'DETAIL'),
	format('Refunds of payment "%s" within 24:00:00 would total 7000 EUR; the threshold of band large is 5000 EUR. "clerk" wrote it with identity "claimed", and it takes "proven".', :one), '... for a reason');
SELECT results_eq(format('SELECT band, requester_identity, requested_by FROM paysafe.pending_approval WHERE key = ''%s''', :one), $$VALUES ('large', 'proven', 'clerk')$$, '... and waits for nothing that would help');
SELECT is(pg_temp.refusal(format('UPDATE shop.refund SET status = ''paid'' WHERE id = %s', :one)), 'accepted', 'a fact is one all the same');

-- other currencies
SELECT is(pg_temp.sends(pg_temp.asks(1, 90)), :'refused', 'without a threshold each needs an approval');
SELECT is(pg_temp.approves('Di', pg_temp.asks(1, 91)), '42501 paysafe.approval_record paysafe_approval_record_approval', '... of whom any other currency asks for');
SELECT paysafe.act_as('Ann');
SELECT is(left(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 1000)$$), 5), '42501', 'the first one takes two where others ask who');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'USD', NULL, band => 'x')$$), '22023', 'what is not there is not taken away');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'USD', NULL)$$), '22004', 'nor the one without a name');

-- who may approve what, for who acts now
SELECT paysafe.act_as('Di');
SELECT results_eq($$SELECT currency, band, above, approvers, approver_group, approver_identity, requester_identity, yours FROM paysafe.approval_limit WHERE relation = 'shop.refund'::regclass ORDER BY above$$,
	$$VALUES ('EUR', NULL::text, 500::numeric, 1, NULL::text, NULL::text, NULL::text, true), ('EUR', 'middle', 799, 1, NULL, 'proven', NULL, true), ('EUR', 'large', 5000, 2, 'finance', NULL, 'proven', false)$$, 'limits');
SELECT paysafe.act_as('Cy');
SELECT is((SELECT yours FROM paysafe.approval_limit WHERE band = 'large'), true, '... of a member');
SELECT paysafe.act_as('Ann'), paysafe.disable_person('Ed', 'x');
SELECT is((SELECT bool_or(yours) FROM paysafe.approval_limit), true, '... of another person');
SELECT paysafe.act_as(NULL);
SELECT is((SELECT bool_or(yours) FROM paysafe.approval_limit), false, '... of nobody');

-- columns that rise, and payouts
CREATE TABLE shop.bill (id int PRIMARY KEY, captured numeric, back numeric DEFAULT 0, currency text);
SELECT paysafe.protect_payment('shop.bill', NULL, 'captured', 'captured', 'currency');
SELECT paysafe.protect_refund('shop.bill', NULL, 'id', 'back', amounts => 'running');
SELECT paysafe.set_refund_threshold('shop.bill', 'EUR', 100), paysafe.set_refund_threshold('shop.bill', 'EUR', 200, 2, approver_group => 'finance', band => 'large');
INSERT INTO shop.bill SELECT n, 1000, 0, 'EUR' FROM generate_series(1, 3) n;
SELECT paysafe.act_as('Di'), paysafe.approve_refund('shop.bill', '1', 150, 'EUR', 'x'), paysafe.act_as('clerk');
SELECT is(pg_temp.refusal('UPDATE shop.bill SET back = 150 WHERE id = 1'), 'accepted', 'a rise above the first');
SELECT is(pg_temp.refusal('UPDATE shop.bill SET back = 201 WHERE id = 1'), '42501 shop.bill.back paysafe_bill_approval', '... and above the second');
SELECT paysafe.act_as('Bob'), paysafe.approve_refund('shop.bill', '1', 51, 'EUR', 'x'), paysafe.act_as('Cy'), paysafe.approve_refund('shop.bill', '1', 51, 'EUR', 'x'), paysafe.act_as('clerk');
SELECT is(pg_temp.refusal('UPDATE shop.bill SET back = 201 WHERE id = 1'), 'accepted', '... which takes two of the group');
SELECT results_eq($$SELECT e.amount, e.bands FROM paysafe.refund_event e WHERE relation = 'shop.bill'::regclass ORDER BY step$$,
	$$VALUES (150::numeric, '{""}'::text[]), (51, '{"",large}')$$, '... and is on record');
CREATE TABLE shop.payout (id int, region text, merchant text, amount numeric, currency text, status text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.payout_eu PARTITION OF shop.payout FOR VALUES IN ('eu');
CREATE TABLE shop.payout_us PARTITION OF shop.payout FOR VALUES IN ('us');
CREATE INDEX ON shop.payout (merchant);
SELECT paysafe.protect_refund('shop.payout', NULL, 'merchant', 'amount', 'currency', 'status', gated => '{sent}', void => '{void}');
SELECT paysafe.set_refund_threshold('shop.payout', 'EUR', 100), paysafe.set_refund_threshold('shop.payout', 'EUR', 200, 2, approver_group => 'finance', "within" => '7 days', band => 'large');
INSERT INTO shop.payout VALUES (1, 'eu', 'm', 100, 'EUR', 'sent');
INSERT INTO shop.payout VALUES (2, 'us', 'm', 101, 'EUR', 'requested'), (3, 'us', 'n', 101, 'EUR', 'requested');
SELECT paysafe.act_as('Di');
SELECT is(left(pg_temp.refusal($$SELECT paysafe.approve('shop.payout', '2', 'x')$$), 5), '42501', 'payouts of one reference add up over partitions');
SELECT lives_ok($$SELECT paysafe.approve('shop.payout', '3', 'x')$$, '... not those of another');
SELECT paysafe.act_as('Bob'), paysafe.approve('shop.payout', '2', 'x'), paysafe.act_as('Cy'), paysafe.approve('shop.payout', '2', 'x'), paysafe.act_as('clerk');
SELECT is(pg_temp.refusal($$UPDATE shop.payout SET status = 'sent' WHERE id = 2$$), 'accepted', '... and pass by two of the group');
SELECT is(pg_temp.refusal($$UPDATE shop.payout SET status = 'sent' WHERE id = 3$$), 'accepted', '... or by anybody');
SELECT * FROM finish();
ROLLBACK;
