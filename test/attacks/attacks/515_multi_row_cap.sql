-- id: 515
-- role: app
-- category: money
-- expect: must be blocked
-- how: refunds that are over the cap only together, in one multi-row INSERT, one COPY, one MERGE
-- counter: each row's check sees the statement's other rows
INSERT INTO pay.refund(id, payment_id, amount) VALUES (150, 1, 600), (151, 1, 600);
COPY pay.refund(id, payment_id, amount) FROM stdin;
152	1	600
153	1	600
\.
MERGE INTO pay.refund r USING (VALUES (154), (155)) v(id) ON r.id = v.id WHEN NOT MATCHED THEN INSERT (id, payment_id, amount) VALUES (v.id, 1, 600);
SELECT CASE WHEN (SELECT sum(amount) FROM pay.refund WHERE payment_id = 1) > 1000 THEN 'BYPASSED' ELSE 'HELD' END;
