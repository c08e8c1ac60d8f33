#!/usr/bin/env bash
# load.sh OFFHOOK: `offhook load` as a person meets it: what is counted, that it balances, models, thresholds, signals, real sockets.
set -u
# shellcheck source=tests/helpers.sh
. "$(dirname "$0")/helpers.sh"
RUN=$work/run # of process.sh
mkdir "$RUN"
# shellcheck source=tests/interop/lib/process.sh
. "$root/tests/interop/lib/process.sh"
trap 'stop_all; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# load ARGUMENTS...: leaves $code and the files out, err.
load() {
	timeout -k 5 60 "$offhook" load "$@" >out 2>err
	code=$?
}
lines() { [ "$(wc -l <"$1")" -eq "$2" ]; }

cat >numbers.py <<'PY'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert all(line["schema"] == 1 for line in lines)
t = [line for line in lines if line["type"] == "load_total"][0]
seconds = [line for line in lines if line["type"] == "load_second"]
thresholds = [line for line in lines if line["type"] == "load_threshold"]
run = [line for line in lines if line["type"] == "load"][0]
failures = {}
for f in t["failures"]:
    failures[(f["kind"], f["where"])] = f["count"]
kinds = {}
for f in t["failures"]:
    kinds[f["kind"]] = kinds.get(f["kind"], 0) + f["count"]
def ends(x): return x["done"] + x["failed"] + x["dropped"] + x["interrupted"]
balanced = (t["arrivals"] == ends(t) and t["live"] == 0 and t["unbalanced"] is None
            and sum(s["arrivals"] for s in seconds) == t["arrivals"] and sum(ends(s) for s in seconds) == ends(t)
            and sum(f["count"] for f in t["failures"]) == t["failed"])
def method(name, way="sent"): return t["methods"][name]["requests"][way]
def status(name, code, way="received"): return t["methods"][name]["statuses"].get(str(code), {way: 0})[way]
facts = {k: t[k] for k in ("arrivals", "done", "failed", "dropped", "interrupted", "live_peak", "timeouts", "transport_errors")}
if not eval(sys.argv[2]):
    print(facts, kinds, "balanced" if balanced else "not balanced")
    sys.exit(1)
PY
# holds EXPRESSION [FILE]: of the numbers of a run with --json.
holds() { python3 numbers.py "${2:-out}" "$1"; }

# --- scripts ---
cat >late.lua <<'LUA'
local sip = require "sip"
sip.serve("answer", function(call) call:answer() call:ended() end)
sip.load("call after the last arrival", { rate = 20, calls = 40 }, function(vu)
  vu:sleep(3)
  local call = vu:ua { aor = "sip:caller@example.test" }:invite(vu:target())
  call:expect(200)
  call:bye():expect(200)
end)
LUA
cat >kinds.lua <<'LUA'
local sip = require "sip"
local n = 0
local function setup(t)
  local busy = t:ua { aor = "sip:busy@example.test" }
  t:serve("busy", function() for call in busy:calls() do call:reject(486) end end)
  return busy
end
sip.load("kinds", { rate = 100, calls = 70, timeout = 8, setup = setup }, function(vu, busy)
  local ua = vu:ua { aor = "sip:caller@example.test" }
  n = n + 1
  if n % 7 == 0 then vu:equal(1, 2) end
  if n % 7 == 1 then ua:invite(busy):expect(200) end
  if n % 7 == 2 then ua.endpoint:take(1) end
  if n % 7 == 3 then vu:sleep(30) end
  if n % 7 == 4 then error("by hand") end
  if n % 7 == 5 then vu:spawn("other", function() vu:fail("in a task") end) vu:sleep(2) end
end)
LUA
cat >expired.lua <<'LUA'
local sip = require "sip"
local function setup(t)
  local busy = t:ua { aor = "sip:busy@example.test" }
  t:serve("busy", function() for call in busy:calls() do call:reject(486) end end)
  return { busy = busy, ua = t:ua { aor = "sip:caller@example.test" } }
end
local kept, response
sip.load("kept", { calls = 2, rate = 1, setup = setup }, function(vu, shared)
  if kept then vu:equal(response.status, 486) kept:expect(486) end
  kept = shared.ua:invite(shared.busy)
  response = kept:final()
end)
LUA
cat >users.lua <<'LUA'
local sip = require "sip"
local function setup(t)
  local bob = t:ua { aor = "sip:bob@example.test" }
  t:serve("bob", function() for call in bob:calls() do call:answer() end end)
  return bob
