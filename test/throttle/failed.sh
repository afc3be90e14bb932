# Failed attempts that lock out. Sourced by run, which has the server.

echo "- failed attempts"
fails() { sql -c "$1" 2>&1 | grep -c 'failed attempts are counted\|no failed attempts'; }
is "no client is locked out from everywhere" "$(fails "SELECT paysafe.set_throttle('failed/api_key', 3, '1 hour', 'guessing', '{client}')")" 1
is "nor is everybody" "$(fails "SELECT paysafe.set_throttle('failed/api_key', 3, '1 hour', 'guessing')")" 1
is "other parts" "$(fails "SELECT paysafe.set_throttle('failed/api_key', 3, '1 hour', 'guessing', '{address,user}')")" 1
is "other services" "$(fails "SELECT paysafe.set_throttle('failed/login', 3, '1 hour', 'guessing', '{address}')")" 1
is "not in a table" "$(fails "SELECT paysafe.set_throttle('failed/api_key', 3, '1 hour', 'guessing', '{address}', durable => true)")" 1
is "of one tier" "$(fails "SELECT paysafe.set_throttle('failed/api_key', 3, '1 hour', 'guessing', '{address}', tier => 'gold')")" 1
key=$(sql -c "SELECT paysafe.api_key_issue('shop-7', '{read}')")
digest=$(printf '%s' "$key" | sha256sum | cut -d' ' -f1)
check() { sql -c "SELECT concat_ws(' ', verdict, client) FROM paysafe.api_key_verify_digest(decode('${1:-$digest}', 'hex'), 'read', '$2')"; }
wrong=$(printf 'wrong' | sha256sum | cut -d' ' -f1)
for i in 1 2 3 4 5; do check "$wrong" 192.0.2.9 >/dev/null; done
is "without a limit nothing is locked" "$(check "$digest" 192.0.2.9)" "valid shop-7"

sql -c "SELECT paysafe.set_throttle('failed/api_key', 3, '1 hour', 'guessing', '{address}'), paysafe.set_throttle('failed/webhook', 4, '1 hour', 'guessing', '{address,client}'),
	paysafe.set_throttle('failed/request', 2, '1 hour', 'guessing', '{address,client}')" >/dev/null
# what fails counts, whatever becomes of the transaction; what is right, or lacks a scope, does not
sql -c "BEGIN; SELECT verdict FROM paysafe.api_key_verify_digest('x', 'read', '192.0.2.1'); ROLLBACK" >/dev/null
check "$wrong" 192.0.2.1 >/dev/null
sql -c "SELECT count(verdict) FROM generate_series(1, 9) g, LATERAL paysafe.api_key_verify_digest(decode('$digest', 'hex'), 'write' || g, '192.0.2.1')" >/dev/null
is "not yet" "$(check "$digest" 192.0.2.1)" "valid shop-7"
check "$wrong" 192.0.2.1 >/dev/null
is "after three the right one says no more than a wrong one" "$(check "$digest" 192.0.2.1)/$(check "$wrong" 192.0.2.1)" "unknown/unknown"
is "somewhere else it is right" "$(check "$digest" 192.0.2.2)" "valid shop-7"
is "without an address nothing counts" "$(for i in 1 2 3 4; do sql -c "SELECT verdict FROM paysafe.api_key_verify_digest('x', 'read')"; done | uniq -c | tr -s ' ')$(sql -c "SELECT verdict FROM paysafe.api_key_verify_digest(decode('$digest', 'hex'), 'read')")" " 4 unknownvalid"
is "looked at" "$(sql -c "SELECT allowed, remaining FROM paysafe.throttle('failed/api_key', '{\"address\": \"192.0.2.1\"}', 0)")" "t|0"
sql -c "SELECT paysafe.throttle_return('failed/api_key', '{\"address\": \"192.0.2.1\"}', 3)" >/dev/null
is "let in again" "$(check "$digest" 192.0.2.1)" "valid shop-7"
for i in 1 2 3; do check "$wrong" "2001:db8::$i" >/dev/null; check "$wrong" "::ffff:192.0.2.20$i" >/dev/null; done
is "one network of IPv6, and not those that are IPv4" "$(check "$digest" 2001:db8::99)/$(check "$digest" ::ffff:192.0.2.209)/$(check "$digest" 2001:db8:0:1::1)" "unknown/valid shop-7/valid shop-7"
for a in fe80::1%eth0 '[fe80::2%eth1]:99' fe80::3; do check "$wrong" "$a"; done >/dev/null
is "a link-local address is one without its interface" "$(check "$digest" fe80::9%eth0)/$(sql -c "SELECT remaining FROM paysafe.throttle('failed/api_key', '{\"address\": \"fe80::7%eth0\"}', 0)")" "unknown/0"
is "an address as proxies write it" "$(for a in 192.0.2.30:1 ' 192.0.2.30' 192.0.2.30/32; do check "$wrong" "$a"; done | sort -u)/$(check "$digest" 192.0.2.30)/$(check "$digest" '[::ffff:192.0.2.30]:443')" "unknown/unknown/unknown"
is "what is no address counts nothing" "$(for i in 1 2 3; do check "$wrong" 'a,b'; done | sort -u)/$(check "$digest" 'a,b')" "unknown/valid shop-7"
is "a network is looked at by an address of it, and let in again" "$(sql -c "SELECT remaining FROM paysafe.throttle('failed/api_key', '{\"address\": \"[2001:db8::77]:9\"}', 0)" -c "SELECT count(*) FROM paysafe.throttle_return('failed/api_key', '{\"address\": \"2001:db8::78\"}', 3)" | xargs)/$(check "$digest" 2001:db8::99)" "0 1/valid shop-7"

