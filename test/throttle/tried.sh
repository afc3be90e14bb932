# Failed attempts of tokens, passkeys and approvals. Sourced by run, which has the server.

echo "- tokens, passkeys and approvals"
b64() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
# told N ACTOR STATEMENT [END]: in a transaction from 192.0.2.N, all that is said of errors
from() { echo "SELECT paysafe.act_from('192.0.2.$1')"; }
told() {
	psql -qXAt -v VERBOSITY=verbose 2>&1 >"$OUT/tried.out" <<-SQL | paste -sd'|'
		BEGIN;
		${1:+$(from "$1");}
		${2:+SELECT paysafe.act_as('$2');}
		$3;
		${4:-COMMIT};
	SQL
}
left() { sql -c "SELECT remaining FROM paysafe.throttle('failed/$1', '{\"address\": \"192.0.2.$2\", \"client\": \"$3\"}', 0)"; }
by_two() {						# by_two CALL: ann and bob
	sql -c "CREATE TEMP TABLE secret_in (secret text)" -c "INSERT INTO secret_in VALUES ('$secret')" \
		-c "BEGIN; SELECT paysafe.act_as('ann'), paysafe.propose('because'); SELECT paysafe.$1; COMMIT" \
		-c "BEGIN; SELECT paysafe.act_as('bob'); SELECT paysafe.approve(approved_as, key, 'so be it') FROM paysafe.pending_change; COMMIT" \
		-c "BEGIN; SELECT paysafe.act_as('ann'); SELECT paysafe.$1; COMMIT" >/dev/null 2>>"$OUT/by_two"
}
secret=$(printf 's%.0s' {1..32} | b64)
by_two "set_token_issuer('https://login.example', '{payments}', 'our login', shared_secrets => true)"
by_two "set_token_secret('https://login.example', 'k', secret, 'our login') FROM secret_in"
by_two "set_token_secret('https://login.example', 'old', secret, 'before') FROM secret_in"
sql -c "SELECT paysafe.revoke_token_key('https://login.example', 'old', 'lost')" >/dev/null
token() {						# token [MEMBERS [SECRET [SECONDS [KEY]]]]: a new one
	local input
	input=$(printf '{"alg":"HS256","kid":"%s"}' "${4:-k}" | b64).$(printf '{"iss":"https://login.example","aud":"payments","sub":"anna","jti":"%s","exp":%s%s}' \
		"$(openssl rand -hex 16)" "$(($(date +%s) + ${3:-600}))" "${1:-}" | b64)
	echo "$input.$(printf '%s' "$input" | openssl dgst -sha256 -hmac "${2:-$(printf 's%.0s' {1..32})}" -binary | b64)"
}
by_token() { echo "SELECT paysafe.act_as_token('$1')"; }

sql -c "SELECT paysafe.bootstrap_people('ann', '{name:ann}', 'bob', '{name:bob}', 'the first two')" >/dev/null

# a change that waits, of ann's; bob has a passkey
openssl ecparam -genkey -name prime256v1 -noout -out "$OUT/passkey.pem" 2>/dev/null
point=$(openssl ec -in "$OUT/passkey.pem" -pubout -outform DER 2>/dev/null | tail -c 64 | od -An -v -tx1 | tr -d ' \n')
cose=a5010203262001215820${point:0:64}225820${point:64}
sql -c "SELECT paysafe.bootstrap_passkey('bob', '\x626f62', '\x$cose', 'pay.example', '{https://pay.example}', 'the first')" >/dev/null
sql -c "SELECT paysafe.set_throttle('waits', 2, '1 day', 'few', '{user}')" \
	-c "BEGIN; SELECT paysafe.act_as('ann'), paysafe.propose('more'); SELECT paysafe.set_throttle('waits', 10, '1 day', 'many', '{user}'); COMMIT" >/dev/null 2>&1
