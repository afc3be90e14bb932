# Rules of velocity; sourced by bench/run.

# What one adds to each row of an INSERT, beside the same in PL/pgSQL, which only observes; and
# with a hundred times the rows in the window.
part_velocity() {
	local main round t customers
	local -a variants=(bare rows values amount refused refused_values pl)
	main=$PAYSAFE_RUN
	server_keyed velocity "bench:$(openssl rand -base64 32)" "shared_buffers = 256MB" "max_wal_size = 4GB" \
		"autovacuum = off" "jit = off" "fsync = off"
	sql -c "CREATE EXTENSION paysafe" -c "CREATE SCHEMA bench" >/dev/null
	for t in "${variants[@]}" long; do
		sql -c "CREATE TABLE bench.$t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer bigint, card text, amount numeric)" \
			-c "SELECT paysafe.protect_columns('bench.$t', '{card}')" >/dev/null
	done
	sql >/dev/null <<-'SQL'
		SELECT paysafe.protect_velocity('bench.rows', 'customer', 1000000, '1 hour');
		SELECT paysafe.protect_velocity('bench.values', 'customer', 30, '1 hour', 'values', 'card');
		SELECT paysafe.protect_velocity('bench.amount', 'customer', 1000000000, '1 hour', 'amount', 'amount');
		SELECT paysafe.protect_velocity('bench.refused', 'customer', 1000000, '1 hour', mode => 'refuse');
		SELECT paysafe.protect_velocity('bench.refused_values', 'customer', 30, '1 hour', 'values', 'card', mode => 'refuse');
		SELECT paysafe.protect_velocity('bench.long', 'customer', 1000000, '1 hour', mode => 'refuse');
		CREATE TABLE bench.seen (customer bigint, at timestamptz);
		CREATE INDEX ON bench.seen (customer, at);
		CREATE FUNCTION bench.count_it() RETURNS trigger LANGUAGE plpgsql AS $$
		DECLARE n bigint;
		BEGIN
			INSERT INTO bench.seen VALUES (NEW.customer, clock_timestamp());
			SELECT count(*) INTO n FROM bench.seen WHERE customer = NEW.customer AND at > clock_timestamp() - interval '1 hour';
			IF n > 1000000 THEN
				RAISE WARNING 'too many of customer %', NEW.customer;
			END IF;
			RETURN NULL;
		END $$;
		CREATE TRIGGER count_it AFTER INSERT ON bench.pl FOR EACH ROW EXECUTE FUNCTION bench.count_it();
	SQL
	# a hundred thousand rows of one customer, in the window already
	sql -c "INSERT INTO bench.long (customer, card, amount) SELECT 0, 'x', 1 FROM generate_series(1, 100000)" -c "CHECKPOINT"
	for ((round = 0; round <= cost_rounds; round++)); do
		for t in $(shuf -e "${variants[@]}" long); do
			echo "\\warn : velocity $t $round"
			echo "SET log_statement_stats = on;"
			customers=1000
			[ "$t" != long ] || customers=1
			echo "INSERT INTO bench.$t (customer, card, amount) SELECT g % $customers, 'card' || g % 20, 1 FROM generate_series(1, $cost_rows) g;"
			echo "SET log_statement_stats = off;"
		done
	done | cpu_timed
	key_server_end
}
