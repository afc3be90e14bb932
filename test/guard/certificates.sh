# Read by run: people whom a client's certificate shows.  Needs the functions of run.

# made NAME SUBJECT [CA]: a key and a certificate by that authority
made() {
	openssl req -new -utf8 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" -keyout "$cards/$1.key" -out "$cards/$1.csr" 2>/dev/null
	openssl x509 -req -in "$cards/$1.csr" -CA "$cards/${3:-ca}.crt" -CAkey "$cards/${3:-ca}.key" -CAcreateserial -days 30 -out "$cards/$1.crt" 2>/dev/null
	chmod 600 "$cards/$1.key"
}

# What openssl says the fingerprint is
print_of() {
	openssl x509 -in "$cards/$1.crt" -noout -fingerprint -sha256 | sed 's/.*=//'
}

plain_of() {
	print_of "$1" | tr -d : | tr A-F a-f
}

# shows CARD PATTERN SQL [LOGIN] [ADDRESS]: over TLS with that card, from another machine
shows() {
	PGUSER=${4:-guard_desk} PGHOST=${5:-127.0.0.3} PGSSLMODE=verify-ca PGSSLROOTCERT=$cards/ca.crt \
		PGSSLCERT=$cards/$1.crt PGSSLKEY=$cards/$1.key says "$2" "$3"
}