is "a change waits" "$(sql -c "SELECT count(*) FROM paysafe.pending_change")" 1
approve="SELECT paysafe.approve(approved_as, key, 'so be it') FROM paysafe.pending_change"
assertion() {					# assertion [KEY]: over a new challenge for bob
	local challenge client data
	challenge=$(sql -c "BEGIN; SELECT paysafe.act_as('bob'); SELECT paysafe.approval_challenge(approved_as, key) -> 'publicKey' ->> 'challenge' FROM paysafe.pending_change; COMMIT" | tail -n 1)
	client=$(printf '{"type":"webauthn.get","challenge":"%s","origin":"https://pay.example","crossOrigin":false}' "$challenge")
	printf 'pay.example' | openssl dgst -sha256 -binary >"$OUT/data"
	printf '\005\000\000\000\000' >>"$OUT/data"
	data=$(b64 <"$OUT/data")
	printf '%s' "$client" | openssl dgst -sha256 -binary >>"$OUT/data"
	printf '{"id":"Ym9i","rawId":"Ym9i","type":"public-key","response":{"clientDataJSON":"%s","authenticatorData":"%s","signature":"%s"},"clientExtensionResults":{}}' \
		"$(printf '%s' "$client" | b64)" "$data" "$(openssl dgst -sha256 -sign "${1:-$OUT/passkey.pem}" "$OUT/data" | b64)"
}
by_passkey() { echo "SELECT paysafe.approve_with_passkey(approved_as, key, '$1', 'so be it') FROM paysafe.pending_change"; }
openssl ecparam -genkey -name prime256v1 -noout -out "$OUT/other.pem" 2>/dev/null

# without limits, and without an address, nothing is counted and all is said as ever
for i in 1 2 3 4; do told 1 "" "$(by_token "$(token '' wrong)")"; told 1 ann "$approve"; done >"$OUT/told"
is "why somebody does not approve is said" "$(grep -c '"ann" cannot approve this' "$OUT/told")" 4
is "without a limit nothing is locked" "$(told 1 "" "$(by_token "$(token)")")" ""
sql -c "SELECT paysafe.set_throttle('failed/token', 3, '1 hour', 'guessing', '{address,client}'), paysafe.set_throttle('failed/passkey', 3, '1 hour', 'guessing', '{address,client}'),
	paysafe.set_throttle('failed/approval', 3, '1 hour', 'guessing', '{address,client}')" >/dev/null
for i in 1 2 3 4; do told "" "" "$(by_token "$(token '' wrong)")"; told "" ann "$approve"; done >"$OUT/told"
is "an application that does not say from where is not locked out" "$(grep -c '"ann" cannot approve this' "$OUT/told")/$(told "" "" "$(by_token "$(token)")")" 4/

# tokens: rolled back, in a savepoint, and alone; what is late, or comes twice, is no attempt
good=$(token)
told 1 "" "$(by_token "$(token '' wrong)")" ROLLBACK >"$OUT/wrong"
told 1 "" "SAVEPOINT s; $(by_token "$(token '' wrong)"); ROLLBACK TO s" >/dev/null
for i in 1 2 3 4; do told 1 "" "$(by_token "$(token '' '' -100)")" >>"$OUT/late"; done
is "what is late is told the same" "$(sort -u "$OUT/late")" "$(cat "$OUT/wrong")"
used=$(token)
is "one is left" "$(left token 1 https://login.example)/$(told 1 "" "$(by_token "$used")")" 1/
is "it comes twice" "$(told 1 "" "$(by_token "$used")")" "$(cat "$OUT/wrong")"
told 1 "" "$(by_token "$(token '' wrong)")" >/dev/null
is "locked out: a right token is told what a wrong one is" "$(told 1 "" "$(by_token "$good")")" "$(cat "$OUT/wrong")"
is "and a wrong one" "$(told 1 "" "$(by_token "$(token '' wrong)")")" "$(cat "$OUT/wrong")"
is "which is that" "$(grep -c 'ERROR:  42501: the token is not accepted' "$OUT/wrong")" 1
is "somebody else is not" "$(told 2 "" "$(by_token "$(token)")")" ""
sql -c "SELECT paysafe.throttle_return('failed/token', '{\"address\": \"192.0.2.1\", \"client\": \"https://login.example\"}', 3)" >/dev/null
is "let in again, with the token that was refused" "$(told 1 "" "$(by_token "$good")")" ""

