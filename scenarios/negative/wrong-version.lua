-- SIP/2.1: the peer answers 505 and lives on (RFC 3261 21.5.6).
local sip = require "sip"

sip.test("another version than SIP/2.0 gets 505", function(t)
  local target = t:target()
  local ua = t:ua { aor = "sip:probe@example.test" }
  local req = ua:build("OPTIONS", { uri = target })
  local bad = t:replace(req.bytes, " SIP/2.0\r\nVia", " SIP/2.1\r\nVia") -- the request line alone
  ua.endpoint:send(bad, target)
  t:equal(ua.endpoint:take { within = 2 }.status, 505)
  t:equal(ua:options(target):final().status, 200)
end)
