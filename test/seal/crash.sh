# Crashes under load: of the sealer, of a writer, of the publisher, of the server.  After
# all of them every row that is there is sealed, once; what was proven of the tree before
# still holds; and each checkpoint that somebody outside has seen is of the log's beginning.

publish_server crash "fsync = on" "restart_after_crash = on" "wal_level = replica" "paysafe.seal_interval = 20ms"
database crash
sql -c "INSERT INTO pay VALUES (0, 1)" -c "SELECT paysafe.wait_sealed('3 min')" >/dev/null
make_key
is "it is published" t "$(published)"
cat >"$OUT/crash.sql" <<'SQL'
\set id random(1, 1000000000)
BEGIN;
INSERT INTO pay VALUES (:id, 1) ON CONFLICT DO NOTHING;
INSERT INTO pay VALUES (-:id, 1) ON CONFLICT DO NOTHING;
COMMIT;
SQL
touch "$OUT/running"
mkdir "$OUT/seen"
load() {
	while [ -e "$OUT/running" ]; do
		"$PGBIN/pgbench" -n -c 4 -j 1 -T 600 -f "$OUT/crash.sql" crash >/dev/null 2>&1 || :
		sleep 0.05
	done
}
# somebody outside, who keeps every checkpoint that the folder shows
watch() {
	while [ -e "$OUT/running" ]; do
		cp "$log/checkpoint" "$OUT/seen/now" 2>/dev/null && cp "$OUT/seen/now" "$OUT/seen/$(sed -n 2p "$OUT/seen/now")"
		sleep 0.1
	done
	rm -f "$OUT/seen/now"
}
load &
loading=$!
watch &
watching=$!
: >"$OUT/roots"
sealers=0 writers=0 publishers=0 servers=0
# kill_one BACKEND_TYPE: what is just starting, or has just ended, is waited for
kill_one() {
	local pid end=$((SECONDS + 180))
	while [ $SECONDS -lt $end ]; do
		pid=$(psql -qXAt -d postgres -c "SELECT pid FROM pg_stat_activity WHERE datname = 'crash' AND backend_type = '$1' LIMIT 1" 2>/dev/null) || pid=
		! server_kill "$pid" || return 0
		sleep 0.05
	done
	return 1
}
for ((round = 1; round <= ROUNDS; round++)); do
	sleep "0.$((RANDOM % 6 + 3))"
	# what the tree was, as a checkpoint would say
	sql -c "SELECT size, encode(root, 'hex') FROM paysafe.seal_state" >>"$OUT/roots" 2>/dev/null || :
	case $((round % 4)) in
		0)
			as_server "$PGBIN/pg_ctl" -D "$PAYSAFE_RUN/data" -m immediate -w stop >/dev/null
			server_start
			servers=$((servers + 1)) ;;
		1) ! kill_one "paysafe sealer" || sealers=$((sealers + 1)) ;;
		2) ! kill_one "client backend" || writers=$((writers + 1)) ;;
		3) ! kill_one "paysafe publisher" || publishers=$((publishers + 1)) ;;
	esac
	for ((i = 0; i < 3600; i++)); do
		! sql -c "SELECT 1" >/dev/null 2>&1 || break
		sleep 0.05
	done
done
# on a slow machine it takes a while
until_is "$ROUNDS crashes: there was something to seal" t sql -c "SELECT count(*) > 200 FROM paysafe.audit_row"
rm "$OUT/running"
# one that has just begun may not have connected yet
while kill -0 $loading 2>/dev/null; do
	psql -qXAt -d postgres -c "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'pgbench'" >/dev/null 2>&1 || :
	sleep 0.2
done
wait $loading || :
wait $watching || :
is "$ROUNDS crashes: of the sealer, of writers, of the publisher by kill -9, of the server by immediate shutdown" \
	"$(((ROUNDS + 3) / 4)) $(((ROUNDS + 2) / 4)) $(((ROUNDS + 1) / 4)) $((ROUNDS / 4))" "$sealers $writers $publishers $servers"
is "$ROUNDS crashes: sealing goes on" t "$(wait_sealed)"
is "$ROUNDS crashes: no committed row is unsealed, none is sealed twice" all "$(sealed)"
is "$ROUNDS crashes: publishing goes on" t "$(published)"
lost=0 proofs=0
while IFS='|' read -r size root; do
	[ "$(sql -c "SELECT encode(old_root, 'hex') FROM paysafe.consistency_proof($size)")" = "$root" ] || lost=$((lost + 1))
	proofs=$((proofs + 1))
done <"$OUT/roots"
is "$ROUNDS crashes: every root that was seen is that of a beginning of the tree" 0 $lost
is "... and some were seen" t "$( [ -s "$OUT/roots" ] && echo t)"
# each checkpoint that was outside: by a consistency proof of the server's, and by the leaves
lost=0 seen=()
for file in "$OUT"/seen/*; do
	[ "$(sql -c "SELECT encode(old_root, 'base64') FROM paysafe.consistency_proof($(sed -n 2p "$file"))")" = "$(sed -n 3p "$file")" ] || lost=$((lost + 1))
	seen+=(--checkpoint "$file")
	proofs=$((proofs + 1))
done
is "$ROUNDS crashes: every checkpoint that was published is of a beginning of the tree" 0 $lost
is "... and is stored as it was published" 0 "$(for file in "$OUT"/seen/*; do sed '/^— /d' "$file" | sha256sum; done | sort -u >"$OUT/outside"
	sql -c "SELECT encode(sha256(convert_to(regexp_replace(note, '— .*', ''), 'UTF8')), 'hex') || '  -' FROM paysafe.checkpoint" | sort -u | comm -23 "$OUT/outside" - | wc -l)"
is "... and so say the leaves" good "$(for ((i = 0; i < ${#seen[@]}; i += 50)); do verified --key "$verifier" "${seen[@]:i:50}"; done | sort -u)"
figures="; $ROUNDS crashes (sealer $sealers, writer $writers, publisher $publishers, server $servers): $(sql -c "SELECT (SELECT count(*) FROM paysafe.audit_row) || ' rows, ' ||
	(SELECT size FROM paysafe.seal_state) || ' leaves, ' || (SELECT count(*) FROM paysafe.checkpoint) || ' checkpoints signed'"), $((${#seen[@]} / 2)) seen outside, $proofs consistency proofs"
server_remove
