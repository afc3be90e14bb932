-- Rows that were there before a rule: left for later, looked at, accepted as they are.
BEGIN;
SELECT plan(57);
\ir lib/refusal.psql
\ir lib/approved.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_paysafe_owner;
GRANT USAGE ON SCHEMA shop TO regress_paysafe_owner;
CREATE TABLE shop.payment (id int PRIMARY KEY, status text, amount numeric, captured numeric, currency text, note text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON shop.refund (payment);
CREATE TABLE shop.entry (id int PRIMARY KEY, txn int, account int, amount bigint, currency text);
CREATE INDEX ON shop.entry (txn);
CREATE TABLE shop.wallet (id int PRIMARY KEY, balance bigint, minimum bigint);
CREATE TABLE shop.part (id int, region text, status text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.part_eu PARTITION OF shop.part FOR VALUES IN ('eu');
CREATE TABLE shop.part_us PARTITION OF shop.part FOR VALUES IN ('us');
CREATE TABLE shop.parent (id int PRIMARY KEY, status text);
CREATE TABLE shop.child (PRIMARY KEY (id)) INHERITS (shop.parent);
INSERT INTO shop.payment VALUES (1, 'paid', 100, 100, 'EUR'), (2, 'paid', 100, 150, 'EUR'), (3, 'PAID', 100, 100, 'EUR'), (4, 'new', 1.005, NULL, 'EUR');
INSERT INTO shop.refund VALUES (1, 1, 60, 'EUR', 'sent'), (2, 1, 60, 'EUR', 'sent'), (3, 3, 5, 'USD', 'asked'), (4, 3, NULL, 'EUR', 'asked');
INSERT INTO shop.entry VALUES (1, 1, 1, 5, 'EUR'), (2, 1, 2, -4, 'EUR'), (3, 2, 1, 0, 'EUR');
INSERT INTO shop.wallet VALUES (1, 7, 0);
INSERT INTO shop.part VALUES (1, 'eu', 'new'), (2, 'us', 'lost');
INSERT INTO shop.parent VALUES (1, 'lost');
INSERT INTO shop.child VALUES (2, 'lost'), (3, 'new');

-- arguments
SELECT is(pg_temp.refusal('SELECT paysafe.' || call), answer, call) FROM (VALUES
	('validate_rows(NULL)', '22004'),
	('validate_rows(''shop.payment'', ''status'')', '22023'),
	('accept_rows(NULL, ''status'', ''x'')', '22004'),
	('accept_rows(''shop.payment'', NULL, ''x'')', '22004'),
	('accept_rows(''shop.payment'', ''status'', NULL)', '22004'),
	('accept_rows(''shop.payment'', ''status'', ''x'')', '22023'),
	('validate_rows(''shop.payment'')', 'accepted'),
	('validate_rows(999999999::oid)', '42P01'),
	('declaration_cost(999999999::oid)', '42P01')) c (call, answer);
SELECT is(pg_temp.refusal('SELECT paysafe.' || call, 'regress_paysafe_owner'), '42501', 'not the owner: ' || call) FROM (VALUES
	('validate_rows(''shop.payment'')'), ('accept_rows(''shop.payment'', ''status'', ''x'')'), ('declaration_cost(''shop.payment'')')) c (call);
SELECT is((SELECT string_agg(c.relation || ' ' || c.rows, ',' ORDER BY c.relation::text) FROM paysafe.declaration_cost('shop.part') c), 'shop.part_eu 1,shop.part_us 1', 'a partitioned table costs what its partitions do');

-- in a savepoint that is rolled back, it has not been said
SAVEPOINT said;
SELECT paysafe.defer_validation();
ROLLBACK TO said;
SELECT is(pg_temp.refusal('SELECT paysafe.protect_status(''shop.payment'', ''status'', E''[*] --> new\nnew --> paid'')'), '23514 shop.payment paysafe_payment_status', 'without it, rows are looked at');
SAVEPOINT said;
SELECT paysafe.defer_validation();
RELEASE said;

\set declarations '(VALUES (''shop.payment'', ''status'', ''SELECT paysafe.protect_status(''''shop.payment'''', ''''status'''', E''''[*] --> new\\nnew --> paid'''')''), (''shop.payment'', ''payment'', ''SELECT paysafe.protect_payment(''''shop.payment'''', ''''status'''', ''''amount'''', ''''captured'''', ''''currency'''', ''''{paid}'''')''), (''shop.refund'', ''refund'', ''SELECT paysafe.protect_refund(''''shop.refund'''', ''''shop.payment'''', ''''payment'''', ''''amount'''', ''''currency'''', ''''status'''', ''''{sent}'''', ''''{void}'''')''), (''shop.entry'', ''ledger'', ''SELECT paysafe.protect_ledger(''''shop.entry'''', ''''txn'''', ''''account'''', ''''amount'''', ''''currency'''')''), (''shop.part'', ''status'', ''SELECT paysafe.protect_status(''''shop.part'''', ''''status'''', E''''[*] --> new'''')''), (''shop.parent'', ''status'', ''SELECT paysafe.protect_status(''''shop.parent'''', ''''status'''', E''''[*] --> new'''')'')) d (relation, rule, declaration)'
SELECT is(pg_temp.refusal(declaration), 'accepted', 'left for later: ' || relation || ' ' || rule) FROM :declarations;
SELECT is((SELECT string_agg(subject || ' ' || ok, ',' ORDER BY subject) FROM paysafe.check() WHERE check_name = 'validated'),
	'shop.entry false,shop.parent false,shop.part false,shop.payment false,shop.payment false,shop.refund false', 'check() says so');
SELECT is((SELECT count(*) FROM paysafe.rule WHERE relation = 'shop.part'::regclass), 1::bigint, 'one version');
SELECT is(pg_temp.refusal('SELECT paysafe.protect_status(''shop.part'', ''status'', E''[*] --> new'')'), 'accepted', 'said again');
SELECT is((SELECT count(*) FROM paysafe.rule WHERE relation = 'shop.part'::regclass), 1::bigint, 'it is the same');
-- what cannot wait
SELECT is(pg_temp.refusal('SELECT paysafe.protect_balance(''shop.wallet'', ''id'', ''balance'', ''shop.entry'')'), '23514 shop.wallet paysafe_wallet_balance', 'balances are computed from the entries');
-- loosening is loosening
SELECT is(pg_temp.refusal('SELECT paysafe.protect_status(''shop.part'', ''status'', E''[*] --> new\nnew --> paid'')'), '42501 shop.part paysafe_part_status', 'it opens no way');

-- what comes is judged
SELECT is(pg_temp.refusal(command), answer, command) FROM (VALUES
	('INSERT INTO shop.payment VALUES (9, ''PAID'', 1, 1, ''EUR'')', '23T04 shop.payment.status paysafe_payment_status'),
	('INSERT INTO shop.refund VALUES (9, 1, 1, ''EUR'', ''asked'')', '23R01 shop.refund.amount paysafe_refund_refund'),
	('INSERT INTO shop.part VALUES (9, ''eu'', ''lost'')', '23T04 shop.part.status paysafe_part_status'),
	('INSERT INTO shop.child VALUES (9, ''lost'')', '23T04 shop.parent.status paysafe_parent_status'),
	('UPDATE shop.part SET status = ''new'' WHERE id = 2', '23T01 shop.part.status paysafe_part_status')) c (command, answer);

-- and what was there is named
SELECT is(pg_temp.refusal(format('SELECT paysafe.validate_rows(%L, %L)', relation, rule)), format('23514 %s paysafe_%s_%s', relation, split_part(relation, '.', 2), rule), 'named: ' || relation || ' ' || rule) FROM :declarations;
SELECT is(pg_temp.refusal('SELECT paysafe.accept_rows(''shop.part'', ''status'', ''old'')'), '42501 shop.part paysafe_part_status', 'accepting takes two');
SELECT pg_temp.approved(format('SELECT paysafe.accept_rows(%L, %L, ''old'')', relation, rule)) FROM :declarations;
SELECT is((SELECT string_agg(fault, E'\n' ORDER BY relation::text, rule, fault COLLATE "C") FROM paysafe.accepted WHERE by = 'dba' AND approved_by = 'boss'),
$$Row "3": amount 0.00 EUR: it is zero.
Transaction "1": its entries in EUR sum to 0.01 EUR instead of zero.
Row "1": status "lost" is not a state of the machine.
Row "2": status "lost" is not a state of the machine.
Row "2": status "lost" is not a state of the machine.
Row "2": captured amount 150 is more than the amount 100.
Row "4": amount 1.005: EUR has 2 decimals, the amount 3.
Row "3": status "PAID" is not a state of the machine.
Payment "1": refunds of this payment total 120, captured is 100.
Payment "3": payment and refunds have different currencies.
Row "4": the amount is missing.$$, 'each by itself, by two people');
SELECT is(pg_temp.refusal(format('SELECT paysafe.validate_rows(%L)', relation)), 'accepted', 'looked at: ' || relation) FROM (SELECT DISTINCT relation FROM :declarations) d;
SELECT is((SELECT count(*) FROM paysafe.check() WHERE check_name = 'validated'), 0::bigint, 'nothing is left for later');
SELECT is((SELECT string_agg(subject || ' ' || ok || ' ' || substr(detail, 1, 6), ',' ORDER BY subject, detail) FROM paysafe.check() WHERE check_name = 'accepted'),
	'shop.entry true 2 rows,shop.parent true 2 rows,shop.part true 1 rows,shop.payment true 1 rows,shop.payment true 2 rows,shop.refund true 3 rows', 'what was accepted stays in sight');

-- accepted rows: as they are, or right
SELECT paysafe.act_as(NULL);
SELECT is(pg_temp.refusal(command), answer, command) FROM (VALUES
	('UPDATE shop.payment SET note = ''a''', 'accepted'),
	('UPDATE shop.payment SET captured = 140 WHERE id = 2', '23R05 shop.payment.captured paysafe_payment_payment'),
	('UPDATE shop.payment SET amount = 1 WHERE id = 4', 'accepted'),
	('UPDATE shop.part SET region = ''eu'' WHERE id = 2', 'accepted'),
	('UPDATE shop.part SET status = ''new'' WHERE id = 2', 'accepted')) c (command, answer);

-- where there is nothing to look at, that is no answer like that of rows that are right
CREATE TABLE shop.bare (id int PRIMARY KEY);
SELECT is(left(pg_temp.refusal(command), 5), '22023', command) FROM (VALUES
	('SELECT paysafe.validate_rows(''shop.part_eu'')'),
	('SELECT paysafe.validate_rows(''shop.part_eu'', ''status'')'),
	('SELECT paysafe.validate_rows(''shop.part'', ''ledger'')')) c (command);
SELECT is(paysafe.validate_rows('shop.bare'), 0::bigint, 'no rule, no row');
SELECT is(pg_temp.refusal_text('SELECT paysafe.validate_rows(''shop.part_eu'')', 'HINT'), 'It has those of "shop.part": call it for that.', 'the way out for a partition');
SELECT is(pg_temp.refusal('SELECT paysafe.validate_rows(''shop.part'')'), 'accepted', 'which is it');
SELECT * FROM finish();
ROLLBACK;
