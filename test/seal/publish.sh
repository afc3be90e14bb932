# Signing and publishing: keys that nobody sees, checkpoints that go on from each other,
# a folder that any client of such logs reads, commands, witnesses, crashes.

publish_server publish
database publish
sql -c "INSERT INTO pay SELECT g, g FROM generate_series(1, 300) g"
is "without a key nothing is published" f "$(published '3 s')"
until_said "... and check() says so" 'no key'
# it has never been there for nobody but its owner
file=$keys keys=$OUT/made.keys
make_key
chmod 640 "$keys"
chown "$SERVER_USER" "$keys"
mv "$keys" "$file"
keys=$file
is "a file that others can read is no key" f "$(published '3 s')"
until_said "... check() says why" 'no key: file ".*" can be read by others'
chmod 600 "$keys"
is "with a key, what is sealed is published" t "$(published)"
until_said "check() is content" '^good$'
is "any verifier says of the folder: it is what the key signed" good "$(verified --key "$verifier")"
is "the view has it" "t|t|t" "$(sql -c "SELECT size > 300, published IS NOT NULL, good IS NULL FROM paysafe.checkpoint")"
cp "$log/checkpoint" "$OUT/first"

# the key is nowhere but in the file and in the worker that signs
secret=$(cut -d+ -f5- "$keys")
sql -c "INSERT INTO pay SELECT g, g FROM generate_series(1001, 1300) g"
is "published again" t "$(published)"
is "the key is in no setting, no activity, no log of the server, no table" 0 "$({
	sql -c "SELECT * FROM pg_settings" -c "SELECT * FROM pg_stat_activity"
	cat "$PAYSAFE_RUN/data/server.log"
	pg_dump
	grep -ar "$secret" "$PAYSAFE_RUN/data" || :
} | grep -acF "$secret" || :)"
psql -qXc "CREATE ROLE nobody_special" >/dev/null
matches "whoever is no superuser does not see where it is" 'must be superuser|permission denied' \
	"$(psql -qXAt -c "SET ROLE nobody_special" -c "SHOW paysafe.seal_key_file" 2>&1 || :)"
# has PID: how often are the key's bytes in the memory of the process?
has() {
	python3 - "$1" "$secret" <<'PY'
import base64, re, sys
needles = (sys.argv[2].encode(), base64.b64decode(sys.argv[2])[1:])
found = 0
with open(f'/proc/{sys.argv[1]}/maps') as maps, open(f'/proc/{sys.argv[1]}/mem', 'rb', 0) as mem:
    for line in maps:
        m = re.match(r'([0-9a-f]+)-([0-9a-f]+) (r\S+)', line)
        if not m or '[v' in line:
            continue
        try:
            mem.seek(int(m[1], 16))
            block = mem.read(int(m[2], 16) - int(m[1], 16))
        except OSError:
            continue
        found += sum(block.count(n) for n in needles)
print(found)
PY
}
coproc SESSION { psql -qXAt; }
echo "SELECT pg_backend_pid(), count(*) FROM paysafe.checkpoint;" >&"${SESSION[1]}"
IFS='|' read -r pid _ <&"${SESSION[0]}"
if [ "$(id -u)" -eq 0 ]; then
	signer_has() {
		# not one of those that come later
		sql -c "INSERT INTO pay SELECT least(min(id), 0) - 1000, 1 FROM pay"
		published >/dev/null
		[ "$(has "$(sql -c "SELECT pid FROM pg_stat_activity WHERE backend_type = 'paysafe publisher'")")" -gt 0 ] && echo yes
	}
	until_is "the worker that signs has the key in its memory" yes signer_has
	is "a session does not have the key in its memory" 0 "$(has "$pid")"
	is "... nor has the postmaster" 0 "$(has "$(head -n 1 "$PAYSAFE_RUN/data/postmaster.pid")")"
fi
eval "exec ${SESSION[1]}>&-"
wait

# checkpoints go on from each other, and come at most so often
is "the first checkpoint is the beginning of the last" good "$(verified --key "$verifier" --checkpoint "$OUT/first")"
published >/dev/null
begun=$SECONDS
before=$(sql -c "SELECT count(*) FROM paysafe.checkpoint")
sql -c "DO \$\$ BEGIN FOR i IN 3001..3040 LOOP INSERT INTO pay VALUES (i, 1); COMMIT; PERFORM pg_sleep(0.05); END LOOP; END \$\$"
published >/dev/null
more=$(($(sql -c "SELECT count(*) FROM paysafe.checkpoint") - before))
is "forty transactions in two seconds and more are few checkpoints, one a second at most" yes \
	"$([ $more -ge 1 ] && [ $more -le $((SECONDS - begun + 2)) ] && echo yes || echo "$more in $((SECONDS - begun)) s")"
