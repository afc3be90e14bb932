-- Status machines

CREATE FUNCTION paysafe.protect_status(
	relation regclass,
	status_column name,
	machine text,
	deletable text[] DEFAULT '{}',
	recorded text[] DEFAULT '{}',
	status_path text[] DEFAULT NULL,
	mode text DEFAULT 'enforce'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_status';
COMMENT ON FUNCTION paysafe.protect_status(regclass, name, text, text[], text[], text[], text) IS 'declares the table''s status machine, as a Mermaid state diagram';

CREATE FUNCTION paysafe.protect_test_rows(
	relation regclass,
	test_path name[],
	test_values text[] DEFAULT '{true}',
	parent regclass DEFAULT NULL,
	mode text DEFAULT 'enforce'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_test_rows';
COMMENT ON FUNCTION paysafe.protect_test_rows(regclass, name[], text[], regclass, text) IS 'says which rows are only a test, and may be deleted; which are stays';

CREATE FUNCTION paysafe.status_diagram(relation regclass) RETURNS text
	LANGUAGE C STABLE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_status_diagram';
COMMENT ON FUNCTION paysafe.status_diagram(regclass) IS 'the table''s status machine as it was declared';

CREATE FUNCTION paysafe.transition(relation regclass, key text, from_status text, to_status text) RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_transition';
COMMENT ON FUNCTION paysafe.transition(regclass, text, text, text) IS 'moves a row from one status to another; true for exactly one of several callers';