certificates() {
	local port cards=$PAYSAFE_RUN/cards card approve hba=$PAYSAFE_RUN/data/pg_hba.conf
	local long="/O=$(printf 'x%.0s' {1..55})/CN=ärger"
	free_port
	mkdir -p "$cards"
	for card in ca other; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$card" -days 30 \
			-keyout "$cards/$card.key" -out "$cards/$card.crt" 2>/dev/null
	done
	made server /CN=server
	for card in ann ann_too bob bob_too; do made $card "/CN=$card"; done
	made nameless /
	made long "$long"
	made stranger /CN=bob other
	[ "$(id -u)" -ne 0 ] || chown "$SERVER_USER" "$cards/server.key"
	"${CC:-cc}" -shared -fPIC -Wall -Wextra remote.c -o "$PAYSAFE_RUN/remote.so" -ldl

	fresh -c "CREATE TABLE pay (id int PRIMARY KEY, captured numeric, currency text)" \
		-c "CREATE TABLE back (id int PRIMARY KEY, pay int, amount numeric, currency text, status text)" -c "CREATE INDEX ON back (pay)" \
		-c "CREATE ROLE guard_desk LOGIN" -c "CREATE ROLE guard_bob LOGIN" -c "CREATE ROLE guard_app LOGIN" \
		-c "GRANT SELECT, INSERT, UPDATE ON back TO guard_desk, guard_bob, guard_app" -c "GRANT SELECT ON pay TO guard_desk, guard_bob, guard_app" \
		-c "GRANT EXECUTE ON FUNCTION paysafe.approve, paysafe.propose, paysafe.add_alias TO guard_desk, guard_bob, guard_app" \
		-c "GRANT SELECT ON paysafe.pending_change TO guard_desk" -c "GRANT EXECUTE ON FUNCTION paysafe.act_as TO guard_app" \
		-c "SELECT paysafe.protect_refund('back', 'pay', 'pay', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency')" \
		-c "SELECT paysafe.audit('back')" -c "INSERT INTO pay VALUES (1, 1000, 'EUR')" \
		-c "SELECT paysafe.bootstrap_people('Ann', ARRAY['certificate:$(print_of ann)', 'certificate:$(plain_of ann_too)'],
			'Bob', ARRAY['login:guard_bob', 'certificate:$(plain_of bob)'], 'the first two')" >/dev/null 2>&1
	cp "$hba" "$cards/hba"
	printf '%s\n' "hostssl all all 192.0.2.0/24 trust clientcert=verify-ca" "hostssl all all 127.0.0.0/8 trust clientcert=verify-ca" \
		"local all all trust" >"$hba"
	as_server "$PGBIN/pg_ctl" -D "$PAYSAFE_RUN/data" -m fast -w stop >/dev/null
	printf '%s\n' "listen_addresses = '127.0.0.1, 127.0.0.2, 127.0.0.3'" "port = $port" "ssl = on" "ssl_ca_file = '$cards/ca.crt'" \
		"ssl_cert_file = '$cards/server.crt'" "ssl_key_file = '$cards/server.key'" >>"$PAYSAFE_RUN/data/postgresql.conf"
	LD_PRELOAD="${LD_PRELOAD:+$LD_PRELOAD }$PAYSAFE_RUN/remote.so" server_start || return 1
	export PGPORT=$port
	approve="SELECT paysafe.approve('back', '1', 'x') > 0"

	# what openssl says of the file is what is on record, with changes and with refusals
	shows ann '^$' "INSERT INTO back VALUES (1, 1, 10, 'EUR', 'requested')"
	says "^session\|/CN=ann\|$(plain_of ann)\|192.0.2.7\|guard_desk\$" \
		"SELECT identity, client_cert, client_cert_sha256, client_addr, login FROM paysafe.audit_log WHERE table_name = 'back'"
	shows ann 'needs the approval of a second person' "UPDATE back SET status = 'sent'"
	wait_for "SELECT count(*) > 0 FROM paysafe.refusal_log WHERE client_cert_sha256 = '$(plain_of ann)'" || return 1
	# the same certificate shows the same person whoever asks; another one of hers is no second person
	shows ann '"Ann" requested it' "$approve"
	shows ann_too '"Ann" requested it' "$approve"
	# nobody is shown from the server's own machine, whichever of its addresses was called
	for card in 127.0.0.1 127.0.0.2; do
		shows bob "(42501.*needs a person|DETAIL: +The connection comes over the network from the server's own machine)" "$approve" guard_desk $card
		shows bob '42501.*needs a person' "$approve" guard_bob $card
	done
	# whose login it is and whose certificate must be one
	shows ann '42501.*needs a person' "$approve" guard_bob
	shows ann_too '42501.*acts for nobody else' "BEGIN; SELECT paysafe.act_as('Bob'); $approve; COMMIT" guard_app
	# another authority's does not get in, whatever the client hears of that; none either
	shows stranger 'connection to server .* failed' "$approve"
	PGSSLCERT=$cards/none.crt PGUSER=guard_bob PGHOST=127.0.0.3 says 'connection to server .* failed' "$approve"
	says '^0$' "SELECT count(*) FROM paysafe.approval"
	shows bob '^t$' "$approve"
	says '^Bob\|session$' "SELECT approver, identity FROM paysafe.approval"
	shows ann_too '^$' "UPDATE back SET status = 'sent'"

	# one more by two people, each shown by theirs; disabled, all of them show nobody, at once
	shows ann '^$' "BEGIN; SELECT paysafe.propose('a new card'); SELECT paysafe.add_alias('Bob', 'certificate', '$(print_of bob_too)', 'a new card'); COMMIT"
	shows ann_too '42501' "SELECT paysafe.approve(approved_as, key, 'x') > 0 FROM paysafe.pending_change"
	shows bob '^t$' "SELECT paysafe.approve(approved_as, key, 'x') > 0 FROM paysafe.pending_change"
	shows ann '^t$' "SELECT paysafe.add_alias('Bob', 'certificate', '$(print_of bob_too)', 'a new card')"
	says "^$(plain_of bob_too)\$" "SELECT value FROM paysafe.person_alias WHERE person = 'Bob' AND kind = 'certificate' AND value <> '$(plain_of bob)'"
	shows ann '^$' "INSERT INTO back VALUES (2, 1, 10, 'EUR', 'requested')"
	shows bob_too '^t$' "SELECT paysafe.approve('back', '2', 'x') > 0"
	psql -qX -d paysafe_guard -c "BEGIN" -c "SELECT paysafe.act_as('Ann'), paysafe.disable_person('Bob', 'has left')" -c "COMMIT" >/dev/null 2>&1
	for card in bob bob_too; do
		shows $card '42501.*"Bob" is disabled' "INSERT INTO back VALUES (3, 1, 10, 'EUR', 'requested')"
	done

	# names are not asked for: none, and one that is cut in the middle of a letter
	shows nameless '^$' "INSERT INTO back VALUES (4, 1, 10, 'EUR', 'requested')"
	says "^$(plain_of nameless)\$" "SELECT client_cert_sha256 FROM paysafe.audit_log WHERE table_name = 'back' AND key = '4'"
	shows long '^$' "INSERT INTO back VALUES (5, 1, 10, 'EUR', 'requested')"
	says "^$(plain_of long)\|/O=x{55}/CN=\$" "SELECT client_cert_sha256, client_cert FROM paysafe.audit_log WHERE table_name = 'back' AND key = '5'"

	cat "$cards/hba" >"$hba"
	server_restart "listen_addresses = ''" "port = 5432" "ssl = off"
	export PGPORT=5432
	psql -qX -d postgres -c "DROP DATABASE paysafe_guard WITH (FORCE)" -c "DROP ROLE guard_bob, guard_app, guard_desk"
}
