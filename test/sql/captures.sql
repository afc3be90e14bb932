-- What is captured of a payment is the sum of rows; all movements in one table.
CREATE SCHEMA t_captures;
CREATE TABLE t_captures.payment (id int PRIMARY KEY, amount numeric, currency text);
CREATE TABLE t_captures.capture (id int PRIMARY KEY, payment_id int REFERENCES t_captures.payment, amount numeric, status text);
CREATE TABLE t_captures.refund (id int PRIMARY KEY, payment_id int REFERENCES t_captures.payment, amount numeric);
-- a warning: of no index
SELECT paysafe.protect_captures('t_captures.capture', 't_captures.payment', 'payment_id', 'amount', status_column => 'status', counted => '{done}',
	limit_column => 'amount', over_percent => 10, currency_path => '{payment_id,currency}');
CREATE INDEX ON t_captures.capture (payment_id);
CREATE INDEX ON t_captures.refund (payment_id);
SELECT paysafe.protect_refund('t_captures.refund', 't_captures.payment', 'payment_id', 'amount');
SELECT paysafe.set_refund_threshold('t_captures.refund', 'EUR', 1000);
SELECT rule, definition, columns FROM paysafe.protection WHERE relation::text LIKE 't_captures.%' ORDER BY relation::text, rule;
SELECT spec FROM paysafe.rule WHERE relation = 't_captures.capture'::regclass;

INSERT INTO t_captures.payment VALUES (1, 100, 'EUR'), (2, 100, 'EUR');
INSERT INTO t_captures.refund VALUES (1, 1, 1);										-- fails: nothing is captured
INSERT INTO t_captures.capture VALUES (1, 1, 60, 'done'), (2, 1, 50, 'done'), (3, 1, 5, 'asked');
UPDATE t_captures.capture SET status = 'done' WHERE id = 3;							-- fails
INSERT INTO t_captures.capture VALUES (4, 9, 1, 'done');							-- fails
INSERT INTO t_captures.capture VALUES (4, 1, 0, 'done');							-- fails
UPDATE t_captures.capture SET amount = 50 WHERE id = 1;								-- fails
DELETE FROM t_captures.capture WHERE id = 1;										-- fails
TRUNCATE t_captures.capture;														-- fails
INSERT INTO t_captures.refund VALUES (1, 1, 60);
UPDATE t_captures.capture SET status = 'void' WHERE id = 1;							-- fails
UPDATE t_captures.capture SET status = 'void' WHERE id = 2;
UPDATE t_captures.payment SET amount = 54 WHERE id = 1;								-- fails
UPDATE t_captures.payment SET amount = 55 WHERE id = 1;
UPDATE t_captures.payment SET amount = 56 WHERE id = 1;								-- fails
UPDATE t_captures.payment SET currency = 'USD' WHERE id = 1;						-- fails
UPDATE t_captures.payment SET id = 3 WHERE id = 1;									-- fails
DELETE FROM t_captures.payment WHERE id = 1;										-- fails

-- captures come before the refunds that follow them
CREATE TABLE t_captures.sale (id int PRIMARY KEY, amount numeric, currency text, status text);
CREATE TABLE t_captures.sale_capture (id int PRIMARY KEY, sale_id int REFERENCES t_captures.sale, amount numeric);
CREATE TABLE t_captures.sale_refund (id int PRIMARY KEY, sale_id int REFERENCES t_captures.sale, amount numeric);
CREATE INDEX ON t_captures.sale_capture (sale_id);
CREATE INDEX ON t_captures.sale_refund (sale_id);
SELECT paysafe.protect_payment('t_captures.sale', 'status', 'amount', currency_column => 'currency', captured => '{paid}');
SELECT paysafe.protect_refund('t_captures.sale_refund', 't_captures.sale', 'sale_id', 'amount');
SELECT paysafe.protect_captures('t_captures.sale_capture', 't_captures.sale', 'sale_id', 'amount', currency => 'EUR');	-- fails
-- refunds need one or the other
SELECT paysafe.protect_refund('t_captures.sale_refund', 't_captures.capture', 'sale_id', 'amount', payment_key => 'id');	-- fails

