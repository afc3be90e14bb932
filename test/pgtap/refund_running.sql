-- Refunds without rows: a column of the payment says what has been paid back so far.
BEGIN;
SELECT plan(77);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.pay (id int PRIMARY KEY, status text, amount numeric, back numeric, currency text, note text);
SELECT paysafe.protect_payment('shop.pay', 'status', 'amount', currency_column => 'currency', captured => '{paid}');
SELECT paysafe.protect_refund('shop.pay', 'shop.pay', 'id', 'back', amounts => 'running');
SELECT paysafe.set_refund_threshold('shop.pay', 'EUR', 50);
INSERT INTO shop.pay VALUES (1, 'new', 100, 0, 'EUR'), (2, 'paid', 100, NULL, 'EUR'), (3, 'paid', 100, 0, 'USD'), (4, 'paid', 100, 0, 'EUR'), (5, 'paid', 300, 0, 'EUR'), (6, 'new', 1, 0, 'EUR');
SELECT is((SELECT p.definition FROM paysafe.protection p WHERE p.relation = 'shop.pay'::regclass AND p.rule = 'refund'), 'back is what has been refunded of id, <= what is captured; each needs approval above the threshold', 'in words');

-- the limit, the sign, the currency
SELECT is(pg_temp.refusal(s), want, s) FROM (VALUES
	('UPDATE shop.pay SET back = 1 WHERE id = 1', '23R01 shop.pay.back paysafe_pay_refund'),
	('UPDATE shop.pay SET back = 100.01 WHERE id = 2', '23R01 shop.pay.back paysafe_pay_refund'),
	('UPDATE shop.pay SET back = -1 WHERE id = 2', '23R04 shop.pay.back paysafe_pay_refund'),
	('UPDATE shop.pay SET back = 0.001 WHERE id = 2', '23R04 shop.pay.back paysafe_pay_refund'),
	('UPDATE shop.pay SET back = ''NaN'' WHERE id = 2', '23R04 shop.pay.back paysafe_pay_refund'),
	('UPDATE shop.pay SET back = ''Infinity'' WHERE id = 2', '23R04 shop.pay.back paysafe_pay_refund'),
	('UPDATE shop.pay SET back = 1 WHERE id = 3', '42501 shop.pay.back paysafe_pay_approval'),
	('INSERT INTO shop.pay VALUES (9, ''new'', 10, 1, ''EUR'')', '23R01 shop.pay.back paysafe_pay_refund'),
	('INSERT INTO shop.pay VALUES (9, ''paid'', 100, 51, ''EUR'')', '42501 shop.pay.back paysafe_pay_approval'),
	('INSERT INTO shop.pay VALUES (9, ''paid'', 100, 50, ''EUR'')', 'accepted'),
	('INSERT INTO shop.pay VALUES (2, ''paid'', 100, 0, ''EUR'') ON CONFLICT (id) DO UPDATE SET back = 101', '23R01 shop.pay.back paysafe_pay_refund'),
	('MERGE INTO shop.pay p USING (SELECT 2 AS id) s ON p.id = s.id WHEN MATCHED THEN UPDATE SET back = 101', '23R01 shop.pay.back paysafe_pay_refund'),
	('UPDATE shop.pay SET back = 20 WHERE id IN (2, 4)', 'accepted'),
	('UPDATE shop.pay SET back = CASE id WHEN 2 THEN 20 ELSE 51 END WHERE id IN (2, 4)', '42501 shop.pay.back paysafe_pay_approval'),
	('UPDATE shop.pay SET note = ''x''', 'accepted'),
	('DELETE FROM shop.pay WHERE id = 6', 'accepted')) v (s, want);

-- what has been paid back stays
UPDATE shop.pay SET back = 30 WHERE id = 2;
SELECT is(pg_temp.refusal(s), want, s) FROM (VALUES
	('UPDATE shop.pay SET back = 29.99 WHERE id = 2', '23R03 shop.pay.back paysafe_pay_refund'),
	('UPDATE shop.pay SET back = NULL WHERE id = 2', '23R03 shop.pay.back paysafe_pay_refund'),
	('UPDATE shop.pay SET back = 30.00, note = ''y'' WHERE id = 2', 'accepted'),
	('DELETE FROM shop.pay WHERE id = 2', '23R07 shop.pay paysafe_pay_payment'),
	('UPDATE shop.pay SET currency = ''USD'' WHERE id = 2', '23R03 shop.pay.currency paysafe_pay_payment'),
	('UPDATE shop.pay SET id = 70 WHERE id = 2', '23R03 shop.pay.id paysafe_pay_payment'),
	('UPDATE shop.pay SET back = back + 20 WHERE id = 2', 'accepted'),
	('UPDATE shop.pay SET back = back + 0.01 WHERE id = 2', '42501 shop.pay.back paysafe_pay_approval')) v (s, want);
