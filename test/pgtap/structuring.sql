-- Thresholds over what goes to one beneficiary, or what one person asks for: a refund that is split over many payments.
BEGIN;
SELECT plan(85);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text, iban text, note text);
CREATE INDEX ON shop.refund (payment);
INSERT INTO shop.payment SELECT n, 100000, CASE WHEN n < 90 THEN 'EUR' ELSE 'USD' END FROM generate_series(1, 99) n;
INSERT INTO shop.refund VALUES (0, 99, 1, 'USD', 'void');
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status',
							  '{sent,paid,done}', '{void}', 'captured', 'currency', recorded => '{paid}', beneficiary_column => 'iban');
SELECT paysafe.bootstrap_people('Ann', '{}', 'Bob', '{}', 'the first two');
CREATE FUNCTION pg_temp.by_two(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE asked record;
BEGIN
	PERFORM paysafe.act_as('Ann'), paysafe.propose('wanted');
	EXECUTE command;
	PERFORM paysafe.propose(NULL);
	SELECT approved_as, key, difference INTO asked FROM paysafe.pending_change ORDER BY id DESC LIMIT 1;
	PERFORM paysafe.act_as('Bob'), paysafe.approve(asked.approved_as, asked.key, 'right');
	PERFORM paysafe.act_as('Ann');
	EXECUTE command;
	RETURN asked.difference;
END $$;
-- a refund of a payment of its own, which passes the gate, or does not
CREATE SEQUENCE shop.number START 10;
CREATE FUNCTION pg_temp.asks(amount numeric, iban text, actor text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE n int := nextval('shop.number');
BEGIN
	PERFORM paysafe.act_as(actor);
	INSERT INTO shop.refund SELECT n, p.id, $1, p.currency, 'requested', iban FROM shop.payment p WHERE p.id = n;
	RETURN n;
END $$;
CREATE FUNCTION pg_temp.moves(n int, status text, actor text DEFAULT 'worker') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as(actor);
	RETURN pg_temp.refusal(format('UPDATE shop.refund SET status = %L WHERE id = %s', status, n));
END $$;
CREATE FUNCTION pg_temp.passes(amount numeric, iban text, actor text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.moves(pg_temp.asks(amount, iban, actor), 'sent') $$;
CREATE FUNCTION pg_temp.approves(actor text, n int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as(actor);
	RETURN pg_temp.refusal(format('SELECT paysafe.approve(''shop.refund'', ''%s'', ''x'')', n));
END $$;
\set refused '42501 shop.refund.status paysafe_refund_approval'

-- what it takes to say so
SELECT paysafe.act_as('Ann');
SELECT is(left(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100, per => 'account')$$), 5), '22023', 'there are three sums');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 1000);
SELECT lives_ok($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 1500, "within" => '7 days', band => 'account', per => 'beneficiary')$$, 'one more band is no loosening');
SELECT is(pg_temp.passes(1001, 'XX00', 'clerk 0'), :'refused', 'the sum of a payment counts as before');

-- one refund that is split over several payments
SELECT is(pg_temp.passes(900, 'DE89 3704 0044', 'clerk 1'), 'accepted', 'the first part');
SELECT is(pg_temp.passes(600, 'DE89 3704 0044', 'clerk 2'), 'accepted', 'up to the amount');
SELECT is(pg_temp.passes(1, 'DE89 3704 0044', 'clerk 3'), :'refused', 'above it, whatever the payment and whoever asks');
SELECT is(pg_temp.passes(1, 'de89-37040044', 'clerk 3'), :'refused', '... and however it is spelt');
SELECT is(pg_temp.passes(1, E'DE89\u00A0\uFF137040044', 'clerk 3'), :'refused', '... in wide digits, too');
SELECT is(pg_temp.passes(1, E'DE\u0668\u0669\u0663\u0667\u0660\u0664\u0660\u0660\u0664\u0664', 'clerk 3'), :'refused', '... in those of another script');
SELECT is(pg_temp.passes(1, 'DE89 3704 0045', 'clerk 3'), 'accepted', 'another account');
SELECT pg_temp.asks(1, 'DE8937040044', 'clerk 3') AS rest \gset
SELECT matches(pg_temp.refusal_text(format('UPDATE shop.refund SET status = ''sent'' WHERE id = %s', :rest), 'DETAIL'),
			   'Refunds to this beneficiary within 168:00:00 would total 1501(\.00)? EUR; the threshold of band account is 1500', 'it is said which sum');
