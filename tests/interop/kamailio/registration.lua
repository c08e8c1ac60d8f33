-- Registrations at a registrar that challenges: --target its URI; alice/alicepw and bob/bobpw are its users.
local sip = require "sip"

local function phone(t, user, given)
  given = given or {}
  return t:ua { aor = ("sip:%s@example.test"):format(user), password = given.password or user .. "pw", outbound_proxy = t:target(),
    max_auth_attempts = given.max_auth_attempts }
end

local function credentials(request)
  return request:credentials()[1]
end

-- What the registrar has: a REGISTER without Contact asks for it (RFC 3261 10.3 step 8).
local function bindings(ua)
  local answer = ua:request("REGISTER", "sip:example.test", { to = ("<%s>"):format(ua.aor), contact = false }):expect(200)
  return answer:headers "Contact"
end

sip.test("registered after one challenge, for the time asked for", function(t)
  local bob = phone(t, "bob")
  local registration = bob:register { expires = 60 }
  local answer = registration:expect(200)
  t:equal(registration.challenges, 1)
  t:equal(registration.expires, 60)
  t:equal(sip.name_addr(answer["Contact"]).uri.raw, bob.contact)
  local used = credentials(registration.request)
  t:equal(used.algorithm or "MD5", t.env.algorithm or "MD5")
  t:equal(used.qop, "auth")
  t:equal(used.nc, 1)
  t:equal(used.uri, "sip:example.test")
  t:equal(#bindings(bob), 1)
  registration:unregister():expect(200)
end)

sip.test("a refresh uses the nonce again, counted up, in the same Call-ID", function(t)
  local bob = phone(t, "bob")
  local registration = bob:register { expires = 60 }
  registration:expect(200)
  local first = registration.request
  registration:refresh():expect(200)
  local second = registration.request
  t:equal(registration.challenges, 0, "challenges to the refresh")
  t:equal(second.call_id, first.call_id)
  t:equal(second.cseq, first.cseq + 1)
  t:equal(credentials(second).nonce, credentials(first).nonce)
  t:equal(credentials(second).nc, 2)
  t:ok(credentials(second).cnonce ~= credentials(first).cnonce, "a fresh cnonce")
  registration:unregister():expect(200)
  t:equal(credentials(registration.request).nc, 3)
end)

sip.test("the binding is refreshed by itself before it ends", function(t)
  local bob = phone(t, "bob")
  local registration = bob:register { expires = 3 }
  registration:expect(200)
  t:sleep(4.5)
  t:equal(registration.refreshes, 1)
  t:equal(#bindings(bob), 1, "bindings after the first would have run out")
  registration:unregister():expect(200)
end)

sip.test("a binding that is not refreshed runs out", function(t)
  local bob = phone(t, "bob")
  bob:register { expires = 2, refresh = false }:expect(200)
  t:equal(#bindings(bob), 1)
  t:sleep(4)
  t:equal(#bindings(bob), 0)
end)

sip.test("unregistered: the binding is gone, and calls get 480", function(t)
  local alice, bob = phone(t, "alice"), phone(t, "bob")
  local registration = bob:register { expires = 60 }
  registration:expect(200)
  local answer = registration:unregister():expect(200)
  t:equal(registration.expires, 0)
  t:equal(answer["Contact"], nil)
  t:equal(#bindings(bob), 0)
  alice:invite(bob.aor):expect(480)
end)

sip.test("the registrar grants more than was asked for: the phone keeps to what was granted", function(t)
  local bob = phone(t, "bob")
  local registration = bob:register { expires = 1 }
  registration:expect(200)
  t:equal(registration.expires, 2)
  registration:unregister():expect(200)
end)

sip.test("a wrong password: 401 after every try, until the phone gives up", function(t)
  for tries = 0, 2 do
    local bob = phone(t, "bob", { password = "wrong", max_auth_attempts = tries })
    local registration = bob:register()
    t:equal(registration:final().status, 401)
    t:equal(registration.challenges, tries + 1)
  end
end)

sip.test("no password: the 401 is final, and says why", function(t)
  local bob = t:ua { aor = "sip:bob@example.test", outbound_proxy = t:target() }
  local registration = bob:register()
  t:equal(registration:final().status, 401)
  t:equal(registration.why, "the actor has no password")
end)

sip.test("with HA1 in place of the password", function(t)
  local ha1 = { MD5 = "de771dd0ec4538f05c26d5bd88078c9a" }
  if (t.env.algorithm or "MD5") ~= "MD5" then t:skip "the HA1 here is MD5" end
  local bob = t:ua { aor = "sip:bob@example.test", ha1 = ha1.MD5, outbound_proxy = t:target() }
  local registration = bob:register { expires = 60 }
  registration:expect(200)
  registration:unregister():expect(200)
end)
