-- What has passed the gate counts for the period of its threshold: in its own currency, and under the key that
-- its payment has, also when the refund is void and gone.
BEGIN;
SELECT plan(60);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
\set gate '42501 shop.refund.status paysafe_refund_approval'
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int, region text, payment int, amount numeric, status text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.refund_eu PARTITION OF shop.refund FOR VALUES IN ('eu');
CREATE TABLE shop.refund_us PARTITION OF shop.refund FOR VALUES IN ('us');
CREATE INDEX ON shop.refund (payment);
CREATE TABLE shop.coin (id int PRIMARY KEY, payment int REFERENCES shop.payment ON UPDATE CASCADE, amount numeric, currency text, status text);
CREATE INDEX ON shop.coin (payment);
INSERT INTO shop.payment SELECT i, 1000, 'EUR' FROM generate_series(1, 30) i;
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', NULL, 'status', '{sent}', '{failed}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', c, 100) FROM unnest('{EUR,USD}'::text[]) c;
-- what becomes of one refund after the other, each of another statement
CREATE FUNCTION pg_temp.send(id int, payment int, amount numeric DEFAULT 80) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(format('INSERT INTO shop.refund VALUES (%s, ''eu'', %s, %s, ''sent'')', id, payment, amount)) $$;
CREATE FUNCTION pg_temp.gone(id int) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(format('UPDATE shop.refund SET status = ''failed'' WHERE id = %s; DELETE FROM shop.refund WHERE id = %1$s', id)) $$;
CREATE FUNCTION pg_temp.pay_in(id int, currency text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(format('UPDATE shop.payment SET currency = %L WHERE id = %s', currency, id)) $$;
SELECT paysafe.act_as('ann');

-- the currency of the payment changes while it has no refunds
SELECT is(pg_temp.send(1, 1), 'accepted', 'one passes in EUR');
SELECT is(pg_temp.gone(1), 'accepted', '... is void, and gone');
SELECT is(pg_temp.send(2, 1), :'gate', '... and counts');
SELECT is(pg_temp.pay_in(1, 'USD'), 'accepted', 'the payment is in USD');
SELECT is(pg_temp.send(2, 1), 'accepted', '... there nothing has passed');
SELECT is(pg_temp.send(3, 1), :'gate', '... now it has');
SELECT is(pg_temp.gone(2), 'accepted', '... void and gone');
SELECT is(pg_temp.send(3, 1), :'gate', '... counts');
SELECT is(pg_temp.pay_in(1, 'usd'), 'accepted', 'the payment is in usd');
SELECT is(pg_temp.send(3, 1), :'gate', '... which is the same');
SELECT is(pg_temp.pay_in(1, 'EUR'), 'accepted', 'the payment is in EUR again');
SELECT is(pg_temp.send(3, 1, 21), :'gate', '... where the first one counts');
SELECT is(pg_temp.send(3, 1, 20), 'accepted', '... and nothing else');
SELECT results_eq('SELECT DISTINCT currency FROM paysafe.refund_event WHERE payment = ''1'' ORDER BY 1', ARRAY['EUR', 'USD'], 'what was noted');
SELECT is((SELECT count(*) FROM paysafe.refund_event WHERE currency IS NULL), 0::bigint, '... of each');

-- under another key of the refund, too
SELECT is(pg_temp.send(10, 2), 'accepted', 'one passes');
SELECT is(pg_temp.refusal('UPDATE shop.refund SET status = ''failed'' WHERE id = 10'), 'accepted', '... is void');
SELECT is(pg_temp.refusal('UPDATE shop.refund SET region = ''us'' WHERE id = 10'), 'accepted', '... in another partition');
SELECT is(pg_temp.refusal('DELETE FROM shop.refund WHERE id = 10'), 'accepted', '... gone there');
SELECT is(pg_temp.send(11, 2, 21), :'gate', '... and counts in EUR');
SELECT is(pg_temp.pay_in(2, 'USD') || pg_temp.send(11, 2, 100), 'acceptedaccepted', '... not in USD');

-- a currency of their own, beside the first table: the total is over both
SELECT paysafe.protect_refund('shop.coin', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{failed}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.coin', 'EUR', 100), paysafe.set_refund_threshold('shop.coin', 'USD', 100);
SELECT is(pg_temp.refusal('INSERT INTO shop.coin VALUES (1, 3, 80, ''EUR'', ''sent''); UPDATE shop.coin SET status = ''failed''; DELETE FROM shop.coin'), 'accepted', 'one has passed in EUR, and is gone');
SELECT is(pg_temp.send(20, 3, 21), :'gate', '... and counts in the other table');
SELECT is(pg_temp.pay_in(3, 'USD') || pg_temp.send(20, 3, 100), 'acceptedaccepted', '... not in USD');
SELECT is(pg_temp.refusal('INSERT INTO shop.coin VALUES (2, 3, 1, ''USD'', ''sent'')'), '42501 shop.coin.status paysafe_coin_approval', '... where that one counts');

-- payments that no table has: the currency is what their rows say
CREATE TABLE shop.movement (id int PRIMARY KEY, intent text, kind text, amount numeric, currency text, status text);
CREATE INDEX ON shop.movement (intent);
SELECT paysafe.protect_movements('shop.movement', NULL, 'intent', 'kind', 'amount', 'currency', capture => '{capture}', refund => '{refund}', status_column => 'status', counted => '{done}', void => '{failed}');
SELECT paysafe.set_refund_threshold('shop.movement', 'EUR', 100), paysafe.set_refund_threshold('shop.movement', 'USD', 100);
INSERT INTO shop.movement VALUES (1, 'p', 'capture', 100, 'EUR', 'done'), (2, 'p', 'refund', 80, 'EUR', 'done');
UPDATE shop.movement SET status = 'failed' WHERE id = 2;
SELECT is(pg_temp.refusal('INSERT INTO shop.movement VALUES (3, ''p'', ''refund'', 21, ''EUR'', ''done'')'), '42501 shop.movement.status paysafe_movement_approval', 'of a group');
UPDATE shop.movement SET status = 'failed' WHERE id = 1;
INSERT INTO shop.movement VALUES (4, 'p', 'capture', 100, 'USD', 'done');
SELECT is(pg_temp.refusal('INSERT INTO shop.movement VALUES (3, ''p'', ''refund'', 100, ''USD'', ''done'')'), 'accepted', '... in another currency');

-- another key of the payment
SELECT is(pg_temp.send(30, 10) || pg_temp.gone(30), 'acceptedaccepted', 'one has passed, and is gone');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET id = 110 WHERE id = 10'), '23R03 shop.payment.id paysafe_payment_refund', 'the key stays');
SELECT is(pg_temp.refusal_text('UPDATE shop.payment SET id = 110 WHERE id = 10', 'HINT'), 'Change it when the period is over.', '... for a while');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET id = 111, currency = ''USD'' WHERE id = 10'), '23R03 shop.payment.id paysafe_payment_refund', '... whatever else changes');
SELECT is(pg_temp.refusal('INSERT INTO shop.coin VALUES (3, 11, 80, ''EUR'', ''sent'')'), 'accepted', 'one is there, by a foreign key that cascades');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET id = 111 WHERE id = 11'), '23R03 shop.coin.payment paysafe_coin_refund', '... stays with its payment');
SELECT is(pg_temp.refusal('UPDATE shop.coin SET status = ''failed'' WHERE id = 3; UPDATE shop.payment SET id = 111 WHERE id = 11'), '23R03 shop.payment.id paysafe_payment_refund', '... also when it is void');
SELECT is(pg_temp.refusal('UPDATE shop.coin SET status = ''failed'' WHERE id = 3; DELETE FROM shop.coin WHERE id = 3; UPDATE shop.payment SET id = 111 WHERE id = 11'), '23R03 shop.payment.id paysafe_payment_refund', '... and when it is gone');
SELECT is(pg_temp.refusal('WITH d AS (DELETE FROM shop.refund WHERE id = 30) UPDATE shop.payment SET id = 110 WHERE id = 10'), '23R03 shop.payment.id paysafe_payment_refund', '... in one statement');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET currency = ''USD'' WHERE id = 10'), 'accepted', 'its currency may change');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET id = 112 WHERE id = 12'), 'accepted', 'a payment without refunds gets another key');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (31, ''eu'', 13, 80, ''asked''); UPDATE shop.refund SET status = ''failed'' WHERE id = 31; DELETE FROM shop.refund WHERE id = 31; UPDATE shop.payment SET id = 113 WHERE id = 13'), 'accepted', 'so does one whose refund has never passed');
SELECT is(pg_temp.send(32, 14) || pg_temp.gone(32), 'acceptedaccepted', 'one has passed, and is gone');
SELECT is(pg_temp.refusal('DELETE FROM shop.payment WHERE id = 14'), 'accepted', '... its payment, too');
SELECT is(pg_temp.refusal('INSERT INTO shop.payment VALUES (14, 1000, ''EUR'')') || pg_temp.send(33, 14, 21), 'accepted' || :'gate', '... the next one of this key has its past');

