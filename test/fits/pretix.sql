-- pretix: a payment is captured when it is confirmed, by its amount; the currency is the
-- event's, two foreign keys away; a refund may name no payment, only its order.
CREATE TABLE event (id bigserial PRIMARY KEY, currency varchar(10) NOT NULL DEFAULT 'EUR');
CREATE TABLE "order" (id bigserial PRIMARY KEY, event_id bigint NOT NULL REFERENCES event, code varchar(16) NOT NULL,
	status varchar(3) NOT NULL, total numeric(13,2) NOT NULL, testmode boolean NOT NULL DEFAULT false);
CREATE INDEX ON "order" (event_id);
CREATE TABLE orderpayment (id bigserial PRIMARY KEY, local_id integer NOT NULL, state varchar(190) NOT NULL, amount numeric(13,2) NOT NULL,
	order_id bigint NOT NULL REFERENCES "order", payment_date timestamptz, provider varchar(255), info text);
CREATE INDEX ON orderpayment (order_id);
CREATE TABLE orderrefund (id bigserial PRIMARY KEY, local_id integer NOT NULL, state varchar(190) NOT NULL, source varchar(190) NOT NULL DEFAULT 'admin',
	amount numeric(13,2) NOT NULL, order_id bigint NOT NULL REFERENCES "order", payment_id bigint REFERENCES orderpayment,
	execution_date timestamptz, provider varchar(255), info text);
CREATE INDEX ON orderrefund (payment_id);

-- the machines are those of examples/pretix, under which pretix's own tests run
\set payment_states `sed -n '/^PAYMENT = """/,/^"""/{//!p}' ../../examples/pretix/rules/migrations/0001_rules.py`
\set refund_states `sed -n '/^REFUND = """/,/^"""/{//!p}' ../../examples/pretix/rules/migrations/0001_rules.py`
SELECT paysafe.protect_status('orderpayment', 'state', :'payment_states', deletable => '{"",created,pending}');
SELECT paysafe.protect_payment('orderpayment', 'state', 'amount', captured => '{confirmed,refunded}',
	currency_path => '{order_id,event_id,currency}');
SELECT paysafe.protect_status('orderrefund', 'state', :'refund_states', deletable => '{external,failed,canceled}', recorded => '{done}');
SELECT paysafe.protect_refund('orderrefund', 'orderpayment', 'payment_id', 'amount',
	status_column => 'state', gated => '{created,transit,done}', void => '{failed,canceled,external}', recorded => '{done}',
	unapproved_columns => '{execution_date,info}', rows => '{"payment_id": {"not": [null]}}');
SELECT paysafe.protect_test_rows('orderpayment', '{order_id,testmode}'), paysafe.protect_test_rows('orderrefund', '{order_id,testmode}');
SELECT paysafe.set_refund_threshold('orderrefund', 'EUR', 1000);
SELECT paysafe.audit('orderpayment'), paysafe.audit('orderrefund');

