-- exit 1: bob wanted ACK within 5 s, got nothing
-- says: alice sends no ACK: 
-- says: nowhere.invalid
-- clock: virtual
-- with: --ladder
local sip = require "sip"

sip.test("a Contact that leads nowhere: the caller cannot acknowledge", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  alice:invite(bob)
  local call = bob:incoming()
  call:answer { headers = { Contact = "<sip:bob@nowhere.invalid>" } }
  call:expect("ACK")
end)
