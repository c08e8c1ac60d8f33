-- exit 1: alice wanted 200 to its INVITE, got 486 Busy Here
local sip = require "sip"

sip.test("an answer that was not wanted", function(t)
  local bob = t:ua { aor = "sip:bob@example.test" }
  local alice = t:ua { aor = "sip:alice@example.test" }
  t:serve("bob", function() for call in bob:calls() do call:reject(486) end end)
  local call = alice:invite(bob)
  call:expect(200)
end)
