# What somebody changes in paysafe's own tables who is a superuser where nothing guards
# their triggers: named by check() and reconcile(), whatever it is.  Not so what a dump, a copy or
# a new name does.

fresh() {
	[ -z "$(psql -d postgres -qXAtc "SELECT 1 FROM pg_database WHERE datname = '$1'")" ] || psql -qX -d postgres -c "DROP DATABASE $1"
	psql -qX -d postgres -c "CREATE DATABASE $1 ${2:-}"
}
own_findings() {
	sql -c "SELECT coalesce(string_agg(format('%s: %s', subject, detail), '; '), 'nothing') FROM paysafe.check_own(false) WHERE NOT ok"
}

for test in false true; do
	fresh own
	export PGDATABASE=own
	PGOPTIONS="-c client_min_messages=error" sql -v test=$test -f own.sql >/dev/null
	is "own tables are as the log says (test database: $test)" nothing "$(own_findings)"
	for indexed in no yes; do
		[ $indexed = no ] || sql -c "SELECT paysafe.index_audit()" >/dev/null
		got=$(sql <<-SQL
			BEGIN;
			\i own_changes.sql
			SELECT string_agg(format('%s by %s', change, missed), '; ')
			  FROM change, LATERAL (SELECT pg_temp.unseen(name, change) AS missed OFFSET 0) x
			 WHERE pg_temp.rows(name) > 0 AND missed IS NOT NULL
			   AND ('$indexed' = 'no' OR change ~ '^DELETE')
			   -- rows that TRUNCATE takes along
			   AND NOT ($test AND change ~ '^DELETE FROM paysafe.(approval_record|refund_request|refund_event|breach_record|accepted_row)');
			SELECT 'SEP' || count(DISTINCT name) FILTER (WHERE pg_temp.rows(name) > 0) FROM change;
			ROLLBACK;
		SQL
		)
		is "each column, row, and row more is found (test database: $test, indexed: $indexed)" "" "$(sed 's/SEP.*//' <<<"$got")"
	done
	is "... of so many own tables" "$([ $test = true ] && echo 25 || echo 14)" "${got##*SEP}"

	[ $test = false ] || continue
	as_server "$PGBIN/pg_dump" -h "$PGHOST" -p "$PGPORT" -U postgres -Fc own >"$OUT/own.dump"
	fresh copied "TEMPLATE own"
	fresh restored "TEMPLATE template0"
	pg_restore -d restored "$OUT/own.dump"
	for copy in copied restored; do
		export PGDATABASE=$copy
		is "in a database that was $copy, they are" nothing "$(own_findings)"
		sql -c "SELECT FROM paysafe.set_currency('XYZ', 3)"
		is "... and when it is used" nothing "$(own_findings)"
		got=$(sql <<-SQL
			BEGIN;
			ALTER TABLE paysafe.threshold DISABLE TRIGGER ALL;
			ALTER TABLE paysafe.hold_record DISABLE TRIGGER ALL;
			DELETE FROM paysafe.threshold WHERE currency = 'USD';
			UPDATE paysafe.threshold SET amount = 1000000 WHERE currency = 'EUR' AND version = 1;
			DELETE FROM paysafe.hold_record WHERE id = 1;
			SELECT regexp_replace(string_agg(format('%s: %s', subject, detail), '|' ORDER BY subject), ',20[^'']*', ',', 'g') FROM paysafe.check() WHERE check_name = 'own_rows' AND NOT ok;
			ROLLBACK;
		SQL
		)
		is "... and what is changed then is named" \
			"paysafe.hold_record: row '1' is not there, but the log says that it was added|paysafe.threshold: row 'shop.refund,EUR,1,' column \"amount\" is not what the log says; row 'shop.refund,USD,1,' is not there, but the log says that it was added" \
			"$(sed "s/row '\([^,]*,[A-Z]*,1,\)refund,'/row '\1'/g" <<<"$got")"
	done
done

# what is not there any more, under another name, and there again under that of another
fresh own
export PGDATABASE=own
PGOPTIONS="-c client_min_messages=error" sql -v test=false -f own.sql >/dev/null
sql >/dev/null 2>&1 <<'SQL'
CREATE TABLE shop.gone (id int PRIMARY KEY, status text);
SELECT paysafe.protect_status('shop.gone', 'status', '[*] --> new');
SELECT paysafe.audit('shop.gone');
DROP TABLE shop.gone;
CREATE TABLE shop.gone (id int PRIMARY KEY, status text);
SELECT paysafe.protect_status('shop.gone', 'status', '[*] --> new');
CREATE TABLE shop.lost (id int PRIMARY KEY, status text);
SELECT paysafe.protect_status('shop.lost', 'status', '[*] --> new');
DROP TABLE shop.lost;
ALTER TABLE shop.task RENAME TO job;
CREATE TABLE shop.task (id int PRIMARY KEY, status text);
SELECT paysafe.protect_status('shop.task', 'status', '[*] --> new');
ALTER TABLE shop.refund RENAME TO x;
ALTER TABLE shop.payment RENAME TO refund;
ALTER TABLE shop.x RENAME TO payment;
SQL
is "tables that were dropped, made again, renamed: own tables are as the log says" nothing "$(own_findings)"
as_server "$PGBIN/pg_dump" -h "$PGHOST" -p "$PGPORT" -U postgres -Fc own >"$OUT/own.dump"
fresh restored "TEMPLATE template0"
PGOPTIONS="-c client_min_messages=error" pg_restore -d restored "$OUT/own.dump"
export PGDATABASE=restored
is "... and where that was restored" nothing "$(own_findings)"
for name in own copied restored; do psql -qX -d postgres -c "DROP DATABASE IF EXISTS $name"; done 2>/dev/null
