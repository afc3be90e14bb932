-- Append-only tables: INSERT, and nothing else, for everybody.
BEGIN;
SELECT plan(27);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_paysafe_owner;
CREATE ROLE regress_paysafe_app;
GRANT USAGE, CREATE ON SCHEMA shop TO regress_paysafe_owner, regress_paysafe_app;

CREATE TABLE shop.account (id int PRIMARY KEY);
INSERT INTO shop.account VALUES (1), (2), (3);
CREATE TABLE shop.ledger (id int PRIMARY KEY, account int REFERENCES shop.account ON UPDATE CASCADE ON DELETE CASCADE,
						  amount numeric, note text);
ALTER TABLE shop.ledger OWNER TO regress_paysafe_owner;
GRANT ALL ON shop.ledger TO regress_paysafe_app;
GRANT ALL ON shop.account TO regress_paysafe_owner, regress_paysafe_app;
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_append_only('shop.ledger')$$, 'regress_paysafe_owner'), 'accepted', 'the owner declares it');

\set refused '23L01 shop.ledger paysafe_ledger_append_only'
SELECT is(pg_temp.refusal('INSERT INTO shop.ledger VALUES (1, 1, 10), (2, 2, -10)', 'regress_paysafe_app'), 'accepted', 'INSERT');
SELECT is(pg_temp.refusal(command, r), :'refused', split_part(command, ' ', 1) || ' by ' || r)
  FROM unnest(ARRAY['regress_paysafe_app', 'regress_paysafe_owner', current_user]) r,
	   unnest(ARRAY['UPDATE shop.ledger SET amount = 11 WHERE id = 1',
					'DELETE FROM shop.ledger WHERE id = 1', 'TRUNCATE shop.ledger']) command;
SELECT is(pg_temp.refusal('UPDATE shop.ledger SET amount = amount'), :'refused', 'an UPDATE that changes nothing');
SELECT is(pg_temp.refusal('UPDATE shop.ledger SET amount = 1 WHERE false'), 'accepted', 'an UPDATE of no row');
SELECT is(pg_temp.refusal($$INSERT INTO shop.ledger VALUES (3, 1, 1); UPDATE shop.ledger SET note = 'x' WHERE id = 3$$), :'refused', 'a row of the same transaction');
SELECT is(pg_temp.refusal('INSERT INTO shop.ledger VALUES (1, 1, 5) ON CONFLICT (id) DO UPDATE SET amount = 5'), :'refused', 'upsert');
SELECT is(pg_temp.refusal('INSERT INTO shop.ledger VALUES (1, 1, 5) ON CONFLICT (id) DO NOTHING'), 'accepted', 'upsert that does nothing');
SELECT is(pg_temp.refusal('MERGE INTO shop.ledger l USING (VALUES (1)) v (id) ON l.id = v.id WHEN MATCHED THEN DELETE'), :'refused', 'MERGE');
SELECT is(pg_temp.refusal('DELETE FROM shop.account WHERE id = 1'), :'refused', 'a cascading DELETE');
SELECT is(pg_temp.refusal('UPDATE shop.account SET id = 9 WHERE id = 1'), :'refused', 'a cascading UPDATE');
SELECT is(pg_temp.refusal('TRUNCATE shop.account CASCADE'), :'refused', 'a cascading TRUNCATE');
SELECT is(pg_temp.refusal('DELETE FROM shop.account WHERE id = 3'), 'accepted', 'a cascade that reaches no row');
SELECT is((SELECT string_agg(l::text, ' ' ORDER BY id) FROM shop.ledger l), '(1,1,10,) (2,2,-10,)', 'the rows are as they were added');

-- partitions and children
CREATE TABLE shop.log (at date, id int, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
CREATE TABLE shop.log_1 PARTITION OF shop.log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE shop.log_2 PARTITION OF shop.log FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
SELECT paysafe.protect_append_only('shop.log');
INSERT INTO shop.log VALUES ('2026-01-01', 1);
SELECT is(pg_temp.refusal($$UPDATE shop.log SET at = '2026-02-01'$$), '23L01 shop.log paysafe_log_append_only', 'a move between partitions');
SELECT is(pg_temp.refusal('DELETE FROM shop.log_1'), '23L01 shop.log paysafe_log_append_only', 'straight in a partition');
SELECT is(pg_temp.refusal('TRUNCATE shop.log_1'), '23L01 shop.log paysafe_log_append_only', 'TRUNCATE of a partition');
CREATE TABLE shop.parent (id int PRIMARY KEY);
CREATE TABLE shop.child () INHERITS (shop.parent);
SELECT paysafe.protect_append_only('shop.parent');
INSERT INTO shop.child VALUES (1);
SELECT is(pg_temp.refusal('DELETE FROM shop.parent'), '23L01 shop.parent paysafe_parent_append_only', 'an inherited row through the parent');
SELECT is(pg_temp.refusal('UPDATE shop.child SET id = 2'), '23L01 shop.parent paysafe_parent_append_only', 'an inherited row in the child');

SELECT * FROM finish();
ROLLBACK;
