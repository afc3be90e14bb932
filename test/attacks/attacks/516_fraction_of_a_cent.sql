-- id: 516
-- role: app
-- category: money
-- expect: must be blocked
-- how: amounts finer than the currency: what is paid out is rounded, what is added up is not
-- counter: amounts at the currency's scale
INSERT INTO pay.refund(id, payment_id, amount) SELECT 150 + g, 1, 0.004 FROM generate_series(1, 5) g;
INSERT INTO pay.refund(id, payment_id, amount, currency) VALUES (160, 4, 0.5, 'JPY');
SELECT CASE WHEN EXISTS (SELECT FROM pay.refund WHERE id BETWEEN 150 AND 160) THEN 'BYPASSED' ELSE 'HELD' END;
