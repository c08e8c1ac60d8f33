-- RFC 5359 2.2: Bob holds the call with Alice, asks Carol something, and goes on with Alice.
-- The numbers are ours; the figure of the RFC was not at hand.
local sip = require "sip"
local ladder = require "_ladder"
local media = require "_media"

sip.test("RFC 5359 2.2: consultation hold", function(t)
  local bob, carol
  local proxy = t:proxy { name = "Proxy", route = function(request) return request.request_uri:find "carol" and carol or bob end }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", outbound_proxy = proxy }
  bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com", outbound_proxy = proxy }
  carol = t:ua { name = "Carol", aor = "sip:carol@chicago.example.com", outbound_proxy = proxy }
  local wire = ladder.watch(t, { alice, proxy, bob, carol })

  local call = alice:invite(bob.aor)
  local at_bob = bob:incoming()
  at_bob:ring()
  call:expect(180)
  at_bob:answer()
  call:expect(200)
  at_bob:expect("ACK")

  at_bob:hold():expect(200)
  call:expect("ACK")
  local consultation = bob:invite(carol.aor)
  local at_carol = carol:incoming()
  at_carol:ring()
  consultation:expect(180)
  at_carol:answer()
  consultation:expect(200)
  at_carol:expect("ACK")
  consultation:bye():expect(200)
  at_bob:resume():expect(200)
  call:expect("ACK")
  call:bye():expect(200)

  local F = wire:expect [[
    F1 INVITE Alice -> Proxy
    F2 INVITE Proxy -> Bob
    F3 100 Trying Proxy -> Alice
    F4 180 Ringing Bob -> Proxy
    F5 180 Ringing Proxy -> Alice
    F6 200 OK Bob -> Proxy
    F7 200 OK Proxy -> Alice
    F8 ACK Alice -> Proxy
    F9 ACK Proxy -> Bob
    F10 INVITE Bob -> Proxy
    F11 INVITE Proxy -> Alice
    F12 200 OK Alice -> Proxy
    F13 200 OK Proxy -> Bob
    F14 ACK Bob -> Proxy
    F15 ACK Proxy -> Alice
    F16 INVITE Bob -> Proxy
    F17 INVITE Proxy -> Carol
    F18 100 Trying Proxy -> Bob
    F19 180 Ringing Carol -> Proxy
    F20 180 Ringing Proxy -> Bob
    F21 200 OK Carol -> Proxy
    F22 200 OK Proxy -> Bob
    F23 ACK Bob -> Proxy
    F24 ACK Proxy -> Carol
    F25 BYE Bob -> Proxy
    F26 BYE Proxy -> Carol
    F27 200 OK Carol -> Proxy
    F28 200 OK Proxy -> Bob
    F29 INVITE Bob -> Proxy
    F30 INVITE Proxy -> Alice
    F31 200 OK Alice -> Proxy
    F32 200 OK Proxy -> Bob
    F33 ACK Bob -> Proxy
    F34 ACK Proxy -> Alice
    F35 BYE Alice -> Proxy
    F36 BYE Proxy -> Bob
    F37 200 OK Bob -> Proxy
    F38 200 OK Proxy -> Alice
  ]]
  t:equal({ media.direction(F[11]), media.direction(F[12]) }, { "sendonly", "recvonly" })
  t:equal({ media.direction(F[30]), media.direction(F[31]) }, { "sendrecv", "sendrecv" })
  t:ok(F[17].call_id ~= F[1].call_id, "two dialogs")
  t:equal(F[29].call_id, F[1].call_id)
end)