end
sip.load("once", { users = 3, calls = 30, setup = setup }, function(vu, bob)
  local kept = vu:once("kept", function()
    if vu.iteration == 1 and vu.id == 2 then vu:fail("the first time fails, and is tried again") end
    vu:count("made")
    return { n = vu.iteration - 1, ua = vu:ua { aor = ("sip:user%d@example.test"):format(vu.id) } }
  end)
  kept.n = kept.n + 1
  vu:equal(kept.n, vu.iteration)
  local call = kept.ua:invite(bob)          -- from the same actor each time
  call:expect(200)
  vu:sleep(0.25)
  call:bye():expect(200)
  vu:measure("talk", vu:now())
  vu:count("users", vu.iteration == 1 and 1 or 0)
end)
LUA
printf 'name,note\na,"1, 2"\nb,\nc,"""x"""\nd,4\ne,5\n' >rows.csv
cat >rows.lua <<'LUA'
local sip = require "sip"
local rows = sip.csv("rows.csv", { pick = sip.env.pick })
sip.load("rows", { rate = 100, calls = 8 }, function(vu)
  local row = rows:next()
  vu:equal(#rows, 5)
  if row.name == "a" then vu:equal(row.note, "1, 2") end
  if row.name == "c" then vu:equal(row.note, '"x"') end
  vu:count(row.name)
end)
LUA
printf 'name,note\na\n' >bad.csv
printf 'local sip = require "sip"\nsip.csv("bad.csv")\nsip.load("x", { rate = 1 }, function() end)\n' >badrows.lua
cat >around.lua <<'LUA'
local sip = require "sip"
local function log(what)
  local f = io.open("around.log", "a")
  f:write(what, "\n")
  f:close()
end
sip.load("around", { rate = 20,
  setup = function(t) log("setup") t:sleep(tonumber(t.env.setup) or 0) if t.env.raise == "setup" then t:fail("no setup") end return "shared" end,
  teardown = function(t, shared) log("teardown " .. tostring(shared)) if t.env.raise == "teardown" then t:fail("no teardown") end end,
}, function(vu, shared)
  vu:equal(shared, "shared")
  vu:sleep(tonumber(vu.env.sleep) or 0.01)
end)
LUA
cat >several.lua <<'LUA'
local sip = require "sip"
sip.load("short", { rate = 10, calls = 5 }, function() end)
sip.load("long", { rate = 10, calls = 7 }, function() end)
sip.test("a test", function() end)
LUA
printf 'local sip = require "sip"\nsip.test("x", function(t) end)\nsip.test("y", function(t) end)\n' >tests.lua
printf 'return {}\n' >none.lua
printf 'local sip = require "sip"\nsip.load("x", { rate = 3, calls = 2.5 }, function() end)\n' >whole.lua
printf 'local sip = require "sip"\nsip.load("x", { rate = "3" }, function() end)\n' >text.lua
printf 'local sip = require "sip"\nsip.load("x", { rate = 3 })\n' >nofunction.lua
printf 'local sip = require "sip"\nsip.load("x", { rate = 3 }, function() end)\nsip.load("x", { rate = 3 }, function() end)\n' >twice.lua
printf 'local sip = require "sip"\nsip.load("x", { rat = 3 }, function() end)\n' >option.lua
printf 'local sip = require "sip"\nsip.load("x", { rate = 3, users = 2 }, function() end)\n' >models.lua
printf 'local sip = require "sip"\nsip.load("x", {}, function() end)\n' >norate.lua
printf 'local sip = require "sip"\nsip.load("x", { rate = 10, calls = 10, thresholds = { "failed: count == 0", "custom.wait: p50 > 0.2" } }, function(vu) print("hello") vu:measure("wait", 0.25) end)\n' >kept.lua

call=$root/scenarios/load/call.lua answer=$root/scenarios/load/answer.lua

# --- totals balance, one seed gives one run ---
for seed in 1 2 3; do
	load --virtual --json --seed $seed --network loss=0.05 --rate 100 --duration 10 --set hold=2 "$call"
	check "loss, seed $seed: totals balance" holds 'balanced and t["arrivals"] == 1000 and t["done"] > 900 and t["retransmissions"]["sent"] > 0'
	grep -v '"type":"load"' out | sed -E 's/"cpu_seconds":[0-9.]+//g' >"seed.$seed"
done
load --virtual --json --seed 2 --network loss=0.05 --rate 100 --duration 10 --set hold=2 "$call"
grep -v '"type":"load"' out | sed -E 's/"cpu_seconds":[0-9.]+//g' >again
check "one seed, one run" cmp seed.2 again
check "another seed, another run" eval '! cmp -s seed.1 seed.2'
load --virtual --json --seed 4 --network loss=0.3 --rate 50 --duration 5 --drain 3 --set hold=2 "$call"
check "30 % loss and a short drain: each arrival ends in one of four" holds 'balanced and t["failed"] > 0 and t["interrupted"] > 0'
check "30 % loss: exit 1" exits 1
load --virtual --json --seed 4 --arrivals poisson:100 --duration 10 "$call"
check "a Poisson process" holds 'balanced and 850 < t["arrivals"] < 1150 and t["done"] == t["arrivals"]'
check "all went well: exit 0" exits 0
load --virtual --json late.lua
check "the last iterations call while it drains" holds 'balanced and t["done"] == 80 and status("INVITE", 200) == 40'

# --- models ---
load --virtual --json --shards 1 --rate 100 --duration 5 --max-live 20 --set hold=1 "$call"
check "arrivals without room are dropped" holds 'balanced and t["arrivals"] == 500 and t["live_peak"] == 20 and 80 <= t["done"] <= 120'
check "dropped: exit 1" exits 1
load --virtual --rate 100 --duration 2 --max-live 20 --set hold=1 "$call"
check "dropped arrivals are told of" out_has "arrivals dropped: as many iterations were live as --max-live allows"
load --max-live 1 --workers 2 --rate 1 --duration 1 "$call"
check "fewer iterations than workers: exit 2" exits 2
check "fewer iterations than workers: says what helps" err_has "raise --max-live, or lower --workers"
cat >replaces.lua <<'END'
local sip = require "sip"
sip.serve("callee", { aor = "sip:callee@example.test" }, function(call, t)
  if call.replaces then t:count("replaced") end
  call:answer()
  call:ended()
end)
local function setup(t) return { ua = t:ua { aor = "sip:caller@example.test" }, callee = t:target() } end
sip.load("replace", { setup = setup }, function(vu, shared)
  local first = shared.ua:invite(shared.callee)
  first:expect(200)
  local second = shared.ua:invite(shared.callee, { headers = { { "Replaces", sip.replaces(first) } } })
  second:expect(200)
  first:ended()
  second:bye():expect(200)
end)
END
load --virtual --rate 1 --calls 3 --threshold "custom.replaced: count == 3" --threshold "failed: count == 0" replaces.lua
check "what is served knows the call that a new one replaces" exits 0
(trap '' XFSZ && ulimit -f 8 && timeout -k 5 60 "$offhook" load --virtual --rate 20 --duration 2 --record all --out full "$call") >out 2>err
code=$?
check "a capture that cannot be written: exit 3" exits 3
check "a capture that cannot be written is named, and not promised" test "$(grep -c "cannot write the capture" err) $(grep -c ^captures: out)" = "1 0"
load --virtual --json --users 5 --duration 10 --set hold=1 "$call"
check "closed model: one iteration after the other" holds 'balanced and t["done"] == 50 and t["live_peak"] == 5 and run["shards"] == 1'
load --virtual --json --users 7 --shards 3 --calls 40 --set hold=1 "$call"
check "closed model in three shards" holds 'balanced and t["done"] == 40 and t["live_peak"] == 7'
load --virtual --json --ramp 0:100:10 --duration 10 "$call"
check "a ramp from 0" holds 'balanced and abs(t["done"] - 500) <= 1 and seconds[1]["arrivals"] < seconds[8]["arrivals"]'
load --virtual --json --ramp 10:20:2 --duration 4 --shards 3 "$call"
check "a ramp, then steady" holds 'balanced and abs(t["done"] - 70) <= 1'
load --virtual --json --rate 10 --calls 37 "$call"
check "--calls" holds 'balanced and t["done"] == 37 and 3.5 < t["seconds"] < 3.8'
load --virtual --json --rate 10 --calls 37 --shards 4 "$call"
check "--calls in four shards" holds 'balanced and t["done"] == 37'

# --- virtual users ---
load --virtual --json --shards 1 users.lua
check "a virtual user's own things stay" holds 'balanced and t["arrivals"] == 30 and t["done"] == 29 and kinds == {"failure": 1}'
check "... and were made once each" holds 't["counts"]["custom.made"] == 3 and t["counts"]["custom.users"] == 2'
check "a time of the script's" holds 't["times"]["custom.talk"]["count"] == 29 and 0.24 < t["times"]["custom.talk"]["p50"] < 0.26'
load --virtual --json --shards 1 --rate 10 --calls 40 users.lua
check "an arrival takes an idle virtual user" holds 'balanced and t["counts"]["custom.made"] == 3 and t["done"] == 39'
load --virtual --json --users 3 --shards 1 --calls 30 --threshold "custom.talk: p99 < 0.2" users.lua
check "a threshold on it" exits 99

# --- failures ---
load --virtual --json --shards 1 --set x=1 kinds.lua
check "kinds of failures" holds 'balanced and t["done"] == 10 and t["failed"] == 60'
check "... with their lines" holds 'failures == {("failure", "kinds.lua:11"): 10, ("response", "kinds.lua:12"): 10, ("timeout", "kinds.lua:13"): 10,
	("time limit", "kinds.lua:14"): 10, ("error", "kinds.lua:15"): 10, ("failure", "kinds.lua:16"): 10}'
