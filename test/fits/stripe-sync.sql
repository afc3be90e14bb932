-- stripe-sync: a mirror of what the provider has. Each row is the provider's json and columns that are computed from it,
-- the primary key, too; rows are written by upsert, whenever a webhook comes, the same one more than once. All of it
-- has happened: nothing is refused that the provider says, and what nobody has agreed to is a breach.
CREATE SCHEMA stripe;
CREATE TABLE stripe.charges (_raw_data jsonb NOT NULL, _last_synced_at timestamptz, _account_id text NOT NULL, _updated_at timestamptz NOT NULL DEFAULT now(),
	id text GENERATED ALWAYS AS ((_raw_data->>'id')::text) STORED NOT NULL PRIMARY KEY, amount bigint GENERATED ALWAYS AS ((_raw_data->>'amount')::bigint) STORED,
	amount_captured bigint GENERATED ALWAYS AS ((_raw_data->>'amount_captured')::bigint) STORED, currency text GENERATED ALWAYS AS ((_raw_data->>'currency')::text) STORED,
	status text GENERATED ALWAYS AS ((_raw_data->>'status')::text) STORED, captured boolean GENERATED ALWAYS AS ((_raw_data->>'captured')::boolean) STORED,
	refunded boolean GENERATED ALWAYS AS ((_raw_data->>'refunded')::boolean) STORED, created integer GENERATED ALWAYS AS ((_raw_data->>'created')::integer) STORED);
CREATE TABLE stripe.refunds (_raw_data jsonb NOT NULL, _last_synced_at timestamptz, _account_id text NOT NULL, _updated_at timestamptz NOT NULL DEFAULT now(),
	id text GENERATED ALWAYS AS ((_raw_data->>'id')::text) STORED NOT NULL PRIMARY KEY, amount bigint GENERATED ALWAYS AS ((_raw_data->>'amount')::bigint) STORED,
	charge text GENERATED ALWAYS AS ((_raw_data->>'charge')::text) STORED, currency text GENERATED ALWAYS AS ((_raw_data->>'currency')::text) STORED,
	status text GENERATED ALWAYS AS ((_raw_data->>'status')::text) STORED, created integer GENERATED ALWAYS AS ((_raw_data->>'created')::integer) STORED);
CREATE INDEX ON stripe.refunds (charge);

