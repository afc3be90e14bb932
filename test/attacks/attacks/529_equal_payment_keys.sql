-- id: 529
-- role: owner
-- category: approval-binding
-- expect: must be blocked
-- how: the payment's key is a numeric: three refunds refer to it as 1, 1.0 and 1.00, and what is remembered of one is not found for the next; done some time after the rule was declared, beyond the threshold's period
-- counter: what is remembered of a payment's refunds goes by the payment's key, not by how a refund writes it
\if `[ "$TARGET" = paysafe ] && echo true || echo false`
CREATE TABLE pay.bill (id numeric PRIMARY KEY, captured numeric, currency text);
CREATE TABLE pay.bill_refund (id int PRIMARY KEY, bill numeric REFERENCES pay.bill, status text, amount numeric, currency text);
INSERT INTO pay.bill VALUES (1, 5000, 'USD');
GRANT SELECT, INSERT, UPDATE ON pay.bill, pay.bill_refund TO pay_app;
SELECT paysafe.protect_refund('pay.bill_refund', 'pay.bill', 'bill', 'amount', 'currency', 'status', '{paid}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('pay.bill_refund', 'USD', 1000, within => '6 seconds');
SELECT pg_sleep(6.2);
\c - pay_app
:AS_ALICE ;
INSERT INTO pay.bill_refund VALUES (1, 1, 'requested', 800, 'USD'), (2, 1.0, 'requested', 800, 'USD'), (3, 1.00, 'requested', 800, 'USD');
UPDATE pay.bill_refund SET status = 'paid' WHERE id = 1;
UPDATE pay.bill_refund SET status = 'paid' WHERE id = 2;
UPDATE pay.bill_refund SET status = 'paid' WHERE id = 3;
SELECT CASE WHEN (SELECT sum(amount) FROM pay.bill_refund WHERE status = 'paid') > 1000 THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