SELECT is(pg_temp.refusal_text('UPDATE shop.pay SET back = back + 0.01 WHERE id = 2', 'DETAIL') LIKE 'Refunds of payment "2" within % would total 50.01 EUR; the threshold is 50 EUR. 0 of 1 approvals found%', true, 'both rises count');
SELECT is(pg_temp.refusal_text('UPDATE shop.pay SET back = back + 0.01 WHERE id = 2', 'HINT') LIKE '%SELECT paysafe.approve_refund(''shop.pay'', ''2'', 0.01, ''EUR'', ''why it is right'');', true, 'and the way out');

-- each rise has an approval of its own: before it, of another person, of as much
SELECT paysafe.act_as('ann');
SELECT is(left(pg_temp.refusal('SELECT paysafe.approve(''shop.pay'', ''2'', ''why'')'), 5), '22023', 'no row is approved');
SELECT paysafe.approve_refund('shop.pay', '5', 80, 'EUR', 'agreed');
SELECT is(pg_temp.refusal('UPDATE shop.pay SET back = back + 80 WHERE id = 5'), '42501 shop.pay.back paysafe_pay_approval', 'not by who approved it');
-- nobody approves what cannot be
SELECT is(left(pg_temp.refusal(s), 5), want, s) FROM (VALUES
	('SELECT paysafe.approve_refund(''shop.pay'', ''5'', 300.01, ''EUR'', ''more than is captured'')', '22023'),
	('SELECT paysafe.approve_refund(''shop.pay'', ''5'', 0.001, ''EUR'', ''no amount'')', '22023'),
	('SELECT paysafe.approve_refund(''shop.pay'', ''5'', 50, ''USD'', ''another currency'')', '22023'),
	('SELECT paysafe.approve_refund(''shop.pay'', ''1'', 50, ''EUR'', ''nothing is captured'')', '22023'),
	('SELECT paysafe.approve_refund(''shop.pay'', ''999'', 50, ''EUR'', ''there is none'')', '22023'),
	('SELECT paysafe.request_refund(''shop.pay'', ''999'', 50, ''EUR'', ''there is none'')', '22023'),
	('SELECT paysafe.request_refund(''shop.pay'', ''5'', 5000, ''EUR'', ''more than is captured'')', '22023')) v (s, want);
SELECT paysafe.act_as('bob');
SELECT is(pg_temp.refusal(s), want, s) FROM (VALUES
	('UPDATE shop.pay SET back = back + 80.01 WHERE id = 5', '42501 shop.pay.back paysafe_pay_approval'),
	('UPDATE shop.pay SET back = back + 80 WHERE id = 4', '42501 shop.pay.back paysafe_pay_approval')) v (s, want);
SAVEPOINT a;
UPDATE shop.pay SET back = back + 80 WHERE id = 5;
SELECT is(pg_temp.refusal('UPDATE shop.pay SET back = back + 80 WHERE id = 5'), '42501 shop.pay.back paysafe_pay_approval', 'once');
ROLLBACK TO a;
UPDATE shop.pay SET back = back + 70 WHERE id = 5;
SELECT is(pg_temp.refusal('UPDATE shop.pay SET back = back + 10 WHERE id = 5'), '42501 shop.pay.back paysafe_pay_approval', 'what is left of it is no second one''s');
SELECT is((SELECT string_agg(concat(e.payment, ' ', e.event, ' ', e.amount, ' ', e.currency, ' ', e.approvals, ' ', e.step), ', ' ORDER BY e.payment, e.step) FROM paysafe.refund_event e WHERE e.relation = 'shop.pay'::regclass),
	'2 gated 20 EUR 0 1, 2 gated 10 EUR 0 2, 2 gated 20.00 EUR 0 3, 4 gated 20 EUR 0 1, 5 gated 70 EUR 1 1, 9 gated 50 EUR 0 1', 'events');
