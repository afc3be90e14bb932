-- A currency that stands in another row: it is found, and stays while payments depend on it.
BEGIN;
SELECT plan(72);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
\ir lib/approved.psql
CREATE SCHEMA shop;

CREATE TABLE shop.event (id int PRIMARY KEY, name text, currency char(3), code text UNIQUE DEFERRABLE);
CREATE TABLE shop.order (id uuid PRIMARY KEY, event_id int REFERENCES shop.event ON DELETE SET NULL, note text);
CREATE INDEX ON shop.order (event_id);
CREATE TABLE shop.payment (id int PRIMARY KEY, order_id uuid REFERENCES shop.order ON UPDATE CASCADE ON DELETE CASCADE, status text, amount numeric, captured numeric, kind text);
CREATE INDEX ON shop.payment (order_id);
SELECT paysafe.protect_payment('shop.payment', 'status', 'amount', 'captured', captured => '{captured}', currency_path => '{order_id,event_id,currency}',
	rows => '{"kind": ["payment"]}');
SELECT is((SELECT string_agg(concat_ws(' ', relation, rule, reference, definition), E'\n' ORDER BY relation::text) FROM paysafe.protection),
'shop."order" currency shop.event the currency of a row is event_id.currency, which stays while payments depend on it
shop.payment payment shop."order" captured <= amount in order_id.event_id.currency, set when status becomes captured; rows with kind payment', 'each step is a rule');
INSERT INTO shop.event VALUES (1, 'a', 'EUR', 'a'), (2, 'b', 'JPY', 'b'), (3, 'c', 'EUR', 'c'), (4, 'none', NULL, 'd');
\set o '00000000-0000-0000-0000-00000000000'
INSERT INTO shop.order SELECT (:'o' || i)::uuid, nullif(i, 9) FROM generate_series(1, 4) i;
INSERT INTO shop.order SELECT (:'o' || 9)::uuid, NULL;

\set amount '23R04 shop.payment.amount paysafe_payment_payment'
\set missing '23R04 shop.payment.order_id paysafe_payment_payment'
SELECT is(pg_temp.refusal(format('INSERT INTO shop.payment VALUES (%s, %L, ''new'', %s, 0, %L)', id, :'o' || o, amount, kind)), expected, why)
  FROM (VALUES
	(1, '1', '1.25', 'payment', 'accepted', 'euros have cents'),
	(2, '2', '1.25', 'payment', :'amount', 'yen have none'),
	(2, '2', '125', 'payment', 'accepted', 'yen'),
	(3, '4', '1', 'payment', :'missing', 'an event without a currency'),
	(3, '9', '1', 'payment', :'missing', 'an order without an event'),
	(4, '3', '1.234', 'fee', 'accepted', 'no payment')) v (id, o, amount, kind, expected, why);
SELECT is(pg_temp.refusal($$INSERT INTO shop.payment VALUES (5, NULL, 'new', 1.2345, 0, 'payment')$$), 'accepted', 'without an order its currency is open');
SELECT is(pg_temp.refusal($$INSERT INTO shop.payment VALUES (6, NULL, 'new', -1, 0, 'payment')$$), :'amount', '... but what is no amount is none');
SELECT is(pg_temp.refusal($$UPDATE shop.payment SET amount = 1.5 WHERE id = 5$$), '23R03 shop.payment.amount paysafe_payment_payment', '... frozen without a status rule');
SELECT is(pg_temp.refusal(format('UPDATE shop.payment SET order_id = %L WHERE id = 5', :'o' || '1')), :'amount', 'filled in, the amount is judged');
INSERT INTO shop.payment VALUES (6, NULL, 'captured', 150, 150, 'payment');
SELECT is(pg_temp.refusal(format('UPDATE shop.payment SET order_id = %L WHERE id = 6', :'o' || '2')), 'accepted', '... and may be one');
SELECT is(pg_temp.refusal(format('UPDATE shop.payment SET order_id = %L WHERE id = 6', o)), '23R03 shop.payment.order_id paysafe_payment_payment', 'then it stays')
  FROM (VALUES (:'o' || '1'), (NULL)) v (o);

-- what payments depend on
\set event '23R03 shop.event.currency paysafe_event_currency'
SELECT is(pg_temp.refusal(statement), expected, why)
  FROM (VALUES
	($$UPDATE shop.event SET name = 'x'$$, 'accepted', 'what else there is changes'),
	($$UPDATE shop.event SET currency = currency$$, 'accepted', 'the same is no change'),
	($$UPDATE shop.event SET currency = 'USD' WHERE id = 1$$, :'event', 'the currency of a payment'),
	($$UPDATE shop.event SET currency = NULL WHERE id = 1$$, :'event', '... none instead'),
	($$UPDATE shop.event SET currency = 'USD' WHERE id = 3$$, 'accepted', 'that of an order without payments'),
	($$UPDATE shop.event SET currency = 'USD' WHERE id = 4$$, 'accepted', '... where there was none'),
	($$UPDATE shop.event SET id = CASE id WHEN 1 THEN 20 ELSE id END$$, '23503 shop.order order_event_id_fkey', 'another key, which the foreign key refuses first'),
	($$UPDATE shop.order SET note = 'x'$$, 'accepted', 'an order changes'),
	($$UPDATE shop.order SET event_id = 3 WHERE id::text LIKE '%1'$$, '23R03 shop.order.event_id paysafe_order_payment', '... its event does not'),
	($$UPDATE shop.order SET event_id = 1 WHERE id::text LIKE '%3'$$, 'accepted', '... unless nobody pays'),
	($$UPDATE shop.order SET event_id = 2 WHERE id::text LIKE '%9'$$, 'accepted', '... and where there was none'),
	($$UPDATE shop.order SET id = gen_random_uuid() WHERE id::text LIKE '%1'$$, '23R03 shop.payment.order_id paysafe_payment_payment', 'an order''s key, which its payments would follow'),
	($$DELETE FROM shop.event WHERE id = 1$$, '23R03 shop.order.event_id paysafe_order_payment', 'SET NULL by a foreign key'),
	($$DELETE FROM shop.order WHERE id::text LIKE '%1'; SELECT 1 / 0$$, '22012', 'deleted with its payments, of which nothing is captured'),
	($$DELETE FROM shop.order WHERE id::text LIKE '%2'$$, '23R07 shop.payment paysafe_payment_payment', 'not with what is captured'),
	($$TRUNCATE shop.order CASCADE$$, '23R07 shop.order paysafe_order_payment', 'TRUNCATE')) v (statement, expected, why);
-- a trigger of the user's is judged like a statement
CREATE FUNCTION shop.sneak() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.currency := ''USD''; RETURN NEW; END';
CREATE TRIGGER sneak BEFORE UPDATE ON shop.event FOR EACH ROW EXECUTE FUNCTION shop.sneak();
SELECT is(pg_temp.refusal($$UPDATE shop.event SET name = 'y' WHERE id = 1$$), :'event', 'by a trigger');
DROP TRIGGER sneak ON shop.event;

-- two keys change places under a constraint that waits
CREATE TABLE shop.place (code text PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, currency text);
CREATE TABLE shop.ticket (id int PRIMARY KEY, place text, status text, amount numeric);
CREATE UNIQUE INDEX ON shop.place (code);
ALTER TABLE shop.ticket ADD FOREIGN KEY (place) REFERENCES shop.place (code);
INSERT INTO shop.place VALUES ('a', 'EUR'), ('b', 'JPY');
SELECT paysafe.protect_payment('shop.ticket', 'status', 'amount', captured => '{paid}', currency_path => '{place,currency}');
INSERT INTO shop.ticket VALUES (1, 'a', 'paid', 1.25);
SELECT is(pg_temp.refusal($$UPDATE shop.place SET code = CASE code WHEN 'a' THEN 'c' ELSE 'a' END$$), '23R03 shop.place.code paysafe_place_payment', 'keys that change places');
SELECT is(pg_temp.refusal($$DELETE FROM shop.place WHERE code = 'b'$$), 'accepted', 'a place nobody paid at');
ALTER TABLE shop.ticket DROP CONSTRAINT ticket_place_fkey;
SELECT is(pg_temp.refusal($$DELETE FROM shop.place WHERE code = 'a'$$), '23R07 shop.place paysafe_place_payment', 'without the foreign key it stays, too');
SELECT is(pg_temp.refusal($$INSERT INTO shop.ticket VALUES (2, 'nowhere', 'paid', 1)$$), '23R04 shop.ticket.place paysafe_ticket_payment', '... and what refers to nothing is refused');

-- partitions on the way, in any layout
CREATE TABLE shop.tour (id int, region text, currency text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.tour_eu PARTITION OF shop.tour FOR VALUES IN ('eu');
CREATE TABLE shop.tour_us (currency text, region text NOT NULL, id int NOT NULL);
ALTER TABLE shop.tour ATTACH PARTITION shop.tour_us FOR VALUES IN ('us');
CREATE TABLE shop.tour_order (id int PRIMARY KEY, tour int, currency text);
CREATE TABLE shop.sale (id int, day date, order_id int REFERENCES shop.tour_order, status text, amount numeric, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE shop.sale_1 PARTITION OF shop.sale FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE shop.sale_2 PARTITION OF shop.sale DEFAULT;
SELECT paysafe.protect_payment('shop.sale', 'status', 'amount', captured => '{paid}', currency_path => '{order_id,currency}');
INSERT INTO shop.tour_order VALUES (1, NULL, 'EUR'), (2, NULL, 'EUR');
SELECT is(pg_temp.refusal($$INSERT INTO shop.sale VALUES (1, '2020-05-01', 1, 'new', 1.234)$$), '23R04 shop.sale.amount paysafe_sale_payment', 'a partition has the rule');
INSERT INTO shop.sale VALUES (1, '2020-05-01', 1, 'new', 1), (2, '2022-05-01', 2, 'new', 1);
SELECT is(pg_temp.refusal(format('UPDATE shop.tour_order SET currency = ''USD'' WHERE id = %s', i)), '23R03 shop.tour_order.currency paysafe_tour_order_payment', 'payments in partition ' || i) FROM generate_series(1, 2) i;
SELECT is(pg_temp.refusal($$UPDATE shop.sale SET day = '2023-01-01' WHERE id = 1; UPDATE shop.tour_order SET currency = 'USD' WHERE id = 1$$), '23R03 shop.tour_order.currency paysafe_tour_order_payment', 'one that has moved');

-- refunds are in the currency at the end of the path
CREATE TABLE shop.refund (id int PRIMARY KEY, payment_id int REFERENCES shop.payment, amount numeric, currency text);
CREATE INDEX ON shop.refund (payment_id);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment_id', 'amount', 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'JPY', 100);
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (1, 6, 10, 'EUR')$$), '23R02 shop.refund.currency paysafe_refund_refund', 'another currency');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (1, 6, 10, 'JPY')$$), 'accepted', 'the same');
INSERT INTO shop.payment VALUES (7, NULL, 'captured', 150, 150, 'payment');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (2, 7, 10, 'JPY')$$), '23R02 shop.refund.currency paysafe_refund_refund', 'a payment whose currency is open');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (2, 4, 1, 'EUR')$$), '23R01 shop.refund.amount paysafe_refund_refund', 'what is no payment has captured nothing');

