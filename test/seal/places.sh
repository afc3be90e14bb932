# Where the log goes: into another cluster, a standby, a subscriber.

server_beside places "shared_preload_libraries = 'paysafe'" "max_worker_processes = 20" "paysafe.seal_interval = 100ms" \
	"wal_level = logical" "max_wal_senders = 10"
primary=$PAYSAFE_RUN
database places
sql -c "INSERT INTO pay SELECT i, 1 FROM generate_series(1, 2000) i"
# a transaction that is long enough to be noticed if its rows are not taken one after the other
sql -c "INSERT INTO pay SELECT i, 1 FROM generate_series(100001, 140000) i"
# numbers that the new cluster will reach only later
# use_up TO: transaction numbers, in this server
use_up() {
	sql -c "DO \$\$ BEGIN WHILE pg_current_xact_id()::text::bigint < $1 LOOP COMMIT; END LOOP; END \$\$"
}
use_up "$(($(sql -c "SELECT pg_current_xact_id()") + 5000))"
sql -c "DO \$\$ BEGIN FOR i IN 2001..2060 LOOP INSERT INTO pay VALUES (i, 1); COMMIT; END LOOP; END \$\$"
is "there is something to take along" "t|all" "$(wait_sealed)|$(sealed)"
leaf=$(sql -c "SELECT first + 30000 FROM paysafe.seal_transaction WHERE rows = 40000")
# blocks FROM TO: of files that are looked at for these leaves, each time that one is
blocks() {
	local hit read
	# not those of the catalogs, which a session reads once
	read -r hit read <<<"$(sql -c "SELECT FROM paysafe.seal_entries($leaf, $leaf + 1)" \
		-c "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT count(leaf) FROM paysafe.seal_entries($1, $2)" |
		sed -n 's/.*"Shared \(Hit\|Read\) Blocks": \([0-9]*\).*/\2/p' | head -n 2 | paste -sd ' ')"
	echo $((hit + read))
}
whole=$(blocks $((leaf - 30000)) $((leaf + 10000)))
few=$(blocks "$leaf" $((leaf + 100)))
steps=0
for ((i = 0; i < 40000; i += 5000)); do
	steps=$((steps + $(blocks $((leaf - 30000 + i)) $((leaf - 25000 + i)))))
done
is "a few leaves of a long transaction take a look at few of its blocks" t "$([ $((few * 5)) -lt "$whole" ] && echo t || echo "$few of $whole")"
is "... and all of them, in steps, at each about once" t "$([ $steps -lt $((whole * 2)) ] && echo t || echo "$steps, not $whole")"
is "... they are all there" "100 40000" "$(sql -c "SELECT (SELECT count(leaf) FROM paysafe.seal_entries($leaf, $leaf + 100)), (SELECT count(leaf) FROM paysafe.seal_entries($leaf - 30000, $leaf + 10000))" | tr '|' ' ')"
echo "# $few, $steps, $whole blocks"
root=$(sql -c "SELECT size, root FROM paysafe.seal_state")

# 5, 6: dump and restore into a new cluster, with rows that are not sealed yet, whose
# transaction numbers lie far in the future there
psql -qXAt -d postgres -c "CREATE DATABASE busy" >/dev/null
psql -qX -d busy -c "CREATE TABLE x (i int)"
psql -qXAt -d busy -c "BEGIN; INSERT INTO x VALUES (1); SELECT pg_sleep(600)" >/dev/null 2>&1 &
holder=$!
until_is "something holds sealing back" 1 sql -c "SELECT count(*) FROM pg_stat_activity WHERE datname = 'busy' AND backend_xid IS NOT NULL"
sql -c "INSERT INTO pay SELECT i, 1 FROM generate_series(3001, 3010) i"
is "some rows are not sealed" 10 "$(sql -c "SELECT rows_waiting FROM paysafe.seal_status")"
"$PGBIN/pg_dump" -Fc -f "$OUT/places.dump" places
psql -qXAt -d postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'busy' AND backend_xid IS NOT NULL" >/dev/null
wait $holder || :