notified="\"paysafe_checkpoint\" with payload \"$origin [0-9]+\""
: >"$OUT/notified"
{
	echo "LISTEN paysafe_checkpoint; INSERT INTO pay VALUES (4000, 1);"
	for ((i = 0; i < 1800; i++)); do
		! grep -qE "$notified" "$OUT/notified" || break
		echo "SELECT;"
		sleep 0.1
	done
} | psql -qXAt >"$OUT/notified"
matches "a notification tells of each" "$notified" "$(cat "$OUT/notified")"

# one key follows another
second=$(paysafe-key generate "$origin" "$keys")
reload
sql -c "INSERT INTO pay VALUES (5000, 1)"
is "two keys" t "$(published)"
# a turn that had begun before that has the old one
signed_anew() {
	sql -c "INSERT INTO pay SELECT max(id) + 1, 1 FROM pay" >/dev/null
	published >/dev/null
	signatures
}
until_is "... both sign" 2 signed_anew
is "... the old one verifies" good "$(verified --key "$verifier")"
is "... and the new one" good "$(verified --key "$second")"
sed -i 1d "$keys"
reload
sql -c "INSERT INTO pay SELECT max(id) + 1, 1 FROM pay"
is "without the old one" t "$(published)"
until_is "... one signs" 1 signed_anew
is "... the new one, and what was signed before is its beginning" good "$(verified --key "$second" --checkpoint "$OUT/first" --key "$verifier")"
old=$verifier verifier=$second

# a command signs instead
mkdir "$OUT/signer"
cat >"$OUT/signer/sign" <<SH
#! /bin/sh
[ ! -e $OUT/signer/garbage ] || { cat; exit 0; }
[ ! -e $OUT/signer/other ] || exec "$(command -v paysafe-key)" sign "$OUT/signer/other.keys"
[ ! -e $OUT/signer/forged ] || { "$(command -v paysafe-key)" sign "$keys" | sed 's/x\(........\)\$/y\1/;t;s/.\(........\)\$/x\1/'; exit; }
[ ! -e $OUT/signer/slow ] || { sleep 71.25; exit 1; }
exec "$(command -v paysafe-key)" sign "$keys"
SH
chmod 755 "$OUT/signer" "$OUT/signer/sign"
sed -i '/seal_key_file/d' "$PAYSAFE_RUN/data/postgresql.conf"
setting "paysafe.publish_timeout = 2s"
setting "paysafe.seal_sign_command = '$OUT/signer/sign'"
sql -c "INSERT INTO pay VALUES (6000, 1)"
is "a command signs" t "$(published)"
is "... and it verifies" good "$(verified --key "$verifier")"
touch "$OUT/signer/garbage"
sql -c "INSERT INTO pay VALUES (6001, 1)"
is "a command that answers with something else" f "$(published '3 s')"
until_said "... is not believed" 'no key: paysafe.seal_sign_command answered with something else'
# in this order: there is no moment without either
touch "$OUT/signer/slow"
rm "$OUT/signer/garbage"
is "one that does not come back" f "$(published '4 s')"
until_said "... is ended" 'seal_sign_command: it took too long'
rm "$OUT/signer/slow"
setting "paysafe.publish_timeout = 1min"
until_is "... with what it has started" 0 bash -c "pgrep -cf '[s]leep 71.25'"
is "and when it is well again, all goes on" t "$(published)"
is "... of one piece" good "$(verified --key "$verifier" --checkpoint "$OUT/first" --key "$old")"

