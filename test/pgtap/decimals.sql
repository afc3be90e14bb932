-- Payments, captures, refunds, movements and payouts with more decimals than their currency has.
BEGIN;
SELECT plan(78);
\ir lib/refusal.psql
\ir lib/approved.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE FUNCTION pg_temp.as(who text, command text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(command) FROM paysafe.act_as(who) $$;

-- payments
CREATE TABLE shop.payment (id int PRIMARY KEY, status text, amount numeric(15,6), captured numeric(15,6), most numeric, currency text);
SELECT paysafe.protect_payment('shop.payment', 'status', 'amount', 'captured', 'currency', '{paid}', changes => 'rising', limit_column => 'most', decimals => 4);
SELECT is(pg_temp.refusal(statement), want, statement) FROM (VALUES
	('INSERT INTO shop.payment VALUES (1, ''paid'', 33.3333, 33.33, NULL, ''EUR'')', 'accepted'),
	('INSERT INTO shop.payment VALUES (2, ''paid'', 33.3333, 33.3333, NULL, ''USD'')', 'accepted'),
	('INSERT INTO shop.payment VALUES (3, ''new'', 33.333300, NULL, 40.0001, ''JPY'')', 'accepted'),
	('INSERT INTO shop.payment VALUES (4, ''new'', 33.3333, NULL, NULL, ''nobody knows'')', 'accepted'),
	('INSERT INTO shop.payment VALUES (9, ''new'', 33.33333, NULL, NULL, ''EUR'')', '23R04 shop.payment.amount paysafe_payment_payment'),
	('INSERT INTO shop.payment VALUES (9, ''new'', 33, NULL, 33.33333, ''EUR'')', '23R04 shop.payment.most paysafe_payment_payment'),
	('UPDATE shop.payment SET status = ''paid'', captured = 33.33333 WHERE id = 3', '23R04 shop.payment.captured paysafe_payment_payment'),
	('UPDATE shop.payment SET status = ''paid'', captured = 33.33334 WHERE id = 4', '23R04 shop.payment.captured paysafe_payment_payment'),
	('UPDATE shop.payment SET status = ''paid'', captured = 33.3334 WHERE id = 4', '23R05 shop.payment.captured paysafe_payment_payment'),
	('UPDATE shop.payment SET status = ''paid'', captured = 40.0001 WHERE id = 3', 'accepted'),
	('INSERT INTO shop.payment VALUES (9, ''new'', -1, NULL, NULL, ''EUR'')', '23R04 shop.payment.amount paysafe_payment_payment'),
	('INSERT INTO shop.payment VALUES (9, ''new'', ''NaN'', NULL, NULL, ''EUR'')', '23R04 shop.payment.amount paysafe_payment_payment'),
	('INSERT INTO shop.payment VALUES (9, ''new'', 1, NULL, NULL, NULL)', '23R04 shop.payment.currency paysafe_payment_payment')) v (statement, want);
SELECT is(pg_temp.refusal_text('INSERT INTO shop.payment VALUES (9, ''new'', 33.33333, NULL, NULL, ''EUR'')', 'DETAIL'),
	'Payment "9": amount 33.333330: amounts have 4 decimals, this one 5.', 'says what is wrong');
SELECT is((SELECT p.definition LIKE '%; 4 decimals%' FROM paysafe.protection p WHERE p.relation = 'shop.payment'::regclass AND p.rule = 'payment'), true, 'described');

-- what the number is
\set payment 'SELECT paysafe.protect_payment(''shop.payment'', ''status'', ''amount'', ''captured'', ''currency'', ''{paid}'', changes => ''rising'', limit_column => ''most'''
SELECT is(pg_temp.refusal(:'payment' || more || ')'), want, 'again' || more) FROM (VALUES
	(', decimals => 4', 'accepted'), (', decimals => 5', '42501 shop.payment paysafe_payment_payment'), (', decimals => 3', '42501 shop.payment paysafe_payment_payment'),
	('', '42501 shop.payment paysafe_payment_payment'), (', decimals => -1', '22023'), (', decimals => 31', '22023')) v (more, want);
SELECT matches(pg_temp.refusal_text(:'payment' || ', decimals => 5)', 'DETAIL'), 'changes decimals from "4" to "5"', '... in words');
SAVEPOINT fewer;
SELECT throws_like($$SELECT pg_temp.approved(format('%s, decimals => 3)', 'SELECT paysafe.protect_payment(''shop.payment'', ''status'', ''amount'', ''captured'', ''currency'', ''{paid}'', changes => ''rising'', limit_column => ''most'''))$$,
	'%4 existing rows of "payment" break it', 'rows that are there have more');
ROLLBACK TO fewer;
SELECT lives_ok($$SELECT pg_temp.approved(format('%s, decimals => 5)', 'SELECT paysafe.protect_payment(''shop.payment'', ''status'', ''amount'', ''captured'', ''currency'', ''{paid}'', changes => ''rising'', limit_column => ''most'''))$$, 'two people let them have more');
SELECT is(pg_temp.refusal('INSERT INTO shop.payment VALUES (5, ''new'', 33.33333, NULL, NULL, ''EUR'')'), 'accepted', '... and they do');

-- refunds: exact to the last decimal
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, status text);
CREATE INDEX ON shop.refund (payment);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', status_column => 'status', gated => '{sent}', void => '{failed}', decimals => 4);
SELECT is(pg_temp.refusal(statement), want, statement) FROM (VALUES
	('SELECT paysafe.set_refund_threshold(''shop.refund'', ''EUR'', 10.000001)', '22023'),
	('SELECT paysafe.set_refund_threshold(''shop.refund'', ''EUR'', 10.0001)', 'accepted'),
	('SELECT paysafe.set_refund_threshold(''shop.refund'', ''USD'', 100)', 'accepted'),
	('INSERT INTO shop.refund VALUES (1, 1, 1.00001, ''sent'')', '23R04 shop.refund.amount paysafe_refund_refund'),
	('INSERT INTO shop.refund VALUES (1, 1, 0, ''sent'')', '23R04 shop.refund.amount paysafe_refund_refund'),
	('INSERT INTO shop.refund VALUES (1, 1, 5.0001, ''sent'')', 'accepted'),
	('INSERT INTO shop.refund VALUES (2, 1, 5.0001, ''sent'')', '42501 shop.refund.status paysafe_refund_approval'),
	('INSERT INTO shop.refund VALUES (2, 1, 5, ''sent'')', 'accepted'),
	('INSERT INTO shop.refund VALUES (3, 1, 23.3300, ''asked'')', '23R01 shop.refund.amount paysafe_refund_refund'),
	('INSERT INTO shop.refund VALUES (3, 1, 23.3299, ''asked'')', 'accepted'),
	('INSERT INTO shop.refund VALUES (4, 1, 0.0001, ''asked'')', '23R01 shop.refund.amount paysafe_refund_refund'),
	('INSERT INTO shop.refund VALUES (5, 2, 33.3333, ''sent'')', 'accepted'),
	('INSERT INTO shop.refund VALUES (6, 2, 0.0001, ''sent'')', '23R01 shop.refund.amount paysafe_refund_refund'),
	('UPDATE shop.payment SET captured = 33.3332 WHERE id = 2', '23R05 shop.payment.captured paysafe_payment_payment')) v (statement, want);
