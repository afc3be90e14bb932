-- Payments and refunds that are rows of one table, which is partitioned; amounts that are
-- stored negative; a currency in another row.
BEGIN;
SELECT plan(62);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.currency (id int PRIMARY KEY, code text);
CREATE TABLE shop.move (id int, day date DEFAULT '2026-01-01', kind text, source int, amount numeric, currency_id int REFERENCES shop.currency, status text, note text,
	PRIMARY KEY (id, day), UNIQUE (id, day)) PARTITION BY RANGE (day);
CREATE TABLE shop.move_1 PARTITION OF shop.move FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE shop.move_2 PARTITION OF shop.move FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE INDEX ON shop.move (source) WHERE source IS NOT NULL;
CREATE INDEX ON shop.move (currency_id);

-- what cannot be declared
CREATE FUNCTION pg_temp.declare_payment(rows jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(format($d$SELECT paysafe.protect_payment('shop.move', 'status', 'amount', currency_path => '{currency_id,code}', captured => '{done}', rows => %L)$d$, rows)) $$;
CREATE FUNCTION pg_temp.declare_refund(rows jsonb, more text DEFAULT $$amounts => 'negative'$$) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(format($d$SELECT paysafe.protect_refund('shop.move', 'shop.move', 'source', 'amount', status_column => 'status', payment_key => 'id',
		gated => '{sent,done}', void => '{failed}', rows => %L, %s)$d$, rows, more)) $$;
SELECT is(pg_temp.declare_payment(NULL), 'accepted', 'all rows are payments');
SELECT is(pg_temp.declare_refund('{"kind": ["refund"]}'), '22023', '... then no row can be a refund');
SELECT is(pg_temp.declare_payment('{"kind": ["sale", "refund"]}'), 'accepted', 'some are');
SELECT is(pg_temp.declare_refund(NULL), '22023', 'a refund must be told from a payment');
SELECT is(pg_temp.declare_refund('{"kind": ["refund"]}'), '22023', '... and not be both');
SELECT is(pg_temp.declare_refund('{"status": ["done"]}'), '22023', '... by what another column says');
SELECT is(pg_temp.declare_payment('{"kind": {"not": ["refund"]}}'), 'accepted', 'all but refunds');
SELECT is(pg_temp.declare_refund('{"kind": {"not": ["sale"]}}'), '22023', 'what neither excludes is both');
SELECT is(pg_temp.declare_refund('{"kind": ["refund", "chargeback"]}'), '22023', 'one of two');
SELECT is(pg_temp.declare_refund('{"kind": ["refund"]}', $$amounts => 'turned'$$), '22023', 'no such sign');
SELECT is(pg_temp.declare_payment('{"kind": ["sale"]}'), 'accepted', 'sales are payments');
SELECT is(pg_temp.declare_refund('{"kind": ["refund"]}'), 'accepted', 'refunds are refunds');
SELECT is(pg_temp.declare_refund('{"kind": ["refund"]}'), 'accepted', '... whoever says so again');
SELECT is((SELECT string_agg(rule || ': ' || definition, E'\n' ORDER BY rule) FROM paysafe.protection WHERE relation = 'shop.move'::regclass),
'payment: amount is captured in currency_id.code, captured when status becomes done; rows with kind sale
refund: sum of -amount by source <= what is captured of move; status done, sent needs approval above the threshold; failed does not count; rows with kind refund', 'in words');
SELECT paysafe.set_refund_threshold('shop.move', 'EUR', 60);

-- refunds
INSERT INTO shop.currency VALUES (1, 'EUR'), (2, 'USD'), (3, 'JPY');
\set cap '23R01 shop.move.amount paysafe_move_refund'
\set none '23R06 shop.move.source paysafe_move_refund'
INSERT INTO shop.move VALUES (1, DEFAULT, 'sale', NULL, 100, 1, 'new'), (2, '2026-02-01', 'sale', NULL, 100, 1, 'done'), (3, DEFAULT, 'fee', NULL, 7, 1, 'done'), (4, DEFAULT, 'sale', NULL, 100, 3, 'done');
SELECT is(pg_temp.refusal(format('INSERT INTO shop.move VALUES (%s, ''2026-02-02'', ''refund'', %s, %s, %s, ''asked'')', id, source, amount, currency)), expected, why)
  FROM (VALUES
	(10, '1', '-1', '1', :'cap', 'a payment that is not captured'),
	(10, '2', '-40', '1', 'accepted', 'in another partition than its payment'),
	(11, '2', '-60.01', '1', :'cap', 'more than is left'),
	(11, '2', '60', '1', '23R04 shop.move.amount paysafe_move_refund', 'positive'),
	(11, '2', '0', '1', '23R04 shop.move.amount paysafe_move_refund', 'zero'),
	(11, '2', '''NaN''', '1', '23R04 shop.move.amount paysafe_move_refund', 'no number'),
	(11, '2', '-0.001', '1', '23R04 shop.move.amount paysafe_move_refund', 'a part of a cent'),
	(11, '4', '-0.5', '3', '23R04 shop.move.amount paysafe_move_refund', '... or of a yen'),
	(11, '3', '-1', '1', :'none', 'a row that is no payment'),
	(11, '10', '-1', '1', :'none', 'a refund'),
	(11, '11', '-1', '1', :'none', 'itself'),
	(11, 'NULL', '-1', '1', :'none', 'nothing'),
	(11, '2', '-1', '2', '23R02 shop.move.currency_id paysafe_move_refund', 'another currency'),
	(11, '2', '-1', 'NULL', 'accepted', 'what names no currency follows its payment')) v (id, source, amount, currency, expected, why);
SELECT is(pg_temp.refusal_text($$INSERT INTO shop.move VALUES (12, DEFAULT, 'refund', 2, -60, 1, 'asked')$$, 'DETAIL'), 'With refund "12" of 60 EUR they total 101 EUR; captured is 100 EUR.', 'messages speak of what is paid out');
SELECT is(pg_temp.refusal_text($$INSERT INTO shop.move VALUES (12, DEFAULT, 'refund', 2, 5, 1, 'asked')$$, 'DETAIL'), 'Refund "12": amount -5: it is stored as a positive number.', '... and of what is wrong');
SELECT is(pg_temp.refusal($$UPDATE shop.move SET status = 'sent' WHERE id = 10$$), 'accepted', 'below the threshold');
SELECT is(pg_temp.refusal($$INSERT INTO shop.move VALUES (13, DEFAULT, 'refund', 2, -30, 1, 'sent')$$), '42501 shop.move.status paysafe_move_approval', 'above it');
SELECT paysafe.act_as('boss');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve_refund('shop.move', '2', -30, 'EUR', 'ok')$$), '22023', 'an approval is of positive money');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve_refund('shop.move', '10', 30, 'EUR', 'ok')$$), '22023', '... of a payment');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve_refund('shop.move', '2', 30, 'EUR', 'ok')$$), 'accepted', '... this one');
SELECT paysafe.act_as('clerk');
SELECT is(pg_temp.refusal($$INSERT INTO shop.move VALUES (13, DEFAULT, 'refund', 2, -30, 1, 'sent')$$), 'accepted', 'approved');
INSERT INTO shop.move VALUES (14, DEFAULT, 'refund', 2, -29, 1, 'asked');
SELECT is((SELECT string_agg(concat_ws(' ', key, payment, amount, currency, total_within), '; ') FROM paysafe.pending_approval WHERE key = '14'), '14 2 29 EUR 99', 'what waits is positive, too');
SELECT is(pg_temp.refusal($$INSERT INTO shop.move VALUES (15, DEFAULT, 'refund', 2, -1, 1, 'asked')$$), :'cap', 'all is refunded');

