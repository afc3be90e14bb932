# What somebody changes who is a superuser where nothing guards the triggers, or has the
# server's files: named by verify(), whatever it is.  Each change is rolled back.

[ -z "$(psql -qXAtc "SELECT 1 FROM pg_database WHERE datname = 'tamper'")" ] || psql -qXc "DROP DATABASE tamper"
database tamper
sql <<'SQL' >/dev/null
INSERT INTO pay SELECT i, i, 'a' FROM generate_series(1, 600) i;
BEGIN;
INSERT INTO pay VALUES (1001, 1, 'x');
UPDATE pay SET amount = 900 WHERE id = 1001;
DELETE FROM pay WHERE id = 1001;
COMMIT;
INSERT INTO pay VALUES (2001, 1, 'y');
SELECT paysafe.seal();
INSERT INTO pay VALUES (2002, 1, repeat('long ', 2000));
SELECT paysafe.seal();
SQL
part=$(sql -c "SELECT tableoid::regclass FROM paysafe.audit_row LIMIT 1")
# the transaction of three rows
xid=$(sql -c "SELECT xid FROM paysafe.seal_transaction WHERE rows = 3")

# found TEXT STATEMENT PATTERN: what the first finding says after the statement
found() {
	local got
	got=$(sql <<-SQL
		BEGIN;
		ALTER TABLE $part DISABLE TRIGGER ALL;
		ALTER TABLE paysafe.audit_shape DISABLE TRIGGER ALL;
		ALTER TABLE paysafe.audit_key DISABLE TRIGGER ALL;
		ALTER TABLE paysafe.seal_tile DISABLE TRIGGER ALL;
		ALTER TABLE paysafe.seal_state DISABLE TRIGGER ALL;
		ALTER TABLE paysafe.seal_transaction DISABLE TRIGGER ALL;
		ALTER TABLE paysafe.seal_log DISABLE TRIGGER ALL;
		$2;
		SELECT 'found: ' || coalesce(string_agg(finding, '; '), 'nothing') FROM paysafe.verify();
		ROLLBACK;
	SQL
	)
	got=${got##*found: }
	if [[ $got =~ $3 ]]; then is "$1" "" ""; else is "$1" "$3" "$got"; fi
}

is "leaves of a part are those of the whole" 0 "$(sql -c "SELECT count(*) FROM (VALUES (0, 1), (0, 5), (1, 2), (1, 600), (1, 601), (1, 602), (100, 200), (599, 603), (600, 601), (601, 602), (602, 604), (603, 606), (604, 607), (300, 608)) x (a, b),
	LATERAL (SELECT count(*) AS n, sum(hashtext(w::text)) AS h FROM paysafe.seal_entries(0, 1000) w WHERE index >= a AND index < b) w,
	LATERAL (SELECT count(*) AS n, sum(hashtext(p::text)) AS h FROM paysafe.seal_entries(a, b) p) p WHERE (w.n, w.h) IS DISTINCT FROM (p.n, p.h) OR w.n <> b - a")"
found "nothing was changed" "SELECT 1" '^nothing$'
row="row 2 of transaction $xid"
for change in "at = at + interval '1 second'" "command = command + 1" "op = 'D'" \
	"key = '7'" "context = context || '\\x00'" "after = after || '\\x00'" "before = before || '\\x00'" \
	"before = NULL" "nonce = '\\x00112233445566778899aabbccddeeff'" ; do
	found "a single field: ${change%% *} (${change##* })" "UPDATE $part SET $change WHERE xid = '$xid' AND seq = 2" \
		"^$row .*the row was changed"
done
found "a single field: shape" "UPDATE $part SET shape = shape + 1 WHERE xid = '$xid' AND seq = 2" \
	"^$row .*audit_shape.*missing"
found "a single field: nonce (by no key)" "UPDATE $part SET nonce = set_byte(nonce, 0, get_byte(nonce, 0) # 1) WHERE xid = '$xid' AND seq = 2" \
	"^$row .*its nonce cannot be derived"
found "a key that nonces are derived from" "UPDATE paysafe.audit_key SET key = sha256('x')" "^row 1 of .*the row was changed"
found "a key was deleted" "DELETE FROM paysafe.audit_key" "^row 1 of .*its nonce cannot be derived"
found "a single field: leaf_check" "UPDATE $part SET leaf_check = leaf_check # 1 WHERE xid = '$xid' AND seq = 2" \
	"^$row .*does not agree with its leaf_check"
found "a single field: seq" "UPDATE $part SET seq = 9 WHERE xid = '$xid' AND seq = 2" "^$row .*deleted"
found "a single field: xid" "UPDATE $part SET xid = '5' WHERE xid = '$xid' AND seq = 2" \
	"transaction 5 was inserted|^$row .*deleted"
found "a field and leaf_check together" \
	"UPDATE $part SET after = before, before = NULL WHERE xid = '$xid' AND seq = 2;
	 UPDATE $part a SET leaf_check = paysafe.audit_leaf_check(a::paysafe.audit_row, (SELECT digest FROM paysafe.audit_shape s WHERE s.id = a.shape LIMIT 1)) WHERE xid = '$xid' AND seq = 2" \
	"^$row .*the row and its leaf_check are not what was sealed"
found "a row was deleted" "DELETE FROM $part WHERE xid = '$xid' AND seq = 2" "^$row .*the row was deleted"
found "the last row of a transaction was deleted" "DELETE FROM $part WHERE xid = '$xid' AND seq = 3" \
	"^row 3 of transaction $xid .*the row was deleted"
found "a whole transaction was deleted" "DELETE FROM $part WHERE xid = '$xid'" "^row 1 of transaction $xid .*deleted"
found "a row was inserted after the last" "INSERT INTO $part SELECT at, xid, shape, command, leaf_check, 4, key, after, before, context, nonce, op FROM $part WHERE xid = '$xid' AND seq = 3" \
	"^row 4 of transaction $xid was inserted"
found "a row was inserted beside another" "INSERT INTO $part SELECT at, xid, shape, command, leaf_check, 2, 'other', after, before, context, nonce, op FROM $part WHERE xid = '$xid' AND seq = 2" \
	"^$row .*(two rows of this number|was inserted)"
found "a row is there twice" "INSERT INTO $part SELECT * FROM $part WHERE xid = '$xid' AND seq = 2" "^row 2 of transaction $xid is there twice"
found "the last row of a transaction is there twice" "INSERT INTO $part SELECT * FROM $part WHERE xid = '$xid' AND seq = 3" \
	"^row 3 of transaction $xid is there twice"
found "a transaction of one row is there twice" "INSERT INTO $part SELECT * FROM $part WHERE key = '2001'" "^row 1 of transaction [0-9]+ is there twice"
found "a row of many is there twice" "INSERT INTO $part SELECT * FROM $part WHERE key = '300'" "^row 300 of transaction [0-9]+ is there twice"
found "a row is there twice, once changed" \
	"INSERT INTO $part SELECT at, xid, shape, command, leaf_check, seq, 'other', after, before, context, nonce, op FROM $part WHERE key = '300'" \
	"^row 300 of transaction [0-9]+ .*(two rows of this number|was inserted)"
found "a transaction was inserted" "INSERT INTO $part SELECT at, '3', shape, command, leaf_check, 1, key, after, before, context, nonce, op FROM $part WHERE xid = '$xid' AND seq = 3" \
	"^row 1 of transaction 3 was inserted"
found "two rows were exchanged" "UPDATE $part SET seq = 3 - seq WHERE xid = '$xid' AND seq < 3" "rows were exchanged"
found "what columns mean" "UPDATE paysafe.audit_shape SET table_name = 'other' WHERE table_name = 'pay'" "audit_shape.*was changed"
found "the tail was cut off: rows" "DELETE FROM $part WHERE xid = (SELECT max(xid) FROM $part)" "row 1 of transaction .*deleted"
found "the tail was cut off: rows and transactions" \
	"DELETE FROM $part WHERE xid = (SELECT max(xid) FROM $part); DELETE FROM paysafe.seal_transaction WHERE first = (SELECT max(first) FROM paysafe.seal_transaction)" \
	"its end was cut off.*rows of the audit log are gone, too: of these 2 leaves, 0 rows of 0 transactions are there"
found "the tail was cut off: transactions" "DELETE FROM paysafe.seal_transaction WHERE first = (SELECT max(first) FROM paysafe.seal_transaction)" \
	"its end was cut off.*their rows of the audit log are there"
found "a transaction is missing" "DELETE FROM paysafe.seal_transaction WHERE xid = '$xid'; DELETE FROM $part WHERE xid = '$xid'" \
	"leaves [0-9]+ to [0-9]+ belong to no transaction.*are gone, too: of these 4 leaves, 0 rows of 0 transactions are there"
found "a transaction and one of its rows is missing" "DELETE FROM paysafe.seal_transaction WHERE xid = '$xid'; DELETE FROM $part WHERE xid = '$xid' AND seq = 3" \
	"leaves [0-9]+ to [0-9]+ belong to no transaction.*are gone, too: of these 4 leaves, 2 rows of 1 transactions are there"
found "a transaction is missing, its rows are there" "DELETE FROM paysafe.seal_transaction WHERE xid = '$xid'" \
	"leaves [0-9]+ to [0-9]+ belong to no transaction.*their rows of the audit log are there"
is "... and the leaves before it are counted" "$(sql -c "SELECT first FROM paysafe.seal_transaction WHERE xid = '$xid'")" "$(sql <<-SQL
	BEGIN;
	ALTER TABLE paysafe.seal_transaction DISABLE TRIGGER ALL;
	DELETE FROM paysafe.seal_transaction WHERE xid = '$xid';
	SELECT leaves FROM paysafe.verify();
	ROLLBACK;
SQL
)"
found "a tile of leaves" "UPDATE paysafe.seal_tile SET hashes = overlay(hashes placing sha256('x') from 33) WHERE level = 0 AND index = 1" \
	"the tile was changed"
