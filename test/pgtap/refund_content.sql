-- What passes the gate is what was approved, whatever ALTER TABLE and ALTER TYPE have
-- made of it meanwhile: before the gate, and between one gated status and the next.
BEGIN;
SELECT plan(72);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TYPE shop.way AS ENUM ('card', 'cash');
CREATE FUNCTION shop.clean(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN upper($1); END';
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int, region text, payment int, amount numeric, currency text, status text, payee text, note text, way shop.way,
	ways shop.way[], n int, code varchar(10), reference text, at timestamptz, due date,
	clean text GENERATED ALWAYS AS (shop.clean(payee)) STORED, is_paid boolean GENERATED ALWAYS AS (status = 'paid') STORED,
	PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.refund_eu PARTITION OF shop.refund FOR VALUES IN ('eu');
-- the same in other places
CREATE TABLE shop.refund_us (due date, gone int, at timestamptz, payee text, is_paid boolean GENERATED ALWAYS AS (status = 'paid') STORED, reference text,
	code varchar(10), n int, ways shop.way[], way shop.way, clean text GENERATED ALWAYS AS (shop.clean(payee)) STORED, note text, status text,
	currency text, amount numeric, payment int, region text NOT NULL, id int NOT NULL);
ALTER TABLE shop.refund_us DROP COLUMN gone;
ALTER TABLE shop.refund ATTACH PARTITION shop.refund_us FOR VALUES IN ('us');
CREATE INDEX ON shop.refund (payment);
INSERT INTO shop.payment SELECT i, 1000, 'EUR' FROM generate_series(1, 9) i;
SELECT paysafe.protect_status('shop.refund', 'status', E'[*] --> requested\nrequested --> sent\nrequested --> void\nsent --> paid\nsent --> requested');
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent,paid}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100);

SELECT paysafe.act_as('clerk');
INSERT INTO shop.refund (id, region, payment, amount, currency, status, payee, note, way, ways, n, code)
	SELECT i, region, i, 500, 'EUR', 'requested', 'customer', 'mallory', 'card', '{card}', 7, 'x' FROM unnest('{eu,us}'::text[]) WITH ORDINALITY u (region, i);
SELECT paysafe.act_as('boss');
SELECT paysafe.approve('shop.refund', '1', 'looked at it'), paysafe.approve('shop.refund', '2', 'looked at it');
SELECT paysafe.act_as('clerk');

