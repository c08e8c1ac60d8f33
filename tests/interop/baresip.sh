# The cases with baresip. Sourced by run.sh.

# baresip_config DIRECTORY: makes it, with the configuration of a baresip on 127.0.0.1. PORT is its SIP port, CONTROL that of its
# control interface.
baresip_config() {
  local modules rtp
  modules=$(dpkg -L baresip-core | sed -n 's|/account\.so$||p')
  PORT=$(free_port) CONTROL=$(free_port) rtp=$(free_port)
  mkdir -p "$1"
  : >"$1/contacts"
  {
    cat "$HERE/baresip/config"
    printf '%s\n' "sip_listen 127.0.0.1:$PORT" "net_interface 127.0.0.1" "ctrl_tcp_listen 127.0.0.1:$CONTROL" "module_path $modules" \
      "rtp_ports $rtp-$((rtp + 200))" "snd_path $1"
  } >"$1/config"
}

# The scripts of baresip/*.lua, which tell a baresip what to do by way of control.py.
baresip_cases() {
  local dir=$RUN/baresip-phone sip port name
  baresip_config "$dir"
  sip=$PORT port=$(free_port)
  start "$dir/control.log" python3 "$HERE/baresip/control.py" "$port" "$CONTROL" "$dir"
  wait_until 5 is_bound "$port" || {
    fail "control.py starts" <"$dir/control.log"
    return
  }
  for name in registration calls hold transfer; do
    scenario "baresip: $name" "tests/interop/baresip/$name.lua" --set "control=sip:127.0.0.1:$port" --set "baresip=127.0.0.1:$sip"
  done
}

# A baresip that answers every call, against the negative scenarios.
baresip_negative() {
  local name="baresip outlives the negative scenarios" dir=$RUN/baresip-negative target pid
  baresip_config "$dir"
  target=sip:bob@127.0.0.1:$PORT
  echo "<sip:bob@127.0.0.1>;regint=0;answermode=auto;audio_codecs=PCMU,PCMA" >"$dir/accounts"
  HOME=$dir start "$dir/log" baresip -4 -s -f "$dir"
  pid=$PID
  wait_until 5 is_bound "$PORT" || {
    fail "baresip starts" <"$dir/log"
    return
  }
  negative baresip "$target" 127.0.0.23
  wanted "$name" || return 0
  if [ -n "$(process_start "$pid")" ]; then
    pass "$name"
  else
    tail -n 100 "$dir/log" | fail "$name"
  fi
}

baresip_groups() {
  group baresip_cases
  group baresip_negative
}