SELECT unalike(pg_temp.refusal_text(format('UPDATE shop.refund SET status = ''sent'' WHERE id = %s', :rest), 'DETAIL'), '%37040044%', '... without the account');
SELECT results_eq(format('SELECT band, per, total_within, threshold, approvals_needed FROM paysafe.pending_approval WHERE key = ''%s''', :rest),
	$$VALUES ('account', 'beneficiary', 1501::numeric, 1500::numeric, 1)$$, 'what waits for it');
SELECT is(pg_temp.approves('clerk 3', :rest), '42501 paysafe.approval_record paysafe_approval_record_approval', 'not by who asks');
SELECT is(pg_temp.approves('Bob', :rest), 'accepted', 'by another person');
SELECT is(pg_temp.moves(:rest, 'sent'), 'accepted', '... it passes');
SELECT is(bands, '{account}', '... and it is on record why') FROM paysafe.refund_event WHERE refund = :'rest' AND event = 'gated';
SELECT is(per, 'beneficiary') FROM paysafe.refund_threshold WHERE key = :'rest' AND exceeded;
SELECT is(count(*), 2::bigint, 'digests only') FROM paysafe.refund_flow WHERE encode(of, 'escape') NOT LIKE '%37040044%' AND octet_length(of) = 32 AND amount IN (900, 600);

-- what is void has passed all the same; nobody named is one beneficiary
SELECT pg_temp.asks(1000, 'VOID1', 'clerk 4') AS again \gset
SELECT is(pg_temp.moves(:again, 'sent'), 'accepted');
SELECT is(pg_temp.moves(:again, 'void'), 'accepted');
SELECT is(pg_temp.passes(501, 'VOID1', 'clerk 4'), :'refused', 'what was void later counts');
SELECT is(pg_temp.passes(1000, NULL, 'clerk 4'), 'accepted');
SELECT is(pg_temp.passes(501, ' ', 'clerk 4'), :'refused', 'of nobody together');
SELECT is(pg_temp.passes(500, '-', 'clerk 4'), 'accepted');

-- where it has gone to stays
SELECT pg_temp.asks(10, 'FIRST', 'clerk 5') AS stays \gset
SELECT lives_ok(format('UPDATE shop.refund SET iban = ''SECOND'' WHERE id = %s', :stays), 'before the gate it may change');
SELECT is(pg_temp.moves(:stays, 'sent'), 'accepted');
SELECT is(pg_temp.refusal(format('UPDATE shop.refund SET iban = ''THIRD'' WHERE id = %s', :stays)), '23R03 shop.refund.iban paysafe_refund_refund', 'after it, it may not');
SELECT is(pg_temp.refusal(format('UPDATE shop.refund SET iban = ''THIRD'', status = ''done'' WHERE id = %s', :stays)), '23R03 shop.refund.iban paysafe_refund_refund', '... on the way, neither');
SELECT lives_ok(format('UPDATE shop.refund SET iban = ''second'', note = ''x'' WHERE id = %s', :stays), 'another spelling is no other');
SELECT is(pg_temp.moves(:stays, 'requested'), 'accepted');
SELECT lives_ok(format('UPDATE shop.refund SET iban = ''THIRD'' WHERE id = %s', :stays), 'back before the gate it may again');
SELECT is(pg_temp.passes(1000, 'SECOND', 'clerk 5'), 'accepted');
SELECT is(pg_temp.passes(491, 'SECOND', 'clerk 5'), :'refused', '... and counts where it was');
SELECT is(pg_temp.passes(490, 'SECOND', 'clerk 5'), 'accepted');

