-- Shapes of money: where the currency stands, what is captured, which rows.
BEGIN;
SELECT plan(148);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
\ir lib/approved.psql
CREATE SCHEMA shop;

--
-- one currency, and the amount captured by its status
--
CREATE TABLE shop.payment (id int PRIMARY KEY, status text, amount numeric, note text);
SELECT paysafe.protect_status('shop.payment', 'status', E'[*] --> new\n[*] --> captured\nnew --> authorized\nauthorized --> captured\nauthorized --> voided\ncaptured --> settled\ncaptured --> voided', '{new,voided,captured}');
SELECT paysafe.protect_payment('shop.payment', 'status', 'amount', captured => '{captured,settled}', currency => 'EUR');
CREATE TABLE shop.refund (id int PRIMARY KEY, payment_id int NOT NULL REFERENCES shop.payment, amount numeric, status text);
CREATE INDEX ON shop.refund (payment_id);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment_id', 'amount', status_column => 'status', gated => '{paid}', void => '{void}');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 1000);
SELECT is((SELECT definition FROM paysafe.protection WHERE relation = 'shop.payment'::regclass AND rule = 'payment'),
	'amount is captured in EUR, captured when status becomes captured, settled', 'the payment rule in words');
SELECT is((SELECT definition FROM paysafe.protection WHERE relation = 'shop.refund'::regclass AND rule = 'refund'),
	'sum of amount by payment_id <= what is captured of payment; status paid needs approval above the threshold; void does not count', 'the refund rule in words');

\set frozen '23R03 shop.payment.amount paysafe_payment_payment'
\set over '23R01 shop.refund.amount paysafe_refund_refund'
INSERT INTO shop.payment VALUES (1, 'new', 10), (2, 'new', 10), (3, 'captured', 20);
SELECT is(pg_temp.refusal($$INSERT INTO shop.payment VALUES (9, 'new', 10.001)$$), '23R04 shop.payment.amount paysafe_payment_payment', 'more decimals than the one currency has');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET amount = 11 WHERE id = 1'), 'accepted', 'before it begins the amount may change');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (1, 1, 1, ''asked'')'), :'over', 'a refund of what is new');
UPDATE shop.payment SET status = 'authorized' WHERE id = 1;
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (1, 1, 1, ''asked'')'), :'over', 'a refund of what is authorized');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (1, 1, 1, ''void'')'), 'accepted', '... void, it counts for nothing');
SELECT is(pg_temp.refusal('UPDATE shop.refund SET status = ''asked'' WHERE id = 1'), :'over', '... and cannot be brought back');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET amount = 12 WHERE id = 1'), :'frozen', 'the amount is frozen');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET status = ''captured'', amount = 12 WHERE id = 1'), :'frozen', '... also as it is captured');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET status = ''captured'' WHERE id = 1'), 'accepted', 'captured');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (2, 1, 11.01, ''asked'')'), :'over', 'more than the amount');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (2, 1, 10.995, ''asked'')'), '23R04 shop.refund.amount paysafe_refund_refund', 'more decimals than the payment''s currency has');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (2, 1, 11, ''asked'')'), 'accepted', 'all of it');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET status = ''settled'' WHERE id = 1'), 'accepted', 'on to another captured status');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (3, 3, 5, ''paid'')'), 'accepted', 'of a sale that was added as captured');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET status = ''voided'' WHERE id = 3'), '23R01 shop.payment.amount paysafe_payment_refund', 'no way out of the captured statuses while there are refunds');
INSERT INTO shop.payment VALUES (5, 'captured', 20);
SELECT is(pg_temp.refusal('DELETE FROM shop.payment WHERE id = 5'), '23R07 shop.payment paysafe_payment_payment', 'captured, it cannot be deleted');
SELECT is(pg_temp.refusal('DELETE FROM shop.payment WHERE id = 2'), 'accepted', 'new, it can');
INSERT INTO shop.payment VALUES (4, 'captured', 20);
SELECT is(pg_temp.refusal('UPDATE shop.payment SET status = ''voided'' WHERE id = 4'), 'accepted', 'without refunds the machine decides');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (4, 4, 1, ''asked'')'), :'over', '... and nothing is left to refund');
SELECT is(pg_temp.refusal('SELECT paysafe.unprotect(''shop.payment'', ''payment'', ''tidy up'')'), '42501 shop.payment paysafe_payment_payment', 'the rule that others follow cannot be dropped just so');

