# Turn demo.sql into a script for psql that also tells what it does.
#
#	--# text		a heading; what comes before the first is done silently
#	-- text			said to the reader
#	--! CODE		the next statement must be refused with this SQLSTATE
#
# What is told goes out in lines that start with a control character, for
# show.awk: H heading, T text, Q statement, V verdict, E end.

function tell(kind, text) {
	gsub(/\\/, "\\\\&", text)
	gsub(/'/, "''", text)
	printf "\\echo '\001%s%s'\n", kind, text
}

# After a statement: what was expected, what happened, how many rows (statements
# that are about no rows count as one).
function verdict() {
	printf "\\echo '\001V'%s :SQLSTATE %s\n", expected,
		statement ~ /^(SELECT|INSERT|UPDATE|DELETE|MERGE)/ ? ":ROW_COUNT" : 1
	expected = "00000"
}

function run() {
	# the empty result of a function that returns nothing is not shown
	if (statement ~ /^SELECT paysafe\.(protect_[a-z_]*|set_[a-z_]*|audit|act_as)\(/)
		printf "\\o /dev/null\n%s\\o\n", statement
	else if (shown && statement ~ /^(INSERT|UPDATE|DELETE|MERGE)/)
		printf "\\set QUIET off\n%s\\set QUIET on\n", statement
	else
		printf "%s", statement
	verdict()
	statement = ""
}

BEGIN { expected = "00000"; user = "postgres" }

/^--# / { shown = 1; tell("H", substr($0, 5)); next }
/^--! / { expected = $2; next }
/^--/ && !statement {
	if (shown) tell("T", substr($0, 4))
	next
}
/^\\connect / { user = $NF }
/^\\/ && !statement { print; next }
/^[ \t]*$/ && !statement {
	if (shown) tell("T", "")
	next
}

# A statement ends with a semicolon at the end of a line, outside $$.
{
	if (shown) tell("Q", user (statement ? "-> " : "=> ") $0)
	statement = statement $0 "\n"
	quotes += gsub(/\$\$/, "&")
	if (quotes % 2 == 0 && /;[ \t]*$/) run()
}

END { tell("E", "") }