# clients that have tokens of a revoked key or issuer lock nobody out
old=$(token '' '' 600 old)
for i in 1 2 3 4; do told 10 "" "$(by_token "$old")"; done >"$OUT/revoked"
is "a revoked key is refused, and counts nothing" "$(sort -u "$OUT/revoked")/$(left token 10 https://login.example)/$(told 10 "" "$(by_token "$(token)")")" "$(cat "$OUT/wrong")/3/"

# passkeys: named by its credential, from one address
told 3 "" "$(by_passkey "$(assertion "$OUT/other.pem")")" ROLLBACK >"$OUT/wrong"
for i in 1 2; do told 3 "" "$(by_passkey "$(assertion "$OUT/other.pem")")" >/dev/null; done
is "three were wrong" "$(left passkey 3 bob)/$(grep -c "ERROR:  42501: the passkey's assertion is not accepted" "$OUT/wrong")" 0/1
good=$(assertion)
is "locked out: a right assertion is told what a wrong one is" "$(told 3 "" "$(by_passkey "$good")")" "$(cat "$OUT/wrong")"
is "nothing is approved" "$(sql -c "SELECT count(*) FROM paysafe.approval WHERE state = 'open'")" 0
is "from elsewhere the same one is right" "$(told 4 "" "$(by_passkey "$good")" ROLLBACK)" ""

# approvals: by who may not, and then by who may; people count as themselves, in every spelling, all others as one
told 5 ann "$approve" ROLLBACK >"$OUT/wrong"
is "with a limit nobody is told why" "$(grep -c 'ERROR:  42501: the approval is not accepted' "$OUT/wrong")/$(grep -c ann "$OUT/wrong")" 1/0
is "nor is who says no without a name" "$(told 5 "" "SELECT paysafe.reject(approved_as, key, 'no') FROM paysafe.pending_change")" "$(cat "$OUT/wrong")"
for name in Ann ANN; do told 5 "$name" "$approve" >/dev/null; done
is "a name that has not failed" "$(left approval 5 ann)/$(told 5 bob "$approve" ROLLBACK)" 0/
is "she says no to what she has asked for, and is told the same" "$(told 5 ann "SELECT paysafe.reject(approved_as, key, 'no') FROM paysafe.pending_change")" "$(cat "$OUT/wrong")"
is "which is not so" "$(sql -c "SELECT count(*) FROM paysafe.rejection")" 0
is "from elsewhere she can" "$(told 6 ann "SELECT paysafe.reject(approved_as, key, 'no') FROM paysafe.pending_change" ROLLBACK)" ""

for name in x1 x2 x3; do told 15 $name "SELECT paysafe.delegate_approval('bob', now() + interval '1 day', 'x')" >/dev/null; done
is "who is not registered is one, whatever the name" "$(left approval 15 unknown)/$(left approval 15 x1)/$(told 15 "carol" "$approve" ROLLBACK)" "0/3/$(cat "$OUT/wrong")"
is "and locks out nobody who is" "$(told 15 bob "$approve" ROLLBACK)" ""
# one that is locked out is refused once, be it wrong or right
refused() { sql -c "SELECT value FROM paysafe.metric WHERE name = 'paysafe_throttled_total' AND 'failed/approval' = ANY (labels)"; }
before=$(refused)
told 15 "" "$approve" >/dev/null
told 15 carol "$approve" >/dev/null
is "each counts once" "$(($(refused) - before))" 2
# whoever else says yes or no
n=20
for each in "settle_breach(0, 'x')" "delegate_approval('bob', now() + interval '1 day', 'x')" "reject(approved_as, key, 'x') FROM paysafe.pending_change"; do
	n=$((n + 1))
	is "$each by nobody" "$(told $n "" "SELECT paysafe.$each")/$(left approval $n unknown)" "$(cat "$OUT/wrong")/2"
