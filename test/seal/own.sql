-- A row of every own table of which the log has images, but of those that take a key
-- file or a signing device.  With "test": in a test database, where nothing takes two people.
CREATE EXTENSION paysafe;
CREATE SCHEMA shop;
SELECT paysafe.declare_test_database() WHERE :test;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON shop.refund (payment);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 50), paysafe.set_refund_threshold('shop.refund', 'USD', 70);
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 40);
SELECT paysafe.audit('shop.refund');
INSERT INTO shop.payment VALUES (1, 100, 'EUR');
BEGIN; SELECT paysafe.act_as('clerk'); INSERT INTO shop.refund VALUES (1, 1, 60, 'EUR', 'requested'); COMMIT;
BEGIN; SELECT paysafe.act_as('boss'), paysafe.approve('shop.refund', '1', 'x'); COMMIT;
BEGIN; SELECT paysafe.act_as('clerk'); UPDATE shop.refund SET status = 'sent'; COMMIT;
BEGIN; SELECT paysafe.act_as('clerk'), paysafe.request_refund('shop.refund', '1', 10, 'EUR', 'x'); COMMIT;
CREATE TABLE shop.task (id int PRIMARY KEY, status text);
SELECT paysafe.protect_status('shop.task', 'status', E'[*] --> new\nnew --> done\ndone --> new', recorded => '{done}');
BEGIN; SELECT paysafe.act_as('clerk'); INSERT INTO shop.task VALUES (2, 'done'); COMMIT;
BEGIN; SELECT paysafe.act_as('boss'), paysafe.settle_breach(max(id), 'x') FROM paysafe.breach; COMMIT;
BEGIN; SELECT paysafe.act_as('clerk'), paysafe.propose('x'), paysafe.set_refund_threshold('shop.refund', 'EUR', 60), paysafe.propose(NULL); COMMIT;
CREATE TABLE shop.entry (id int PRIMARY KEY, txn int, account int, amount numeric, currency text, day date);
CREATE INDEX ON shop.entry (txn);
SELECT paysafe.protect_ledger('shop.entry', 'txn', 'account', 'amount', 'currency', posting_date_column => 'day'), paysafe.close_period('shop.entry', '2026-01-31');
SELECT paysafe.hold('x', 'shop.refund'), paysafe.hold('y', 'shop.refund');
SELECT paysafe.set_currency('XBT', 8);
SELECT paysafe.bootstrap_people('a', '{}', 'b', '{}', 'x');
\if :test
CREATE TABLE shop.old (id int PRIMARY KEY, status text);
INSERT INTO shop.old VALUES (1, 'lost'), (2, 'lost');
SELECT paysafe.protect_status('shop.old', 'status', '[*] --> new', mode => 'observe');
SELECT paysafe.accept_rows('shop.old', 'status', 'x');
SELECT paysafe.set_retention('10 years', 'x'), paysafe.release_hold(1, 'x');
BEGIN; SELECT paysafe.act_as('a'), paysafe.approve('paysafe.maintenance_record', format('maintenance of shop.entry by %L for 60 s: T-1, x', session_user), 'x'); COMMIT;
BEGIN; SELECT paysafe.act_as('b'), paysafe.open_maintenance('x', 'T-1', '1 minute', '{shop.entry}'); COMMIT;
BEGIN; SELECT paysafe.act_as('b'), paysafe.close_maintenance(); COMMIT;
SELECT paysafe.begin_fixtures('x');
SELECT paysafe.set_token_issuer('https://id', '{shop}', 'x');
SELECT paysafe.disable_person('b', 'x'), paysafe.add_to_group('b', 'auditor', 'x');
SELECT paysafe.enable_person('b', 'x'), paysafe.require_registered(true, 'x');
\endif
