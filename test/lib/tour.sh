#!/bin/sh
#
# The SQL of README's tour, as pg_regress runs it: test/sql/tour.sql must be
# exactly this (checked by check-layout).
#
#   test/lib/tour.sh >test/sql/tour.sql

cd "$(dirname "$0")/../.." || exit 1
echo "-- README's tour; made by test/lib/tour.sh, do not edit"
awk '
	/^<!-- tour -->$/ { tour = 1; next }
	/^<!-- \/tour -->$/ { tour = 0; next }
	tour && /^```/ { next }
	tour { print }
' README.md
echo "-- the tests that follow find an empty place
SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;"
