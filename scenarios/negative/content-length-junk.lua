-- A Content-Length with letters behind its digits (RFC 3261 25.1).
local sip = require "sip"
local probe = require "_probe"

sip.test("Content-Length: 10abc gets 400", function(t)
  local p = probe(t)
  local request = p:build("OPTIONS", { body = "ten bytes.", content_type = "application/sdp", headers = { ["Content-Length"] = "10abc" } })
  p:send(request.bytes)
  p:expect { right = { 400 }, rfc = "RFC 3261 25.1" }
  p:alive()
end)
