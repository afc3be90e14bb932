-- Checkpoints, witnesses and new logs: what is refused, with which SQLSTATE, and to whom.
-- Nothing is signed here: no key is set.
BEGIN;
SELECT plan(27);
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, amount numeric);
SELECT paysafe.audit('shop.payment');
INSERT INTO shop.payment VALUES (1, 100);

-- before anything is sealed
SELECT throws_ok($$SELECT paysafe.open_log('why')$$, '55000', NULL, 'there is no log to end');
SELECT throws_ok('SELECT paysafe.wait_published(NULL)', '22004', NULL, 'how long is waited is said');
SELECT throws_ok('SELECT paysafe.wait_sealed(NULL)', '22004', NULL, '... here, too');
SELECT throws_ok($$SELECT paysafe.wait_published('1 s')$$, '55000', NULL, 'without a key nothing is published');
SELECT is((SELECT count(*)::int FROM paysafe.checkpoint), 0, 'no checkpoint');
SELECT ok(ok AND detail LIKE 'off: %', 'check() says that nothing is signed')
  FROM paysafe.check() WHERE check_name = 'checkpoints_published';

-- arguments
SELECT throws_ok('SELECT * FROM paysafe.seal_entries(0, 1, 77)', '22023', 'the sealed log has no incarnation 77', 'there are no leaves of what there is not');
SELECT throws_ok($$SELECT paysafe.open_log(NULL)$$, '22004', NULL, 'a new log has a reason');
SELECT throws_ok($$SELECT paysafe.open_log('  ')$$, '22023', NULL, '... that one can read');
SELECT throws_ok($$SELECT paysafe.proof(NULL, 1)$$, '22004', NULL, 'a proof is of a transaction');
SELECT throws_ok($$SELECT paysafe.proof('1', 1)$$, '22023', NULL, '... that is sealed');
SELECT throws_ok($$SELECT paysafe.add_cosignature(NULL)$$, '22004', NULL, 'a cosignature is of a note');
SELECT throws_ok($$SELECT paysafe.add_cosignature('x')$$, '22023', NULL, '... of a form');
SELECT throws_ok(format('SELECT paysafe.add_cosignature(%L)', E'a.example\n1\n' || encode(sha256(''), 'base64') || E'\n\n— a.example AAAAAAAAAAA=\n'),
	'22023', NULL, '... of a log of ours');
SELECT throws_ok($$SELECT paysafe.set_seal_policy('x', 'why')$$, '22023', NULL, 'a policy has a form');
SELECT throws_ok($$SELECT paysafe.set_seal_policy(E'quorum none\n', NULL)$$, '22004', NULL, '... and a reason');

-- a policy is declared by one, and changed by two
SELECT is(paysafe.set_seal_policy(E'quorum none\n', 'we have no witnesses yet'), 1, 'the first one');
SELECT is(paysafe.checkpoint_is_good('x'), false, 'what is no checkpoint is not good');
SELECT paysafe.act_as('ann');
SELECT throws_ok($$SELECT paysafe.set_seal_policy(E'# none\nquorum none\n', 'another one')$$, '42501', NULL, 'the second takes two people');
SELECT lives_ok($$SELECT paysafe.propose('because')$$, 'proposed');
SELECT is(paysafe.set_seal_policy(E'# none\nquorum none\n', 'another one'), NULL, '... it is not made');
SELECT paysafe.propose(NULL);
SELECT throws_ok(format('SELECT paysafe.approve(''paysafe.maintenance_record'', %L, ''mine'')', (SELECT key FROM paysafe.pending_change WHERE rule = 'policy')),
	'42501', NULL, 'who proposes does not approve');
SELECT paysafe.act_as('bob');
SELECT ok(paysafe.approve('paysafe.maintenance_record', key, 'so be it') > 0, 'another one does') FROM paysafe.pending_change WHERE rule = 'policy';
SELECT paysafe.act_as('ann');
SELECT is(paysafe.set_seal_policy(E'# none\nquorum none\n', 'another one'), 2, '... and it is in force');

-- who may
CREATE ROLE regress_paysafe_watcher;
SELECT is(has_table_privilege('regress_paysafe_watcher', 'paysafe.checkpoint', 'SELECT'), false, 'checkpoints are not for everybody');
GRANT pg_monitor TO regress_paysafe_watcher;
SELECT is(has_table_privilege('regress_paysafe_watcher', 'paysafe.checkpoint', 'SELECT'), true, '... but for who watches');
SET LOCAL ROLE regress_paysafe_watcher;
SELECT is((SELECT count(*)::int FROM paysafe.checkpoint), 0, '... with all that it takes');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
