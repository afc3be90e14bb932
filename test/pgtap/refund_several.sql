-- Several rules of refunds on one table: refunds of orders and of deposits, told apart by a column,
-- whose keys are the same numbers; and refunds that count for a payment and for its order.
BEGIN;
SELECT plan(115);
\ir lib/refusal.psql
\ir lib/approved.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;

CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.deposit (id int PRIMARY KEY, held numeric, currency text);
INSERT INTO shop.payment SELECT i, 100, 'EUR' FROM generate_series(1, 20) i;
INSERT INTO shop.deposit SELECT i, 60, 'EUR' FROM generate_series(1, 20) i;
CREATE TABLE shop.refund (id int PRIMARY KEY, kind text, payment int, deposit int, amount numeric, currency text, status text);
CREATE INDEX ON shop.refund (payment);
CREATE INDEX ON shop.refund (deposit);
CREATE FUNCTION pg_temp.order_rule(rest text DEFAULT '', kinds text DEFAULT '["order"]') RETURNS text LANGUAGE sql AS $$
	SELECT format($d$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent,paid}', '{void}',
		'captured', 'currency', rows => '{"kind": %s}', recorded => '{paid}'%s)$d$, kinds, rest) $$;
CREATE FUNCTION pg_temp.deposit_rule(rest text DEFAULT $$, rule => 'refund_deposit'$$, kinds text DEFAULT '["deposit"]') RETURNS text LANGUAGE sql AS $$
	SELECT format($d$SELECT paysafe.protect_refund('shop.refund', 'shop.deposit', 'deposit', 'amount', 'currency', 'status', '{sent,paid}', '{void}',
		'held', 'currency', rows => '{"kind": %s}', recorded => '{paid}'%s)$d$, kinds, rest) $$;
CREATE FUNCTION pg_temp.add(id int, kind text, of int, amount numeric, status text DEFAULT 'asked') RETURNS text LANGUAGE sql AS $$
	SELECT format('INSERT INTO shop.refund VALUES (%s, %L, %s, %s, %s, ''EUR'', %L)', id, kind,
		coalesce(CASE WHEN kind <> 'deposit' THEN of END::text, 'NULL'), coalesce(CASE WHEN kind <> 'order' THEN of END::text, 'NULL'), amount, status) $$;

-- names
SELECT is(pg_temp.refusal(pg_temp.deposit_rule(format(', rule => %L', name))), '22023', 'no name: ' || name)
  FROM unnest(ARRAY['', 'deposit', 'refund_', 'Refund_x', 'refund-x', 'refund_X', 'refunds', 'refund_' || repeat('x', 60), 'refund_approval', 'refund_x_approval', 'payment', 'status']) name;
SELECT is(pg_temp.refusal(pg_temp.order_rule()), 'accepted', 'the rule without a name of its own');
SELECT is(pg_temp.refusal(pg_temp.order_rule($$, rule => 'refund'$$)), 'accepted', '... which is "refund"');
SELECT is((SELECT max(version) FROM paysafe.rule WHERE relation = 'shop.refund'::regclass), 1, '... so this is no other');
SELECT is(pg_temp.refusal(pg_temp.order_rule($$, rule => 'refund_second'$$)), '22023', 'a second one of the same rows and payments');
SELECT is(pg_temp.refusal(pg_temp.order_rule($$, rule => 'refund_second'$$, '["order", "gift"]')), '22023', '... of some of them');
SELECT is(pg_temp.refusal(pg_temp.order_rule($$, rule => 'refund_second'$$, '{"not": ["gift"]}')), '22023', '... of all but others');
SELECT is(pg_temp.refusal(pg_temp.order_rule($$, rule => 'refund_second', mode => 'observe'$$)), '22023', '... that is only observed');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency', rule => 'refund_second')$$),
	'22023', '... of all rows');
INSERT INTO shop.refund VALUES (900, 'deposit', NULL, 20, 61, 'EUR', 'asked');
SELECT is(pg_temp.refusal(pg_temp.deposit_rule()), '23514 shop.refund paysafe_refund_refund_deposit', 'rows that were there are looked at by their own rule');
DELETE FROM shop.refund;
SELECT is(pg_temp.refusal(pg_temp.deposit_rule()), 'accepted', 'a rule of other rows and payments');
SELECT is(pg_temp.refusal(pg_temp.order_rule($$, rule => 'refund_gift'$$, '["gift"]')), 'accepted', 'a rule of other rows of the same payments');
SELECT is(pg_temp.refusal(pg_temp.order_rule('', '["order", "gift"]')), '22023', 'none takes the rows of another afterwards');
SELECT results_eq($$SELECT rule, reference::text, columns @> '{kind}' FROM paysafe.protection WHERE relation = 'shop.refund'::regclass ORDER BY rule$$,
	$$VALUES ('refund', 'shop.payment', true), ('refund_deposit', 'shop.deposit', true), ('refund_gift', 'shop.payment', true)$$, 'what is in force');

