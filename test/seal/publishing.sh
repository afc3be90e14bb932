# What parts need that are about publishing.

# publish_server NAME [setting ...]: a server whose logs are published
publish_server() {
	local name=$1
	keys=$PAYSAFE_RUN/$name.keys web=$PAYSAFE_RUN/$name.web
	rm -rf "$web"
	mkdir "$web"
	: >"$keys"
	chmod 600 "$keys"
	chown "$SERVER_USER" "$web" "$keys"
	server_beside "$name" "shared_preload_libraries = 'paysafe'" "max_worker_processes = 16" \
		"paysafe.seal_interval = 50ms" "paysafe.seal_key_file = '$keys'" "paysafe.publish_interval = 1s" \
		"paysafe.publish_folder = '$web'" "${@:2}"
}

origin() { sql -c "SELECT origin FROM paysafe.seal_log ORDER BY incarnation DESC LIMIT 1"; }
# make_key: one more for the newest log; its verifier key in $verifier
make_key() {
	local i
	# a log has its name when the worker has begun to seal
	for ((i = 0; i < 3600; i++)); do
		origin=$(origin)
		[ -z "$origin" ] || break
		sleep 0.05
	done
	log=$web/$origin
	verifier=$(paysafe-key generate "$origin" "$keys")
}
# the settings are in force, and whoever runs has been told: a session that the postmaster has
# begun since then says when that was
reload() {
	local i before
	before=$(psql -qXAt -d postgres -c "SELECT pg_conf_load_time()")
	psql -qXc "SELECT pg_reload_conf()" >/dev/null
	for ((i = 0; i < 3600; i++)); do
		[ "$(psql -qXAt -d postgres -c "SELECT pg_conf_load_time()")" = "$before" ] || return 0
		sleep 0.05
	done
	return 1
}
# setting LINE: in force from now on
setting() {
	echo "$1" >>"$PAYSAFE_RUN/data/postgresql.conf"
	reload
}
published() { sql -c "SELECT paysafe.wait_sealed('3 min')" -c "SELECT paysafe.wait_published('${1:-3 min}')" | tail -n 1; }
said() { sql -c "SELECT coalesce(detail, 'good') FROM paysafe.check() WHERE check_name = 'checkpoints_published'"; }
# matches TEXT PATTERN GOT
matches() {
	if grep -qE -e "$2" <<<"$3"; then is "$1" 1 1; else is "$1" "$2" "$3"; fi
}
# until_said TEXT PATTERN: what check() says after an attempt, or the next one
until_said() {
	local end=$((SECONDS + 180)) got=
	while [ $SECONDS -lt $end ]; do
		got=$(said) || :
		! grep -qE -e "$2" <<<"$got" || break
		sleep 0.05
	done
	matches "$1" "$2" "$got"
}
# verified [option ...]: what paysafe-verify says of the folder, in one word
verified() { paysafe-verify "$@" "$log" >"$OUT/verify.log" 2>&1 && echo good || { cat "$OUT/verify.log" >&2; echo bad; }; }
signatures() { grep -c '^— ' "$log/checkpoint"; }

# as PERSON SQL: in one transaction
as() { psql -qXAt -v ON_ERROR_STOP=1 -c "BEGIN" -c "SELECT paysafe.act_as('$1')" -c "$2" -c "COMMIT" 2>&1; }
# two people begin a new log
open_log() {
	as ann "SELECT paysafe.propose('it was restored'); SELECT paysafe.open_log('$1')" >/dev/null
	as bob "SELECT paysafe.approve('paysafe.maintenance_record', key, 'so it was') FROM paysafe.pending_change WHERE rule = 'open_log' ORDER BY id DESC LIMIT 1" >/dev/null
	as ann "SELECT paysafe.open_log('$1')" | tail -n 1
}
stop() { as_server "$PGBIN/pg_ctl" -D "$PAYSAFE_RUN/data" -m fast -w stop >/dev/null; }
refused() { said | grep -c '^refused'; }
