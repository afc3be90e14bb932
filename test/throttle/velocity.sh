# Rules of velocity where the library is preloaded: what observes sees, and says. Sourced by run, which has the server.

echo "- velocity"
sql >/dev/null <<-'SQL'
	CREATE SCHEMA fast;
	CREATE TABLE fast.pay (id int PRIMARY KEY, who text, card text, amount numeric, cents bigint);
	SELECT paysafe.protect_velocity('fast.pay', 'who', 3, '1 hour', 'values', 'card', rule => 'velocity_cards');
	SELECT paysafe.protect_velocity('fast.pay', 'who', 40, '1 hour', rule => 'velocity_rows');
	SELECT paysafe.protect_velocity('fast.pay', 'who', 0.30, '1 hour', 'amount', 'amount', rule => 'velocity_amount');
	SELECT paysafe.protect_velocity('fast.pay', 'who', 30, '1 hour', 'amount', 'cents', rule => 'velocity_cents');
	CREATE TABLE fast.brief (id int PRIMARY KEY, who text);
	SELECT paysafe.protect_velocity('fast.brief', 'who', 1, '1 second', rule => 'velocity_brief');
	CREATE TABLE fast.kept (id int PRIMARY KEY, who text);
	SELECT paysafe.protect_velocity('fast.kept', 'who', 1, '1 day', mode => 'refuse');
SQL
# until there are so many signals of rules of this name; says which there are
said() {						# said RULE NUMBER
	local w
	for ((w = 0; w < 1800; w++)); do
		[ "$(sql -c "SELECT count(*) >= $2 FROM paysafe.signal WHERE kind = 'velocity' AND figures ->> 'rule' ~ '$1'")" != t ] || break
		sleep 0.1
	done
	sql -c "SELECT string_agg(concat_ws(' ', figures ->> 'rule', figures ->> 'actual', figures ->> 'maximum', figures ->> 'mode', segment), ', ' ORDER BY figures ->> 'rule', at) FROM paysafe.signal WHERE kind = 'velocity' AND figures ->> 'rule' ~ '$1'"
}
pay() { sql -c "INSERT INTO fast.pay $1"; }

# exactly as much is nothing to say; one more is, once
pay "SELECT n, 'ann', 'c' || n % 3, 0.1, 10 FROM generate_series(1, 3) n"
pay "SELECT n, 'ann', 'c' || n % 3, NULL, NULL FROM generate_series(4, 40) n"
is "as much as may be" "$(sql -c "SELECT count(*) FROM paysafe.signal WHERE kind = 'velocity'")" 0
pay "VALUES (41, 'ann', 'c3', 0.000001, 1), (42, 'ann', 'c4', 1, 1)"
is "more is a signal" "$(said 'cards|rows|amount|cents' 4)" \
	"velocity_amount 0.300001 0.3 observe fast.pay, velocity_cards 4 3 observe fast.pay, velocity_cents 31 30 observe fast.pay, velocity_rows 41 40 observe fast.pay"
is "of the key" "$(sql -c "SELECT count(*) FROM paysafe.signal WHERE kind = 'velocity' AND subject = paysafe.signal_subject('ann')")" 4
eventually "as observed, too" "t|t|23V01" "SELECT count(*) > 0, bool_and(observed), string_agg(DISTINCT sqlstate, ' ') FROM paysafe.refusal_log WHERE table_name = 'pay' AND schema_name = 'fast'"
is "nothing is stored" "$(sql -c "SELECT count(*) FROM paysafe.velocity_flow WHERE relation = 'fast.pay'::regclass")" 0
is "a value of another key" "$(pay "VALUES (50, 'bob', 'c1', 0.3, 30)"; sql -c "SELECT count(*) FROM paysafe.signal WHERE kind = 'velocity' AND subject = paysafe.signal_subject('bob')")" 0

# what was rolled back was tried
sql -c "BEGIN; INSERT INTO fast.pay SELECT n, 'cy', 'd' || n FROM generate_series(60, 62) n; ROLLBACK; INSERT INTO fast.pay VALUES (60, 'cy', 'd0')"
is "what was rolled back counts" "$(said cards 2)" "velocity_cards 4 3 observe fast.pay, velocity_cards 4 3 observe fast.pay"

# within a document amounts have decimals, too; the largest number there is is only more
sql -c "CREATE TABLE fast.doc (id int PRIMARY KEY, who text, amount numeric, doc jsonb)" -c "SELECT paysafe.protect_velocity('fast.doc', 'who', 1, '1 hour', 'amount', 'doc->amount', rule => 'velocity_doc')" \
	-c "SELECT paysafe.protect_velocity('fast.doc', 'who', 1, '1 hour', 'amount', 'amount', rule => 'velocity_vast')" >/dev/null
sql -c "INSERT INTO fast.doc VALUES (1, 'ann', NULL, '{\"amount\": 0.6}'), (2, 'ann', NULL, '{\"amount\": 0.4}'), (3, 'ann', NULL, '{\"amount\": 0.25}')"
is "an amount in a document" "$(said doc 1)" "velocity_doc 1.25 1 observe fast.doc"
is "an amount without end" "$(sql -c "INSERT INTO fast.doc VALUES (4, 'bob', ('9' || repeat('0', 131071))::numeric, NULL) RETURNING id" 2>&1)" 4

# of what is beyond what can be counted it is said that it is so much at least; a maximum there is never exceeded
sql -c "CREATE TABLE fast.vast (id int PRIMARY KEY, who text, amount numeric, cents bigint)" \
	-c "SELECT paysafe.protect_velocity('fast.vast', 'who', 1, '1 hour', 'amount', 'amount', rule => 'velocity_most'), paysafe.protect_velocity('fast.vast', 'who', 9e18, '1 hour', 'amount', 'cents', rule => 'velocity_most_cents')" \
	-c "SELECT paysafe.protect_velocity('fast.vast', 'who', 9999999999999, '1 hour', 'amount', 'amount', rule => 'velocity_most_of_all')" >/dev/null
