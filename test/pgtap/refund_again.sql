-- What has passed the gate counts for the period, whatever became of it: paid out, made void,
-- and paid out again is twice the money.
BEGIN;
SELECT plan(24);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int, region text DEFAULT 'eu', payment int, amount numeric, currency text, status text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.refund_eu PARTITION OF shop.refund FOR VALUES IN ('eu');
CREATE TABLE shop.refund_us PARTITION OF shop.refund FOR VALUES IN ('us');
CREATE TABLE shop.chargeback (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE TABLE shop.payout (id int PRIMARY KEY, merchant text, amount numeric, currency text, status text);
CREATE TABLE shop.draft (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON shop.refund (payment);
CREATE INDEX ON shop.chargeback (payment);
CREATE INDEX ON shop.payout (merchant);
CREATE INDEX ON shop.draft (payment);
INSERT INTO shop.payment SELECT g, 10000, 'EUR' FROM generate_series(1, 20) g;
SELECT paysafe.protect_refund(t, 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent,paid}', '{failed}', 'captured', 'currency')
  FROM unnest(ARRAY['shop.refund', 'shop.chargeback']::regclass[]) t;
SELECT paysafe.protect_refund('shop.draft', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent,paid}', '{failed}', 'captured', 'currency', deletable => true);
SELECT paysafe.protect_refund('shop.payout', NULL, 'merchant', 'amount', 'currency', 'status', '{sent,paid}', '{failed}');
SELECT paysafe.set_refund_threshold(t, 'EUR', 500) FROM unnest(ARRAY['shop.refund', 'shop.chargeback', 'shop.payout', 'shop.draft']::regclass[]) t;
\set approval '42501 shop.refund.status paysafe_refund_approval'

-- paid out 400, then whatever, then 400 again
SELECT is(pg_temp.refusal(statement), want, statement) FROM (VALUES
	('INSERT INTO shop.refund VALUES (1, DEFAULT, 1, 400, ''EUR'', ''sent''); UPDATE shop.refund SET status = ''failed'' WHERE id = 1', 'accepted'),
	('INSERT INTO shop.refund VALUES (2, DEFAULT, 1, 400, ''EUR'', ''sent'')', :'approval'),
	('INSERT INTO shop.refund VALUES (2, DEFAULT, 1, 400, ''EUR'', ''asked''); UPDATE shop.refund SET status = ''sent'' WHERE id = 2', :'approval'),
	-- by the very row that failed
	('UPDATE shop.refund SET status = ''sent'' WHERE id = 1', :'approval'),
	-- the void row is deleted, and added again
	('DELETE FROM shop.refund WHERE id = 1', 'accepted'),
	('INSERT INTO shop.refund VALUES (2, DEFAULT, 1, 400, ''EUR'', ''sent'')', :'approval'),
	('INSERT INTO shop.refund VALUES (1, DEFAULT, 1, 400, ''EUR'', ''sent'')', :'approval'),
	-- what the threshold has room for
	('INSERT INTO shop.refund VALUES (1, DEFAULT, 1, 100, ''EUR'', ''sent'')', 'accepted'),
	('INSERT INTO shop.refund VALUES (2, DEFAULT, 1, 0.01, ''EUR'', ''sent'')', :'approval'),
	-- another payment, another table of the same one
	('INSERT INTO shop.refund VALUES (3, DEFAULT, 2, 400, ''EUR'', ''sent''); UPDATE shop.refund SET status = ''failed'' WHERE id = 3', 'accepted'),
	('INSERT INTO shop.chargeback VALUES (1, 2, 101, ''EUR'', ''sent'')', '42501 shop.chargeback.status paysafe_chargeback_approval'),
	-- back to before the gate, and through it again
	('INSERT INTO shop.refund VALUES (4, DEFAULT, 4, 300, ''EUR'', ''sent''); UPDATE shop.refund SET status = ''asked'' WHERE id = 4', 'accepted'),
	('UPDATE shop.refund SET status = ''sent'' WHERE id = 4', :'approval'),
	-- and from another partition
	('UPDATE shop.refund SET region = ''us'' WHERE id = 4', 'accepted'),
	('UPDATE shop.refund SET status = ''sent'' WHERE id = 4', :'approval'),
	-- what never passed leaves room
	('INSERT INTO shop.refund VALUES (5, DEFAULT, 5, 400, ''EUR'', ''asked''); UPDATE shop.refund SET status = ''failed'' WHERE id = 5; INSERT INTO shop.refund VALUES (6, DEFAULT, 5, 400, ''EUR'', ''sent'')', 'accepted'),
	-- among gated statuses nothing is paid out again
	('UPDATE shop.refund SET status = ''paid'' WHERE id = 6', 'accepted'),
	('INSERT INTO shop.refund VALUES (7, DEFAULT, 5, 100, ''EUR'', ''sent'')', 'accepted'),
	-- payouts, which nothing else limits
	('INSERT INTO shop.payout VALUES (1, ''m1'', -400, ''EUR'', ''sent''); UPDATE shop.payout SET status = ''failed'' WHERE id = 1', 'accepted'),
	('INSERT INTO shop.payout VALUES (2, ''m1'', 400, ''EUR'', ''sent'')', '42501 shop.payout.status paysafe_payout_approval'),
	('INSERT INTO shop.payout VALUES (2, ''m2'', 400, ''EUR'', ''sent'')', 'accepted'),
	-- who deletes refunds that count has been given the right to make room
	('INSERT INTO shop.draft VALUES (1, 8, 400, ''EUR'', ''sent''); DELETE FROM shop.draft; INSERT INTO shop.draft VALUES (2, 8, 400, ''EUR'', ''sent'')', 'accepted'),
	-- where a payment has many refunds
	('INSERT INTO shop.refund SELECT g, ''eu'', 9, 1, ''EUR'', ''asked'' FROM generate_series(1000, 1200) g;'
		'INSERT INTO shop.refund VALUES (1201, ''eu'', 9, 400, ''EUR'', ''sent''); UPDATE shop.refund SET status = ''failed'' WHERE id = 1201;', 'accepted'),
	('INSERT INTO shop.refund VALUES (1202, ''eu'', 9, 400, ''EUR'', ''sent'')', :'approval')) c (statement, want);
SELECT * FROM finish();
ROLLBACK;
