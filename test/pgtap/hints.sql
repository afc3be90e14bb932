-- What a refusal advises works: each hint is followed, and then the statement, or what it says to
-- do instead, passes.
BEGIN;
SELECT plan(80);
\ir lib/refusal.psql
\ir lib/approved.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE FUNCTION pg_temp.act(name text) RETURNS void LANGUAGE sql AS 'SELECT paysafe.act_as(name)';

-- a payout that takes money back
CREATE TABLE shop.payout (id int PRIMARY KEY, merchant text, amount numeric, currency text, status text);
CREATE TABLE shop.adjustment (id int PRIMARY KEY, account text, amount numeric);
CREATE INDEX ON shop.payout (merchant);
CREATE INDEX ON shop.adjustment (account);
SELECT paysafe.protect_refund('shop.payout', NULL, 'merchant', 'amount', 'currency', 'status', '{sent}', '{failed}');
SELECT paysafe.protect_refund('shop.adjustment', NULL, 'account', 'amount', currency => 'EUR');
SELECT paysafe.set_refund_threshold(t, 'EUR', 50) FROM unnest(ARRAY['shop.payout', 'shop.adjustment']::regclass[]) t;
SELECT pg_temp.act('ann');
SELECT is(pg_temp.refusal_text('INSERT INTO shop.payout VALUES (1, ''m1'', -80, ''EUR'', ''sent'')', 'HINT'),
	'What takes money back is approved as a row: request it first, in a status that needs no approval.', 'a payout below zero');
INSERT INTO shop.payout VALUES (1, 'm1', -80, 'EUR', 'asked');
SELECT pg_temp.act('bob');
SELECT is(pg_temp.refusal('SELECT paysafe.approve(''shop.payout'', ''1'', ''agreed'')'), 'accepted', '... is approved as a row');
SELECT pg_temp.act('ann');
SELECT is(pg_temp.refusal('UPDATE shop.payout SET status = ''sent'' WHERE id = 1'), 'accepted', '... and leaves');
SELECT is(pg_temp.refusal_text('INSERT INTO shop.adjustment VALUES (1, ''a'', -80)', 'HINT'),
	'What takes money back is approved as a row, and here no row waits: declare the rule with a status_column that has a status to wait in, or set a threshold that has room for it.', 'without a status');
SELECT pg_temp.approved('SELECT paysafe.set_refund_threshold(''shop.adjustment'', ''EUR'', 80)');
SELECT is(pg_temp.refusal('INSERT INTO shop.adjustment VALUES (1, ''a'', -80)'), 'accepted', '... a threshold has room');
SELECT is(pg_temp.refusal_text('INSERT INTO shop.adjustment VALUES (2, ''b'', 90)', 'HINT'),
	'Somebody else approves it before its row is there: SELECT paysafe.approve_refund(''shop.adjustment'', ''b'', 90, ''EUR'', ''why it is right'');', 'one above zero');
SELECT pg_temp.act('bob');
SELECT paysafe.approve_refund('shop.adjustment', 'b', 90, 'EUR', 'why it is right');
SELECT pg_temp.act('ann');
SELECT is(pg_temp.refusal('INSERT INTO shop.adjustment VALUES (2, ''b'', 90)'), 'accepted', '... is approved before');
-- a refund that is no status away from counting
SELECT is(pg_temp.refusal_text('DELETE FROM shop.adjustment WHERE id = 2', f), text, 'deleted, where nothing makes it void: ' || f) FROM (VALUES
	('DETAIL', 'It counts towards the payment''s refunds.'),
	('HINT', 'It counts for good. Where rows are deleted when the provider has refused them, "deletable" of paysafe.protect_refund says so.')) v (f, text);
SELECT pg_temp.approved('SELECT paysafe.protect_refund(''shop.adjustment'', NULL, ''account'', ''amount'', currency => ''EUR'', deletable => true)');
SELECT is(pg_temp.refusal('DELETE FROM shop.adjustment WHERE id = 2'), 'accepted', '... deletable says so');

-- movements: what is cancelled
CREATE TABLE shop.movement (id int PRIMARY KEY, intent text, kind text, amount numeric, currency text, state text);
CREATE TABLE shop.plain (id int PRIMARY KEY, intent text, kind text, amount numeric, currency text);
CREATE INDEX ON shop.movement (intent);
CREATE INDEX ON shop.plain (intent);
SELECT paysafe.protect_movements('shop.movement', NULL, 'intent', 'kind', 'amount', 'currency', authorize => '{auth}', capture => '{capture}', cancel => '{void}',
	refund => '{refund}', chargeback => '{chargeback}', status_column => 'state', counted => '{done}', void => '{failed}');
