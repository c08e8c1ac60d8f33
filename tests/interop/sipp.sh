# The cases with SIPp: its built-in scenarios and those of sipp/*.xml, as caller and as callee. Sourced by run.sh.
#
# In a case a script of sipp/*.lua and SIPp run side by side. It passes when the script does, when SIPp says that every call
# succeeded, and when no message was unexpected to SIPp.

SIPP_RATE=50 # calls a second
# What the scenarios of sipp/*.xml ask for.
SIPP_KEYS=(-s bob -key user alice -key domain example.test -key expires 60 -au alice)

# sipp_run DIRECTORY NAME CALLS ARGUMENT...: runs SIPp to its end; it writes NAME.* in that directory.
sipp_run() (
  cd "$1" || exit 1
  name=$2 calls=$3 status=0
  shift 3
  # SIPp would take the next port by itself where one is in use, for media too.
  timeout -k 2 60 sipp "$@" -m "$calls" -r "$SIPP_RATE" -mp "$(free_port)" -nostdin -timeout 45 -trace_err -error_file "$name.errors" \
    -trace_stat -stf "$name.csv" >"$name.screen" 2>&1 </dev/null || status=$?
  echo "$status" >"$name.exit"
)

# statistic FILE COLUMN: from the last line of what -trace_stat wrote.
statistic() {
  awk -F';' -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i } END { print at ? $at : "?" }' "$1" 2>/dev/null
}

# sipp_complaints DIRECTORY NAME CALLS: what SIPp has to say against its calls; nothing if all is well.
sipp_complaints() {
  local file=$1/$2 status good bad
  status=$(cat "$file.exit")
  good=$(statistic "$file.csv" 'SuccessfulCall(C)')
  bad=$(statistic "$file.csv" 'FailedCall(C)')
  if [ "$status $good $bad" != "0 $3 0" ]; then
    echo "sipp \"$2\": exit $status, $good of $3 calls succeeded, $bad failed"
    [ -s "$file.csv" ] || tail -n 20 "$file.screen"
  fi
  # Of its errors, each of which begins with the time, these are none: that the first of two controllers has ended; and where SIPp
  # had to repeat a request, that the answer came twice.
  [ ! -e "$file.errors" ] || sed -E 's/[0-9-]{10}\t[0-9:.]+\t[0-9.]+: /\x01/g' "$file.errors" |
    awk -v RS='\001' -v repeated="$(statistic "$file.csv" 'Retransmissions(C)')" '
      NR == 1 || /^3PCC controller A has ended/ || (repeated > 0 && /^Dead call [^ ]* \(successful\)/) { next }
      shown++ < 10'
}

# verdict NAME DIRECTORY SCRIPT-STATUS CALLS SIPP...: of the script and of each SIPp.
verdict() {
  local name=$1 out=$2 status=$3 calls=$4 which
  shift 4
  for which; do sipp_complaints "$out" "$which" "$calls"; done >"$out/complaints"
  if [ "$status" -eq 0 ] && [ ! -s "$out/complaints" ]; then
    pass "$name ($calls calls)"
  else
    head -n 30 "$out/text" | cat - "$out/complaints" | fail "$name"
  fi
}

# sipp_calls NAME SCRIPT CALLS ARGUMENT...: the script lives at --set port=PORT and waits for --set calls=N; these SIPp makes.
# V6=-6 before it: on IPv6. NETWORK=FAULTS: of what the script sends. SET=NAME=VALUE: a setting of the script.
sipp_calls() {
  local name=$1 script=$2 calls=$3 host=127.0.0.1 out port pid status=0
  shift 3
  wanted "$name" || return 0
  [ -z "${V6:-}" ] || host=::1
  out=$(out_of "$name") port=$(free_port)
  mkdir -p "$out"
  start "$out/text" "$OFFHOOK" run --no-colour --out "$out" ${V6:-} ${NETWORK:+--network "$NETWORK"} --set "address=$host" \
    --set "port=$port" --set "calls=$calls" ${SET:+--set "$SET"} "$HERE/sipp/$script.lua"
  pid=$PID
  wait_until 5 is_bound "$port" &&
    sipp_run "$out" caller "$calls" "$@" -i "$host" -p "$(free_port)" "${V6:+[}$host${V6:+]}:$port"
  wait "$pid" || status=$?
  verdict "$name" "$out" "$status" "$calls" caller
}