INSERT INTO event VALUES (1, 'EUR'), (2, 'JPY'), (3, 'EUR');
INSERT INTO "order" (id, event_id, code, status, total) VALUES (1, 1, 'ABC', 'n', 46), (2, 2, 'DEF', 'n', 4600), (3, 3, 'GHI', 'n', 10);
-- a payment by card, refunded in part, as the whole row is saved each time
INSERT INTO orderpayment (id, local_id, state, amount, order_id) VALUES (1, 1, 'created', 46, 1);
UPDATE orderpayment SET local_id = 1, state = 'pending', amount = 46.00, order_id = 1, info = '{}' WHERE id = 1;
UPDATE orderpayment SET local_id = 1, state = 'confirmed', amount = 46.00, order_id = 1, payment_date = now() WHERE id = 1;
UPDATE "order" SET event_id = 1, code = 'ABC', status = 'p', total = 46 WHERE id = 1;
INSERT INTO orderrefund (id, local_id, state, amount, order_id, payment_id) VALUES (1, 1, 'created', 23, 1, 1);
UPDATE orderrefund SET local_id = 1, state = 'done', source = 'admin', amount = 23, order_id = 1, payment_id = 1, execution_date = now() WHERE id = 1;
INSERT INTO orderrefund (id, local_id, state, amount, order_id, payment_id) VALUES (2, 2, 'created', 23, 1, 1);
UPDATE orderrefund SET state = 'failed' WHERE id = 2;
INSERT INTO orderrefund (id, local_id, state, amount, order_id, payment_id) VALUES (3, 3, 'done', 23, 1, 1);
UPDATE orderpayment SET state = 'refunded' WHERE id = 1;
-- a manual refund of the order, without a payment
INSERT INTO orderrefund (id, local_id, state, amount, order_id) VALUES (4, 4, 'done', 5, 1), (5, 5, 'created', 5, 1);
-- a bank transfer that was given up and came after all
INSERT INTO orderpayment (id, local_id, state, amount, order_id) VALUES (2, 1, 'created', 4600, 2);
UPDATE orderpayment SET state = 'canceled' WHERE id = 2;
UPDATE orderpayment SET state = 'confirmed' WHERE id = 2;
-- marked as paid by hand, and the tickets were gone
INSERT INTO orderpayment (id, local_id, state, amount, order_id, provider) VALUES (6, 4, 'created', 20, 1, 'manual');
UPDATE orderpayment SET state = 'confirmed' WHERE id = 6;
UPDATE orderpayment SET state = 'failed' WHERE id = 6;
-- an order in test mode goes, and its payments with it
INSERT INTO orderpayment (id, local_id, state, amount, order_id) VALUES (7, 5, 'pending', 20, 1);
DELETE FROM orderpayment WHERE id = 7;
-- an order that was a test from the beginning is deleted, with whatever was paid and refunded
INSERT INTO "order" (id, event_id, code, status, total, testmode) VALUES (4, 1, 'TST', 'n', 46, true), (5, 1, 'TSU', 'n', 46, true);
INSERT INTO orderpayment (id, local_id, state, amount, order_id) VALUES (40, 1, 'created', 46, 4), (41, 2, 'confirmed', 20, 4), (42, 1, 'confirmed', 20, 5);
UPDATE orderpayment SET state = 'confirmed' WHERE id = 40;
INSERT INTO orderrefund (id, local_id, state, amount, order_id, payment_id) VALUES (40, 1, 'created', 20, 4, 41);
UPDATE orderrefund SET state = 'done' WHERE id = 40;
UPDATE orderpayment SET state = 'refunded' WHERE id = 41;
UPDATE orderpayment SET state = 'canceled' WHERE id = 40;
INSERT INTO orderrefund (id, local_id, state, amount, order_id) VALUES (41, 2, 'done', 26, 4);
BEGIN;
DELETE FROM orderrefund WHERE order_id = 4;
DELETE FROM orderpayment WHERE order_id = 4;
DELETE FROM "order" WHERE id = 4;
COMMIT;
SELECT fits.is((SELECT count(*) FROM orderpayment WHERE order_id = 4), 0::bigint, 'tests go');
-- the provider refunds what was refunded here already: that is so, and somebody has to settle it
INSERT INTO orderpayment (id, local_id, state, amount, order_id) VALUES (8, 6, 'confirmed', 23, 1);
INSERT INTO orderpayment (id, local_id, state, amount, order_id) VALUES (9, 7, 'confirmed', 23, 1);
INSERT INTO orderrefund (id, local_id, state, amount, order_id, payment_id) VALUES (7, 6, 'created', 23, 1, 8), (8, 7, 'external', 23, 1, 8);
UPDATE orderrefund SET state = 'done' WHERE id = 7;
SET client_min_messages = error;
UPDATE orderrefund SET state = 'done' WHERE id = 8;
RESET client_min_messages;
SELECT fits.is((SELECT string_agg(sqlstate || ' ' || key, ',') FROM paysafe.breach WHERE settled_at IS NULL), '23R01 8', 'a refund too many');

-- with one thing wrong
SELECT fits.refused('23R03', $$UPDATE "order" SET testmode = true WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE "order" SET testmode = false WHERE id = 5$$);
SELECT fits.refused('23R03', $$UPDATE orderpayment SET order_id = 5 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE orderrefund SET order_id = 5 WHERE id = 1$$);
SELECT fits.refused('23R07', $$INSERT INTO orderrefund (id, local_id, state, amount, order_id, payment_id) VALUES (91, 1, 'created', 1, 5, 9);
	DELETE FROM orderrefund WHERE id = 91$$);	-- of a test, but of a payment that is none
SELECT fits.refused('23R01', $$INSERT INTO orderrefund (id, local_id, state, amount, order_id, payment_id) VALUES (90, 1, 'created', 21, 5, 42)$$);	-- a test is held to the same
SELECT fits.refused('23R01', $$INSERT INTO orderrefund (id, local_id, state, amount, order_id, payment_id) VALUES (90, 5, 'created', 1, 1, 1)$$);
SELECT fits.refused('23R04', $$INSERT INTO orderpayment (id, local_id, state, amount, order_id) VALUES (90, 2, 'created', 46.50, 2)$$);	-- yen
SELECT fits.refused('23R04', $$INSERT INTO orderrefund (id, local_id, state, amount, order_id, payment_id) VALUES (90, 1, 'created', 0.50, 2, 2)$$);
INSERT INTO orderpayment (id, local_id, state, amount, order_id) VALUES (3, 2, 'created', 10, 1);
SELECT fits.refused('23R01', $$INSERT INTO orderrefund (id, local_id, state, amount, order_id, payment_id) VALUES (90, 5, 'created', 10, 1, 3)$$);	-- not paid
SELECT fits.refused('23R01', $$UPDATE orderpayment SET state = 'confirmed' WHERE id = 1; UPDATE orderpayment SET state = 'canceled' WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE orderpayment SET amount = 100 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE orderpayment SET order_id = 2 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE "order" SET event_id = 2 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE event SET currency = 'JPY' WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE orderrefund SET payment_id = NULL WHERE id = 1$$);				-- out of the rule
SELECT fits.refused('23R01', $$UPDATE orderrefund SET payment_id = 1 WHERE id = 5$$);					-- into it
SELECT fits.refused('23T03', $$DELETE FROM orderpayment WHERE id = 2$$);
SELECT fits.refused('23T03', $$DELETE FROM orderpayment WHERE id = 6$$);	-- it was confirmed once
-- an event that nobody has paid for may still change, although somebody has ordered
UPDATE event SET currency = 'USD' WHERE id = 3;
-- a refund above the threshold: pretix adds it just before it calls the provider
INSERT INTO orderpayment (id, local_id, state, amount, order_id) VALUES (5, 3, 'confirmed', 5000, 1);
SELECT fits.refused('42501', $$INSERT INTO orderrefund (id, local_id, state, amount, order_id, payment_id) VALUES (90, 5, 'created', 2000, 1, 5)$$);
BEGIN;
SELECT paysafe.act_as('agent');
SELECT paysafe.request_refund('orderrefund', '5', 2000, 'EUR', 'the concert was cancelled');
COMMIT;
SELECT fits.is((SELECT currency FROM paysafe.pending_approvals()), 'EUR', 'what waits is in the currency of its event');
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve_refund('orderrefund', '5', 2000, 'EUR', 'the concert was cancelled');
COMMIT;
BEGIN;
SELECT paysafe.act_as('agent');
INSERT INTO orderrefund (id, local_id, state, amount, order_id, payment_id) VALUES (6, 5, 'created', 2000, 1, 5);
COMMIT;
UPDATE orderrefund SET state = 'done', execution_date = now() WHERE id = 6;

