-- Audit log: before and after of every change

CREATE TABLE paysafe.audit_shape (
	id bigint NOT NULL,
	digest bytea NOT NULL,
	subject text NOT NULL,
	schema_name text NOT NULL,
	table_name text NOT NULL,
	encoding name NOT NULL,
	key_columns text[] NOT NULL,
	columns jsonb NOT NULL,
	since timestamptz NOT NULL
);
-- Not unique: two transactions may store the same shape at the same time.
CREATE INDEX audit_shape_id ON paysafe.audit_shape (id);
COMMENT ON TABLE paysafe.audit_shape IS 'how the rows of a table looked when they were recorded; keeps images readable after ALTER and DROP TABLE';
COMMENT ON COLUMN paysafe.audit_shape.subject IS 'names the table through renames and restores';

--@own_table paysafe.audit_shape

-- Statistics of keys would be keys; and what was replaced must not stay in the file.
CREATE TABLE paysafe.audit_key (
	month timestamptz NOT NULL,
	system_identifier bigint NOT NULL,
	database oid NOT NULL,
	timeline int NOT NULL,
	id int NOT NULL,
	path bytea NOT NULL,
	key bytea NOT NULL,
	PRIMARY KEY (id, path)
) WITH (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);
ALTER TABLE paysafe.audit_key ALTER COLUMN key SET STATISTICS 0;
CREATE INDEX audit_key_month ON paysafe.audit_key (month);
COMMENT ON TABLE paysafe.audit_key IS 'from what the nonces of the audit log are derived; what an erasure or a purge has forgotten is not in it';
COMMENT ON COLUMN paysafe.audit_key.month IS 'beginning of the month whose rows use it';
COMMENT ON COLUMN paysafe.audit_key.system_identifier IS 'with database and timeline, where it was made: only there new rows use it';
COMMENT ON COLUMN paysafe.audit_key.path IS 'empty, or the part of a month that it is for: the first digits of the way to its rows, see doc/architecture.md';
--@own_table paysafe.audit_key

-- Partitions are made by paysafe.extend_audit, not here: they must not be
-- members of the extension, so that pg_dump takes them along.  For the same
-- reason indexes and triggers stand on the partitions: a partition that is
-- attached on restore must not get a second set from its parent.
-- The order of the columns: what differs from row to row stands together, for what compresses
-- a dump, and what has no padding before the rest.
CREATE TABLE paysafe.audit_row (
	at timestamptz NOT NULL,
	xid xid8 NOT NULL,
	shape bigint NOT NULL,
	command int NOT NULL,
	leaf_check int NOT NULL,
	seq int NOT NULL,
	key text COLLATE "C",
	after bytea,
	before bytea,
	context bytea,
	nonce bytea,
	op "char" NOT NULL,
	removal bigint
) PARTITION BY RANGE (at);
-- no values of what may have to be forgotten in the statistics of ANALYZE; so on the partitions
ALTER TABLE paysafe.audit_row ALTER COLUMN key SET STATISTICS 0, ALTER COLUMN context SET STATISTICS 0,
	ALTER COLUMN after SET STATISTICS 0, ALTER COLUMN before SET STATISTICS 0;
COMMENT ON TABLE paysafe.audit_row IS 'the audit log as stored, partitioned by month; read it through paysafe.audit_log';
COMMENT ON COLUMN paysafe.audit_row.at IS 'clock at the change, not at the start of the transaction';
COMMENT ON COLUMN paysafe.audit_row.xid IS 'top-level transaction';
COMMENT ON COLUMN paysafe.audit_row.seq IS 'order of recording within the transaction';
COMMENT ON COLUMN paysafe.audit_row.command IS 'number within the transaction of the command that made the change: orders the changes of one row, also when a trigger changed it again before it was recorded';
COMMENT ON COLUMN paysafe.audit_row.before IS 'of an UPDATE: what differed from after';
COMMENT ON COLUMN paysafe.audit_row.leaf_check IS 'the first 28 bits of the leaf hash: shows a change before the row is sealed';
COMMENT ON COLUMN paysafe.audit_row.nonce IS 'four bytes: by which key of paysafe.audit_key it is derived; 16: the nonce itself; NULL: it was removed, with the payload';
COMMENT ON COLUMN paysafe.audit_row.removal IS 'of which number in paysafe.removal it is that the payload was removed: then context is SHA-256 of it, and key, nonce and images are NULL';

-- The index of the log, filled in the background: places in files of this database,
-- so that it is never dumped.
CREATE TABLE paysafe.index_progress (
	partition oid NOT NULL,
	filenode oid NOT NULL,
	indexed bigint NOT NULL,
	end_lsn pg_lsn NOT NULL,
	seen bigint NOT NULL,
	seen_xid xid8 NOT NULL,
	PRIMARY KEY (partition, filenode)
) WITH (fillfactor = 50);
COMMENT ON TABLE paysafe.index_progress IS 'how far each partition of the audit log is in its index; never dumped';
COMMENT ON COLUMN paysafe.index_progress.indexed IS 'blocks that are in the index, from the first one on';
COMMENT ON COLUMN paysafe.index_progress.end_lsn IS 'of the last of them, when it was taken into the index';
COMMENT ON COLUMN paysafe.index_progress.seen IS 'blocks that there were when seen_xid was the next transaction: they are taken into the index when all before it have ended';
--@own_table paysafe.index_progress