-- what cannot be declared
CREATE TABLE shop.bad (id int PRIMARY KEY, status text, amount numeric, captured numeric, currency text, at timestamptz, flag boolean);
SELECT is(pg_temp.refusal(format('SELECT paysafe.protect_payment(''shop.bad'', %s)', args)), code, why)
  FROM (VALUES
	($$'status', 'amount', 'captured', captured => '{c}'$$, '22023', 'no currency'),
	($$'status', 'amount', 'captured', 'currency', '{c}', currency => 'EUR'$$, '22023', 'two currencies'),
	($$'status', 'amount', 'captured', captured => '{c}', currency => 'QQQ'$$, '22023', 'a currency that nobody knows'),
	($$'status', 'amount', 'captured', 'flag', '{c}'$$, '22023', 'a currency that is true or false'),
	($$'status', 'amount', 'captured', 'at', '{c}'$$, '22023', 'a currency that is a point in time'),
	($$'status', 'amount', 'captured', captured => '{c}', currency_path => '{id}'$$, '22023', 'a path of one column'),
	($$'status', 'amount', 'captured', captured => '{c}', currency_path => '{id,currency}'$$, '22023', 'a path without a foreign key'),
	($$'status', 'amount', 'captured', captured => '{c}', currency => 'EUR', changes => 'sometimes'$$, '22023', 'no such way of changing'),
	($$'status', 'amount', NULL, captured => '{c}', currency => 'EUR', changes => 'rising'$$, '22023', 'nothing that could rise'),
	($$'status', 'amount', NULL, captured => '{c}', currency => 'EUR', adjustable => '{a,c}'$$, '22023', 'what is captured adjustable'),
	($$'status', 'amount', 'captured', captured => '{c}', currency => 'EUR', over_percent => -1$$, '22023', 'a limit below the amount'),
	($$'status', 'amount', 'captured', captured => '{c}', currency => 'EUR', over_percent => 'NaN'$$, '22023', 'a limit that is none'),
	($$'status', 'amount', 'captured', captured => '{c}', currency => 'EUR', limit_column => 'status'$$, '22023', 'a limit that is no amount'),
	($$'flag', 'amount', 'captured', captured => '{yes}', currency => 'EUR'$$, '22023', 'no value of a boolean'),
	($$'at', 'amount', 'captured', captured => '{2020-01-01}', currency => 'EUR'$$, '22023', 'no status of a point in time'),
	($$'status', 'amount', 'captured', currency => 'EUR'$$, '22004', 'no captured status'),
	($$'status', 'amount', 'captured', captured => '{}', currency => 'EUR'$$, '22023', 'an empty list of them'),
	($$'status', 'amount', 'captured', captured => '{c}', currency => 'EUR', rows => '[]'$$, '22023', 'rows: a list'),
	($$'status', 'amount', 'captured', captured => '{c}', currency => 'EUR', rows => '{}'$$, '22023', 'rows: nothing'),
	($$'status', 'amount', 'captured', captured => '{c}', currency => 'EUR', rows => '"status"'$$, '22023', 'rows: a string'),
	($$'status', 'amount', 'captured', captured => '{c}', currency => 'EUR', rows => '{"status": "new"}'$$, '22023', 'rows: a value that is no list'),
	($$'status', 'amount', 'captured', captured => '{c}', currency => 'EUR', rows => '{"status": []}'$$, '22023', 'rows: no value'),
	($$'status', 'amount', 'captured', captured => '{c}', currency => 'EUR', rows => '{"status": [["new"]]}'$$, '22023', 'rows: a list in a list'),
	($$'status', 'amount', 'captured', captured => '{c}', currency => 'EUR', rows => '{"status": {"no": ["new"]}}'$$, '22023', 'rows: another word than not'),
	($$'status', 'amount', 'captured', captured => '{c}', currency => 'EUR', rows => '{"status": {"not": ["new"], "x": []}}'$$, '22023', 'rows: something beside it'),
	($$'status', 'amount', 'captured', captured => '{c}', currency => 'EUR', rows => '{"flag": ["yes"]}'$$, '22023', 'rows: no value of a boolean'),
	($$'status', 'amount', 'captured', captured => '{c}', currency => 'EUR', rows => '{"nothing": [null]}'$$, '42703', 'rows: no such column')
  ) v (args, code, why);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.refund', 'shop.bad', 'payment_id', 'amount', status_column => 'status', gated => '{paid}', void => '{}', payment_key => 'id')$$),
	'55000', 'a refund rule cannot follow where nothing leads');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.bad', 'shop.payment', 'id', 'amount', gated => '{paid}')$$),
	'22023', 'without a status column there are no statuses');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.bad', 'shop.payment', 'id', 'amount', status_column => 'status', gated => '{paid}')$$),
	'22004', 'with one, it is said which are void');

