#!/bin/bash
#
# A throw-away cluster for the attempts, built from this tree.
#
#   setup.sh start      build, install into a private copy of PostgreSQL, start
#   setup.sh stop       stop the server, keep the data
#   setup.sh destroy    stop it and remove everything
#
#   RT=folder           where it lives (default /tmp/paysafe-attacks)
#   RT_PORT=port        the number of its socket; it has no network address
#   PG_CONFIG=path, PGVERSION=17    which PostgreSQL
#   PAYSAFE_RUN=folder  take the tree of this server of test/lib/server.sh,
#                       which has paysafe in it, instead of making another

set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../lib/server.sh"

RT=${RT:-/tmp/paysafe-attacks}
RT_PORT=${RT_PORT:-54399}
tree=${PAYSAFE_RUN:-}

# Point server.sh at our folder.
use_folder() {
	PAYSAFE_RUN=$RT
	server_use
	PGPORT=$RT_PORT
	PGDATABASE=postgres
}

running() { [ -e "$RT/data/postmaster.pid" ]; }

stop() {
	as_server "$PGBIN/pg_ctl" -D "$RT/data" -m fast -w stop >/dev/null || :
}

make_folder() {
	umask 022
	mkdir "$RT"					# fails if it is somebody else's
	chmod 711 "$RT"
	mkdir -m 700 "$RT/sock" "$RT/data" "$RT/work"
	# attempts make copies of the cluster beside it
	[ "$(id -u)" -ne 0 ] || chown "$SERVER_USER" "$RT" "$RT/sock" "$RT/data" "$RT/work"
	if [ -n "$tree" ]; then
		ln -s "$tree/root" "$RT/root"
		cp "$tree/pg_config" "$RT/pg_config"
	else
		local config
		config=$("$SERVER_TOP/test/lib/setup.sh")
		PAYSAFE_RUN=$RT
		server_tree "$config"
	fi
}

# The extension that the comparison targets pretend to be.
naive_extension() {
	local dir
	dir=$RT/root$("$PG_CONFIG" --sharedir)/extension
	printf '%s\n' "comment = 'no guard, for comparison'" "default_version = '1.0'" \
		"relocatable = false" "superuser = true" >"$dir/paynaive.control"
	echo '-- empty: naive.sql adds its objects with ALTER EXTENSION ADD' \
		>"$dir/paynaive--1.0.sql"
}

start() {
	[ -d "$RT/data" ] || make_folder
	use_folder
	[ -n "$tree" ] || server_install
	if running; then stop; fi
	if [ ! -e "$RT/data/PG_VERSION" ]; then
		naive_extension
		server_init "max_connections = 40" "wal_level = logical" \
			"max_wal_senders = 4" "max_replication_slots = 6" \
			"wal_retrieve_retry_interval = 1s" "autovacuum = off" "jit = off" \
			"shared_preload_libraries = 'paysafe'" "paysafe.superuser_lockdown = on" \
			"paysafe.allowed_libraries = 'pgcrypto, dblink, postgres_fdw, test_decoding'" \
			"paysafe.protected_databases = 'rt_kept'"
		server_start
		psql -qX -v ON_ERROR_STOP=1 -f "$HERE/targets/roles.sql"
		# has what is refused in databases without paysafe on record
		psql -qX -v ON_ERROR_STOP=1 -c "CREATE DATABASE rt_kept"
		psql -qX -v ON_ERROR_STOP=1 -d rt_kept -c "CREATE EXTENSION paysafe"
	else
		server_start
	fi
	server_load
}

case ${1:-start} in
	start) start ;;
	stop)
		use_folder
		stop ;;
	destroy)
		[ -d "$RT" ] || exit 0
		use_folder
		server_remove ;;
	*)
		sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2
		exit 2 ;;
esac