load --virtual --shards 1 kinds.lua
check "failures as a person reads them" grep -qE '^ +10  kinds\.lua:12, response$' out
check "the text of one" out_has "caller wanted 200 to its INVITE, got 486 Busy Here"
check "failures: exit 1" exits 1

load --virtual --shards 1 expired.lua
check "what an iteration made expires with it" out_has "this call has expired: its iteration has ended"

# --- thresholds ---
load --virtual --rate 10 --calls 10 --threshold "call.setup: p99 < 0.5" --threshold "failed: share <= 1%" --threshold "done: count == 10" "$call"
check "thresholds that are kept" exits 0
check "they are told" grep -qE '^  call\.setup: p99 < 0\.5: got .*kept' out
load --virtual --rate 10 --calls 10 --threshold "done: count == 10" --threshold "call.setup: min > 1" "$call"
check "a threshold that is broken" exits 99
check "it is told" grep -qE '^  call\.setup: min > 1: got .*broken' out
load --virtual --json --rate 10 --calls 10 --threshold "register: p99 < 1" "$call"
check "nothing was measured: broken" exits 99
check "... and told" holds 'not thresholds[0]["kept"] and thresholds[0]["got"] is None'
load --virtual --shards 1 --threshold "failed: share < 99%" kinds.lua
check "failures, but all thresholds kept" exits 0
load --virtual --json kept.lua
check "thresholds of the script" holds 'len(thresholds) == 2 and all(x["kept"] for x in thresholds)'
check "what it prints goes to stderr" lines err 10
while IFS='|' read -r text words; do
	load --virtual --rate 1 --calls 1 --threshold "$text" "$call"
	check "threshold \"$text\": exit 2" exits 2
	check "threshold \"$text\": says $words" err_has "$words"
	check "threshold \"$text\": one line" lines err 1
