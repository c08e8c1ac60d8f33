-- RFC 3666 2.7: it rings in the telephone network, nobody answers, and the gateway's timer ends the call with 480. (F2, F4 to F6, F9, F10
-- are ISUP; the RFC leaves out the 100.)
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3666 2.7: unsuccessful SIP to PSTN, ANM timeout", function(t)
  local ngw1 = t:ua { name = "NGW 1", aor = "sip:ngw1@a.example.com" }
  local proxy1 = t:proxy { name = "Proxy 1", to = ngw1 }
  local alice = t:ua { name = "Alice", aor = "sip:alice@a.example.com", outbound_proxy = proxy1 }
  local wire = ladder.watch(t, { alice, proxy1, ngw1 })

  local call = alice:invite("sip:+19725552222@ss1.a.example.com;user=phone")
  local at_gateway = ngw1:incoming()
  at_gateway:reply(183, { sdp = true })
  call:expect(183)
  t:sleep(2)                                              -- the timer of the gateway
  at_gateway:reject(480)
  call:expect(480)

  local F = wire:expect [[
    F1 INVITE Alice -> Proxy 1
    F3 INVITE Proxy 1 -> NGW 1
    F7 183 Session Progress NGW 1 -> Proxy 1
    F8 183 Session Progress Proxy 1 -> Alice
    F11 480 Temporarily Unavailable NGW 1 -> Proxy 1
    F12 ACK Proxy 1 -> NGW 1
    F13 480 Temporarily Unavailable Proxy 1 -> Alice
    F14 ACK Alice -> Proxy 1
  ]]
  t:equal(F[13].to_tag, F[8].to_tag)
end)
