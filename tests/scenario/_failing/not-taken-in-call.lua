-- exit 1: bob wanted 202 to its REFER, got 405 Method Not Allowed (alice takes a REFER only where a script line waits for it: call:expect "REFER"
local sip = require "sip"

sip.test("a transfer that no line takes", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local call = alice:invite(bob)
  local bobs = bob:incoming()
  bobs:answer()
  call:expect(200)
  bobs:refer(alice):expect(202)
end)
