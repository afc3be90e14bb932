-- The seal: the audit log as leaves of one Merkle tree

-- Which blocks of a partition can have rows of a range of transactions: PostgreSQL
-- has no such operator class of its own.
CREATE OPERATOR FAMILY paysafe.xid8_minmax_ops USING brin;
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
COMMENT ON COLUMN paysafe.seal_log.last_checkpoint IS 'the last one of the incarnation before, as it was published';
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
	PRIMARY KEY (incarnation)
) WITH (fillfactor = 50);
COMMENT ON TABLE paysafe.seal_state IS 'how far the log is sealed: one row, the newest incarnation''s; never dumped';
COMMENT ON COLUMN paysafe.seal_state.watermark IS 'every row of an older transaction is sealed';
COMMENT ON COLUMN paysafe.seal_state.foreign_until IS 'rows that were there when the incarnation was opened are of transactions up to this one, sealed whatever their number';
COMMENT ON COLUMN paysafe.seal_state.frontier IS 'roots of the complete subtrees of the tree, the largest first';
COMMENT ON COLUMN paysafe.seal_state.database IS 'where this was written: a copy of the database is another one';
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
COMMENT ON TABLE paysafe.seal_finding IS 'what was wrong with rows when they were sealed';
--@own_table paysafe.seal_finding

CREATE FUNCTION paysafe.seal() RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_seal';
COMMENT ON FUNCTION paysafe.seal() IS 'seals what can be sealed now; how many leaves that were';
