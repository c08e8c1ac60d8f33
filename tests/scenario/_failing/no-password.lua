-- exit 1: not answered: the actor has no password
local sip = require "sip"

sip.test("challenged, and no password", function(t)
  local edge = t:proxy { auth = { realm = "example.test", users = { alice = "x" } } }
  local alice = t:ua { aor = "sip:alice@example.test", outbound_proxy = edge }
  alice:invite("sip:bob@example.test"):expect(200)
end)
