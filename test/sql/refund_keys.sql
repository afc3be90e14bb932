-- Refunds of payments that several columns name.
CREATE SCHEMA t_keys;

-- two tenants have the same numbers; nothing but the names says which columns are meant
CREATE TABLE t_keys.intent (payment_id text, merchant_id text, captured bigint, currency text, PRIMARY KEY (payment_id, merchant_id));
CREATE TABLE t_keys.refund (refund_id text, merchant_id text, payment_id text, amount bigint, currency text, status text NOT NULL DEFAULT 'pending',
	PRIMARY KEY (merchant_id, refund_id));
SELECT paysafe.protect_status('t_keys.refund', 'status', '[*] --> pending
	pending --> sent
	pending --> failed
	failed --> pending', deletable => '{failed}');
INSERT INTO t_keys.intent VALUES ('pay_1', 'm1', 1000, 'USD'), ('pay_1', 'm2', 50, 'EUR'), ('pay,2', 'm1', 300, 'USD');
-- warnings: of no index, then of half an index
SELECT paysafe.protect_refund('t_keys.refund', 't_keys.intent', '{merchant_id,payment_id}', 'amount', 'currency', 'status',
	gated => '{sent}', void => '{failed}', payment_amount_column => 'captured', payment_currency_column => 'currency');
CREATE INDEX ON t_keys.refund (payment_id);
-- the same again, whatever the order and the form
SELECT paysafe.protect_refund('t_keys.refund', 't_keys.intent', ARRAY['payment_id', 'merchant_id'], 'amount', 'currency', 'status',
	gated => '{sent}', void => '{failed}', payment_amount_column => 'captured', payment_currency_column => 'currency');
CREATE INDEX ON t_keys.refund (payment_id, merchant_id);
SELECT paysafe.protect_refund('t_keys.refund', 't_keys.intent', payment_column => '{payment_id, "merchant_id"}', amount_column => 'amount',
	currency_column => 'currency', status_column => 'status', gated => '{sent}', void => '{failed}',
	payment_amount_column => 'captured', payment_currency_column => 'currency', payment_key => '{payment_id,merchant_id}');
SELECT version, definition, columns FROM paysafe.protection WHERE relation = 't_keys.refund'::regclass AND rule = 'refund';
SELECT spec FROM paysafe.rule WHERE relation = 't_keys.refund'::regclass AND rule = 'refund';
SELECT paysafe.set_refund_threshold('t_keys.refund', 'USD', 500), paysafe.set_refund_threshold('t_keys.refund', 'EUR', 500);

-- each tenant's refunds count against its own payment
INSERT INTO t_keys.refund VALUES ('r1', 'm1', 'pay_1', 400, 'USD');
INSERT INTO t_keys.refund VALUES ('r1', 'm2', 'pay_1', 60, 'EUR');							-- fails
INSERT INTO t_keys.refund VALUES ('r1', 'm2', 'pay_1', 60, 'USD');							-- fails
INSERT INTO t_keys.refund VALUES ('r1', 'm2', 'pay_1', 50, 'EUR');
INSERT INTO t_keys.refund VALUES ('r2', 'm1', 'pay_1', 601, 'USD');							-- fails
INSERT INTO t_keys.refund VALUES ('r2', 'm3', 'pay_1', 1, 'USD');							-- fails: no such payment
INSERT INTO t_keys.refund VALUES ('r2', 'm1', 'pay,2', 301, 'USD');							-- fails: a comma in a key

-- a part of it names no payment
INSERT INTO t_keys.refund VALUES ('r2', 'm1', NULL, 1, 'USD');								-- fails
ALTER TABLE t_keys.refund ADD COLUMN note text;

-- as requested: each of its columns
UPDATE t_keys.refund SET merchant_id = 'm3' WHERE merchant_id = 'm1' AND refund_id = 'r1';	-- fails
UPDATE t_keys.refund SET payment_id = 'pay,2' WHERE merchant_id = 'm1' AND refund_id = 'r1';	-- fails
UPDATE t_keys.refund SET payment_id = payment_id, merchant_id = merchant_id, note = 'x' WHERE merchant_id = 'm1' AND refund_id = 'r1';

-- the payment's side
UPDATE t_keys.intent SET captured = 399 WHERE merchant_id = 'm1' AND payment_id = 'pay_1';	-- fails
UPDATE t_keys.intent SET merchant_id = 'm9' WHERE merchant_id = 'm1' AND payment_id = 'pay_1';	-- fails
UPDATE t_keys.intent SET payment_id = 'pay_9' WHERE merchant_id = 'm1' AND payment_id = 'pay_1';	-- fails
UPDATE t_keys.intent SET currency = 'EUR' WHERE merchant_id = 'm1' AND payment_id = 'pay_1';	-- fails
DELETE FROM t_keys.intent WHERE merchant_id = 'm2' AND payment_id = 'pay_1';				-- fails
UPDATE t_keys.intent SET payment_id = 'pay_3', captured = 299 WHERE payment_id = 'pay,2';
UPDATE t_keys.intent SET payment_id = 'pay,2', captured = 300 WHERE payment_id = 'pay_3';

-- approvals, and what waits for them, name it by the same text
INSERT INTO t_keys.refund VALUES ('r3', 'm1', 'pay_1', 501, 'USD');
SELECT key, payment, amount, currency FROM paysafe.pending_approvals() WHERE relation = 't_keys.refund'::regclass;
UPDATE t_keys.refund SET status = 'sent' WHERE refund_id = 'r3';							-- fails
BEGIN;
SELECT paysafe.act_as('ann');
INSERT INTO t_keys.refund VALUES ('r4', 'm1', 'pay,2', 300, 'USD');
COMMIT;
SELECT paysafe.set_refund_threshold('t_keys.refund', 'USD', 200);
SELECT key, payment FROM paysafe.pending_approvals() WHERE relation = 't_keys.refund'::regclass ORDER BY key;
BEGIN;
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('t_keys.refund', 'm1,r4', 'right') > 0;
COMMIT;
BEGIN;
SELECT paysafe.act_as('ann');
SELECT paysafe.transition('t_keys.refund', 'm1,r4', 'pending', 'sent');
COMMIT;
SELECT payment, refund, whole_key, event FROM paysafe.refund_event WHERE relation = 't_keys.refund'::regclass AND refund = 'm1,r4' ORDER BY step;

-- payments partitioned by month, whose key has the month in it: a foreign key says what is meant
CREATE TABLE t_keys.payment (id bigint, created_at timestamptz, captured numeric, currency text, PRIMARY KEY (id, created_at)) PARTITION BY RANGE (created_at);
CREATE TABLE t_keys.payment_1 PARTITION OF t_keys.payment FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE t_keys.payment_2 PARTITION OF t_keys.payment FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
CREATE TABLE t_keys.payout (id bigint PRIMARY KEY, paid_at timestamptz, paid int, amount numeric, currency text, status text,
	FOREIGN KEY (paid_at, paid) REFERENCES t_keys.payment (created_at, id));
CREATE INDEX ON t_keys.payout (paid, paid_at);
SET client_min_messages = error;
SELECT paysafe.protect_refund('t_keys.payout', 't_keys.payment', '{paid_at,paid}', 'amount', 'currency', 'status',
	'{sent}', '{void}', 'captured', 'currency');
RESET client_min_messages;
INSERT INTO t_keys.payment VALUES (1, '2026-01-10 12:00+00', 100, 'EUR'), (1, '2026-02-10 12:00+00', 10, 'EUR');
INSERT INTO t_keys.payout VALUES (1, '2026-01-10 12:00+00', 1, 100, 'EUR', 'asked');
SET timezone = 'Asia/Tokyo';
SET datestyle = 'SQL, DMY';
INSERT INTO t_keys.payout VALUES (2, '10.02.2026 21:00', 1, 11, 'EUR', 'asked');			-- fails
INSERT INTO t_keys.payout VALUES (2, '10.02.2026 21:00', 1, 10, 'EUR', 'asked');
RESET timezone;
RESET datestyle;
INSERT INTO t_keys.payout VALUES (3, NULL, 1, 1, 'EUR', 'asked');							-- fails: the foreign key lets it pass
UPDATE t_keys.payment SET created_at = '2026-02-11' WHERE captured = 100;					-- fails

-- which key is meant is said, or clear
CREATE TABLE t_keys.pay (id bigint PRIMARY KEY, number bigint UNIQUE, captured numeric, currency text);
CREATE TABLE t_keys.back (id bigint PRIMARY KEY, payment_number bigint, amount numeric, currency text, status text);
CREATE INDEX ON t_keys.back (payment_number);
INSERT INTO t_keys.back VALUES (0);	-- nobody depends on the rules of a table without
DELETE FROM t_keys.back;
\set declare 'SELECT paysafe.protect_refund(''t_keys.back'', ''t_keys.pay'', ''payment_number'', ''amount'', ''currency'', ''status'', ''{sent}'', ''{void}'', ''captured'', ''currency'''
:declare);																					-- fails
:declare, payment_key => 'captured');														-- fails
:declare, payment_key => 'number');
:declare, payment_key => 'id');																-- fails: of a second person
ALTER TABLE t_keys.back ADD FOREIGN KEY (payment_number) REFERENCES t_keys.pay (number);
:declare);
:declare, payment_key => 'id');																-- fails: against the foreign key

