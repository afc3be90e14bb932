#!/bin/bash
#
# Build paysafe, start a private server, run the kinds of tests named on the
# command line; one line for each kind, the count at the end.  A failure shows
# its differences, leaves them in tmp_check/KIND and does not stop the others.
# A kind that ran nothing is no success: it is named at the end, with the reason, as is
# what a kind that ran has left out.
#
# ACCEPT=1 takes the answers given now as the expected ones.

set -euo pipefail
cd "$(dirname "$0")/../.."
. test/lib/server.sh

total=0
failed=()
reasons=()						# of those that failed, in a few lines each
nothing=()
left_out=()						# what kinds that passed say that they could not do

pass() {						# pass KIND COUNT TEXT
	printf '%-10s %s (%d s)\n' "$1" "$3" $((SECONDS - began))
	total=$((total + $2))
}

skip() {						# skip KIND WHY
	printf '%-10s RAN NOTHING: %s\n' "$1" "$2"
	nothing+=("$1 ($2)")
}

# fail KIND FILE...: show the files, keep the kind's folder
fail() {
	local kind=$1
	shift
	printf '%-10s FAILED\n' "$kind"
	failed+=("$kind")
	cat "$@" 2>/dev/null | head -n 1000 || :
	# said once more at the end, where it is not lost among what others say
	local reason
	reason=$(cat "$@" 2>/dev/null | grep -E -A 2 -m 4 '^not ok|FAILED|^ *# +Failed|^[+-][^+-]' | sed "s/^/$kind: /") || :
	[ -n "$reason" ] || reason=$(cat "$@" 2>/dev/null | tail -n 5 | sed "s/^/$kind: /") || :
	reasons+=("$reason")
	if rm -rf "tmp_check/$kind" 2>/dev/null && mkdir -p tmp_check 2>/dev/null; then
		find "$PAYSAFE_RUN/out/$kind" -type l -delete
		cp -R "$PAYSAFE_RUN/out/$kind" "tmp_check/$kind"
		echo "$kind: the rest is in tmp_check/$kind"
	fi
}

# A folder for the kind's output, its name in $out
folder() {
	out=$PAYSAFE_RUN/out/$1
	rm -rf "$out"
	mkdir -p "$out"
}

# regression KIND PROGRAM INPUTDIR TEST...: run pg_regress or its like.
#
# It looks for questions and answers in its output folder first, where links
# lead it to them whatever the version's rules for the expected folder are.
regression() {
	local kind=$1 program=$2 input=$3 expected=$4 questions=$5
	shift 5
	if [ $# -eq 0 ]; then skip "$kind" "no test"; return; fi
	folder "$kind"
	ln -s "$PWD/$questions" "$out/${questions##*/}"
	ln -s "$PWD/$expected" "$out/expected"
	local status=0
	(cd "$out" && "$program" --inputdir="$OLDPWD/$input" --outputdir=. \
		--bindir="$PGBIN" --host="$PGHOST" --port="$PGPORT" --user="$PGUSER" \
		--dbname="paysafe_$kind" --load-extension=paysafe "$@") \
		>"$out/log" 2>&1 || status=$?
	if [ -n "${ACCEPT:-}" ]; then
		cp "$out"/results/*.out "$expected/"
		pass "$kind" 0 "answers of $# tests accepted"
	elif [ $status -eq 0 ]; then
		pass "$kind" $# "$# tests passed"
	elif [ -s "$out/regression.diffs" ]; then
		grep -E -e ' FAILED' -e '^not ok' "$out/log" >"$out/short" || :
		fail "$kind" "$out/short" "$out/regression.diffs"
	else
		fail "$kind" "$out/log"
	fi
	server_drop "paysafe_$kind" 2>/dev/null || :
}

check_regress() {
	regression regress "$pgxs_test/regress/pg_regress" test expected test/sql \
		$(cat test/schedule)
}

check_isolation() {
	local program=$pgxs_test/isolation/pg_isolation_regress specs=()
	if [ ! -x "$program" ]; then
		skip isolation "this PostgreSQL has no pg_isolation_regress"
		return
	fi
	local spec
	for spec in test/isolation/specs/*.spec; do
		[ ! -e "$spec" ] || specs+=("$(basename "$spec" .spec)")
	done
	regression isolation "$program" test/isolation test/isolation/expected \
		test/isolation/specs "${specs[@]}"
}

check_pgtap() {
	local files=(test/pgtap/*.sql) db=paysafe_pgtap
	if [ ! -e "${files[0]}" ]; then skip pgtap "no test"; return; fi
	if [ ! -e "$(pg_config --sharedir)/extension/pgtap.control" ] ||
		! command -v pg_prove >/dev/null; then
		skip pgtap "this PostgreSQL has no pgTAP"
		return
	fi
	folder pgtap
	psql -qX -c "CREATE DATABASE $db"
	psql -qX -d $db -c "CREATE EXTENSION pgtap" -c "CREATE EXTENSION paysafe"
	if pg_prove --failures -d $db "${files[@]}" >"$out/log" 2>&1; then
		local n
		n=$(sed -n 's/^Files=.*Tests=\([0-9]*\),.*/\1/p' "$out/log")
		pass pgtap "$n" "$n assertions passed"
	else
		grep -v '\.\. ok$' "$out/log" >"$out/short" || :
		fail pgtap "$out/short"
	fi
	server_drop $db
}

check_layout() {
	folder layout
	test/lib/setup.sh --layout >/dev/null || echo "going on with what there is"
	if PAYSAFE_SO=$(pg_config --pkglibdir)/paysafe.so test/lib/layout.sh >"$out/log" 2>&1; then
		local n
		n=$(grep -c '^ok' "$out/log")
		pass layout "$n" "$n checks passed"
	else
		grep -v '^ok' "$out/log" >"$out/short" || :
		fail layout "$out/short"
	fi
}

# A program of its own.  It finds the server through PGHOST and its like, with
# PGBIN, PAYSAFE_RUN and SERVER_USER beside them, and a folder for its files in
# OUT.  Its exit status decides; its last line is shown, and where it counts as
# many tests, begins with their number.
program() {						# program KIND FILE [COUNT]
	if [ ! -x "$2" ]; then skip "$1" "no $2"; return; fi
	folder "$1"
	# what ends it without a word is noted by each bash of it
	if OUT=$out BASH_ENV=$PWD/test/lib/last_words.sh LAST_WORDS=$out/last_words "$2" >"$out/log" 2>&1; then
		local last n
		last=$(tail -n 1 "$out/log")
		n=${3:-$(sed 's/[^0-9].*//' <<<"$last")}
		case $last in
			"0 "*) skip "$1" "${last#0 *: }" ;;
			*)
				pass "$1" "${n:-1}" "$last"
				while IFS= read -r last; do
					left_out+=("$1: ${last#left out: }")
				done < <(grep '^left out: ' "$out/log") ;;
		esac
	else
		tail -n 100 "$out/log" >"$out/short"
		[ ! -s "$out/last_words" ] || { echo "commands that failed last:"; tail -n 5 "$out/last_words"; } >>"$out/short"
		fail "$1" "$out/short"
	fi
}

