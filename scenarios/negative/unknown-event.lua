-- SUBSCRIBE to an event package that nobody knows (RFC 6665 4.2.1.1). A UA without SUBSCRIBE may say that.
local sip = require "sip"
local probe = require "_probe"

sip.test("an unknown event gets 489", function(t)
  local p = probe(t)
  p:send(p:build("SUBSCRIBE", { headers = { Event = "no-such-event", Expires = 60 } }).bytes)
  p:expect { right = { 489 }, tolerable = { 501, "policy" }, rfc = "RFC 6665 4.2.1.1" }
  p:alive()
end)
