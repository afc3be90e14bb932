#!/bin/bash
#
# The kinds named on the command line, of a paysafe that is built with assertions:
# in a copy of the tree, so that the objects of other builds stay as they are.  The
# server is the installed one.

set -euo pipefail
cd "$(dirname "$0")/../.."

copy=$(mktemp -d "${TMPDIR:-/tmp}/paysafe_assert.XXXXXX")
trap 'rm -rf "$copy"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
tar --exclude=./.git --exclude=./tmp_check --exclude='*.o' --exclude='*.bc' --exclude='*.so' -cf - . |
	tar -C "$copy" -xf -
cd "$copy"
COPT="${COPT:-} -DUSE_ASSERT_CHECKING" BITCODE=no test/lib/check.sh "$@"