PAYSAFE_RUN=$tree
server_use
hash -r
server_beside restored "shared_preload_libraries = 'paysafe'" "max_worker_processes = 20" "paysafe.seal_interval = 100ms"
export PGDATABASE=places
psql -qX -d postgres -c "CREATE DATABASE places"
"$PGBIN/pg_restore" -d places "$OUT/places.dump"
sleep 1.2
is "while a dump is restored, nothing is sealed" 1 "$(sql -c "SELECT max(incarnation) FROM paysafe.seal_log")"
is "restored: transaction numbers of the dump lie in the future" t \
	"$(sql -c "SELECT max(xid)::text::numeric > pg_snapshot_xmax(pg_current_snapshot())::text::numeric FROM paysafe.audit_row")"
sql -c "INSERT INTO pay VALUES (5001, 1)"
is "restored: sealing goes on, in a new incarnation" "t|2" "$(wait_sealed)|$(sql -c "SELECT max(incarnation) FROM paysafe.seal_log")"
is "restored: every row is a leaf once, of one incarnation or the other" all "$(sealed)"
is "restored: the new incarnation has what was not sealed" 10 \
	"$(sql -c "SELECT sum(t.rows) FROM paysafe.seal_transaction t WHERE t.incarnation = 2 AND xid IN (SELECT xid FROM paysafe.audit_row WHERE key LIKE '30__')")"
is "restored: the whole is verified in a time and in memory that grow with the number of rows only" "t|t" \
	"$(sql -c "SET statement_timeout = '90 s'" -c "SELECT bool_and(ok) FROM paysafe.verify()" \
		-c "SELECT substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') FROM 'VmHWM:\\s*(\\d+)')::int < 500000" | xargs | tr ' ' '|')"
is "restored: the old tree is what it was" "$root" \
	"$(sql -c "SELECT leaves, root FROM paysafe.verify() WHERE incarnation = 1")"
is "restored: its first leaf says why" t \
	"$(sql -c "SELECT reason ~ 'restored' FROM paysafe.seal_log WHERE incarnation = 2")"
# transactions of this server reach numbers that the dump has, too
last=$(sql -c "SELECT max(xid) FROM paysafe.audit_row")
cat >"$OUT/reach.sql" <<'SQL'
INSERT INTO pay SELECT max(id) + 1, 1 FROM pay;
SQL
use_up $((last - 80))
"$PGBIN/pgbench" -n -c 1 -t 120 -f "$OUT/reach.sql" places >/dev/null 2>&1
is "restored: numbers that are there twice are told apart" "t|all" \
	"$(wait_sealed)|$(sql -c "SELECT coalesce(string_agg(finding, '; '), 'all') FROM paysafe.verify() WHERE NOT ok")"
is "... of which there are some" t "$(sql -c "SELECT count(*) > 5 FROM (SELECT 1 FROM paysafe.audit_row GROUP BY xid, seq HAVING count(*) > 1) x")"
is "... all rows of both" t "$(sql -c "SELECT (SELECT count(*) FROM paysafe.audit_row) = (SELECT sum(rows) FROM paysafe.seal_transaction)")"
server_remove

# rows of the old tree that are there twice, where nothing guards them
PAYSAFE_RUN=$tree
server_use
hash -r
export PGDATABASE=copied
psql -qX -d postgres -c "CREATE DATABASE copied"
"$PGBIN/pg_restore" -d copied "$OUT/places.dump"
sql -c "INSERT INTO pay VALUES (5001, 1)"
part=$(sql -c "SELECT tableoid::regclass FROM paysafe.audit_row WHERE key = '120000'")
copy="ALTER TABLE $part DISABLE TRIGGER ALL; INSERT INTO $part SELECT * FROM $part WHERE key = '120000'"
is "copied before the new tree begins: on record when it does, and named in both" \
	"row 20000: it is there twice: one of the two was inserted|t|t" \
	"$(sql -c "BEGIN; $copy; SELECT paysafe.seal() = 0" -c "SELECT 'row ' || seq || ': ' || finding FROM paysafe.seal_finding" \
		-c "SELECT finding ~ '^row 20000 of transaction [0-9]+ is there twice' FROM paysafe.verify()" -c ROLLBACK |
		sed 1d | paste -sd '|')"
sql -c "SELECT paysafe.seal()" >/dev/null
is "copied when it has begun: named in both" "t|t" \
	"$(sql -c "BEGIN; $copy; SELECT finding ~ '^row 20000 of transaction [0-9]+ is there twice' FROM paysafe.verify(); ROLLBACK" | paste -sd '|')"
psql -qX -d postgres -c "DROP DATABASE copied"

