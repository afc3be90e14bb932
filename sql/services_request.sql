-- Signed requests in: clients and their keys; verified, and accepted once

CREATE TABLE paysafe.request_client_record (
	client text COLLATE "C" NOT NULL,
	version int NOT NULL,
	profile text COLLATE "C" NOT NULL,
	components text[] COLLATE "C" NOT NULL,
	nonce boolean NOT NULL,
	label text COLLATE "C",
	tag text COLLATE "C",
	base_url text COLLATE "C",
	tolerance bigint NOT NULL,
	earlier_tolerance bigint NOT NULL,
	wider_from timestamptz NOT NULL,
	max_bytes int NOT NULL,
	revoked boolean NOT NULL,
	reason text COLLATE "C" NOT NULL,
	actor text COLLATE "C" NOT NULL,
	session_user_name text COLLATE "C" NOT NULL,
	at timestamptz NOT NULL,
	PRIMARY KEY (client, version)
);
COMMENT ON TABLE paysafe.request_client_record IS 'whose signed requests are taken, each version; paysafe.request_client has the newest';
COMMENT ON COLUMN paysafe.request_client_record.tolerance IS 'in microseconds';
COMMENT ON COLUMN paysafe.request_client_record.earlier_tolerance IS 'in microseconds; counts for requests that were signed before wider_from';

CREATE TABLE paysafe.request_key (
	client text COLLATE "C" NOT NULL,
	number int NOT NULL,
	version int NOT NULL,
	kind text COLLATE "C" NOT NULL,
	secret bytea NOT NULL,
	keyid text COLLATE "C" NOT NULL,
	created_at timestamptz NOT NULL,
	not_after timestamptz,
	at timestamptz NOT NULL,
	actor text NOT NULL,
	PRIMARY KEY (client, number, version)
);
CREATE INDEX request_key_keyid ON paysafe.request_key (keyid);
COMMENT ON TABLE paysafe.request_key IS 'keys that clients sign requests with; the newest version of each is in force';
COMMENT ON COLUMN paysafe.request_key.kind IS 'the one algorithm that the key is for';
COMMENT ON COLUMN paysafe.request_key.secret IS 'or a public key; sealed for client, number and kind';
COMMENT ON COLUMN paysafe.request_key.keyid IS 'what the client calls it; one key for ever';

--@own_table paysafe.request_client_record
--@own_table paysafe.request_key

CREATE FUNCTION paysafe.set_request_client(
	client text,
	reason text,
	profile text DEFAULT 'rfc9421',
	components text[] DEFAULT '{@method,@path,@query,content-digest}',
	nonce boolean DEFAULT true,
	tolerance interval DEFAULT '5 minutes',
	base_url text DEFAULT NULL,
	label text DEFAULT NULL,
	tag text DEFAULT NULL,
	max_bytes int DEFAULT 1048576
) RETURNS int
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_set_request_client';
COMMENT ON FUNCTION paysafe.set_request_client(text, text, text, text[], boolean, interval, text, text, text, int) IS 'declares a client that signs its requests, and what its signatures must cover; what lets more in takes a second person. Returns its version, or NULL if it is only proposed';

CREATE FUNCTION paysafe.revoke_request_client(client text, reason text) RETURNS int
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_revoke_request_client';
COMMENT ON FUNCTION paysafe.revoke_request_client(text, text) IS 'from now on, in transactions too that have begun, no request of the client is accepted';

CREATE FUNCTION paysafe.add_request_key(
	client text,
	keyid text,
	algorithm text,
	key text,
	reason text,
	overlap interval DEFAULT '7 days'
) RETURNS text
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_add_request_key';
COMMENT ON FUNCTION paysafe.add_request_key(text, text, text, text, text, interval) IS 'adds a key that a client signs with: a public key in PEM, or a secret in base64, and its one algorithm; those before it stay for the overlap (NULL: as they are); takes a second person. Returns a fingerprint, or NULL if it is only proposed';

CREATE FUNCTION paysafe.retire_request_key(
	client text,
	keyid text,
	not_after timestamptz DEFAULT NULL
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_retire_request_key';
COMMENT ON FUNCTION paysafe.retire_request_key(text, text, timestamptz) IS 'ends a key of a client, now or later; it does not come back';

CREATE FUNCTION paysafe.request_accept(
	client text,
	method text,
	path text,
	query text,
	headers jsonb,
	body paysafe.payload,
	origin text DEFAULT NULL,
	OUT accepted boolean,
	OUT reason text,
	OUT client_name text,
	OUT key_id text,
	OUT signed_at timestamptz,
	OUT label text
) RETURNS record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_request_accept';
COMMENT ON FUNCTION paysafe.request_accept(text, text, text, text, jsonb, paysafe.payload, text) IS 'is a request signed by the client (NULL: by whose key it names), for now, and not seen before? It is used up by that. Why not stands in paysafe.refusal_log';

CREATE FUNCTION paysafe.request_verify(
	client text,
	method text,
	path text,
	query text,
	headers jsonb,
	body paysafe.payload,
	at timestamptz DEFAULT NULL,
	OUT ok boolean,
	OUT reason text,
	OUT key_id text,
	OUT label text
) RETURNS record
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_request_verify';
COMMENT ON FUNCTION paysafe.request_verify(text, text, text, text, jsonb, paysafe.payload, timestamptz) IS 'is a request signed by the client, now or at another time, and why not? Nothing is noted, and a request that has been here is not known';

CREATE FUNCTION paysafe.request_failures(
	"within" interval DEFAULT '1 hour',
	OUT client text,
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
		 WHERE r.schema_name = 'paysafe' AND r.table_name = 'request' AND r.rule LIKE 'request\_%'
		   AND coalesce(r.last_at, r.at) > clock_timestamp() - "within"
		 GROUP BY 1, 2, 3
		 ORDER BY 4 DESC, 6 DESC, 1, 2, 3;
	END;
COMMENT ON FUNCTION paysafe.request_failures(interval) IS 'signed requests refused within a time: whose, why, where from, how many';

CREATE VIEW paysafe.request_client AS
	SELECT DISTINCT ON (r.client) r.client, r.version, r.profile, r.components, r.nonce, r.label, r.tag, r.base_url,
		   r.tolerance * interval '1 microsecond' AS tolerance, r.max_bytes, r.revoked, r.reason, r.actor AS by,
		   r.at AS since
	  FROM paysafe.request_client_record r
	 ORDER BY r.client, r.version DESC;
COMMENT ON VIEW paysafe.request_client IS 'whose signed requests are taken, and what their signatures must cover, as it is now';

CREATE VIEW paysafe.request_keys AS
	SELECT DISTINCT ON (k.client, k.number) k.client, k.keyid AS key_id, k.kind AS algorithm, k.created_at, k.not_after,
		   (k.not_after IS NULL OR k.not_after > clock_timestamp()) AS live
	  FROM paysafe.request_key k
	 ORDER BY k.client, k.number, k.version DESC;
COMMENT ON VIEW paysafe.request_keys IS 'keys that clients sign requests with; not the keys themselves';
