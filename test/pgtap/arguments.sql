-- Arguments that say nothing, or two things at once, are refused; the same said otherwise is the same.
BEGIN;
SELECT plan(60);
\ir lib/refusal.psql
\ir lib/approved.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, kind text, status text, amount numeric, captured numeric, most numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE TABLE shop.entry (id int PRIMARY KEY, txn text, account text, amount numeric, credit numeric, currency text, side text, day date, tenant text);
CREATE TABLE shop.account (id text PRIMARY KEY, balance numeric, minimum numeric, currency text, side text, status text);
CREATE INDEX ON shop.refund (payment);
CREATE INDEX ON shop.entry (txn);
CREATE INDEX ON shop.entry (account);
INSERT INTO shop.payment VALUES (1, 'card', 'paid', 100, 100, 100, 'EUR');
INSERT INTO shop.refund VALUES (1, 1, 1, 'EUR', 'asked');

-- NULL is no argument
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT is(pg_temp.refusal('SELECT paysafe.' || call), '22004', call) FROM unnest(ARRAY[
	'set_refund_threshold(NULL, ''EUR'', 5)', 'set_refund_threshold(''shop.refund'', NULL, 5)', 'set_refund_threshold(''shop.refund'', ''EUR'', NULL)',
	'set_refund_threshold(''shop.refund'', ''EUR'', 5, NULL)', 'set_refund_threshold(''shop.refund'', ''EUR'', 5, 1, NULL)', 'set_refund_threshold(''shop.refund'', ''EUR'', 5, 1, ''1 day'', NULL)',
	'set_currency(NULL, 2)', 'set_currency(''ABC'', NULL)', 'close_period(NULL, ''2024-12-31'')', 'close_period(''shop.entry'', NULL)', 'close_period(''shop.entry'', ''2024-12-31'', NULL)',
	'transition(NULL, ''1'', ''a'', ''b'')', 'transition(''shop.payment'', NULL, ''a'', ''b'')', 'transition(''shop.payment'', ''1'', NULL, ''b'')', 'transition(''shop.payment'', ''1'', ''a'', NULL)',
	'unprotect(NULL, ''refund'', ''why'')', 'unprotect(''shop.refund'', NULL, ''why'')', 'unprotect(''shop.refund'', ''refund'', NULL)', 'withdraw_approval(NULL, ''why'')', 'withdraw_approval(1, NULL)',
	'trust_subscription(NULL, ''{shop.refund}'', ''why'')', 'trust_subscription(''s'', NULL, ''why'')', 'trust_subscription(''s'', ''{shop.refund}'', NULL)', 'distrust_subscription(NULL, ''{shop.refund}'', ''why'')']) call;
SELECT is((SELECT count(*) FROM paysafe.threshold), 0::bigint, 'no threshold was set');
SELECT is(pg_temp.refusal('SELECT paysafe.set_refund_threshold(''shop.refund'', ''EUR'', 5)'), 'accepted', 'one is');

-- a column for two things
SELECT is(pg_temp.refusal_text('SELECT paysafe.' || call, 'MESSAGE'), format('arguments "%s" and "%s" name the same column', a, b), call) FROM (VALUES
	('protect_ledger(''shop.entry'', ''txn'', ''account'', ''amount'', ''currency'', credit_column => ''amount'')', 'amount_column', 'credit_column'),
	('protect_ledger(''shop.entry'', ''txn'', ''txn'', ''amount'', ''currency'')', 'transaction_column', 'account_column'),
	('protect_ledger(''shop.entry'', ''{tenant,txn}'', ''{txn,tenant}'', ''amount'', ''currency'')', 'transaction_column', 'account_column'),
	('protect_ledger(''shop.entry'', ''txn'', ''account'', ''amount'', ''side'', ''side'')', 'currency_column', 'direction_column'),
	('protect_ledger(''shop.entry'', ''txn'', ''account'', ''amount'', ''currency'', reverses_column => ''txn'')', 'transaction_column', 'reverses_column'),
	('protect_entries(''shop.entry'', ''account'', ''amount'', ''account'')', 'account_column', 'currency_column'),
	('protect_payment(''shop.payment'', ''status'', ''amount'', ''captured'', ''status'', ''{paid}'')', 'status_column', 'currency_column'),
	('protect_payment(''shop.payment'', ''status'', ''amount'', ''captured'', ''currency'', ''{paid}'', limit_column => ''amount'')', 'amount_column', 'limit_column'),
	('protect_refund(''shop.refund'', ''shop.payment'', ''payment'', ''amount'', ''status'', ''status'', ''{sent}'', ''{void}'', ''captured'', ''currency'')', 'currency_column', 'status_column')) c (call, a, b);
