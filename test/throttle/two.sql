-- Two people loosen a limit: each statement is a transaction of its own.
\set ON_ERROR_STOP 1
SELECT paysafe.set_throttle('pay', 2, '1 day', 'few', '{user}');
SELECT allowed, remaining FROM paysafe.throttle('pay', '{"user": "ann"}', 2);
BEGIN; SELECT paysafe.act_as('ann'); SELECT paysafe.propose('a customer more'); SELECT paysafe.set_throttle('pay', 10, '1 day', 'many', '{user}', tier => 'gold'); COMMIT;
BEGIN; SELECT paysafe.act_as('bob'); SELECT paysafe.approve(approved_as, key, 'agreed') IS NOT NULL FROM paysafe.pending_change; COMMIT;
BEGIN; SELECT paysafe.act_as('ann'); SELECT paysafe.set_throttle('pay', 10, '1 day', 'many', '{user}', tier => 'gold'); COMMIT;
SELECT allowed, remaining FROM paysafe.throttle('pay', '{"user": "ann"}', 1);
SELECT allowed, remaining FROM paysafe.throttle('pay', '{"user": "ann"}', 1, 'gold');
SELECT count(*) FROM paysafe.audit_log WHERE table_name = 'throttle_limit_record';
