-- RFC 3665 3.8: Bob's telephone rings, Alice gives up. CANCEL is answered hop by hop; the INVITE ends with 487 from Bob.
-- In the RFC Proxy 1 knows Alice already; here it does not ask who she is.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3665 3.8: unsuccessful no answer", function(t)
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local proxy2 = t:proxy { name = "Proxy 2", to = bob }
  local proxy1 = t:proxy { name = "Proxy 1", next_hop = proxy2 }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", outbound_proxy = proxy1 }
  local wire = ladder.watch(t, { alice, proxy1, proxy2, bob })

  local call = alice:invite(bob.aor)
  local at_bob = bob:incoming()
  at_bob:ring()
  call:expect(180)
  call:cancel()
  at_bob:expect("CANCEL")
  call:expect(487)

  local F = wire:expect [[
    F1 INVITE Alice -> Proxy 1
    F2 INVITE Proxy 1 -> Proxy 2
    F3 100 Trying Proxy 1 -> Alice
    F4 INVITE Proxy 2 -> Bob
    F5 100 Trying Proxy 2 -> Proxy 1
    F6 180 Ringing Bob -> Proxy 2
    F7 180 Ringing Proxy 2 -> Proxy 1
    F8 180 Ringing Proxy 1 -> Alice
    F9 CANCEL Alice -> Proxy 1
    F10 200 OK Proxy 1 -> Alice
    F11 CANCEL Proxy 1 -> Proxy 2
    F12 200 OK Proxy 2 -> Proxy 1
    F13 CANCEL Proxy 2 -> Bob
    F14 200 OK Bob -> Proxy 2
    F15 487 Request Terminated Bob -> Proxy 2
    F16 ACK Proxy 2 -> Bob
    F17 487 Request Terminated Proxy 2 -> Proxy 1
    F18 ACK Proxy 1 -> Proxy 2
    F19 487 Request Terminated Proxy 1 -> Alice
    F20 ACK Alice -> Proxy 1
  ]]
  t:equal({ F[9].branch, F[11].branch, F[13].branch }, { F[1].branch, F[2].branch, F[4].branch }, "each CANCEL has the branch of its INVITE")
  t:equal(F[9].cseq, F[1].cseq)
  t:equal(#F[9]:headers "Via", 1)
  t:equal(F[9].to_tag, nil, "To as in the INVITE (RFC 3261 9.1)")
  t:equal({ F[16].branch, F[18].branch, F[20].branch }, { F[4].branch, F[2].branch, F[1].branch }, "so has each ACK")
  t:equal(F[19].to_tag, F[15].to_tag)
end)
