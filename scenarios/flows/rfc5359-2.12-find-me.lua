-- RFC 5359 2.12: the proxy looks for Bob at one telephone after the other: nobody answers the first, the second is busy, the third is
-- answered. The numbers are ours; the figure of the RFC was not at hand.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 5359 2.12: find-me", function(t)
  local b1 = t:ua { name = "User B1", aor = "sip:bob@biloxi.example.com" }
  local b2 = t:ua { name = "User B2", aor = "sip:bob@biloxi.example.com" }
  local b3 = t:ua { name = "User B3", aor = "sip:bob@biloxi.example.com" }
  local telephones = { b1, b2, b3 }
  local proxy = t:proxy { name = "Proxy", no_answer = 3, route = function() return table.remove(telephones, 1) end }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", outbound_proxy = proxy }
  local wire = ladder.watch(t, { alice, proxy, b1, b2, b3 })

  local call = alice:invite(b1.aor)
  local at_b1 = b1:incoming()
  at_b1:ring()
  call:expect(180)
  at_b1:expect("CANCEL")
  b2:incoming():reject(486)
  local at_b3 = b3:incoming()
  at_b3:ring()
  call:expect(180)
  at_b3:answer()
  call:expect(200)
  at_b3:expect("ACK")
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
    F10 INVITE Proxy -> User B2
    F11 486 Busy Here User B2 -> Proxy
    F12 ACK Proxy -> User B2
    F13 INVITE Proxy -> User B3
    F14 180 Ringing User B3 -> Proxy
    F15 180 Ringing Proxy -> Alice
    F16 200 OK User B3 -> Proxy
    F17 200 OK Proxy -> Alice
    F18 ACK Alice -> Proxy
    F19 ACK Proxy -> User B3
    F20 BYE Alice -> Proxy
    F21 BYE Proxy -> User B3
    F22 200 OK User B3 -> Proxy
    F23 200 OK Proxy -> Alice
  ]]
  t:equal({ F[2].call_id, F[10].call_id, F[13].call_id }, { F[1].call_id, F[1].call_id, F[1].call_id })
  t:ok(F[2].branch ~= F[10].branch and F[10].branch ~= F[13].branch)
end)
