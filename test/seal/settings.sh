# What somebody sets for the server, the database or a role is not for those who seal and
# publish; databases that are copied, renamed, dropped under them; the extension that goes
# and comes back.

publish_server settings
database settings
sql -c "INSERT INTO pay SELECT g, g FROM generate_series(1, 300) g"
make_key
is "it is published" t "$(published)"
workers() { psql -qXAt -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE backend_type IN ('paysafe sealer', 'paysafe publisher') AND datname = '${1:-settings}'"; }
# the workers of before have no new settings
leave_workers() { psql -qXAt -d postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type IN ('paysafe sealer', 'paysafe publisher')" >/dev/null; }
psql -qX -d postgres -c "CREATE ROLE powerless"
# not for these sessions
export PGOPTIONS="-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c default_transaction_read_only=off"
PGOPTIONS+=" -c default_transaction_isolation=read\\ committed -c role=none -c search_path=public -c DateStyle=ISO -c TimeZone=UTC"
id=1000
# disturbed TEXT SETTING...: for the server, then for the database, then for the role that workers run as
disturbed() {
	local where setting text=$1
	shift
	for where in "SYSTEM" "DATABASE settings" "ROLE postgres"; do
		for setting; do
			[ "$where" != SYSTEM ] || case $setting in role*) continue ;; esac
			psql -qX -v ON_ERROR_STOP=1 -d postgres -c "ALTER $where SET $setting"
		done
		reload
		leave_workers
		id=$((id + 1))
		sql -c "INSERT INTO pay VALUES ($id, 1)"
		is "$text, for ${where%% *}: it is sealed and published" t "$(published)"
		for setting; do
			[ "$where" != SYSTEM ] || case $setting in role*) continue ;; esac
			psql -qX -v ON_ERROR_STOP=1 -d postgres -c "ALTER $where RESET ${setting%% *}"
		done
		reload
	done
}
disturbed "timeouts" "statement_timeout = 1" "lock_timeout = 1" "idle_in_transaction_session_timeout = 1"
disturbed "transactions" "default_transaction_read_only = on" "default_transaction_isolation = 'serializable'" "default_transaction_deferrable = on"
disturbed "names and formats" "search_path = 'nowhere'" "DateStyle = 'SQL, DMY'" "bytea_output = 'escape'" "TimeZone = 'Pacific/Chatham'"
disturbed "a role" "role = 'powerless'"
is "all of it is one log" "t 1" "$(sql -c "SELECT bool_and(ok), max(incarnation) FROM paysafe.verify()" | tr '|' ' ')"
is "... which verifies" good "$(verified --key "$verifier")"

unset PGOPTIONS

# copied, renamed and dropped while both workers are in it
busy() {
	sql -d "${1:-settings}" -c "INSERT INTO pay SELECT max(id) + 1, 1 FROM pay" >/dev/null
}
at_it() {
	busy
	workers
}
until_is "both are at it" 2 at_it
psql -qX -d postgres -c "CREATE DATABASE twin TEMPLATE settings"
busy twin
is "a copy's log is another one, of which nothing is signed" "t|2|f" "$(sql -d twin -c "SELECT paysafe.wait_sealed('3 min')" -c "SELECT max(incarnation) FROM paysafe.seal_log" -c "SELECT paysafe.wait_published('3 s')" | paste -sd '|')"
until_is "... check() says so" refused sql -d twin -c "SELECT substring(detail FROM '^[a-z]+') FROM paysafe.check() WHERE check_name = 'checkpoints_published'"
in_twin() { paysafe-verify --key "$verifier" --checkpoint "$log/checkpoint" "$@" --dbname "host=$PGHOST port=$PGPORT user=postgres dbname=twin" >"$OUT/verify.log" 2>&1; echo $?; }
is "... the old key vouches for what was copied, and not for what came after" "1 1" "$(in_twin) $(grep -c "newer log, \"${origin%/settings/1}/twin/2\"" "$OUT/verify.log")"
is "... of which nothing is said to whoever asks for the old log" 0 "$(in_twin --origin "$origin")"
is "... while the first goes on" t "$(published)"
psql -qX -d postgres -c "ALTER DATABASE settings RENAME TO renamed"
busy renamed
is "renamed, the log keeps its name" "t|$origin" "$(PGDATABASE=renamed published)|$(PGDATABASE=renamed origin)"
is "... and verifies from before" good "$(verified --key "$verifier")"
psql -qX -d postgres -c "ALTER DATABASE renamed RENAME TO settings"
busy twin
psql -qX -d postgres -c "DROP DATABASE twin"
is "dropped under them" 0 "$(psql -qXAt -d postgres -c "SELECT count(*) FROM pg_database WHERE datname = 'twin'")"
busy
is "... the first goes on" t "$(published)"

# the extension goes, where nothing guards it, and comes back: what was published is not there any more
server_restart "shared_preload_libraries = ''"
psql -qX -v ON_ERROR_STOP=1 -c "SET client_min_messages = error" -c "DROP EXTENSION paysafe CASCADE"
cp "$log/checkpoint" "$OUT/last"
find "$log" -type f -exec sha256sum {} + | sort >"$OUT/files"
server_restart "shared_preload_libraries = 'paysafe'"
sleep 1
until_is "without the extension the sealer leaves" 0 workers
sql -c "CREATE EXTENSION paysafe" -c "SELECT paysafe.audit('pay')" >/dev/null 2>&1
busy
is "with a new one, a log begins" "t|1" "$(wait_sealed)|$(sql -c "SELECT max(incarnation) FROM paysafe.seal_log")"
until_is "... which has the name of the old one, and signs nothing under it" 1 refused
until_said "... since that is another one" 'its end is lost|have been others'
is "... what is outside has not changed" "" "$(find "$log" -type f -exec sha256sum {} + | sort | diff "$OUT/files" -)"
is "two people begin one with another name" "${origin%/1}/2" "$(open_log 'the extension was dropped')"
make_key
reload
is "... which is published" t "$(published)"
server_remove
PAYSAFE_RUN=$tree
server_use
