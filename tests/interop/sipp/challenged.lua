-- SIPp answers the 407 of our proxy, and is connected.
local sip = require "sip"

sip.test("each call is challenged once", { timeout = 60 }, function(t)
  local bob = t:ua { aor = "sip:bob@example.test" }
  local edge = t:proxy { name = "edge", to = bob, address = t.env.address, port = tonumber(t.env.port),
    auth = { realm = "example.test", users = { alice = "alicepw" } } }

  local function answer(call)
    call:ring()
    call:answer()
    call:expect("ACK")
    t:equal(call:ended { within = 30 }, "remote BYE")
    t:sleep(0.5)                                    -- the proxy still relays the 200
  end

  for n = 1, tonumber(t.env.calls) do
    local call = bob:incoming()
    t:equal(call.invite["Proxy-Authorization"], nil, "the proxy took them")
    t:spawn("call " .. n, function() answer(call) end)
  end
  t:equal(edge.challenges, tonumber(t.env.calls))
  for _, why in ipairs(edge.refusals) do t:equal(why, "missing") end
end)
