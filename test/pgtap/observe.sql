-- Rules in observe mode: what they would refuse happens, what is remembered of rows
-- follows, and a rule that is enforced later refuses from there.
BEGIN;
SELECT plan(60);
\ir lib/refusal.psql
\ir lib/approved.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, status text, amount numeric, captured numeric, currency text, note text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON shop.refund (payment);
CREATE TABLE shop.entry (id int PRIMARY KEY, txn int, account int, amount bigint, currency text, reverses int, day date);
CREATE INDEX ON shop.entry (txn);
CREATE INDEX ON shop.entry (reverses);
CREATE TABLE shop.wallet (id int PRIMARY KEY, balance bigint, minimum bigint, currency text);
CREATE TABLE shop.log (id int PRIMARY KEY, note text);
CREATE TABLE shop.part (id int, region text, status text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.part_eu PARTITION OF shop.part FOR VALUES IN ('eu');
CREATE TABLE shop.part_us PARTITION OF shop.part FOR VALUES IN ('us');
\set machine '''[*] --> new\nnew --> paid\nnew --> open\nopen --> new\npaid --> done'''

-- the argument
SELECT is(pg_temp.refusal(format('SELECT paysafe.%s', call)), answer, call) FROM (VALUES
	('protect_append_only(''shop.log'', ''watch'')', '22023'),
	('protect_append_only(''shop.log'', ''Observe'')', '22023'),
	('protect_append_only(''shop.log'', NULL)', '22004'),
	('protect_append_only(NULL, ''observe'')', '22004'),
	('protect_row_lock(''shop.log'', ''{note}'', NULL)', '22004'),
	('audit(''shop.log'', mode => NULL)', '22004'),
	('audit(''shop.log'', NULL)', '22004')) c (call, answer);

SELECT paysafe.protect_status('shop.payment', 'status', E'[*] --> new\nnew --> paid\nnew --> open\nopen --> new\npaid --> done', mode => 'observe'),
	   paysafe.protect_columns('shop.payment', '{note}', '{paid}', mode => 'observe'),
	   paysafe.protect_payment('shop.payment', 'status', 'amount', 'captured', 'currency', '{paid}', mode => 'observe'),
	   paysafe.protect_row_lock('shop.payment', '{captured}', mode => 'observe'),
	   paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency', mode => 'observe'),
	   paysafe.protect_ledger('shop.entry', 'txn', 'account', 'amount', 'currency', reverses_column => 'reverses', posting_date_column => 'day', mode => 'observe'),
	   paysafe.protect_balance('shop.wallet', 'id', 'balance', 'shop.entry', 'minimum', 'currency', mode => 'observe'),
	   paysafe.protect_append_only('shop.log', 'observe'),
	   paysafe.audit('shop.log', require_reason => true, mode => 'observe'),
	   paysafe.protect_status('shop.part', 'status', '[*] --> new', mode => 'observe');
SELECT is((SELECT string_agg(DISTINCT mode, ',') FROM paysafe.protection), 'observe', 'all of them observe');
SELECT is((SELECT count(*) FROM paysafe.check() WHERE check_name = 'mode' AND NOT ok), 10::bigint, 'check() says so');

-- whatever it is, it happens
SELECT is(pg_temp.refusal(command), 'accepted', command) FROM (VALUES
	('INSERT INTO shop.payment VALUES (1, ''paid'', 100, 100, ''EUR'', ''a''), (2, ''lost'', -1, 7, ''EUR'', ''a''), (3, ''new'', 10, 0, ''EUR'', ''a''), (4, ''new'', 10, 0, ''EUR'', ''a'')'),
	('UPDATE shop.payment SET status = ''new'' WHERE id = 1'),
	('UPDATE shop.payment SET note = ''b'', captured = 90 WHERE id = 1'),
	('UPDATE shop.payment SET status = ''paid'', captured = 10 WHERE id = 3'),
	('UPDATE shop.payment SET note = ''b'' WHERE id = 3'),
	('UPDATE shop.payment SET id = 30 WHERE id = 3'),
	('DELETE FROM shop.payment WHERE id = 30'),
	('INSERT INTO shop.refund VALUES (1, 1, 60, ''EUR'', ''asked''), (2, 1, 60, ''EUR'', ''sent''), (3, 9, 1, ''EUR'', ''asked''), (4, 1, 1, ''USD'', ''asked''), (5, NULL, NULL, NULL, ''sent'')'),
	('UPDATE shop.refund SET status = ''sent'' WHERE id = 1'),
	('UPDATE shop.refund SET amount = 61, payment = 2 WHERE id = 2'),
	('DELETE FROM shop.refund WHERE id IN (3, 5)'),
	('DELETE FROM shop.payment WHERE id = 2'),
	('UPDATE shop.payment SET captured = 1 WHERE id = 1'),
	('INSERT INTO shop.wallet VALUES (1, 50, 0, ''EUR''), (2, NULL, NULL, ''EUR'')'),
	('INSERT INTO shop.entry VALUES (1, 1, 1, 5, ''EUR'', NULL, ''2020-01-01'')'),
	('INSERT INTO shop.entry VALUES (2, 2, 9, 5, ''USD'', NULL, ''2020-01-01''), (3, 2, 1, 0, ''USD'', NULL, NULL)'),
	('UPDATE shop.entry SET amount = 6 WHERE id = 1'),
	('DELETE FROM shop.entry WHERE id = 3'),
	('INSERT INTO shop.entry VALUES (4, 4, 1, 5, ''EUR'', 77, ''2020-01-01'')'),
	('UPDATE shop.wallet SET balance = -20 WHERE id = 1'),
	('UPDATE shop.wallet SET currency = ''USD'' WHERE id = 1'),
	('DELETE FROM shop.wallet'),
	('INSERT INTO shop.log VALUES (1, ''a'')'),
	('UPDATE shop.log SET note = ''b'''),
	('DELETE FROM shop.log'),
	('TRUNCATE shop.refund, shop.payment'),
	('INSERT INTO shop.part VALUES (1, ''eu'', ''lost''), (2, ''eu'', ''new'')'),
	('UPDATE shop.part SET region = ''us'', status = ''x'' WHERE id = 1'),
	('DELETE FROM shop.part')) c (command);
SELECT is((SELECT string_agg(op, '' ORDER BY seq) FROM paysafe.audit_log WHERE table_name = 'log'), 'INSERTUPDATEDELETE', 'without a reason it is audited');
SELECT is(pg_temp.refusal('SET CONSTRAINTS ALL IMMEDIATE'), 'accepted', 'and what waits for COMMIT');

-- balances move by the application alone
INSERT INTO shop.wallet VALUES (1, 0, 0, 'EUR'), (2, NULL, NULL, 'EUR');
INSERT INTO shop.entry VALUES (10, 10, 1, 5, 'EUR', NULL, '2020-01-01'), (11, 10, 2, -5, 'EUR', NULL, '2020-01-01');
SELECT is((SELECT balance FROM shop.wallet WHERE id = 1), 0::bigint, 'entries move no balance');
SELECT is(pg_temp.refusal('SELECT paysafe.balance(''1'', accounts => ''shop.wallet'')'), '22023', 'and none is known');
SELECT is(pg_temp.refusal('SELECT paysafe.reserve(''shop.wallet'', ''1'', 5)'), '22023', 'nor reserved');

-- marks follow the rows
INSERT INTO shop.payment VALUES (21, 'new', 10, 0, 'EUR', 'a'), (2, 'new', 10, 0, 'EUR', 'a');
UPDATE shop.payment SET status = 'open' WHERE id = 21;
UPDATE shop.payment SET status = 'done' WHERE id = 21;	-- observed
UPDATE shop.payment SET status = 'new' WHERE id = 21;	-- observed
SELECT is((SELECT string_agg(whole_key || mark || ended, ' ' ORDER BY mark) FROM paysafe.row_mark WHERE relation = 'shop.payment'::regclass AND whole_key = '21'), '21leftfalse 21oncefalse', 'a row that comes back is marked');
UPDATE shop.payment SET id = 22 WHERE id = 21;			-- observed
SELECT is((SELECT string_agg(whole_key || ended, ' ' ORDER BY whole_key, ended) FROM paysafe.row_mark WHERE relation = 'shop.payment'::regclass AND mark = 'left' AND whole_key IN ('21', '22')), '21false 21true 22false', 'the mark goes with it');
UPDATE shop.payment SET status = 'paid', captured = 10 WHERE id = 2;
UPDATE shop.payment SET status = 'new' WHERE id = 2;	-- observed

-- refunds have lives
INSERT INTO shop.refund VALUES (1, 2, 6, 'EUR', 'asked'), (2, 2, 6, 'EUR', 'asked'), (3, 2, 1, 'EUR', 'asked');
UPDATE shop.refund SET status = 'sent' WHERE id = 1;	-- observed
SELECT is((SELECT string_agg(whole_key || event, ' ' ORDER BY whole_key, step) FROM paysafe.refund_event WHERE relation = 'shop.refund'::regclass AND payment = '2' AND event IN ('requested', 'gated') AND whole_key IN ('1', '2')), '1requested 1gated 2requested', 'events tell what has happened');

-- from observing to enforcing nobody else is needed, but the rows must be right
SELECT is(pg_temp.refusal('SELECT paysafe.protect_refund(''shop.refund'', ''shop.payment'', ''payment'', ''amount'', ''currency'', ''status'', ''{sent}'', ''{void}'', ''captured'', ''currency'')'), '23514 shop.refund paysafe_refund_refund', 'offenders are named');
UPDATE shop.refund SET status = 'void' WHERE id = 2;
SELECT is(pg_temp.refusal('SELECT paysafe.protect_refund(''shop.refund'', ''shop.payment'', ''payment'', ''amount'', ''currency'', ''status'', ''{sent}'', ''{void}'', ''captured'', ''currency'')'), 'accepted', 'and corrected');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (4, 2, 6, ''EUR'', ''asked'')'), '23R01 shop.refund.amount paysafe_refund_refund', 'enforced');
SELECT is(pg_temp.refusal('UPDATE shop.refund SET status = ''sent'' WHERE id = 3'), '42501 shop.refund.status paysafe_refund_approval', 'the gate is closed');
SELECT is(pg_temp.refusal('UPDATE shop.refund SET status = ''sent'' WHERE id = 1'), 'accepted', 'what has passed has passed');
SELECT is(pg_temp.refusal('SELECT paysafe.protect_balance(''shop.wallet'', ''id'', ''balance'', ''shop.entry'', ''minimum'', ''currency'')'), '22023', 'no balances of a ledger that is only observed');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET captured = 3 WHERE id = 2'), '23R01 shop.payment.captured paysafe_payment_refund', 'beside rules that observe');
SELECT is(pg_temp.refusal('TRUNCATE shop.payment CASCADE'), '23R07 shop.payment paysafe_payment_refund', 'TRUNCATE too');

-- back takes two people, and so does nothing while it observes
SELECT is(pg_temp.refusal('SELECT paysafe.protect_refund(''shop.refund'', ''shop.payment'', ''payment'', ''amount'', ''currency'', ''status'', ''{sent}'', ''{void}'', ''captured'', ''currency'', mode => ''observe'')'), '42501 shop.refund paysafe_refund_refund', 'not by one');
SELECT lives_ok('SELECT paysafe.protect_status(''shop.payment'', ''status'', ''[*] --> new'', mode => ''observe'')', 'a rule that observes changes at once');
SELECT lives_ok('SELECT paysafe.unprotect(''shop.payment'', ''row_lock'', ''no use'')', 'and goes without a window');
SELECT pg_temp.approved('SELECT paysafe.protect_refund(''shop.refund'', ''shop.payment'', ''payment'', ''amount'', ''currency'', ''status'', ''{sent}'', ''{void}'', ''captured'', ''currency'', mode => ''observe'')');
SELECT is(pg_temp.refusal('INSERT INTO shop.refund VALUES (4, 2, 6, ''EUR'', ''asked'')'), 'accepted', 'by two');

-- a rule that does not fit any more stops nobody
ALTER TABLE shop.log RENAME COLUMN note TO remark;
SELECT paysafe.protect_columns('shop.log', '{remark}', mode => 'observe');
ALTER TABLE shop.log RENAME COLUMN remark TO words;
SELECT is(pg_temp.refusal('INSERT INTO shop.log VALUES (1, ''a'')'), 'accepted', 'not the writers of a table that was altered');
SELECT ok((SELECT NOT ok AND detail LIKE '%"columns", which is only observed, watches nothing%' FROM paysafe.check() WHERE subject = 'shop.log' AND check_name = 'rules_fit'), 'which check() says');
SELECT * FROM finish();
ROLLBACK;
