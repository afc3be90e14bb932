# One file for a refund: what it is called that let it pass, and who may have the file.
# That each byte of it is proven is in publish.sh.

publish_server evidence
database evidence
make_key
psql -qX -v ON_ERROR_STOP=1 >/dev/null 2>&1 <<'SQL'
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric(12,2), currency text, status text);
CREATE INDEX ON shop.refund (payment);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 50);
SELECT paysafe.audit('shop.refund');
INSERT INTO shop.payment VALUES (1, 1000, 'EUR'), (2, 1000, 'EUR');
SQL
for who in boss chief; do
	sql -c "SELECT paysafe.bootstrap_passkey(actor => '$who', $(python3 ./passkey.py new "$OUT/$who.pem"), reason => 'seen with their passport')" >/dev/null
done
# by_passkey PERSON CHALLENGE CALL: what PERSON signs stands for :assertion in CALL
by_passkey() {
	local options
	options=$(as "$1" "SELECT $2" | grep '^{')
	as "$1" "SELECT $(sed "s|:assertion|\$it\$$(python3 ./passkey.py sign "$OUT/$1.pem" <<<"$options")\$it\$|" <<<"$3")"
}
allow="SELECT paysafe.set_break_glass('shop.refund', '1 day', 'nights')"
as dba "SELECT paysafe.propose('nights'); $allow" >/dev/null
key=$(sql -c "SELECT quote_literal(key) FROM paysafe.pending_change WHERE rule = 'break-glass'")
by_passkey boss "paysafe.approval_challenge('paysafe.rule', $key)" "paysafe.approve_with_passkey('paysafe.rule', $key, :assertion, 'nights')" >/dev/null
as dba "$allow" >/dev/null
for id in 42 43 44 45 46 47; do
	as clerk "INSERT INTO shop.refund VALUES ($id, CASE $id WHEN 47 THEN 2 ELSE 1 END, 100 + $id, 'EUR', 'requested')" >/dev/null
done
# 42: by a claim; 43: alone, and nobody has looked at it; 44: alone, and found wrong; 45: rejected, and that taken back; 46: signed; 47: only rejected
for id in 43 44; do
	by_passkey boss "paysafe.break_glass_challenge('shop.refund', '$id')" "paysafe.break_glass('shop.refund', '$id', :assertion, 'the provider closes', 'T-66')" >"$OUT/glass.$id"
	as clerk "UPDATE shop.refund SET status = 'sent' WHERE id = $id" >/dev/null
done
as boss "SELECT paysafe.approve('shop.refund', '42', 'the goods came back')" >/dev/null
as clerk "UPDATE shop.refund SET status = 'sent' WHERE id = 42" >/dev/null
glass=$(grep -E '^[0-9]+$' "$OUT/glass.44")
by_passkey chief "paysafe.review_challenge($glass, 'wrong')" "paysafe.review_break_glass_with_passkey($glass, 'wrong', :assertion, 'it could have waited')" >/dev/null
rejection=$(as dee "SELECT paysafe.reject('shop.refund', '45', 'nothing has come back')" | grep -E '^[0-9]+$')
as dee "SELECT paysafe.withdraw_rejection($rejection, 'it has come back')" >/dev/null
by_passkey chief "paysafe.approval_challenge('shop.refund', '45')" "paysafe.approve_with_passkey('shop.refund', '45', :assertion, 'now it has')" >/dev/null
as clerk "UPDATE shop.refund SET status = 'sent' WHERE id = 45" >/dev/null
as dee "SELECT paysafe.reject('shop.refund', '47', 'nothing has come back')" >/dev/null

# above 200 whoever asks is shown by a token, which the login signs (openssl, and no code of ours), and whoever approves signs
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$OUT/login.pem" 2>/dev/null
b64url() { openssl base64 -A | tr '+/' '-_' | tr -d =; }
token() {
	local input
	input=$(printf '{"alg":"RS256","kid":"login"}' | b64url).$(printf '{"iss":"https://login.example","aud":"payments","sub":"%s","exp":%d,"jti":"%s"}' \
		"$1" $(($(date +%s) + 800)) "$(openssl rand -hex 12)" | b64url)
	printf '%s.%s' "$input" "$(printf %s "$input" | openssl dgst -sha256 -sign "$OUT/login.pem" | b64url)"
}
# shown PERSON STATEMENT: over a token of theirs
shown() { psql -qXAt -v ON_ERROR_STOP=1 -c "BEGIN" -c "SELECT paysafe.act_as_token('$(token "$1")')" -c "$2" -c "COMMIT" 2>&1; }
for call in "paysafe.set_token_issuer('https://login.example', '{payments}', 'our login')" \
	"paysafe.set_token_key('https://login.example', 'login', 'RS256', '$(openssl pkey -in "$OUT/login.pem" -pubout)', 'the first key')"; do
	as dba "SELECT paysafe.propose('who acts is shown'); SELECT $call" >/dev/null
	as dee "SELECT paysafe.approve(approved_as, key, 'so it is') FROM paysafe.pending_change" >/dev/null
	as dba "SELECT $call" >/dev/null
