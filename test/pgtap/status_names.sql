-- Statuses that are rows of another table: uuid or bytea keys, and the names that the table gives them.
BEGIN;
SELECT plan(79);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
-- the same name in two machines, as Shopware has them
CREATE TABLE shop.state (id uuid PRIMARY KEY, machine text, technical_name varchar(255), rank int);
INSERT INTO shop.state SELECT ('00000000-0000-7000-8000-0000000000' || lpad(n::text, 2, '0'))::uuid, m, t, n
  FROM (VALUES (1, 'order_transaction.state', 'open'), (2, 'order_transaction.state', 'paid'), (3, 'order_transaction.state', 'cancelled'),
			   (4, 'order_transaction.state', 'refunded'), (5, 'order.state', 'open'), (6, 'order.state', 'cancelled'), (7, 'order.state', NULL)) v (n, m, t);
CREATE FUNCTION pg_temp.state(n int) RETURNS uuid LANGUAGE sql AS $$ SELECT ('00000000-0000-7000-8000-0000000000' || lpad(n::text, 2, '0'))::uuid $$;
CREATE TABLE shop.trans (id int PRIMARY KEY, state_id uuid REFERENCES shop.state, amount numeric, currency text DEFAULT 'EUR', note text);
CREATE TABLE shop.refund (id int PRIMARY KEY, trans int REFERENCES shop.trans, state_id uuid REFERENCES shop.state, amount numeric);
CREATE INDEX ON shop.refund (trans);

CREATE FUNCTION pg_temp.status(more text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(format('SELECT paysafe.protect_status(''shop.trans'', ''state_id'', ''[*] --> open
		open --> paid
		open --> cancelled
		paid --> refunded''%s)', more)) $$;
SELECT is(pg_temp.status(''), '22023', 'a name is no uuid');
SELECT is(pg_temp.status(', status_path => ''{technical}'''), '42703', 'no such column');
SELECT is(pg_temp.status(', status_path => ''{technical_name,x}'''), '22023', 'one column');
SELECT is(pg_temp.status(', status_path => ''{rank}'''), '22023', 'no row is called so');
SELECT is(pg_temp.status(', status_path => ''{machine}'''), '22023', '... in that column');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_status('shop.trans', 'note', '[*] --> open', status_path => '{technical_name}')$$), '22023', 'no foreign key');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_status('shop.trans', 'note', '[*] --> open', status_path => '{}')$$), '22023', 'an empty path');
SELECT is(pg_temp.status(', status_path => ''{technical_name}'', deletable => ''{cancelled}'''), 'accepted', 'names');
SELECT is((SELECT definition FROM paysafe.protection WHERE relation = 'shop.trans'::regclass AND rule = 'status'),
	'[*] --> open, open --> paid, open --> cancelled, paid --> refunded; deletable in cancelled', 'in words');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payment('shop.trans', 'state_id', 'amount', currency_column => 'currency', captured => '{paid}')$$), '22023', 'a payment rule by names, too');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payment('shop.trans', 'state_id', 'amount', currency_column => 'currency', captured => '{paid_up}', status_path => '{technical_name}')$$), '22023', 'a name that is none');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payment('shop.trans', 'state_id', 'amount', currency_column => 'currency', captured => '{paid,refunded}', status_path => '{technical_name}')$$), 'accepted', 'by names');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.refund', 'shop.trans', 'trans', 'amount', status_column => 'state_id', status_path => '{technical_name}', gated => '{paid}', void => '{cancelled}')$$), 'accepted', 'refunds, too');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_columns('shop.trans', '{note}', once_status => '{paid}')$$), 'accepted', 'columns once there is a status');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 50);