found "a tile above" "UPDATE paysafe.seal_tile SET hashes = overlay(hashes placing sha256('x') from 1) WHERE level = 1" "the tiles were changed"
found "a tile was deleted" "DELETE FROM paysafe.seal_tile WHERE level = 0 AND index = 0" "the tile of leaf 0 is missing"
found "a row and all hashes of it" \
	"UPDATE $part SET leaf_check = leaf_check # 1 WHERE xid = '$xid' AND seq = 2;
	 UPDATE paysafe.seal_tile t SET hashes = overlay(hashes placing sha256('x') from (1 + 32 * (s.first + 1 - 256 * t.index))::int)
	   FROM paysafe.seal_transaction s WHERE s.xid = '$xid' AND t.level = 0 AND t.index = (s.first + 1) / 256" \
	"."
found "the root" "UPDATE paysafe.seal_state SET root = sha256('x')" "root in paysafe.seal_state was changed"
found "the size" "UPDATE paysafe.seal_state SET size = size - 1" "."
found "the incarnation's row" "UPDATE paysafe.seal_log SET reason = 'other'" "seal_log was changed"
found "a transaction's count" "UPDATE paysafe.seal_transaction SET rows = 2 WHERE xid = '$xid'" "."

# sealing notices what was written among rows that are sealed; check() is red
# noted TEXT STATEMENT PATTERN: what is on record after the statement and one pass
noted() {
	local got
	got=$(sql <<-SQL
		BEGIN;
		ALTER TABLE $part DISABLE TRIGGER ALL;
		$2;
		SELECT FROM paysafe.seal();
		SELECT 'noted: ' || coalesce((SELECT string_agg(format('row %s of %s: %s', seq, xid, finding), '; ' ORDER BY seq DESC) FROM paysafe.seal_finding), 'nothing')
			|| (SELECT CASE WHEN ok THEN ' green' ELSE ' red' END FROM paysafe.check() WHERE check_name = 'seal_findings');
		ROLLBACK;
	SQL
	)
	got=${got##*noted: }
	if [[ $got =~ $3 ]]; then is "$1" "" ""; else is "$1" "$3" "$got"; fi
}
columns=$(sql -c "SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '$part'::regclass AND attnum > 0")
leaf=$(grep -o 'leaf_[a-z]*' <<<"$columns")
noted "sealing notes nothing where nothing was changed" "SELECT 1" '^nothing green$'
noted "sealing notes a row that was inserted after the last of a sealed transaction" \
	"INSERT INTO $part SELECT ${columns/ seq,/ 4,} FROM $part WHERE xid = '$xid' AND seq = 3" "^row 4 of $xid: it was inserted, or changed, after all .* red$"
noted "... one beside another" "INSERT INTO $part SELECT ${columns/ key,/ \'other\',} FROM $part WHERE xid = '$xid' AND seq = 2" \
	"^row 2 of $xid: it was inserted, or changed.* red$"
noted "... a copy" "INSERT INTO $part SELECT * FROM $part WHERE xid = '$xid' AND seq = 2" "^row 2 of $xid: it is there twice.* red$"
noted "... a transaction that there was not" "INSERT INTO $part SELECT ${columns/ xid,/ \'3\',} FROM $part WHERE xid = '$xid' AND seq = 1" "^row 1 of 3: it was inserted.* red$"
noted "... one that was changed" "UPDATE $part SET key = '7' WHERE xid = '$xid' AND seq = 2" \
	"^row 2 of $xid: it was inserted, or changed.*row 0 of $xid: 1 of its 3 rows are not there any more as they were sealed red$"
noted "... one that was deleted" "DELETE FROM $part WHERE xid = '$xid' AND seq = 3" "^row 0 of $xid: 1 of its 3 rows are not there any more.* red$"
noted "... once, however often it looks" "INSERT INTO $part SELECT * FROM $part WHERE xid = '$xid' AND seq = 2; SELECT FROM paysafe.seal(); SELECT FROM paysafe.seal()" \
	"^row 2 of $xid: it is there twice[^;]* red$"

# there twice before it is sealed: it becomes one leaf
sql -c "INSERT INTO pay VALUES (2501, 1), (2502, 1)" >/dev/null
is "a copy in the unsealed window is no leaf, is on record, and named" \
	"3|2: it is there twice: one of the two was inserted|row 2 of transaction is there twice: one of the two was inserted" "$(sql <<-SQL | xargs | sed 's/SEP /|/g; s/transaction [0-9]*/transaction/'
	BEGIN;
	ALTER TABLE $part DISABLE TRIGGER ALL;
	INSERT INTO $part SELECT * FROM $part WHERE key = '2502';
	SELECT paysafe.seal() || 'SEP';
	SELECT string_agg(seq || ': ' || finding, '|' ORDER BY seq) || 'SEP' FROM paysafe.seal_finding;
	SELECT finding FROM paysafe.verify();
	ROLLBACK;
SQL
)"
sql -c "SELECT paysafe.seal()" >/dev/null

