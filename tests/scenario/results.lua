-- What methods of calls return, however their results are taken.
local sip = require "sip"

local function two(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local bob = t:ua { aor = "sip:bob@example.test" }
  return alice, bob
end

sip.test("a response is returned to whoever takes it, in whatever way", function(t)
  local alice, bob = two(t)
  local sent = {}
  t:serve("bob", function()
    for call in bob:calls() do
      sent[1], sent[2] = call:ring(), call:reply(183)
      sent[3] = call:answer()
      t:equal(call:expect("ACK").method, "ACK")
    end
  end)
  local function last(call) return call:expect(200) end
  local call = alice:invite(bob)
  local ringing = call:expect(180)
  t:equal(ringing.status, 180)
  t:equal(select("#", call:expect(183)), 1)
  t:equal(last(call).status, 200)
  t:equal(({ call:expect(200) })[1].status, 200)
  t:equal(select(2, pcall(call.expect, call, 200)).status, 200)
  t:equal(call:expect(200) == call:final(), true)
  t:ok(call:expect(200) and call:final())
  local wrapped = coroutine.wrap(function() return call:final() end)
  t:equal(wrapped().status, 200)
  call:expect(200)
  call:final()
  t:equal(sent[1].status * 1000 + sent[2].status, 180183)
  t:equal(sent[3].status, 200)
end)

sip.test("what a statement dropped is there all the same", function(t)
  local alice, bob = two(t)
  local call = alice:invite(bob)
  local other = bob:incoming()
  other:ring()
  call:expect(180)
  other:answer()
  call:expect(200)
  other:expect "ACK"
  t:equal(call.response.status, 200)
  t:equal(call:final().status, 200)
  call:bye():expect(200)
  other:ended()
  t:equal(other.ended_by, "remote BYE")
  local ok, why = pcall(call.expect, call, 486)
  t:equal(ok, false)
  t:ok(tostring(why):find "wanted 486 to its INVITE, got 200 OK", tostring(why))
end)

sip.test("a thread that a script got hold of is no other task's", function(t)
  local seen = {}
  for i = 1, 4 do
    local task = t:spawn("task", function() seen[i] = coroutine.running() end)
    task:join()
    for j = 1, i - 1 do t:ok(seen[j] ~= seen[i]) end
    t:equal(coroutine.status(seen[i]), "dead")
  end
end)