SELECT paysafe.approve_refund('shop.pay', '4', 60, 'EUR', 'agreed');
SELECT is((SELECT count(*) FROM paysafe.pending_approval WHERE relation = 'shop.pay'::regclass), 0::bigint, 'no row waits, and what was approved neither');
SELECT paysafe.request_refund('shop.pay', '4', 70, 'EUR', 'the customer asks for it');
SELECT is((SELECT concat(p.key, p.payment, ' ', p.amount, ' ', p.approvals_needed - p.approvals_given) FROM paysafe.pending_approval p WHERE p.relation = 'shop.pay'::regclass), '4 70 1', 'what is asked for does');

-- what was approved of a payment is not of another one with its number
INSERT INTO shop.pay VALUES (11, 'paid', 100, 0, 'EUR');
SELECT paysafe.act_as('ann');
SELECT paysafe.approve_refund('shop.pay', '11', 60, 'EUR', 'agreed');
SELECT paysafe.act_as('bob');
SELECT is(pg_temp.refusal('UPDATE shop.pay SET back = 60 WHERE id = 11'), 'accepted', 'approved');
SELECT is(pg_temp.refusal('DELETE FROM shop.pay WHERE id = 11'), '23R07 shop.pay paysafe_pay_payment', 'captured');
CREATE TABLE shop.bare (id int PRIMARY KEY, back numeric);
SELECT paysafe.protect_refund('shop.bare', 'shop.bare', 'id', 'back', currency => 'EUR', amounts => 'running');
INSERT INTO shop.bare VALUES (1, 0);
SELECT paysafe.act_as('ann');
SELECT paysafe.approve_refund('shop.bare', '1', 60, 'EUR', 'agreed: nothing limits it');
SELECT paysafe.act_as('bob');
DELETE FROM shop.bare;
SELECT is(pg_temp.refusal('INSERT INTO shop.bare VALUES (1, 60)'), '42501 shop.bare.back paysafe_bare_approval', 'of the one that was there');
-- nor of what it is in another currency, though it comes back to this one
CREATE TABLE shop.coin (id int PRIMARY KEY, back numeric, currency text);
SELECT paysafe.protect_refund('shop.coin', 'shop.coin', 'id', 'back', 'currency', amounts => 'running');
INSERT INTO shop.coin VALUES (1, 0, 'EUR'), (2, 0, 'EUR');
SELECT paysafe.act_as('ann');
SELECT paysafe.approve_refund('shop.coin', id::text, 60, 'EUR', 'agreed') FROM shop.coin;
SELECT paysafe.act_as('bob');
UPDATE shop.coin SET currency = 'USD' WHERE id = 1;
UPDATE shop.coin SET currency = 'EUR';
SELECT is(pg_temp.refusal(s), want, s) FROM (VALUES
	('UPDATE shop.coin SET back = 60 WHERE id = 1', '42501 shop.coin.back paysafe_coin_approval'),
	('UPDATE shop.coin SET back = 60 WHERE id = 2', 'accepted')) v (s, want);

-- a trigger that raises it further is seen, whatever comes first
CREATE FUNCTION shop.more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF pg_trigger_depth() = 1 AND NEW.back = 27 THEN UPDATE shop.pay SET back = 101 WHERE id = NEW.id; END IF; RETURN NULL; END $$;
CREATE TRIGGER a_more AFTER UPDATE ON shop.pay FOR EACH ROW EXECUTE FUNCTION shop.more();
SELECT is(pg_temp.refusal('UPDATE shop.pay SET back = 27 WHERE id = 4'), '23R01 shop.pay.back paysafe_pay_refund', 'a trigger before ours');
DROP TRIGGER a_more ON shop.pay;

-- where the application takes back what the provider has refused: it falls, and still counts for the threshold
CREATE TABLE shop.falls (id int PRIMARY KEY, amount bigint, captured bigint, back bigint);
SELECT paysafe.protect_payment('shop.falls', NULL, 'amount', 'captured', currency => 'EUR', changes => 'any');
SELECT paysafe.protect_refund('shop.falls', NULL, 'id', 'back', amounts => 'running', deletable => true);
SELECT paysafe.set_refund_threshold('shop.falls', 'EUR', 5000);
INSERT INTO shop.falls VALUES (1, 10000, 10000, 0);
UPDATE shop.falls SET back = 4000;
SELECT is(pg_temp.refusal(s), want, s) FROM (VALUES
	('UPDATE shop.falls SET captured = 3999', '23R01 shop.falls.back paysafe_falls_refund'),
	('UPDATE shop.falls SET captured = 4000', 'accepted'),
	('UPDATE shop.falls SET back = 3999', 'accepted'),
	('DELETE FROM shop.falls', '23R07 shop.falls paysafe_falls_payment')) v (s, want);
