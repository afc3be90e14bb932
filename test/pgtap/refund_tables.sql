-- Several tables of refunds for one table of payments: what returns of a payment is
-- the sum over all of them.
BEGIN;
SELECT plan(49);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;

CREATE TABLE shop.payment (id bigint PRIMARY KEY, reference text UNIQUE, captured numeric, net numeric, currency text, note text);
INSERT INTO shop.payment SELECT i, 'p' || i, 100, 100, CASE i WHEN 9 THEN 'USD' ELSE 'EUR' END FROM generate_series(1, 20) i;
INSERT INTO shop.payment VALUES (21, NULL, 100, 100, 'EUR');
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE TABLE shop.chargeback (id int PRIMARY KEY, payment text REFERENCES shop.payment (reference), sum numeric, currency text, state text) PARTITION BY HASH (id);
CREATE TABLE shop.chargeback_0 PARTITION OF shop.chargeback FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE shop.chargeback_1 PARTITION OF shop.chargeback FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX ON shop.refund (payment);
CREATE INDEX ON shop.chargeback (payment);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 60);

-- the second declaration
INSERT INTO shop.refund VALUES (1, 1, 70, 'EUR', 'asked'), (2, 2, 50, 'EUR', 'sent');
INSERT INTO shop.chargeback VALUES (1, 'p1', 31, 'EUR', 'lost'), (2, 'p2', 5, 'EUR', 'lost');
CREATE FUNCTION pg_temp.declare_chargeback(captured text DEFAULT 'captured', currency text DEFAULT 'currency') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(format($d$SELECT paysafe.protect_refund('shop.chargeback', 'shop.payment', 'payment', 'sum', 'currency', 'state', '{lost}', '{won}', %L, %L)$d$, captured, currency)) $$;
SELECT is(pg_temp.declare_chargeback(), '23514 shop.chargeback paysafe_chargeback_refund', 'together they are more than captured');
UPDATE shop.chargeback SET sum = 30 WHERE id = 1;
SELECT is(pg_temp.declare_chargeback('net'), '22023', 'another captured amount');
SELECT is(pg_temp.declare_chargeback('captured', 'note'), '22023', 'another currency');
SELECT is(pg_temp.declare_chargeback(), 'accepted', 'together they are what was captured');
SELECT paysafe.set_refund_threshold('shop.chargeback', 'EUR', 60);

-- the cap
\set refund '23R01 shop.refund.amount paysafe_refund_refund'
\set chargeback '23R01 shop.chargeback.sum paysafe_chargeback_refund'
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (10, 1, 0.01, 'EUR', 'asked')$$), :'refund', 'a cent more in the one table');
SELECT is(pg_temp.refusal($$INSERT INTO shop.chargeback VALUES (10, 'p1', 0.01, 'EUR', 'open')$$), :'chargeback', '... and in the other');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'void' WHERE id = 1; INSERT INTO shop.chargeback VALUES (10, 'p1', 70, 'EUR', 'open')$$), 'accepted', 'what is void in the one leaves room in the other');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'asked' WHERE id = 1$$), :'refund', '... which is not there any more');
SELECT is(pg_temp.refusal($$UPDATE shop.chargeback SET state = 'won' WHERE id = 10; UPDATE shop.refund SET status = 'asked' WHERE id = 1$$), 'accepted', 'and is again');
SELECT is(pg_temp.refusal($$WITH c AS (INSERT INTO shop.chargeback VALUES (11, 'p3', 60, 'EUR', 'open')) INSERT INTO shop.refund VALUES (11, 3, 60, 'EUR', 'asked')$$),
	:'refund', 'both by one statement');
