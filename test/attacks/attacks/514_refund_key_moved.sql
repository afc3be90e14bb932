-- id: 514
-- role: app
-- category: approval-binding
-- expect: must be blocked
-- how: a refund that is only requested changes its key, or trades keys with an approved one, so that history and approvals name another
-- counter: the key of a refund is as requested
UPDATE pay.refund SET id = 160 WHERE id = 1;
UPDATE pay.refund SET id = CASE id WHEN 1 THEN 2 ELSE 1 END WHERE id IN (1, 2);
SELECT CASE WHEN (SELECT amount FROM pay.refund WHERE id = 1) = 5000 AND (SELECT amount FROM pay.refund WHERE id = 2) = 4000 THEN 'HELD' ELSE 'BYPASSED' END;
