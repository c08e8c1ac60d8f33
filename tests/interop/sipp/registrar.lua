-- SIPp registers alice: challenged once each time, from one and the same contact.
local sip = require "sip"

sip.test("registrations with a password", { timeout = 60 }, function(t)
  local registrar = t:registrar { domain = "example.test", auth = { realm = "example.test", users = { alice = "alicepw" } },
    address = t.env.address, port = tonumber(t.env.port) }
  local seen = registrar.endpoint:watch()
  local granted, count = {}, 0
  while count < tonumber(t.env.calls) do
    local message = seen:take { within = 30 }
    if message.status == 200 and not granted[message.call_id] then -- the first time
      granted[message.call_id] = true
      count = count + 1
    end
  end
  t:sleep(0.5)                                      -- it may ask again
  t:equal(registrar.server.challenges, count)
  for _, why in ipairs(registrar.server.refusals) do t:equal(why, "missing") end
  t:ok(registrar:lookup "sip:alice@example.test", "alice is not registered")
end)
