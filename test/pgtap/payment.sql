-- Payments: possible amounts, captured when captured, then frozen.
BEGIN;
SELECT plan(103);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
\ir lib/approved.psql
CREATE SCHEMA shop;

CREATE TABLE shop.payment (id int PRIMARY KEY, status text, amount numeric, captured numeric, currency text, note text);
SELECT paysafe.protect_status('shop.payment', 'status', '
	[*] --> new
	[*] --> captured
	new --> authorized
	authorized --> captured
	authorized --> partly
	partly --> captured
	authorized --> voided
	captured --> disputed
	disputed --> captured', '{new,voided,captured}');
SELECT paysafe.protect_payment('shop.payment', 'status', 'amount', 'captured', 'currency', '{partly,captured}');

\set amount '23R04 shop.payment.amount paysafe_payment_payment'
\set captured_amount '23R04 shop.payment.captured paysafe_payment_payment'
\set capture '23R05 shop.payment.captured paysafe_payment_payment'
\set currency '23R04 shop.payment.currency paysafe_payment_payment'

-- amounts, at INSERT
SELECT is(pg_temp.refusal(format('INSERT INTO shop.payment VALUES (1, %L, %s, %s, %L); DELETE FROM shop.payment', status, amount, captured, currency)),
	expected, format('INSERT %s: %s, %s captured, in %s', status, amount, captured, currency))
  FROM (VALUES
	('new', '10.00', 'NULL', 'EUR', 'accepted'),
	('new', '10', '0', 'eur', 'accepted'),
	('new', '0', '0', 'EUR', 'accepted'),
	('new', '10.00000', '0.000', 'EUR', 'accepted'),
	('new', '99999999999999999999999999.99', '0', 'EUR', 'accepted'),
	('new', '10.001', '0', 'EUR', :'amount'),
	('new', '10.5', '0', 'JPY', :'amount'),
	('new', '10.001', '0', 'KWD', 'accepted'),
	('new', '10.0001', '0', 'KWD', :'amount'),
	('new', '10.0001', '0', 'CLF', 'accepted'),
	('new', '-1', '0', 'EUR', :'amount'),
	('new', '''NaN''', '0', 'EUR', :'amount'),
	('new', '''Infinity''', '0', 'EUR', :'amount'),
	('new', '''-Infinity''', '0', 'EUR', :'amount'),
	('new', 'NULL', '0', 'EUR', :'amount'),
	('new', '10', '0', NULL, :'currency'),
	('new', '10', '0', 'XYZ', :'amount'),
	('new', '10', '0', '', :'amount'),
	('new', '10', '5', 'EUR', :'capture'),
	('captured', '10', '0', 'EUR', 'accepted'),
	('captured', '10', '10.01', 'EUR', :'capture'),
	('captured', '10', 'NULL', 'EUR', :'capture'),
	('captured', '10', '-1', 'EUR', :'captured_amount'),
	('captured', '10', '''NaN''', 'EUR', :'captured_amount'),
	('captured', '10', '9.999', 'EUR', :'captured_amount')
  ) v (status, amount, captured, currency, expected);
SELECT is(pg_temp.refusal($$INSERT INTO shop.payment VALUES (90, 'captured', 10, 10, 'EUR')$$), 'accepted', 'a sale added as captured');
SELECT is(pg_temp.refusal('DELETE FROM shop.payment WHERE id = 90'), '23R07 shop.payment paysafe_payment_payment', '... cannot be deleted');

-- the life of a payment
INSERT INTO shop.payment VALUES (1, 'new', 100, NULL, 'EUR');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET amount = 120, currency = 'USD', id = 11 WHERE id = 1$$), 'accepted', 'before it begins everything may change');
UPDATE shop.payment SET id = 1, amount = 100, currency = 'EUR' WHERE id = 11;
SELECT is(pg_temp.refusal('UPDATE shop.payment SET captured = 1 WHERE id = 1'), :'capture', 'nothing is captured before it begins');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = 'authorized', captured = 1 WHERE id = 1$$), :'capture', 'nor by a move to another status');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = 'authorized', captured = 0 WHERE id = 1$$), 'accepted', 'nothing and zero are the same');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET amount = 99 WHERE id = 1'), '23R03 shop.payment.amount paysafe_payment_payment', 'the amount is frozen');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET amount = 100.00 WHERE id = 1'), 'accepted', 'written otherwise it is the same');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET currency = 'USD' WHERE id = 1$$), '23R03 shop.payment.currency paysafe_payment_payment', 'the currency is frozen');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET currency = 'eur' WHERE id = 1$$), '23R03 shop.payment.currency paysafe_payment_payment', 'exactly as it is written');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = 'partly', captured = 100.01 WHERE id = 1$$), :'capture', 'more than the amount');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = 'partly', captured = 40.001 WHERE id = 1$$), :'captured_amount', 'too many decimals');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = 'partly', captured = NULL WHERE id = 1$$), :'capture', 'nothing, in a captured status');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = 'partly', captured = 40 WHERE id = 1$$), 'accepted', 'a part');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET captured = 50 WHERE id = 1'), :'capture', 'more, without a move');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET captured = 30 WHERE id = 1'), :'capture', 'less, without a move');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET captured = NULL WHERE id = 1'), :'capture', 'nothing, without a move');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = 'captured', captured = 100 WHERE id = 1$$), 'accepted', 'the rest, entering another captured status');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = 'disputed', captured = 0 WHERE id = 1$$), :'capture', 'less, leaving it');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET status = 'disputed' WHERE id = 1$$), 'accepted', 'leaving it');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET note = 'x', amount = amount, captured = captured, currency = currency, status = status$$), 'accepted', 'the whole row saved again');
SELECT is(pg_temp.refusal('DELETE FROM shop.payment WHERE id = 1'), '23T03 shop.payment.status paysafe_payment_status', 'deletion: the status rule is asked first');
SELECT is(pg_temp.refusal('TRUNCATE shop.payment'), '23T03 shop.payment.status paysafe_payment_status', 'TRUNCATE likewise');

