-- Rejections: one no counts more than any number of approvals, of what was asked for,
-- however its row is called by then.
BEGIN;
SELECT plan(127);
\ir lib/refusal.psql
\ir lib/approved.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_paysafe_blind;
GRANT USAGE ON SCHEMA shop TO regress_paysafe_blind;
GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.reject TO regress_paysafe_blind;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text, note text);
CREATE INDEX ON shop.refund (payment);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status',
							  '{sent,paid}', '{void}', 'captured', 'currency', recorded => '{paid}', deletable => true);
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100);
INSERT INTO shop.payment SELECT i, 9000, 'EUR' FROM generate_series(1, 40) i;

\set rejected '42501 shop.refund.status paysafe_refund_approval'
\set refused '42501 paysafe.approval_record paysafe_approval_record_approval'

CREATE FUNCTION pg_temp.as(who text, command text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(command) FROM paysafe.act_as(who) $$;
CREATE FUNCTION pg_temp.request(id int, payment int, amount numeric DEFAULT 500, who text DEFAULT 'clerk') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as(who, format('INSERT INTO shop.refund VALUES (%s, %s, %s, ''EUR'', ''requested'')', id, payment, amount)) $$;
CREATE FUNCTION pg_temp.approve(id int, who text DEFAULT 'boss') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as(who, format('SELECT paysafe.approve(''shop.refund'', %L, ''checked'')', id)) $$;
CREATE FUNCTION pg_temp.reject(id int, who text DEFAULT 'auditor') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as(who, format('SELECT paysafe.reject(''shop.refund'', %L, ''not returned'', ''T-9'')', id)) $$;
CREATE FUNCTION pg_temp.send(id int) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as('worker', format('UPDATE shop.refund SET status = ''sent'' WHERE id = %s', id)) $$;
CREATE FUNCTION pg_temp.withdraw(who text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as(who, format('SELECT paysafe.withdraw_rejection(%s, ''it came back'')', (SELECT max(id) FROM paysafe.rejection))) $$;

-- a no, and taking it back
SELECT is(pg_temp.request(1, 1) || pg_temp.approve(1) || pg_temp.reject(1), 'acceptedacceptedaccepted', 'one approves, another rejects');
SELECT is(pg_temp.send(1), :'rejected', 'the no counts');
SELECT is(pg_temp.approve(1, 'boss 2') || pg_temp.approve(1, 'boss 3') || pg_temp.send(1), 'acceptedaccepted' || :'rejected', 'whoever else approves');
SELECT is(pg_temp.refusal_text($$UPDATE shop.refund SET status = 'sent' WHERE id = 1$$, 'MESSAGE'), 'refund "1" is rejected', 'it says so');
SELECT matches(pg_temp.refusal_text($$UPDATE shop.refund SET status = 'sent' WHERE id = 1$$, 'DETAIL'), '^"auditor" has said no: not returned \(rejection \d+\)\.$', 'who, and why');
SELECT matches(pg_temp.refusal_text($$UPDATE shop.refund SET status = 'sent' WHERE id = 1$$, 'HINT'), 'paysafe\.withdraw_rejection\(\d+', 'and the way out');
SELECT is((SELECT format('%s|%s|%s|%s|%s|%s|%s|%s|%s', relation, key, payment, amount, currency, rule, state, rejected_by, ticket) FROM paysafe.rejection),
	'shop.refund|1|1|500|EUR|refund|standing|auditor|T-9', 'on record');
SELECT is((SELECT format('%s %s', approvals_given, rejected_by) FROM paysafe.pending_approval WHERE key = '1'), '3 auditor', 'it waits no more for approvals, and is shown');
SELECT is((SELECT string_agg(op, '' ORDER BY seq) FROM paysafe.audit_log WHERE table_name = 'rejection_record'), 'INSERT', 'the audit log has it');
SELECT is(pg_temp.withdraw('boss'), '42501 paysafe_rejection', 'another one does not take it back');
SELECT is(pg_temp.withdraw('clerk'), :'refused', 'who requested it even less');
SELECT is(pg_temp.withdraw('Auditor'), 'accepted', 'the same person does, in any spelling');
SELECT is(pg_temp.withdraw('auditor'), :'refused', 'once');
SELECT is((SELECT format('%s|%s|%s', state, ended_by, end_reason) FROM paysafe.rejection), 'withdrawn|Auditor|it came back', 'also on record');
SELECT is((SELECT count(*) FROM paysafe.audit_log WHERE table_name = 'rejection_end'), 1::bigint, 'and in the audit log');
SELECT is((SELECT count(*) FROM paysafe.pending_approval WHERE key = '1'), 0::bigint, 'nothing is missing any more');
SELECT is(pg_temp.send(1), 'accepted', 'what was approved counts again');
SELECT is(pg_temp.reject(1), '22023', 'what has passed is not rejected');
SELECT is(pg_temp.as('x', $$SELECT paysafe.withdraw_rejection(-1, 'x')$$), '22023', 'no such rejection');

-- two say no: both have to take it back
SELECT is(pg_temp.request(2, 2) || pg_temp.approve(2) || pg_temp.reject(2, 'one') || pg_temp.reject(2, 'two'), 'acceptedacceptedacceptedaccepted', 'two reject');
SELECT is(pg_temp.withdraw('two') || pg_temp.send(2), 'accepted' || :'rejected', 'one of them takes it back');

-- what was approved by nobody who would be needed
SELECT is(pg_temp.request(3, 3, 50) || pg_temp.reject(3) || pg_temp.send(3), 'acceptedaccepted' || :'rejected', 'below the threshold, too');
SELECT is((SELECT count(*) FROM paysafe.pending_approval WHERE key = '3'), 0::bigint, 'it waits for nobody');
SELECT pg_temp.approved($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 5000)$$);
SELECT is(pg_temp.send(2), :'rejected', 'a higher threshold is no yes');
SELECT pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100)$$);

