-- Payouts, credits, adjustments: the gate of refunds where there is no payment.
BEGIN;
SELECT plan(68);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE FUNCTION pg_temp.act(who text) RETURNS void LANGUAGE sql AS 'SELECT paysafe.act_as(who)';

-- the declaration
CREATE TABLE shop.payout (id int PRIMARY KEY, merchant text, amount numeric, currency text, status text DEFAULT 'requested', note text);
CREATE INDEX ON shop.payout (merchant);
CREATE FUNCTION pg_temp.declare(args text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(format($d$SELECT paysafe.protect_refund('shop.payout', NULL, %s, status_column => 'status', gated => '{sent,paid}', void => '{failed}')$d$, args)) $$;
SELECT is(pg_temp.declare(args), want, args) FROM (VALUES
	($$NULL::text, 'amount', 'currency'$$, '22004'),
	($$'merchant', 'amount'$$, '22023'),
	($$'merchant', 'amount', 'currency', currency => 'EUR'$$, '22023'),
	($$'merchant', 'amount', currency => 'XXX'$$, '22023'),
	($$'missing', 'amount', 'currency'$$, '42703'),
	($$'merchant', 'note', 'currency'$$, '22023'),
	($$'merchant', 'amount', 'currency', payment_amount_column => 'amount'$$, '22023'),
	($$'merchant', 'amount', 'currency', payment_key => 'id'$$, '22023')) v (args, want);
INSERT INTO shop.payout VALUES (1, NULL, 5, 'EUR');
SELECT is(pg_temp.declare($$'merchant', 'amount', 'currency'$$), '23514 shop.payout paysafe_payout_refund', 'rows that say not to whom');
UPDATE shop.payout SET merchant = 'm0', amount = 5000, status = 'sent';
SELECT is(pg_temp.declare($$'merchant', 'amount', 'currency'$$), 'accepted', 'there is no limit');
SELECT is((SELECT definition FROM paysafe.protection WHERE relation = 'shop.payout'::regclass),
	'payouts of amount by merchant; status paid, sent needs approval above the threshold; failed does not count', 'in words');
SELECT paysafe.set_refund_threshold('shop.payout', 'EUR', 100), paysafe.set_refund_threshold('shop.payout', 'USD', 100);

-- what is possible
\set payout 'paysafe_payout_refund'
SELECT is(pg_temp.refusal('INSERT INTO shop.payout VALUES ' || v.row), want, v.row) FROM (VALUES
	($$(10, NULL, 5, 'EUR')$$, '23R06 shop.payout.merchant paysafe_payout_refund'),
	($$(10, 'm1', NULL, 'EUR')$$, '23R04 shop.payout.amount paysafe_payout_refund'),
	($$(10, 'm1', 0, 'EUR')$$, '23R04 shop.payout.amount paysafe_payout_refund'),
	($$(10, 'm1', 'NaN', 'EUR')$$, '23R04 shop.payout.amount paysafe_payout_refund'),
	($$(10, 'm1', '-Infinity', 'EUR')$$, '23R04 shop.payout.amount paysafe_payout_refund'),
	($$(10, 'm1', 0.001, 'EUR')$$, '23R04 shop.payout.amount paysafe_payout_refund'),
	($$(10, 'm1', 5, NULL)$$, '23R04 shop.payout.currency paysafe_payout_refund'),
	($$(10, 'm1', 1000000, 'EUR')$$, 'accepted'),
	($$(11, 'm1', 100, 'EUR', 'sent')$$, 'accepted'),
	($$(12, 'm1', 100, 'USD', 'sent')$$, 'accepted'),
	($$(13, 'm2', 100, 'EUR', 'sent')$$, 'accepted'),
	($$(14, 'm3', 100.01, 'EUR', 'sent')$$, '42501 shop.payout.status paysafe_payout_approval'),
	($$(14, 'm2', 0.01, 'EUR', 'sent')$$, '42501 shop.payout.status paysafe_payout_approval'),
	($$(14, 'm1', 0.01, 'eur', 'sent')$$, '42501 shop.payout.status paysafe_payout_approval'),
	($$(14, 'm3', 1, 'GBP', 'sent')$$, '42501 shop.payout.status paysafe_payout_approval'),
	($$(14, 'm3', 60, 'EUR', 'sent'), (15, 'm3', 60, 'EUR', 'sent')$$, '42501 shop.payout.status paysafe_payout_approval'),
	($$(14, 'm3', 60, 'EUR', 'sent'), (15, 'm4', 60, 'EUR', 'sent')$$, 'accepted'),
	-- what is taken back counts as what it moves
	($$(16, 'm5', -60, 'EUR', 'sent')$$, 'accepted'),
	($$(17, 'm5', -60, 'EUR', 'sent')$$, '42501 shop.payout.status paysafe_payout_approval'),
	($$(17, 'm5', 60, 'EUR', 'sent')$$, '42501 shop.payout.status paysafe_payout_approval')) v (row, want);
SELECT is(pg_temp.refusal(statement), want, statement) FROM (VALUES
	($$UPDATE shop.payout SET status = 'sent' WHERE id = 10$$, '42501 shop.payout.status paysafe_payout_approval'),
	($$UPDATE shop.payout SET amount = 1 WHERE id = 10$$, '23R03 shop.payout.amount paysafe_payout_refund'),
	($$UPDATE shop.payout SET merchant = 'm9' WHERE id = 10$$, '23R03 shop.payout.merchant paysafe_payout_refund'),
	($$UPDATE shop.payout SET currency = 'JPY' WHERE id = 10$$, '23R03 shop.payout.currency paysafe_payout_refund'),
	($$UPDATE shop.payout SET id = 99 WHERE id = 10$$, '23R03 shop.payout.id paysafe_payout_refund'),
	($$DELETE FROM shop.payout WHERE id = 11$$, '23R07 shop.payout paysafe_payout_refund'),
	($$TRUNCATE shop.payout$$, '23R07 shop.payout paysafe_payout_refund'),
	($$MERGE INTO shop.payout p USING (VALUES (10)) v (id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET status = 'paid'$$, '42501 shop.payout.status paysafe_payout_approval'),
	($$INSERT INTO shop.payout VALUES (10, 'm1', 1, 'EUR') ON CONFLICT (id) DO UPDATE SET status = 'sent'$$, '42501 shop.payout.status paysafe_payout_approval'),
	($$UPDATE shop.payout SET status = 'failed' WHERE id = 13; INSERT INTO shop.payout VALUES (18, 'm2', 100, 'EUR', 'sent')$$, '42501 shop.payout.status paysafe_payout_approval')) v (statement, want);

-- a second person
SELECT pg_temp.act('ann');
INSERT INTO shop.payout VALUES (20, 'm6', 500, 'EUR');
SELECT is((SELECT concat_ws(' ', key, payment, amount, currency, total_within, approvals_needed, requested_by) FROM paysafe.pending_approval WHERE key = '20'), '20 m6 500 EUR 500 1 ann', 'it waits');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve('shop.payout', '20', 'mine')$$), '42501 paysafe.approval_record paysafe_approval_record_approval', 'who asks does not approve');
SELECT pg_temp.act('bob');
SELECT paysafe.approve('shop.payout', '20', 'invoice checked');
SELECT pg_temp.act('ann');
SELECT is(pg_temp.refusal($$UPDATE shop.payout SET note = 'other' WHERE id = 20; UPDATE shop.payout SET status = 'sent' WHERE id = 20$$), '42501 shop.payout.status paysafe_payout_approval', 'another row than the one approved');
SELECT is(pg_temp.refusal($$UPDATE shop.payout SET status = 'sent' WHERE id = 20$$), 'accepted', 'the one approved');
SELECT is(pg_temp.refusal($$UPDATE shop.payout SET status = 'paid' WHERE id = 20$$), 'accepted', '... and on');
SELECT is(pg_temp.refusal($$INSERT INTO shop.payout VALUES (21, 'm6', 1, 'EUR', 'sent')$$), '42501 shop.payout.status paysafe_payout_approval', 'the next cent is another one');
-- before its row
SELECT pg_temp.act('bob');
SELECT is(pg_temp.refusal(format('SELECT paysafe.approve_refund(''shop.payout'', %s, ''agreed'')', a)), want, a) FROM (VALUES
	($$'m7', -500, 'EUR'$$, '22023'), ($$'m7', 500.001, 'EUR'$$, '22023'), ($$'m7', 500, 'XXX'$$, '22023'), ($$'m7', 500, 'eur'$$, 'accepted')) v (a, want);