-- What becomes of refund 1 and 2 after such a change; nothing stays of it.
CREATE FUNCTION pg_temp.fate(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	fate text;
BEGIN
	EXECUTE change;
	SELECT string_agg(CASE WHEN r = 'accepted' THEN r ELSE split_part(r, 'paysafe_refund_', 2) END, ' ') INTO fate
	  FROM unnest('{1,2}'::int[]) i, pg_temp.refusal(format('UPDATE shop.refund SET status = CASE status WHEN ''requested'' THEN ''sent'' ELSE ''paid'' END, payee = payee WHERE id = %s', i)) r;
	RAISE EXCEPTION '%', fate USING ERRCODE = 'PT001';
EXCEPTION WHEN SQLSTATE 'PT001' THEN
	RETURN SQLERRM;
END $$;
CREATE TEMP TABLE change (before_gate text, after_gate text, change text);
INSERT INTO change VALUES
	-- another content
	('approval', 'approval', 'ALTER TABLE shop.refund DROP note'),
	('approval', 'approval', 'ALTER TABLE shop.refund DROP payee CASCADE; ALTER TABLE shop.refund ADD payee text DEFAULT ''mallory'''),
	('approval', 'approval', 'ALTER TABLE shop.refund DROP payee CASCADE, ADD payee text'),
	('approval', 'approval', 'ALTER TABLE shop.refund RENAME payee TO p; ALTER TABLE shop.refund RENAME note TO payee; ALTER TABLE shop.refund RENAME p TO note'),
	('approval', 'approval', 'ALTER TABLE shop.refund RENAME payee TO old_payee; ALTER TABLE shop.refund ADD payee text'),
	('approval', 'approval', 'ALTER TABLE shop.refund ALTER payee TYPE text USING ''mallory'', ALTER clean DROP EXPRESSION'),
	('approval', 'approval', 'ALTER TABLE shop.refund ALTER n TYPE int USING n + 1'),
	('approval', 'approval', 'ALTER TABLE shop.refund ALTER code TYPE bytea USING code::bytea'),
	('approval', 'approval', 'ALTER TYPE shop.way RENAME VALUE ''card'' TO ''x''; ALTER TYPE shop.way RENAME VALUE ''cash'' TO ''card'''),
	('approval', 'refund', 'CREATE OR REPLACE FUNCTION shop.clean(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS ''BEGIN RETURN ''''MALLORY''''; END'''),
	('approval', 'approval', 'ALTER TABLE shop.refund DROP clean; ALTER TABLE shop.refund ADD clean text DEFAULT ''MALLORY'''),
	-- more than was approved: before the gate nobody has seen it, afterwards it may be filled in
	('approval', 'accepted', 'ALTER TABLE shop.refund ADD payee_2 text DEFAULT ''mallory'''),
	('approval', 'accepted', 'ALTER TABLE shop.refund ADD payee_2 text; UPDATE shop.refund SET payee_2 = ''mallory'''),
	('approval', 'accepted', 'ALTER TABLE shop.refund ALTER reference TYPE text USING ''mallory'''),
	('approval', 'accepted', 'ALTER TABLE shop.refund ADD twice numeric GENERATED ALWAYS AS (amount * 2) STORED'),
	-- the same content
	('accepted', 'accepted', 'ALTER TABLE shop.refund ADD payee_2 text, ADD seen_at timestamptz DEFAULT now()'),
	('accepted', 'accepted', 'ALTER TABLE shop.refund DROP reference, DROP at'),
	('accepted', 'accepted', 'ALTER TABLE shop.refund RENAME reference TO provider_reference'),
	('accepted', 'accepted', 'ALTER TABLE shop.refund RENAME payee TO p; ALTER TABLE shop.refund RENAME p TO payee'),
	('accepted', 'accepted', 'ALTER TABLE shop.refund ALTER n TYPE bigint, ALTER code TYPE text'),
	('accepted', 'accepted', 'ALTER TABLE shop.refund ALTER n TYPE numeric, ALTER code TYPE varchar(20)'),
	('accepted', 'accepted', 'ALTER TABLE shop.refund ALTER clean DROP EXPRESSION, ALTER note SET NOT NULL, ALTER n SET DEFAULT 3'),
	('accepted', 'accepted', 'ALTER TABLE shop.refund DROP is_paid; CREATE INDEX ON shop.refund (payee)'),
	('accepted', 'accepted', 'ALTER TABLE shop.refund DROP payee CASCADE; ALTER TABLE shop.refund ADD payee text DEFAULT ''customer'', ADD clean text DEFAULT ''CUSTOMER'''),
	('accepted', 'accepted', 'ALTER TYPE shop.way ADD VALUE ''bank''; ALTER TYPE shop.way RENAME VALUE ''cash'' TO ''coins''');
SELECT is(pg_temp.fate(change), before_gate || ' ' || before_gate, 'approved, then ' || change)
  FROM change;
UPDATE shop.refund SET status = 'sent';
SELECT is(pg_temp.fate(change), after_gate || ' ' || after_gate, 'sent, then ' || change)
  FROM change;

-- what was sent with another content waits again
SAVEPOINT before;
ALTER TABLE shop.refund RENAME note TO n_2;
SELECT set_eq($$SELECT key || ' ' || status || ' ' || approvals_given FROM paysafe.pending_approval$$, ARRAY['1 sent 0', '2 sent 0'], 'the view shows it');
SELECT matches(pg_temp.refusal_text($$UPDATE shop.refund SET status = 'paid' WHERE id = 1$$, 'HINT'), '^Columns of the table were changed .* paysafe.approve\(''shop.refund'', ''1''', 'the hint says why');
SELECT paysafe.act_as('boss');
SELECT lives_ok($$SELECT paysafe.approve('shop.refund', '1', 'looked at it again')$$, 'it can be approved again');
SELECT paysafe.act_as('clerk');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'paid' WHERE id = 1$$), 'accepted', '... and goes on');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'requested' WHERE id = 2$$), 'accepted', 'another one leaves');
ALTER TABLE shop.refund RENAME n_2 TO note;
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'sent' WHERE id = 2$$), '42501 shop.refund.status paysafe_refund_approval', '... and has not passed, whatever it says afterwards');
ROLLBACK TO before;

