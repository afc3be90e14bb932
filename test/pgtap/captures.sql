-- What is captured of a payment is the sum of rows: what counts, what limits it, what it limits.
BEGIN;
SELECT plan(154);
\ir lib/refusal.psql
\ir lib/approved.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;

CREATE TABLE shop.payment (id int PRIMARY KEY, amount numeric, currency text, note text);
INSERT INTO shop.payment SELECT i, 100, 'EUR' FROM generate_series(1, 40) i;
CREATE TABLE shop.capture (id int, region text, payment int, amount numeric, status text, note text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.capture_eu PARTITION OF shop.capture FOR VALUES IN ('eu');
CREATE TABLE shop.capture_us (note text, status text, region text NOT NULL, amount numeric, id int NOT NULL, payment int);
ALTER TABLE shop.capture ATTACH PARTITION shop.capture_us FOR VALUES IN ('us');
CREATE INDEX ON shop.capture (payment);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, status text);
CREATE INDEX ON shop.refund (payment);
CREATE FUNCTION pg_temp.declare(more text DEFAULT '', counted text DEFAULT '{done,booked}') RETURNS text LANGUAGE sql AS $$
	SELECT format($d$SELECT paysafe.protect_captures('shop.capture', 'shop.payment', 'payment', 'amount', status_column => 'status', counted => %L,
		limit_column => 'amount', currency_path => '{payment,currency}', payment_key => 'id', recorded => '{booked}'%s)$d$, counted, more) $$;
CREATE FUNCTION pg_temp.captured(payment int) RETURNS numeric LANGUAGE sql AS $$
	SELECT sum(amount) FROM shop.capture c WHERE c.payment = $1 AND status IN ('done', 'booked') $$;
CREATE FUNCTION pg_temp.capture(id int, payment int, amount numeric, status text DEFAULT 'done', region text DEFAULT 'eu') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(format('INSERT INTO shop.capture (id, region, payment, amount, status) VALUES (%s, %L, %L, %L, %L)', id, region, payment, amount, status)) $$;
CREATE FUNCTION pg_temp.refund(id int, payment int, amount numeric) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(format('INSERT INTO shop.refund VALUES (%s, %s, %s, ''asked'')', id, payment, amount)) $$;

-- rows that are there
INSERT INTO shop.capture (id, region, payment, amount, status) VALUES (1, 'eu', 1, 60, 'done'), (2, 'us', 1, 41, 'done'), (3, 'eu', 99, 1, 'failed');
SELECT is(pg_temp.refusal(pg_temp.declare()), '23514 shop.capture paysafe_capture_captures', 'more is captured than authorized');
SELECT matches(pg_temp.refusal_text(pg_temp.declare(), 'DETAIL'), 'captured would be 101, its limit is 100', '... it says so');
UPDATE shop.capture SET amount = 40 WHERE id = 2;
UPDATE shop.capture SET status = 'done' WHERE id = 3;
SELECT is(pg_temp.refusal(pg_temp.declare()), '23514 shop.capture paysafe_capture_captures', 'one counts and has no payment');
UPDATE shop.capture SET status = 'failed' WHERE id = 3;
UPDATE shop.capture SET amount = -1 WHERE id = 1;
SELECT is(pg_temp.refusal(pg_temp.declare()), '23514 shop.capture paysafe_capture_captures', 'one is negative');
UPDATE shop.capture SET amount = 60 WHERE id = 1;
SELECT is(pg_temp.refusal(pg_temp.declare()), 'accepted', 'as it should be');
SELECT is(pg_temp.refusal(pg_temp.declare()), 'accepted', 'declared again');
SELECT is((SELECT count(*)::int FROM paysafe.rule WHERE relation = 'shop.capture'::regclass AND rule = 'captures'), 1, '... which changes nothing');

-- refunds follow
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', status_column => 'status', gated => '{sent}', void => '{void}', payment_key => 'id')$$),
		  'accepted', 'refunds of what is captured: no payment rule is needed');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 1000);
SELECT is((SELECT string_agg(c.detail, '; ') FROM paysafe.check() c WHERE c.subject IN ('shop.refund', 'shop.capture') AND c.check_name = 'captured' AND NOT c.ok), NULL, 'check() agrees');

