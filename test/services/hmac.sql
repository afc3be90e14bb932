-- HMAC-SHA-256 with keys around the length of its block, as Python's hmac has it.
BEGIN;
SELECT plan(5);
CREATE TEMP TABLE expected AS SELECT * FROM (VALUES
	(24, '0e863eb1449a51c90e17469f6c8ad4a64e763e172e6bc601736574d7b4e3a835'),
	(63, 'fea8151176ae88494c90be4eb7bc88d3ea799750e0c6509cb87f17e5ec5b733f'),
	(64, '3e114cdadace2b7677c0d99a8e5761ca3dd94fe0ae93d65f47bed5f932b18c58'),
	(65, '59530a17931325b37c707ff1ef7d6a76c7515ae1dff1007451ba27ce8aacc830'),
	(200, '9b8fd83b809db1b782a9cd5a7e2e1ec3d31f03a76ffd379c64de6b1db6e219aa')) v(n, signature);
SELECT paysafe.set_webhook_endpoint('hmac ' || n, 'github'), paysafe.add_webhook_key('hmac ' || n, repeat('k', n)) FROM expected;
SELECT is((paysafe.webhook_verify('hmac ' || n, jsonb_build_object('X-Hub-Signature-256', 'sha256=' || signature,
	'X-GitHub-Event', 'push', 'X-GitHub-Delivery', 'd'), '{"a": 1}', now())).ok, true, n || ' bytes') FROM expected;
SELECT * FROM finish();
ROLLBACK;
