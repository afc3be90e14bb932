-- id: 600
-- role: dbowner
-- category: identity
-- expect: must be blocked
-- how: CREATEROLE resets the password of an approver, logs in as him, approves, and takes the password away again
-- counter: a registered login is the version of its row in pg_authid: what was changed approves nothing until two people have seen it
\c - pay_super
:ENROL ;
\c - alice
INSERT INTO pay.refund(id, payment_id, amount) VALUES (70, 5, 3000);
\c - pay_dba
ALTER ROLE bob PASSWORD 'stolen';
\c - bob
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (70, 3000, 'USD');
\c - pay_dba
ALTER ROLE bob PASSWORD NULL;
\c - bob
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (70, 3000, 'USD');
\c - alice
UPDATE pay.refund SET status = 'approved' WHERE id = 70;
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 70) = 'approved' THEN 'BYPASSED' ELSE 'HELD' END;