-- one that begins to count
\set limit '23R05 shop.capture.amount paysafe_capture_captures'
\set frozen '23R03 shop.capture'
SELECT is(pg_temp.capture(id, payment, amount, status, region), expected, what)
  FROM (VALUES
	(10, 2, 60, 'done', 'eu', 'accepted', 'a first capture'),
	(11, 2, 40, 'done', 'us', 'accepted', '... the rest, in another partition'),
	(12, 2, 0.01, 'done', 'us', :'limit', '... and a cent more'),
	(12, 2, 1000, 'asked', 'eu', 'accepted', '... which does not count yet'),
	(13, 2, NULL, 'asked', 'eu', 'accepted', '... nor does one without an amount'),
	(14, NULL, 5, 'asked', 'eu', 'accepted', '... or without a payment'),
	(15, 3, 0, 'done', 'eu', '23R04 shop.capture.amount paysafe_capture_captures', 'of nothing'),
	(15, 3, -1, 'done', 'eu', '23R04 shop.capture.amount paysafe_capture_captures', 'negative'),
	(15, 3, 'NaN', 'done', 'eu', '23R04 shop.capture.amount paysafe_capture_captures', 'no number'),
	(15, 3, 'Infinity', 'done', 'eu', '23R04 shop.capture.amount paysafe_capture_captures', 'without end'),
	(15, 3, 0.001, 'done', 'eu', '23R04 shop.capture.amount paysafe_capture_captures', 'with more decimals than the currency'),
	(15, 3, NULL, 'done', 'eu', '23R04 shop.capture.amount paysafe_capture_captures', 'without an amount'),
	(15, NULL, 1, 'done', 'eu', '23R06 shop.capture.payment paysafe_capture_captures', 'without a payment'),
	(15, 99, 1, 'done', 'eu', '23R06 shop.capture.payment paysafe_capture_captures', 'of a payment that is not there')) v (id, payment, amount, status, region, expected, what);
SELECT is(pg_temp.refusal(format('UPDATE shop.capture SET %s WHERE id = %s', change, id)), expected, what)
  FROM (VALUES
	(12, 'status = ''done''', :'limit', 'it would count now'),
	(12, 'amount = 1, payment = 3', 'accepted', 'what does not count changes'),
	(12, 'status = ''done'', amount = 2', 'accepted', 'the amount with the capture'),
	(12, 'amount = 1', :'frozen' || '.amount paysafe_capture_captures', 'what counts stays: the amount'),
	(12, 'payment = 4', :'frozen' || '.payment paysafe_capture_captures', '... the payment'),
	(12, 'id = 99', :'frozen' || '.id paysafe_capture_captures', '... the key'),
	(12, 'amount = 2.00, payment = 3, status = ''done'', note = ''x''', 'accepted', 'the whole row saved again'),
	(12, 'region = ''us''', 'accepted', 'to another partition'),
	(12, 'amount = 3, region = ''eu''', :'frozen' || '.amount paysafe_capture_captures', '... not with another amount'),
	(12, 'status = ''booked''', 'accepted', 'from one counted status to another'),
	(12, 'status = ''void'', amount = 3', :'frozen' || '.amount paysafe_capture_captures', 'as it is voided it stays'),
	(12, 'status = ''void''', 'accepted', 'voided'),
	(12, 'amount = 70, payment = 5', 'accepted', '... it is free again'),
	(12, 'status = ''done''', 'accepted', '... and counts anew')) v (id, change, expected, what);
SELECT is(pg_temp.refusal('DELETE FROM shop.capture WHERE id = 10'), '23R07 shop.capture paysafe_capture_captures', 'what counts is not deleted');
SELECT is(pg_temp.refusal('DELETE FROM shop.capture WHERE id IN (3, 13, 14)'), 'accepted', 'what does not count is');
SELECT is(pg_temp.refusal('TRUNCATE shop.capture'), '23R07 shop.capture paysafe_capture_captures', 'truncated');