SELECT paysafe.protect_status('stripe.charges', 'status', '
	[*] --> pending
	[*] --> succeeded
	[*] --> failed
	pending --> succeeded
	pending --> failed', recorded => '{succeeded,failed}');
SELECT paysafe.protect_payment('stripe.charges', 'captured', 'amount', currency_column => 'currency', captured => '{true}', recorded => '{true}');
SELECT paysafe.protect_status('stripe.refunds', 'status', '
	[*] --> pending
	[*] --> requires_action
	[*] --> succeeded
	[*] --> failed
	requires_action --> pending
	requires_action --> canceled
	pending --> succeeded
	pending --> failed
	pending --> canceled
	succeeded --> failed : the bank has sent it back', recorded => '{pending,succeeded,failed,canceled}');
SELECT paysafe.protect_refund('stripe.refunds', 'stripe.charges', 'charge', 'amount', 'currency', 'status', gated => '{pending,requires_action,succeeded}', void => '{failed,canceled}',
	recorded => '{pending,requires_action,succeeded}', payment_key => 'id', unapproved_columns => '{_raw_data,_last_synced_at,_updated_at}');
SELECT paysafe.set_refund_threshold('stripe.refunds', 'USD', 50000);
SELECT paysafe.audit('stripe.charges', redact => '{_raw_data}'), paysafe.audit('stripe.refunds', redact => '{_raw_data}');

CREATE FUNCTION pg_temp.charge(what jsonb) RETURNS void LANGUAGE sql AS $$
	INSERT INTO stripe.charges (_raw_data, _account_id, _last_synced_at) VALUES (what, 'acct_1', now())
	ON CONFLICT (id) DO UPDATE SET _raw_data = EXCLUDED._raw_data, _last_synced_at = EXCLUDED._last_synced_at, _updated_at = now()
	WHERE charges._last_synced_at IS NULL OR charges._last_synced_at <= EXCLUDED._last_synced_at $$;
CREATE FUNCTION pg_temp.refund(what jsonb) RETURNS void LANGUAGE sql AS $$
	INSERT INTO stripe.refunds (_raw_data, _account_id, _last_synced_at) VALUES (what, 'acct_1', now())
	ON CONFLICT (id) DO UPDATE SET _raw_data = EXCLUDED._raw_data, _last_synced_at = EXCLUDED._last_synced_at, _updated_at = now()
	WHERE refunds._last_synced_at IS NULL OR refunds._last_synced_at <= EXCLUDED._last_synced_at $$;
-- authorized, captured, told twice
SELECT pg_temp.charge('{"id": "ch_1", "amount": 10000, "amount_captured": 0, "currency": "usd", "status": "succeeded", "captured": false, "refunded": false}');
SELECT pg_temp.charge('{"id": "ch_1", "amount": 10000, "amount_captured": 10000, "currency": "usd", "status": "succeeded", "captured": true, "refunded": false}');
SELECT pg_temp.charge('{"id": "ch_1", "amount": 10000, "amount_captured": 10000, "currency": "usd", "status": "succeeded", "captured": true, "refunded": false, "balance_transaction": "txn_1"}');
-- refunded in part; a refund that the bank sends back; the rest
SELECT pg_temp.refund('{"id": "re_1", "amount": 4000, "charge": "ch_1", "currency": "usd", "status": "pending"}');
SELECT pg_temp.refund('{"id": "re_1", "amount": 4000, "charge": "ch_1", "currency": "usd", "status": "succeeded"}');
SELECT pg_temp.refund('{"id": "re_1", "amount": 4000, "charge": "ch_1", "currency": "usd", "status": "succeeded", "receipt_number": "1"}');
SELECT pg_temp.refund('{"id": "re_1", "amount": 4000, "charge": "ch_1", "currency": "usd", "status": "failed"}');
SELECT pg_temp.refund('{"id": "re_2", "amount": 10000, "charge": "ch_1", "currency": "usd", "status": "succeeded"}');
SELECT pg_temp.charge('{"id": "ch_1", "amount": 10000, "amount_captured": 10000, "currency": "usd", "status": "succeeded", "captured": true, "refunded": true}');
SELECT fits.is((SELECT count(*) FROM paysafe.breach), 0::bigint, 'no breach so far');
-- one that says something else than before is a mistake of somebody's
SELECT fits.refused('23R03', $$SELECT pg_temp.charge('{"id": "ch_1", "amount": 1, "currency": "usd", "status": "succeeded", "captured": true}')$$);
SELECT fits.refused('23R03', $$SELECT pg_temp.charge('{"id": "ch_1", "amount": 10000, "currency": "eur", "status": "succeeded", "captured": true}')$$);
SELECT fits.refused('23R03', $$SELECT pg_temp.refund('{"id": "re_2", "amount": 1, "charge": "ch_1", "currency": "usd", "status": "succeeded"}')$$);
SELECT fits.refused('23R02', $$SELECT pg_temp.refund('{"id": "re_9", "amount": 1, "charge": "ch_1", "currency": "eur", "status": "succeeded"}')$$);
SELECT fits.refused('23R06', $$SELECT pg_temp.refund('{"id": "re_9", "amount": 1, "charge": "ch_9", "currency": "usd", "status": "succeeded"}')$$);
SELECT fits.refused('23T03', $$DELETE FROM stripe.charges$$);
SELECT fits.refused('23T03', $$DELETE FROM stripe.refunds WHERE id = 're_2'$$);
-- more than was captured, and what nobody has agreed to: stored, and on record
SET client_min_messages = error;
SELECT pg_temp.refund('{"id": "re_3", "amount": 100, "charge": "ch_1", "currency": "usd", "status": "succeeded"}');
SELECT pg_temp.charge('{"id": "ch_2", "amount": 90000, "amount_captured": 90000, "currency": "usd", "status": "succeeded", "captured": true}');
SELECT pg_temp.refund('{"id": "re_4", "amount": 60000, "charge": "ch_2", "currency": "usd", "status": "succeeded"}');
RESET client_min_messages;
SELECT fits.is((SELECT string_agg(key || ' ' || sqlstate, ', ' ORDER BY id) FROM paysafe.breach), 're_3 23R01, re_4 42501', 'breaches');
-- one that was agreed to before the provider was called
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve_refund('stripe.refunds', 'ch_2', 30000, 'USD', 'the rest, too');
COMMIT;
BEGIN;
SELECT paysafe.act_as('webhook');
SELECT pg_temp.refund('{"id": "re_5", "amount": 30000, "charge": "ch_2", "currency": "usd", "status": "succeeded"}');
COMMIT;
SELECT fits.is((SELECT count(*) FROM paysafe.breach), 2::bigint, 'no other breach');
