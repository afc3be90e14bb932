-- Refunds: never more than captured, as requested, and the threshold that
-- splitting does not get under.
BEGIN;
SELECT plan(114);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;

CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text, note text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text, note text);
CREATE INDEX ON shop.refund (payment);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status',
							  '{approved,sent}', '{void,failed}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 50);
SELECT paysafe.set_refund_threshold('shop.refund', 'JPY', 0);
INSERT INTO shop.payment VALUES (1, 100, 'EUR'), (2, 100, 'EUR'), (3, NULL, 'EUR'), (4, 100, NULL), (5, 1000, 'JPY'), (6, 100, 'CHF'), (7, 'NaN', 'EUR'), (8, 'Infinity', 'EUR');

\set over '23R01 shop.refund.amount paysafe_refund_refund'
\set other_currency '23R02 shop.refund.currency paysafe_refund_refund'
\set amount '23R04 shop.refund.amount paysafe_refund_refund'
\set none '23R06 shop.refund.payment paysafe_refund_refund'
\set approval '42501 shop.refund.status paysafe_refund_approval'

-- what may be requested
SAVEPOINT empty;
SELECT is(pg_temp.refusal(format('INSERT INTO shop.refund VALUES (1, %s, %s, %L, %L)', payment, amount, currency, status)), expected,
		  format('%s %s of payment %s as %s', amount, currency, payment, status))
  FROM (VALUES
	('1', '100.01', 'EUR', 'requested', :'over'),
	('1', '10', 'USD', 'requested', :'other_currency'),
	('1', '10', 'eur', 'requested', :'other_currency'),
	('1', '10', NULL, 'requested', '23R04 shop.refund.currency paysafe_refund_refund'),
	('1', '0', 'EUR', 'requested', :'amount'),
	('1', '-5', 'EUR', 'requested', :'amount'),
	('1', 'NULL', 'EUR', 'requested', :'amount'),
	('1', '''NaN''', 'EUR', 'requested', :'amount'),
	('1', '''Infinity''', 'EUR', 'requested', :'amount'),
	('1', '0.001', 'EUR', 'requested', :'amount'),
	('1', '-5', 'EUR', 'void', :'amount'),
	('5', '0.5', 'JPY', 'requested', :'amount'),
	('NULL', '10', 'EUR', 'requested', :'none'),
	('99', '10', 'EUR', 'requested', :'none'),
	('3', '10', 'EUR', 'requested', :'over'),
	('4', '10', 'EUR', 'requested', :'other_currency'),
	('7', '10', 'EUR', 'requested', :'over'),
	('8', '10', 'EUR', 'requested', :'over'),
	('1', '50.01', 'EUR', 'sent', :'approval'),
	('5', '1', 'JPY', 'sent', :'approval'),
	('6', '1', 'CHF', 'sent', :'approval')
  ) v (payment, amount, currency, status, expected);
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (1, 1, 50, 'EUR', 'sent')$$), 'accepted', 'exactly the threshold');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (2, 1, 50, 'EUR', 'requested')$$), 'accepted', 'exactly what is captured');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (3, 1, 0.01, 'EUR', 'requested')$$), :'over', 'a cent more');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (3, 1, 100, 'EUR', 'void')$$), 'accepted', 'one that does not count');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'requested' WHERE id = 3$$), :'over', '... and would, if it came back');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'sent' WHERE id = 3$$), :'over', '... in a gated status, too');
ROLLBACK TO empty;

-- several rows of one statement are one after the other
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (1, 1, 60, 'EUR', 'requested'), (2, 1, 60, 'EUR', 'requested')$$), :'over', 'two rows that only together are too much');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund SELECT i, 1, 1, 'EUR', 'requested' FROM generate_series(1, 101) i$$), :'over', 'a hundred and one');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund SELECT i, 1, 1, 'EUR', 'requested' FROM generate_series(1, 100) i$$), 'accepted', 'a hundred');
SELECT is(pg_temp.refusal($$WITH v AS (UPDATE shop.refund SET status = 'void' WHERE id = 1 RETURNING 1) INSERT INTO shop.refund SELECT 101, 1, 1, 'EUR', 'requested' FROM v$$),
	'accepted', 'one made void and one added by the same statement');