-- refunds
\set over '23R01 shop.refund.amount paysafe_refund_refund'
\set below '23R01 shop.capture.status paysafe_capture_captures'
SELECT is(pg_temp.refund(1, 6, 1), :'over', 'nothing is captured');
SELECT is(pg_temp.capture(20, 6, 30) || pg_temp.capture(21, 6, 20) || pg_temp.capture(22, 6, 50, 'asked'), 'acceptedacceptedaccepted', '50 are');
SELECT is(pg_temp.refund(1, 6, 50.01), :'over', 'more than that');
SELECT is(pg_temp.refund(1, 6, 45), 'accepted', 'less');
SELECT is(pg_temp.refusal('UPDATE shop.capture SET status = ''void'' WHERE id = 21'), :'below', 'what is refunded stays captured');
SELECT is(pg_temp.refusal('UPDATE shop.capture SET status = ''done'' WHERE id = 22; UPDATE shop.capture SET status = ''void'' WHERE id = 21'), 'accepted', 'more is captured, and then it need not');
SELECT is(pg_temp.refusal('UPDATE shop.capture SET status = CASE id WHEN 21 THEN ''done'' ELSE ''void'' END WHERE id IN (21, 22)'), 'accepted', 'two change places in one statement');
SELECT is(pg_temp.refusal('UPDATE shop.capture SET status = CASE id WHEN 21 THEN ''void'' ELSE ''done'' END WHERE id IN (21, 22)'), 'accepted', '... and back');
SELECT is(pg_temp.refusal('UPDATE shop.capture SET status = ''void'' WHERE payment = 6'), :'below', 'all of them in one statement');
SELECT is(pg_temp.refusal('UPDATE shop.refund SET status = ''void'' WHERE id = 1; UPDATE shop.capture SET status = ''void'' WHERE payment = 6'), 'accepted', 'after the refund is void');
SELECT is(pg_temp.refusal('UPDATE shop.refund SET status = ''asked'' WHERE id = 1'), :'over', '... which is not refunded then');

-- within one statement, whatever comes first
SELECT is(pg_temp.refusal('WITH c AS (INSERT INTO shop.capture (id, region, payment, amount, status) VALUES (30, ''eu'', 7, 10, ''done'')) INSERT INTO shop.refund VALUES (30, 7, 10, ''asked'')'), 'accepted', 'captured and refunded at once');
SELECT is(pg_temp.refusal('WITH c AS (INSERT INTO shop.refund VALUES (31, 7, 10, ''asked'')) INSERT INTO shop.capture (id, region, payment, amount, status) VALUES (31, ''eu'', 7, 10, ''done'')'), 'accepted', '... the other way round');
SELECT is(pg_temp.capture(32, 7, 10), 'accepted', 'ten more');
SELECT matches(pg_temp.refusal('WITH c AS (UPDATE shop.capture SET status = ''void'' WHERE id = 32) INSERT INTO shop.refund VALUES (32, 7, 5, ''asked'')'), '^23R01', 'voided beside another refund');
SELECT matches(pg_temp.refusal('WITH r AS (INSERT INTO shop.refund VALUES (32, 7, 5, ''asked'')) UPDATE shop.capture SET status = ''void'' WHERE id = 32'), '^23R01', '... the other way round');
SELECT is(pg_temp.refusal('WITH c AS (UPDATE shop.refund SET status = ''void'' WHERE id = 30) UPDATE shop.capture SET status = ''void'' WHERE id = 30'), 'accepted', 'both void at once');
SELECT is(pg_temp.refusal('INSERT INTO shop.capture (id, region, payment, amount, status) SELECT 100 + i, ''eu'', 9, 1, ''done'' FROM generate_series(1, 101) i'), :'limit', 'the last of many is too much');
SELECT is(pg_temp.refusal('INSERT INTO shop.capture (id, region, payment, amount, status) SELECT 100 + i, ''eu'', 9, 1, ''done'' FROM generate_series(1, 100) i'), 'accepted', 'a hundred fit');
SELECT is(pg_temp.refusal('INSERT INTO shop.capture (id, region, payment, amount, status) VALUES (101, ''eu'', 9, 1, ''done'') ON CONFLICT (id, region) DO NOTHING'), 'accepted', 'ON CONFLICT DO NOTHING');
SELECT is(pg_temp.refusal('INSERT INTO shop.capture (id, region, payment, amount, status) VALUES (101, ''eu'', 9, 1, ''done'') ON CONFLICT (id, region) DO UPDATE SET amount = 2'), :'frozen' || '.amount paysafe_capture_captures', 'ON CONFLICT DO UPDATE');
SELECT is(pg_temp.refusal('MERGE INTO shop.capture c USING (VALUES (101)) v (id) ON c.id = v.id WHEN MATCHED THEN UPDATE SET amount = 2'), :'frozen' || '.amount paysafe_capture_captures', 'MERGE');
SELECT is(pg_temp.refusal('MERGE INTO shop.capture c USING (VALUES (101)) v (id) ON c.id = v.id WHEN MATCHED THEN DELETE'), '23R07 shop.capture paysafe_capture_captures', 'MERGE that deletes');
-- savepoints: what was rolled back is not counted
CREATE FUNCTION pg_temp.twice() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	first text;
BEGIN
	BEGIN
		PERFORM pg_temp.capture(40, 10, 100);
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN NULL;
	END;
	first := pg_temp.capture(40, 10, 60);
	BEGIN
		UPDATE shop.capture SET status = 'void' WHERE id = 40;
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN NULL;
	END;
	RETURN concat_ws(' ', first, pg_temp.capture(41, 10, 60), pg_temp.refund(41, 10, 61), pg_temp.refund(41, 10, 60));
