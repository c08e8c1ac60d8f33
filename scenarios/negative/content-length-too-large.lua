-- Content-Length says more than the datagram holds (RFC 3261 18.3).
local sip = require "sip"
local probe = require "_probe"

sip.test("a Content-Length beyond the end of the datagram gets 400", function(t)
  local p = probe(t)
  local request = p:build("OPTIONS", { body = "ten bytes.", content_type = "application/sdp", headers = { ["Content-Length"] = 500 } })
  p:send(request.bytes)
  p:expect { right = { 400 }, rfc = "RFC 3261 18.3" }
  p:alive()
end)
