-- A proxy that wants the nonce count to grow: it does, for as long as the nonce is used.
local sip = require "sip"

sip.test("ten requests with one nonce, no second challenge", function(t)
  local bob = t:ua { aor = "sip:bob@example.test", password = "bobpw", outbound_proxy = t:target() }
  local registration = bob:register { expires = 60 }
  registration:expect(200)
  for n = 2, 10 do
    registration:refresh():expect(200)
    t:equal(registration.challenges, 0)
    t:equal(registration.request:credentials()[1].nc, n)
  end
  registration:unregister():expect(200)
end)
