# Servers whose logs are published: functions for the parts that need them.

# publish_server NAME [setting ...]: a server whose logs are published
publish_server() {
	local name=$1
	keys=$PAYSAFE_RUN/$name.keys web=$PAYSAFE_RUN/$name.web
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
	origin=$(origin)
	log=$web/$origin
	verifier=$(paysafe-key generate "$origin" "$keys")
}
reload() {
	psql -qXc "SELECT pg_reload_conf()" >/dev/null
	sleep 0.2
}
# setting LINE: in force from now on
setting() {
	echo "$1" >>"$PAYSAFE_RUN/data/postgresql.conf"
	reload
}
published() { sql -c "SELECT paysafe.wait_sealed('20 s')" -c "SELECT paysafe.wait_published('${1:-30 s}')" | tail -n 1; }
said() { sql -c "SELECT coalesce(detail, 'good') FROM paysafe.check() WHERE check_name = 'checkpoints_published'"; }
# matches TEXT PATTERN GOT
matches() {
	if grep -qE -e "$2" <<<"$3"; then is "$1" 1 1; else is "$1" "$2" "$3"; fi
}
# verified [option ...]: what paysafe-verify says of the folder, in one word
verified() { paysafe-verify "$@" "$log" >"$OUT/verify.log" 2>&1 && echo good || { cat "$OUT/verify.log" >&2; echo bad; }; }