-- a column that says one thing in this status, and another one in the next
ALTER TABLE shop.refund DROP payee CASCADE, ADD clean text DEFAULT 'CUSTOMER';
ALTER TABLE shop.refund ADD payee text GENERATED ALWAYS AS (CASE status WHEN 'paid' THEN 'mallory' ELSE 'customer' END) STORED;
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET status = 'paid' WHERE id = 1$$), '42501 shop.refund.status paysafe_refund_approval', 'what was approved has to be there afterwards, too');
ROLLBACK TO before;

-- an empty string is nothing, as with NOT NULL DEFAULT '': it may be filled in once
ALTER TABLE shop.refund ADD provider text NOT NULL DEFAULT '', ADD batch char(5) NOT NULL DEFAULT '';
ALTER TABLE shop.refund ADD words text GENERATED ALWAYS AS (shop.clean(note) || ' ' || provider) STORED;
UPDATE shop.refund SET status = 'requested' WHERE id = 1;
SELECT paysafe.act_as('boss');
SELECT paysafe.approve('shop.refund', '1', 'looked at it');
SELECT paysafe.act_as('clerk');
SELECT is(pg_temp.refusal($$UPDATE shop.refund SET provider = 'pr_0', status = 'sent' WHERE id = 1$$), '42501 shop.refund.status paysafe_refund_approval', 'not together with the gate');
UPDATE shop.refund SET status = 'sent' WHERE id = 1;
SELECT is(pg_temp.refusal(change), answer, change)
  FROM (VALUES (1, 'accepted', $$UPDATE shop.refund SET provider = 'pr_1' WHERE id = 1$$), (2, 'accepted', $$UPDATE shop.refund SET batch = 'b1' WHERE id = 1$$),
	(3, '23R03 shop.refund.provider paysafe_refund_refund', $$UPDATE shop.refund SET provider = 'pr_2' WHERE id = 1$$),
	(4, '23R03 shop.refund.batch paysafe_refund_refund', $$UPDATE shop.refund SET batch = '' WHERE id = 1$$),
	(5, '23R03 shop.refund.note paysafe_refund_refund', $$UPDATE shop.refund SET note = '' WHERE id = 1$$),
	(6, '23R03 shop.refund.clean paysafe_refund_refund', $$CREATE OR REPLACE FUNCTION shop.clean(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END'; UPDATE shop.refund SET payee = payee WHERE id = 1$$),
	(7, 'accepted', $$UPDATE shop.refund SET status = 'paid' WHERE id = 1$$)) v (n, answer, change) ORDER BY n;
ROLLBACK TO before;

-- an approval's state is what it is worth
CREATE FUNCTION pg_temp.state() RETURNS text LANGUAGE sql AS $$
	SELECT state FROM paysafe.approval WHERE relation = 'shop.refund'::regclass AND key = '3' $$;
INSERT INTO shop.refund (id, region, payment, amount, currency, status, payee) VALUES (3, 'eu', 3, 500, 'EUR', 'requested', 'customer');
SELECT paysafe.act_as('boss');
SELECT paysafe.approve('shop.refund', '3', 'looked at it');
SELECT is(pg_temp.state(), 'open', 'as it was approved');
UPDATE shop.refund SET payee = 'mallory' WHERE id = 3;
SELECT is(pg_temp.state(), 'void', 'another payee');
UPDATE shop.refund SET payee = 'customer', at = now() WHERE id = 3;
SELECT is(pg_temp.state(), 'open', 'the same again');
SAVEPOINT renamed;
ALTER TABLE shop.refund RENAME payee TO old_payee;
SELECT is(pg_temp.state(), 'void', 'another name for it');
ROLLBACK TO renamed;
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100, 1, '24 hours', '1 microsecond');
SELECT is(pg_temp.state(), 'expired', 'a shorter life, declared since');
ROLLBACK TO before;
UPDATE shop.refund SET status = 'requested' WHERE id = 1;
SELECT paysafe.act_as('boss');
SELECT paysafe.approve('shop.refund', '1', 'looked at it');
UPDATE shop.refund SET region = 'us' WHERE id = 1;
UPDATE shop.refund SET region = 'eu' WHERE id = 1;
SELECT set_eq($$SELECT state FROM paysafe.approval WHERE relation = 'shop.refund'::regclass AND key = '1'$$, ARRAY['used', 'void'], 'moved away and back');
ALTER TABLE shop.payment RENAME captured TO settled;
SELECT set_has($$SELECT key || ' ' || state FROM paysafe.approval$$, $$VALUES ('1 void')$$, 'a rule that does not fit its table hides nothing');
SELECT * FROM finish();
ROLLBACK;
