-- An acceptance is of the row as it is: a second fault of it shows, a fault that grows shows,
-- and what was put right, deleted or added again is not accepted any more.
BEGIN;
SELECT plan(30);
\ir lib/refusal.psql
\ir lib/approved.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, status text, amount numeric, captured numeric, currency text, note text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text, note text);
CREATE INDEX ON shop.refund (payment);
CREATE TABLE shop.invoice (id int PRIMARY KEY, authorized numeric, currency text);
CREATE TABLE shop.capture (id int PRIMARY KEY, invoice int, amount numeric, currency text, state text);
CREATE INDEX ON shop.capture (invoice);
CREATE TABLE shop.task (id int PRIMARY KEY, status text, note text, weight int);
INSERT INTO shop.payment VALUES (1, 'paid', 100, 100, 'EUR'), (2, 'paid', 1.005, 150, 'EUR'), (3, 'paid', 100, 100, 'EUR'), (4, 'paid', 100, 100, 'EUR');
INSERT INTO shop.refund VALUES (1, 1, 60, 'USD', 'sent'), (2, 1, 60, 'USD', 'sent'), (3, 3, NULL, NULL, 'asked'), (4, 3, 90, 'EUR', 'asked'), (6, 4, 40.005, 'EUR', 'asked'), (7, 4, 70, 'EUR', 'asked'), (8, 99, 1, 'EUR', 'asked');
INSERT INTO shop.invoice VALUES (1, 100, 'EUR');
INSERT INTO shop.capture VALUES (1, 1, 150, 'USD', 'done');
INSERT INTO shop.task VALUES (1, 'lost'), (2, 'lost'), (3, 'lost'), (4, 'new');

