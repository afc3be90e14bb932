-- Approvals: by another person, of exactly this, once, in time.
BEGIN;
SELECT plan(95);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_paysafe_app LOGIN;
CREATE ROLE regress_paysafe_blind;
GRANT USAGE ON SCHEMA shop TO regress_paysafe_app, regress_paysafe_blind;

CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text, note text);
CREATE INDEX ON shop.refund (payment);
SELECT paysafe.protect_status('shop.refund', 'status', '
	[*] --> requested
	requested --> reviewed
	requested --> sent
	requested --> void
	reviewed --> sent
	sent --> failed
	failed --> sent');
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status',
							  '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100);
SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 100, 2);
SELECT paysafe.set_refund_threshold('shop.refund', 'GBP', 100, 1, '1 day', '1 microsecond');
GRANT ALL ON shop.payment, shop.refund TO regress_paysafe_app;
GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.approve, paysafe.withdraw_approval TO regress_paysafe_app, regress_paysafe_blind;
INSERT INTO shop.payment SELECT i, 1000, CASE WHEN i < 20 THEN 'EUR' WHEN i < 30 THEN 'USD' ELSE 'GBP' END FROM generate_series(1, 40) i;

\set needed '42501 shop.refund.status paysafe_refund_approval'
\set refused '42501 paysafe.approval_record paysafe_approval_record_approval'

-- Somebody requests refund id, for payment id.
CREATE FUNCTION pg_temp.request(who text, id int, amount numeric DEFAULT 500) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as(who);
	RETURN pg_temp.refusal(format('INSERT INTO shop.refund SELECT %s, %s, %s, currency, ''requested'' FROM shop.payment WHERE id = %s', id, id, amount, id));
END $$;
-- Somebody approves it.
CREATE FUNCTION pg_temp.approve(who text, id int, role name DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as(who);
	RETURN pg_temp.refusal(format('SELECT paysafe.approve(''shop.refund'', %L, ''looked at it'')', id), role);
END $$;
-- Somebody sends it.
CREATE FUNCTION pg_temp.send(who text, id int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as(who);
	RETURN pg_temp.refusal(format('UPDATE shop.refund SET status = ''sent'' WHERE id = %s', id));
END $$;
CREATE FUNCTION pg_temp.states(refund text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(approver || ' ' || state, ', ' ORDER BY id) FROM paysafe.approval
	 WHERE relation = 'shop.refund'::regclass AND key = refund $$;

-- before anybody acts in this transaction: a claim that names nobody is none
SELECT paysafe.act_as(NULL, request_id => 'r-1');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (1, 1, 500, 'EUR', 'requested')$$), 'accepted', 'requested by nobody in particular');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve('shop.refund', '1', 'x')$$), :'refused', 'an approval needs a person');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'sent' WHERE id = 1$$), :'needed', 'no approval');
SELECT matches(pg_temp.refusal_text($$UPDATE shop.refund SET status = 'sent' WHERE id = 1$$, 'HINT'), 'void it, and request another one after paysafe.act_as', '... and nobody can give one');
SELECT is(pg_temp.approve('boss', 1), :'refused', 'over the requester''s login, when the requester named nobody');
SELECT is(pg_temp.approve(session_user, 1), :'refused', 'in the name of that login');
SET LOCAL SESSION AUTHORIZATION regress_paysafe_app;
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (2, 2, 500, 'EUR', 'requested')$$), 'accepted', 'requested as another session user');
RESET SESSION AUTHORIZATION;

-- the hint of the refusal is what to do: void, and request again
SELECT paysafe.act_as('clerk');
UPDATE shop.refund SET status = 'void' WHERE id = 1;
INSERT INTO shop.refund VALUES (101, 1, 500, 'EUR', 'requested');
SELECT is(pg_temp.approve('boss', 101) || pg_temp.send('clerk', 101), 'acceptedaccepted', 'what is requested by somebody instead can be approved');