done <<'TEXTS'
nonsense|write "NAME: FIGURE < NUMBER"
call.setpu: p99 < 1|call.setup
call.setup: p101 < 1|p0 to p100
call.setup: p99 =< 1|an operator is one of
call.setup: p99 < 1%|only a share
call.setup: p99 < soon|write seconds
status.9xx: count == 0|no status
TEXTS

# --- usage ---
usage() {
	local what=$1 words=$2
	shift 2
	load "$@"
	check "$what: exit 2" exits 2
	check "$what: says $words" err_has "$words"
	check "$what: one line" lines err 1
	check "$what: nothing on stdout" lines out 0
}
usage "no file" "which scenario? Give one file" --rate 1
usage "no rate" "how much load? Give --rate N" norate.lua
usage "nothing to run" "none.lua has nothing to run under load" --rate 1 none.lua
usage "several" 'several.lua has several ("short", "long"): choose one with -k' several.lua
usage "several tests" 'tests.lua has several ("x", "y"): choose one with -k' --rate 1 tests.lua
usage "an unknown -k" '-k nosuch matches nothing in several.lua, which has "short", "long", "a test"' -k nosuch several.lua
usage "an unknown option of sip.load" 'did you mean "rate"?' option.lua
usage "half a call" 'whole.lua:2: sip.load: calls wants a whole number from 1 on, got 2.5' whole.lua
usage "a rate as text" 'text.lua:2: sip.load: rate wants a number from 0 on, got "3"' text.lua
usage "no function" 'offhook: nofunction.lua:2: sip.load "x" wants a function last' nofunction.lua
usage "one name twice" 'offhook: twice.lua:3: there are two of sip.load "x"' twice.lua
usage "two models in the script" "users is the closed model" models.lua
usage "two models" "give one of them" --rate 1 --users 2 several.lua
usage "a rate for a callee" "only serves" --rate 1 "$answer"
usage "several workers on the virtual clock" "the virtual clock has one thread" --virtual --rate 1 --workers 2 "$call"
usage "--record failed" "under load a capture holds all calls" --rate 1 --record failed "$call"
usage "rows that are none" "bad.csv:2" badrows.lua
usage "no such rate" "--rate" --rate -1 "$call"
usage "no such ramp" "--ramp" --ramp 1:2 "$call"
load --virtual --json -k LONG several.lua
check "-k chooses" holds 'balanced and t["done"] == 7 and run["name"] == "long"'
load --help
check "--help" exits 0