END $$;
SELECT is(pg_temp.twice(), concat_ws(' ', 'accepted', :'limit', :'over', 'accepted'), 'rolled back to a savepoint');
PREPARE one_more(int) AS INSERT INTO shop.capture (id, region, payment, amount, status) VALUES ($1, 'eu', 11, 50, 'done');
SELECT is(pg_temp.refusal('EXECUTE one_more(50)') || pg_temp.refusal('EXECUTE one_more(51)') || pg_temp.refusal('EXECUTE one_more(52)'), 'acceptedaccepted' || :'limit', 'prepared');

-- the payment
SELECT is(pg_temp.refusal(format('UPDATE shop.payment SET %s WHERE id = %s', change, id)), expected, what)
  FROM (VALUES
	(12, 'amount = 200', 'accepted', 'authorized: more, before anything is captured'),
	(12, 'id = 112', 'accepted', 'another key'),
	(11, 'amount = 99', '23R05 shop.payment.amount paysafe_payment_captures', 'captured: less than that'),
	(11, 'amount = 101', '23R03 shop.payment.amount paysafe_payment_captures', 'more'),
	(11, 'amount = ''NaN''', '23R03 shop.payment.amount paysafe_payment_captures', 'no number'),
	(11, 'amount = NULL', '23R05 shop.payment.amount paysafe_payment_captures', 'none at all'),
	(11, 'id = 111', '23R03 shop.payment.id paysafe_payment_captures', 'another key'),
	(11, 'currency = ''USD''', '23R03 shop.payment.currency paysafe_payment_captures', 'another currency'),
	(11, 'amount = 100.00, note = ''x''', 'accepted', 'the same'),
	(10, 'amount = 60', 'accepted', 'what is not captured goes'),
	(10, 'amount = 61', '23R03 shop.payment.amount paysafe_payment_captures', '... and does not come back')) v (id, change, expected, what);
SELECT is(pg_temp.refusal('DELETE FROM shop.payment WHERE id = 11'), '23R07 shop.payment paysafe_payment_captures', 'deleted');
SELECT is(pg_temp.refusal('DELETE FROM shop.payment WHERE id = 40'), 'accepted', 'one of which nothing is captured');

-- a refund rule that follows a payment rule does not change under its rows
CREATE TABLE shop.sale (id int PRIMARY KEY, amount numeric, currency text, status text);
CREATE TABLE shop.sale_capture (id int PRIMARY KEY, sale int REFERENCES shop.sale, amount numeric, currency text);
CREATE TABLE shop.sale_refund (id int PRIMARY KEY, sale int REFERENCES shop.sale, amount numeric);
CREATE INDEX ON shop.sale_capture (sale);
CREATE INDEX ON shop.sale_refund (sale);
SELECT paysafe.protect_payment('shop.sale', 'status', 'amount', currency_column => 'currency', captured => '{paid}', adjustable => '{open}');
SELECT paysafe.protect_refund('shop.sale_refund', 'shop.sale', 'sale', 'amount');
\set sale_captures 'SELECT paysafe.protect_captures(''shop.sale_capture'', ''shop.sale'', ''sale'', ''amount'', ''currency'', limit_column => ''amount'')'
SELECT is(pg_temp.refusal(:'sale_captures'), '55000', 'captures after refunds');
SELECT is(pg_temp.refusal('SELECT paysafe.unprotect(''shop.sale_refund'', ''refund'', ''order'')'), 'accepted', 'without rows the rule goes');
SELECT is(pg_temp.refusal(:'sale_captures'), 'accepted', '... captures come first');
SELECT is(pg_temp.refusal('SELECT paysafe.protect_refund(''shop.sale_refund'', ''shop.sale'', ''sale'', ''amount'')'), 'accepted', '... then refunds');
SELECT paysafe.set_refund_threshold('shop.sale_refund', 'EUR', 1000);
-- with a payment rule that one says when the limit rises
INSERT INTO shop.sale VALUES (1, 100, 'EUR', 'open'), (2, 100, 'EUR', 'paid');
SELECT is(pg_temp.refusal('INSERT INTO shop.sale_refund VALUES (1, 2, 1)'), '23R01 shop.sale_refund.amount paysafe_sale_refund_refund', 'paid, but nothing was captured');
SELECT is(pg_temp.refusal('INSERT INTO shop.sale_capture VALUES (1, 1, 100, ''EUR'')'), 'accepted', 'captured');
SELECT is(pg_temp.refusal('INSERT INTO shop.sale_capture VALUES (2, 2, 1, ''USD'')'), '23R02 shop.sale_capture.currency paysafe_sale_capture_captures', 'not in the currency of the payment');
SELECT is(pg_temp.refusal('UPDATE shop.sale SET amount = 150 WHERE id = 1'), 'accepted', 'more is authorized');
SELECT is(pg_temp.refusal('INSERT INTO shop.sale_capture VALUES (2, 1, 50, ''EUR'')') || pg_temp.refusal('INSERT INTO shop.sale_capture VALUES (3, 1, 1, ''EUR'')'),
		  'accepted23R05 shop.sale_capture.amount paysafe_sale_capture_captures', '... and captured');
