-- Payments whose captured column is net of their refunds.
BEGIN;
SELECT plan(61);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int, day date DEFAULT '2026-01-01', status text DEFAULT 'paid', amount numeric, net numeric, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE shop.payment_1 PARTITION OF shop.payment FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE shop.payment_2 PARTITION OF shop.payment FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, status text DEFAULT 'sent');
CREATE INDEX ON shop.refund (payment);
CREATE TABLE shop.chargeback (id int PRIMARY KEY, payment int, amount numeric);
CREATE INDEX ON shop.chargeback (payment);
-- before the rules: 100 captured, 60 refunded; 80 of 100, of which 30 are refunded
INSERT INTO shop.payment VALUES (1, DEFAULT, 'paid', 100, 40), (2, DEFAULT, 'paid', 100, 50), (3, DEFAULT, 'paid', 100, 100);
INSERT INTO shop.refund VALUES (1, 1, 60), (2, 2, 30);

\set fall '23R05 shop.payment.net paysafe_payment_refund'
\set alone '23R05 shop.payment.net paysafe_payment_payment'
\set cap '23R01 shop.refund.amount paysafe_refund_refund'
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payment('shop.payment', 'status', 'amount', currency => 'EUR', captured => '{paid}', changes => 'net')$$), '22023', 'a column falls, or nothing does');
SELECT paysafe.protect_payment('shop.payment', 'status', 'amount', 'net', currency => 'EUR', captured => '{paid}', changes => 'net');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 90 WHERE id = 3'), :'alone', 'without a rule for refunds nothing accounts for a fall');
SELECT is(pg_temp.refusal_text('UPDATE shop.payment SET net = 90 WHERE id = 3', 'HINT'), 'It falls with refunds: declare which rows these are with paysafe.protect_refund.', '... which the hint says');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', status_column => 'status', gated => '{sent}', void => '{void}', payment_key => 'id', payment_amount_column => 'net')$$),
	'22023', 'what is captured is not the column');
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', status_column => 'status', gated => '{sent}', void => '{void}', payment_key => 'id');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 1000);
SELECT is((SELECT definition FROM paysafe.protection WHERE relation = 'shop.payment'::regclass AND rule = 'payment'), 'net <= amount in EUR, set when status becomes paid; in a captured status it may rise, and fall with refunds', 'in words');

-- refunds of before are in the column already
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (10, 1, 40.01)'), :'cap', '100 were captured, of which 40 are left');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (10, 1, 40)'), 'accepted', '... which are refunded');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 0 WHERE id = 1'), 'accepted', '... and the column falls');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (11, 1, 0.01)'), :'cap', 'nothing is left');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 49 WHERE id = 2'), :'fall', 'an old refund accounts for no second fall');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (12, 2, 10)'), 'accepted', '80 were captured');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 39 WHERE id = 2'), :'fall', 'a fall by more than the new one');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 40 WHERE id = 2'), 'accepted', '... by as much');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (13, 2, 40.01)'), :'cap', '80, and not more');

-- a life
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 99 WHERE id = 3'), :'fall', 'nobody was refunded');
SELECT is(pg_temp.refusal_text('UPDATE shop.payment SET net = 99 WHERE id = 3', 'DETAIL'), 'Of 100 that is captured, refunds total 0; 99 would be left.', '... which the message says');
SELECT is(pg_temp.refusal('WITH r AS (INSERT INTO shop.refund VALUES (20, 3, 30)) UPDATE shop.payment SET net = 70 WHERE id = 3'), 'accepted', 'refund and fall by one statement');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (21, 3, 30), (22, 3, 30)'), 'accepted', 'two more, which the column does not know yet');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (23, 3, 10.01)'), :'cap', 'they count all the same');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 40 WHERE id = 3'), 'accepted', 'it falls for one');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 9 WHERE id = 3'), :'fall', '... for more than both');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 10 WHERE id = 3'), 'accepted', '... for both');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 101 WHERE id = 3'), :'alone', 'not above the amount');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'void' WHERE id = 20$$), 'accepted', 'one came back');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 40 WHERE id = 3'), 'accepted', '... and is in the column again');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (24, 3, 40.01)'), :'cap', '... once');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (24, 3, 40)'), 'accepted', 'refunded again');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'sent' WHERE id = 20$$), :'cap', 'then the first cannot have gone through');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 0 WHERE id = 3'), 'accepted', 'all is gone');

-- the column first, then the refund
INSERT INTO shop.payment VALUES (4, DEFAULT, 'paid', 200, 60), (5, DEFAULT, 'paid', 200, 60);
INSERT INTO shop.refund VALUES (30, 4, 20), (31, 5, 20);
UPDATE shop.payment SET net = 40 WHERE id IN (4, 5);
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 60 WHERE id = 4'), 'accepted', 'taken back in the column');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'void' WHERE id = 30$$), 'accepted', '... before the refund is void');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (32, 4, 60.01)'), :'cap', '60 were captured, not 80');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (32, 4, 20)'), 'accepted', 'a part of them');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (33, 4, 40.01)'), :'cap', '... is none of what was captured more');

