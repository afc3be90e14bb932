-- A change that was rejected is rejected in other words, too: what counts is what it comes to.
BEGIN;
SELECT plan(31);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE TABLE shop.job (id int PRIMARY KEY, status text);
CREATE INDEX ON shop.refund (payment);
INSERT INTO shop.payment VALUES (1, 100, 'EUR');
INSERT INTO shop.refund VALUES (1, 1, 10, 'EUR', 'requested');
INSERT INTO shop.job VALUES (1, 'new');
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status',
							  '{sent,paid}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 500);
SELECT paysafe.protect_status('shop.job', 'status', E'[*] --> new\nnew --> done');
SELECT paysafe.audit('shop.job'), paysafe.audit('shop.refund');
SELECT paysafe.set_throttle('call', 10, '1 minute', 'x', burst => 10);
SELECT paysafe.set_token_issuer('x', '{a}', 'x') FROM (SELECT paysafe.act_as('Ann'), paysafe.propose('x')) v;
SELECT paysafe.propose(NULL), paysafe.act_as('Bob'), paysafe.approve(approved_as, key, 'x') FROM paysafe.pending_change;
SELECT paysafe.act_as('Ann'), paysafe.set_token_issuer('x', '{a}', 'x');
SELECT paysafe.bootstrap_people('Ann', '{}', 'Bob', '{}', 'the first two');

-- one is proposed and rejected; then the other: who has said no to that?
CREATE FUNCTION pg_temp.rejected(one text, other text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE change record; result text;
BEGIN
	PERFORM paysafe.act_as('Ann'), paysafe.propose('x');
	EXECUTE one;
	PERFORM paysafe.propose(NULL);
	SELECT * INTO STRICT change FROM paysafe.pending_change ORDER BY id DESC LIMIT 1;
	PERFORM paysafe.act_as('Bob'), paysafe.reject(change.approved_as, change.key, 'never');
	PERFORM paysafe.act_as('Ann'), paysafe.propose('x');
	EXECUTE other;
	PERFORM paysafe.propose(NULL);
	SELECT coalesce(rejected_by, 'nobody') INTO STRICT result FROM paysafe.pending_change ORDER BY id DESC LIMIT 1;
	RAISE EXCEPTION '%', result USING ERRCODE = 'YY000';
EXCEPTION WHEN SQLSTATE 'YY000' THEN
	RETURN result;
END $$;
\set key '{"kty":"OKP","crv":"Ed25519","x":"6G-l67dLGmFp8OkiX8y_OlQq11VsvpW5z0bSq2GFxts"}'
SELECT is(pg_temp.rejected(one, other), expected, format('%s: %s', expected, other)) FROM (VALUES
	('Bob', $$SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 900)$$, $$SELECT paysafe.set_refund_threshold('shop.refund', 'usd', 900.00)$$),
	('nobody', $$SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 900)$$, $$SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 899)$$),
	('nobody', $$SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 900)$$, $$SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 900, 2)$$),
	('Bob', $$SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 900, within => '1 day')$$, $$SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 900, within => '24:00:00')$$),
	('Bob', $$SELECT paysafe.protect_status('shop.job', 'status', E'[*] --> new\nnew --> done\nnew --> lost')$$,
		$$SELECT paysafe.protect_status('shop.job', 'status', E'stateDiagram-v2\n  [*] --> new\n  new --> lost: it is gone\n  new --> done')$$),
	('Bob', $$SELECT paysafe.protect_status('shop.job', 'status', E'[*] --> new\nnew --> done\nnew --> lost')$$,
		$$SELECT paysafe.defer_validation(), paysafe.protect_status('shop.job', 'status', E'[*] --> new\nnew --> done\nnew --> lost')$$),
	('nobody', $$SELECT paysafe.protect_status('shop.job', 'status', E'[*] --> new\nnew --> done\nnew --> lost')$$,
		$$SELECT paysafe.protect_status('shop.job', 'status', E'[*] --> new\nnew --> done\ndone --> lost')$$),
	('Bob', $$SELECT paysafe.set_throttle('call', 50, '1 minute', 'x', burst => 50)$$, $$SELECT paysafe.set_throttle('call', 100, '2 minutes', 'y', burst => 50)$$),
	('nobody', $$SELECT paysafe.set_throttle('call', 50, '1 minute', 'x', burst => 50)$$, $$SELECT paysafe.set_throttle('call', 50, '1 minute', 'x', burst => 40)$$),
	('Bob', $$SELECT paysafe.remove_throttle('call', 'x')$$, $$SELECT paysafe.remove_throttle('call', 'y')$$),
	('Bob', $$SELECT paysafe.add_alias('Ann', 'name', 'mallory', 'x')$$, $$SELECT paysafe.add_alias('ANN', 'name', 'Mallory', 'x')$$),
	('nobody', $$SELECT paysafe.add_alias('Ann', 'name', 'mallory', 'x')$$, $$SELECT paysafe.add_alias('Bob', 'name', 'mallory', 'x')$$),
	('Bob', $$SELECT paysafe.add_person('Mallory', 'x', '{name:m1,name:m2}')$$, $$SELECT paysafe.add_person('mallory', 'y', '{name:M2,name:m1}')$$),
	('nobody', $$SELECT paysafe.add_person('Mallory', 'x')$$, $$SELECT paysafe.add_person('Mallory', 'x', '{}', true)$$),
	('Bob', $$SELECT paysafe.open_maintenance('x', 'T-1', '1 hour', '{shop.job,shop.refund}')$$, $$SELECT paysafe.open_maintenance('y', 'T-2', '60 minutes', '{shop.refund,shop.job}')$$),
	('nobody', $$SELECT paysafe.open_maintenance('x', 'T-1', '1 hour', '{shop.job,shop.refund}')$$, $$SELECT paysafe.open_maintenance('x', 'T-1', '1 hour', '{shop.job}')$$),
	('Bob', $$SELECT paysafe.set_retention('60 days', 'x')$$, $$SET LOCAL IntervalStyle = 'iso_8601'; SELECT paysafe.set_retention('1440 hours', 'x'); SET LOCAL IntervalStyle = 'postgres'$$),
	('nobody', $$SELECT paysafe.set_retention('60 days', 'x')$$, $$SELECT paysafe.set_retention('60 days', 'x', 'shop.job')$$),
	('Bob', format($$SELECT paysafe.set_token_key('x', 'k', 'EdDSA', %L, 'x')$$, :'key'), format($$SELECT paysafe.set_token_key('x', 'other', 'EdDSA', %L, 'x', now(), 'infinity')$$, :'key')),
	('Bob', $$SELECT paysafe.set_token_issuer('x', '{a,b}', 'x')$$, $$SELECT paysafe.set_token_issuer('x', '{b,a,a}', 'y')$$)) v (expected, one, other);

