-- A proxy that takes every nonce once: each further request is challenged again, and answered.
local sip = require "sip"

sip.test("a nonce that was used up: one more challenge each time, and the phone stays registered", function(t)
  local bob = t:ua { aor = "sip:bob@example.test", password = "bobpw", outbound_proxy = t:target() }
  local registration = bob:register { expires = 60 }
  registration:expect(200)
  for _ = 1, 3 do
    registration:refresh():expect(200)
    t:equal(registration.challenges, 1)
  end
  registration:unregister():expect(200)
  t:equal(registration.challenges, 1)
end)