SELECT is(pg_temp.refusal_text('INSERT INTO shop.refund VALUES (4, 1, 0.0001, ''asked'')', 'DETAIL'),
	'With refund "4" of 0.0001 EUR they total 33.3301 EUR; captured is 33.330000 EUR.', 'spoken with all decimals');
SELECT is(pg_temp.refusal_text('SELECT paysafe.set_refund_threshold(''shop.refund'', ''EUR'', 10.000001)', 'DETAIL'), '10.000001: amounts have 4 decimals, this one 6.', '... of a threshold, too');
-- an approval is of the amount to the last decimal
SELECT is(pg_temp.as('ann', 'INSERT INTO shop.refund VALUES (7, 3, 20.1234, ''asked'')'), 'accepted', 'asked for');
SELECT is((SELECT money FROM paysafe.pending_approval WHERE key = '7'), '20.1234 JPY', 'spoken as what waits');
SELECT is(pg_temp.as('bob', 'SELECT paysafe.approve(''shop.refund'', ''7'', ''agreed'')'), 'accepted', 'approved');
SELECT is(pg_temp.as('ann', 'UPDATE shop.refund SET status = ''sent'' WHERE id = 7'), 'accepted', '... and sent');
SELECT is(pg_temp.as('bob', 'SELECT paysafe.approve_refund(''shop.refund'', ''3'', 5.12345, ''JPY'', ''agreed'')'), '22023', 'in advance of too many decimals');
SELECT is(pg_temp.as('bob', 'SELECT paysafe.approve_refund(''shop.refund'', ''3'', 5.12340, ''JPY'', ''agreed'')'), 'accepted', 'in advance');
SELECT is(pg_temp.as('ann', 'INSERT INTO shop.refund VALUES (8, 3, 5.1235, ''sent'')'), '42501 shop.refund.status paysafe_refund_approval', '... not of more');
SELECT is(pg_temp.as('ann', 'INSERT INTO shop.refund VALUES (8, 3, 5.1234, ''sent'')'), 'accepted', '... of so much');
SELECT is(pg_temp.as('ann', 'SELECT paysafe.request_refund(''shop.refund'', ''3'', 1.0001, ''JPY'', ''returned'')'), 'accepted', 'asked for in advance');
-- a currency that nobody declared has a threshold only when it is known
SELECT is(pg_temp.refusal('SELECT paysafe.set_refund_threshold(''shop.refund'', ''XXQ'', 10)'), '22023', 'the threshold of an unknown currency');
SELECT is(pg_temp.refusal_text('SELECT paysafe.set_refund_threshold(''shop.refund'', ''XXQ'', 10)', 'HINT'), 'Declare it: SELECT paysafe.set_currency(''XXQ'', 4);', '... which can be declared');
SAVEPOINT declared;
SELECT paysafe.set_currency('XXQ', 4);
SELECT lives_ok($$SELECT pg_temp.approved('SELECT paysafe.set_refund_threshold(''shop.refund'', ''XXQ'', 10.0001)')$$, '... and has one then, by two: refunds were judged without it');
ROLLBACK TO declared;

