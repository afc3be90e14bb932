# What breaks other ledgers: ../shared research calls them pitfalls.  On a server of its
# own, where the sealer runs.

server_beside pit "shared_preload_libraries = 'paysafe'" "max_connections = 60" "max_worker_processes = 16" \
	"paysafe.seal_interval = 100ms" "wal_level = logical"
database pit

# 1, 2: late committers, 16 writers that sleep in the middle, some of them after a
# savepoint that they give up
cat >"$OUT/late.sql" <<'SQL'
\set id random(1, 100000000)
\set pause random(0, 10000)
\set kind random(1, 8)
BEGIN;
INSERT INTO late VALUES (:id, 1) ON CONFLICT DO NOTHING;
\if :kind = 1
SAVEPOINT a;
INSERT INTO late VALUES (:id + 1, 1) ON CONFLICT DO NOTHING;
ROLLBACK TO a;
\elif :kind = 2
SAVEPOINT a;
INSERT INTO late VALUES (:id + 200000000, 1) ON CONFLICT DO NOTHING;
RELEASE a;
\endif
\sleep :pause us
INSERT INTO late VALUES (-:id, 1) ON CONFLICT DO NOTHING;
\if :kind = 3
ROLLBACK;
\else
COMMIT;
\endif
SQL
sql -c "CREATE TABLE late (id bigint PRIMARY KEY, n int)" -c "SELECT paysafe.audit('late')" >/dev/null
"$PGBIN/pgbench" -n -c 16 -j 2 -t $((WRITES / 16)) -f "$OUT/late.sql" pit >"$OUT/late.log" 2>&1
is "late committers: wait_sealed comes back" t "$(wait_sealed)"
is "late committers: no row is missed, none is sealed twice" all "$(sealed)"
is "late committers: there were enough of them" t \
	"$(sql -c "SELECT count(*) > 1.5 * $WRITES FROM paysafe.audit_row")"
is "late committers: sealed while they wrote" t \
	"$(sql -c "SELECT count(DISTINCT sealed_at) > 10 FROM paysafe.seal_transaction")"
is "no gap in the numbers of a transaction, whatever was rolled back in it" 0 \
	"$(sql -c "SELECT count(*) FROM paysafe.seal_transaction WHERE irregular")"

# 3: what holds sealing back, and who is named; other writers of the database go on
session() { psql -qXAt -d "$1" -c "$2" >/dev/null 2>&1 & }
held() { sql -c "SELECT rows_waiting > 0, held_back_by_pid IS NOT NULL, held_back_by_prepared, held_back_in_database FROM paysafe.seal_status"; }
psql -qX -d postgres -c "CREATE DATABASE elsewhere" -d postgres
psql -qX -d elsewhere -c "CREATE TABLE x (i int)"
session elsewhere "BEGIN; INSERT INTO x VALUES (1); SELECT pg_sleep(600)"
until_is "a writer in another database has begun" 1 \
	sql -c "SELECT count(*) FROM pg_stat_activity WHERE datname = 'elsewhere' AND backend_xid IS NOT NULL AND query LIKE '%pg_sleep%'"
sql -c "INSERT INTO pay VALUES (1, 1)"
is "a writer in another database holds sealing back, and is named" "t|t||elsewhere" "$(held)"
is "... wait_sealed says so" f "$(sql -c "SELECT paysafe.wait_sealed('100 milliseconds')")"
psql -qXAt -d postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'elsewhere' AND backend_xid IS NOT NULL" >/dev/null
until_is "... and when it ends, the rows are sealed" 0 sql -c "SELECT rows_waiting FROM paysafe.seal_status"
sql -c "BEGIN" -c "INSERT INTO pay VALUES (2, 1)" -c "PREPARE TRANSACTION 'forgotten'"
sql -c "INSERT INTO pay VALUES (3, 1)"
is "a prepared transaction holds sealing back, and is named" "t|f|forgotten|pit" "$(held)"
sql -c "COMMIT PREPARED 'forgotten'"
until_is "a prepared transaction is sealed when it is committed" 0 sql -c "SELECT rows_waiting FROM paysafe.seal_status"
session pit "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pay; SELECT pg_sleep(2)"
sql -c "INSERT INTO pay VALUES (4, 1)"
is "a long transaction that only reads does not hold it back" t "$(wait_sealed)"
is "everything is sealed once" all "$(sealed)"

