-- Thresholds that ask how well requesters are known: everybody who has written what is approved, in every life of the row.
BEGIN;
SELECT plan(36);
SET LOCAL client_min_messages = error;

CREATE FUNCTION pg_temp.b64(data bytea) RETURNS text LANGUAGE sql IMMUTABLE AS
	$$SELECT rtrim(translate(encode(data, 'base64'), E'+/\n', '-_'), '=')$$;
CREATE FUNCTION pg_temp.padded(key bytea, pad int) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE block bytea := key || decode(repeat('00', 64 - length(key)), 'hex');
BEGIN
	FOR i IN 0..63 LOOP block := set_byte(block, i, get_byte(block, i) # pad); END LOOP;
	RETURN block;
END $$;
CREATE FUNCTION pg_temp.hmac(key bytea, data bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS
	$$SELECT sha256(pg_temp.padded(key, 92) || sha256(pg_temp.padded(key, 54) || data))$$;
-- act as this person, shown by a token
CREATE FUNCTION pg_temp.proven(who text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE input text := pg_temp.b64('{"alg":"HS256","kid":"requester"}') || '.' || pg_temp.b64(convert_to(jsonb_build_object(
	'iss', 'https://requester.example', 'aud', 'payments', 'sub', who, 'exp', floor(extract(epoch FROM clock_timestamp()) + 60)::bigint, 'jti', gen_random_uuid())::text, 'UTF8'));
BEGIN
	RETURN paysafe.act_as_token(input || '.' || pg_temp.b64(pg_temp.hmac(sha256('requester'), convert_to(input, 'UTF8'))));
END $$;
CREATE FUNCTION pg_temp.by_two(call text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM paysafe.act_as('ann'), paysafe.propose('because');
	EXECUTE 'SELECT ' || call;
	PERFORM paysafe.propose(NULL);
	PERFORM paysafe.act_as('bob'), paysafe.approve(approved_as, key, 'so be it') FROM paysafe.pending_change;
	PERFORM paysafe.act_as('ann');
	EXECUTE 'SELECT ' || call;
	PERFORM paysafe.act_as(NULL);
END $$;
SELECT pg_temp.by_two($$paysafe.set_token_issuer('https://requester.example', '{payments}', 'our login', shared_secrets => true)$$);
SELECT pg_temp.by_two($$paysafe.set_token_secret('https://requester.example', 'requester', pg_temp.b64(sha256('requester')), 'why')$$);

CREATE TABLE paid (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE back (id int, part int, paid int, amount numeric, currency text, status text, iban text, note timestamptz, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE back_1 PARTITION OF back FOR VALUES IN (1);
CREATE TABLE back_2 PARTITION OF back FOR VALUES IN (2);
CREATE INDEX ON back (paid);
INSERT INTO paid SELECT n, 100000, 'EUR' FROM generate_series(1, 50) n;
INSERT INTO back VALUES (50, 1, 50, 7000, 'EUR', 'requested');
SELECT paysafe.protect_refund('back', 'paid', 'paid', 'amount', 'currency', 'status', '{sent,paid}', '{void}', 'captured', 'currency', recorded => '{paid}');
SELECT paysafe.set_refund_threshold('back', 'EUR', 500);
SELECT paysafe.set_refund_threshold('back', 'EUR', 5000, requester_identity => 'proven', band => 'large');

CREATE FUNCTION pg_temp.asks(n int, amount numeric DEFAULT 7000) RETURNS void LANGUAGE sql AS
	$$INSERT INTO back VALUES ($1, 1, $1, $2, 'EUR', 'requested', 'DE1')$$;
-- what becomes of it once bob has approved it, or tried
CREATE FUNCTION pg_temp.sends(n int, approver text DEFAULT 'bob') RETURNS text LANGUAGE plpgsql AS $$
DECLARE words text;
BEGIN
	BEGIN
		PERFORM paysafe.act_as(approver), paysafe.approve('back', n::text, 'x');
	EXCEPTION WHEN insufficient_privilege THEN
		GET STACKED DIAGNOSTICS words = PG_EXCEPTION_DETAIL;
	END;
	PERFORM paysafe.act_as('worker');
	UPDATE back SET status = 'sent' WHERE id = n;
	RETURN 'sent';
EXCEPTION WHEN insufficient_privilege THEN
	RETURN words;
END $$;

SELECT pg_temp.proven('anna'), pg_temp.asks(1);
SELECT is(pg_temp.sends(1), 'sent', 'a requester shown by a token');
SELECT paysafe.act_as('anna'), pg_temp.asks(2);
SELECT is(pg_temp.sends(2), '"anna" wrote it with identity "claimed", and it takes "proven".', 'one who was claimed');
SELECT paysafe.act_as('anna'), pg_temp.asks(3, 5000);
SELECT is(pg_temp.sends(3), 'sent', '... below the band');
SELECT pg_temp.proven('anna'), pg_temp.asks(4);
SELECT paysafe.act_as(NULL);
UPDATE back SET status = 'checked' WHERE id = 4;
UPDATE back SET note = now() WHERE id = 4;
SELECT is(pg_temp.sends(4), 'sent', 'status and points in time are nobody''s writing');

-- who changes what is approved has written it
SELECT pg_temp.proven('anna'), pg_temp.asks(5);
SELECT paysafe.act_as('mallory');
UPDATE back SET iban = 'XX1' WHERE id = 5;
SELECT is(pg_temp.sends(5), '"mallory" wrote it with identity "claimed", and it takes "proven".', 'a later writer');
SELECT pg_temp.proven('anna');
UPDATE back SET iban = 'DE1' WHERE id = 5;
SELECT is(pg_temp.sends(5), '"mallory" wrote it with identity "claimed", and it takes "proven".', '... what it says again');
SELECT pg_temp.proven('anna'), pg_temp.asks(6);
SELECT pg_temp.proven('carl');
UPDATE back SET iban = 'DE2' WHERE id = 6;
SELECT is(pg_temp.sends(6, 'carl'), '"carl" changed it.', 'who has written it does not approve it');
SELECT is(pg_temp.sends(6), 'sent', '... but somebody else');
SELECT pg_temp.proven('anna'), pg_temp.asks(7, 600);
SELECT paysafe.act_as('carl');
UPDATE back SET iban = 'DE2' WHERE id = 7;
SELECT is(pg_temp.sends(7, 'carl'), '"carl" changed it.', '... below the band, too');
SELECT pg_temp.proven('anna'), pg_temp.asks(8);
SELECT is(pg_temp.sends(8), 'sent', 'passed');
SELECT pg_temp.proven('anna'), pg_temp.asks(9);
SELECT paysafe.act_as('mallory');
UPDATE back SET iban = 'XX1', status = 'checked' WHERE id = 9;
SELECT is(pg_temp.sends(9), '"mallory" wrote it with identity "claimed", and it takes "proven".', 'with another status, too');
-- by one UPDATE through the gate: an approval in advance is of money only
SELECT pg_temp.proven('anna'), pg_temp.asks(10);
SELECT paysafe.act_as('bob'), paysafe.approve_refund('back', '10', 7000, 'EUR', 'x'), paysafe.act_as('mallory');
SELECT throws_ok($$UPDATE back SET iban = 'XX1', status = 'sent' WHERE id = 10$$, '42501', NULL, 'who changes it on the way');
SELECT pg_temp.proven('anna');
SELECT lives_ok($$UPDATE back SET iban = 'DE3', status = 'sent' WHERE id = 10$$, '... is known well enough');

-- lives that begin again, under other keys, and those that nobody knows
SELECT paysafe.act_as('anna'), pg_temp.asks(11);
UPDATE back SET status = 'void' WHERE id = 11;
SELECT pg_temp.proven('anna');
UPDATE back SET status = 'requested' WHERE id = 11;
SELECT is(pg_temp.sends(11), '"anna" wrote it with identity "claimed", and it takes "proven".', 'taken back by the same person, shown now');
UPDATE back SET status = 'void' WHERE id = 11;
DELETE FROM back WHERE id = 11;
SELECT pg_temp.proven('anna'), pg_temp.asks(11);
SELECT is(pg_temp.sends(11), 'sent', '... deleted and added again');
SELECT pg_temp.proven('anna'), pg_temp.asks(12);
UPDATE back SET status = 'void' WHERE id = 12;
SELECT paysafe.act_as('mallory');
UPDATE back SET iban = 'XX1' WHERE id = 12;
SELECT pg_temp.proven('anna');
UPDATE back SET status = 'requested' WHERE id = 12;
SELECT is(pg_temp.sends(12), '"mallory" wrote it with identity "claimed", and it takes "proven".', 'written while it was void');
SELECT pg_temp.proven('anna'), pg_temp.asks(13);
SELECT paysafe.act_as('mallory');
UPDATE back SET iban = 'XX1' WHERE id = 13;
SELECT pg_temp.proven('anna');
UPDATE back SET part = 2 WHERE id = 13;
SELECT is(pg_temp.sends(13), '"mallory" wrote it with identity "claimed", and it takes "proven".', 'a row that moves takes it along');
UPDATE back SET part = 1 WHERE id = 13;
SELECT is(pg_temp.sends(13), '"mallory" wrote it with identity "claimed", and it takes "proven".', '... and back');
SELECT is(pg_temp.sends(50), 'Nobody knows who requested it, and it takes identity "proven".', 'what was there before the rule');
SELECT pg_temp.proven('anna');
UPDATE back SET status = 'void' WHERE id = 50;
UPDATE back SET status = 'requested' WHERE id = 50;
SELECT is(pg_temp.sends(50), 'sent', '... and is requested now');
-- below the band at first, back before the gate, changed, and above it with others
SELECT pg_temp.proven('anna'), pg_temp.asks(14, 400), paysafe.act_as('worker');
UPDATE back SET status = 'sent' WHERE id = 14;
SELECT paysafe.act_as('mallory');
UPDATE back SET iban = 'XX1' WHERE id = 14;
UPDATE back SET status = 'requested' WHERE id = 14;
SELECT paysafe.act_as('anna');
INSERT INTO back VALUES (15, 1, 14, 4600, 'EUR', 'requested');
SELECT is(pg_temp.sends(15), 'sent', 'another one of the payment, below the band');
SELECT is(pg_temp.sends(14), '"mallory" wrote it with identity "claimed", and it takes "proven".', '... above it with what was changed behind the gate');
SELECT is((SELECT string_agg(event || ' ' || coalesce(actor, '-') || ' ' || identity, ', ' ORDER BY step) FROM paysafe.refund_event WHERE relation = 'back'::regclass AND refund = '14'),
	'requested anna proven, gated worker claimed, changed mallory claimed, left mallory claimed', 'the events of it');

-- the row is there just before the call
SELECT paysafe.act_as('bob'), paysafe.approve_refund('back', '16', 7000, 'EUR', 'x');
SELECT paysafe.act_as('anna');
SELECT throws_ok($$INSERT INTO back VALUES (16, 1, 16, 7000, 'EUR', 'sent')$$, '42501', NULL, 'added by one who is claimed');
SELECT pg_temp.proven('anna');
SELECT lives_ok($$INSERT INTO back VALUES (16, 1, 16, 7000, 'EUR', 'sent')$$, '... by one who is shown');
SELECT paysafe.act_as('hook');
SELECT lives_ok($$INSERT INTO back VALUES (17, 1, 17, 7000, 'EUR', 'paid')$$, 'a fact is stored');
SELECT is((SELECT detail FROM paysafe.breach WHERE key = '17' AND settled_at IS NULL),
	'Refunds of payment "17" within 24:00:00 would total 7000 EUR; the threshold of band large is 5000 EUR. "hook" wrote it with identity "claimed", and it takes "proven".', '... as a breach');

-- asked for by a band that has come since
SELECT paysafe.act_as('anna'), pg_temp.asks(18, 3000);
SELECT paysafe.act_as('bob'), paysafe.approve('back', '18', 'x'), paysafe.act_as(NULL);
SELECT lives_ok($$SELECT paysafe.set_refund_threshold('back', 'EUR', 2000, requester_identity => 'session', band => 'middle')$$, 'a band comes');
SELECT is(pg_temp.sends(18), '"anna" wrote it with identity "claimed", and it takes "session".', '... for what waits, too');
SELECT pg_temp.proven('anna'), pg_temp.asks(19, 3000);
SELECT is(pg_temp.sends(19), 'sent', 'better than it asks');
SELECT paysafe.act_as('ann');
SELECT throws_ok($$SELECT paysafe.set_refund_threshold('back', 'EUR', 2000, band => 'middle')$$, '42501', NULL, 'less takes two');
SELECT throws_ok($$SELECT paysafe.set_refund_threshold('back', 'EUR', 2000, requester_identity => 'claimed', band => 'middle')$$, '22023', 'argument "requester_identity" must be NULL, "session" or "proven"', 'a level that it cannot be');

-- the only threshold there is
CREATE TABLE sole (id int PRIMARY KEY, paid int, amount numeric, currency text, status text);
CREATE INDEX ON sole (paid);
SELECT paysafe.protect_refund('sole', 'paid', 'paid', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('sole', 'EUR', 500, requester_identity => 'proven');
SELECT paysafe.act_as('anna');
INSERT INTO sole VALUES (1, 30, 500, 'EUR', 'requested'), (2, 31, 501, 'EUR', 'requested');
SELECT paysafe.act_as('bob');
SELECT lives_ok($$SELECT paysafe.approve('sole', '1', 'x')$$, 'what it does not ask is approved as ever');
SELECT throws_ok($$SELECT paysafe.approve('sole', '2', 'x')$$, '42501', 'no approval would let this pass', '... what it asks is not');

-- columns that rise
CREATE TABLE bill (id int PRIMARY KEY, captured numeric, back numeric DEFAULT 0, currency text);
SELECT paysafe.protect_payment('bill', NULL, 'captured', 'captured', 'currency');
SELECT paysafe.protect_refund('bill', NULL, 'id', 'back', amounts => 'running');
SELECT paysafe.set_refund_threshold('bill', 'EUR', 100), paysafe.set_refund_threshold('bill', 'EUR', 200, requester_identity => 'proven', band => 'large');
INSERT INTO bill VALUES (1, 1000, 0, 'EUR');
SELECT paysafe.act_as('bob'), paysafe.approve_refund('bill', '1', 300, 'EUR', 'x'), paysafe.act_as('anna');
SELECT throws_ok('UPDATE bill SET back = 300 WHERE id = 1', '42501', NULL, 'who raises one is known too little');
SELECT pg_temp.proven('anna');
SELECT lives_ok('UPDATE bill SET back = 300 WHERE id = 1', '... or well enough');
SELECT * FROM finish();
ROLLBACK;
