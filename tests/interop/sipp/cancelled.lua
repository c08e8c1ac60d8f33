-- Rings and never answers: SIPp sends CANCEL, gets 487 and acknowledges it.
local sip = require "sip"

sip.test("calls that are given up", { timeout = 60 }, function(t)
  local bob = t:ua { aor = "sip:bob@example.test", address = t.env.address, port = tonumber(t.env.port) }

  local function ring(call)
    local invite = call.transaction
    call:ring()
    call:expect("CANCEL")
    t:equal(call:ended(), "CANCEL")
    invite:expect("ACK")                            -- to the 487
  end

  for n = 1, tonumber(t.env.calls) do
    local call = bob:incoming()
    t:spawn("call " .. n, function() ring(call) end)
  end
end)