-- all movements in one table, which knows no other
CREATE TABLE t_captures.movement (id int PRIMARY KEY, pay text, kind text, amount numeric, currency text, status text);
CREATE INDEX ON t_captures.movement (pay);
SELECT paysafe.protect_status('t_captures.movement', 'status', '[*] --> sent
	[*] --> done
	sent --> done
	done --> failed
	sent --> failed');
SELECT paysafe.protect_movements('t_captures.movement', NULL, 'pay', 'kind', 'amount', 'currency', authorize => '{auth,sale}', capture => '{capture,sale}',
	cancel => '{void}', refund => '{refund}', chargeback => '{chargeback}', status_column => 'status', counted => '{done}', gated => '{sent,done}', void => '{failed}');
SELECT paysafe.set_refund_threshold('t_captures.movement', 'EUR', 50);
SELECT rule, definition, columns FROM paysafe.protection WHERE relation = 't_captures.movement'::regclass ORDER BY rule;
INSERT INTO t_captures.movement VALUES (1, 'a', 'auth', 100, 'EUR', 'done'), (2, 'a', 'capture', 80, 'EUR', 'done');
INSERT INTO t_captures.movement VALUES (3, 'a', 'capture', 21, 'EUR', 'done');		-- fails
INSERT INTO t_captures.movement VALUES (3, 'a', 'void', NULL, 'EUR', 'done');
INSERT INTO t_captures.movement VALUES (4, 'a', 'capture', 20, 'EUR', 'done');		-- fails
INSERT INTO t_captures.movement VALUES (4, 'a', 'capture', 20, 'USD', 'done');		-- fails
INSERT INTO t_captures.movement VALUES (4, 'a', 'refund', 81, 'EUR', 'sent');		-- fails
INSERT INTO t_captures.movement VALUES (4, 'a', 'refund', 60, 'EUR', 'sent');		-- fails
INSERT INTO t_captures.movement VALUES (4, 'a', 'refund', 50, 'EUR', 'sent');
UPDATE t_captures.movement SET kind = 'chargeback' WHERE id = 4;					-- fails
UPDATE t_captures.movement SET status = 'failed' WHERE id = 1;						-- fails
UPDATE t_captures.movement SET status = 'failed' WHERE id = 2;						-- fails

-- a first rule beside these: what lets more be captured needs a second person
CREATE TABLE t_captures.later (id int PRIMARY KEY, payment_id int, amount numeric);
CREATE INDEX ON t_captures.later (payment_id);
SELECT paysafe.protect_captures('t_captures.later', 't_captures.payment', 'payment_id', 'amount', currency_path => '{payment_id,currency}', payment_key => 'id');	-- fails
SELECT paysafe.protect_captures('t_captures.later', 't_captures.payment', 'payment_id', 'amount', currency_path => '{payment_id,currency}', payment_key => 'id', mode => 'observe');
SELECT paysafe.protect_captures('t_captures.later', 't_captures.payment', 'payment_id', 'amount', currency_path => '{payment_id,currency}', payment_key => 'id');	-- fails
ALTER TABLE t_captures.payment ADD status text;
SELECT paysafe.protect_payment('t_captures.payment', 'status', 'amount', NULL, 'currency', captured => '{paid}', adjustable => '{new}');	-- fails
SELECT paysafe.protect_payment('t_captures.payment', 'status', 'amount', NULL, captured => '{paid}', currency => 'USD');				-- fails

-- what a table looks like
CREATE TABLE t_captures.charge (id int PRIMARY KEY, amount numeric, currency text);
CREATE TABLE t_captures.charge_capture (id int PRIMARY KEY, charge_id int REFERENCES t_captures.charge, amount numeric, status text, created_at timestamptz);
SELECT rule, declaration, why, confidence FROM paysafe.suggest('t_captures.charge_capture') WHERE rule = 'captures';
CREATE INDEX ON t_captures.charge_capture (charge_id);
SELECT paysafe.protect_captures('t_captures.charge_capture', 't_captures.charge', 'charge_id', 'amount', currency_path => '{charge_id,currency}', status_column => 'status', counted => '{captured}', limit_column => 'amount', mode => 'observe');