-- thresholds
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 50)$$), 'accepted', 'without a name it is that of "refund"');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 20, rule => 'refund_deposit')$$), 'accepted', 'one by name');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 50, rule => 'refund_gift')$$), 'accepted', 'and another');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 50, rule => 'refund_other')$$), '22023', 'one that is not there');
SELECT results_eq($$SELECT rule FROM paysafe.protection WHERE relation = 'shop.refund'::regclass AND rule LIKE 'threshold%' ORDER BY rule$$,
	$$VALUES ('threshold for EUR'), ('threshold for EUR of refund_deposit'), ('threshold for EUR of refund_gift')$$, 'each is there');

-- the cap: of payment 1 and of deposit 1
\set cap '23R01 shop.refund.amount paysafe_refund_refund'
\set deposit_cap '23R01 shop.refund.amount paysafe_refund_refund_deposit'
\set gift_cap '23R01 shop.refund.amount paysafe_refund_refund_gift'
SELECT is(pg_temp.refusal(pg_temp.add(1, 'order', 1, 100)), 'accepted', 'all of payment 1');
SELECT is(pg_temp.refusal(pg_temp.add(2, 'deposit', 1, 60)), 'accepted', 'all of deposit 1');
SELECT is(pg_temp.refusal(pg_temp.add(3, 'order', 1, 0.01)), :'cap', 'a cent more of the payment');
SELECT is(pg_temp.refusal(pg_temp.add(3, 'deposit', 1, 0.01)), :'deposit_cap', '... of the deposit');
SELECT is(pg_temp.refusal(pg_temp.add(3, 'gift', 1, 0.01)), :'gift_cap', '... of the payment by another rule');
SELECT is(pg_temp.refusal(pg_temp.add(3, 'note', 1, 0.01)), 'accepted', 'a row of no rule');
SELECT is(pg_temp.refusal(pg_temp.add(4, 'deposit', 99, 1)), '23R06 shop.refund.deposit paysafe_refund_refund_deposit', 'no such deposit');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (4, 'deposit', 1, NULL, 1, 'EUR', 'asked')$$), '23R06 shop.refund.deposit paysafe_refund_refund_deposit', 'a payment is none');
SELECT is(pg_temp.refusal(pg_temp.add(5, 'order', 2, 60) || ';' || pg_temp.add(6, 'gift', 2, 41)), :'gift_cap', 'both rules of a payment by one transaction');
SELECT is(pg_temp.refusal(pg_temp.add(5, 'order', 2, 60) || ';' || pg_temp.add(6, 'gift', 2, 40)), 'accepted', '... as much as there is');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET captured = 99 WHERE id = 2$$), '23R01 shop.payment.captured paysafe_payment_refund', 'the captured amount stays above both');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'void' WHERE id = 5$$), 'accepted', 'one is void');
SELECT is(pg_temp.refusal(pg_temp.add(7, 'gift', 2, 60)), 'accepted', '... and leaves room to the other rule');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'asked' WHERE id = 5$$), :'cap', '... which has taken it');
SELECT is(pg_temp.refusal(format('INSERT INTO shop.refund VALUES (8, ''order'', 3, NULL, 60, ''EUR'', ''asked''), (9, ''gift'', 3, NULL, %s, ''EUR'', ''asked'')', amount)),
	CASE WHEN amount > 40 THEN :'cap' ELSE 'accepted' END, 'both rules of a payment by one statement: ' || amount) FROM unnest(ARRAY[41, 40]) amount;
