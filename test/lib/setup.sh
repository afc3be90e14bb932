#!/bin/bash
#
# Install what building and testing need and is missing; print the path of the
# pg_config to use.  Only root can install: for anyone else the exact command
# is printed and nothing is changed.
#
#   PG_CONFIG=path   use this PostgreSQL
#   PGVERSION=17     use Debian's packages of this major version
#   neither          the pg_config on the PATH if a server belongs to it,
#                    otherwise the release's own major version
#   --fuzz           clang and libFuzzer too; prints CLANG=path beside PG_CONFIG=path
#   --valgrind       valgrind too
#   --django         Python environments and Chromium too
#   --client         Python environments and pgbouncer too
#   --venv           Python environments too
#   --node           Node.js and node-postgres too
#   --npm            Node.js and npm too
#   --clock          libfaketime too
#   --layout         shellcheck and codespell too
#
# Everything but the path goes to standard error.

set -euo pipefail

say() { echo "paysafe: $*" >&2; }
die() { say "$@"; exit 1; }

# A PostgreSQL is complete if it can serve and can build extensions.  Debian's
# client package has the makefiles too: what tells are the server's headers.
complete() {
	local pgxs
	pgxs=$("$1" --pgxs 2>/dev/null) && [ -e "$pgxs" ] &&
		[ -e "$("$1" --includedir-server)/postgres.h" ] &&
		[ -x "$("$1" --bindir)/postgres" ]
}

# Debian's pg_config wrapper picks a version: ask the version itself.
resolve() {
	local own
	own=$("$1" --bindir)/pg_config
	if [ -x "$own" ]; then echo "$own"; else command -v "$1"; fi
}

# The major version that this Debian release's package "postgresql" stands for.
release_version() {
	local v
	v=$(apt-cache show --no-all-versions postgresql 2>/dev/null |
		sed -n 's/^Depends:.*postgresql-\([0-9][0-9]*\).*/\1/p')
	[ -n "$v" ] || case $(. /etc/os-release && echo "${VERSION_CODENAME:-}") in
		bookworm) v=15 ;;
		trixie) v=17 ;;
		*) v=18 ;;
	esac
	echo "$v"
}

# What apt-get fetches: several times, as an archive may be slow, or refuse once.
fetch() {
	local pause
	for pause in 5 20 60 0; do
		! apt-get -qq -o Acquire::Retries=3 "$@" >"$log" 2>&1 || return 0
		# waiting makes nothing younger, nor is there a package later
		! grep -q -e 'is expired' -e 'is not valid yet' -e 'Unable to locate' -e 'no installation candidate' "$log" || return 1
		sleep "$pause"
	done
	return 1
}

# A refused date is what snapshots of old archives look like.
update() {
	! fetch --error-on=any update || return 0
	if grep -q -e 'is expired' -e 'is not valid yet' "$log"; then
		say "the package lists have a date out of range, accepted"
		! fetch -o Acquire::Check-Valid-Until=false -o Acquire::Check-Date=false update || return 0
	fi
	# a list that is not needed may be missing
	! apt-get -qq update >"$log" 2>&1 || return 0
	tail -n 30 "$log" >&2
	die "apt-get update failed"
}

need() {						# need PACKAGE TEST...
	local package=$1
	shift
	"$@" >/dev/null 2>&1 || missing+=("$package")
}

# A clang that can link libFuzzer and both sanitizers.  PostgreSQL's headers
# bring along one of a certain version, without those.
clang_fuzzes() {
	local name
	for name in ${CLANG:-clang clang-{14..22}}; do
		CLANG=$(command -v "$name") || continue
		if "$CLANG" -x c -fsanitize=fuzzer,address,undefined -o /dev/null - 2>/dev/null \
			<<<'int LLVMFuzzerTestOneInput(void) { return 0; }'; then
			return
		fi
	done
	CLANG=
	return 1
}

