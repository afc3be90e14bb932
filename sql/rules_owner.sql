-- Rows that have owners

CREATE FUNCTION paysafe.protect_owner(
	relation regclass,
	owner_column name,
	owner_group text DEFAULT NULL,
	identity text DEFAULT 'claimed',
	mode text DEFAULT 'enforce'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_owner';
COMMENT ON FUNCTION paysafe.protect_owner(regclass, name, text, text, text) IS 'whoever acts writes the rows that are their own, and no others; members of owner_group may write everybody''s, but take none over. identity: how well it must be known who acts';
