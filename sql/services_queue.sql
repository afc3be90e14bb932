-- Events that wait for somebody to work on them: the inbox and the outbox

CREATE SEQUENCE paysafe.inbox_event_id_seq;
COMMENT ON SEQUENCE paysafe.inbox_event_id_seq IS 'numbers events of the inbox';

CREATE TABLE paysafe.inbox_event (
	id bigint PRIMARY KEY,
	source text COLLATE "C" NOT NULL,
	event_id text COLLATE "C" NOT NULL,
	event_type text,
	state text COLLATE "C" NOT NULL,
	attempt int NOT NULL,
	old_attempts int NOT NULL,
	next_at timestamptz NOT NULL,
	created_at timestamptz NOT NULL,
	ended_at timestamptz,
	last_error text,
	business_id text COLLATE "C"
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX inbox_event_business_id ON paysafe.inbox_event (business_id) WHERE business_id IS NOT NULL;
CREATE INDEX inbox_event_due ON paysafe.inbox_event (state, source, next_at);
COMMENT ON TABLE paysafe.inbox_event IS 'events that came in, and how far work on each has got';
COMMENT ON COLUMN paysafe.inbox_event.source IS 'the endpoint that it came by';
COMMENT ON COLUMN paysafe.inbox_event.old_attempts IS 'how many of the attempts were before it was revived last';
COMMENT ON COLUMN paysafe.inbox_event.next_at IS 'ready: from when on it may be claimed; leased: until when it may not';

-- apart from the event, which changes, and dropped by periods when it is done
CREATE TABLE paysafe.inbox_payload (
	at timestamptz NOT NULL,
	event bigint NOT NULL,
	headers jsonb,
	body bytea NOT NULL,
	sealed boolean NOT NULL
) PARTITION BY RANGE (at);
COMMENT ON TABLE paysafe.inbox_payload IS 'headers and bodies of the inbox''s events, partitioned by the time at which they came';

CREATE SEQUENCE paysafe.outbox_event_id_seq;
COMMENT ON SEQUENCE paysafe.outbox_event_id_seq IS 'numbers events of the outbox';

CREATE TABLE paysafe.outbox_event (
	id bigint PRIMARY KEY,
	source text COLLATE "C" NOT NULL,
	event_id text COLLATE "C" NOT NULL,
	event_type text,
	state text COLLATE "C" NOT NULL,
	attempt int NOT NULL,
	old_attempts int NOT NULL,
	next_at timestamptz NOT NULL,
	created_at timestamptz NOT NULL,
	ended_at timestamptz,
	last_error text,
	business_id text COLLATE "C"
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX outbox_event_business_id ON paysafe.outbox_event (business_id) WHERE business_id IS NOT NULL;
CREATE INDEX outbox_event_due ON paysafe.outbox_event (state, source, next_at);
CREATE INDEX outbox_event_next ON paysafe.outbox_event (state, next_at);
CREATE UNIQUE INDEX outbox_event_webhook ON paysafe.outbox_event (source, event_id);
COMMENT ON TABLE paysafe.outbox_event IS 'events that are to be sent, and how far each has got';
COMMENT ON COLUMN paysafe.outbox_event.source IS 'the destination that it goes to';
COMMENT ON COLUMN paysafe.outbox_event.event_id IS 'the webhook-id';

-- apart from the event, which changes, and dropped by periods when it is done
CREATE TABLE paysafe.outbox_payload (
	at timestamptz NOT NULL,
	event bigint NOT NULL,
	headers jsonb,
	body bytea NOT NULL,
	sealed boolean NOT NULL
) PARTITION BY RANGE (at);
COMMENT ON TABLE paysafe.outbox_payload IS 'headers and bodies of the outbox''s events, partitioned by the time at which they came';

CREATE TABLE paysafe.queue_setting (
	queue text COLLATE "C" NOT NULL,
	source text COLLATE "C" NOT NULL,
	version int NOT NULL,
	max_attempts int NOT NULL,
	backoff interval NOT NULL,
	max_backoff interval NOT NULL,
	at timestamptz NOT NULL,
	actor text NOT NULL,
	PRIMARY KEY (queue, source, version)
);
COMMENT ON TABLE paysafe.queue_setting IS 'how often and when events are tried again; the newest version of each is in force';
COMMENT ON COLUMN paysafe.queue_setting.source IS 'endpoint or destination; empty: each that has no setting of its own';

CREATE SEQUENCE paysafe.queue_note_id_seq;
COMMENT ON SEQUENCE paysafe.queue_note_id_seq IS 'numbers notes on events';

CREATE TABLE paysafe.queue_note (
	id bigint PRIMARY KEY,
	queue text COLLATE "C" NOT NULL,
	event bigint NOT NULL,
	at timestamptz NOT NULL,
	what text COLLATE "C" NOT NULL,
	attempt int NOT NULL,
	reason text NOT NULL,
	actor text NOT NULL,
	session_user_name text NOT NULL
);
COMMENT ON TABLE paysafe.queue_note IS 'events that were given up (dead), revived or dismissed, by whom and why';

--@own_table paysafe.inbox_event
--@own_table paysafe.outbox_event
--@own_table paysafe.queue_setting
--@own_table paysafe.queue_note

CREATE FUNCTION paysafe.set_queue(
	queue text,
	source text,
	max_attempts int DEFAULT 12,
	backoff interval DEFAULT '10 seconds',
	max_backoff interval DEFAULT '6 hours'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_set_queue';
COMMENT ON FUNCTION paysafe.set_queue(text, text, int, interval, interval) IS 'how often and when events of an endpoint (inbox) or for a destination (outbox) are tried again; source NULL: of all others';

CREATE FUNCTION paysafe.queue_expire(keep interval DEFAULT '90 days') RETURNS int
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_queue_expire';
COMMENT ON FUNCTION paysafe.queue_expire(interval) IS 'drops the partitions of old payloads, of inbox and outbox, whose events are all done; makes those to come';

CREATE FUNCTION paysafe.inbox_add(
	endpoint text,
	event_id text,
	event_type text,
	headers jsonb,
	body paysafe.payload
) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_inbox_add';
COMMENT ON FUNCTION paysafe.inbox_add(text, text, text, jsonb, paysafe.payload) IS 'adds an event that came otherwise than by webhook_accept, verified and known to be new';

CREATE FUNCTION paysafe.inbox_claim(
	endpoint text,
	"limit" int DEFAULT 1,
	lease interval DEFAULT '5 minutes',
	OUT id bigint,
	OUT endpoint text,
	OUT event_id text,
	OUT event_type text,
	OUT headers jsonb,
	OUT body bytea,
	OUT attempt int
) RETURNS SETOF record
	LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1
	AS 'MODULE_PATHNAME', 'paysafe_inbox_claim';
COMMENT ON FUNCTION paysafe.inbox_claim(text, int, interval) IS 'claims events of an endpoint that nobody else has: they are the caller''s until the lease is over';

CREATE FUNCTION paysafe.inbox_done(id bigint, attempt int) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_inbox_done';
COMMENT ON FUNCTION paysafe.inbox_done(bigint, int) IS 'the event is worked on: in the transaction that has done the work';

CREATE FUNCTION paysafe.inbox_retry(id bigint, attempt int, reason text, final boolean DEFAULT false) RETURNS timestamptz
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_inbox_retry';
COMMENT ON FUNCTION paysafe.inbox_retry(bigint, int, text, boolean) IS 'the attempt has failed: when the next one is due, or NULL if there is none';

CREATE FUNCTION paysafe.inbox_revive(id bigint, reason text) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_inbox_revive';
COMMENT ON FUNCTION paysafe.inbox_revive(bigint, text) IS 'gives a dead event its attempts again';

CREATE FUNCTION paysafe.inbox_dismiss(id bigint, reason text) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_inbox_dismiss';
COMMENT ON FUNCTION paysafe.inbox_dismiss(bigint, text) IS 'a dead event is no concern any more';

CREATE VIEW paysafe.inbox AS
	SELECT e.id, e.source AS endpoint, e.event_id, e.event_type, e.state, e.attempt, e.next_at,
		   e.created_at, e.ended_at, e.last_error, e.business_id
	  FROM paysafe.inbox_event e;
COMMENT ON VIEW paysafe.inbox IS 'events that came in, without what they say, and how far work on each has got';

CREATE VIEW paysafe.outbox AS
	SELECT e.id, e.source AS destination, e.event_id AS webhook_id, e.event_type, e.state, e.attempt, e.next_at,
		   e.created_at, e.ended_at, e.last_error, e.business_id
	  FROM paysafe.outbox_event e;
COMMENT ON VIEW paysafe.outbox IS 'events to be sent, without what they say, and how far each has got';
