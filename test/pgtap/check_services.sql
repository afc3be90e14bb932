-- What check() says of webhooks and idempotency.
BEGIN;
SELECT plan(8);
CREATE FUNCTION pg_temp.said(subject text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT concat_ws(' ', c.check_name, c.ok, c.detail) FROM paysafe.check() c WHERE c.subject = said.subject
$$;

SELECT is_empty($$SELECT pg_temp.said('idempotency')$$, 'nothing of what is not set up');
SELECT paysafe.set_webhook_endpoint('stripe', 'stripe');
SELECT results_eq($$SELECT pg_temp.said('webhooks stripe')$$,
	$$VALUES ('live_key f without a key that has not ended, everything is refused'), ('definitions t')$$, 'no key');
-- a schema of another version
SELECT paysafe.set_payload_schema('stripe', '{"type": "object"}', 'as agreed');
SELECT is_empty($$SELECT 1 FROM paysafe.check() c WHERE c.check_name = 'definitions' AND NOT c.ok$$, 'one that can be used');
ALTER TABLE paysafe.webhook_schema_record DISABLE TRIGGER ALL;
UPDATE paysafe.webhook_schema_record SET schema = '{"kind": "object"}';
SELECT is(c.detail, 'the schema cannot be used: it is not supported', 'and one that cannot') FROM paysafe.check() c WHERE c.subject = 'webhooks stripe' AND c.check_name = 'definitions' AND NOT c.ok;
SELECT is_empty($$SELECT pg_temp.said('webhooks github')$$, 'and of no other endpoint');

SELECT paysafe.set_idempotency('pay');
SELECT results_eq($$SELECT pg_temp.said('idempotency')$$, $$VALUES ('expiry t')$$, 'nothing has expired');
-- what only time would bring about
ALTER TABLE paysafe.idempotency_response_default DISABLE TRIGGER ALL;
INSERT INTO paysafe.idempotency_response_default VALUES (clock_timestamp() - interval '13 days', '', 200, '', '', '', false);
SELECT results_eq($$SELECT pg_temp.said('idempotency')$$, $$VALUES ('expiry t')$$, 'days ago');
INSERT INTO paysafe.idempotency_response_default VALUES (clock_timestamp() - interval '15 days', '', 200, '', '', '', false);
SELECT results_eq($$SELECT pg_temp.said('idempotency')$$,
	$$VALUES ('expiry f responses expired weeks ago and are still there: nobody calls idempotency_expire')$$, 'weeks ago');
SELECT * FROM finish();
ROLLBACK;