# a webhook: the endpoint from one address
sql <<-'SQL' >/dev/null
	SELECT paysafe.set_webhook_endpoint('stripe', 'stripe');
	CREATE TEMP TABLE secret_in (secret text);
	INSERT INTO secret_in VALUES (repeat('k', 32));
	SELECT paysafe.add_webhook_key('stripe', secret) FROM secret_in;
SQL
hook() {						# hook ID ADDRESS [SIGNATURE]
	local t body="{\"id\": \"$1\", \"type\": \"x\"}"
	t=$(date +%s)
	sql -c "SELECT concat_ws(' ', verdict, reason) FROM paysafe.webhook_accept('stripe', '{\"Stripe-Signature\": \"t=$t,v1=${3:-$(printf '%s.%s' "$t" "$body" | openssl dgst -sha256 -hmac "$(printf 'k%.0s' {1..32})" | sed 's/.* //')}\"}', '$body', '$2')"
}
is "a webhook" "$(hook e1 192.0.2.1)" accepted
for i in 1 2 3 4; do hook "w$i" 192.0.2.1 "$wrong"; done >"$OUT/hooks"
is "four wrong ones" "$(sort -u "$OUT/hooks")" "refused signature_wrong"
is "then a right one is refused as a wrong one is" "$(hook e2 192.0.2.1)/$(hook w5 192.0.2.1 "$wrong")" "refused locked_out/refused locked_out"
is "from elsewhere it comes in" "$(hook e2 192.0.2.2)" accepted

# signed requests of nobody
for i in 1 2 3; do sql -c "SELECT reason FROM paysafe.request_accept(NULL, 'GET', '/', NULL, '{}', '', '192.0.2.1')"; done >"$OUT/requests"
is "a request is refused as ever" "$(sort -u "$OUT/requests")" refused
eventually "on record" "api_key_locked_out request_locked_out webhook_locked_out" "SELECT string_agg(DISTINCT rule, ' ' ORDER BY rule) FROM paysafe.refusal_log WHERE rule LIKE '%locked\\_out'"
eventually "lockouts are signals" "failed/api_key failed/request failed/webhook|t|6" "SELECT string_agg(DISTINCT segment, ' ' ORDER BY segment), bool_and(severity = 'warning'), count(DISTINCT subject) FROM paysafe.signal WHERE kind = 'locked_out'"