CREATE TABLE paysafe.index_run (
	id bigint NOT NULL,
	entries bigint NOT NULL,
	bits int NOT NULL,
	kinds int NOT NULL,
	hash bigint NOT NULL,
	extents bytea NOT NULL,
	PRIMARY KEY (id)
);
COMMENT ON TABLE paysafe.index_run IS 'sorted pieces of the index of the audit log; never dumped';
COMMENT ON COLUMN paysafe.index_run.bits IS 'so many bits of a term say in which chunk it is';
COMMENT ON COLUMN paysafe.index_run.kinds IS 'of terms: a bit for each that the run has any of';
COMMENT ON COLUMN paysafe.index_run.extents IS 'blocks of partitions, whose numbers in this order are the places that entries have';
COMMENT ON COLUMN paysafe.index_run.hash IS 'of what the row says: of one that was changed nothing is believed';
--@own_table paysafe.index_run

CREATE TABLE paysafe.index_chunk (
	run bigint NOT NULL,
	chunk int NOT NULL,
	hash bigint NOT NULL,
	terms bytea NOT NULL,
	PRIMARY KEY (run, chunk)
);
ALTER TABLE paysafe.index_chunk ALTER COLUMN terms SET STORAGE EXTERNAL;
-- what an erasure has replaced does not stay for long
ALTER TABLE paysafe.index_chunk SET (toast_tuple_target = 8160, autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0,
	toast.autovacuum_vacuum_threshold = 0, toast.autovacuum_vacuum_scale_factor = 0);
COMMENT ON TABLE paysafe.index_chunk IS 'entries of the index of the audit log: hashes of what rows are looked for by, sorted, then the place of each; never dumped';
COMMENT ON COLUMN paysafe.index_chunk.hash IS 'of what the chunk says, and of which it is: of one that was changed nothing is believed';
--@own_table paysafe.index_chunk

-- The key of redacted columns' hashes.  Not dumped: a copy of the log must not
-- carry what it takes to guess redacted values.
CREATE TABLE paysafe.redaction_key (key bytea NOT NULL);
COMMENT ON TABLE paysafe.redaction_key IS 'key of the hashes that stand for redacted values in the audit log; never dumped';
INSERT INTO paysafe.redaction_key
	SELECT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) ||
				  uuid_send(gen_random_uuid()));
--@own_table paysafe.redaction_key

