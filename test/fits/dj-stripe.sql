-- dj-stripe: mirrors of Stripe's charges: a charge is captured when it has succeeded, by its amount.
CREATE TABLE djstripe_charge (djstripe_id bigserial PRIMARY KEY, id varchar(255) UNIQUE NOT NULL, amount numeric(14,2) NOT NULL, currency varchar(3) NOT NULL,
	status varchar(255) NOT NULL, stripe_data jsonb NOT NULL DEFAULT '{}', djstripe_updated timestamptz DEFAULT now());

SELECT paysafe.protect_status('djstripe_charge', 'status', '
	[*] --> pending
	[*] --> succeeded
	[*] --> failed
	pending --> succeeded
	pending --> failed');
SELECT paysafe.protect_payment('djstripe_charge', 'status', 'amount', currency_column => 'currency', captured => '{succeeded}');
SELECT paysafe.protect_columns('djstripe_charge', '{id}');
SELECT paysafe.audit('djstripe_charge');

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
