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
{ print }
