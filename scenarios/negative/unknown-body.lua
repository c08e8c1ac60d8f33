-- An INVITE with a body of an unknown type (RFC 3261 8.2.3).
local sip = require "sip"
local probe = require "_probe"

sip.test("a body that nobody understands gets 415 with Accept", function(t)
  local p = probe(t)
  p:send(p:build("INVITE", { body = "<x/>", content_type = "application/nonsense" }).bytes)
  p:expect { right = { 415 }, tolerable = { "policy" }, rfc = "RFC 3261 8.2.3" }
  p:alive()
end)