-- names that people may change, with what refers to them: of drafts, not of what counts
CREATE TABLE t_keys.entry (name text PRIMARY KEY, docstatus int NOT NULL DEFAULT 0, amount numeric NOT NULL, title text);
CREATE TABLE t_keys.entry_refund (name text PRIMARY KEY, entry text REFERENCES t_keys.entry ON UPDATE CASCADE, amount numeric, docstatus int NOT NULL DEFAULT 0);
CREATE TABLE t_keys.entry_note (entry text REFERENCES t_keys.entry ON UPDATE CASCADE, note text);
CREATE INDEX ON t_keys.entry_refund (entry);
\set machine '[*] --> 0\n	0 --> 1\n	1 --> 2'
SELECT paysafe.protect_status('t_keys.entry', 'docstatus', :'machine');
SELECT paysafe.protect_status('t_keys.entry_refund', 'docstatus', :'machine');
SELECT paysafe.protect_payment('t_keys.entry', 'docstatus', 'amount', captured => '{1}', currency => 'EUR');
SELECT paysafe.protect_refund('t_keys.entry_refund', 't_keys.entry', 'entry', 'amount', status_column => 'docstatus', gated => '{1}', void => '{2}');
INSERT INTO t_keys.entry VALUES ('PE-1', 0, 10);
INSERT INTO t_keys.entry_note VALUES ('PE-1', 'follows');
UPDATE t_keys.entry SET name = 'PE-2' WHERE name = 'PE-1';
SELECT * FROM t_keys.entry_note;
UPDATE t_keys.entry SET docstatus = 1;
INSERT INTO t_keys.entry_refund VALUES ('R-1', 'PE-2', 4);
UPDATE t_keys.entry SET name = 'PE-3' WHERE name = 'PE-2';			-- fails
UPDATE t_keys.entry_refund SET name = 'R-2';						-- fails
UPDATE t_keys.entry SET title = 'that of Monday';
