# Makes of src/errcodes.txt what its OUTPUT asks for: "c" the lines of src/errors.h,
# "md" the table of doc/errors.md, "py" the lines of the Python package's map.
function flush()
{
	if (code == "")
		return
	if (OUTPUT == "c")
		printf "#define ERRCODE_%s_%s%s%s\n", code, name, pad(name), make(code)
	else if (OUTPUT == "md")
		printf "| `%s` | %s | %s |\n", code, raised, out
	else
		printf "    \"%s\": %s,\n", code, class
	code = ""
}
function pad(name) { return substr("\t\t\t\t\t", 1, 5 - int((14 + length(name)) / 4) + 3) }
function make(code,   i, text)
{
	for (i = 1; i <= 5; i++)
		text = text (i > 1 ? "," : "") "'" substr(code, i, 1) "'"
	return "MAKE_SQLSTATE(" text ")"
}
BEGIN {
	if (OUTPUT == "md")
		print "\n| SQLSTATE | raised when | way out |\n|---|---|---|"
}
/^#/ { next }
/^Section: / {
	flush()
	if (OUTPUT == "c")
		printf "\n/* %s */\n", substr($0, 10)
	next
}
/^[0-9A-Z]/ { flush(); code = $1; name = $2; class = $3; next }
/^\t= / { out = substr($0, 4); next }
/^\t/ { raised = substr($0, 2); next }
END {
	flush()
	if (OUTPUT != "py")
		print ""
}