# sipp_answers NAME SCRIPT CALLS ARGUMENT...: SIPp is the --target of the script, which makes --set calls=N at --set rate=R.
sipp_answers() {
  local name=$1 script=$2 calls=$3 host=127.0.0.1 out port peer status=0
  shift 3
  wanted "$name" || return 0
  [ -z "${V6:-}" ] || host=::1
  out=$(out_of "$name") port=$(free_port)
  mkdir -p "$out"
  sipp_run "$out" callee "$calls" "$@" -i "$host" -p "$port" &
  peer=$! PID=$peer
  wait_until 5 is_bound "$port"
  "$OFFHOOK" run --no-colour --out "$out" ${V6:-} ${NETWORK:+--network "$NETWORK"} --target "${V6:+[}$host${V6:+]}:$port" \
    --set "calls=$calls" --set "rate=$SIPP_RATE" ${SET:+--set "$SET"} "$HERE/sipp/$script.lua" >"$out/text" 2>&1 </dev/null || status=$?
  wait "$peer"
  verdict "$name" "$out" "$status" "$calls" callee
}

# load_answers NAME CALLS ARGUMENT...: SIPp calls scenarios/load/answer.lua.
load_answers() {
  local name=$1 calls=$2 out port pid status=0
  shift 2
  wanted "$name" || return 0
  out=$(out_of "$name") port=$(free_port)
  mkdir -p "$out"
  start "$out/text" "$OFFHOOK" load --json --record all --out "$out" --listen "127.0.0.1:$port" "$ROOT/scenarios/load/answer.lua"
  pid=$PID
  wait_until 5 is_bound "$port" && sipp_run "$out" caller "$calls" "$@" -i 127.0.0.1 -p "$(free_port)" "127.0.0.1:$port"
  kill -TERM "$pid" # drains
  wait "$pid" || status=$?
  { load_complaints "$out/text" "$status" "$calls"; sipp_complaints "$out" caller "$calls"; } >"$out/complaints"
  if [ -s "$out/complaints" ]; then fail "$name" <"$out/complaints"; else pass "$name ($calls calls)"; fi
}

# load_calls NAME CALLS ARGUMENT...: scenarios/load/call.lua calls SIPp.
load_calls() {
  local name=$1 calls=$2 out port peer status=0
  shift 2
  wanted "$name" || return 0
  out=$(out_of "$name") port=$(free_port)
  mkdir -p "$out"
  sipp_run "$out" callee "$calls" "$@" -i 127.0.0.1 -p "$port" &
  peer=$! PID=$peer
  wait_until 5 is_bound "$port"
  "$OFFHOOK" load --json --record all --out "$out" --target "127.0.0.1:$port" --rate "$SIPP_RATE" --calls "$calls" --set hold=0.3 \
    "$ROOT/scenarios/load/call.lua" >"$out/text" 2>&1 </dev/null || status=$?
  wait "$peer"
  { load_complaints "$out/text" "$status" "$calls"; sipp_complaints "$out" callee "$calls"; } >"$out/complaints"
  if [ -s "$out/complaints" ]; then fail "$name" <"$out/complaints"; else pass "$name ($calls calls)"; fi
}

# RFC 3725 4.1, flow I: SIPp's two controllers, which talk to each other, connect two callees of ours.
controllers() {
  local name="3pcc: SIPp's controllers connect our callees" out port_a port_b pid b status=0 between calls=100
  wanted "$name" || return 0
  out=$(out_of "$name") port_a=$(free_port) port_b=$(free_port) between=127.0.0.1:$(free_port)
  mkdir -p "$out"
  start "$out/text" "$OFFHOOK" run --no-colour --out "$out" --set "port_a=$port_a" --set "port_b=$port_b" --set "calls=$calls" \
    "$HERE/sipp/controlled.lua"
  pid=$PID
  wait_until 5 is_bound "$port_b"
  sipp_run "$out" controller-b "$calls" -sn 3pcc-C-B -3pcc "$between" -i 127.0.0.1 -p "$(free_port)" "127.0.0.1:$port_b" &
  b=$! PID=$b
  wait_until 5 is_listening "${between#*:}"
  sipp_run "$out" controller-a "$calls" -sn 3pcc-C-A -3pcc "$between" -i 127.0.0.1 -p "$(free_port)" "127.0.0.1:$port_a"
  wait "$b"
  wait "$pid" || status=$?
  verdict "$name" "$out" "$status" "$calls" controller-a controller-b
}

