-- Amounts and currencies within jsonb.
BEGIN;
SELECT plan(124);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, status text, price jsonb, data jsonb);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int REFERENCES shop.payment, status text, price jsonb, note text);
CREATE INDEX ON shop.refund (payment);
CREATE FUNCTION pg_temp.payment(amount text, more text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(format('SELECT paysafe.protect_payment(''shop.payment'', ''status'', %L, captured => ''{paid}'', %s)', amount, more)) $$;
SELECT is(pg_temp.payment('price', 'currency => ''EUR'''), '22023', 'jsonb is no money');
SELECT is(pg_temp.refusal_text($$SELECT paysafe.protect_payment('shop.payment', 'status', 'price', currency => 'EUR', captured => '{paid}')$$, 'HINT'), 'Say where in it the amount stands: "price->amount".', '... the hint says what is');
SELECT is(pg_temp.payment('status->total', 'currency => ''EUR'''), '22023', 'nothing stands within a text');
SELECT is(pg_temp.payment('prize->total', 'currency => ''EUR'''), '42703', 'no such column');
SELECT is(pg_temp.payment('price->', 'currency => ''EUR'''), '22023', 'no key');
SELECT is(pg_temp.payment('price->a->', 'currency => ''EUR'''), '22023', 'no second key');
SELECT is(pg_temp.payment('->a', 'currency => ''EUR'''), '42703', 'no column');
SELECT is(pg_temp.payment('price->total', 'currency_column => ''data->currency'''), 'accepted', 'places');
SELECT is((SELECT definition FROM paysafe.protection WHERE relation = 'shop.payment'::regclass), 'price->total is captured in data->currency, captured when status becomes paid', 'in words');
SELECT is((SELECT columns FROM paysafe.protection WHERE relation = 'shop.payment'::regclass), '{data,price,status}'::text[], 'the columns behind it');

\set amount '23R04 shop.payment.price paysafe_payment_payment'
\set cur '23R04 shop.payment.data paysafe_payment_payment'
SELECT is(pg_temp.refusal(format('INSERT INTO shop.payment VALUES (%s, ''new'', %L, %L)', id, price, data)), expected, why)
  FROM (VALUES
	(1, '{"total": 100.5}', '{"currency": "EUR"}', 'accepted', 'a number'),
	(2, '{"total": "100.50"}', '{"currency": "EUR"}', 'accepted', 'a text of digits'),
	(3, '{"total": 100.505}', '{"currency": "EUR"}', :'amount', 'half a cent'),
	(3, '{"total": 0.30000000000000004}', '{"currency": "EUR"}', :'amount', 'what a float adds up to'),
	(3, '{"total": 1e2}', '{"currency": "EUR"}', 'accepted', 'a number in other words'),
	(4, '{"total": "1e2"}', '{"currency": "EUR"}', :'amount', 'a text that is no digits'),
	(4, '{"total": " 1"}', '{"currency": "EUR"}', :'amount', 'a blank'),
	(4, '{"total": "+1"}', '{"currency": "EUR"}', :'amount', 'a plus'),
	(4, '{"total": "1."}', '{"currency": "EUR"}', :'amount', 'no decimals'),
	(4, '{"total": ".5"}', '{"currency": "EUR"}', :'amount', 'only decimals'),
	(4, '{"total": "1,5"}', '{"currency": "EUR"}', :'amount', 'a comma'),
	(4, '{"total": "NaN"}', '{"currency": "EUR"}', :'amount', 'no number'),
	(4, '{"total": "Infinity"}', '{"currency": "EUR"}', :'amount', 'no finite number'),
	(4, '{"total": ""}', '{"currency": "EUR"}', :'amount', 'an empty text'),
	(4, '{"total": "-"}', '{"currency": "EUR"}', :'amount', 'a sign'),
	(4, '{"total": "-1"}', '{"currency": "EUR"}', :'amount', 'less than nothing'),
	(4, '{"total": "1\u00001"}', '{"currency": "EUR"}', '22P05', 'what jsonb itself refuses'),
	(4, '{"total": true}', '{"currency": "EUR"}', :'amount', 'a flag'),
	(4, '{"total": [1]}', '{"currency": "EUR"}', :'amount', 'a list'),
	(4, '{"total": {"total": 1}}', '{"currency": "EUR"}', :'amount', 'an object'),
	(4, '{"total": null}', '{"currency": "EUR"}', :'amount', 'null'),
	(4, '{"Total": 1}', '{"currency": "EUR"}', :'amount', 'no such key'),
	(4, '[{"total": 1}]', '{"currency": "EUR"}', :'amount', 'no object'),
	(4, '"total"', '{"currency": "EUR"}', :'amount', 'a text'),
	(4, '5', '{"currency": "EUR"}', :'amount', 'a number by itself'),
	(4, 'null', '{"currency": "EUR"}', :'amount', 'null by itself'),
	(4, NULL, '{"currency": "EUR"}', :'amount', 'NULL'),
	(4, '{"total": 1}', '{"currency": null}', :'cur', 'no currency'),
	(4, '{"total": 1}', '{}', :'cur', 'nowhere'),
	(4, '{"total": 1}', '{"currency": ["EUR"]}', :'amount', 'a list of currencies is one that is not known'),
	(4, '{"total": 100}', '{"currency": "JPY"}', 'accepted', 'yen')) v (id, price, data, expected, why);
SELECT is(pg_temp.refusal_text($$INSERT INTO shop.payment VALUES (5, 'new', '{"total": [1]}', '{"currency": "EUR"}')$$, 'DETAIL'), 'Payment "5": amount NaN: what stands there is neither a number nor a text of its digits.', 'why');
SELECT is(pg_temp.refusal_text(format('INSERT INTO shop.payment VALUES (5, ''new'', %L, ''{"currency": "EUR"}'')', jsonb_build_object('total', repeat('9', 1001))), 'DETAIL'), 'Payment "5": amount NaN: what stands there is neither a number nor a text of its digits.', 'nor endless ones');

-- frozen is the amount, not what stands beside it
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = 'paid' WHERE id = 1$$), 'accepted', 'paid');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET price = '{"total": "100.50", "taxes": [19]}', data = '{"currency": "EUR", "n": 1}' WHERE id = 1$$), 'accepted', 'the same amount in other words, and what stands beside it');
SELECT is(pg_temp.refusal(format('UPDATE shop.payment SET %s WHERE id = 1', what)), expected, what)
  FROM (VALUES ($$price = '{"total": 100.49}'$$, '23R03 shop.payment.price paysafe_payment_payment'), ($$price = price - 'total'$$, '23R03 shop.payment.price paysafe_payment_payment'),
	($$price = NULL$$, '23R03 shop.payment.price paysafe_payment_payment'), ($$price = '{"total": {}}'$$, '23R03 shop.payment.price paysafe_payment_payment'),
	($$data = '{"currency": "USD"}'$$, '23R03 shop.payment.data paysafe_payment_payment'), ($$data = NULL$$, '23R03 shop.payment.data paysafe_payment_payment')) v (what, expected);

