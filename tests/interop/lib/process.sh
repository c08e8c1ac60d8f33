# Starts and stops processes on ports that are free, for scripts that source this file. Everything that it writes is in $RUN,
# which the caller makes; every process that it starts is in a file there, and stop_all ends those alone.

# is_bound PORT: whether any UDP socket of this machine holds it.
is_bound() {
  local hex
  hex=$(printf ':%04X' "$1")
  awk -v p="$hex" 'substr($2, length($2) - 4) == p { found = 1 } END { exit !found }' /proc/net/udp /proc/net/udp6 2>/dev/null
}

# is_listening PORT: whether any TCP socket of this machine listens there.
is_listening() {
  local hex
  hex=$(printf ':%04X' "$1")
  awk -v p="$hex" 'substr($2, length($2) - 4) == p && $4 == "0A" { found = 1 } END { exit !found }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# free_port: one that no UDP and no listening TCP socket holds, and that was not handed out before; below the range that the system
# picks from by itself.
free_port() {
  local port
  while :; do
    port=$((10240 + (RANDOM << 3 | RANDOM & 7) % 22000))
    is_bound "$port" && continue
    is_listening "$port" && continue
    (set -C; : >"$RUN/port.$port") 2>/dev/null || continue # groups of cases ask at the same time
    echo "$port"
    return
  done
}

# process_start PID: when it was started, in ticks since boot; nothing for a zombie. PID and start together name one process.
process_start() {
  sed -e 's/^.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'
}

# start LOG COMMAND...: in the background, in a session of its own. PID is its process.
# pdeathsig: should this script be killed without a chance to tidy up, it ends too.
start() {
  local log=$1
  shift
  setsid setpriv --pdeathsig TERM "$@" >"$log" 2>&1 </dev/null &
  PID=$!
  echo "$PID $(process_start "$PID")" >"$RUN/process.$PID"
}

# wait_until SECONDS COMMAND...: until the command succeeds; fails when the time is over or process PID has ended.
wait_until() {
  local tries=$(($1 * 20))
  shift
  while [ $((tries--)) -gt 0 ]; do
    "$@" && return 0
    [ -n "$(process_start "$PID")" ] || return 1
    sleep 0.05
  done
  return 1
}

# stop PID...: TERM, and after 3 s KILL to the process group of each.
stop() {
  local pid start i
  for pid; do
    [ -s "$RUN/process.$pid" ] || continue
    read -r pid start <"$RUN/process.$pid"
    [ -n "$start" ] && [ "$(process_start "$pid")" = "$start" ] && kill -TERM "$pid" 2>/dev/null
  done
  for pid; do
    [ -s "$RUN/process.$pid" ] || continue
    read -r pid start <"$RUN/process.$pid"
    for i in $(seq 60); do
      [ -n "$start" ] && [ "$(process_start "$pid")" = "$start" ] || break
      sleep 0.05
    done
    [ -n "$start" ] && [ "$(process_start "$pid")" = "$start" ] && kill -KILL -- "-$pid" 2>/dev/null
    rm -f "$RUN/process.$pid"
  done
}

# Ends what was started here and still runs.
stop_all() {
  local file pids=()
  for file in "$RUN"/process.*; do
    [ -e "$file" ] && pids+=("${file##*.}")
  done
  stop "${pids[@]}"
}

has_ipv6() {
  grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 2>/dev/null
}
