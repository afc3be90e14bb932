-- How much there may be of one key within a time

CREATE TABLE paysafe.velocity_flow (
	of bytea NOT NULL,
	at timestamptz NOT NULL,
	until timestamptz NOT NULL,
	relation regclass NOT NULL,
	rule text COLLATE "C" NOT NULL,
	amount numeric NOT NULL,
	total numeric NOT NULL,
	seen bytea
);
CREATE INDEX velocity_flow_key ON paysafe.velocity_flow (of, at);
COMMENT ON TABLE paysafe.velocity_flow IS 'what has counted for each key of rules of velocity that refuse; removed when it is in no window any more';
COMMENT ON COLUMN paysafe.velocity_flow.of IS 'whose it is: keyed hash of the rule and what the key columns say';
COMMENT ON COLUMN paysafe.velocity_flow.at IS 'when it counted; of one key each has its own';
COMMENT ON COLUMN paysafe.velocity_flow.until IS 'from then on it is in no window';
COMMENT ON COLUMN paysafe.velocity_flow.total IS 'all of the key until then';
COMMENT ON COLUMN paysafe.velocity_flow.seen IS 'the different values of the window, each with its time: keyed hashes';

--@own_table paysafe.velocity_flow

--@keys
CREATE FUNCTION paysafe.protect_velocity(
	relation regclass,
	key_columns @key,
	maximum numeric,
	within interval,
	counts text DEFAULT 'rows',
	counted_column name DEFAULT NULL,
	amount_from numeric DEFAULT NULL,
	amount_below numeric DEFAULT NULL,
	rows jsonb DEFAULT NULL,
	rule text DEFAULT NULL,
	mode text DEFAULT 'observe'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_velocity';
COMMENT ON FUNCTION paysafe.protect_velocity(regclass, @key, numeric, interval, text, name, numeric, numeric, jsonb, text, text) IS 'at most so many rows, so large an amount or so many different values of one key within a time; mode: observe, which raises a signal, or refuse';
--@end

CREATE FUNCTION paysafe.velocity_expire() RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_velocity_expire';
COMMENT ON FUNCTION paysafe.velocity_expire() IS 'removes what has counted for rules of velocity and is in no window any more; returns how many rows. Where the library is preloaded, a worker does it';

CREATE FUNCTION paysafe.velocity_trouble() RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_velocity_trouble';
COMMENT ON FUNCTION paysafe.velocity_trouble() IS 'why rules of velocity that observe see nothing, for paysafe.check';
