# Read by run: what rules that are only observed would have refused is on record,
# committed or not, and a flood of it is counted.  Needs the functions of run.

observed() {
	fresh -c "CREATE TABLE t (id int PRIMARY KEY, status text)" \
		-c "CREATE TABLE pay (id int PRIMARY KEY, captured numeric, currency text)" \
		-c "CREATE TABLE back (id int PRIMARY KEY, pay int, amount numeric, currency text, status text)" \
		-c "CREATE TABLE entry (id int PRIMARY KEY, txn int, account int, amount bigint, currency text)" \
		-c "CREATE INDEX ON back (pay)" -c "CREATE INDEX ON entry (txn)" \
		-c "SELECT paysafe.protect_status('t', 'status', '[*] --> new', mode => 'observe'),
			paysafe.protect_refund('back', 'pay', 'pay', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency', mode => 'observe'),
			paysafe.protect_ledger('entry', 'txn', 'account', 'amount', 'currency', mode => 'observe')" \
		-c "INSERT INTO t VALUES (1, 'new')" -c "INSERT INTO pay VALUES (1, 10, 'EUR')" >/dev/null 2>&1

	# committed, rolled back, at COMMIT, of the gate
	says '^$' "UPDATE t SET status = 'lost'"
	says '^0$' "SELECT count(*) FROM t WHERE status = 'new'"
	says '^$' "BEGIN; DELETE FROM t; ROLLBACK"
	psql -qX -d paysafe_guard -v ON_ERROR_STOP=1 -c "BEGIN" -c "SELECT paysafe.act_as('ann', request_id => 'r-7')" \
		-c "INSERT INTO back VALUES (1, 1, 20, 'EUR', 'sent')" -c "INSERT INTO entry VALUES (1, 1, 1, 5, 'EUR')" -c "COMMIT" >/dev/null
	wait_for "SELECT sum(count) = 5 FROM paysafe.refusal_log WHERE observed" || exit 1
	says '^approval 42501 back status 1 INSERT ann r-7;ledger 23L02 entry amount  COMMIT ann r-7;refund 23R01 back amount 1 INSERT ann r-7;status 23T03 t status 1 DELETE postgres ;status 23T04 t status 1 UPDATE postgres $' \
		"SELECT string_agg(concat_ws(' ', rule, sqlstate, table_name, column_name, coalesce(key, ''), statement, actor, coalesce(request_id, '')), ';' ORDER BY rule, sqlstate)
		   FROM paysafe.refusal_log WHERE observed AND message IS NOT NULL AND row_hash IS NULL AND incomplete IS NULL"
	says '^ledger observe 1 t;refund observe 2 t;status observe 2 t$' \
		"SELECT string_agg(concat_ws(' ', rule, mode, observed, last_observed > since), ';' ORDER BY rule) FROM paysafe.protection"
	ok "the lines in the server's log" grep -q 'paysafe observed {"v":1,"event":"observed".*"sqlstate":"23L02"' "$PAYSAFE_RUN/data/server.log"

	# the rows of one statement, and statements of a second
	says '^$' "INSERT INTO t SELECT i, 'lost' FROM generate_series(10, 5009) i"
	wait_for "SELECT sum(count) = 5001 FROM paysafe.refusal_log WHERE observed AND sqlstate = '23T04'" || exit 1
	says '^t$' "SELECT count(*) < 20 FROM paysafe.refusal_log WHERE observed AND sqlstate = '23T04'"
	psql -qX -d paysafe_guard -c "DO \$\$ BEGIN FOR i IN 6000..6999 LOOP INSERT INTO t VALUES (i, 'lost'); COMMIT; END LOOP; END \$\$"
	wait_for "SELECT sum(count) = 6001 FROM paysafe.refusal_log WHERE observed AND sqlstate = '23T04'" || exit 1
	says '^t$' "SELECT count(*) < 70 FROM paysafe.refusal_log WHERE observed AND sqlstate = '23T04'"
	says '^6002$' "SELECT observed FROM paysafe.protection WHERE rule = 'status'"
	says '^0$' "SELECT paysafe.refusal_expire()"

	# many kinds one after another are no flood: each is described, by its table
	psql -qX -d paysafe_guard -c "DO \$\$ BEGIN FOR i IN 1..300 LOOP
			EXECUTE format('CREATE TABLE many_%s (id int PRIMARY KEY)', i);
			EXECUTE format('INSERT INTO many_%s VALUES (1)', i);
			PERFORM paysafe.protect_append_only(format('many_%s', i), mode => 'observe');
			COMMIT;
		END LOOP; END \$\$"
	local until
	# no more at a time than find a place in the queue
	for until in 60 120 180 240 300; do
		psql -qX -d paysafe_guard -c "DO \$\$ BEGIN FOR i IN $until - 59..$until LOOP
			EXECUTE format('DELETE FROM many_%s', i);
			COMMIT;
		END LOOP; PERFORM pg_sleep(0.6); END \$\$"
		wait_for "SELECT count(DISTINCT table_name) = $until FROM paysafe.refusal_log WHERE observed AND table_name LIKE 'many%'" || exit 1
	done
	says '^0$' "SELECT count(*) FROM paysafe.refusal_log WHERE observed AND rule = '(any)'"
	says '^300$' "SELECT sum(observed) FROM paysafe.protection WHERE relation::text LIKE 'many%'"

	# what is enforced is refused again, counts anew, and keeps what it has from then
	says 'needs a maintenance|23514|existing row' "SELECT paysafe.protect_status('t', 'status', '[*] --> new')"
	wait_for "SELECT count(*) = 1 FROM paysafe.refusal_log
		WHERE NOT observed AND sqlstate = '23514' AND rule = 'status' AND table_name = 't' AND message ~ 'cannot be declared'" || exit 1
	says '^$' "TRUNCATE t"
	wait_for "SELECT count(*) = 1 FROM paysafe.refusal_log WHERE observed AND statement = 'TRUNCATE'" || exit 1
	psql -qX -d paysafe_guard -c "SELECT paysafe.protect_status('t', 'status', '[*] --> new')" >/dev/null
	says '^enforce\|0$' "SELECT mode, observed FROM paysafe.protection WHERE rule = 'status'"
	says '23T04' "INSERT INTO t VALUES (1, 'lost')"
	says 'guard_' "ALTER TABLE back DROP COLUMN amount"
	psql -qX -d postgres -c "DROP DATABASE paysafe_guard"
}
