-- Where only the status says what is captured, a payment that has left it was captured all the same.
BEGIN;
SELECT plan(35);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.bare (id int PRIMARY KEY, status text, amount numeric, currency text);
CREATE TABLE shop.paid (id int PRIMARY KEY, paid_at timestamptz, amount numeric, currency text);
CREATE TABLE shop.flag (id int PRIMARY KEY, success boolean, amount numeric, currency text);
CREATE TABLE shop.remote (id int PRIMARY KEY, data jsonb, amount numeric, currency text);
CREATE TABLE shop.parted (id int, place text, status text, amount numeric, currency text, PRIMARY KEY (id, place)) PARTITION BY LIST (place);
CREATE TABLE shop.parted_a PARTITION OF shop.parted FOR VALUES IN ('a');
CREATE TABLE shop.parted_b PARTITION OF shop.parted FOR VALUES IN ('b');
CREATE TABLE shop.cart (id int PRIMARY KEY);
CREATE TABLE shop.child (id int PRIMARY KEY, cart int REFERENCES shop.cart ON DELETE CASCADE, status text, amount numeric, currency text);
CREATE TABLE shop.watched (LIKE shop.bare INCLUDING ALL);
CREATE TABLE shop.machine (LIKE shop.bare INCLUDING ALL);
CREATE TABLE shop.nested (LIKE shop.bare INCLUDING ALL);
-- captured before the rule was there
INSERT INTO shop.bare VALUES (1, 'captured', 100, 'EUR');
SELECT paysafe.protect_payment(t, 'status', 'amount', currency_column => 'currency', captured => '{captured,settled}')
  FROM unnest(ARRAY['shop.bare', 'shop.parted', 'shop.child', 'shop.machine', 'shop.nested']::regclass[]) t;
SELECT paysafe.protect_payment('shop.watched', 'status', 'amount', currency_column => 'currency', captured => '{captured}', mode => 'observe');
SELECT paysafe.protect_payment('shop.paid', 'paid_at', 'amount', currency_column => 'currency', captured => '{set}');
SELECT paysafe.protect_payment('shop.flag', 'success', 'amount', currency_column => 'currency', captured => '{true}');
SELECT paysafe.protect_payment('shop.remote', 'data', 'amount', currency_column => 'currency', captured => '{paid}', status_path => '{state}');
SELECT paysafe.protect_status('shop.machine', 'status', $$
	[*] --> new
	new --> captured
	captured --> settled
	captured --> undone $$, deletable => '{undone}');

CREATE FUNCTION pg_temp.is_kept(statement text) RETURNS text LANGUAGE sql AS
	$$ SELECT is(regexp_replace(pg_temp.refusal(statement), ' .*', ''), '23R07', statement) $$;

SELECT pg_temp.is_kept($$UPDATE shop.bare SET status = 'new' WHERE id = 1; DELETE FROM shop.bare WHERE id = 1$$);
SELECT is(pg_temp.refusal($$UPDATE shop.bare SET status = 'new' WHERE id = 1$$), 'accepted', 'without a status rule it may leave');
SELECT pg_temp.is_kept('DELETE FROM shop.bare WHERE id = 1');
SELECT pg_temp.is_kept('TRUNCATE shop.bare');
SELECT pg_temp.is_kept($$MERGE INTO shop.bare USING (VALUES (1)) v (id) ON bare.id = v.id WHEN MATCHED THEN DELETE$$);
SELECT pg_temp.is_kept($$WITH gone AS (DELETE FROM shop.bare WHERE id = 1 RETURNING *) SELECT * FROM gone$$);
SELECT is((SELECT count(*)::int FROM shop.bare), 1, 'it is there');

-- from one captured status to another it has not left
INSERT INTO shop.bare VALUES (2, 'captured', 5, 'EUR'), (3, 'new', 5, 'EUR'), (4, 'captured', 0, 'EUR'), (5, 'captured', 5, 'EUR');
SELECT is(pg_temp.refusal($$UPDATE shop.bare SET status = 'settled' WHERE id = 2$$), 'accepted', 'captured, then settled');
SELECT is((SELECT count(*)::int FROM paysafe.row_mark WHERE relation = 'shop.bare'::regclass AND whole_key = '2'), 0, '... is no mark');
SELECT pg_temp.is_kept('DELETE FROM shop.bare WHERE id = 2');

-- what was never captured
SELECT is(pg_temp.refusal('DELETE FROM shop.bare WHERE id = 3'), 'accepted', 'never captured');
SELECT is(pg_temp.refusal($$UPDATE shop.bare SET status = 'new' WHERE id = 4; DELETE FROM shop.bare WHERE id = 4$$), 'accepted', 'nothing was captured');

-- what is rolled back
SAVEPOINT back;
UPDATE shop.bare SET status = 'new' WHERE id = 5;
ROLLBACK TO back;
SELECT is((SELECT count(*)::int FROM paysafe.row_mark WHERE relation = 'shop.bare'::regclass AND whole_key = '5'), 0, 'a change that was rolled back leaves no mark');

-- a row added again under the key of one that was never captured
INSERT INTO shop.bare VALUES (3, 'new', 5, 'EUR');
SELECT is(pg_temp.refusal('DELETE FROM shop.bare WHERE id = 3'), 'accepted', 'another life');