# --- setup, teardown, rows ---
rm -f around.log
load --virtual --json --shards 3 --duration 1 around.lua
check "setup and teardown" holds 'balanced and t["done"] == 20'
check "... run in each shard" test "$(sort around.log | uniq -c | awk '{print $1 $2 $3}' | paste -sd,)" = 3setup,3teardownshared
rm -f around.log
load --virtual --set raise=setup --duration 1 around.lua
check "a setup that raises: exit 2" exits 2
check "a setup that raises: its text" err_has "around.lua:8: no setup"
check "teardown runs all the same" grep -qx 'teardown nil' around.log
rm -f around.log
load --virtual --set raise=teardown --duration 1 around.lua
check "a teardown that raises: exit 2" exits 2
check "a teardown that raises: its text" err_has "around.lua:9: no teardown"
load --virtual --json --set pick=unique rows.lua
check "unique rows: then there are none" holds 'balanced and t["done"] == 5 and kinds == {"exhausted": 3} and all(t["counts"]["custom." + x] == 1 for x in "abcde")'
check "... in words" out_has "rows.csv has no more rows: each of its 5 was picked once"
load --virtual --json --shards 2 --set pick=sequential rows.lua
check "rows in sequence begin again" holds 't["done"] == 8 and [t["counts"]["custom." + x] for x in "abcde"] == [2, 2, 2, 1, 1]'
load --virtual --json --set pick=random rows.lua
check "rows at random" holds 't["done"] == 8 and sum(t["counts"].values()) == 8'

# --- tests as they are ---
for test in flows/rfc3665-3.1-session flows/rfc3665-3.3-multiple-authentication flows/rfc3665-3.8-no-answer flows/rfc5359-2.5-transfer-attended \
	flows/rfc5359-2.15-call-park races/overtaking-180; do
	load --virtual --json --rate 5 --duration 4 "$root/scenarios/$test.lua"
	check "$test under load" holds 'balanced and t["done"] == 20'
done
for test in auth-loop-407 forbidden-403 invite-timeout slow-setup; do
	load --virtual --json --rate 5 --duration 4 -k remedied "$root/scenarios/symptoms/$test.lua"
	check "symptom $test, remedied, under load" holds 'balanced and t["done"] == 20'