SELECT paysafe.protect_movements('shop.plain', NULL, 'intent', 'kind', 'amount', 'currency', authorize => '{auth}', capture => '{capture}', cancel => '{void}', refund => '{refund}');
INSERT INTO shop.movement VALUES (1, 'p', 'auth', 100, 'EUR', 'done'), (2, 'p', 'capture', 60, 'EUR', 'done');
INSERT INTO shop.plain VALUES (1, 'p', 'auth', 100, 'EUR'), (2, 'p', 'capture', 60, 'EUR'), (3, 'p', 'void', 10, 'EUR');
SELECT is(pg_temp.refusal_text(statement, 'HINT'), hint, statement) FROM (VALUES
	('INSERT INTO shop.movement VALUES (3, ''p'', ''void'', 50, ''EUR'', ''done'')', 'Cancel at most what is left, or all that is left: without an amount (NULL).'),
	('UPDATE shop.movement SET state = ''failed'' WHERE id = 1', 'So much is captured of it: let captures cease to count first.'),
	('INSERT INTO shop.movement VALUES (3, ''p'', ''capture'', 50, ''EUR'', ''done'')', 'Capture at most what is left.'),
	('DELETE FROM shop.movement WHERE id = 1', 'Let it cease to count by its status.'),
	('DELETE FROM shop.movement WHERE id = 2', 'Let it cease to count by its status, or refund it.'),
	('DELETE FROM shop.plain WHERE id = 3', 'It stays: what has been cancelled is authorized again by another row.'),
	('DELETE FROM shop.plain WHERE id = 1', 'It stays: cancel it by another row.')) v (statement, hint);
SELECT is(pg_temp.refusal(statement), 'accepted', statement) FROM (VALUES
	('INSERT INTO shop.plain VALUES (4, ''p'', ''auth'', 10, ''EUR''); INSERT INTO shop.plain VALUES (5, ''p'', ''capture'', 40, ''EUR'')'),
	('INSERT INTO shop.movement VALUES (3, ''p'', ''void'', NULL, ''EUR'', ''done'')')) v (statement);
SELECT is(pg_temp.refusal_text('INSERT INTO shop.movement VALUES (4, ''p'', ''capture'', 10, ''EUR'', ''done'')', 'HINT'),
	'Nothing more is captured of it. If the cancellation has not happened, let that cease to count first; otherwise capture of another payment.', 'after a cancellation');
SELECT is(pg_temp.refusal(statement), 'accepted', statement) FROM (VALUES
	('UPDATE shop.movement SET state = ''failed'' WHERE id = 3; INSERT INTO shop.movement VALUES (4, ''p'', ''capture'', 10, ''EUR'', ''done'')'),
	('DELETE FROM shop.movement WHERE id = 3')) v (statement);

-- a history of chargebacks, which nobody can correct
CREATE TABLE shop.history (id int PRIMARY KEY, intent text, kind text, amount numeric, currency text);
CREATE INDEX ON shop.history (intent);
INSERT INTO shop.history VALUES (1, 'p', 'sale', 100, 'EUR'), (2, 'p', 'refund', 100, 'EUR'), (3, 'p', 'chargeback', 100, 'EUR');
\set declare 'SELECT paysafe.protect_movements(''shop.history'', NULL, ''intent'', ''kind'', ''amount'', ''currency'', authorize => ''{sale}'', capture => ''{sale}'', refund => ''{refund}'', chargeback => ''{chargeback}'')'
SELECT matches(pg_temp.refusal_text(:'declare', 'HINT'), 'declare it for what comes \(paysafe.defer_validation\), and have two people accept them', 'more chargebacks than captures');
SAVEPOINT later;
SELECT paysafe.defer_validation();
:declare;
SELECT pg_temp.approved(format('SELECT paysafe.accept_rows(''shop.history'', %L, ''charged back after a refund'')', rule)) FROM (VALUES ('refund'), ('captures')) r (rule);
SELECT is(pg_temp.refusal('SELECT paysafe.validate_rows(''shop.history'')'), 'accepted', '... are accepted');
RELEASE later;

