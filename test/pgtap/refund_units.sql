-- Refunds in other units than their payments', statuses within jsonb, conditions over amounts.
BEGIN;
SELECT plan(46);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.charge (id text PRIMARY KEY, status text, dollars numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, charge text REFERENCES shop.charge, cents bigint, currency text, data jsonb);
CREATE INDEX ON shop.refund (charge);
SELECT paysafe.protect_payment('shop.charge', 'status', 'dollars', currency_column => 'currency', captured => '{succeeded}');
CREATE FUNCTION pg_temp.declare_refund(more text, status text DEFAULT $$'data', status_path => '{status}'$$) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(format($d$SELECT paysafe.protect_refund('shop.refund', 'shop.charge', 'charge', 'cents', 'currency', %s, gated => '{sent,paid}', void => '{failed}'%s)$d$, status, more)) $$;
SELECT is(pg_temp.declare_refund(''), '22023', 'cents are no dollars');
SELECT is(pg_temp.declare_refund($$, units => 'pennies'$$), '22023', 'no such units');
SELECT is(pg_temp.declare_refund($$, units => 'minor'$$, $$'data'$$), '22023', 'jsonb is no status');
SELECT is(pg_temp.declare_refund($$, units => 'minor'$$, $$'currency', status_path => '{status}'$$), '22023', 'nothing stands within a text');
SELECT is(pg_temp.declare_refund($$, units => 'minor'$$, $$'data', status_path => '{}'$$), '22023', 'a path has keys');
SELECT is(pg_temp.declare_refund($$, units => 'minor'$$), 'accepted', 'said to be cents');
SELECT is((SELECT definition FROM paysafe.protection WHERE relation = 'shop.refund'::regclass),
	'sum of cents in units that are minor by charge <= what is captured of charge; data.status paid, sent needs approval above the threshold; failed does not count', 'in words');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 60.005)$$), '22023', 'a threshold is in dollars');
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 60.50)$$), 'accepted', '... and cents');

INSERT INTO shop.charge VALUES ('a', 'succeeded', 100, 'USD'), ('b', 'succeeded', 5000, 'JPY'), ('c', 'succeeded', 1.234, 'KWD'), ('d', 'succeeded', 100, 'USD');
\set cap '23R01 shop.refund.cents paysafe_refund_refund'
SELECT is(pg_temp.refusal(format('INSERT INTO shop.refund VALUES (%s, %L, %s, %L, %L)', id, charge, cents, currency, data)), expected, why)
  FROM (VALUES
	(1, 'a', '6000', 'USD', '{"status": "asked"}', 'accepted', '60 dollars'),
	(2, 'a', '4001', 'USD', '{"status": "asked"}', :'cap', '40.01'),
	(2, 'a', '4000', 'USD', '{"status": "asked"}', 'accepted', '40'),
	(3, 'a', '1', 'USD', '{"status": "failed"}', 'accepted', 'one that failed'),
	(4, 'a', '1', 'USD', '{"state": "failed"}', :'cap', 'no status'),
	(4, 'a', '1', 'USD', '{"status": null}', :'cap', 'a null'),
	(4, 'a', '1', 'USD', '[{"status": "failed"}]', :'cap', 'no object'),
	(4, 'a', '1', 'USD', '"failed"', :'cap', 'a text'),
	(4, 'a', '1', 'USD', '{"status": {"status": "failed"}}', :'cap', 'an object'),
	(4, 'a', '1', 'USD', '{"status": ["failed"]}', :'cap', 'a list'),
	(5, 'b', '5001', 'JPY', '{"status": "asked"}', :'cap', 'yen have no cents'),
	(5, 'b', '5000', 'JPY', '{"status": "asked"}', 'accepted', '... all of them'),
	(6, 'c', '1235', 'KWD', '{"status": "asked"}', :'cap', 'dinars have a thousand'),
	(6, 'c', '1234', 'KWD', '{"status": "asked"}', 'accepted', '... all of them'),
	(7, 'd', '0', 'USD', '{"status": "asked"}', '23R04 shop.refund.cents paysafe_refund_refund', 'zero')) v (id, charge, cents, currency, data, expected, why);
