# Starts and stops Kamailio on ports that are free, for scripts that source this file. Everything that it writes is in $RUN,
# which the caller makes; every process that it starts is in KAMAILIO_PIDS, and stop_all ends those alone.

KAMAILIO_PIDS=()

# is_bound PORT: whether any UDP socket of this machine holds it.
is_bound() {
  local hex
  hex=$(printf ':%04X' "$1")
  awk -v p="$hex" 'substr($2, length($2) - 4) == p { found = 1 } END { exit !found }' /proc/net/udp /proc/net/udp6 2>/dev/null
}

# free_port: one that no UDP socket holds, and that was not handed out before; below the range that the system picks from by itself.
free_port() {
  local port
  while :; do
    port=$((10240 + (RANDOM << 3 | RANDOM & 7) % 22000))
    [ -e "$RUN/port.$port" ] && continue
    is_bound "$port" && continue
    : >"$RUN/port.$port"
    echo "$port"
    return
  done
}

# process_start PID: when it was started, in ticks since boot; nothing for a zombie. PID and start together name one process.
process_start() {
  sed -e 's/^.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'
}

# kamailio_start NAME DIRECTORY [KEY=VALUE...]: PORT is where it listens, on 127.0.0.1 and, when there is one, on ::1.
# Fails with the end of its log when it does not come up.
kamailio_start() {
  local name=$1 conf=$2 try pid i define dir listen
  shift 2
  for try in 1 2 3; do
    PORT=$(free_port)
    dir=$RUN/$name.$try
    mkdir -p "$dir"
    local defines=()
    for define; do defines+=(-A "$define"); done
    listen=(-l "udp:127.0.0.1:$PORT")
    has_ipv6 && listen+=(-l "udp:[::1]:$PORT")
    # pdeathsig: should this script be killed without a chance to tidy up, it ends too.
    # -DD: the main process stays in the foreground; -E: the log goes to stderr; -Y: no sockets outside of here; -n 1: one worker,
    # so that no response overtakes another.
    setsid setpriv --pdeathsig TERM kamailio -DD -E -f "$HERE/$conf/kamailio.cfg" -Y "$dir" -w "$dir" -m 64 -M 8 -n 1 "${defines[@]}" "${listen[@]}" \
      >"$dir/log" 2>&1 </dev/null &
    pid=$!
    KAMAILIO_PIDS+=("$pid $(process_start "$pid") $name")
    for i in $(seq 100); do
      is_bound "$PORT" && [ -n "$(process_start "$pid")" ] && return 0
      [ -n "$(process_start "$pid")" ] || break
      sleep 0.05
    done
  done
  echo "kamailio \"$name\" did not come up:" >&2
  tail -n 5 "$dir/log" >&2
  return 1
}

# Ends what was started here: TERM, and after 3 s KILL to its process group.
stop_all() {
  local entry pid start name i
  for entry in "${KAMAILIO_PIDS[@]}"; do
    read -r pid start name <<<"$entry"
    [ -n "$start" ] && [ "$(process_start "$pid")" = "$start" ] && kill -TERM "$pid" 2>/dev/null
  done
  for entry in "${KAMAILIO_PIDS[@]}"; do
    read -r pid start name <<<"$entry"
    for i in $(seq 60); do
      [ "$(process_start "$pid")" = "$start" ] || break
      sleep 0.05
    done
    [ -n "$start" ] && [ "$(process_start "$pid")" = "$start" ] && kill -KILL -- "-$pid" 2>/dev/null
  done
  KAMAILIO_PIDS=()
}

has_ipv6() {
  grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 2>/dev/null
}
