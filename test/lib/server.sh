#!/bin/bash
#
# A private PostgreSQL with paysafe in it.
#
#   eval "$(test/lib/server.sh start)"     sets PG_CONFIG, PGHOST, PGPORT, ...
#   test/lib/server.sh stop "$PAYSAFE_RUN"
#
# or, from a script, ". test/lib/server.sh" and the functions below.  With
# PAYSAFE_RUN set to a server that was started so, it is used and left running.
#
# The server lives in one temporary folder: a copy of the PostgreSQL tree with
# the extension installed into it (PostgreSQL finds its files relative to its
# programs, so the system's own tree stays as it is), the data, a socket that
# only its user and root can reach, the log.  It listens on no network address.
# PostgreSQL refuses to run as root: then the server's user is "postgres", or
# "nobody" where that does not exist.

SERVER_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

if [ "$(id -u)" -ne 0 ]; then
	SERVER_USER=$(id -un)
	as_server() { "$@"; }
else
	if id postgres >/dev/null 2>&1; then SERVER_USER=postgres; else SERVER_USER=nobody; fi
	as_server() { (cd / && exec runuser -u "$SERVER_USER" -- "$@"); }
fi

# Make the folder $PAYSAFE_RUN, and point the client's variables into it.
server_folder() {
	umask 022
	PAYSAFE_RUN=$(mktemp -d "${TMPDIR:-/tmp}/paysafe.XXXXXX")
	# a socket's path has room for 107 bytes
	if [ ${#PAYSAFE_RUN} -gt 80 ]; then
		rmdir "$PAYSAFE_RUN"
		PAYSAFE_RUN=$(mktemp -d /tmp/paysafe.XXXXXX)
	fi
	chmod 711 "$PAYSAFE_RUN"
	mkdir -m 700 "$PAYSAFE_RUN/sock" "$PAYSAFE_RUN/data"
	[ "$(id -u)" -ne 0 ] || chown "$SERVER_USER" "$PAYSAFE_RUN/sock" "$PAYSAFE_RUN/data"
}

# Copy the tree of PostgreSQL $1 (a pg_config) to its own paths below root/.
server_tree() {
	local dir
	for dir in "$("$1" --bindir)" "$("$1" --pkglibdir)" "$("$1" --sharedir)"; do
		mkdir -p "$PAYSAFE_RUN/root$dir"
		cp -RL --preserve=mode,timestamps "$dir/." "$PAYSAFE_RUN/root$dir"
	done
	# inlining across the JIT is not needed here, and its files are many
	rm -rf "$PAYSAFE_RUN/root$("$1" --pkglibdir)/bitcode"
	echo "$1" >"$PAYSAFE_RUN/pg_config"
}

# Point this shell at the server in $PAYSAFE_RUN.  The programs on the PATH are
# the private ones; PG_CONFIG is the PostgreSQL to build against.
server_use() {
	local var
	for var in $(compgen -e PG); do
		case $var in PGVERSION | PG_*) ;; *) unset "$var" ;; esac
	done
	PG_CONFIG=$(cat "$PAYSAFE_RUN/pg_config")
	PGBIN=$PAYSAFE_RUN/root$("$PG_CONFIG" --bindir)
	PGHOST=$PAYSAFE_RUN/sock PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
	PGCTLTIMEOUT=600	# pg_ctl waits for a slow machine, too
	export PAYSAFE_RUN PG_CONFIG PGBIN PGHOST PGPORT PGUSER PGDATABASE PGCTLTIMEOUT SERVER_USER
	case :$PATH: in *":$PGBIN:"*) ;; *) PATH=$PGBIN:$PATH ;; esac
}

# make, as if called by hand.  BITCODE=no: without what clang makes of each file for the JIT,
# which the private tree leaves out and which takes as long as all of the rest.
server_make() {
	local bitcode=()
	[ "${BITCODE:-yes}" = yes ] || bitcode=(with_llvm=no)
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		make -s -C "$SERVER_SOURCE" PG_CONFIG="$PG_CONFIG" "${bitcode[@]}" "$@" >&2
}

# Build the extension and install it into the private tree.  The build is done
# in place, or in a copy when the source tree may not be written.
server_install() {
	SERVER_SOURCE=$SERVER_TOP
	if [ ! -w "$SERVER_TOP" ]; then
		SERVER_SOURCE=$PAYSAFE_RUN/source
		mkdir -p "$SERVER_SOURCE"
		tar -C "$SERVER_TOP" --exclude=.git -cf - . | tar -C "$SERVER_SOURCE" -xf -
	fi
	server_make -j"$(nproc)" all
	server_make DESTDIR="$PAYSAFE_RUN/root" install
}

# Can the library be loaded?  Objects left by a build for another PostgreSQL
# would be linked without complaint; then build afresh.
server_load() {
	psql -qXc "LOAD 'paysafe'" 2>"$PAYSAFE_RUN/load.log" && return
	server_make clean
	server_install
	psql -qXc "LOAD 'paysafe'"
}

# Create the cluster; each argument is a further line of postgresql.conf.
server_init() {
	as_server "$PGBIN/initdb" -D "$PAYSAFE_RUN/data" -U postgres -A trust \
		-E UTF8 --locale=C.UTF-8 --no-sync >"$PAYSAFE_RUN/initdb.log" 2>&1 || {
		cat "$PAYSAFE_RUN/initdb.log" >&2
		return 1
	}
	printf '%s\n' "listen_addresses = ''" \
		"unix_socket_directories = '$PAYSAFE_RUN/sock'" \
		"port = $PGPORT" \
		"fsync = off" \
		"shared_buffers = 64MB" \
		"max_prepared_transactions = 10" \
		"timezone = 'UTC'" \
		"log_timezone = 'UTC'" \
		"$@" >>"$PAYSAFE_RUN/data/postgresql.conf"
}

