-- Every type a status may have; values compare exactly.
CREATE SCHEMA t_types;
CREATE TYPE t_types.mood AS ENUM ('draft', 'sent', 'paid');
CREATE DOMAIN t_types.code AS varchar(10) CHECK (VALUE <> 'never');
CREATE DOMAIN t_types.level AS t_types.mood;
CREATE TABLE t_types.lookup (id int PRIMARY KEY, label text NOT NULL);
INSERT INTO t_types.lookup VALUES (1, 'draft'), (2, 'sent'), (3, 'paid');

CREATE TABLE t_types.a_text (id int PRIMARY KEY, status text);
CREATE TABLE t_types.a_varchar (id int PRIMARY KEY, status varchar(20));
CREATE TABLE t_types.a_char (id int PRIMARY KEY, status char(12));
CREATE TABLE t_types.a_domain (id int PRIMARY KEY, status t_types.code);
CREATE TABLE t_types.a_enum (id int PRIMARY KEY, status t_types.mood);
CREATE TABLE t_types.a_level (id int PRIMARY KEY, status t_types.level);
SELECT paysafe.protect_status(c.oid, 'status', '[*] --> draft
	draft --> sent
	sent --> paid')
  FROM pg_class c WHERE c.relnamespace = 't_types'::regnamespace AND c.relname LIKE 'a\_%' AND c.relkind = 'r';

CREATE TABLE t_types.b_int2 (id int PRIMARY KEY, status smallint);
CREATE TABLE t_types.b_int4 (id int PRIMARY KEY, status int);
CREATE TABLE t_types.b_int8 (id int PRIMARY KEY, status bigint);
CREATE TABLE t_types.b_lookup (id int PRIMARY KEY, status int REFERENCES t_types.lookup ON UPDATE CASCADE);
SELECT paysafe.protect_status(c.oid, 'status', '[*] --> 1
	1 --> 2
	2 --> 3')
  FROM pg_class c WHERE c.relnamespace = 't_types'::regnamespace AND c.relname LIKE 'b\_%' AND c.relkind = 'r'
 ORDER BY c.relname;

-- in each table: a legal life, then a step back
CREATE FUNCTION t_types.live(tab text, v1 text, v2 text, v3 text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('INSERT INTO t_types.%I VALUES (1, %L)', tab, v1);
	EXECUTE format('UPDATE t_types.%I SET status = %L', tab, v2);
	EXECUTE format('UPDATE t_types.%I SET status = %L', tab, v3);
	EXECUTE format('UPDATE t_types.%I SET status = %L', tab, v2);
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT c.relname, t_types.live(c.relname, 'draft', 'sent', 'paid')
  FROM pg_class c WHERE c.relnamespace = 't_types'::regnamespace AND c.relname LIKE 'a\_%' AND c.relkind = 'r' ORDER BY 1;
SELECT c.relname, t_types.live(c.relname, '1', '2', '3')
  FROM pg_class c WHERE c.relnamespace = 't_types'::regnamespace AND c.relname LIKE 'b\_%' AND c.relkind = 'r' ORDER BY 1;

-- char(n) is padded, and the padding does not count
INSERT INTO t_types.a_char VALUES (2, 'draft       ');
UPDATE t_types.a_char SET status = 'sent' WHERE id = 2;
UPDATE t_types.a_char SET status = 'SENT' WHERE id = 2;		-- fails
-- varchar blanks do
INSERT INTO t_types.a_varchar VALUES (2, 'draft ');			-- fails

-- a label that the machine does not know, added later
ALTER TYPE t_types.mood ADD VALUE 'lost';
INSERT INTO t_types.a_enum VALUES (2, 'draft');
UPDATE t_types.a_enum SET status = 'lost' WHERE id = 2;		-- fails

-- a cast that somebody makes for the enum says nothing
CREATE FUNCTION t_types.lie(t_types.mood) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT 'draft'$$;
CREATE CAST (t_types.mood AS text) WITH FUNCTION t_types.lie(t_types.mood);
UPDATE t_types.a_enum SET status = 'paid' WHERE id = 2;		-- fails

-- an UPDATE that cascades from the lookup table is an UPDATE
INSERT INTO t_types.b_lookup VALUES (2, 1);
INSERT INTO t_types.lookup VALUES (4, 'other');
UPDATE t_types.lookup SET id = 5 WHERE id = 1;				-- fails
SELECT * FROM t_types.b_lookup ORDER BY id;

-- types that cannot hold a status, values that do not fit
CREATE TABLE t_types.c (id int PRIMARY KEY, f float8, n numeric, j jsonb, m t_types.mood, i int);
SELECT paysafe.protect_status('t_types.c', 'f', '[*] --> a');
SELECT paysafe.protect_status('t_types.c', 'n', '[*] --> a');
SELECT paysafe.protect_status('t_types.c', 'j', '[*] --> a');
SELECT paysafe.protect_status('t_types.c', 'm', '[*] --> nope');
SELECT paysafe.protect_status('t_types.c', 'i', '[*] --> one');
SELECT paysafe.protect_status('t_types.c', 'i', '[*] --> 01');
SELECT paysafe.protect_status('t_types.c', 'ctid', '[*] --> a');
-- statuses by the names of another table: so is the default
CREATE TABLE t_types.state (id uuid PRIMARY KEY, code text);
INSERT INTO t_types.state VALUES ('00000000-0000-7000-8000-000000000021', 'pending'), ('00000000-0000-7000-8000-000000000022', 'done');
CREATE TABLE t_types.begun (id int PRIMARY KEY, state uuid DEFAULT '00000000-0000-7000-8000-000000000021' REFERENCES t_types.state);
SELECT paysafe.protect_status('t_types.begun', 'state', E'[*] --> pending\npending --> done', status_path => '{code}');
ALTER TABLE t_types.begun ALTER state SET DEFAULT '00000000-0000-7000-8000-000000000022';
SELECT paysafe.protect_status('t_types.begun', 'state', E'[*] --> pending\npending --> done', status_path => '{code}');