-- edited, called otherwise, begun again
SELECT is(pg_temp.request(4, 4) || pg_temp.reject(4), 'acceptedaccepted', 'a refund is rejected');
SELECT is(pg_temp.as('clerk', change) || pg_temp.approve(4) || pg_temp.send(4), 'acceptedaccepted' || :'rejected', change) FROM (VALUES
	($$UPDATE shop.refund SET note = 'now with a note' WHERE id = 4$$),
	($$UPDATE shop.refund SET status = 'void' WHERE id = 4; UPDATE shop.refund SET status = 'requested' WHERE id = 4$$),
	($$DELETE FROM shop.refund WHERE id = 4; INSERT INTO shop.refund VALUES (4, 4, 500, 'EUR', 'requested')$$)) v (change);
SELECT is(pg_temp.request(5, 4) || pg_temp.approve(5) || pg_temp.send(5), 'acceptedaccepted' || :'rejected', 'the same under another key');
SELECT is((SELECT rejected_by FROM paysafe.pending_approval WHERE key = '5'), 'auditor', 'which is shown with it');
SELECT is(pg_temp.as('clerk', $$INSERT INTO shop.refund VALUES (6, 4, 600, 'EUR', 'sent')$$), :'rejected', 'added as sent');
SELECT is(pg_temp.as('boss', $$SELECT paysafe.approve_refund('shop.refund', '4', 600, 'EUR', 'checked')$$) ||
	pg_temp.as('clerk', $$INSERT INTO shop.refund VALUES (6, 4, 600, 'EUR', 'sent')$$), 'accepted' || :'rejected', 'approved in advance');
SELECT is(pg_temp.request(56, 4, 300) || pg_temp.approve(56) || pg_temp.send(56), 'acceptedacceptedaccepted', 'less is another request');
SELECT is(pg_temp.request(57, 7) || pg_temp.approve(57) || pg_temp.send(57), 'acceptedacceptedaccepted', 'so is another payment');

-- another request that waited at the same time
SELECT is(pg_temp.request(8, 8, 300) || pg_temp.request(9, 8, 300) || pg_temp.reject(9), 'acceptedacceptedaccepted', 'the second one was a duplicate');
SELECT is(pg_temp.approve(8) || pg_temp.send(8), 'acceptedaccepted', 'the first one was not');
SELECT is(pg_temp.approve(9) || pg_temp.send(9), 'accepted' || :'rejected', 'the duplicate stays rejected');

-- before the row is there
SELECT is(pg_temp.as('clerk', $$SELECT paysafe.request_refund('shop.refund', '10', 700, 'EUR', 'broken')$$) ||
	pg_temp.as('auditor', $$SELECT paysafe.reject_refund('shop.refund', '10', 700, 'EUR', 'not broken')$$), 'acceptedaccepted', 'a refund without a row is rejected');
