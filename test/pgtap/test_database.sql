-- Test databases: who may declare one and when; what TRUNCATE leaves behind.
BEGIN;
SELECT plan(41);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_paysafe_owner;
GRANT USAGE, CREATE ON SCHEMA shop TO regress_paysafe_owner;
GRANT USAGE ON SCHEMA paysafe TO regress_paysafe_owner;
GRANT EXECUTE ON FUNCTION paysafe.declare_test_database() TO regress_paysafe_owner;
CREATE TABLE shop.wallet (id int PRIMARY KEY, balance bigint, minimum bigint);
CREATE TABLE shop.entry (id int PRIMARY KEY, txn int, wallet int, amount bigint, currency text);
CREATE INDEX ON shop.entry (txn);
ALTER TABLE shop.wallet OWNER TO regress_paysafe_owner;
ALTER TABLE shop.entry OWNER TO regress_paysafe_owner;
SELECT paysafe.protect_ledger('shop.entry', 'txn', 'wallet', 'amount', 'currency');
SELECT paysafe.protect_balance('shop.wallet', 'id', 'balance', 'shop.entry', 'minimum');
\set use 'INSERT INTO shop.wallet VALUES (1, 0, 0), (2, NULL, NULL); INSERT INTO shop.entry VALUES (1, 1, 1, 5, ''EUR''), (2, 1, 2, -5, ''EUR''); SELECT paysafe.reserve(''shop.wallet'', ''1'', 5)'

-- what is refused takes the rows before it back
SELECT is(pg_temp.refusal(:'use' || '; TRUNCATE shop.entry'), '23L01 shop.entry paysafe_entry_ledger', 'in no test database');
SELECT is(pg_temp.refusal(:'use' || '; SELECT paysafe.declare_test_database()'), '42501', 'none while a protected table has rows');
SELECT is(pg_temp.refusal('INSERT INTO paysafe.test_database SELECT oid, datname, now(), ''x'', ''x'' FROM pg_database WHERE datname = current_database()'),
		  '42501 paysafe.test_database paysafe_test_database_own_table', 'nor by SQL');
SELECT is(pg_temp.refusal('SELECT paysafe.declare_test_database()', 'regress_paysafe_owner'), '42501', 'superusers only');
SELECT lives_ok('SELECT paysafe.declare_test_database(), paysafe.declare_test_database()', 'declared, once or twice');
SELECT is((SELECT count(*) FROM paysafe.audit_log WHERE table_name = 'test_database'), 1::bigint, 'on record');
SELECT lives_ok(:'use', 'accounts move');
SELECT is(pg_temp.refusal('UPDATE shop.wallet SET balance = 7'), '23M02 shop.wallet.balance paysafe_wallet_balance', 'rows are judged as ever');
SELECT is(pg_temp.refusal('TRUNCATE shop.entry', 'regress_paysafe_owner'), '55000', 'not entries without the accounts that they have moved');
SELECT is(pg_temp.refusal('TRUNCATE shop.entry, shop.wallet', 'regress_paysafe_owner'), 'accepted', 'TRUNCATE empties');
SELECT lives_ok(:'use', 'and the same accounts begin anew');
SELECT results_eq('SELECT id, paysafe.balance(id::text) FROM shop.wallet ORDER BY id', 'VALUES (1, 5::numeric), (2, -5)', 'with nothing of what was');

CREATE TABLE shop.often (id int PRIMARY KEY, who int);
CREATE TABLE shop.seldom (id int PRIMARY KEY, who int);
SELECT paysafe.protect_velocity('shop.often', 'who', 1, '1 day', mode => 'refuse'), paysafe.protect_velocity('shop.seldom', 'who', 1, '1 day', mode => 'refuse');
INSERT INTO shop.often VALUES (1, 7);
INSERT INTO shop.seldom VALUES (1, 7);
TRUNCATE shop.often;
SELECT is(pg_temp.refusal('INSERT INTO shop.often VALUES (1, 7)'), 'accepted', 'nor of what had counted');
SELECT is(pg_temp.refusal('INSERT INTO shop.seldom VALUES (2, 7)'), '23V01 shop.seldom.who paysafe_seldom_velocity', 'in another table it has');

-- nobody depends on its rules
\set less 'SELECT paysafe.protect_columns(''shop.wallet'', ''{id}'')'
SELECT is((SELECT NOT ok AND detail LIKE '%without a second person%' FROM paysafe.check() WHERE check_name = 'test_database'), true, 'which check() says');
SELECT lives_ok('SELECT paysafe.protect_columns(''shop.wallet'', ''{id,minimum}'')', 'a rule');
SELECT is(pg_temp.refusal(:'less', 'regress_paysafe_owner'), 'accepted', 'is loosened by one person');
SELECT is(pg_temp.refusal('SELECT paysafe.unprotect(''shop.wallet'', ''columns'', ''no use'')', 'regress_paysafe_owner'), 'accepted', 'and dropped');
SELECT paysafe.protect_columns('shop.wallet', '{id,minimum}'), paysafe.act_as('ann'), paysafe.propose('why');
SELECT lives_ok(:'less', 'who proposes');
SELECT paysafe.propose(NULL);
SELECT is((SELECT count(*) FROM paysafe.pending_change), 1::bigint, 'proposes');

