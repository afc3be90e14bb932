-- Rows that were there before a rule: looked at beside writers, accepted as they are

CREATE TABLE paysafe.accepted_row (
	relation regclass NOT NULL,
	rule text NOT NULL,
	digest bytea NOT NULL,
	fault text NOT NULL,
	change text COLLATE "C" NOT NULL,
	actor text NOT NULL,
	session_user_name text NOT NULL,
	reason text NOT NULL,
	ticket text,
	at timestamptz NOT NULL,
	ended_at timestamptz,
	subject text COLLATE "C" NOT NULL
);
CREATE INDEX accepted_row_fault ON paysafe.accepted_row (relation, rule, digest);
CREATE INDEX accepted_row_subject ON paysafe.accepted_row (relation, rule, subject);
COMMENT ON TABLE paysafe.accepted_row IS 'rows that break a rule and were accepted as they are, by two people; paysafe.accepted shows them';
COMMENT ON COLUMN paysafe.accepted_row.digest IS 'SHA-256 of fault, and of what the row said in the columns that the rule reads';
COMMENT ON COLUMN paysafe.accepted_row.fault IS 'the row, and what is wrong with it';
COMMENT ON COLUMN paysafe.accepted_row.change IS 'under which key it was approved';
COMMENT ON COLUMN paysafe.accepted_row.subject IS 'whose fault it is: a row, a payment, a transaction';
COMMENT ON COLUMN paysafe.accepted_row.ended_at IS 'when the row changed, was deleted, or was found to break the rule no longer';

--@own_table paysafe.accepted_row

CREATE TABLE paysafe.validation_part (
	relation regclass NOT NULL,
	rule text COLLATE "C" NOT NULL,
	version int NOT NULL,
	leaf regclass NOT NULL,
	again bigint,
	stamp bigint,
	until_block bigint,
	accepted bytea[],
	at timestamptz NOT NULL
);
CREATE INDEX validation_part_leaf ON paysafe.validation_part (relation, rule, version, leaf, again);
COMMENT ON TABLE paysafe.validation_part IS 'how far tables have been looked at by paysafe.validate_in_parts; of the rows of a table the one that is farthest counts';
COMMENT ON COLUMN paysafe.validation_part.leaf IS 'the table, or a partition of it';
COMMENT ON COLUMN paysafe.validation_part.again IS 'a block where a row has come meanwhile that breaks the rule as before: it is looked at once more at the end';
COMMENT ON COLUMN paysafe.validation_part.stamp IS 'of the table and its triggers as they were: where they have changed, it begins anew';
COMMENT ON COLUMN paysafe.validation_part.until_block IS 'the first block that is left; NULL: none is';
COMMENT ON COLUMN paysafe.validation_part.accepted IS 'digests of accepted faults that were met there';

--@own_table paysafe.validation_part

CREATE FUNCTION paysafe.defer_validation() RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_defer_validation';
COMMENT ON FUNCTION paysafe.defer_validation() IS 'until the end of the transaction, declarations leave the rows that are there for paysafe.validate_rows, and keep writers waiting for a moment only';

CREATE FUNCTION paysafe.validate_rows(relation regclass, rule text DEFAULT NULL) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_validate_rows';
COMMENT ON FUNCTION paysafe.validate_rows(regclass, text) IS 'looks at all rows by the rules of the table, or one of them, while others write; how many they were';

CREATE PROCEDURE paysafe.validate_in_parts(relation regclass, rule text DEFAULT NULL, blocks bigint DEFAULT 65536)
	LANGUAGE C
	AS 'MODULE_PATHNAME', 'paysafe_validate_in_parts';
COMMENT ON PROCEDURE paysafe.validate_in_parts(regclass, text, bigint) IS 'the same for rules whose rows nobody has looked at yet, so many blocks at a time, and commits each part: it goes on from there after an error or a cancel';

CREATE FUNCTION paysafe.declaration_cost(
	INOUT relation regclass, OUT lock text, OUT rows bigint, OUT bytes bigint, OUT reading interval
) RETURNS SETOF record
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_declaration_cost';
COMMENT ON FUNCTION paysafe.declaration_cost(regclass) IS 'which tables a declaration locks and reads, and about how long reading takes';

CREATE FUNCTION paysafe.accept_rows(relation regclass, rule text, reason text, ticket text DEFAULT NULL) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_accept_rows';
COMMENT ON FUNCTION paysafe.accept_rows(regclass, text, text, text) IS 'accepts the rows that break the rule as they are; needs a second person';

CREATE VIEW paysafe.accepted AS
	SELECT r.relation, r.rule, r.fault, r.at, r.actor AS by,
		   (SELECT a.approver FROM paysafe.approval a
			 WHERE a.relation = 'paysafe.rule'::regclass AND a.key = r.change AND a.state = 'used' AND a.at <= r.at
			 ORDER BY a.at DESC LIMIT 1) AS approved_by,
		   r.reason, r.ticket, r.ended_at
	  FROM paysafe.accepted_row r;
COMMENT ON VIEW paysafe.accepted IS 'rows that break a rule and were accepted as they are: which, what is wrong, by whom, and since when they break it no longer';

CREATE FUNCTION paysafe.progress_of_sessions(
	OUT pid int, OUT relation regclass, OUT rule text, OUT phase text, OUT tables bigint, OUT tables_done bigint,
	OUT blocks bigint, OUT blocks_done bigint, OUT rows bigint, OUT faults bigint
) RETURNS SETOF record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_progress_of_sessions';
COMMENT ON FUNCTION paysafe.progress_of_sessions() IS 'how far sessions have come that look at rows, of those whose activity the caller may see';

CREATE VIEW paysafe.progress AS
	SELECT s.pid, s.relation, s.rule, s.phase, s.tables, s.tables_done, s.blocks, s.blocks_done,
		   round(100.0 * least(s.blocks_done, s.blocks) / nullif(s.blocks, 0), 1) AS percent, s.rows, s.faults
	  FROM paysafe.progress_of_sessions() s;
COMMENT ON VIEW paysafe.progress IS 'sessions that look at the rows of a table, for a declaration or paysafe.validate_rows, and how far they have come';