-- a status that is none
CREATE TABLE shop.task (id int PRIMARY KEY, status text);
INSERT INTO shop.task VALUES (1, 'lost'), (2, 'new');
SELECT paysafe.protect_status('shop.task', 'status', E'[*] --> new\nnew --> done');
SELECT is(pg_temp.refusal_text('UPDATE shop.task SET status = ''new'' WHERE id = 1', 'HINT'),
	'Two people accept it as it is, then it may be put right: paysafe.accept_rows(''shop.task'', ''status'', ''why'').', 'a status that is none');
SELECT pg_temp.approved('SELECT paysafe.accept_rows(''shop.task'', ''status'', ''why'')');
SELECT is(pg_temp.refusal('UPDATE shop.task SET status = ''new'' WHERE id = 1'), 'accepted', '... is put right');
SELECT is(pg_temp.refusal('SELECT paysafe.validate_rows(''shop.task'')'), 'accepted', '... and so is the table');

-- a ledger whose accounts have balances
CREATE TABLE shop.entry (id int PRIMARY KEY, txn int, account int, amount bigint);
CREATE TABLE shop.account (id int PRIMARY KEY, balance bigint, minimum bigint);
CREATE INDEX ON shop.entry (txn);
SELECT paysafe.protect_ledger('shop.entry', 'txn', 'account', 'amount', currency => 'EUR');
SELECT paysafe.protect_balance('shop.account', 'id', 'balance', 'shop.entry');
SELECT paysafe.act_as(NULL);
SELECT is(pg_temp.refusal_text('SELECT paysafe.unprotect(''shop.entry'', ''ledger'', ''why'')', 'HINT'),
	'First, in a maintenance window that names both tables: SELECT paysafe.unprotect(''shop.account'', ''balance'', ''why'');', 'a ledger of balances');
SELECT is(pg_temp.refusal('SELECT paysafe.unprotect(''shop.account'', ''balance'', ''why''); SELECT paysafe.unprotect(''shop.entry'', ''ledger'', ''why'')'), 'accepted', '... goes after them');

-- a column that nobody writes
CREATE TABLE shop.line (id int PRIMARY KEY, net numeric, tax numeric, total numeric GENERATED ALWAYS AS (net + tax) STORED);
SELECT paysafe.protect_columns('shop.line', '{total}');
INSERT INTO shop.line VALUES (1, 10, 2);
SELECT matches(pg_temp.refusal_text('UPDATE shop.line SET tax = 3', 'DETAIL'), 'Column "total" is computed from "net", "tax"\.$', 'a generated column');
SELECT is(pg_temp.refusal('UPDATE shop.line SET tax = 3, net = 9'), 'accepted', '... whose value stays');

-- a refund whose status has two values, and one whose machine leads from void to nothing that waits
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.paid_back (id int PRIMARY KEY, payment int, amount numeric, ok boolean);
CREATE TABLE shop.dropped (id int PRIMARY KEY, payment int, amount numeric, deleted_at timestamptz);
CREATE TABLE shop.retried (id int PRIMARY KEY, payment int, amount numeric, status text);
CREATE TABLE shop.returned (id int PRIMARY KEY, payment int, amount numeric, status text);
CREATE INDEX ON shop.paid_back (payment);
CREATE INDEX ON shop.dropped (payment);
CREATE INDEX ON shop.retried (payment);
CREATE INDEX ON shop.returned (payment);
INSERT INTO shop.payment SELECT i, 1000, 'EUR' FROM generate_series(1, 9) i;
SELECT paysafe.protect_refund('shop.paid_back', 'shop.payment', 'payment', 'amount', NULL, 'ok', '{true}', '{false}', 'captured', 'currency');
SELECT paysafe.protect_refund('shop.dropped', 'shop.payment', 'payment', 'amount', NULL, 'deleted_at', '{unset}', '{set}', 'captured', 'currency');
SELECT paysafe.protect_status('shop.retried', 'status', E'[*] --> asked\n[*] --> failed\nasked --> sent\nasked --> failed\nfailed --> sent');
SELECT paysafe.protect_status('shop.returned', 'status', E'[*] --> asked\n[*] --> failed\nasked --> sent\nfailed --> asked\nfailed --> sent');
SELECT paysafe.protect_refund(t, 'shop.payment', 'payment', 'amount', NULL, 'status', '{sent}', '{failed}', 'captured', 'currency') FROM unnest(ARRAY['shop.retried', 'shop.returned']::regclass[]) t;
SELECT pg_temp.act('ann');
INSERT INTO shop.paid_back VALUES (1, 1, 10, false);
INSERT INTO shop.dropped VALUES (1, 1, 10, now());
INSERT INTO shop.retried VALUES (1, 1, 10, 'failed');
INSERT INTO shop.returned VALUES (1, 1, 10, 'failed');
CREATE TEMP TABLE taken_back (statement text, way text);
INSERT INTO taken_back VALUES
	('UPDATE shop.paid_back SET ok = true', 'Somebody else approves it before it is taken back: %'),
	('UPDATE shop.dropped SET deleted_at = NULL', 'Somebody else approves it before it is taken back: %'),
	('UPDATE shop.retried SET status = ''sent''', 'Somebody else approves it before it is taken back: %'),
	('INSERT INTO shop.paid_back VALUES (2, 2, 10, true)', 'Somebody else approves it before its row is there: %'),
	('INSERT INTO shop.dropped VALUES (2, 2, 10, NULL)', 'Somebody else approves it before its row is there: %');
