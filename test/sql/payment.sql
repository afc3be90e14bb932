-- Payments: possible amounts, captured when captured, then frozen.
CREATE SCHEMA t_payment;
CREATE TABLE t_payment.payment (
	id int PRIMARY KEY,
	status text NOT NULL DEFAULT 'created',
	amount numeric,
	captured_amount numeric,
	currency text DEFAULT 'USD',
	note text
);
SELECT paysafe.protect_status('t_payment.payment', 'status', '[*] --> created
	created --> authorized
	authorized --> captured
	captured --> refunded');
SELECT paysafe.protect_payment('t_payment.payment', 'status', 'amount', 'captured_amount',
							   'currency', '{captured}');

-- possible amounts
INSERT INTO t_payment.payment (id, amount) VALUES (1, 100), (2, 0), (3, 99.99);
INSERT INTO t_payment.payment (id, amount) VALUES (9, -1);			-- fails
INSERT INTO t_payment.payment (id, amount) VALUES (9, 'NaN');		-- fails
INSERT INTO t_payment.payment (id, amount) VALUES (9, 'Infinity');	-- fails
INSERT INTO t_payment.payment (id, amount) VALUES (9, NULL);		-- fails
INSERT INTO t_payment.payment (id, amount) VALUES (9, 1.001);		-- fails: cents have no fractions
INSERT INTO t_payment.payment (id, amount) VALUES (9, 1.000);
INSERT INTO t_payment.payment (id, amount, currency) VALUES (10, 1000.5, 'JPY');	-- fails
INSERT INTO t_payment.payment (id, amount, currency) VALUES (10, 1.234, 'kwd');
INSERT INTO t_payment.payment (id, amount, currency) VALUES (11, 1, 'XBT');			-- fails: not known
INSERT INTO t_payment.payment (id, amount, currency) VALUES (11, 1, NULL);			-- fails
SELECT paysafe.set_currency('XBT', 8);
INSERT INTO t_payment.payment (id, amount, currency) VALUES (11, 0.00000001, 'XBT');
SELECT paysafe.set_currency('XBT', 9);								-- fails: it is fixed now
SELECT paysafe.set_currency('USD', 3);								-- fails
SELECT paysafe.set_currency('USD', 2);

-- nothing is captured before it is captured
INSERT INTO t_payment.payment (id, amount, captured_amount) VALUES (12, 10, 10);	-- fails
INSERT INTO t_payment.payment (id, amount, captured_amount) VALUES (12, 10, 0);
UPDATE t_payment.payment SET captured_amount = NULL WHERE id = 12;
UPDATE t_payment.payment SET captured_amount = 5 WHERE id = 12;		-- fails

-- in the initial status amount and currency are open, later they are not
UPDATE t_payment.payment SET amount = 120 WHERE id = 1;
UPDATE t_payment.payment SET status = 'authorized' WHERE id = 1;
UPDATE t_payment.payment SET amount = 130 WHERE id = 1;				-- fails
UPDATE t_payment.payment SET currency = 'EUR' WHERE id = 1;			-- fails
UPDATE t_payment.payment SET amount = 120.00, note = 'same' WHERE id = 1;

-- capturing
UPDATE t_payment.payment SET status = 'captured', captured_amount = 121 WHERE id = 1;	-- fails: more than authorized
UPDATE t_payment.payment SET status = 'captured', captured_amount = 'NaN' WHERE id = 1;	-- fails
UPDATE t_payment.payment SET status = 'captured', captured_amount = -1 WHERE id = 1;	-- fails
UPDATE t_payment.payment SET status = 'captured' WHERE id = 1;							-- fails: how much?
UPDATE t_payment.payment SET status = 'captured', captured_amount = 120 WHERE id = 1;
UPDATE t_payment.payment SET captured_amount = 119 WHERE id = 1;						-- fails
UPDATE t_payment.payment SET captured_amount = NULL WHERE id = 1;						-- fails
UPDATE t_payment.payment SET status = 'refunded', captured_amount = 0 WHERE id = 1;		-- fails
UPDATE t_payment.payment SET status = 'refunded' WHERE id = 1;
UPDATE t_payment.payment SET id = 77 WHERE id = 1;					-- fails

-- minor units need no scale; a table without a status rule is frozen from the start
CREATE TABLE t_payment.sale (
	id bigint PRIMARY KEY,
	state smallint,
	cents bigint NOT NULL,
	captured bigint,
	currency char(3) NOT NULL
);
SELECT paysafe.protect_payment('t_payment.sale', 'state', 'cents', 'captured', 'currency', '{2}');
INSERT INTO t_payment.sale VALUES (1, 1, 1000, 0, 'ABC'), (2, 2, 500, 500, 'USD');
UPDATE t_payment.sale SET cents = 2000 WHERE id = 1;				-- fails
UPDATE t_payment.sale SET state = 2, captured = 1000 WHERE id = 1;
DELETE FROM t_payment.sale WHERE id = 1;							-- fails
TRUNCATE t_payment.sale;											-- fails

-- what cannot be declared
CREATE TABLE t_payment.bad (id int, status text, f float8, m money, n numeric, i int, currency text);
SELECT paysafe.protect_payment('t_payment.bad', 'status', 'n', 'n', 'currency', '{captured}');	-- no key
ALTER TABLE t_payment.bad ADD PRIMARY KEY (id);
SELECT paysafe.protect_payment('t_payment.bad', 'status', 'f', 'n', 'currency', '{captured}');
SELECT paysafe.protect_payment('t_payment.bad', 'status', 'n', 'm', 'currency', '{captured}');
SELECT paysafe.protect_payment('t_payment.bad', 'status', 'n', 'i', 'currency', '{captured}');
SELECT paysafe.protect_payment('t_payment.bad', 'status', 'n', 'n', 'currency', '{}');
SELECT paysafe.protect_payment('t_payment.bad', 'status', 'n', 'n', 'currency');
INSERT INTO t_payment.bad VALUES (1, 'captured', NULL, NULL, -5, 1, 'USD'), (2, 'captured', NULL, NULL, 5, 1, NULL);
SELECT paysafe.protect_payment('t_payment.bad', 'status', 'n', 'n', 'currency', '{captured}');	-- existing rows
