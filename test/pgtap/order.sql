-- Triggers that change a row which their own statement has changed, and are checked
-- before it: by name, in another row of the statement, in a function that it calls.
BEGIN;
SELECT plan(36);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE FUNCTION shop.run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_trigger_depth() = 1 THEN
		EXECUTE TG_ARGV[0] USING NEW.id;
	END IF;
	RETURN NULL;
END $$;
-- the statement, with a trigger that runs the command for each row
CREATE FUNCTION pg_temp.with_trigger(statement text, name text, event text, relation regclass, command text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(format('CREATE TRIGGER %I AFTER %s ON %s FOR EACH ROW EXECUTE FUNCTION shop.run(%L); %s; DROP TRIGGER %1$I ON %3$s',
								  name, event, relation, command, statement)) $$;

-- what was approved
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text, payee text DEFAULT 'customer', provider text, written timestamptz);
CREATE INDEX ON shop.refund (payment);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{approved,sent}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 50);
INSERT INTO shop.payment SELECT i, 1000, 'EUR' FROM generate_series(1, 20) i;
SELECT paysafe.act_as('alice');
INSERT INTO shop.refund SELECT i, i, CASE WHEN i < 10 THEN 500 ELSE 5 END, 'EUR', 'asked' FROM generate_series(1, 12) i;
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('shop.refund', i::text, 'right') FROM generate_series(1, 9) i;
SELECT paysafe.act_as(NULL);
\set payee '23R03 shop.refund.payee paysafe_refund_refund'
SELECT is(pg_temp.with_trigger('UPDATE shop.refund SET status = ''approved'' WHERE id IN (1, 2)', name, 'UPDATE', 'shop.refund', command), expected, format('trigger %s: %s', name, command))
  FROM (VALUES
	('a_first', 'UPDATE shop.refund SET payee = ''mallory'' WHERE id = $1', :'payee'),
	('z_last', 'UPDATE shop.refund SET payee = ''mallory'' WHERE id = $1', :'payee'),
	('a_first', 'UPDATE shop.refund SET payee = ''mallory'' WHERE id = 3 - $1', :'payee'),
	('z_last', 'UPDATE shop.refund SET payee = ''mallory'' WHERE id = 3 - $1', :'payee'),
	('a_first', 'UPDATE shop.refund SET written = now() WHERE id = 3 - $1; UPDATE shop.refund SET payee = ''mallory'' WHERE id = 2; UPDATE shop.refund SET provider = ''p'' WHERE id = 2', :'payee'),
	('a_first', 'UPDATE shop.refund SET id = id + 100 WHERE id = $1', '23R03 shop.refund.id paysafe_refund_refund')) v (name, command, expected);
