-- SIPp's credentials are refused, for --set reason=WORD: "wrong" (the password) or "uri" (signed for another Request-URI).
local sip = require "sip"

sip.test("registrations that are refused", { timeout = 60 }, function(t)
  local registrar = t:registrar { domain = "example.test", auth = { realm = "example.test", users = { alice = "alicepw" } },
    address = t.env.address, port = tonumber(t.env.port) }
  local server, calls = registrar.server, tonumber(t.env.calls)
  while server.challenges < 2 * calls do t:sleep(0.1) end
  t:sleep(0.5)                                      -- it may ask again
  local reasons = {}
  for _, why in ipairs(server.refusals) do reasons[why] = (reasons[why] or 0) + 1 end
  t:equal(reasons, { missing = calls, [t.env.reason] = calls })
  t:equal(registrar:knows "sip:alice@example.test", false)
end)