-- another key than the primary one, without a threshold, and of a payment that has a rule
CREATE TABLE shop.charge (id int PRIMARY KEY, code text NOT NULL UNIQUE, captured numeric, currency text);
CREATE TABLE shop.back (id int PRIMARY KEY, code text REFERENCES shop.charge (code) ON UPDATE CASCADE, amount numeric, status text);
CREATE INDEX ON shop.back (code);
SELECT paysafe.protect_refund('shop.back', 'shop.charge', 'code', 'amount', NULL, 'status', '{sent}', '{failed}', 'captured', 'currency');
INSERT INTO shop.charge VALUES (1, 'a', 100, 'EUR'), (2, 'b', 100, 'EUR');
SELECT is(pg_temp.refusal('INSERT INTO shop.back VALUES (1, ''a'', 10, ''asked''); UPDATE shop.back SET status = ''failed''; DELETE FROM shop.back; UPDATE shop.charge SET code = ''c'' WHERE id = 1'), 'accepted', 'without a threshold each refund is approved by itself');
-- refunds were judged without one: it takes two
SELECT paysafe.act_as('ann'), paysafe.propose('as others'), paysafe.set_refund_threshold('shop.back', 'EUR', 50), paysafe.propose(NULL);
SELECT paysafe.act_as('bob'), paysafe.approve(approved_as, key, 'right') FROM paysafe.pending_change ORDER BY id DESC LIMIT 1;
SELECT paysafe.act_as('ann'), paysafe.set_refund_threshold('shop.back', 'EUR', 50);
SELECT is(pg_temp.refusal('INSERT INTO shop.back VALUES (1, ''b'', 10, ''sent''); UPDATE shop.back SET status = ''failed''; DELETE FROM shop.back; UPDATE shop.charge SET code = ''d'' WHERE id = 2'), '23R03 shop.charge.code paysafe_charge_refund', 'a key that is not the primary one');