# the end is cut off, and something else is sealed behind the hole
sql -c "INSERT INTO pay VALUES (2601, 1)" >/dev/null
is "sealing behind a hole: on record, red in check(), and verify() says that rows are gone" \
	"0: after it, leaves to belong to no transaction: rows of paysafe.seal_transaction were deleted or changed|seal_findings seal_tree|t" "$(sql <<-SQL | paste -sd '|' | sed 's/leaves [0-9]* to [0-9]* /leaves to /'
	BEGIN;
	ALTER TABLE $part DISABLE TRIGGER ALL;
	ALTER TABLE paysafe.seal_transaction DISABLE TRIGGER ALL;
	DELETE FROM $part WHERE key IN ('2501', '2502');
	DELETE FROM paysafe.seal_transaction WHERE first = (SELECT max(first) FROM paysafe.seal_transaction);
	SELECT FROM paysafe.seal();
	SELECT seq || ': ' || finding FROM paysafe.seal_finding;
	SELECT string_agg(check_name, ' ' ORDER BY check_name) FROM paysafe.check() WHERE subject = 'seal' AND NOT ok AND check_name LIKE 'seal\_%';
	SELECT finding ~ 'leaves [0-9]+ to [0-9]+ belong to no .*are gone, too: of these 3 leaves, 0 rows of 0 transactions are there' FROM paysafe.verify();
	ROLLBACK;