SELECT is((SELECT format('%s %s', amount, rejected_by) FROM paysafe.pending_approval WHERE payment = '10'), '700 auditor', 'shown');
SELECT is(pg_temp.as('boss', $$SELECT paysafe.approve_refund('shop.refund', '10', 800, 'EUR', 'checked')$$) ||
	pg_temp.as('clerk', $$INSERT INTO shop.refund VALUES (10, 10, 700, 'EUR', 'sent')$$), 'accepted' || :'rejected', 'as much does not pass');
SELECT is(pg_temp.as('clerk', $$INSERT INTO shop.refund VALUES (10, 10, 699, 'EUR', 'sent')$$), 'accepted', 'less does');
SELECT is(pg_temp.as('clerk', $$SELECT paysafe.reject_refund('shop.refund', '10', 700, 'USD', 'x')$$), '22023', 'of a payment in its currency');

-- facts are stored
SELECT is(pg_temp.request(11, 11) || pg_temp.approve(11) || pg_temp.reject(11) || pg_temp.as('webhook', $$UPDATE shop.refund SET status = 'paid' WHERE id = 11$$),
	'acceptedacceptedacceptedaccepted', 'paid all the same');
SELECT is((SELECT string_agg(message || ' ' || sqlstate, ', ') FROM paysafe.breach WHERE key = '11'), 'refund "11" is rejected 42501', 'and a breach');
SELECT is((SELECT string_agg(event, ' ' ORDER BY step) FROM paysafe.refund_event WHERE refund = '11'), 'requested recorded', 'it has not passed the gate');
SELECT is((SELECT state FROM paysafe.approval WHERE key = '11'), 'void', 'nor used the approval');

-- who says no
SELECT is(pg_temp.request(12, 12) || pg_temp.reject(12, 'clerk'), 'acceptedaccepted', 'who has requested it, too');
SELECT is(pg_temp.refusal($$SELECT paysafe.act_as(NULL), paysafe.reject('shop.refund', '12', 'x')$$), :'refused', 'nobody does not');
SELECT is(pg_temp.refusal_text($$SELECT paysafe.act_as(NULL), paysafe.reject('shop.refund', '12', 'x')$$, 'MESSAGE'), 'a rejection needs a person', 'it says so');
SELECT is(pg_temp.refusal_text($$SELECT paysafe.reject_refund('shop.refund', '12', 9999, 'EUR', 'x') FROM paysafe.act_as('boss')$$, 'HINT'), 'At most what is captured can be refunded.', 'and why not more');
SELECT is(pg_temp.as('boss', $$SELECT paysafe.reject('shop.refund', '12', '  ')$$), '22023', 'not without a reason');
SELECT is(pg_temp.as('boss', $$SELECT paysafe.reject('shop.refund', '999', 'x')$$), '22023', 'nothing that is not there');
SELECT is(pg_temp.as('boss', $$SELECT paysafe.reject('shop.payment', '1', 'x')$$), '22023', 'no payment');
SELECT is(pg_temp.refusal($$SELECT paysafe.reject('shop.refund', '12', 'x') FROM paysafe.act_as('boss')$$, 'regress_paysafe_blind'), '42501', 'nobody who may not read the table');
SELECT is(pg_temp.as('boss', $$SELECT paysafe.reject('shop.refund', '12', 'card 4111111111111111')$$), 'accepted', 'a reason');
SELECT ok((SELECT reason NOT LIKE '%4111111111111111%' FROM paysafe.rejection ORDER BY id DESC LIMIT 1), 'is redacted');