-- refunds without rows: what has risen, and fallen since
CREATE TABLE shop.pay (id int PRIMARY KEY, amount numeric, back numeric, currency text);
SELECT paysafe.protect_refund('shop.pay', 'shop.pay', 'id', 'back', 'currency', amounts => 'running', deletable => true, decimals => 4);
SELECT paysafe.set_refund_threshold('shop.pay', c, 50.0001) FROM unnest('{EUR,USD}'::text[]) c;
INSERT INTO shop.pay SELECT i, 100, 0, 'EUR' FROM generate_series(1, 4) i;
SELECT is(pg_temp.refusal(statement), want, statement) FROM (VALUES
	('UPDATE shop.pay SET back = 30.0001 WHERE id = 1', 'accepted'),
	('UPDATE shop.pay SET back = 30.00011 WHERE id = 1', '23R04 shop.pay.back paysafe_pay_refund'),
	('UPDATE shop.pay SET id = 11 WHERE id = 1', '23R03 shop.pay.id paysafe_pay_refund'),
	('UPDATE shop.pay SET back = 0 WHERE id = 1', 'accepted'),
	('UPDATE shop.pay SET id = 11 WHERE id = 1', '23R03 shop.pay.id paysafe_pay_refund'),
	('UPDATE shop.pay SET id = 11, back = 30 WHERE id = 1', '23R03 shop.pay.id paysafe_pay_refund'),
	('UPDATE shop.pay SET back = 20.0001 WHERE id = 1', '42501 shop.pay.back paysafe_pay_approval'),
	('UPDATE shop.pay SET currency = ''USD'' WHERE id = 1', 'accepted'),
	('UPDATE shop.pay SET back = 50.0001 WHERE id = 1', 'accepted'),
	('UPDATE shop.pay SET back = 0 WHERE id = 1', 'accepted'),
	('UPDATE shop.pay SET back = 0.0001 WHERE id = 1', '42501 shop.pay.back paysafe_pay_approval'),
	('UPDATE shop.pay SET currency = ''EUR'' WHERE id = 1', 'accepted'),
	('UPDATE shop.pay SET back = 20 WHERE id = 1', 'accepted'),
	('UPDATE shop.pay SET id = 12 WHERE id = 2', 'accepted')) v (statement, want);
CREATE TABLE shop.sale (id int PRIMARY KEY, status text, amount numeric, back numeric);
SELECT paysafe.protect_payment('shop.sale', 'status', 'amount', currency => 'EUR', captured => '{paid}');
SELECT paysafe.protect_refund('shop.sale', 'shop.sale', 'id', 'back', amounts => 'running');
SELECT is(pg_temp.refusal('SELECT paysafe.set_refund_threshold(''shop.sale'', ' || quote_literal(c) || ', 50)'), want, 'a threshold in ' || c) FROM (VALUES
	('USD', '22023'), ('EUR', 'accepted')) v (c, want);
SELECT * FROM finish();
ROLLBACK;