SELECT is(pg_temp.refusal($$WITH c AS (INSERT INTO shop.chargeback VALUES (11, 'p3', 60, 'EUR', 'open')) INSERT INTO shop.refund VALUES (11, 3, 40, 'EUR', 'asked')$$), 'accepted', 'both by one statement, as much as there is');
SELECT is(pg_temp.refusal($$INSERT INTO shop.chargeback VALUES (12, NULL, 60, 'EUR', 'open')$$), '23R06 shop.chargeback.payment paysafe_chargeback_refund', 'a payment without a reference cannot be charged back');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (13, 21, 100, 'EUR', 'asked')$$), 'accepted', '... but refunded');
SELECT is(pg_temp.refusal($$INSERT INTO shop.chargeback VALUES (13, 'p9', 60, 'EUR', 'open')$$), '23R02 shop.chargeback.currency paysafe_chargeback_refund', 'the currency is the payment''s');

-- what a transaction keeps of it
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (20, 4, 10, 'EUR', 'asked'); INSERT INTO shop.chargeback VALUES (20, 'p4', 10, 'EUR', 'open')$$), 'accepted', 'one after the other');
SAVEPOINT s;
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (21, 4, 80, 'EUR', 'asked')$$), 'accepted', 'the rest');
SELECT is(pg_temp.refusal($$INSERT INTO shop.chargeback VALUES (22, 'p4', 0.01, 'EUR', 'open')$$), :'chargeback', '... is all');
ROLLBACK TO s;
SELECT is(pg_temp.refusal($$INSERT INTO shop.chargeback VALUES (22, 'p4', 80, 'EUR', 'open')$$), 'accepted', 'after a rollback it is there again');
SELECT is(pg_temp.refusal($$INSERT INTO shop.chargeback VALUES (23, 'p4', 0.01, 'EUR', 'open')$$), :'chargeback', '... once');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund SELECT 100 + i, 5, 10, 'EUR', 'asked' FROM generate_series(1, 5) i; UPDATE shop.refund SET status = CASE WHEN id < 103 THEN 'void' ELSE 'asked' END WHERE id BETWEEN 101 AND 105;
	INSERT INTO shop.refund SELECT 110 + i, 5, 10, 'EUR', 'asked' FROM generate_series(1, 7) i$$), 'accepted', 'added, made void and added');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (130, 5, 0.01, 'EUR', 'asked')$$), :'refund', '... to the full amount');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = CASE WHEN status = 'void' THEN 'asked' ELSE 'void' END WHERE payment = 5 AND id < 105$$), 'accepted', 'as many made void as taken back, by one statement');
SELECT is(pg_temp.refusal($$DELETE FROM shop.refund WHERE payment = 5 AND status = 'void'; INSERT INTO shop.refund VALUES (131, 5, 0.01, 'EUR', 'asked')$$), :'refund', 'deleted ones leave no room twice');
SAVEPOINT outer_one;
SAVEPOINT inner_one;
INSERT INTO shop.refund VALUES (140, 10, 60, 'EUR', 'asked');
ROLLBACK TO inner_one;
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (141, 10, 100, 'EUR', 'asked')$$), 'accepted', 'what an inner savepoint took back');
ROLLBACK TO outer_one;
SELECT is(pg_temp.refusal($$INSERT INTO shop.chargeback VALUES (141, 'p10', 50, 'EUR', 'open')$$), 'accepted', '... and an outer one');
SAVEPOINT outer_two;
SAVEPOINT inner_two;
INSERT INTO shop.refund VALUES (142, 10, 20, 'EUR', 'asked');
RELEASE inner_two;
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (143, 10, 30.01, 'EUR', 'asked')$$), :'refund', 'what a released one has added counts');
ROLLBACK TO outer_two;
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (143, 10, 50, 'EUR', 'asked')$$), 'accepted', '... until what it was released to is taken back');
CREATE FUNCTION pg_temp.chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.id BETWEEN 200 AND 220 THEN
		INSERT INTO shop.refund VALUES (NEW.id + 1, NEW.payment, NEW.amount, NEW.currency, NEW.status);
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER a_chain AFTER INSERT ON shop.refund FOR EACH ROW EXECUTE FUNCTION pg_temp.chain();
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (200, 6, 5, 'EUR', 'asked')$$), :'refund', 'refunds that add refunds');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (202, 6, 5, 'EUR', 'asked')$$), 'accepted', '... as much as there is');
DROP TRIGGER a_chain ON shop.refund;
SELECT is((SELECT sum(amount) FROM shop.refund WHERE payment = 6), 100::numeric, '... which is all');

