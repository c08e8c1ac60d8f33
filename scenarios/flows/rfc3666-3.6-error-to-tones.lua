-- RFC 3666 3.6: a call from the telephone network to Bob, who is busy everywhere: the gateway plays the tone. A 6xx ends the search of a
-- proxy, which knows another address of Bob here (RFC 3261 16.7). (F1, F9 to F11: ISUP and the tone.)
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3666 3.6: unsuccessful PSTN to SIP, SIP error interworking to tones", function(t)
  local bob = t:ua { name = "Bob", aor = "sip:bob@b.example.com" }
  local proxy1 = t:proxy { name = "Proxy 1", route = function(_, failed) return failed and "sip:bob@elsewhere.invalid" or bob end }
  local ngw1 = t:ua { name = "NGW 1", aor = "sip:+13145551111@ngw1.a.example.com", outbound_proxy = proxy1 }
  local wire = ladder.watch(t, { ngw1, proxy1, bob })

  local call = ngw1:invite("sip:+19725552222@ss1.a.example.com;user=phone")
  local at_bob = bob:incoming()
  at_bob:reply(100)
  at_bob:reject(600)
  call:expect(600)

  local F = wire:expect [[
    F2 INVITE NGW 1 -> Proxy 1
    F3 INVITE Proxy 1 -> Bob
    F4 100 Trying Bob -> Proxy 1
    F5 600 Busy Everywhere Bob -> Proxy 1
    F6 ACK Proxy 1 -> Bob
    F7 600 Busy Everywhere Proxy 1 -> NGW 1
    F8 ACK NGW 1 -> Proxy 1
  ]]
  t:equal(F[8].to_tag, F[5].to_tag)
end)
