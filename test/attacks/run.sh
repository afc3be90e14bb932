#!/bin/bash
#
# Run the attempts, each in its own copy of the target's database.
#
#   run.sh [-t target] [pattern ...]      run.sh    run.sh 03 205 race
#
# The verdict is the last verdict word that the attempt prints: BYPASSED or
# HELD for attacks, ALLOWED or BROKEN for what must stay allowed, N/A.  Then a
# verifier that knows the untouched rules and an anchor of the audit trail
# looks at the result: D row and audit differ, A audit changed, I a rule is
# broken, S the catalogs changed, X the database is gone; and, if the target has
# it, its own check: C it finds something wrong.  R: the attempt is in
# the target's record of refusals.
#
#   RT, RT_PORT     as for setup.sh
#   TARGET          default paysafe;  SETUP_SQL  default TARGET.sql
#   OUT             logs and results.tsv, default out/TARGET
#   KEEP_TEMPLATE=1 use the target's database as the last run left it

HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../lib/server.sh"
RT=${RT:-/tmp/paysafe-attacks}
[ -d "$RT/data" ] || { echo "no server in $RT: setup.sh start makes one" >&2; exit 1; }
PAYSAFE_RUN=$RT
server_use
unset PGUSER PGDATABASE
export RT PGPORT=${RT_PORT:-54399} PGB=$PGBIN OSUSER=$SERVER_USER
PGINC=$("$PG_CONFIG" --includedir-server)
export PGINC

TARGET=${TARGET:-paysafe}
[ "$1" = "-t" ] && { TARGET=$2; shift 2; }
export TARGET HERE
SETUP_SQL=${SETUP_SQL:-$HERE/$TARGET.sql}
OUT=${OUT:-$HERE/out/$TARGET}
mkdir -p "$OUT"
export RTDB=rt_run OUT

Q="psql -X -q -At -v ON_ERROR_STOP=0"
SU="$Q -U postgres"
declare -A LOGIN=([app]=pay_app [owner]=pay_owner [dbowner]=pay_dba [superuser]=pay_super)

# header FILE NAME: one line of an attempt's header
header() { sed -n "s/^[-#]*[- #]*$2: *//p" "$1" | head -1; }

# wanted NAME PATTERN...
wanted() {
	local name=$1 pattern
	shift
	[ $# -gt 0 ] || return 0
	for pattern; do [[ $name != *$pattern* ]] || return 0; done
	return 1
}

# Undo what attempts do outside their database.
reset_cluster() { $SU -d postgres -f "$HERE/targets/cluster_reset.sql" >/dev/null 2>&1; }

make_template() {
	[ -z "$KEEP_TEMPLATE" ] ||
		[ -z "$($SU -d postgres -c "select 1 from pg_database where datname = 'rt_template'")" ] ||
		return 0
	$SU -d postgres -c "set client_min_messages = warning" -c "drop database if exists rt_template with (force)" \
		-c "create database rt_template owner pay_dba" || return 1
	psql -X -q -U pay_super -d rt_template -f "$SETUP_SQL" >"$OUT/setup.log" 2>&1 || {
		cat "$OUT/setup.log"
		return 1
	}
}

# attempt FILE: run it in the fresh database, print and record a line
attempt() {
	local file=$1 name id role category expect log status result found
	name=$(basename "$file")
	log=$OUT/${name%.*}.log
	id=${name%%_*}
	role=$(header "$file" role)
	category=$(header "$file" category)
	expect=$(header "$file" expect)
	case $name in
		*.sh)
			PGDATABASE=$RTDB timeout 600 bash "$file" >"$log" 2>&1
			status=$? ;;
		*.sql)						# -a is off: the verdict stands alone on its line
			timeout 600 psql -X -q -At -v ON_ERROR_STOP=0 -v VERBOSITY=terse \
				-U "${LOGIN[$role]}" -d $RTDB \
				-f "$HERE/targets/$TARGET.psql" -f "$file" >"$log" 2>&1
			status=$? ;;
	esac
	result=$(grep -oxE 'BYPASSED|HELD|ALLOWED|BROKEN|N/A' "$log" | tail -1)
	result=${result:-ERR$status}
	found=$(detect "${name%.*}")
	printf '%-42s %-10s %-9s %-8s %s\n' "${name%.*}" "$role" "$result" "${found:--}" "$expect"
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$id" "${name%.*}" "$role" "$category" "$expect" \
		"$result" "${found:--}" >>"$OUT/results.new"
}