# 4: the row's own xmin is that of a subtransaction, and is frozen away
part=$(sql -c "SELECT tableoid::regclass FROM paysafe.audit_row LIMIT 1")
sql -c "BEGIN" -c "INSERT INTO pay VALUES (10, 1)" -c "SAVEPOINT a" -c "INSERT INTO pay VALUES (11, 1)" -c "RELEASE a" -c "COMMIT"
sql -c "VACUUM (FREEZE) $part"
is "subtransactions and frozen rows are sealed with their transaction" "t|all" "$(wait_sealed)|$(sealed)"

# space of rows that were rolled back is not used again: the index of the log relies on it
sql -c "BEGIN" -c "INSERT INTO pay SELECT i, 1 FROM generate_series(20000, 30000) i" -c "ROLLBACK"
sql -c "INSERT INTO pay SELECT i, 1 FROM generate_series(40000, 42000) i"
is "rows after rolled back ones are sealed" t "$(wait_sealed)"
sql -c "VACUUM $part"
blocks=$(sql -c "SELECT pg_relation_size('$part') / 8192")
for i in 1 2 3 4 5 6 7 8; do sql -c "INSERT INTO pay VALUES ($((50000 + i)), 1)"; done
is "new rows stand at the end, not where others were rolled back" t \
	"$(sql -c "SELECT min((ctid::text::point)[0]) >= $blocks - 1 FROM $part WHERE key LIKE '5000_'")"
is "... and are found there" "t|all" "$(wait_sealed)|$(sealed)"

# 17: two sealers
sql -c "INSERT INTO pay SELECT i, 1 FROM generate_series(60000, 70000) i"
for i in 1 2 3 4; do session pit "SELECT paysafe.seal()"; sessions+=($!); done
wait "${sessions[@]}" || :
is "several sealers at once: one at a time" "t|all" "$(wait_sealed)|$(sealed)"

# 19: a caller that wants its change sealed before it answers
interval() {
	echo "paysafe.seal_interval = $1" >>"$PAYSAFE_RUN/data/postgresql.conf"
	sql -c "SELECT pg_reload_conf()" >/dev/null
	until_is "the interval is $1" "$1" sql -c "SHOW paysafe.seal_interval"
}
interval 1min
for i in 1 2 3; do sql -c "INSERT INTO pay VALUES ($((71000 + i)), 1)"; done
begun=$(date +%s%N)
is "wait_sealed does not wait for the interval" t "$(sql -c "INSERT INTO pay VALUES (71010, 1)" -c "SELECT paysafe.wait_sealed('3 min')")"
is "... but a moment" t "$( (($(date +%s%N) - begun < 50000000000)) && echo t)"
is "wait_sealed within the transaction is refused" 25001 \
	"$(psql -qXAt -v VERBOSITY=sqlstate -c "BEGIN" -c "INSERT INTO pay VALUES (71011, 1)" -c "SELECT paysafe.wait_sealed()" 2>&1 | sed -n 's/.*ERROR:  //p')"
interval 100ms

# 8, 9: the leaf does not depend on settings or OIDs
is "hashes do not depend on settings" t "$(sql -c "SET datestyle = 'German'" -c "SET timezone = 'Asia/Tokyo'" -c "SET bytea_output = 'escape'" \
	-c "SET extra_float_digits = 0" -c "SELECT bool_and(ok) FROM paysafe.verify()")"

# 10, 11: a field cannot flow into the next; every column counts
is "no two rows have one leaf" 0 "$(sql -c "SELECT count(*) FROM (SELECT 1 FROM paysafe.audit_row r, LATERAL (SELECT digest FROM paysafe.audit_shape a WHERE a.id = r.shape LIMIT 1) s GROUP BY paysafe.audit_leaf_hash(r, s.digest) HAVING count(*) > 1) x")"

# 21: nothing is proven of an empty tree
is "proofs of an empty tree are refused" "22023 22023 22023" "$(for call in "inclusion_proof(0::bigint, NULL, 0::bigint)" \
	"consistency_proof(0)" "consistency_proof(1, 0)"; do
	psql -qXAt -v VERBOSITY=sqlstate -c "SELECT paysafe.$call" 2>&1 | sed -n 's/.*ERROR:  //p'; done | xargs)"

# refusals, rules and windows are leaves
psql -qX -c "SELECT paysafe.protect_append_only('pay')" >/dev/null
psql -qX -c "DELETE FROM pay WHERE id = 1" 2>/dev/null || :
until_is "refusals are in the audit log" t sql -c "SELECT count(*) > 0 FROM paysafe.audit_log WHERE table_name = 'refusal_record'"
until_is "... once each" t sql -c "SELECT (SELECT count(*) FROM paysafe.audit_log WHERE table_name = 'refusal_record') = (SELECT count(*) FROM paysafe.refusal_record)"
is "... and sealed, as rules are" "t|all" "$(wait_sealed)|$(sealed)"
server_remove
