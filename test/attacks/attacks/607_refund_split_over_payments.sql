-- id: 607
-- role: app
-- category: approval-binding
-- expect: must be blocked
-- how: one person splits a refund that would need approval over forty payments of their own, each below the threshold, in one statement, one by one, moved by somebody else
-- counter: the sum that one person asks for is judged too, whatever the payment and whoever moves it
:AS_ALICE ;
INSERT INTO pay.payment(id,status,amount,currency,captured_amount) SELECT 700 + n, 'created', 900, 'USD', 0 FROM generate_series(1, 40) n;
UPDATE pay.payment SET status = 'authorized' WHERE id > 700;
UPDATE pay.payment SET status = 'captured', captured_amount = amount WHERE id > 700;
INSERT INTO pay.refund(id,payment_id,amount,currency) SELECT 700 + n, 700 + n, 900, 'USD' FROM generate_series(1, 40) n;
UPDATE pay.refund SET status = 'approved' WHERE id BETWEEN 701 AND 740;
UPDATE pay.refund SET status = 'approved' WHERE id BETWEEN 701 AND 710;
UPDATE pay.refund SET status = 'approved' WHERE id BETWEEN 711 AND 718;
UPDATE pay.refund SET status = 'approved' WHERE id = 719;
UPDATE pay.refund SET status = 'approved' WHERE id = 720;
:AS_BOB ;
UPDATE pay.refund SET status = 'approved' WHERE id = 721;
UPDATE pay.refund SET status = 'approved' WHERE id BETWEEN 722 AND 740;
SELECT CASE WHEN (SELECT coalesce(sum(amount), 0) > 20000 FROM pay.refund WHERE id > 700 AND status = 'approved') THEN 'BYPASSED'
            WHEN (SELECT count(*) = 0 FROM pay.refund WHERE id > 700 AND status = 'approved') THEN 'N/A' ELSE 'HELD' END;
