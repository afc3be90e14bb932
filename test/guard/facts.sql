-- Facts that broke a rule, where the guard is: a maintenance window closes over what is on
-- record, and what is on record stays.  For a server that preloads paysafe.
BEGIN;
SELECT plan(9);
\ir ../pgtap/lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text, note text);
CREATE INDEX ON shop.refund (payment);
SELECT paysafe.protect_status('shop.refund', 'status', E'[*] --> requested\nrequested --> sent\nsent --> paid\nsent --> void', recorded => '{paid}'),
	   paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent,paid}', '{void}', 'captured', 'currency', recorded => '{paid}'),
	   paysafe.set_refund_threshold('shop.refund', 'EUR', 100);
INSERT INTO shop.payment VALUES (1, 1000, 'EUR'), (2, 1000, 'EUR');
SELECT paysafe.act_as('webhook');
INSERT INTO shop.refund VALUES (1, 1, 1500, 'EUR', 'paid');
SELECT is((SELECT string_agg(sqlstate, ' ' ORDER BY id) FROM paysafe.breach WHERE relation = 'shop.refund'::regclass), '23T02 23R01 42501', 'on record');

CREATE FUNCTION pg_temp.opening() RETURNS text LANGUAGE sql AS $$ SELECT $x$SELECT paysafe.open_maintenance('why', 'T-4', '1 hour', '{shop.refund}')$x$ $$;
SELECT paysafe.act_as('ann');
SELECT 'SELECT ' || substring(pg_temp.refusal_text(pg_temp.opening(), 'HINT') FROM '(paysafe\.approve\(.*\));  then') AS command \gset
SELECT paysafe.act_as('bob');
SELECT is(pg_temp.refusal(:'command'), 'accepted', 'bob approves a window');
SELECT paysafe.act_as('ann');
SELECT is(pg_temp.refusal(pg_temp.opening()), 'accepted', 'ann opens it');
SELECT is(pg_temp.refusal('ALTER TABLE shop.refund RENAME note TO remark'), 'accepted', 'something of the table changes');
SELECT is(pg_temp.refusal('SELECT paysafe.close_maintenance()'), 'accepted', 'it closes over what is on record');

-- the evidence is the extension's
SELECT is(pg_temp.refusal(command), expected, command) FROM (VALUES
	('ALTER TABLE paysafe.breach_record DISABLE TRIGGER ALL', '42501 paysafe.breach_record paysafe_breach_record_guard_own_table'),
	('DROP TABLE paysafe.breach_settlement CASCADE', '2BP01'),
	('ALTER SEQUENCE paysafe.breach_id_seq RESTART 1', '42501 paysafe.breach_id_seq paysafe_breach_id_seq_guard_own_object'),
	('DELETE FROM paysafe.breach_record', '42501 paysafe.breach_record paysafe_breach_record_own_table')) v (command, expected);
SELECT * FROM finish();
ROLLBACK;
