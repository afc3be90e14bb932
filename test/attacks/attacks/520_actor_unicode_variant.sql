-- id: 520
-- role: app
-- category: identity
-- expect: must be blocked
-- how: approver "alice" with a no-break space, a zero-width space, in full-width letters; "zoë" composed and decomposed, "ZOË"
-- counter: names are compared in one canonical form without blanks and invisible characters
SET app.actor = 'zoë';
INSERT INTO pay.refund(id, payment_id, amount) VALUES (150, 5, 3000), (151, 5, 3000);
SET app.actor = U&'alice\00A0'; INSERT INTO pay.approval(refund_id, amount, currency) VALUES (1, 5000, 'USD');
SET app.actor = U&'al\200Bice'; INSERT INTO pay.approval(refund_id, amount, currency) VALUES (1, 5000, 'USD');
SET app.actor = U&'\FF41lice';  INSERT INTO pay.approval(refund_id, amount, currency) VALUES (1, 5000, 'USD');
SET app.actor = U&'zoe\0308';   INSERT INTO pay.approval(refund_id, amount, currency) VALUES (150, 3000, 'USD');
SET app.actor = 'ZOË';          INSERT INTO pay.approval(refund_id, amount, currency) VALUES (151, 3000, 'USD');
:AS_ALICE ;
UPDATE pay.refund SET status = 'approved' WHERE id = 1;
SET app.actor = 'zoë';
UPDATE pay.refund SET status = 'approved' WHERE id = 150;
UPDATE pay.refund SET status = 'approved' WHERE id = 151;
SELECT CASE WHEN EXISTS (SELECT FROM pay.refund WHERE id IN (1, 150, 151) AND status = 'approved') THEN 'BYPASSED' ELSE 'HELD' END;
