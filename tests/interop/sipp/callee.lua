-- Answers --set calls=N at --set address=A, --set port=P; each is acknowledged, and the caller hangs up.
-- --set linger=S: seconds to stay behind the end of each.
local sip = require "sip"

sip.test("calls that come are answered", { timeout = 60 }, function(t)
  local bob = t:ua { aor = "sip:bob@example.test", address = t.env.address, port = tonumber(t.env.port) }

  local function answer(call)
    call:ring()
    call:answer()
    call:expect("ACK", { within = 30 })
    t:equal(call:ended { within = 30 }, "remote BYE")
    t:sleep(tonumber(t.env.linger or 0))            -- its BYE may come again
  end

  for n = 1, tonumber(t.env.calls) do
    local call = bob:incoming()
    t:spawn("call " .. n, function() answer(call) end)
  end
end)
