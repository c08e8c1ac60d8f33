-- Calls the --target --set calls=N times, --set rate=R a second, and hangs up after half a second or --set talk=S.
local sip = require "sip"

sip.test("calls are answered", { timeout = 60 }, function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }

  local function one()
    local call = alice:invite(t:target())
    call:expect(180, { within = 30 })
    call:expect(200, { within = 30 })
    t:sleep(tonumber(t.env.talk or 0.5))
    call:bye():expect(200, { within = 30 })
    t:equal(call:ended(), "local BYE")
  end

  for n = 1, tonumber(t.env.calls) do
    t:spawn("call " .. n, one)
    t:sleep(1 / tonumber(t.env.rate))
  end
end)