SELECT paysafe.act_as('clerk');
SELECT is(pg_temp.refusal(format('INSERT INTO shop.trans (id, state_id, amount) VALUES (%s, %L, %s)', id, state, 100)), expected, why)
  FROM (VALUES (1, pg_temp.state(1), 'accepted', 'open'), (2, pg_temp.state(5), 'accepted', 'open, of another key'), (3, pg_temp.state(2), '23T02 shop.trans.state_id paysafe_trans_status', 'paid'),
			   (3, pg_temp.state(7), '23T04 shop.trans.state_id paysafe_trans_status', 'one that has no name'), (3, NULL, '23T04 shop.trans.state_id paysafe_trans_status', 'NULL')) v (id, state, expected, why);
SELECT is(pg_temp.refusal_text($$INSERT INTO shop.trans (id, state_id, amount) VALUES (3, pg_temp.state(2), 1)$$, 'MESSAGE'), 'a row of table "trans" cannot start with "state_id" = "paid"', 'it is called by its name');
SELECT is(pg_temp.refusal_text($$INSERT INTO shop.trans (id, state_id, amount) VALUES (3, pg_temp.state(7), 1)$$, 'MESSAGE'), 'column "state_id" of table "trans" cannot be "00000000-0000-7000-8000-000000000007"', '... or, without one, by its key');
SELECT is(pg_temp.refusal($$UPDATE shop.trans SET state_id = pg_temp.state(5) WHERE id = 1$$), 'accepted', 'the same status by another key');
SELECT is(pg_temp.refusal($$UPDATE shop.trans SET state_id = pg_temp.state(4) WHERE id = 1$$), '23T01 shop.trans.state_id paysafe_trans_status', 'no way there');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (1, 1, pg_temp.state(1), 10)$$), '23R01 shop.refund.amount paysafe_refund_refund', 'nothing is captured');
SELECT is(pg_temp.refusal($$UPDATE shop.trans SET state_id = pg_temp.state(2) WHERE id = 1$$), 'accepted', 'paid');
SELECT is(pg_temp.refusal($$UPDATE shop.trans SET amount = 200 WHERE id = 1$$), '23R03 shop.trans.amount paysafe_trans_payment', 'frozen');
SELECT is(pg_temp.refusal($$UPDATE shop.trans SET note = 'x' WHERE id = 1$$), '23R03 shop.trans.note paysafe_trans_columns_once', 'frozen once paid');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (1, 1, pg_temp.state(1), 60)$$), 'accepted', 'a refund');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (2, 1, pg_temp.state(5), 41)$$), '23R01 shop.refund.amount paysafe_refund_refund', 'more than is captured');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (2, 1, pg_temp.state(6), 41)$$), 'accepted', 'one that is cancelled, by either key');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET state_id = pg_temp.state(2) WHERE id = 1$$), '42501 shop.refund.state_id paysafe_refund_approval', 'above the threshold');
SELECT is((SELECT string_agg(concat_ws(' ', key, status), '; ') FROM paysafe.pending_approval), '1 open', 'what waits is called by names');
SELECT paysafe.act_as('boss');
SELECT paysafe.approve('shop.refund', '1', 'ok');
SELECT paysafe.act_as('clerk');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET state_id = pg_temp.state(2) WHERE id = 1$$), 'accepted', 'approved: the status is not what was');

-- transition speaks of names
SELECT is(pg_temp.refusal($$SELECT paysafe.transition('shop.trans', '2', 'open', 'cancelled')$$), '22023', 'two are called so');
SELECT is(pg_temp.refusal($$SELECT paysafe.transition('shop.trans', '2', 'opened', 'paid')$$), '22023', 'none is');
SELECT is(paysafe.transition('shop.trans', '2', 'open', 'paid'), true, 'from either key');
SELECT is(paysafe.transition('shop.trans', '2', 'open', 'paid'), false, 'once');

