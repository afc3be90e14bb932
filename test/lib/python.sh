# Python environments for tests, in $OUT.  To be sourced.
. "$(dirname "${BASH_SOURCE[0]}")/again.sh"

# python_with NAME PACKAGE...: an environment with these packages from PyPI; its
# interpreter's path in $python.  False where there is none: no PyPI, or this
# Python is too old for a package; $again_why says which, $OUT/NAME.pip has what pip says.
python_with() {
	local dir=$OUT/$1 again_log=$OUT/$1.pip
	shift
	python=$dir/bin/python
	if ! python3 -m venv "$dir" >"$again_log" 2>&1; then
		again_why="no Python environments here"
		return 1
	fi
	again "$dir/bin/pip" install -q --disable-pip-version-check --retries 2 "$@"
}

# The Python package, from the copy in $OUT/package, into the environment of $python.  What
# it depends on is there: all that can be wanting is what builds it.
python_own() {
	local again_own=1 again_log=${python%/bin/python}.own.pip again_not_there='requires? a different [Pp]ython|from versions: [0-9]'
	again "${python%/python}/pip" install -q --disable-pip-version-check --retries 2 "$OUT/package"
}

# django_tests NAME [ARGUMENT...]: manage.py test with $python, in this folder; the
# number of tests that ran is added to $tests, what ran them to the list in ran.
django_tests() {
	local log=$OUT/$1.log n skipped
	shift
	if ! "$python" -W error::DeprecationWarning:shop manage.py test --noinput "$@" >"$log" 2>&1; then
		cat "$log"
		return 1
	fi
	n=$(sed -n 's/^Ran \([0-9]*\) tests.*/\1/p' "$log")
	skipped=$(sed -n 's/^OK (skipped=\([0-9]*\))$/\1/p' "$log")
	tests=$((tests + n - ${skipped:-0}))
	ran+=("$("$python" -c '
import django
try: import psycopg
except ImportError: import psycopg2 as psycopg
print("Django", django.__version__, psycopg.__name__, psycopg.__version__.split()[0])')")
}
