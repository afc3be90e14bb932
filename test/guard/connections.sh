# Read by run: connections over which nobody sits.  Needs the functions of run.

# One that nobody listens at, in $port
free_port() {
	while port=$((20000 + RANDOM % 12000)) && (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
}

connections() {
	local port socket=$PGHOST approve claim
	free_port
	fresh -c "CREATE TABLE pay (id int PRIMARY KEY, captured numeric, currency text)" \
		-c "CREATE TABLE back (id int PRIMARY KEY, pay int, amount numeric, currency text, status text)" \
		-c "CREATE INDEX ON back (pay)" -c "CREATE ROLE guard_bob LOGIN" -c "CREATE ROLE guard_app LOGIN" \
		-c "GRANT SELECT, INSERT ON pay, back TO guard_bob, guard_app" \
		-c "GRANT EXECUTE ON FUNCTION paysafe.approve TO guard_bob, guard_app" -c "GRANT EXECUTE ON FUNCTION paysafe.act_as TO guard_app" \
		-c "SELECT paysafe.protect_refund('back', 'pay', 'pay', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency')" \
		-c "SELECT paysafe.bootstrap_people('ann', '{}', 'bob', '{login:guard_bob}', 'the first two')" \
		-c "INSERT INTO pay VALUES (1, 1000, 'EUR')" >/dev/null 2>&1
	psql -qX -d paysafe_guard -v ON_ERROR_STOP=1 -c "BEGIN" -c "SELECT paysafe.act_as('ann')" \
		-c "INSERT INTO back VALUES (1, 1, 10, 'EUR', 'requested')" -c "COMMIT" >/dev/null
	server_restart "listen_addresses = '127.0.0.1'" "port = $port" || return 1
	export PGPORT=$port
	approve="SELECT paysafe.approve('back', '1', 'x') > 0"

	# a socket is somebody's, the server's own machine over the network may be anybody's
	PGUSER=guard_bob says '^t$' "$approve"
	PGUSER=guard_bob PGHOST=127.0.0.1 says '42501.*needs a person' "$approve"
	PGUSER=guard_bob PGHOST=127.0.0.1 says "DETAIL: +The connection comes over the network from the server's own machine" "$approve"
	# an application is believed wherever it is
	PGUSER=guard_app PGHOST=127.0.0.1 says '^t$' "BEGIN; DO \$\$ BEGIN PERFORM paysafe.act_as('bob'); END \$\$; $approve; COMMIT"
	says '^claimed,session$' "SELECT string_agg(identity, ',' ORDER BY identity) FROM paysafe.approval"

	# the server itself: with or without a claim; a replication connection is no person's either
	psql -qX -d paysafe_guard -c "CREATE EXTENSION dblink" -c "ALTER ROLE guard_bob REPLICATION" -c "ALTER ROLE guard_app REPLICATION"
	says 'nobody approves over this connection of login "guard_bob"' \
		"SELECT * FROM dblink('host=$socket port=$port dbname=paysafe_guard user=guard_bob', \$\$$approve\$\$) r (a boolean)"
	claim="SELECT dblink_exec('host=$socket port=$port dbname=paysafe_guard user=guard_app',
		'DO \$\$ BEGIN PERFORM paysafe.act_as(''bob''); PERFORM paysafe.approve(''back'', ''1'', ''x''); END \$\$')"
	says 'nobody approves over this connection of login "guard_app"' "$claim"
	says 'The server has made this connection to itself' "$claim"
	PGUSER=guard_app says 'The session is a worker of the server' "$approve" "dbname=paysafe_guard replication=database"
	psql -qX -d paysafe_guard -c "DROP EXTENSION dblink"

	server_restart "listen_addresses = ''" "port = 5432"
	export PGPORT=5432
	psql -qX -d postgres -c "DROP DATABASE paysafe_guard" -c "DROP ROLE guard_bob, guard_app"
}