-- who may approve
SELECT is(pg_temp.request('clerk', 3), 'accepted', 'the clerk requests');
SELECT is(pg_temp.send('clerk', 3), :'needed', '... but does not send');
SELECT is(pg_temp.send('boss', 3), :'needed', 'nor does the boss, who has approved nothing');
SELECT is(pg_temp.approve('clerk', 3), :'refused', 'the clerk cannot approve');
SELECT is(pg_temp.approve('CLERK', 3), :'refused', 'in any spelling');
SELECT is(pg_temp.approve('clerk', 3, 'regress_paysafe_app'), :'refused', 'as another role');
SELECT is(pg_temp.approve('boss', 3, 'regress_paysafe_blind'), '42501', 'nobody approves what they cannot see');
SELECT is(pg_temp.request(session_user, 4), 'accepted', 'somebody requests in the name of a login');
SELECT is(pg_temp.approve('boss', 4), :'refused', 'nobody approves over the requester''s login');
SELECT is(pg_temp.approve('boss', 3), 'accepted', 'the boss can');
SELECT is(pg_temp.approve('boss', 3), 'accepted', '... twice');
SELECT is(pg_temp.send('clerk', 3), 'accepted', 'the clerk sends');
SELECT is(pg_temp.states('3'), 'boss used, boss void', 'one of the approvals is used, and the other one is of no use');

-- what is approved
SELECT is(pg_temp.send('clerk', 3), 'accepted', 'sent already');
UPDATE shop.refund SET status = 'failed' WHERE id = 3;
SELECT is(pg_temp.send('clerk', 3), :'needed', 'the approval left over was for another status');
SELECT is(pg_temp.approve('boss', 3), 'accepted', 'approved again as failed');
SELECT is(pg_temp.send('clerk', 3), 'accepted', '... and sent again');
SELECT is(pg_temp.request('clerk', 5) || pg_temp.request('clerk', 6), 'acceptedaccepted', 'two requests alike');
SELECT is(pg_temp.approve('boss', 5), 'accepted', 'one is approved');
SELECT is(pg_temp.send('clerk', 6), :'needed', 'the other is not');
UPDATE shop.refund SET note = 'nothing to do with it' WHERE id = 5;
UPDATE shop.refund SET status = 'reviewed' WHERE id = 5;
SELECT is(pg_temp.send('clerk', 5), :'needed', 'approved as requested, sent as reviewed');
SELECT paysafe.act_as('boss');
SELECT throws_ok($$SELECT paysafe.approve('shop.refund', '3', 'x')$$, '22023', NULL, 'no approval of what is sent');
UPDATE shop.refund SET status = 'void' WHERE id = 6;
SELECT throws_ok($$SELECT paysafe.approve('shop.refund', '6', 'x')$$, '22023', NULL, 'nor of what is void');
SELECT throws_ok($$SELECT paysafe.approve('shop.refund', '99', 'x')$$, '22023', NULL, 'nor of what is not there');
SELECT throws_ok($$SELECT paysafe.approve('shop.refund', 'x', 'x')$$, '22023', NULL, 'nor of what is no key');
SELECT throws_ok($$SELECT paysafe.approve('shop.payment', '1', 'x')$$, '22023', NULL, 'nor of a payment');
SELECT throws_ok($$SELECT paysafe.approve('paysafe.currency', 'EUR', 'x')$$, '22023', NULL, 'nor of another table');
SELECT throws_ok($$SELECT paysafe.approve('shop.refund', '5', ' ')$$, '22023', NULL, 'nor without a reason');
SELECT throws_ok($$SELECT paysafe.approve('shop.refund', '5', NULL)$$, '22004', NULL, 'reason NULL');
SELECT throws_ok($$SELECT paysafe.approve('shop.refund', NULL, 'x')$$, '22004', NULL, 'key NULL');
SELECT throws_ok($$SELECT paysafe.approve(NULL, '5', 'x')$$, '22004', NULL, 'relation NULL');
SELECT throws_ok($$SELECT paysafe.approve('shop.refund', '5', 'x', NULL, clock_timestamp())$$, '22023', NULL, 'nor one that has expired');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (98, 7, 500, 'EUR', 'sent')$$), '23T02 shop.refund.status paysafe_refund_status', 'added as sent');