UPDATE shop.falls SET back = 0;
SELECT is(pg_temp.refusal('UPDATE shop.falls SET back = 1001'), '42501 shop.falls.back paysafe_falls_approval', 'tried again, it counts twice');

-- by a status: the whole of it; a fact that nobody has agreed to; keys of two columns, in partitions
CREATE TABLE shop.flags (tenant int, id int, amount numeric, currency text, paid boolean, back boolean, PRIMARY KEY (tenant, id)) PARTITION BY LIST (tenant);
CREATE TABLE shop.flags_1 PARTITION OF shop.flags FOR VALUES IN (1);
CREATE TABLE shop.flags_2 PARTITION OF shop.flags FOR VALUES IN (2);
SELECT paysafe.protect_payment('shop.flags', 'paid', 'amount', currency_column => 'currency', captured => '{true}');
SELECT paysafe.protect_refund('shop.flags', 'shop.flags', '{tenant,id}', 'amount', 'currency', 'back', gated => '{true}', void => '{false}', recorded => '{true}', amounts => 'running');
SELECT paysafe.set_refund_threshold('shop.flags', 'EUR', 50);
INSERT INTO shop.flags VALUES (1, 1, 50, 'EUR', true, false), (2, 1, 60, 'EUR', true, false), (2, 2, 10, 'EUR', false, false);
SELECT is(pg_temp.refusal(s), want, s) FROM (VALUES
	('UPDATE shop.flags SET back = true WHERE (tenant, id) = (1, 1)', 'accepted'),
	('UPDATE shop.flags SET back = true WHERE (tenant, id) = (2, 1)', 'accepted'),
	('UPDATE shop.flags SET back = true WHERE (tenant, id) = (2, 2)', 'accepted')) v (s, want);
UPDATE shop.flags SET back = true;
SELECT is((SELECT string_agg(concat(b.key, ' ', b.sqlstate), ', ' ORDER BY b.key, b.sqlstate) FROM paysafe.breach b WHERE b.relation = 'shop.flags'::regclass), '1 42501, 2 23R01', 'facts are stored');
SELECT is((SELECT string_agg(concat(e.whole_key, ' ', e.event), ', ' ORDER BY e.whole_key) FROM paysafe.refund_event e WHERE e.relation = 'shop.flags'::regclass), '1,1 gated, 2,1 recorded, 2,2 gated', 'and told from what was agreed to');
SELECT is(pg_temp.refusal('UPDATE shop.flags SET back = false WHERE tenant = 1'), '23R03 shop.flags.amount paysafe_flags_refund', 'it stays paid back');

-- the currency of another row
CREATE TABLE shop.currency (id int PRIMARY KEY, code text);
CREATE TABLE shop.ninja (id int PRIMARY KEY, currency_id int REFERENCES shop.currency, status_id int, amount numeric, refunded numeric);
INSERT INTO shop.currency VALUES (1, 'EUR'), (2, 'JPY');
SELECT paysafe.protect_payment('shop.ninja', 'status_id', 'amount', captured => '{4,5,6}', currency_path => '{currency_id,code}');
SELECT paysafe.protect_refund('shop.ninja', 'shop.ninja', 'id', 'refunded', amounts => 'running');
SELECT paysafe.set_refund_threshold('shop.ninja', 'EUR', 50);
INSERT INTO shop.ninja VALUES (1, 1, 4, 100, 0), (2, 2, 4, 100, 0);
SELECT is(pg_temp.refusal(s), want, s) FROM (VALUES
	('UPDATE shop.ninja SET refunded = 10.5, status_id = 5 WHERE id = 1', 'accepted'),
	('UPDATE shop.ninja SET refunded = 51 WHERE id = 1', '42501 shop.ninja.refunded paysafe_ninja_approval'),
	('UPDATE shop.ninja SET refunded = 10.5 WHERE id = 2', '23R04 shop.ninja.refunded paysafe_ninja_refund'),
	('UPDATE shop.ninja SET refunded = 10 WHERE id = 2', '42501 shop.ninja.refunded paysafe_ninja_approval'),
	('UPDATE shop.ninja SET currency_id = 2 WHERE id = 1', '23R03 shop.ninja.currency_id paysafe_ninja_payment')) v (s, want);

