-- exit 1: t:spawn wants a function, got userdata: t:spawn(name, function() ... end)
local sip = require "sip"

sip.test("what a function returned in place of a function", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  alice:invite(bob)
  t:spawn("bob", bob:incoming():reject())
end)
