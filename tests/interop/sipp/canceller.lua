-- Gives up calls that ring: CANCEL, 487, and the ACK that SIPp waits for.
local sip = require "sip"

sip.test("calls that are given up", { timeout = 60 }, function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }

  local function one()
    local call = alice:invite(t:target())
    call:expect(180)
    call:cancel()
    call:expect(487)
  end

  for n = 1, tonumber(t.env.calls) do
    t:spawn("call " .. n, one)
    t:sleep(1 / tonumber(t.env.rate))
  end
end)
