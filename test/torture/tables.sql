-- What the clients of test/torture/run work on, and what they do.
SET client_min_messages = error;
CREATE EXTENSION paysafe;
CREATE SCHEMA torture;
SET search_path = torture;

CREATE TABLE wallet (id int PRIMARY KEY, balance bigint NOT NULL DEFAULT 0, minimum bigint);
CREATE TABLE entry (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	txn bigint NOT NULL,
	wallet int NOT NULL,
	amount bigint NOT NULL,
	currency text NOT NULL DEFAULT 'EUR',
	reverses bigint,
	xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX ON entry (txn);
CREATE INDEX ON entry (reverses);
CREATE TABLE payment (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, status text, currency text DEFAULT 'EUR',
					  amount numeric, captured numeric DEFAULT 0, version int NOT NULL DEFAULT 0);
CREATE TABLE refund (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payment bigint, status text, currency text DEFAULT 'EUR',
					 amount numeric, version int NOT NULL DEFAULT 0);
CREATE INDEX ON refund (payment);
-- what was done is committed with it
CREATE TABLE done (what text NOT NULL);
CREATE SEQUENCE txn;

SELECT paysafe.protect_ledger('entry', 'txn', 'wallet', 'amount', 'currency', reverses_column => 'reverses');
SELECT paysafe.protect_balance('wallet', 'id', 'balance', 'entry', 'minimum');
SELECT paysafe.protect_status('payment', 'status', E'[*] --> authorized\nauthorized --> captured');
SELECT paysafe.protect_payment('payment', 'status', 'amount', 'captured', 'currency', '{captured}');
SELECT paysafe.protect_status('refund', 'status', E'[*] --> requested\nrequested --> paid\nrequested --> rejected');
SELECT paysafe.protect_refund('refund', 'payment', 'payment', 'amount', 'currency', 'status', '{paid}', '{rejected}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('refund', 'EUR', 60);
SELECT paysafe.audit(t) FROM unnest('{wallet,entry,payment,refund}'::regclass[]) t;

-- 1 the world, 2 to 25 wallets, 26 to 28 fees and clearing, which take no lock
INSERT INTO wallet SELECT i, 0, CASE WHEN i = 1 THEN -1000000000 WHEN i < 26 THEN 0 END FROM generate_series(1, 28) i;
INSERT INTO entry (txn, wallet, amount)
	SELECT 0, 1, -24000 UNION ALL SELECT 0, i, 1000 FROM generate_series(2, 25) i;
INSERT INTO payment (status, amount) SELECT 'authorized', 100 FROM generate_series(1, 20);
UPDATE payment SET status = 'captured', captured = 100, version = version + 1;

CREATE FUNCTION pick(low int, high int) RETURNS int LANGUAGE sql VOLATILE
	AS 'SELECT low + floor(random() * (high - low + 1))::int';

-- A transfer of two or three entries, in one statement or several; in one of 50 an
-- entry is missing, and in one of 20 the id is one that may have been posted.
CREATE FUNCTION transfer() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	id bigint := CASE WHEN random() < 0.05 THEN pick(1, greatest(currval('txn')::int, 1)) ELSE nextval('txn') END;
	amount int := pick(2, 300);
	a int := pick(2, 25);
	b int := pick(2, 28);
BEGIN
	IF random() < 0.5 THEN
		INSERT INTO entry (txn, wallet, amount) VALUES (id, a, -amount), (id, b, amount - 1), (id, pick(26, 28), 1);
	ELSE
		INSERT INTO entry (txn, wallet, amount) VALUES (id, b, amount);
		IF random() < 0.96 THEN
			INSERT INTO entry (txn, wallet, amount) VALUES (id, a, -amount);
		END IF;
	END IF;
	INSERT INTO done VALUES ('transfer');
END $$;

-- The opposite of one of the last transactions, whole or in part
CREATE FUNCTION reverse() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	mine bigint := nextval('txn');
	what bigint := (SELECT txn FROM entry WHERE txn > 0 ORDER BY entry.id DESC OFFSET pick(0, 40) LIMIT 1);
BEGIN
	INSERT INTO entry (txn, wallet, amount, reverses)
		SELECT mine, wallet, -amount, what FROM entry WHERE txn = what AND (random() < 0.99 OR wallet > 2);
	IF FOUND THEN
		INSERT INTO done VALUES ('reversal');
	END IF;
END $$;

CREATE FUNCTION reserve() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.reserve('wallet', pick(2, 25)::text, pick(1, 400),
							CASE WHEN random() < 0.3 THEN '100 milliseconds' ELSE '1 hour' END::interval);
	INSERT INTO done VALUES ('reservation');
END $$;

-- Post one that may be open still, or void it; in one of 30, without its entries
CREATE FUNCTION resolve() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	r record;
	id bigint := nextval('txn');
	posted numeric;
BEGIN
	SELECT v.id, v.account, v.amount INTO r FROM paysafe.reservation v WHERE v.state = 'open' ORDER BY random() LIMIT 1;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	IF random() < 0.2 THEN
		PERFORM paysafe.void_reservation(r.id);
		INSERT INTO done VALUES ('voided');
		RETURN;
	END IF;
	posted := paysafe.post_reservation(r.id, CASE WHEN random() < 0.5 THEN pick(1, r.amount::int) END);
	IF random() < 0.97 THEN
		INSERT INTO entry (txn, wallet, amount) VALUES (id, r.account::int, -posted), (id, pick(2, 28), posted);
	END IF;
	INSERT INTO done VALUES ('posted');
END $$;

CREATE FUNCTION pay() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	p bigint;
BEGIN
	INSERT INTO payment (status, amount) VALUES ('authorized', pick(10, 200)) RETURNING id INTO p;
	IF random() < 0.9 THEN
		UPDATE payment SET status = 'captured', captured = amount, version = version + 1 WHERE id = p;
	END IF;
	INSERT INTO done VALUES ('payment');
END $$;

-- Of a payment that others refund too
CREATE FUNCTION request_refund() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as('clerk');
	INSERT INTO refund (payment, status, amount)
		SELECT id, 'requested', pick(1, 50) FROM payment WHERE status = 'captured' ORDER BY id DESC OFFSET pick(0, 15) LIMIT 1;
	INSERT INTO done VALUES ('refund');
END $$;

-- Above 60 in all, one of a payment's refunds needs somebody else
CREATE FUNCTION decide_refund() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	r bigint := (SELECT id FROM refund WHERE status = 'requested' ORDER BY random() LIMIT 1);
BEGIN
	IF r IS NULL THEN
		RETURN;
	END IF;
	IF random() < 0.5 THEN
		PERFORM paysafe.act_as('boss');
		PERFORM paysafe.approve('refund', r::text, 'looked at');
	END IF;
	PERFORM paysafe.act_as('clerk');
	UPDATE refund SET status = CASE WHEN random() < 0.7 THEN 'paid' ELSE 'rejected' END, version = version + 1
	 WHERE id = r AND status = 'requested';
	INSERT INTO done VALUES ('refund decided');
END $$;

CREATE FUNCTION change_minimum() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	w int := pick(2, 25);
BEGIN
	UPDATE wallet SET minimum = -pick(0, 200) WHERE id = w;
	INSERT INTO done VALUES ('minimum');
END $$;

-- What one transaction does: a few of these, some in savepoints that are rolled back
CREATE FUNCTION step() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	action text;
BEGIN
	PERFORM nextval('txn');
	FOR i IN 1 .. pick(1, 3) LOOP
		action := (ARRAY['transfer', 'transfer', 'transfer', 'transfer', 'reverse', 'reserve', 'resolve', 'resolve',
						 'pay', 'request_refund', 'request_refund', 'decide_refund', 'change_minimum'])[pick(1, 13)];
		BEGIN
			EXECUTE format('SELECT torture.%I()', action);
			IF random() < 0.1 THEN
				RAISE SQLSTATE 'TRBCK';
			END IF;
		EXCEPTION
			-- in savepoints, some refusals are lived with
			WHEN SQLSTATE 'TRBCK' THEN NULL;
			WHEN SQLSTATE '23M01' OR SQLSTATE '23R01' THEN
				IF random() < 0.5 THEN RAISE; END IF;
		END;
	END LOOP;
END $$;
ALTER FUNCTION step() SET search_path = torture, pg_catalog;
