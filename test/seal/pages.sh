# Pages edited by hand, where no statement and no trigger is: the server is stopped, bytes
# of its files are changed, it is started again.  With checksums of pages that are computed
# anew, with checksums that are not, and without any.

# nothing else writes to files of which bytes are changed, and copies put back
publish_server pages "autovacuum = off"
database pages
sql -c "INSERT INTO pay SELECT g, g, 'many' FROM generate_series(1, 300) g" \
	-c "INSERT INTO pay VALUES (1001, 1, 'Marker-image')" -c "INSERT INTO pay VALUES (1002, 1, 'other')"
# a refusal, which is a leaf, too
sql -c "SELECT paysafe.protect_append_only('pay')" >/dev/null
psql -qXAt -c BEGIN -c "SELECT paysafe.act_as('Marker-refused')" -c "DELETE FROM pay WHERE id = 1" >/dev/null 2>&1 || :
until_is "a refusal is on record" 1 sql -c "SELECT count(*) FROM paysafe.refusal_log WHERE actor = 'Marker-refused'"
sql -c "SELECT paysafe.wait_sealed('3 min')" >/dev/null
make_key
reload
is "it is published" t "$(published)"
cp "$log/checkpoint" "$OUT/pages.kept"
row=$(sql -c "SELECT format('row %s of transaction %s', seq, xid) FROM paysafe.audit_log WHERE key = '1001'")
stop() { as_server "$PGBIN/pg_ctl" -D "$PAYSAFE_RUN/data" -m fast -w stop >/dev/null; }
# file_of RELATION: its file
file_of() { sql -c "SELECT pg_relation_filepath('$1')"; }
image=$(file_of "$(sql -c "SELECT tableoid::regclass FROM paysafe.audit_row LIMIT 1")")
tile=$(file_of "$(sql -c "SELECT reltoastrelid::regclass FROM pg_class WHERE oid = 'paysafe.seal_tile'::regclass")")
transaction=$(file_of paysafe.seal_transaction)
refusal=$(file_of paysafe.refusal_record)
image_bytes=$(printf Marker-image | od -An -tx1 | tr -d ' \n')
refusal_bytes=$(printf Marker-refused | od -An -tx1 | tr -d ' \n')
key_bytes=$(printf '\x0b1001' | od -An -tx1 | tr -d ' \n')
tile_bytes=$(sql -c "SELECT encode(substr(hashes, 65, 20), 'hex') FROM paysafe.seal_tile WHERE level = 0 AND index = 0")
# first leaf and transaction, as the machine has them; the count of rows is 24 bytes on
transaction_bytes=$(sql -c "SELECT encode(int8send(first), 'hex') || encode(int8send(xid::text::bigint), 'hex') FROM paysafe.seal_transaction WHERE rows = 300" |
	sed 's/\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)/\8\7\6\5\4\3\2\1/g')

# edit FILE BYTES OFFSET: one bit of what is OFFSET bytes behind them, wherever they are
edit() {
	python3 - "$PAYSAFE_RUN/data/$1" "$2" "$3" <<'PY'
import sys
path, needle, offset = sys.argv[1], bytes.fromhex(sys.argv[2]), int(sys.argv[3])
with open(path, 'r+b') as file:
    data = file.read()
    at = data.find(needle)
    if at < 0:
        sys.exit('these bytes are not there')
    while at >= 0:
        file.seek(at + offset)
        file.write(bytes([data[at + offset] ^ 1]))
        at = data.find(needle, at + 1)
PY
}
checksums() { as_server "$PGBIN/pg_checksums" -D "$PAYSAFE_RUN/data" "--$1" --no-sync >/dev/null; }
first_finding() { sql -c "SELECT coalesce(string_agg(finding, '; '), 'nothing') FROM paysafe.verify()" 2>&1 || :; }
from_outside() {
	paysafe-verify --key "$verifier" --checkpoint "$OUT/pages.kept" --dbname "host=$PGHOST port=$PGPORT user=postgres dbname=pages" >"$OUT/verify.log" 2>&1 && echo "0" || echo "$?"
}
# edited HOW WHAT FILE BYTES OFFSET PATTERN: with HOW "anew", checksums are computed again
edited() {
	stop
	cp "$PAYSAFE_RUN/data/$3" "$OUT/before"
	edit "$3" "$4" "$5"
	[ "$1" != anew ] || { checksums disable; checksums enable; }
	server_start
	matches "$2: verify() names it" "$6" "$(first_finding)"
	is "... and paysafe-verify" 2 "$(from_outside)"
	stop
	cat "$OUT/before" >"$PAYSAFE_RUN/data/$3"
	server_start
}
all_pages() {
	edited "$1" "$2: a byte of an image" "$image" "$image_bytes" 7 "${3:-$row .*the row was changed}"
	edited "$1" "$2: a byte of a tile" "$tile" "$tile_bytes" 4 "${3:-the tile was}"
	edited "$1" "$2: a byte of a refusal" "$refusal" "$refusal_bytes" 7 "${3:-paysafe.refusal_record: row .* column .actor. is not what the log says}"
	edited "$1" "$2: a transaction's count of rows" "$transaction" "$transaction_bytes" 24 "${3:-.}"
}
stop
checksums disable 2>/dev/null || :
server_start
is "nothing was changed" "nothing|0" "$(first_finding)|$(from_outside)"
all_pages not "without checksums"
edited not "without checksums: a byte of a key" "$image" "$key_bytes" 3 "$row .*the row was changed"
stop
checksums enable
server_start
all_pages anew "with checksums computed anew"
all_pages not "with checksums as they were" "invalid page"

