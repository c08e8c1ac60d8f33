-- Empty lines before the request line are ignored (RFC 3261 7.5).
local sip = require "sip"
local probe = require "_probe"

sip.test("CRLF before a request does no harm", function(t)
  local p = probe(t)
  local sound = p:sound()
  p:send("\r\n\r\n" .. p:build("OPTIONS").bytes)
  p:expect { right = { sound }, rfc = "RFC 3261 7.5" }
  p:alive()
end)