-- neither becomes the other, and what is neither may become one
\set kind '23R03 shop.move.kind '
SELECT is(pg_temp.refusal($$UPDATE shop.move SET kind = 'refund', source = 2, amount = -1 WHERE id = 1$$), :'kind' || 'paysafe_move_payment', 'a payment becomes no refund');
SELECT is(pg_temp.refusal($$UPDATE shop.move SET kind = 'sale', amount = 40 WHERE id = 10$$), :'kind' || 'paysafe_move_refund', 'a refund becomes no payment');
SELECT is(pg_temp.refusal($$UPDATE shop.move SET kind = 'fee' WHERE id = 10$$), :'kind' || 'paysafe_move_refund', '... and no fee');
SELECT is(pg_temp.refusal($$UPDATE shop.move SET kind = 'sale' WHERE id = 3$$), 'accepted', 'a fee becomes a payment');
SELECT is(pg_temp.refusal($$INSERT INTO shop.move VALUES (16, DEFAULT, 'refund', 3, -7, 1, 'asked')$$), 'accepted', '... which is refunded');

-- the payment's side
SELECT is(pg_temp.refusal($$UPDATE shop.move SET status = 'new' WHERE id = 2$$), '23R01 shop.move.amount paysafe_move_refund', 'a refunded payment stays captured');
SELECT is(pg_temp.refusal($$UPDATE shop.move SET id = 20 WHERE id = 2$$), '23R03 shop.move.id paysafe_move_payment', '... with its key');
SELECT is(pg_temp.refusal($$DELETE FROM shop.move WHERE id = 2$$), '23R07 shop.move paysafe_move_payment', '... and is not deleted');
SELECT is(pg_temp.refusal($$UPDATE shop.move SET day = '2026-01-05' WHERE id = 2$$), 'accepted', 'it moves to another partition');
SELECT is(pg_temp.refusal($$UPDATE shop.move SET day = '2026-01-05' WHERE id = 10$$), 'accepted', '... and so does a refund');
SELECT is(pg_temp.refusal($$UPDATE shop.currency SET code = 'CHF' WHERE id = 1$$), '23R03 shop.currency.code paysafe_currency_payment', 'its currency stays');

