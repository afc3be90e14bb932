-- The keys behind what is stored encrypted.
BEGIN;
SELECT plan(3);
SELECT isnt(current_setting('paysafe.key_file'), '', 'the server has a key file');
SELECT throws_ok('TRUNCATE paysafe.data_key', '42501', NULL, 'nobody removes keys by SQL');
SELECT ok(NOT has_table_privilege('pg_monitor', 'paysafe.data_key', 'SELECT'), 'nor reads one without a grant');
SELECT * FROM finish();
ROLLBACK;