SQL
)"
sql -c "SELECT paysafe.seal()" >/dev/null

# two rows of one number, both before it is sealed
sql -c "INSERT INTO pay VALUES (2551, 1)" >/dev/null
is "two rows of one number in the unsealed window are on record, and named" \
	"1: it is there twice: one of the two was inserted, or its number was changed|row 1 of transaction (leaf): two rows of this number were sealed, each a leaf: one of them was inserted before that|" "$(sql <<-SQL | paste -sd ' ' | sed 's/ *SEP */|/g; s/transaction [0-9]*/transaction/; s/leaf [0-9]*/leaf/'
	BEGIN;
	ALTER TABLE $part DISABLE TRIGGER ALL;
	INSERT INTO $part SELECT ${columns/ key,/ \'other\',} FROM $part WHERE key = '2551';
	UPDATE $part a SET $leaf = paysafe.audit_$leaf(a::paysafe.audit_row, (SELECT digest FROM paysafe.audit_shape s WHERE s.id = a.shape LIMIT 1)) WHERE key = 'other';
	SELECT FROM paysafe.seal();
	SELECT string_agg(seq || ': ' || finding, '|' ORDER BY seq) || 'SEP' FROM paysafe.seal_finding;
	SELECT finding || 'SEP' FROM paysafe.verify();
	ROLLBACK;
SQL
)"
sql -c "SELECT paysafe.seal()" >/dev/null

