# When history is lost: a database that is older than what was published signs nothing,
# until two people begin a new log.  Restored files, a standby that had not received the
# end.  Of dumps: dumped.sh.

publish_server old
database old
sql -c "INSERT INTO pay SELECT g, g FROM generate_series(1, 300) g"
sql -c "SELECT paysafe.wait_sealed('3 min')" >/dev/null
make_key
is "it is published" t "$(published)"
stop
as_server cp -R "$PAYSAFE_RUN/data" "$PAYSAFE_RUN/backup" 2>/dev/null || { cp -R "$PAYSAFE_RUN/data" "$PAYSAFE_RUN/backup"; chown -R "$SERVER_USER" "$PAYSAFE_RUN/backup"; }
server_start
sql -c "INSERT INTO pay SELECT g, g FROM generate_series(1001, 1300) g"
is "and goes on" t "$(published)"
cp "$log/checkpoint" "$OUT/last"
find "$log" -type f -exec sha256sum {} + | sort >"$OUT/files"

# the files of before
stop
mv "$PAYSAFE_RUN/data" "$PAYSAFE_RUN/lost"
mv "$PAYSAFE_RUN/backup" "$PAYSAFE_RUN/data"
server_start
until_is "restored, the publisher refuses" 1 refused
until_said "... check() says that the end is lost" 'refused: by file ".*/checkpoint" the log has had [0-9]+ leaves, more than there are here: its end is lost'
sleep 3
until_is "... it is on record, once, though its record makes the log grow" 1 sql -c "SELECT count(*) FROM paysafe.refusal_log WHERE rule = 'publisher'"
sql -c "INSERT INTO pay SELECT g, -g FROM generate_series(1001, 1900) g"
is "... nor when it has grown beyond what is known outside" f "$(published '3 s')"
until_said "... which has another past" 'the first [0-9]+ leaves of the log have been others'
is "what is outside has not changed" "" "$(find "$log" -type f -exec sha256sum {} + | sort | diff "$OUT/files" -)"
matches "one person does not begin a new log" 'needs the approval of a second person' "$(as ann "SELECT paysafe.open_log('restored')")"
is "... and approves nothing of his own" 0 "$(as ann "SELECT paysafe.propose('x'); SELECT paysafe.open_log('mine')" >/dev/null
	as ann "SELECT paysafe.approve('paysafe.maintenance_record', key, 'mine') FROM paysafe.pending_change WHERE rule = 'open_log'" >/dev/null 2>&1 || :
	as ann "SELECT paysafe.open_log('mine')" >/dev/null 2>&1 || :
	sql -c "SELECT count(*) FROM paysafe.seal_log WHERE incarnation > 1")"
is "two do" "${origin%/1}/2" "$(open_log 'restored from the backup of monday')"
is "... which has no key yet" f "$(published '3 s')"
first=$log before=$verifier
make_key
reload
is "... and with one of its own it is published" t "$(published)"
until_said "... check() is content" '^good$'
is "... and it verifies" good "$(verified --key "$verifier")"
matches "its first leaf has the reason, and the last checkpoint that is known of the old one" \
	"backup of monday" "$(sql -c "SELECT convert_from(leaf, 'UTF8') FROM paysafe.seal_entries(0, 1)" 2>/dev/null || sql -c "SELECT encode(leaf, 'escape') FROM paysafe.seal_entries(0, 1)")"
matches "... the one outside, not the one here" "$(sed -n 3p "$OUT/last" | sed 's/[+/=]/./g')" \
	"$(sql -c "SELECT encode(leaf, 'escape') FROM paysafe.seal_entries(0, 1)")"
is "... verify() finds nothing wrong with what is here" t "$(sql -c "SELECT bool_and(ok) FROM paysafe.verify()")"
is "... and whoever kept the last checkpoint is told that it is not here" 2 "$(paysafe-verify --key "$before" --key "$verifier" --checkpoint "$OUT/last" \
	--dbname "host=$PGHOST port=$PGPORT user=postgres dbname=old" >"$OUT/verify.log" 2>&1; echo $?)"
is "the old one stays as it was" "" "$(find "$first" -type f -exec sha256sum {} + | sort | diff "$OUT/files" -)"

# a place that has nothing is not taken for a new one
mv "$log/checkpoint" "$OUT/moved"
sql -c "INSERT INTO pay VALUES (9000, 1)"
is "a folder without what was published there" f "$(published '3 s')"
until_said "... is not the right one" 'has no checkpoint, and this log has been published'
: >"$log/checkpoint"
is "unless somebody says so, by an empty file" t "$(published)"
server_remove
PAYSAFE_RUN=$tree
server_use

# a standby that had not received the end
publish_server primary "wal_level = replica" "max_wal_senders = 4" "hot_standby = on"
database led
sql -c "INSERT INTO pay SELECT g, g FROM generate_series(1, 300) g"
sql -c "SELECT paysafe.wait_sealed('3 min')" >/dev/null
make_key
is "a primary publishes" t "$(published)"
primary=$PAYSAFE_RUN
mkdir -m 700 "$primary/standby" "$primary/sock2"
chown "$SERVER_USER" "$primary/standby" "$primary/sock2"
as_server "$PGBIN/pg_basebackup" -D "$primary/standby" -R -X stream -c fast -h "$PGHOST" -p "$PGPORT" -U postgres
printf '%s\n' "unix_socket_directories = '$primary/sock2'" "primary_conninfo = 'host=$primary/sock port=$PGPORT user=postgres'" >>"$primary/standby/postgresql.conf"
standby() { as_server "$PGBIN/pg_ctl" -D "$primary/standby" -l "$primary/standby/server.log" -w "$@" >/dev/null; }
standby start
until_is "a standby follows" 1 sql -c "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
setting "paysafe.publish_standbys = 1"
sql -c "INSERT INTO pay VALUES (1001, 1)"
is "what the standby has is published" t "$(published)"
# stopped while it listens: it can be told nothing
receiver=$(PGHOST=$primary/sock2 sql -d postgres -c "SELECT pid FROM pg_stat_wal_receiver")
kill -STOP "$receiver"
sql -c "INSERT INTO pay VALUES (1002, 1)"
is "what it does not have is not" f "$(published '3 s')"
until_said "... check() says for whom it waits" 'waiting: 1 standbys are to have what is signed, and 0 have it'
kill -CONT "$receiver"
is "... until it has it" t "$(published)"
setting "paysafe.publish_standbys = 0"
kill -STOP "$receiver"
sql -c "INSERT INTO pay SELECT g, g FROM generate_series(2001, 2300) g"
is "published without asking" t "$(published)"
cp "$log/checkpoint" "$OUT/last"
as_server "$PGBIN/pg_ctl" -D "$PAYSAFE_RUN/data" -m immediate -w stop >/dev/null
# not woken before that: it would still write what has reached it
server_kill "$receiver" || :
export PGHOST=$primary/sock2
until_is "the standby is there" 1 sql -d postgres -c "SELECT 1"
as_server "$PGBIN/pg_ctl" -D "$primary/standby" -w promote >/dev/null
sql -c "INSERT INTO pay SELECT g, -g FROM generate_series(2001, 2100) g"
is "promoted, it signs nothing" f "$(published '4 s')"
until_said "... since it lacks what was published" 'its end is lost|have been others'
is "... and what is outside has not changed" "" "$(diff "$OUT/last" "$log/checkpoint")"
as_server "$PGBIN/pg_ctl" -D "$primary/standby" -m immediate -w stop >/dev/null
export PGHOST=$primary/sock
PAYSAFE_RUN=$primary
server_remove
