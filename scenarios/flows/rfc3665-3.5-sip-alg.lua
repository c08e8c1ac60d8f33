-- RFC 3665 3.5: an application layer gateway stands between Alice and the world. It passes SIP on as a proxy, and puts its own address
-- into the session descriptions, so that the media go through it. Proxy 2 does not stay on the way.
local sip = require "sip"
local ladder = require "_ladder"

local media = { { address = "192.0.2.128", port = 2000 }, { address = "192.0.2.128", port = 1734 } } -- towards Bob, towards Alice

local function with_media(message, own)
  if message.body == "" then return message end
  local body = message.body:gsub("c=IN IP[46] [^\r\n]*", "c=IN IP4 " .. own.address):gsub("m=audio %d+", "m=audio " .. own.port)
  return message:with_body(body)
end

sip.test("RFC 3665 3.5: session through a SIP ALG", function(t)
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local proxy2 = t:proxy { name = "Proxy 2", to = bob, record_route = false }
  local alg = t:proxy { name = "ALG", next_hop = proxy2,
    rewrite = function(message) return with_media(message, message.is_request and media[1] or media[2]) end }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", outbound_proxy = alg }
  local wire = ladder.watch(t, { alice, alg, proxy2, bob })

  local call = alice:invite(bob.aor)
  local at_bob = bob:incoming()
  at_bob:ring()
  call:expect(180)
  at_bob:answer()
  call:expect(200)
  at_bob:expect("ACK")
  call:bye():expect(200)

  local F = wire:expect [[
    F1 INVITE Alice -> ALG
    F2 INVITE ALG -> Proxy 2
    F3 100 Trying ALG -> Alice
    F4 INVITE Proxy 2 -> Bob
    F5 100 Trying Proxy 2 -> ALG
    F6 180 Ringing Bob -> Proxy 2
    F7 180 Ringing Proxy 2 -> ALG
    F8 180 Ringing ALG -> Alice
    F9 200 OK Bob -> Proxy 2
    F10 200 OK Proxy 2 -> ALG
    F11 200 OK ALG -> Alice
    F12 ACK Alice -> ALG
    F13 ACK ALG -> Bob
    F14 BYE Alice -> ALG
    F15 BYE ALG -> Bob
    F16 200 OK Bob -> ALG
    F17 200 OK ALG -> Alice
  ]]
  local route = ("<%s;lr>"):format(alg.uri)
  t:equal(F[1]:headers "Route", { route }, "preloaded")
  t:equal(F[4]:headers "Record-Route", { route }, "of Proxy 2 there is none")
  t:equal(F[14]:headers "Route", { route })
  t:equal(F[2].body:match "m=audio (%d+)", "2000")
  t:equal(F[4].body, F[2].body)
  t:equal(F[11].body:match "m=audio (%d+)", "1734")
  t:equal(F[11].body:match "c=IN IP4 (%S+)", "192.0.2.128")
  t:ok(F[9].body ~= F[11].body)
  t:equal(F[2].call_id, F[1].call_id, "no B2BUA: one dialog")
end)
