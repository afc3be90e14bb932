-- Maintenance windows: two persons, named tables, limited time; what happens in
-- them is on record.  For a server that preloads paysafe.
BEGIN;
SELECT plan(29);
\ir ../pgtap/lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, status text, note text);
CREATE TABLE shop.refund (id int PRIMARY KEY, status text);
INSERT INTO shop.refund VALUES (0); DELETE FROM shop.refund;	-- nobody depends on the rules of a table without
CREATE TABLE shop.part (id int, region text, status text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.part_eu PARTITION OF shop.part FOR VALUES IN ('eu');
SELECT paysafe.protect_status(t, 'status', E'[*] --> new\nnew --> paid'), paysafe.audit(t)
  FROM unnest('{shop.payment,shop.refund,shop.part}'::regclass[]) t;
INSERT INTO shop.payment VALUES (1, 'new', 'x');

-- what is named is what was asked for, not the trigger that would go first
SELECT is(pg_temp.refusal_text(command, 'MESSAGE'), 'dropping table shop.refund is refused by paysafe', command)
  FROM unnest('{DROP TABLE shop.refund,DROP TABLE shop.refund CASCADE}'::text[]) command;

-- opening
SELECT is(pg_temp.refusal(command), code, command) FROM (VALUES
	('22023', $$SELECT paysafe.open_maintenance('why', 'T-1', '1 hour')$$),
	('22023', $$SELECT paysafe.open_maintenance(' ', 'T-1', '1 hour', '{shop.payment}')$$),
	('22023', $$SELECT paysafe.open_maintenance('why', '', '1 hour', '{shop.payment}')$$),
	('22023', $$SELECT paysafe.open_maintenance('why', 'T-1', '25 hours', '{shop.payment}')$$),
	('22023', $$SELECT paysafe.open_maintenance('why', 'T-1', '-1 hour', '{shop.payment}')$$),
	('22004', $$SELECT paysafe.open_maintenance('why', NULL, '1 hour', '{shop.payment}')$$),
	('22004', $$SELECT paysafe.open_maintenance('why', 'T-1', '1 hour', '{NULL}')$$),
	('42809', $$SELECT paysafe.open_maintenance('why', 'T-1', '1 hour', '{paysafe.rule}')$$),
	('22023', $$SELECT paysafe.close_maintenance()$$),
	('42501 paysafe_maintenance', $$SELECT paysafe.open_maintenance('why', 'T-1', '1 hour', '{shop.payment}')$$)) v (code, command);
CREATE FUNCTION pg_temp.approve(actor text, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
	PERFORM paysafe.act_as('ann');
	hint := pg_temp.refusal_text(command, 'HINT');
	PERFORM paysafe.act_as(actor);
	RETURN pg_temp.refusal('SELECT ' || substring(hint FROM '(paysafe\.approve\(.*\));  then'));
END $$;
CREATE TEMP TABLE opening AS SELECT $$SELECT paysafe.open_maintenance('column too short', 'T-1', '1 hour', '{shop.payment,shop.part}')$$ AS command;
SELECT is(pg_temp.approve('ann', command), 'accepted', 'ann approves') FROM opening;
SELECT is((SELECT pg_temp.refusal(command) FROM opening), '42501 paysafe_maintenance', '... and cannot open it herself');
SELECT is(pg_temp.approve('bob', command), 'accepted', 'bob approves') FROM opening;
SELECT is((SELECT pg_temp.refusal(command) FROM opening, paysafe.act_as('ann')), 'accepted', 'ann opens it');
SELECT is(pg_temp.refusal(command), '42501 paysafe_maintenance', 'not twice') FROM opening;

-- inside
SELECT is(pg_temp.refusal(command), expected, command) FROM (VALUES
	($$ALTER TABLE shop.payment ALTER status TYPE varchar(20)$$, 'accepted'),
	($$ALTER TABLE shop.part DETACH PARTITION shop.part_eu$$, 'accepted'),
	($$ALTER TABLE shop.refund ALTER status TYPE varchar(20)$$, '42501 shop.refund paysafe_refund_guard_column'),
	($$ALTER TABLE shop.payment DISABLE TRIGGER paysafe$$, '42501 shop.payment paysafe_payment_guard_trigger'),
	($$UPDATE shop.payment SET status = 'sent'$$, '23T04 shop.payment.status paysafe_payment_status'),
	($$SELECT paysafe.unprotect('shop.refund', 'audit', 'x')$$, '42501 shop.refund paysafe_refund_audit'),
	($$SELECT paysafe.unprotect('shop.payment', 'status', 'moved')$$, 'accepted')) v (command, expected);
SELECT results_eq($$SELECT statement, table_name, before -> 'columns' -> 1 ->> 'type', after -> 'columns' -> 1 ->> 'type' FROM paysafe.maintenance_change WHERE table_name = 'shop.payment' ORDER BY id$$,
	$$VALUES ('ALTER TABLE', 'shop.payment', 'text', 'character varying(20)')$$, 'the change is on record, before and after');
SELECT results_eq($$SELECT check_name, ok FROM paysafe.check() WHERE subject = 'maintenance'$$, $$VALUES ('window', false)$$, 'check() says that a window is open');

-- closing
SELECT is(pg_temp.refusal('SELECT paysafe.close_maintenance()'), 'accepted', 'ann closes it');
SELECT is_empty($$SELECT subject, check_name, detail FROM paysafe.check(true) WHERE NOT ok$$, 'everything is in force again');
SELECT is(pg_temp.refusal($$ALTER TABLE shop.payment ALTER note TYPE text USING 'x'$$), '42501 shop.payment paysafe_payment_guard_column', 'and refused again');
SELECT * FROM finish();
ROLLBACK;
