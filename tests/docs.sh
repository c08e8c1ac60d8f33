#!/usr/bin/env bash
# The documentation: the reference is up to date and knows what the sources know, and every example runs as its page says.
#
# docs.sh [OFFHOOK], or OFFHOOK in the environment; else build/release/offhook. Needs lua5.4.
set -u
cd "$(dirname "$0")/.." || exit 3
offhook=$(realpath "${1:-${OFFHOOK:-build/release/offhook}}") || exit 3
directory=$(mktemp -d) || exit 3
trap 'rm -rf "$directory"' EXIT

if [ ! -x "$offhook" ]; then
	echo "docs.sh: there is no program $offhook" >&2
	exit 3
fi
status=0
lua5.4 docs/make.lua --check || status=1
pages=(docs/guide.md docs/cookbook.md)
[ -e README.md ] && pages=(README.md "${pages[@]}")
lua5.4 tests/examples.lua "$offhook" "$directory" "${pages[@]}" || status=1
exit $status