-- observed; rows that were there; declarations
CREATE TABLE shop.old (id int PRIMARY KEY, uid int UNIQUE, status text, amount numeric, cents int, back numeric, currency text);
INSERT INTO shop.old VALUES (1, 1, 'paid', 10, 1000, 11, 'EUR'), (2, 2, 'paid', 10, 1000, 10, 'EUR');
SELECT is(left(pg_temp.refusal(s), 5), want, s) FROM (VALUES
	('SELECT paysafe.protect_refund(''shop.old'', ''shop.old'', ''id'', ''back'', amounts => ''running'')', '55000'),
	('SELECT paysafe.protect_refund(''shop.old'', ''shop.pay'', ''id'', ''back'', ''currency'', amounts => ''running'')', '22023'),
	('SELECT paysafe.protect_refund(''shop.old'', NULL, ''amount'', ''back'', ''currency'', amounts => ''running'')', '22023'),
	('SELECT paysafe.protect_payment(''shop.old'', ''status'', ''amount'', currency_column => ''currency'', captured => ''{paid}''), paysafe.protect_refund(''shop.old'', NULL, ''id'', ''back'', amounts => ''running'')', '23514'),
	('SELECT paysafe.protect_payment(''shop.old'', ''status'', ''cents'', currency_column => ''currency'', captured => ''{paid}''), paysafe.protect_refund(''shop.old'', NULL, ''id'', ''back'', amounts => ''running'')', '22023')) v (s, want);
SELECT paysafe.protect_payment('shop.old', 'status', 'amount', currency_column => 'currency', captured => '{paid}');
SELECT paysafe.protect_refund('shop.old', NULL, 'uid', 'back', amounts => 'running', mode => 'observe');
SELECT is(pg_temp.refusal('UPDATE shop.old SET back = back + 1'), 'accepted', 'observed, it refuses nothing');
-- what had risen before the rule counts towards the limit, not towards the threshold
CREATE TABLE shop.before (id int PRIMARY KEY, status text, amount numeric, back numeric);
INSERT INTO shop.before VALUES (1, 'paid', 100, 40);
SELECT paysafe.protect_payment('shop.before', 'status', 'amount', currency => 'EUR', captured => '{paid}');
SELECT paysafe.protect_refund('shop.before', 'shop.before', 'id', 'back', amounts => 'running');
SELECT paysafe.set_refund_threshold('shop.before', 'EUR', 50);
SELECT is(pg_temp.refusal(s), want, s) FROM (VALUES
	('UPDATE shop.before SET back = 100.01', '23R01 shop.before.back paysafe_before_refund'),
	('UPDATE shop.before SET back = 91', '42501 shop.before.back paysafe_before_approval'),
	('UPDATE shop.before SET back = 90', 'accepted')) v (s, want);
-- what says it is the payment rule of the table
SELECT is(pg_temp.refusal_text('SELECT paysafe.protect_refund(''shop.before'', ''shop.before'', ''id'', ''back'', amounts => ''running'', units => ''minor'')', 'MESSAGE'),
	'argument "units" must be NULL with "amounts" "running"', 'units are not those of another table');
SELECT is(pg_temp.refusal_text('SELECT paysafe.protect_refund(''shop.before'', NULL, ''status'', ''back'', currency => ''EUR'', units => ''minor'')', 'MESSAGE'),
	'argument "units" must be NULL without a table of payments', '... which payouts do not have');
-- and does not go together with a captured column that is net
CREATE TABLE shop.net (id int PRIMARY KEY, status text, amount numeric, captured numeric, back numeric);
SELECT paysafe.protect_payment('shop.net', 'status', 'amount', 'captured', currency => 'EUR', captured => '{paid}', changes => 'net');
SELECT is(left(pg_temp.refusal('SELECT paysafe.protect_refund(''shop.net'', ''shop.net'', ''id'', ''back'', amounts => ''running'')'), 5), '22023', 'net or running');
SELECT * FROM finish();
ROLLBACK;