-- machines that lead back, and captured at the start
CREATE TABLE shop.sale (id int PRIMARY KEY, status text, amount numeric, captured numeric, currency text);
SELECT paysafe.protect_status('shop.sale', 'status', '
	[*] --> new
	[*] --> captured
	new --> authorized
	authorized --> captured
	captured --> authorized
	authorized --> new', '{new}');
SELECT paysafe.protect_payment('shop.sale', 'status', 'amount', 'captured', 'currency', '{captured}');
INSERT INTO shop.sale VALUES (1, 'captured', 100, 40, 'JPY'), (2, 'new', 100, 0, 'JPY'), (3, 'new', 100, 0, 'JPY'), (4, 'captured', 100, 0, 'JPY');
UPDATE shop.sale SET status = 'authorized' WHERE id = 2;
UPDATE shop.sale SET status = 'new' WHERE id = 2;
SELECT is(pg_temp.refusal(format('UPDATE shop.sale SET %s WHERE id = %s', change, id)), expected, format('%s of payment %s, which %s', change, id, how))
  FROM (VALUES
	('amount = 200', 1, 'was added as captured', '23R03 shop.sale.amount paysafe_sale_payment'),
	('currency = ''USD''', 1, 'was added as captured', '23R03 shop.sale.currency paysafe_sale_payment'),
	('id = 11', 1, 'was added as captured', '23R03 shop.sale.id paysafe_sale_payment'),
	('captured = 50', 1, 'was added as captured', '23R05 shop.sale.captured paysafe_sale_payment'),
	('amount = 200', 4, 'was added as captured without money', '23R03 shop.sale.amount paysafe_sale_payment'),
	('amount = 200', 2, 'went and came back', '23R03 shop.sale.amount paysafe_sale_payment'),
	('currency = ''USD''', 2, 'went and came back', '23R03 shop.sale.currency paysafe_sale_payment'),
	('id = 12', 2, 'went and came back', '23T05 shop.sale.status paysafe_sale_status'),
	('amount = 200, currency = ''USD'', id = 13', 3, 'is new', 'accepted'),
	('status = ''authorized'', amount = 200', 1, 'leaves', '23R03 shop.sale.amount paysafe_sale_payment')) v (change, id, how, expected);
UPDATE shop.sale SET status = 'authorized' WHERE id = 1;
UPDATE shop.sale SET status = 'new' WHERE id = 1;
SELECT is(pg_temp.refusal('UPDATE shop.sale SET amount = 200 WHERE id = 1'), '23R03 shop.sale.amount paysafe_sale_payment', 'what was captured once is frozen as new, too');
SELECT is(pg_temp.refusal('UPDATE shop.sale SET captured = 50 WHERE id = 1'), '23R05 shop.sale.captured paysafe_sale_payment', '... with what was captured');
SELECT is(pg_temp.refusal('DELETE FROM shop.sale WHERE id = 1'), '23R07 shop.sale paysafe_sale_payment', '... and stays');
SELECT is(pg_temp.refusal(format($$UPDATE shop.sale SET status = 'authorized' WHERE id = 1; UPDATE shop.sale SET status = 'captured', captured = %s WHERE id = 1$$, captured)), answer, format('captured again, %s after 40', captured))
  FROM (VALUES ('0', '23R05 shop.sale.captured paysafe_sale_payment'), ('39', '23R05 shop.sale.captured paysafe_sale_payment'), ('40', 'accepted')) v (captured, answer);
SELECT is(pg_temp.refusal($$UPDATE shop.sale SET status = 'authorized' WHERE id = 1; UPDATE shop.sale SET status = 'captured', captured = 100 WHERE id = 1$$), 'accepted', 'the rest is captured');
SELECT is(pg_temp.refusal($$DELETE FROM shop.sale WHERE id = 2; INSERT INTO shop.sale VALUES (2, 'new', 100, 0, 'JPY'); UPDATE shop.sale SET amount = 200 WHERE id = 2$$), 'accepted', 'a new payment instead of one that was deleted');

-- the mark goes along with a row that moves to another partition
CREATE TABLE shop.trip (id int, region int, status text, amount numeric, captured numeric, currency text, PRIMARY KEY (region, id)) PARTITION BY HASH (region);
CREATE TABLE shop.trip_0 PARTITION OF shop.trip FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE shop.trip_1 PARTITION OF shop.trip FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT paysafe.protect_status('shop.trip', 'status', E'[*] --> new\nnew --> authorized\nauthorized --> new');
SELECT paysafe.protect_payment('shop.trip', 'status', 'amount', 'captured', 'currency', '{authorized}');
INSERT INTO shop.trip SELECT i, 1, 'new', 100, 0, 'EUR' FROM generate_series(1, 2) i;
UPDATE shop.trip SET status = 'authorized' WHERE id = 1;
UPDATE shop.trip SET status = 'new' WHERE id = 1;
SELECT is(pg_temp.refusal(format('UPDATE shop.trip SET region = %s, %s WHERE id = %s', region, change, id)), expected, format('%s of payment %s that moves to region %s', change, id, region))
  FROM (VALUES
	(1, 2, 'amount = 200', '23R03 shop.trip.amount paysafe_trip_payment'),
	(1, 3, 'amount = 200', '23R03 shop.trip.amount paysafe_trip_payment'),
	(1, 2, 'currency = ''USD''', '23R03 shop.trip.currency paysafe_trip_payment'),
	(1, 2, 'amount = 100.00', 'accepted'),
	(1, 3, 'amount = 200', '23R03 shop.trip.amount paysafe_trip_payment'),
	(2, 2, 'amount = 200, currency = ''USD'', id = 3', 'accepted')) v (id, region, change, expected);

-- a status that becomes an initial one later tells nothing of those that are there
CREATE TABLE shop.order (id int PRIMARY KEY, status text, amount numeric, captured numeric, currency text);
SELECT paysafe.protect_status('shop.order', 'status', E'[*] --> new\nnew --> authorized\nauthorized --> captured');
SELECT paysafe.protect_payment('shop.order', 'status', 'amount', 'captured', 'currency', '{captured}');
INSERT INTO shop.order VALUES (1, 'new', 100, 0, 'EUR'), (2, 'new', 100, 0, 'EUR');
UPDATE shop.order SET status = 'authorized' WHERE id = 1;
SELECT pg_temp.approved($$SELECT paysafe.protect_status('shop.order', 'status', E'[*] --> new\n[*] --> authorized\n[*] --> imported\nnew --> authorized\nauthorized --> captured')$$);
SELECT is(pg_temp.refusal('UPDATE shop.order SET amount = 200 WHERE id = 1'), '23R03 shop.order.amount paysafe_order_payment', 'frozen before its status became initial');
SELECT is(pg_temp.refusal('UPDATE shop.order SET amount = 200 WHERE id = 2'), 'accepted', 'one that is new');
SELECT is(pg_temp.refusal($$INSERT INTO shop.order VALUES (3, 'imported', 100, 0, 'EUR'); UPDATE shop.order SET amount = 200 WHERE id = 3$$), 'accepted', 'one in a status that there was not before');

-- minor units, without a status rule, of a partitioned table
CREATE TABLE shop.minor (id bigint, region text, state smallint, cents bigint, taken bigint, currency char(3),
						 PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.minor_eu PARTITION OF shop.minor FOR VALUES IN ('eu');
CREATE TABLE shop.minor_us (currency char(3), taken bigint, cents bigint, state smallint, region text NOT NULL, id bigint NOT NULL);
ALTER TABLE shop.minor ATTACH PARTITION shop.minor_us FOR VALUES IN ('us');
SELECT paysafe.protect_payment('shop.minor', 'state', 'cents', 'taken', 'currency', '{2}');
INSERT INTO shop.minor VALUES (1, 'eu', 1, 100, 0, 'EUR');
SELECT is(pg_temp.refusal($$INSERT INTO shop.minor VALUES (2, 'us', 1, 9223372036854775807, NULL, 'odd')$$), 'accepted', 'minor units of any currency');
SELECT is(pg_temp.refusal($$INSERT INTO shop.minor VALUES (3, 'us', 1, -1, NULL, 'EUR')$$),
	'23R04 shop.minor.cents paysafe_minor_payment', 'less than nothing');
SELECT is(pg_temp.refusal('UPDATE shop.minor SET cents = 101 WHERE id = 1'),
	'23R03 shop.minor.cents paysafe_minor_payment', 'frozen from the start');
SELECT is(pg_temp.refusal($$UPDATE shop.minor SET region = 'us', cents = 101 WHERE id = 1$$),
	'23R03 shop.minor.cents paysafe_minor_payment', 'also on the way to another partition');
SELECT is(pg_temp.refusal($$UPDATE shop.minor SET region = 'us', state = 2, taken = 100 WHERE id = 1$$), 'accepted', 'captured on the way to another partition');
SELECT is(pg_temp.refusal($$DELETE FROM shop.minor WHERE id = 1$$),
	'23R07 shop.minor paysafe_minor_payment', 'a captured payment stays');
SELECT is(pg_temp.refusal($$DELETE FROM shop.minor WHERE id = 2$$), 'accepted', 'one that is not captured may go');
SELECT is(pg_temp.refusal('TRUNCATE shop.minor_us'), '23R07 shop.minor paysafe_minor_payment', 'TRUNCATE of a partition');

-- currencies
SELECT throws_ok($$SELECT paysafe.set_currency('EUR', 3)$$, '22023', NULL, 'the decimals of a known currency stay');
SELECT throws_ok($$SELECT paysafe.set_currency('eur', 3)$$, '22023', NULL, '... under any spelling');
SELECT throws_ok($$SELECT paysafe.set_currency('QQQ', -1)$$, '22023', NULL, 'no fewer than 0 decimals');
SELECT throws_ok($$SELECT paysafe.set_currency('QQQ', 31)$$, '22023', NULL, 'no more than 30 decimals');
SELECT throws_ok($$SELECT paysafe.set_currency('', 2)$$, '22023', NULL, 'a code has a letter');
SELECT throws_ok(format('SELECT paysafe.set_currency(%L, 3)', code), '22023', 'argument "code" must be 1 to 12 of the letters A-Z and digits, one letter at least', format('no code: "%s"', code))
  FROM unnest(ARRAY[repeat('Q', 13), 'USD ', ' USD', U&'\FF35\FF33\FF24', U&'US\200BD', U&'US\0405', 'U-S', E'USD\n', '424242424242', '4242424242424242']) code;
SAVEPOINT fresh;
SELECT lives_ok($$SELECT paysafe.set_currency('1INCHTOKENAB', 18), paysafe.set_currency('x', 0)$$, 'letters and digits');
SELECT lives_ok($$SELECT paysafe.set_currency('QQQ', 6)$$, 'a new currency');
SELECT is(pg_temp.refusal($$INSERT INTO shop.payment VALUES (7, 'new', 1.000001, 0, 'qqq')$$), 'accepted', '... is known at once');
ROLLBACK TO fresh;
SELECT is(pg_temp.refusal($$INSERT INTO shop.payment VALUES (7, 'new', 1.000001, 0, 'qqq')$$), :'amount', '... and unknown after a rollback');
SELECT is((SELECT count(*)::int FROM paysafe.currency WHERE iso), (SELECT count(DISTINCT lower(code))::int FROM paysafe.currency), 'no code of ISO 4217 twice');

SELECT * FROM finish();
ROLLBACK;
