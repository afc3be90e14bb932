#!/bin/bash
#
# Show what paysafe does: run demo.sql on a private server and check that every
# refusal is one.  Leaves nothing behind, unless KEEP=1 leaves the server up.
# Coloured on a terminal, or with FORCE_COLOR=1.

set -euo pipefail
cd "$(dirname "$0")/.."
. test/lib/server.sh

unset PAYSAFE_RUN
server_private "shared_preload_libraries = 'paysafe'"

if [ -n "${KEEP:-}" ] && [ "$KEEP" != 0 ]; then
	trap - EXIT
	tell_end() {
		printf '\nThe server is still up.  To look around:\n\n    %s -h %s -U shop_app shop\n' \
			"$PGBIN/psql" "$PGHOST"
		printf '\nTo stop it and remove everything:\n\n    test/lib/server.sh stop %s\n\n' \
			"$PAYSAFE_RUN"
	}
	trap tell_end EXIT
fi

color=0
if [ "${FORCE_COLOR:-0}" != 0 ] || { [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; }; then color=1; fi
lines=ascii
case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in
	*UTF-8 | *utf8) lines=unicode ;;
esac

createdb shop
awk -f demo/script.awk demo/demo.sql |
	PGOPTIONS='-c client_min_messages=warning' psql -qX -d shop \
		-P "linestyle=$lines" -P border=2 -P footer=off -P pager=off 2>&1 |
	LC_ALL=C awk -v color=$color -f demo/show.awk
if [ -z "${KEEP:-}" ] || [ "$KEEP" = 0 ]; then
	printf '\nNext:\n\n    make demo KEEP=1       the same, and the server stays up to look around\n'
	printf '    README.md, "A tour in five minutes"      the same for your own tables\n'
	printf '    SELECT * FROM paysafe.check() WHERE NOT ok;      what is not in force\n\n'
fi