SELECT pg_temp.act('ann');
SELECT is(pg_temp.refusal(format('INSERT INTO shop.payout VALUES (30, %s, ''sent'')', v.row)), want, v.row) FROM (VALUES
	($$'m8', 500, 'EUR'$$, '42501 shop.payout.status paysafe_payout_approval'),
	($$'m7', 501, 'EUR'$$, '42501 shop.payout.status paysafe_payout_approval'),
	($$'m7', 500, 'USD'$$, '42501 shop.payout.status paysafe_payout_approval'),
	($$'m7', -500, 'EUR'$$, '42501 shop.payout.status paysafe_payout_approval'),
	($$'m7', 500, 'EUR'$$, 'accepted')) v (row, want);
SELECT is((SELECT state FROM paysafe.approval WHERE payment = 'm7'), 'used', 'it is used up');
SELECT paysafe.request_refund('shop.payout', 'm9', 300, 'EUR', 'due');
SELECT is((SELECT concat_ws(' ', key, payment, amount, currency, requested_by) FROM paysafe.pending_approval WHERE payment = 'm9'), 'm9 300 EUR ann', 'asked for before its row');

-- of several columns, in one currency, rows of a condition; no status: each row is one
CREATE TABLE shop.adjustment (id int PRIMARY KEY, tenant int, account text, kind text, cents bigint);
CREATE INDEX ON shop.adjustment (tenant, account);
SELECT paysafe.protect_refund('shop.adjustment', NULL, '{tenant,account}', 'cents', currency => 'EUR', rows => '{"kind": ["manual"]}');
SELECT paysafe.set_refund_threshold('shop.adjustment', 'EUR', 1000);
SELECT is(pg_temp.refusal('INSERT INTO shop.adjustment VALUES ' || v.row), want, v.row) FROM (VALUES
	($$(1, 1, 'a', 'manual', 1000)$$, 'accepted'), ($$(2, 1, 'a', 'manual', 1)$$, '42501 shop.adjustment.cents paysafe_adjustment_approval'),
	($$(2, 2, 'a', 'manual', 1000)$$, 'accepted'), ($$(3, 1, 'a', 'sale', 100000)$$, 'accepted'),
	($$(4, 1, NULL, 'manual', 1)$$, '23R06 shop.adjustment.account paysafe_adjustment_refund')) v (row, want);
SELECT pg_temp.act('bob');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve_refund('shop.adjustment', '1', 5, 'EUR', 'x')$$), '22023', 'half a key');
SELECT is(pg_temp.refusal($$SELECT paysafe.approve_refund('shop.adjustment', '1,a', 5, 'USD', 'x')$$), '22023', 'another currency than all have');
SELECT paysafe.approve_refund('shop.adjustment', '1,a', 5, 'EUR', 'a broken lamp');
SELECT pg_temp.act('ann');
SELECT is(pg_temp.refusal($$INSERT INTO shop.adjustment VALUES (5, 1, 'a', 'manual', 5)$$), 'accepted', 'approved before');
SELECT is(pg_temp.refusal($$UPDATE shop.adjustment SET kind = 'manual' WHERE id = 3$$), '42501 shop.adjustment.cents paysafe_adjustment_approval', 'a row that becomes one');
SELECT is(pg_temp.refusal($$UPDATE shop.adjustment SET kind = 'sale' WHERE id = 1$$), '23R03 shop.adjustment.kind paysafe_adjustment_refund', '... stays one');

SELECT * FROM finish();
ROLLBACK;
