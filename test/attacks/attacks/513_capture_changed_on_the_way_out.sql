-- id: 513
-- role: app
-- category: money
-- expect: must be blocked
-- how: the captured amount changes in a legal transition that is not the capture: out of captured, or before it
-- counter: it changes only in the update that enters the captured status
UPDATE pay.payment SET status = 'disputed', captured_amount = 1 WHERE id = 5;
UPDATE pay.payment SET status = 'refunded', captured_amount = 900 WHERE id = 1;
UPDATE pay.payment SET status = 'authorized', captured_amount = 500 WHERE id = 2;
SELECT CASE WHEN (SELECT array_agg(captured_amount ORDER BY id) FROM pay.payment WHERE id IN (1, 2, 5)) = '{1000,0,20000}' THEN 'HELD' ELSE 'BYPASSED' END;
