-- The seal: the audit log as leaves of one Merkle tree

-- Which blocks of a partition can have rows of a range of transactions: PostgreSQL
-- has no such operator class of its own.
CREATE OPERATOR FAMILY paysafe.xid8_minmax_ops USING brin;
COMMENT ON OPERATOR FAMILY paysafe.xid8_minmax_ops USING brin IS 'transaction numbers in a BRIN index';
CREATE OPERATOR CLASS paysafe.xid8_minmax_ops FOR TYPE xid8 USING brin FAMILY paysafe.xid8_minmax_ops AS
	OPERATOR 1 pg_catalog.< (xid8, xid8),
	OPERATOR 2 pg_catalog.<= (xid8, xid8),
	OPERATOR 3 pg_catalog.= (xid8, xid8),
	OPERATOR 4 pg_catalog.>= (xid8, xid8),
	OPERATOR 5 pg_catalog.> (xid8, xid8),
	FUNCTION 1 (xid8, xid8) pg_catalog.brin_minmax_opcinfo(internal),
	FUNCTION 2 (xid8, xid8) pg_catalog.brin_minmax_add_value(internal, internal, internal, internal),
	FUNCTION 3 (xid8, xid8) pg_catalog.brin_minmax_consistent(internal, internal, internal),
	FUNCTION 4 (xid8, xid8) pg_catalog.brin_minmax_union(internal, internal, internal);
COMMENT ON OPERATOR CLASS paysafe.xid8_minmax_ops USING brin IS 'the smallest and the largest transaction number of some blocks';

CREATE TABLE paysafe.seal_log (
	incarnation int NOT NULL,
	origin text NOT NULL,
	system_identifier text NOT NULL,
	database_name text NOT NULL,
	opened_at timestamptz NOT NULL,
	opened_by text NOT NULL,
	reason text NOT NULL,
	last_checkpoint text,
	PRIMARY KEY (incarnation)
);
COMMENT ON TABLE paysafe.seal_log IS 'incarnations of the sealed log, each a tree of its own; what a row says is the first leaf of its tree';
COMMENT ON COLUMN paysafe.seal_log.origin IS 'name of the log in its checkpoints';
COMMENT ON COLUMN paysafe.seal_log.last_checkpoint IS 'of the incarnation before: the last one, as it was published; unsigned, what there was of it, where this one began by itself';
--@own_table paysafe.seal_log

-- Not dumped: where it is missing, the database is a restored one, and the rows that
-- it has are not of transactions of this server.
CREATE TABLE paysafe.seal_state (
	incarnation int NOT NULL,
	size bigint NOT NULL,
	watermark xid8 NOT NULL,
	foreign_until xid8,
	frontier bytea NOT NULL,
	root bytea NOT NULL,
	sealed_at timestamptz NOT NULL,
	database oid NOT NULL,
	looked_lsn pg_lsn NOT NULL,
	looked_below xid8 NOT NULL,
	PRIMARY KEY (incarnation)
) WITH (fillfactor = 50);
COMMENT ON TABLE paysafe.seal_state IS 'how far the log is sealed: one row, the newest incarnation''s; never dumped';
COMMENT ON COLUMN paysafe.seal_state.watermark IS 'every row of an older transaction is sealed';
COMMENT ON COLUMN paysafe.seal_state.foreign_until IS 'rows that were there when the incarnation was opened are of transactions up to this one, sealed whatever their number';
COMMENT ON COLUMN paysafe.seal_state.frontier IS 'roots of the complete subtrees of the tree, the largest first';
COMMENT ON COLUMN paysafe.seal_state.database IS 'where this was written: a copy of the database is another one';
COMMENT ON COLUMN paysafe.seal_state.looked_lsn IS 'what was written to the audit log before it has been looked at for rows that no leaf stands for';
COMMENT ON COLUMN paysafe.seal_state.looked_below IS 'the oldest transaction that was in progress then';
--@own_table paysafe.seal_state

