-- Secrets at rest

-- The keys that seal and hash, each wrapped by a key that only the server's memory
-- has.  Dumped: without them a copy could neither open what is sealed in it nor
-- know what it has seen.
CREATE TABLE paysafe.data_key (
	id int NOT NULL,
	version int NOT NULL,
	kind text COLLATE "C" NOT NULL,
	master text COLLATE "C" NOT NULL,
	wrapped bytea NOT NULL,
	at timestamptz NOT NULL,
	PRIMARY KEY (id, version)
);
COMMENT ON TABLE paysafe.data_key IS 'keys of sealed values and keyed hashes, wrapped by a key of paysafe.key_file';
COMMENT ON COLUMN paysafe.data_key.kind IS 'seal: encrypts, and a newer one takes over; mac: hashes, one for ever';
COMMENT ON COLUMN paysafe.data_key.master IS 'name of the key that wraps it';

CREATE TRIGGER paysafe_own BEFORE INSERT OR UPDATE OR DELETE ON paysafe.data_key
	FOR EACH ROW EXECUTE FUNCTION paysafe.own_table();
CREATE TRIGGER paysafe_own_truncate BEFORE TRUNCATE ON paysafe.data_key
	FOR EACH STATEMENT EXECUTE FUNCTION paysafe.own_table();
ALTER TABLE paysafe.data_key ENABLE ALWAYS TRIGGER paysafe_own;
ALTER TABLE paysafe.data_key ENABLE ALWAYS TRIGGER paysafe_own_truncate;
