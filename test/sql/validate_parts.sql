-- Rows that were there before a rule, looked at in parts: each is committed, and a call goes
-- on where the last one stopped.
CREATE SCHEMA parts;
SET search_path = parts;
CREATE FUNCTION done(t regclass) RETURNS TABLE (leaf regclass, again bigint, until_block bigint) LANGUAGE sql AS $$
	SELECT leaf, again, until_block FROM paysafe.validation_part WHERE relation = t ORDER BY leaf::text, again, until_block $$;
CREATE FUNCTION waits(t regclass) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM paysafe.check() WHERE subject = 'parts.' || t AND check_name = 'validated' AND NOT ok $$;

-- partition by partition
CREATE TABLE item (id int, part int, status text, note text, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE item_1 PARTITION OF item FOR VALUES IN (1);
CREATE TABLE item_2 PARTITION OF item FOR VALUES IN (2);
CREATE TABLE item_3 PARTITION OF item FOR VALUES IN (3);
INSERT INTO item SELECT g, 1 + (g - 1) / 100, CASE WHEN g IN (150, 250) THEN 'odd' ELSE 'open' END FROM generate_series(1, 300) g;
BEGIN;
SELECT paysafe.defer_validation();
SELECT paysafe.protect_status('item', 'status', E'[*] --> open\nopen --> done', mode => 'observe');
CALL paysafe.validate_in_parts('item');
ROLLBACK;
BEGIN;
SELECT paysafe.defer_validation();
SELECT paysafe.protect_status('item', 'status', E'[*] --> open\nopen --> done', mode => 'observe');
COMMIT;
CALL paysafe.validate_in_parts('item', blocks => 0);
CALL paysafe.validate_in_parts('item', 'nothing');
CALL paysafe.validate_in_parts('item');
SELECT * FROM done('item');
-- what has been looked at is not looked at again
SELECT paysafe.validate_rows('item');
-- a row that breaks the rule comes to where nobody would look any more
UPDATE item SET part = 1 WHERE id = 250;
UPDATE item SET note = 'still' WHERE id = 250;
SELECT DISTINCT leaf, again IS NULL AS done FROM done('item') ORDER BY 1, 2;
UPDATE item SET status = 'open' WHERE id = 150;
CALL paysafe.validate_in_parts('item');
SELECT DISTINCT leaf, again IS NULL AS done FROM done('item') ORDER BY 1, 2;
UPDATE item SET status = 'done' WHERE id = 250;
CALL paysafe.validate_in_parts('item');
SELECT * FROM done('item');
SELECT spec -> 'unvalidated' AS unvalidated FROM paysafe.rule WHERE relation = 'item'::regclass AND rule = 'status' ORDER BY version;
-- nothing is left: all rows are looked at by validate_rows only
CALL paysafe.validate_in_parts('item');
SELECT paysafe.validate_rows('item');

-- block by block, of a rule that is enforced
CREATE TABLE payment (id int PRIMARY KEY, status text, amount numeric, captured numeric, currency text, note text) WITH (fillfactor = 100);
INSERT INTO payment SELECT g, 'new', CASE g WHEN 290 THEN -5 ELSE g END, NULL, 'EUR', repeat('x', 500) FROM generate_series(1, 300) g;
BEGIN;
SELECT paysafe.defer_validation();
SELECT paysafe.protect_status('payment', 'status', E'[*] --> new\nnew --> captured');
SELECT paysafe.protect_payment('payment', 'status', 'amount', 'captured', 'currency', '{captured}');
COMMIT;
SELECT waits('payment');
CALL paysafe.validate_in_parts('payment', 'payment', 5);
SELECT * FROM done('payment');
SELECT paysafe.validate_rows('payment', 'payment') < 100 AS few;
UPDATE payment SET amount = 5 WHERE id = 290;
SELECT paysafe.validate_rows('payment', 'payment') < 100 AS few, waits('payment');
SELECT * FROM done('payment');
CALL paysafe.validate_in_parts('payment', blocks => 7);
SELECT waits('payment');

-- what nobody has checked is looked at from the beginning: the triggers were off, the table was rewritten
CREATE TABLE order_line (id int PRIMARY KEY, status text, note text);
INSERT INTO order_line SELECT g, 'open', repeat('x', 500) FROM generate_series(1, 100) g;
INSERT INTO order_line VALUES (101, 'odd', '');
BEGIN;
SELECT paysafe.defer_validation();
SELECT paysafe.protect_status('order_line', 'status', E'[*] --> open\nopen --> done', mode => 'observe');
COMMIT;
CALL paysafe.validate_in_parts('order_line', blocks => 2);
SELECT paysafe.validate_rows('order_line') < 50 AS few;
ALTER TABLE order_line DISABLE TRIGGER paysafe;
UPDATE order_line SET status = 'strange' WHERE id = 1;
ALTER TABLE order_line ENABLE ALWAYS TRIGGER paysafe;
SELECT paysafe.validate_rows('order_line');
CALL paysafe.validate_in_parts('order_line', blocks => 2);
UPDATE order_line SET status = 'open' WHERE id = 1;
CALL paysafe.validate_in_parts('order_line', blocks => 2);
VACUUM FULL order_line;
SELECT paysafe.validate_rows('order_line');
-- entries of which each stands by itself
CREATE TABLE points (id int PRIMARY KEY, card int, amount numeric, note text);
CREATE INDEX ON points (card);
INSERT INTO points SELECT g, 1, CASE g WHEN 90 THEN NULL ELSE -g END, repeat('x', 500) FROM generate_series(1, 100) g;
BEGIN;
SELECT paysafe.defer_validation();
SELECT paysafe.protect_entries('points', 'card', 'amount', currency => 'EUR', mutable_columns => '{note}', mode => 'observe');
COMMIT;
CALL paysafe.validate_in_parts('points', blocks => 2);
SELECT * FROM done('points');
-- what is wrong comes to the end of the table, or to where nobody would look any more
UPDATE points SET note = 'still' WHERE id = 90;
SELECT leaf, count(again) FROM done('points') GROUP BY 1;
CALL paysafe.validate_in_parts('points', blocks => 2);
UPDATE points SET amount = -90 WHERE id = 90;
CALL paysafe.validate_in_parts('points', blocks => 2);
SELECT spec -> 'unvalidated' AS unvalidated FROM paysafe.rule WHERE relation = 'points'::regclass ORDER BY version;
-- refunds: each part is looked at with all refunds of its payments, wherever they are
CREATE TABLE paid (id int PRIMARY KEY, status text, amount numeric, currency text);
CREATE TABLE refund (id int PRIMARY KEY, paid int, status text, amount numeric, note text) WITH (fillfactor = 100);
INSERT INTO paid SELECT g, 'captured', 100, 'EUR' FROM generate_series(1, 100) g;
-- of each payment one at the beginning and one at the end: 80 together, 110 of payment 50
INSERT INTO refund SELECT g, g, 'sent', 50, repeat('x', 500) FROM generate_series(1, 100) g;
INSERT INTO refund SELECT 100 + g, g, 'sent', CASE g WHEN 50 THEN 60 ELSE 30 END, repeat('x', 500) FROM generate_series(1, 100) g;
INSERT INTO refund SELECT 200 + g, g, 'void', 100, repeat('x', 500) FROM generate_series(1, 100) g;
SELECT paysafe.protect_payment('paid', 'status', 'amount', currency_column => 'currency', captured => '{captured}');
SELECT paysafe.protect_status('refund', 'status', E'[*] --> asked\nasked --> sent\nasked --> void\nsent --> void', mode => 'observe');
BEGIN;
SELECT paysafe.defer_validation();
SELECT paysafe.protect_refund('refund', 'paid', 'paid', 'amount', status_column => 'status', gated => '{sent}', void => '{void}', mode => 'observe');
COMMIT;
-- without an index each payment would read the table: it is looked at in one piece
CALL paysafe.validate_in_parts('refund', 'refund', 2);
SELECT * FROM done('refund');
CREATE INDEX ON refund (paid);
CALL paysafe.validate_in_parts('refund', 'refund', 2);
SELECT leaf, again IS NULL AS done, count(*) > 0 AS some, max(until_block) < 8 AS not_all FROM done('refund') GROUP BY 1, 2;
-- the other half of it comes to the end of the table, or stays wrong: it is looked at again
UPDATE refund SET note = 'still' WHERE id = 50;
UPDATE refund SET note = 'still' WHERE id = 51;
SELECT count(again) FROM done('refund');
CALL paysafe.validate_in_parts('refund', 'refund', 2);
UPDATE refund SET status = 'void' WHERE id = 150;
CALL paysafe.validate_in_parts('refund', 'refund', 2);
SELECT * FROM done('refund');
SELECT spec -> 'unvalidated' AS unvalidated FROM paysafe.rule WHERE relation = 'refund'::regclass AND rule = 'refund' ORDER BY version;
-- captures
CREATE TABLE intent (id int PRIMARY KEY, amount numeric);
CREATE TABLE capture (id int PRIMARY KEY, intent int, amount numeric, currency text, note text) WITH (fillfactor = 100);
CREATE INDEX ON capture (intent);
INSERT INTO intent SELECT g, 100 FROM generate_series(1, 100) g;
INSERT INTO capture SELECT g, g, 60, 'EUR', repeat('x', 500) FROM generate_series(1, 100) g;
INSERT INTO capture SELECT 100 + g, g, CASE g WHEN 40 THEN 41 ELSE 40 END, 'EUR', repeat('x', 500) FROM generate_series(1, 100) g;
BEGIN;
SELECT paysafe.defer_validation();
SELECT paysafe.protect_captures('capture', 'intent', 'intent', 'amount', 'currency', limit_column => 'amount', mode => 'observe');
COMMIT;
CALL paysafe.validate_in_parts('capture', blocks => 2);
SELECT leaf, again IS NULL AS done, count(*) > 0 AS some, max(until_block) < 4 AS not_all FROM done('capture') GROUP BY 1, 2;
UPDATE capture SET note = 'still' WHERE id = 140;
SELECT count(again) FROM done('capture');
CALL paysafe.validate_in_parts('capture', blocks => 2);
UPDATE intent SET amount = 101 WHERE id = 40;
CALL paysafe.validate_in_parts('capture', blocks => 2);
SELECT spec -> 'unvalidated' AS unvalidated FROM paysafe.rule WHERE relation = 'capture'::regclass ORDER BY version;
-- a rule that must see all rows together is looked at in one piece: that of a ledger, or of entries with a minimum
BEGIN;
SELECT paysafe.defer_validation();
SELECT paysafe.protect_entries('points', 'card', 'amount', currency => 'EUR', mutable_columns => '{note}', minimum => 0, mode => 'observe');
COMMIT;
CALL paysafe.validate_in_parts('points', blocks => 2);
SELECT * FROM done('points');
CREATE TABLE entry (id int PRIMARY KEY, tx int, account int, amount numeric, currency text);
CREATE INDEX ON entry (tx);
INSERT INTO entry SELECT g, g / 2, g, CASE g % 2 WHEN 0 THEN 1 ELSE -1 END, 'EUR' FROM generate_series(2, 201) g;
BEGIN;
SELECT paysafe.defer_validation();
SELECT paysafe.protect_ledger('entry', 'tx', 'account', 'amount', 'currency');
COMMIT;
CALL paysafe.validate_in_parts('entry', blocks => 1);
SELECT waits('entry');
DROP SCHEMA parts CASCADE;
