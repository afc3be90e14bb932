# Much that waits: it is sealed in pieces, which are there after a crash.

server_beside backlog "shared_preload_libraries = ''" "fsync = on"
database backlog
sql -c "INSERT INTO pay VALUES (0, 1)" -c "SELECT paysafe.seal()" >/dev/null
# 600,000 rows in 60 transactions, and one transaction that is longer than a piece
for ((i = 0; i < 6; i++)); do
	sql -c "DO \$\$ BEGIN FOR i IN 1..10 LOOP INSERT INTO pay SELECT $i * 1000000 + i * 10000 + g, 1 FROM generate_series(1, 10000) g; COMMIT; END LOOP; END \$\$" &
done
wait
sql -c "INSERT INTO pay SELECT 10000000 + g, 1 FROM generate_series(1, 300000) g"
is "a backlog" 900000 "$(sql -c "SELECT rows_waiting FROM paysafe.seal_status")"
server_restart "shared_preload_libraries = 'paysafe'"
begun=$(date +%s%N)
sql -c "INSERT INTO pay VALUES (-1, 1)"
some() { sql -c "SELECT count(*) > 1 AND max(sealed_at) IS NOT NULL FROM (SELECT DISTINCT sealed_at FROM paysafe.seal_transaction) t(sealed_at)"; }
until_is "a piece of it is sealed" t some
as_server "$PGBIN/pg_ctl" -D "$PAYSAFE_RUN/data" -m immediate -w stop >/dev/null
server_start
is "... and is there after a crash" t "$(some)"
until_is "the rest follows" 0 sql -c "SELECT rows_waiting FROM paysafe.seal_status"
is "in pieces of a quarter of a million rows, and a transaction that is longer" "t|t" \
	"$(sql -c "SELECT count(*) BETWEEN 4 AND 7, max(n) BETWEEN 300000 AND 550000 FROM (SELECT sum(rows) AS n FROM paysafe.seal_transaction GROUP BY sealed_at) p")"
is "each row once" all "$(sealed)"
echo "# 900,000 rows that wait took $((($(date +%s%N) - begun) / 1000000)) ms, with a crash"
server_remove
