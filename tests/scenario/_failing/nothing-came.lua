-- exit 1: alice wanted 200 to its INVITE within 1 s, got nothing more than 180 Ringing
local sip = require "sip"

sip.test("nothing came in time", function(t)
  local bob = t:ua { aor = "sip:bob@example.test" }
  local alice = t:ua { aor = "sip:alice@example.test" }
  t:spawn("bob", function()
    local call = bob:incoming()
    call:ring()
    call:expect("BYE", { within = 20 })
  end)
  alice:invite(bob):expect(200, { within = 1 })
end)
