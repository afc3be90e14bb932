#!/bin/bash
#
# What is made from src/errcodes.txt: src/errors.h, a table of doc/errors.md, a map
# of the Python package, each between two marked lines.
#
#   errcodes.sh           write them
#   errcodes.sh --check   print how they differ from what would be written

set -euo pipefail
cd "$(dirname "$0")/../.."

# made FILE KIND: the file with what stands between its marks made anew
made() {
	awk -v OUTPUT="$2" -f src/errcodes.awk src/errcodes.txt |
		awk -v made=/dev/stdin '
			/made from errcodes.txt/ && !done {
				print
				while ((getline line < made) > 0)
					print line
				done = skip = 1
				next
			}
			skip && /end of what is made/ { skip = 0 }
			!skip' "$1"
}

while read -r file kind; do
	if [ "${1:-}" = --check ]; then
		diff -u "$file" <(made "$file" "$kind") || :
	else
		new=$(made "$file" "$kind")
		printf '%s\n' "$new" >"$file"
	fi
done <<'FILES'
src/errors.h c
doc/errors.md md
clients/python/src/django_paysafe/errors.py py
FILES
