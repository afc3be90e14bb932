# Reading the audit log; sourced by bench/run.

# The history of one row among so many images: by paysafe.history; as a query of the log with a
# btree on the month; of a table with jsonb, written by PL/pgSQL, with a btree on the key.  Then
# with rows in each month there is.  What an image takes on disk, and in a dump.
part_history() {
	local n=$((big_rows)) round t i month before after ours
	local query="SELECT * FROM paysafe.audit_log WHERE key = :id::text AND subject = (SELECT spec ->> 'subject' FROM paysafe.rule WHERE relation = 'bench.life'::regclass AND rule = 'audit' ORDER BY version DESC LIMIT 1) ORDER BY at, command, seq"
	log_size() {
		sql -c "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'paysafe'::regnamespace AND relkind = 'r' AND relname ~ '^(audit_2|index_)'"
	}
	# of 200,000 rows, one INSERT and four UPDATEs of each, or INSERTs only; from the beginning of the table on
	dumped() {
		PGOPTIONS="-c synchronize_seqscans=off" sql -c "COPY ((SELECT * FROM $1 = 'I' LIMIT $2) UNION ALL (SELECT * FROM $1 = 'U' LIMIT $((200000 - $2)))) TO STDOUT" | gzip | wc -c
	}
	sql -c "CREATE TABLE bench.life (LIKE bench.payment INCLUDING ALL)" -c "CREATE TABLE bench.life_pl (LIKE bench.payment INCLUDING ALL)" \
		-c "TRUNCATE bench.log" -c "CREATE TRIGGER c AFTER INSERT OR UPDATE OR DELETE ON bench.life_pl FOR EACH ROW EXECUTE FUNCTION bench.audit()" \
		-c "SELECT paysafe.audit('bench.life')" >/dev/null
	sql -c "SELECT paysafe.index_audit()" >/dev/null
	before=$(log_size)
	for t in life life_pl; do
		sql -c "INSERT INTO bench.$t SELECT g, g % 1000, 'authorized', (g % 100000) / 100.0, NULL, 'EUR', 'ref-' || g, now(), now() FROM generate_series(1, $n) g"
		for ((i = 0; i < 4; i++)); do
			sql -c "UPDATE bench.$t $toggle, updated_at = clock_timestamp()" -c "VACUUM bench.$t"
		done
	done
	{
		time_it index paysafe $((5 * n)) "SELECT paysafe.index_audit();"
		time_it index btree $((5 * n)) "CREATE INDEX ON bench.log (table_name, (after ->> 'id'));"
	} | timed
	sql -c "VACUUM ANALYZE bench.log" -c "VACUUM ANALYZE paysafe.audit_row"
	month=$(sql -c "SELECT tableoid::regclass FROM paysafe.audit_row ORDER BY at DESC LIMIT 1")
	after=$(log_size)
	echo "image bytes 1 $(((after - before) / (5 * n))) $(sql -c "SELECT pg_total_relation_size('bench.log') / (5 * $n)")" >>"$raw"
	ours="$month WHERE shape IN (SELECT id FROM paysafe.audit_shape WHERE table_name = 'life') AND op"
	for i in 40000 200000; do
		echo "image dumped$i 1 $(dumped "$ours" $i) $(dumped "bench.log WHERE left(op, 1)" $i)" >>"$raw"
	done
	sql -c "CREATE INDEX bench_key ON $month (key)" -c "ANALYZE $month"
	read_history() {
		for ((round = 0; round <= 3; round++)); do
			for t in $(turns $round "$@"); do
				case $t in
					query) echo "$query;" ;;
					jsonb) echo "SELECT * FROM bench.log WHERE table_name = 'life_pl' AND after ->> 'id' = :id::text ORDER BY at;" ;;
					*) echo "SELECT * FROM paysafe.history('bench.life', :id::text);" ;;
				esac | sed "1i\\\\\\\\set id random(1, 1000)" | tps history "$t" $round 1 1
			done
		done
	}
	read_history paysafe query jsonb
	sql -c "DROP INDEX paysafe.bench_key" >/dev/null
	sql >/dev/null <<-SQL
		DO \$\$
		DECLARE
			columns text := (SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'paysafe.audit_row'::regclass AND attnum > 1);
			month regclass;
			i int := 0;
		BEGIN
			FOR month IN SELECT inhrelid FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
						  WHERE inhparent = 'paysafe.audit_row'::regclass AND inhrelid > '$month'::regclass AND relname ~ '\d\$' ORDER BY relname LIMIT 24 LOOP
				i := i + 1;
				EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', month);
				EXECUTE format('INSERT INTO %s (at, %s) SELECT date_trunc(''month'', at) + interval ''%s month 12 hours'', %s FROM $month OFFSET $((n / 10)) LIMIT 20000', month, columns, i, columns);
				EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER paysafe_own', month);
			END LOOP;
		END \$\$;
		SELECT paysafe.index_audit();
	SQL
	read_history months
}