SELECT is(pg_temp.refusal('SELECT paysafe.' || call), 'accepted', call) FROM (VALUES
	('protect_ledger(''shop.entry'', ''{tenant,txn}'', ''{tenant,account}'', ''amount'', ''currency'', reverses_column => ''{tenant,side}'')'),
	('protect_payment(''shop.payment'', ''status'', ''amount'', ''amount'', ''currency'', ''{paid}'', changes => ''net'')')) c (call);

-- the same condition in other words
CREATE TABLE shop.ticket (id int PRIMARY KEY, kind text, total numeric, status text, amount numeric, currency text);
INSERT INTO shop.ticket VALUES (1, 'a', 1, 'paid', 1, 'EUR');
SELECT is(pg_temp.refusal(format('SELECT paysafe.protect_payment(''shop.ticket'', ''status'', ''amount'', currency_column => ''currency'', captured => ''{paid}'', rows => %L)', rows)), want, rows) FROM (VALUES
	('{"kind": ["b", "a", null], "total": {"not": [10, 0, 9]}}', 'accepted'),
	('{"total": {"not": [0, 9, 10, 9]}, "kind": [null, "a", "b"]}', 'accepted'),
	('{"kind": ["a", "b"], "total": {"not": [0, 9, 10]}}', '42501 shop.ticket paysafe_ticket_payment')) c (rows, want);
SELECT is((SELECT count(*) FROM paysafe.rule WHERE relation = 'shop.ticket'::regclass), 1::bigint, 'said twice, it is one version');

-- an empty currency is none, whatever the decimals
CREATE TABLE shop.token (id int PRIMARY KEY, txn int, account int, amount numeric, currency char(3));
CREATE INDEX ON shop.token (txn);
SELECT paysafe.protect_ledger('shop.token', 'txn', 'account', 'amount', 'currency', decimals => 8);
SELECT is(pg_temp.refusal(format('INSERT INTO shop.token VALUES (1, 1, 1, 5, %L), (2, 1, 2, -5, %1$L)', currency)), want, 'in "' || currency || '"') FROM (VALUES
	('', '23L03 shop.token.currency paysafe_token_ledger'), ('   ', '23L03 shop.token.currency paysafe_token_ledger'), ('GEM', 'accepted')) c (currency, want);

-- authorized, captured and cancelled by one statement, in whatever order of its rows
CREATE TABLE shop.movement (id int PRIMARY KEY, intent text, kind text, amount numeric, currency text);
CREATE INDEX ON shop.movement (intent);
SELECT paysafe.protect_movements('shop.movement', NULL, 'intent', 'kind', 'amount', 'currency', authorize => '{auth}', capture => '{capture}', cancel => '{void}', refund => '{refund}');
SELECT is(pg_temp.refusal('INSERT INTO shop.movement VALUES ' || rows), want, rows) FROM (VALUES
	('(1, ''a'', ''auth'', 100, ''EUR''), (2, ''a'', ''capture'', 60, ''EUR''), (3, ''a'', ''void'', NULL, ''EUR'')', 'accepted'),
	('(4, ''a'', ''capture'', 1, ''EUR'')', '23R05 shop.movement.amount paysafe_movement_captures'),
	('(5, ''b'', ''void'', NULL, ''EUR''), (6, ''b'', ''capture'', 60, ''EUR''), (7, ''b'', ''auth'', 100, ''EUR'')', 'accepted'),
	('(8, ''c'', ''auth'', 100, ''EUR''), (9, ''c'', ''capture'', 101, ''EUR''), (10, ''c'', ''void'', NULL, ''EUR'')', '23R05 shop.movement.amount paysafe_movement_captures'),
	('(11, ''d'', ''auth'', 100, ''EUR''), (12, ''d'', ''void'', NULL, ''EUR'')', 'accepted'),
	('(13, ''d'', ''capture'', 1, ''EUR''), (14, ''d'', ''void'', NULL, ''EUR'')', '23R05 shop.movement.amount paysafe_movement_captures')) c (rows, want);
