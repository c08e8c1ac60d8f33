-- Calls SIPp by way of a proxy that stays on the way: SIPp copies Record-Route into its answers.
local sip = require "sip"

sip.test("calls by way of a proxy that record-routes", { timeout = 60 }, function(t)
  local edge = t:proxy { name = "edge", to = t:target() }
  local alice = t:ua { aor = "sip:alice@example.test", outbound_proxy = edge }

  local function one()
    local call = alice:invite "sip:bob@example.test"
    call:expect(180)
    call:expect(200)
    t:equal(call.dialog.route_set, { ("<%s;lr>"):format(edge.uri) })
    t:sleep(0.5)
    local bye = call:bye()
    bye:expect(200)
    t:equal(bye.request.request_uri, call.dialog.remote_target)
  end

  for n = 1, tonumber(t.env.calls) do
    t:spawn("call " .. n, one)
    t:sleep(1 / tonumber(t.env.rate))
  end
end)