SELECT is(pg_temp.refusal($$DELETE FROM shop.deposit WHERE id = 1$$), '23R07 shop.deposit paysafe_deposit_refund_deposit', 'what has refunds stays');
SELECT is(pg_temp.refusal($$DELETE FROM shop.payment WHERE id = 3$$), '23R07 shop.payment paysafe_payment_refund', '... by each rule');
SELECT is(pg_temp.refusal($$UPDATE shop.deposit SET id = 99 WHERE id = 1$$), '23R03 shop.deposit.id paysafe_deposit_refund_deposit', '... under its key');
SELECT is(pg_temp.refusal($$DELETE FROM shop.deposit WHERE id = 19$$), 'accepted', 'a deposit goes that has none, whatever payment 19 has');
SELECT is(pg_temp.refusal($$DELETE FROM shop.refund WHERE id = 2$$), '23R07 shop.refund paysafe_refund_refund_deposit', 'a refund is deleted by its own rule');

-- no way from one to another
\set kind '23R03 shop.refund.kind paysafe_refund_refund'
SELECT is(pg_temp.refusal('UPDATE shop.refund SET ' || change || ' WHERE id = 1'), :'kind', change) FROM unnest(ARRAY[
	$$kind = 'deposit', payment = NULL, deposit = 2$$, $$kind = 'deposit', deposit = 2$$, $$kind = 'note'$$, $$kind = NULL$$, $$kind = 'gift'$$,
	$$kind = 'deposit', deposit = 2, status = 'void'$$, $$kind = 'note', status = 'void'$$]) change;
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'void' WHERE id = 1; UPDATE shop.refund SET kind = 'deposit', deposit = 2 WHERE id = 1$$), :'kind', 'nor is one that is void another one''s');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET kind = 'order', payment = 4 WHERE id = 2$$), '23R03 shop.refund.kind paysafe_refund_refund_deposit', 'nor back');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (1, 'deposit', NULL, 2, 1, 'EUR', 'asked') ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, deposit = excluded.deposit$$), :'kind', '... by an upsert');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET kind = 'deposit', deposit = 2 WHERE id = 3; UPDATE shop.refund SET amount = 1 WHERE id = 3$$), '23R03 shop.refund.amount paysafe_refund_refund_deposit', 'a row of none becomes one');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET kind = 'deposit', deposit = 1 WHERE id = 3$$), :'deposit_cap', '... if there is room');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET kind = 'deposit', deposit = 2, amount = 21, status = 'sent' WHERE id = 3$$), '42501 shop.refund.status paysafe_refund_refund_deposit_approval', '... and through the gate');

-- the gate: what passed of payment 4 is not what passed of deposit 4
\set gate '42501 shop.refund.status paysafe_refund_approval'
\set deposit_gate '42501 shop.refund.status paysafe_refund_refund_deposit_approval'
\set gift_gate '42501 shop.refund.status paysafe_refund_refund_gift_approval'
SELECT paysafe.act_as('alice');
SELECT is(pg_temp.refusal(pg_temp.add(20, 'order', 4, 50, 'sent')), 'accepted', 'as much as the threshold of the payment');
SELECT is(pg_temp.refusal(pg_temp.add(21, 'deposit', 4, 20, 'sent')), 'accepted', '... of the deposit');
SELECT is(pg_temp.refusal(pg_temp.add(22, 'order', 4, 1, 'sent')), :'gate', 'more of the payment');
SELECT is(pg_temp.refusal(pg_temp.add(22, 'deposit', 4, 1, 'sent')), :'deposit_gate', 'more of the deposit');
SELECT is(pg_temp.refusal(pg_temp.add(22, 'gift', 4, 1, 'sent')), :'gift_gate', 'more of the payment by another rule');
SELECT is(pg_temp.refusal_text(pg_temp.add(22, 'deposit', 4, 1, 'sent'), 'HINT') LIKE
	'%SELECT paysafe.approve_refund(''shop.refund'', ''4'', 1, ''EUR'', ''why it is right'', rule => ''refund_deposit'');', true, 'the hint names the rule');

-- approvals of a row
SELECT is(pg_temp.refusal(pg_temp.add(30, 'deposit', 5, 30) || ';' || pg_temp.add(31, 'order', 5, 60)), 'accepted', 'two are requested');
SELECT results_eq($$SELECT key COLLATE "default", rule, money COLLATE "default" FROM paysafe.pending_approval WHERE relation = 'shop.refund'::regclass AND key IN ('30', '31') ORDER BY key$$,
	$$VALUES ('30', 'refund_deposit', '30 EUR'), ('31', 'refund', '60 EUR')$$, '... and wait');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve('shop.refund', '30', 'mine')$$), '42501 paysafe.approval_record paysafe_approval_record_approval', 'not for who requested it');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve('shop.refund', '3', 'none')$$), '22023', 'nor a row of no rule');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve('shop.refund', '5', 'void')$$), '22023', 'nor one that is void');