-- what else counts in other ways
CREATE TABLE shop.cents (id int PRIMARY KEY, payment int, amount bigint);
CREATE TABLE shop.whole (id int PRIMARY KEY, amount bigint, currency text);
CREATE TABLE shop.part (id int PRIMARY KEY, whole int, amount numeric);
CREATE INDEX ON shop.cents (payment);
CREATE INDEX ON shop.part (whole);
SELECT is(pg_temp.refusal(statement), want, statement) FROM (VALUES
	('SELECT paysafe.protect_refund(''shop.cents'', ''shop.payment'', ''payment'', ''amount'', units => ''minor'', decimals => 4)', '22023'),
	('SELECT paysafe.protect_payment(''shop.whole'', NULL, ''amount'', currency_column => ''currency'', decimals => 4)', '22023'),
	('SELECT paysafe.protect_payment(''shop.whole'', NULL, ''amount'', currency_column => ''currency'', units => ''major'', decimals => 0)', 'accepted')) v (statement, want);
SELECT pg_temp.approved('SELECT paysafe.protect_payment(''shop.whole'', NULL, ''amount'', currency_column => ''currency'')');
SELECT is(pg_temp.refusal('SELECT paysafe.protect_refund(''shop.part'', ''shop.whole'', ''whole'', ''amount'', units => ''major'', decimals => 4)'), '22023', 'of payments in whole cents');
SELECT lives_ok('SELECT paysafe.protect_refund(''shop.part'', ''shop.whole'', ''whole'', ''amount'', units => ''major'')', '... the currency''s decimals');
SELECT lives_ok('SELECT paysafe.protect_refund(''shop.cents'', ''shop.payment'', ''payment'', ''amount'', units => ''minor'')', 'cents of payments with more decimals');
SELECT is(pg_temp.refusal('INSERT INTO shop.payment VALUES (6, ''paid'', 1.0099, 1.0099, NULL, ''EUR''); INSERT INTO shop.cents VALUES (1, 6, 101)'), '23R01 shop.cents.amount paysafe_cents_refund', '... are limited by them');

-- captures
CREATE TABLE shop.intent (id int PRIMARY KEY, amount numeric, currency text);
CREATE TABLE shop.capture (id int PRIMARY KEY, intent int, amount numeric);
CREATE TABLE shop.back (id int PRIMARY KEY, intent int, amount numeric);
CREATE INDEX ON shop.capture (intent);
CREATE INDEX ON shop.back (intent);
SELECT paysafe.protect_captures('shop.capture', 'shop.intent', 'intent', 'amount', currency_path => '{intent,currency}', limit_column => 'amount', decimals => 3);
SELECT paysafe.protect_refund('shop.back', 'shop.intent', 'intent', 'amount', decimals => 3);
SELECT paysafe.set_refund_threshold('shop.back', 'EUR', 99.999);
INSERT INTO shop.intent VALUES (1, 10.0005, 'EUR');
SELECT is(pg_temp.refusal(statement), want, statement) FROM (VALUES
	('INSERT INTO shop.capture VALUES (1, 1, 3.3333)', '23R04 shop.capture.amount paysafe_capture_captures'),
	('INSERT INTO shop.capture VALUES (1, 1, 3.333), (2, 1, 6.667)', 'accepted'),
	('INSERT INTO shop.capture VALUES (3, 1, 0.001)', '23R05 shop.capture.amount paysafe_capture_captures'),
	('INSERT INTO shop.back VALUES (1, 1, 9.999)', 'accepted'),
	('INSERT INTO shop.back VALUES (2, 1, 0.002)', '23R01 shop.back.amount paysafe_back_refund'),
	('INSERT INTO shop.back VALUES (2, 1, 0.0001)', '23R04 shop.back.amount paysafe_back_refund')) v (statement, want);