-- what is renamed there afterwards changes nothing; what is new is not known
UPDATE shop.state SET technical_name = 'paid' WHERE id = pg_temp.state(1);
SELECT is(pg_temp.refusal($$INSERT INTO shop.trans (id, state_id, amount) VALUES (4, pg_temp.state(1), 10); INSERT INTO shop.refund VALUES (4, 4, pg_temp.state(1), 1)$$), '23R01 shop.refund.amount paysafe_refund_refund', 'open stays open');
INSERT INTO shop.state VALUES (pg_temp.state(8), 'order_transaction.state', 'open');
SELECT is(pg_temp.refusal($$INSERT INTO shop.trans (id, state_id, amount) VALUES (5, pg_temp.state(8), 10)$$), '23T04 shop.trans.state_id paysafe_trans_status', 'a status that came later');
SELECT is((SELECT string_agg(DISTINCT concat_ws(' ', subject, ok), '; ') FROM paysafe.check() WHERE check_name = 'status_names'), 'shop.refund f; shop.trans f', 'check() says so');
SELECT matches((SELECT min(detail) FROM paysafe.check() WHERE check_name = 'status_names'), 'no longer 00000000-0000-7000-8000-000000000001=open new 00000000-0000-7000-8000-000000000001=paid, 00000000-0000-7000-8000-000000000008=open: declare', '... and what');
SELECT is(regexp_replace(pg_temp.status(', status_path => ''{technical_name}'', deletable => ''{cancelled}'''), ' .*', ''), '42501', 'to know it takes a second person');

-- uuids, integers, texts, bytea
CREATE TABLE shop.bare (id int PRIMARY KEY, state uuid);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_status('shop.bare', 'state', '[*] --> 0000')$$), '22023', 'no uuid');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_status('shop.bare', 'state', 'state "00000000-0000-7000-8000-00000000000A" as a
	[*] --> a')$$), '22023', 'another spelling');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_status('shop.bare', 'state', 'state "00000000-0000-7000-8000-00000000000a" as a
	state "00000000-0000-7000-8000-00000000000b" as b
	[*] --> a
	a --> b')$$), 'accepted', 'uuids as they are');
SELECT is(pg_temp.refusal($$INSERT INTO shop.bare VALUES (1, '00000000-0000-7000-8000-00000000000A')$$), 'accepted', 'begins');
SELECT is(pg_temp.refusal($$INSERT INTO shop.bare VALUES (2, '00000000-0000-7000-8000-00000000000B')$$), '23T02 shop.bare.state paysafe_bare_status', 'does not begin');
SELECT is(paysafe.transition('shop.bare', '1', '00000000-0000-7000-8000-00000000000a', '00000000-0000-7000-8000-00000000000b'), true, 'and moves');
CREATE TABLE shop.kind (id bytea PRIMARY KEY, name text);
INSERT INTO shop.kind VALUES ('\x00', 'new'), ('\x0001', 'done');
CREATE TABLE shop.bin (id int PRIMARY KEY, kind bytea REFERENCES shop.kind);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_status('shop.bin', 'kind', E'[*] --> new\nnew --> done', status_path => '{name}')$$), 'accepted', 'bytea');
SELECT is(pg_temp.refusal($$INSERT INTO shop.bin VALUES (1, '\x00')$$), 'accepted', 'begins');
SELECT is(pg_temp.refusal($$INSERT INTO shop.bin VALUES (2, '\x0001')$$), '23T02 shop.bin.kind paysafe_bin_status', 'does not');
SELECT is(paysafe.transition('shop.bin', '1', 'new', 'done'), true, 'moves');
CREATE TABLE shop.number (id int PRIMARY KEY, name text);
INSERT INTO shop.number VALUES (1, '2'), (2, '1'), (3, NULL);
CREATE TABLE shop.counted (id int PRIMARY KEY, number int REFERENCES shop.number);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_status('shop.counted', 'number', '[*] --> 1', status_path => '{name}')$$), 'accepted', 'numbers that are called like others');
SELECT is(pg_temp.refusal($$INSERT INTO shop.counted VALUES (1, 2)$$), 'accepted', 'the name counts');
SELECT is(pg_temp.refusal($$INSERT INTO shop.counted VALUES (2, 1)$$), '23T04 shop.counted.number paysafe_counted_status', '... not the key');
CREATE TABLE shop.word (id text PRIMARY KEY, name text);
INSERT INTO shop.word VALUES ('a=b', 'new');
CREATE TABLE shop.worded (id int PRIMARY KEY, word text REFERENCES shop.word);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_status('shop.worded', 'word', '[*] --> new', status_path => '{name}')$$), '22023', 'no such key');