-- one place for the rows of a table
CREATE TABLE shop.fee (id int PRIMARY KEY, order_id uuid REFERENCES shop.order, status text, amount numeric);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payment('shop.fee', 'status', 'amount', captured => '{paid}', currency_path => '{order_id,event_id,name}')$$), '22023', 'an order has its currency in one place');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payment('shop.fee', 'status', 'amount', captured => '{paid}', currency_path => '{order_id,event_id,currency}')$$), 'accepted', 'two tables that depend on orders');
INSERT INTO shop.fee VALUES (1, (:'o' || 3)::uuid, 'paid', 1);
SELECT is(pg_temp.refusal($$UPDATE shop.order SET event_id = 2 WHERE id::text LIKE '%3'$$), '23R03 shop.order.event_id paysafe_order_payment', 'the other one''s rows, too');
SELECT is(pg_temp.refusal($$SELECT paysafe.unprotect('shop.order', 'currency', 'tidy up')$$), '42501 shop.order paysafe_order_currency', 'a step is not dropped just so');

-- rows of one table that refer to each other
CREATE TABLE shop.node (id int PRIMARY KEY, parent int REFERENCES shop.node, currency text);
CREATE TABLE shop.leaf (id int PRIMARY KEY, node int REFERENCES shop.node, status text, amount numeric);
SELECT paysafe.protect_payment('shop.leaf', 'status', 'amount', captured => '{paid}', currency_path => '{node,parent,currency}');
INSERT INTO shop.node VALUES (1, 1, 'EUR'), (2, 1, 'JPY'), (3, 2, 'USD'), (4, 3, 'USD');
INSERT INTO shop.leaf VALUES (1, 2, 'paid', 1.25);
SELECT is(pg_temp.refusal($$UPDATE shop.node SET currency = 'JPY' WHERE id = 1$$), '23R03 shop.node.currency paysafe_node_currency', 'the currency of a child''s payment');
SELECT is(pg_temp.refusal($$UPDATE shop.node SET currency = 'JPY' WHERE id = 3$$), 'accepted', 'of a child without one');
SELECT is(pg_temp.refusal($$UPDATE shop.node SET currency = 'EUR' WHERE id = 2$$), 'accepted', 'of a node whose payments have another''s');
SELECT is(pg_temp.refusal($$UPDATE shop.node SET parent = 3 WHERE id = 2$$), '23R03 shop.node.parent paysafe_node_payment', 'the way there');
INSERT INTO shop.node VALUES (5, 5, 'EUR');
SELECT is(pg_temp.refusal($$UPDATE shop.node SET currency = 'JPY' WHERE id = 5$$), '54001', 'a circle has no end, and is refused');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payment('shop.leaf', 'status', 'amount', captured => '{paid}', currency_path => '{node,parent,parent,currency}')$$), '22023', 'a path that its own step contradicts');