-- how long
SELECT is(pg_temp.request('clerk', 8), 'accepted', 'another request');
SELECT lives_ok($$SELECT paysafe.act_as('boss'), paysafe.approve('shop.refund', '8', 'x', NULL, clock_timestamp() + interval '1 s')$$, 'approved for a moment');
SELECT pg_sleep(1.1);
SELECT is(pg_temp.states('8'), 'boss expired', 'the moment is over');
SELECT is(pg_temp.send('clerk', 8), :'needed', '... by the clock, not by the start of the transaction');
SELECT is(pg_temp.request('clerk', 30), 'accepted', 'a currency whose approvals live a microsecond');
SELECT is(pg_temp.approve('boss', 30), 'accepted', 'approved');
SELECT is(pg_temp.send('clerk', 30), :'needed', 'too late');
SELECT is(pg_temp.request('clerk', 9), 'accepted', 'another request');
SELECT lives_ok($$SELECT paysafe.act_as('boss'), paysafe.approve('shop.refund', '9', 'x', NULL, 'infinity')$$, 'approved for ever');
SELECT cmp_ok((SELECT valid_until FROM paysafe.approval WHERE key = '9' AND relation = 'shop.refund'::regclass), '<=', clock_timestamp() + interval '1 hour', '... is not longer than the threshold says');

-- how many
SELECT is(pg_temp.request('clerk', 20), 'accepted', 'one that needs two');
SELECT is(pg_temp.approve('boss', 20), 'accepted', 'one');
SELECT is(pg_temp.send('clerk', 20), :'needed', 'one is not two');
SELECT is(pg_temp.approve('Boss', 20), 'accepted', 'the same person again');
SELECT is(pg_temp.send('clerk', 20), :'needed', 'is still one');
SELECT is(pg_temp.states('20'), 'boss open, Boss open', 'none of them is used up by failing');
SELECT is((SELECT approvals_needed || ' ' || approvals_given FROM paysafe.pending_approval WHERE relation = 'shop.refund'::regclass AND key = '20'), '2 1', '... and the view says so');
SELECT is(pg_temp.approve('chief', 20), 'accepted', 'another person');
SELECT is(pg_temp.send('clerk', 20), 'accepted', 'two');
SELECT is(pg_temp.states('20'), 'boss used, Boss void, chief used', 'one of each is used');

-- nor by a trigger of whoever owns a table, in the name of whoever writes
CREATE TABLE shop.trap (command text);
CREATE FUNCTION shop.trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE NEW.command; RETURN NEW; END $$;
CREATE TRIGGER trap BEFORE INSERT ON shop.trap FOR EACH ROW EXECUTE FUNCTION shop.trap();
SELECT is(pg_temp.request('clerk', 12), 'accepted', 'another request');
SELECT paysafe.act_as('boss');
SELECT is(pg_temp.refusal(format('INSERT INTO shop.trap VALUES (%L)', command)), expected, 'in a trigger: ' || command)
  FROM (VALUES ($$SELECT paysafe.approve('shop.refund', '12', 'x')$$, :'refused'), ($$SELECT paysafe.withdraw_approval(1, 'x')$$, :'refused'),
	($$SELECT paysafe.propose('x')$$, :'refused'), ($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 1000)$$, :'refused'),
	($$SELECT paysafe.act_as('boss', 'as the application says')$$, 'accepted')) v (command, expected);
ALTER FUNCTION shop.trap() SECURITY DEFINER;
SELECT is(pg_temp.refusal($$INSERT INTO shop.trap VALUES ('SELECT paysafe.approve(''shop.refund'', ''12'', ''x'')')$$), 'accepted', 'a SECURITY DEFINER function answers for itself');

-- used, and taken back
SELECT is(pg_temp.request('clerk', 10), 'accepted', 'another request');
SELECT is(pg_temp.approve('boss', 10), 'accepted', 'approved');
SAVEPOINT before;
SELECT is(pg_temp.send('clerk', 10), 'accepted', 'sent');
ROLLBACK TO before;
SELECT is(pg_temp.states('10'), 'boss open', 'what is undone is not used');
SELECT is(pg_temp.refusal($$SELECT paysafe.withdraw_approval(max(id), 'no') FROM paysafe.approval WHERE key = '10'$$), 'accepted', 'withdrawn');
SELECT is(pg_temp.send('clerk', 10), :'needed', 'a withdrawn approval is none');
SELECT is(pg_temp.refusal($$SELECT paysafe.withdraw_approval(max(id), 'no') FROM paysafe.approval WHERE key = '10'$$), :'refused', 'withdrawn twice');
SELECT is(pg_temp.refusal($$SELECT paysafe.withdraw_approval(min(id), 'no') FROM paysafe.approval WHERE key = '3'$$), :'refused', 'withdrawn after it was used');
SELECT throws_ok('SELECT paysafe.withdraw_approval(9000000000, ''no'')', '22023', NULL, 'one that does not exist');

