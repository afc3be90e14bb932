-- API keys on a server that has no key file: nothing is let through.
BEGIN;
SELECT plan(6);
SELECT throws_ok($$SELECT paysafe.api_key_issue('acme')$$, '55000', 'paysafe has no key to protect secrets with', 'none is issued');
SELECT throws_ok($$SELECT paysafe.api_key_verify('x')$$, '55000', NULL, 'none is judged');
SELECT throws_ok($$SELECT paysafe.api_key_verify_digest(sha256('x'))$$, '55000', NULL, 'nor its digest');
SELECT lives_ok($$SELECT paysafe.api_key_revoke_everything('x')$$, 'what needs no key works');
SELECT ok(paysafe.api_key_is_well_formed('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'), 'so does looking at the form');
SELECT is(paysafe.api_key_is_well_formed(NULL), NULL, 'NULL');
SELECT * FROM finish();
ROLLBACK;
