# The cases with Kamailio: proxies and registrars of two configurations, each group of cases with its own. Sourced by run.sh.

# kamailio_start NAME DIRECTORY [KEY=VALUE...]: PORT is where it listens, on 127.0.0.1 and, when there is one, on ::1.
# Fails with the end of its log when it does not come up.
kamailio_start() {
  local name=$1 conf=$HERE/kamailio/$2 try define dir listen defines=()
  shift 2
  for define; do defines+=(-A "$define"); done
  for try in 1 2 3; do
    PORT=$(free_port)
    dir=$RUN/kamailio-$name.$try
    mkdir -p "$dir"
    listen=(-l "udp:127.0.0.1:$PORT")
    has_ipv6 && listen+=(-l "udp:[::1]:$PORT")
    # -DD: the main process stays in the foreground; -E: the log goes to stderr; -Y: no sockets outside of here; -n 1: one worker,
    # so that no response overtakes another.
    start "$dir/log" kamailio -DD -E -f "$conf/kamailio.cfg" -Y "$dir" -w "$dir" -m 64 -M 8 -n 1 "${defines[@]}" "${listen[@]}"
    wait_until 5 is_bound "$PORT" && return 0
  done
  echo "kamailio \"$name\" did not come up:" >&2
  tail -n 5 "$dir/log" >&2
  return 1
}

# proxy NAME DIRECTORY KEY=VALUE...: starts one; PORT_NAME is its port.
proxy() {
  kamailio_start "$@" 2>"$RUN/why" || {
    fail "kamailio $1 starts" <"$RUN/why" >>"$RUN/result.0"
    return 1
  }
  printf -v "PORT_$1" '%s' "$PORT"
}

# gate NAME URI: one that relays to that URI.
gate() {
  local dir=$HERE/kamailio/acl
  proxy "$1" acl "UPSTREAM=\"$2\"" "ADDRFILE=\"$dir/address.list\"" "ALLOWFILE=\"$dir/permissions.allow\"" \
    "DENYFILE=\"$dir/permissions.deny\""
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

timer_cases() {
  scenario invite-timeout scenarios/symptoms/invite-timeout.lua --target "127.0.0.1:$PORT_gate4" --set callee=sip:silent@example.test
  timer_a_and_b
}

# gate_cases UPSTREAM4 UPSTREAM6: the ports that they relay to.
gate_cases() {
  scenario "forbidden-403, IPv4" scenarios/symptoms/forbidden-403.lua --target "127.0.0.1:$PORT_gate4" --set "upstream_port=$1"
  scenario "gate, IPv4" tests/interop/kamailio/gate.lua --target "127.0.0.1:$PORT_gate4"
  negative kamailio-acl "127.0.0.1:$PORT_gate4" 127.0.0.1 scenarios/negative/{garbage,malformed-cseq,wrong-version}.lua
  [ $IPV6 = 1 ] || return 0
  scenario "forbidden-403, IPv6" scenarios/symptoms/forbidden-403.lua -6 --target "[::1]:$PORT_gate6" --set "upstream_port=$2" \
    --set upstream_address=::1
  scenario "gate, IPv6" tests/interop/kamailio/gate.lua -6 --target "[::1]:$PORT_gate6"
}

# auth_cases ALGORITHM PORT
auth_cases() {
  local algorithm=$1 port=$2 family target option
  while IFS='|' read -r family target option; do
    [ "$family" = IPv4 ] || [ $IPV6 = 1 ] || continue
    scenario "auth-loop-407, $algorithm, $family" scenarios/symptoms/auth-loop-407.lua $option --target "$target"
    scenario "registration, $algorithm, $family" tests/interop/kamailio/registration.lua $option --target "$target" \
      --set "algorithm=$algorithm"
  done <<<"IPv4|127.0.0.1:$port|
IPv6|[::1]:$port|-6"
}

kamailio_negative() {
  negative kamailio-auth "127.0.0.1:$PORT_negative" 127.0.0.22
}

call_cases() {
  scenario "calls, IPv4" tests/interop/kamailio/calls.lua --target "127.0.0.1:$PORT_calls"
  [ $IPV6 = 1 ] || return 0
  scenario "calls, IPv6" tests/interop/kamailio/calls.lua -6 --target "[::1]:$PORT_calls"
  scenario "calls between IPv4 and IPv6" tests/interop/kamailio/mixed-family.lua --target "127.0.0.1:$PORT_calls" \
    --set "target6=sip:[::1]:$PORT_calls"
}

policy_cases() {
  scenario "stale nonce" tests/interop/kamailio/stale-nonce.lua --target "127.0.0.1:$PORT_stale"
  scenario "one-time nonce" tests/interop/kamailio/one-time-nonce.lua --target "127.0.0.1:$PORT_once"
  scenario "nonce count" tests/interop/kamailio/nonce-count.lua --target "127.0.0.1:$PORT_count"
  scenario "unknown algorithm first, 403 to a wrong password" tests/interop/kamailio/refusing-registrar.lua \
    --target "127.0.0.1:$PORT_refusing"
}

# 200 accounts of a file, each registered once.
load_cases() {
  local name="the load scenario register.lua, 200 accounts" out status=0 n
  wanted "$name" || return 0
  out=$(out_of "$name")
  mkdir -p "$out"
  { echo aor,password; for n in $(seq 200); do echo "sip:agent$n@example.test,agent${n}pw"; done; } >"$out/accounts.csv"
  "$OFFHOOK" load --json --record all --out "$out" --target "127.0.0.1:$PORT_agents" --rate 100 --calls 200 \
    --set "accounts=$out/accounts.csv" "$ROOT/scenarios/load/register.lua" >"$out/text" 2>&1 </dev/null || status=$?
  load_complaints "$out/text" "$status" 200 >"$out/complaints"
  grep -q '"REGISTER":{"requests":{"sent":400,.*"200":{"sent":0,"received":200},"401":{"sent":0,"received":200}' "$out/text" ||
    echo "not 400 REGISTERs, each second one challenged" >>"$out/complaints"
  if [ -s "$out/complaints" ]; then fail "$name" <"$out/complaints"; else pass "$name"; fi
}

# The groups of cases, all of which run side by side.
kamailio_groups() {
  local up4 up6
  up4=$(free_port) up6=$(free_port)
  gate gate4 "sip:127.0.0.1:$up4" && {
    group timer_cases
    { [ $IPV6 = 0 ] || gate gate6 "sip:[::1]:$up6"; } && group gate_cases "$up4" "$up6"
  }
  proxy negative auth 'ALGO="MD5"' && group kamailio_negative
  proxy calls auth 'ALGO="MD5"' && group call_cases
  proxy agents auth 'ALGO="MD5"' && group load_cases
  proxy md5 auth 'ALGO="MD5"' && group auth_cases MD5 "$PORT_md5"
  proxy sha256 auth 'ALGO="SHA-256"' && group auth_cases SHA-256 "$PORT_sha256"
  proxy stale auth NONCE_EXPIRE=1 && proxy once auth ONE_TIME_NONCE && proxy count auth NONCE_COUNT &&
    proxy refusing auth REJECT_403 EXTRA_CHALLENGE && group policy_cases
}
