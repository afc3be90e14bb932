-- What a rule judges changes by INSERT and UPDATE: no ALTER TABLE writes it, in a
-- maintenance window either; what keeps each value passes there.  For a server that
-- preloads paysafe.
BEGIN;
SELECT plan(42);
\ir ../pgtap/lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TYPE shop.stage AS ENUM ('requested', 'approved', 'paid', 'rejected');
CREATE DOMAIN shop.word AS text;
CREATE DOMAIN shop.short AS varchar(3);
CREATE TABLE shop.payment (id int PRIMARY KEY, status text, amount numeric(12,2), captured numeric(12,2), currency char(3), note text);
CREATE TABLE shop.refund (id int, region text, payment int, amount numeric(12,2), currency char(3), status text, stage shop.stage, other text DEFAULT 'paid',
	payee text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.refund_eu PARTITION OF shop.refund FOR VALUES IN ('eu');
CREATE TABLE shop.refund_us PARTITION OF shop.refund FOR VALUES IN ('us');
CREATE INDEX ON shop.refund (payment);
SELECT paysafe.protect_status('shop.payment', 'status', E'[*] --> new\nnew --> captured'),
	   paysafe.protect_payment('shop.payment', 'status', 'amount', 'captured', 'currency', '{captured}'),
	   paysafe.protect_status('shop.refund', 'status', E'[*] --> requested\nrequested --> approved\napproved --> paid\nrequested --> rejected'),
	   paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{approved,paid}', '{rejected}', 'captured', 'currency',
		unapproved_columns => '{payee}'),
	   paysafe.set_refund_threshold('shop.refund', 'EUR', 100), paysafe.audit('shop.refund', '{other}'), paysafe.audit('shop.payment');
CREATE TABLE shop.order (id int PRIMARY KEY, stage shop.stage, is_paid boolean, done text GENERATED ALWAYS AS (CASE WHEN is_paid THEN 'yes' ELSE 'no' END) STORED);
SELECT paysafe.protect_status('shop.order', 'stage', E'[*] --> requested\nrequested --> approved\napproved --> paid'),
	   paysafe.protect_columns('shop.order', '{done}');
SELECT paysafe.act_as('ann');
INSERT INTO shop.payment VALUES (1, 'new', 10000, NULL, 'EUR');
UPDATE shop.payment SET status = 'captured', captured = 10000;
INSERT INTO shop.refund SELECT i, CASE WHEN i < 4 THEN 'eu' ELSE 'us' END, 1, 500, 'EUR', 'requested', 'requested', 'paid', 'customer' FROM generate_series(1, 5) i;
INSERT INTO shop.order VALUES (1, 'requested', false);
-- the window
CREATE FUNCTION pg_temp.opening() RETURNS text LANGUAGE sql AS $$ SELECT $x$SELECT paysafe.open_maintenance('why', 'T-4', '1 hour', '{shop.payment,shop.refund,shop.order}')$x$ $$;
SELECT 'SELECT ' || substring(pg_temp.refusal_text(pg_temp.opening(), 'HINT') FROM '(paysafe\.approve\(.*\));  then') AS command \gset
SELECT paysafe.act_as('bob');
SELECT is(pg_temp.refusal(:'command'), 'accepted', 'bob approves');
SELECT paysafe.act_as('ann');
SELECT is(pg_temp.refusal(pg_temp.opening()), 'accepted', 'ann opens the window');

