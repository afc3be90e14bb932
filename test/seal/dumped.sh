# A dump, restored into a new cluster, is no log that anybody has agreed to: nothing is
# signed, wherever it is to be published, until two people begin a new one.  What that
# says of the old log is what is known of it outside, not what the dump has.
# shellcheck shell=bash

old_log() { find "$first" -type f -exec sha256sum {} + | sort; }

publish_server source
database dumped
sql -c "INSERT INTO pay SELECT g, g FROM generate_series(1, 300) g"
make_key
is "it is published" t "$(published)"
pg_dump -Fc -f "$OUT/dumped.dump" dumped
sql -c "INSERT INTO pay SELECT g, g FROM generate_series(1001, 1300) g"
is "and goes on, when the dump has been made" t "$(published)"
first=$log old_origin=$origin old_verifier=$verifier
cp "$log/checkpoint" "$OUT/last"
size=$(sed -n 2p "$OUT/last")
row=$(sql -c "SELECT xid FROM paysafe.audit_log WHERE key = '42' LIMIT 1")
old_log >"$OUT/files"
server_remove

# restored PLACE [setting ...]: the dump in a new cluster
restored() {
	PAYSAFE_RUN=$tree
	server_use
	hash -r
	server_beside "$1" "shared_preload_libraries = 'paysafe'" "max_worker_processes = 16" "paysafe.seal_interval = 50ms" \
		"paysafe.seal_key_file = '$keys'" "paysafe.publish_interval = 1s" "${@:2}"
	export PGDATABASE=dumped
	psql -qX -d postgres -c "CREATE DATABASE dumped"
	pg_restore --exit-on-error -d dumped "$OUT/dumped.dump"
	sql -c "INSERT INTO pay VALUES (2000, 1)"
}
# what the first leaf says
opening() { sql -c "SELECT encode(leaf, 'escape') FROM paysafe.seal_entries(0, 1)"; }
# begun: the new log's first leaf has the checkpoint of the file
begun() {
	is "two people begin a new log" "${origin%/*}/3" "$(open_log 'the disks are gone')"
	matches "... whose first leaf has the last checkpoint that is known of the old one" "$(sed -n 3p "$1" | sed 's/[+/=]/./g')" "$(opening)"
	matches "... its name" "$(sed 's/[.]/[.]/g' <<<"$old_origin")" "$(opening)"
	matches "... and why" "the disks are gone" "$(opening)"
	make_key
	reload
	is "... it is published under its own key" t "$(published)"
	until_said "... check() is content" '^good$'
	is "... it verifies" good "$(verified --key "$verifier")"
	is "... all three do in the database" "1 t,2 t,3 t" "$(sql -c "SELECT string_agg(incarnation || ' ' || left(ok::text, 1), ',' ORDER BY incarnation) FROM paysafe.verify()")"
}
refuses() {
	until_is "$1: the publisher refuses" 1 refused
	is "... by check(), since nobody has agreed to the log" \
		"refused: this log was begun when the database had been restored, and nobody has agreed to it" "$(said)"
	is "... also if somebody waits for it" f "$(published '3 s')"
	until_is "... it is on record, once" 1 sql -c "SELECT count(*) FROM paysafe.refusal_log WHERE rule = 'publisher'"
	is "... and no checkpoint is signed" 0 "$(sql -c "SELECT count(*) FROM paysafe.seal_checkpoint WHERE incarnation > 1")"
}

# to the folder of before
restored again "paysafe.publish_folder = '$web'"
is "restored, sealing goes on" "t|2" "$(wait_sealed)|$(sql -c "SELECT max(incarnation) FROM paysafe.seal_log")"
make_key
reload
refuses "to the old folder"
is "... the old log stays as it was" "" "$(old_log | diff "$OUT/files" -)"
is "... and nothing is there of the new one" 0 "$(find "$log" -name checkpoint 2>/dev/null | wc -l)"
begun "$OUT/last"
is "... the old log stays as it was" "" "$(old_log | diff "$OUT/files" -)"
is "what the dump had of the old log is proven by it" 1 "$(sql -c "SELECT paysafe.proof('$row', 1)" >"$OUT/row.proof" &&
	paysafe-verify --key "$old_verifier" --proof "$OUT/row.proof" | grep -c "of $(sql -c "SELECT max(size) FROM paysafe.seal_checkpoint WHERE incarnation = 1") in \"$old_origin\"")"
is "... as what is in the new one is by that" 1 "$(sql -c "INSERT INTO pay VALUES (2001, 1)" && published >/dev/null &&
	sql -c "SELECT paysafe.proof(xid, seq) FROM paysafe.audit_log WHERE key = '2001'" >"$OUT/row.proof" &&
	paysafe-verify --key "$verifier" --proof "$OUT/row.proof" | grep -c "in \"$origin\"")"
server_remove

# to a new folder, where a command knows the old log
rm -rf "$tree/new.web"
mkdir "$tree/new.web"
chown "$SERVER_USER" "$tree/new.web"
printf '%s\n' '#!/bin/sh' "cat \"$web/\$PAYSAFE_ORIGIN/checkpoint\" 2>/dev/null || :" >"$tree/known"
chmod 755 "$tree/known"
web=$tree/new.web
restored elsewhere "paysafe.publish_folder = '$web'" "paysafe.published_command = '$tree/known'"
is "restored, sealing goes on there, too" "t|2" "$(wait_sealed)|$(sql -c "SELECT max(incarnation) FROM paysafe.seal_log")"
make_key
reload
refuses "to a new folder"
begun "$OUT/last"
server_remove

# where nobody outside is asked, what came with the dump is what is known
restored nowhere
is "restored, sealing goes on without a place to publish to" "t|2" "$(wait_sealed)|$(sql -c "SELECT max(incarnation) FROM paysafe.seal_log")"
make_key
reload
refuses "to nowhere"
sql -c "SELECT note FROM paysafe.seal_checkpoint ORDER BY incarnation, size DESC LIMIT 1" >"$OUT/known"
is "the dump has an older checkpoint than the folder" t "$([ "$(sed -n 2p "$OUT/known")" -lt "$size" ] && echo t)"
is "two people begin a new log" "${origin%/*}/3" "$(open_log 'the disks are gone')"
matches "... whose first leaf has the checkpoint that came with the dump" "$(sed -n 3p "$OUT/known" | sed 's/[+/=]/./g')" "$(opening)"
server_remove
PAYSAFE_RUN=$tree
server_use
