-- exit 1: no BYE: the call is terminated (remote BYE)
local sip = require "sip"

sip.test("a BYE too late", function(t)
  local bob = t:ua { aor = "sip:bob@example.test" }
  local alice = t:ua { aor = "sip:alice@example.test" }
  t:spawn("bob", function()
    local call = bob:incoming()
    call:answer()
    call:expect("ACK")
    call:bye():expect(200)
  end)
  local call = alice:invite(bob)
  call:expect(200)
  t:sleep(1)
  call:bye()
end)
