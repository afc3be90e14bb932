-- The lost-update guard

CREATE FUNCTION paysafe.protect_row_lock(relation regclass, columns name[], mode text DEFAULT 'enforce') RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_row_lock';
COMMENT ON FUNCTION paysafe.protect_row_lock(regclass, name[], text) IS 'columns are overwritten only by who has locked the row, or computed from what it has';
