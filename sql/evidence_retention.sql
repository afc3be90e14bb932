-- How long what the audit log says is kept, what is held, and what left or was moved

CREATE SEQUENCE paysafe.retention_id_seq;
COMMENT ON SEQUENCE paysafe.retention_id_seq IS 'numbers of retention_record, hold_record and erasure_request';

CREATE TABLE paysafe.retention_record (
	id bigint PRIMARY KEY,
	action text NOT NULL,
	subject text,
	table_name text,
	lower timestamptz,
	upper timestamptz,
	keep interval,
	tablespace text,
	rows bigint,
	reason text NOT NULL,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	at timestamptz NOT NULL
);
COMMENT ON TABLE paysafe.retention_record IS 'periods as declared (keep), payloads that were removed (purge, erase), months that were moved (archive)';
COMMENT ON COLUMN paysafe.retention_record.subject IS 'the table in the audit log, NULL: all of the log';
COMMENT ON COLUMN paysafe.retention_record.keep IS 'of keep: NULL is for ever';

CREATE TABLE paysafe.hold_record (
	id bigint PRIMARY KEY,
	subject text,
	table_name text,
	key text COLLATE "C",
	business_id text,
	lower timestamptz,
	upper timestamptz,
	reason text NOT NULL,
	ticket text,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	at timestamptz NOT NULL
);
COMMENT ON TABLE paysafe.hold_record IS 'legal holds as placed; paysafe.legal_hold shows what became of them';

CREATE TABLE paysafe.hold_end (
	hold bigint PRIMARY KEY,
	reason text NOT NULL,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	at timestamptz NOT NULL
);
COMMENT ON TABLE paysafe.hold_end IS 'that a legal hold was released';

-- Its rows leave when what they ask for is done, so that the key does not stay here.
CREATE TABLE paysafe.erasure_request (
	id bigint PRIMARY KEY,
	subject text NOT NULL,
	table_name text NOT NULL,
	key text COLLATE "C" NOT NULL,
	reason text NOT NULL,
	requested_by text NOT NULL,
	at timestamptz NOT NULL
);
ALTER TABLE paysafe.erasure_request ALTER COLUMN key SET STATISTICS 0;
COMMENT ON TABLE paysafe.erasure_request IS 'which keys proposed erasures are of, until they are done; never dumped';

--@own_table paysafe.retention_record
--@own_table paysafe.hold_record
--@own_table paysafe.hold_end
--@own_table paysafe.erasure_request

CREATE VIEW paysafe.retention AS
	SELECT r.table_name, r.keep, r.reason, r.actor, r.at AS since
	  FROM paysafe.retention_record r
	 WHERE r.action = 'keep'
	   AND r.id = (SELECT max(n.id) FROM paysafe.retention_record n
					WHERE n.action = 'keep' AND n.subject IS NOT DISTINCT FROM r.subject);
COMMENT ON VIEW paysafe.retention IS 'how long payloads of the audit log are kept at least; table_name NULL: of all that have no period of their own; keep NULL: for ever';

CREATE VIEW paysafe.removal AS
	SELECT r.id, r.action, r.subject, r.table_name, r.lower, r.upper, r.rows, r.reason, r.actor, r.login,
		   r.session_user_name, r.at
	  FROM paysafe.retention_record r
	 WHERE r.action IN ('purge', 'erase');
COMMENT ON VIEW paysafe.removal IS 'payloads that left the audit log: of how many rows of which table, from when to when, by whom and why';

CREATE VIEW paysafe.legal_hold AS
	SELECT h.id, h.table_name, h.key, h.business_id, h.lower AS since, h.upper AS until, h.reason, h.ticket,
		   h.actor, h.login, h.session_user_name, h.at,
		   e.at AS released_at, e.actor AS released_by, e.reason AS released_because
	  FROM paysafe.hold_record h
		   LEFT JOIN paysafe.hold_end e ON e.hold = h.id;
COMMENT ON VIEW paysafe.legal_hold IS 'legal holds on payloads of the audit log, released ones too';

CREATE VIEW paysafe.pending_erasure AS
	SELECT q.id, q.table_name, q.key, q.reason, q.requested_by, q.at
	  FROM paysafe.erasure_request q;
COMMENT ON VIEW paysafe.pending_erasure IS 'erasures that are proposed and not done, with their keys, for who approves them';

CREATE FUNCTION paysafe.set_retention(keep interval, reason text, relation regclass DEFAULT NULL) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_set_retention';
COMMENT ON FUNCTION paysafe.set_retention(interval, text, regclass) IS 'how long payloads of a table, or of the whole audit log, are kept at least; NULL: for ever; shorter needs a second person';

CREATE FUNCTION paysafe.hold(
	reason text,
	relation regclass DEFAULT NULL,
	key text DEFAULT NULL,
	business_id text DEFAULT NULL,
	since timestamptz DEFAULT NULL,
	until timestamptz DEFAULT NULL,
	ticket text DEFAULT NULL
) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_hold';
COMMENT ON FUNCTION paysafe.hold(text, regclass, text, text, timestamptz, timestamptz, text) IS 'places a legal hold: payloads that it is about do not leave the audit log';

CREATE FUNCTION paysafe.release_hold(id bigint, reason text) RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_release_hold';
COMMENT ON FUNCTION paysafe.release_hold(bigint, text) IS 'releases a legal hold; needs the approval of a second person';

CREATE FUNCTION paysafe.purge(
	until date,
	reason text,
	relation regclass DEFAULT NULL,
	except_held boolean DEFAULT false
) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_purge';
COMMENT ON FUNCTION paysafe.purge(date, text, regclass, boolean) IS 'removes the payloads of whole months before a day from the audit log, as retention allows; leaves and proofs stay; needs the approval of a second person; of how many rows';

CREATE FUNCTION paysafe.erase(relation regclass, key text, reason text) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_erase';
COMMENT ON FUNCTION paysafe.erase(regclass, text, text) IS 'removes what the audit log says of one row, leaves and proofs stay; needs the approval of a second person; how many changes that were';

CREATE FUNCTION paysafe.archive(month date, tablespace name, reason text) RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_archive';
COMMENT ON FUNCTION paysafe.archive(date, name, text) IS 'moves a sealed month of the audit log to a tablespace; needs the approval of a second person';