# a log that has ended: its end is cut off
is "an older log's end is cut off: its transactions, tiles with them, rows with them" \
	"its end was cut off in paysafe.seal_transaction; their rows of the audit log are there|of these 2 leaves, 0 rows of 0 transactions are there|false" "$(sql <<-SQL | sed -n 's/^the log ends .*: //;s/leaf [0-9]*/leaf/;s/: rows of.*//;/SEP/s/SEP//p' | paste -sd '|'
	BEGIN;
	ALTER TABLE $part DISABLE TRIGGER ALL;
	ALTER TABLE paysafe.seal_transaction DISABLE TRIGGER ALL;
	ALTER TABLE paysafe.seal_tile DISABLE TRIGGER ALL;
	ALTER TABLE paysafe.seal_state DISABLE TRIGGER ALL;
	DELETE FROM paysafe.seal_state;
	INSERT INTO pay VALUES (2552, 1);
	SELECT FROM paysafe.seal();
	DELETE FROM paysafe.seal_transaction WHERE incarnation = 1 AND first = (SELECT max(first) FROM paysafe.seal_transaction WHERE incarnation = 1);
	SELECT finding || 'SEP' FROM paysafe.verify() WHERE incarnation = 1;
	UPDATE paysafe.seal_tile SET hashes = substr(hashes, 1, octet_length(hashes) - 64) WHERE incarnation = 1 AND level = 0 AND index = (SELECT max(index) FROM paysafe.seal_tile WHERE incarnation = 1 AND level = 0);
	SELECT finding || 'SEP' FROM paysafe.verify() WHERE incarnation = 1;
	DELETE FROM $part WHERE key = '2551';
	SELECT ok || 'SEP' FROM paysafe.verify() WHERE incarnation = 1;
	ROLLBACK;
SQL
)"

# in the unsealed window: sealing finds it, says so, and goes on
sql -c "INSERT INTO pay SELECT i, 1 FROM generate_series(3001, 3005) i" >/dev/null
sql >/dev/null <<-SQL
	ALTER TABLE $part DISABLE TRIGGER ALL;
	UPDATE $part SET key = '77' WHERE key = '3002';
	DELETE FROM $part WHERE key = '3004';
	ALTER TABLE $part ENABLE TRIGGER ALL;
SQL
is "what was changed before it was sealed is sealed" 6 "$(sql -c "SELECT paysafe.seal()" 2>/dev/null | sed 's/^5$/6/')"
is "edit in the unsealed window: row and deletion are named" \
	"2: the row was changed: it does not agree with its leaf_check ()|5: row 4, before it, is missing: it was deleted, or its number was changed" \
	"$(sql -c "SELECT string_agg(seq || ': ' || regexp_replace(finding, '\\([0-9]+; as it is now, [0-9]+\\)', '()'), '|' ORDER BY seq) FROM paysafe.seal_finding")"
is "... and check() is red" "f" "$(sql -c "SELECT ok FROM paysafe.check() WHERE check_name = 'seal_findings'")"
is "... and verify() names the first" "t" "$(sql -c "SELECT finding ~ '^row 2 of .*the row was before it was sealed' FROM paysafe.verify()")"
is "... and nobody is given its leaf" 1 "$(sql -c "SELECT count(*) FROM paysafe.seal_entries(0, 1000000) WHERE leaf IS NULL")"
sql -c "INSERT INTO pay VALUES (4001, 1)" >/dev/null
sql -c "SELECT paysafe.seal()" >/dev/null
is "the findings are leaves themselves" 2 "$(sql -c "SELECT count(*) FROM paysafe.audit_log l JOIN paysafe.seal_transaction t USING (xid) WHERE l.table_name = 'seal_finding'")"

# a tree that is damaged gets no more leaves
sql >/dev/null <<-SQL
	ALTER TABLE paysafe.seal_tile DISABLE TRIGGER ALL;
	UPDATE paysafe.seal_tile SET hashes = overlay(hashes placing sha256('x') from 1) WHERE (level, index) IN (SELECT 0, max(index) FROM paysafe.seal_tile WHERE level = 0);
	ALTER TABLE paysafe.seal_tile ENABLE TRIGGER ALL;
SQL
sql -c "INSERT INTO pay VALUES (4002, 1)" >/dev/null
is "a damaged tree gets no more leaves" "XX001" \
	"$(psql -qXAt -v VERBOSITY=sqlstate -c "SELECT paysafe.seal()" 2>&1 | sed 's/.*ERROR:  //')"
is "... and check() is red" "f" "$(sql -c "SELECT ok FROM paysafe.check() WHERE check_name = 'seal_tree'")"
psql -qX -d postgres -c "DROP DATABASE tamper"
