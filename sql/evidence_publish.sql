-- Signed checkpoints of the sealed log, and who has them

CREATE TABLE paysafe.seal_checkpoint (
	incarnation int NOT NULL,
	size bigint NOT NULL,
	root bytea NOT NULL,
	at timestamptz NOT NULL,
	note text NOT NULL,
	published_at timestamptz,
	chain bytea NOT NULL,
	cosignatures int NOT NULL,
	PRIMARY KEY (incarnation, size)
);
COMMENT ON TABLE paysafe.seal_checkpoint IS 'signed checkpoints, one for each size that was signed; paysafe.checkpoint shows them';
COMMENT ON COLUMN paysafe.seal_checkpoint.note IS 'as signed, without cosignatures';
COMMENT ON COLUMN paysafe.seal_checkpoint.chain IS 'SHA-256 of what this is in the row before, if there was one, and of SHA-256 of the note: a row that is gone leaves a gap';
COMMENT ON COLUMN paysafe.seal_checkpoint.cosignatures IS 'how many it has in paysafe.seal_cosignature';

--@own_table paysafe.seal_checkpoint

CREATE TABLE paysafe.seal_cosignature (
	incarnation int NOT NULL,
	size bigint NOT NULL,
	line text COLLATE "C" NOT NULL,
	witness text NOT NULL,
	at timestamptz NOT NULL
);
CREATE INDEX seal_cosignature_size ON paysafe.seal_cosignature (incarnation, size);
COMMENT ON TABLE paysafe.seal_cosignature IS 'cosignatures of witnesses, each a line of the checkpoint''s note';

--@own_table paysafe.seal_cosignature

CREATE TABLE paysafe.seal_policy (
	version int PRIMARY KEY,
	policy text NOT NULL,
	reason text NOT NULL,
	actor text NOT NULL,
	at timestamptz NOT NULL
);
COMMENT ON TABLE paysafe.seal_policy IS 'which witnesses there are, and which of them make a checkpoint good (c2sp.org/tlog-policy); the newest version is in force';

--@own_table paysafe.seal_policy

CREATE TABLE paysafe.seal_publisher (
	incarnation int NOT NULL,
	state text NOT NULL,
	detail text,
	since timestamptz NOT NULL,
	outside text,
	signed_incarnation int,
	signed_size bigint,
	signed_chain bytea
);
COMMENT ON TABLE paysafe.seal_publisher IS 'one row: how the publisher is doing, the checkpoint that it found outside when it refused to sign, and which it has signed last; never dumped';

--@own_table paysafe.seal_publisher

CREATE FUNCTION paysafe.checkpoint_is_good(note text) RETURNS boolean
	LANGUAGE C STABLE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_checkpoint_is_good';
COMMENT ON FUNCTION paysafe.checkpoint_is_good(text) IS 'whether the witnesses that the policy asks for have cosigned; NULL without a policy';

CREATE VIEW paysafe.checkpoint AS
	SELECT n.incarnation, n.origin, n.size, n.root, n.note, n.at, n.published,
		   n.cosigned_by, paysafe.checkpoint_is_good(n.note) AS good
	  FROM (SELECT c.incarnation, l.origin, c.size, c.root,
				   c.note || coalesce((SELECT string_agg(s.line || E'\n', '' ORDER BY s.at, s.line)
										 FROM paysafe.seal_cosignature s
										WHERE s.incarnation = c.incarnation AND s.size = c.size), '') AS note,
				   c.at, c.published_at AS published,
				   coalesce((SELECT array_agg(DISTINCT s.witness ORDER BY s.witness)
							   FROM paysafe.seal_cosignature s
							  WHERE s.incarnation = c.incarnation AND s.size = c.size), '{}') AS cosigned_by
			  FROM paysafe.seal_checkpoint c
				   LEFT JOIN paysafe.seal_log l ON l.incarnation = c.incarnation) n;
COMMENT ON VIEW paysafe.checkpoint IS 'signed checkpoints with their cosignatures; good: by the policy of witnesses';

