# Limits of requests; sourced by bench/run.

# One key, three limits in one call, and a limiter in a table, next to SELECT 1; one key in the
# list of SELECT, and a function of PostgreSQL in FROM; 8 clients on one key and on different
# ones; more keys than the table is made for.
part_throttle() {
	local main round t clients n
	local -a variants=(nothing one three table hot different allowed function)
	local -A query=(
		[nothing]="SELECT 1"
		[one]="SELECT * FROM paysafe.throttle('one', '{\"user\": 1}')"
		[allowed]="SELECT (paysafe.throttle('one', '{\"user\": 1}')).allowed"
		[function]="SELECT * FROM pg_walfile_name_offset('0/1')"
		[three]="SELECT * FROM paysafe.throttle('three', '{\"user\": 1, \"address\": 1}')"
		[table]="INSERT INTO bench.bucket VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET full_at = greatest(bucket.full_at, now()) + interval '100 us' WHERE bucket.full_at < now() + interval '1 hour' RETURNING full_at"
		[hot]="SELECT * FROM paysafe.throttle('one', jsonb_build_object('user', 0 * :client_id))"
		[different]="SELECT * FROM paysafe.throttle('one', jsonb_build_object('user', 1 * :client_id))"
	)
	main=$PAYSAFE_RUN
	server_keyed throttle "bench:$(openssl rand -base64 32)" "shared_buffers = 256MB" "max_wal_size = 4GB" \
		"autovacuum = off" "jit = off" "fsync = off" "paysafe.throttle_keys = 1000000"
	sql -c "CREATE EXTENSION paysafe" -c "CREATE SCHEMA bench" -c "CREATE UNLOGGED TABLE bench.bucket (id int PRIMARY KEY, full_at timestamptz)" \
		-c "SELECT paysafe.set_throttle('one', 10000, '1 second', 'bench', '{user}', 100000000)" \
		-c "SELECT paysafe.set_throttle('three', 10000, '1 second', 'bench', per::text[], 100000000) FROM unnest('{\"{user}\",\"{address}\",\"{}\"}'::text[]) per" \
		-c "SELECT paysafe.set_throttle('many', 2, '1 day', 'bench', '{user}')" >/dev/null
	for clients in 1 8; do
		for ((round = 0; round <= api_key_rounds; round++)); do
			for t in $(turns $round "${variants[@]}"); do
				tps throttle "$t" $round $clients $commit_seconds <<<"${query[$t]};"
			done
		done
		unset "variants[-1]" "variants[-1]"
	done
	# each key is new: from the second million on, one is forgotten for each
	for ((n = 0; n < throttle_millions; n++)); do
		time_it throttle_keys million $((n + 1)) "SELECT count(*) FROM generate_series($n * 1000000 + 1, ($n + 1) * 1000000) u, LATERAL paysafe.throttle('many', jsonb_build_object('user', u)) t WHERE t.allowed;" | timed
	done
	echo "throttle_bytes $(sql -c "SELECT size / 1000000.0 FROM pg_shmem_allocations WHERE name = 'paysafe counters'") $(sql -c "SELECT forgotten FROM paysafe.throttle_state()")" >>"$raw"
	key_server_end
}
