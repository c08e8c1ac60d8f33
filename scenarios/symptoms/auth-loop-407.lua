-- 407 again and again: the proxy challenges, the phone answers, the proxy challenges anew.
--
-- Against a live proxy and registrar of example.test that knows alice (password alicepw) and bob (bobpw):
-- --target URI [--set alice_password=...] [--set bob_password=...]
local sip = require "sip"

sip.symptom {
  title = "407 again and again",
  seen = "Calls fail after a moment; in the log of the proxy the same INVITE comes again and again, each time answered with 407.",
  cause = "The phone's answer is wrong every time: a wrong password or authentication name, another realm than it expects, or an algorithm "
    .. "that the two sides compute differently. A phone that does not count its tries goes on for ever.",
  remedy = "Look in the capture: if each new INVITE carries Proxy-Authorization and the next 407 does not say stale=true, the credentials "
    .. "are wrong. Set the password (and user name and realm) right, and limit the phone's tries.",
}

local users = { alice = "alicepw", bob = "bobpw" }

local function edge_of(t)
  return t:target(function()
    return t:proxy { name = "edge", registrar = t:registrar { serve = false }, auth = { realm = "example.test", users = users } }
  end)
end

sip.test("a wrong password: challenged after every try, until the phone gives up", function(t)
  local alice = t:ua { aor = "sip:alice@example.test", password = "wrong", outbound_proxy = edge_of(t), max_auth_attempts = 3 }
  local sent = alice.endpoint:watch()
  local call = alice:invite("sip:bob@example.test")
  t:equal(call:final().status, 407)
  t:equal(call.challenges, 4, "407s: to the bare INVITE and to three answers")

  local answers = 0
  while sent:count() > 0 do
    local message = sent:take()
    if message.method == "INVITE" and message.is_request and message["Proxy-Authorization"] then answers = answers + 1 end
  end
  t:equal(answers, 3, "INVITEs with credentials")
end)

sip.test("remedied: with the right password one challenge is enough", function(t)
  local edge = edge_of(t)
  local bob = t:ua { aor = "sip:bob@example.test", password = t.env.bob_password or users.bob, outbound_proxy = edge }
  local alice = t:ua { aor = "sip:alice@example.test", password = t.env.alice_password or users.alice, outbound_proxy = edge }
  local registration = bob:register { expires = 60 }
  registration:expect(200)
  t:spawn("bob", function()
    local call = bob:incoming()
    call:ring()
    call:answer()
    call:expect("BYE")
  end)

  local call = alice:invite(bob.aor)
  call:expect(200)
  t:equal(call.challenges, 1)
  call:bye():expect(200)
  registration:unregister():expect(200)
end)
