# Sourced by run: what has never been seen before; "is", "eventually" and "sql" are there.

seen() { sql -c "SET statement_timeout = '1min'" -c "SELECT first FROM paysafe.first_seen($1)" | tail -n 1; }
signals="SELECT count(*) FROM paysafe.signal WHERE kind = 'first_seen' AND segment"

is "first" t "$(seen "'ann', 'country', 'DE'")"
is "known" f "$(seen "'ann', 'country', 'DE'")"
is "another scope" t "$(seen "'bob', 'country', 'DE'")"
is "parts are not mixed up" t "$(seen "'annD', 'country', 'E'")"
eventually "signals" 3 "$signals = 'country'"
is "of whom" 1 "$(sql -c "$signals = 'country' AND subject = paysafe.signal_subject('ann')")"
is "nothing of it is kept" 0 "$(sql -c "SELECT count(*) FROM paysafe.first_seen_value WHERE length(digest) <> 32")"
is "learning" "t t" "$(sql -c "SELECT first::text || ' ' || learning_still FROM paysafe.first_seen('eve', 'device', 'd1', '30 days')" | sed 's/true/t/g')"
is "learning is no signal" 0 "$(sql -c "$signals = 'device'")"

# somebody is at it: nobody waits, and one of the two is the first
coproc HOLD { psql -qXAt -v ON_ERROR_STOP=1; }
holder=$HOLD_PID
hold_in=${HOLD[1]} hold_out=${HOLD[0]}
echo "BEGIN; SELECT first FROM paysafe.first_seen('race', 'country', 'FR');" >&"$hold_in"
read -r -u "$hold_out" line
is "in a transaction that is open" t "$line"
is "meanwhile" f "$(seen "'race', 'country', 'FR'")"
echo "ROLLBACK; SELECT 'done';" >&"$hold_in"
read -r -u "$hold_out" line
is "it is gone" t "$(seen "'race', 'country', 'FR'")"
echo '\q' >&"$hold_in"
wait "$holder" || :
for i in 1 2 3 4 5 6 7 8; do
	sql -c "SELECT count(*) FILTER (WHERE f.first) FROM generate_series(1, 200) n, LATERAL paysafe.first_seen('hot', 'number', n::text) f" >"$OUT/first.$i" &
	firsts[i]=$!
done
for i in 1 2 3 4 5 6 7 8; do wait "${firsts[i]}"; done
is "eight at once: each value is once the first" 200 "$(cat "$OUT"/first.[1-8] | awk '{ n += $1 } END { print n }')"
is "and once there" 201 "$(sql -c "SELECT count(*) FROM paysafe.first_seen_value WHERE kind = 'number'")"
sql -c "BEGIN READ ONLY" -c "SELECT paysafe.first_seen('ann', 'country', 'IT')" >"$OUT/read_only" 2>&1 || :
is "not in a transaction that reads" 1 "$(grep -c 'read-only transaction' "$OUT/read_only")"

# a rule on a column
sql -c "CREATE TABLE payout (id int PRIMARY KEY, customer text, account text)" \
	-c "SELECT paysafe.protect_first_seen('payout', 'account', 'customer')" >/dev/null
sql -c "INSERT INTO payout VALUES (1, 'ann', 'DE1'), (2, 'ann', 'DE1'), (3, 'ann', 'DE2'), (4, NULL, 'DE1'), (5, 'ann', NULL)"
eventually "of a statement, each once" 2 "$signals = 'account'"
sql -c "UPDATE payout SET id = 10 WHERE id = 1" -c "UPDATE payout SET account = 'DE2' WHERE id = 2" -c "DELETE FROM payout WHERE id = 3"
sql -c "UPDATE payout SET account = 'DE3' WHERE id = 2" -c "UPDATE payout SET customer = 'bob' WHERE id = 2"
eventually "what has changed" 4 "$signals = 'account'"
is "the same for the function" f "$(seen "'ann', 'account', 'DE3'")"
is "said by the view" "a value of account that is new to customer is a signal: account" "$(sql -c "SELECT definition FROM paysafe.protection WHERE rule = 'first_seen_account'")"
sql -c "SELECT paysafe.protect_first_seen('payout', 'id', kind => 'Not a word')" >"$OUT/word" 2>&1 || :
is "a kind is a word" 1 "$(grep -c 'must have small letters' "$OUT/word")"
sql -c "CREATE TABLE at (id int PRIMARY KEY, at timestamptz)" -c "SELECT paysafe.protect_first_seen('at', 'at')" >"$OUT/type" 2>&1 || :
is "of types that are told apart" 1 "$(grep -c 'cannot be told apart' "$OUT/type")"
sql -c "INSERT INTO payout SELECT 1000 + n, 'bot' || n, 'DE1' FROM generate_series(1, 250) n"
eventually "of a flood a hundred a minute, and one for the rest" t "SELECT count(*) FILTER (WHERE kind = 'first_seen_many') > 0
	AND count(*) FILTER (WHERE kind = 'first_seen') <= 100 * (1 + count(*) FILTER (WHERE kind = 'first_seen_many')) FROM paysafe.signal WHERE segment = 'account'"

# without a key the rule sees nothing and refuses nothing; two days pass
server_restart "shared_preload_libraries = ''"
sql -c "INSERT INTO payout VALUES (20, 'ann', 'DE4')"
is "the row is there" 1 "$(sql -c "SELECT count(*) FROM payout WHERE id = 20")"
is "check() says that nothing is seen" f "$(sql -c "SELECT ok FROM paysafe.check() WHERE check_name = 'first_seen' AND subject = 'public.payout'")"
sql -c "ALTER TABLE paysafe.first_seen_value DISABLE TRIGGER ALL" -c "UPDATE paysafe.first_seen_value SET first_at = first_at - interval '2 days', last_at = last_at - interval '2 days'" \
	-c "ALTER TABLE paysafe.first_seen_value ENABLE ALWAYS TRIGGER paysafe_own" -c "ALTER TABLE paysafe.first_seen_value ENABLE ALWAYS TRIGGER paysafe_own_truncate"
server_restart "shared_preload_libraries = 'paysafe'"
is "with the key it is seen again" t "$(sql -c "SELECT ok FROM paysafe.check() WHERE check_name = 'first_seen' AND subject = 'public.payout'")"
today="SELECT count(*) FROM paysafe.first_seen_value WHERE last_at > now() - interval '1 day' AND kind"
is "days ago" f "$(seen "'ann', 'country', 'DE'")"
is "a value that comes again keeps its scope known" 2 "$(sql -c "$today = 'country'")"
sql -c "INSERT INTO payout VALUES (21, 'ann', 'DE1'), (22, 'ann', 'DE2'), (23, 'ann', 'DE1')"
is "several of one scope at once" 3 "$(sql -c "$today = 'account'")"
is "and what is new to it is no learning" f "$(sql -c "SELECT learning_still FROM paysafe.first_seen('ann', 'country', 'AT', '1 day')")"
is "what is old goes" t "$(sql -c "SELECT paysafe.first_seen_expire('1 microsecond') > 200")"
is "and is first again" t "$(seen "'ann', 'country', 'DE'")"
