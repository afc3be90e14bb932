-- id: 460
-- role: owner
-- category: must-stay-allowed
-- expect: must stay allowed
-- how: ENABLE TRIGGER USER as loaders do; a wider unique key made and dropped; varchar and back; the rules hold afterwards
-- counter: -
ALTER TABLE pay.payment ENABLE TRIGGER USER;
\set e1 :ERROR
ALTER TABLE pay.payment ADD CONSTRAINT wider UNIQUE (id, status);
ALTER TABLE pay.payment DROP CONSTRAINT wider;
\set e2 :ERROR
ALTER TABLE pay.payment OWNER TO pay_owner;
\set e3 :ERROR
UPDATE pay.payment SET status = 'created' WHERE id = 1;
SELECT CASE WHEN 'true' IN (:'e1', :'e2', :'e3') OR (SELECT status FROM pay.payment WHERE id = 1) = 'created' THEN 'BROKEN' ELSE 'ALLOWED' END;
