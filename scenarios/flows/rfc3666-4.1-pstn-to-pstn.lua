-- RFC 3666 4.1: from one gateway to another, SIP in between. The called side hangs up. (F1, F4, F5, F8, F9, F12, F15, F17: ISUP; the RFC leaves
-- out the 100, and gives the first gateway two names.)
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3666 4.1: successful ISUP PSTN to ISUP PSTN call", function(t)
  local gw2 = t:ua { name = "GW 2", aor = "sip:gw2@b.example.com" }
  local proxy1 = t:proxy { name = "Proxy 1", to = gw2 }
  local ngw1 = t:ua { name = "NGW 1", aor = "sip:+13145551111@ngw1.a.example.com", outbound_proxy = proxy1 }
  local wire = ladder.watch(t, { ngw1, proxy1, gw2 })

  local call = ngw1:invite("sip:+19185553333@ss1.a.example.com;user=phone")
  local at_gateway = gw2:incoming()
  at_gateway:reply(183, { sdp = true })
  call:expect(183)
  at_gateway:answer()
  call:expect(200)
  at_gateway:expect("ACK")
  at_gateway:bye():expect(200)

  local F = wire:expect [[
    F2 INVITE NGW 1 -> Proxy 1
    F3 INVITE Proxy 1 -> GW 2
    F6 183 Session Progress GW 2 -> Proxy 1
    F7 183 Session Progress Proxy 1 -> NGW 1
    F10 200 OK GW 2 -> Proxy 1
    F11 200 OK Proxy 1 -> NGW 1
    F13 ACK NGW 1 -> Proxy 1
    F14 ACK Proxy 1 -> GW 2
    F16 BYE GW 2 -> Proxy 1
    F18 BYE Proxy 1 -> NGW 1
    F19 200 OK NGW 1 -> Proxy 1
    F20 200 OK Proxy 1 -> GW 2
  ]]
  t:equal(F[11].body, F[7].body)
  t:equal(F[16]:headers "Route", { ("<%s;lr>"):format(proxy1.uri) })
end)