SELECT is(pg_temp.refusal('INSERT INTO shop.sale_refund VALUES (1, 1, 150)') || pg_temp.refusal('INSERT INTO shop.sale_refund VALUES (2, 1, 1)'),
		  'accepted23R01 shop.sale_refund.amount paysafe_sale_refund_refund', '... and refunded');

-- a fact is stored
SELECT is(pg_temp.capture(60, 13, 101, 'booked'), 'accepted', 'the provider has captured more');
SELECT is((SELECT string_agg(concat_ws(' ', b.relation, b.key, b.rule, b.sqlstate), '; ') FROM paysafe.breach b), 'shop.capture 60 captures 23R05', '... which is a breach');
SELECT is(pg_temp.capture(61, 13, 1), :'limit', '... and leaves nothing for others');
SELECT is(pg_temp.refund(61, 13, 101), 'accepted', '... but can be refunded');
SELECT is(pg_temp.refusal(pg_temp.declare(', over_percent => 10, mode => ''observe''')), '42501 shop.capture paysafe_capture_captures', 'to observe only takes a second person');
SELECT is(pg_temp.refusal(format('SELECT pg_temp.approved(%L)', pg_temp.declare(', over_percent => 10'))), 'accepted', 'two people: ten per cent more');
SELECT is(pg_temp.capture(62, 14, 110) || pg_temp.capture(63, 15, 110.01), 'accepted' || :'limit', '... and not more');
SELECT is(pg_temp.refusal(format('SELECT pg_temp.approved(%L)', pg_temp.declare(', over_percent => 10, deletable => true'))), 'accepted', 'two people: deletable');
SELECT is(pg_temp.refusal('DELETE FROM shop.capture WHERE id = 62'), 'accepted', 'what is deleted counts no longer');
SELECT is(pg_temp.refusal('DELETE FROM shop.capture WHERE id = 32'), 'accepted', '... if enough is left');
SELECT is(pg_temp.refusal('DELETE FROM shop.capture WHERE payment = 10'), '23R01 shop.capture.status paysafe_capture_captures', '... which is not so here');
SELECT is(pg_temp.refusal('DELETE FROM shop.capture WHERE id = 60'), '23R07 shop.capture paysafe_capture_captures', 'not while its breach is open');
SELECT is(pg_temp.refusal(pg_temp.declare(', over_percent => 10')), 'accepted', 'back again: nobody is asked');

