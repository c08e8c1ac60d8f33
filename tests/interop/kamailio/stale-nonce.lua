-- A registrar whose nonces last a second: an old one is answered with stale=true, and that asks for no other password.
local sip = require "sip"

sip.test("an old nonce: challenged with stale=true, answered with the new one", function(t)
  local bob = t:ua { aor = "sip:bob@example.test", password = "bobpw", outbound_proxy = t:target(), max_auth_attempts = 1 }
  local seen = bob.endpoint:watch()
  local registration = bob:register { expires = 60 }
  registration:expect(200)
  t:sleep(2.5)
  registration:refresh():expect(200)
  t:equal(registration.challenges, 1, "challenges to the refresh")

  local stale = {}
  while seen:count() > 0 do
    local message = seen:take()
    if message.status == 401 then stale[#stale + 1] = message["WWW-Authenticate"]:find("stale=true", 1, true) ~= nil end
  end
  t:equal(stale, { false, true })
  t:equal(registration.request:credentials()[1].nc, 1, "nc with a new nonce")
  t:sleep(2.5)
  registration:unregister():expect(200)
end)

sip.test("an old nonce and a wrong password since: given up after the set number", function(t)
  local bob = t:ua { aor = "sip:bob@example.test", password = "wrong", outbound_proxy = t:target(), max_auth_attempts = 2 }
  local registration = bob:register()
  t:equal(registration:final().status, 401)
  t:equal(registration.challenges, 3)
end)
