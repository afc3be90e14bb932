-- A shop with every kind of rule, in the middle of its work.
\set ON_ERROR_STOP on
CREATE SCHEMA shop;
CREATE TYPE shop.money_state AS ENUM ('created', 'authorized', 'captured', 'refunded');
CREATE DOMAIN shop.note AS text;
CREATE TABLE shop.payment (
	id bigint PRIMARY KEY,
	status shop.money_state NOT NULL DEFAULT 'created',
	amount numeric(12,2) NOT NULL,
	captured numeric(12,2),
	currency char(3) NOT NULL DEFAULT 'USD',
	card text,
	fee float8 DEFAULT 0.1,
	tags text[] DEFAULT '{new,"a \"quoted\" one"}',
	note shop.note DEFAULT 'über',
	paid_on date DEFAULT '2026-02-28',
	raw bytea DEFAULT '\x00ff',
	gone int DEFAULT 7
);
CREATE TABLE shop.refund (
	id bigint,
	region text,
	payment_id bigint NOT NULL REFERENCES shop.payment,
	amount numeric(12,2) NOT NULL,
	currency char(3) NOT NULL DEFAULT 'USD',
	status text NOT NULL DEFAULT 'requested',
	PRIMARY KEY (id, region)
) PARTITION BY LIST (region);
CREATE TABLE shop.refund_eu PARTITION OF shop.refund FOR VALUES IN ('eu');
CREATE TABLE shop.refund_us PARTITION OF shop.refund FOR VALUES IN ('us');
CREATE INDEX ON shop.refund (payment_id);
CREATE TABLE shop.entry (id bigint PRIMARY KEY, account text, amount numeric(12,2));
CREATE TABLE shop.entry_archive () INHERITS (shop.entry);
CREATE TABLE shop.journal (id bigint PRIMARY KEY, txn text, account text, amount numeric(12,2), currency text, day date);
CREATE INDEX ON shop.journal (txn);
CREATE TABLE shop.account (code text PRIMARY KEY, balance numeric(12,2), minimum numeric(12,2));
CREATE TABLE shop.order_payment (tenant text, id int, captured numeric(12,2), currency text, PRIMARY KEY (tenant, id));
CREATE TABLE shop.order_refund (no int PRIMARY KEY, tenant text, payment int, amount numeric(12,2), currency text, status text);
CREATE INDEX ON shop.order_refund (tenant, payment);
CREATE TABLE shop.book (id int PRIMARY KEY, tenant text, txn int, account text, amount numeric(12,2), currency text);
CREATE INDEX ON shop.book (tenant, txn);
CREATE TABLE shop.purse (tenant text, code text, balance numeric(12,2) DEFAULT 0, minimum numeric(12,2), PRIMARY KEY (tenant, code));
CREATE TABLE shop.token (id int PRIMARY KEY, value text, owner text);
CREATE TABLE shop.legacy (id int PRIMARY KEY, status text);
CREATE TABLE shop.passing (id int PRIMARY KEY, what shop.note);
CREATE TABLE shop.lease (id int, tenant text NOT NULL, year int, PRIMARY KEY (id, year)) PARTITION BY LIST (year);
CREATE TABLE shop.lease_2026 PARTITION OF shop.lease FOR VALUES IN (2026);
SELECT paysafe.protect_tenant('shop.lease', 'tenant', 2);
SELECT paysafe.audit('shop.lease');
CREATE TABLE shop.job (id int PRIMARY KEY, owner text COLLATE "C", every interval, body json CHECK (paysafe.json_valid('{"type": "object"}', body)));
CREATE INDEX ON shop.job (owner);
SELECT paysafe.protect_schedule('shop.job', 'owner', '{"default": {"least": "1 hour", "rows": 2}}', interval_column => 'every');
SELECT paysafe.protect_payload('shop.job', 'body', '{"maxProperties": 1, "properties": {"n": {"multipleOf": 0.01}}}');
INSERT INTO shop.job VALUES (1, 'ann', '1 day', '{"n": 0.07}'), (2, 'ann', '1 hour', NULL);