CREATE FUNCTION paysafe.add_cosignature(note text) RETURNS int
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_add_cosignature';
COMMENT ON FUNCTION paysafe.add_cosignature(text) IS 'stores the cosignatures of a checkpoint that was signed here, of witnesses that the policy names; how many are new';

CREATE FUNCTION paysafe.set_seal_policy(policy text, reason text) RETURNS int
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_set_seal_policy';
COMMENT ON FUNCTION paysafe.set_seal_policy(text, text) IS 'says which witnesses there are and how many of them a checkpoint takes (c2sp.org/tlog-policy); once there is a policy, two people change it';

CREATE FUNCTION paysafe.open_log(reason text) RETURNS text
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_open_log';
COMMENT ON FUNCTION paysafe.open_log(text) IS 'ends the sealed log and begins a new one, by two people; its origin. For a database that is not the one any more whose log is known outside';

CREATE FUNCTION paysafe.wait_published(timeout interval DEFAULT '10 seconds') RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_wait_published';
COMMENT ON FUNCTION paysafe.wait_published(interval) IS 'waits until all that is sealed now is published, and has it published at once; false if that took longer';

CREATE FUNCTION paysafe.proof(xid xid8, seq int DEFAULT NULL) RETURNS text
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_proof';
COMMENT ON FUNCTION paysafe.proof(xid8, int) IS 'proof that a row of the audit log is in the published log (c2sp.org/tlog-proof); seq NULL: the leaf that says how many rows the transaction has, and their root';

CREATE FUNCTION paysafe.publisher_trouble() RETURNS text
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_publisher_trouble';
COMMENT ON FUNCTION paysafe.publisher_trouble() IS 'why what is sealed is not published, for paysafe.check; NULL if it is';

CREATE FUNCTION paysafe.audit_shape_bytes(shape bigint) RETURNS bytea
	LANGUAGE C STABLE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_audit_shape_bytes';
COMMENT ON FUNCTION paysafe.audit_shape_bytes(bigint) IS 'how the rows of a table look, as the leaves of the log have it: what the digest in them is of';

-- The row's own life, and what was approved of it and used
CREATE FUNCTION paysafe.evidence(relation regclass, key text) RETURNS text
	LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		WITH approved AS MATERIALIZED (
			SELECT a.id::text AS id FROM paysafe.approval a
			 WHERE a.relation = evidence.relation AND a.key = evidence.key
		), told AS MATERIALIZED (
			SELECT h.xid, h.seq FROM paysafe.history(evidence.relation, evidence.key) h
			UNION
			SELECT l.xid, l.seq FROM paysafe.audit_log l
			 WHERE l.schema_name = 'paysafe' AND l.table_name IN ('approval_record', 'approval_end')
			   AND l.key = ANY (SELECT a.id FROM approved a)
		), shape AS (
			SELECT DISTINCT r.shape FROM told t JOIN paysafe.audit_row r ON r.xid = t.xid AND r.seq = t.seq
		), proof AS (
			SELECT t.xid, t.seq, paysafe.proof(t.xid, t.seq) AS file FROM told t
			UNION ALL
			SELECT x.xid, NULL, paysafe.proof(x.xid) FROM (SELECT DISTINCT t.xid FROM told t) x
		)
		SELECT E'paysafe-evidence@v1\nabout ' || translate(evidence.relation::text || ', key ' || evidence.key, E'\n\r', '  ') || E'\n'
			   || (SELECT string_agg('shape ' || translate(encode(paysafe.audit_shape_bytes(s.shape), 'base64'), E'\n', '') || E'\n', '' ORDER BY s.shape) FROM shape s)
			   || (SELECT string_agg('proof ' || octet_length(p.file) || E'\n' || p.file, '' ORDER BY p.xid, p.seq NULLS LAST) FROM proof p);
	END;
COMMENT ON FUNCTION paysafe.evidence(regclass, text) IS 'one file that proves the life of a row, and its approvals, to whoever has the verifier key of the log: see paysafe-evidence; NULL if nothing of the row is on record';
