# The life of the sealer: it comes when it is needed, is in nobody's way, comes back.

server_beside life "shared_preload_libraries = 'paysafe'" "max_worker_processes = 16" "paysafe.seal_interval = 100ms"
database life
running() { psql -qXAt -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'paysafe sealer' AND datname = '${1:-life}'"; }
pid() { psql -qXAt -d postgres -c "SELECT pid FROM pg_stat_activity WHERE backend_type = 'paysafe sealer' AND datname = 'life'"; }

# a commit, and is there a sealer then?  On a slow machine it may have left before anybody looks
brought() {
	sql -c "INSERT INTO pay SELECT coalesce(min(id), 0) - 1, 1 FROM pay" >/dev/null
	running
}
until_is "a commit brings a sealer" 1 brought
is "... which seals" t "$(wait_sealed)"
is "check() is content" "sealed t|sealer_runs t|seal_tree t|seal_findings t|audit_keys t|checkpoints_published t" \
	"$(sql -c "SELECT string_agg(check_name || ' ' || left(ok::text, 1), '|') FROM paysafe.check() WHERE subject = 'seal'")"
# it may have left by now
kill_it() {
	brought >/dev/null
	server_kill "$(pid)" && echo killed
}
until_is "kill -9 of it" killed kill_it
until_is "the server comes back after kill -9 of the sealer" 1 sql -c "SELECT 1"
sql -c "INSERT INTO pay VALUES (2, 1)"
is "... and so does the sealer" "t|all" "$(wait_sealed)|$(sealed)"
ended() {
	sql -c "INSERT INTO pay SELECT min(id) - 1, 1 FROM pay"
	psql -qXAt -d postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'paysafe sealer' AND datname = 'life'"
}
until_is "somebody ends it" t ended
sql -c "INSERT INTO pay VALUES (3, 1)"
is "ended by somebody, it comes back" "t|all" "$(wait_sealed)|$(sealed)"

# nobody waits for it
sql -c "INSERT INTO pay SELECT i, 1 FROM generate_series(10, 1000) i"
until_is "it is there" 1 brought
psql -qX -d postgres -c "CREATE DATABASE copied TEMPLATE life"
is "the database is copied while a sealer is in it" 1 "$(psql -qXAt -d postgres -c "SELECT count(*) FROM pg_database WHERE datname = 'copied'")"
sql -d copied -c "INSERT INTO pay VALUES (5000, 1)"
is "a copy begins an incarnation of its own" "t|2|t" "$(sql -d copied -c "SELECT paysafe.wait_sealed('3 min')" \
	-c "SELECT max(incarnation) FROM paysafe.seal_log" -c "SELECT bool_and(ok) FROM paysafe.verify()" | xargs | tr ' ' '|')"
is "... with another origin" 2 "$(sql -d copied -c "SELECT count(DISTINCT origin) FROM paysafe.seal_log")"
sql -d copied -c "INSERT INTO pay VALUES (5001, 1)"
psql -qX -d postgres -c "DROP DATABASE copied"
is "the database is dropped while a sealer is in it" 0 "$(psql -qXAt -d postgres -c "SELECT count(*) FROM pg_database WHERE datname = 'copied'")"
psql -qX -d postgres -c "ALTER DATABASE life RENAME TO lives"
psql -qX -d postgres -c "ALTER DATABASE lives RENAME TO life"
sql -c "INSERT INTO pay VALUES (6000, 1)"
is "the database is renamed while a sealer is in it, and sealing goes on" "t|all" "$(wait_sealed)|$(sealed)"
is "... in the same incarnation" 1 "$(sql -c "SELECT max(incarnation) FROM paysafe.seal_log")"
psql -qX -d postgres -c "CREATE DATABASE dropped"
sql -d dropped -f schema.sql >/dev/null
sql -d dropped -c "INSERT INTO pay VALUES (1, 1)" -c "SELECT paysafe.wait_sealed('3 min')" >/dev/null
# without the guard, which asks two people for that
begun=$(date +%s%N)
server_restart
is "shutdown does not wait for it" t "$( (($(date +%s%N) - begun < 50000000000)) && echo t)"

# what was written is sealed after a restart, without another commit
sql -c "SELECT 1" >/dev/null
sql -d postgres -c "SELECT count(*) FROM pg_prepared_xacts" >/dev/null
echo "paysafe.seal_interval = 1min" >>"$PAYSAFE_RUN/data/postgresql.conf"
server_restart
sql -c "INSERT INTO pay VALUES (7000, 1)"
sql -c "INSERT INTO pay VALUES (7001, 1)"
as_server "$PGBIN/pg_ctl" -D "$PAYSAFE_RUN/data" -m immediate -w stop >/dev/null
server_start
until_is "what was not sealed at a crash is sealed after it, without another commit" 0 sql -c "SELECT rows_waiting FROM paysafe.seal_status"
is "... once" all "$(sealed)"

# idle: no sealer, nothing consumed
until_is "without work it leaves" 0 running
# quiet: was nothing written for a while?  Autovacuum, or a checkpoint, may come between
quiet() {
	local before
	before=$(psql -qXAt -d postgres -c "SELECT pg_current_wal_insert_lsn(), txid_current_snapshot()")
	sleep 1.5
	[ "$before" != "$(psql -qXAt -d postgres -c "SELECT pg_current_wal_insert_lsn(), txid_current_snapshot()")" ] || echo t
}
until_is "... and nothing is written meanwhile" t quiet

# rows of transactions beyond 2^32
as_server "$PGBIN/pg_ctl" -D "$PAYSAFE_RUN/data" -m fast -w stop >/dev/null
as_server "$PGBIN/pg_resetwal" -e 1 "$PAYSAFE_RUN/data" >/dev/null
server_start
sql -c "INSERT INTO pay VALUES (8000, 1)"
is "wraparound: transaction numbers have 64 bits" t "$(sql -c "SELECT max(xid)::text::numeric > 4294967296 FROM paysafe.audit_row")"
is "... and are sealed" "t|all" "$(wait_sealed)|$(sealed)"

# more databases than there are processes: they take turns, and refusals are written
sed -i "s/^max_worker_processes = .*/max_worker_processes = 8/" "$PAYSAFE_RUN/data/postgresql.conf"
server_restart
for i in 1 2 3 4 5 6; do
	psql -qX -d postgres -c "CREATE DATABASE turn$i"
	sql -d turn$i -f schema.sql >/dev/null
done
# as long as it is open nothing can be sealed anywhere: no sealer leaves because it has done its work
psql -qX -d postgres -c "CREATE TABLE held (i int)" -c BEGIN -c "INSERT INTO held VALUES (1)" -c "PREPARE TRANSACTION 'hold'"
for i in 1 2 3 4 5 6; do sql -d turn$i -c "INSERT INTO pay VALUES (1, 1)"; done
most=0
: >"$OUT/turns"
# which of them have had a sealer by now
turns() {
	local n
	n=$(psql -qXAt -d postgres -c "SELECT datname FROM pg_stat_activity WHERE backend_type = 'paysafe sealer'" | tee -a "$OUT/turns" | wc -l)
	[ "$n" -le $most ] || most=$n
	grep '^turn' "$OUT/turns" | sort -u | paste -sd ' '
}
for ((i = 0; i < 1200; i++)); do
	turns >"$OUT/turn"
	[ "$(<"$OUT/turn")" != "turn1 turn2 turn3 turn4 turn5 turn6" ] || break
	sleep 0.05
done
is "six databases have something to seal, and each has its turn" "turn1 turn2 turn3 turn4 turn5 turn6" "$(<"$OUT/turn")"
sql -d turn3 -c "DELETE FROM paysafe.rule" 2>/dev/null || :
until_is "... refusals are written meanwhile" t psql -qXAt -d turn3 -c "SELECT count(*) > 0 FROM paysafe.refusal_log"
for ((i = 0; i < 40; i++)); do turns >/dev/null; done
# beside two others that are leaving
is "... by two processes of eight" t "$([ $most -le 4 ] && echo t || echo "$most")"
psql -qX -d postgres -c "ROLLBACK PREPARED 'hold'" -c "DROP TABLE held"
waited=
for i in 1 2 3 4 5 6; do waited+=$(sql -d turn$i -c "SELECT paysafe.wait_sealed('3 min')"); done
is "... and then each is sealed" tttttt "$waited"

# DROP EXTENSION, where nothing guards it
sed -i "/^shared_preload_libraries/d" "$PAYSAFE_RUN/data/postgresql.conf"
server_restart
is "without the library nobody waits in vain" 55000 \
	"$(psql -qXAt -v VERBOSITY=sqlstate -c "INSERT INTO pay VALUES (9000, 1)" -c "SELECT paysafe.wait_sealed('1 s')" 2>&1 | sed -n 's/.*ERROR:  //p')"
is "... and paysafe.seal() seals" "2|all" "$(sql -c "SELECT paysafe.seal()")|$(sealed)"
server_remove
