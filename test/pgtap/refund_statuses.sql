-- Rules of refunds on one table with status columns of their own: each judges its own, and no approval by another is of it.
BEGIN;
SELECT plan(55);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;

CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.deposit (id int PRIMARY KEY, held numeric, currency text);
INSERT INTO shop.payment SELECT i, 100, 'EUR' FROM generate_series(1, 40) i;
INSERT INTO shop.deposit SELECT i, 100, 'EUR' FROM generate_series(1, 40) i;
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, deposit int, amount numeric, currency text, s1 text, s2 text, note text,
	both_statuses text GENERATED ALWAYS AS (s1 || s2) STORED, s2_and_note text GENERATED ALWAYS AS (s2 || note) STORED);
CREATE INDEX ON shop.refund (payment);
CREATE INDEX ON shop.refund (deposit);
CREATE FUNCTION pg_temp.payment_rule(rest text DEFAULT '') RETURNS text LANGUAGE sql AS $$
	SELECT $d$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 's1', '{sent,paid}', '{void}',
		'captured', 'currency', rows => '{"payment": {"not": [null]}}'$d$ || rest || ')' $$;
CREATE FUNCTION pg_temp.deposit_rule(rest text DEFAULT $$, rule => 'refund_deposit'$$) RETURNS text LANGUAGE sql AS $$
	SELECT $d$SELECT paysafe.protect_refund('shop.refund', 'shop.deposit', 'deposit', 'amount', 'currency', 's2', '{sent,paid}', '{void}',
		'held', 'currency', rows => '{"deposit": {"not": [null]}}'$d$ || rest || ')' $$;
CREATE FUNCTION pg_temp.add(id int, deposit int DEFAULT NULL, rest text DEFAULT $$'asked', 'asked', 'n'$$) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as('alice');
	EXECUTE format('INSERT INTO shop.refund VALUES (%s, %s, %s, 60, ''EUR'', %s)', id, id, coalesce(deposit, id), rest);
END $$;
-- by every rule that it waits by
CREATE FUNCTION pg_temp.approve(id int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as('bob');
	PERFORM paysafe.approve('shop.refund', id::text, 'fine');
	PERFORM paysafe.act_as('alice');
END $$;
CREATE FUNCTION pg_temp.set(id int, change text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(format('UPDATE shop.refund SET %s WHERE id = %s', change, id)) $$;
SELECT pg_temp.payment_rule() AS statement \gexec
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 50);

-- while there is one rule, the other column is content like any other
\set gate '42501 shop.refund.s1 paysafe_refund_approval'
\set deposit_gate '42501 shop.refund.s2 paysafe_refund_refund_deposit_approval'
SELECT pg_temp.add(1), pg_temp.approve(1);
SELECT is(pg_temp.set(1, $$s1 = 'sent', s2 = 'sent'$$), :'gate', 'one rule: a column that nobody judges is approved');
SELECT is(pg_temp.set(1, $$s1 = 'sent'$$), 'accepted', '... as it was');
SELECT is(pg_temp.set(1, $$s2 = 'sent'$$), '23R03 shop.refund.s2 paysafe_refund_refund', '... and stays');

-- a rule that comes later
SELECT pg_temp.add(2), pg_temp.add(3), pg_temp.approve(3);
SELECT pg_temp.deposit_rule() AS statement \gexec
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 50, rule => 'refund_deposit');
SELECT is((SELECT state FROM paysafe.approval WHERE relation = 'shop.refund'::regclass AND key = '3'), 'void', 'an approval of its status is one no longer');
SELECT pg_temp.approve(2);
SELECT is(pg_temp.set(2, $$s1 = 'sent'$$), 'accepted', 'one passes');
SELECT is(pg_temp.set(2, $$s2 = 'sent'$$), 'accepted', '... which leaves the approval of the other');
SELECT results_eq($$SELECT rule, state COLLATE "default" FROM paysafe.approval WHERE relation = 'shop.refund'::regclass AND key = '2' ORDER BY rule$$,
	$$VALUES ('refund', 'used'), ('refund_deposit', 'used')$$, 'both are used');
SELECT is(pg_temp.set(2, change), 'accepted', 'further: ' || change) FROM unnest(ARRAY[$$s2 = 'paid'$$, $$s1 = 'paid'$$, $$s1 = 'sent', s2 = 'sent'$$]) change;
SELECT is(pg_temp.set(2, change), '23R03 shop.refund.' || col || ' paysafe_refund_' || rule, 'stays: ' || change)
  FROM (VALUES ($$note = 'x'$$, 'note', 'refund'), ($$note = 'x', s1 = 'paid'$$, 'note', 'refund'), ($$note = 'x', s2 = 'paid'$$, 'note', 'refund'), ('amount = 1', 'amount', 'refund')) x(change, col, rule);
SELECT is_empty($$SELECT FROM paysafe.pending_approval WHERE relation = 'shop.refund'::regclass AND key = '2'$$, 'it waits by none');

-- the other order, both at once, and through void
SELECT pg_temp.add(4), pg_temp.approve(4);
SELECT is(pg_temp.set(4, change), 'accepted', 'the other first: ' || change) FROM unnest(ARRAY[$$s2 = 'sent'$$, $$s1 = 'sent'$$, $$s2 = 'paid'$$, $$s1 = 'paid', s2 = 'sent'$$]) change;
SELECT pg_temp.add(5), pg_temp.approve(5);
SELECT is(pg_temp.set(5, $$s1 = 'sent', s2 = 'sent'$$), 'accepted', 'both at once');
SELECT is(pg_temp.set(5, $$s1 = 'void'$$), 'accepted', 'one is void');
SELECT is(pg_temp.set(5, $$s2 = 'paid'$$), 'accepted', '... and the other goes on');
SELECT is(pg_temp.set(5, $$s1 = 'asked'$$), 'accepted', '... and comes back');
SELECT is(pg_temp.set(5, $$s1 = 'sent'$$), :'gate', '... to wait again');
SELECT is(pg_temp.set(5, $$s2 = 'sent'$$), 'accepted', '... alone');
SELECT pg_temp.approve(5);
SELECT is(pg_temp.set(5, $$s2 = 'paid'$$) || pg_temp.set(5, $$s1 = 'sent'$$), 'acceptedaccepted', '... until it is approved again');
SELECT pg_temp.add(6), pg_temp.approve(6);
SELECT is(pg_temp.set(6, $$s2 = 'void'$$), 'accepted', 'void by the other');
SELECT is(pg_temp.set(6, $$s1 = 'sent'$$), 'accepted', '... is none of the first one''s business');
SELECT is(pg_temp.set(6, $$s2 = 'sent'$$), :'deposit_gate', '... nor is its passing of the other''s');
SELECT is(pg_temp.refusal_text($$UPDATE shop.refund SET s1 = 'sent', s2 = 'sent' WHERE id = 3$$, 'HINT') LIKE '%SELECT paysafe.approve(''shop.refund'', ''3''%', true, 'the hint leads on');

-- content that comes with the other's status
SELECT pg_temp.add(7), pg_temp.approve(7);
SELECT is(pg_temp.set(7, $$s2 = 'sent', note = 'x'$$), :'deposit_gate', 'content with a move');
SELECT is(pg_temp.set(7, $$note = 'x'$$), 'accepted', 'content before it');
SELECT is(pg_temp.set(7, $$s2 = 'sent'$$), :'deposit_gate', '... takes the approval of the one');
SELECT is(pg_temp.set(7, $$s1 = 'sent'$$), :'gate', '... and of the other');

-- a row that the other rule does not hold for: nothing judges its column
SELECT paysafe.act_as('alice');
INSERT INTO shop.refund VALUES (8, 8, NULL, 60, 'EUR', 'asked', 'asked', 'n');
SELECT pg_temp.approve(8);
SELECT is(pg_temp.set(8, $$s1 = 'sent', s2 = 'sent'$$), :'gate', 'a row of one rule: the other column is content');
SELECT is(pg_temp.set(8, $$s1 = 'sent', s2 = 'sent', deposit = 8$$), :'gate', '... also with the change that brings it to the other');
SELECT is(pg_temp.set(8, $$s1 = 'sent'$$), 'accepted', '... and the row passes');
SELECT is(pg_temp.set(8, $$s2 = 'sent'$$), '23R03 shop.refund.s2 paysafe_refund_refund', '... and it stays');
SELECT is(pg_temp.set(8, $$deposit = 8$$), 'accepted', 'it comes to the other');
SELECT is(pg_temp.set(8, $$s2 = 'sent'$$), :'deposit_gate', '... whose gate it passes like any other');

-- an observed rule judges nothing
CREATE TABLE shop.watched (LIKE shop.refund INCLUDING INDEXES INCLUDING GENERATED);
SELECT replace(pg_temp.payment_rule(), 'shop.refund', 'shop.watched') AS statement \gexec
SELECT replace(pg_temp.deposit_rule($$, rule => 'refund_deposit', mode => 'observe'$$), 'shop.refund', 'shop.watched') AS statement \gexec
SELECT paysafe.set_refund_threshold('shop.watched', 'EUR', 50);
SELECT paysafe.act_as('alice');
INSERT INTO shop.watched VALUES (10, 10, 10, 60, 'EUR', 'asked', 'asked', 'n');
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('shop.watched', '10', 'fine');
SELECT paysafe.act_as('alice');
SELECT is(pg_temp.refusal($$UPDATE shop.watched SET s1 = 'sent', s2 = 'sent' WHERE id = 10$$), '42501 shop.watched.s1 paysafe_watched_approval', 'the status of a rule that observes stays content');

-- what the rule itself says of the column stays bound: a payout's account, a key, what tells rows apart, the currency
CREATE TABLE shop.payout (id int, account text, other text, kind text, amount numeric, currency text, s1 text, PRIMARY KEY (id, other));
CREATE INDEX ON shop.payout (account);
SELECT paysafe.protect_refund('shop.payout', NULL, 'account', 'amount', 'currency', 's1', '{sent}', '{void}', rows => '{"kind": ["a", "b"]}');
SELECT format($$SELECT paysafe.protect_refund('shop.payout', NULL, 'id', 'amount', status_column => %L, gated => '{x}', void => '{}', currency => 'EUR', rule => 'refund_%1$s')$$, c) AS statement
  FROM unnest(ARRAY['account', 'other', 'kind', 'currency']) c \gexec
SELECT paysafe.set_refund_threshold('shop.payout', 'EUR', 50);
SELECT paysafe.act_as('alice');
INSERT INTO shop.payout VALUES (1, 'acme', 'o', 'a', 60, 'EUR', 'asked');
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('shop.payout', '1,o', 'fine');
SELECT paysafe.act_as('alice');
SELECT isnt(pg_temp.refusal(format('UPDATE shop.payout SET %s, s1 = ''sent'' WHERE id = 1', change)), 'accepted', 'with the move: ' || change)
  FROM unnest(ARRAY[$$account = 'evil'$$, $$other = 'evil'$$, $$kind = 'b'$$, $$currency = 'USD'$$]) change;
SELECT is(pg_temp.refusal($$UPDATE shop.payout SET s1 = 'sent' WHERE id = 1$$), 'accepted', 'as it was approved');
SELECT isnt(pg_temp.refusal('UPDATE shop.payout SET ' || change || ' WHERE id = 1'), 'accepted', 'after it: ' || change)
  FROM unnest(ARRAY[$$account = 'evil'$$, $$other = 'evil'$$, $$kind = 'b'$$, $$currency = 'USD'$$]) change;
SELECT results_eq($$SELECT definition ~ '^payouts of one reference above' FROM paysafe.protection WHERE relation = 'shop.payout'::regclass AND rule = 'threshold for EUR'$$, 'VALUES (true)', 'a threshold of payouts says so');
SELECT ok(pg_temp.refusal_text($$INSERT INTO shop.payout VALUES (2, 'acme', 'o', 'a', 60, 'EUR', 'sent')$$, 'HINT') LIKE '%Request the payout first%', 'and a hint');

-- names, and how many tables there are
SELECT is(pg_temp.refusal_text($$SELECT paysafe.protect_refund('shop.refund', NULL, 'id', 'amount', rule => 'refund_$$ || repeat('x', 80) || $$')$$, 'DETAIL'),
	'The name has 87 bytes; it may have at most 63.', 'a name that is too long');
INSERT INTO shop.watched VALUES (11, 11, NULL, 30, 'EUR', 'asked');
SELECT ok(pg_temp.refusal_text($$INSERT INTO shop.refund VALUES (12, 11, NULL, 71, 'EUR', 'asked')$$, 'DETAIL') LIKE '% in 2 tables;%', 'two tables, of three rules');
CREATE TYPE shop.kind AS ENUM ('order', 'gift');
CREATE TABLE shop.kinds (id int PRIMARY KEY, kind shop.kind, account text, amount numeric);
SELECT is(pg_temp.refusal_text($$SELECT paysafe.protect_refund('shop.kinds', NULL, 'account', 'amount', currency => 'EUR', rows => '{"kind": ["nix"]}')$$, 'MESSAGE'),
	'"rows": "nix" is not a value of column "kind", which has type shop.kind', 'a value that the type lacks');

SELECT * FROM finish();
ROLLBACK;
