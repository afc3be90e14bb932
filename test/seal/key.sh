# A key that nonces are derived from, changed by a superuser where nothing guards it: the leaves of its month
# cannot be computed any more, so nothing is published; check() says both.

publish_server key
database key
sql -c "INSERT INTO pay SELECT g, g FROM generate_series(1, 300) g"
make_key
is "published" t "$(published)"
key_said() { sql -c "SELECT coalesce(detail, 'good') FROM paysafe.check() WHERE check_name = 'audit_keys'"; }
is "keys are those that rows were written with" good "$(key_said)"
# unguarded STATEMENT: on the keys
unguarded() {
	server_restart "shared_preload_libraries = ''"
	sql -c BEGIN -c "ALTER TABLE paysafe.audit_key DISABLE TRIGGER ALL" -c "$1" \
		-c "ALTER TABLE paysafe.audit_key ENABLE ALWAYS TRIGGER paysafe_own, ENABLE ALWAYS TRIGGER paysafe_own_truncate" -c COMMIT
	server_restart "shared_preload_libraries = 'paysafe'"
}
sql -c "CREATE SCHEMA kept" -c "CREATE TABLE kept.key AS TABLE paysafe.audit_key"
unguarded "UPDATE paysafe.audit_key SET key = sha256(key)"
matches "a changed key: check() says so" '^[0-9]+ rows at the beginning of their month do not agree .* paysafe.audit_key' "$(key_said)"
is "... by itself it says nothing of what is published already" good "$(said)"
sql -c "INSERT INTO pay SELECT g, g FROM generate_series(1001, 1300) g"
is "nothing more is published" f "$(published '6 s')"
until_said "... and check() says why" '^failed: leaf [0-9]+ of the log is not there as it was sealed: paysafe.verify'
unguarded "UPDATE paysafe.audit_key SET key = (SELECT key FROM kept.key k WHERE k.id = audit_key.id)"
is "the key is what it was, and so is the tree: check() is content" good "$(key_said)"
# what was written with the other key meanwhile is not
is "... but nothing is published that was recorded meanwhile" f "$(published '6 s')"
until_said "... and check() goes on to say why" '^failed: leaf [0-9]+ of the log is not there as it was sealed'

# an error of the server's is no secret, either
database broken
sql -c "INSERT INTO pay SELECT g, g FROM generate_series(1, 300) g"
make_key
is "another log is published" t "$(published)"
unguarded "ALTER FUNCTION paysafe.seal_entries RENAME TO seal_entries_of_before"
sql -c "INSERT INTO pay SELECT g, g FROM generate_series(1001, 1300) g"
is "a function of paysafe's is gone: nothing more is published" f "$(published '6 s')"
until_said "... and check() says what the error was" '^failed: function paysafe.seal_entries\(.*does not exist'
unguarded "ALTER FUNCTION paysafe.seal_entries_of_before RENAME TO seal_entries"
is "it is there again: all goes on" t "$(published)"
until_said "... and check() is content" '^good$'
server_remove