-- whatever a status is
INSERT INTO shop.paid VALUES (1, now(), 5, 'EUR'), (2, NULL, 5, 'EUR');
INSERT INTO shop.flag VALUES (1, true, 5, 'EUR'), (2, false, 5, 'EUR'), (3, true, 5, 'EUR');
INSERT INTO shop.remote VALUES (1, '{"state": "paid"}', 5, 'EUR'), (2, '{"state": "new"}', 5, 'EUR'), (3, '{"state": "paid"}', 5, 'EUR');
UPDATE shop.paid SET paid_at = NULL;
UPDATE shop.flag SET success = CASE id WHEN 3 THEN NULL ELSE false END;
UPDATE shop.remote SET data = CASE id WHEN 3 THEN '{}' ELSE '{"state": "new"}'::jsonb END;
SELECT pg_temp.is_kept(format('DELETE FROM %s WHERE id = %s', t, i)) FROM (VALUES ('shop.paid', 1), ('shop.flag', 1), ('shop.flag', 3), ('shop.remote', 1), ('shop.remote', 3)) v (t, i);
SELECT is(pg_temp.refusal(format('DELETE FROM %s WHERE id = 2', t)), 'accepted', t || ': never captured') FROM unnest(ARRAY['shop.paid', 'shop.flag', 'shop.remote']) t;

-- partitions: the row leaves both at once, or one after the other
INSERT INTO shop.parted VALUES (1, 'a', 'captured', 5, 'EUR'), (2, 'a', 'captured', 5, 'EUR'), (3, 'a', 'new', 5, 'EUR');
UPDATE shop.parted SET status = 'new' WHERE id = 1;
UPDATE shop.parted SET place = 'b' WHERE id = 1;
UPDATE shop.parted SET place = 'b', status = 'new' WHERE id = 2;
SELECT is((SELECT count(*)::int FROM shop.parted_b), 2, 'both are in another partition');
SELECT pg_temp.is_kept('DELETE FROM shop.parted WHERE id = 2');
SELECT pg_temp.is_kept('DELETE FROM shop.parted WHERE id = 1');
SELECT is(pg_temp.refusal('DELETE FROM shop.parted WHERE id = 3'), 'accepted', 'one that was never captured goes');

-- a cascade
INSERT INTO shop.cart VALUES (1), (2);
INSERT INTO shop.child VALUES (1, 1, 'captured', 5, 'EUR'), (2, 2, 'new', 5, 'EUR');
UPDATE shop.child SET status = 'new';
SELECT pg_temp.is_kept('DELETE FROM shop.cart WHERE id = 1');
SELECT is(pg_temp.refusal('DELETE FROM shop.cart WHERE id = 2'), 'accepted', 'a cascade to one that was never captured');

-- observed: the mark is there when the rule is enforced
INSERT INTO shop.watched VALUES (1, 'captured', 5, 'EUR'), (2, 'captured', 5, 'EUR');
UPDATE shop.watched SET status = 'new';
SELECT is(pg_temp.refusal('DELETE FROM shop.watched WHERE id = 2'), 'accepted', 'observed');
SELECT paysafe.protect_payment('shop.watched', 'status', 'amount', currency_column => 'currency', captured => '{captured}');
SELECT pg_temp.is_kept('DELETE FROM shop.watched WHERE id = 1');

-- a status rule says itself what may be deleted
INSERT INTO shop.machine VALUES (1, 'new', 5, 'EUR');
UPDATE shop.machine SET status = 'captured';
UPDATE shop.machine SET status = 'undone';
SELECT is(pg_temp.refusal('DELETE FROM shop.machine'), 'accepted', 'deletable, as two people have agreed');

-- a trigger that deletes what it sees leave
CREATE FUNCTION shop.sweep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM shop.nested n WHERE n.id = NEW.id; RETURN NULL; END $$;
CREATE TRIGGER a_sweep AFTER UPDATE ON shop.nested FOR EACH ROW EXECUTE FUNCTION shop.sweep();
INSERT INTO shop.nested VALUES (1, 'captured', 5, 'EUR');
SELECT pg_temp.is_kept($$UPDATE shop.nested SET status = 'new'$$);
CREATE OR REPLACE FUNCTION shop.sweep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF NEW.status = 'new' THEN UPDATE shop.nested n SET status = 'gone' WHERE n.id = NEW.id; DELETE FROM shop.nested n WHERE n.id = NEW.id; END IF; RETURN NULL;
END $$;
SELECT pg_temp.is_kept($$UPDATE shop.nested SET status = 'new'$$);
DROP TRIGGER a_sweep ON shop.nested;
CREATE TRIGGER z_sweep AFTER UPDATE ON shop.nested FOR EACH ROW EXECUTE FUNCTION shop.sweep();
SELECT pg_temp.is_kept($$UPDATE shop.nested SET status = 'new'$$);
INSERT INTO shop.nested VALUES (2, 'asked', 5, 'EUR');
SELECT is(pg_temp.refusal($$UPDATE shop.nested SET status = 'new' WHERE id = 2$$), 'accepted', 'nor does it keep one that was never captured');
SELECT * FROM finish();
ROLLBACK;
