# Read by run: ways to a setting, a catalog, native code or a database that are no
# statement of the session it takes effect in.  Needs the functions of run.

# with PGOPTIONS, in the protected database
connects() {					# connects OPTIONS PATTERN
	local answer
	answer=$(PGOPTIONS="$1" psql -qXAt -v VERBOSITY=verbose -d paysafe_guard -c "SELECT 'in'" 2>&1) || :
	grep -qE -e "$2" <<<"$answer" || {
		printf 'expected: %s\nwith: %s\nanswer: %s\n' "$2" "$1" "$answer"
		exit 1
	}
	checks=$((checks + 1))
}

# Before the library is there: what a superuser may have left behind
ways_prepared() {
	psql -qX -d postgres -c "DROP DATABASE IF EXISTS paysafe_guard" -c "DROP DATABASE IF EXISTS paysafe_ways" \
		-c "CREATE DATABASE paysafe_guard" -c "CREATE DATABASE paysafe_ways" 2>/dev/null
	psql -qX -d paysafe_guard -v ON_ERROR_STOP=1 >/dev/null <<-'S'
		SET client_min_messages = warning;
		CREATE EXTENSION paysafe;
		CREATE TABLE part (id int, region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
		CREATE TABLE part_eu PARTITION OF part FOR VALUES IN ('eu');
		SELECT paysafe.protect_append_only('part');
		CREATE TABLE part_us PARTITION OF part FOR VALUES IN ('us');
		INSERT INTO part VALUES (1, 'eu'), (2, 'us'), (3, 'us');
		CREATE TABLE above (LIKE pg_catalog.pg_description);
		SET allow_system_table_mods = on;
		ALTER TABLE pg_catalog.pg_description INHERIT above;
	S
}

ways_to_settings() {
	psql -qX -d postgres -c "ALTER DATABASE paysafe_guard SET session_replication_role = replica" \
		-c "ALTER ROLE postgres IN DATABASE paysafe_guard SET allow_system_table_mods = on"
	connects "" 'WARNING: +setting "session_replication_role" \(database\)'
	connects "" 'WARNING: +setting "allow_system_table_mods" \(database user\)'
	says '^origin$' "SELECT current_setting('session_replication_role')"
	says '^off$' "SELECT current_setting('allow_system_table_mods')"
	says '^f\|.*session_replication_role=replica' "SELECT ok, detail FROM paysafe.check() WHERE check_name = 'session_replication_role'"
	psql -qX -d postgres -c "ALTER DATABASE paysafe_guard RESET ALL" -c "ALTER ROLE postgres IN DATABASE paysafe_guard RESET ALL"
	connects "-c session_replication_role=replica" 'FATAL: +setting'
	connects "-c allow_system_table_mods=on" 'FATAL: +setting'
	connects "--zero_damaged_pages=on" 'FATAL: +setting'
	connects "-c session_replication_role=local -c allow_system_table_mods=off" '^in$'
	wait_for "SELECT count(*) FILTER (WHERE statement = 'connection') > 4 FROM paysafe.refusal_log WHERE rule = 'guard_setting'" || exit 1
	checks=$((checks + 1))
	# elsewhere it is no business of paysafe's
	says '^replica$' "SET session_replication_role = replica; SHOW session_replication_role" paysafe_ways
}

ways_to_catalogs() {
	says 'guard_catalog' "INSERT INTO pg_db_role_setting VALUES (0, 0, '{session_replication_role=replica}')" paysafe_ways
	says 'guard_catalog' "UPDATE pg_database SET datallowconn = false WHERE datname = 'paysafe_guard'" paysafe_ways
	says 'guard_catalog' "SET allow_system_table_mods = on; TRUNCATE pg_db_role_setting" paysafe_ways
	says 'guard_catalog' "SET allow_system_table_mods = on; ALTER TABLE pg_database ENABLE ROW LEVEL SECURITY" paysafe_ways
	says 'guard_catalog' "CREATE TABLE below () INHERITS (pg_authid)" paysafe_ways
	says '^$' "UPDATE pg_description SET description = description WHERE false" paysafe_ways
	says 'pg_description_guard_catalog' "UPDATE above SET description = 'x'"
	says '^f\|pg_description inherits from public.above$' "SELECT ok, detail FROM paysafe.check() WHERE check_name = 'alone'"
	says 'guard_own_table' "BEGIN; REINDEX TABLE paysafe.refusal_record; PREPARE TRANSACTION 'hold'"
	says '^$' "BEGIN; INSERT INTO part VALUES (4, 'eu'); PREPARE TRANSACTION 'go'"
	says '^$' "COMMIT PREPARED 'go'"
	# a publisher says which tables a subscription writes to
	PGHOST=$1 psql -qX -d postgres -c "CREATE DATABASE paysafe_publisher"
	PGHOST=$1 psql -qX -d paysafe_publisher >/dev/null <<-'S'
		CREATE TABLE note (id int PRIMARY KEY);
		CREATE PUBLICATION honest FOR TABLE note;
		DROP TABLE information_schema.sql_features CASCADE;
		CREATE TABLE information_schema.sql_features (feature_id text PRIMARY KEY);
		CREATE PUBLICATION other FOR TABLE information_schema.sql_features;
	S
	psql -qX -d paysafe_ways -c "CREATE TABLE note (id int PRIMARY KEY)"
	says 'guard_catalog' "CREATE SUBSCRIPTION s CONNECTION 'host=$1 port=$PGPORT user=postgres dbname=paysafe_publisher' PUBLICATION other WITH (create_slot = false, enabled = false, slot_name = none)" paysafe_ways
	says '^(NOTICE.*|LOCATION.*|WARNING.*|HINT.*|)$' "CREATE SUBSCRIPTION s CONNECTION 'host=$1 port=$PGPORT user=postgres dbname=paysafe_publisher' PUBLICATION honest WITH (create_slot = false, enabled = false, slot_name = none)" paysafe_ways
	says '^note$' "SELECT srrelid::regclass FROM pg_subscription_rel" paysafe_ways
	psql -qX -d paysafe_ways -c "DROP SUBSCRIPTION s"
	PGHOST=$1 psql -qX -d postgres -c "DROP DATABASE paysafe_publisher"
}

# What a window lets TRUNCATE empty: a partition that is younger than the rules
ways_truncated() {
	local hint
	hint=$({ psql -qXAt -d paysafe_guard -c "BEGIN" -c "SELECT paysafe.act_as('ann')" \
		-c "SELECT paysafe.open_maintenance('why', 'T-1', '1 hour', '{part}')" 2>&1 || :; } | sed -n "s/.* runs: SELECT \(paysafe.approve(.*)\);  then.*/\1/p")
	psql -qXAt -d paysafe_guard -c "BEGIN" -c "SELECT paysafe.act_as('bob')" -c "SELECT $hint" -c "COMMIT" >/dev/null
	psql -qXAt -d paysafe_guard -c "BEGIN" -c "SELECT paysafe.act_as('ann')" \
		-c "SELECT paysafe.open_maintenance('why', 'T-1', '1 hour', '{part}')" -c "COMMIT" >/dev/null
	says '^$' "TRUNCATE part_us"
	says '^TRUNCATE TABLE\|public.part_us\|2\|0$' "SELECT statement, table_name, before ->> 'rows', after ->> 'rows' FROM paysafe.maintenance_change"
	psql -qXAt -d paysafe_guard -c "SELECT paysafe.close_maintenance()" >/dev/null
}

# Native code that was there before the lockdown, in both databases
# PostgreSQL 18 asks every access method that has an operator when it plans: one whose
# library is not allowed is in the way of all that compare (doc/guard.md)
has_bloom() { [ "$(psql -qXAtc "SHOW server_version_num" -d postgres)" -lt 180000 ]; }

ways_installed() {
	local database
	for database in paysafe_guard paysafe_ways; do
		psql -qX -d "$database" -v ON_ERROR_STOP=1 >/dev/null 2>&1 <<-'S'
			CREATE EXTENSION seg;
			CREATE EXTENSION lo;
			CREATE EXTENSION citext;
			CREATE EXTENSION unaccent;
			CREATE EXTENSION file_fdw;
			CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
			CREATE FOREIGN TABLE program (x text) SERVER files OPTIONS (program 'echo out');
			CREATE FUNCTION seven(cstring) RETURNS int LANGUAGE internal AS 'int4in';
			CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int);
			CREATE TABLE doc (id int PRIMARY KEY, l lo, c citext);
			CREATE TRIGGER t BEFORE UPDATE ON doc FOR EACH ROW EXECUTE FUNCTION lo_manage(l);
			INSERT INTO doc VALUES (1, NULL, 'a');
		S
		has_bloom || continue
		psql -qX -d "$database" -v ON_ERROR_STOP=1 >/dev/null 2>&1 <<-'S'
			CREATE EXTENSION bloom;
			CREATE TABLE bloomed (x int);
			CREATE INDEX ON bloomed USING bloom (x);
		S
	done
	psql -qX -d paysafe_ways -c "SELECT pg_create_logical_replication_slot('before', 'test_decoding')" >/dev/null
}