-- refunds, with their sums, approvals and conditions
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'price->value->amount', status_column => 'status', gated => '{sent}', void => '{failed}', rows => '{"price->kind": ["refund"]}')$$), 'accepted', 'refunds');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 50);
SELECT is((SELECT definition FROM paysafe.protection WHERE relation = 'shop.refund'::regclass AND rule = 'refund'), 'sum of price->value->amount by payment <= what is captured of payment; status sent needs approval above the threshold; failed does not count; rows with price->kind refund', 'in words');
SELECT paysafe.act_as('clerk');
SELECT is(pg_temp.refusal(format('INSERT INTO shop.refund VALUES (%s, 1, ''asked'', %L)', id, price)), expected, why)
  FROM (VALUES
	(1, '{"kind": "refund", "value": {"amount": "60.25", "precision": 20}}', 'accepted', 'a refund'),
	(2, '{"kind": "refund", "value": {"amount": 40.26}}', '23R01 shop.refund.price paysafe_refund_refund', 'a cent more'),
	(2, '{"kind": "note", "value": {"amount": 40.26}}', 'accepted', 'another kind of row'),
	(3, '{"kind": "refund", "value": {"amount": 40.25}}', 'accepted', 'the rest'),
	(4, '{"kind": "refund", "value": {"amount": 0}}', '23R04 shop.refund.price paysafe_refund_refund', 'zero'),
	(4, '{"kind": "refund", "value": 1}', '23R04 shop.refund.price paysafe_refund_refund', 'another shape'),
	(4, '{"kind": "refund", "value": null}', '23R04 shop.refund.price paysafe_refund_refund', 'nothing')) v (id, price, expected, why);
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET price = '{"kind": "refund", "value": {"amount": 60}}' WHERE id = 1$$), '23R03 shop.refund.price paysafe_refund_refund', 'the amount stays');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET price = '{"kind": "note", "value": {"amount": 60.25}}' WHERE id = 1$$), '23R03 shop.refund.price paysafe_refund_refund', 'it stays a refund');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'sent' WHERE id = 1$$), '42501 shop.refund.status paysafe_refund_approval', 'above the threshold');
SELECT is((SELECT string_agg(concat_ws(' ', key, amount, currency, total_within), '; ') FROM paysafe.pending_approval), '1 60.25 EUR 60.25', 'it waits for an approval');
SELECT paysafe.act_as('boss');
SELECT paysafe.approve('shop.refund', '1', 'ok');
SELECT paysafe.act_as('clerk');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'sent', price = '{"kind": "refund", "value": {"amount": "60.25"}}' WHERE id = 1$$), '42501 shop.refund.status paysafe_refund_approval', 'the whole column was approved');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'sent' WHERE id = 1$$), 'accepted', 'approved');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET price = '{"total": 99}' WHERE id = 1$$), '23R03 shop.payment.price paysafe_payment_payment', 'what was captured');