server_start() {
	as_server "$PGBIN/pg_ctl" -D "$PAYSAFE_RUN/data" -l "$PAYSAFE_RUN/data/server.log" \
		-w start >"$PAYSAFE_RUN/start.log" 2>&1 || {
		cat "$PAYSAFE_RUN/start.log" "$PAYSAFE_RUN/data/server.log" >&2
		return 1
	}
}

# Kill a process of the server, and wait until the postmaster has seen it: up to then it
# lets sessions in that end with all others.  False: it had ended by itself, or does not end.
server_kill() {
	local i
	[ -n "$1" ] && kill -KILL "$1" 2>/dev/null || return 1
	for ((i = 0; i < 2400; i++)); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.05
	done
	echo "process $1 is there two minutes after it was killed" >&2
	return 1
}

# What a command says at last: as soon as that is $1, or when four minutes are over.  What is
# compared is what was seen: asked once more it might say something else.
#
#   server_answer EXPECTED COMMAND...
server_answer() {
	local end=$((SECONDS + 240)) got=
	while :; do
		got=$("${@:2}" 2>/dev/null) || :
		[ "$got" != "$1" ] && [ $SECONDS -lt $end ] || break
		sleep 0.1
	done
	echo "$got"
}

# Remove database $1.  Its sessions are given some seconds to end; who stays is said, and
# thrown out.
server_drop() {
	local i who
	for ((i = 0; i < 100; i++)); do
		who=$(psql -qXAt -F ' ' -d postgres -v name="$1" <<-'SQL'
			SELECT pid, backend_type, application_name, state, left(regexp_replace(query, '\s+', ' ', 'g'), 100)
			FROM pg_stat_activity WHERE datname = :'name' AND backend_type NOT LIKE 'autovacuum%'
		SQL
		) || who=
		[ -n "$who" ] || break
		sleep 0.1
	done
	[ -z "$who" ] || echo "still in $1, thrown out: $who"
	psql -qXc "DROP DATABASE IF EXISTS $1 WITH (FORCE)" -d postgres
}

# Stop the server of this folder, by its pid file, and remove the folder.
server_remove() {
	trap '' INT TERM HUP	# a second one must not leave half of it behind
	[ -d "${PAYSAFE_RUN:-}/data" ] || return 0
	if [ -e "$PAYSAFE_RUN/data/postmaster.pid" ]; then
		as_server "$PGBIN/pg_ctl" -D "$PAYSAFE_RUN/data" -m immediate -w stop \
			>/dev/null 2>&1 || :
	fi
	rm -rf "$PAYSAFE_RUN"
}

# A second server of the same tree in $PAYSAFE_RUN/NAME, for what needs other
# settings; the shell points at it afterwards.  Remove it with server_remove.
#
#   server_beside NAME [postgresql.conf line ...]
server_beside() {
	local tree=$PAYSAFE_RUN folder=$PAYSAFE_RUN/$1
	shift
	mkdir "$folder"
	chmod 711 "$folder"
	mkdir -m 700 "$folder/sock" "$folder/data"
	[ "$(id -u)" -ne 0 ] || chown "$SERVER_USER" "$folder/sock" "$folder/data"
	ln -s "$tree/root" "$folder/root"
	cp "$tree/pg_config" "$folder/pg_config"
	PAYSAFE_RUN=$folder
	server_use
	server_init "$@"
	server_start
}

# The same for what takes the library preloaded and a key file with these lines.
#
#   server_keyed NAME KEYS [postgresql.conf line ...]
server_keyed() {
	local name=$1 keys=$PAYSAFE_RUN/$1.keys
	printf '%s\n' "$2" >"$keys"
	shift 2
	chmod 600 "$keys"
	[ "$(id -u)" -ne 0 ] || chown "$SERVER_USER" "$keys"
	server_beside "$name" "shared_preload_libraries = 'paysafe'" "paysafe.key_file = '$keys'" "$@"
}

# Stop and start it, with these settings beside those that it has.
server_restart() {
	as_server "$PGBIN/pg_ctl" -D "$PAYSAFE_RUN/data" -m fast -w stop >/dev/null
	[ $# -eq 0 ] || printf '%s\n' "$@" >>"$PAYSAFE_RUN/data/postgresql.conf"
	server_start
}

# All of it: set up the machine, build, start.  What was started is removed when
# the shell ends, however it ends.
server_private() {
	if [ -n "${PAYSAFE_RUN:-}" ]; then
		server_use
		server_install
		server_load
		return
	fi
	local config
	config=$("$SERVER_TOP/test/lib/setup.sh")
	server_folder
	trap server_remove EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	server_tree "$config"
	server_use
	server_install
	server_init "$@"
	server_start
	server_load
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	set -euo pipefail
	case ${1:-} in
		start)
			unset PAYSAFE_RUN
			server_private "${@:2}"
			trap - EXIT
			for var in PAYSAFE_RUN PG_CONFIG PGBIN PGHOST PGPORT PGUSER PGDATABASE; do
				printf 'export %s=%q\n' "$var" "${!var}"
			done ;;
		stop)
			PAYSAFE_RUN=${2:-${PAYSAFE_RUN:?which folder?}}
			server_use
			server_remove ;;
		*)
			echo "usage: $0 start [postgresql.conf line ...] | stop FOLDER" >&2
			exit 2 ;;
	esac
fi
