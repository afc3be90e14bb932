-- id: 503
-- role: app
-- category: approval-binding
-- expect: must be blocked
-- how: the second half passes inside a function that the first half's UPDATE calls, before the first half's own check
-- counter: the last check sees all
:AS_ALICE ;
INSERT INTO pay.payment(id, amount) VALUES (950, 5000);
UPDATE pay.payment SET status = 'authorized' WHERE id = 950;
UPDATE pay.payment SET status = 'captured', captured_amount = 5000 WHERE id = 950;
INSERT INTO pay.refund(id, payment_id, amount) VALUES (150, 950, 800), (151, 950, 800), (152, 950, 100);
CREATE FUNCTION pg_temp.other() RETURNS text LANGUAGE plpgsql AS $$BEGIN UPDATE pay.refund SET status = 'approved' WHERE id = 151; RETURN 'n'; END$$;
UPDATE pay.refund SET status = 'approved', note = CASE id WHEN 152 THEN pg_temp.other() END WHERE id IN (150, 152);
SELECT CASE WHEN (SELECT sum(amount) FROM pay.refund WHERE payment_id = 950 AND status = 'approved') > 1000 THEN 'BYPASSED' ELSE 'HELD' END;
