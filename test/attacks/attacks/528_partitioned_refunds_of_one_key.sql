-- id: 528
-- role: owner
-- category: approval-binding
-- expect: must be blocked
-- how: in a partitioned table the primary key includes the partition's column: three refunds of 800 share the rest of it, and each leaves the others out of its rolling sum
-- counter: a row is left out by its place, not by its key
\if `[ "$TARGET" = paysafe ] && echo true || echo false`
CREATE TABLE pay.refund_part (id bigint, region text, payment_id bigint REFERENCES pay.payment(id), status text, amount numeric, currency text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE pay.refund_part_1 PARTITION OF pay.refund_part FOR VALUES IN ('us', 'eu');
CREATE TABLE pay.refund_part_2 PARTITION OF pay.refund_part FOR VALUES IN ('asia');
GRANT SELECT, INSERT, UPDATE ON pay.refund_part TO pay_app;
SELECT paysafe.protect_status('pay.refund_part', 'status', E'[*] --> requested\nrequested --> paid\nrequested --> void');
SELECT paysafe.protect_refund('pay.refund_part', 'pay.payment', 'payment_id', 'amount', 'currency', 'status', '{paid}', '{void}', 'captured_amount', 'currency');
SELECT paysafe.set_refund_threshold('pay.refund_part', 'USD', 1000);
\c - pay_app
:AS_ALICE ;
INSERT INTO pay.refund_part VALUES (7, 'us', 5, 'requested', 800, 'USD'), (7, 'eu', 5, 'requested', 800, 'USD'), (7, 'asia', 5, 'requested', 800, 'USD');
UPDATE pay.refund_part SET status = 'paid' WHERE region = 'us';
UPDATE pay.refund_part SET status = 'paid' WHERE region = 'eu';
UPDATE pay.refund_part SET status = 'paid' WHERE region = 'asia';
SELECT CASE WHEN (SELECT sum(amount) FROM pay.refund_part WHERE status = 'paid') > 1000 THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
