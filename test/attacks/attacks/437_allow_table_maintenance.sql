-- id: 437
-- role: owner
-- category: must-stay-allowed
-- expect: must stay allowed
-- how: VACUUM FULL, CLUSTER, REINDEX, ANALYZE of protected tables; LOCK TABLE; writing goes on afterwards
-- counter: -
VACUUM FULL pay.payment;
\set e1 :ERROR
CLUSTER pay.refund USING refund_pkey;
\set e2 :ERROR
REINDEX TABLE pay.ledger_entry;
\set e3 :ERROR
VACUUM ANALYZE pay.refund;
\set e4 :ERROR
BEGIN; LOCK TABLE pay.payment; COMMIT;
\set e5 :ERROR
\c - pay_app
INSERT INTO pay.refund(id, payment_id, amount) VALUES (150, 1, 10);
UPDATE pay.refund SET status = 'approved' WHERE id = 150;
SELECT CASE WHEN 'true' IN (:'e1', :'e2', :'e3', :'e4', :'e5') OR (SELECT status FROM pay.refund WHERE id = 150) IS DISTINCT FROM 'approved' THEN 'BROKEN' ELSE 'ALLOWED' END;