# data only, into a database with the schema
PAYSAFE_RUN=$primary
server_use
hash -r
export PGDATABASE=places
psql -qX -d postgres -c "CREATE DATABASE parts"
"$PGBIN/pg_restore" -d parts --section=pre-data "$OUT/places.dump"
"$PGBIN/pg_restore" -d parts --section=data "$OUT/places.dump"
"$PGBIN/pg_restore" -d parts --section=post-data "$OUT/places.dump"
sql -d parts -c "INSERT INTO pay VALUES (5001, 1)"
is "in parts: sealing goes on" t "$(sql -d parts -c "SELECT paysafe.wait_sealed('3 min')")"
is "in parts: the whole is sealed" t "$(sql -d parts -c "SELECT bool_and(ok) FROM paysafe.verify()")"
is "... and no row is left out" t "$(sql -d parts -c "SELECT (SELECT count(*) FROM paysafe.audit_row) = (SELECT sum(rows) FROM paysafe.seal_transaction)")"

# 15: a standby proves and verifies, and writes nothing
mkdir "$PAYSAFE_RUN/standby"
chmod 711 "$PAYSAFE_RUN/standby"
mkdir -m 700 "$PAYSAFE_RUN/standby/sock"
[ "$(id -u)" -ne 0 ] || chown "$SERVER_USER" "$PAYSAFE_RUN/standby" "$PAYSAFE_RUN/standby/sock"
is "what is there is sealed" t "$(wait_sealed)"
as_server "$PGBIN/pg_basebackup" -h "$PGHOST" -p "$PGPORT" -U postgres -D "$PAYSAFE_RUN/standby/data" -R -c fast >/dev/null
ln -s "$tree/root" "$PAYSAFE_RUN/standby/root"
cp "$tree/pg_config" "$PAYSAFE_RUN/standby/pg_config"
echo "unix_socket_directories = '$PAYSAFE_RUN/standby/sock'" >>"$PAYSAFE_RUN/standby/data/postgresql.conf"
PAYSAFE_RUN=$PAYSAFE_RUN/standby
server_use
hash -r
export PGDATABASE=places
server_start
is "a standby verifies" t "$(sql -c "SELECT bool_and(ok) FROM paysafe.verify()")"
is "a standby proves" t "$(sql -c "SELECT cardinality(path) > 0 FROM paysafe.inclusion_proof(5::bigint)")"
is "a standby seals nothing" 25006 "$(psql -qXAt -v VERBOSITY=sqlstate -c "SELECT paysafe.seal()" 2>&1 | sed -n 's/.*ERROR:  //p')"
is "a standby has no sealer" 0 "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'paysafe sealer'")"
as_server "$PGBIN/pg_ctl" -D "$PAYSAFE_RUN/data" -w promote >/dev/null
sql -c "INSERT INTO pay VALUES (6001, 1)"
is "promoted, it seals, in the same incarnation" "t|all|1" "$(wait_sealed)|$(sealed)|$(sql -c "SELECT max(incarnation) FROM paysafe.seal_log")"
server_remove
PAYSAFE_RUN=$primary
server_use
hash -r

# 16: a subscriber has a log of its own
psql -qX -d postgres -c "CREATE DATABASE subscriber"
sql -d subscriber -f schema.sql >/dev/null
sql -d places -c "CREATE PUBLICATION pay FOR TABLE pay"
sql -d subscriber -c "SELECT paysafe.seal()" >/dev/null
sql -d places -c "SELECT pg_create_logical_replication_slot('pay', 'pgoutput')" >/dev/null
sql -d subscriber -c "CREATE SUBSCRIPTION pay CONNECTION 'host=$PGHOST port=$PGPORT user=postgres dbname=places' PUBLICATION pay
	WITH (create_slot = false, slot_name = 'pay', copy_data = false)" 2>/dev/null
sql -d places -c "INSERT INTO pay VALUES (7001, 1)"
until_is "a change comes to the subscriber" 1 sql -d subscriber -c "SELECT count(*) FROM pay WHERE id = 7001"
is "... which seals it in a log of its own" "t|t" \
	"$(sql -d subscriber -c "SELECT paysafe.wait_sealed('3 min')" -c "SELECT bool_and(ok) FROM paysafe.verify()" | xargs | tr ' ' '|')"
is "... under a name of its own" t \
	"$(sql -d subscriber -c "SELECT origin LIKE '%/subscriber/1' FROM paysafe.seal_log")"
server_remove