-- what is wrong with the rows of a rule, as accept_rows names it
CREATE FUNCTION pg_temp.faults(relation regclass, rule text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	BEGIN
		PERFORM paysafe.act_as('dba');
		PERFORM paysafe.propose('looking');
		PERFORM paysafe.accept_rows(relation, rule, 'looking');
		SELECT string_agg(l, E'\n' ORDER BY l COLLATE "C") INTO answer
		  FROM paysafe.pending_change p, regexp_split_to_table(p.difference, '\n') l
		 WHERE p.relation = faults.relation;
		RAISE EXCEPTION USING errcode = 'P0099';
	EXCEPTION WHEN SQLSTATE 'P0099' THEN
	END;
	RETURN answer;
END $$;

SELECT paysafe.protect_payment('shop.payment', 'status', 'amount', 'captured', 'currency', '{paid}', mode => 'observe');
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', mode => 'observe');
SELECT paysafe.protect_captures('shop.capture', 'shop.invoice', 'invoice', 'amount', 'currency', 'state', '{done}', 'authorized', mode => 'observe');
SELECT paysafe.protect_status('shop.task', 'status', E'[*] --> new\nnew --> done', mode => 'observe');

-- all that is wrong with a row or a payment is named
SELECT is(pg_temp.faults('shop.payment', 'payment'),
$$accepts Row "2": amount 1.005: EUR has 2 decimals, the amount 3.
accepts Row "2": captured amount 150 is more than the amount 1.005.$$, 'two faults of a payment');
SELECT is(pg_temp.faults('shop.refund', 'refund'),
$$accepts Payment "1": payment and refunds have different currencies.
accepts Payment "1": refunds of this payment total 120, captured is 100.
accepts Payment "4": refunds of this payment total 110.005, captured is 100.
accepts Payment "99": there is no such payment.
accepts Row "3": the amount is missing.
accepts Row "3": the currency is missing.
accepts Row "6": amount 40.005: EUR has 2 decimals, the amount 3.$$, 'two faults of a refund, and of a payment''s refunds, with those that are wrong by themselves');
SELECT is(pg_temp.faults('shop.capture', 'captures'),
$$accepts Payment "1": captured would be 150, its limit is 100.$$, 'of captures');
-- approved is the row as it was read, not as it is by then
SELECT paysafe.act_as('dba'), paysafe.propose('old');
SELECT paysafe.accept_rows('shop.task', 'status', 'old');
SELECT paysafe.propose(NULL), paysafe.act_as('boss');
SELECT paysafe.approve(approved_as, key, 'agreed') FROM paysafe.pending_change WHERE relation = 'shop.task'::regclass;
SELECT paysafe.act_as('dba');
SELECT is(pg_temp.refusal('SELECT paysafe.accept_rows(''shop.refund'', ''refund'', ''old'')'), '42501 shop.refund paysafe_refund_refund', 'another rule''s');
SAVEPOINT changed;
UPDATE shop.task SET id = 5 WHERE id = 4;
UPDATE shop.task SET status = 'gone' WHERE id = 3;
SELECT is(pg_temp.refusal('SELECT paysafe.accept_rows(''shop.task'', ''status'', ''old'')'), '42501 shop.task paysafe_task_status', 'one that has changed since');
ROLLBACK TO changed;
SELECT pg_temp.approved(format('SELECT paysafe.accept_rows(%L, %L, ''old'')', r, k))
  FROM (VALUES ('shop.payment', 'payment'), ('shop.refund', 'refund'), ('shop.capture', 'captures'), ('shop.task', 'status')) v (r, k);
SELECT is(pg_temp.faults(r, k), NULL, 'accepted: ' || r) FROM (VALUES ('shop.payment', 'payment'), ('shop.refund', 'refund'), ('shop.capture', 'captures'), ('shop.task', 'status')) v (r, k);

-- it ends with the change that is made of the row; columns that the rule does not read do not matter
CREATE FUNCTION pg_temp.after(change text, relation regclass, rule text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	BEGIN
		EXECUTE change;
		answer := pg_temp.faults(relation, rule);
		RAISE EXCEPTION USING errcode = 'P0098';
	EXCEPTION WHEN SQLSTATE 'P0098' THEN
	END;
	RETURN answer;
END $$;
SELECT is(pg_temp.after(change, relation, rule), faults, change) FROM (VALUES
	-- nothing that matters
	('UPDATE shop.payment SET note = ''a''', 'shop.payment', 'payment', NULL),
	('UPDATE shop.refund SET note = ''a''', 'shop.refund', 'refund', NULL),
	('UPDATE shop.task SET note = ''a'', weight = 7', 'shop.task', 'status', NULL),
	('UPDATE shop.refund SET status = ''asked'' WHERE id = 1', 'shop.refund', 'refund', NULL),
	-- other rows
	('UPDATE shop.payment SET status = ''late'' WHERE id = 1', 'shop.payment', 'payment', NULL),
	('DELETE FROM shop.task WHERE id = 4', 'shop.task', 'status', NULL),
	-- it grows
	('UPDATE shop.payment SET captured = 151 WHERE id = 2', 'shop.payment', 'payment',
		E'accepts Row "2": amount 1.005: EUR has 2 decimals, the amount 3.\naccepts Row "2": captured amount 151 is more than the amount 1.005.'),
	('UPDATE shop.refund SET payment = 1 WHERE id = 3', 'shop.refund', 'refund', E'accepts Row "3": the amount is missing.\naccepts Row "3": the currency is missing.'),
	('INSERT INTO shop.refund VALUES (9, 99, 1, ''EUR'', ''asked'')', 'shop.refund', 'refund', 'accepts Payment "99": there is no such payment.'),
	('UPDATE shop.refund SET amount = 2 WHERE id = 8', 'shop.refund', 'refund', 'accepts Payment "99": there is no such payment.'),
	('INSERT INTO shop.refund VALUES (9, 1, 1, ''USD'', ''asked'')', 'shop.refund', 'refund',
		E'accepts Payment "1": payment and refunds have different currencies.\naccepts Payment "1": refunds of this payment total 121, captured is 100.'),
	-- other money of the same sum
	('UPDATE shop.refund SET status = ''void'' WHERE id = 2; INSERT INTO shop.refund VALUES (9, 1, 60, ''USD'', ''sent'')', 'shop.refund', 'refund',
		E'accepts Payment "1": payment and refunds have different currencies.\naccepts Payment "1": refunds of this payment total 120, captured is 100.'),
	-- deleted, and there again as it was
	('DELETE FROM shop.payment WHERE id = 2; INSERT INTO shop.payment VALUES (2, ''paid'', 1.005, 150, ''EUR'')', 'shop.payment', 'payment',
		E'accepts Row "2": amount 1.005: EUR has 2 decimals, the amount 3.\naccepts Row "2": captured amount 150 is more than the amount 1.005.'),
	('DELETE FROM shop.refund WHERE id = 2; INSERT INTO shop.refund VALUES (2, 1, 60, ''USD'', ''sent'')', 'shop.refund', 'refund',
		E'accepts Payment "1": payment and refunds have different currencies.\naccepts Payment "1": refunds of this payment total 120, captured is 100.'),
	('DELETE FROM shop.task WHERE id = 1; INSERT INTO shop.task VALUES (1, ''lost'')', 'shop.task', 'status', 'accepts Row "1": status "lost" is not a state of the machine.'),
	('UPDATE shop.task SET id = 9 WHERE id = 1', 'shop.task', 'status', 'accepts Row "9": status "lost" is not a state of the machine.'),
	('UPDATE shop.task SET id = 9 WHERE id = 1; UPDATE shop.task SET id = 1 WHERE id = 9', 'shop.task', 'status', 'accepts Row "1": status "lost" is not a state of the machine.'),
	-- put right, and wrong again
	('UPDATE shop.task SET status = ''new'' WHERE id = 1', 'shop.task', 'status', NULL),
	('UPDATE shop.task SET status = ''new'' WHERE id = 1; UPDATE shop.task SET status = ''lost'' WHERE id = 1', 'shop.task', 'status', 'accepts Row "1": status "lost" is not a state of the machine.'),
	('UPDATE shop.refund SET status = ''void'' WHERE id = 2; UPDATE shop.refund SET status = ''sent'' WHERE id = 2', 'shop.refund', 'refund',
		E'accepts Payment "1": payment and refunds have different currencies.\naccepts Payment "1": refunds of this payment total 120, captured is 100.'),
	('DELETE FROM shop.capture; INSERT INTO shop.capture VALUES (1, 1, 150, ''USD'', ''done'')', 'shop.capture', 'captures', 'accepts Payment "1": captured would be 150, its limit is 100.')) c (change, relation, rule, faults)
;
SELECT * FROM finish();
ROLLBACK;