CREATE TABLE paysafe.seal_transaction (
	incarnation int NOT NULL,
	first bigint NOT NULL,
	xid xid8 NOT NULL,
	sealed_at timestamptz NOT NULL,
	rows int NOT NULL,
	irregular boolean NOT NULL,
	PRIMARY KEY (incarnation, first)
);
CREATE INDEX seal_transaction_xid ON paysafe.seal_transaction (xid);
COMMENT ON TABLE paysafe.seal_transaction IS 'which leaves are the rows of a transaction: so many from the first one on, and after them the leaf of the transaction';
COMMENT ON COLUMN paysafe.seal_transaction.irregular IS 'the numbers of its rows are not 1, 2, 3, ...';
--@own_table paysafe.seal_transaction

CREATE TABLE paysafe.seal_tile (
	incarnation int NOT NULL,
	level int NOT NULL,
	index bigint NOT NULL,
	hashes bytea NOT NULL,
	PRIMARY KEY (incarnation, level, index)
) WITH (fillfactor = 90);
ALTER TABLE paysafe.seal_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;
COMMENT ON TABLE paysafe.seal_tile IS 'hashes of the tree, 256 in each tile but the last ones, as C2SP tlog-tiles has them';
COMMENT ON COLUMN paysafe.seal_tile.level IS '0: of leaves; above: roots of whole tiles of the level below';
--@own_table paysafe.seal_tile

CREATE TABLE paysafe.seal_finding (
	incarnation int NOT NULL,
	index bigint NOT NULL,
	found_at timestamptz NOT NULL,
	xid xid8 NOT NULL,
	seq int NOT NULL,
	finding text NOT NULL
);
CREATE INDEX seal_finding_row ON paysafe.seal_finding (xid, seq);
COMMENT ON TABLE paysafe.seal_finding IS 'what was wrong with rows when they were sealed';
COMMENT ON COLUMN paysafe.seal_finding.seq IS '0: the transaction as a whole, or what follows it';
--@own_table paysafe.seal_finding

CREATE FUNCTION paysafe.seal() RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_seal';
COMMENT ON FUNCTION paysafe.seal() IS 'seals what can be sealed now; how many leaves that were';

CREATE FUNCTION paysafe.wait_sealed(timeout interval DEFAULT '10 seconds') RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_wait_sealed';
COMMENT ON FUNCTION paysafe.wait_sealed(interval) IS 'waits until what this session has committed last is sealed; false: not yet';

CREATE FUNCTION paysafe.seal_progress(
	OUT incarnation int, OUT size bigint, OUT sealed_at timestamptz, OUT watermark xid8, OUT oldest xid8,
	OUT waiting bigint, OUT since timestamptz
) RETURNS record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_seal_progress';
COMMENT ON FUNCTION paysafe.seal_progress() IS 'for paysafe.seal_status';

CREATE FUNCTION paysafe.seal_trouble() RETURNS text
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_seal_trouble';
COMMENT ON FUNCTION paysafe.seal_trouble() IS 'what is wrong with the end of the tree, to which leaves are added, for paysafe.check';

CREATE FUNCTION paysafe.sealer_trouble() RETURNS text
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_sealer_trouble';
COMMENT ON FUNCTION paysafe.sealer_trouble() IS 'why no background worker seals this database, for paysafe.check';

CREATE VIEW paysafe.seal_status AS
	SELECT p.incarnation, p.size, p.sealed_at, p.watermark, p.waiting AS rows_waiting,
		   CASE WHEN p.waiting > 0 THEN greatest(extract(epoch FROM clock_timestamp() - p.since), 0) ELSE 0 END AS lag_seconds,
		   h.pid AS held_back_by_pid, h.gid AS held_back_by_prepared, h.database AS held_back_in_database
	  FROM paysafe.seal_progress() p
		   -- whoever has the oldest transaction number that is still in use, if sealing waits for it
		   LEFT JOIN LATERAL (
			SELECT o.pid, o.gid, o.database
			  FROM (SELECT a.pid, NULL::text AS gid, a.datname AS database, a.backend_xid AS xid
					  FROM pg_catalog.pg_stat_activity a WHERE a.backend_xid IS NOT NULL
					UNION ALL
					SELECT NULL, x.gid, x.database, x.transaction
					  FROM pg_catalog.pg_prepared_xacts x) o
			 WHERE o.xid = p.oldest::xid
			 LIMIT 1) h ON p.waiting > 0;