-- captured in parts, between refunds
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 140 WHERE id = 5'), 'accepted', '100 more');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (40, 5, 140.01)'), :'cap', '160 were captured');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (40, 5, 140)'), 'accepted', '... and are refunded');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 0 WHERE id = 5'), 'accepted', '... all of them');

-- the payment stays
SELECT is(pg_temp.refusal('DELETE FROM shop.payment WHERE id = 5'), '23R07 shop.payment paysafe_payment_payment', 'a payment whose column is zero was captured');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET id = 6 WHERE id = 5'), '23R03 shop.payment.id paysafe_payment_payment', '... and has its key');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET amount = 1 WHERE id = 5'), '23R03 shop.payment.amount paysafe_payment_payment', '... and its amount');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET day = '2026-02-05' WHERE id = 5$$), 'accepted', 'it moves to another partition');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (41, 5, 0.01)'), :'cap', '... with what was captured of it');
SELECT is(pg_temp.refusal('DELETE FROM shop.payment WHERE id = 5'), '23R07 shop.payment paysafe_payment_payment', '... which keeps it');

-- savepoints
INSERT INTO shop.payment VALUES (7, DEFAULT, 'paid', 100, 100);
SAVEPOINT s;
INSERT INTO shop.refund VALUES (50, 7, 70);
UPDATE shop.payment SET net = 30 WHERE id = 7;
ROLLBACK TO s;
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 30 WHERE id = 7'), :'fall', 'a refund that was rolled back accounts for nothing');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (50, 7, 100)'), 'accepted', '... and takes nothing');

-- another table of refunds
SELECT paysafe.protect_refund('shop.chargeback', 'shop.payment', 'payment', 'amount', payment_key => 'id');
SELECT paysafe.set_refund_threshold('shop.chargeback', 'EUR', 1000);
INSERT INTO shop.payment VALUES (8, DEFAULT, 'paid', 300, 100);
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (60, 8, 30); INSERT INTO shop.chargeback VALUES (60, 8, 30)'), 'accepted', 'in two tables');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 39 WHERE id = 8'), :'fall', 'both account for a fall');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 40 WHERE id = 8'), 'accepted', '... of both');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 140 WHERE id = 8'), 'accepted', 'a capture is booked once');
SELECT is((SELECT amount FROM paysafe.captured_total WHERE whole_key LIKE '8,%' ORDER BY step DESC LIMIT 1), 200::numeric, '... 200 in all');
SELECT is(pg_temp.refusal('INSERT INTO shop.chargeback VALUES (61, 8, 140.01)'), '23R01 shop.chargeback.amount paysafe_chargeback_refund', 'not more, in either');

-- another row of the same key
INSERT INTO shop.payment VALUES (9, DEFAULT, 'paid', 100, 0);
SELECT is(pg_temp.refusal('DELETE FROM shop.payment WHERE id = 9'), 'accepted', 'nothing was captured');
SELECT is(pg_temp.refusal($$INSERT INTO shop.payment VALUES (9, DEFAULT, 'paid', 100, 10); INSERT INTO shop.refund VALUES (70, 9, 10.01)$$), :'cap', 'the next one begins with its own');

-- captured, and its refund has failed
INSERT INTO shop.payment VALUES (10, DEFAULT, 'paid', 100, 10);
INSERT INTO shop.refund VALUES (80, 10, 10);
UPDATE shop.payment SET net = 0 WHERE id = 10;
UPDATE shop.refund SET status = 'void' WHERE id = 80;
DELETE FROM shop.refund WHERE id = 80;
SELECT is(pg_temp.refusal('DELETE FROM shop.payment WHERE id = 10'), '23R07 shop.payment paysafe_payment_payment', 'the column has not taken it back: it was captured');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET amount = 50 WHERE id = 10'), '23R03 shop.payment.amount paysafe_payment_payment', '... and stays');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET net = 10 WHERE id = 10'), 'accepted', 'it does');

-- the amount itself is what is captured
CREATE TABLE shop.item (id int PRIMARY KEY, charged numeric);
CREATE TABLE shop.event (id int PRIMARY KEY, item int REFERENCES shop.item, amount numeric);
CREATE INDEX ON shop.event (item);
SELECT paysafe.protect_payment('shop.item', NULL, 'charged', 'charged', currency => 'EUR', changes => 'net');
SELECT paysafe.protect_refund('shop.event', 'shop.item', 'item', 'amount');
SELECT paysafe.set_refund_threshold('shop.event', 'EUR', 1000);
INSERT INTO shop.item VALUES (1, 0);
SELECT is(pg_temp.refusal('UPDATE shop.item SET charged = 50; UPDATE shop.item SET charged = 80'), 'accepted', 'it rises without a limit');
SELECT is(pg_temp.refusal('INSERT INTO shop.event VALUES (1, 1, 80.01)'), '23R01 shop.event.amount paysafe_event_refund', '... and is one');
SELECT is(pg_temp.refusal('INSERT INTO shop.event VALUES (1, 1, 80); UPDATE shop.item SET charged = 0'), 'accepted', 'refunded');
SELECT is(pg_temp.refusal('UPDATE shop.item SET charged = -1'), '23R04 shop.item.charged paysafe_item_payment', 'never below zero');
SELECT * FROM finish();
ROLLBACK;