done
as dba "SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 200, requester_identity => 'proven', approver_identity => 'passkey', band => 'large')" >/dev/null
psql -qX -c "INSERT INTO shop.payment VALUES (3, 1000, 'EUR'), (4, 1000, 'EUR')"
as clerk "INSERT INTO shop.refund VALUES (48, 3, 300, 'EUR', 'requested')" >/dev/null
shown clerk "INSERT INTO shop.refund VALUES (49, 4, 300, 'EUR', 'requested')" >/dev/null
matches "a claim approves nothing of it" 'identity "passkey"' "$(as boss "SELECT paysafe.approve('shop.refund', '49', 'seen')")"
by_passkey boss "paysafe.approval_challenge('shop.refund', '49')" "paysafe.approve_with_passkey('shop.refund', '49', :assertion, 'seen')" >/dev/null
for call in "UPDATE shop.refund SET status = 'sent' WHERE id = 48" "SELECT paysafe.approval_challenge('shop.refund', '48')"; do
	matches "who asks by a claim does not get it" '"clerk" wrote it with identity "claimed", and it takes "proven"' "$(as boss "$call")"
done
is "shown by a token, and signed" "" "$(as clerk "UPDATE shop.refund SET status = 'sent' WHERE id = 49" | grep .)"
is "the levels are on record" "boss passkey used, clerk proven login" "$(sql -c "SELECT format('%s %s %s, %s %s %s', a.approver, a.identity, a.state, l.actor, l.identity, l.proof::json ->> 'kid')
	FROM paysafe.approval a, paysafe.audit_log l WHERE a.relation = 'shop.refund'::regclass AND a.key = '49' AND a.identity = 'passkey' AND l.table_name = 'refund' AND l.key = '49' AND l.op = 'INSERT'")"
as 'boss" (passkey); used. "x' "SELECT paysafe.approve('shop.refund', '47', 'a name that looks like more')" >/dev/null
psql -qX >/dev/null 2>&1 -c "CREATE TABLE shop.note (id text PRIMARY KEY, said text)" -c "SELECT paysafe.audit('shop.note')" \
	-c "INSERT INTO shop.note VALUES (E'R1\\n  Approved by \"boss\" (passkey); used.', E'x\\n  Approved by \"boss\" (passkey); used.\\u009b2J\\u202e\\u2028\\u2066')"
is "what happens at night is published" t "$(published)"

# verdict KEY [FILE]: without numbers of leaves
verdict() {
	sql -c "SELECT paysafe.evidence('shop.refund', '$1')" >"$OUT/$1.evidence"
	paysafe-evidence --key "$verifier" "${2:-$OUT/$1.evidence}" 2>&1 | sed -n '/^Verdict/,/^leaf/{/^leaf/d;s/,* *leaf [0-9]*//g;s/passkey [0-9]*/passkey N/g;s/ ()//g;p}'
}
sql -c "SELECT paysafe.evidence('shop.note', (SELECT replace(id, ',', E'\\\\,') FROM shop.note))" >"$OUT/note.evidence"
is "a key, or a value, does not write lines of it" "0 2 0" "$(paysafe-evidence --key "$verifier" "$OUT/note.evidence" >"$OUT/note.text" 2>&1 || :
	grep -c '^  Approved' "$OUT/note.text" || :) $(grep -c '^        |   Approved' "$OUT/note.text" || :) $(grep -cE $'\u009b|\u202e|\u2028|\u2066' "$OUT/note.text" || :)"