-- one column for all: captured within it, in minor units, as Stripe writes charges
CREATE TABLE shop.charge (id text PRIMARY KEY, stripe jsonb);
CREATE TABLE shop.charge_refund (id text PRIMARY KEY, charge text REFERENCES shop.charge, stripe jsonb);
CREATE INDEX ON shop.charge_refund (charge);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payment('shop.charge', 'stripe', 'stripe->amount', 'stripe->amount', currency_column => 'stripe->amount', captured => '{succeeded}', status_path => '{status}', units => 'minor')$$), '22023', 'two arguments are the same place');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payment('shop.charge', 'stripe', 'stripe->amount', 'stripe->amount_captured', currency_column => 'stripe->currency', captured => '{succeeded}', status_path => '{status}', units => 'minor', changes => 'rising')$$), 'accepted', 'all in one column');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.charge_refund', 'shop.charge', 'charge', 'stripe->amount', currency_column => 'stripe->currency', units => 'minor', status_column => 'stripe', status_path => '{status}', gated => '{succeeded}', void => '{failed}')$$), 'accepted', 'refunds, too');
SELECT paysafe.set_refund_threshold('shop.charge_refund', 'USD', 1000);
SELECT is(pg_temp.refusal($$INSERT INTO shop.charge VALUES ('ch', '{"status": "pending", "amount": 1000, "amount_captured": 0, "currency": "usd"}')$$), 'accepted', 'pending');
SELECT is(pg_temp.refusal($$INSERT INTO shop.charge VALUES ('cx', '{"status": "pending", "amount": 10.5, "amount_captured": 0, "currency": "usd"}')$$), '23R04 shop.charge.stripe paysafe_charge_payment', 'cents are whole');
SELECT is(pg_temp.refusal($$UPDATE shop.charge SET stripe = stripe || '{"status": "succeeded", "amount_captured": 1001}'$$), '23R05 shop.charge.stripe paysafe_charge_payment', 'more than the amount');
SELECT is(pg_temp.refusal($$UPDATE shop.charge SET stripe = stripe || '{"status": "succeeded", "amount_captured": 600}'$$), 'accepted', 'captured in part');
SELECT is(pg_temp.refusal($$INSERT INTO shop.charge_refund VALUES ('re', 'ch', '{"status": "pending", "amount": 601, "currency": "usd"}')$$), '23R01 shop.charge_refund.stripe paysafe_charge_refund_refund', 'above it');
SELECT is(pg_temp.refusal($$UPDATE shop.charge SET stripe = stripe || '{"amount_captured": 900}'$$), 'accepted', 'it rises');
SELECT is(pg_temp.refusal($$INSERT INTO shop.charge_refund VALUES ('re', 'ch', '{"status": "pending", "amount": 601, "currency": "usd"}')$$), 'accepted', 'within it');
SELECT is(pg_temp.refusal($$INSERT INTO shop.charge_refund VALUES ('rf', 'ch', '{"status": "pending", "amount": 1, "currency": "eur"}')$$), '23R02 shop.charge_refund.stripe paysafe_charge_refund_refund', 'another currency');
SELECT is(pg_temp.refusal($$UPDATE shop.charge SET stripe = stripe || '{"amount": 800}'$$), '23R03 shop.charge.stripe paysafe_charge_payment', 'the amount stays');
SELECT is(pg_temp.refusal($$UPDATE shop.charge SET stripe = stripe || '{"amount_captured": 899}'$$), '23R05 shop.charge.stripe paysafe_charge_payment', 'it does not fall');

