-- A batch of very many keys does not fill the table of locks, whatever the number of rules, and is judged as ever.
BEGIN;
SELECT plan(5);
\ir lib/refusal.psql
CREATE SCHEMA shop;
CREATE TABLE shop.bulk (id int PRIMARY KEY, who int);
SELECT paysafe.protect_velocity('shop.bulk', 'who', 1, '1 day', rule => 'velocity_' || n, mode => 'refuse') FROM generate_series(1, 4) n;
INSERT INTO shop.bulk SELECT n, n FROM generate_series(1, 1000) n;
-- smallint: 0xc000 is a key, 0xc001 all of a rule
SELECT is(count(*), 256::bigint, 'so many keys are locked') FROM pg_locks WHERE classid = 'paysafe.velocity_flow'::regclass AND objsubid = -16384;
SELECT is(count(*), 4::bigint, 'and each rule as a whole') FROM pg_locks WHERE classid = 'paysafe.velocity_flow'::regclass AND objsubid = -16383 AND mode = 'ExclusiveLock';
SELECT is(pg_temp.refusal('INSERT INTO shop.bulk VALUES (0, ' || n || ')'), expected, 'key ' || n) FROM (VALUES (1, '23V01 shop.bulk.who paysafe_bulk_velocity_1'), (1000, '23V01 shop.bulk.who paysafe_bulk_velocity_1'), (1001, 'accepted')) v (n, expected);
SELECT * FROM finish();
ROLLBACK;