# witnesses
paysafe-key generate --type cosigner w1.example "$OUT/w1" >"$OUT/w1.vkey"
paysafe-key generate --type cosigner w2.example "$OUT/w2" >"$OUT/w2.vkey"
paysafe-key generate --type cosigner stranger.example "$OUT/w3" >"$OUT/w3.vkey"
policy="log $verifier
witness one $(cat "$OUT/w1.vkey")
witness two $(cat "$OUT/w2.vkey")
group both all one two
quorum both
"
note() { sql -c "SELECT note FROM paysafe.checkpoint ORDER BY incarnation DESC, size DESC LIMIT 1"; }
# cosign KEYS: the newest checkpoint, with their signatures
cosign() { note >"$OUT/note"; { sed '$d' "$OUT/note"; paysafe-key sign "$1" <"$OUT/note"; }; }
add() { psql -qXAt -v note="$1"$'\n' <<<"SELECT paysafe.add_cosignature(:'note')" 2>&1; }
good() { sql -c "SELECT good, cosigned_by FROM paysafe.checkpoint ORDER BY incarnation DESC, size DESC LIMIT 1"; }
matches "without a policy there are no witnesses" 'no policy says who is a witness' "$(add "$(cosign "$OUT/w1")")"
is "the first policy is declared" 1 "$(psql -qXAt -v p="$policy" <<<"SELECT paysafe.set_seal_policy(:'p', 'our witnesses')")"
# it is a row of the log itself: what follows is about one checkpoint
is "... and published" t "$(published)"
is "a checkpoint without cosignatures is not good" "f|{}" "$(good)"
is "the cosignature of a witness is taken" 1 "$(add "$(cosign "$OUT/w1")")"
is "... once" 0 "$(add "$(cosign "$OUT/w1" | awk '!/^— w1/ || !seen++')")"
is "... and one of two is not enough" "f|{w1.example}" "$(good)"
matches "a stranger's is not" 'no signature in it is of a witness' "$(add "$(cosign "$OUT/w3" | grep -v '^— w1')")"
matches "nor one of another checkpoint" 'another checkpoint' \
	"$(add "$(cosign "$OUT/w2" | sed "3s|.*|$(head -c 32 /dev/zero | base64)|")")"
matches "nor one of a size that was never signed" 'no checkpoint of that log and size' \
	"$(add "$(cosign "$OUT/w2" | sed '2s/$/0/')")"
forged=$(cosign "$OUT/w2" | sed '/^— w2/{s/x\(........\)$/y\1/;t;s/.\(........\)$/x\1/;}')
matches "nor one that is not genuine" 'is not one of this checkpoint|neither a signed note' "$(add "$forged")"
matches "before it is, there is no proof by this policy" 'good by the policy of witnesses' \
	"$(sql -c "SELECT paysafe.proof(xid, seq) FROM paysafe.audit_log WHERE key = '42' LIMIT 1" 2>&1 || :)"
publishers() { sql -c "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'paysafe publisher'"; }
until_is "the publisher rests" 0 publishers
is "both are, and a newline more than a note has does not matter" 1 "$(add "$(cosign "$OUT/w2" | grep -v '^— w1')"$'\n')"
is "... enough" "t|{w1.example,w2.example}" "$(good)"
until_is "... and in the folder, without anything else that is published" 3 signatures
matches "two newlines more do matter" 'no signed checkpoint' "$(psql -qXAt -v note="$(cosign "$OUT/w2")"$'\n\n\n' 2>&1 <<<"SELECT paysafe.add_cosignature(:'note')")"
printf '%s' "$policy" >"$OUT/policy"
sql -c "INSERT INTO pay VALUES (7000, 1)"
published >/dev/null
matches "a row after the last good checkpoint has no proof yet" 'good by the policy of witnesses' \
	"$(sql -c "SELECT paysafe.proof(xid, seq) FROM paysafe.audit_log WHERE key = '7000' LIMIT 1" 2>&1 || :)"
matches "a policy is not changed by one" 'needs the approval of a second person' \
	"$(psql -qXAt -v p="$policy" 2>&1 <<<"BEGIN; SELECT paysafe.act_as('ann'); SELECT paysafe.set_seal_policy(:'p' || E'# and\n', 'I want to')")"

# a command that signs with another key, or says that it has signed
paysafe-key generate "$origin" "$OUT/signer/other.keys" >/dev/null
chmod 600 "$OUT/signer/other.keys"
chown "$SERVER_USER" "$OUT/signer/other.keys"
touch "$OUT/signer/other"
sql -c "INSERT INTO pay VALUES (7100, 1)"
is "a signature of another key than the one that the policy names" f "$(published '3 s')"
until_said "... is not taken" 'no key: the checkpoint is signed by none of the log.s keys that the policy names'
touch "$OUT/signer/forged"
rm "$OUT/signer/other"
is "one that is not genuine" f "$(published '4 s')"
until_said "... is not" 'no key: the signature of the key [0-9a-f]+ of the log, which the policy names, is not one of this checkpoint'
rm "$OUT/signer/forged"
is "the log's own is" t "$(published)"
is "... and nothing else was stored" good "$(verified --key "$verifier" --checkpoint "$OUT/first" --key "$old")"