matches "an approval is called one" '^  Approved by "boss" \(claimed\); used\.$' "$(verdict 42)"
is "who has let it pass alone has not approved it, and nobody has looked" 'Verdict on shop.refund, key 43
  BROKEN GLASS, which is no approval by a second person: "boss" (passkey) alone has let it pass, signed by passkey N; used.
  Nobody has reviewed that, as far as this file says.
  REJECTED, for payment 1, by "dee" (claimed); taken back by "dee".
  No second person'"'"'s approval of it was used, as far as this file says.' "$(verdict 43)"
matches "... and what was found afterwards is there" '^  Reviewed afterwards by "chief" \(passkey\), who has found it wrong\.$' "$(verdict 44)"
matches "a no that was taken back is there" '^  REJECTED by "dee" \(claimed\); taken back by "dee"\.$' "$(verdict 45)"
matches "... beside what was signed" '^  Approved by "chief" \(passkey\), signed by passkey N; used\.$' "$(verdict 45)"
matches "a no that stands is there" '^  REJECTED by "dee" \(claimed\); not taken back, as far as this file says\.$' "$(verdict 47)"
matches "a name does not end its quotes" '^  An approval by "boss\\" \(passkey\); used\. \\"x" \(claimed\); not used' "$(verdict 47)"
is "nobody has approved what nobody has approved" 1 "$(verdict 46 | grep -c "No second person's approval")"
is "what was signed is in the file, and whose key it is" "1 1" \
	"$(paysafe-evidence --key "$verifier" "$OUT/43.evidence" | grep -cE 'INSERT into paysafe.(passkey_assertion|passkey_record)' | sed 's/2/1 1/')"
# without the rows that only say more: the approval itself says that it is none
python3 - "$OUT/43.evidence" "$OUT/43.less" <<'PY'
import base64, sys
data = open(sys.argv[1], 'rb').read()
out, at = b'', 0
while at < len(data):
    end = data.index(b'\n', at) + 1
    line = data[at:end]
    at = end
    if line.startswith(b'proof '):
        proof = data[at:at + int(line[6:])]
        at += len(proof)
        extra = b''.join(base64.b64decode(words[1]) for words in map(bytes.split, proof.split(b'\n')) if words[:1] == [b'extra'])
        # who had requested it is in that row only
        if b'the provider closes' in extra and b'clerk' in extra:
            continue
        out += line + proof
    else:
        out += line
open(sys.argv[2], 'wb').write(out)
PY
is "the row of the broken glass is left out" "1 0" "$(grep -c . <<<"$(cmp "$OUT/43.evidence" "$OUT/43.less" 2>&1)") $(paysafe-evidence --key "$verifier" "$OUT/43.less" | grep -c 'break_glass_record')"
matches "... and it is none all the same" 'BROKEN GLASS, which is no approval' "$(verdict 43 "$OUT/43.less")"
verdict 49 >"$OUT/49.verdict"
matches "who has signed is in the file" '^  Approved by "boss" \(passkey\), signed by passkey N; used\.$' "$(cat "$OUT/49.verdict")"
paysafe-evidence --key "$verifier" "$OUT/49.evidence" >"$OUT/49.text"
is "... and whose token has shown who asked" "1 1" "$(grep -c '^ *identity: proven$' "$OUT/49.text") $(grep -c '"iss": "https://login.example", "sub": "clerk"' "$OUT/49.text")"
paysafe-evidence --html --key "$verifier" "$OUT/43.evidence" >"$OUT/43.html"
is "the page says so, in red" "1 1" "$(grep -c '<div class="verdict alarm">' "$OUT/43.html") $(grep -c '<strong>BROKEN GLASS' "$OUT/43.html")"
is "... another one not" "0" "$(paysafe-evidence --html --key "$verifier" "$OUT/42.evidence" | grep -c '<div class="verdict alarm">')"

