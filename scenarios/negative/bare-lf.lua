-- Lines that end with LF alone (RFC 3261 7 wants CRLF): refused or read, but as a whole.
local sip = require "sip"
local probe = require "_probe"

sip.test("bare LF as line end gets 400, or is read", function(t)
  local p = probe(t)
  local sound = p:sound()
  p:send((p:build("OPTIONS").bytes:gsub("\r\n", "\n")))
  p:expect { right = { 400 }, tolerable = { sound }, rfc = "RFC 3261 7, 25.1" }
  p:alive()
end)