-- gift cards: what a card has is what its transactions sum to; its currency stands on the card
CREATE TABLE pretixbase_giftcard (id bigserial PRIMARY KEY, secret varchar(190) NOT NULL, currency varchar(10) NOT NULL, expires timestamptz, testmode boolean NOT NULL DEFAULT false);
CREATE TABLE pretixbase_giftcardtransaction (id bigserial PRIMARY KEY, card_id bigint NOT NULL REFERENCES pretixbase_giftcard, datetime timestamptz NOT NULL DEFAULT now(),
	value numeric(13,2) NOT NULL, order_id bigint, payment_id bigint, refund_id bigint, text text);
CREATE INDEX ON pretixbase_giftcardtransaction (card_id);
SELECT paysafe.protect_entries('pretixbase_giftcardtransaction', 'card_id', 'value', currency_path => '{card_id,currency}', minimum => 0,
	mutable_columns => '{order_id,payment_id,refund_id,text}');
SELECT paysafe.protect_refund('pretixbase_giftcardtransaction', NULL, 'card_id', 'value', currency => 'EUR', rows => '{"order_id": [null], "payment_id": [null], "refund_id": [null]}');
SELECT paysafe.set_refund_threshold('pretixbase_giftcardtransaction', 'EUR', 200);
INSERT INTO pretixbase_giftcard (id, secret, currency) VALUES (1, 'A', 'EUR'), (2, 'B', 'EUR');
-- sold in an order, used for a payment, given back by a refund, and once more by hand
INSERT INTO pretixbase_giftcardtransaction (id, card_id, value, order_id) VALUES (1, 1, 500, 1);
INSERT INTO pretixbase_giftcardtransaction (id, card_id, value, order_id, payment_id) VALUES (2, 1, -460, 2, 7);
INSERT INTO pretixbase_giftcardtransaction (id, card_id, value, order_id, refund_id) VALUES (3, 1, 23, 2, 3);
INSERT INTO pretixbase_giftcardtransaction (id, card_id, value, text) VALUES (4, 1, 10, 'sorry');
-- the payment of a test order is deleted, which unlinks
UPDATE pretixbase_giftcardtransaction SET payment_id = NULL WHERE payment_id = 7;
SELECT fits.is((SELECT sum(value) FROM pretixbase_giftcardtransaction WHERE card_id = 1), 73.00, 'what is left on the card');
SELECT setval('pretixbase_giftcardtransaction_id_seq', 10);
-- with one thing wrong
SELECT fits.refused('23M01', $$INSERT INTO pretixbase_giftcardtransaction (card_id, value, order_id) VALUES (1, -73.01, 3)$$);
SELECT fits.refused('23M01', $$INSERT INTO pretixbase_giftcardtransaction (card_id, value, order_id) VALUES (2, -1, 3)$$);
SELECT fits.refused('23L01', $$UPDATE pretixbase_giftcardtransaction SET value = 1000 WHERE id = 1$$);
SELECT fits.refused('23L01', $$UPDATE pretixbase_giftcardtransaction SET card_id = 2 WHERE id = 1$$);
SELECT fits.refused('23L01', $$DELETE FROM pretixbase_giftcardtransaction WHERE id = 2$$);
SELECT fits.refused('23L03', $$INSERT INTO pretixbase_giftcardtransaction (card_id, value, order_id) VALUES (1, 0, 3)$$);
SELECT fits.refused('23R03', $$UPDATE pretixbase_giftcard SET currency = 'USD' WHERE id = 1$$);
SELECT fits.refused('42501', $$INSERT INTO pretixbase_giftcardtransaction (card_id, value) VALUES (2, 500)$$);		-- by hand, and much