check_dump() { program dump test/dump/run; }
check_encoding() { program encoding test/encoding/run; }
check_replication() { program replication test/replication/run; }
check_property() { program property test/property/run 1; }
check_reading() { program reading test/reading/run; }
check_django() { program django test/django/run; }
check_oscar() { program oscar test/oscar/run; }
check_pretix() { program pretix test/pretix/run; }
check_client() { program client test/client/run; }
check_torture() { program torture test/torture/run 1; }
check_guard() { program guard test/guard/run; }
check_clock() { program clock test/clock/run; }
check_retention() { program retention test/retention/run; }
check_services() { program services test/services/run; }
check_url() { program url test/url/run 1; }
check_crash() { program crash test/crash/run; }
check_seal() { program seal test/seal/run; }
check_upgrade() { program upgrade test/upgrade/run; }
check_node() { program node test/node/run; }
check_sqlalchemy() { ORM=sqlalchemy program sqlalchemy test/orms/run; }
check_drizzle() { ORM=drizzle program drizzle test/orms/run; }
check_prisma() { ORM=prisma program prisma test/orms/run; }
check_gorm() { ORM=gorm program gorm test/orms/run; }
check_hibernate() { ORM=hibernate program hibernate test/orms/run; }
check_webhook() { program webhook test/webhook/run; }
check_attacks() { program attacks test/attacks/check; }
check_throttle() { program throttle test/throttle/run; }
check_shape() { program shape test/shape/run; }
check_token() { program token test/token/run; }
check_evidence() { program evidence test/evidence/run; }
check_desk() { program desk test/desk/run; }
check_passkey() { program passkey test/passkey/run; }
check_sim() { program sim test/sim/run; }
check_fits() { program fits test/fits/run; }
check_rollout() { program rollout test/rollout/run 1; }
check_fuzz() { MUTATIONS=${MUTATIONS:-4000} program fuzz test/fuzz/server 1; }

# the output of an earlier failure says nothing about this run
for kind; do rm -rf "tmp_check/$kind" 2>/dev/null || :; done
server_private
pgxs_test=$(dirname "$("$PG_CONFIG" --pgxs)")/../test
version=$(psql -AtXc "SHOW server_version")
version=${version%% *}
for kind; do
	began=$SECONDS
	"check_$kind"
done

[ ${#failed[@]} -eq 0 ] || printf '%s\n' "${reasons[@]}"
if [ ${#left_out[@]} -gt 0 ]; then
	printf -v list '; %s' "${left_out[@]}"
	echo "paysafe: left out on PostgreSQL $version: ${list#; }"
fi
if [ ${#nothing[@]} -gt 0 ]; then
	printf -v list '; %s' "${nothing[@]}"
	echo "paysafe: ${#nothing[@]} of $# kinds ran nothing on PostgreSQL $version: ${list#; }"
fi
if [ ${#failed[@]} -gt 0 ]; then
	echo "paysafe: FAILED on PostgreSQL $version: ${failed[*]} ($total tests passed)"
	exit 1
fi
echo "paysafe: $total tests passed on PostgreSQL $version"
