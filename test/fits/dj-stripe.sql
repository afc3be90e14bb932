-- dj-stripe: mirrors of Stripe's charges: a charge is captured when it has succeeded, by its amount.
-- Charges are in dollars, refunds in cents, and their status stands within their jsonb.
CREATE TABLE djstripe_charge (djstripe_id bigserial PRIMARY KEY, id varchar(255) UNIQUE NOT NULL, amount numeric(14,2) NOT NULL, currency varchar(3) NOT NULL,
	status varchar(255) NOT NULL, stripe_data jsonb NOT NULL DEFAULT '{}', djstripe_updated timestamptz DEFAULT now());
CREATE TABLE djstripe_refund (djstripe_id bigserial PRIMARY KEY, id varchar(255) UNIQUE NOT NULL, amount bigint NOT NULL, currency varchar(3) NOT NULL,
	charge_id varchar(255) NOT NULL REFERENCES djstripe_charge (id), stripe_data jsonb NOT NULL DEFAULT '{}', djstripe_updated timestamptz DEFAULT now());
CREATE INDEX ON djstripe_refund (charge_id);

SELECT paysafe.protect_status('djstripe_charge', 'status', '
	[*] --> pending
	[*] --> succeeded
	[*] --> failed
	pending --> succeeded
	pending --> failed');
SELECT paysafe.protect_payment('djstripe_charge', 'status', 'amount', currency_column => 'currency', captured => '{succeeded}');
SELECT paysafe.protect_columns('djstripe_charge', '{id}');
SELECT paysafe.protect_refund('djstripe_refund', 'djstripe_charge', 'charge_id', 'amount', 'currency', 'stripe_data', status_path => '{status}',
	gated => '{pending,requires_action,succeeded}', void => '{failed,canceled}', recorded => '{pending,requires_action,succeeded}', units => 'minor');
SELECT paysafe.set_refund_threshold('djstripe_refund', 'usd', 500);
SELECT paysafe.audit('djstripe_charge'), paysafe.audit('djstripe_refund');

-- each webhook fetches the object and saves the whole row
INSERT INTO djstripe_charge (djstripe_id, id, amount, currency, status) VALUES (1, 'ch_1', 50, 'usd', 'pending');
UPDATE djstripe_charge SET amount = 50, currency = 'usd', status = 'succeeded', stripe_data = '{"amount_captured": 5000}', djstripe_updated = now() WHERE id = 'ch_1';
UPDATE djstripe_charge SET amount = 50.00, currency = 'usd', status = 'succeeded', stripe_data = '{"amount_captured": 5000, "refunded": true}' WHERE id = 'ch_1';
INSERT INTO djstripe_charge (djstripe_id, id, amount, currency, status) VALUES (2, 'ch_2', 5000, 'jpy', 'failed');

SELECT fits.refused('23R03', $$UPDATE djstripe_charge SET amount = 5000 WHERE id = 'ch_1'$$);
SELECT fits.refused('23R03', $$UPDATE djstripe_charge SET currency = 'eur' WHERE id = 'ch_1'$$);
SELECT fits.refused('23R04', $$INSERT INTO djstripe_charge (djstripe_id, id, amount, currency, status) VALUES (3, 'ch_3', 50.5, 'jpy', 'pending')$$);
SELECT fits.refused('23T01', $$UPDATE djstripe_charge SET status = 'pending' WHERE id = 'ch_1'$$);
SELECT fits.refused('23T03', $$DELETE FROM djstripe_charge WHERE id = 'ch_1'$$);

-- refunds as the webhooks tell of them: what Stripe says is stored, and what was not agreed is a breach
INSERT INTO djstripe_refund (djstripe_id, id, amount, currency, charge_id, stripe_data) VALUES (1, 're_1', 2000, 'usd', 'ch_1', '{"status": "pending"}');
UPDATE djstripe_refund SET amount = 2000, currency = 'usd', charge_id = 'ch_1', stripe_data = '{"status": "succeeded", "reason": null}' WHERE id = 're_1';
INSERT INTO djstripe_refund (djstripe_id, id, amount, currency, charge_id, stripe_data) VALUES (2, 're_2', 1000, 'usd', 'ch_1', '{"status": "pending"}');
UPDATE djstripe_refund SET stripe_data = '{"status": "failed"}' WHERE id = 're_2';
INSERT INTO djstripe_refund (djstripe_id, id, amount, currency, charge_id, stripe_data) VALUES (3, 're_3', 3000, 'usd', 'ch_1', '{"status": "succeeded"}');
SELECT fits.is((SELECT count(*) FROM paysafe.breach), 0::bigint, 'fifty dollars are five thousand cents');
SET client_min_messages = error;		-- a breach warns
INSERT INTO djstripe_refund (djstripe_id, id, amount, currency, charge_id, stripe_data) VALUES (4, 're_4', 1, 'usd', 'ch_1', '{"status": "succeeded"}');
SELECT fits.is((SELECT string_agg(sqlstate || ' ' || detail, '; ') FROM paysafe.breach),
	'23R01 With refund "4" of 0.01 usd they total 50.01 usd; captured is 50.00 usd.', 'a cent too much is on record');
-- agreed before it is asked for, in money
INSERT INTO djstripe_charge (djstripe_id, id, amount, currency, status) VALUES (4, 'ch_4', 900, 'usd', 'succeeded');
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve_refund('djstripe_refund', 'ch_4', 600, 'usd', 'agreed with the customer');
COMMIT;
BEGIN;
SELECT paysafe.act_as('agent');
INSERT INTO djstripe_refund (djstripe_id, id, amount, currency, charge_id, stripe_data) VALUES (5, 're_5', 60000, 'usd', 'ch_4', '{"status": "pending"}');
COMMIT;
SELECT fits.is((SELECT count(*) FROM paysafe.breach), 1::bigint, 'no breach');
INSERT INTO djstripe_refund (djstripe_id, id, amount, currency, charge_id, stripe_data) VALUES (6, 're_6', 10000, 'usd', 'ch_4', '{"status": "succeeded"}');
SELECT fits.is((SELECT count(*) FROM paysafe.breach WHERE sqlstate = '42501'), 1::bigint, 'nobody has agreed');

SELECT fits.refused('23R03', $$UPDATE djstripe_refund SET amount = 1000 WHERE id = 're_1'$$);
SELECT fits.refused('23R02', $$INSERT INTO djstripe_refund (djstripe_id, id, amount, currency, charge_id, stripe_data) VALUES (9, 're_9', 1, 'eur', 'ch_1', '{"status": "pending"}')$$);
SELECT fits.refused('23R07', $$DELETE FROM djstripe_refund WHERE id = 're_1'$$);
SELECT fits.refused('23R01', $$INSERT INTO djstripe_refund (djstripe_id, id, amount, currency, charge_id, stripe_data) VALUES (9, 're_9', 1, 'usd', 'ch_1', '{}')$$);