-- What becomes of it; nothing stays.
CREATE FUNCTION pg_temp.fate(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	fate text;
BEGIN
	fate := pg_temp.refusal(command);
	RAISE EXCEPTION '%', fate USING ERRCODE = 'PT001';
EXCEPTION WHEN SQLSTATE 'PT001' THEN
	RETURN SQLERRM;
END $$;
SELECT matches(pg_temp.fate(command), '^42501 shop\.[a-z_]+ paysafe_[a-z_]+_guard_column$', 'refused: ' || command) FROM unnest(ARRAY[
	$$ALTER TABLE shop.refund ALTER status TYPE text USING 'paid'$$,
	$$ALTER TABLE shop.refund ALTER status TYPE varchar(20) USING 'paid'$$,
	$$ALTER TABLE shop.refund ALTER status TYPE shop.stage USING 'paid'::shop.stage$$,
	$$ALTER TABLE shop.refund ALTER status TYPE shop.word USING 'paid'::shop.word$$,
	$$ALTER TABLE shop.refund ALTER status TYPE text USING other$$,
	$$ALTER TABLE shop.refund ALTER status TYPE varchar(3) USING status::varchar(3)$$,
	$$ALTER TABLE shop.refund ALTER status TYPE shop.short USING status::shop.short$$,
	$$ALTER TABLE shop.refund ALTER other TYPE varchar, ALTER status TYPE text USING 'paid'$$,
	$$ALTER TABLE shop.refund DROP status; ALTER TABLE shop.refund ADD status text DEFAULT 'paid'$$,
	$$ALTER TABLE shop.refund DROP status, ADD status text DEFAULT 'paid'$$,
	$$ALTER TABLE shop.refund DROP status, ADD status text GENERATED ALWAYS AS ('paid') STORED$$,
	$$ALTER TABLE shop.refund RENAME status TO old; ALTER TABLE shop.refund RENAME other TO status$$,
	$$ALTER TABLE shop.refund RENAME status TO old; ALTER TABLE shop.refund RENAME old TO status$$,
	$$ALTER TABLE shop.refund ALTER amount TYPE numeric(12,2) USING 1$$,
	$$ALTER TABLE shop.refund ALTER amount TYPE numeric(12,1)$$,
	$$ALTER TABLE shop.refund ALTER amount TYPE bigint USING amount * 100$$,
	$$ALTER TABLE shop.refund ALTER id TYPE int USING -id$$,
	$$ALTER TABLE shop.payment ALTER captured TYPE numeric(12,2) USING 99999$$,
	$$ALTER TABLE shop.payment ALTER status TYPE text USING 'new'$$,
	$$ALTER TABLE shop.payment ALTER currency TYPE text USING 'JPY'$$,
	$$ALTER TABLE shop.order ALTER stage TYPE text USING 'paid'$$,
	$$ALTER TABLE shop.order DROP done; ALTER TABLE shop.order ADD done text GENERATED ALWAYS AS ('yes') STORED$$,
	$$ALTER TABLE shop.order DROP done, ADD done text DEFAULT 'yes'$$]) command;
SELECT is(pg_temp.fate($$ALTER TYPE shop.stage RENAME VALUE 'requested' TO 'gone'; ALTER TYPE shop.stage RENAME VALUE 'paid' TO 'requested'$$),
	'42501 shop.order paysafe_order_guard_label', 'labels');
CREATE CAST (text AS shop.stage) WITH INOUT;
SELECT matches(pg_temp.fate('ALTER TABLE shop.refund ALTER status TYPE shop.stage USING status::shop.stage'), '_guard_column$', 'by a cast of somebody''s making');
DROP CAST (text AS shop.stage);
SELECT matches(pg_temp.refusal_text($$ALTER TABLE shop.refund ALTER status TYPE text USING 'paid'$$, 'HINT'), 'UPDATE them.*paysafe.unprotect', 'the hint says what is possible');

SELECT is(pg_temp.fate(command || CASE WHEN closes THEN '; SELECT paysafe.close_maintenance()' ELSE '' END), 'accepted', 'accepted: ' || command)
  FROM (VALUES
	(true, $$ALTER TABLE shop.refund ALTER status TYPE shop.stage USING status::shop.stage$$),
	(true, $$ALTER TABLE shop.refund ALTER status TYPE shop.word, ALTER amount TYPE numeric(15,3)$$),
	(true, $$ALTER TABLE shop.refund ALTER id TYPE bigint, ALTER currency TYPE text, ALTER payee TYPE text USING upper(payee), ALTER other TYPE text USING 'x'$$),
	(true, $$ALTER TABLE shop.payment ALTER id TYPE bigint, ALTER currency TYPE varchar(3), ALTER captured TYPE numeric, ALTER note TYPE text USING 'x'$$),
	(true, $$ALTER TABLE shop.order ALTER stage TYPE text$$),
	(true, $$ALTER TABLE shop.order ALTER stage TYPE text; ALTER TABLE shop.order ALTER stage TYPE varchar(20); ALTER TABLE shop.order ALTER stage TYPE shop.stage USING stage::shop.stage$$),
	(true, $$ALTER TABLE shop.order ALTER done DROP EXPRESSION$$),
	(false, $$ALTER TABLE shop.refund DROP status$$),
	(false, $$ALTER TABLE shop.refund RENAME status TO state$$),
	-- the rules are dropped first, which is on record as such
	(true, $$SELECT paysafe.unprotect('shop.refund', 'refund', 'x'); SELECT paysafe.unprotect('shop.refund', 'status', 'x');
		ALTER TABLE shop.refund ALTER status TYPE text USING 'paid'$$)) v (closes, command);

-- a row that was elsewhere meanwhile has not passed the gate
SELECT is(pg_temp.fate($$ALTER TABLE shop.refund DETACH PARTITION shop.refund_us; ALTER TABLE shop.refund ATTACH PARTITION shop.refund_us FOR VALUES IN ('us');
	SELECT paysafe.close_maintenance()$$), 'accepted', 'a partition that left and came back');
SELECT is(pg_temp.fate($$ALTER TABLE shop.refund DETACH PARTITION shop.refund_us; UPDATE shop.refund_us SET status = 'paid' WHERE id = 5;
	ALTER TABLE shop.refund ATTACH PARTITION shop.refund_us FOR VALUES IN ('us'); SELECT paysafe.close_maintenance()$$), '23514 shop.refund paysafe_refund_refund', '... with a refund that is paid');
SELECT is(pg_temp.refusal('SELECT paysafe.close_maintenance()'), 'accepted', 'the window is closed');
SELECT is_empty($$SELECT subject, check_name, detail FROM paysafe.check(true) WHERE NOT ok AND subject LIKE 'shop.%'$$, 'everything is in force');
SELECT * FROM finish();
ROLLBACK;
