-- id: 441
-- role: app
-- category: must-stay-allowed
-- expect: must stay allowed
-- how: a worker without a person behind it requests and sends small refunds
-- counter: below the threshold nobody is asked who they are
:AS_NOBODY ;
INSERT INTO pay.refund(id, payment_id, amount) VALUES (150, 1, 20), (151, 1, 30);
UPDATE pay.refund SET status = 'approved' WHERE id IN (150, 151);
UPDATE pay.refund SET status = 'processed' WHERE id IN (150, 151);
SELECT CASE WHEN (SELECT count(*) FROM pay.refund WHERE id IN (150, 151) AND status = 'processed') = 2 THEN 'ALLOWED' ELSE 'BROKEN' END;