--
-- changes of the captured amount, limits, incremental authorization
--
CREATE TABLE shop.intent (id int PRIMARY KEY, status text, amount bigint, captured bigint, most bigint, currency text);
SELECT paysafe.protect_status('shop.intent', 'status', E'[*] --> new\nnew --> authorized\nauthorized --> partly\nauthorized --> captured\npartly --> captured\ncaptured --> closed');
SELECT paysafe.protect_payment('shop.intent', 'status', 'amount', 'captured', 'currency', '{partly,captured}', changes => 'rising',
	limit_column => 'most', over_percent => 10, adjustable => '{authorized}');
SELECT is((SELECT definition FROM paysafe.protection WHERE relation = 'shop.intent'::regclass AND rule = 'payment'),
	'captured <= most + 10 % in currency, set when status becomes captured, partly; in a captured status it may rise; amount may rise in authorized', 'in words');
INSERT INTO shop.intent VALUES (1, 'new', 100, NULL, NULL, 'USD'), (2, 'new', 100, NULL, 200, 'USD'), (3, 'new', 100, NULL, NULL, 'USD');
UPDATE shop.intent SET status = 'authorized';
SELECT is(pg_temp.refusal(format('UPDATE shop.intent SET %s WHERE id = %s', change, id)), expected, format('%s: %s', change, why))
  FROM (VALUES
	(1, 'amount = 130', 'accepted', 'more is authorized'),
	(1, 'amount = 129', '23R03 shop.intent.amount paysafe_intent_payment', 'never less'),
	(1, 'currency = ''EUR''', '23R03 shop.intent.currency paysafe_intent_payment', 'only the amount'),
	(1, 'captured = 1', '23R05 shop.intent.captured paysafe_intent_payment', 'nothing yet'),
	(1, 'status = ''partly'', captured = 30', 'accepted', 'the first part'),
	(1, 'captured = 50', 'accepted', 'the second, in the same status'),
	(1, 'captured = 49', '23R05 shop.intent.captured paysafe_intent_payment', 'never less'),
	(1, 'captured = NULL', '23R05 shop.intent.captured paysafe_intent_payment', 'nor nothing'),
	(1, 'amount = 140', '23R03 shop.intent.amount paysafe_intent_payment', 'the amount stays in that status'),
	(1, 'captured = 143', 'accepted', 'ten per cent more'),
	(1, 'captured = 144', '23R05 shop.intent.captured paysafe_intent_payment', '... and not one more'),
	(1, 'status = ''captured'', captured = 142', '23R05 shop.intent.captured paysafe_intent_payment', 'less in another captured status'),
	(1, 'status = ''captured''', 'accepted', 'the same there'),
	(1, 'status = ''closed'', captured = 143', 'accepted', 'on'),
	(1, 'captured = 144', '23R05 shop.intent.captured paysafe_intent_payment', 'it is over'),
	(2, 'most = 199', '23R03 shop.intent.most paysafe_intent_payment', 'a lower limit'),
	(2, 'most = NULL', '23R03 shop.intent.most paysafe_intent_payment', 'none, which is the amount'),
	(2, 'most = 210', 'accepted', 'a higher one, where the amount may rise'),
	(2, 'most = ''-1''', '23R03 shop.intent.most paysafe_intent_payment', 'no limit at all'),
	(2, 'status = ''captured'', captured = 232', '23R05 shop.intent.captured paysafe_intent_payment', 'more than the limit and its ten per cent'),
	(2, 'status = ''captured'', captured = 231', 'accepted', 'all of it'),
	(3, 'most = 90', '23R03 shop.intent.most paysafe_intent_payment', 'a limit below the amount'),
	(3, 'most = 150, amount = 120, status = ''captured'', captured = 165', 'accepted', 'all at once')) v (id, change, expected, why);

