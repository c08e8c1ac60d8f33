-- RFC 3665 3.2: Alice calls Bob through two proxies, of which the first wants her password. Both stay on the way.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3665 3.2: session establishment through two proxies", function(t)
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local proxy2 = t:proxy { name = "Proxy 2", to = bob }
  local proxy1 = t:proxy { name = "Proxy 1", next_hop = proxy2, auth = { realm = "atlanta.example.com", users = { alice = "secret" } } }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", password = "secret", outbound_proxy = proxy1 }
  local wire = ladder.watch(t, { alice, proxy1, proxy2, bob })

  local call = alice:invite(bob.aor)
  local at_bob = bob:incoming()
  at_bob:ring()
  call:expect(180)
  at_bob:answer()
  call:expect(200)
  at_bob:expect("ACK")
  at_bob:bye():expect(200)

  local F = wire:expect [[
    F1 INVITE Alice -> Proxy 1
    F2 407 Proxy Authentication Required Proxy 1 -> Alice
    F3 ACK Alice -> Proxy 1
    F4 INVITE Alice -> Proxy 1
    F5 INVITE Proxy 1 -> Proxy 2
    F6 100 Trying Proxy 1 -> Alice
    F7 INVITE Proxy 2 -> Bob
    F8 100 Trying Proxy 2 -> Proxy 1
    F9 180 Ringing Bob -> Proxy 2
    F10 180 Ringing Proxy 2 -> Proxy 1
    F11 180 Ringing Proxy 1 -> Alice
    F12 200 OK Bob -> Proxy 2
    F13 200 OK Proxy 2 -> Proxy 1
    F14 200 OK Proxy 1 -> Alice
    F15 ACK Alice -> Proxy 1
    F16 ACK Proxy 1 -> Proxy 2
    F17 ACK Proxy 2 -> Bob
    F18 BYE Bob -> Proxy 2
    F19 BYE Proxy 2 -> Proxy 1
    F20 BYE Proxy 1 -> Alice
    F21 200 OK Alice -> Proxy 1
    F22 200 OK Proxy 1 -> Proxy 2
    F23 200 OK Proxy 2 -> Bob
  ]]
  t:equal(F[3].branch, F[1].branch, "the ACK to a non-2xx belongs to the INVITE")
  t:equal(F[4].cseq, F[1].cseq + 1)
  t:equal(F[4].call_id, F[1].call_id)
  t:equal(F[4].to_tag, nil, "the tag of the 407 is no dialog's")
  t:equal(F[4]:credentials()[1].realm, "atlanta.example.com")
  local way = { ("<%s;lr>"):format(proxy2.uri), ("<%s;lr>"):format(proxy1.uri) }
  t:equal(F[7]:headers "Record-Route", way)
  t:equal(F[14]:headers "Record-Route", way)
  t:equal(F[15]:headers "Route", { way[2], way[1] })
  t:equal(F[16]:headers "Route", { way[1] })
  t:equal(F[17]:headers "Route", {})
  t:equal(F[18]:headers "Route", way)
  t:equal(F[7]["Max-Forwards"], "68")
  t:equal({ #F[7]:headers "Via", #F[14]:headers "Via" }, { 3, 1 })
end)
