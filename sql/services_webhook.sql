-- Webhooks in: schemes, endpoints, keys; verified, and accepted once

CREATE TABLE paysafe.webhook_scheme (
	scheme text COLLATE "C" NOT NULL,
	version int NOT NULL,
	definition jsonb NOT NULL,
	builtin boolean NOT NULL,
	at timestamptz NOT NULL,
	actor text NOT NULL,
	PRIMARY KEY (scheme, version)
);
COMMENT ON TABLE paysafe.webhook_scheme IS 'how providers sign webhooks; the newest version of each is in force';

-- Each from its provider's documentation
INSERT INTO paysafe.webhook_scheme
SELECT scheme, 1, definition::jsonb, true, now(), session_user
  FROM (VALUES
	('standard', '{
		"algorithm": "hmac-sha256", "key_encoding": "base64", "key_prefix": "whsec_",
		"min_key_bytes": 24, "signature_header": "webhook-signature", "signature_list": true,
		"signature_prefix": "v1,", "signature_encoding": "base64",
		"timestamp_header": "webhook-timestamp", "id_header": "webhook-id",
		"signed": "{id}.{timestamp}.{body}", "json": true, "type_path": "/type"}'),
	('standard-asymmetric', '{
		"algorithm": "ed25519", "key_encoding": "base64", "key_prefix": "whpk_",
		"min_key_bytes": 24, "signature_header": "webhook-signature", "signature_list": true,
		"signature_prefix": "v1a,", "signature_encoding": "base64",
		"timestamp_header": "webhook-timestamp", "id_header": "webhook-id",
		"signed": "{id}.{timestamp}.{body}", "json": true, "type_path": "/type"}'),
	('stripe', '{
		"algorithm": "hmac-sha256", "key_encoding": "utf8",
		"signature_header": "stripe-signature", "signature_param": "v1",
		"timestamp_param": "t", "signature_encoding": "hex", "signed": "{timestamp}.{body}",
		"json": true, "id_path": "/id", "type_path": "/type"}'),
	('github', '{
		"algorithm": "hmac-sha256", "key_encoding": "utf8",
		"signature_header": "x-hub-signature-256", "signature_prefix": "sha256=",
		"signature_encoding": "hex", "signed": "{body}", "id_header": "x-github-delivery",
		"type_header": "x-github-event", "json": true}'),
	('slack', '{
		"algorithm": "hmac-sha256", "key_encoding": "utf8",
		"signature_header": "x-slack-signature", "signature_prefix": "v0=",
		"signature_encoding": "hex", "timestamp_header": "x-slack-request-timestamp",
		"signed": "v0:{timestamp}:{body}"}'),
	('slack-events', '{
		"algorithm": "hmac-sha256", "key_encoding": "utf8",
		"signature_header": "x-slack-signature", "signature_prefix": "v0=",
		"signature_encoding": "hex", "timestamp_header": "x-slack-request-timestamp",
		"signed": "v0:{timestamp}:{body}", "json": true, "id_path": "/event_id",
		"id_optional": true, "type_path": "/event/type"}'),
	('square', '{
		"algorithm": "hmac-sha256", "key_encoding": "utf8",
		"signature_header": "x-square-hmacsha256-signature", "signature_encoding": "base64",
		"signed": "{binding}{body}", "json": true, "id_path": "/event_id", "type_path": "/type"}'),
	('adyen', '{
		"algorithm": "hmac-sha256", "key_encoding": "hex", "signature_encoding": "base64",
		"items_path": "/notificationItems",
		"signature_path": "/NotificationRequestItem/additionalData/hmacSignature",
		"signed": "{/NotificationRequestItem/pspReference}:{/NotificationRequestItem/originalReference}:{/NotificationRequestItem/merchantAccountCode}:{/NotificationRequestItem/merchantReference*}:{/NotificationRequestItem/amount/value}:{/NotificationRequestItem/amount/currency}:{/NotificationRequestItem/eventCode}:{/NotificationRequestItem/success}",
		"json": true, "id_path": "/notificationItems/0/NotificationRequestItem/pspReference",
		"type_path": "/notificationItems/0/NotificationRequestItem/eventCode"}'),
	('adyen-platform', '{
		"algorithm": "hmac-sha256", "key_encoding": "hex", "signature_header": "hmacsignature",
		"signature_encoding": "base64", "signed": "{body}", "json": true, "type_path": "/type"}'),
	('gocardless', '{
		"algorithm": "hmac-sha256", "key_encoding": "utf8",
		"signature_header": "webhook-signature", "signature_encoding": "hex",
		"signed": "{body}", "json": true, "id_path": "/meta/webhook_id", "id_optional": true}'),
	('razorpay', '{
		"algorithm": "hmac-sha256", "key_encoding": "utf8",
		"signature_header": "x-razorpay-signature", "signature_encoding": "hex",
		"signed": "{body}", "json": true, "id_header": "x-razorpay-event-id",
		"type_path": "/event"}'),
	('shopify', '{
		"algorithm": "hmac-sha256", "key_encoding": "utf8",
		"signature_header": "x-shopify-hmac-sha256", "signature_encoding": "base64",
		"signed": "{body}", "json": true, "id_header": "x-shopify-webhook-id",
		"type_header": "x-shopify-topic"}'),
	('paypal', '{
		"algorithm": "rsa-sha256", "signature_header": "paypal-transmission-sig",
		"signature_encoding": "base64", "timestamp_header": "paypal-transmission-time",
		"timestamp_format": "rfc3339", "id_header": "paypal-transmission-id",
		"signed": "{id}|{timestamp}|{binding}|{crc32}", "json": true, "type_path": "/event_type"}'),
	('svix', '{
		"algorithm": "hmac-sha256", "key_encoding": "base64", "key_prefix": "whsec_",
		"min_key_bytes": 24, "signature_header": "svix-signature|webhook-signature",
		"signature_list": true, "signature_prefix": "v1,", "signature_encoding": "base64",
		"timestamp_header": "svix-timestamp|webhook-timestamp", "id_header": "svix-id|webhook-id",
		"signed": "{id}.{timestamp}.{body}", "json": true, "type_path": "/type"}'),
	('paddle', '{
		"algorithm": "hmac-sha256", "key_encoding": "utf8",
		"signature_header": "paddle-signature", "signature_separator": ";",
		"signature_param": "h1", "timestamp_param": "ts", "signature_encoding": "hex",
		"signed": "{timestamp}:{body}", "json": true, "id_path": "/event_id",
		"type_path": "/event_type"}'),
	('twitch', '{
		"algorithm": "hmac-sha256", "key_encoding": "utf8", "min_key_bytes": 10,
		"signature_header": "twitch-eventsub-message-signature", "signature_prefix": "sha256=",
		"signature_encoding": "hex", "timestamp_header": "twitch-eventsub-message-timestamp",
		"timestamp_format": "rfc3339", "id_header": "twitch-eventsub-message-id",
		"id_format": "uuid", "signed": "{id}{timestamp}{body}", "json": true,
		"type_path": "/subscription/type"}'),
	('airwallex', '{
		"algorithm": "hmac-sha256", "key_encoding": "utf8", "signature_header": "x-signature",
		"signature_encoding": "hex", "timestamp_header": "x-timestamp",
		"timestamp_format": "milliseconds", "signed": "{timestamp}{body}", "json": true,
		"id_path": "/id", "type_path": "/name"}'),
	('mercadopago', '{
		"algorithm": "hmac-sha256", "key_encoding": "utf8", "signature_header": "x-signature",
		"signature_param": "v1", "timestamp_param": "ts", "signature_encoding": "hex",
		"timestamp_format": "seconds-or-milliseconds", "manifest": true,
		"signed": "id:{/data/id:lower};request-id:{header:x-request-id};ts:{timestamp};",
		"json": true, "type_path": "/type"}'),
	('paystack', '{
		"algorithm": "hmac-sha512", "key_encoding": "utf8",
		"signature_header": "x-paystack-signature", "signature_encoding": "hex",
		"signed": "{body}", "json": true, "type_path": "/event"}'),
	('twilio', '{
		"algorithm": "hmac-sha1", "key_encoding": "utf8",
		"signature_header": "x-twilio-signature", "signature_encoding": "base64",
		"signed": "{binding}{form}"}'),
	('twilio-json', '{
		"algorithm": "hmac-sha1", "key_encoding": "utf8",
		"signature_header": "x-twilio-signature", "signature_encoding": "base64",
		"signed": "{binding}{sha256}", "json": true}'),
	('sendgrid', '{
		"algorithm": "ecdsa-sha256",
		"signature_header": "x-twilio-email-event-webhook-signature",
		"signature_encoding": "base64",
		"timestamp_header": "x-twilio-email-event-webhook-timestamp",
		"signed": "{timestamp}{body}", "json": true}'),
	('braintree', '{
		"algorithm": "hmac-sha1", "key_encoding": "sha1-of-utf8",
		"signature_field": "bt_signature", "signature_separator": "&",
		"signature_equals": "|", "signature_param": "*", "signature_encoding": "hex",
		"signed": "{field:bt_payload}"}'),
	('plaid', '{
		"algorithm": "jwt-es256", "signature_header": "plaid-verification",
		"body_hash_path": "/request_body_sha256", "timestamp_path": "/iat", "json": true,
		"type_path": "/webhook_code"}'),
	('xendit', '{
		"algorithm": "token", "key_encoding": "utf8", "signature_header": "x-callback-token",
		"json": true, "type_path": "/event"}'),
	('flutterwave', '{
		"algorithm": "token", "key_encoding": "utf8", "signature_header": "verif-hash",
		"json": true, "type_path": "/event"}'),
	('klarna', '{
		"algorithm": "hmac-sha256", "key_encoding": "utf8", "signature_header": "klarna-signature",
		"signature_encoding": "hex", "signed": "{body}", "json": true,
		"id_path": "/metadata/event_id", "type_path": "/metadata/event_type"}'),
	('coinbase', '{
		"algorithm": "hmac-sha256", "key_encoding": "utf8",
		"signature_header": "x-cc-webhook-signature", "signature_encoding": "hex",
		"signed": "{body}", "json": true, "id_path": "/event/id", "type_path": "/event/type"}'),
	('wise', '{
		"algorithm": "rsa-sha256", "signature_header": "x-signature-sha256",
		"signature_encoding": "base64", "signed": "{body}", "json": true,
		"type_path": "/event_type"}'),
	('lemonsqueezy', '{
		"algorithm": "hmac-sha256", "key_encoding": "utf8", "signature_header": "x-signature",
		"signature_encoding": "hex", "signed": "{body}", "json": true,
		"type_path": "/meta/event_name"}'),
	('mollie', '{
		"algorithm": "hmac-sha256", "key_encoding": "utf8",
		"signature_header": "x-mollie-signature", "signature_prefix": "sha256=",
		"signature_encoding": "hex", "signed": "{body}", "json": true, "id_path": "/id",
		"type_path": "/type"}'),
	('generic', '{
		"algorithm": "hmac-sha256", "key_encoding": "utf8", "min_key_bytes": 24,
		"signature_header": "x-webhook-signature", "signature_encoding": "hex",
		"timestamp_header": "x-webhook-timestamp", "id_header": "x-webhook-id",
		"signed": "{id}.{timestamp}.{body}"}')) AS s (scheme, definition);

CREATE TABLE paysafe.webhook_endpoint (
	endpoint text COLLATE "C" NOT NULL,
	version int NOT NULL,
	scheme text COLLATE "C" NOT NULL,
	tolerance interval NOT NULL,
	event_types text[],
	max_bytes int NOT NULL,
	max_depth int NOT NULL,
	binding text,
	object_path text,
	sequence_path text,
	inbox boolean NOT NULL,
	encrypt boolean NOT NULL,
	any_text boolean NOT NULL,
	at timestamptz NOT NULL,
	actor text NOT NULL,
	PRIMARY KEY (endpoint, version)
);
COMMENT ON TABLE paysafe.webhook_endpoint IS 'where webhooks come in; the newest version of each endpoint is in force';
COMMENT ON COLUMN paysafe.webhook_endpoint.encrypt IS 'bodies in the inbox are sealed';
COMMENT ON COLUMN paysafe.webhook_endpoint.any_text IS 'JSON may contain zero characters and lone surrogates';
COMMENT ON COLUMN paysafe.webhook_endpoint.binding IS 'what the provider signs besides the request';

CREATE TABLE paysafe.webhook_key (
	endpoint text COLLATE "C" NOT NULL,
	number int NOT NULL,
	version int NOT NULL,
	kind text COLLATE "C" NOT NULL,
	secret bytea NOT NULL,
	public_key text,
	created_at timestamptz NOT NULL,
	not_after timestamptz,
	at timestamptz NOT NULL,
	actor text NOT NULL,
	PRIMARY KEY (endpoint, number, version)
);
COMMENT ON TABLE paysafe.webhook_key IS 'keys that webhooks are verified with; the newest version of each is in force';
COMMENT ON COLUMN paysafe.webhook_key.secret IS 'sealed for endpoint, number and kind';

CREATE TABLE paysafe.webhook_seen (
	digest bytea PRIMARY KEY,
	at timestamptz NOT NULL,
	inbox_id bigint
);
COMMENT ON TABLE paysafe.webhook_seen IS 'webhooks that have been accepted, for ever: keyed hashes of endpoint and event';

CREATE TABLE paysafe.webhook_latest (
	digest bytea PRIMARY KEY,
	sequence bigint NOT NULL,
	at timestamptz NOT NULL
) WITH (fillfactor = 80);
COMMENT ON TABLE paysafe.webhook_latest IS 'how new the newest webhook about an object is; keyed hashes of endpoint and object';

CREATE TABLE paysafe.webhook_schema_record (
	endpoint text COLLATE "C" NOT NULL,
	event_type text COLLATE "C" NOT NULL,
	version int NOT NULL,
	schema text COLLATE "C" NOT NULL,
	removed boolean NOT NULL,
	reason text COLLATE "C" NOT NULL,
	actor text COLLATE "C" NOT NULL,
	session_user_name text COLLATE "C" NOT NULL,
	at timestamptz NOT NULL,
	PRIMARY KEY (endpoint, event_type, version)
);
COMMENT ON TABLE paysafe.webhook_schema_record IS 'what webhooks must look like, each version; paysafe.payload_schema has the newest';
COMMENT ON COLUMN paysafe.webhook_schema_record.event_type IS 'empty: all types that have no schema of their own';

--@own_table paysafe.webhook_schema_record
--@own_table paysafe.webhook_scheme
--@own_table paysafe.webhook_endpoint
--@own_table paysafe.webhook_key
--@own_table paysafe.webhook_seen
--@own_table paysafe.webhook_latest

CREATE FUNCTION paysafe.set_webhook_scheme(scheme text, definition jsonb) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_set_webhook_scheme';
COMMENT ON FUNCTION paysafe.set_webhook_scheme(text, jsonb) IS 'declares how a provider signs its webhooks';

CREATE FUNCTION paysafe.set_webhook_endpoint(
	endpoint text,
	scheme text,
	tolerance interval DEFAULT '5 minutes',
	event_types text[] DEFAULT NULL,
	max_bytes int DEFAULT 1048576,
	max_depth int DEFAULT 64,
	binding text DEFAULT NULL,
	object_path text DEFAULT NULL,
	sequence_path text DEFAULT NULL,
	inbox boolean DEFAULT true,
	encrypt boolean DEFAULT false,
	any_text boolean DEFAULT false
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_set_webhook_endpoint';
COMMENT ON FUNCTION paysafe.set_webhook_endpoint(text, text, interval, text[], int, int, text, text, text, boolean, boolean, boolean) IS 'sets up where webhooks of a scheme come in';

CREATE FUNCTION paysafe.add_webhook_key(
	endpoint text,
	secret text,
	overlap interval DEFAULT '7 days'
) RETURNS int
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_add_webhook_key';
COMMENT ON FUNCTION paysafe.add_webhook_key(text, text, interval) IS 'adds a key that an endpoint''s webhooks are verified with; those before it stay for the overlap (NULL: as they are)';

CREATE FUNCTION paysafe.retire_webhook_key(
	endpoint text,
	key_id int,
	not_after timestamptz DEFAULT NULL
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_retire_webhook_key';
COMMENT ON FUNCTION paysafe.retire_webhook_key(text, int, timestamptz) IS 'ends a key of an endpoint, now or later';

CREATE FUNCTION paysafe.set_payload_schema(
	endpoint text,
	schema paysafe.payload,
	reason text,
	event_type text DEFAULT NULL
) RETURNS int
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_set_payload_schema';
COMMENT ON FUNCTION paysafe.set_payload_schema(text, paysafe.payload, text, text) IS 'declares the JSON Schema that webhooks of a type fit; NULL: of all types that have none of their own. The first one is at once, another takes a second person. Returns its version, or NULL if it is only proposed';

CREATE FUNCTION paysafe.remove_payload_schema(
	endpoint text,
	reason text,
	event_type text DEFAULT NULL
) RETURNS int
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_remove_payload_schema';
COMMENT ON FUNCTION paysafe.remove_payload_schema(text, text, text) IS 'removes the schema of a type of webhooks; takes a second person. Returns its last version, or NULL if it is only proposed';

CREATE FUNCTION paysafe.webhook_trouble(endpoint text) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_webhook_trouble';
COMMENT ON FUNCTION paysafe.webhook_trouble(text) IS 'why the scheme or a schema of a webhook endpoint cannot be used, for paysafe.check';

CREATE VIEW paysafe.payload_schema AS
	SELECT n.endpoint, n.event_type, n.version, n.schema, n.reason, n.actor AS by, n.at AS since
	  FROM (SELECT DISTINCT ON (r.endpoint, r.event_type) r.*
			  FROM paysafe.webhook_schema_record r
			 ORDER BY r.endpoint, r.event_type, r.version DESC) n
	 WHERE NOT n.removed;
COMMENT ON VIEW paysafe.payload_schema IS 'what webhooks must look like, as it is in force';

CREATE FUNCTION paysafe.webhook_accept(
	endpoint text,
	headers jsonb,
	body paysafe.payload,
	origin text DEFAULT NULL,
	OUT verdict text,
	OUT reason text,
	OUT event_id text,
	OUT event_type text,
	OUT inbox_id bigint,
	OUT key_id int
) RETURNS record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_webhook_accept';
COMMENT ON FUNCTION paysafe.webhook_accept(text, jsonb, paysafe.payload, text) IS 'verifies a webhook and accepts it once: accepted, duplicate, outdated, invalid, ignored or refused';

CREATE FUNCTION paysafe.webhook_verify(
	endpoint text,
	headers jsonb,
	body paysafe.payload,
	at timestamptz DEFAULT NULL,
	OUT ok boolean,
	OUT reason text,
	OUT key_id int
) RETURNS record
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_webhook_verify';
COMMENT ON FUNCTION paysafe.webhook_verify(text, jsonb, paysafe.payload, timestamptz) IS 'is a webhook genuine, now or at another time? Nothing is noted';

CREATE FUNCTION paysafe.webhook_failures(
	"within" interval DEFAULT '1 hour',
	OUT endpoint text,
	OUT reason text,
	OUT origin text,
	OUT requests bigint,
	OUT first_at timestamptz,
	OUT last_at timestamptz
) RETURNS SETOF record
	LANGUAGE sql STABLE STRICT SECURITY DEFINER PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		SELECT r.key, substr(r.rule, 9),
			   coalesce(substring(r.message FROM '; from ([0-9a-f.:]+)$'), r.client_addr),
			   sum(r.count)::bigint, min(r.at), max(coalesce(r.last_at, r.at))
		  FROM paysafe.refusal_record r
		 WHERE r.schema_name = 'paysafe' AND r.table_name = 'webhook' AND r.rule LIKE 'webhook\_%'
		   AND coalesce(r.last_at, r.at) > clock_timestamp() - "within"
		 GROUP BY 1, 2, 3
		 ORDER BY 4 DESC, 6 DESC, 1, 2, 3;
	END;
COMMENT ON FUNCTION paysafe.webhook_failures(interval) IS 'webhooks refused within a time: which endpoint, why, where from, how many';

CREATE VIEW paysafe.webhook_schemes AS
	SELECT DISTINCT ON (s.scheme) s.scheme, s.builtin, s.version, s.definition
	  FROM paysafe.webhook_scheme s
	 ORDER BY s.scheme, s.version DESC;
COMMENT ON VIEW paysafe.webhook_schemes IS 'how providers sign webhooks, as it is in force';

CREATE VIEW paysafe.webhook_keys AS
	SELECT DISTINCT ON (k.endpoint, k.number)
		   k.endpoint, k.number AS key_id, k.kind, k.created_at, k.not_after,
		   (k.not_after IS NULL OR k.not_after > clock_timestamp()) AS live
	  FROM paysafe.webhook_key k
	 ORDER BY k.endpoint, k.number, k.version DESC;
COMMENT ON VIEW paysafe.webhook_keys IS 'keys that webhooks are verified with; not the keys themselves';

CREATE VIEW paysafe.webhook_endpoints AS
	SELECT DISTINCT ON (e.endpoint)
		   e.endpoint, e.scheme, e.tolerance, e.event_types, e.max_bytes, e.max_depth, e.binding,
		   e.object_path, e.sequence_path, e.inbox, e.encrypt, e.any_text,
		   (SELECT count(*) FROM paysafe.webhook_keys k WHERE k.endpoint = e.endpoint AND k.live) AS live_keys
	  FROM paysafe.webhook_endpoint e
	 ORDER BY e.endpoint, e.version DESC;
COMMENT ON VIEW paysafe.webhook_endpoints IS 'where webhooks come in, as it is in force';