SELECT is(pg_temp.refusal($$MERGE INTO shop.refund r USING (VALUES (1), (200)) v (id) ON r.id = v.id
	WHEN MATCHED THEN UPDATE SET status = 'requested' WHEN NOT MATCHED THEN INSERT VALUES (v.id, 1, 1, 'EUR', 'requested')$$), :'over', 'MERGE');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (1, 1, 1, 'EUR', 'requested') ON CONFLICT (id) DO UPDATE SET status = 'requested'$$), :'over', 'upsert');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'sent' WHERE id BETWEEN 2 AND 51$$), 'accepted', 'fifty through the gate by one statement');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'sent' WHERE id = 52$$), :'approval', 'the next one needs approval');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'approved' WHERE id = 52$$), :'approval', '... through any gated status');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'approved' WHERE id = 2$$), 'accepted', 'among gated statuses there is no gate');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'failed' WHERE id = 2$$), 'accepted', 'out of them neither');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'sent' WHERE id = 52$$), :'approval', 'what failed leaves no room below the threshold: it had passed');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'sent' WHERE id IN (53, 54)$$), :'approval', 'the total counts');
SELECT is((SELECT sum(amount) FROM shop.refund WHERE payment = 1 AND status NOT IN ('void', 'failed')), 99::numeric, 'what counts is at most what is captured');

-- as requested
SELECT is(pg_temp.refusal(format('UPDATE shop.refund SET %s WHERE id = 60', change)), expected, 'a refund stays as requested: ' || change)
  FROM (VALUES
	('amount = 0.5', '23R03 shop.refund.amount paysafe_refund_refund'),
	('amount = 1.00', 'accepted'),
	('currency = ''USD''', '23R03 shop.refund.currency paysafe_refund_refund'),
	('payment = 2', '23R03 shop.refund.payment paysafe_refund_refund'),
	('payment = NULL', '23R03 shop.refund.payment paysafe_refund_refund'),
	('id = 600', '23R03 shop.refund.id paysafe_refund_refund'),
	('note = ''x''', 'accepted'),
	('status = ''void'', amount = 0.5', '23R03 shop.refund.amount paysafe_refund_refund')) v (change, expected);
SELECT is(pg_temp.refusal('DELETE FROM shop.refund WHERE id = 60'), '23R07 shop.refund paysafe_refund_refund', 'a refund that counts stays');
SELECT is(pg_temp.refusal('DELETE FROM shop.refund WHERE id = 2'), 'accepted', 'a void one may go');
SELECT is(pg_temp.refusal('TRUNCATE shop.refund'), '23R07 shop.refund paysafe_refund_refund', 'TRUNCATE');

-- the payment's side
SELECT is(pg_temp.refusal(format('UPDATE shop.payment SET %s WHERE id = 1', change)), expected, 'a payment with refunds: ' || change)
  FROM (VALUES
	('captured = 98.99', '23R01 shop.payment.captured paysafe_payment_refund'),
	('captured = NULL', '23R01 shop.payment.captured paysafe_payment_refund'),
	('captured = ''NaN''', '23R01 shop.payment.captured paysafe_payment_refund'),
	('captured = ''Infinity''', '23R01 shop.payment.captured paysafe_payment_refund'),
	('captured = 99', 'accepted'),
	('captured = 1000', 'accepted'),
	('currency = ''USD''', '23R03 shop.payment.currency paysafe_payment_refund'),
	('id = 10', '23R03 shop.payment.id paysafe_payment_refund'),
	('note = ''x''', 'accepted')) v (change, expected);
