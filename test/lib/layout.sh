#!/bin/bash
#
# Static checks: what the architecture asks of files, and no compiler checks.
# Prints "ok - rule" or "not ok - rule" with the offending lines.
#
# PAYSAFE_SO names the built library; without it, the one in the tree is meant.

set -uo pipefail
cd "$(dirname "$0")/../.." || exit

so=${PAYSAFE_SO:-paysafe.so}

# rule TEXT: judge the offenders on standard input, one a line; none is good
rule() {
	local offenders
	offenders=$(cat)
	if [ -z "$offenders" ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		sed 's/^/    /' <<<"$offenders"
	fi
}

c_files() { find src -name '*.[ch]' | sort; }
shell_files() { git ls-files 2>/dev/null | xargs -r grep -lE '^#!/bin/(ba)?sh'; }
sql_parts() { find sql -name '*.sql' ! -name '*--*' | sort; }

# SQL parts without their comments, each line as FILE:LINE:TEXT
sql_lines() { sql_parts | xargs -r grep -Hn '' | sed 's/--.*//'; }

# Codes declared in errors.h
sqlstates() {
	sed -n "s/.*MAKE_SQLSTATE('\(.\)', *'\(.\)', *'\(.\)', *'\(.\)', *'\(.\)').*/\1\2\3\4\5/p" \
		src/errors.h
}

# Statements that start with the extended regular expression $1 and end with
# the expression $2, and do not contain the word $3.
without() {
	awk -v start="$1" -v stop="$2" -v word="$3" '
		!text && $0 ~ start { at = FILENAME ":" FNR ": " $0; text = " " }
		text { text = text $0 }
		text && $0 ~ stop { if (text !~ word) print at; text = "" }
	' "${@:4}" /dev/null
}

# Layers, from the ground up: a file includes from its own floor's rooms only if
# they are its own, and from any floor below.
FLOORS="redact:tlog:token base abuse store values:people engine:vault identity evidence rules guard:services check bin"

floor() {						# floor ROOM
	local n=0 rooms
	for rooms in $FLOORS; do
		n=$((n + 1))
		case :$rooms: in *":$1:"*) echo $n; return ;; esac
	done
}