CREATE TABLE shop.loose (id int PRIMARY KEY, status text, amount numeric, captured numeric);
SELECT paysafe.protect_payment('shop.loose', 'status', 'amount', 'captured', captured => '{partly}', currency => 'EUR', changes => 'any');
CREATE TABLE shop.loose_refund (id int PRIMARY KEY, payment_id int REFERENCES shop.loose, amount numeric);
CREATE INDEX ON shop.loose_refund (payment_id);
SELECT paysafe.protect_refund('shop.loose_refund', 'shop.loose', 'payment_id', 'amount');
SELECT paysafe.set_refund_threshold('shop.loose_refund', 'EUR', 50);
INSERT INTO shop.loose VALUES (1, 'partly', 100, 60), (2, 'new', 100, 0);
SELECT is(pg_temp.refusal('UPDATE shop.loose SET captured = 40 WHERE id = 1'), 'accepted', 'any: less, when a part of it has failed');
SELECT is(pg_temp.refusal('UPDATE shop.loose SET captured = 101 WHERE id = 1'), '23R05 shop.loose.captured paysafe_loose_payment', '... never more than the amount');
SELECT is(pg_temp.refusal('UPDATE shop.loose SET captured = 1 WHERE id = 2'), '23R05 shop.loose.captured paysafe_loose_payment', '... only in a captured status');
-- a refund without a status has passed the gate as it is added
SELECT is(pg_temp.refusal('INSERT INTO shop.loose_refund VALUES (1, 1, 30)'), 'accepted', 'a refund without a status');
SELECT is(pg_temp.refusal('UPDATE shop.loose SET captured = 29 WHERE id = 1'), '23R01 shop.loose.captured paysafe_loose_refund', 'any: never below the refunds');
SELECT is(pg_temp.refusal('INSERT INTO shop.loose_refund VALUES (2, 1, 11)'), '23R01 shop.loose_refund.amount paysafe_loose_refund_refund', 'more than is captured');
SELECT is(pg_temp.refusal('UPDATE shop.loose SET captured = 100 WHERE id = 1; INSERT INTO shop.loose_refund VALUES (2, 1, 21)'), '42501 shop.loose_refund.amount paysafe_loose_refund_approval', 'above the threshold');
SELECT is(pg_temp.refusal('DELETE FROM shop.loose_refund'), '23R07 shop.loose_refund paysafe_loose_refund_refund', 'it stays');
SELECT is(pg_temp.refusal('UPDATE shop.loose_refund SET amount = 1'), '23R03 shop.loose_refund.amount paysafe_loose_refund_refund', '... as it is');

