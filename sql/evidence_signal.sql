-- Signals of abuse, and decisions: rows that stay when their transaction rolls back

CREATE TABLE paysafe.signal_record (
	at timestamptz NOT NULL,
	last_at timestamptz,
	count bigint NOT NULL,
	kind text COLLATE "C" NOT NULL,
	severity text COLLATE "C" NOT NULL,
	segment text COLLATE "C",
	subject bytea,
	figures jsonb,
	request_id text COLLATE "C",
	business_id text COLLATE "C",
	actor text COLLATE "C" NOT NULL,
	session_user_name text COLLATE "C" NOT NULL,
	login text COLLATE "C",
	client_addr text COLLATE "C",
	pid int,
	system_identifier bigint NOT NULL,
	database oid NOT NULL,
	timeline int NOT NULL,
	xid xid8 NOT NULL,
	seq int NOT NULL
);
-- not unique: what is there twice must not keep others from being written
CREATE INDEX signal_record_place ON paysafe.signal_record (system_identifier, database, timeline, xid, seq);
CREATE INDEX signal_record_subject ON paysafe.signal_record (subject, at) WHERE subject IS NOT NULL;
CREATE INDEX signal_record_business_id ON paysafe.signal_record (business_id) WHERE business_id IS NOT NULL;
CREATE INDEX signal_record_request_id ON paysafe.signal_record (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX signal_record_at ON paysafe.signal_record USING brin (at);
COMMENT ON TABLE paysafe.signal_record IS 'signals of abuse, also of transactions that rolled back; paysafe.signals reads them';
COMMENT ON COLUMN paysafe.signal_record.subject IS 'whom or what it is about: a keyed hash, as paysafe.signal_subject makes it';
COMMENT ON COLUMN paysafe.signal_record.count IS 'more than 1: so many of this kind and severity, faster than they could be written one by one';
COMMENT ON COLUMN paysafe.signal_record.system_identifier IS 'with database, timeline, xid and seq its place in the order in which signals are read';

CREATE TABLE paysafe.decision_record (
	at timestamptz NOT NULL,
	last_at timestamptz,
	count bigint NOT NULL,
	name text COLLATE "C" NOT NULL,
	outcome text COLLATE "C" NOT NULL,
	version text COLLATE "C",
	input_sha256 bytea,
	detail jsonb,
	request_id text COLLATE "C",
	business_id text COLLATE "C",
	actor text COLLATE "C" NOT NULL,
	session_user_name text COLLATE "C" NOT NULL,
	login text COLLATE "C",
	client_addr text COLLATE "C",
	pid int
);
CREATE INDEX decision_record_business_id ON paysafe.decision_record (business_id) WHERE business_id IS NOT NULL;
CREATE INDEX decision_record_request_id ON paysafe.decision_record (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX decision_record_at ON paysafe.decision_record USING brin (at);
COMMENT ON TABLE paysafe.decision_record IS 'decisions of the application, also of transactions that rolled back; paysafe.decision has paysafe''s own, too';
COMMENT ON COLUMN paysafe.decision_record.version IS 'by which version of what decides';

--@own_table paysafe.signal_record
--@own_table paysafe.decision_record

CREATE FUNCTION paysafe.signal(
	kind text,
	subject text[] DEFAULT NULL,
	severity text DEFAULT 'warning',
	segment text DEFAULT NULL,
	figures jsonb DEFAULT NULL,
	business_id text DEFAULT NULL,
	request_id text DEFAULT NULL
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_signal';
COMMENT ON FUNCTION paysafe.signal(text, text[], text, text, jsonb, text, text) IS 'puts a signal of abuse on record, which stays when the transaction rolls back';

CREATE FUNCTION paysafe.signal_subject(VARIADIC subject text[]) RETURNS bytea
	LANGUAGE C STABLE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_signal_subject';
COMMENT ON FUNCTION paysafe.signal_subject(text[]) IS 'what stands in signals for whom or what they are about: a keyed hash of this database';

CREATE FUNCTION paysafe.signal_is_here(
	system_identifier bigint,
	database oid,
	timeline int DEFAULT 0,
	xid xid8 DEFAULT '0'
) RETURNS boolean
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_signal_is_here';
COMMENT ON FUNCTION paysafe.signal_is_here(bigint, oid, int, xid8) IS 'whether a signal was raised in this database of this server, for paysafe.signals; an error for a place that it has not come to';

CREATE FUNCTION paysafe.signal_expire(keep interval DEFAULT '400 days') RETURNS bigint
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_signal_expire';
COMMENT ON FUNCTION paysafe.signal_expire(interval) IS 'removes signals and decisions older than that, 35 days at least; returns how many rows';

CREATE FUNCTION paysafe.decide(
	name text,
	outcome text,
	input bytea,
	detail jsonb DEFAULT NULL,
	version text DEFAULT NULL,
	business_id text DEFAULT NULL,
	request_id text DEFAULT NULL
) RETURNS bytea
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_decide';
COMMENT ON FUNCTION paysafe.decide(text, text, bytea, jsonb, text, text, text) IS 'puts a decision on record with the SHA-256 of what it was made of, which it returns; it stays when the transaction rolls back';

CREATE VIEW paysafe.signal AS
	SELECT s.at, s.kind, s.severity, s.segment, s.subject, s.figures, s.request_id, s.business_id, s.actor,
		   s.session_user_name, s.login, s.client_addr, s.pid, s.count, s.last_at,
		   s.system_identifier, s.database, s.timeline, s.xid, s.seq
	  FROM paysafe.signal_record s;
COMMENT ON VIEW paysafe.signal IS 'signals of abuse; paysafe.signals reads them one after the other';

-- A row is given when every transaction has ended that could add one before it.  Of what came
-- with a dump, or was there before pg_upgrade, the numbers are another server's: all of it is
-- there, and comes first.
CREATE FUNCTION paysafe.signals(
	after text DEFAULT NULL,
	"limit" int DEFAULT 1000,
	OUT cursor text,
	OUT at timestamptz,
	OUT kind text,
	OUT severity text,
	OUT segment text,
	OUT subject bytea,
	OUT figures jsonb,
	OUT request_id text,
	OUT business_id text,
	OUT actor text,
	OUT count bigint,
	OUT last_at timestamptz
) RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		WITH RECURSIVE read AS (
			SELECT split_part($1, '/', 1)::bigint AS system_identifier, split_part($1, '/', 2)::oid AS database,
				   split_part($1, '/', 3)::int AS timeline, split_part($1, '/', 4)::xid8 AS xid, split_part($1, '/', 5)::int AS seq
			 WHERE $1 IS NOT NULL
		), place AS (
			(SELECT s.system_identifier, s.database, s.timeline FROM paysafe.signal s ORDER BY 1, 2, 3 LIMIT 1)
			UNION ALL
			SELECT n.* FROM place p, LATERAL (SELECT s.system_identifier, s.database, s.timeline FROM paysafe.signal s
				WHERE (s.system_identifier, s.database, s.timeline) > (p.system_identifier, p.database, p.timeline)
				ORDER BY 1, 2, 3 LIMIT 1) n
		), known AS (
			SELECT p.*, paysafe.signal_is_here(p.system_identifier, p.database) AS here, f.at AS first
			  FROM place p, LATERAL (SELECT s.at FROM paysafe.signal s
				WHERE s.system_identifier = p.system_identifier AND s.database = p.database AND s.timeline = p.timeline
				ORDER BY s.xid, s.seq LIMIT 1) f
		), numbered AS (
			SELECT k.*, row_number() OVER (ORDER BY k.here, CASE WHEN k.here THEN k.timeline END, k.first, k.system_identifier, k.database, k.timeline) AS n
			  FROM known k
		), wanted AS (
			SELECT p.*, CASE WHEN p.at_it THEN r.xid ELSE '0' END AS xid, CASE WHEN p.at_it THEN r.seq ELSE -1 END AS seq
			  FROM (SELECT n.*, coalesce((n.system_identifier, n.database, n.timeline) = (r.system_identifier, r.database, r.timeline), false) AS at_it,
						   CASE WHEN paysafe.signal_is_here(r.system_identifier, r.database) THEN NOT n.here OR n.timeline < r.timeline
								ELSE n.n < (SELECT o.n FROM numbered o WHERE o.system_identifier = r.system_identifier
									AND o.database = r.database AND o.timeline = r.timeline) END AS was_read
					  FROM numbered n LEFT JOIN read r ON true) p LEFT JOIN read r ON true
			 WHERE p.was_read IS NOT TRUE
		)
		SELECT concat_ws('/', w.system_identifier, w.database, w.timeline, s.xid, s.seq), s.at, s.kind, s.severity, s.segment,
			   s.subject, s.figures, s.request_id, s.business_id, s.actor, s.count, s.last_at
		  FROM wanted w, LATERAL (SELECT x.* FROM paysafe.signal x
				WHERE x.system_identifier = w.system_identifier AND x.database = w.database AND x.timeline = w.timeline
				  AND (x.xid, x.seq) > (w.xid, w.seq)
				  AND (NOT w.here OR x.xid < pg_snapshot_xmin(pg_current_snapshot()))
				ORDER BY x.xid, x.seq LIMIT $2) s
		 -- a cursor that is none, or of a later time than a restored server's, is an error, also where there is nothing to read
		 WHERE (SELECT count(concat(paysafe.signal_is_here(r.system_identifier, r.database, r.timeline, r.xid), r.seq)) FROM read r) >= 0
		 ORDER BY w.n, s.xid, s.seq
		 LIMIT $2;
	END;
COMMENT ON FUNCTION paysafe.signals(text, int) IS 'signals after a cursor, in an order to which nothing is added before what was read: the last row''s cursor is the next call''s';
