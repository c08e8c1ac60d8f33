-- exit 1: the hold of INVIT wanted INVITE within 1 s, got nothing (no RFC has a method "INVIT": did you mean "INVITE"?)
-- says: FILE:8
local sip = require "sip"

sip.test("a hold of a method that is misspelt", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local held = t:hold { only = "INVIT" }
  alice:invite(bob) held:expect("INVITE", { within = 1 })
end)