-- running totals without a status: nothing yet may be NULL
CREATE TABLE shop.placed (id int PRIMARY KEY, total numeric NOT NULL, paid numeric);
SELECT paysafe.protect_payment('shop.placed', NULL, 'total', 'paid', currency => 'EUR', changes => 'rising');
CREATE TABLE shop.memo (id int PRIMARY KEY, placed_id int REFERENCES shop.placed, amount numeric);
CREATE INDEX ON shop.memo (placed_id);
SELECT paysafe.protect_refund('shop.memo', 'shop.placed', 'placed_id', 'amount');
SELECT paysafe.set_refund_threshold('shop.memo', 'EUR', 100);
SELECT is(pg_temp.refusal(statement), expected, statement)
  FROM (VALUES
	('INSERT INTO shop.placed VALUES (1, 100, NULL), (2, 100, NULL)', 'accepted'),
	('INSERT INTO shop.memo VALUES (1, 1, 1)', '23R01 shop.memo.amount paysafe_memo_refund'),
	('UPDATE shop.placed SET total = 90 WHERE id = 1', '23R03 shop.placed.total paysafe_placed_payment'),
	('UPDATE shop.placed SET paid = 101 WHERE id = 1', '23R05 shop.placed.paid paysafe_placed_payment'),
	('UPDATE shop.placed SET paid = 60 WHERE id = 1', 'accepted'),
	('INSERT INTO shop.memo VALUES (1, 1, 60)', 'accepted'),
	('UPDATE shop.placed SET paid = NULL WHERE id = 1', '23R05 shop.placed.paid paysafe_placed_payment'),
	('UPDATE shop.placed SET paid = 0 WHERE id = 2; UPDATE shop.placed SET paid = NULL WHERE id = 2', 'accepted'),
	('DELETE FROM shop.placed WHERE id = 2', 'accepted'),
	('DELETE FROM shop.memo; DELETE FROM shop.placed', '23R07 shop.memo paysafe_memo_refund')) v (statement, expected);

--
-- statuses that are no words
--
CREATE TABLE shop.bill (id int PRIMARY KEY, captured_at timestamptz, amount numeric);
SELECT paysafe.protect_status('shop.bill', 'captured_at', E'[*] --> unset\n[*] --> set\nunset --> set', '{unset}');
SELECT paysafe.protect_payment('shop.bill', 'captured_at', 'amount', captured => '{set}', currency => 'EUR');
CREATE TABLE shop.back (id int PRIMARY KEY, bill_id int REFERENCES shop.bill, amount numeric, ok boolean, gone_at timestamp);
CREATE INDEX ON shop.back (bill_id);
SELECT paysafe.protect_refund('shop.back', 'shop.bill', 'bill_id', 'amount', status_column => 'ok', gated => '{true}', void => '{false}');
SELECT paysafe.set_refund_threshold('shop.back', 'EUR', 5);
INSERT INTO shop.bill VALUES (1, NULL, 10), (2, now(), 10);
SELECT is(pg_temp.refusal($$INSERT INTO shop.back VALUES (1, 1, 1, NULL)$$), '23R01 shop.back.amount paysafe_back_refund', 'not captured yet');
UPDATE shop.bill SET captured_at = now() WHERE id = 1;
SELECT is(pg_temp.refusal($$UPDATE shop.bill SET captured_at = NULL WHERE id = 1$$), '23T01 shop.bill.captured_at paysafe_bill_status', 'captured, and that stays');
SELECT is(pg_temp.refusal($$UPDATE shop.bill SET captured_at = 'infinity' WHERE id = 1$$), 'accepted', 'when, is another question');
SELECT is(pg_temp.refusal($$UPDATE shop.bill SET amount = 11 WHERE id = 1$$), '23R03 shop.bill.amount paysafe_bill_payment', 'the amount of it');
SELECT is(pg_temp.refusal($$INSERT INTO shop.back VALUES (1, 1, 6, NULL)$$), 'accepted', 'a refund whose result is not known: it waits');
SELECT is(pg_temp.refusal($$INSERT INTO shop.back VALUES (2, 1, 5, false)$$), 'accepted', 'one that has failed counts for nothing');
SELECT is(pg_temp.refusal($$INSERT INTO shop.back VALUES (3, 1, 5, NULL)$$), '23R01 shop.back.amount paysafe_back_refund', 'one that waits counts');
SELECT is(pg_temp.refusal($$UPDATE shop.back SET ok = true WHERE id = 1$$), '42501 shop.back.ok paysafe_back_approval', 'the gate is a boolean');
SELECT is(pg_temp.refusal($$UPDATE shop.back SET ok = false WHERE id = 1; UPDATE shop.back SET ok = true WHERE id = 2$$), 'accepted', 'the failed one gives way');
SELECT is((SELECT status FROM paysafe.pending_approvals() WHERE relation = 'shop.back'::regclass AND key = '1'), NULL, 'nothing waits in a status that is void');

