-- SIPp calls bob by way of a proxy that stays on the way: its ACK and BYE carry our Record-Route as Route.
local sip = require "sip"

sip.test("calls by way of a proxy that record-routes", { timeout = 60 }, function(t)
  local bob = t:ua { aor = "sip:bob@example.test" }
  local edge = t:proxy { name = "edge", to = bob, address = t.env.address, port = tonumber(t.env.port) }

  local function answer(call)
    call:ring()
    call:answer()
    local ack = call:expect("ACK")
    t:equal(#ack:headers "Via", 2)
    t:equal(ack["Route"], nil)
    t:equal(call.dialog.route_set, { ("<%s;lr>"):format(edge.uri) })
    t:equal(call:ended { within = 30 }, "remote BYE")
    t:sleep(0.5)                                    -- the proxy still relays the 200
  end

  for n = 1, tonumber(t.env.calls) do
    local call = bob:incoming()
    t:spawn("call " .. n, function() answer(call) end)
  end
end)
