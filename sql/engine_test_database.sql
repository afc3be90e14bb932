-- Test databases

CREATE TABLE paysafe.test_database (
	database oid PRIMARY KEY,
	name text NOT NULL,
	at timestamptz NOT NULL,
	actor text NOT NULL,
	session_user_name text NOT NULL
);
COMMENT ON TABLE paysafe.test_database IS 'whether this database is one for tests, where nobody depends on rules; not dumped, and nothing to a copy of the database';

--@own_table paysafe.test_database

CREATE TABLE paysafe.fixture_block (
	at timestamptz NOT NULL,
	actor text NOT NULL,
	session_user_name text NOT NULL,
	reason text NOT NULL
);
COMMENT ON TABLE paysafe.fixture_block IS 'transactions of a test database in which rows were added whatever the rules say; not dumped';

--@own_table paysafe.fixture_block

CREATE FUNCTION paysafe.declare_test_database() RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_declare_test_database';
COMMENT ON FUNCTION paysafe.declare_test_database() IS 'makes this database one for tests or development: TRUNCATE empties protected tables, rules change without a second person, fixtures add rows in any state; superusers only, and only while protected tables are empty';

CREATE FUNCTION paysafe.begin_fixtures(reason text) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_begin_fixtures';
COMMENT ON FUNCTION paysafe.begin_fixtures(text) IS 'until the end of the transaction, rules refuse nothing but what moves balances; in a test database only';

CREATE FUNCTION paysafe.end_fixtures() RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_end_fixtures';
COMMENT ON FUNCTION paysafe.end_fixtures() IS 'ends a block of fixtures before its transaction does: what follows is judged';