CREATE TABLE shop.state2 (id uuid PRIMARY KEY, code text);
INSERT INTO shop.state2 VALUES (pg_temp.state(21), 'pending'), (pg_temp.state(22), 'done'), (pg_temp.state(23), 'failed');
-- captures and movements by names
CREATE TABLE shop.intent (id int PRIMARY KEY, amount numeric);
CREATE TABLE shop.capture (id int PRIMARY KEY, intent int REFERENCES shop.intent, state uuid REFERENCES shop.state2, amount numeric);
CREATE INDEX ON shop.capture (intent);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_captures('shop.capture', 'shop.intent', 'intent', 'amount', status_column => 'state', counted => '{captured}', limit_column => 'amount', currency => 'EUR', status_path => '{code}')$$), '22023', 'no row is called so');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_captures('shop.capture', 'shop.intent', 'intent', 'amount', status_column => 'state', counted => '{done}', limit_column => 'amount', currency_path => '{intent,x}', status_path => '{code}')$$), '42703', 'a currency that is nowhere');
ALTER TABLE shop.capture ADD currency text DEFAULT 'EUR';
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_captures('shop.capture', 'shop.intent', 'intent', 'amount', 'currency', 'state', '{done}', 'amount', status_path => '{code}')$$), 'accepted', 'captures');
INSERT INTO shop.intent VALUES (1, 100);
INSERT INTO shop.capture VALUES (1, 1, pg_temp.state(22), 60), (2, 1, pg_temp.state(21), 60);
SELECT is(pg_temp.refusal($$UPDATE shop.capture SET state = pg_temp.state(22) WHERE id = 2$$), '23R05 shop.capture.amount paysafe_capture_captures', 'what counts is too much');
SELECT is(pg_temp.refusal($$UPDATE shop.capture SET state = pg_temp.state(23) WHERE id = 2$$), 'accepted', '... what does not is none');
CREATE TABLE shop.movement (id int PRIMARY KEY, payment int, kind text, amount numeric, currency text, data jsonb);
CREATE INDEX ON shop.movement (payment);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_movements('shop.movement', NULL, 'payment', 'kind', 'amount', 'currency', capture => '{capture}', refund => '{refund}', status_column => 'data', counted => '{done}', gated => '{sent,done}', void => '{failed}', status_path => '{state}')$$), 'accepted', 'movements, their status within jsonb');
SELECT paysafe.set_refund_threshold('shop.movement', 'EUR', 1000);
SELECT is(pg_temp.refusal(format('INSERT INTO shop.movement VALUES (%s, 1, %L, %s, ''EUR'', %L)', id, kind, amount, data)), expected, concat_ws(' ', kind, amount, data))
  FROM (VALUES (1, 'capture', 10, '{"state": "done"}', 'accepted'), (2, 'capture', 5, '{"state": "asked"}', 'accepted'), (3, 'refund', 11, '{"state": "asked"}', '23R01 shop.movement.amount paysafe_movement_refund'),
	(3, 'refund', 11, '{"state": "failed"}', 'accepted'), (4, 'refund', 10, '{"state": "sent"}', 'accepted')) v (id, kind, amount, data, expected);
SELECT is(pg_temp.refusal($$UPDATE shop.movement SET data = '{"state": "asked"}' WHERE id = 1$$), '23R01 shop.movement.data paysafe_movement_captures', 'what was refunded stays captured');

