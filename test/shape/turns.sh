# Sourced by run: turns that fail, servers that do, and what check() says of them; "is", "eventually" and "sql" are there.

# are outcomes judged, and is somebody sent to do that?
says="SELECT string_agg(left(ok::text, 1), ' ' ORDER BY check_name DESC) FROM paysafe.check() WHERE check_name IN ('outcomes_judged', 'alarm_worker')"
why() { sql -c "SELECT detail ~ '$2' FROM paysafe.check() WHERE check_name = '$1'"; }

# a session beside: its answers come one a line
begin_beside() {
	coproc BESIDE { psql -qXAt -v ON_ERROR_STOP=1; }
	beside=$BESIDE_PID beside_in=${BESIDE[1]} beside_out=${BESIDE[0]}
}
ask_beside() { echo "$1" >&"$beside_in"; read -r -u "$beside_out" line; }
end_beside() { kill -KILL "$beside" 2>/dev/null || :; wait "$beside" 2>/dev/null || :; }

# What an older version kept: an alarm is open there, another one was.  While its state can't be written no turn commits.
turns_that_fail() {
	local closing="FROM paysafe.signal WHERE kind = 'alarm_closed' AND segment = 'shop'"
	local tried

	sql -c "INSERT INTO paysafe.alarm_state VALUES ('upgraded', 'shop', now(), '\\x01')" \
		-c "INSERT INTO paysafe.alarm_record VALUES (now() - interval '3 hours', 'upgraded', 'shop', 'volume_up', 'opened', '{}'),
			(now() - interval '2 hours', 'upgraded', 'shop', 'volume_up', 'closed', '{}'), (now() - interval '1 hour', 'upgraded', 'shop', 'silence', 'opened', '{}')"
	tried="SELECT pg_stat_get_tuples_inserted('paysafe.alarm_record'::regclass) > 4"
	begin_beside
	ask_beside "BEGIN; SELECT 'locked' FROM paysafe.alarm_state WHERE series = 'upgraded' FOR UPDATE;"
	sql -c "SELECT paysafe.note_outcome('upgraded', 'shop', true)" >/dev/null
	eventually "a turn that fails is tried again" t "$tried"
	# what a worker writes comes in order
	sql -c "BEGIN" -c "SELECT paysafe.signal('marker')" -c "ROLLBACK" >/dev/null
	eventually "signals are written" 1 "SELECT count(*) FROM paysafe.signal WHERE kind = 'marker'"
	is "but none of a turn that failed" 0 "$(sql -c "SELECT count(*) $closing")"
	is "nor anything else" "0 3" "$(sql -c "SELECT (SELECT count(*) FROM paysafe.outcome WHERE series = 'upgraded') || ' ' || (SELECT count(*) FROM paysafe.alarm_record)")"
	eventually "check() says that it is late, though somebody is sent" "f t" "$says"
	is "and for how long" t "$(why outcomes_judged '^outcomes have not been judged for [0-9]+ minutes')"
	ask_beside "COMMIT; SELECT 'done';"
	end_beside
	eventually "one signal" 1 "SELECT count(*) $closing AND figures->>'alarm' = 'silence'"
	is "what was open when another version kept it is closed, once, and nothing else" "volume_up opened, volume_up closed, silence opened, silence closed" \
		"$(sql -c "SELECT string_agg(kind || ' ' || event, ', ' ORDER BY at) FROM paysafe.alarm_record WHERE series = 'upgraded'")"
	is "what came is counted once" 1 "$(sql -c "SELECT sum(good) FROM paysafe.outcome WHERE series = 'upgraded'")"
	eventually "nothing is late any more" "t t" "$says"
}

# One session is killed: all of the others go with it, and all that is in shared memory; the server stays.
crash_of_a_session() {
	local started began pid

	started=$(sql -c "SELECT pg_postmaster_start_time()")
	began=$(sql -c "SELECT clock_timestamp()")
	begin_beside
	ask_beside "SELECT pg_backend_pid();"
	pid=$line
	kill -KILL "$pid"
	eventually "a session and its server's memory are gone" t "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid"
	end_beside
	is "the server is the same" "$started" "$(sql -c "SELECT pg_postmaster_start_time()")"
	speak 20 0
	eventually "what was open before is known, and closes" t \
		"SELECT EXISTS (SELECT FROM paysafe.alarm WHERE kind = 'silence' AND opened_at < '$began' AND closed_at > '$began')"
	hush
}

nobody_is_sent() {
	local pid

	pid=$(sql -c "SELECT pid FROM pg_stat_activity WHERE backend_type = 'paysafe refusal launcher'")
	kill -STOP "$pid"
	sql -c "SELECT paysafe.note_outcome('other', 'x', true)" >/dev/null
	eventually "nobody looks" "f f" "$says"
	is "who does not" t "$(why alarm_worker '^nobody has looked for outcomes to judge for [0-9]+ minutes: "paysafe refusal launcher"')"
	kill -CONT "$pid"
	eventually "until somebody does" "t t" "$says"
	# PostgreSQL has one of these places, paysafe's workers that are always there three
	server_restart "max_worker_processes = 4"
	eventually "there is nobody to send" "f f" "$says"
	is "what to do" t "$(why alarm_worker 'raise max_worker_processes')"
}
