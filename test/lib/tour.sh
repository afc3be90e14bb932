#!/bin/sh
#
# The SQL of the documentation, as pg_regress runs it: test/sql/tour.sql and
# test/sql/reference.sql must be exactly this (checked by check-layout).
#
#   test/lib/tour.sh >test/sql/tour.sql
#   test/lib/tour.sh reference >test/sql/reference.sql

cd "$(dirname "$0")/../.." || exit 1

# blocks N: the first N blocks of README's tour
blocks() {
	awk -v most="$1" '
		/^<!-- tour -->$/ { tour = ++n <= most; next }
		/^<!-- \/tour -->$/ { tour = 0; next }
		tour && /^```/ { next }
		tour { print }
	' README.md
}

if [ "${1:-tour}" = reference ]; then
	cat <<-'END'
		-- The examples of doc/reference.md on the tables of README's tour: they work; made by
		-- test/lib/tour.sh, do not edit
		SET client_min_messages = warning;
		SELECT current_database() AS regress \gset
		DROP DATABASE IF EXISTS regress_paysafe_reference;
		CREATE DATABASE regress_paysafe_reference;
		\c regress_paysafe_reference
		SET client_min_messages = warning;
		CREATE EXTENSION paysafe;
	END
	blocks 1
	printf '%s\n' '\o /dev/null'
	awk '
		/^```sql$/ { sql = 1; next }
		/^```$/ { if (sql) print ""; sql = 0; next }
		sql { print }
	' doc/reference.md
	printf '%s\n' '\o' '\c :regress' 'DROP DATABASE regress_paysafe_reference WITH (FORCE);'
	exit
else
	echo "-- README's tour; made by test/lib/tour.sh, do not edit"
	blocks 99
fi
echo "-- the tests that follow find an empty place
SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;"
