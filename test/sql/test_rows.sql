-- Rows that are only a test may be deleted, whatever they have been through.
CREATE SCHEMA t_test;
CREATE TABLE t_test.shop_order (id int PRIMARY KEY, testmode boolean NOT NULL DEFAULT false, note text);
CREATE TABLE t_test.payment (id int PRIMARY KEY, order_id int REFERENCES t_test.shop_order DEFERRABLE INITIALLY DEFERRED,
	state text NOT NULL DEFAULT 'new', amount numeric NOT NULL);
CREATE TABLE t_test.refund (id int PRIMARY KEY, order_id int REFERENCES t_test.shop_order DEFERRABLE INITIALLY DEFERRED,
	payment_id int REFERENCES t_test.payment, amount numeric NOT NULL, state text NOT NULL DEFAULT 'new');
CREATE INDEX ON t_test.payment (order_id);
CREATE INDEX ON t_test.refund (order_id);
CREATE INDEX ON t_test.refund (payment_id);
\set machine '[*] --> new\n	new --> done\n	done --> new'
SELECT paysafe.protect_status('t_test.payment', 'state', :'machine');
SELECT paysafe.protect_status('t_test.refund', 'state', :'machine');
SELECT paysafe.protect_payment('t_test.payment', 'state', 'amount', captured => '{done}', currency => 'EUR');
SELECT paysafe.protect_refund('t_test.refund', 't_test.payment', 'payment_id', 'amount', status_column => 'state', gated => '{done}', void => '{}');
SELECT paysafe.set_refund_threshold('t_test.refund', 'EUR', 100);

-- what is not possible
SELECT paysafe.protect_test_rows('t_test.payment', '{}');
SELECT paysafe.protect_test_rows('t_test.payment', '{order_id,a,b}');
SELECT paysafe.protect_test_rows('t_test.payment', NULL);
SELECT paysafe.protect_test_rows('t_test.payment', '{order_id,testmode}', '{}');
SELECT paysafe.protect_test_rows('t_test.payment', '{amount,testmode}');
SELECT paysafe.protect_test_rows('t_test.payment', '{order_id,nothing}');
SELECT paysafe.protect_test_rows('t_test.payment', '{order_id,note}', '{test}');

-- before there were rows, that is the owner's business; then it is loosening
SELECT paysafe.protect_test_rows('t_test.payment', '{order_id,testmode}');
SELECT paysafe.protect_test_rows('t_test.refund', '{order_id,testmode}');
SELECT paysafe.protect_test_rows('t_test.refund', '{order_id,testmode}', '{true}');	-- the same
SELECT rule, definition FROM paysafe.protection WHERE relation IN ('t_test.payment'::regclass, 't_test.refund'::regclass) AND rule = 'test_rows';

INSERT INTO t_test.shop_order VALUES (1, false), (2, true), (3, true);
INSERT INTO t_test.payment VALUES (1, 1, 'new', 10), (2, 2, 'new', 10), (3, NULL, 'new', 10);
UPDATE t_test.payment SET state = 'done';
INSERT INTO t_test.refund VALUES (1, 1, 1, 4), (2, 2, 2, 4), (3, 2, 1, 4), (4, 2, 2, 1);
UPDATE t_test.refund SET state = 'done' WHERE id < 4;
UPDATE t_test.payment SET state = 'new' WHERE id = 2;			-- fails: a test is held to the same
SELECT paysafe.protect_test_rows('t_test.refund', '{order_id,testmode}', '{true,false}');	-- fails: a second person
CREATE TABLE t_test.later (id int PRIMARY KEY, livemode boolean, state text);
SELECT paysafe.protect_status('t_test.later', 'state', :'machine');
INSERT INTO t_test.later VALUES (1, false, 'new');
SELECT paysafe.protect_test_rows('t_test.later', '{livemode}', '{false}', mode => 'observe');
DELETE FROM t_test.later;										-- fails: it is only observed
SELECT paysafe.protect_test_rows('t_test.later', '{livemode}', '{false}');		-- fails: a second person

-- which are tests stays
UPDATE t_test.shop_order SET testmode = true WHERE id = 1;		-- fails
UPDATE t_test.shop_order SET testmode = false WHERE id = 2;		-- fails
UPDATE t_test.shop_order SET testmode = false WHERE id = 3;
UPDATE t_test.shop_order SET testmode = true, note = 'nobody has paid yet' WHERE id = 3;
UPDATE t_test.shop_order SET id = 9 WHERE id = 1;				-- fails
UPDATE t_test.payment SET order_id = 2 WHERE id = 1;			-- fails
UPDATE t_test.payment SET order_id = 2 WHERE id = 3;			-- fails
UPDATE t_test.payment SET order_id = NULL WHERE id = 2;			-- fails
UPDATE t_test.refund SET order_id = 2 WHERE id = 1;				-- fails
TRUNCATE t_test.shop_order CASCADE;								-- fails
BEGIN;
DELETE FROM t_test.shop_order WHERE id = 1;						-- fails: and add another one with its number
ROLLBACK;

