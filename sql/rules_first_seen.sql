-- What has never been seen before

CREATE TABLE paysafe.first_seen_value (
	digest bytea PRIMARY KEY,
	kind text COLLATE "C" NOT NULL,
	first_at timestamptz NOT NULL,
	last_at timestamptz NOT NULL
) WITH (fillfactor = 90);
COMMENT ON TABLE paysafe.first_seen_value IS 'values that have been seen, as keyed hashes';
COMMENT ON COLUMN paysafe.first_seen_value.digest IS 'keyed hash of kind, scope and value; of kind and scope: since when the scope is known';
COMMENT ON COLUMN paysafe.first_seen_value.last_at IS 'to a day';

--@own_table paysafe.first_seen_value

CREATE FUNCTION paysafe.first_seen(
	scope text,
	kind text,
	value text,
	learning interval DEFAULT NULL,
	OUT first boolean,
	OUT learning_still boolean
) RETURNS record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_first_seen';
COMMENT ON FUNCTION paysafe.first_seen(text, text, text, interval) IS 'whether it is the first time that the scope has this value of a kind; then it is a signal, unless the scope has been known for less than the learning period';

CREATE FUNCTION paysafe.first_seen_expire(keep interval DEFAULT '400 days') RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_first_seen_expire';
COMMENT ON FUNCTION paysafe.first_seen_expire(interval) IS 'forgets values that were not seen for so long; returns how many';

CREATE FUNCTION paysafe.protect_first_seen(
	relation regclass,
	column_name name,
	scope_column name DEFAULT NULL,
	kind text DEFAULT NULL,
	learning interval DEFAULT NULL,
	mode text DEFAULT 'enforce'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_first_seen';
COMMENT ON FUNCTION paysafe.protect_first_seen(regclass, name, name, text, interval, text) IS 'a value of the column that has not been seen before, of the same value of scope_column, is a signal; nothing is refused';

CREATE FUNCTION paysafe.first_seen_trouble() RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_first_seen_trouble';
COMMENT ON FUNCTION paysafe.first_seen_trouble() IS 'why rules of first_seen see nothing, for paysafe.check';
