-- Four lines: may "large", "large " with two blanks, "other" approve what "small" requested, ...
SET client_min_messages = warning;
CREATE EXTENSION paysafe;
CREATE TABLE payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON refund (payment);
SELECT paysafe.protect_refund('refund', 'payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency') \g /dev/null
INSERT INTO payment SELECT n, 1000, 'EUR' FROM generate_series(1, 4) n;
CREATE FUNCTION pair(n int, requester text, approver text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as(requester);
	INSERT INTO refund VALUES (n, n, 500, 'EUR', 'requested');
	PERFORM paysafe.act_as(approver);
	PERFORM paysafe.approve('refund', n::text, 'looked at it');
	RETURN 'accepted';
EXCEPTION WHEN insufficient_privilege THEN
	RETURN SQLSTATE;
END $$;
SELECT pair(1, :'small', :'large');
SELECT pair(2, 'x  ' || :'large', 'X ' || :'small');
SELECT pair(3, :'small', :'other');
-- ... and may "small" what "other" did?
SELECT pair(4, :'other', :'small');
