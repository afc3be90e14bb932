-- liberapay: an amount and its currency are one column of a composite type. What the provider says of refunds is stored by an upsert;
-- a donation is split into transfers, which may be reversed.
CREATE TYPE currency AS ENUM ('EUR', 'USD', 'JPY');
CREATE TYPE currency_amount AS (amount numeric, currency currency);
CREATE TYPE payin_status AS ENUM ('pre', 'submitting', 'pending', 'succeeded', 'failed', 'awaiting_payer_action', 'awaiting_review');
CREATE TYPE payin_transfer_status AS ENUM ('pre', 'pending', 'failed', 'succeeded', 'awaiting_review', 'suspended');
CREATE TYPE refund_status AS ENUM ('pre', 'pending', 'failed', 'succeeded');
CREATE TABLE payins (id bigserial PRIMARY KEY, ctime timestamptz NOT NULL DEFAULT current_timestamp, remote_id text, payer bigint NOT NULL, amount currency_amount NOT NULL CHECK ((amount).amount > 0),
	status payin_status NOT NULL, error text, route int NOT NULL, amount_settled currency_amount, fee currency_amount, intent_id text, refunded_amount currency_amount, off_session boolean NOT NULL DEFAULT false,
	CONSTRAINT fee_currency_chk CHECK ((fee).currency = (amount_settled).currency), CONSTRAINT refund_currency_chk CHECK ((refunded_amount).currency = (amount).currency));
CREATE TABLE payin_transfers (id serial PRIMARY KEY, ctime timestamptz NOT NULL DEFAULT current_timestamp, remote_id text, payin bigint NOT NULL REFERENCES payins, payer bigint NOT NULL, recipient bigint NOT NULL,
	status payin_transfer_status NOT NULL, error text, amount currency_amount NOT NULL CHECK ((amount).amount > 0), reversed_amount currency_amount);
CREATE FUNCTION check_payin_transfer_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF OLD.status = 'succeeded' AND NEW.status = 'succeeded' AND NEW.amount <> OLD.amount THEN RAISE 'not allowed'; END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER check_payin_transfer_update BEFORE UPDATE ON payin_transfers FOR EACH ROW EXECUTE FUNCTION check_payin_transfer_update();
CREATE TABLE payin_refunds (id bigserial PRIMARY KEY, ctime timestamptz NOT NULL DEFAULT current_timestamp, payin bigint NOT NULL REFERENCES payins, remote_id text, amount currency_amount NOT NULL CHECK ((amount).amount > 0),
	reason text, description text, status refund_status NOT NULL, error text, UNIQUE (payin, remote_id));
CREATE TABLE payin_transfer_reversals (id bigserial PRIMARY KEY, ctime timestamptz NOT NULL DEFAULT current_timestamp, payin_transfer bigint NOT NULL REFERENCES payin_transfers, remote_id text,
	payin_refund bigint REFERENCES payin_refunds, amount currency_amount NOT NULL CHECK ((amount).amount > 0), UNIQUE (payin_transfer, remote_id));