# proof files: of what is good, not of what is newest
row=$(sql -c "SELECT xid, seq FROM paysafe.audit_log WHERE key = '42' LIMIT 1")
sql -c "SELECT paysafe.proof('${row%|*}', ${row#*|})" >"$OUT/42.tlog-proof"
is "a proof file, as psql writes it, verifies by the policy, without the database" 0 \
	"$(paysafe-verify --policy "$OUT/policy" --proof "$OUT/42.tlog-proof" >"$OUT/verify.log" 2>&1; echo $?)"
matches "... and says what it proves" "row ${row#*|} of transaction ${row%|*} is leaf" "$(cat "$OUT/verify.log")"
{ cat "$OUT/42.tlog-proof"; echo; } >"$OUT/42.more"
is "... with more after it it does not" 2 "$(paysafe-verify --policy "$OUT/policy" --proof "$OUT/42.more" >/dev/null 2>&1; echo $?)"
note >"$OUT/as-psql-has-it"
is "a checkpoint, as psql writes it, is one" good "$(verified --key "$verifier" --checkpoint "$OUT/as-psql-has-it")"

# a range as lines, each with the proof that leads to a checkpoint
published >/dev/null
note >"$OUT/range.checkpoint"
# exported [UNTIL]: what is recorded before then, here by what the checkpoint has
exported() { sql -v until="$1" -v note="$(cat "$OUT/range.checkpoint")" <<<"SELECT paysafe.export_audit('-infinity', :'until', :'note' || E'\n')" 2>&1; }
until=$(sql -c "SELECT max(at) + interval '1 us' FROM paysafe.audit_row r WHERE paysafe.audit_index(r) < $(sed -n 2p "$OUT/range.checkpoint")")
exported "$until" >"$OUT/range.ndjson"
lines_verify() { paysafe-verify --key "$verifier" --checkpoint "$OUT/range.checkpoint" --payloads "$1" >"$OUT/verify.log" 2>&1; echo $?; }
is "a range is exported, each row of it" "$(sql -c "SELECT count(*) FROM paysafe.audit_row WHERE at < '$until'")" "$(wc -l <"$OUT/range.ndjson")"
is "... which verifies with nothing but the checkpoint and the key" 0 "$(lines_verify "$OUT/range.ndjson")"
matches "... all of it" "$(wc -l <"$OUT/range.ndjson") leaves proven" "$(cat "$OUT/verify.log")"
# a byte is another one afterwards, whatever it was: + is /, all else is +
for change in '5s/"payload":"A*\(...\)./"payload":"\1/' '5{s/"proof":\["\(.\)+/"proof":["\1\//;t;s/"proof":\["\(.\)./"proof":["\1+/}' '5s/,"proof".*/}/' \
	'5s/"index":\([0-9]*\)/"index":1\1/' '5{s/"leaf":"\(.\{30\}\)+/"leaf":"\1\//;t;s/"leaf":"\(.\{30\}\)./"leaf":"\1+/}'; do
	sed "$change" "$OUT/range.ndjson" >"$OUT/changed.ndjson"
	is "... changed it does not ($(sed 's/^5[{s]*.//; s/[:,].*//' <<<"$change"))" "2 1" "$(lines_verify "$OUT/changed.ndjson") $(diff "$OUT/range.ndjson" "$OUT/changed.ndjson" | grep -c '^>')"
done
sql -c "INSERT INTO pay VALUES (7001, 1)"
matches "what the checkpoint does not have is not left out in silence" 'is not in the tree of the checkpoint' "$(exported infinity)"
is "... what it has is exported as before" "" "$(exported "$until" | diff "$OUT/range.ndjson" -)"
sed "3s|.*|$(head -c 32 /dev/zero | base64)|" "$OUT/range.checkpoint" >"$OUT/other.checkpoint"
mv "$OUT/other.checkpoint" "$OUT/range.checkpoint"
matches "a checkpoint of another log leads nowhere" 'is not one of this log' "$(exported "$until")"

# one file for the life of a refund and its approval
psql -qX -v ON_ERROR_STOP=1 >/dev/null 2>&1 <<'SQL'
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric(12,2), currency text, status text,
	small numeric DEFAULT -0.00012, large numeric DEFAULT 1234567890123.5, day date DEFAULT '1600-02-29', at timestamptz DEFAULT '1999-12-31 23:59:59.5+00');
