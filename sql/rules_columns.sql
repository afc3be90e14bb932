-- Columns that do not change, tables that only grow

CREATE FUNCTION paysafe.protect_columns(
	relation regclass,
	columns name[],
	once_status text[] DEFAULT NULL,
	mode text DEFAULT 'enforce'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_columns';
COMMENT ON FUNCTION paysafe.protect_columns(regclass, name[], text[], text) IS 'freezes columns, always or once the row has reached one of the statuses';

CREATE FUNCTION paysafe.protect_append_only(relation regclass, mode text DEFAULT 'enforce') RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_append_only';
COMMENT ON FUNCTION paysafe.protect_append_only(regclass, text) IS 'refuses UPDATE, DELETE and TRUNCATE';
