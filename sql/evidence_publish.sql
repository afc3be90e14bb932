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

-- The row's own life, and all that was said of it: approvals and broken glasses, what was signed and by
-- which passkey, rejections of it and of its payment, breaches.  For paysafe.evidence, which looks who asks.
CREATE FUNCTION paysafe.evidence_file(relation regclass, key text) RETURNS text
	LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		WITH approved AS MATERIALIZED (
			SELECT a.id FROM paysafe.approval_record a
				   LEFT JOIN paysafe.approval_end e ON e.approval = a.id
			 WHERE a.relation = evidence_file.relation AND coalesce(a.key, e.key) = evidence_file.key
		), signed AS MATERIALIZED (
			SELECT s.challenge, s.passkey FROM paysafe.passkey_assertion s
			 WHERE s.approvals && (SELECT array_agg(a.id) FROM approved a)
				OR s.challenge IN (SELECT r.challenge FROM paysafe.break_glass_review r JOIN approved a ON a.id = r.approval)
		), rejected AS MATERIALIZED (
			SELECT j.id FROM paysafe.rejection_record j
			 WHERE j.relation = evidence_file.relation
			   AND (j.key = evidence_file.key
					OR EXISTS (SELECT FROM paysafe.refund_event e
								WHERE e.relation = j.relation AND e.rule = j.rule AND e.payment = j.payment
								  AND e.refund = evidence_file.key))
		), breached AS MATERIALIZED (
			SELECT b.id FROM paysafe.breach_record b
			 WHERE b.relation = evidence_file.relation AND b.key = evidence_file.key
		), said (table_name, key) AS MATERIALIZED (
			SELECT t.name, a.id::text FROM approved a,
				   (VALUES ('approval_record'), ('approval_end'), ('break_glass_record'), ('break_glass_review')) t (name)
			UNION ALL
			SELECT t.name, j.id::text FROM rejected j, (VALUES ('rejection_record'), ('rejection_end')) t (name)
			UNION ALL
			SELECT 'breach_record', b.id::text FROM breached b
			UNION ALL
			SELECT 'breach_settlement', format('%s,%s', t.breach, t.number) FROM breached b JOIN paysafe.breach_settlement t ON t.breach = b.id
			UNION ALL
			SELECT 'passkey_assertion', E'\\x' || encode(s.challenge, 'hex') FROM signed s
			UNION ALL
			SELECT t.name, s.passkey::text FROM signed s, (VALUES ('passkey_record'), ('passkey_end')) t (name)
		), told AS MATERIALIZED (
			SELECT h.xid, h.seq FROM paysafe.history(evidence_file.relation, evidence_file.key) h
			UNION
			SELECT l.xid, l.seq FROM paysafe.audit_log l
			 WHERE l.schema_name = 'paysafe' AND l.key = ANY (SELECT s.key FROM said s)
			   AND EXISTS (SELECT FROM said s WHERE s.table_name = l.table_name AND s.key = l.key)
		), shape AS (
			SELECT DISTINCT r.shape FROM told t JOIN paysafe.audit_row r ON r.xid = t.xid AND r.seq = t.seq
		), proof AS (
			SELECT t.xid, t.seq, paysafe.proof(t.xid, t.seq) AS file FROM told t
			UNION ALL
			SELECT x.xid, NULL, paysafe.proof(x.xid) FROM (SELECT DISTINCT t.xid FROM told t) x
		)
		SELECT E'paysafe-evidence@v1\nabout ' || translate(evidence_file.relation::text || ', key ' || evidence_file.key, E'\n\r', '  ') || E'\n'
			   || (SELECT string_agg('shape ' || translate(encode(paysafe.audit_shape_bytes(s.shape), 'base64'), E'\n', '') || E'\n', '' ORDER BY s.shape) FROM shape s)
			   || (SELECT string_agg('proof ' || octet_length(p.file) || E'\n' || p.file, '' ORDER BY p.xid, p.seq NULLS LAST) FROM proof p);
	END;
COMMENT ON FUNCTION paysafe.evidence_file(regclass, text) IS 'for paysafe.evidence, which looks who asks';

CREATE FUNCTION paysafe.evidence(relation regclass, key text) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_evidence';
COMMENT ON FUNCTION paysafe.evidence(regclass, text) IS 'one file that proves the life of a row, its approvals, rejections and broken glasses, to whoever has the verifier key of the log: see paysafe-evidence; NULL if nothing of the row is on record. For whoever may read the table, or the log';
