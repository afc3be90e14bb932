-- Breaking the glass: what another person says of it afterwards, and what check() says until
-- then.  That only a passkey breaks it is in test/passkey.
BEGIN;
SELECT plan(33);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON shop.refund (payment);
-- as they come from a dump
INSERT INTO paysafe.break_glass_record VALUES
	(1, 'shop.refund', 'refund', '1', 'boss', 'app', 'app', '{clerk}', 'fire', 'T-1', now() - interval '2 days', now() - interval '1 day'),
	(2, 'shop.refund', 'refund', '2', 'boss', 'app', 'app', '{clerk}', 'fire', 'T-2', now(), now() + interval '1 day');
INSERT INTO paysafe.break_glass_record VALUES
	(3, 'shop.refund', 'refund', '3', 'boss', 'app', 'app', '{clerk}', 'fire', 'T-3', now(), now() + interval '1 day', 'passkey'),
	(4, 'shop.refund', 'refund', '4', 'boss', 'app', 'app', '{clerk}', 'fire', 'T-4', now(), now() + interval '1 day', 'proven');
-- what let nothing pass: void, or never used
INSERT INTO paysafe.break_glass_record SELECT n, 'shop.refund', 'refund', n::text, 'boss', 'app', 'app', '{clerk}', 'fire', 'T', now() - interval '2 days', now() - interval '1 day' FROM generate_series(5, 6) n;
INSERT INTO paysafe.approval_end (approval, outcome, actor, session_user_name, at) VALUES (1, 'used', 'app', 'app', now()), (5, 'void', 'app', 'app', now());
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency'),
	   paysafe.set_refund_threshold('shop.refund', 'EUR', 100);
INSERT INTO shop.payment VALUES (1, 1000, 'EUR');

