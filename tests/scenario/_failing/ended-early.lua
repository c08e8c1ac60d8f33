-- exit 1: bob wanted BYE within 5 s, got the end of the call (CANCEL)
local sip = require "sip"

sip.test("a CANCEL where a BYE was wanted", function(t)
  local bob = t:ua { aor = "sip:bob@example.test" }
  local alice = t:ua { aor = "sip:alice@example.test" }
  t:spawn("bob", function()
    local call = bob:incoming()
    call:ring()
    call:expect("BYE")
  end)
  local call = alice:invite(bob)
  call:expect(180)
  call:cancel()
  t:sleep(10)
end)