done

# a login that is one person's own comes from where it comes, whatever it says
sql -c "CREATE ROLE regress_tried LOGIN; GRANT USAGE ON SCHEMA paysafe TO regress_tried; GRANT EXECUTE ON FUNCTION paysafe.approve, paysafe.act_from, paysafe.propose, paysafe.set_throttle TO regress_tried;
	GRANT SELECT ON paysafe.pending_change TO regress_tried" >/dev/null
for i in 7 8 9; do PGUSER=regress_tried told $i "" "SELECT paysafe.propose('x'); SELECT paysafe.set_throttle('waits', 20, '1 day', 'x', '{user}'); $approve WHERE difference LIKE '%20%'"; done >"$OUT/own"
is "one person's own login" "$(grep -c 'the approval is not accepted' "$OUT/own")/$(sql -c "SELECT remaining FROM paysafe.throttle('failed/approval', '{\"address\": \"[local]\", \"client\": \"unknown\"}', 0)")/$(left approval 7 regress_tried)" 3/0/3

# many at once, each with two services in another order, beside somebody who changes a limit: nobody waits for a lock
mkfifo "$OUT/changing"
sql -f "$OUT/changing" >/dev/null &
changing=$!
exec 7>"$OUT/changing"
echo "BEGIN; SELECT paysafe.set_throttle('failed/token', 2, '1 hour', 'guessing', '{address}'); \! touch '$OUT/changed'" >&7
for ((w = 0; w < 600; w++)); do [ ! -e "$OUT/changed" ] || break; sleep 0.1; done
for i in 1 2 3 4 5 6 7 8; do
	a=$(by_token "$(token '' wrong)") b=$approve
	((i % 2)) || { b=$a a=$approve; }
	for n in 1 2 3; do
		echo "SET lock_timeout = '20s'; BEGIN; $(from 50); SELECT paysafe.act_as('ann'); $a; ROLLBACK; BEGIN; $(from 50); SELECT paysafe.act_as('ann'); $b; ROLLBACK;"
	done | psql -qXAt -v VERBOSITY=sqlstate 2>&1 >/dev/null | sort | uniq -c | tr -s ' ' >"$OUT/many$i" &
	many[i]=$!
done
wait "${many[@]}"
echo "ROLLBACK;" >&7
exec 7>&-
wait $changing
is "many at once" "$(cat "$OUT"/many* | sort -u)/$(left token 50 https://login.example)/$(left approval 50 ann)" " 6 ERROR: 42501/0/0"

for ((w = 0; w < 600; w++)); do
	[ "$(sql -c "SELECT count(DISTINCT segment) FROM paysafe.signal WHERE kind = 'locked_out' AND segment IN ('failed/token', 'failed/passkey', 'failed/approval')")" != 3 ] || break
	sleep 0.1
done
is "a lockout is a signal, once" "$(sql -c "SELECT segment, count(*) FROM paysafe.signal WHERE kind = 'locked_out' AND subject IN (paysafe.signal_subject('192.0.2.1', 'https://login.example'), paysafe.signal_subject('192.0.2.3', 'bob'), paysafe.signal_subject('192.0.2.5', 'ann')) GROUP BY 1 ORDER BY 1" | xargs)" "failed/approval|1 failed/passkey|1 failed/token|1"
is "why is on record" "$(sql -c "SELECT count(DISTINCT rule) FROM paysafe.refusal_log WHERE message LIKE '%from this address have failed'")" 3
