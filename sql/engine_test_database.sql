-- Test databases

CREATE TABLE paysafe.test_database (
	database oid PRIMARY KEY,
	name text NOT NULL,
	at timestamptz NOT NULL,
	actor text NOT NULL,
	session_user_name text NOT NULL
);
COMMENT ON TABLE paysafe.test_database IS 'whether TRUNCATE empties protected tables of this database; not dumped, and nothing to a copy of the database';

--@own_table paysafe.test_database

CREATE FUNCTION paysafe.declare_test_database() RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_declare_test_database';
COMMENT ON FUNCTION paysafe.declare_test_database() IS 'lets TRUNCATE empty protected tables of this database, for tests; superusers only, and only while they are empty';
