-- SIPp registers alice: challenged once each time, from one and the same contact.
local sip = require "sip"

sip.test("registrations with a password", { timeout = 60 }, function(t)
  local registrar = t:registrar { domain = "example.test", auth = { realm = "example.test", users = { alice = "alicepw" } },
    address = t.env.address, port = tonumber(t.env.port) }
  local seen = registrar.endpoint:watch()
  local granted = 0
  while granted < tonumber(t.env.calls) do
    if seen:take({ within = 30 }).status == 200 then granted = granted + 1 end
  end
  t:equal(registrar.server.challenges, granted)
  for _, why in ipairs(registrar.server.refusals) do t:equal(why, "missing") end
  t:ok(registrar:lookup "sip:alice@example.test", "alice is not registered")
end)
