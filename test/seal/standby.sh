# A standby proves, verifies and shows all that is sealed, and writes, signs and publishes
# nothing; promoted, it goes on with the log, and with its publication.

publish_server leader "wal_level = replica" "max_wal_senders = 4" "hot_standby = on"
leader=$PAYSAFE_RUN
database shop
sql -c "INSERT INTO pay SELECT g, g FROM generate_series(1, 2000) g" \
	-c "BEGIN; SELECT paysafe.act_as('ann', request_id => 'r-1', business_id => 'b-1'); UPDATE pay SET amount = 5 WHERE id = 42; COMMIT" >/dev/null
make_key
is "it is published" t "$(published)"
sql -c "SELECT paysafe.index_audit()" >/dev/null
mkdir -p "$leader/follower"
chmod 711 "$leader/follower"
mkdir -m 700 "$leader/follower/sock"
chown "$SERVER_USER" "$leader/follower" "$leader/follower/sock"
as_server "$PGBIN/pg_basebackup" -h "$PGHOST" -p "$PGPORT" -U postgres -D "$leader/follower/data" -R -X stream -c fast
ln -s "$tree/root" "$leader/follower/root"
cp "$tree/pg_config" "$leader/follower/pg_config"
echo "unix_socket_directories = '$leader/follower/sock'" >>"$leader/follower/data/postgresql.conf"
# here: FOLDER: the server that is spoken to
here() {
	PAYSAFE_RUN=$1
	server_use
	export PGDATABASE=shop
}
here "$leader/follower"
server_start
here "$leader"
sql -c "BEGIN; SELECT paysafe.act_as('bob', request_id => 'r-2', business_id => 'b-1'); UPDATE pay SET amount = 6 WHERE id = 42; COMMIT" >/dev/null
is "it goes on" t "$(published)"
xid=$(sql -c "SELECT xid FROM paysafe.audit_log WHERE request_id = 'r-2'")
size=$(sql -c "SELECT size FROM paysafe.seal_state")
caught_up() { sql -d postgres -c "SELECT bool_and(replay_lsn >= pg_current_wal_flush_lsn()) FROM pg_stat_replication"; }
until_is "the standby follows" t caught_up

# each question, asked of both: the answers are the same
questions=(
	"verify|SELECT incarnation, leaves, root, ok, finding FROM paysafe.verify()"
	"verify some leaves|SELECT * FROM paysafe.verify(100, 900)"
	"a leaf's proof|SELECT * FROM paysafe.inclusion_proof(77::bigint)"
	"a row's proof|SELECT * FROM paysafe.inclusion_proof('$xid', 1)"
	"that the log goes on|SELECT * FROM paysafe.consistency_proof(500, $size)"
	"a transaction's proof|SELECT * FROM paysafe.transaction_proof('$xid')"
	"entries|SELECT count(leaf), count(payload), sha256(string_agg(leaf || payload, '' ORDER BY index)) FROM paysafe.seal_entries(0, $size)"
	"a row's history|SELECT op, at, actor, before, after FROM paysafe.history('pay', '42')"
	"by actor|SELECT count(*), max(key) FROM paysafe.history_of_actor('ann')"
	"by request|SELECT count(*), max(key) FROM paysafe.history_of_request('r-2')"
	"by business id|SELECT count(*), max(key) FROM paysafe.history_of_business_id('b-1')"
	"the log of a period|SELECT count(*), max(at) FROM paysafe.audit_log(now() - interval '1 hour', now() + interval '1 hour')"
	"an export|SELECT md5(string_agg(line, '')) FROM paysafe.export_audit('2000-01-01', '2100-01-01') line"
	"... with proofs|SELECT md5(string_agg(line, '')) FROM paysafe.export_audit('2000-01-01', (SELECT max(at) FROM paysafe.audit_row WHERE xid < '$xid'), (SELECT note FROM paysafe.checkpoint ORDER BY size DESC LIMIT 1)) line"
	"how far it is sealed|SELECT incarnation, size, rows_waiting FROM paysafe.seal_status"
	"checkpoints|SELECT incarnation, size, note, published FROM paysafe.checkpoint ORDER BY size"
	"a proof as a file|SELECT paysafe.proof('$xid', 1)"
	"one file for a row|SELECT paysafe.evidence('pay', '42')"
	"what check() says of seal|SELECT check_name, ok, detail FROM paysafe.check() WHERE subject = 'seal' AND check_name <> 'sealer_runs' ORDER BY 1"
)
for question in "${questions[@]}"; do
	here "$leader"
	sql -c "${question#*|}" >"$OUT/leader.answer"
	# what has been written meanwhile, too
	for ((i = 0; i < 3600; i++)); do
		[ "$(caught_up)" != t ] || break
		sleep 0.05
	done
	here "$leader/follower"
	sql -c "${question#*|}" >"$OUT/follower.answer" 2>&1 || :
	is "a standby says the same: ${question%%|*}" "" "$(diff "$OUT/leader.answer" "$OUT/follower.answer")"
	is "... and says something" t "$([ -s "$OUT/follower.answer" ] && echo t)"
done
is "paysafe-verify reads it" 0 "$(paysafe-verify --key "$verifier" --checkpoint "$log/checkpoint" --dbname "host=$PGHOST port=$PGPORT user=postgres dbname=shop" >"$OUT/verify.log" 2>&1 || cat "$OUT/verify.log"; echo $?)"
is "check() answers, and finds nothing of it wrong" "" "$(sql -c "SELECT subject, check_name, detail FROM paysafe.check(true) WHERE NOT ok AND subject IN ('seal', 'vacuum', 'erasures', 'partitions')")"
for call in "seal()" "index_audit()" "open_log('x')" "extend_audit(40)"; do
	matches "a standby refuses $call" '(25006|55000)' "$(psql -qXAt -v VERBOSITY=verbose -c "SELECT paysafe.$call" 2>&1 | sed -n 's/.*ERROR:  \([0-9A-Z]*\):.*/\1/p')"
done
is "what is published is so there, too, for who waits for it" t "$(sql -c "SELECT paysafe.wait_published('1 min')")"
sleep 1.5
is "neither sealer nor publisher runs there" 0 "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'paysafe%'")"

# promoted without a loss: the log and its publication go on
here "$leader"
cp "$log/checkpoint" "$OUT/before"
stop
here "$leader/follower"
as_server "$PGBIN/pg_ctl" -D "$PAYSAFE_RUN/data" -w promote >/dev/null
sql -c "INSERT INTO pay VALUES (5000, 1)"
is "promoted, it seals and publishes" "t|all|1" "$(published)|$(sealed)|$(sql -c "SELECT max(incarnation) FROM paysafe.seal_log")"
is "... what goes on from what was published before" good "$(verified --key "$verifier" --checkpoint "$OUT/before")"
is "... and is larger" t "$([ "$(sed -n 2p "$log/checkpoint")" -gt "$(sed -n 2p "$OUT/before")" ] && echo t)"
until_said "... check() is content" '^good$'
is "... its index goes on, too" "3|true" "$(sql -c "UPDATE pay SET amount = 7 WHERE id = 42" -c "SELECT paysafe.index_audit()" >/dev/null
	sql -c "SELECT count(*) || '|' || bool_and(after ->> 'amount' IN ('42', '5', '6', '7')) FROM paysafe.history('pay', '42') WHERE op = 'UPDATE'")"
as_server "$PGBIN/pg_ctl" -D "$PAYSAFE_RUN/data" -m immediate -w stop >/dev/null
here "$leader"
server_remove
PAYSAFE_RUN=$tree
server_use
