-- exit 1: release: the hold to bob (FILE:6) does not hold OPTIONS sip:bob@
local sip = require "sip"

sip.test("the message that was sent is not the one that is held", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local held = t:hold { to = bob }
  held:release(alice:options(bob).request)
end)
