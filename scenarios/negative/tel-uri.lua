-- A tel URI as Request-URI (RFC 3261 8.2.2.1, RFC 3966): not every element knows telephone numbers.
local sip = require "sip"
local probe = require "_probe"

sip.test("a tel Request-URI gets 416, or is handled", function(t)
  local p = probe(t)
  local sound = p:sound()
  local request = p:build "OPTIONS"
  p:send(t:replace(request, request.request_uri .. " SIP/2.0\r\n", "tel:+15551234 SIP/2.0\r\n"))
  p:expect { right = { 416 }, tolerable = { sound, "policy" }, rfc = "RFC 3261 8.2.2.1" }
  p:alive()
end)
