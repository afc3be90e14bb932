-- Rows of the audit log as the tree has them

CREATE FUNCTION paysafe.audit_index(row_stored paysafe.audit_row) RETURNS bigint
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_audit_index';
COMMENT ON FUNCTION paysafe.audit_index(paysafe.audit_row) IS 'the number of the leaf of an audit row in the sealed log; NULL if it is not sealed';

CREATE FUNCTION paysafe.export_audit(since timestamptz, until timestamptz) RETURNS SETOF text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		SELECT json_strip_nulls(json_build_object(
				'index', paysafe.audit_index(r),
				'leaf', translate(encode(paysafe.audit_leaf(r, s.digest), 'base64'), E'\n', ''),
				'payload', translate(encode(paysafe.audit_payload(r), 'base64'), E'\n', '')))::text
		  FROM paysafe.audit_row r
			   LEFT JOIN LATERAL (SELECT a.digest FROM paysafe.audit_shape a WHERE a.id = r.shape LIMIT 1) s ON true
		 WHERE r.at >= export_audit.since AND r.at < export_audit.until
		 ORDER BY r.xid, r.seq;
	END;
COMMENT ON FUNCTION paysafe.export_audit(timestamptz, timestamptz) IS 'changes of a period, one JSON object a line: index (where sealed), leaf and payload (unless removed), in base64';

CREATE FUNCTION paysafe.audit_proof(row_stored paysafe.audit_row, checkpoint text) RETURNS bytea[]
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_audit_proof';
COMMENT ON FUNCTION paysafe.audit_proof(paysafe.audit_row, text) IS 'proves that an audit row is in the tree of a checkpoint: hashes from the leaf up, as RFC 6962 has them; NULL if another incarnation has it';

CREATE FUNCTION paysafe.export_audit(since timestamptz, until timestamptz, checkpoint text) RETURNS SETOF text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		SELECT json_strip_nulls(json_build_object(
				'index', paysafe.audit_index(r),
				'leaf', translate(encode(paysafe.audit_leaf(r, s.digest), 'base64'), E'\n', ''),
				'payload', translate(encode(paysafe.audit_payload(r), 'base64'), E'\n', ''),
				'proof', (SELECT coalesce(json_agg(translate(encode(h, 'base64'), E'\n', '') ORDER BY n), '[]')
							FROM unnest(p.path) WITH ORDINALITY u(h, n))))::text
		  FROM paysafe.audit_row r
			   LEFT JOIN LATERAL (SELECT a.digest FROM paysafe.audit_shape a WHERE a.id = r.shape LIMIT 1) s ON true
			   CROSS JOIN LATERAL (SELECT paysafe.audit_proof(r, export_audit.checkpoint) AS path OFFSET 0) p
		 WHERE r.at >= export_audit.since AND r.at < export_audit.until AND p.path IS NOT NULL
		 ORDER BY r.xid, r.seq;
	END;
COMMENT ON FUNCTION paysafe.export_audit(timestamptz, timestamptz, text) IS 'the same with proofs that lead to a checkpoint, of the log that this is of';