# What the target has on record, if it can say, in a database.  rt_kept has what
# is refused in databases without paysafe.
refusals() {
	local file=$HERE/targets/${TARGET}_refusals.sql
	[ ! -f "$file" ] || $SU -d "$1" -f "$file" 2>&1
}

# What would be noticed afterwards, as letters.
detect() {
	local verify=$OUT/$1.verify letters
	if [ "$($SU -d postgres -c "select 1 from pg_database where datname = '$RTDB'")" = 1 ]; then
		$SU -d $RTDB -v anchor_n="$ANCHOR_N" -v anchor_md5="$ANCHOR_MD5" \
			-f "$HERE/targets/${TARGET}_verify.sql" >"$verify" 2>&1
		$SU -d $RTDB -f "$HERE/targets/$TARGET.psql" -f "$HERE/targets/fingerprint.sql" 2>&1 |
			diff "$OUT/fingerprint.base" - | sed -n 's/^\([<>]\)/S \1/p' >>"$verify"
		refusals $RTDB | diff "$OUT/refusals.base" - | sed -n 's/^>/R/p' >>"$verify"
		refusals rt_kept >"$OUT/kept.now"
		diff "$OUT/kept.base" "$OUT/kept.now" | sed -n 's/^>/R/p' >>"$verify"
		mv "$OUT/kept.now" "$OUT/kept.base"
		letters=$(cut -c1 "$verify" | grep -E '^[DAISCR]$' | sort -u | tr -d '\n')
	else
		letters=X
		echo 'X database gone' >"$verify"
	fi
	[ ! -f "$OUT/$1.detect" ] || letters=$letters$(cat "$OUT/$1.detect")
	echo "$letters"
}

reset_cluster
make_template || exit 1
read -r ANCHOR_N ANCHOR_MD5 < <($Q -U pay_super -d rt_template -f "$HERE/targets/${TARGET}_anchor.sql")
export ANCHOR_N ANCHOR_MD5
$Q -U pay_super -d rt_template -f "$HERE/targets/$TARGET.psql" \
	-f "$HERE/targets/fingerprint.sql" >"$OUT/fingerprint.base" 2>&1

refusals rt_template >"$OUT/refusals.base"
refusals rt_kept >"$OUT/kept.base"
rm -f "$OUT"/*.detect
: >"$OUT/results.new"
printf '%-42s %-10s %-9s %-8s %s\n' ID ROLE RESULT DETECT EXPECT
for file in "$HERE"/attacks/[0-9]*; do
	wanted "$(basename "$file")" "$@" || continue
	# a worker may be looking at the template
	for ((try = 0; try < 20; try++)); do
		! $SU -d postgres -c "drop database if exists $RTDB with (force)" \
			-c "create database $RTDB template rt_template owner pay_dba" \
			>/dev/null 2>"$OUT/clone.err" || break
	done
	[ $try -lt 20 ] || cat "$OUT/clone.err"
	$SU -d $RTDB -f "$HERE/targets/post_clone.sql" >/dev/null
	attempt "$file"
	# prepared transactions live in the database, everything else is cluster-wide
	$SU -d $RTDB -c "select format('rollback prepared %L', gid) from pg_prepared_xacts
		where database = current_database()" 2>/dev/null | $SU -d $RTDB >/dev/null 2>&1
	reset_cluster
done
$SU -d postgres -c "drop database if exists $RTDB with (force)" >/dev/null 2>&1

# a full run replaces the results, a partial one is merged into them
if [ $# -gt 0 ] && [ -f "$OUT/results.tsv" ]; then
	awk -F'\t' '!($2 in line) { line[$2] = $0 } END { for (n in line) print line[n] }' \
		"$OUT/results.new" "$OUT/results.tsv" | sort >"$OUT/results.merged"
	mv "$OUT/results.merged" "$OUT/results.tsv"
	rm "$OUT/results.new"
else
	mv "$OUT/results.new" "$OUT/results.tsv"
fi
[ $# -gt 0 ] || cut -f6 "$OUT/results.tsv" | sort | uniq -c
exit 0
