-- RFC 5359 2.1: Bob holds the call and takes it back, each with a re-INVITE through the proxy.
local sip = require "sip"
local ladder = require "_ladder"
local media = require "_media"

sip.test("RFC 5359 2.1: call hold", function(t)
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local proxy1 = t:proxy { name = "Proxy 1", to = bob }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", outbound_proxy = proxy1 }
  local wire = ladder.watch(t, { alice, proxy1, bob })

  local call = alice:invite(bob.aor)
  local at_bob = bob:incoming()
  at_bob:ring()
  call:expect(180)
  at_bob:answer()
  call:expect(200)
  at_bob:expect("ACK")
  at_bob:hold():expect(200)
  call:expect("ACK")
  at_bob:resume():expect(200)
  call:expect("ACK")
  call:bye():expect(200)

  local F = wire:expect [[
    F1 INVITE Alice -> Proxy 1
    F2 INVITE Proxy 1 -> Bob
    F3 100 Trying Proxy 1 -> Alice
    F4 180 Ringing Bob -> Proxy 1
    F5 180 Ringing Proxy 1 -> Alice
    F6 200 OK Bob -> Proxy 1
    F7 200 OK Proxy 1 -> Alice
    F8 ACK Alice -> Proxy 1
    F9 ACK Proxy 1 -> Bob
    F10 INVITE Bob -> Proxy 1
    F11 INVITE Proxy 1 -> Alice
    F12 200 OK Alice -> Proxy 1
    F13 200 OK Proxy 1 -> Bob
    F14 ACK Bob -> Proxy 1
    F15 ACK Proxy 1 -> Alice
    F16 INVITE Bob -> Proxy 1
    F17 INVITE Proxy 1 -> Alice
    F18 200 OK Alice -> Proxy 1
    F19 200 OK Proxy 1 -> Bob
    F20 ACK Bob -> Proxy 1
    F21 ACK Proxy 1 -> Alice
    F22 BYE Alice -> Proxy 1
    F23 BYE Proxy 1 -> Bob
    F24 200 OK Bob -> Proxy 1
    F25 200 OK Proxy 1 -> Alice
  ]]
  t:equal({ media.direction(F[11]), media.direction(F[12]) }, { "sendonly", "recvonly" }, "on hold (RFC 3264 8.4)")
  t:equal({ media.direction(F[17]), media.direction(F[18]) }, { "sendrecv", "sendrecv" }, "taken back")
  t:equal({ media.version(F[10]), media.version(F[16]) }, { media.version(F[6]) + 1, media.version(F[6]) + 2 })
  t:equal({ F[10].from_tag, F[10].to_tag }, { F[7].to_tag, F[1].from_tag })
  t:equal(F[16].cseq, F[10].cseq + 1)
  t:equal(F[10]:headers "Route", { ("<%s;lr>"):format(proxy1.uri) })
end)
