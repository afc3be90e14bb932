-- id: 616
-- role: owner
-- category: identity
-- expect: must be blocked
-- how: the owner lets a default, views, one of which runs a text, a function of one SELECT, one that takes on the owner's role and a cursor that is left for COMMIT call the approval; whoever writes or reads there as bob has approved
-- counter: only what somebody's own text, or own function, calls is asked for by them
CREATE TABLE pay.inbox (id int, n bigint DEFAULT paysafe.approve('pay.refund', '1', 'seen'));
CREATE VIEW pay.newest AS SELECT paysafe.approve('pay.refund', '1', 'seen') AS n;
CREATE FUNCTION pay.total() RETURNS bigint LANGUAGE sql AS $$ SELECT paysafe.approve('pay.refund', '1', 'seen') $$;
CREATE FUNCTION pay.mine() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN SET LOCAL ROLE pay_owner; RETURN paysafe.approve('pay.refund', '1', 'seen'); END $$;
CREATE FUNCTION pay.later() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT paysafe.approve(''pay.refund'', ''1'', ''seen'')'; RETURN 1; END $$;
CREATE VIEW pay.report AS SELECT query_to_xml('SELECT paysafe.approve(''pay.refund'', ''1'', ''seen'')', true, true, '') AS n;
-- ts_stat is a part of its name
CREATE VIEW pay.payments_status AS SELECT * FROM ts_stat('SELECT to_tsvector(paysafe.approve(''pay.refund'', ''1'', ''seen'')::text)');
GRANT ALL ON pay.inbox, pay.newest, pay.report, pay.payments_status TO bob;
\c - pay_super
SET SESSION AUTHORIZATION bob;
BEGIN; SELECT paysafe.act_as('bob'); INSERT INTO pay.inbox VALUES (1); COMMIT;
BEGIN; SELECT paysafe.act_as('bob'); SELECT * FROM pay.newest; COMMIT;
BEGIN; SELECT paysafe.act_as('bob'); SELECT pay.total(); COMMIT;
BEGIN; SELECT paysafe.act_as('bob'); SELECT pay.later(); COMMIT;
BEGIN; SELECT paysafe.act_as('bob'); SELECT * FROM pay.report; COMMIT;
BEGIN; SELECT paysafe.act_as('bob'); SELECT * FROM pay.payments_status; COMMIT;
RESET SESSION AUTHORIZATION;
BEGIN; SELECT paysafe.act_as('bob'); SELECT pay.mine(); COMMIT;
\c - pay_super
:AS_ALICE ;
UPDATE pay.refund SET status = 'approved' WHERE id = 1;
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 1) = 'approved' THEN 'BYPASSED' ELSE 'HELD' END;
