-- Refunds: never more than captured, in the payment's currency, as requested.
CREATE SCHEMA t_refund;
CREATE TABLE t_refund.payment (
	id int PRIMARY KEY,
	status text NOT NULL DEFAULT 'created',
	amount numeric NOT NULL,
	captured_amount numeric,
	currency text NOT NULL DEFAULT 'USD'
);
CREATE TABLE t_refund.refund (
	id int PRIMARY KEY,
	payment_id int REFERENCES t_refund.payment,
	amount numeric,
	currency text DEFAULT 'USD',
	status text NOT NULL DEFAULT 'requested',
	note text
);
SELECT paysafe.protect_status('t_refund.payment', 'status', '[*] --> created
	created --> authorized
	authorized --> partly_captured
	authorized --> captured
	partly_captured --> captured');
SELECT paysafe.protect_payment('t_refund.payment', 'status', 'amount', 'captured_amount',
							   'currency', '{partly_captured,captured}');
SELECT paysafe.protect_status('t_refund.refund', 'status', '[*] --> requested
	requested --> approved
	requested --> rejected
	approved --> processed
	approved --> failed
	failed --> requested', deletable => '{rejected,requested}');
-- a warning: each refund will read the whole table
SELECT paysafe.protect_refund('t_refund.refund', 't_refund.payment', 'payment_id', 'amount', 'currency',
	'status', gated => '{approved,processed}', void => '{rejected,failed}',
	payment_amount_column => 'captured_amount', payment_currency_column => 'currency');
CREATE INDEX ON t_refund.refund (payment_id);
SELECT paysafe.set_refund_threshold('t_refund.refund', 'USD', 10000);

INSERT INTO t_refund.payment (id, amount) VALUES (1, 1000), (2, 500), (3, 700);
UPDATE t_refund.payment SET status = 'authorized';
UPDATE t_refund.payment SET status = 'captured', captured_amount = amount WHERE id = 1;
UPDATE t_refund.payment SET status = 'partly_captured', captured_amount = 300 WHERE id = 3;

-- possible refunds
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (9, NULL, 1);			-- fails
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (9, 1, NULL);			-- fails
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (9, 1, 0);				-- fails
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (9, 1, -5);				-- fails
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (9, 1, '-Infinity');	-- fails
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (9, 1, 0.001);			-- fails
INSERT INTO t_refund.refund (id, payment_id, amount, currency) VALUES (9, 1, 1, 'EUR');	-- fails
INSERT INTO t_refund.refund (id, payment_id, amount, currency) VALUES (9, 1, 1, NULL);	-- fails
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (9, 2, 1);				-- fails: nothing captured
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (9, 1, 1000.01);		-- fails

-- up to the captured amount
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (1, 1, 600);
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (2, 1, 400.01);			-- fails
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (2, 1, 400);
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (3, 1, 0.01);			-- fails
-- together in one statement, in two CTEs of one, through COPY
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (4, 3, 200), (5, 3, 200);	-- fails
WITH a AS (INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (4, 3, 200)),
	 b AS (INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (5, 3, 200))
SELECT;																				-- fails
COPY t_refund.refund (id, payment_id, amount) FROM stdin;	-- fails
4	3	200
5	3	200
\.

-- what is void does not count; what comes back does
UPDATE t_refund.refund SET status = 'rejected' WHERE id = 2;
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (3, 1, 400);
UPDATE t_refund.refund SET status = 'approved' WHERE id = 3;
UPDATE t_refund.refund SET status = 'failed' WHERE id = 3;
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (4, 1, 400);
UPDATE t_refund.refund SET status = 'requested' WHERE id = 3;						-- fails

-- as requested
UPDATE t_refund.refund SET amount = 1 WHERE id = 1;									-- fails
UPDATE t_refund.refund SET payment_id = 3 WHERE id = 1;								-- fails
UPDATE t_refund.refund SET currency = 'EUR' WHERE id = 1;							-- fails
UPDATE t_refund.refund SET id = 77 WHERE id = 1;									-- fails
UPDATE t_refund.refund SET amount = 600.00, note = 'same' WHERE id = 1;
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (1, 3, 5)
	ON CONFLICT (id) DO UPDATE SET payment_id = EXCLUDED.payment_id;				-- fails
-- deleting: not even where the status machine would, unless void
DELETE FROM t_refund.refund WHERE id = 1;											-- fails
DELETE FROM t_refund.refund WHERE id = 2;
TRUNCATE t_refund.refund;															-- fails

-- the payment's side
UPDATE t_refund.payment SET currency = 'EUR' WHERE id = 1;							-- fails
DELETE FROM t_refund.payment WHERE id = 1;											-- fails
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (6, 3, 300);
UPDATE t_refund.payment SET status = 'captured', captured_amount = 200 WHERE id = 3;	-- fails: it falls
UPDATE t_refund.payment SET status = 'captured', captured_amount = 700 WHERE id = 3;
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (7, 3, 400);

-- row security of the caller's own making hides nothing from the sum
ALTER TABLE t_refund.refund ENABLE ROW LEVEL SECURITY;
ALTER TABLE t_refund.refund FORCE ROW LEVEL SECURITY;
CREATE ROLE regress_paysafe_clerk;
GRANT USAGE ON SCHEMA t_refund TO regress_paysafe_clerk;
GRANT SELECT, INSERT ON t_refund.refund, t_refund.payment TO regress_paysafe_clerk;
CREATE POLICY own ON t_refund.refund USING (false) WITH CHECK (true);
SET ROLE regress_paysafe_clerk;
SELECT count(*) FROM t_refund.refund;
INSERT INTO t_refund.refund (id, payment_id, amount) VALUES (8, 3, 1);				-- fails
RESET ROLE;
ALTER TABLE t_refund.refund DISABLE ROW LEVEL SECURITY;

-- a refund of a payment that is not there, without a foreign key to say so
CREATE TABLE t_refund.loose (id int PRIMARY KEY, payment_no bigint, amount int, currency char(3), state int);
CREATE INDEX ON t_refund.loose (payment_no);
CREATE TABLE t_refund.sale (no int PRIMARY KEY, captured bigint, currency varchar(3));
INSERT INTO t_refund.sale VALUES (1, 500, 'EUR');
SELECT paysafe.protect_refund('t_refund.loose', 't_refund.sale', 'payment_no', 'amount', 'currency',
	'state', '{2}', '{9}', 'captured', 'currency');
INSERT INTO t_refund.loose VALUES (1, 7, 100, 'EUR', 1);							-- fails
INSERT INTO t_refund.loose VALUES (1, 1, 100, 'EUR', 1);
UPDATE t_refund.sale SET captured = 99 WHERE no = 1;								-- fails
UPDATE t_refund.sale SET no = 2 WHERE no = 1;										-- fails
DELETE FROM t_refund.sale WHERE no = 1;												-- fails

-- partitioned on both sides
CREATE TABLE t_refund.p_payment (id int, day date, captured numeric, currency text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE t_refund.p_payment_1 PARTITION OF t_refund.p_payment FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE t_refund.p_payment_2 PARTITION OF t_refund.p_payment FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE t_refund.p_refund (id int, day date, payment int, amount numeric, currency text, status text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE t_refund.p_refund_1 PARTITION OF t_refund.p_refund FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE t_refund.p_refund_2 (status text, currency text, amount numeric, payment int, day date NOT NULL, id int NOT NULL);
ALTER TABLE t_refund.p_refund ATTACH PARTITION t_refund.p_refund_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE INDEX ON t_refund.p_refund (payment);
SELECT paysafe.protect_refund('t_refund.p_refund', 't_refund.p_payment', 'payment', 'amount', 'currency',
	'status', '{paid}', '{void}', 'captured', 'currency');
INSERT INTO t_refund.p_payment VALUES (1, '2026-01-05', 100, 'USD'), (2, '2026-02-05', 100, 'USD');
INSERT INTO t_refund.p_refund VALUES (1, '2026-01-06', 1, 60, 'USD', 'asked');
INSERT INTO t_refund.p_refund VALUES (2, '2026-02-06', 1, 60, 'USD', 'asked');		-- fails
INSERT INTO t_refund.p_refund VALUES (2, '2026-02-06', 1, 40, 'USD', 'asked');
UPDATE t_refund.p_refund SET day = '2026-02-07' WHERE id = 1;
UPDATE t_refund.p_refund SET day = '2026-01-07', amount = 41 WHERE id = 2;			-- fails
INSERT INTO t_refund.p_payment VALUES (1, '2026-02-05', 100, 'USD');				-- fails: two payments of this key

-- existing rows
CREATE TABLE t_refund.old (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON t_refund.old (payment);
INSERT INTO t_refund.old VALUES (1, 3, 699, 'USD', 'paid'), (2, 3, 2, 'USD', 'paid'), (3, 4, 1, 'USD', 'paid'),
	(4, 1, -1, 'USD', 'paid'), (5, 1, 1, 'EUR', 'asked');
SELECT paysafe.protect_refund('t_refund.old', 't_refund.payment', 'payment', 'amount', 'currency',
	'status', '{paid}', '{void}', 'captured_amount', 'currency');					-- fails

-- arguments
SELECT paysafe.protect_refund('t_refund.refund', 't_refund.refund', 'payment_id', 'amount', 'currency',
	'status', '{paid}', '{void}', 'captured_amount', 'currency');
SELECT paysafe.protect_refund('t_refund.refund', 't_refund.payment', 'payment_id', 'amount', 'currency',
	'status', '{}', '{void}', 'captured_amount', 'currency');
SELECT paysafe.protect_refund('t_refund.refund', 't_refund.payment', 'payment_id', 'amount', 'currency',
	'status', '{paid}', '{paid}', 'captured_amount', 'currency');
SELECT paysafe.protect_refund('t_refund.refund', 't_refund.payment', 'nothing', 'amount', 'currency',
	'status', '{paid}', '{void}', 'captured_amount', 'currency');
DROP OWNED BY regress_paysafe_clerk;
DROP ROLE regress_paysafe_clerk;