-- fixtures
CREATE TABLE shop.task (id int PRIMARY KEY, status text);
SELECT paysafe.protect_status('shop.task', 'status', E'[*] --> new\nnew --> done'), paysafe.audit('shop.task', require_reason => true);
\set late 'INSERT INTO shop.task VALUES (1, ''done'')'
SELECT matches(pg_temp.refusal(:'late'), '^23T02', 'no row in the middle of its life');
SELECT is(pg_temp.refusal('SELECT paysafe.begin_fixtures('' '')'), '22023', 'a block has a reason');
SAVEPOINT fixtures;
SELECT lives_ok('SELECT paysafe.begin_fixtures(''orders of last year'')', 'and begins');
SELECT lives_ok(:'late', 'where every row passes');
SELECT lives_ok('INSERT INTO shop.entry VALUES (91, 91, 1, 5, ''EUR'')', 'unbalanced, too');
SELECT is(pg_temp.refusal('UPDATE shop.wallet SET balance = 99 WHERE id = 1'), '23M02 shop.wallet.balance paysafe_wallet_balance', 'but balances are computed');
SELECT is(pg_temp.refusal('UPDATE shop.entry SET amount = 6 WHERE id = 91'), '23M02 shop.entry paysafe_entry_balance', '... from entries, which stay');
SELECT is(pg_temp.refusal('DELETE FROM shop.entry WHERE id = 91'), '23M02 shop.entry paysafe_entry_balance', '... are not deleted');
SELECT is(pg_temp.refusal('INSERT INTO shop.entry VALUES (92, 92, NULL, 5, ''EUR'')'), '23M02 shop.entry paysafe_entry_balance', '... and are entries');
SELECT is((SELECT count(*) FROM paysafe.audit_log WHERE table_name = 'task' AND op = 'INSERT'), 1::bigint, 'recorded like others');
SELECT is((SELECT string_agg(reason, ',') FROM paysafe.fixture_block), 'orders of last year', 'the block is on record');
ROLLBACK TO fixtures;
SELECT matches(pg_temp.refusal(:'late'), '^23T02', 'it ends with what began it');
SELECT is((SELECT count(*) FROM paysafe.fixture_block), 0::bigint, 'and so does its record');
SELECT paysafe.begin_fixtures('orders of last year');
SAVEPOINT fixtures;
SELECT lives_ok('SELECT paysafe.end_fixtures()', 'or by itself');
SELECT matches(pg_temp.refusal(:'late'), '^23T02', 'and what follows is judged');
ROLLBACK TO fixtures;
SELECT matches(pg_temp.refusal(:'late'), '^23T02', 'also when that is rolled back');
SELECT paysafe.begin_fixtures('and of the year before');
SELECT lives_ok(:'late', 'until the next block');
SELECT paysafe.end_fixtures(), paysafe.end_fixtures();
SELECT matches(pg_temp.refusal('UPDATE shop.task SET status = ''new'''), '^23T01', 'what it has added is judged from where it is');
-- reservations whose rule was dropped wait for it; declared again, if only to observe, it lets them go
CREATE SCHEMA till;
CREATE TABLE till.wallet (id int PRIMARY KEY, balance numeric NOT NULL DEFAULT 0, minimum numeric, currency text);
CREATE TABLE till.entry (id int PRIMARY KEY, tx int, account int, amount numeric, currency text);
CREATE INDEX ON till.entry (tx);
CREATE INDEX ON till.entry (account);
SELECT paysafe.protect_ledger('till.entry', 'tx', 'account', 'amount', 'currency'), paysafe.protect_balance('till.wallet', 'id', 'balance', 'till.entry', 'minimum', 'currency');
INSERT INTO till.wallet VALUES (1, 0, 0, 'EUR'), (2, 0, NULL, 'EUR');
INSERT INTO till.entry VALUES (1, 1, 1, 100, 'EUR'), (2, 1, 2, -100, 'EUR');
SELECT paysafe.reserve('till.wallet', '1', 40) AS held \gset
SELECT paysafe.unprotect('till.wallet', 'balance', 'over');
SELECT is(pg_temp.refusal(format('SELECT paysafe.void_reservation(%s)', :held)), '22023', 'no rule, no account of it');
SELECT paysafe.protect_balance('till.wallet', 'id', 'balance', 'till.entry', 'minimum', 'currency', mode => 'observe');
SELECT is(pg_temp.refusal(format('SELECT paysafe.void_reservation(%s)', :held)), 'accepted', 'the rule is there again');
SELECT is(pg_temp.refusal(format('SELECT paysafe.void_reservation(%s)', :held)), '23M05 till.wallet paysafe_wallet_balance', '... once');
SELECT * FROM finish();
ROLLBACK;