-- declarations that are refused
SELECT is(pg_temp.refusal(format($d$SELECT paysafe.protect_captures(%s)$d$, arguments)), expected, what)
  FROM (VALUES
	($$'shop.capture', 'shop.capture', 'payment', 'amount', currency => 'EUR'$$, '22023', 'one table'),
	($$NULL, 'shop.payment', 'payment', 'amount', currency => 'EUR'$$, '22004', 'no table'),
	($$'shop.capture', 'shop.payment', 'payment', 'amount', payment_key => 'id'$$, '22023', 'no currency'),
	($$'shop.capture', 'shop.payment', 'payment', 'amount', payment_key => 'id', currency => 'XXQ'$$, '22023', 'an unknown one'),
	($$'shop.capture', 'shop.payment', 'payment', 'nix', payment_key => 'id', currency => 'EUR'$$, '42703', 'no such column'),
	($$'shop.capture', 'shop.payment', 'payment', 'amount', payment_key => 'id', currency => 'EUR', limit_column => 'nix'$$, '42703', 'no such limit'),
	($$'shop.capture', 'shop.payment', 'payment', 'amount', payment_key => 'id', currency => 'EUR', over_percent => 5$$, '22023', 'over what'),
	($$'shop.capture', 'shop.payment', 'payment', 'amount', payment_key => 'id', currency => 'EUR', limit_column => 'amount', over_percent => -5$$, '22023', 'under'),
	($$'shop.capture', 'shop.payment', 'payment', 'amount', payment_key => 'id', currency => 'EUR', status_column => 'status'$$, '22023', 'which statuses count'),
	($$'shop.capture', 'shop.payment', 'payment', 'amount', payment_key => 'id', currency => 'EUR', counted => '{done}'$$, '22023', 'statuses of no column'),
	($$'shop.capture', 'shop.payment', 'payment', 'amount', payment_key => 'id', currency => 'EUR', status_column => 'status', counted => '{done}', recorded => '{booked}'$$, '22023', 'recorded, not counted'),
	($$'shop.capture', 'shop.payment', 'payment', 'amount', payment_key => 'id', currency_path => '{id,currency}'$$, '22023', 'a path that begins elsewhere'),
	($$'shop.capture', 'shop.payment', 'payment', 'amount', payment_key => 'note', currency => 'EUR'$$, '22023', 'no key')) v (arguments, expected, what);