-- taken back by two others, of whom none has asked for it
SELECT is(pg_temp.request(13, 13) || pg_temp.approve(13) || pg_temp.reject(13, 'gone'), 'acceptedacceptedaccepted', 'rejected by somebody who has left');
CREATE FUNCTION pg_temp.lift(command text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as('boss');
	PERFORM paysafe.propose('has left');
	EXECUTE command;
	PERFORM paysafe.propose(NULL);
END $$;
SELECT format('SELECT paysafe.withdraw_rejection(%s, ''has left'')', max(id)) AS lift FROM paysafe.rejection \gset
SELECT pg_temp.lift(:'lift');
SELECT is((SELECT count(*) FROM paysafe.rejection WHERE state = 'standing' AND rejected_by = 'gone'), 1::bigint, 'proposed is not taken back');
SELECT is(pg_temp.as('clerk', $$SELECT paysafe.approve(approved_as, key, 'mine') FROM paysafe.pending_change WHERE rule = 'rejection'$$), :'refused', 'who requested the refund does not approve that');
SELECT is(pg_temp.as('boss', :'lift'), '42501 paysafe_rejection', 'nor does it need nobody');
SELECT is(pg_temp.as('director', $$SELECT paysafe.approve('paysafe.rejection_record', key, 'has left') FROM paysafe.pending_change WHERE rule = 'rejection'$$), 'accepted', 'another one approves');
SELECT is(pg_temp.as('boss', :'lift') || pg_temp.send(13), 'acceptedaccepted', 'taken back');

-- changes of rules
SELECT paysafe.act_as('dba'), paysafe.propose('season');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 900);
SELECT paysafe.propose(NULL);
\set raise 'SELECT paysafe.set_refund_threshold(''shop.refund'', ''EUR'', 900)'
SELECT key AS change FROM paysafe.pending_change WHERE rule = 'threshold for EUR' \gset
SELECT is(pg_temp.as('boss', format('SELECT paysafe.approve(''paysafe.rule'', %L, ''agreed'')', :'change')), 'accepted', 'a change is approved');
SELECT is(pg_temp.as('auditor', format('SELECT paysafe.reject(''paysafe.rule'', %L, ''too much'')', :'change')), 'accepted', 'and rejected');
SELECT is(pg_temp.as('dba', :'raise'), '42501 paysafe.rule paysafe_rule_threshold for EUR', 'it is not made');
SELECT is(paysafe.change_rejected_by('paysafe.rule', :'change'), 'auditor', 'by whom');
SELECT is(pg_temp.as('dba', replace(:'raise', '900', '100, 2')) || pg_temp.as('dba', replace(:'raise', '900', '100, 2')), 'acceptedaccepted', 'the rule gets another version');
SELECT is(pg_temp.as('dba', replace(:'raise', '900', '900, 2')), '42501 shop.refund paysafe_refund_threshold for EUR', 'another change waits for its own approval');
SELECT is(pg_temp.withdraw('auditor'), 'accepted', 'taken back');
SELECT is(paysafe.change_rejected_by('paysafe.rule', :'change'), NULL, 'and is gone');

SELECT is(pg_temp.as('auditor', format('SELECT paysafe.reject(''paysafe.rule'', %L, ''too much'')', regexp_replace(:'change', '900', '901'))), '22023', 'what nobody has proposed is not rejected');

-- the same change in other words
CREATE FUNCTION pg_temp.propose(command text, who text DEFAULT 'dba') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	PERFORM paysafe.act_as(who), paysafe.propose('why');
	answer := pg_temp.refusal(command);
	PERFORM paysafe.propose(NULL);
	RETURN answer;
