-- The lost-update guard: for whom, which columns, NULL, inheritance.  The ways to
-- write a value are in test/sql/row_lock.sql.
BEGIN;
SELECT plan(16);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_paysafe_owner;
CREATE ROLE regress_paysafe_app;
GRANT USAGE, CREATE ON SCHEMA shop TO regress_paysafe_owner, regress_paysafe_app;
CREATE TABLE shop.wallet (id int PRIMARY KEY, balance numeric, doubled numeric GENERATED ALWAYS AS (balance * 2) STORED, note text);
CREATE TABLE shop.gold (grams int) INHERITS (shop.wallet);
ALTER TABLE shop.wallet OWNER TO regress_paysafe_owner;
ALTER TABLE shop.gold OWNER TO regress_paysafe_owner;
GRANT ALL ON shop.wallet TO regress_paysafe_app;
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_row_lock('shop.wallet', '{balance,doubled}')$$, 'regress_paysafe_app'), '42501', 'declared by its owner only');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_row_lock('shop.wallet', '{balance,doubled}')$$, 'regress_paysafe_owner'), 'accepted', 'the owner declares it');
COPY shop.wallet (id, balance) FROM stdin;
1	10
2	\N
\.
INSERT INTO shop.gold (id, balance) VALUES (3, 5);
-- this transaction has written the rows: as if another one had
\set refused '23M04 shop.wallet.balance paysafe_wallet_row_lock'
SELECT is(pg_temp.refusal('UPDATE shop.wallet SET balance = 11'), 'accepted', 'rows of its own may be overwritten');
COMMIT;
BEGIN;
SELECT is(pg_temp.refusal(command, r), :'refused', command || ' by ' || r)
  FROM unnest(ARRAY['regress_paysafe_app', 'regress_paysafe_owner', current_user]) r,
	   unnest(ARRAY['UPDATE shop.wallet SET balance = 12 WHERE id = 1', 'UPDATE shop.wallet SET balance = NULL WHERE id = 1']) command;
SELECT is(pg_temp.refusal(command), want, command)
  FROM (VALUES ('UPDATE shop.wallet SET balance = 12', '23M04 shop.wallet.balance paysafe_wallet_row_lock'),
			   ('UPDATE shop.gold SET balance = 12', '23M04 shop.wallet.balance paysafe_wallet_row_lock'),
			   ('UPDATE shop.wallet SET balance = DEFAULT WHERE id = 1', '23M04 shop.wallet.balance paysafe_wallet_row_lock'),
			   ('UPDATE shop.wallet SET balance = balance * 2', 'accepted'),
			   ('UPDATE shop.wallet SET balance = 11.00, note = ''same''', 'accepted'),
			   ('DELETE FROM shop.wallet WHERE id = 2', 'accepted')) v (command, want);
-- a row that takes another one's place is a new one: see doc/reference.md, and what keeps it out
SELECT is(pg_temp.refusal('DELETE FROM shop.wallet WHERE id = 1; INSERT INTO shop.wallet (id, balance) VALUES (1, 12)'), 'accepted', 'deleted and added again');
SELECT * FROM finish();
ROLLBACK;
SET client_min_messages = error;
DROP SCHEMA shop CASCADE;
DROP OWNED BY regress_paysafe_owner, regress_paysafe_app;
DROP ROLE regress_paysafe_owner, regress_paysafe_app;
