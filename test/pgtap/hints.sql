-- What a refusal advises works: each hint is followed, and then the statement, or what it says to
-- do instead, passes.
BEGIN;
SELECT plan(31);
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
	'What takes money back is approved as a row, and here no row waits: declare the rule with a status_column, or set a threshold that has room for it.', 'without a status');
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
SELECT * FROM finish();
ROLLBACK;
