-- exit 1: t:hold at FILE:7: the test has no actor "bbo" (did you mean "bob"?)
-- says: FILE:9
local sip = require "sip"

sip.test("a hold of a link that never was", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local held = t:hold { from = "bbo", to = alice }
  alice:options(bob)
  held:expect(200)
end)
