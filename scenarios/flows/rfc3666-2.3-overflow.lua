-- RFC 3666 2.3: the first gateway has no line left and says 503: the proxy tries the second one. Alice learns nothing of it.
-- Between the gateways and the telephone network is nothing here (F7, F8, F11: ISUP).
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3666 2.3: successful SIP to ISUP PSTN call with overflow", function(t)
  local ngw1 = t:ua { name = "NGW 1", aor = "sip:ngw1@a.example.com" }
  local ngw2 = t:ua { name = "NGW 2", aor = "sip:ngw2@a.example.com" }
  local proxy1 = t:proxy { name = "Proxy 1", route = function(_, failed)
    if not failed then return ngw1 end
    if failed.status == 503 then return ngw2 end
  end }
  local alice = t:ua { name = "Alice", aor = "sip:alice@a.example.com", outbound_proxy = proxy1 }
  local wire = ladder.watch(t, { alice, proxy1, ngw1, ngw2 })

  local call = alice:invite("sip:+19725552222@ss1.a.example.com;user=phone")
  ngw1:incoming():reject(503)
  local at_gateway = ngw2:incoming()
  at_gateway:reply(183, { sdp = true })
  call:expect(183)
  at_gateway:answer()
  call:expect(200)
  at_gateway:expect("ACK")
  call:bye():expect(200)

  local F = wire:expect [[
    F1 INVITE Alice -> Proxy 1
    F2 INVITE Proxy 1 -> NGW 1
    F3 100 Trying Proxy 1 -> Alice
    F4 503 Service Unavailable NGW 1 -> Proxy 1
    F5 ACK Proxy 1 -> NGW 1
    F6 INVITE Proxy 1 -> NGW 2
    F9 183 Session Progress NGW 2 -> Proxy 1
    F10 183 Session Progress Proxy 1 -> Alice
    F12 200 OK NGW 2 -> Proxy 1
    F13 200 OK Proxy 1 -> Alice
    F14 ACK Alice -> Proxy 1
    F15 ACK Proxy 1 -> NGW 2
    F16 BYE Alice -> Proxy 1
    F17 BYE Proxy 1 -> NGW 2
    F18 200 OK NGW 2 -> Proxy 1
    F19 200 OK Proxy 1 -> Alice
  ]]
  t:ok(F[6].branch ~= F[2].branch, "a transaction of its own")
  t:equal({ F[6].call_id, F[6].cseq, F[6].from_tag }, { F[2].call_id, F[2].cseq, F[2].from_tag }, "of the same request")
  t:equal(F[6].request_uri, ngw2.contact)
  t:equal(call.challenges, 0)
end)