SELECT ok(pg_temp.refusal_text($$SELECT paysafe.approve('shop.refund', '21', 'passed')$$, 'DETAIL') LIKE '%passed the gate%', 'nor one that has passed: it says so');
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('shop.refund', '30', 'fine');
SELECT paysafe.act_as('alice');
SELECT results_eq($$SELECT rule, state COLLATE "default" FROM paysafe.approval WHERE relation = 'shop.refund'::regclass$$, $$VALUES ('refund_deposit', 'open')$$, 'it is approved by the rule that holds for it');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'sent' WHERE id = 31$$), :'gate', 'which is no approval of another row');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'sent' WHERE id = 30$$), 'accepted', '... but of this one');
SELECT results_eq($$SELECT rule, state COLLATE "default" FROM paysafe.approval WHERE relation = 'shop.refund'::regclass$$, $$VALUES ('refund_deposit', 'used')$$, '... and used');

-- before the row
SELECT paysafe.request_refund('shop.refund', '6', 40, 'EUR', 'broken', rule => 'refund_deposit');
SELECT results_eq($$SELECT payment COLLATE "default", amount, rule FROM paysafe.pending_approval WHERE relation = 'shop.refund'::regclass AND key IS NULL$$, $$VALUES ('6', 40::numeric, 'refund_deposit')$$, 'asked for');
SELECT paysafe.act_as('bob');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve_refund('shop.refund', '6', 61, 'EUR', 'x', rule => 'refund_deposit')$$), '22023', 'more than is held');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve_refund('shop.refund', '6', 61, 'EUR', 'x')$$), 'accepted', '... is not more than was captured');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve_refund('shop.refund', '6', 61, 'EUR', 'x', rule => 'refund_none')$$), '22023', 'by no rule');
SELECT paysafe.act_as('alice');
SELECT is(pg_temp.refusal(pg_temp.add(40, 'deposit', 6, 40, 'sent')), :'deposit_gate', 'what is approved of a payment is not of the deposit');
SELECT is(pg_temp.refusal(pg_temp.add(40, 'gift', 6, 60, 'sent')), :'gift_gate', '... nor of the payment by another rule');
SELECT is(pg_temp.refusal(pg_temp.add(40, 'order', 6, 60, 'sent')), 'accepted', '... but by this one');
SELECT paysafe.act_as('bob');
SELECT paysafe.approve_refund('shop.refund', '6', 40, 'EUR', 'fine', rule => 'refund_deposit');
SELECT is_empty($$SELECT FROM paysafe.pending_approval WHERE relation = 'shop.refund'::regclass AND key IS NULL$$, 'nothing is asked for any more');
SELECT paysafe.act_as('alice');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET currency = 'USD' WHERE id = 7; DELETE FROM shop.payment WHERE id = 8$$), 'accepted', 'payments change');
SELECT is((SELECT state FROM paysafe.approval WHERE relation = 'shop.refund'::regclass AND amount = 40), 'open', '... which ends nothing of a deposit');
SELECT is(pg_temp.refusal(pg_temp.add(41, 'deposit', 6, 40, 'sent')), 'accepted', 'the approval serves its own');

-- facts
SELECT is(pg_temp.refusal(pg_temp.add(50, 'deposit', 9, 70, 'paid')), 'accepted', 'a fact');
SELECT results_eq($$SELECT key COLLATE "default", rule, sqlstate COLLATE "default" FROM paysafe.breach ORDER BY sqlstate$$, $$VALUES ('50', 'refund_deposit', '23R01'), ('50', 'refund_deposit', '42501')$$, '... is a breach of its rule');

-- many
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund SELECT 1000 + i, CASE i % 3 WHEN 0 THEN 'order' WHEN 1 THEN 'gift' ELSE 'deposit' END, CASE WHEN i % 3 < 2 THEN 10 END, CASE i % 3 WHEN 2 THEN 10 END, 0.1, 'EUR', 'asked'
	FROM generate_series(1, 600) i$$), 'accepted', 'many');