CREATE TABLE shop.flag (id int PRIMARY KEY, done boolean);
SELECT paysafe.protect_status('shop.flag', 'done', E'[*] --> false\nfalse --> true', '{false}');
SELECT is(pg_temp.refusal(statement), expected, why)
  FROM (VALUES
	('INSERT INTO shop.flag VALUES (1, true)', '23T02 shop.flag.done paysafe_flag_status', 'it does not begin as true'),
	('INSERT INTO shop.flag VALUES (1, NULL)', '23T04 shop.flag.done paysafe_flag_status', 'NULL is another status'),
	('INSERT INTO shop.flag VALUES (1, false)', 'accepted', 'false'),
	('UPDATE shop.flag SET done = true', 'accepted', 'then true'),
	('UPDATE shop.flag SET done = false', '23T01 shop.flag.done paysafe_flag_status', 'and that is it')) v (statement, expected, why);
SELECT lives_ok($$INSERT INTO shop.flag VALUES (2, false); SELECT paysafe.transition('shop.flag', '2', 'false', 'true')$$, 'transition() of a boolean');
SELECT throws_ok($$SELECT paysafe.transition('shop.bill', '1', 'unset', 'set')$$, '22023', NULL, 'transition() cannot know which point in time');

--
-- which rows
--
CREATE TABLE shop.move (id int PRIMARY KEY, bill_id int REFERENCES shop.bill, kind text, ok boolean, amount numeric, deleted_at timestamptz, note text);
CREATE INDEX ON shop.move (bill_id);
SELECT paysafe.protect_refund('shop.move', 'shop.bill', 'bill_id', 'amount', rows => '{"kind": ["refund", "credit"], "ok": [true], "bill_id": {"not": [null]}}');
SELECT paysafe.set_refund_threshold('shop.move', 'EUR', 100);
SELECT is((SELECT definition FROM paysafe.protection WHERE relation = 'shop.move'::regclass AND rule = 'refund'),
	'sum of amount by bill_id <= what is captured of bill; each needs approval above the threshold; rows with ok true, kind credit or refund, bill_id not NULL', 'in words');
SELECT is((SELECT columns FROM paysafe.protection WHERE relation = 'shop.move'::regclass AND rule = 'refund'),
	'{amount,bill_id,kind,ok}'::text[], 'the condition''s columns are the rule''s');
INSERT INTO shop.bill VALUES (3, now(), 10);
SELECT is(pg_temp.refusal(statement), expected, why)
  FROM (VALUES
	($$INSERT INTO shop.move VALUES (1, 3, 'auth', true, 9999.999)$$, 'accepted', 'no refund'),
	($$INSERT INTO shop.move VALUES (2, 3, 'refund', false, 9999.999)$$, 'accepted', 'one that failed'),
	($$INSERT INTO shop.move VALUES (3, 3, 'refund', NULL, -1)$$, 'accepted', 'nobody knows'),
	($$INSERT INTO shop.move VALUES (4, NULL, 'refund', true, 9999.999)$$, 'accepted', 'of no bill'),
	($$INSERT INTO shop.move VALUES (5, 3, 'refund', true, 9999.999)$$, '23R04 shop.move.amount paysafe_move_refund', 'a refund'),
	($$INSERT INTO shop.move VALUES (5, 3, 'refund', true, 10.01)$$, '23R01 shop.move.amount paysafe_move_refund', 'more than is captured'),
	($$INSERT INTO shop.move VALUES (5, 3, 'refund', true, 6)$$, 'accepted', 'less'),
	($$INSERT INTO shop.move VALUES (6, 3, 'credit', true, 5)$$, '23R01 shop.move.amount paysafe_move_refund', 'the other kind counts, too'),
	($$INSERT INTO shop.move VALUES (6, 3, 'REFUND', true, 5)$$, 'accepted', 'exactly'),
	($$UPDATE shop.move SET note = 'x'$$, 'accepted', 'what no rule reads'),
	($$UPDATE shop.move SET kind = 'auth' WHERE id = 5$$, '23R03 shop.move.kind paysafe_move_refund', 'it stays a refund'),
	($$UPDATE shop.move SET ok = false WHERE id = 5$$, '23R03 shop.move.ok paysafe_move_refund', '... that has happened'),
	($$UPDATE shop.move SET ok = NULL WHERE id = 5$$, '23R03 shop.move.ok paysafe_move_refund', '... and is known'),
	($$UPDATE shop.move SET bill_id = NULL WHERE id = 5$$, '23R03 shop.move.bill_id paysafe_move_refund', '... of the bill'),
	($$UPDATE shop.move SET kind = 'credit' WHERE id = 5$$, 'accepted', 'from one value to another'),
	($$DELETE FROM shop.move WHERE id = 5$$, '23R07 shop.move paysafe_move_refund', 'it cannot be deleted'),
	($$UPDATE shop.move SET ok = true WHERE id = 2$$, '23R04 shop.move.amount paysafe_move_refund', 'what becomes one is judged as if added'),
	($$UPDATE shop.move SET ok = true, amount = 5 WHERE id = 2$$, '23R01 shop.move.amount paysafe_move_refund', '... by what is captured'),
	($$UPDATE shop.move SET ok = true, amount = 4 WHERE id = 2$$, 'accepted', '... and may fit'),
	($$UPDATE shop.move SET amount = 3 WHERE id = 2$$, '23R03 shop.move.amount paysafe_move_refund', 'then it is one'),
	($$DELETE FROM shop.move WHERE id IN (1, 3, 4, 6)$$, 'accepted', 'what is none may go'),
	($$UPDATE shop.bill SET captured_at = NULL WHERE id = 3$$, '23T01 shop.bill.captured_at paysafe_bill_status', 'the bill')) v (statement, expected, why);