-- a key of several columns: joined by commas
CREATE TABLE shop.composite (a text, b int, payment int, amount numeric, currency text, status text, PRIMARY KEY (a, b));
CREATE INDEX ON shop.composite (payment);
SELECT paysafe.protect_refund('shop.composite', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.act_as('clerk');
INSERT INTO shop.composite VALUES ('x,y', 1, 11, 10, 'EUR', 'requested'), ('x', 1, 11, 10, 'EUR', 'requested'), (E'back\\slash', 2, 11, 10, 'EUR', 'requested');
SELECT paysafe.act_as('boss');
SELECT throws_ok($$SELECT paysafe.approve('shop.composite', 'x', 'x')$$, '22023', NULL, 'a part of the key is none');
SELECT lives_ok($$SELECT paysafe.approve('shop.composite', 'x\,y,1', 'x')$$, 'a comma in it');
SELECT lives_ok($$SELECT paysafe.approve('shop.composite', 'back\\slash,2', 'x')$$, 'a backslash in it');
SELECT is(pg_temp.refusal($$UPDATE shop.composite SET status = 'sent' WHERE a = 'x'$$), '42501 shop.composite.status paysafe_composite_approval', 'the one beside it');
SELECT is(pg_temp.refusal($$UPDATE shop.composite SET status = 'sent' WHERE a <> 'x'$$), 'accepted', 'both of them');

-- changes of rules
SELECT is(pg_temp.refusal(change), '42501 ' || place, change)
  FROM (VALUES
	($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 101)$$, 'shop.refund paysafe_refund_threshold for EUR'),
	($$SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 100, 1)$$, 'shop.refund paysafe_refund_threshold for USD'),
	($$SELECT paysafe.unprotect('shop.refund', 'refund', 'x')$$, 'shop.refund paysafe_refund_refund'),
	($$SELECT paysafe.protect_status('shop.refund', 'status', '[*] --> requested')$$, 'shop.refund paysafe_refund_status')) v (change, place);
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 99)$$), 'accepted', 'tightening needs nobody');
CREATE FUNCTION pg_temp.key_of(change text) RETURNS text LANGUAGE sql AS $$
	SELECT substring(pg_temp.refusal_text(change, 'HINT') FROM '''paysafe.rule'', ''(.*)'', ''why') $$;
CREATE TEMP TABLE change AS SELECT pg_temp.key_of($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 200)$$) AS key;
SELECT lives_ok($$SELECT paysafe.act_as('dba'), paysafe.approve('paysafe.rule', key, 'mine') FROM change$$, 'the dba approves a change');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 200)$$), '42501 shop.refund paysafe_refund_threshold for EUR', '... but cannot make it');
SELECT lives_ok($$SELECT paysafe.act_as('boss'), paysafe.approve('paysafe.rule', key, 'agreed') FROM change$$, 'the boss approves it, too');
SELECT is((SELECT pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 300)$$) FROM paysafe.act_as('dba')), '42501 shop.refund paysafe_refund_threshold for EUR', 'not for another amount');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 200)$$), 'accepted', 'for this one');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100); SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 200)$$), '42501 shop.refund paysafe_refund_threshold for EUR', 'and once');

SELECT is_empty($$SELECT a.id FROM paysafe.approval a JOIN paysafe.refund_event e ON e.relation = a.relation AND e.refund = a.key AND e.event = 'requested'
	WHERE a.state = 'used' AND lower(a.approver) = lower(coalesce(e.actor, e.session_user_name))$$, 'nobody''s own approval was ever used');
SELECT is_empty($$SELECT e.refund FROM paysafe.refund_event e WHERE e.event = 'gated' AND e.approvals > 0 AND e.approvals >
	(SELECT count(DISTINCT lower(a.approver)) FROM paysafe.approval a WHERE a.relation = e.relation AND a.key = e.refund AND a.state = 'used')$$, 'as many approvals were used as were needed');

SELECT * FROM finish();
ROLLBACK;
