# A server whose clock is moved (libfaketime).  Source this after server.sh.
#
#   clock_library          the library's path in $library; ends the test where there is none
#   at "2026-03-10 12:00"  the server's clock, which stands still; +30d, @SECONDS: it goes on
#   clock_start [rests]    start the stopped server with it; rests: what has expired is not
#                          removed meanwhile.  Its first round would come a minute after the
#                          start, which on a busy machine is in the middle of a test.
#   clock_stop [mode]      stop it

clock_launcher=

clock_library() {
	../lib/setup.sh --clock >/dev/null || echo "going on with what there is"
	library=$(find /usr/lib* -name libfaketime.so.1 2>/dev/null | head -n 1) || :
	if [ -z "$library" ]; then
		echo "0 checks: no libfaketime"
		exit
	fi
	export FAKETIME_TIMESTAMP_FILE=$OUT/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_RESET=1
	chmod 711 "$OUT" "$PAYSAFE_RUN/out" 2>/dev/null || :
}

# In one step: who read half a file would have the time that it is.
at() {
	printf '%s\n' "$1" >"$OUT/clock.next"
	chmod 644 "$OUT/clock.next"
	mv "$OUT/clock.next" "$OUT/clock"
}

clock_start() {
	LD_PRELOAD=$library server_start
	clock_launcher=
	[ "${1:-}" = rests ] || return 0
	local i
	for ((i = 0; i < 1800; i++)); do
		clock_launcher=$(psql -XAtq -d postgres -c "SELECT pid FROM pg_stat_activity WHERE backend_type = 'paysafe expiry launcher' AND wait_event = 'Extension'")
		[ -z "$clock_launcher" ] || break
		sleep 0.1
	done
	kill -STOP "$clock_launcher" || { echo "there is no expiry launcher"; exit 1; }
}

clock_stop() {
	[ -z "$clock_launcher" ] || kill -CONT "$clock_launcher" 2>/dev/null || :
	clock_launcher=
	as_server "$PGBIN/pg_ctl" -D "$PAYSAFE_RUN/data" -m "${1:-fast}" -w stop >/dev/null
}
