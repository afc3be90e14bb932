# Joins the parts of the install script.  A line "--@own_table NAME" becomes the
# triggers that keep an own table from being written by SQL: see doc/architecture.md.
/^--@own_table / {
	table = $2
	print "CREATE TRIGGER paysafe_own BEFORE INSERT OR UPDATE OR DELETE ON " table
	print "\tFOR EACH ROW EXECUTE FUNCTION paysafe.own_table();"
	print "CREATE TRIGGER paysafe_own_truncate BEFORE TRUNCATE ON " table
	print "\tFOR EACH STATEMENT EXECUTE FUNCTION paysafe.own_table();"
	print "ALTER TABLE " table " ENABLE ALWAYS TRIGGER paysafe_own;"
	print "ALTER TABLE " table " ENABLE ALWAYS TRIGGER paysafe_own_truncate;"
	next
}
# What stands between "--@keys" and "--@end" is there twice: a key is one column, or several.
/^--@keys$/ { keys = 1; text = ""; next }
/^--@end$/ {
	several = text
	gsub(/@key/, "text", text)
	gsub(/@key/, "name[]", several)
	sub(/';\n$/, "; keys of several columns';\n", several)
	printf "%s\n%s", text, several
	keys = 0
	next
}
keys { text = text $0 "\n"; next }
{ print }