CREATE FUNCTION paysafe.audit(
	relation regclass,
	redact name[] DEFAULT '{}',
	require_reason boolean DEFAULT false,
	require_ticket boolean DEFAULT false,
	mode text DEFAULT 'enforce'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_audit';
COMMENT ON FUNCTION paysafe.audit(regclass, name[], boolean, boolean, text) IS 'records every change of the table''s rows in the audit log';

CREATE FUNCTION paysafe.extend_audit(months int DEFAULT 24) RETURNS int
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_extend_audit';
COMMENT ON FUNCTION paysafe.extend_audit(int) IS 'makes the audit log''s partitions for the coming months; returns how many were made';

CREATE FUNCTION paysafe.audit_image(columns jsonb, encoding name, image bytea, other bytea DEFAULT NULL) RETURNS jsonb
	LANGUAGE C STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_audit_image';
COMMENT ON FUNCTION paysafe.audit_image(jsonb, name, bytea, bytea) IS 'a stored row image as jsonb; other: the image after an UPDATE, to which the one before is a difference';

CREATE FUNCTION paysafe.audit_context(
	context bytea,
	encoding name,
	OUT actor text,
	OUT login text,
	OUT session_user_name text,
	OUT current_user_name text,
	OUT client_addr text,
	OUT client_cert text,
	OUT application_name text,
	OUT reason text,
	OUT ticket text,
	OUT request_id text,
	OUT business_id text,
	OUT identity text,
	OUT client_cert_sha256 text,
	OUT proof text,
	OUT tenant text,
	OUT replication_origin int
) RETURNS record
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_audit_context';
COMMENT ON FUNCTION paysafe.audit_context(bytea, name) IS 'who, when and why, as stored with an audit row';

CREATE FUNCTION paysafe.audit_leaf_hash(row_stored paysafe.audit_row, shape_digest bytea) RETURNS bytea
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_audit_leaf_hash';
COMMENT ON FUNCTION paysafe.audit_leaf_hash(paysafe.audit_row, bytea) IS 'the leaf hash of an audit row, computed again';

CREATE FUNCTION paysafe.audit_leaf_check(row_stored paysafe.audit_row, shape_digest bytea) RETURNS int
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_audit_leaf_check';
COMMENT ON FUNCTION paysafe.audit_leaf_check(paysafe.audit_row, bytea) IS 'leaf_check of an audit row, computed again';

CREATE FUNCTION paysafe.audit_leaf(row_stored paysafe.audit_row, shape_digest bytea) RETURNS bytea
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_audit_leaf';
COMMENT ON FUNCTION paysafe.audit_leaf(paysafe.audit_row, bytea) IS 'the leaf of an audit row, which stays the same when its payload is removed';

CREATE FUNCTION paysafe.audit_payload(row_stored paysafe.audit_row) RETURNS bytea
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_audit_payload';
COMMENT ON FUNCTION paysafe.audit_payload(paysafe.audit_row) IS 'the payload whose SHA-256 ends the leaf; NULL if it was removed';

CREATE VIEW paysafe.audit_log AS
	SELECT r.at, r.xid, r.command, r.seq,
		   s.subject, s.schema_name, s.table_name,
		   CASE r.op WHEN 'I' THEN 'INSERT' WHEN 'U' THEN 'UPDATE' WHEN 'D' THEN 'DELETE'
			 WHEN 'A' THEN 'ADD COLUMN' END AS op,
		   r.key,
		   paysafe.audit_image(s.columns, s.encoding, r.before, r.after) AS before,
		   CASE WHEN r.op = 'A' THEN
				(SELECT jsonb_object_agg(e.key, e.value)
				   FROM jsonb_each(paysafe.audit_image(s.columns, s.encoding, r.after)) e
				  WHERE e.value <> 'null')
				ELSE paysafe.audit_image(s.columns, s.encoding, r.after) END AS after,
		   coalesce(c.actor, c.session_user_name) AS actor,
		   c.actor IS NOT NULL AS actor_claimed,
		   c.reason, c.ticket, c.request_id, c.business_id, c.tenant,
		   c.login, c.session_user_name, c.current_user_name,
		   c.client_addr, c.client_cert, c.application_name,
		   c.replication_origin,
		   p.at AS removed_at, p.actor AS removed_by, p.reason AS removed_because,
		   c.identity, c.client_cert_sha256, c.proof
	  FROM paysafe.audit_row r
		   LEFT JOIN LATERAL (SELECT * FROM paysafe.audit_shape s
							   WHERE s.id = r.shape LIMIT 1) s ON true
		   LEFT JOIN LATERAL paysafe.audit_context(CASE WHEN r.nonce IS NOT NULL THEN r.context END, s.encoding) c ON true
		   LEFT JOIN paysafe.retention_record p ON p.id = r.removal;
COMMENT ON VIEW paysafe.audit_log IS 'every recorded change: before, after, who, when, why; op ADD COLUMN, without a key: what new columns gave to the rows that were there';

CREATE FUNCTION paysafe.audit_index_trouble() RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_audit_index_trouble';
COMMENT ON FUNCTION paysafe.audit_index_trouble() IS 'which part of the audit log''s index was deleted, or NULL';

CREATE FUNCTION paysafe.index_audit() RETURNS bigint
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_index_audit';
COMMENT ON FUNCTION paysafe.index_audit() IS 'takes what has been recorded since into the audit log''s index, as a background worker does where the library is preloaded; returns how many rows';

CREATE FUNCTION paysafe.history(
	relation regclass,
	key text,
	starts_at timestamptz DEFAULT NULL,
	ends_at timestamptz DEFAULT NULL
) RETURNS SETOF paysafe.audit_log
	LANGUAGE C STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_history';
COMMENT ON FUNCTION paysafe.history(regclass, text, timestamptz, timestamptz) IS 'the recorded life of one row, or what of it was from one time on and before another; oldest change first';

CREATE FUNCTION paysafe.history_of_actor(
	actor text,
	starts_at timestamptz DEFAULT NULL,
	ends_at timestamptz DEFAULT NULL
) RETURNS SETOF paysafe.audit_log
	LANGUAGE C STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_history_of_actor';
COMMENT ON FUNCTION paysafe.history_of_actor(text, timestamptz, timestamptz) IS 'what an actor has changed, in no order';

CREATE FUNCTION paysafe.history_of_request(
	request_id text,
	starts_at timestamptz DEFAULT NULL,
	ends_at timestamptz DEFAULT NULL
) RETURNS SETOF paysafe.audit_log
	LANGUAGE C STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_history_of_request';
COMMENT ON FUNCTION paysafe.history_of_request(text, timestamptz, timestamptz) IS 'what was changed on behalf of a request, in no order';

CREATE FUNCTION paysafe.history_of_business_id(
	business_id text,
	starts_at timestamptz DEFAULT NULL,
	ends_at timestamptz DEFAULT NULL
) RETURNS SETOF paysafe.audit_log
	LANGUAGE C STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_history_of_business_id';
COMMENT ON FUNCTION paysafe.history_of_business_id(text, timestamptz, timestamptz) IS 'what was changed for a business id, in no order';

CREATE FUNCTION paysafe.audit_log(
	starts_at timestamptz,
	ends_at timestamptz DEFAULT 'infinity'
) RETURNS SETOF paysafe.audit_log
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		SELECT l.* FROM paysafe.audit_log l WHERE l.at >= audit_log.starts_at AND l.at < audit_log.ends_at;
	END;
COMMENT ON FUNCTION paysafe.audit_log(timestamptz, timestamptz) IS 'the audit log from one time on and before another, in no order';
