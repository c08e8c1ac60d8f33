-- RFC 5359 2.9: Bob's first telephone rings, nobody answers: the proxy cancels there, and tries his second one.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 5359 2.9: call forwarding, no answer", function(t)
  local b1 = t:ua { name = "User B1", aor = "sip:bob@biloxi.example.com" }
  local b2 = t:ua { name = "User B2", aor = "sip:bob@biloxi.example.com" }
  local proxy = t:proxy { name = "Proxy", no_answer = 3, route = function(_, failed, st)
    if not failed then return b1 end
    st:reply(181)
    return b2
  end }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", outbound_proxy = proxy }
  local wire = ladder.watch(t, { alice, proxy, b1, b2 })

  local call = alice:invite(b1.aor)
  local at_b1 = b1:incoming()
  at_b1:ring()
  call:expect(180)
  at_b1:expect("CANCEL")
  local at_b2 = b2:incoming()
  at_b2:ring()
  call:expect(180)
  at_b2:answer()
  call:expect(200)
  at_b2:expect("ACK")
  call:bye():expect(200)

  local F = wire:expect [[
    F1 INVITE Alice -> Proxy
    F2 INVITE Proxy -> User B1
    F3 100 Trying Proxy -> Alice
    F4 180 Ringing User B1 -> Proxy
    F5 180 Ringing Proxy -> Alice
    F6 CANCEL Proxy -> User B1
    F7 200 OK User B1 -> Proxy
    F8 487 Request Terminated User B1 -> Proxy
    F9 ACK Proxy -> User B1
    F10 181 Call Is Being Forwarded Proxy -> Alice
    F11 INVITE Proxy -> User B2
    F12 180 Ringing User B2 -> Proxy
    F13 180 Ringing Proxy -> Alice
    F14 200 OK User B2 -> Proxy
    F15 200 OK Proxy -> Alice
    F16 ACK Alice -> Proxy
    F17 ACK Proxy -> User B2
    F18 BYE Alice -> Proxy
    F19 BYE Proxy -> User B2
    F20 200 OK User B2 -> Proxy
    F21 200 OK Proxy -> Alice
  ]]
  t:near(F[6].time - F[2].time, 3, 0.2)
  t:equal(F[6].branch, F[2].branch)
  t:ok(F[5].to_tag ~= F[13].to_tag, "two early dialogs: each telephone has its tag (RFC 3261 12.1)")
  t:equal(F[16].to_tag, F[15].to_tag)
end)