SELECT paysafe.protect_status('payins', 'status', '
	[*] --> pre
	pre --> submitting
	pre --> awaiting_payer_action
	pre --> awaiting_review
	pre --> pending
	pre --> succeeded
	pre --> failed
	submitting --> pending
	submitting --> awaiting_payer_action
	submitting --> succeeded
	submitting --> failed
	awaiting_review --> submitting
	awaiting_review --> failed
	awaiting_payer_action --> pending
	awaiting_payer_action --> succeeded
	awaiting_payer_action --> failed
	pending --> succeeded
	pending --> failed
	failed --> succeeded');
SELECT paysafe.protect_payment('payins', 'status', 'amount->amount', currency_column => 'amount->currency', captured => '{succeeded}');
SELECT paysafe.protect_status('payin_refunds', 'status', '
	[*] --> pre
	[*] --> pending
	[*] --> succeeded
	[*] --> failed
	pre --> pending
	pre --> failed
	pending --> succeeded
	pending --> failed', recorded => '{succeeded}');
SELECT paysafe.protect_refund('payin_refunds', 'payins', 'payin', 'amount->amount', 'amount->currency', 'status', gated => '{pre,pending,succeeded}', void => '{failed}', recorded => '{succeeded}');
SELECT paysafe.set_refund_threshold('payin_refunds', 'EUR', 200);
SELECT paysafe.protect_status('payin_transfers', 'status', '
	[*] --> pre
	pre --> pending
	pre --> awaiting_review
	pre --> suspended
	pre --> succeeded
	pre --> failed
	awaiting_review --> pre
	suspended --> pending
	pending --> succeeded
	pending --> failed
	failed --> succeeded');
SELECT paysafe.protect_payment('payin_transfers', 'status', 'amount->amount', currency_column => 'amount->currency', captured => '{succeeded}');
SELECT paysafe.protect_refund('payin_transfer_reversals', 'payin_transfers', 'payin_transfer', 'amount->amount', 'amount->currency');
SELECT paysafe.set_refund_threshold('payin_transfer_reversals', 'EUR', 500);
SELECT paysafe.audit('payins'), paysafe.audit('payin_refunds');

INSERT INTO payins (id, payer, amount, status, route) VALUES (1, 7, (100, 'EUR'), 'pre', 1);
INSERT INTO payin_transfers (id, payin, payer, recipient, status, amount) VALUES (1, 1, 7, 8, 'pre', (60, 'EUR')), (2, 1, 7, 9, 'pre', (40.00, 'EUR'));
UPDATE payins SET status = 'pending', error = NULL, remote_id = coalesce(remote_id, 'ch_1'), amount_settled = coalesce(NULL, amount_settled), fee = coalesce(NULL, fee), intent_id = coalesce('pi_1', intent_id) WHERE id = 1;
UPDATE payins SET status = 'succeeded', amount_settled = (98.5, 'EUR'), fee = (1.5, 'EUR') WHERE id = 1;
UPDATE payin_transfers SET status = 'succeeded', amount = (59.1, 'EUR'), remote_id = 'tr_1' WHERE id = 1 AND false;
UPDATE payin_transfers SET status = 'succeeded', remote_id = 'tr_' || id WHERE payin = 1;
-- the provider tells of a refund, twice
INSERT INTO payin_refunds (payin, remote_id, amount, reason, status, error) VALUES (1, 're_1', (30, 'EUR'), 'requested_by_payer', 'pending', NULL)
	ON CONFLICT (payin, remote_id) DO UPDATE SET amount = excluded.amount, reason = excluded.reason, status = excluded.status, error = excluded.error;
INSERT INTO payin_refunds (payin, remote_id, amount, reason, status, error) VALUES (1, 're_1', (30.00, 'EUR'), 'requested_by_payer', 'succeeded', NULL)
	ON CONFLICT (payin, remote_id) DO UPDATE SET amount = excluded.amount, reason = excluded.reason, status = excluded.status, error = excluded.error;
UPDATE payins SET refunded_amount = (30, 'EUR') WHERE id = 1;
INSERT INTO payin_transfer_reversals (payin_transfer, remote_id, payin_refund, amount) VALUES (1, 'trr_1', 1, (18, 'EUR')), (2, 'trr_2', 1, (12, 'EUR'));
UPDATE payin_transfers SET reversed_amount = (18, 'EUR') WHERE id = 1;

SELECT setval('payins_id_seq', 100);
SELECT fits.refused('23R01', $$INSERT INTO payin_refunds (payin, remote_id, amount, status) VALUES (1, 're_2', (70.01, 'EUR'), 'pending')$$);
SELECT fits.refused('23R02', $$INSERT INTO payin_refunds (payin, remote_id, amount, status) VALUES (1, 're_2', (10, 'USD'), 'pending')$$);
SELECT fits.refused('23R04', $$INSERT INTO payin_refunds (payin, remote_id, amount, status) VALUES (1, 're_2', (10.001, 'EUR'), 'pending')$$);
SELECT fits.refused('23R04', $$INSERT INTO payins (payer, amount, status, route) VALUES (7, (100.5, 'JPY'), 'pre', 1)$$);
SELECT fits.refused('23R04', $$INSERT INTO payins (payer, amount, status, route) VALUES (7, (100, NULL), 'pre', 1)$$);
SELECT fits.refused('23R03', $$UPDATE payins SET amount.amount = 500$$);
SELECT fits.refused('23R03', $$UPDATE payins SET amount = (100, 'USD'), refunded_amount = NULL$$);
SELECT fits.refused('23R03', $$UPDATE payin_refunds SET amount = (20, 'EUR')$$);
SELECT fits.refused('23T01', $$UPDATE payins SET status = 'pending'$$);
SELECT fits.refused('23T02', $$INSERT INTO payins (payer, amount, status, route) VALUES (7, (100, 'EUR'), 'succeeded', 1)$$);
SELECT fits.refused('23R01', $$INSERT INTO payin_transfer_reversals (payin_transfer, remote_id, amount) VALUES (1, 'trr_3', (42.01, 'EUR'))$$);
SELECT fits.refused('23R03', $$UPDATE payin_transfer_reversals SET payin_transfer = 2$$);
-- what the provider says has happened is stored, and on record
SET client_min_messages = error;		-- a breach warns
INSERT INTO payin_refunds (payin, remote_id, amount, status) VALUES (1, 're_9', (70.01, 'EUR'), 'succeeded')
	ON CONFLICT (payin, remote_id) DO UPDATE SET status = excluded.status;
SELECT fits.is((SELECT string_agg(rule || ' ' || sqlstate, ', ') FROM paysafe.breach), 'refund 23R01', 'more than there was');
