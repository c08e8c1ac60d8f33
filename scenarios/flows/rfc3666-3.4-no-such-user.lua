-- RFC 3666 3.4: a call from the telephone network to a number that nobody has: the proxy says 604 itself, and the gateway tells its switch.
-- (F1, F5: ISUP. The RFC writes Alice for the gateway in F2.)
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3666 3.4: unsuccessful PSTN to SIP, SIP error mapped to REL", function(t)
  local proxy1 = t:proxy { name = "Proxy 1", route = function(_, _, st) st:reply(604) end }
  local gw1 = t:ua { name = "GW 1", aor = "sip:+13145551111@gw1.a.example.com", outbound_proxy = proxy1 }
  local wire = ladder.watch(t, { gw1, proxy1 })

  gw1:invite("sip:+19725559999@ss1.a.example.com;user=phone"):expect(604)

  local F = wire:expect [[
    F2 INVITE GW 1 -> Proxy 1
    F3 604 Does Not Exist Anywhere Proxy 1 -> GW 1
    F4 ACK GW 1 -> Proxy 1
  ]]
  t:equal(F[4].branch, F[2].branch)
end)
