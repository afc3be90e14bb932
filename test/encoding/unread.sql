-- Three lines: do 600, 600 to another spelling, and 600 to whom one can read, pass a threshold of 1000 per beneficiary?
SET client_min_messages = error;
CREATE TABLE payout (id int PRIMARY KEY, payment int, amount numeric, currency text, status text, iban text);
CREATE INDEX ON payout (payment);
DO $$
BEGIN
	PERFORM paysafe.protect_refund('payout', 'payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency',
								   beneficiary_column => 'iban');
	PERFORM paysafe.set_refund_threshold('payout', 'EUR', 1000);
	PERFORM paysafe.set_refund_threshold('payout', 'EUR', 1000, band => 'account', per => 'beneficiary');
END $$;
INSERT INTO payment SELECT n, 1000, 'EUR' FROM generate_series(11, 13) n;
CREATE FUNCTION pass(n int, iban text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO payout VALUES (n, n, 600, 'EUR', 'sent', iban);
	RETURN 'accepted';
EXCEPTION WHEN insufficient_privilege THEN
	RETURN SQLSTATE;
END $$;
SELECT pass(11, E'DE89\xe93704');
SELECT pass(12, E'DE89\xea3704');
SELECT pass(13, 'DE893704');