-- the threshold: what passed the gate in any of them
SELECT is(pg_temp.refusal($$INSERT INTO shop.chargeback VALUES (30, 'p7', 40, 'EUR', 'lost')$$), 'accepted', 'below the threshold');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (30, 7, 20.01, 'EUR', 'sent')$$), '42501 shop.refund.status paysafe_refund_approval', 'above it with the other');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (30, 7, 20, 'EUR', 'sent')$$), 'accepted', 'exactly it');
SELECT is(pg_temp.refusal($$INSERT INTO shop.chargeback VALUES (31, 'p7', 0.01, 'EUR', 'lost')$$), '42501 shop.chargeback.state paysafe_chargeback_approval', 'the other way round');
SELECT is(pg_temp.refusal($$INSERT INTO shop.chargeback SELECT 40 + i, 'p8', 1, 'EUR', 'lost' FROM generate_series(1, 60) i$$), 'accepted', 'sixty by one statement');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (40, 8, 0.01, 'EUR', 'sent')$$), '42501 shop.refund.status paysafe_refund_approval', '... and a cent');
INSERT INTO shop.refund VALUES (41, 8, 1, 'EUR', 'asked');
SELECT is((SELECT total_within FROM paysafe.pending_approval WHERE key = '41' AND relation = 'shop.refund'::regclass), 61::numeric, 'the view adds up all of them');

-- the payment's side
SELECT is(pg_temp.refusal('UPDATE shop.payment SET captured = 99 WHERE id = 3'), '23R01 shop.payment.captured paysafe_payment_refund', 'not below the sum of both');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET captured = 101 WHERE id = 3'), 'accepted', 'above it');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET currency = 'USD' WHERE id = 7$$), '23R03 shop.payment.currency paysafe_payment_refund', 'its currency stays');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET reference = 'other' WHERE id = 5$$), 'accepted', '... what charges refer to, where there are some');

-- whatever is tried
SELECT setseed(0.13);
CREATE FUNCTION pg_temp.hammer() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	done int := 0;
	p int;
	amount numeric;
BEGIN
	FOR i IN 1..800 LOOP
		BEGIN
			p := 11 + (random() * 3)::int;
			amount := round((random() * 15)::numeric, 2) + 0.01;
			CASE (random() * 4.99)::int
				WHEN 0 THEN INSERT INTO shop.refund VALUES (1000 + i, p, amount, 'EUR', (ARRAY['asked', 'void'])[1 + (random())::int]);
				WHEN 1 THEN INSERT INTO shop.chargeback VALUES (1000 + i, 'p' || p, amount, 'EUR', (ARRAY['open', 'won'])[1 + (random())::int]);
				WHEN 2 THEN UPDATE shop.refund SET status = (ARRAY['asked', 'void', 'other'])[1 + (random() * 2)::int] WHERE payment = p AND id % 3 = i % 3;
				WHEN 3 THEN UPDATE shop.chargeback SET state = (ARRAY['open', 'won', 'other'])[1 + (random() * 2)::int] WHERE payment = 'p' || p AND id % 3 = i % 3;
				ELSE DELETE FROM shop.refund WHERE payment = p AND status = 'void' AND id % 5 = i % 5;
			END CASE;
			IF random() < 0.2 THEN
				RAISE EXCEPTION integrity_constraint_violation;
			END IF;
			done := done + 1;
		EXCEPTION WHEN integrity_constraint_violation THEN
			NULL;
		END;
	END LOOP;
	RETURN done;