-- elements of lists, as PayPal writes orders
CREATE TABLE shop.paypal (id int PRIMARY KEY, status text, data jsonb);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payment('shop.paypal', 'status', 'data->units->0->amount->value', currency_column => 'data->units->0->amount->code', captured => '{paid}')$$), 'accepted', 'a list');
SELECT is(pg_temp.refusal(format('INSERT INTO shop.paypal VALUES (%s, ''new'', %L)', id, data)), expected, data)
  FROM (VALUES (1, '{"units": [{"amount": {"value": "10.50", "code": "EUR"}}, {"amount": {"value": "x"}}]}', 'accepted'), (2, '{"units": {"0": {"amount": {"value": "10.50", "code": "EUR"}}}}', 'accepted'),
	(3, '{"units": []}', '23R04 shop.paypal.data paysafe_paypal_payment'), (3, '{"units": 5}', '23R04 shop.paypal.data paysafe_paypal_payment'),
	(3, '{"units": [[{"amount": {"value": "10.50", "code": "EUR"}}]]}', '23R04 shop.paypal.data paysafe_paypal_payment'),
	(3, '{"units": [{"amount": {"value": "10.505", "code": "EUR"}}]}', '23R04 shop.paypal.data paysafe_paypal_payment')) v (id, data, expected);
SELECT is(pg_temp.refusal($$UPDATE shop.paypal SET status = 'paid', data = jsonb_set(data, '{units,0,amount,value}', '11') WHERE id = 1$$), '23R03 shop.paypal.data paysafe_paypal_payment', 'it stays');
SELECT is(pg_temp.refusal($$UPDATE shop.paypal SET status = 'paid', data = data || '{"status": "COMPLETED"}' WHERE id = 1$$), 'accepted', 'what stands beside it does not');

-- entries, captures, movements; balances are columns
CREATE TABLE shop.entry (id int PRIMARY KEY, txn int, account int, amount jsonb);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_ledger('shop.entry', 'txn', 'account', 'amount->value', 'amount->currency', mutable_columns => '{amount}')$$), '22023', 'what has the amount within it stays');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_ledger('shop.entry', 'txn', 'account', 'amount->value', 'amount->currency')$$), 'accepted', 'entries');
SELECT is(pg_temp.refusal($$INSERT INTO shop.entry VALUES (1, 1, 1, '{"value": 5, "currency": "EUR"}'), (2, 1, 2, '{"value": "-5", "currency": "EUR"}'); SET CONSTRAINTS ALL IMMEDIATE$$), 'accepted', 'balanced');
SELECT is(pg_temp.refusal($$INSERT INTO shop.entry VALUES (3, 2, 1, '{"value": "5€", "currency": "EUR"}')$$), '23L03 shop.entry.amount paysafe_entry_ledger', 'no amount');
CREATE TABLE shop.account (id int PRIMARY KEY, money jsonb);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_balance('shop.account', 'id', 'money->value', 'shop.entry')$$), '22023', 'a balance is a column');
CREATE TABLE shop.late (id int PRIMARY KEY, payment int REFERENCES shop.payment, status text, amount numeric);
CREATE TABLE shop.intent (id int PRIMARY KEY, price jsonb);
CREATE TABLE shop.capture (id int PRIMARY KEY, payment int REFERENCES shop.intent, price jsonb);
CREATE INDEX ON shop.capture (payment);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_captures('shop.capture', 'shop.intent', 'payment', 'price->amount', 'price->currency', limit_column => 'price->amount')$$), 'accepted', 'captures');
SELECT is(pg_temp.refusal($$INSERT INTO shop.intent VALUES (1, '{"amount": 10}'); INSERT INTO shop.capture VALUES (1, 1, '{"amount": 6, "currency": "EUR"}')$$), 'accepted', 'within the limit');
SELECT is(pg_temp.refusal($$INSERT INTO shop.capture VALUES (2, 1, '{"amount": 5, "currency": "EUR"}')$$), '23R05 shop.capture.price paysafe_capture_captures', 'above it');
SELECT is(pg_temp.refusal($$UPDATE shop.intent SET price = '{"amount": 5}'$$), '23R05 shop.intent.price paysafe_intent_captures', 'nor does it fall below');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payment('shop.late', 'status', 'amount', captured => '{paid}', currency_path => '{payment,data->currency}')$$), '22023', 'where a path ends is a column');
-- attributes of composite types
CREATE TYPE shop.currency AS ENUM ('EUR', 'USD', 'JPY');
CREATE TYPE shop.money AS (amount numeric, currency shop.currency);
CREATE DOMAIN shop.price AS shop.money CHECK ((VALUE).amount >= 0);
CREATE TABLE shop.payin (id int PRIMARY KEY, status text, amount shop.money, settled shop.price);
CREATE TABLE shop.payin_refund (id int PRIMARY KEY, payin int REFERENCES shop.payin, status text, amount shop.money);
CREATE INDEX ON shop.payin_refund (payin);
SELECT is(pg_temp.refusal(format('SELECT paysafe.protect_payment(''shop.payin'', ''status'', %L, currency_column => %L, captured => ''{paid}'')', amount, currency)), expected, concat_ws(' ', amount, currency))
  FROM (VALUES ('amount', 'amount->currency', '22023'), ('amount->total', 'amount->currency', '42703'), ('amount->amount->x', 'amount->currency', '42703'), ('amount->currency', 'amount->amount', '22023'),
	('amount->amount', 'amount->amount', '22023')) v (amount, currency, expected);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payment('shop.payin', 'status', 'amount->amount', 'settled->amount', 'amount->currency', '{paid}')$$), 'accepted', 'in a domain');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.payin_refund', 'shop.payin', 'payin', 'amount->amount', 'amount->currency', 'status', '{sent}', '{failed}')$$), 'accepted', 'refunds');
