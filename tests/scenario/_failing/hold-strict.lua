-- exit 1: messages were left unread or held, and the test is strict
-- says: the hold to bob (FILE:8): 2 messages never released
-- says: INVITE sip:bob@
local sip = require "sip"

sip.test("held to the end, and strict", { strict = true }, function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  t:hold { to = bob }
  alice:invite(bob)
  t:sleep(1)
end)
