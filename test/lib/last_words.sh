# Each bash of a test reads this first (BASH_ENV): a command that fails, and whose failure
# nobody has asked for, is noted in the file LAST_WORDS.  A test that `set -e` ends says
# nothing of why.
set -E
trap '{ printf "%s, line %s: status %s of: %s\n" "${BASH_SOURCE[0]-}" "$LINENO" "$?" "${BASH_COMMAND:0:300}" >>"${LAST_WORDS:-/dev/null}"; } 2>/dev/null || :' ERR
