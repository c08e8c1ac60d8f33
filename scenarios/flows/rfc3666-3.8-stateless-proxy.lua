-- RFC 3666 3.8: a call from the telephone network through a stateless proxy; Bob's telephone is off. No 100 comes, so that the gateway
-- repeats the INVITE, and the proxy, which remembers nothing, passes each on: with the same branch, or Bob would see several calls
-- (RFC 3261 16.11). Nothing may be cancelled, as no provisional came. (F1, F4 to F6: ISUP; the RFC leaves out the repetitions.)
local sip = require "sip"
local ladder = require "_ladder"

-- A proxy without transactions: what an endpoint gets and nobody claims goes on.
local function stateless_proxy(t, name, bob)
  local endpoint = t:endpoint { name = name }
  t:serve(name, function()
    for request in endpoint:messages() do
      local via = ("SIP/2.0/UDP %s;branch=z9hG4bK-stateless-%s"):format(endpoint.address, request.branch)
      local copy = request:remove_header("Route"):insert_header("Via", via, "Via")
      endpoint:send(copy:replace_header("Max-Forwards", tonumber(request["Max-Forwards"]) - 1), bob)
    end
  end)
  return endpoint
end

sip.test("RFC 3666 3.8: unsuccessful PSTN to SIP, ACM timeout, stateless proxy", function(t)
  local bob = t:endpoint { name = "Bob" }                 -- answers nothing
  local proxy1 = stateless_proxy(t, "Stateless Proxy 1", bob)
  local ngw1 = t:ua { name = "NGW 1", aor = "sip:+13145551111@ngw1.a.example.com", outbound_proxy = proxy1, timers = { T1 = 0.1 } }
  local wire = ladder.watch(t, { ngw1, proxy1, bob })

  local call = ngw1:invite("sip:+19725552222@ss1.a.example.com;user=phone")
  t:sleep(2)                                              -- until the switch gives up
  t:equal(call.retransmissions, 4, "at 0.1, 0.3, 0.7 and 1.5 s")

  local F = wire:expect [[
    F2 INVITE NGW 1 -> Stateless Proxy 1
    F3 INVITE Stateless Proxy 1 -> Bob
  ]]
  for _ = 0, call.retransmissions do t:equal(bob:take().bytes, F[3].bytes) end
end)