END $$;
CREATE FUNCTION pg_temp.settle(verb text, who text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as(who, format('SELECT paysafe.%s(%L, %L, ''seen'')', verb, approved_as, key))
	  FROM paysafe.pending_change ORDER BY id DESC LIMIT 1 $$;
\set much 'SELECT paysafe.set_refund_threshold(''shop.refund'', ''EUR'', 5000)'
\set much_2 'SELECT paysafe.set_refund_threshold(''shop.refund'', ''eur'', 5000)'
\set less 'SELECT paysafe.set_refund_threshold(''shop.refund'', ''EUR'', 99, 2)'
SELECT is(pg_temp.propose(:'much') || pg_temp.settle('reject', 'auditor'), 'acceptedaccepted', 'a threshold is rejected');
SELECT is(pg_temp.as('dba', :'less'), 'accepted', 'it is lowered');
SELECT is(pg_temp.propose(:'much') || pg_temp.settle('approve', 'boss') || pg_temp.as('dba', :'much'), 'acceptedaccepted42501 paysafe.rule paysafe_rule_threshold for EUR', 'the rejected one instead of another one');
SELECT is(pg_temp.propose(:'much_2') || pg_temp.settle('approve', 'boss') || pg_temp.as('dba', :'much_2'), 'acceptedaccepted42501 paysafe.rule paysafe_rule_threshold for eur', 'in another spelling');
SELECT is(pg_temp.withdraw('auditor') || pg_temp.as('dba', :'much'), 'acceptedaccepted', 'until it is taken back');

-- for another reason, in a longer text
\set window 'SELECT paysafe.open_maintenance(''more'', ''T-1'', ''1 hour'', ''{shop.refund}'')'
\set window_2 'SELECT paysafe.open_maintenance(''more please'', ''T-2'', ''1 hour'', ''{shop.refund}'')'
SELECT is(pg_temp.propose(:'window') || pg_temp.settle('reject', 'auditor'), 'acceptedaccepted', 'a window is rejected');
SELECT is(pg_temp.propose(replace(:'window_2', 'please', repeat('please ', 60))) || pg_temp.settle('approve', 'boss') ||
	pg_temp.as('dba', replace(:'window_2', 'please', repeat('please ', 60))), 'acceptedaccepted42501 paysafe.maintenance_record paysafe_maintenance_record_maintenance', 'for whatever reason');
SELECT is(pg_temp.withdraw('auditor'), 'accepted', 'that is over');

-- who has proposed it
SELECT pg_temp.propose(replace(:'much', '5000', '6000')), pg_temp.propose(replace(:'much', '5000', '6000'), 'mal');
SELECT is(pg_temp.settle('reject', 'mal'), 'accepted', 'one of two who have proposed it rejects it');
SELECT is((SELECT rejected_by FROM paysafe.pending_change ORDER BY id DESC LIMIT 1), NULL, 'the other one has not');
SELECT is(pg_temp.settle('approve', 'boss') || pg_temp.as('mal', replace(:'much', '5000', '6000')), 'accepted42501 paysafe.rule paysafe_rule_threshold for EUR', 'that is a no to itself');
SELECT is(pg_temp.as('dba', replace(:'much', '5000', '6000')), 'accepted', 'and to nobody else');
SELECT pg_temp.as('dba', replace(:'much', '5000', '100'));

-- taking back cannot be rejected
SELECT is(pg_temp.request(20, 20) || pg_temp.reject(20), 'acceptedaccepted', 'a refund is rejected');
SELECT format('SELECT paysafe.withdraw_rejection(%s, ''it is right'')', max(id)) AS lift, max(id) AS rejection FROM paysafe.rejection \gset
SELECT is(pg_temp.as('auditor', format('SELECT paysafe.reject(''paysafe.rejection_record'', ''rejection: %s is taken back'', ''n'')', :rejection)), '22023', 'not in advance');
SELECT is(pg_temp.propose(:'lift', 'boss') || pg_temp.settle('reject', 'auditor'), 'accepted22023', 'nor once it is proposed');

-- nor by who has asked, whatever has become of that
SELECT is(pg_temp.settle('approve', 'clerk'), :'refused', 'who requested the refund does not approve that');
SELECT is(pg_temp.as('clerk', change) || pg_temp.as('clerk', :'lift'), 'accepted' || :'refused', change) FROM (VALUES
	($$UPDATE shop.refund SET status = 'void' WHERE id = 20$$),
	($$DELETE FROM shop.refund WHERE id = 20$$)) v (change);
SELECT is(pg_temp.settle('approve', 'clerk'), :'refused', 'nor approves it');
SELECT is(pg_temp.request(220, 20, 50, 'dan') || pg_temp.settle('approve', 'dan'), 'accepted' || :'refused', 'nor who has asked since');
SELECT is(pg_temp.settle('approve', 'director') || pg_temp.as('boss', :'lift'), 'acceptedaccepted', 'two others do');
SELECT is(pg_temp.request(21, 21) || pg_temp.as('auditor', $$SELECT paysafe.reject_refund('shop.refund', '21', 500, 'EUR', 'no')$$), 'acceptedaccepted', 'rejected before its row, which is there');
SELECT format('SELECT paysafe.withdraw_rejection(%s, ''it is right'')', max(id)) AS lift FROM paysafe.rejection \gset
SELECT is(pg_temp.as('clerk', :'lift'), :'refused', 'who requested it takes that back as little');

-- who asked for it says no to that alone
SELECT is(pg_temp.request(22, 22, 300) || pg_temp.as('mal', $$SELECT paysafe.request_refund('shop.refund', '22', 0.01, 'EUR', 'x')$$) ||
	pg_temp.as('mal', $$SELECT paysafe.reject_refund('shop.refund', '22', 0.01, 'EUR', 'x')$$), 'acceptedacceptedaccepted', 'a request of next to nothing is taken back');
SELECT is((SELECT string_agg(format('%s %s', key, rejected_by), ', ' ORDER BY key) FROM paysafe.pending_approval WHERE payment = '22'), '22 ', 'nothing else of the payment is rejected');
SELECT is(pg_temp.approve(22) || pg_temp.send(22), 'acceptedaccepted', 'and it passes');
SELECT is(pg_temp.request(23, 23, 0.01, 'mal') || pg_temp.reject(23, 'mal') || pg_temp.request(24, 23, 80) || pg_temp.send(24), 'acceptedacceptedacceptedaccepted', 'nor later ones, of who rejects a row');
SELECT is(pg_temp.send(23), :'rejected', 'the row is');

-- in every table of the payment
CREATE TABLE shop.refund_2 (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON shop.refund_2 (payment);
SELECT paysafe.protect_refund('shop.refund_2', 'shop.payment', 'payment', 'amount', 'currency', 'status',
							  '{sent,paid}', '{void}', 'captured', 'currency', deletable => true);
SELECT paysafe.set_refund_threshold('shop.refund_2', 'EUR', 100);
SELECT is(pg_temp.request(25, 25) || pg_temp.reject(25) || pg_temp.as('clerk', 'DELETE FROM shop.refund WHERE id = 25'), 'acceptedacceptedaccepted', 'rejected in one table');
SELECT is(pg_temp.as('clerk', $$INSERT INTO shop.refund_2 VALUES (1, 25, 500, 'EUR', 'requested')$$), 'accepted', 'requested in another one');
SELECT is((SELECT rejected_by FROM paysafe.pending_approval WHERE payment = '25'), 'auditor', 'which is shown');
SELECT is(pg_temp.as('boss', $$SELECT paysafe.approve('shop.refund_2', '1', 'checked')$$) ||
	pg_temp.as('clerk', $$UPDATE shop.refund_2 SET status = 'sent' WHERE id = 1$$), 'accepted42501 shop.refund_2.status paysafe_refund_2_approval', 'and does not pass');
SELECT is(pg_temp.as('clerk', $$INSERT INTO shop.refund_2 VALUES (2, 25, 50, 'EUR', 'sent')$$), '42501 shop.refund_2.status paysafe_refund_2_approval', 'nor does less by itself');

-- less takes a yes that was given after the no
SELECT is(pg_temp.as('boss', $$SELECT paysafe.approve_refund('shop.refund', '26', 60, 'EUR', 'checked')$$) ||
	pg_temp.request(26, 26, 300) || pg_temp.reject(26), 'acceptedacceptedaccepted', 'the refund of a payment is rejected');
SELECT is(pg_temp.request(27, 26, 50) || pg_temp.send(27), 'accepted' || :'rejected', 'below the threshold, too, nothing of it passes by itself');
SELECT is(pg_temp.refusal_text($$UPDATE shop.refund SET status = 'sent' WHERE id = 27$$, 'MESSAGE'), 'refund "27" of 50 EUR needs the approval of a second person', 'it says what is missing');
SELECT matches(pg_temp.refusal_text($$UPDATE shop.refund SET status = 'sent' WHERE id = 27$$, 'DETAIL'), '^To another one of the same "auditor" has said no \(rejection \d+\): it takes an approval that was given after that\. 0 of 1 ', 'and why');
SELECT is((SELECT format('%s of %s %s', approvals_given, approvals_needed, rejected_by) FROM paysafe.pending_approval WHERE key = '27'), '0 of 1 ', 'it waits');
SELECT is(pg_temp.approve(27) || pg_temp.send(27), 'acceptedaccepted', 'a yes after the no lets it pass');
SELECT is(pg_temp.request(28, 26, 50) || pg_temp.send(28), 'accepted' || :'rejected', 'once');

-- a refund of a column that rises
CREATE TABLE shop.charge (id int PRIMARY KEY, amount numeric, refunded numeric, currency text);
SELECT paysafe.protect_refund('shop.charge', 'shop.charge', 'id', 'refunded', 'currency', amounts => 'running');
SELECT paysafe.set_refund_threshold('shop.charge', 'EUR', 100);
INSERT INTO shop.charge VALUES (1, 900, 0, 'EUR');
SELECT is(pg_temp.as('auditor', $$SELECT paysafe.reject_refund('shop.charge', '1', 60, 'EUR', 'no')$$), 'accepted', 'what a column says is rejected');
SELECT is(pg_temp.refusal_text('UPDATE shop.charge SET refunded = 60', 'MESSAGE'), 'refund of payment "1" is rejected', 'as a refund');
SELECT is(pg_temp.refusal_text('UPDATE shop.charge SET refunded = 50', 'MESSAGE'), 'refund of 50 EUR of payment "1" needs the approval of a second person', 'less waits for a yes');

-- who reads it
GRANT SELECT ON paysafe.rejection TO regress_paysafe_blind;
SET LOCAL ROLE regress_paysafe_blind;
SELECT is((SELECT count(*) FROM paysafe.rejection WHERE payment IS NOT NULL), 0::bigint, 'nobody who may not read the tables');
RESET ROLE;

-- who takes back one's own no is known as well as an approval asks for, also if that is asked since, and of a change
SELECT is(pg_temp.request(60, 30) || pg_temp.reject(60), 'acceptedaccepted', 'a no while a claim approves');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100, approver_identity => 'passkey');
SELECT is(left(pg_temp.withdraw('auditor'), 5), '42501', 'is not taken back by a claim once only passkeys approve');
SELECT paysafe.act_as('dba'), paysafe.propose('x'), paysafe.set_refund_threshold('shop.refund', 'EUR', 200, approver_identity => 'passkey'), paysafe.propose(NULL);
SELECT is(pg_temp.as('auditor', $$SELECT paysafe.reject('paysafe.rule', key, 'no') FROM paysafe.pending_change WHERE rule LIKE 'threshold%'$$), 'accepted', 'a claim says no to a change that takes a passkey');
SELECT is(left(pg_temp.withdraw('auditor'), 5), '42501', '... and does not take it back');
-- and as they were known when saying it
SELECT is(pg_temp.request(61, 31) || pg_temp.as('clerk', $$SELECT paysafe.reject_refund('shop.refund', '32', 500, 'EUR', 'x')$$), 'acceptedaccepted', 'a claim says no to a refund without a row');
SELECT is((SELECT state FROM paysafe.rejection ORDER BY id DESC LIMIT 1), 'standing', 'it stands');
SELECT is(left(pg_temp.withdraw('clerk'), 5), '42501', '... and a claim does not take it back, where it takes a passkey');

-- what a table is called does not matter
CREATE TABLE shop.order_refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON shop.order_refund (payment);
SELECT paysafe.protect_refund('shop.order_refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency'),
	paysafe.set_refund_threshold('shop.order_refund', 'EUR', 100);
SELECT paysafe.act_as('dba'), paysafe.propose('x'), paysafe.set_refund_threshold('shop.order_refund', 'EUR', 300), paysafe.propose(NULL);
SELECT is(pg_temp.as('auditor', $$SELECT paysafe.reject('paysafe.rule', key, 'no') FROM paysafe.pending_change WHERE relation = 'shop.order_refund'::regclass$$), 'accepted', 'a change is rejected');
ALTER TABLE shop.order_refund RENAME TO refund_of_order;
SELECT paysafe.act_as('dba'), paysafe.propose('y'), paysafe.set_refund_threshold('shop.refund_of_order', 'EUR', 300), paysafe.propose(NULL);
SELECT is((SELECT string_agg(DISTINCT coalesce(rejected_by, 'nobody'), ' ') FROM paysafe.pending_change WHERE relation = 'shop.refund_of_order'::regclass), 'auditor', 'its table is renamed, and it is proposed anew: the no is of that, too');
SELECT is(pg_temp.as('boss', $$SELECT paysafe.approve('paysafe.rule', key, 'x') FROM paysafe.pending_change WHERE relation = 'shop.refund_of_order'::regclass$$) || ' ' ||
	left(pg_temp.as('dba', $$SELECT paysafe.set_refund_threshold('shop.refund_of_order', 'EUR', 300)$$), 5), 'accepted 42501', '... and nobody''s yes counts');

-- own tables
SELECT is(pg_temp.refusal(command), expected, command) FROM (VALUES
	($$UPDATE paysafe.rejection_record SET amount = 9999$$, '42501 paysafe.rejection_record paysafe_rejection_record_own_table'),
	($$INSERT INTO paysafe.rejection_end SELECT id, 'x', 'x', 'x', now() FROM paysafe.rejection_record$$, '42501 paysafe.rejection_end paysafe_rejection_end_own_table')) v (command, expected);

SELECT * FROM finish();
ROLLBACK;
