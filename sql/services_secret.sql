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

--@own_table paysafe.data_key

CREATE FUNCTION paysafe.protect_secret(relation regclass, columns name[], mode text DEFAULT 'enforce') RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_secret';
COMMENT ON FUNCTION paysafe.protect_secret(regclass, name[], text) IS 'columns hold nothing but values sealed for their row';

CREATE FUNCTION paysafe.encrypt(relation regclass, "column" name, key text, value bytea) RETURNS bytea
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_encrypt';
COMMENT ON FUNCTION paysafe.encrypt(regclass, name, text, bytea) IS 'seals a value for table, column and row; key: the row''s primary key as text';

CREATE FUNCTION paysafe.encrypt_text(relation regclass, "column" name, key text, value text) RETURNS bytea
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_encrypt_text';
COMMENT ON FUNCTION paysafe.encrypt_text(regclass, name, text, text) IS 'seals a text for table, column and row; key: the row''s primary key as text';

CREATE FUNCTION paysafe.decrypt(relation regclass, "column" name, key text, sealed bytea) RETURNS bytea
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_decrypt';
COMMENT ON FUNCTION paysafe.decrypt(regclass, name, text, bytea) IS 'opens a value that was sealed for table, column and row';

CREATE FUNCTION paysafe.decrypt_text(relation regclass, "column" name, key text, sealed bytea) RETURNS text
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_decrypt_text';
COMMENT ON FUNCTION paysafe.decrypt_text(regclass, name, text, bytea) IS 'opens a text that was sealed for table, column and row';

CREATE FUNCTION paysafe.blind_index(relation regclass, "column" name, value text) RETURNS bytea
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_blind_index';
COMMENT ON FUNCTION paysafe.blind_index(regclass, name, text) IS 'a keyed hash to find equal values of a secret column by';

CREATE FUNCTION paysafe.sealed_by(sealed bytea) RETURNS int
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_sealed_by';
COMMENT ON FUNCTION paysafe.sealed_by(bytea) IS 'number of the data key that a value says it is sealed by; NULL if it does not look sealed';

CREATE FUNCTION paysafe.rotate_data_key(despite_missing boolean DEFAULT false) RETURNS int
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_rotate_data_key';
COMMENT ON FUNCTION paysafe.rotate_data_key(boolean) IS 'makes a new data key, which seals from now on; the old ones still open; despite_missing: although a key of paysafe.key_file is lost';

CREATE FUNCTION paysafe.rewrap_data_keys() RETURNS int
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_rewrap_data_keys';
COMMENT ON FUNCTION paysafe.rewrap_data_keys() IS 'wraps the data keys by the key that is first in paysafe.key_file; returns how many had another';

CREATE FUNCTION paysafe.reencrypt(relation regclass, "column" name, "limit" int DEFAULT 1000) RETURNS int
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_reencrypt';
COMMENT ON FUNCTION paysafe.reencrypt(regclass, name, int) IS 'seals so many values of a secret column anew, by the data key that is in use; returns how many: 0 when there is none left';

CREATE FUNCTION paysafe.fernet_decrypt(
	token text,
	key_name text,
	max_age interval DEFAULT NULL,
	at timestamptz DEFAULT NULL
) RETURNS bytea
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_fernet_decrypt';
COMMENT ON FUNCTION paysafe.fernet_decrypt(text, text, interval, timestamptz) IS 'opens a Fernet token by a key of paysafe.key_file, for columns that move to sealed values';

CREATE VIEW paysafe.data_keys AS
	SELECT DISTINCT ON (k.id)
		   k.id, k.kind, k.master AS wrapped_by,
		   (SELECT min(f.at) FROM paysafe.data_key f WHERE f.id = k.id) AS created_at,
		   k.at AS wrapped_at,
		   (k.kind = 'mac' OR k.id = (SELECT max(m.id) FROM paysafe.data_key m WHERE m.kind = k.kind)) AS in_use
	  FROM paysafe.data_key k
	 ORDER BY k.id, k.version DESC;
COMMENT ON VIEW paysafe.data_keys IS 'keys of sealed values and keyed hashes: which are in use, and what wraps them; not the keys themselves';