ways_to_code() {				# ways_to_code DATABASE
	says 'lockdown_native' "SELECT '1 .. 2'::seg" "$1"
	says 'lockdown_native' "UPDATE doc SET l = NULL" "$1"
	! has_bloom || says 'lockdown_native' "SELECT * FROM bloomed WHERE x = 1" "$1"
	says 'lockdown_native' "SELECT ts_lexize('unaccent', 'x')" "$1"
	says 'lockdown_native' "SELECT * FROM program" "$1"
	says 'lockdown_native' "CREATE FOREIGN TABLE file (x text) SERVER files OPTIONS (filename '/etc/passwd')" "$1"
	says 'lockdown_native' "SELECT seven('7')" "$1"
	says 'lockdown_native' "ALTER FUNCTION seg_in(cstring) SECURITY DEFINER" "$1"
	says 'lockdown_native' "SELECT pg_create_logical_replication_slot('s', 'seg')" "$1"
	says 'lockdown_native' "SELECT * FROM pg_create_logical_replication_slot('s', '/tmp/evil')" "$1"
	says 'lockdown_native' "DO \$\$ DECLARE r record; BEGIN r := pg_create_logical_replication_slot('s', 'pgoutput'); END \$\$" "$1"
	says 'lockdown_native' "SELECT pg_create_logical_replication_slot('s', 'pgoutput'), pg_create_logical_replication_slot('t', 'seg')" "$1"
	says 'lockdown_native' "SELECT * FROM pg_logical_slot_peek_changes('before', NULL, NULL)" "$1"
	says 'lockdown_native' "SELECT pg_copy_logical_replication_slot('before', 'after')" "$1"
	says 'lockdown_native' "SELECT pg_read_file('postgresql.conf')" "$1"
	says 'lockdown_native' "SELECT pg_read_binary_file('PG_VERSION', 0, 1)" "$1"
	says 'lockdown_native' "SELECT * FROM pg_ls_dir('.')" "$1"
	says 'lockdown_untrusted' "CREATE LANGUAGE l HANDLER plpgsql_call_handler" "$1"
	says 'lockdown_untrusted' "CREATE OR REPLACE TRUSTED LANGUAGE l HANDLER plpgsql_call_handler" "$1"
	says 'lockdown_definition' "CREATE AGGREGATE a(int) (sfunc = int8_avg_accum, stype = internal)" "$1"
	says 'lockdown_definition' "CREATE CAST (int AS oid) WITHOUT FUNCTION" "$1"
	says 'lockdown_definition' "CREATE OPERATOR CLASS o FOR TYPE int USING btree AS FUNCTION 1 btint4cmp(int, int)" "$1"
	says 'lockdown_definition' "CREATE FOREIGN DATA WRAPPER w HANDLER file_fdw_handler" "$1"
	says 'lockdown_definition' "CREATE TYPE t (INPUT = int4in, OUTPUT = int4out)" "$1"
	says '(lockdown|guard)_catalog' "UPDATE pg_language SET lanpltrusted = true" "$1"
	says '(lockdown|guard)_catalog' "UPDATE pg_proc SET prosrc = 'int4out' WHERE proname = 'seven'" "$1"
	says 'lockdown_setting' "SELECT set_config('dynamic_library_path', '/nowhere', false)" "$1"
	says 'lockdown_setting' "UPDATE pg_settings SET setting = '/nowhere' WHERE name = 'dynamic_library_path'" "$1"
	says 'lockdown_setting' "ALTER SYSTEM SET log_filename = '../../x'" "$1"
	says 'lockdown_setting' "ALTER SYSTEM SET krb_server_keyfile = '/x'" "$1"
	says 'lockdown_setting' "ALTER SYSTEM SET event_source = 'x'" "$1"
	# what stays
	says '^t\|a$' "SELECT 'A'::citext = 'a', max(c) FROM doc" "$1"
	says '^3$' "SELECT total(x) FROM (VALUES (1), (2)) v(x)" "$1"
	says '^$' "CREATE AGGREGATE sum2(int) (sfunc = int4pl, stype = int); DROP AGGREGATE sum2(int)" "$1"
	says '^$' "CREATE TYPE pair AS (a int, b int); DROP TYPE pair; CREATE TYPE state AS ENUM ('a'); DROP TYPE state" "$1"
	says '^.s,' "SELECT pg_create_logical_replication_slot('s', 'pgoutput', true)" "$1"
	says '^s$' "SELECT slot_name FROM pg_create_logical_replication_slot('s', 'pgoutput', true)" "$1"
	says '^t$' "SELECT count(*) > 0 FROM pg_ls_waldir()" "$1"
	says '^\$libdir$' "SELECT set_config('dynamic_library_path', '\$libdir', true)" "$1"
	says '^english$' "SELECT 'english' WHERE to_tsvector('english', 'running') @@ to_tsquery('english', 'run')" "$1"
}

ways_to_kept_database() {
	says 'guard_database' "ALTER DATABASE paysafe_kept ALLOW_CONNECTIONS false" postgres
	says 'guard_database' "ALTER DATABASE paysafe_kept IS_TEMPLATE true" postgres
	says 'guard_database' "ALTER DATABASE paysafe_kept CONNECTION LIMIT 0" postgres
	says 'guard_database' "DROP DATABASE paysafe_kept WITH (FORCE)" postgres
	says 'guard_catalog' "UPDATE pg_database SET datname = 'other' WHERE datname = 'paysafe_kept'" postgres
	says '^$' "ALTER DATABASE paysafe_kept CONNECTION LIMIT 50" postgres
	says '^$' "ALTER DATABASE paysafe_kept SET work_mem = '6MB'" postgres
	says '^$' "ALTER DATABASE paysafe_kept OWNER TO $PGUSER" postgres
}