done
load --virtual --json --rate 5 --duration 4 "$root/scenarios/load/options.lua"
check "options.lua" holds 'balanced and t["done"] == 20'
load --virtual --json --rate 5 --duration 4 "$root/scenarios/load/register.lua"
check "register.lua" holds 'balanced and t["done"] == 20 and t["times"]["register"]["count"] == 20 and t["times"]["request"]["count"] == 0'
cat >challenged.lua <<'LUA'
local sip = require "sip"
local function setup(t) return t:registrar { auth = { realm = "example.test", users = { alice = "secret" } } } end
sip.load("challenged", { rate = 10, calls = 20, setup = setup }, function(vu, registrar)
  vu:ua { aor = "sip:alice@example.test", password = "secret", outbound_proxy = registrar }:register():expect(200)
end)
LUA
load --virtual --json --network delay=0.1 challenged.lua
check "a registration's time has its challenge in it" holds 't["times"]["register"]["count"] == 20 and 0.39 < t["times"]["register"]["p50"] < 0.41 and t["times"]["request"]["count"] == 0'
# A call that is up for long takes less memory; what it says is the same.
cat >lasting.lua <<'LUA'
local sip = require "sip"
sip.serve("answer", { aor = "sip:bob@example.test" }, function(call, t)
  call:ring()
  call:answer()
  local came, dialog = call.invite.bytes, call.dialog
  local texts = { dialog.call_id, dialog.local_tag, dialog.remote, dialog.remote_target }
  t:sleep(5)
  assert(texts[1] == dialog.call_id and texts[2] == dialog.local_tag and texts[3] == dialog.remote and texts[4] == dialog.remote_target, "the dialog")
  assert(call:expect("ACK").method == "ACK", "the ACK that lay there")
  assert(call.invite.bytes == came, "the INVITE that came")
  call:ended { within = 100 }
end)
sip.load("call", { setup = function(t) return { ua = t:ua { aor = "sip:alice@example.test" }, target = t:target() } end }, function(vu, shared)
  local call = shared.ua:invite(shared.target)
  local answer = call:expect(200)
  local sent, final = call.invite.bytes, answer.bytes
  vu:sleep(8)
  assert(call.invite.bytes == sent and call.response.bytes == final, "the INVITE and its answer")
  assert(call:expect(200).bytes == final, "the answer, expected again")
  local nothing, why = call:ended { within = 0.1, optional = true }
  assert(nothing == nil and why == "timeout", "it has not ended")
  local ok, unmet = pcall(call.ended, call, { within = 0.1 })
  assert(not ok and tostring(unmet):find("the end of the call within 0.1 s", 1, true), "it was to end")
  call:bye():expect(200)
end)
LUA
load --virtual --json --rate 20 --calls 100 --network delay=0.01 lasting.lua
check "calls that last" holds 'balanced and t["arrivals"] == 200 and t["done"] == 200'
for script in call options register; do
	timeout 60 "$offhook" run --virtual --record off "$root/scenarios/load/$script.lua" >out 2>err
	code=$?
	check "$script.lua as a test" exits 0
done

# --- real sockets ---
# serve NAME ARGUMENT...: answer.lua at $port, its JSON in NAME.
serve() {
	local name=$1
	shift
	port=$(free_port)
	start "$name" "$offhook" load --json --listen "127.0.0.1:$port" "$@" "$answer"
	callee=$PID
	wait_until 20 is_bound "$port"
}
# ended PID: waits for it; its exit code is $code.
ended() {
	code=0
	wait "$1" || code=$?
}
serve callee --set ring=0
load --json --target "127.0.0.1:$port" --rate 100 --duration 2 --set hold=0.3 "$call"
check "100 calls a second for 2 s" holds 'balanced and t["arrivals"] == t["done"] == 200'
check "the caller is content" exits 0
load --listen "127.0.0.1:$port" --duration 1 "$answer"
check "a port in use: exit 3" exits 3
check "it is named, and no line of the library's" err_has "offhook: cannot bind 127.0.0.1:$port for answer: address already in use"
kill -TERM "$callee"
ended "$callee"
check "the callee is content" exits 0
check "the callee had the same calls" holds 'balanced and t["arrivals"] == t["done"] == method("INVITE", "received") == method("BYE", "received") == 200' callee
check "all were acknowledged, and none is left" holds 'method("ACK", "received") == 200 and seconds[-1]["live"] == seconds[-1]["tasks"] == 0' callee

