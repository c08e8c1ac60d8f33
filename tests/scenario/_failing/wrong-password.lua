-- exit 1: (not answered: realm "example.test" refused 1 answer
local sip = require "sip"

sip.test("challenged, and the wrong password", function(t)
  local edge = t:proxy { auth = { realm = "example.test", users = { alice = "x" } } }
  local alice = t:ua { aor = "sip:alice@example.test", password = "y", outbound_proxy = edge }
  alice:invite("sip:bob@example.test"):expect(200)
end)
