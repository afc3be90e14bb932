-- dj-stripe, later: what Stripe says of a charge or a refund is one jsonb column, and nothing else; all of it is what has happened.
CREATE TABLE djstripe_charge (djstripe_id bigserial PRIMARY KEY, id varchar(255) UNIQUE NOT NULL, stripe_data jsonb NOT NULL DEFAULT '{}', livemode boolean, created timestamptz, djstripe_created timestamptz NOT NULL DEFAULT now(),
	djstripe_updated timestamptz NOT NULL DEFAULT now());
CREATE TABLE djstripe_refund (djstripe_id bigserial PRIMARY KEY, id varchar(255) UNIQUE NOT NULL, stripe_data jsonb NOT NULL DEFAULT '{}', livemode boolean, created timestamptz, charge_id varchar(255) NOT NULL REFERENCES djstripe_charge (id),
	djstripe_created timestamptz NOT NULL DEFAULT now(), djstripe_updated timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON djstripe_refund (charge_id);

SELECT paysafe.protect_payment('djstripe_charge', 'stripe_data', 'stripe_data->amount', 'stripe_data->amount_captured', currency_column => 'stripe_data->currency', captured => '{succeeded}', recorded => '{succeeded}',
	status_path => '{status}', units => 'minor', changes => 'rising');
SELECT paysafe.protect_refund('djstripe_refund', 'djstripe_charge', 'charge_id', 'stripe_data->amount', 'stripe_data->currency', 'stripe_data', status_path => '{status}', units => 'minor',
	gated => '{pending,requires_action,succeeded}', void => '{failed,canceled}', recorded => '{pending,requires_action,succeeded}');
SELECT paysafe.set_refund_threshold('djstripe_refund', 'usd', 50000);
SELECT paysafe.protect_columns('djstripe_charge', '{id}');
SELECT paysafe.audit('djstripe_charge'), paysafe.audit('djstripe_refund');

INSERT INTO djstripe_charge (id, stripe_data) VALUES ('ch_1', '{"id": "ch_1", "amount": 5000, "amount_captured": 0, "amount_refunded": 0, "currency": "usd", "status": "pending"}');
UPDATE djstripe_charge SET stripe_data = '{"id": "ch_1", "amount": 5000, "amount_captured": 0, "captured": false, "currency": "usd", "status": "succeeded"}', djstripe_updated = now() WHERE id = 'ch_1';
-- captured in two parts, and a note
UPDATE djstripe_charge SET stripe_data = '{"id": "ch_1", "amount": 5000, "amount_captured": 3000, "captured": true, "currency": "usd", "status": "succeeded"}' WHERE id = 'ch_1';
UPDATE djstripe_charge SET stripe_data = '{"id": "ch_1", "amount": 5000, "amount_captured": 4000, "captured": true, "currency": "usd", "status": "succeeded", "receipt_email": "a@example.org"}' WHERE id = 'ch_1';
INSERT INTO djstripe_refund (id, charge_id, stripe_data) VALUES ('re_1', 'ch_1', '{"id": "re_1", "amount": 1500, "currency": "usd", "status": "pending"}');
UPDATE djstripe_refund SET stripe_data = '{"id": "re_1", "amount": 1500, "currency": "usd", "status": "succeeded", "balance_transaction": "txn_1"}' WHERE id = 're_1';
INSERT INTO djstripe_refund (id, charge_id, stripe_data) VALUES ('re_2', 'ch_1', '{"id": "re_2", "amount": 2500, "currency": "usd", "status": "failed"}');
INSERT INTO djstripe_refund (id, charge_id, stripe_data) VALUES ('re_3', 'ch_1', '{"id": "re_3", "amount": 2500, "currency": "usd", "status": "succeeded"}');
SELECT fits.is((SELECT count(*) FROM paysafe.breach), 0::bigint, 'no more than was captured');

SELECT fits.refused('23R03', $$UPDATE djstripe_charge SET stripe_data = stripe_data || '{"amount": 90000}'$$);
SELECT fits.refused('23R03', $$UPDATE djstripe_charge SET stripe_data = stripe_data || '{"currency": "eur"}'$$);
SELECT fits.refused('23R05', $$UPDATE djstripe_charge SET stripe_data = stripe_data || '{"amount_captured": 10}'$$);
SELECT fits.refused('23R03', $$UPDATE djstripe_charge SET stripe_data = '{}'$$);
SELECT fits.refused('23R04', $$INSERT INTO djstripe_charge (id, stripe_data) VALUES ('ch_2', '{"amount": 50.5, "currency": "usd", "status": "pending"}')$$);
SELECT fits.refused('23R04', $$INSERT INTO djstripe_charge (id, stripe_data) VALUES ('ch_2', '{"amount": {"value": 50}, "currency": "usd", "status": "pending"}')$$);
SELECT fits.refused('23R04', $$INSERT INTO djstripe_charge (id, stripe_data) VALUES ('ch_2', '{}')$$);
INSERT INTO djstripe_charge (id, stripe_data) VALUES ('ch_3', '{"amount": 100, "amount_captured": 100, "currency": "usd", "status": "succeeded"}');
SELECT fits.refused('23R07', $$DELETE FROM djstripe_charge WHERE id = 'ch_3'$$);
SELECT fits.refused('23R03', $$UPDATE djstripe_refund SET stripe_data = stripe_data || '{"amount": 1}' WHERE id = 're_1'$$);
SELECT fits.refused('23R02', $$INSERT INTO djstripe_refund (id, charge_id, stripe_data) VALUES ('re_4', 'ch_1', '{"amount": 1, "currency": "eur", "status": "asked"}')$$);
SELECT fits.refused('23R01', $$INSERT INTO djstripe_refund (id, charge_id, stripe_data) VALUES ('re_4', 'ch_1', '{"amount": 1, "currency": "usd", "status": "asked"}')$$);
-- Stripe says so: it is stored, and somebody must settle it
SET client_min_messages = error;		-- a breach warns
INSERT INTO djstripe_refund (id, charge_id, stripe_data) VALUES ('re_5', 'ch_1', '{"id": "re_5", "amount": 1000, "currency": "usd", "status": "succeeded"}');
SELECT fits.is((SELECT string_agg(sqlstate, ',') FROM paysafe.breach), '23R01', 'more than was captured');
