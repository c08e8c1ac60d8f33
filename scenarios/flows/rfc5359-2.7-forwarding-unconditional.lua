-- RFC 5359 2.7: Bob forwards all calls to a telephone number behind a gateway. The proxy tells Alice with a 181.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 5359 2.7: call forwarding unconditional", function(t)
  local gateway = t:ua { name = "Gateway", aor = "sip:+19727293660@gw1.example.com" }
  local proxy = t:proxy { name = "Proxy", route = function(_, failed, st)
    if failed then return end
    st:reply(100)
    st:reply(181)
    return gateway
  end }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", outbound_proxy = proxy }
  local wire = ladder.watch(t, { alice, proxy, gateway })

  local call = alice:invite("sip:bob@biloxi.example.com")
  local at_gateway = gateway:incoming()
  call:expect(181)
  at_gateway:ring()
  call:expect(180)
  at_gateway:answer()
  call:expect(200)
  at_gateway:expect("ACK")
  call:bye():expect(200)

  local F = wire:expect [[
    F1 INVITE Alice -> Proxy
    F2 100 Trying Proxy -> Alice
    F3 181 Call Is Being Forwarded Proxy -> Alice
    F4 INVITE Proxy -> Gateway
    F5 180 Ringing Gateway -> Proxy
    F6 180 Ringing Proxy -> Alice
    F7 200 OK Gateway -> Proxy
    F8 200 OK Proxy -> Alice
    F9 ACK Alice -> Proxy
    F10 ACK Proxy -> Gateway
    F11 BYE Alice -> Proxy
    F12 BYE Proxy -> Gateway
    F13 200 OK Gateway -> Proxy
    F14 200 OK Proxy -> Alice
  ]]
  t:equal(F[1].request_uri, "sip:bob@biloxi.example.com")
  t:equal(F[4].request_uri, gateway.contact)
  t:equal(F[4]["To"], F[1]["To"], "To says still whom Alice called")
  t:equal(F[9].to_tag, F[8].to_tag, "the dialog is the gateway's, the 181 was of another")
end)
