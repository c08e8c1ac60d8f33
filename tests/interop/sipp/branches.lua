-- The built-in scenario "branchc": a REGISTER, then an INVITE with the same Call-ID and CSeq number, from another tag and to nobody
-- whom we know. Both are requests outside of any dialog, and neither is a repetition of the other.
local sip = require "sip"

sip.test("a REGISTER and a call in one Call-ID", { timeout = 60 }, function(t)
  local server = t:ua { aor = "sip:ua2@ca.cym.com", address = t.env.address, port = tonumber(t.env.port) }
  local registered = {}

  t:spawn("registrar", function()
    for _ = 1, tonumber(t.env.calls) do
      local st = server:expect "REGISTER"
      registered[st.request.call_id] = true
      st:reply(200, { headers = { { "Contact", st.request["Contact"] .. ";expires=300" } } })
    end
  end)

  local function answer(call)
    t:ok(registered[call.invite.call_id], "a call without a REGISTER before it")
    call:ring()
    call:answer()
    call:expect("ACK")
    t:equal(call:ended { within = 30 }, "remote BYE")
  end

  for n = 1, tonumber(t.env.calls) do
    local call = server:incoming()
    t:spawn("call " .. n, function() answer(call) end)
  end
end)