\set refused '42501 paysafe.break_glass_record paysafe_break_glass_record_break_glass'
CREATE FUNCTION pg_temp.as(who text, command text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(command) FROM paysafe.act_as(who) $$;

SELECT is((SELECT format('%s %s', subject, ok) FROM paysafe.check() WHERE check_name = 'break_glass'), 'shop.refund f', 'nobody has looked at one in time');
SELECT matches((SELECT detail FROM paysafe.check() WHERE check_name = 'break_glass'), 'let 1 row pass.* row 1:.*review_break_glass\(1,', 'at which');
SELECT is(pg_temp.as(who, format('SELECT paysafe.review_break_glass(1, %L, %L)', verdict, reason)), expected, format('%s says %s', who, verdict)) FROM (VALUES
	('Boss', 'right', 'x', :'refused'), ('CLERK', 'right', 'x', :'refused'), ('auditor', 'maybe', 'x', '22023'),
	('auditor', 'right', ' ', '22023')) v (who, verdict, reason, expected);
SELECT is(pg_temp.refusal($$SELECT paysafe.act_as(NULL), paysafe.review_break_glass(1, 'right', 'x')$$), '42501 paysafe.approval_record paysafe_approval_record_approval', 'nobody says nothing');
SELECT is(pg_temp.as('auditor', $$SELECT paysafe.review_break_glass(9, 'right', 'x')$$), '22023', 'it was not broken');
SELECT is(pg_temp.as('auditor', $$SELECT paysafe.review_break_glass(1, 'wrong', 'card 4111111111111111', 'T-9')$$), 'accepted', 'another person says');
SELECT is((SELECT format('%s|%s|%s|%s', broken_by, verdict, reviewed_by, review_ticket) FROM paysafe.break_glass_use WHERE id = 1), 'boss|wrong|auditor|T-9', 'on record');
SELECT ok((SELECT review_reason NOT LIKE '%4111111111111111%' FROM paysafe.break_glass_use WHERE id = 1), 'redacted');
SELECT is((SELECT count(*) FROM paysafe.audit_log WHERE table_name = 'break_glass_review'), 1::bigint, 'the audit log has it');
SELECT is(pg_temp.as('chief', $$SELECT paysafe.review_break_glass(1, 'right', 'x')$$), :'refused', 'once');
SELECT ok((SELECT ok FROM paysafe.check() WHERE check_name = 'break_glass'), 'the other one has time');

-- known as well as an approval would have needed
SELECT is(pg_temp.as('auditor', format('SELECT paysafe.review_break_glass(%s, ''right'', ''x'')', id)), :'refused', 'a claim looks at nothing that takes ' || level)
  FROM (VALUES (3, 'a passkey'), (4, 'a token')) v (id, level);
SELECT is(pg_temp.refusal_text($$SELECT paysafe.review_break_glass(3, 'right', 'x')$$, 'MESSAGE'), 'looking at this needs identity "passkey"', '... and is told so');
SELECT is((SELECT reviewer_needs FROM paysafe.break_glass_use WHERE id = 4), 'proven', '... as the view does');

-- it is allowed by two, of whom one signs
SELECT is(pg_temp.as('dba', format('SELECT paysafe.set_break_glass(%s, ''x'')', arguments)), expected, arguments) FROM (VALUES
	($$'shop.refund', '1 hour'$$, '42501 shop.refund paysafe_refund_break-glass'), ($$'shop.refund', '1 second'$$, '22023'), ($$'shop.refund', '31 days'$$, '22023'),
	($$'shop.payment', '1 hour'$$, '22023'), ($$'shop.refund', NULL$$, 'accepted')) v (arguments, expected);
SELECT paysafe.act_as('dba'), paysafe.propose('nights'), paysafe.set_break_glass('shop.refund', '1 hour', 'nights'), paysafe.propose(NULL);
SELECT is((SELECT rule FROM paysafe.pending_change), 'break-glass', 'proposed');
SELECT is(pg_temp.as('boss', $$SELECT paysafe.approve('paysafe.rule', key, 'x') FROM paysafe.pending_change$$) ||
	pg_temp.as('dba', $$SELECT paysafe.set_break_glass('shop.refund', '1 hour', 'nights')$$), 'accepted42501 shop.refund paysafe_refund_break-glass', 'a claim is no signature');
SELECT is(pg_temp.as('clerk', $$INSERT INTO shop.refund VALUES (1, 1, 500, 'EUR', 'requested')$$) || pg_temp.as('boss', $$SELECT paysafe.break_glass_challenge('shop.refund', '1')$$),
	'accepted' || :'refused', 'otherwise nobody alone lets anything pass');

-- is anybody left who can approve?
CREATE FUNCTION pg_temp.left_over() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s %s %s', subject, ok, detail), '; ') FROM paysafe.check() WHERE check_name = 'approvers' $$;
SELECT is(pg_temp.left_over(), NULL, 'anybody can');
SELECT paysafe.bootstrap_people('Ann', '{}', 'Bob', '{}', 'x');
SELECT paysafe.act_as('Ann'), paysafe.propose('x'), paysafe.add_to_group('Ann', 'approver', 'x'), paysafe.add_to_group('Bob', 'approver', 'x'), paysafe.propose(NULL);
SELECT paysafe.act_as('Bob'), (SELECT count(paysafe.approve(approved_as, key, 'x')) FROM paysafe.pending_change WHERE rule = 'people');
SELECT paysafe.act_as('Ann'), paysafe.add_to_group('Ann', 'approver', 'x'), paysafe.add_to_group('Bob', 'approver', 'x');
SELECT is(pg_temp.left_over(), 'shop.refund t ', 'two of one');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100, 2);
SELECT paysafe.disable_person('Bob', 'x');
SELECT is(pg_temp.left_over(), 'shop.refund f 1 of 2 people are left who can approve 100 EUR', 'one of two');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100, 2, approver_identity => 'passkey');
SELECT is(pg_temp.left_over(), 'shop.refund f 0 of 2 people are left who can approve 100 EUR', 'nobody has a passkey');
SELECT is(pg_temp.as('Ann', $$SELECT paysafe.disable_person('Ann', 'x')$$), 'accepted', 'the last one disables everybody');

SELECT is(pg_temp.refusal(command), expected, command) FROM (VALUES
	($$UPDATE paysafe.break_glass_record SET review_until = 'infinity'$$, '42501 paysafe.break_glass_record paysafe_break_glass_record_own_table'),
	($$DELETE FROM paysafe.break_glass_review$$, '42501 paysafe.break_glass_review paysafe_break_glass_review_own_table')) v (command, expected);
SELECT * FROM finish();
ROLLBACK;
