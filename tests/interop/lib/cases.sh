# What a case is: one line with PASS, FAIL or SKIP at its start, which run.sh counts. For scripts that source this file, with
# $OFFHOOK, $ROOT, $HERE, $RUN, $OUT and $ONLY set.

pass() { echo "PASS  $1"; }
skip() { echo "SKIP  $1: $2"; }

# fail NAME: what the program said, on stdin, goes below.
fail() {
  echo "FAIL  $1"
  tail -n 100 | awk '{ print "      " $0 }' # ends the last line, too
}

wanted() { [[ $1 == *"$ONLY"* ]]; }

# The folder for what a case writes, within that of its group.
out_of() { echo "$OUT/${1//[^A-Za-z0-9]/-}"; }

offhook() { "$OFFHOOK" run --no-colour "$@"; }

# total FILE NAME: a count of the totals that `offhook load --json` wrote into FILE.
total() {
  sed -nE '/"type":"load_total"/s/.*"'"$2"'":([0-9]+).*/\1/p' "$1"
}

# load_complaints FILE STATUS CALLS: what is not as it must be when each of so many calls went well; nothing if all is.
load_complaints() {
  local counts
  counts="exit $2, $(total "$1" arrivals) arrivals, $(total "$1" done) done"
  [ "$counts" = "exit 0, $3 arrivals, $3 done" ] && return
  echo "offhook load: $counts of $3"
  grep -oE '"failures":\[[^]]*\]' "$1"
  grep -v '^{' "$1"
}

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

# negative PEER TARGET ADDRESS [FILE...]: every test of these files of scenarios/negative (default: all), one by one. Where the peer is
# known to answer otherwise, that is told in a table, and it is a failure if the difference has gone. torture.lua is a survey with
# verdicts of its own, of which "dead" alone is a failure here. The probe has an address to itself, for its messages name ports at
# which other cases may live, and what answers them may be repeated for half a minute.
negative() {
  local peer=$1 target=$2 address=$3 line file test name out status because sum
  shift 3
  while IFS= read -r line; do
    file=${line%%.lua: *}.lua test=${line#*.lua: }
    name="$file against $peer: $test"
    wanted "$name" || continue
    out=$(out_of "$name")
    mkdir -p "$out"
    because=$(awk -F'|' -v p="$peer" -v t="$test" '$1 == p && $2 == t { print $3 }' "$HERE/differences.txt")
    status=0
    (cd "$ROOT" && offhook --out "$out" --target "$target" --set "address=$address" -k "$test" "$file") >"$out/text" 2>&1 || status=$?
    sum=$(grep -oE '[0-9]+ right, [0-9]+ tolerable, [0-9]+ WRONG, 0 dead' "$out/text" | tail -n 1)
    if [ $status -le 1 ] && [ -n "$sum" ]; then
      pass "$name ($sum)"
      survey "$peer: $test" "$out/text"
    elif [ -z "$because" ] && [ $status -eq 0 ]; then
      pass "$name"
    elif [ -n "$because" ] && [ $status -eq 1 ]; then
      pass "$name (a known difference)"
      printf '  %-14s %-50s %s\n' "$peer" "$test" "$because" >>"$RUN/differences"
    elif [ -n "$because" ]; then
      fail "$name" <<<"the known difference is gone (exit $status): take it out of differences.txt"
    else
      fail "$name" <"$out/text"
    fi
  done < <(cd "$ROOT" && "$OFFHOOK" run --list "${@:-scenarios/negative}" | grep '\.lua: ')
}

# survey TITLE FILE: keeps the table of torture.lua, to be printed behind the cases.
survey() {
  {
    printf '\n%s\n' "$1"
    sed -nE '/^ *\| message +RFC /,/ dead$/p' "$2" | sed -E 's/^ *\| /  /'
  } >"$RUN/survey.${1//[^A-Za-z0-9]/-}"
}

# captures WHAT: of what the cases of this group recorded nothing is malformed but what the negative scenarios send, checksums are
# right, and actors have names.
captures() {
  local name="captures of the $1: no malformed frame, right checksums, actors' names"
  wanted "$name" || return 0
  find "$OUT" -name '*.pcapng' 2>/dev/null | grep -q . || return 0
  command -v tshark >/dev/null || { skip "$name" "tshark is not installed"; return 0; }
  if "$ROOT/tests/captures.sh" "$OUT" >"$OUT/captures" 2>&1; then
    pass "$name ($(tail -n 2 "$OUT/captures" | tr '\n' ';' | sed 's/;/; /; s/ passed.*/ captures/'))"
  else
    fail "$name" <"$OUT/captures"
  fi
}
