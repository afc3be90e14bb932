-- Rows that belong to tenants

CREATE FUNCTION paysafe.protect_tenant(
	relation regclass,
	tenant_column name,
	max_rows int DEFAULT NULL,
	mode text DEFAULT 'enforce'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_tenant';
COMMENT ON FUNCTION paysafe.protect_tenant(regclass, name, int, text) IS 'a transaction reads and writes the rows of its tenant alone, the table''s owner too; max_rows: how many one statement of the client''s may change';

CREATE FUNCTION paysafe.tenant_trouble(relation regclass) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_tenant_trouble';
COMMENT ON FUNCTION paysafe.tenant_trouble(regclass) IS 'why somebody may read rows of other tenants in a table that belongs to tenants';
