CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text, note text);
CREATE INDEX ON shop.refund (payment);
SELECT paysafe.protect_status('shop.refund', 'status', E'[*] --> requested\nrequested --> sent\nrequested --> void');
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100);
CREATE TABLE shop.gift (LIKE shop.refund INCLUDING ALL);
SELECT paysafe.protect_refund('shop.gift', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
INSERT INTO shop.payment SELECT i, 1000, CASE i WHEN 61 THEN 'USD' WHEN 62 THEN 'GBP' ELSE 'EUR' END FROM generate_series(1, 62) i;
DO $$ BEGIN CREATE ROLE regress_paysafe_passkey LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT USAGE ON SCHEMA shop, paysafe TO regress_paysafe_passkey;
GRANT ALL ON ALL TABLES IN SCHEMA shop TO regress_paysafe_passkey;
GRANT SELECT ON paysafe.approval, paysafe.pending_change TO regress_paysafe_passkey;
GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.approve, paysafe.approval_challenge, paysafe.approve_with_passkey, paysafe.break_glass_challenge, paysafe.break_glass, paysafe.review_break_glass, paysafe.review_challenge, paysafe.review_break_glass_with_passkey,
	paysafe.refund_challenge, paysafe.approve_refund_with_passkey, paysafe.approve_refund, paysafe.request_refund TO regress_paysafe_passkey;
