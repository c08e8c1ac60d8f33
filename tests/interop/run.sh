#!/usr/bin/env bash
# The shipped scenarios and those of this folder against Kamailio on free loopback ports. run.sh [PROGRAM] [TEXT]
#
# PROGRAM: offhook (default: $OFFHOOK, else build/release/offhook). TEXT: only cases with TEXT in their name. One line for each
# case, PASS, FAIL or SKIP, what Kamailio answers otherwise than the scenarios want, and last "N passed, N failed, N skipped".
# Needs kamailio; tshark for what is read back from the captures. Takes two minutes. Exit 77: all skipped.
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
OFFHOOK=${1:-${OFFHOOK:-$ROOT/build/release/offhook}}
ONLY=${2:-}
RUN=$(mktemp -d)
. "$HERE/lib/kamailio.sh"

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

# What stands at the start of a line is counted at the end.
pass() { echo "PASS  $1"; }
skip() { echo "SKIP  $1: $2"; }

# fail NAME: what the program said, on stdin, goes below.
fail() {
  echo "FAIL  $1"
  sed 's/^/      /' | tail -n 100
}

wanted() { [[ $1 == *"$ONLY"* ]]; }

# The folder for the captures of a case; below it "negative" where that is what they hold.
out_of() { echo "$RUN/out/${1//[^A-Za-z0-9]/-}"; }

offhook() { "$OFFHOOK" run --no-colour "$@"; }

# scenario NAME FILE OPTION...: every test of FILE passes.
scenario() {
  local name=$1 file=$2 out
  shift 2
  wanted "$name" || return 0
  out=$(out_of "$name")
  mkdir -p "$out"
  if (cd "$ROOT" && offhook --out "$out" "$@" "$file") >"$out/text" 2>&1; then
    pass "$name ($(tail -n 1 "$out/text" | sed 's/ failed.*/ failed/'))"
  else
    fail "$name" <"$out/text"
  fi
}

# negative PEER TARGET [FILE...]: every test of these files of scenarios/negative (default: all), one by one. Where the peer is known
# to answer otherwise, that is told in a table, and it is a failure if the difference has gone. torture.lua is a survey with verdicts
# of its own, of which "dead" alone is a failure here.
negative() {
  local peer=$1 target=$2 line file test name out known because survey
  shift 2
  while IFS= read -r line; do
    file=${line%%.lua: *}.lua test=${line#*.lua: }
    name="$file against $peer: $test"
    wanted "$name" || continue
    out=$(out_of "$name")
    mkdir -p "$out"
    because=$(awk -F'|' -v p="$peer" -v t="$test" '$1 == p && $2 == t { print $3 }' "$HERE/differences.txt")
    known=0
    (cd "$ROOT" && offhook --out "$out" --target "$target" -k "$test" "$file") >"$out/text" 2>&1 || known=$?
    survey=$(grep -oE '[0-9]+ right, [0-9]+ tolerable, [0-9]+ WRONG, 0 dead' "$out/text" | tail -n 1)
    if [ $known -le 1 ] && [ -n "$survey" ]; then
      pass "$name ($survey)"
    elif [ -z "$because" ] && [ $known -eq 0 ]; then
      pass "$name"
    elif [ -n "$because" ] && [ $known -eq 1 ]; then
      pass "$name (a known difference)"
      printf '  %-14s %-50s %s\n' "$peer" "$test" "$because" >>"$RUN/differences"
    elif [ -n "$because" ]; then
      fail "$name" <<<"the known difference is gone (exit $known): take it out of differences.txt"
    else
      fail "$name" <"$out/text"
    fi
  done < <(cd "$ROOT" && "$OFFHOOK" run --list "${@:-scenarios/negative}" | grep '\.lua: ')
}

# The INVITEs of the silent callee, read back by tshark: RFC 3261 17.1.1.2 on real sockets.
timer_a_and_b() {
  local name="invite-timeout: the capture has INVITEs at 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s" out times
  wanted "$name" || return 0
  out=$(out_of invite-timeout)
  [ -d "$out" ] || return 0
  command -v tshark >/dev/null || { skip "$name" "tshark is not installed"; return 0; }
  times=$(tshark -r "$(find "$out" -name 'the-callee-s-host*.pcapng')" -Y 'sip.Method == "INVITE"' -T fields -e frame.time_relative \
    2>/dev/null | tr '\n' ' ')
  if awk '{ n = split("0 0.5 1.5 3.5 7.5 15.5 31.5", due); bad = NF != n
            for (i = 1; i <= n; i++) if ($i - due[i] > 0.25 || due[i] - $i > 0.25) bad = 1
            exit bad }' <<<"$times"; then
    pass "$name"
  else
    fail "$name" <<<"they stand at $times"
  fi
}

# What was recorded of all cases so far: nothing malformed but what the negative scenarios send, right checksums, names.
captures() {
  local name="captures: no malformed frame, right checksums, actors' names"
  wanted "$name" || return 0
  find "$RUN/out" -name '*.pcapng' 2>/dev/null | grep -q . || return 0
  command -v tshark >/dev/null || { skip "$name" "tshark is not installed"; return 0; }
  if "$ROOT/tests/captures.sh" "$RUN/out" >"$RUN/captures" 2>&1; then
    pass "$name ($(tail -n 2 "$RUN/captures" | tr '\n' ';' | sed 's/;/; /; s/ passed.*/ captures/'))"
  else
    fail "$name" <"$RUN/captures"
  fi
}

