-- RFC 5359 2.8: Bob's first telephone is busy: the proxy tries his second one.
-- The numbers are ours; the figure of the RFC was not at hand.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 5359 2.8: call forwarding, busy", function(t)
  local b1 = t:ua { name = "User B1", aor = "sip:bob@biloxi.example.com" }
  local b2 = t:ua { name = "User B2", aor = "sip:bob@biloxi.example.com" }
  local proxy = t:proxy { name = "Proxy", route = function(_, failed, st)
    if not failed then return b1 end
    if failed.status ~= 486 then return end
    st:reply(181)
    return b2
  end }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", outbound_proxy = proxy }
  local wire = ladder.watch(t, { alice, proxy, b1, b2 })

  local call = alice:invite(b1.aor)
  b1:incoming():reject(486)
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
    F4 486 Busy Here User B1 -> Proxy
    F5 ACK Proxy -> User B1
    F6 181 Call Is Being Forwarded Proxy -> Alice
    F7 INVITE Proxy -> User B2
    F8 180 Ringing User B2 -> Proxy
    F9 180 Ringing Proxy -> Alice
    F10 200 OK User B2 -> Proxy
    F11 200 OK Proxy -> Alice
    F12 ACK Alice -> Proxy
    F13 ACK Proxy -> User B2
    F14 BYE Alice -> Proxy
    F15 BYE Proxy -> User B2
    F16 200 OK User B2 -> Proxy
    F17 200 OK Proxy -> Alice
  ]]
  t:equal({ F[2].request_uri, F[7].request_uri }, { b1.contact, b2.contact })
  t:ok(F[2].branch ~= F[7].branch)
  t:equal(F[11].to_tag, F[10].to_tag, "the 486 leaves no trace")
end)
