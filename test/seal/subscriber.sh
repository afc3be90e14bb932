# Rows that logical replication brings: those of the shop's tables are recorded and sealed
# in a log of the subscriber's own; those of another database's audit log do not become
# part of a log that has begun.

server_beside subscriber "shared_preload_libraries = 'paysafe'" "max_worker_processes = 20" "paysafe.seal_interval = 50ms" \
	"wal_level = logical" "max_wal_senders = 10" "max_replication_slots = 10" "wal_receiver_status_interval = 1s"
database source
psql -qX -d postgres -c "CREATE DATABASE target"
sql -d target -f schema.sql >/dev/null
# numbers of the source's transactions, in the past and in the future of the target's
sql -c "INSERT INTO pay SELECT g, g FROM generate_series(1, 100) g" -c "SELECT paysafe.wait_sealed('3 min')" >/dev/null
sql -d target -c "INSERT INTO pay SELECT g, g FROM generate_series(-100, -1) g" -c "SELECT paysafe.wait_sealed('3 min')" >/dev/null
# subscribe NAME TABLES: disabled
subscribe() {
	sql -c "CREATE PUBLICATION $1 FOR TABLE $2" -c "SELECT pg_create_logical_replication_slot('$1', 'pgoutput')" >/dev/null
	sql -d target -c "CREATE SUBSCRIPTION $1 CONNECTION 'host=$PGHOST port=$PGPORT user=postgres dbname=source' PUBLICATION $1
		WITH (create_slot = false, slot_name = '$1', enabled = false, copy_data = false)" 2>/dev/null
	sql -d target -c "ALTER SUBSCRIPTION $1 REFRESH PUBLICATION WITH (copy_data = false)" 2>/dev/null || :
}

# tables of the shop
subscribe pay pay
sql -d target -c "ALTER SUBSCRIPTION pay ENABLE" -c "ALTER SUBSCRIPTION pay REFRESH PUBLICATION WITH (copy_data = false)"
sql -c "INSERT INTO pay VALUES (201, 1)" -c "UPDATE pay SET amount = 2 WHERE id = 201"
until_is "a change comes" 2 sql -d target -c "SELECT amount FROM pay WHERE id = 201"
is "it is recorded, with where it comes from" "INSERT t,UPDATE t" "$(sql -d target -c "SELECT string_agg(op || ' ' || left((replication_origin IS NOT NULL)::text, 1), ',' ORDER BY xid) FROM paysafe.audit_log WHERE key = '201'")"
is "... and sealed here" "t|all" "$(sql -d target -c "SELECT paysafe.wait_sealed('3 min')")|$(PGDATABASE=target sealed)"
is "... in a log of its own" "t" "$(sql -d target -c "SELECT origin LIKE '%/target/1' FROM paysafe.seal_log")"
is "... which proves it" 2 "$(sql -d target -c "SELECT count(*) FROM paysafe.audit_row r, LATERAL (SELECT digest FROM paysafe.audit_shape a WHERE a.id = r.shape LIMIT 1) s, paysafe.inclusion_proof(r.xid, r.seq) p WHERE r.key = '201' AND p.leaf_hash = paysafe.audit_leaf_hash(r, s.digest)")"

# another log's rows, without trust
subscribe log paysafe.audit_row
sql -d target -c "ALTER SUBSCRIPTION log ENABLE"
sql -c "INSERT INTO pay VALUES (301, 1)"
until_is "rows of another audit log are refused" t sql -d target -c "SELECT apply_error_count > 0 FROM pg_stat_subscription_stats WHERE subname = 'log'"
is "... and nothing of them is there" 0 "$(sql -d target -c "SELECT count(*) FROM paysafe.audit_row r WHERE key = '301' AND NOT EXISTS (SELECT FROM paysafe.audit_log l WHERE l.xid = r.xid AND l.replication_origin IS NOT NULL)")"
sql -d target -c "ALTER SUBSCRIPTION log DISABLE"
# with it: the other log is not taken in, whatever its transactions' numbers; what it is about is recorded here
declare="SELECT paysafe.trust_subscription('log', '{paysafe.rule}', 'all that the source knows')"
sql -d target -c BEGIN -c "SELECT paysafe.act_as('ann'), paysafe.propose('why')" -c "$declare" -c COMMIT >/dev/null 2>&1
sql -d target -c BEGIN -c "SELECT paysafe.act_as('bob')" -c "SELECT paysafe.approve('paysafe.rule', key, 'looked at it') FROM paysafe.pending_change" -c COMMIT >/dev/null
sql -d target -c BEGIN -c "SELECT paysafe.act_as('ann')" -c "$declare" -c COMMIT >/dev/null
sql -d target -c "ALTER SUBSCRIPTION log ENABLE"
sql -c "INSERT INTO pay VALUES (302, 1)"
arrived() {
	sql -d target -c "SELECT bool_and(s.latest_end_lsn >= '$1') AND count(*) = 2 FROM pg_stat_subscription s WHERE s.pid IS NOT NULL"
}
until_is "trusted, the subscription comes to its end" t arrived "$(sql -c "SELECT pg_current_wal_lsn()")"
until_is "... as the shop's does" 1 sql -d target -c "SELECT count(*) FROM pay WHERE id = 302"
is "each change is recorded once, as it came here" "301 t,302 t" \
	"$(sql -d target -c "SELECT string_agg(key || ' ' || left((replication_origin IS NOT NULL)::text, 1), ',' ORDER BY key) FROM paysafe.audit_log WHERE key IN ('301', '302')")"
is "... and sealed in this database's log, which is as it was" "t|all|1" "$(sql -d target -c "SELECT paysafe.wait_sealed('3 min')")|$(PGDATABASE=target sealed)|$(sql -d target -c "SELECT max(incarnation) FROM paysafe.seal_log")"
for name in pay log; do
	sql -d target -c "ALTER SUBSCRIPTION $name DISABLE" -c "ALTER SUBSCRIPTION $name SET (slot_name = NONE)" -c "DROP SUBSCRIPTION $name"
done
server_remove
PAYSAFE_RUN=$tree
server_use