# Which packages are missing for $version; no version: PostgreSQL is not ours
# to install.
list_missing() {
	missing=()
	need gcc command -v gcc
	need make command -v make
	need libc6-dev test -e /usr/include/stdio.h
	need libssl-dev test -e /usr/include/openssl/evp.h
	case $also in
		--valgrind) need valgrind command -v valgrind ;;
		--django)
			need python3-venv python3 -c "import ensurepip, venv"
			# where PyPI cannot be reached
			need python3-django python3 -c "import django"
			need python3-psycopg python3 -c "import psycopg"
			need python3-selenium python3 -c "import selenium"
			need chromium command -v chromium
			need chromium-driver command -v chromedriver
			;;
		--client)
			need python3-venv python3 -c "import ensurepip, venv"
			need python3-django python3 -c "import django"
			need python3-psycopg python3 -c "import psycopg"
			need python3-djangorestframework python3 -c "import rest_framework"
			need pgbouncer command -v pgbouncer
			;;
		--venv) need python3-venv python3 -c "import ensurepip, venv" ;;
		--node)
			need nodejs command -v node
			if ! command -v npm >/dev/null; then need node-pg test -d /usr/share/nodejs/pg; fi
			;;
		--layout)
			need shellcheck command -v shellcheck
			need codespell command -v codespell
			;;
		--clock) need libfaketime test -n "$(find /usr/lib* -name libfaketime.so.1 2>/dev/null)" ;;
		--npm)
			need nodejs command -v node
			need npm command -v npm
			;;
		--fuzz) if ! clang_fuzzes; then missing+=(clang libclang-rt-dev); fi ;;
	esac
	if [ -n "$version" ]; then
		local lib=/usr/lib/postgresql/$version
		need "postgresql-$version" test -x "$lib/bin/postgres"
		need "postgresql-server-dev-$version" \
			test -e "/usr/include/postgresql/$version/server/postgres.h"
		need "postgresql-$version-pgtap" \
			test -e "/usr/share/postgresql/$version/extension/pgtap.control"
		need libtap-parser-sourcehandler-pgtap-perl command -v pg_prove
	fi
}

# Headers of the server that is installed, as long as the archive has them: a
# newer minor version would bring a newer server along.
pin_headers() {
	local package=postgresql-server-dev-$version installed i
	installed=$(dpkg-query -W -f '${Version}' "postgresql-$version" 2>/dev/null) || return 0
	apt-cache madison "$package" 2>/dev/null | grep -F "| $installed |" >/dev/null || return 0
	for i in "${!missing[@]}"; do
		[ "${missing[i]}" != "$package" ] || missing[i]=$package=$installed
	done
}

# Debian starts a cluster when a server package arrives.  This one is not
# wanted, so none is created while a file of ours says so; no service is
# stopped, started or masked, and the file is gone afterwards.
install_missing() {
	local dropin=/etc/postgresql-common/createcluster.d
	local made=() dir
	for dir in /etc/postgresql-common $dropin; do
		[ -d "$dir" ] || { mkdir "$dir"; made=("$dir" "${made[@]}"); }
	done
	echo "create_main_cluster = false" >$dropin/paysafe-setup.conf
	trap 'rm -f "$log" '$dropin'/paysafe-setup.conf
		  rmdir '"${made[*]}"' 2>/dev/null || :' EXIT

	export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
	# a newer minor version of a server would restart its clusters
	if apt-get -s "${install[@]}" 2>"$log" | grep '^Inst postgresql-[0-9]* \[' >/dev/null &&
		pg_lsclusters -h 2>/dev/null | grep online >/dev/null; then
		die "this would upgrade a server in use, please do it yourself:" \
			"apt-get ${install[*]}"
	fi
	if ! fetch -y -o DPkg::Lock::Timeout=600 "${install[@]}"; then
		tail -n 30 "$log" >&2
		die "apt-get ${install[*]} failed"
	fi
}

also=${1:-}
config=${PG_CONFIG:-}
version=${PGVERSION:-}
if [ -n "$config" ]; then
	command -v "$config" >/dev/null || die "no such pg_config: $config"
elif [ -z "$version" ] && complete pg_config; then
	config=pg_config
fi
if [ -n "$config" ]; then
	config=$(resolve "$config")
	case $config in
		/usr/lib/postgresql/*/bin/pg_config)
			version=${config#/usr/lib/postgresql/}
			version=${version%%/*} ;;
		*) version= ;;
	esac
else
	[ -n "$version" ] || version=$(release_version)
	config=/usr/lib/postgresql/$version/bin/pg_config
fi

list_missing
if [ ${#missing[@]} -gt 0 ]; then
	command -v apt-get >/dev/null ||
		die "please install the equivalent of Debian's ${missing[*]}"
	install=(install --no-install-recommends "${missing[@]}")
	if [ "$(id -u)" -ne 0 ]; then
		say "some packages are missing; as root, run"
		echo "    apt-get update && apt-get ${install[*]}" >&2
		exit 1
	fi
	say "installing ${missing[*]}"
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	update
	if [ -z "${PG_CONFIG:-}${PGVERSION:-}" ] && ! complete "$config"; then
		# the lists may be newer than what we knew without them
		version=$(release_version)
		config=/usr/lib/postgresql/$version/bin/pg_config
		list_missing
	fi
	pin_headers
	install=(install --no-install-recommends "${missing[@]}")
	install_missing
fi
complete "$config" || die "$config is not a complete PostgreSQL: a server, its headers and PGXS are needed"
if [ "$also" = --fuzz ]; then
	[ -n "${CLANG:-}" ] || clang_fuzzes || die "clang cannot build fuzzers"
	printf 'PG_CONFIG=%q CLANG=%q\n' "$config" "$CLANG"
else
	echo "$config"
fi