serve callee --workers 2 --record all --out answered
load --json --workers 2 --target "127.0.0.1:$port" --rate 100 --duration 1 --record all --out recorded "$call"
check "two workers" holds 'balanced and t["done"] == 100 and run["workers"] == 2'
kill -TERM "$callee"
ended "$callee"
check "two workers that answer" holds 'balanced and t["done"] == 100' callee
if command -v tshark >/dev/null; then
	# acknowledged DIRECTORY: calls with an ACK in each capture, in one line.
	acknowledged() {
		local capture
		for capture in "$1"/captures/*.pcapng; do
			tshark -r "$capture" -d "udp.port==1-65535,sip" -Y 'sip.CSeq.method == "ACK"' -T fields -e sip.Call-ID 2>/dev/null | sort -u | wc -l
		done | paste -sd' '
	}
	"$root/tests/captures.sh" recorded answered >captured 2>&1
	code=$?
	check "tshark reads the captures of all: $(tail -n 1 captured)" grep -qx '4 passed, 0 failed, 0 skipped' captured
	read -r one other <<<"$(acknowledged recorded)"
	check "callers: each call is in one of them ($one + $other)" test "$one + $other" = "50 + 50"
	read -r one other <<<"$(acknowledged answered)"
	check "callees: each call is in one of them ($one + $other), none has all" test $((one + other)) -eq 100 -a "$one" -gt 20 -a "$other" -gt 20
else
	skipped=$((skipped + 3))
fi

serve callee
start caller "$offhook" load --json --target "127.0.0.1:$port" --rate 50 --set hold=1 "$call"
caller=$PID
sleep 1.5
kill -TERM "$caller"
ended "$caller"
check "SIGTERM drains" holds 'balanced and t["interrupted"] == t["failed"] == 0 and 10 < t["done"] < 200 and seconds[-1]["draining"]' caller
check "SIGTERM: exit 0" exits 0
rm -f around.log
start caller "$offhook" load --json --target "127.0.0.1:$port" --rate 50 --set hold=60 "$call"
caller=$PID
start around "$offhook" load --json --shards 1 --set sleep=60 "$work/around.lua"
around=$PID
sleep 1.5
kill -TERM "$caller" "$around"
sleep 0.3
kill -TERM "$caller" "$around"
ended "$caller"
check "a second SIGTERM cuts short" holds 'balanced and t["interrupted"] == t["arrivals"] - t["done"] > 10' caller
check "interrupted: exit 1" exits 1
ended "$around"
check "teardown runs when it is cut short" test "$(paste -sd, around.log)" = "setup,teardown shared"
rm -f around.log
start around "$offhook" load --json --shards 1 --set setup=60 "$work/around.lua"
around=$PID
wait_until 20 test -s around.log
kill -TERM "$around"
sleep 0.3
kill -TERM "$around"
ended "$around"
check "a setup that takes long is cut short, too" test "$(paste -sd, around.log)" = "setup,teardown nil"
check "... and nothing came" holds 'balanced and t["arrivals"] == 0' around
kill -TERM "$callee"
ended "$callee"
check "what was cut short was hung up" holds 'balanced and t["interrupted"] == t["failed"] == 0' callee

load --json --rate 20 --duration 1 "$root/scenarios/flows/rfc3665-3.1-session.lua"
check "a flow on real sockets" holds 'balanced and t["done"] == 20'
load --target 127.0.0.1:"$(free_port)" --rate 10 --calls 5 --json "$call"
check "nobody listens: failures, no hanging" holds 'balanced and t["failed"] == 5 and t["transport_errors"] == 5 and kinds == {"response": 5}'
load --listen 192.0.2.7 --rate 1 --calls 1 "$call"
check "an address that is not ours: exit 3" exits 3
check "it is named" err_has "192.0.2.7"

# --- memory ---
cat >memory.lua <<'LUA'
local sip = require "sip"
local n = 0
local function kilobytes()
  local f = io.open("/proc/self/statm")
  local pages = f:read("a"):match "%d+ (%d+)"
  f:close()
  return pages * 4
end
sip.load("memory", { rate = 1000, calls = 100000, setup = function(t) return t:target() end }, function(vu, target)
  n = n + 1
  if n % 4 == 0 then
    vu:ua { aor = "sip:caller@example.test" }:options(target, { destination = target }):final()
  else
    vu:count("short")
  end
  if n == 45000 then print(kilobytes()) end      -- by then the transactions of 32 s have gone
  if n == 100000 then print(kilobytes()) end
end)
LUA
ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1}:quarantine_size_mb=1 load --virtual --json --shards 1 memory.lua
check "100 000 iterations" holds 'balanced and t["done"] == 100000'
check "their memory does not grow: $(paste -sd' ' err) kB" awk '{ at[NR] = $1 } END { exit !(NR == 2 && at[2] - at[1] < 8000 + at[1] / 20) }' err

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