-- existing rows, and a change of the place
CREATE TABLE shop.old (id int PRIMARY KEY, order_id uuid REFERENCES shop.order, status text, amount numeric, currency text DEFAULT 'JPY');
INSERT INTO shop.old VALUES (1, (:'o' || 1)::uuid, 'paid', 1.5);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payment('shop.old', 'status', 'amount', captured => '{paid}', currency_column => 'currency')$$), '23514 shop.old paysafe_old_payment', 'an existing row that its currency does not allow');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payment('shop.old', 'status', 'amount', captured => '{paid}', currency_path => '{order_id,event_id,currency}')$$), 'accepted', 'by another one it is possible');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_payment('shop.old', 'status', 'amount', captured => '{paid}', currency => 'EUR')$$), '42501 shop.old paysafe_old_payment', 'another place is loosening');


-- payments that are only observed: so is what leads to their currency
CREATE TABLE shop.fair (id int PRIMARY KEY, currency char(3));
CREATE TABLE shop.stall (id int PRIMARY KEY, fair int REFERENCES shop.fair);
CREATE INDEX ON shop.stall (fair);
CREATE TABLE shop.rent (id int PRIMARY KEY, stall int REFERENCES shop.stall, amount numeric);
CREATE INDEX ON shop.rent (stall);
CREATE TABLE shop.fine (id int PRIMARY KEY, stall int REFERENCES shop.stall, amount numeric);
CREATE INDEX ON shop.fine (stall);
\set modes 'SELECT string_agg(concat_ws('' '', relation, mode), '', '' ORDER BY relation::text) FROM paysafe.protection WHERE relation IN (''shop.stall'', ''shop.rent'', ''shop.fine'')'
\set rent 'SELECT paysafe.protect_payment(''shop.rent'', NULL, ''amount'', currency_path => ''{stall,fair,currency}'', mode => ''observe'')'
\set fine 'SELECT paysafe.protect_payment(''shop.fine'', NULL, ''amount'', currency_path => ''{stall,fair,currency}'')'
:rent;
SELECT is((:modes), 'shop.rent observe, shop.stall observe', 'each step observes');
INSERT INTO shop.fair VALUES (1, 'EUR'), (2, 'EUR');
INSERT INTO shop.stall VALUES (1, 1), (2, 2), (3, NULL);
\set changes '(VALUES (1, $$INSERT INTO shop.rent VALUES (1, 1, 1.234), (2, 3, 1), (3, 1, 1)$$), (2, $$UPDATE shop.fair SET currency = ''USD'' WHERE id = 1$$), (3, $$UPDATE shop.stall SET fair = 2 WHERE id = 1$$), (4, $$UPDATE shop.stall SET fair = 1 WHERE id = 1$$)) v (n, statement)'
SELECT is(pg_temp.refusal(statement), 'accepted', 'observed: ' || statement) FROM :changes ORDER BY n;
DELETE FROM shop.rent;
:fine;
SELECT is((:modes), 'shop.fine enforce, shop.rent observe, shop.stall enforce', 'who enforces needs the steps');
:rent;
SELECT is((:modes), 'shop.fine enforce, shop.rent observe, shop.stall enforce', '... which others leave to him');
SELECT is(pg_temp.refusal(replace(statement, 'USD', 'CHF')), 'accepted', '... and hold nothing: ' || statement) FROM :changes ORDER BY n;
INSERT INTO shop.fine VALUES (1, 1, 5);
SELECT is(pg_temp.refusal(replace(statement, 'USD', 'GBP')), CASE n WHEN 2 THEN '23R03 shop.fair.currency paysafe_fair_currency' ELSE '23R03 shop.stall.fair paysafe_stall_payment' END, 'enforced: ' || statement)
  FROM :changes WHERE n IN (2, 3) ORDER BY n;
\set fine 'SELECT paysafe.protect_payment(''shop.fine'', NULL, ''amount'', currency_path => ''{stall,fair,currency}'', mode => ''observe'')'
SELECT is(pg_temp.refusal(:'fine'), '42501 shop.stall paysafe_stall_currency', 'back takes two');
SELECT paysafe.act_as('dba'), paysafe.propose('needed');
:fine;
SELECT paysafe.propose(NULL), paysafe.act_as('boss');
SELECT paysafe.approve('paysafe.rule', key, 'agreed') FROM paysafe.pending_change WHERE relation IN ('shop.stall'::regclass, 'shop.fine'::regclass);
SELECT paysafe.act_as('dba');
:fine;
SELECT is((:modes), 'shop.fine observe, shop.rent observe, shop.stall observe', '... for the steps, too');
SELECT is(pg_temp.refusal($$UPDATE shop.fair SET currency = 'JPY' WHERE id = 1$$), 'accepted', '... and they let go');
SELECT * FROM finish();
ROLLBACK;
