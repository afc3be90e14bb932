\echo Use "CREATE EXTENSION paysafe" to load this file. \quit

-- Not IF NOT EXISTS: a schema that somebody prepared would stay theirs.
CREATE SCHEMA paysafe;
COMMENT ON SCHEMA paysafe IS 'rules for payment data, enforced by the database';
GRANT USAGE ON SCHEMA paysafe TO PUBLIC;

-- Trigger function of paysafe's own tables: evidence and configuration are
-- added by its functions, never through SQL, and never changed.
CREATE FUNCTION paysafe.own_table() RETURNS trigger
	LANGUAGE C
	AS 'MODULE_PATHNAME', 'paysafe_own_table';
COMMENT ON FUNCTION paysafe.own_table() IS 'trigger of paysafe''s own tables: refuses what arrives by SQL';

-- One row, added when paysafe works in this database for the first time.  Not
-- dumped: until it is there, pg_restore may bring rows of the own tables.
CREATE TABLE paysafe.activation (at timestamptz NOT NULL);
COMMENT ON TABLE paysafe.activation IS 'since when no row of these tables arrives by SQL';
--@own_table paysafe.activation

-- The two trigger functions of protected tables.  PUBLIC may execute them:
-- whoever creates a partition of a protected table clones its triggers.
CREATE FUNCTION paysafe.enforce() RETURNS trigger
	LANGUAGE C
	AS 'MODULE_PATHNAME', 'paysafe_enforce';
COMMENT ON FUNCTION paysafe.enforce() IS 'AFTER ROW trigger of protected tables: checks each changed row against the rules';

CREATE FUNCTION paysafe.enforce_statement() RETURNS trigger
	LANGUAGE C
	AS 'MODULE_PATHNAME', 'paysafe_enforce_statement';
COMMENT ON FUNCTION paysafe.enforce_statement() IS 'AFTER STATEMENT trigger of protected tables: refuses TRUNCATE, ends a statement''s rows';
