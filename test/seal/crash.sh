# Crashes under load: of the sealer, of a writer, of the server.  After each, every row
# that is there is sealed, once, and what was proven of the tree before still holds.

server_beside crash "shared_preload_libraries = 'paysafe'" "fsync = on" "restart_after_crash = on" \
	"max_worker_processes = 16" "paysafe.seal_interval = 20ms" "wal_level = replica"
database crash
cat >"$OUT/crash.sql" <<'SQL'
\set id random(1, 1000000000)
BEGIN;
INSERT INTO pay VALUES (:id, 1) ON CONFLICT DO NOTHING;
INSERT INTO pay VALUES (-:id, 1) ON CONFLICT DO NOTHING;
COMMIT;
SQL
touch "$OUT/running"
load() {
	while [ -e "$OUT/running" ]; do
		"$PGBIN/pgbench" -n -c 4 -j 1 -T 600 -f "$OUT/crash.sql" crash >/dev/null 2>&1 || :
		sleep 0.05
	done
}
load &
loading=$!
: >"$OUT/roots"
for ((round = 1; round <= ROUNDS; round++)); do
	sleep "0.$((RANDOM % 6 + 3))"
	# what the tree was, as a checkpoint would say
	sql -c "SELECT size, encode(root, 'hex') FROM paysafe.seal_state" >>"$OUT/roots" 2>/dev/null || :
	case $((round % 3)) in
		0)
			as_server "$PGBIN/pg_ctl" -D "$PAYSAFE_RUN/data" -m immediate -w stop >/dev/null
			server_start ;;
		*)
			kind="paysafe sealer"
			[ $((round % 3)) -eq 1 ] || kind="client backend"
			pid=$(psql -qXAt -d postgres -c "SELECT pid FROM pg_stat_activity WHERE datname = 'crash' AND backend_type = '$kind' LIMIT 1" 2>/dev/null) || pid=
			[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || : ;;
	esac
	for ((i = 0; i < 600; i++)); do
		! sql -c "SELECT 1" >/dev/null 2>&1 || break
		sleep 0.05
	done
done
rm "$OUT/running"
psql -qXAt -d postgres -c "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'pgbench'" >/dev/null
wait $loading || :
is "$ROUNDS crashes: sealing goes on" t "$(wait_sealed)"
is "$ROUNDS crashes: no committed row is unsealed, none is sealed twice" all "$(sealed)"
is "$ROUNDS crashes: there was something to seal" t "$(sql -c "SELECT count(*) > 200 FROM paysafe.audit_row")"
lost=0
while IFS='|' read -r size root; do
	[ "$(sql -c "SELECT encode(old_root, 'hex') FROM paysafe.consistency_proof($size)")" = "$root" ] || lost=$((lost + 1))
done <"$OUT/roots"
is "$ROUNDS crashes: every root that was seen is that of a beginning of the tree" 0 $lost
is "... and some were seen" t "$( [ -s "$OUT/roots" ] && echo t)"
server_remove
