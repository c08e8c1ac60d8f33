-- RFC 3665 3.4: Proxy 1 is dead. Alice repeats the INVITE until timer B ends it, and tries Proxy 2.
-- Proxy 2 answers for both domains' users, here with one realm. Alice is impatient: T1 is 0.1 s in place of 0.5 s.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3665 3.4: successful session with proxy failure", function(t)
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local proxy1 = t:proxy { name = "Proxy 1", silent = true }
  local proxy2 = t:proxy { name = "Proxy 2", to = bob, auth = { realm = "biloxi.example.com", users = { alice = "secret" } } }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", password = "secret", outbound_proxy = proxy1,
    timers = { T1 = 0.1 } }
  local secondary = t:ua { endpoint = alice.endpoint, aor = alice.aor, password = "secret", outbound_proxy = proxy2 }
  local wire = ladder.watch(t, { alice, proxy1, proxy2, bob })

  local dead = alice:invite(bob.aor):final()
  t:equal(dead.status, 408)
  t:equal(dead.cause, "timer B")
  local call = secondary:invite(bob.aor)
  local at_bob = bob:incoming()
  at_bob:ring()
  call:expect(180)
  at_bob:answer()
  call:expect(200)
  at_bob:expect("ACK")
  at_bob:bye():expect(200)

  local F = wire:expect [[
    F1 INVITE Alice -> Proxy 1
    F2-F7 INVITE again Alice -> Proxy 1
    F8 INVITE Alice -> Proxy 2
    F9 407 Proxy Authentication Required Proxy 2 -> Alice
    F10 ACK Alice -> Proxy 2
    F11 INVITE Alice -> Proxy 2
    F12 INVITE Proxy 2 -> Bob
    F13 100 Trying Proxy 2 -> Alice
    F14 180 Ringing Bob -> Proxy 2
    F15 180 Ringing Proxy 2 -> Alice
    F16 200 OK Bob -> Proxy 2
    F17 200 OK Proxy 2 -> Alice
    F18 ACK Alice -> Proxy 2
    F19 ACK Proxy 2 -> Bob
    F20 BYE Bob -> Proxy 2
    F21 BYE Proxy 2 -> Alice
    F22 200 OK Alice -> Proxy 2
    F23 200 OK Proxy 2 -> Bob
  ]]
  t:near(F[8].time - F[1].time, 64 * 0.1, 0.5, "timer B")
  t:equal(F[11].cseq, F[8].cseq + 1)
  t:equal(F[11]:credentials()[1].realm, "biloxi.example.com")
  t:equal(F[18]:headers "Route", { ("<%s;lr>"):format(proxy2.uri) })
end)