-- movements, and payouts of which some take money back
CREATE TABLE shop.movement (id int PRIMARY KEY, intent text, kind text, amount numeric, currency text);
CREATE TABLE shop.payout (id int PRIMARY KEY, merchant text, amount numeric, currency text);
CREATE INDEX ON shop.movement (intent);
CREATE INDEX ON shop.payout (merchant);
SELECT paysafe.protect_movements('shop.movement', NULL, 'intent', 'kind', 'amount', 'currency', authorize => '{auth}', capture => '{capture}', refund => '{refund}', decimals => 5);
SELECT paysafe.protect_refund('shop.payout', NULL, 'merchant', 'amount', 'currency', decimals => 5);
SELECT paysafe.set_refund_threshold('shop.movement', 'USD', 1.00001), paysafe.set_refund_threshold('shop.payout', 'USD', 1.00001);
SELECT is(pg_temp.refusal(statement), want, statement) FROM (VALUES
	('INSERT INTO shop.movement VALUES (1, ''p'', ''auth'', 2.00003, ''USD''), (2, ''p'', ''capture'', 2.00003, ''USD'')', 'accepted'),
	('INSERT INTO shop.movement VALUES (3, ''p'', ''refund'', 0.000001, ''USD'')', '23R04 shop.movement.amount paysafe_movement_refund'),
	('INSERT INTO shop.movement VALUES (3, ''p'', ''refund'', 1.00001, ''USD'')', 'accepted'),
	('INSERT INTO shop.movement VALUES (4, ''p'', ''refund'', 0.00001, ''USD'')', '42501 shop.movement.amount paysafe_movement_approval'),
	('INSERT INTO shop.payout VALUES (1, ''m'', 1.000001, ''USD'')', '23R04 shop.payout.amount paysafe_payout_refund'),
	('INSERT INTO shop.payout VALUES (1, ''m'', -1.00001, ''USD'')', 'accepted'),
	('INSERT INTO shop.payout VALUES (2, ''m'', 0.00001, ''USD'')', '42501 shop.payout.amount paysafe_payout_approval')) v (statement, want);

-- what is proposed
CREATE TABLE shop.plain (id int PRIMARY KEY, status text, amount numeric(12,4), captured numeric(12,4), currency text);
CREATE TABLE shop.fine (id int PRIMARY KEY, status text, amount numeric(12,3), captured numeric(12,-2), currency text);
SELECT is((SELECT declaration ~ 'decimals => 4' FROM paysafe.suggest('shop.plain') WHERE rule = 'payment'), true, 'columns with four decimals');
SELECT is((SELECT declaration ~ 'decimals' FROM paysafe.suggest('shop.fine') WHERE rule = 'payment'), false, 'columns with three');
-- what is reserved of a ledger with decimals of its own will be its entries
CREATE TABLE shop.posting (id serial PRIMARY KEY, txn text, account text, amount numeric, asset text);
CREATE TABLE shop.wallet (name text PRIMARY KEY, balance numeric, minimum numeric);
CREATE INDEX ON shop.posting (txn);
CREATE INDEX ON shop.posting (account);
SELECT paysafe.protect_ledger('shop.posting', 'txn', 'account', 'amount', 'asset', decimals => 8);
SELECT paysafe.protect_balance('shop.wallet', 'name', 'balance', 'shop.posting', 'minimum');
INSERT INTO shop.wallet VALUES ('a', 0, 0), ('b', 0, NULL);
INSERT INTO shop.posting (txn, account, amount, asset) VALUES ('t', 'a', 0.00000003, 'points'), ('t', 'b', -0.00000003, 'points');
SELECT is(pg_temp.refusal('SELECT paysafe.reserve(''shop.wallet'', ''a'', ' || amount || ')'), want, 'reserved: ' || amount) FROM (VALUES
	('0.000000001', '22023'), ('0.00000002', 'accepted'), ('0.00000002', '23M01 shop.wallet.balance paysafe_wallet_balance')) v (amount, want);
SELECT * FROM finish();
ROLLBACK;