SELECT is(pg_temp.refusal_text($$INSERT INTO shop.refund VALUES (8, 'd', 10050, 'USD', '{"status": "asked"}')$$, 'DETAIL'), 'With refund "8" of 100.50 USD they total 100.50 USD; captured is 100 USD.', 'in money');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET data = '{"status": "sent"}' WHERE id = 2$$), 'accepted', 'below the threshold');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET data = '{"status": "sent"}' WHERE id = 1$$), '42501 shop.refund.data paysafe_refund_approval', 'above it');
SELECT is((SELECT string_agg(concat_ws(' ', key, amount, currency, status, total_within, threshold), '; ') FROM paysafe.pending_approval WHERE payment = 'a'), '1 60.00 USD asked 100.00 60.50', 'what waits is in money');
SELECT paysafe.act_as('boss');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve_refund('shop.refund', 'd', 100.50, 'USD', 'ok')$$), '22023', 'not more than is captured');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve_refund('shop.refund', 'd', 80.50, 'USD', 'ok')$$), 'accepted', 'in dollars');
SELECT paysafe.act_as('clerk');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (9, 'd', 8051, 'USD', '{"status": "sent"}')$$), '42501 shop.refund.data paysafe_refund_approval', 'a cent more than was approved');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (9, 'd', 8050, 'USD', '{"status": "sent"}')$$), 'accepted', 'exactly that');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET data = '{"status": "paid", "id": "re_9"}' WHERE id = 9$$), '23R03 shop.refund.data paysafe_refund_refund', 'the rest of the jsonb was approved with it');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET data = '{"status": "paid"}' WHERE id = 9$$), 'accepted', '... but for the status');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET data = '{"status": "failed"}' WHERE id = 9; INSERT INTO shop.refund VALUES (10, 'd', 10000, 'USD', '{"status": "asked"}')$$), 'accepted', 'what failed leaves room');
SELECT is(pg_temp.refusal($$UPDATE shop.charge SET status = 'failed' WHERE id = 'd'$$), '23R01 shop.charge.dollars paysafe_charge_refund', 'the charge stays captured');

-- an approval of a row is of all that stands beside the status, unless the column is named
CREATE TABLE shop.answer (id int PRIMARY KEY, charge text REFERENCES shop.charge, amount numeric, data jsonb);
CREATE INDEX ON shop.answer (charge);
SELECT paysafe.protect_refund('shop.answer', 'shop.charge', 'charge', 'amount', status_column => 'data', status_path => '{s,now}', gated => '{sent,paid}', void => '{failed}'),
	   paysafe.set_refund_threshold('shop.answer', 'USD', 1);
INSERT INTO shop.charge VALUES ('e', 'succeeded', 100, 'USD');
SELECT paysafe.act_as('clerk');
INSERT INTO shop.answer SELECT g, 'e', 10, '{"s": {"now": "asked", "by": "web"}, "iban": "A"}' FROM generate_series(1, 3) g;
SELECT paysafe.act_as('boss');
SELECT paysafe.approve('shop.answer', g::text, 'ok') FROM generate_series(1, 3) g;
SELECT paysafe.act_as('clerk');
SELECT is(pg_temp.refusal(format('UPDATE shop.answer SET data = %L WHERE id = %s', data, id)), expected, why)
  FROM (VALUES
	(1, '{"s": {"now": "sent", "by": "web"}, "iban": "B"}', '42501 shop.answer.data paysafe_answer_approval', 'another account'),
	(1, '{"s": {"now": "sent", "by": "api"}, "iban": "A"}', '42501 shop.answer.data paysafe_answer_approval', 'what stands beside it'),
	(1, '{"s": {"by": "web", "now": "sent"}, "iban": "A"}', 'accepted', 'as approved'),
	(1, '{"s": {"by": "web", "now": "paid"}, "iban": "C"}', '23R03 shop.answer.data paysafe_answer_refund', 'nor later'),
	(2, '{"s": [1], "iban": "A"}', 'accepted', 'no status: it waits'),
	(2, '{"s": {"now": "sent", "by": "web"}, "iban": "A"}', '42501 shop.answer.data paysafe_answer_approval', 'what was approved was another row in between')) v (id, data, expected, why);

-- the other way round, and conditions over an amount
CREATE TABLE shop.bill (id int PRIMARY KEY, minor bigint);
CREATE TABLE shop.back (id int PRIMARY KEY, bill int REFERENCES shop.bill, major numeric);
CREATE INDEX ON shop.back (bill);
SELECT paysafe.protect_payment('shop.bill', NULL, 'minor', 'minor', currency => 'EUR', changes => 'rising');
SELECT paysafe.protect_refund('shop.back', 'shop.bill', 'bill', 'major', units => 'major', rows => '{"major": {"not": [0, null]}}');
SELECT paysafe.set_refund_threshold('shop.back', 'EUR', 100000);
INSERT INTO shop.bill VALUES (1, 1000);
INSERT INTO shop.back VALUES (1, 1, 0.00), (2, 1, NULL);
SELECT is(pg_temp.refusal('UPDATE shop.back SET major = 10.01 WHERE id = 1'), '23R01 shop.back.major paysafe_back_refund', 'becomes a refund, of too much');
SELECT is(pg_temp.refusal('UPDATE shop.back SET major = 9.99 WHERE id = 1; INSERT INTO shop.back VALUES (3, 1, 0.01)'), 'accepted', 'ten euros are a thousand cents');
SELECT is(pg_temp.refusal('UPDATE shop.back SET major = 0 WHERE id = 1'), '23R03 shop.back.major paysafe_back_refund', 'a refund does not become nothing');
SELECT is(pg_temp.refusal('UPDATE shop.bill SET minor = 999'), '23R05 shop.bill.minor paysafe_bill_payment', 'the bill stays');
SELECT * FROM finish();
ROLLBACK;
