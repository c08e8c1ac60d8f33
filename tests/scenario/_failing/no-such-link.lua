-- exit 1: the test has no actor "alise" (did you mean "alice"?)
local sip = require "sip"

sip.test("a fault of a link that never was", function(t)
  t:ua { aor = "sip:alice@example.test" }
  t:network { from = "alise", loss = 1 }
end)