-- several in one statement
SELECT paysafe.act_as('clerk 6');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund SELECT 1000 + n, n, 400, 'EUR', 'sent', 'MANY' FROM generate_series(1, 4) n$$), :'refused', 'rows of one statement count together');
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund SELECT 1000 + n, n, 400, 'EUR', 'sent', 'MANY' FROM generate_series(1, 3) n$$), 'accepted');
SAVEPOINT undone;
INSERT INTO shop.refund VALUES (1010, 5, 300, 'EUR', 'sent', 'MANY');
ROLLBACK TO undone;
SELECT is(pg_temp.refusal($$INSERT INTO shop.refund VALUES (1011, 5, 300, 'EUR', 'sent', 'MANY')$$), 'accepted', 'what was rolled back does not count');

-- a fact counts once, then and later
SELECT pg_temp.asks(1200, 'FACT', 'clerk 7') AS fact \gset
SELECT is(pg_temp.moves(:fact, 'paid'), 'accepted', 'what was paid is stored');
SELECT is(pg_temp.passes(301, 'FACT', 'clerk 7'), :'refused', '... and counts');
SELECT is(pg_temp.approves('Bob', :fact), 'accepted');
SELECT is(pg_temp.moves(:fact, 'sent'), 'accepted', 'approved later');
SELECT is(pg_temp.passes(300, 'FACT', 'clerk 7'), 'accepted', '... it counts once');

-- ... where it went: neither the gate nor another fact takes it elsewhere
SELECT pg_temp.asks(900, 'TAKEN', 'clerk 10') AS taken \gset
SELECT is(pg_temp.passes(1000, 'TAKEN', 'clerk 11'), 'accepted');
SELECT is(pg_temp.moves(:taken, 'paid'), 'accepted', 'above its threshold, a fact');
SELECT is(pg_temp.refusal(format('UPDATE shop.refund SET iban = ''OTHER'', status = ''sent'' WHERE id = %s', :taken)), '23R03 shop.refund.iban paysafe_refund_refund', 'not through the gate');
SELECT is(pg_temp.refusal(format('UPDATE shop.refund SET iban = ''OTHER'' WHERE id = %s', :taken)), '23R03 shop.refund.iban paysafe_refund_refund', '... nor before it');
SELECT is(pg_temp.passes(1000, 'OTHER', 'clerk 12'), 'accepted');
SELECT is(pg_temp.passes(501, 'OTHER', 'clerk 12'), :'refused', 'the other one has a sum of its own');
-- ... nor what a statement calls before it is looked at
CREATE FUNCTION shop.elsewhere(n int) RETURNS int LANGUAGE sql AS $$UPDATE shop.refund SET iban = 'ELSEWHERE' WHERE id = n RETURNING id$$;
SELECT pg_temp.asks(1, 'HERE', 'clerk 13') AS here \gset
SELECT is(pg_temp.refusal(format('UPDATE shop.refund SET status = ''sent'' WHERE id = %s RETURNING shop.elsewhere(id)', :here)), '23R03 shop.refund.iban paysafe_refund_refund', 'in one statement, neither');

-- all spellings of an account are one, whatever stands between
SELECT is(pg_temp.passes(1000, 'FR76 3000 6000', 'clerk 14'), 'accepted');
SELECT is(pg_temp.passes(501, format('FR%s76%s30006000', filler, filler), 'clerk 15'), :'refused', name)
  FROM (VALUES (U&'\00B7', 'a dot in the middle'), (U&'\2022', 'a bullet'), (U&'\0301', 'an accent'), (U&'\3001', 'a comma of another alphabet'),
			   (U&'\20AC', 'a sign'), (U&'\+01F4B6', 'a picture')) AS f(filler, name);
SELECT is(pg_temp.passes(501, U&'\0416 FR7630006000', 'clerk 15'), 'accepted', 'another letter is another account');

