-- RFC 3665 3.10: Bob's telephone is off. Proxy 2 repeats the INVITE until timer B ends it, and says 480.
-- (A proxy that does not know better says 408, RFC 3261 16.8; this one knows that Bob is registered, and chose the RFC's words.)
-- Proxy 2 is impatient: T1 is 0.1 s in place of 0.5 s.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3665 3.10: unsuccessful no response from user agent", function(t)
  local bob = t:endpoint { name = "Bob" }                 -- answers nothing
  local proxy2 = t:proxy { name = "Proxy 2", timers = { T1 = 0.1 }, route = function(_, failed, st)
    if failed then st:reply(480, { reason = "No Response" }) end
    return bob
  end }
  local proxy1 = t:proxy { name = "Proxy 1", next_hop = proxy2 }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", outbound_proxy = proxy1 }
  local wire = ladder.watch(t, { alice, proxy1, proxy2, bob })

  local call = alice:invite("sip:bob@biloxi.example.com")
  call:expect(480, { within = 10 })
  while bob:take { within = 0, optional = true } do end   -- what nobody read there

  local F = wire:expect [[
    F1 INVITE Alice -> Proxy 1
    F2 INVITE Proxy 1 -> Proxy 2
    F3 100 Trying Proxy 1 -> Alice
    F4 INVITE Proxy 2 -> Bob
    F5 100 Trying Proxy 2 -> Proxy 1
    F6-F11 INVITE again Proxy 2 -> Bob
    F12 480 No Response Proxy 2 -> Proxy 1
    F13 ACK Proxy 1 -> Proxy 2
    F14 480 No Response Proxy 1 -> Alice
    F15 ACK Alice -> Proxy 1
  ]]
  t:near(F[12].time - F[4].time, 64 * 0.1, 0.5, "timer B")
end)