SELECT paysafe.set_refund_threshold('shop.payin_refund', 'EUR', 1000);
SELECT is(pg_temp.refusal(what), expected, what) FROM (VALUES
	($$INSERT INTO shop.payin VALUES (1, 'new', (10.005, 'EUR'))$$, '23R04 shop.payin.amount paysafe_payin_payment'),
	($$INSERT INTO shop.payin VALUES (1, 'new', (10, NULL))$$, '23R04 shop.payin.amount paysafe_payin_payment'),
	($$INSERT INTO shop.payin VALUES (1, 'new', (NULL, 'EUR'))$$, '23R04 shop.payin.amount paysafe_payin_payment'),
	($$INSERT INTO shop.payin VALUES (1, 'new')$$, '23R04 shop.payin.amount paysafe_payin_payment'),
	($$INSERT INTO shop.payin VALUES (1, 'new', (10.50, 'EUR'))$$, 'accepted'),
	($$UPDATE shop.payin SET status = 'paid', settled = (10.51, 'EUR')$$, '23R05 shop.payin.settled paysafe_payin_payment'),
	($$UPDATE shop.payin SET status = 'paid', settled = (8, 'EUR')$$, 'accepted'),
	($$UPDATE shop.payin SET amount.amount = 10.5$$, 'accepted'),
	($$UPDATE shop.payin SET amount.amount = 10.49$$, '23R03 shop.payin.amount paysafe_payin_payment'),
	($$UPDATE shop.payin SET amount.currency = 'USD'$$, '23R03 shop.payin.amount paysafe_payin_payment'),
	($$INSERT INTO shop.payin_refund VALUES (1, 1, 'asked', (5, 'EUR'))$$, 'accepted'),
	($$INSERT INTO shop.payin_refund VALUES (2, 1, 'asked', (3.01, 'EUR'))$$, '23R01 shop.payin_refund.amount paysafe_payin_refund_refund'),
	($$INSERT INTO shop.payin_refund VALUES (2, 1, 'asked', (3, 'USD'))$$, '23R02 shop.payin_refund.amount paysafe_payin_refund_refund'),
	($$UPDATE shop.payin_refund SET amount.amount = 4$$, '23R03 shop.payin_refund.amount paysafe_payin_refund_refund'),
	($$UPDATE shop.payin_refund SET status = 'sent'$$, 'accepted')) v (what, expected);
-- a column that is called so, and columns that a rule is about
CREATE TABLE shop.odd (id int PRIMARY KEY, status text, "a->b" numeric, a jsonb, currency text);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payment('shop.odd', 'status', 'a->b', currency_column => 'currency', captured => '{paid}')$$), 'accepted', 'a column of that name');
SELECT is(pg_temp.refusal($$INSERT INTO shop.odd VALUES (1, 'new', 1.234, '{"b": 1}', 'EUR')$$), '23R04 shop.odd.a->b paysafe_odd_payment', '... is it');
SELECT is(pg_temp.refusal($$SELECT paysafe.audit('shop.charge', '{stripe}')$$), '22023', 'what a rule reads is not redacted');
SELECT * FROM finish();
ROLLBACK;