-- the machine as it is compiled, not as it is written: it does not go through either
SELECT paysafe.act_as('Ann'), paysafe.propose('x'), paysafe.set_refund_threshold('shop.refund', 'USD', 900), paysafe.propose(NULL);
SELECT paysafe.act_as('Bob'), paysafe.reject(approved_as, key, 'never') FROM paysafe.pending_change ORDER BY id DESC LIMIT 1;
SELECT paysafe.act_as('Ann'), paysafe.propose('x'), paysafe.set_refund_threshold('shop.refund', 'usd', 900.00), paysafe.propose(NULL);
SELECT paysafe.act_as('Cyd'), paysafe.approve(approved_as, key, 'x') FROM paysafe.pending_change ORDER BY id DESC LIMIT 1;
SELECT paysafe.act_as('Ann');
SELECT is(pg_temp.refusal_text($$SELECT paysafe.set_refund_threshold('shop.refund', 'usd', 900.00)$$, 'MESSAGE'), 'the change is rejected', 'approved in other words, and not made');
SELECT is((SELECT amount FROM paysafe.threshold WHERE relation = 'shop.refund'::regclass ORDER BY version DESC LIMIT 1), 500::numeric, 'as it was');

-- only who has said no takes it back alone: not who has got the name since
SELECT pg_temp.refusal($$SELECT paysafe.add_person('Dee', 'x', '{name:dee@shop}')$$) FROM (SELECT paysafe.act_as('Ann'), paysafe.propose('x')) v;
SELECT paysafe.propose(NULL), paysafe.act_as('Bob'), paysafe.approve(approved_as, key, 'x') FROM paysafe.pending_change WHERE rule = 'people';
SELECT paysafe.act_as('Ann'), paysafe.add_person('Dee', 'x', '{name:dee@shop}');
INSERT INTO shop.refund SELECT i, 1, 5, 'EUR', 'requested' FROM generate_series(81, 83) i;
CREATE FUNCTION pg_temp.no(who text, id int) RETURNS void LANGUAGE sql AS $$ SELECT paysafe.act_as(who), paysafe.reject('shop.refund', id::text, 'no') $$;
CREATE FUNCTION pg_temp.withdraw(who text, id int) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal_text(format('SELECT paysafe.withdraw_rejection(%s, ''y'')', (SELECT max(r.id) FROM paysafe.rejection r WHERE r.key = $2::text)), 'MESSAGE') FROM paysafe.act_as(who) $$;
SELECT pg_temp.no('dee@shop', 81), pg_temp.no('DEE', 82), pg_temp.no('guest', 83);
SELECT paysafe.act_as('Ann'), paysafe.propose('x'), paysafe.add_alias('Ann', 'name', 'dee@shop', 'x'), paysafe.add_alias('Ann', 'name', 'guest', 'x'), paysafe.propose(NULL);
SELECT paysafe.act_as('Bob'), (SELECT count(paysafe.approve(approved_as, key, 'x')) FROM paysafe.pending_change WHERE rule = 'people');
SELECT paysafe.act_as('Ann'), paysafe.add_alias('Ann', 'name', 'dee@shop', 'x'), paysafe.add_alias('Ann', 'name', 'guest', 'x');
SELECT is(pg_temp.withdraw(who, id), 'who asked for it takes back no rejection of it', format('%s takes back none of %s', who, id))
  FROM (VALUES ('Ann', 81), ('dee@shop', 81), ('DEE@SHOP', 81), ('Ann', 82), ('Ann', 83), ('guest', 83)) v (who, id);
SELECT is(pg_temp.withdraw('Dee', 81), 'taking back a rejection of "dee@shop" needs the approval of a second person', 'who it was, under a name that is another one''s now, with a second person');
SELECT is(pg_temp.withdraw('dee', 82), NULL, 'under a name that was always theirs, alone');
-- and the way that two others are told is one
SELECT matches(pg_temp.refusal_text(format('SELECT paysafe.withdraw_rejection(%s, ''y'')', (SELECT max(id) FROM paysafe.rejection WHERE key = '81')), 'HINT'), '^Propose it first: ', 'it is proposed first')
  FROM paysafe.act_as('Bob');
SELECT * FROM finish();
ROLLBACK;