CREATE INDEX ON shop.refund (payment);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 50);
SELECT paysafe.audit('shop.refund');
INSERT INTO shop.payment VALUES (1, 1000, 'EUR');
BEGIN; SELECT paysafe.act_as('clerk', 'the customer <b>complained</b>'); INSERT INTO shop.refund VALUES (42, 1, 900.00, 'EUR', 'requested'); COMMIT;
BEGIN; SELECT paysafe.act_as('boss'); SELECT paysafe.approve('shop.refund', '42', 'the goods came back'); COMMIT;
BEGIN; SELECT paysafe.act_as('clerk'); UPDATE shop.refund SET status = 'sent' WHERE id = 42; COMMIT;
SQL
is "a refund is published" t "$(published)"
is "... and cosigned" "1 1" "$(add "$(cosign "$OUT/w1")") $(add "$(cosign "$OUT/w2" | grep -v '^— w1')")"
sql -c "SELECT paysafe.evidence('shop.refund', '42')" >"$OUT/42.evidence"
proves() { paysafe-evidence --key "$verifier" "$@" >"$OUT/42.text" 2>&1 && echo yes || cat "$OUT/42.text"; }
is "one file proves its life" yes "$(proves "$OUT/42.evidence")"
is "... requested by one, approved by another, executed after that" "by: clerk
by: boss
by: clerk
by: clerk
status = requested → sent" "$(grep -oE '(by: [a-z]+|status = .*→.*)$' "$OUT/42.text")"
matches "... with the approval used in the same transaction" 'outcome = used' "$(cat "$OUT/42.text")"
is "... values as they are" "amount = 900.00|small = -0.00012|large = 1234567890123.5|day = 1600-02-29|at = 1999-12-31 23:59:59.500000 UTC" \
	"$(grep -E '^ +(amount|small|large|day|at) =' "$OUT/42.text" | head -n 5 | sed 's/^ *//' | paste -sd'|')"
is "... all rows of its transactions are counted" 4 "$(grep -c 'whose number of rows is proven' "$OUT/42.text")"
paysafe-evidence --html --key "$verifier" "$OUT/42.evidence" >"$OUT/42.html"
is "... as a page without scripts, in which nobody's text is markup" "0 1" \
	"$(grep -ciE '<script|<b>|http://|https://' "$OUT/42.html" || :) $(grep -c '&#60;b&#62;complained' "$OUT/42.html")"