-- refunds that are deleted when the provider fails; nothing goes with its payment
CREATE TABLE shop.basket (merchant text, id int, region text, amount numeric, PRIMARY KEY (merchant, id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.basket_eu PARTITION OF shop.basket FOR VALUES IN ('eu');
CREATE TABLE shop.basket_us PARTITION OF shop.basket FOR VALUES IN ('us');
CREATE TABLE shop.basket_capture (id int PRIMARY KEY, merchant text, basket int, amount numeric);
CREATE TABLE shop.basket_refund (id int PRIMARY KEY, merchant text, basket int, amount numeric);
CREATE INDEX ON shop.basket_capture (merchant, basket);
CREATE INDEX ON shop.basket_refund (merchant, basket);
SELECT paysafe.protect_captures('shop.basket_capture', 'shop.basket', '{merchant,basket}', 'amount', limit_column => 'amount', currency => 'EUR', payment_key => '{merchant,id}', deletable => true);
SELECT paysafe.protect_refund('shop.basket_refund', 'shop.basket', '{merchant,basket}', 'amount', payment_key => '{merchant,id}', deletable => true);
SELECT paysafe.set_refund_threshold('shop.basket_refund', 'EUR', 1000);
INSERT INTO shop.basket VALUES ('m', 1, 'eu', 100), ('n', 1, 'us', 50);
SELECT is(pg_temp.refusal(statement), expected, what)
  FROM (VALUES
	('INSERT INTO shop.basket_capture VALUES (1, ''m'', 1, 100), (2, ''n'', 1, 50)', 'accepted', 'captures of payments that two columns name'),
	('INSERT INTO shop.basket_capture VALUES (3, ''n'', 1, 1)', '23R05 shop.basket_capture.amount paysafe_basket_capture_captures', '... each has its own'),
	('INSERT INTO shop.basket_capture VALUES (3, ''o'', 1, 1)', '23R06 shop.basket_capture.merchant paysafe_basket_capture_captures', '... or none'),
	('INSERT INTO shop.basket_capture VALUES (3, ''m'', NULL, 1)', '23R06 shop.basket_capture.basket paysafe_basket_capture_captures', '... or half of one'),
	('UPDATE shop.basket SET region = ''us'' WHERE merchant = ''m''', 'accepted', 'the payment goes to another partition'),
	('INSERT INTO shop.basket_refund VALUES (1, ''m'', 1, 101)', '23R01 shop.basket_refund.amount paysafe_basket_refund_refund', '... and is refunded there: too much'),
	('INSERT INTO shop.basket_refund VALUES (1, ''m'', 1, 100)', 'accepted', '... all of it'),
	('INSERT INTO shop.basket VALUES (''m'', 1, ''eu'', 100)', '23505 shop.basket.merchant paysafe_basket_captures', 'a second one of the key'),
	('DELETE FROM shop.basket_capture WHERE id = 1', '23R01 shop.basket_capture.amount paysafe_basket_capture_captures', 'a capture that is refunded'),
	('DELETE FROM shop.basket_refund WHERE id = 1', 'accepted', 'a refund that is deleted'),
	('INSERT INTO shop.basket_refund VALUES (1, ''m'', 1, 100)', 'accepted', '... leaves room for another one'),
	('DELETE FROM shop.basket_refund WHERE id = 1; DELETE FROM shop.basket_capture WHERE id = 1; DELETE FROM shop.basket WHERE merchant = ''m''', 'accepted', 'one after the other'),
	('DELETE FROM shop.basket', '23R07 shop.basket paysafe_basket_captures', 'not what is captured')) v (statement, expected, what);
CREATE TABLE shop.box (id int PRIMARY KEY, amount numeric);
CREATE TABLE shop.box_capture (id int PRIMARY KEY, box int REFERENCES shop.box ON DELETE CASCADE ON UPDATE CASCADE, amount numeric);
CREATE INDEX ON shop.box_capture (box);
SELECT paysafe.protect_captures('shop.box_capture', 'shop.box', 'box', 'amount', currency => 'EUR', deletable => true);
INSERT INTO shop.box VALUES (1, 10);
INSERT INTO shop.box_capture VALUES (1, 1, 10);
SELECT is(pg_temp.refusal('DELETE FROM shop.box'), '23R07 shop.box_capture paysafe_box_capture_captures', 'a cascade takes no capture away');
SELECT is(pg_temp.refusal('UPDATE shop.box SET id = 2'), '23R03 shop.box_capture.box paysafe_box_capture_captures', '... nor elsewhere');
-- the currency of a row that no foreign key leads to
CREATE TABLE shop.deal (id int PRIMARY KEY, currency text);
CREATE TABLE shop.pay (id int PRIMARY KEY, deal int, amount numeric);
CREATE TABLE shop.pay_capture (id int PRIMARY KEY, pay int, amount numeric);
CREATE INDEX ON shop.pay (deal);
CREATE INDEX ON shop.pay_capture (pay);
SELECT is(pg_temp.refusal(format($d$SELECT paysafe.protect_captures('shop.pay_capture', 'shop.pay', 'pay', 'amount', payment_key => 'id', %s)$d$, arguments)), expected, what)
  FROM (VALUES
	($$currency_path => '{pay,deal,currency}'$$, '22023', 'nothing leads on'),
	($$currency_path => '{pay,deal,currency}', currency_tables => '{shop.deal}'$$, '22023', 'too few tables'),
	($$currency_path => '{pay,deal,currency}', currency_tables => '{shop.deal,shop.deal}'$$, '22023', 'another first one'),
	($$currency_path => '{pay,deal,currency}', currency_tables => '{shop.pay,NULL}'$$, '22023', 'no table'),
	($$currency => 'EUR', currency_tables => '{shop.pay,shop.deal}'$$, '22023', 'tables without a path'),
	($$currency_path => '{pay,deal,currency}', currency_tables => '{shop.pay,shop.deal}'$$, 'accepted', 'the tables are named')) v (arguments, expected, what);
INSERT INTO shop.deal VALUES (1, 'JPY'), (2, NULL);
INSERT INTO shop.pay VALUES (1, 1, 100), (2, 2, 100), (3, 9, 100), (4, NULL, 100);
SELECT is(pg_temp.refusal(statement), expected, what)
  FROM (VALUES
	('INSERT INTO shop.pay_capture VALUES (1, 1, 5)', 'accepted', 'in the currency of the deal'),
	('INSERT INTO shop.pay_capture VALUES (2, 1, 5.5)', '23R04 shop.pay_capture.amount paysafe_pay_capture_captures', '... with its decimals'),
	('INSERT INTO shop.pay_capture VALUES (2, 2, 5)', '23R04 shop.pay_capture.pay paysafe_pay_capture_captures', 'a deal without one'),
	('INSERT INTO shop.pay_capture VALUES (2, 3, 5)', '23R04 shop.pay_capture.pay paysafe_pay_capture_captures', 'a deal that is not there'),
	('INSERT INTO shop.pay_capture VALUES (2, 4, 5)', '23R04 shop.pay_capture.pay paysafe_pay_capture_captures', 'no deal'),
	('UPDATE shop.deal SET currency = ''EUR'' WHERE id = 1', '23R03 shop.deal.currency paysafe_deal_currency', 'it stays'),
	('UPDATE shop.pay SET deal = 2 WHERE id = 1', '23R03 shop.pay.deal paysafe_pay_captures', '... and so does what leads to it'),
	('DELETE FROM shop.deal WHERE id = 1', '23R07 shop.deal paysafe_deal_currency', '... and the row'),
	('UPDATE shop.deal SET currency = ''EUR'' WHERE id = 2', 'accepted', 'another one changes')) v (statement, expected, what);

-- only the captures say a currency: refunds that say none are in that one, also where they are only read
CREATE TABLE shop.till (id int PRIMARY KEY, amount numeric);
CREATE TABLE shop.till_capture (id int PRIMARY KEY, till int, amount numeric, currency text);
CREATE TABLE shop.till_refund (id int PRIMARY KEY, till int, amount numeric, status text);
CREATE INDEX ON shop.till_capture (till);
CREATE INDEX ON shop.till_refund (till);
INSERT INTO shop.till VALUES (1, 100), (2, 100);
INSERT INTO shop.till_capture VALUES (1, 1, 60, 'EUR'), (2, 2, 60, 'JPY');
INSERT INTO shop.till_refund VALUES (1, 1, 20, 'asked'), (2, 2, 20.5, 'asked');
SELECT paysafe.protect_captures('shop.till_capture', 'shop.till', 'till', 'amount', 'currency', payment_key => 'id');
SELECT paysafe.protect_status('shop.till_refund', 'status', E'[*] --> asked\nasked --> sent');
CREATE FUNCTION pg_temp.till() RETURNS text LANGUAGE sql AS $f$
	SELECT pg_temp.refusal($$SELECT paysafe.protect_refund('shop.till_refund', 'shop.till', 'till', 'amount', status_column => 'status', gated => '{sent}', void => '{}', payment_key => 'id')$$) $f$;
SELECT is(pg_temp.till(), '23514 shop.till_refund paysafe_till_refund_refund', 'a refund that was there, in too many decimals of that currency');
UPDATE shop.till_refund SET amount = 20 WHERE id = 2;
SELECT is(pg_temp.till(), 'accepted', '... or in as many as it has');
SELECT paysafe.set_refund_threshold('shop.till_refund', 'EUR', 10);
SELECT paysafe.act_as('anna');
SELECT is(pg_temp.refusal($$INSERT INTO shop.till_refund VALUES (3, 1, 30, 'asked')$$), 'accepted', 'one is requested');
SELECT is((SELECT string_agg(key || ' ' || money, ', ' ORDER BY key) FROM paysafe.pending_approval WHERE relation = 'shop.till_refund'::regclass),
		  '1 20 EUR, 2 20 JPY, 3 30 EUR', 'all of them wait');
SELECT is(pg_temp.refusal($$UPDATE shop.till_refund SET status = 'sent' WHERE id = 3$$), '42501 shop.till_refund.status paysafe_till_refund_approval', '... for somebody else');
SELECT paysafe.act_as('bert');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve('shop.till_refund', '3', 'seen')$$), 'accepted', '... who approves it');
SELECT is((SELECT string_agg(key, ', ' ORDER BY key) FROM paysafe.pending_approval WHERE relation = 'shop.till_refund'::regclass), '1, 2', '... so that it waits no longer');
SELECT is(pg_temp.refusal($$UPDATE shop.till_refund SET status = 'sent' WHERE id = 3$$), 'accepted', '... and passes');
SELECT paysafe.act_as(NULL);

-- observed: nothing is refused, and what is there counts
CREATE TABLE shop.watched (id int PRIMARY KEY, payment int, amount numeric);
CREATE INDEX ON shop.watched (payment);
SELECT paysafe.protect_captures('shop.watched', 'shop.payment', 'payment', 'amount', limit_column => 'amount', currency => 'EUR', payment_key => 'id', mode => 'observe');
SELECT is(pg_temp.refusal('INSERT INTO shop.watched VALUES (1, 16, 1000)') || pg_temp.refusal('UPDATE shop.watched SET amount = 5') || pg_temp.refusal('DELETE FROM shop.watched'),
		  'acceptedacceptedaccepted', 'observed');
SELECT is(pg_temp.refusal('INSERT INTO shop.watched VALUES (2, 16, 1000)') || pg_temp.capture(70, 16, 100) || pg_temp.refund(70, 16, 101), 'acceptedaccepted' || :'over', '... and counts for nothing where others are enforced');
SELECT * FROM finish();
ROLLBACK;
