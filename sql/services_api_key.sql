-- API keys.  Texts in the tables are in order of their bytes, whatever becomes of the
-- operating system's collations: an index out of order would miss a revocation.

CREATE SEQUENCE paysafe.api_key_id_seq;
COMMENT ON SEQUENCE paysafe.api_key_id_seq IS 'numbers API keys and revocations: a revocation of all ends those whose number is lower';

CREATE TABLE paysafe.api_key_record (
	id bigint PRIMARY KEY,
	digest bytea NOT NULL UNIQUE,
	client text COLLATE "C" NOT NULL,
	scopes text[] COLLATE "C" NOT NULL,
	shown text COLLATE "C" NOT NULL,
	expires_at timestamptz,
	created_at timestamptz NOT NULL,
	actor text COLLATE "C" NOT NULL,
	session_user_name text COLLATE "C" NOT NULL
);
CREATE INDEX api_key_record_client ON paysafe.api_key_record (client);
COMMENT ON TABLE paysafe.api_key_record IS 'API keys as issued, but for the keys themselves; paysafe.api_key shows what became of them';
COMMENT ON COLUMN paysafe.api_key_record.digest IS 'keyed hash of the SHA-256 of the key: of no use without a key of paysafe.key_file';
COMMENT ON COLUMN paysafe.api_key_record.shown IS 'the prefix and the first four of the 30 random characters, to recognise a key by';

CREATE TABLE paysafe.api_key_end (
	id bigint PRIMARY KEY,
	client text COLLATE "C" NOT NULL,
	key bigint NOT NULL,
	reason text COLLATE "C" NOT NULL,
	at timestamptz NOT NULL,
	actor text COLLATE "C" NOT NULL,
	session_user_name text COLLATE "C" NOT NULL
);
CREATE INDEX api_key_end_target ON paysafe.api_key_end (client, key, id);
COMMENT ON TABLE paysafe.api_key_end IS 'revocations: of one key, or of all with a lower number';
COMMENT ON COLUMN paysafe.api_key_end.client IS 'whose keys; empty: everybody''s';
COMMENT ON COLUMN paysafe.api_key_end.key IS 'the key, or 0: all keys of the client whose number is lower than this row''s';

CREATE TABLE paysafe.api_key_use (
	key bigint PRIMARY KEY,
	at timestamptz
);
COMMENT ON TABLE paysafe.api_key_use IS 'when each API key was used last, to the hour';

--@own_table paysafe.api_key_record
--@own_table paysafe.api_key_end
--@own_table paysafe.api_key_use

CREATE FUNCTION paysafe.api_key_is_well_formed(text text) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_api_key_is_well_formed';
COMMENT ON FUNCTION paysafe.api_key_is_well_formed(text) IS 'does it look like an API key, checksum included? Says nothing about whether there is one';

CREATE FUNCTION paysafe.api_key_issue(
	client text,
	scopes text[] DEFAULT '{}',
	expires timestamptz DEFAULT NULL,
	prefix text DEFAULT 'psk_live'
) RETURNS text
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_api_key_issue';
COMMENT ON FUNCTION paysafe.api_key_issue(text, text[], timestamptz, text) IS 'issues an API key and returns it, once';

CREATE FUNCTION paysafe.api_key_verify(
	api_key text,
	scope text DEFAULT NULL,
	origin text DEFAULT NULL,
	OUT verdict text,
	OUT client text,
	OUT key_id bigint,
	OUT scopes text[]
) RETURNS record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_api_key_verify';
COMMENT ON FUNCTION paysafe.api_key_verify(text, text, text) IS 'judges an API key: valid, unknown, expired, revoked or forbidden';

CREATE FUNCTION paysafe.api_key_verify_digest(
	digest bytea,
	scope text DEFAULT NULL,
	origin text DEFAULT NULL,
	OUT verdict text,
	OUT client text,
	OUT key_id bigint,
	OUT scopes text[]
) RETURNS record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_api_key_verify_digest';
COMMENT ON FUNCTION paysafe.api_key_verify_digest(bytea, text, text) IS 'the same by the SHA-256 of the key, so that the key need not be sent';

CREATE FUNCTION paysafe.api_key_revoke(key_id bigint, reason text) RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_api_key_revoke';
COMMENT ON FUNCTION paysafe.api_key_revoke(bigint, text) IS 'revokes an API key, for ever; false if it was revoked before';

CREATE FUNCTION paysafe.api_key_revoke_all(client text, reason text) RETURNS integer
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_api_key_revoke_all';
COMMENT ON FUNCTION paysafe.api_key_revoke_all(text, text) IS 'revokes all API keys that a client has so far, for ever; how many were active';

CREATE FUNCTION paysafe.api_key_revoke_everything(reason text) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_api_key_revoke_everything';
COMMENT ON FUNCTION paysafe.api_key_revoke_everything(text) IS 'revokes all API keys that there are so far, for ever, at once whatever their number';

CREATE VIEW paysafe.api_key AS
	SELECT k.id, k.client COLLATE "default" AS client, k.shown COLLATE "default" AS shown,
		   k.scopes COLLATE "default" AS scopes,
		   CASE WHEN e.id IS NOT NULL THEN 'revoked'
				WHEN k.expires_at <= clock_timestamp() THEN 'expired'
				ELSE 'active' END AS state,
		   k.created_at, k.actor COLLATE "default" AS created_by,
		   k.session_user_name COLLATE "default" AS session_user_name, k.expires_at,
		   u.at AS last_used_at,
		   e.at AS revoked_at, e.actor COLLATE "default" AS revoked_by,
		   e.reason COLLATE "default" AS revoked_because
	  FROM paysafe.api_key_record k
		   LEFT JOIN paysafe.api_key_use u ON u.key = k.id
		   LEFT JOIN LATERAL (
				SELECT n.id, n.at, n.actor, n.reason FROM paysafe.api_key_end n
				 WHERE n.client = k.client AND n.key = k.id
					OR n.client IN (k.client, '') AND n.key = 0 AND n.id > k.id
				 ORDER BY n.id LIMIT 1) e ON true;
COMMENT ON VIEW paysafe.api_key IS 'all API keys: whose, for what, in which state; not the keys themselves';

CREATE FUNCTION paysafe.api_key_failures(
	"within" interval DEFAULT '1 hour',
	OUT origin text,
	OUT verdict text,
	OUT key_id bigint,
	OUT checks bigint,
	OUT first_at timestamptz,
	OUT last_at timestamptz
) RETURNS SETOF record
	LANGUAGE sql STABLE STRICT SECURITY DEFINER PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		SELECT coalesce(substring(r.message FROM '; from ([0-9a-f.:]+)$'), r.client_addr),
			   substr(r.rule, 9), r.key::bigint, sum(r.count)::bigint, min(r.at), max(coalesce(r.last_at, r.at))
		  FROM paysafe.refusal_record r
		 WHERE r.schema_name = 'paysafe' AND r.table_name = 'api_key' AND r.rule LIKE 'api\_key\_%'
		   AND coalesce(r.last_at, r.at) > clock_timestamp() - "within"
		 GROUP BY 1, 2, 3
		 ORDER BY 4 DESC, 6 DESC, 1, 2, 3;
	END;
COMMENT ON FUNCTION paysafe.api_key_failures(interval) IS 'failed checks of API keys within a time: where from, how, which key, how many';