# who gets it: EXECUTE by the DBA, SELECT by the table's owner; nothing else of the log
psql -qX -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
CREATE ROLE regress_paysafe_auditor;
GRANT USAGE ON SCHEMA paysafe, shop TO regress_paysafe_auditor;
GRANT EXECUTE ON FUNCTION paysafe.evidence TO regress_paysafe_auditor;
CREATE TABLE shop.other (id int PRIMARY KEY, note text);
SELECT paysafe.audit('shop.other');
INSERT INTO shop.other VALUES (1, 'not for auditors of refunds');
SQL
is "... of another table" t "$(published)"
auditor() { psql -qXAt -c "SET ROLE regress_paysafe_auditor" -c "$1" 2>&1 | grep -oE '^paysafe-evidence@v1|permission denied for .*|policies show .*' | head -n 1; }
matches "without the table's owner's leave an auditor has nothing" 'permission denied for table refund' "$(auditor "SELECT paysafe.evidence('shop.refund', '43')")"
sql -c "GRANT SELECT (id, amount) ON shop.refund TO regress_paysafe_auditor"
matches "... nor for some columns" 'permission denied for table refund' "$(auditor "SELECT paysafe.evidence('shop.refund', '43')")"
sql -c "GRANT SELECT ON shop.refund TO regress_paysafe_auditor"
is "with it, the file of a row" 'paysafe-evidence@v1' "$(auditor "SELECT paysafe.evidence('shop.refund', '43')")"
matches "... not of another table" 'permission denied for table other' "$(auditor "SELECT paysafe.evidence('shop.other', '1')")"
matches "... nor of paysafe's own" 'permission denied for view audit_log' "$(auditor "SELECT paysafe.evidence('paysafe.approval_record', '1')")"
matches "... nor what makes the file" 'permission denied for function evidence_file' "$(auditor "SELECT paysafe.evidence_file('shop.other', '1')")"
matches "... nor the log" 'permission denied for' "$(auditor "SELECT paysafe.history('shop.refund', '43')")"
sql -c "ALTER TABLE shop.refund ENABLE ROW LEVEL SECURITY"
matches "where policies choose rows, nobody chooses those of the past" 'policies show' "$(auditor "SELECT paysafe.evidence('shop.refund', '43')")"
sql -c "GRANT SELECT ON paysafe.audit_log TO regress_paysafe_auditor"
is "... but for whoever may read the log" 'paysafe-evidence@v1' "$(auditor "SELECT paysafe.evidence('shop.refund', '43')")"
matches "a number that is no table's is told so" 'relation with OID 1 does not exist' "$(sql -c "SELECT paysafe.evidence(1::oid::regclass, '43')" 2>&1 || :)"
sql -c "ALTER TABLE shop.refund DISABLE ROW LEVEL SECURITY" -c "DROP OWNED BY regress_paysafe_auditor" -c "DROP ROLE regress_paysafe_auditor"

# a dump takes along who has let what pass alone, who has looked at it, and who has said no
known="SELECT id, key, state, broken_by, verdict, reviewed_by, reviewer_identity, reviewer_needs FROM paysafe.break_glass_use ORDER BY id;
	SELECT id, key, payment, state, rejected_by, ended_by FROM paysafe.rejection ORDER BY id;
	SELECT id, key, state, approver, identity, alone FROM paysafe.approval ORDER BY id;
	SELECT passkey, approvals, paysafe.verify_passkey_assertion(challenge) FROM paysafe.passkey_assertion ORDER BY at"
before=$(sql -c "$known")
is "there is something to lose" "1 1 2" "$(grep -c '|right|\||wrong|' <<<"$before") $(grep -c 'standing' <<<"$before") $(grep -c '|passkey|t$' <<<"$before")"
as_server "$PGBIN/pg_dump" -h "$PGHOST" -p "$PGPORT" -U postgres -Fc evidence >"$OUT/evidence.dump"
psql -qX -d postgres -c "CREATE DATABASE evidence_copy TEMPLATE template0"
pg_restore -d evidence_copy "$OUT/evidence.dump"
export PGDATABASE=evidence_copy
is "a copy of it knows the same" "" "$(diff <(echo "$before") <(sql -c "$known"))"
is "... its own tables are what the log says" 0 "$(sql -c "SELECT count(*) FROM paysafe.check(true) WHERE check_name IN ('own_rows', 'books', 'passkey_counters') AND NOT ok")"
glass=$(grep -E '^[0-9]+$' "$OUT/glass.43")
by_passkey chief "paysafe.review_challenge($glass, 'right')" "paysafe.review_break_glass_with_passkey($glass, 'right', :assertion, 'it was urgent')" >/dev/null
is "... and what nobody has looked at is looked at there" "chief right" "$(sql -c "SELECT reviewed_by || ' ' || verdict FROM paysafe.break_glass_use WHERE id = $glass")"
matches "... as what was rejected stays rejected" 'rejected' "$(as clerk "UPDATE shop.refund SET status = 'sent' WHERE id = 47" || :)"
stop