# peer NAME DIRECTORY KEY=VALUE...: starts one; PORT_NAME is its port.
peer() {
  kamailio_start "$@" 2>"$RUN/why" || {
    fail "kamailio $1 starts" <"$RUN/why" >>"$RUN/result.0"
    return 1
  }
  printf -v "PORT_$1" '%s' "$PORT"
}

# gate NAME URI: one that relays to that URI.
gate() {
  local dir=$HERE/kamailio-acl
  peer "$1" kamailio-acl "UPSTREAM=\"$2\"" "ADDRFILE=\"$dir/address.list\"" "ALLOWFILE=\"$dir/permissions.allow\"" \
    "DENYFILE=\"$dir/permissions.deny\""
}

# --- the cases: each group has Kamailios of its own and runs beside the others ---

timer_cases() {
  scenario invite-timeout scenarios/symptoms/invite-timeout.lua --target "127.0.0.1:$PORT_gate4" --set callee=sip:silent@example.test
  timer_a_and_b
}

gate_cases() {
  scenario "forbidden-403, IPv4" scenarios/symptoms/forbidden-403.lua --target "127.0.0.1:$PORT_gate4" --set "upstream_port=$UP4"
  scenario "gate, IPv4" tests/interop/gate.lua --target "127.0.0.1:$PORT_gate4"
  negative kamailio-acl "127.0.0.1:$PORT_gate4" scenarios/negative/{garbage,malformed-cseq,wrong-version}.lua
  [ $IPV6 = 1 ] || return 0
  scenario "forbidden-403, IPv6" scenarios/symptoms/forbidden-403.lua -6 --target "[::1]:$PORT_gate6" --set "upstream_port=$UP6" \
    --set upstream_address=::1
  scenario "gate, IPv6" tests/interop/gate.lua -6 --target "[::1]:$PORT_gate6"
}

# auth_cases ALGORITHM PORT
auth_cases() {
  local algorithm=$1 port=$2 family target option
  while IFS='|' read -r family target option; do
    [ "$family" = IPv4 ] || [ $IPV6 = 1 ] || continue
    scenario "auth-loop-407, $algorithm, $family" scenarios/symptoms/auth-loop-407.lua $option --target "$target"
    scenario "registration, $algorithm, $family" tests/interop/registration.lua $option --target "$target" --set "algorithm=$algorithm"
  done <<<"IPv4|127.0.0.1:$port|
IPv6|[::1]:$port|-6"
}

negative_cases() {
  negative kamailio-auth "127.0.0.1:$PORT_negative"
}

call_cases() {
  scenario "calls, IPv4" tests/interop/calls.lua --target "127.0.0.1:$PORT_calls"
  [ $IPV6 = 1 ] || return 0
  scenario "calls, IPv6" tests/interop/calls.lua -6 --target "[::1]:$PORT_calls"
  scenario "calls between IPv4 and IPv6" tests/interop/mixed-family.lua --target "127.0.0.1:$PORT_calls" \
    --set "target6=sip:[::1]:$PORT_calls"
}

policy_cases() {
  scenario "stale nonce" tests/interop/stale-nonce.lua --target "127.0.0.1:$PORT_stale"
  scenario "one-time nonce" tests/interop/one-time-nonce.lua --target "127.0.0.1:$PORT_once"
  scenario "nonce count" tests/interop/nonce-count.lua --target "127.0.0.1:$PORT_count"
  scenario "unknown algorithm first, 403 to a wrong password" tests/interop/refusing-registrar.lua --target "127.0.0.1:$PORT_refusing"
}

# group COMMAND...: in the background, in a process group of its own, its result in a file.
group() {
  set -m
  "$@" >"$RUN/result.$((${#GROUPS_RUNNING[@]} + 1))" 2>&1 </dev/null &
  GROUPS_RUNNING+=($!)
  set +m
}

count() { grep -c "^$1  " "$RUN/results"; }

if ! command -v kamailio >/dev/null; then
  skip "everything" "kamailio is not installed (apt-get install kamailio)"
  echo "0 passed, 0 failed, 1 skipped"
  exit 77
fi
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
UP4=$(free_port) UP6=$(free_port)
gate gate4 "sip:127.0.0.1:$UP4" && {
  group timer_cases
  { [ $IPV6 = 0 ] || gate gate6 "sip:[::1]:$UP6"; } && group gate_cases
}
peer negative kamailio-auth 'ALGO="MD5"' && group negative_cases
peer calls kamailio-auth 'ALGO="MD5"' && group call_cases
peer md5 kamailio-auth 'ALGO="MD5"' && group auth_cases MD5 "$PORT_md5"
peer sha256 kamailio-auth 'ALGO="SHA-256"' && group auth_cases SHA-256 "$PORT_sha256"
peer stale kamailio-auth NONCE_EXPIRE=1 && peer once kamailio-auth ONE_TIME_NONCE && peer count kamailio-auth NONCE_COUNT &&
  peer refusing kamailio-auth REJECT_403 EXTRA_CHALLENGE && group policy_cases
cat "$RUN/result.0"
for i in "${!GROUPS_RUNNING[@]}"; do
  wait "${GROUPS_RUNNING[$i]}"
  cat "$RUN/result.$((i + 1))"
done
GROUPS_RUNNING=()
captures >"$RUN/result.last"
cat "$RUN/result.last"
cat "$RUN"/result.* >"$RUN/results"
if [ -s "$RUN/differences" ]; then
  printf '\nWhere Kamailio 5.6 answers otherwise than the scenarios want:\n'
  sort "$RUN/differences"
  echo
fi
echo "$(count PASS) passed, $(count FAIL) failed, $(count SKIP) skipped"
[ "$(count FAIL)" -eq 0 ]