# The same the other way round: our controller, SIPp's callees.
controlled() {
  local name="3pcc: our controller connects SIPp's callees" out port_a port_b a b status=0 calls=100
  wanted "$name" || return 0
  out=$(out_of "$name") port_a=$(free_port) port_b=$(free_port)
  mkdir -p "$out"
  sipp_run "$out" callee-a "$calls" -sn 3pcc-A -i 127.0.0.1 -p "$port_a" &
  a=$!
  sipp_run "$out" callee-b "$calls" -sn 3pcc-B -i 127.0.0.1 -p "$port_b" &
  b=$! PID=$b
  wait_until 5 is_bound "$port_a" && wait_until 5 is_bound "$port_b"
  "$OFFHOOK" run --no-colour --out "$out" --target "127.0.0.1:$port_a" --set "other=sip:127.0.0.1:$port_b" --set "calls=$calls" \
    --set "rate=$SIPP_RATE" "$HERE/sipp/controller.lua" >"$out/text" 2>&1 </dev/null || status=$?
  wait "$a" "$b"
  verdict "$name" "$out" "$status" "$calls" callee-a callee-b
}

sipp_caller_cases() {
  local xml=$HERE/sipp
  sipp_calls "sipp -sn uac calls" callee 100 -sn uac -d 300
  [ $IPV6 = 0 ] || V6=-6 sipp_calls "sipp -sn uac calls, IPv6" callee 100 -sn uac -d 300
  SET=linger=4 NETWORK=loss=0.05 sipp_calls "sipp -sn uac calls, and one in twenty of our packets is lost" callee 100 -sn uac -d 300
  load_answers "sipp -sn uac calls the load scenario answer.lua" 200 -sn uac -d 300
  sipp_calls "sipp -sn regexp reads our 200" regexp 100 -sn regexp
  sipp_calls "sipp -sn branchc registers and calls in one Call-ID" branches 100 -sn branchc
  sipp_calls "sipp uac.xml calls by way of our proxy" proxied 100 -sf "$xml/uac.xml" "${SIPP_KEYS[@]}" -d 300
  # The uri of a digest is the Request-URI (RFC 3261 22.4); left to itself SIPp writes where it sends.
  sipp_calls "sipp uac-auth.xml is challenged by our proxy" challenged 100 -sf "$xml/uac-auth.xml" "${SIPP_KEYS[@]}" -ap alicepw \
    -auth_uri bob@example.test -d 300
  sipp_calls "sipp uac-cancel.xml gives up while we ring" cancelled 100 -sf "$xml/uac-cancel.xml" "${SIPP_KEYS[@]}"
  sipp_calls "sipp register-auth.xml registers with our registrar" registrar 100 -sf "$xml/register-auth.xml" "${SIPP_KEYS[@]}" \
    -ap alicepw -auth_uri example.test
  SET=reason=wrong sipp_calls "sipp register-refused.xml has a wrong password" refusing-registrar 100 -sf "$xml/register-refused.xml" \
    "${SIPP_KEYS[@]}" -ap wrong -auth_uri example.test
  SET=reason=uri sipp_calls "sipp register-refused.xml signs another URI" refusing-registrar 100 -sf "$xml/register-refused.xml" \
    "${SIPP_KEYS[@]}" -ap alicepw
}

sipp_callee_cases() {
  local xml=$HERE/sipp
  sipp_answers "sipp -sn uas answers" caller 100 -sn uas
  [ $IPV6 = 0 ] || V6=-6 sipp_answers "sipp -sn uas answers, IPv6" caller 100 -sn uas
  # SIPp takes no ACK behind the BYE: a lost one must have come again before.
  SET=talk=4 NETWORK=loss=0.05 sipp_answers "sipp -sn uas answers, and one in twenty of our packets is lost" caller 100 -sn uas
  load_calls "sipp -sn uas answers the load scenario call.lua" 200 -sn uas
  sipp_answers "sipp -sn branchs takes a registration and a call in one Call-ID" register-and-call 100 -sn branchs
  sipp_answers "sipp uas.xml answers by way of our proxy" proxying-caller 100 -sf "$xml/uas.xml"
  sipp_answers "sipp uas-cancel.xml rings until we give up" canceller 100 -sf "$xml/uas-cancel.xml"
  controllers
  controlled
}

sipp_groups() {
  group sipp_caller_cases
  group sipp_callee_cases
}