SELECT is(pg_temp.refusal('DELETE FROM shop.payment WHERE id = 1'), '23R07 shop.payment paysafe_payment_refund', 'a payment with refunds stays');
SELECT is(pg_temp.refusal('TRUNCATE shop.payment CASCADE'), '23R07 shop.payment paysafe_payment_refund', 'TRUNCATE of payments');
SELECT is(pg_temp.refusal('DELETE FROM shop.payment WHERE id = 2; UPDATE shop.payment SET id = 20, currency = ''USD'' WHERE id = 3'), 'accepted', 'payments without refunds may change');

-- a status column without a status rule is shown; values in errors have an end
SELECT is((SELECT ok FROM paysafe.check() WHERE subject = 'shop.refund' AND check_name = 'statuses'), false, 'check() says that any status is taken');
CREATE TABLE shop.wide (id text PRIMARY KEY, payment text, amount numeric, currency text, status text);
CREATE TABLE shop.wide_payment (id text PRIMARY KEY, captured numeric, currency text);
CREATE INDEX ON shop.wide USING hash (payment);
SELECT paysafe.protect_status('shop.wide', 'status', E'[*] --> asked\nasked --> sent');
SELECT paysafe.protect_refund('shop.wide', 'shop.wide_payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{}', 'captured', 'currency');
SELECT is((SELECT ok FROM paysafe.check() WHERE subject = 'shop.wide' AND check_name = 'statuses'), true, '... with one it does not');
INSERT INTO shop.wide_payment VALUES ('1', 100, 'EUR');
SELECT cmp_ok(length(concat(pg_temp.refusal_text(statement, 'MESSAGE'), pg_temp.refusal_text(statement, 'DETAIL'))), '<', 1000, what)
  FROM (VALUES
	($$INSERT INTO shop.wide VALUES ('1', repeat('x', 1000000), 1, 'EUR', 'asked')$$, 'a payment of a megabyte'),
	($$INSERT INTO shop.wide VALUES ('1', '1', ('1' || repeat('0', 100000))::numeric, 'EUR', 'asked')$$, 'an amount of a hundred thousand digits'),
	($$INSERT INTO shop.wide VALUES (repeat('x', 2000), '1', -1, 'EUR', 'asked')$$, 'a long key')) v (statement, what);

