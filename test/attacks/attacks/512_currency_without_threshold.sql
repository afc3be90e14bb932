-- id: 512
-- role: app
-- category: approval-binding
-- expect: must be blocked
-- how: 900 in Kuwaiti dinar is three times the dollar threshold and below it as a number; nobody set a threshold for dinars
-- counter: thresholds are per currency; without one every refund needs approval
:AS_ALICE ;
INSERT INTO pay.payment(id, amount, currency) VALUES (951, 5000, 'KWD');
UPDATE pay.payment SET status = 'authorized' WHERE id = 951;
UPDATE pay.payment SET status = 'captured', captured_amount = 5000 WHERE id = 951;
INSERT INTO pay.refund(id, payment_id, amount, currency) VALUES (150, 951, 900, 'KWD');
UPDATE pay.refund SET status = 'approved' WHERE id = 150;
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 150) = 'approved' THEN 'BYPASSED' ELSE 'HELD' END;
