-- RFC 3666 3.2: a call from the telephone network to Bob, who answers without ringing. (F1, F9 to F11: ISUP; the BYE comes from there.)
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3666 3.2: successful PSTN to SIP call, fast answer", function(t)
  local bob = t:ua { name = "Bob", aor = "sip:bob@b.example.com" }
  local proxy1 = t:proxy { name = "Proxy 1", to = bob }
  local ngw1 = t:ua { name = "NGW 1", aor = "sip:+13145551111@ngw1.a.example.com", outbound_proxy = proxy1 }
  local wire = ladder.watch(t, { ngw1, proxy1, bob })

  local call = ngw1:invite("sip:+19725552222@ss1.a.example.com;user=phone")
  local at_bob = bob:incoming()
  at_bob:answer()
  call:expect(200)
  at_bob:expect("ACK")
  call:bye():expect(200)

  local F = wire:expect [[
    F2 INVITE NGW 1 -> Proxy 1
    F3 INVITE Proxy 1 -> Bob
    F4 100 Trying Proxy 1 -> NGW 1
    F5 200 OK Bob -> Proxy 1
    F6 200 OK Proxy 1 -> NGW 1
    F7 ACK NGW 1 -> Proxy 1
    F8 ACK Proxy 1 -> Bob
    F12 BYE NGW 1 -> Proxy 1
    F13 BYE Proxy 1 -> Bob
    F14 200 OK Bob -> Proxy 1
    F15 200 OK Proxy 1 -> NGW 1
  ]]
  t:equal(F[3].request_uri, bob.contact, "the number was Bob's")
  t:equal(F[8].request_uri, bob.contact)
end)
