-- The built-in scenario "branchs" takes a REGISTER and an INVITE of one Call-ID; it answers those from a user "ua2".
local sip = require "sip"

sip.test("a REGISTER and a call in one Call-ID", { timeout = 60 }, function(t)
  local ua2 = t:ua { aor = "sip:ua2@example.test", outbound_proxy = t:target() }

  local function one()
    local registration = ua2:register { refresh = false }
    registration:expect(200)
    local call = ua2:invite("sip:ua1@example.test", { call_id = registration.request.call_id })
    call:expect(180)
    call:expect(200)
    t:sleep(0.5)
    call:bye():expect(200)
  end

  for n = 1, tonumber(t.env.calls) do
    t:spawn("call " .. n, one)
    t:sleep(1 / tonumber(t.env.rate))
  end
end)
