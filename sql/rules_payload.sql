-- JSON that fits a schema

CREATE FUNCTION paysafe.json_valid(schema paysafe.payload, value paysafe.payload) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_json_valid';
COMMENT ON FUNCTION paysafe.json_valid(paysafe.payload, paysafe.payload) IS 'is the value JSON that every reader reads the same way, and fits the JSON Schema? For CHECK constraints';

CREATE FUNCTION paysafe.json_fault(schema paysafe.payload, value paysafe.payload) RETURNS text
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_json_fault';
COMMENT ON FUNCTION paysafe.json_fault(paysafe.payload, paysafe.payload) IS 'what a value does not fit of a JSON Schema, and where, without anything of the value; NULL: it fits';

CREATE FUNCTION paysafe.protect_payload(
	relation regclass,
	payload_column name,
	schema paysafe.payload,
	mode text DEFAULT 'enforce'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_payload';
COMMENT ON FUNCTION paysafe.protect_payload(regclass, name, paysafe.payload, text) IS 'the JSON in a column fits the JSON Schema; another schema takes a second person';
