-- What is added up once in a transaction, where a statement calls a function that runs
-- another one: the inner triggers fire first, while rows of the outer one are yet to come.
BEGIN;
SELECT plan(14);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, authorized numeric, currency text);
CREATE TABLE shop.capture (id int PRIMARY KEY, payment int REFERENCES shop.payment, amount numeric, currency text, state text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int REFERENCES shop.payment, amount numeric, currency text, state text);
CREATE TABLE shop.card (id int PRIMARY KEY, card text, amount numeric);
CREATE INDEX ON shop.capture (payment);
CREATE INDEX ON shop.refund (payment);
CREATE INDEX ON shop.card (card);
CREATE FUNCTION shop.run(statement text) RETURNS text LANGUAGE plpgsql AS $$BEGIN EXECUTE statement; RETURN 'done'; END$$;
SELECT paysafe.protect_captures('shop.capture', 'shop.payment', 'payment', 'amount', 'currency', 'state', counted => '{done}', limit_column => 'authorized'),
	   paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'state', gated => '{sent}', void => '{failed}'),
	   paysafe.set_refund_threshold('shop.refund', 'EUR', 5000),
	   paysafe.protect_entries('shop.card', 'card', 'amount', currency => 'EUR', minimum => 0);
INSERT INTO shop.payment SELECT g, 100, 'EUR' FROM generate_series(1, 9) g;
INSERT INTO shop.capture SELECT g, g, 40, 'EUR', 'done' FROM generate_series(1, 2) g;
INSERT INTO shop.capture SELECT g, g, 100, 'EUR', 'done' FROM generate_series(3, 6) g;
INSERT INTO shop.card VALUES (1, 'g', 100);

-- a capture that ends before it is checked
SELECT is(pg_temp.refusal($$INSERT INTO shop.capture VALUES (11, 1, 60, 'EUR', 'done') RETURNING shop.run('UPDATE shop.capture SET state = ''void'' WHERE id = 11')$$), 'accepted', 'added and void at once');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (11, 1, 41, 'EUR', 'sent')$$), '23R01 shop.refund.amount paysafe_refund_refund', 'it was never captured');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (11, 1, 40, 'EUR', 'sent')$$), 'accepted', 'the rest was');
-- the only one of a payment
SELECT is(pg_temp.refusal($$INSERT INTO shop.capture VALUES (17, 7, 60, 'EUR', 'done') RETURNING shop.run('UPDATE shop.capture SET state = ''void'' WHERE id = 17')$$), 'accepted', 'nor is the only one missed');
SELECT is(pg_temp.refusal($$INSERT INTO shop.capture VALUES (18, 7, 100, 'EUR', 'done')$$), 'accepted', 'another one takes its place');
-- a capture that ends and is back
SELECT is(pg_temp.refusal($$UPDATE shop.capture SET state = 'void' WHERE id = 3 RETURNING shop.run('UPDATE shop.capture SET state = ''done'' WHERE id = 3')$$), 'accepted', 'void and done at once');
SELECT is(pg_temp.refusal($$INSERT INTO shop.capture VALUES (13, 3, 1, 'EUR', 'done')$$), '23R05 shop.capture.amount paysafe_capture_captures', 'nothing is left to be captured');

-- rows that come after another statement has added up
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund SELECT g, 4, CASE g WHEN 41 THEN 10 ELSE 90 END, 'EUR', 'wait' FROM generate_series(41, 43) g
	RETURNING CASE id WHEN 41 THEN shop.run('INSERT INTO shop.refund VALUES (49, 4, 5, ''EUR'', ''wait'')') END$$),
	'23R01 shop.refund.amount paysafe_refund_refund', 'refunds of one statement');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund SELECT g, 4, CASE g WHEN 41 THEN 10 ELSE 40 END, 'EUR', 'wait' FROM generate_series(41, 43) g
	RETURNING CASE id WHEN 41 THEN shop.run('INSERT INTO shop.refund VALUES (49, 4, 5, ''EUR'', ''wait'')') END$$),
	'accepted', 'as many as there is room for');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (44, 4, 6, 'EUR', 'wait')$$), '23R01 shop.refund.amount paysafe_refund_refund', 'each is counted once');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (44, 4, 5, 'EUR', 'wait')$$), 'accepted', 'and no more');
SELECT is(pg_temp.refusal($$INSERT INTO shop.capture SELECT g, 8, CASE g WHEN 81 THEN 10 ELSE 90 END, 'EUR', 'done' FROM generate_series(81, 83) g
	RETURNING CASE id WHEN 81 THEN shop.run('INSERT INTO shop.capture VALUES (89, 8, 5, ''EUR'', ''done'')') END$$),
	'23R05 shop.capture.amount paysafe_capture_captures', 'captures of one statement');
SELECT is(pg_temp.refusal($$INSERT INTO shop.card SELECT g, 'g', -60 FROM generate_series(2, 4) g
	RETURNING CASE id WHEN 2 THEN shop.run('INSERT INTO shop.card VALUES (9, ''g'', -1)') END$$),
	'23M01 shop.card.amount paysafe_card_ledger', 'entries of one statement');
SELECT is(pg_temp.refusal($$INSERT INTO shop.card SELECT g, 'g', -33 FROM generate_series(2, 4) g
	RETURNING CASE id WHEN 2 THEN shop.run('INSERT INTO shop.card VALUES (9, ''g'', -1)') END$$),
	'accepted', 'down to the minimum');
SELECT * FROM finish();
ROLLBACK;