-- a limit that is not said is zero
CREATE TABLE shop.order_payment (id int PRIMARY KEY, authorized numeric, currency text);
CREATE TABLE shop.order_capture (id int PRIMARY KEY, payment int, amount numeric);
CREATE INDEX ON shop.order_capture (payment);
SELECT paysafe.protect_captures('shop.order_capture', 'shop.order_payment', 'payment', 'amount', limit_column => 'authorized', currency => 'EUR');
INSERT INTO shop.order_payment VALUES (1, NULL, 'EUR'), (2, 1, 'EUR');
SELECT is(pg_temp.refusal('INSERT INTO shop.order_capture VALUES (1, 1, 0.01)'), '23R05 shop.order_capture.amount paysafe_order_capture_captures', 'a limit that is NULL');
SELECT is(pg_temp.refusal('INSERT INTO shop.order_capture VALUES (2, 2, 1)'), 'accepted', 'one that is not');

-- balances
CREATE TABLE shop.purse (id int PRIMARY KEY, balance numeric DEFAULT 0, minimum numeric);
CREATE TABLE shop.posting (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, txn int, account int, amount numeric, currency text);
CREATE INDEX ON shop.posting (txn);
SELECT paysafe.protect_ledger('shop.posting', 'txn', 'account', 'amount', 'currency');
SELECT is(pg_temp.refusal_text('SELECT paysafe.protect_balance(''shop.purse'', ''id'', ''balance'', ''shop.posting'', ''balance'')', 'MESSAGE'),
	'arguments "balance_column" and "minimum_column" name the same column', 'a balance that is its own minimum');
SELECT paysafe.protect_balance('shop.purse', 'id', 'balance', 'shop.posting', 'minimum');
INSERT INTO shop.purse (id, minimum) VALUES (1, 0), (2, NULL), (3, -100), (4, 0);
INSERT INTO shop.posting (txn, account, amount, currency) VALUES (1, 1, 100, 'EUR'), (1, 2, -100, 'EUR'), (2, 4, 1, 'EUR'), (2, 2, -1, 'EUR');
-- an account that may be overdrawn, and has had no entry
SELECT is(pg_temp.refusal('SELECT paysafe.reserve(''shop.purse'', ''3'', 50)'), 'accepted', 'what may be overdrawn');
SELECT is(pg_temp.refusal('SELECT paysafe.reserve(''shop.purse'', ''3'', 101)'), '23M01 shop.purse.balance paysafe_purse_balance', 'too much all the same');
-- a key, and an amount that is left out
SELECT paysafe.reserve('shop.purse', '1', 40) AS a, paysafe.reserve('shop.purse', '1', 30) AS b \gset
SELECT paysafe.post_reservation(:a, 12, false, 'first');
SELECT paysafe.post_reservation(:b, NULL, true, 'all');
INSERT INTO shop.posting (txn, account, amount, currency) VALUES (3, 1, -42, 'EUR'), (3, 2, 42, 'EUR');
SELECT is(pg_temp.refusal(format('SELECT paysafe.post_reservation(%s)', arguments)), want, arguments) FROM (VALUES
	(format('%s, 12, false, ''first''', :a), 'accepted'), (format('%s, NULL, false, ''first''', :a), '23M05 shop.purse paysafe_purse_balance'),
	(format('%s, NULL, true, ''all''', :b), 'accepted'), (format('%s, 30, true, ''all''', :b), 'accepted'), (format('%s, 29, true, ''all''', :b), '23M05 shop.purse paysafe_purse_balance')) c (arguments, want);
SELECT * FROM finish();
ROLLBACK;