-- two tables of refunds of one bill
SELECT is(pg_temp.refusal($$INSERT INTO shop.back VALUES (9, 3, 0.01, NULL)$$), '23R01 shop.back.amount paysafe_back_refund', 'rows that are refunds count for the other table');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.move', 'shop.bill', 'bill_id', 'amount', rows => '{"kind": ["refund"], "ok": [true], "bill_id": {"not": [null]}}')$$),
	'42501 shop.move paysafe_move_refund', 'fewer rows are loosening');
SELECT lives_ok($$SELECT pg_temp.approved('SELECT paysafe.protect_refund(''shop.move'', ''shop.bill'', ''bill_id'', ''amount'', rows => ''{"kind": ["refund", "credit", "chargeback"], "ok": [true], "bill_id": {"not": [null]}}'')')$$,
	'more rows, as another person says');
SELECT throws_ok($$SELECT paysafe.approve('shop.move', '2', 'why not')$$, '22023', NULL, 'what has passed needs no approval');

-- payments among other rows
CREATE TABLE shop.entry (id int PRIMARY KEY, kind text, status text, amount numeric);
SELECT paysafe.protect_payment('shop.entry', 'status', 'amount', captured => '{done}', currency => 'EUR', rows => '{"kind": ["payment"]}');
SELECT is(pg_temp.refusal(statement), expected, why)
  FROM (VALUES
	($$INSERT INTO shop.entry VALUES (1, 'payment', 'done', -1)$$, '23R04 shop.entry.amount paysafe_entry_payment', 'a payment'),
	($$INSERT INTO shop.entry VALUES (1, 'fee', 'done', -1)$$, 'accepted', 'another row'),
	($$UPDATE shop.entry SET amount = -2$$, 'accepted', '... changes'),
	($$UPDATE shop.entry SET kind = 'payment'$$, '23R04 shop.entry.amount paysafe_entry_payment', '... is judged as it becomes one'),
	($$UPDATE shop.entry SET kind = 'payment', amount = 2$$, 'accepted', '... becomes one'),
	($$UPDATE shop.entry SET amount = 3$$, '23R03 shop.entry.amount paysafe_entry_payment', '... is frozen'),
	($$UPDATE shop.entry SET kind = 'fee'$$, '23R03 shop.entry.kind paysafe_entry_payment', '... stays one'),
	($$DELETE FROM shop.entry$$, '23R07 shop.entry paysafe_entry_payment', '... and cannot be deleted')) v (statement, expected, why);

SELECT * FROM finish();
ROLLBACK;
