-- exit 1: alice wanted 200 to its INVITE within 5 s, got nothing more than 180 Ringing ({ within = 30 } waits longer)
-- says: meanwhile bob waits at FILE:8
local sip = require "sip"

sip.test("the callee takes longer than a wait", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  t:spawn("bob", function()
    local call = bob:incoming() call:ring() t:sleep(20)
  end)
  local call = alice:invite(bob)
  call:expect(180)
  call:expect(200)
end)