-- deleted: no row that is none, nor one whose payment is none
DELETE FROM t_test.payment WHERE id = 1;						-- fails
DELETE FROM t_test.payment WHERE id = 3;						-- fails
DELETE FROM t_test.refund WHERE id = 1;							-- fails
DELETE FROM t_test.refund WHERE id = 3;							-- fails
DELETE FROM t_test.payment WHERE id = 2;						-- fails: it has refunds
BEGIN;
DELETE FROM t_test.refund WHERE id IN (2, 4);
DELETE FROM t_test.payment WHERE id = 2;
COMMIT;
SELECT id FROM t_test.payment ORDER BY id;
SELECT id FROM t_test.refund ORDER BY id;
-- a new payment of that number begins with nothing
INSERT INTO t_test.payment VALUES (2, 3, 'new', 10);
INSERT INTO t_test.refund VALUES (2, 3, 2, 1);					-- fails: nothing is captured
UPDATE t_test.payment SET state = 'done' WHERE id = 2;
INSERT INTO t_test.refund VALUES (2, 3, 2, 10);
-- one that has left its captured status
INSERT INTO t_test.payment VALUES (5, 3, 'new', 10);
UPDATE t_test.payment SET state = 'done' WHERE id = 5;
UPDATE t_test.payment SET state = 'new' WHERE id = 5;
DELETE FROM t_test.payment WHERE id = 5;

-- the row says it itself; captures
CREATE TABLE t_test.intent (id int PRIMARY KEY, livemode text NOT NULL, authorized numeric);
CREATE TABLE t_test.capture (id int PRIMARY KEY, intent_id int REFERENCES t_test.intent, livemode text NOT NULL, amount numeric);
CREATE INDEX ON t_test.capture (intent_id);
SELECT paysafe.protect_captures('t_test.capture', 't_test.intent', 'intent_id', 'amount', currency => 'EUR', limit_column => 'authorized');
SELECT paysafe.protect_test_rows('t_test.intent', '{livemode}', '{false,test}');
SELECT paysafe.protect_test_rows('t_test.capture', '{livemode}', '{false}');
INSERT INTO t_test.intent VALUES (1, 'true', 10), (2, 'test', 10);
INSERT INTO t_test.capture VALUES (1, 1, 'true', 1), (2, 1, 'false', 1), (3, 2, 'false', 1);
UPDATE t_test.intent SET livemode = 'false' WHERE id = 1;		-- fails
UPDATE t_test.capture SET livemode = 'false' WHERE id = 1;		-- fails
DELETE FROM t_test.capture WHERE id = 1;						-- fails
DELETE FROM t_test.capture WHERE id = 2;						-- fails: its payment is none
DELETE FROM t_test.intent WHERE id = 2;							-- fails: it has one
DELETE FROM t_test.capture WHERE id = 3;
DELETE FROM t_test.intent WHERE id = 2;

-- captures go by their payment: what lets them is agreed on, once there are some
CREATE TABLE t_test.charge (id int PRIMARY KEY, test boolean);
CREATE TABLE t_test.charge_part (id int PRIMARY KEY, charge_id int REFERENCES t_test.charge, amount numeric);
CREATE INDEX ON t_test.charge_part (charge_id);
SELECT paysafe.protect_captures('t_test.charge_part', 't_test.charge', 'charge_id', 'amount', currency => 'EUR');
INSERT INTO t_test.charge VALUES (1, true);
INSERT INTO t_test.charge_part VALUES (1, 1, 10);
DELETE FROM t_test.charge_part;									-- fails
SELECT paysafe.protect_test_rows('t_test.charge', '{test}');	-- fails: a second person

-- beside a way to a currency, which is of payments only
CREATE TABLE t_test.event (id int PRIMARY KEY, currency text);
CREATE TABLE t_test.event_order (id int PRIMARY KEY, event_id int REFERENCES t_test.event, testmode boolean);
CREATE TABLE t_test.event_payment (id int PRIMARY KEY, order_id int REFERENCES t_test.event_order, state text, amount numeric);
CREATE TABLE t_test.event_note (id int PRIMARY KEY, order_id int REFERENCES t_test.event_order, state text);
SELECT paysafe.protect_payment('t_test.event_payment', 'state', 'amount', captured => '{done}', currency_path => '{order_id,event_id,currency}');
SELECT paysafe.protect_test_rows('t_test.event_payment', '{order_id,testmode}');
SELECT paysafe.protect_test_rows('t_test.event_note', '{order_id,testmode}');
INSERT INTO t_test.event VALUES (1, 'EUR');
INSERT INTO t_test.event_order VALUES (1, 1, true);
INSERT INTO t_test.event_note VALUES (1, 1, 'new');
UPDATE t_test.event SET currency = 'USD';
INSERT INTO t_test.event_payment VALUES (1, 1, 'done', 5);
UPDATE t_test.event SET currency = 'EUR';		-- fails
UPDATE t_test.event_order SET testmode = false;	-- fails
DELETE FROM t_test.event_payment;
UPDATE t_test.event SET currency = 'EUR';

-- without a foreign key
CREATE TABLE t_test.loose (id int PRIMARY KEY, order_id int, state text);
SELECT paysafe.protect_status('t_test.loose', 'state', :'machine');
SELECT paysafe.protect_test_rows('t_test.loose', '{order_id,testmode}');	-- fails: which table?
SELECT paysafe.protect_test_rows('t_test.loose', '{order_id,testmode}', parent => 't_test.shop_order');
INSERT INTO t_test.loose VALUES (3, 77, 'new');	-- fails: what that order says is not known yet
INSERT INTO t_test.loose VALUES (1, 1, 'new'), (2, 3, 'new'), (3, NULL, 'new');
DELETE FROM t_test.loose WHERE id = 1;		-- fails
DELETE FROM t_test.loose WHERE id = 3;		-- fails: of no order
DELETE FROM t_test.loose WHERE id = 2;