CREATE FUNCTION shop.approve_in(int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	UPDATE shop.refund SET payee = 'mallory' WHERE id = $1 - 1;
	RETURN 'approved';
END $$;
SELECT is(pg_temp.refusal('UPDATE shop.refund SET status = shop.approve_in(id) WHERE id IN (1, 2)'), :'payee', 'a function that the statement calls');
SELECT is(pg_temp.with_trigger('UPDATE shop.refund SET status = ''approved'' WHERE id = 1', 'a_first', 'UPDATE', 'shop.refund', 'UPDATE shop.refund SET provider = ''p'', written = now() WHERE id = $1'), 'accepted', 'what is empty may be filled in');
SELECT is(pg_temp.with_trigger('UPDATE shop.refund SET status = ''approved'' WHERE id = 2', 'z_last', 'UPDATE', 'shop.refund', 'UPDATE shop.refund SET provider = ''p'', written = now() WHERE id = $1'), 'accepted', '... by every name');

-- through a second gated status before the first one is checked: no approval is of that
\set second 'UPDATE shop.refund SET status = ''sent'' WHERE id = $1'
SELECT is(pg_temp.with_trigger('UPDATE shop.refund SET status = ''approved'' WHERE id = 4', 'a_first', 'UPDATE', 'shop.refund', :'second'),
	'42501 shop.refund.status paysafe_refund_approval', 'trigger a_first moves it on');
CREATE TRIGGER a_first AFTER UPDATE ON shop.refund FOR EACH ROW EXECUTE FUNCTION shop.run(:'second');
SELECT is(pg_temp.refusal_text('UPDATE shop.refund SET status = ''approved'' WHERE id = 4', 'HINT'),
	'A trigger moves it on before its move to status "approved" has been checked: give the trigger a name after "paysafe".', '... and is told why');
DROP TRIGGER a_first ON shop.refund;
SELECT is(pg_temp.with_trigger('UPDATE shop.refund SET status = ''approved'' WHERE id = 4', 'z_last', 'UPDATE', 'shop.refund', :'second'),
	'accepted', 'trigger z_last, too, and may');

-- back before the gate, and through it again
CREATE FUNCTION shop.again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_trigger_depth() = 1 THEN
		UPDATE shop.refund SET payee = 'mallory' WHERE id = NEW.id;
		UPDATE shop.refund SET status = 'sent' WHERE id = NEW.id;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER a_first AFTER UPDATE ON shop.refund FOR EACH ROW EXECUTE FUNCTION shop.again();
SELECT is(pg_temp.refusal('UPDATE shop.refund SET status = ''asked'' WHERE id = 1'), '42501 shop.refund.status paysafe_refund_approval', 'it does not pass by what it has left');
DROP TRIGGER a_first ON shop.refund;
SELECT is(pg_temp.refusal('UPDATE shop.refund SET status = ''asked'' WHERE id = 1'), 'accepted', 'it may go back');
SELECT is(pg_temp.with_trigger(format('UPDATE shop.refund SET status = ''approved'' WHERE id = %s', id), name, 'UPDATE', 'shop.refund', 'UPDATE shop.refund SET status = ''sent'' WHERE id = $1'), 'accepted', format('trigger %s sends a small refund that is approved', name))
  FROM (VALUES ('a_first', 10), ('z_last', 11)) v (name, id);
SELECT is(pg_temp.with_trigger(format('INSERT INTO shop.refund VALUES (%s, 13, 5, ''EUR'', ''asked'')', id), name, 'INSERT', 'shop.refund', 'UPDATE shop.refund SET status = ''approved'' WHERE id = $1'), 'accepted', format('trigger %s approves a small refund', name))
  FROM (VALUES ('a_first', 20), ('z_last', 21)) v (name, id);
SELECT results_eq('SELECT status, count(*)::int FROM shop.refund WHERE status IN (''approved'', ''sent'') GROUP BY 1 ORDER BY 1', $$VALUES ('approved', 3), ('sent', 3)$$, '... and they are');

-- what a trigger moves on before it was noted that it is there, or back, has passed all the same
INSERT INTO shop.refund SELECT i, i - 16, 40, 'EUR', 'void' FROM generate_series(32, 33) i;
SELECT is(pg_temp.with_trigger(statement, name, event, 'shop.refund', 'UPDATE shop.refund SET status = ''approved'' WHERE id = $1') || ', ' ||
		  pg_temp.refusal(format('INSERT INTO shop.refund VALUES (%s, %s, 20, ''EUR'', ''approved'')', payment + 30, payment)),
		  'accepted, 42501 shop.refund.status paysafe_refund_approval', format('%s, and trigger %s approves it: it counts', event, name))
  FROM (VALUES
	('a_first', 'INSERT', 14, 'INSERT INTO shop.refund VALUES (30, 14, 40, ''EUR'', ''asked'')'),
	('z_last', 'INSERT', 15, 'INSERT INTO shop.refund VALUES (31, 15, 40, ''EUR'', ''asked'')'),
	('a_first', 'UPDATE', 16, 'UPDATE shop.refund SET status = ''asked'' WHERE id = 32'),
	('z_last', 'UPDATE', 17, 'UPDATE shop.refund SET status = ''asked'' WHERE id = 33')) v (name, event, payment, statement);
SELECT is((SELECT string_agg(event, ' ' ORDER BY step) FROM paysafe.refund_event WHERE refund = '30'), 'requested gated', '... and is noted in this order');

-- what is frozen where a machine leads back
CREATE TABLE shop.sale (id int, region int, status text, amount numeric, captured numeric, currency text, note text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE shop.sale_1 PARTITION OF shop.sale FOR VALUES IN (1);
CREATE TABLE shop.sale_2 PARTITION OF shop.sale FOR VALUES IN (2);
SELECT paysafe.protect_status('shop.sale', 'status', E'[*] --> new\nnew --> authorized\nauthorized --> new');
SELECT paysafe.protect_payment('shop.sale', 'status', 'amount', 'captured', 'currency', '{authorized}');
SELECT paysafe.protect_columns('shop.sale', '{note}', '{authorized}');
INSERT INTO shop.sale SELECT i, 1, 'new', 100, 0, 'EUR', 'n' FROM generate_series(1, 3) i;
UPDATE shop.sale SET status = 'authorized' WHERE id < 3;
SELECT is(pg_temp.with_trigger('UPDATE shop.sale SET status = ''new'' WHERE id = 1', 'a_first', 'UPDATE', 'shop.sale', format('UPDATE shop.sale SET %s WHERE id = $1', change)), expected, format('%s of what comes back', change))
  FROM (VALUES
	('amount = 200', '23R03 shop.sale.amount paysafe_sale_payment'),
	('currency = ''USD''', '23R03 shop.sale.currency paysafe_sale_payment'),
	('note = ''m''', '23R03 shop.sale.note paysafe_sale_columns_once'),
	('region = 2', '23T05 shop.sale.status paysafe_sale_status'),
	('id = 9', '23T05 shop.sale.status paysafe_sale_status'),
	('captured = NULL', 'accepted')) v (change, expected);
UPDATE shop.sale SET status = 'new' WHERE id = 2;
SELECT is(pg_temp.with_trigger('UPDATE shop.sale SET region = 2 WHERE id = 2', 'a_first', 'INSERT', 'shop.sale', format('UPDATE shop.sale SET %s WHERE id = $1', change)), expected, format('%s of one that has come back and moves', change))
  FROM (VALUES
	('amount = 200', '23R03 shop.sale.amount paysafe_sale_payment'),
	('note = ''m''', '23R03 shop.sale.note paysafe_sale_columns_once'),
	('captured = NULL', 'accepted')) v (change, expected);
SELECT is(pg_temp.with_trigger('UPDATE shop.sale SET currency = ''USD'' WHERE id = 3', 'a_first', 'UPDATE', 'shop.sale', change), 'accepted', change)
  FROM unnest(ARRAY['UPDATE shop.sale SET amount = 200, note = ''m'' WHERE id = $1', 'UPDATE shop.sale SET region = 2 WHERE id = $1', 'UPDATE shop.sale SET id = 4 WHERE id = $1']) change;

SELECT * FROM finish();
ROLLBACK;