-- what is proposed speaks of names
CREATE TABLE shop.status (id uuid PRIMARY KEY, name text, technical_name text);
INSERT INTO shop.status VALUES (pg_temp.state(1), 'Open!', 'open'), (pg_temp.state(2), 'Paid!', 'paid'), (pg_temp.state(3), 'Failed!', 'failed');
CREATE TABLE shop.payment (id int PRIMARY KEY, state_id uuid REFERENCES shop.status, amount numeric, currency text);
CREATE TABLE shop.payment_refund (id int PRIMARY KEY, payment_id int REFERENCES shop.payment, state_id uuid REFERENCES shop.status, amount numeric);
CREATE TABLE shop.payment_loose (id int PRIMARY KEY, state_id uuid, amount numeric, currency text);
INSERT INTO shop.payment VALUES (1, pg_temp.state(1), 1, 'EUR'), (2, pg_temp.state(2), 1, 'EUR');
INSERT INTO shop.payment_refund VALUES (1, 2, pg_temp.state(2), 1), (2, 2, pg_temp.state(3), 1);
INSERT INTO shop.payment_loose VALUES (1, pg_temp.state(1), 1, 'EUR');
SELECT is((SELECT string_agg(concat(s.from_status, '>', s.to_status, s.n), ',' ORDER BY s.to_status) FROM paysafe.seen_statuses('shop.payment', 'state_id', status_path => 'technical_name') s), 'open>open1,paid>paid1', 'seen by name');
CREATE TABLE shop.history (payment int, state uuid, n int);
INSERT INTO shop.history VALUES (1, pg_temp.state(1), 1), (1, pg_temp.state(2), 2), (1, pg_temp.state(9), 3);
SELECT is((SELECT string_agg(concat(s.from_status, '>', s.to_status), ',' ORDER BY s.from_status NULLS FIRST) FROM paysafe.seen_statuses('shop.payment', 'state_id', 'shop.history', 'payment', 'state', 'n', 'name') s WHERE s.from_status IS DISTINCT FROM s.to_status),
	'>Open!,Open!>Paid!,Paid!>00000000-0000-7000-8000-000000000009', 'a history, too; a key that is not there is itself');
SELECT is(pg_temp.refusal($$SELECT * FROM paysafe.seen_statuses('shop.payment_loose', 'state_id', status_path => 'name')$$), '22023', 'it refers to no table');
SELECT is((SELECT s.declaration FROM paysafe.suggest('shop.payment') s WHERE s.rule = 'payment'),
	$$SELECT paysafe.protect_payment('shop.payment', 'state_id', 'amount', captured => '{paid}', currency_column => 'currency', status_path => '{technical_name}', mode => 'observe');$$, 'payments');
SELECT matches((SELECT s.declaration FROM paysafe.suggest('shop.payment') s WHERE s.rule = 'status'), $$state open.*, status_path => '.technical_name.'$$, 'statuses');
SELECT is((SELECT s.declaration FROM paysafe.suggest('shop.payment_refund') s WHERE s.rule = 'refund'),
	$$SELECT paysafe.protect_refund('shop.payment_refund', 'shop.payment', 'payment_id', 'amount', status_column => 'state_id', status_path => '{technical_name}', gated => '{paid}', void => '{failed}', payment_amount_column => 'amount', payment_currency_column => 'currency', mode => 'observe');$$, 'refunds');
SELECT is((SELECT count(*) FROM paysafe.suggest('shop.payment_loose') s WHERE s.rule IN ('status', 'payment')), 0::bigint, 'uuids that nothing explains');
SELECT is(pg_temp.refusal(s.declaration), 'accepted', t || ' ' || s.rule) FROM unnest('{shop.payment,shop.payment_refund}'::regclass[]) t, LATERAL (SELECT * FROM paysafe.suggest(t) OFFSET 0) s WHERE s.rule IN ('status', 'payment', 'refund');
SELECT * FROM finish();
ROLLBACK;