COMMENT ON VIEW paysafe.seal_status IS 'how far the audit log is sealed, how far that is behind, and who holds it back';

-- Proofs

CREATE FUNCTION paysafe.inclusion_proof(
	index bigint,
	incarnation int DEFAULT NULL,
	size bigint DEFAULT NULL,
	OUT leaf_index bigint, OUT tree_size bigint, OUT leaf_hash bytea, OUT path bytea[], OUT root bytea
) RETURNS record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_inclusion_proof';
COMMENT ON FUNCTION paysafe.inclusion_proof(bigint, int, bigint) IS 'proves that a leaf is in the tree of an incarnation, the newest one, with so many leaves, all: hashes from the leaf up, as RFC 6962 has them';

CREATE FUNCTION paysafe.inclusion_proof(
	xid xid8,
	seq int,
	size bigint DEFAULT NULL,
	OUT leaf_index bigint, OUT tree_size bigint, OUT leaf_hash bytea, OUT path bytea[], OUT root bytea
) RETURNS record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_inclusion_proof';
COMMENT ON FUNCTION paysafe.inclusion_proof(xid8, int, bigint) IS 'proves that a row of the audit log is in the tree';

CREATE FUNCTION paysafe.transaction_proof(
	xid xid8,
	size bigint DEFAULT NULL,
	OUT leaf_index bigint, OUT tree_size bigint, OUT leaf_hash bytea, OUT path bytea[], OUT root bytea,
	OUT leaf bytea, OUT rows int, OUT row_hashes bytea[]
) RETURNS record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_transaction_proof';
COMMENT ON FUNCTION paysafe.transaction_proof(xid8, bigint) IS 'proves how many rows of the audit log a transaction has and which they are: its own leaf, the hashes of its rows, and that the leaf is in the tree';

CREATE FUNCTION paysafe.consistency_proof(
	old bigint,
	new bigint DEFAULT NULL,
	incarnation int DEFAULT NULL,
	OUT old_root bytea, OUT path bytea[], OUT new_root bytea
) RETURNS record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_consistency_proof';
COMMENT ON FUNCTION paysafe.consistency_proof(bigint, bigint, int) IS 'proves that the tree with old leaves is the beginning of the one with new leaves';

CREATE FUNCTION paysafe.seal_entries(
	from_index bigint,
	to_index bigint,
	incarnation int DEFAULT NULL,
	OUT index bigint, OUT leaf bytea, OUT payload bytea
) RETURNS SETOF record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_seal_entries';
COMMENT ON FUNCTION paysafe.seal_entries(bigint, bigint, int) IS 'the leaves from <= index < to of an incarnation, the newest one, computed again from what is stored, with the payload that the leaf hashes; NULL: what it was is not there any more';

CREATE FUNCTION paysafe.seal_strays(
	from_index bigint DEFAULT 0,
	OUT xid xid8, OUT seq int, OUT finding text
) RETURNS SETOF record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_seal_strays';
COMMENT ON FUNCTION paysafe.seal_strays(bigint) IS 'rows of the audit log that no leaf stands for, though their transaction is sealed, or which are there twice; of transactions from that of a leaf on';

CREATE FUNCTION paysafe.verify(
	from_index bigint DEFAULT NULL,
	to_index bigint DEFAULT NULL,
	OUT incarnation int, OUT leaves bigint, OUT root bytea, OUT ok boolean, OUT finding text
) RETURNS SETOF record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_verify';
COMMENT ON FUNCTION paysafe.verify(bigint, bigint) IS 'computes the sealed log again, from the rows to the root, and compares; of each incarnation, or of the leaves from <= index < to of the newest one: the first thing that is wrong';
