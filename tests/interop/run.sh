#!/usr/bin/env bash
# The shipped scenarios and those of this folder against Kamailio, SIPp and baresip on free loopback ports. run.sh [PROGRAM] [TEXT]
#
# PROGRAM: offhook (default: $OFFHOOK, else build/release/offhook). TEXT: only cases with TEXT in their name. One line for each
# case, PASS, FAIL or SKIP; then what the peers answer otherwise than the scenarios want, and to each torture message; last
# "N passed, N failed, N skipped". Takes two minutes. A peer that is not installed is skipped; so is tshark, which reads the
# captures back. Exit 77: all skipped.
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
OFFHOOK=${1:-${OFFHOOK:-$ROOT/build/release/offhook}}
ONLY=${2:-}
RUN=$(mktemp -d)
for part in lib/process lib/cases kamailio sipp baresip; do
  . "$HERE/$part.sh"
done

GROUPS_RUNNING=()

finish() {
  trap '' INT TERM
  local pid
  for pid in "${GROUPS_RUNNING[@]}"; do
    kill -TERM -- "-$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
  done
  stop_all
  rm -rf "$RUN"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# group COMMAND...: cases and the reading of their captures, in the background, in a process group of its own, the result in a file.
group() {
  local number=$((${#GROUPS_RUNNING[@]} + 1))
  set -m
  {
    OUT=$RUN/out/$number
    "$@"
    captures "${1//_/ }"
  } >"$RUN/result.$number" 2>&1 </dev/null &
  GROUPS_RUNNING+=($!)
  set +m
}

# with PROGRAM PACKAGE GROUPS: starts these groups if the program is there.
with() {
  if command -v "$1" >/dev/null; then
    "$3"
  else
    skip "all cases with $1" "it is not installed (apt-get install $2)" >>"$RUN/result.0"
  fi
}

count() { grep -c "^$1  " "$RUN/results"; }

if [ ! -x "$OFFHOOK" ]; then
  echo "run.sh: no program $OFFHOOK: build it, or name it" >&2
  exit 2
fi
OFFHOOK=$(realpath "$OFFHOOK")
: >"$RUN/result.0"
IPV6=1
has_ipv6 || {
  IPV6=0
  skip "all IPv6 cases" "this machine has no IPv6 loopback" >>"$RUN/result.0"
}
with kamailio kamailio kamailio_groups
with sipp sip-tester sipp_groups
with baresip baresip-core baresip_groups
cat "$RUN/result.0"
for i in "${!GROUPS_RUNNING[@]}"; do
  wait "${GROUPS_RUNNING[$i]}"
  cat "$RUN/result.$((i + 1))"
done
GROUPS_RUNNING=()
cat "$RUN"/result.* >"$RUN/results"
if [ -s "$RUN/differences" ]; then
  printf '\nWhere Kamailio 5.6, SIPp 3.6 and baresip 1.0 answer otherwise than the scenarios want:\n'
  sort "$RUN/differences"
fi
cat "$RUN"/survey.* 2>/dev/null
echo
echo "$(count PASS) passed, $(count FAIL) failed, $(count SKIP) skipped"
[ $(($(count PASS) + $(count FAIL))) -gt 0 ] || exit 77
[ "$(count FAIL)" -eq 0 ]
