-- id: 601
-- role: superuser
-- category: identity
-- expect: must be blocked
-- how: a superuser notes the verifier of an approver's password, sets another one, connects as him, puts the verifier back as it was, and approves in the open session
-- counter: not what the row says counts, but which version of it: one that is put back is another one
ALTER ROLE bob PASSWORD 'his own';
:ENROL ;
SELECT rolpassword AS verifier FROM pg_authid WHERE rolname = 'bob' \gset
ALTER ROLE bob PASSWORD 'stolen';
\c - bob
\c - pay_super
ALTER ROLE bob PASSWORD :'verifier';
\c - alice
INSERT INTO pay.refund(id, payment_id, amount) VALUES (70, 5, 3000);
\c - bob
INSERT INTO pay.approval(refund_id, amount, currency) VALUES (70, 3000, 'USD');
\c - alice
UPDATE pay.refund SET status = 'approved' WHERE id = 70;
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 70) = 'approved' THEN 'BYPASSED' ELSE 'HELD' END;