SELECT is(pg_temp.refusal(pg_temp.add(2000, 'gift', 10, 60.01)), :'gift_cap', '... of a payment');
SELECT is(pg_temp.refusal(pg_temp.add(2000, 'deposit', 10, 40.01)), :'deposit_cap', '... of a deposit');
SELECT is(pg_temp.refusal(pg_temp.add(2000, 'gift', 10, 60) || ';' || pg_temp.add(2001, 'deposit', 10, 40)), 'accepted', '... to the full amounts');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'void' WHERE id = 2000$$), 'accepted', '... and back');
SELECT is(pg_temp.refusal(pg_temp.add(2002, 'deposit', 10, 0.01)), :'deposit_cap', 'the room is not the deposit''s');
SELECT is(pg_temp.refusal(pg_temp.add(2002, 'order', 10, 60)), 'accepted', '... but the payment''s');
SELECT is_empty($$SELECT * FROM paysafe.check() WHERE subject = 'shop.refund' AND NOT ok AND check_name IN ('refund_totals', 'rules', 'rule')$$, 'check()');
SELECT results_eq($$SELECT DISTINCT (regexp_match(detail, '^(rule refund\w*: |)(?:nothing|its)'))[1] FROM paysafe.check() WHERE subject = 'shop.refund' AND check_name IN ('captured', 'statuses') ORDER BY 1$$,
	$$VALUES ('rule refund: '), ('rule refund_deposit: '), ('rule refund_gift: ')$$, '... which names rules where there are several');

-- a type and an id: one column refers to either
CREATE TABLE shop.back (id int PRIMARY KEY, of_type text, of_id int, amount numeric, currency text, status text);
CREATE INDEX ON shop.back (of_id);
CREATE FUNCTION pg_temp.typed_rule(type text, payments regclass, captured name, rest text) RETURNS text LANGUAGE sql AS $$
	SELECT format($d$SELECT paysafe.protect_refund('shop.back', %L, 'of_id', 'amount', 'currency', 'status', '{sent}', '{void}', %L, 'currency', payment_key => 'id', rows => %L%s)$d$,
		payments, captured, jsonb_build_object('of_type', ARRAY[type]), rest) $$;
SELECT is(pg_temp.refusal(pg_temp.typed_rule('Payment', 'shop.payment', 'captured', $$, rule => 'refund_payment'$$)), 'accepted', 'the one type');
SELECT is(pg_temp.refusal(pg_temp.typed_rule('Deposit', 'shop.deposit', 'held', $$, rule => 'refund_deposit'$$)), 'accepted', 'the other');
SELECT is(pg_temp.refusal(pg_temp.typed_rule('Gift', 'shop.payment', 'currency', $$, rule => 'refund_gift'$$)), '22023', 'what is captured is the same by all rules of a payment');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.back', 'EUR', 50)$$), '22023', 'which threshold is to be said');
SELECT paysafe.set_refund_threshold('shop.back', 'EUR', 50, rule => 'refund_payment');
SELECT is(pg_temp.refusal($$INSERT INTO shop.back VALUES (1, 'Payment', 11, 100, 'EUR', 'asked'), (2, 'Deposit', 11, 60, 'EUR', 'asked')$$), 'accepted', 'the same id of both');
SELECT is(pg_temp.refusal($$INSERT INTO shop.back VALUES (3, 'Payment', 11, 1, 'EUR', 'asked')$$), '23R01 shop.back.amount paysafe_back_refund_payment', 'no more of the one');
SELECT is(pg_temp.refusal($$INSERT INTO shop.back VALUES (3, 'Deposit', 11, 1, 'EUR', 'asked')$$), '23R01 shop.back.amount paysafe_back_refund_deposit', '... nor of the other');
SELECT is(pg_temp.refusal($$UPDATE shop.back SET of_type = 'Payment' WHERE id = 2$$), '23R03 shop.back.of_type paysafe_back_refund_deposit', 'the type stays');
SELECT is(pg_temp.refusal($$UPDATE shop.back SET of_id = 12 WHERE id = 2$$), '23R03 shop.back.of_id paysafe_back_refund_deposit', '... and the id');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (3000, 'order', 11, NULL, 0.01, 'EUR', 'asked')$$), :'cap', 'of a payment refunds in all tables count, by all rules');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (3000, 'deposit', NULL, 12, 60, 'EUR', 'asked')$$), 'accepted', '... and others do not');
SELECT is(pg_temp.refusal($$INSERT INTO shop.back VALUES (4, 'Payment', 12, 50, 'EUR', 'sent')$$), 'accepted', 'below the one');
SELECT is(pg_temp.refusal($$INSERT INTO shop.back VALUES (5, 'Deposit', 12, 1, 'EUR', 'sent')$$), '23R01 shop.back.amount paysafe_back_refund_deposit', 'the cap goes before the gate');

SELECT * FROM finish();
ROLLBACK;
