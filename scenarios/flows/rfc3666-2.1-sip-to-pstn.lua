-- RFC 3666 2.1: Alice calls a telephone number. What goes on between the gateway and the telephone network is left out (F5, F6, F9: ISUP):
-- the gateway is a UA that plays the tones of the network in a 183 before it answers.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3666 2.1: successful SIP to ISUP PSTN call", function(t)
  local ngw1 = t:ua { name = "NGW 1", aor = "sip:ngw1@a.example.com" }
  local proxy1 = t:proxy { name = "Proxy 1", to = ngw1 }
  local alice = t:ua { name = "Alice", aor = "sip:alice@a.example.com", outbound_proxy = proxy1 }
  local wire = ladder.watch(t, { alice, proxy1, ngw1 })

  local call = alice:invite("sip:+19725552222@ss1.a.example.com;user=phone")
  local at_gateway = ngw1:incoming()
  at_gateway:reply(100)
  at_gateway:reply(183, { sdp = true })
  call:expect(183)
  at_gateway:answer()
  call:expect(200)
  at_gateway:expect("ACK")
  call:bye():expect(200)

  local F = wire:expect [[
    F1 INVITE Alice -> Proxy 1
    F2 100 Trying Proxy 1 -> Alice
    F3 INVITE Proxy 1 -> NGW 1
    F4 100 Trying NGW 1 -> Proxy 1
    F7 183 Session Progress NGW 1 -> Proxy 1
    F8 183 Session Progress Proxy 1 -> Alice
    F10 200 OK NGW 1 -> Proxy 1
    F11 200 OK Proxy 1 -> Alice
    F12 ACK Alice -> Proxy 1
    F13 ACK Proxy 1 -> NGW 1
    F14 BYE Alice -> Proxy 1
    F15 BYE Proxy 1 -> NGW 1
    F16 200 OK NGW 1 -> Proxy 1
    F17 200 OK Proxy 1 -> Alice
  ]]
  t:ok(F[8].body:find("m=audio", 1, true), "the tones, before the answer")
  t:equal(F[11].body, F[8].body, "the answer of the 200 is that of the 183 (RFC 3261 13.2.1)")
  t:equal(F[11].to_tag, F[8].to_tag)
  t:equal(F[14].cseq, F[1].cseq + 1)
end)