# between commit and seal: what holds sealing back is a prepared transaction
psql -qX -d postgres -c "CREATE TABLE held (i int)" -c "BEGIN" -c "INSERT INTO held VALUES (1)" -c "PREPARE TRANSACTION 'hold'"
sql -c "INSERT INTO pay VALUES (2001, 1, 'Marker-window')"
is "a row waits" 1 "$(sql -c "SELECT rows_waiting FROM paysafe.seal_status")"
stop
edit "$image" "$(printf Marker-window | od -An -tx1 | tr -d ' \n')" 8
checksums disable
server_start
psql -qX -d postgres -c "ROLLBACK PREPARED 'hold'"
is "a byte of an image before it is sealed: it is sealed" t "$(wait_sealed)"
matches "... and on record" '^the row was changed' "$(sql -c "SELECT finding FROM paysafe.seal_finding")"
is "... check() is red" f "$(sql -c "SELECT ok FROM paysafe.check() WHERE check_name = 'seal_findings'")"
matches "... verify() names it for ever" 'row 1 of transaction [0-9]+ .*the row was before it was sealed' "$(first_finding)"

# a row that somebody has written among those that are sealed, where the worker looks
part=$(sql -c "SELECT tableoid::regclass FROM paysafe.audit_row LIMIT 1")
server_restart "shared_preload_libraries = ''"
# of_refusals STATEMENT: what verify() says of refusals when it has been done
of_refusals() {
	sql <<-SQL
		BEGIN;
		ALTER TABLE paysafe.refusal_record DISABLE TRIGGER ALL;
		$1;
		SELECT finding FROM paysafe.verify() WHERE incarnation IS NULL;
		ROLLBACK;
	SQL
}
is "refusals are what the log says" "" "$(of_refusals "SELECT FROM pay WHERE false")"
matches "a refusal was deleted: verify() names it" "^paysafe.refusal_record: row .* is not there, but the log says that it was added$" \
	"$(of_refusals "DELETE FROM paysafe.refusal_record WHERE actor = 'Marker-refused'")"
matches "... one was changed" "^paysafe.refusal_record: row .* column .message. is not what the log says$" \
	"$(of_refusals "UPDATE paysafe.refusal_record SET message = 'nothing' WHERE actor = 'Marker-refused'")"
matches "... one was put in" "^paysafe.refusal_record: row .* is there, but the log does not say that it was added$" \
	"$(of_refusals "INSERT INTO paysafe.refusal_record (at, count, rule, sqlstate, actor, session_user_name) SELECT now(), 1, rule, sqlstate, actor, 'x' FROM paysafe.refusal_record WHERE actor = 'Marker-refused'")"
sql >/dev/null <<SQL
ALTER TABLE $part DISABLE TRIGGER ALL;
CREATE TEMP TABLE forged AS SELECT * FROM $part WHERE key = '1001';
UPDATE forged SET seq = 2, key = '1003';
INSERT INTO $part SELECT * FROM forged;
ALTER TABLE $part ENABLE TRIGGER ALL;
VACUUM (FREEZE) $part;
SQL
server_restart "shared_preload_libraries = 'paysafe'"
sql -c "INSERT INTO pay VALUES (3001, 1)"
is "a row among those that are sealed, and VACUUM after it: the worker looks" t "$(wait_sealed)"
matches "... and it is on record" 'it was inserted, or changed, after all of its transaction had been sealed' "$(sql -c "SELECT string_agg(finding, '; ') FROM paysafe.seal_finding")"
is "... paysafe-verify says so" "2|1" "$(from_outside)|$(grep -c '^row 2 of transaction .*it was inserted' "$OUT/verify.log")"
server_remove