SELECT paysafe.set_currency('PTS', 0);
SELECT paysafe.protect_status('shop.payment', 'status', '[*] --> created
	created --> authorized
	authorized --> captured
	captured --> refunded');
SELECT paysafe.protect_payment('shop.payment', 'status', 'amount', 'captured', 'currency', '{captured}');
SELECT paysafe.protect_status('shop.refund', 'status', '[*] --> requested
	requested --> approved
	requested --> rejected
	approved --> paid');
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment_id', 'amount', 'currency', 'status',
	'{approved,paid}', '{rejected}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 500), paysafe.set_refund_threshold('shop.refund', 'USD', 100000, band => 'person', per => 'requester');
CREATE TABLE shop.dispute (id bigint PRIMARY KEY, payment_id bigint NOT NULL, amount numeric(12,2), currency char(3) DEFAULT 'USD', status text);
CREATE INDEX ON shop.dispute (payment_id);
SELECT paysafe.protect_status('shop.dispute', 'status', '[*] --> sent
	[*] --> lost
	sent --> won');
SELECT paysafe.protect_refund('shop.dispute', 'shop.payment', 'payment_id', 'amount', 'currency', 'status',
	'{sent,lost}', '{won}', 'captured', 'currency', recorded => '{lost}');
SELECT paysafe.set_refund_threshold('shop.dispute', 'USD', 1);
SELECT paysafe.protect_append_only('shop.entry');
SELECT paysafe.protect_ledger('shop.journal', 'txn', 'account', 'amount', 'currency', posting_date_column => 'day');
SELECT paysafe.protect_balance('shop.account', 'code', 'balance', 'shop.journal', 'minimum');
INSERT INTO shop.account VALUES ('cash', 0, 0), ('sales', NULL, NULL);
INSERT INTO shop.journal VALUES (1, 't1', 'cash', 5, 'USD', '2026-05-31'), (2, 't1', 'sales', -5, 'USD', '2026-05-31');
BEGIN;
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('paysafe.rule', 'period of shop.journal, version 1: {"until": "2026-05-31", "time_zone": "UTC"}', 'agreed');
SELECT paysafe.act_as('alice');
SELECT paysafe.close_period('shop.journal', '2026-05-31');
COMMIT;
SELECT paysafe.reserve('shop.account', 'cash', 4, '10 years', 'order 1', 'sales');
BEGIN;
SELECT paysafe.post_reservation(1, 1, false, 'part 1');
INSERT INTO shop.journal VALUES (101, 't0', 'cash', -1, 'USD', '2026-06-01'), (102, 't0', 'sales', 1, 'USD', '2026-06-01');
COMMIT;
SELECT paysafe.protect_status('shop.order_refund', 'status', '[*] --> requested
	requested --> paid');
SELECT paysafe.protect_columns('shop.order_payment', '{captured}');
SELECT paysafe.protect_refund('shop.order_refund', 'shop.order_payment', '{tenant,payment}', 'amount', 'currency', 'status',
	'{paid}', '{}', 'captured', 'currency', payment_key => '{tenant,id}');
SELECT paysafe.set_refund_threshold('shop.order_refund', 'USD', 50);
SELECT paysafe.set_refund_threshold('shop.order_refund', 'USD', 5000, 2, requester_identity => 'proven', approver_group => 'finance', band => 'large');
SELECT paysafe.protect_ledger('shop.book', '{tenant,txn}', '{tenant,account}', 'amount', 'currency');
SELECT paysafe.protect_balance('shop.purse', '{tenant,code}', 'balance', 'shop.book', 'minimum');
INSERT INTO shop.order_payment VALUES ('a,b', 1, 100, 'USD'), ('c', 1, 10, 'USD');
INSERT INTO shop.order_refund VALUES (1, 'a,b', 1, 60, 'USD', 'requested');
INSERT INTO shop.purse VALUES ('a', 'cash', 0, 0), ('a', 'sales', NULL, NULL), ('b', 'cash', 0, 0);
INSERT INTO shop.book VALUES (1, 'a', 1, 'cash', 5, 'USD'), (2, 'a', 1, 'sales', -5, 'USD');
SELECT paysafe.reserve('shop.purse', 'a,cash', 4, '10 years');
-- transfers with both accounts in one row, and balances that the application writes
CREATE TABLE shop.held (code text PRIMARY KEY, balance int NOT NULL DEFAULT 0, minimum int);
CREATE TABLE shop.transfer (id int PRIMARY KEY, source text, target text, amount int);
SELECT paysafe.protect_entries('shop.transfer', 'target', 'amount', currency => 'USD', credit_account_column => 'source');
SELECT paysafe.protect_balance('shop.held', 'code', 'balance', 'shop.transfer', 'minimum', kept_by => 'application');
BEGIN;
INSERT INTO shop.held VALUES ('a', 5, 0), ('world', -5, NULL);
INSERT INTO shop.transfer VALUES (1, 'world', 'a', 5);
COMMIT;
SELECT paysafe.protect_columns('shop.token', '{value}');
-- a currency that stands two tables away, a payment rule that refunds follow
CREATE TABLE shop.event (id int PRIMARY KEY, currency text);
CREATE TABLE shop."Order" (id int PRIMARY KEY, event_id int REFERENCES shop.event);
CREATE TABLE shop.ticket (id int PRIMARY KEY, order_id int REFERENCES shop."Order", paid_at timestamptz, amount numeric);
CREATE TABLE shop.back (id int PRIMARY KEY, ticket_id int REFERENCES shop.ticket, amount numeric, kind text);
CREATE INDEX ON shop.back (ticket_id);
SELECT paysafe.protect_payment('shop.ticket', 'paid_at', 'amount', captured => '{set}', currency_path => '{order_id,event_id,currency}');
SELECT paysafe.protect_refund('shop.back', 'shop.ticket', 'ticket_id', 'amount', rows => '{"kind": ["refund"]}');
SELECT paysafe.set_refund_threshold('shop.back', 'EUR', 100);
-- another rule of its rows
SELECT paysafe.protect_refund('shop.back', NULL, 'ticket_id', 'amount', currency => 'EUR', rows => '{"kind": ["goodwill"]}', rule => 'refund_goodwill');
SELECT paysafe.set_refund_threshold('shop.back', 'EUR', 3, rule => 'refund_goodwill');
INSERT INTO shop.event VALUES (1, 'EUR');
INSERT INTO shop."Order" VALUES (1, 1);
INSERT INTO shop.ticket VALUES (1, 1, '2026-01-01', 10), (2, 1, NULL, 10);
INSERT INTO shop.back VALUES (1, 1, 6, 'refund'), (10, 1, 2, 'goodwill');
SELECT paysafe.audit('shop.payment', redact => '{card}');
SELECT paysafe.audit('shop.refund');
SELECT paysafe.audit('shop.entry');
SELECT paysafe.audit('shop.passing');

INSERT INTO shop.payment (id, amount, card) VALUES (1, 1000, '4242424242424242'), (2, 80, NULL), (3, 5, NULL);
UPDATE shop.payment SET status = 'authorized';
ALTER TABLE shop.payment DROP COLUMN gone;
ALTER TABLE shop.payment ADD COLUMN channel text DEFAULT 'web';
UPDATE shop.payment SET status = 'captured', captured = amount;
INSERT INTO shop.entry VALUES (1, 'cash', 1000);
INSERT INTO shop.entry_archive VALUES (2, 'cash', 80);
INSERT INTO shop.token VALUES (1, 'tok', 'anna');
INSERT INTO shop.passing VALUES (1, 'was here');
UPDATE shop.passing SET what = 'still here';
BEGIN;
SELECT paysafe.act_for_tenant('acme', 'moved in');
INSERT INTO shop.lease VALUES (1, 'acme', 2026), (2, 'acme', 2026);
COMMIT;
BEGIN;
SELECT paysafe.across_tenants('a second tenant');
INSERT INTO shop.lease VALUES (3, 'other', 2026);
COMMIT;
BEGIN;
SELECT paysafe.act_as('alice', 'arrived broken', 'T-77', 'req-1', 'order-5');
INSERT INTO shop.refund VALUES (1, 'eu', 1, 900), (2, 'us', 1, 40), (3, 'us', 1, 50), (4, 'eu', 2, 60);
COMMIT;
UPDATE shop.refund SET region = 'us' WHERE id = 4;
UPDATE shop.refund SET status = 'approved' WHERE id = 2;
BEGIN;
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('shop.refund', '1', 'photo checked', expires_at => now() + '1 hour');
COMMIT;
-- a refund that is approved and not there yet, and a fact that nobody has settled
BEGIN;
SELECT paysafe.act_as('bob');
SELECT paysafe.approve_refund('shop.dispute', '1', 10, 'USD', 'a claim that is right', expires_at => now() + '1 hour');
SELECT paysafe.act_as('provider');
INSERT INTO shop.dispute VALUES (1, 3, 900, 'USD', 'lost');
SELECT paysafe.act_as('bob');
SELECT paysafe.settle_breach(id, 'insured', 'T-8') FROM paysafe.breach WHERE sqlstate = '42501';
COMMIT;
-- a no that stands, and one that was taken back
BEGIN;
SELECT paysafe.act_as('carol');
SELECT paysafe.reject_refund('shop.dispute', '2', 10, 'USD', 'no claim'), paysafe.reject_refund('shop.dispute', '1', 5, 'USD', 'no claim, or is there one');
SELECT paysafe.withdraw_rejection(max(id), 'there is') FROM paysafe.rejection;
COMMIT;
-- rows that broke a rule before it was there, accepted by two people
INSERT INTO shop.legacy VALUES (1, 'lost'), (2, 'new');
BEGIN;
SELECT paysafe.defer_validation();
SELECT paysafe.protect_status('shop.legacy', 'status', E'[*] --> new\nnew --> paid');
SELECT paysafe.act_as('ann'), paysafe.propose('as they are', 'T-3'), paysafe.accept_rows('shop.legacy', 'status', 'as they are'), paysafe.propose(NULL);
SELECT paysafe.act_as('bob'), paysafe.approve(approved_as, key, 'seen') FROM paysafe.pending_change WHERE relation = 'shop.legacy'::regclass;
SELECT paysafe.act_as('ann'), paysafe.accept_rows('shop.legacy', 'status', 'as they are');
SELECT paysafe.validate_rows('shop.legacy');
COMMIT;
-- what was captured of a payment whose column is net of its refunds, both rows of one table
CREATE TABLE shop.move (id int PRIMARY KEY, kind text, source int REFERENCES shop.move, amount numeric);
CREATE INDEX ON shop.move (source);
SELECT paysafe.protect_payment('shop.move', NULL, 'amount', 'amount', currency => 'USD', changes => 'net', rows => '{"kind": ["sale"]}');
SELECT paysafe.protect_refund('shop.move', 'shop.move', 'source', 'amount', rows => '{"kind": ["refund"]}', amounts => 'negative');
SELECT paysafe.set_refund_threshold('shop.move', 'USD', 500);
INSERT INTO shop.move VALUES (1, 'sale', NULL, 80), (2, 'refund', 1, -30);
UPDATE shop.move SET amount = 50 WHERE id = 1;
-- how much of one key within a time: the rule is there again, and counts from then on
CREATE TABLE shop.charge (id int PRIMARY KEY, customer int, card text);
SELECT paysafe.protect_velocity('shop.charge', 'customer', 2, '2 days', 'values', 'card', rule => 'velocity_cards', mode => 'refuse');
SELECT paysafe.protect_velocity('shop.charge', 'customer', 9, '10 minutes');
INSERT INTO shop.charge VALUES (1, 7, 'a'), (2, 7, 'b');
-- a change of rules that waits
BEGIN;
SELECT paysafe.act_as('ann'), paysafe.propose('bigger orders', 'T-2'), paysafe.set_refund_threshold('shop.refund', 'USD', 5000);
COMMIT;
-- what the log says of a table that is gone stays
-- where the guard is, this takes a window
BEGIN;
SELECT paysafe.act_as('bob'), paysafe.approve('paysafe.maintenance_record', format('maintenance of shop.passing by %L for 60 s: T-1, it passes', session_user), 'agreed');
SELECT paysafe.act_as('ann'), paysafe.open_maintenance('it passes', 'T-1', '1 minute', '{shop.passing}');
DROP TABLE shop.passing;
SELECT paysafe.close_maintenance();
COMMIT;
-- people, one of them disabled
SELECT paysafe.bootstrap_people('Dan', '{name:dan@shop}', 'Dee', '{name:dee@shop}', 'the first two');
BEGIN;
SELECT paysafe.act_as('Dee'), paysafe.approve('paysafe.person_record', format('people: add person %L with name %L: hired', n, lower(n) || '@shop'), 'met') FROM unnest('{Don,Dot}'::text[]) n;
SELECT paysafe.act_as('Dan'), paysafe.add_person(n, 'hired', ARRAY['name:' || lower(n) || '@shop']) FROM unnest('{Don,Dot}'::text[]) n;
SELECT paysafe.act_as('Dee'), paysafe.propose('large refunds'), paysafe.add_to_group(n, 'finance', 'large refunds'), paysafe.propose(NULL) FROM unnest('{Don,Dot}'::text[]) n;
SELECT paysafe.act_as('Dan');
SELECT paysafe.approve(approved_as, key, 'agreed') FROM paysafe.pending_change WHERE rule = 'people';
SELECT paysafe.act_as('Dee'), paysafe.add_to_group(n, 'finance', 'large refunds') FROM unnest('{Don,Dot}'::text[]) n;
COMMIT;
SELECT paysafe.disable_person('Dee', 'left');
