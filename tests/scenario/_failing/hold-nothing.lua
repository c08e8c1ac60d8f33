-- exit 1: the hold of 200 from bob to alice wanted 200 within 1 s, got nothing; it holds 200 OK (OPTIONS)
-- says: FILE:14
-- says: (FILE:9): 1 message never released
-- says: 200 OK (OPTIONS) sent at
local sip = require "sip"

sip.test("a message that never comes to be held", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local held = t:hold { from = bob, to = alice, only = 200 }
  alice:options(bob)
  held:expect(200, function(ok) t:equal(ok.method, "OPTIONS") end)
  t:network { loss = 1 }
  alice:message(bob, "lost")
  held:expect(200, { within = 1 })
end)
