-- A proxy that offers an algorithm nobody speaks before a usable one (RFC 8760 2.4), and refuses a wrong password with 403.
local sip = require "sip"

local function phone(t, user, password)
  return t:ua { aor = ("sip:%s@example.test"):format(user), password = password or user .. "pw", outbound_proxy = t:target(),
    max_auth_attempts = 5 }
end

sip.test("the challenge that nobody can answer is passed over", function(t)
  local bob = phone(t, "bob")
  local seen = bob.endpoint:watch()
  local registration = bob:register { expires = 60 }
  registration:expect(200)
  t:equal(registration.challenges, 1)
  local request = registration.request
  t:equal(#request:credentials(), 1)
  t:equal(request:credentials()[1].algorithm or "MD5", "MD5")
  seen:take()
  t:equal(#seen:take():headers "WWW-Authenticate", 2, "challenges in the 401")

  local call = phone(t, "alice"):invite(bob.aor)
  bob:incoming():reject(486)
  call:expect(486)
  t:equal(call.challenges, 1)
  registration:unregister():expect(200)
end)

sip.test("403 to a wrong password ends it, whatever number of tries was set", function(t)
  local registration = phone(t, "bob", "wrong"):register()
  registration:expect(403)
  t:equal(registration.challenges, 1)
  local call = phone(t, "alice", "wrong"):invite("sip:bob@example.test")
  call:expect(403)
  t:equal(call.challenges, 1)
end)

sip.test("403 to a caller who signs as another", function(t)
  local mallory = t:ua { aor = "sip:bob@example.test", username = "alice", password = "alicepw", outbound_proxy = t:target() }
  mallory:invite("sip:carol@example.test"):expect(403)
end)