SELECT alike(pg_temp.refusal_text(statement, 'HINT'), way, statement) FROM taken_back;
-- who follows it runs what it says
CREATE FUNCTION pg_temp.follow(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text := substring(pg_temp.refusal_text(statement, 'HINT') FROM 'SELECT paysafe\.approve_refund.*;$');
BEGIN
	PERFORM paysafe.act_as('bob');
	EXECUTE hint;
	PERFORM paysafe.act_as('ann');
	RETURN pg_temp.refusal(statement);
END $$;
SELECT is(pg_temp.follow(statement), 'accepted', statement || ' has been approved') FROM taken_back;
SELECT is(pg_temp.refusal_text('UPDATE shop.returned SET status = ''sent''', 'HINT'), 'Take it back first, to a status that needs no approval.', 'where there is one to wait in');
SELECT is(pg_temp.refusal('UPDATE shop.returned SET status = ''asked'''), 'accepted', '... it is taken back');
SELECT pg_temp.act('bob');
SELECT is(pg_temp.refusal('SELECT paysafe.approve(''shop.returned'', ''1'', ''agreed'')'), 'accepted', '... approved');
SELECT pg_temp.act('ann');
SELECT is(pg_temp.refusal('UPDATE shop.returned SET status = ''sent'''), 'accepted', '... and sent');
SELECT paysafe.act_as(NULL);
INSERT INTO shop.paid_back VALUES (3, 3, 10, false);
SELECT alike(pg_temp.refusal_text('UPDATE shop.paid_back SET ok = true WHERE id = 3', 'HINT'), '%request another one after paysafe.act_as%', 'by nobody');
-- money that is taken back, from a status of two values
CREATE TABLE shop.moved (id int PRIMARY KEY, merchant text, amount numeric, ok boolean);
CREATE INDEX ON shop.moved (merchant);
SELECT paysafe.protect_refund('shop.moved', NULL, 'merchant', 'amount', NULL, 'ok', '{true}', '{false}', currency => 'EUR');
SELECT pg_temp.act('ann');
INSERT INTO shop.moved VALUES (1, 'm', -10, false);
SELECT alike(pg_temp.refusal_text(statement, 'HINT'), 'What takes money back is approved as a row, and here no row waits: %or set a threshold that has room for it.', statement) FROM (VALUES
	('UPDATE shop.moved SET ok = true'), ('INSERT INTO shop.moved VALUES (2, ''m'', -10, true)')) v (statement);
SELECT pg_temp.approved('SELECT paysafe.set_refund_threshold(''shop.moved'', ''EUR'', 10)');
SELECT pg_temp.act('ann');
SELECT is(pg_temp.refusal('UPDATE shop.moved SET ok = true'), 'accepted', '... and has');

-- refunds that count in every status
CREATE TABLE shop.kept (id int PRIMARY KEY, payment int, amount numeric, status text);
CREATE TABLE shop.cleaned (id int PRIMARY KEY, payment int, amount numeric, status text);
CREATE INDEX ON shop.kept (payment);
CREATE INDEX ON shop.cleaned (payment);
SELECT paysafe.protect_refund('shop.kept', 'shop.payment', 'payment', 'amount', NULL, 'status', '{sent}', '{}', 'captured', 'currency');
SELECT paysafe.protect_refund('shop.cleaned', 'shop.payment', 'payment', 'amount', NULL, 'status', '{sent}', '{}', 'captured', 'currency', deletable => true);
SELECT matches((SELECT definition FROM paysafe.protection WHERE relation = 'shop.kept'::regclass AND rule = 'refund'), '; every status counts', 'described');
SELECT paysafe.act_as(NULL);
INSERT INTO shop.kept VALUES (1, 4, 10, 'asked');
INSERT INTO shop.cleaned VALUES (1, 4, 10, 'asked');
SELECT pg_temp.act('ann');
SELECT is(pg_temp.refusal_text('UPDATE shop.' || t || ' SET amount = 11', 'HINT'), hint, t) FROM (VALUES
	('kept', 'It counts for good: request another one for what is left.'), ('cleaned', 'Delete this refund and request another one.')) v (t, hint);
SELECT alike(pg_temp.refusal_text('UPDATE shop.' || t || ' SET status = ''sent''', 'HINT'), hint, t) FROM (VALUES
	('kept', '%: it counts for good, unless "void" or "deletable" of paysafe.protect_refund lets it go; request another one after paysafe.act_as%'),
	('cleaned', '%: delete it, and request another one after paysafe.act_as%')) v (t, hint);
SELECT is(pg_temp.refusal('DELETE FROM shop.cleaned; INSERT INTO shop.cleaned VALUES (2, 4, 11, ''asked'')'), 'accepted', '... so it is');
SELECT is(pg_temp.refusal('INSERT INTO shop.kept VALUES (2, 4, 11, ''asked'')'), 'accepted', '... so is the other one');

-- how a captured amount may change
CREATE TABLE shop.charge (id int PRIMARY KEY, status text, amount numeric, captured numeric);
SELECT paysafe.protect_payment('shop.charge', 'status', 'amount', 'captured', currency => 'EUR', captured => '{paid}');
INSERT INTO shop.charge VALUES (1, 'paid', 100, 60), (2, 'paid', 100, 60);
SELECT alike(pg_temp.refusal_text('UPDATE shop.charge SET captured = ' || v || ' WHERE id = 1', 'HINT'), hint, 'to ' || v) FROM (VALUES
	(70, '%"changes" of paysafe.protect_payment is ''rising''.'), (50, 'What was captured stays: refund it instead. %''net''; %''any''.'), (110, '%"over_percent" or "limit_column"%')) x (v, hint);
CREATE FUNCTION pg_temp.charge(more text) RETURNS void LANGUAGE sql AS $$
	SELECT pg_temp.approved('SELECT paysafe.protect_payment(''shop.charge'', ''status'', ''amount'', ''captured'', currency => ''EUR'', captured => ''{paid}'', ' || more || ')') $$;
SELECT pg_temp.charge('changes => ''rising''');
SELECT is(pg_temp.refusal('UPDATE shop.charge SET captured = 70 WHERE id = 1'), 'accepted', 'it rises');
SELECT alike(pg_temp.refusal_text('UPDATE shop.charge SET captured = 50 WHERE id = 1', 'HINT'), 'What was captured stays: refund it instead. %', 'it does not fall');
SELECT pg_temp.charge('changes => ''any'', over_percent => 10');
SELECT is(pg_temp.refusal('UPDATE shop.charge SET captured = 50 WHERE id = 1; UPDATE shop.charge SET captured = 110 WHERE id = 1'), 'accepted', 'it changes, to more than the amount');
UPDATE shop.charge SET captured = 100 WHERE id = 1;

-- net of refunds that no rule names
SELECT pg_temp.charge('changes => ''net''');
SELECT is((SELECT ok::text || ' ' || detail FROM paysafe.check() WHERE subject = 'shop.charge' AND check_name = 'captured'),
	'false captured falls with refunds, and no rule says which these are, so it does not fall at all: declare them with paysafe.protect_refund, with "payment_amount_column" NULL', 'check() says so');
CREATE TABLE shop.charge_refund (id int PRIMARY KEY, charge int, amount numeric);
CREATE INDEX ON shop.charge_refund (charge);
SELECT is(pg_temp.refusal('UPDATE shop.charge SET captured = 50 WHERE id = 2'), '23R05 shop.charge.captured paysafe_charge_payment', '... and it is so');
SELECT paysafe.protect_refund('shop.charge_refund', 'shop.charge', 'charge', 'amount');
SELECT is((SELECT ok FROM paysafe.check() WHERE subject = 'shop.charge' AND check_name = 'captured'), true, '... no more');
-- thresholds of a currency that no refund has
SELECT is(pg_temp.refusal('SELECT paysafe.set_refund_threshold(' || quote_literal(t) || ', ' || quote_literal(c) || ', 50)'), want, t || ' in ' || c) FROM (VALUES
	('shop.charge_refund', 'USD', '22023'), ('shop.charge_refund', 'eur', 'accepted'), ('shop.charge_refund', 'EUR', 'accepted'),
	('shop.moved', 'USD', '22023'), ('shop.kept', 'USD', '42501 shop.kept paysafe_kept_threshold for USD'), ('shop.payout', 'USD', '42501 shop.payout paysafe_payout_threshold for USD')) v (t, c, want);
SELECT is(pg_temp.refusal_text('SELECT paysafe.set_refund_threshold(''shop.charge_refund'', ''USD'', 50)', 'HINT'), 'Set the threshold for EUR.', '... and what to do');
CREATE TABLE shop.intent (id int PRIMARY KEY);
CREATE TABLE shop.capture (id int PRIMARY KEY, intent int, amount numeric);
CREATE TABLE shop.captured_back (id int PRIMARY KEY, intent int, amount numeric, currency text);
CREATE INDEX ON shop.capture (intent);
CREATE INDEX ON shop.captured_back (intent);
SELECT paysafe.protect_captures('shop.capture', 'shop.intent', 'intent', 'amount', currency => 'EUR');
SELECT paysafe.protect_refund('shop.captured_back', 'shop.intent', 'intent', 'amount', 'currency');
SELECT is(pg_temp.refusal('SELECT paysafe.set_refund_threshold(''shop.captured_back'', ' || quote_literal(c) || ', 50)'), want, 'of captures in EUR: ' || c) FROM (VALUES
	('USD', '22023'), ('EUR', 'accepted')) v (c, want);

-- balances where there are no accounts
CREATE TABLE shop.line_item (id int PRIMARY KEY, txn int, account int, amount numeric, day date);
CREATE INDEX ON shop.line_item (txn);
SELECT paysafe.protect_ledger('shop.line_item', 'txn', 'account', 'amount', currency => 'EUR', posting_date_column => 'day');
SELECT alike(pg_temp.refusal_text('SELECT paysafe.balance_on(''1'', ''2026-01-31'', ''shop.line_item'')', 'HINT'), 'It is a ledger: name the table of its accounts, %Where there is none, paysafe.trial_balance_on says%', 'a ledger is no table of accounts');
INSERT INTO shop.line_item VALUES (1, 1, 1, 5, '2026-01-01'), (2, 1, 2, -5, '2026-01-01');
SELECT is((SELECT string_agg(account || ' ' || balance, ', ' ORDER BY account) FROM paysafe.trial_balance_on('shop.line_item', '2026-01-31')), '1 5, 2 -5', '... which says them');

-- what can hold a status
CREATE TABLE shop.odd (id int PRIMARY KEY, f float8, b boolean, amount numeric, txn int, account int);
SELECT alike(pg_temp.refusal_text('SELECT paysafe.protect_payment(''shop.odd'', ''f'', ''amount'', currency => ''EUR'', captured => ''{1}'')', 'HINT'), '%boolean, date, timestamp, timestamptz, %', 'a status');
SELECT is(pg_temp.refusal('SELECT paysafe.protect_payment(''shop.odd'', ''b'', ''amount'', currency => ''EUR'', captured => ''{true}'')'), 'accepted', '... is a boolean, too');
SELECT alike(pg_temp.refusal_text('SELECT paysafe.protect_ledger(''shop.odd'', ''txn'', ''account'', ''amount'', currency => ''EUR'', direction_column => ''b'')', 'HINT'), '%a direction whose values are named in "debits" and "credits".', 'a direction');
SELECT is(pg_temp.refusal('SELECT paysafe.protect_ledger(''shop.odd'', ''txn'', ''account'', ''amount'', currency => ''EUR'', direction_column => ''b'', debits => ''{true}'', credits => ''{false}'')'), 'accepted', '... whose values are named');
SELECT * FROM finish();
ROLLBACK;