-- what one person asks for
SELECT paysafe.act_as('Ann');
SELECT lives_ok($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 2000, "within" => '1 day', band => 'person', per => 'requester')$$);
SELECT is(pg_temp.passes(1000, 'P1', 'Mallory'), 'accepted');
SELECT is(pg_temp.passes(1000, 'P2', 'mallory'), 'accepted', 'another account each');
SELECT is(pg_temp.passes(1, 'P3', 'MALLORY'), :'refused', 'together above it, in every spelling');
SELECT is(pg_temp.passes(1, 'P3', 'Oscar'), 'accepted', 'of another person');
SELECT pg_temp.asks(1, 'P4', 'Mallory') AS waits \gset
SELECT is(pg_temp.moves(:waits, 'sent', 'Oscar'), :'refused', 'who moves it is not who asks');
SELECT matches(pg_temp.refusal_text(format('UPDATE shop.refund SET status = ''sent'' WHERE id = %s', :waits), 'DETAIL'), 'Refunds requested by this person within 24:00:00 would total 2001');
SELECT pg_temp.by_two(format('SELECT paysafe.add_person(''Cy'', ''x'', ''{name:clerk 8,name:clerk 9}'')'));
SELECT is(pg_temp.passes(1000, 'P5', 'clerk 8'), 'accepted');
SELECT is(pg_temp.passes(1000, 'P6', 'clerk 9'), 'accepted');
SELECT is(pg_temp.passes(1, 'P7', 'Cy'), :'refused', 'a registered person is one under all names');

-- changes
SELECT paysafe.act_as('Ann');
SELECT is(left(pg_temp.refusal(format('SELECT paysafe.set_refund_threshold(''shop.refund'', ''EUR'', 2000, "within" => ''1 day'', band => ''person''%s)', rest)), 5), '42501', 'another sum takes two') FROM unnest('{"", ", per => ''beneficiary''"}'::text[]) rest;
SELECT lives_ok($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 1900, "within" => '1 day', band => 'person', per => 'requester')$$, 'a lower one does not');
SELECT is(pg_temp.by_two($$SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 1900, "within" => '1 day', band => 'person', per => 'beneficiary')$$), 'judges sums per beneficiary instead of per requester', 'two do');
SELECT results_eq($$SELECT band, per FROM paysafe.approval_limit WHERE relation = 'shop.refund'::regclass ORDER BY band$$, $$VALUES ('account', 'beneficiary'), ('person', 'beneficiary'), (NULL, 'payment')$$, 'shown');
SELECT matches(definition, '^what goes to one beneficiary above 1900') FROM paysafe.protection WHERE rule = 'threshold for EUR band person';
SELECT is(left(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status',
	'{sent,paid,done}', '{void}', 'captured', 'currency', recorded => '{paid}')$$), 5), '42501', 'without the column, nobody would know');
-- a fact that only the sum of its requester counts is judged and counted by a later band
SELECT is(left(pg_temp.refusal($$SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 1000)$$), 5), '42501', 'refunds were judged: a currency without a threshold asks for each, and gets one by two');
SELECT is(pg_temp.by_two($$SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 1000)$$), 'lets refunds pass up to 1000 USD', '... who see what it opens');
SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 1500, "within" => '1 day', band => 'person', per => 'requester');
SELECT setval('shop.number', 89);
SELECT pg_temp.asks(1200, 'LATER', 'clerk 20') AS early \gset
SELECT is(pg_temp.moves(:early, 'paid'), 'accepted');
SELECT paysafe.act_as('Ann');
SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 1500, 2, "within" => '1 day', band => 'account', per => 'beneficiary');
SELECT is(pg_temp.passes(1000, 'LATER', 'clerk 21'), 'accepted');
SELECT is(pg_temp.approves('Bob', :early), 'accepted');
SELECT is(pg_temp.moves(:early, 'sent'), :'refused', 'that takes two');
SELECT is(pg_temp.approves('Ann', :early), 'accepted');
SELECT is(pg_temp.moves(:early, 'sent'), 'accepted');
SELECT is(string_agg(f.per, ' ' ORDER BY f.per) COLLATE "default", 'beneficiary requester', '... once in each') FROM paysafe.refund_flow f WHERE whole_key = :'early';
SELECT is_empty($$SELECT * FROM paysafe.check() WHERE subject = 'shop.refund' AND NOT ok AND check_name IN ('refund_totals', 'refund_flow', 'rules', 'rule')$$, 'check()');
SELECT * FROM finish();
ROLLBACK;