-- a threshold is an amount of its currency
CREATE TABLE shop.minor_payment (id int PRIMARY KEY, captured bigint, currency text);
CREATE TABLE shop.minor_refund (id int PRIMARY KEY, payment int, amount bigint, currency text, status text);
CREATE INDEX ON shop.minor_refund (payment);
CREATE TABLE shop.new_refund (LIKE shop.refund INCLUDING ALL);
SELECT paysafe.protect_refund('shop.new_refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.protect_refund('shop.minor_refund', 'shop.minor_payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT is(pg_temp.refusal(format('SELECT paysafe.set_refund_threshold(%s)', arguments)), expected, 'a threshold of ' || arguments)
  FROM (VALUES
	('22023', '''shop.refund'', ''CLP'', 5.5'), ('22023', '''shop.refund'', ''GBP'', 5.005'), ('22023', '''shop.refund'', ''KWD'', 0.0001'),
	('22023', '''shop.minor_refund'', ''CLP'', 5.5'), ('22023', '''shop.minor_refund'', ''GBP'', 0.5'),
	('accepted', '''shop.new_refund'', ''CLP'', 5.00'), ('accepted', '''shop.new_refund'', ''GBP'', 5.050'), ('accepted', '''shop.new_refund'', ''KWD'', 0.001'),
	('42501 shop.refund paysafe_refund_threshold for GBP', '''shop.refund'', ''GBP'', 5'),
	('accepted', '''shop.minor_refund'', ''CLP'', 5.0'), ('accepted', '''shop.minor_refund'', ''GBP'', 550')) v (expected, arguments);

-- the window moves
SELECT throws_ok(format('SELECT paysafe.set_refund_threshold(%s)', arguments), '22023', NULL, 'no threshold with ' || arguments)
  FROM unnest(ARRAY['''shop.payment'', ''EUR'', 5', '''shop.refund'', ''XYZ'', 5', '''shop.refund'', ''USD'', -1', '''shop.refund'', ''USD'', ''NaN''',
					'''shop.refund'', ''USD'', 5, 0', '''shop.refund'', ''USD'', 5, 11', '''shop.refund'', ''USD'', 5, 1, ''0''', '''shop.refund'', ''USD'', 5, 1, ''11 years''',
					'''shop.refund'', ''USD'', 5, 1, ''1 day'', ''-1 hour''']) arguments;
SELECT is((SELECT count(*)::int FROM paysafe.pending_approval WHERE relation = 'shop.refund'::regclass), 50, 'the view of what waits: what failed and was deleted has passed, too');

-- currencies are one whatever their spelling
SELECT is(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'eur', 51)$$), '42501 shop.refund paysafe_refund_threshold for eur', 'a threshold for eur is one for EUR');
-- the total is that of the period
CREATE TABLE shop.quick (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON shop.quick (payment);
INSERT INTO shop.payment VALUES (9, 100, 'EUR');
INSERT INTO shop.quick VALUES (1, 9, 30, 'EUR', 'sent'), (2, 9, 30, 'EUR', 'requested'), (3, 9, 10, 'EUR', 'void');
SELECT paysafe.protect_refund('shop.quick', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.quick', 'EUR', 50, 1, '5 seconds');
SELECT is(pg_temp.refusal($$UPDATE shop.quick SET status = 'sent' WHERE id = 2$$), '42501 shop.quick.status paysafe_quick_approval', 'what was sent before the rule counts as sent when it was declared');
SELECT pg_sleep(5.05);
SELECT is(pg_temp.refusal($$UPDATE shop.quick SET status = 'sent' WHERE id = 2; INSERT INTO shop.quick VALUES (4, 9, 30, 'EUR', 'sent')$$), '42501 shop.quick.status paysafe_quick_approval', 'within the period it does');
SELECT is(pg_temp.refusal($$UPDATE shop.quick SET status = 'sent' WHERE id = 2$$), 'accepted', 'after the period it does not count');
SELECT is(pg_temp.refusal($$INSERT INTO shop.quick VALUES (5, 9, 41, 'EUR', 'requested')$$), '23R01 shop.quick.amount paysafe_quick_refund', 'the cap knows no period');

-- no payment can have more refunds than it was captured for, whatever is tried
SELECT setseed(0.42);
CREATE TABLE shop.attempt AS
	SELECT i, 1 + (random() * 5)::int AS payment, round((random() * 60)::numeric, 2) AS amount,
		   (ARRAY['requested', 'sent', 'void', 'failed', 'approved'])[1 + (random() * 4.99)::int] AS status, random() AS what
	  FROM generate_series(1, 600) i;
CREATE FUNCTION pg_temp.hammer() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	a shop.attempt;
	done int := 0;
BEGIN
	FOR a IN SELECT * FROM shop.attempt ORDER BY i LOOP
		BEGIN
			IF a.what < 0.6 THEN
				INSERT INTO shop.refund VALUES (1000 + a.i, a.payment, a.amount, (SELECT currency FROM shop.payment WHERE id = a.payment), a.status);
			ELSIF a.what < 0.9 THEN
				UPDATE shop.refund SET status = a.status WHERE id = 1000 + (a.i * a.amount)::int % a.i;
			ELSE
				UPDATE shop.payment SET captured = a.amount WHERE id = a.payment;
			END IF;
			done := done + 1;
		EXCEPTION WHEN integrity_constraint_violation OR insufficient_privilege THEN
			NULL;
		END;
	END LOOP;
	RETURN done;
END $$;
SELECT cmp_ok(pg_temp.hammer(), '>', 100, 'many of 600 random changes are accepted');
SELECT is_empty($$SELECT p.id FROM shop.payment p JOIN shop.refund r ON r.payment = p.id AND r.status NOT IN ('void', 'failed')
	GROUP BY p.id HAVING sum(r.amount) > coalesce(p.captured, 0)$$, '... and no payment is over-refunded');

-- payments in partitions, whose indexes do not see each other
CREATE TABLE shop.sale (id int, region int, captured numeric, currency text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.sale_1 PARTITION OF shop.sale FOR VALUES IN (1);
CREATE TABLE shop.sale_2 PARTITION OF shop.sale FOR VALUES IN (2);
INSERT INTO shop.sale VALUES (1, 1, 100, 'EUR'), (2, 1, 100, 'EUR'), (3, 1, 100, 'EUR'), (3, 2, NULL, 'EUR'), (4, 1, 100, 'EUR'), (4, 2, 100, 'EUR');
CREATE TABLE shop.sale_refund (id int PRIMARY KEY, sale int, amount numeric, currency text, status text);
CREATE INDEX ON shop.sale_refund (sale);
SELECT paysafe.protect_refund('shop.sale_refund', 'shop.sale', 'sale', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT is(pg_temp.refusal(command), expected, command)
  FROM (VALUES
	('INSERT INTO shop.sale VALUES (1, 2, 100, ''EUR'')', '23505 shop.sale.id paysafe_sale_refund'),
	('INSERT INTO shop.sale VALUES (5, 1, 100, ''EUR''), (5, 2, 100, ''EUR'')', '23505 shop.sale.id paysafe_sale_refund'),
	('UPDATE shop.sale SET id = 1, region = 2 WHERE id = 2', '23505 shop.sale.id paysafe_sale_refund'),
	('MERGE INTO shop.sale s USING (VALUES (1)) v (i) ON s.id = v.i AND s.region = 2 WHEN NOT MATCHED THEN INSERT VALUES (v.i, 2, 100, ''EUR'')', '23505 shop.sale.id paysafe_sale_refund'),
	('INSERT INTO shop.sale VALUES (5, 2, 100, ''EUR'')', 'accepted'),
	('INSERT INTO shop.sale VALUES (1, 1, 7, ''EUR'') ON CONFLICT DO NOTHING', 'accepted'),
	('UPDATE shop.sale SET region = 2 WHERE id = 1', 'accepted'),
	('UPDATE shop.sale SET id = 6, region = 2 WHERE id = 2', 'accepted'),
	('DELETE FROM shop.sale WHERE id = 5; INSERT INTO shop.sale VALUES (5, 1, 100, ''EUR'')', 'accepted'),
	('INSERT INTO shop.sale_refund VALUES (1, 1, 100, ''EUR'', ''asked'')', 'accepted'),
	('INSERT INTO shop.sale_refund VALUES (3, 3, 10, ''EUR'', ''asked'')', '23R06 shop.sale_refund.sale paysafe_sale_refund_refund')) v (command, expected);
-- some share a key from before the rule
ALTER TABLE shop.sale_refund DISABLE TRIGGER paysafe;
INSERT INTO shop.sale_refund VALUES (3, 3, 10, 'EUR', 'asked'), (4, 4, 10, 'EUR', 'asked');
ALTER TABLE shop.sale_refund ENABLE ALWAYS TRIGGER paysafe;
SELECT is(pg_temp.refusal(command), expected, command)
  FROM (VALUES
	('DELETE FROM shop.sale WHERE id = 3 AND region = 1', '23R07 shop.sale paysafe_sale_refund'),
	('DELETE FROM shop.sale WHERE id = 4 AND region = 2', '23R07 shop.sale paysafe_sale_refund'),
	('UPDATE shop.sale SET currency = ''USD'' WHERE id = 3 AND region = 2', '23R03 shop.sale.currency paysafe_sale_refund'),
	('DELETE FROM shop.sale WHERE id = 3 AND region = 2', 'accepted'),
	('DELETE FROM shop.sale WHERE id = 3', '23R07 shop.sale paysafe_sale_refund'),
	('INSERT INTO shop.sale_refund VALUES (5, 3, 90, ''EUR'', ''asked'')', 'accepted')) v (command, expected);

SELECT * FROM finish();
ROLLBACK;
