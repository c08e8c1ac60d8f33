-- Connects two callees of SIPp, the --target and --set other=URI (RFC 3725 4.1, flow I): an INVITE without offer to the one, whose
-- offer goes to the other, whose answer goes back in the ACK.
local sip = require "sip"

sip.test("connects two others", { timeout = 60 }, function(t)
  local controller = t:ua { aor = "sip:controller@example.test" }

  local function one()
    local a = controller:invite(t:target(), { sdp = false, ack = false })
    local offer = a:expect(200).body
    local b = controller:invite(t.env.other, { sdp = offer })
    local answer = b:expect(200).body
    a:ack { content_type = "application/sdp", body = answer }
    t:sleep(0.5)
    a:bye():expect(200)
    b:bye():expect(200)
  end

  for n = 1, tonumber(t.env.calls) do
    t:spawn("call " .. n, one)
    t:sleep(1 / tonumber(t.env.rate))
  end
end)
