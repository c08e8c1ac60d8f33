-- RFC 3665 3.6: a redirect server tells Alice where Bob is today; the proxy there stays on the way. Alice's INVITE has no session
-- description: Bob offers one in the 200, and Alice answers it in the ACK.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3665 3.6: session via redirect and proxy servers with SDP in ACK", function(t)
  local bob = t:ua { name = "Bob", aor = "sip:bob@chicago.example.com" }
  local proxy3 = t:proxy { name = "Proxy 3", to = bob }
  local redirect = t:endpoint { name = "Redirect Server" }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", outbound_proxy = redirect }
  local wire = ladder.watch(t, { alice, redirect, proxy3, bob })

  local asked = alice:invite("sip:bob@biloxi.example.com", { sdp = false })
  local st = redirect:incoming("INVITE")
  st:reply(302, { contact = ("<sip:bob@%s>"):format(proxy3.address) })
  asked:expect(302)
  st:expect("ACK")

  local call = asked:follow { sdp = false, headers = { Route = false }, destination = proxy3 }
  local at_bob = bob:incoming()
  at_bob:ring()
  call:expect(180)
  at_bob:answer()
  call:expect(200)
  at_bob:expect("ACK")
  at_bob:bye():expect(200)

  local F = wire:expect [[
    F1 INVITE Alice -> Redirect Server
    F2 302 Moved Temporarily Redirect Server -> Alice
    F3 ACK Alice -> Redirect Server
    F4 INVITE Alice -> Proxy 3
    F5 INVITE Proxy 3 -> Bob
    F6 100 Trying Proxy 3 -> Alice
    F7 180 Ringing Bob -> Proxy 3
    F8 180 Ringing Proxy 3 -> Alice
    F9 200 OK Bob -> Proxy 3
    F10 200 OK Proxy 3 -> Alice
    F11 ACK Alice -> Proxy 3
    F12 ACK Proxy 3 -> Bob
    F13 BYE Bob -> Proxy 3
    F14 BYE Proxy 3 -> Alice
    F15 200 OK Alice -> Proxy 3
    F16 200 OK Proxy 3 -> Bob
  ]]
  t:equal({ F[1].body, F[4].body }, { "", "" })
  t:equal(F[4].request_uri, sip.name_addr(F[2]["Contact"]).uri.raw)
  t:equal({ F[4].call_id, F[4].from_tag, F[4].cseq, F[4].to_tag }, { F[1].call_id, F[1].from_tag, F[1].cseq + 1, nil },
    "the same call, asked elsewhere (RFC 3261 8.1.3.4)")
  t:ok(F[10].body:find("m=audio", 1, true), "the offer")
  t:ok(F[12].body:find("m=audio", 1, true), "the answer")
end)
