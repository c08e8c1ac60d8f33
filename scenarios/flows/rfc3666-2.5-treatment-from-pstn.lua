-- RFC 3666 2.5: the number does not exist. The telephone network says so with an announcement in the 183; Alice hears it and hangs up,
-- which before an answer is a CANCEL. (F5, F6, F13, F14: ISUP.)
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3666 2.5: unsuccessful SIP to PSTN call, treatment from PSTN", function(t)
  local ngw1 = t:ua { name = "NGW 1", aor = "sip:ngw1@a.example.com" }
  local proxy1 = t:proxy { name = "Proxy 1", to = ngw1 }
  local alice = t:ua { name = "Alice", aor = "sip:alice@a.example.com", outbound_proxy = proxy1 }
  local wire = ladder.watch(t, { alice, proxy1, ngw1 })

  local call = alice:invite("sip:+19725552222@ss1.a.example.com;user=phone")
  local at_gateway = ngw1:incoming()
  at_gateway:reply(100)
  at_gateway:reply(183, { sdp = true })
  call:expect(183)
  t:sleep(2)                                              -- "the number you have dialled ..."
  call:cancel()
  at_gateway:expect("CANCEL")
  call:expect(487)

  local F = wire:expect [[
    F1 INVITE Alice -> Proxy 1
    F2 100 Trying Proxy 1 -> Alice
    F3 INVITE Proxy 1 -> NGW 1
    F4 100 Trying NGW 1 -> Proxy 1
    F7 183 Session Progress NGW 1 -> Proxy 1
    F8 183 Session Progress Proxy 1 -> Alice
    F9 CANCEL Alice -> Proxy 1
    F10 200 OK Proxy 1 -> Alice
    F11 CANCEL Proxy 1 -> NGW 1
    F12 200 OK NGW 1 -> Proxy 1
    F15 487 Request Terminated NGW 1 -> Proxy 1
    F16 ACK Proxy 1 -> NGW 1
    F17 487 Request Terminated Proxy 1 -> Alice
    F18 ACK Alice -> Proxy 1
  ]]
  t:equal(F[11].request_uri, F[3].request_uri, "a CANCEL goes where its INVITE went (RFC 3261 9.1)")
  t:equal(F[17].to_tag, F[8].to_tag)
end)
