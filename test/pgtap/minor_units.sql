-- Amounts in minor units, as people say them: in messages, hints and views.
BEGIN;
SELECT plan(35);
\ir lib/refusal.psql
\ir lib/approved.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, status text, amount bigint, captured bigint, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount int, currency text, status text);
CREATE INDEX ON shop.refund (payment);
CREATE TABLE shop.entry (id int PRIMARY KEY, txn int, account int, amount bigint, currency text);
CREATE INDEX ON shop.entry (txn);
CREATE TABLE shop.wallet (id int PRIMARY KEY, balance bigint DEFAULT 0, minimum bigint);
SELECT paysafe.protect_status('shop.payment', 'status', E'[*] --> new\nnew --> paid\npaid --> done', '{paid}'),
	   paysafe.protect_payment('shop.payment', 'status', 'amount', 'captured', 'currency', '{paid}'),
	   paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}'),
	   paysafe.protect_ledger('shop.entry', 'txn', 'account', 'amount', 'currency'),
	   paysafe.protect_balance('shop.wallet', 'id', 'balance', 'shop.entry', 'minimum'),
	   paysafe.set_refund_threshold('shop.refund', 'USD', 50000), paysafe.set_refund_threshold('shop.refund', 'JPY', 700),
	   paysafe.set_currency('BTC', 8);

-- each number of decimals
SELECT is(paysafe.spoken_amount('shop.refund', amount, currency), words, words) FROM (VALUES
	(90000, 'USD', '900.00 USD'), (5, 'USD', '0.05 USD'), (50, 'USD', '0.50 USD'), (100, 'USD', '1.00 USD'), (0, 'USD', '0.00 USD'), (-5, 'USD', '-0.05 USD'),
	(-12345, 'USD', '-123.45 USD'), (700, 'JPY', '700 JPY'), (0, 'JPY', '0 JPY'), (1234, 'BHD', '1.234 BHD'), (7, 'CLF', '0.0007 CLF'),
	(90000, 'usd', '900.00 usd'), (123456789012345678901, 'BTC', '1234567890123.45678901 BTC'), (90000, 'XYZ', '90000 XYZ'),
	(1.5, 'USD', '1.5 USD'), ('NaN', 'USD', 'NaN USD')) v (amount, currency, words);
-- of a table in major units, or of none, the amount is the amount
CREATE TABLE shop.major (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
SELECT is(paysafe.spoken_amount('shop.major', 900.50, 'USD'), '900.50 USD', 'no table of refunds');
SELECT is(paysafe.spoken_amount(999999999, 90000, 'USD'), '90000 USD', 'no table');

INSERT INTO shop.payment VALUES (1, 'new', 100000, 0, 'USD'), (2, 'new', 1000, 0, 'JPY');
SELECT is(pg_temp.refusal_text('INSERT INTO shop.payment VALUES (3, ''new'', -5, 0, ''USD'')', 'DETAIL'), 'Payment "3": amount -0.05 USD: it is negative.', 'payment');
SELECT is(pg_temp.refusal_text('UPDATE shop.payment SET status = ''paid'', captured = 100001 WHERE id = 1', 'DETAIL'), 'Payment "1": captured amount 1000.01 USD is more than the amount 1000.00 USD.', 'captured');
UPDATE shop.payment SET status = 'paid', captured = amount;
SELECT is(pg_temp.refusal_text('UPDATE shop.payment SET captured = 90000 WHERE id = 1', 'DETAIL'), 'Payment "1": it would change from 1000.00 USD to 900.00 USD in status "paid".', 'a change of it');
SELECT is(pg_temp.refusal_text('DELETE FROM shop.payment WHERE id = 2', 'DETAIL'), 'Payment "2": 1000 JPY is captured.', 'without decimals');
SELECT is(pg_temp.refusal_text('INSERT INTO shop.refund VALUES (1, 1, 100001, ''USD'', ''asked'')', 'DETAIL'), 'With refund "1" of 1000.01 USD they total 1000.01 USD; captured is 1000.00 USD.', 'more than captured');
SELECT is(pg_temp.refusal_text('INSERT INTO shop.refund VALUES (1, 1, -1, ''USD'', ''asked'')', 'DETAIL'), 'Refund "1": amount -0.01 USD: it is negative.', 'no refund');
SELECT paysafe.act_as('alice');
INSERT INTO shop.refund VALUES (1, 1, 90000, 'USD', 'asked'), (2, 2, 800, 'JPY', 'asked');
SELECT is(pg_temp.refusal_text('UPDATE shop.refund SET status = ''sent'' WHERE id = 1', 'MESSAGE'), 'refund "1" of 900.00 USD needs the approval of a second person', 'the gate');
SELECT alike(pg_temp.refusal_text('UPDATE shop.refund SET status = ''sent'' WHERE id = 1', 'DETAIL'), '%would total 900.00 USD; the threshold is 500.00 USD.%', 'and its threshold');
SELECT is((SELECT string_agg(money || ' ' || amount, ', ' ORDER BY key) FROM paysafe.pending_approval WHERE relation = 'shop.refund'::regclass), '900.00 USD 90000, 800 JPY 800', 'what waits');
SELECT is((SELECT string_agg(substr(definition, 1, 40), '; ' ORDER BY rule) FROM paysafe.protection WHERE rule LIKE 'threshold%' AND relation = 'shop.refund'::regclass),
	'refunds of a payment above 700 JPY withi; refunds of a payment above 500.00 USD wi', 'thresholds in force');
SELECT is(pg_temp.refusal_text('SELECT paysafe.set_refund_threshold(''shop.refund'', ''USD'', 60000)', 'DETAIL'), 'The change raises the threshold from 500.00 USD to 600.00 USD.', 'and their changes');
-- books
INSERT INTO shop.wallet VALUES (1, 0, 0), (2, 0, NULL);
SELECT is(pg_temp.refusal_text('INSERT INTO shop.entry VALUES (1, 1, 1, 0, ''EUR'')', 'DETAIL'), 'Row "1": amount 0.00 EUR: it is zero.', 'an entry');
INSERT INTO shop.entry VALUES (1, 1, 1, 500, 'EUR'), (2, 1, 2, -500, 'EUR');
SELECT is(pg_temp.refusal_text('INSERT INTO shop.entry VALUES (3, 2, 1, -501, ''EUR''), (4, 2, 2, 501, ''EUR'')', 'DETAIL'), 'It has 5.00 EUR and 0.00 EUR reserved, its minimum is 0.00 EUR, and the statement takes 5.01 EUR.', 'a minimum');
SELECT is(pg_temp.refusal_text('UPDATE shop.wallet SET balance = 7 WHERE id = 1', 'DETAIL'), 'It would change from 5.00 EUR to 0.07 EUR without an entry.', 'a balance');
SELECT is(pg_temp.refusal_text('SELECT paysafe.reserve(''shop.wallet'', ''1'', 501)', 'MESSAGE'), 'account "1" in table "wallet" has too little to reserve 5.01 EUR', 'a reservation');
SELECT is((SELECT string_agg(subject || ' ' || (detail IS NULL), ',' ORDER BY subject) FROM paysafe.check() WHERE check_name = 'lookups'), 'shop.entry true,shop.payment true,shop.refund true', 'what is looked up has an index');
DROP INDEX shop.entry_txn_idx;
SELECT is((SELECT detail FROM paysafe.check() WHERE check_name = 'lookups' AND subject = 'shop.entry'), 'each change that looks its rows up reads more than it needs: CREATE INDEX ON shop.entry (txn);', 'or check() names it');
SELECT * FROM finish();
ROLLBACK;
