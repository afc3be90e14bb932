-- Idempotency: a request is executed once, however often it arrives

CREATE TABLE paysafe.idempotency_endpoint (
	endpoint text COLLATE "C" NOT NULL,
	version int NOT NULL,
	final text[] NOT NULL,
	retention interval NOT NULL,
	lease interval NOT NULL,
	encrypt_body boolean NOT NULL,
	at timestamptz NOT NULL,
	actor text NOT NULL,
	PRIMARY KEY (endpoint, version)
);
COMMENT ON TABLE paysafe.idempotency_endpoint IS 'how requests are kept from being executed twice; the newest version of each endpoint is in force';

CREATE TABLE paysafe.idempotency_key (
	digest bytea PRIMARY KEY,
	endpoint text NOT NULL,
	fingerprint bytea NOT NULL,
	state text NOT NULL,
	mode text NOT NULL,
	attempt int NOT NULL,
	lease_until timestamptz NOT NULL,
	recovery_point text,
	memo bytea,
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	last_error text
) WITH (fillfactor = 80);
COMMENT ON TABLE paysafe.idempotency_key IS 'one row for each key, for ever: keyed hashes of key and request, and what became of it';
COMMENT ON COLUMN paysafe.idempotency_key.digest IS 'keyed hash of scope, endpoint and key';

CREATE TABLE paysafe.idempotency_response (
	expires_at timestamptz NOT NULL,
	digest bytea NOT NULL,
	status int NOT NULL,
	headers bytea NOT NULL,
	body bytea NOT NULL,
	body_sha256 bytea NOT NULL,
	sealed boolean NOT NULL
) PARTITION BY RANGE (expires_at);
COMMENT ON TABLE paysafe.idempotency_response IS 'responses to be repeated byte for byte, partitioned by the time at which they expire';

--@own_table paysafe.idempotency_endpoint
--@own_table paysafe.idempotency_key

CREATE FUNCTION paysafe.set_idempotency(
	endpoint text,
	final text[] DEFAULT '{2xx,4xx}',
	retention interval DEFAULT '30 days',
	lease interval DEFAULT '90 seconds',
	encrypt_body boolean DEFAULT false
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_set_idempotency';
COMMENT ON FUNCTION paysafe.set_idempotency(text, text[], interval, interval, boolean) IS 'sets up an endpoint whose requests are executed once; final: the statuses that are stored and repeated';

CREATE FUNCTION paysafe.idempotency_begin(
	endpoint text,
	key text,
	request paysafe.payload,
	scope text DEFAULT NULL,
	mode text DEFAULT 'atomic',
	"nowait" boolean DEFAULT false,
	OUT outcome text,
	OUT attempt int,
	OUT recovery_point text,
	OUT memo bytea,
	OUT status int,
	OUT headers json,
	OUT body bytea,
	OUT body_sha256 bytea
) RETURNS record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_idempotency_begin';
COMMENT ON FUNCTION paysafe.idempotency_begin(text, text, paysafe.payload, text, text, boolean) IS 'is the request to be executed (run), or answered as it was (replay)?';

CREATE FUNCTION paysafe.idempotency_step(
	endpoint text,
	key text,
	attempt int,
	step text,
	memo paysafe.payload DEFAULT NULL,
	scope text DEFAULT NULL
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_idempotency_step';
COMMENT ON FUNCTION paysafe.idempotency_step(text, text, int, text, paysafe.payload, text) IS 'notes how far an attempt has got, for the next one; extends its lease';

CREATE FUNCTION paysafe.idempotency_finish(
	endpoint text,
	key text,
	attempt int,
	status int,
	headers json,
	body paysafe.payload,
	scope text DEFAULT NULL
) RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_idempotency_finish';
COMMENT ON FUNCTION paysafe.idempotency_finish(text, text, int, int, json, paysafe.payload, text) IS 'stores the response, which is repeated from now on; false: this status is not final, the next one may try';

CREATE FUNCTION paysafe.idempotency_fail(
	endpoint text,
	key text,
	attempt int,
	reason text DEFAULT NULL,
	scope text DEFAULT NULL
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_idempotency_fail';
COMMENT ON FUNCTION paysafe.idempotency_fail(text, text, int, text, text) IS 'gives an attempt up: the next one may try';

CREATE FUNCTION paysafe.idempotency_expire() RETURNS int
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_idempotency_expire';
COMMENT ON FUNCTION paysafe.idempotency_expire() IS 'drops the partitions of expired responses and makes those to come; keys stay and are refused';

CREATE VIEW paysafe.idempotency AS
	SELECT k.endpoint,
		   CASE WHEN k.expires_at <= clock_timestamp() THEN 'expired'
				WHEN k.state = 'open' AND k.lease_until <= clock_timestamp() THEN 'abandoned'
				ELSE k.state END AS state,
		   k.mode, k.attempt, k.lease_until, k.recovery_point, k.last_error, k.created_at, k.expires_at
	  FROM paysafe.idempotency_key k;
COMMENT ON VIEW paysafe.idempotency IS 'requests by key, without the keys: how far each has got';
