#!/usr/bin/env bash
# cli.sh OFFHOOK: the program as a person meets it: exit codes, messages, formats, interruption.
set -u
# shellcheck source=tests/helpers.sh
. "$(dirname "$0")/helpers.sh"

# run ARGUMENTS...: leaves $code and the files out, err.
run() {
	"$offhook" "$@" >out 2>err
	code=$?
}
out_lacks() { ! grep -qF -- "$1" out; }
err_lacks() { ! grep -qF -- "$1" err; }
same() { [ "$1" = "$2" ]; }
readable() { tshark -r "$1"; }

# --- scripts ---
mkdir -p good bad twin/a twin/b mixed
cat >good/call.lua <<'LUA'
local sip = require "sip"

sip.symptom {
  title = "Busy callee", seen = "The caller hears the busy tone.", cause = "The callee is in another call.",
  remedy = "Call again later, or give the callee a second line.",
}

local function call_of(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local bob = t:ua { aor = "sip:bob@example.test" }
  return alice:invite(bob.contact), bob
end

sip.test("a callee who is busy", function(t)
  local call, bob = call_of(t)
  bob:incoming():reject(486)
  t:equal(call:final().status, 486)
end)

sip.test("an answered call", function(t)
  local call, bob = call_of(t)
  local incoming = bob:incoming()
  incoming:ring()
  incoming:answer()
  call:expect(200)
  t:sleep(t:random())
  call:bye():expect(200)
end)

sip.test("a skipped one", function(t)
  t:skip("no reason # at all")
end)
LUA
cat >bad/fails.lua <<'LUA'
local sip = require "sip"
sip.test("a wrong expectation", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local bob = t:ua { aor = "sip:bob@example.test" }
  local call = alice:invite(bob.contact)
  bob:incoming():reject(486)
  call:expect(200)
end)
LUA
cat >bad/waits.lua <<'LUA'
local sip = require "sip"
sip.test("sleeps too long", function(t)
  t:sleep(30)
end)
LUA
cat >bad/loops.lua <<'LUA'
local sip = require "sip"
sip.test("loops plainly", function(t)
  while true do
  end
end)
sip.test("loops in a coroutine of its own", function(t)
  local inner = coroutine.wrap(function()
    while true do
    end
  end)
  inner()
end)
sip.test("loops behind pcall", function(t)
  while true do pcall(function() while true do end end) end
end)
LUA
cat >mixed/_shared.lua <<'LUA'
error("is no scenario")
LUA
cat >mixed/module.lua <<'LUA'
return { answer = 42 }
LUA
cat >mixed/uses.lua <<'LUA'
local sip = require "sip"
local module = require "module"
sip.test("uses a module", function(t) t:equal(module.answer, 42) end)
LUA
printf 'local sip = require "sip"\nsip.test("x", function(t)\n  local y = = 3\nend)\n' >syntax.lua
printf 'local sip = require "sip"\n\nnosuch(1)\n' >raises.lua
printf 'local sip = require "sip"\nsip.test("x", { timeuot = 3 }, function(t) end)\n' >option.lua
printf 'local sip = require "sip"\n\nsip.tst("x", function(t) end)\n' >name.lua
printf 'local sip = require "sip"\nlocal f\n\nif sip.xyzzyxyzzy then f = 1 end\n' >noname.lua
printf 'local sip = require "sip"\nwhile true do end\n' >forever.lua
printf 'local sip = require "sip"\nsip.test("setting", function(t) t:equal(t.env.COLOUR, "red = blue") print("from the script") io.write("and io.write\\n") end)\n' >setting.lua
printf 'local sip = require "sip"\nsip.test("same name", function(t) t:endpoint { name = "a" } end)\n' >twin/a/one.lua
cp twin/a/one.lua twin/b/one.lua
cat >ports.lua <<'LUA'
local sip = require "sip"
sip.test("a port in use", function(t)
  t:endpoint { name = "first", address = "127.0.0.1", port = 15460 }
  t:endpoint { name = "second", address = "127.0.0.1", port = 15460 }
end)
LUA
cat >foreign.lua <<'LUA'
local sip = require "sip"
sip.test("an address that is not ours", function(t)
  t:endpoint { name = "far", address = "192.0.2.7", port = 15461 }
end)
LUA
printf 'local sip = require "sip"\nsip.test("dies", function(t) os.execute("kill -SEGV $PPID") t:sleep(5) end)\nsip.test("lives", function(t) end)\n' >dies.lua
cat >hostile.lua <<'LUA'
local sip = require "sip"
sip.test("hostile \27[31m text <&>\" ]]> \1 \255 end", function(t) t:fail("text \27]0;x\7 <b>&\" \255\0 end") end)
LUA
cat >slow.lua <<'LUA'
local sip = require "sip"
for i = 1, 4 do
  sip.test("slow " .. i, function(t)
    local alice = t:ua { aor = "sip:alice@example.test" }
    local bob = t:ua { aor = "sip:bob@example.test" }
    t:equal(alice:options(bob.contact):final().status, 200)
    t:sleep(i == 1 and 0.1 or 30)
  end)
end
LUA

# --- help and usage ---
run
check "no arguments: usage" exits 2
run --help
check "--help" exits 0
check "--help on stdout" out_has "offhook run"
check "--help names the other command" out_has "offhook load"
run run --help
check "run --help" exits 0
check "run --help lists options" out_has "--timer-scale X"
run --version
check "--version" grep -qxE 'offhook [0-9]+\.[0-9]+\.[0-9]+' out
run rnu good
check "an unknown command" exits 2
check "the nearest command" err_has "did you mean \`offhook run\`?"
run good/call.lua
check "a script without a command" err_has "did you mean \`offhook run good/call.lua\`?"
run run
check "run without files" exits 2
check "run without files says what to give" err_has "Give files or directories"
run run --virutal good
check "an unknown option" exits 2
check "the nearest option" err_has "unknown option --virutal: did you mean --virtual?"
run run --xyzzyxyzzy good
check "an option like none" err_has "offhook run --help"
check "stdout stays empty on usage errors" same "$(wc -c <out)" 0
for wrong in "--seed x" "--seed -1" "-j 0" "-j many" "--repeat 0" "--timeout -3" "--timeout nan" "--timer-scale 0" "--set novalue" \
	"--record some" "--network loss=2" "--network lost=0.1" "--network delay" "--virtual=yes" "--json --tap" "--virtual --timer-scale 0.5" \
	"--list --tap"; do
	# shellcheck disable=SC2086
	run run $wrong good
	check "wrong: $wrong" exits 2
	check "wrong: $wrong: one line" same "$(wc -l <err)" 1
done
run run good --timeout
check "an option without its value" exits 2
check "an option without its value says which" err_has "--timeout wants S"
run run --network lost=0.1 good
check "the nearest fault" err_has "did you mean loss?"
run run nosuch.lua good
check "a file that is not there" exits 2
check "a file that is not there is named" err_has "cannot read nosuch.lua: No such file or directory"
run run mixed/module.lua
check "a module alone holds no tests" exits 2
check "a module named is noted" err_has "mixed/module.lua defines no tests"
mkdir -p empty
run run empty
check "an empty directory" exits 2
run run -k nosuchtest good
check "-k without a match" exits 2
check "-k without a match says how many there are" err_has "matches none of 3 tests"
run run --virtual --target 127.0.0.1 good
check "--virtual with --target" exits 2
check "--virtual with --target says why" err_has "exclude each other"

# --- targets ---
run run --target nosuch.invalid good
check "a target that does not resolve" exits 3
check "a target that does not resolve: one line with the host" same "$(grep -c 'nosuch\.invalid' err)/$(wc -l <err)" 1/1
for uri in 127.0.0.1 127.0.0.1:5070 udp:127.0.0.1:5070 '[::1]:5060' ::1 sip:bob@127.0.0.1:5070 'sip:127.0.0.1;transport=udp' localhost; do
	run run --record off --target "$uri" good -k busy
	check "--target $uri" exits 0
done
run run --record off --target '::1' good -k busy
check "an IPv6 target becomes a URI" out_has "target sip:[::1]"
for uri in tcp:127.0.0.1 tls:x sips:x 'sip:127.0.0.1;transport=tcp' 'sip:' '' 'a b' '127.0.0.1:port' '127.0.0.1:70000'; do
	run run --target "$uri" good
	check "--target '$uri' is refused" exits 2
done

# --- verdicts ---
run run --virtual good
check "all pass" exits 0
check "a passed test" out_has "PASS  good/call.lua: an answered call"
check "a skipped test and its reason" out_has "SKIP  good/call.lua: a skipped one   (no reason # at all)"
check "the summary" grep -qE '^2 passed, 0 failed, 1 skipped in [0-9.]+ s; captures: runs/[0-9-]+/captures$' out
check "the symptom's table" out_has "Busy callee"
check "the symptom's remedy" out_has "Remedy"
check "the seed is told" grep -qE 'virtual clock, seed [0-9]+$' out
check "no escape sequences but on a terminal" out_lacks "$(printf '\033')"
check "the link to the last run" test -d runs/latest/captures/call
run run --virtual --seed 7 bad/fails.lua
check "a failed test" exits 1
check "file:line of the failure" out_has "bad/fails.lua:7: alice wanted 200"
check "its frame" grep -qE 'capture: .*a-wrong-expectation\.pcapng, frame 2$' out
check "its ladder" out_has "486 Busy Here (INVITE)"
check "how to run it again" out_has "run --seed 7 --virtual -k 'a wrong expectation' bad/fails.lua"
again=$(sed -n 's/^ *again: //p' out)
eval "$again" >out 2>err
code=$?
check "running it again fails again" exits 1
check "running it again runs it alone" out_has "0 passed, 1 failed, 0 skipped"
run run bad/waits.lua --timeout 0.3
check "a time limit" exits 1
check "a time limit is told" out_has "TIMEOUT  bad/waits.lua: sleeps too long"
check "where it waited" out_has "bad/waits.lua:3"
for clock in "" --virtual; do
	# shellcheck disable=SC2086
	timeout 30 "$offhook" run $clock bad/loops.lua --timeout 0.4 >out 2>err
	code=$?
	check "scripts that never wait are stopped $clock" exits 1
	check "a plain loop, by its line $clock" grep -qE 'bad/loops\.lua:[34]: ran for 0\.4 s without waiting' out
	check "a loop in a coroutine, by its line $clock" grep -qE 'bad/loops\.lua:[89]: ran for 0\.4 s without waiting' out
	check "a loop behind pcall, by its line $clock" grep -qE 'bad/loops\.lua:14: ran for 0\.4 s without waiting' out
	check "all three $clock" out_has "0 passed, 3 failed, 0 skipped"
done

# --- scripts that do not load ---
run run --virtual syntax.lua raises.lua option.lua name.lua noname.lua good
check "broken scripts" exits 2
check "a syntax error by file:line" err_has "syntax.lua:3: unexpected symbol near '='"
check "an unknown global by file:line" err_has "raises.lua:3: "
check "an unknown option by file:line" err_has "option.lua:2: "
check "an unknown option's nearest" err_has "timeout"
check "a misspelt name of the library by file:line, and the nearest" err_has 'name.lua:3: sip has no tst (did you mean "sip.test"?)'
check "a name like none by file:line" grep -qE 'noname\.lua:4: sip has no xyzzyxyzzy$' err
check "the other files still run" out_has "2 passed, 0 failed, 1 skipped, 5 scripts do not load"
timeout 30 "$offhook" run --virtual --timeout 0.3 forever.lua >out 2>err
code=$?
check "a script that never ends loading" exits 2
check "a script that never ends loading, by its line" err_has "forever.lua:2: "

# --- environment ---
run run ports.lua
check "a port in use" exits 3
check "a port in use is named" out_has "127.0.0.1:15460"
check "a port in use by its line" out_has "ports.lua:4: "
run run foreign.lua
check "an address that is not local" exits 3
check "an address that is not local is named" out_has "192.0.2.7"
run run --virtual --out /proc/nosuch good
check "a directory that cannot be made" exits 3
run run --virtual --junit /proc/nosuch/x.xml good
check "a report that cannot be written" exits 3

# --- selection ---
run run --list good mixed
check "--list" exits 0
check "--list prints file: test" grep -qxF 'good/call.lua: an answered call' out
check "--list: files that begin with _ and modules are no scenarios" same "$(wc -l <out)" 4
check "--list: silent about modules found in a directory" same "$(wc -c <err)" 0
run run --list --json good
check "--list --json" python3 -c 'import json,sys; assert [json.loads(l)["test"] for l in open("out")][1] == "an answered call"'
run run --list -k BUSY -k skipped good
check "-k: any case, any of several" same "$(wc -l <out)" 2
run run --list -k 'call.lua: an ans' good
check "-k: file and test" same "$(wc -l <out)" 1
run run --list ./good//call.lua good good/
check "a file named twice runs once" same "$(wc -l <out)" 3
run run --virtual --out once mixed/uses.lua
check "a script's own module" exits 0
run run --virtual --out twins twin
check "captures of namesakes" exits 0
check "captures of namesakes do not meet" same "$(find twins -name '*.pcapng' | wc -l)" 2

# --- what scripts see and print ---
run run --virtual --set "COLOUR=red = blue" --json setting.lua
check "--set" exits 0
check "what a script prints is part of its result" out_has '"output":"from the script\n"'
check "what it writes to stdout goes to stderr" err_has "and io.write"
check "... and not between the JSON lines" out_lacks "and io.write"
run run --virtual --set "COLOUR=red = blue" setting.lua
check "what a script prints stands under its test" out_has "      | from the script"

# --- formats ---
run run --virtual --seed 3 --json --junit j.xml good bad/fails.lua syntax.lua hostile.lua
check "--json keeps the exit code" exits 2
check "--json is JSON on every line" python3 - <<'PY'
import json
lines = [json.loads(line) for line in open("out")]
assert all(line["schema"] == 1 for line in lines)
assert [l["type"] for l in lines] == ["run", "error"] + ["test"] * 5 + ["summary"], [l["type"] for l in lines]
assert lines[0]["seed"] == "3" and lines[0]["clock"] == "virtual" and lines[0]["tests"] == 5
tests = {l["test"]: l for l in lines if l["type"] == "test"}
assert tests["an answered call"]["verdict"] == "passed" and tests["an answered call"]["symptom"] == "Busy callee"
assert tests["a skipped one"]["verdict"] == "skipped"
bad = tests["a wrong expectation"]
assert bad["verdict"] == "failed" and bad["where"] == "bad/fails.lua:7" and bad["frame"] == 2 and bad["capture"].endswith(".pcapng")
assert lines[1]["file"] == "syntax.lua" and "syntax.lua:3" in lines[1]["text"]
assert lines[-1]["passed"] == 2 and lines[-1]["failed"] == 2 and lines[-1]["broken_scripts"] == 1
PY
check "--junit is XML with the right counts" python3 - <<'PY'
import xml.etree.ElementTree as tree
root = tree.parse("j.xml").getroot()
assert root.tag == "testsuites" and root.get("tests") == "6" and root.get("failures") == "2" and root.get("errors") == "1" and root.get("skipped") == "1"
cases = {c.get("name"): c for c in root.iter("testcase")}
assert len(cases) == 6
assert "bad/fails.lua:7" in cases["a wrong expectation"].find("failure").get("message")
assert cases["a skipped one"].find("skipped") is not None
PY
run run --virtual --tap good bad/fails.lua syntax.lua hostile.lua
check "--tap: version" same "$(head -n 1 out)" "TAP version 14"
check "--tap: plan" grep -qx '1\.\.6' out
check "--tap: points" same "$(grep -cE '^(not )?ok [1-6] - ' out)" 6
check "--tap: failures" same "$(grep -c '^not ok' out)" 3
check "--tap: skip" grep -qE '^ok [0-9]+ - good/call.lua: a skipped one # SKIP no reason' out
check "--tap: yaml blocks are closed" same "$(grep -cx '  ---' out)" "$(grep -cx '  \.\.\.' out)"
run run --virtual hostile.lua
check "no escape sequence of a script or a message reaches the terminal" out_lacks "$(printf '\033')"
run run --virtual --ladder good -k answered
check "--ladder of a passed test" out_has "200 OK (INVITE, SDP)"
COLUMNS=40 run run --virtual good
check "a narrow terminal" exits 0
check "a narrow terminal is kept to" same "$(grep -A99 'Busy callee' out | head -n 6 | awk 'length > 40' | wc -l)" 0

# --- a terminal ---
if command -v script >/dev/null; then
	script -qec "'$offhook' run --virtual good" /dev/null >out 2>err
	code=$?
	check "colour on a terminal" out_has "$(printf '\033[32m')"
	NO_COLOR=1 script -qec "'$offhook' run --virtual good" /dev/null >out 2>err
	check "NO_COLOR" out_lacks "$(printf '\033[32m')"
	script -qec "'$offhook' run --no-colour --virtual good" /dev/null >out 2>err
	check "--no-colour" out_lacks "$(printf '\033')"
else
	skipped=$((skipped + 3))
fi

# --- captures, seeds, processes ---
run run --virtual --seed 9 --out one good bad/fails.lua
run run --virtual --seed 9 --out four -j 4 bad/fails.lua good
check "-j and another order: the same captures" diff -r one/captures four/captures
run run --virtual --seed 9 --out alone -k answered good
check "-k: the same capture" cmp one/captures/call/an-answered-call.pcapng alone/captures/call/an-answered-call.pcapng
run run --virtual --seed 10 --out other -k answered good
check "another seed: another capture" test 1 -eq "$(cmp -s {one,other}/captures/call/an-answered-call.pcapng && echo 0 || echo 1)"
run run --virtual --seed 9 --json --out p1 good bad/fails.lua
mv out first
run run --virtual --seed 9 --json --out p1 -j 3 good bad/fails.lua
check "-j: the same results in the same order" python3 - <<'PY'
import json
def load(name):
    return [{k: v for k, v in json.loads(l).items() if k != "seconds"} for l in open(name)]
assert load("first") == load("out")
PY
run run --virtual --seed 9 --repeat 3 --out rep good -k answered
check "--repeat" out_has "3 passed, 0 failed"
check "--repeat: a capture each" same "$(find rep -name 'an-answered-call.[123].pcapng' | wc -l)" 3
check "--repeat: the first one is that of the seed" out_has "[1 of 3, seed 9]"
run run --virtual --seed 9 --record failed --out rec good bad/fails.lua
check "--record failed" same "$(find rec -name '*.pcapng')" rec/captures/fails/a-wrong-expectation.pcapng
rm -rf runs
run run --virtual --record off good bad/fails.lua
check "--record off writes nothing" test ! -e runs
check "--record off still shows the ladder of a failure" out_has "486 Busy Here (INVITE)"
run run --virtual good
run run --virtual good
check "two runs in one second have two directories" same "$(find runs -mindepth 1 -maxdepth 1 -type d | wc -l)" 2
run run --virtual --unsafe -j 2 dies.lua
check "a test that dies is a failure" exits 1
check "a test that dies, by its signal" grep -qE 'died of SIGSEGV|ended with status' out
check "a test that dies takes no other with it" out_has "1 passed, 1 failed, 0 skipped"
run run --virtual --unsafe dies.lua
check "the same without -j" out_has "1 passed, 1 failed, 0 skipped"
run run --virtual dies.lua
check "no processes without --unsafe" exits 1
run run --virtual --network loss=1 good -k answered --timeout 20
check "--network" exits 1
run run -6 --ladder good -k answered
check "-6" out_has "[::1]"

# --- interruption ---
# interrupted SIGNAL ARGUMENTS...: sends the signal after a moment.
interrupted() {
	local sig=$1
	shift
	"$offhook" "$@" >out 2>err &
	local pid=$!
	for _ in $(seq 100); do # until the second test runs
		grep -q 'slow 1' out && break
		sleep 0.05
	done
	sleep 0.5
	kill -"$sig" $pid
	wait $pid
	code=$?
}
for jobs in 1 2; do
	rm -rf stop
	interrupted TERM run --out stop -j $jobs slow.lua
	check "-j $jobs: an interrupted run" exits 1
	check "-j $jobs: what was interrupted" out_has "INTERRUPTED  slow.lua: slow 2"
	check "-j $jobs: what did not run" grep -qF "slow.lua: slow 4" out
	check "-j $jobs: the summary" out_has "1 passed, 0 failed, 0 skipped, $jobs interrupted, $((3 - jobs)) not run"
	for capture in stop/captures/slow/slow-{1,2}.pcapng; do
		check "-j $jobs: $capture is readable" readable "$capture"
	done
	check "-j $jobs: nothing half written is left" same "$(find stop -type f ! -name '*.pcapng' | wc -l)" 0
done
# A background process of a script ignores SIGINT; a terminal does not send it to one.
if command -v script >/dev/null; then
	rm -rf stop
	code=0
	{ sleep 1.5; printf '\003'; sleep 1; } | script -qec "'$offhook' run --out stop -j 2 slow.lua" /dev/null >out 2>err
	check "Ctrl-C on a terminal" out_has "2 interrupted, 1 not run"
else
	skipped=$((skipped + 1))
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