sql -c "INSERT INTO fast.vast VALUES (1, 'ann', 9e12, 9e18), (2, 'ann', 9e12, 9e18)"
is "as much at least" "$(said most 2)" "velocity_most 9000000000000 1 observe fast.vast, velocity_most_cents 9223372036854775807 9000000000000000000 observe fast.vast"
is "which the signal says" "$(sql -c "SELECT string_agg(concat_ws(' ', figures ->> 'rule', figures -> 'at_least'), ', ' ORDER BY 1) FROM (SELECT figures FROM paysafe.signal WHERE figures ->> 'rule' ~ 'most' ORDER BY figures ->> 'rule') s")" "velocity_most, velocity_most_cents true"

# what is no amount that can be added up is on record as observed, and no signal
sql -c "INSERT INTO fast.vast VALUES (3, 'bob', 'NaN', 1)"
for ((i = 0; i < 600; i++)); do
	[ "$(sql -c "SELECT count(*) FROM paysafe.refusal_log WHERE message ~ 'no amount that can be added up'")" = 0 ] || break
	sleep 0.1
done
is "no amount" "$(sql -c "SELECT string_agg(concat_ws(' | ', message, rule, observed), ', ' ORDER BY rule) FROM paysafe.refusal_log WHERE message ~ 'no amount that can be added up'")" \
	"column \"amount\" of table \"vast\" holds no amount that can be added up | velocity_most | t, column \"amount\" of table \"vast\" holds no amount that can be added up | velocity_most_of_all | t"
is "is no signal" "$(sql -c "SELECT count(*) FROM paysafe.signal WHERE kind = 'velocity' AND segment = 'fast.vast' AND subject = paysafe.signal_subject('bob')")" 0

# whom it is about: what a domain is of, and a label
sql -c "CREATE TYPE fast.method AS ENUM ('card', 'bank')" -c "CREATE DOMAIN fast.address AS inet" -c "CREATE TABLE fast.typed (id int PRIMARY KEY, method fast.method, origin fast.address)" \
	-c "SELECT paysafe.protect_velocity('fast.typed', '{method,origin}'::name[], 1, '1 hour', rule => 'velocity_typed')" >/dev/null
sql -c "INSERT INTO fast.typed VALUES (1, 'bank', '192.0.2.1'), (2, 'bank', '192.0.2.1/32')"
is "a signal of an address" "$(said typed 1)" "velocity_typed 2 1 observe fast.typed"
is "by its text" "$(sql -c "SELECT subject = paysafe.signal_subject('bank', '192.0.2.1') FROM paysafe.signal WHERE figures ->> 'rule' = 'velocity_typed'")" t

# a window slides
sql -c "INSERT INTO fast.brief VALUES (1, 'ann')" -c "SELECT pg_sleep(1.01)" -c "INSERT INTO fast.brief VALUES (2, 'ann')" >/dev/null
is "a second later" "$(sql -c "SELECT count(*) FROM paysafe.signal WHERE figures ->> 'rule' = 'velocity_brief'")" 0
is "none but these" "$(sql -c "SELECT count(*) FROM paysafe.check() WHERE check_name = 'velocity' AND NOT ok")" 0

# what is refused is a signal although nothing is stored; eight at a time store what may be
for i in 1 2 3 4 5 6 7 8; do
	sql -c "INSERT INTO fast.kept VALUES ($i, 'hot')" >/dev/null 2>&1 &
done
wait
is "eight at a time" "$(sql -c "SELECT count(*) FROM fast.kept")" 1
is "a refusal is one" "$(said '^velocity$' 1)" "velocity 2 1 refuse fast.kept"
eventually "and stands in the record" t "SELECT count(*) > 0 FROM paysafe.refusal_log WHERE sqlstate = '23V01' AND NOT observed AND table_name = 'kept'"

# it survives what shared memory does not
sql -c "CHECKPOINT"
server_restart "paysafe.throttle_keys = 1000"
is "kept over a restart" "$(sql -c "INSERT INTO fast.kept VALUES (9, 'hot')" 2>&1 | grep -c 'too many rows of one who')" 1
is "more keys than places" "$(sql -c "INSERT INTO fast.pay SELECT n, 'u' || n, 'c', 0.1, 1 FROM generate_series(1000, 40000) n" -c "SELECT size BETWEEN 5000000 AND 6000000 FROM pg_shmem_allocations WHERE name = 'paysafe recent'")" t

# what is refused first of all in a restored database leaves a signal, which is no row that nobody has added
psql -qX -d postgres -c "CREATE DATABASE velocity_copy"
pg_dump -Fc "$PGDATABASE" | pg_restore -d velocity_copy >/dev/null
copied() { sql -d velocity_copy "$@"; }
before=$(copied -c "SELECT count(*) FROM paysafe.signal")
copied -c "INSERT INTO fast.kept VALUES (20, 'cold'), (21, 'cold')" 2>/dev/null || :
for ((i = 0; i < 1800; i++)); do
	[ "$(copied -c "SELECT count(*) > $before FROM paysafe.signal")" != t ] || break
	sleep 0.1
done
copied -c "INSERT INTO fast.kept VALUES (22, 'cold')"
is "a signal before anything else" "$(copied -c "SELECT count(*) - $before FROM paysafe.signal" -c "SELECT count(*) FROM paysafe.check() WHERE check_name = 'own_rows' AND NOT ok" | xargs)" "1 0"
psql -qX -d postgres -c "DROP DATABASE velocity_copy WITH (FORCE)"
