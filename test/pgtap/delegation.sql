-- Approving in somebody's place: for a time, of rows, by people; never of what either of the two has asked for.
BEGIN;
SELECT plan(46);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text, iban text);
CREATE INDEX ON shop.refund (payment);
INSERT INTO shop.payment SELECT n, 100000, 'EUR' FROM generate_series(1, 99) n;
INSERT INTO shop.refund VALUES (0, 99, 1, 'EUR', 'void');
-- as it comes from a dump: only a passkey breaks it
INSERT INTO paysafe.break_glass_record VALUES (900, 'shop.refund', 'refund', '9', 'Bob', 'app', 'app', '{clerk}', 'fire', 'T-1', now(), now() + interval '1 day');
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.bootstrap_people('Ann', '{}', 'Bob', '{}', 'the first two');
CREATE FUNCTION pg_temp.by_two(command text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE asked record;
BEGIN
	PERFORM paysafe.act_as('Ann'), paysafe.propose('wanted');
	EXECUTE command;
	PERFORM paysafe.propose(NULL);
	SELECT approved_as, key INTO asked FROM paysafe.pending_change ORDER BY id DESC LIMIT 1;
	PERFORM paysafe.act_as('Bob'), paysafe.approve(asked.approved_as, asked.key, 'right');
	PERFORM paysafe.act_as('Ann');
	EXECUTE command;
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
CREATE FUNCTION pg_temp.passes(amount numeric, VARIADIC by text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n int := pg_temp.asks(amount); who text;
BEGIN
	FOREACH who IN ARRAY by LOOP PERFORM pg_temp.approves(who, n); END LOOP;
	RETURN pg_temp.sends(n);
END $$;
CREATE FUNCTION pg_temp.delegates(actor text, whom text, until interval DEFAULT '1 day') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as(actor);
	RETURN pg_temp.refusal(format('SELECT paysafe.delegate_approval(%L, %L, ''away'')', whom, clock_timestamp() + until));
END $$;
CREATE FUNCTION pg_temp.ends(from_ text, whom text) RETURNS boolean LANGUAGE sql AS $$
	SELECT paysafe.end_delegation(max(id), 'back') FROM paysafe.delegation WHERE delegator = from_ AND delegate = whom $$;
\set refused '42501 shop.refund.status paysafe_refund_approval'
\set not_approved '42501 paysafe.approval_record paysafe_approval_record_approval'
SELECT pg_temp.by_two(format('SELECT paysafe.add_person(%L, ''x'')', who)) FROM unnest('{Cy,Di,Ed,Fay}'::text[]) who;
SELECT pg_temp.by_two('SELECT paysafe.add_person(''robot'', ''x'', service => true)');
SELECT pg_temp.by_two(format('SELECT paysafe.add_to_group(%L, ''finance'', ''x'')', who)) FROM unnest('{Bob,Cy}'::text[]) who;
SELECT pg_temp.by_two(format('SELECT paysafe.add_to_group(%L, ''approver'', ''x'')', who)) FROM unnest('{Bob,Cy,Di}'::text[]) who;
SELECT paysafe.act_as('Ann');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100), paysafe.set_refund_threshold('shop.refund', 'EUR', 1000, approver_group => 'finance', band => 'large'),
	   paysafe.set_refund_threshold('shop.refund', 'EUR', 5000, 2, approver_group => 'finance', band => 'huge'),
	   paysafe.set_refund_threshold('shop.refund', 'EUR', 50000, approver_identity => 'proven', band => 'proven');

-- what a delegation is not
SELECT is(pg_temp.delegates('stranger', 'Ed'), :'not_approved', 'who is not registered has nothing to delegate');
SELECT is(pg_temp.delegates('robot', 'Ed'), '42501 paysafe.person_record paysafe_person_record_person', 'a service has not, either');
SELECT is(pg_temp.delegates('Cy', whom), '22023', 'nor to ' || whom) FROM unnest('{stranger,robot,Cy}'::text[]) whom;
SELECT is(pg_temp.delegates('Cy', 'Ed', until), '22023', 'it has an end') FROM unnest('{-1 s,367 days}'::interval[]) until;

-- before, during and after
SELECT pg_temp.asks(2000) AS early \gset
SELECT is(pg_temp.approves('Ed', :early), '42501 paysafe.person_record paysafe_person_record_person', 'who is no approver approves nothing');
SELECT is(pg_temp.approves('Di', :early), :'not_approved', 'who is not in the group, neither');
SELECT is(pg_temp.delegates('Cy', 'Ed'), 'accepted');
SELECT results_eq('SELECT delegator, delegate, state, identity, reason FROM paysafe.delegation', $$VALUES ('Cy', 'Ed', 'in force', 'claimed', 'away')$$, 'on record');
SELECT is(pg_temp.approves('Ed', :early), 'accepted', 'in the place of somebody who may');
SELECT is(pg_temp.sends(:early), 'accepted', '... it passes');
SELECT is(pg_temp.passes(200, 'Ed'), 'accepted', 'smaller ones, too');
SELECT ok(paysafe.may_approve_as('shop.refund', 'finance'), 'a desk is told so') FROM (SELECT paysafe.act_as('Ed') OFFSET 0) a;
-- only approvals are delegated: nobody looks at broken glass, or says no, in somebody's place
CREATE FUNCTION pg_temp.by(actor text, command text) RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.refusal(command) FROM paysafe.act_as(actor) $$;
SELECT pg_temp.asks(2000) AS noed \gset
SELECT is(pg_temp.by('Ed', command), '42501 paysafe.person_record paysafe_person_record_person', command) FROM unnest(ARRAY[
	'SELECT paysafe.review_break_glass(900, ''right'', ''x'')', format('SELECT paysafe.reject(''shop.refund'', ''%s'', ''x'')', :noed)]) command;
SELECT is(pg_temp.by('Di', 'SELECT paysafe.review_break_glass(900, ''right'', ''x'')'), 'accepted', 'an approver does');
SELECT pg_temp.asks(2000, 'Cy') AS own \gset
SELECT is(pg_temp.approves('Ed', :own), :'not_approved', 'not what the delegator asked for');
SELECT is(pg_temp.approves('Ed', pg_temp.asks(2000, 'Ed')), :'not_approved', 'nor what the delegate did');
SELECT is(pg_temp.passes(6000, 'Cy', 'Ed'), :'refused', 'together they are one voice');
SELECT is(pg_temp.passes(6000, 'Ed', 'Cy'), :'refused', '... in whatever order');
SELECT is(pg_temp.passes(6000, 'Bob', 'Ed'), 'accepted', 'with another one they are two');
SELECT is(pg_temp.delegates('Cy', 'Fay'), 'accepted');
SELECT is(pg_temp.passes(6000, 'Ed', 'Fay'), :'refused', 'two in the place of one are one');
SELECT is(pg_temp.passes(60000, 'Bob', 'Ed'), :'refused', 'what asks for better known people is not delegated by less');
SELECT is(left(pg_temp.refusal(format('SELECT paysafe.approve(''paysafe.rule'', %L, ''x'')', 'x')), 5), '22023', 'changes of rules') FROM (SELECT paysafe.act_as('Bob') OFFSET 0) a;

-- no chain, no loop
SELECT is(pg_temp.delegates('Fay', 'Ann'), 'accepted');
SELECT is(left(pg_temp.approves('Ann', pg_temp.asks(2000)), 5), '42501', 'whoever has got it does not pass it on');
SELECT is(pg_temp.delegates('Ann', 'Cy'), '22023', 'by however many hands, it does not come back');
SELECT is(pg_temp.delegates('Ed', 'Cy'), '22023', '... nor directly');
SELECT ok(pg_temp.ends('Fay', 'Ann'), 'once one has ended');
SELECT is(pg_temp.delegates('Ann', 'Cy'), 'accepted', '... another may be');

-- it ends at once
SELECT pg_temp.asks(2000) AS given \gset
SELECT is(pg_temp.approves('Ed', :given), 'accepted');
SELECT ok(pg_temp.ends('Cy', 'Ed'), 'taken back');
SELECT ok(NOT pg_temp.ends('Cy', 'Ed'), '... once');
SELECT is(pg_temp.sends(:given), :'refused', 'what was approved and is not used counts no more');
SELECT is(pg_temp.delegates('Cy', 'Ed'), 'accepted', 'again');
SELECT is(pg_temp.sends(:given), :'refused', '... it does not come back');
SELECT is(pg_temp.approves('Ed', :given), 'accepted', '... but can be given again');
SELECT paysafe.act_as('Ann'), paysafe.remove_from_group('Cy', 'finance', 'moved');
SELECT is(pg_temp.sends(:given), :'refused', 'the delegator is in the group no more');
SELECT pg_temp.by_two('SELECT paysafe.add_to_group(''Cy'', ''finance'', ''x'')');
SELECT pg_temp.asks(2000) AS last \gset
SELECT is(pg_temp.approves('Ed', :last), 'accepted');
SELECT paysafe.act_as('Ann'), paysafe.disable_person('Cy', 'has left');
SELECT is(pg_temp.sends(:last), :'refused', 'the delegator is disabled');
SELECT pg_temp.by_two('SELECT paysafe.enable_person(''Cy'', ''is back'')');
SELECT is(pg_temp.sends(:last), :'refused', '... and enabled');
SELECT is(left(pg_temp.approves('Ed', :last), 5), '42501', '... that delegates nothing');
SELECT results_eq($$SELECT state, count(*)::int FROM paysafe.delegation GROUP BY 1 ORDER BY 1$$, $$VALUES ('ended', 2), ('void', 3)$$, 'shown');
SELECT * FROM finish();
ROLLBACK;
