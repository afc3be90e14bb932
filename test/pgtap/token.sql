-- Tokens on a server that keeps no secrets: arguments, who may, what is refused.
BEGIN;
SELECT plan(33);
SET LOCAL client_min_messages = error;

SELECT throws_ok($$SELECT paysafe.act_as_token('x.y.z')$$, '42501', 'the token is not accepted', 'no token');
SELECT throws_ok('SELECT paysafe.act_as_token(NULL)', '22004', NULL, 'NULL');

-- issuers
SELECT throws_ok(format('SELECT paysafe.set_token_issuer(%s)', a), '22023', NULL, 'issuer: ' || a)
  FROM (VALUES ($$'', '{a}', 'why'$$), ($$' x', '{a}', 'why'$$), ($$repeat('x', 201), '{a}', 'why'$$), ($$E'a\tb', '{a}', 'why'$$), ($$'x', '{}', 'why'$$),
			   ($$'x', '{""}', 'why'$$), ($$'x', '{a}', ' '$$), ($$'x', '{a}', 'why', '0'$$), ($$'x', '{a}', 'why', '25 hours'$$),
			   ($$'x', '{a}', 'why', '1.5 seconds'$$), ($$'x', '{a}', 'why', '1 hour', '6 minutes'$$), ($$'x', '{a}', 'why', '1 hour', '-1 s'$$)) AS x(a);
SELECT throws_ok(format('SELECT paysafe.set_token_issuer(%s)', a), '22004', NULL, 'issuer: ' || a)
  FROM (VALUES ($$NULL, '{a}', 'why'$$), ($$'x', NULL, 'why'$$), ($$'x', '{a}', NULL$$), ($$'x', '{a}', 'why', '1 hour', '0', NULL$$)) AS x(a);
SELECT throws_ok($$SELECT paysafe.revoke_token_issuer('x', 'why')$$, '22023', 'there is no token issuer "x"', 'nobody to be revoked');
SELECT throws_ok($$SELECT paysafe.set_token_issuer('x', '{a}', 'why')$$, '42501', NULL, 'an issuer takes two');

SELECT paysafe.act_as('ann');
SELECT paysafe.propose('because');
SELECT is(paysafe.set_token_issuer('x', '{payments}', 'our login'), NULL, 'proposed');
SELECT paysafe.propose(NULL);
SELECT throws_ok($$SELECT paysafe.approve(approved_as, key, 'mine') FROM paysafe.pending_change$$, '42501', NULL, 'who proposes does not approve');
SELECT paysafe.act_as('bob');
SELECT ok(paysafe.approve(approved_as, key, 'so be it') > 0, 'another one does') FROM paysafe.pending_change;
SELECT paysafe.act_as('ann');
SELECT is(paysafe.set_token_issuer('x', '{payments}', 'our login'), 1, 'made');

-- keys
SELECT throws_ok(format('SELECT paysafe.set_token_key(%s)', a), '22023', NULL, 'key: ' || left(a, 60))
  FROM (VALUES ($$'x', 'k', 'none', 'a', 'why'$$), ($$'x', 'k', 'HS256', 'a', 'why'$$), ($$'x', 'a b', 'EdDSA', 'a', 'why'$$), ($$'x', 'k', 'EdDSA', 'a', 'why'$$),
			   ($$'x', 'k', 'EdDSA', '{"kty":"OKP","crv":"Ed25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}', 'why'$$),
			   ($$'x', 'k', 'ES256', '{"kty":"OKP","crv":"Ed25519","x":"6G-l67dLGmFp8OkiX8y_OlQq11VsvpW5z0bSq2GFxts"}', 'why'$$),
			   ($$'x', 'k', 'EdDSA', '{"kty":"OKP","crv":"Ed25519","x":"6G-l67dLGmFp8OkiX8y_OlQq11VsvpW5z0bSq2GFxts","d":"AAAA"}', 'why'$$)) AS x(a);
SELECT throws_ok($$SELECT paysafe.set_token_key('x', 'k', 'EdDSA', '{"kty":"OKP","crv":"Ed25519","x":"6G-l67dLGmFp8OkiX8y_OlQq11VsvpW5z0bSq2GFxts"}', 'why')$$,
	'42501', 'letting more tokens say who acts needs the approval of a second person', 'a key takes two');
-- a genuine one that is good for too long: made by others, for 2033
SELECT is((SELECT count(*)::int FROM paysafe.token_key), 0, 'nothing was added');
SELECT * FROM finish();
ROLLBACK;