-- one statement for both
SELECT is(pg_temp.refusal($$WITH paid AS (UPDATE shop.move SET status = 'done' WHERE id = 1) INSERT INTO shop.move VALUES (17, DEFAULT, 'refund', 1, -100, 1, 'asked')$$), 'accepted', 'captured and refunded');
SELECT is(pg_temp.refusal($$INSERT INTO shop.move VALUES (21, DEFAULT, 'sale', NULL, 50, 1, 'done'), (22, DEFAULT, 'refund', 21, -50, 1, 'asked')$$), 'accepted', 'added together');
SELECT is(pg_temp.refusal($$INSERT INTO shop.move VALUES (24, DEFAULT, 'refund', 23, -51, 1, 'asked'), (23, DEFAULT, 'sale', NULL, 50, 1, 'done')$$), :'cap', '... but not more than is captured');
SELECT is(pg_temp.refusal($$UPDATE shop.move SET status = CASE kind WHEN 'sale' THEN 'void' ELSE 'failed' END WHERE id IN (21, 22)$$), 'accepted', 'both are taken back');
SELECT is(pg_temp.refusal($$UPDATE shop.move SET status = CASE kind WHEN 'sale' THEN 'void' ELSE status END, note = 'x' WHERE id IN (1, 17)$$), '23R01 shop.move.amount paysafe_move_refund', '... not one of them');

-- without a rule for payments, all rows but refunds are some
CREATE TABLE shop.plain (id int PRIMARY KEY, kind text, source int, amount numeric, captured numeric, currency text);
CREATE INDEX ON shop.plain (source);
SELECT paysafe.protect_refund('shop.plain', 'shop.plain', 'source', 'amount', 'currency', payment_key => 'id', payment_amount_column => 'captured', payment_currency_column => 'currency',
	rows => '{"kind": ["refund"]}', amounts => 'negative');
SELECT paysafe.set_refund_threshold('shop.plain', 'EUR', 60);
INSERT INTO shop.plain VALUES (1, 'sale', NULL, 50, 50, 'EUR'), (2, 'refund', 1, -20, 50, 'EUR'), (3, 'sale', NULL, 50, 50, 'EUR');
SELECT is(pg_temp.refusal($$INSERT INTO shop.plain VALUES (4, 'refund', 2, -1, 0, 'EUR')$$), '23R06 shop.plain.source paysafe_plain_refund', 'a refund is no payment there either');
SELECT is(pg_temp.refusal($$UPDATE shop.plain SET kind = 'refund', source = 3, amount = -1 WHERE id = 1$$), '23R03 shop.plain.kind paysafe_plain_refund', 'no payment becomes a refund');
SELECT is(pg_temp.refusal($$UPDATE shop.plain SET kind = 'refund', source = 1, amount = -1 WHERE id = 3$$), '23R03 shop.plain.kind paysafe_plain_refund', '... also one without refunds');
SELECT is(pg_temp.refusal($$UPDATE shop.plain SET kind = 'gift' WHERE id = 1$$), 'accepted', 'but it may be called another payment');

-- what is approved there: the row is looked for by a rule that is there twice
CREATE TABLE shop.waits (id int PRIMARY KEY, kind text, source int, amount numeric, currency text, status text);
CREATE INDEX ON shop.waits (source);
SELECT paysafe.protect_payment('shop.waits', 'status', 'amount', currency_column => 'currency', captured => '{done}', rows => '{"kind": ["sale"]}');
SELECT paysafe.protect_refund('shop.waits', 'shop.waits', 'source', 'amount', 'currency', status_column => 'status', payment_key => 'id', gated => '{sent}', void => '{failed}',
	rows => '{"kind": ["refund"]}', amounts => 'negative');
SELECT paysafe.set_refund_threshold('shop.waits', 'EUR', 10);
INSERT INTO shop.waits VALUES (1, 'sale', NULL, 50, 'EUR', 'done');
SELECT paysafe.act_as('carol');
INSERT INTO shop.waits VALUES (2, 'refund', 1, -20, 'EUR', 'asked'), (3, 'refund', 1, -2, 'EUR', 'failed');
SELECT paysafe.act_as('dave');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve('shop.waits', '1', 'looked at')$$), '22023', 'a payment is not approved');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve('shop.waits', '3', 'looked at')$$), '22023', '... nor a refund that is void');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve('shop.waits', '2', 'looked at')$$), 'accepted', 'one that waits is');
SELECT is(pg_temp.refusal($$UPDATE shop.waits SET status = 'sent' WHERE id = 2$$), 'accepted', '... and passes the gate');
SELECT * FROM finish();
ROLLBACK;
