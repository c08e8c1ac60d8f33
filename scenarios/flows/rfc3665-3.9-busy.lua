-- RFC 3665 3.9: Bob is busy. A non-2xx is acknowledged hop by hop, before it goes on.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3665 3.9: unsuccessful busy", function(t)
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local proxy2 = t:proxy { name = "Proxy 2", to = bob }
  local proxy1 = t:proxy { name = "Proxy 1", next_hop = proxy2 }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", outbound_proxy = proxy1 }
  local wire = ladder.watch(t, { alice, proxy1, proxy2, bob })

  local call = alice:invite(bob.aor)
  bob:incoming():reject(486)
  call:expect(486)

  local F = wire:expect [[
    F1 INVITE Alice -> Proxy 1
    F2 INVITE Proxy 1 -> Proxy 2
    F3 100 Trying Proxy 1 -> Alice
    F4 INVITE Proxy 2 -> Bob
    F5 100 Trying Proxy 2 -> Proxy 1
    F6 486 Busy Here Bob -> Proxy 2
    F7 ACK Proxy 2 -> Bob
    F8 486 Busy Here Proxy 2 -> Proxy 1
    F9 ACK Proxy 1 -> Proxy 2
    F10 486 Busy Here Proxy 1 -> Alice
    F11 ACK Alice -> Proxy 1
  ]]
  t:equal({ F[7].branch, F[9].branch, F[11].branch }, { F[4].branch, F[2].branch, F[1].branch })
  t:equal({ F[7].to_tag, F[9].to_tag, F[11].to_tag }, { F[6].to_tag, F[6].to_tag, F[6].to_tag })
  t:equal(F[11]:headers "Route", F[1]:headers "Route", "the way of the INVITE (RFC 3261 17.1.1.3)")
end)