# A kind of rule sees the list of kinds and its own files (a folder, or secret.c
# and secret.h), no other kind.
layers() {
	c_files | xargs -r grep -Hn '#include "[a-z]*/' | while IFS=: read -r file line text; do
		from=${file#src/}
		room=${from%%/*}
		target=${text#*\"}
		target=${target%%\"*}
		below=$(floor "${target%%/*}")
		[ -n "$below" ] || continue		# PostgreSQL's own
		case $room in
			paysafe.c) continue ;;
			"${target%%/*}")
				[ "$room" = rules ] || continue
				case $target in
					rules/kinds.h) continue ;;
					"${from%/*}"/*)
						[ "${from%/*}" != rules ] || [ "${target%.h}" = "${from%.c}" ] || echo "$file:$line: $text"
						continue ;;
				esac
				case $from in rules/kinds.c) continue ;; esac ;;
			*) [ "$below" -ge "$(floor "$room")" ] || continue ;;
		esac
		echo "$file:$line: $text"
	done
}

# Circles: files (FILE.c and FILE.h are one) that reach themselves through what
# they include.  What a file includes stands before it in a sorted order, or
# tsort says which do not.
circles() {
	c_files | xargs -r grep -H '#include "[a-z_]*[/.]' |
		sed -n 's|^src/\(.*\)\.[ch]:#include "\(.*\)\.h"$|\1 \2|p' |
		while read -r from to; do
			[ "$from" = "$to" ] || [ ! -e "src/$to.h" ] || echo "$from $to"
		done | sort -u | tsort 2>&1 >/dev/null | sed 's/^tsort: //'
}

# Functions in C, from brace to brace, without these
long_functions() {
	c_files | grep '\.c$' | xargs -r awk '
		/^{$/ { start = FNR; name = last }
		/^}$/ && start { if (FNR - start - 1 > 70) print FILENAME ": " name ": " FNR - start - 1; start = 0 }
		{ last = $0 }'
}

rules() {
	c_files | grep -vx src/compat.h | xargs -r grep -Hn 'PG_VERSION_NUM' |
		rule "only compat.h tests the version of PostgreSQL"

	c_files | grep -vxE 'src/base/(crypto|signature)\.c|src/tlog/.*' | xargs -r grep -Hn '#include *<openssl/' |
		rule "only base/crypto.c, base/signature.c and tlog/ see OpenSSL"

	c_files | grep -E '^src/(tlog|bin)/' | xargs -r grep -Hn '#include' |
		grep -vE '"(tlog|bin)/|"libpq-fe\.h"|<openssl/|<(sys/|netinet/|arpa/)?[a-z0-9]*\.h>' |
		rule "tlog/ and the programs see no header of the server"

	c_files | grep '^src/token/' | xargs -r grep -Hn '#include' | grep -vE '"token/|<[a-z0-9]*\.h>' |
		rule "token/ sees the language's headers only"

	c_files | grep -vx src/guard/hooks.c | xargs -r grep -Hnow '[A-Za-z_]*_hook' |
		grep -vE ':(check|assign|show)_hook$' |
		rule "only guard/hooks.c touches a hook"

	layers | rule "includes go down the layers"

	circles | rule "no circle of includes"

	c_files | xargs -r wc -l | awk '$2 != "total" && $1 > 800 { print $2 ": " $1 }' |
		rule "no file of more than 800 lines"

	if [ -e "$so" ]; then
		nm -D --defined-only "$so" | awk '{ print $NF }' |
			grep -vxE '(pg_finfo_)?paysafe_[A-Za-z0-9_]*|_PG_init|Pg_magic_func|_init|_fini'
	else
		echo "there is no $so"
	fi | rule "exported symbols carry the prefix"

	test/lib/errcodes.sh --check | rule "errors.h, doc/errors.md and the Python package are made from errcodes.txt"

	for code in $(sqlstates); do
		grep -qF "$code" doc/errors.md 2>/dev/null || echo "$code is not in doc/errors.md"
		grep -rqF "$code" expected test/pgtap test/services 2>/dev/null || echo "$code is not tested"
	done | rule "every SQLSTATE is documented and tested"

	sqlstates | sort | uniq -d | rule "no SQLSTATE is used twice"

	{
		sqlstates | grep '^P'
		c_files | xargs -r grep -Hn "MAKE_SQLSTATE('P'"
		sql_lines | grep -iE "ERRCODE *= *'P"
	} | rule "no SQLSTATE of class P"

	without 'ereport\(ERROR' '\);[ \t]*$' 'errcode' $(c_files | grep '\.c$') |
		rule "every error has a SQLSTATE (C)"
	without '^[ \t]*RAISE( EXCEPTION)?[ \t]' ';[ \t]*(--.*)?$' 'ERRCODE|NOTICE|WARNING|LOG|DEBUG|INFO' $(sql_parts) |
		rule "every error has a SQLSTATE (SQL)"

	sql_lines | grep -iE 'CREATE +OR +REPLACE|IF +NOT +EXISTS' |
		rule "the install script takes over no object that was there before"

	sql_lines | sed -n 's/.*CREATE FUNCTION paysafe\.\([a-z0-9_]*\).*/\1/p' | sort -u |
		while read -r name; do
			grep -rqE "(paysafe\.|\`)$name\b|\b$name\(" doc --include='*.md' || echo "$name"
		done | rule "every function is in doc/"

	diff <(sed -n '/^```mermaid/,/^```/p' doc/queues.md | sed -n 's/^ *\(.*-->.*\)/\1/p') \
		<(sed -n 's/^" *\(.*-->.*\)\\n";*$/\1/p' src/services/queue/queue.c) |
		rule "the states of events are drawn as the code has them"

	version=$(sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" paysafe.control)
	sed '/"meta-spec"/,/}/d' META.json 2>&1 |
		sed -n -e 's/.*"version" *: *"\([^"]*\)".*/\1/p' -e '/No such file/p' | grep -v "^$version\(\.0\)*\$" |
		rule "META.json has the version of the control file"

	c_files | xargs -r grep -HnE '[ 	]+$|^    |^(static |extern )?[a-z].*\) \{$|\b(if|for|while|switch)\(|[^]]\) *\{$' |
		rule "C in PostgreSQL's form: tabs, braces on lines of their own, blanks after keywords"
	git ls-files '*.md' '*.sh' '*.sql' '*.awk' '*.spec' '*.py' 2>/dev/null | xargs -r grep -HnE '[ 	]+$' |
		rule "no blanks at the ends of lines"

	long_functions | rule "no function of more than 70 lines"

	if command -v shellcheck >/dev/null; then
		shell_files | xargs -r shellcheck -S warning -f gcc -e SC2034,SC2046,SC2048,SC2064,SC2154,SC2155,SC2206,SC1083
	else
		echo "it is not here"
	fi | rule "shellcheck finds nothing"

	if command -v codespell >/dev/null; then
		git ls-files '*.c' '*.h' '*.md' '*.sql' '*.py' '*.sh' '*.txt' 2>/dev/null |
			xargs -r codespell -q 3 -L inout,nd,zar,nknown,isnt,specfield,noes,ines
	else
		echo "it is not here"
	fi | rule "codespell finds nothing"

	test/lib/tour.sh | diff - test/sql/tour.sql | rule "README's tour is what pg_regress runs"
	test/lib/tour.sh reference | diff - test/sql/reference.sql |
		rule "the examples of doc/reference.md are what pg_regress runs"

	# not those that others are made of
	sql_parts | xargs -r sed -n 's/^CREATE FUNCTION paysafe\.\([a-z_]*\)(.*/\1/p' | sort -u |
		grep -vxE 'check_.*|payload_.*|.*_trouble|own_table|enforce(_statement)?|library_state|has_rows|audit_(image|context)|(refund_)?approval_state|rule_(columns|text)|pending_approvals' |
		while read -r name; do
			grep -qF "paysafe.$name(" doc/*.md || echo "$name"
		done | rule "each function has an example in doc/"

	{
		sed -n "s/^[^']*SELECT .*, '\([a-z_]*\)', .*/\1/p" sql/check.sql
		sed -n "s/^[ \t]*SELECT '[^']*'[^,]*, '\([a-z_]*\)',.*/\1/p" sql/check.sql
		sed -n 's/.*put(result, "\([a-z_]*\)",.*/\1/p' src/check/check.c
	} | sort -u | grep -vE '^pg_|^library_version$' | while read -r name; do
		grep -qF "\`$name\`" doc/guard.md || echo "$name"
	done | rule "each row of check() is explained in doc/guard.md"

	fold=$(mktemp)
	{
		"${CC:-cc}" -Isrc -Wall -Wextra test/lib/fold.c -o "$fold" &&
			"$fold" | python3 src/people/name_table.py --check || echo "nothing was compared"
	} 2>&1 | rule "names fold as Unicode has it, each code point"
	rm -f "$fold"

	for file in sql/*.sql; do
		[ ! -e "test/$file" ] || echo "$file hides test/$file from pg_regress"
	done | rule "no part has the name of a test"

	for file in test/sim/mutants/*.patch; do
		git apply --check "$file" 2>&1 | sed "s|^|$file: |"
		for word in fault promise 'shown by'; do
			[ "$(sed '/^diff/q' "$file" | grep -c "^$word: .")" -eq 1 ] || echo "$file: no line \"$word: ...\""
		done
	done | rule "every fault of the simulator's exam can still be put back"
}

rules | awk '/^not ok/ { bad = 1 } { print } END { exit bad }'
