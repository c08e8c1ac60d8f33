-- RFC 3665 3.11: Bob's telephone rings, and then says that he is not there.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3665 3.11: unsuccessful temporarily unavailable", function(t)
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local proxy2 = t:proxy { name = "Proxy 2", to = bob }
  local proxy1 = t:proxy { name = "Proxy 1", next_hop = proxy2 }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", outbound_proxy = proxy1 }
  local wire = ladder.watch(t, { alice, proxy1, proxy2, bob })

  local call = alice:invite(bob.aor)
  local at_bob = bob:incoming()
  at_bob:ring()
  call:expect(180)
  at_bob:reject(480)
  call:expect(480)

  local F = wire:expect [[
    F1 INVITE Alice -> Proxy 1
    F2 INVITE Proxy 1 -> Proxy 2
    F3 100 Trying Proxy 1 -> Alice
    F4 INVITE Proxy 2 -> Bob
    F5 100 Trying Proxy 2 -> Proxy 1
    F6 180 Ringing Bob -> Proxy 2
    F7 180 Ringing Proxy 2 -> Proxy 1
    F8 180 Ringing Proxy 1 -> Alice
    F9 480 Temporarily Unavailable Bob -> Proxy 2
    F10 ACK Proxy 2 -> Bob
    F11 480 Temporarily Unavailable Proxy 2 -> Proxy 1
    F12 ACK Proxy 1 -> Proxy 2
    F13 480 Temporarily Unavailable Proxy 1 -> Alice
    F14 ACK Alice -> Proxy 1
  ]]
  t:equal(F[9].to_tag, F[6].to_tag, "one early dialog")
  t:ok(#F[8]:headers "Record-Route" == 2 and not F[9]["Record-Route"], "a refusal makes no dialog")
  t:equal(call.dialog and call.dialog.confirmed or false, false)
end)
