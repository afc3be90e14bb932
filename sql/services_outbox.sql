-- Webhooks out: destinations, their keys, the outbox

CREATE TABLE paysafe.webhook_destination (
	destination text COLLATE "C" NOT NULL,
	version int NOT NULL,
	url bytea NOT NULL,
	url_shown text NOT NULL,
	scheme text NOT NULL,
	encrypt boolean NOT NULL,
	at timestamptz NOT NULL,
	actor text NOT NULL,
	PRIMARY KEY (destination, version)
);
COMMENT ON TABLE paysafe.webhook_destination IS 'where webhooks go; the newest version of each is in force';
COMMENT ON COLUMN paysafe.webhook_destination.encrypt IS 'bodies in the outbox are sealed';
COMMENT ON COLUMN paysafe.webhook_destination.url IS 'sealed: some URLs are secrets';

CREATE TABLE paysafe.destination_key (
	destination text COLLATE "C" NOT NULL,
	number int NOT NULL,
	version int NOT NULL,
	kind text COLLATE "C" NOT NULL,
	secret bytea NOT NULL,
	public_key text,
	created_at timestamptz NOT NULL,
	not_after timestamptz,
	at timestamptz NOT NULL,
	actor text NOT NULL,
	PRIMARY KEY (destination, number, version)
);
COMMENT ON TABLE paysafe.destination_key IS 'keys that sign webhooks; the newest version of each is in force';
COMMENT ON COLUMN paysafe.destination_key.secret IS 'sealed for destination, number and kind';

CREATE TABLE paysafe.outbox_attempt (
	event bigint NOT NULL,
	attempt int NOT NULL,
	at timestamptz NOT NULL,
	status int,
	reason text,
	PRIMARY KEY (event, attempt)
);
COMMENT ON TABLE paysafe.outbox_attempt IS 'attempts to deliver webhooks that came back with an answer or a reason';

--@own_table paysafe.webhook_destination
--@own_table paysafe.destination_key
--@own_table paysafe.outbox_attempt

CREATE FUNCTION paysafe.set_webhook_destination(
	destination text,
	url paysafe.webhook_url,
	scheme text DEFAULT 'standard',
	encrypt boolean DEFAULT false
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_set_webhook_destination';
COMMENT ON FUNCTION paysafe.set_webhook_destination(text, paysafe.webhook_url, text, boolean) IS 'sets up where webhooks go; scheme: standard (v1) or standard-asymmetric (v1a)';

CREATE FUNCTION paysafe.add_destination_key(
	destination text,
	secret text DEFAULT NULL,
	overlap interval DEFAULT '24 hours',
	OUT key_id int,
	OUT secret text,
	OUT public_key text
) RETURNS record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_add_destination_key';
COMMENT ON FUNCTION paysafe.add_destination_key(text, text, interval) IS 'makes the key that signs a destination''s webhooks, and shows it once; those before it stay for the overlap';

CREATE FUNCTION paysafe.retire_destination_key(destination text, key_id int, not_after timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_retire_destination_key';
COMMENT ON FUNCTION paysafe.retire_destination_key(text, int, timestamptz) IS 'ends a key, now or then';

CREATE FUNCTION paysafe.webhook_sign(destination text, id text, at timestamptz, body paysafe.payload) RETURNS text
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_webhook_sign';
COMMENT ON FUNCTION paysafe.webhook_sign(text, text, timestamptz, paysafe.payload) IS 'value of the header webhook-signature, with an entry for each live key';

CREATE FUNCTION paysafe.outbox_add(destination text, event_type text, body paysafe.payload, id text DEFAULT NULL) RETURNS text
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_outbox_add';
COMMENT ON FUNCTION paysafe.outbox_add(text, text, paysafe.payload, text) IS 'adds a webhook that is sent if the transaction commits; returns its id';

CREATE FUNCTION paysafe.outbox_claim(
	destination text DEFAULT NULL,
	"limit" int DEFAULT 1,
	lease interval DEFAULT '5 minutes',
	OUT id bigint,
	OUT webhook_id text,
	OUT destination text,
	OUT url text,
	OUT headers jsonb,
	OUT body bytea,
	OUT attempt int
) RETURNS SETOF record
	LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1
	AS 'MODULE_PATHNAME', 'paysafe_outbox_claim';
COMMENT ON FUNCTION paysafe.outbox_claim(text, int, interval) IS 'claims webhooks that are due, signed to be sent now: they are the caller''s until the lease is over';

CREATE FUNCTION paysafe.outbox_done(id bigint, attempt int, status int) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_outbox_done';
COMMENT ON FUNCTION paysafe.outbox_done(bigint, int, int) IS 'the webhook has arrived';

CREATE FUNCTION paysafe.outbox_retry(
	id bigint,
	attempt int,
	reason text,
	status int DEFAULT NULL,
	final boolean DEFAULT false
) RETURNS timestamptz
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_outbox_retry';
COMMENT ON FUNCTION paysafe.outbox_retry(bigint, int, text, int, boolean) IS 'the webhook has not arrived: when the next attempt is due, or NULL if there is none';

CREATE FUNCTION paysafe.outbox_revive(id bigint, reason text) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_outbox_revive';
COMMENT ON FUNCTION paysafe.outbox_revive(bigint, text) IS 'gives a dead webhook its attempts again';

CREATE FUNCTION paysafe.outbox_dismiss(id bigint, reason text) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_outbox_dismiss';
COMMENT ON FUNCTION paysafe.outbox_dismiss(bigint, text) IS 'a dead webhook is no concern any more';

CREATE VIEW paysafe.destination AS
	SELECT d.destination, d.url_shown AS url, d.scheme, d.encrypt, d.at AS since, d.actor AS set_by
	  FROM paysafe.webhook_destination d
	 WHERE d.version = (SELECT max(n.version) FROM paysafe.webhook_destination n WHERE n.destination = d.destination);
COMMENT ON VIEW paysafe.destination IS 'where webhooks go; of a URL only what may be shown';

CREATE VIEW paysafe.destination_keys AS
	SELECT k.destination, k.number AS key_id, k.kind, k.public_key, k.created_at, k.not_after,
		   k.not_after IS NULL OR k.not_after > clock_timestamp() AS live
	  FROM paysafe.destination_key k
	 WHERE k.version = (SELECT max(n.version) FROM paysafe.destination_key n
						 WHERE n.destination = k.destination AND n.number = k.number);
COMMENT ON VIEW paysafe.destination_keys IS 'keys that sign webhooks, without their secrets';