END $$;
SELECT cmp_ok(pg_temp.hammer(), '>', 200, 'many of 800 random changes are accepted');
SELECT is_empty($$SELECT p.id FROM shop.payment p WHERE coalesce((SELECT sum(amount) FROM shop.refund r WHERE r.payment = p.id AND r.status <> 'void'), 0) +
	coalesce((SELECT sum(sum) FROM shop.chargeback c WHERE c.payment = p.reference AND c.state <> 'won'), 0) > p.captured$$, '... and no payment has returned more than it was');

-- refunds of two kinds that were in one table: one for each, and the old name is a view (doc/fits.md)
CREATE TABLE shop.deposit (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.mixed (id int PRIMARY KEY, kind text, payment int, amount numeric, currency text, status text);
INSERT INTO shop.payment (id, captured, currency, reference) VALUES (90, 100, 'EUR', 'p90');
INSERT INTO shop.deposit VALUES (90, 50, 'EUR');
INSERT INTO shop.mixed VALUES (1, 'order', 90, 10, 'EUR', 'asked'), (2, 'deposit', 90, 10, 'EUR', 'asked');
ALTER TABLE shop.mixed RENAME TO order_mixed;
CREATE TABLE shop.deposit_mixed (LIKE shop.order_mixed INCLUDING ALL);
WITH moved AS (DELETE FROM shop.order_mixed WHERE kind = 'deposit' RETURNING *) INSERT INTO shop.deposit_mixed SELECT * FROM moved;
ALTER TABLE shop.order_mixed ADD CHECK (kind = 'order');
ALTER TABLE shop.deposit_mixed ADD CHECK (kind = 'deposit');
CREATE VIEW shop.mixed AS SELECT * FROM shop.order_mixed UNION ALL SELECT * FROM shop.deposit_mixed;
CREATE FUNCTION shop.route() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		EXECUTE format('INSERT INTO shop.%I SELECT $1.*', new.kind || '_mixed') USING new;
	ELSE
		EXECUTE format('UPDATE shop.%I SET kind = $2.kind, status = $2.status WHERE id = $1', old.kind || '_mixed') USING old.id, new;
	END IF;
	RETURN new;
END $$;
CREATE TRIGGER route INSTEAD OF INSERT OR UPDATE ON shop.mixed FOR EACH ROW EXECUTE FUNCTION shop.route();
CREATE INDEX ON shop.order_mixed (payment);
CREATE INDEX ON shop.deposit_mixed (payment);
SELECT paysafe.protect_refund('shop.order_mixed', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{paid}', '{void}', 'captured', 'currency');
SELECT paysafe.protect_refund('shop.deposit_mixed', 'shop.deposit', 'payment', 'amount', 'currency', 'status', '{paid}', '{void}', 'captured', 'currency');
SELECT lives_ok($$INSERT INTO shop.mixed VALUES (3, 'order', 90, 90, 'EUR', 'asked'), (4, 'deposit', 90, 40, 'EUR', 'asked')$$, 'each kind is limited by its own payment');
SELECT throws_ok($$INSERT INTO shop.mixed VALUES (5, 'order', 90, 0.01, 'EUR', 'asked')$$, '23R01');
SELECT throws_ok($$INSERT INTO shop.mixed VALUES (5, 'deposit', 90, 0.01, 'EUR', 'asked')$$, '23R01');
SELECT throws_ok($$UPDATE shop.mixed SET status = 'paid' WHERE id = 4$$, '42501');
SELECT throws_ok($$UPDATE shop.mixed SET kind = 'order' WHERE id = 4$$, '23514');
SELECT lives_ok($$UPDATE shop.mixed SET status = 'void' WHERE id = 4; INSERT INTO shop.mixed VALUES (5, 'deposit', 90, 40, 'EUR', 'asked')$$, 'what is void is free again');

SELECT * FROM finish();
ROLLBACK;