matches "another key does not vouch for it" 'not signed by whom you trust' "$(paysafe-evidence --key "$(cat "$OUT/w3.vkey")" "$OUT/42.evidence" 2>&1 || :)"
matches "... nor does a witness alone" 'not signed by whom you trust' "$(paysafe-evidence --key "$(cat "$OUT/w1.vkey")" "$OUT/42.evidence" 2>&1 || :)"
# each byte of it that is evidence: one of each line is changed
changed=0 accepted=0
lines=$(wc -l <"$OUT/42.evidence")
for ((line = 3; line <= lines; line++)); do
	text=$(sed -n "${line}p" "$OUT/42.evidence")
	case $text in "" | "— w"*) continue ;; esac
	at=$((${#text} / 2))
	other=A
	[ "${text:at:1}" != A ] || other=B
	sed "${line}s/^\(.\{$at\}\)./\1$other/" "$OUT/42.evidence" >"$OUT/42.changed"
	changed=$((changed + 1))
	[ "$(proves "$OUT/42.changed")" != yes ] || { accepted=$((accepted + 1)); echo "accepted: $text"; }
done
is "no line of it can be changed ($changed tried)" 0 "$accepted"

# crashes: what is published goes on from what was
pid_of() { sql -c "SELECT pid FROM pg_stat_activity WHERE backend_type = '$1'"; }
for round in 1 2 3; do
	cp "$log/checkpoint" "$OUT/before.$round"
	psql -qX -c "INSERT INTO pay SELECT $round * 100000 + g, g FROM generate_series(1, 20000) g" >/dev/null
	touch "$OUT/running"
	(while [ -e "$OUT/running" ]; do sql -c "INSERT INTO pay VALUES ($round * 100000 + 50000 + $RANDOM, 1) ON CONFLICT DO NOTHING" 2>/dev/null || :; done) &
	sleep "0.$((RANDOM % 7 + 1))"
	rm "$OUT/running"
	if [ $((round % 2)) -eq 0 ]; then
		as_server "$PGBIN/pg_ctl" -D "$PAYSAFE_RUN/data" -m immediate -w stop >/dev/null
		wait
		server_start
	else
		# it may leave just now
		server_kill "$(pid_of 'paysafe publisher')" || server_kill "$(pid_of checkpointer)"
		wait
		until_is "crash $round: the server comes back" 1 sql -c "SELECT 1"
	fi
	is "crash $round: it is published after all" t "$(published)"
	is "... and is the log that was published before" good "$(verified --key "$verifier" --checkpoint "$OUT/before.$round")"
done
# somebody deletes what was signed, where nothing guards it
server_restart "shared_preload_libraries = ''"
# without TEXT STATEMENT PATTERN: what verify() says then; rolled back
without() {
	matches "$1" "$3" "$(sql <<-SQL 2>&1 | tail -n 1
		BEGIN;
		ALTER TABLE paysafe.seal_checkpoint DISABLE TRIGGER ALL;
		ALTER TABLE paysafe.seal_cosignature DISABLE TRIGGER ALL;
		$2;
		SELECT coalesce(string_agg(finding, '; '), 'nothing') FROM paysafe.verify();
		ROLLBACK;
	SQL
	)"
}
without "of what was signed all is there" "SELECT 1" '^nothing$'
without "a cosignature is gone" "DELETE FROM paysafe.seal_cosignature WHERE ctid = (SELECT min(ctid) FROM paysafe.seal_cosignature)" \
	'the checkpoint of [0-9]+ leaves had [0-9]+ cosignatures and has [0-9]+'
middle="(SELECT size FROM paysafe.seal_checkpoint ORDER BY size DESC OFFSET 2 LIMIT 1)"
without "a checkpoint in the middle is gone" "DELETE FROM paysafe.seal_checkpoint WHERE size = $middle" 'does not follow the one before it'
without "... the first one" "DELETE FROM paysafe.seal_checkpoint WHERE size = (SELECT min(size) FROM paysafe.seal_checkpoint)" 'is not the first one that was signed'
without "... one was changed" "UPDATE paysafe.seal_checkpoint SET note = note || 'x' WHERE size = $middle" 'does not follow the one before it'
# the last one, where no folder has it
sql >/dev/null <<'SQL'
ALTER TABLE paysafe.seal_checkpoint DISABLE TRIGGER ALL;
DELETE FROM paysafe.seal_checkpoint WHERE size = (SELECT max(size) FROM paysafe.seal_checkpoint);
ALTER TABLE paysafe.seal_checkpoint ENABLE TRIGGER ALL;
SQL
server_restart "shared_preload_libraries = 'paysafe'" "paysafe.publish_folder = ''" "paysafe.seal_sign_command = '/bin/false'"
until_said "the last checkpoint is gone, and no folder has it: check() says so" 'was signed that is not in paysafe.seal_checkpoint'
sql -c "INSERT INTO pay VALUES (-3, 1)"
setting "paysafe.seal_sign_command = '$OUT/signer/sign'"
is "... another one is signed" t "$(published)"
until_said "... and check() goes on to say that one is missing" 'does not follow the one before it'
until_is "... which is on record" 1 sql -c "SELECT count(*) FROM paysafe.refusal_log WHERE message ~ 'was signed that is not in'"
server_restart "shared_preload_libraries = ''" "paysafe.publish_folder = '$web'"
sql >/dev/null <<'SQL'
ALTER TABLE paysafe.seal_checkpoint DISABLE TRIGGER ALL;
DELETE FROM paysafe.seal_checkpoint;
ALTER TABLE paysafe.seal_checkpoint ENABLE TRIGGER ALL;
SQL
server_restart "shared_preload_libraries = 'paysafe'" "paysafe.seal_sign_command = '/bin/false'"
until_said "a checkpoint that was published and is not here: check() says so" 'was published that is not in paysafe.seal_checkpoint'
sql -c "INSERT INTO pay VALUES (-1, 1)"
setting "paysafe.seal_sign_command = '$OUT/signer/sign'"
is "... the log goes on from it" t "$(published)"
is "... as it was" good "$(verified --key "$verifier" --checkpoint "$OUT/before.1")"
until_is "... and it stays on record, once" 1 sql -c "SELECT count(*) FROM paysafe.refusal_log WHERE message ~ 'was published that is not in'"
until_said "... and check() goes on to say that they are gone" 'is not the first one that was signed'
# one may be written just now
until_is "no temporary file is left" 0 bash -c "find '$web' -name '*paysafe-new*' | wc -l"
server_remove
