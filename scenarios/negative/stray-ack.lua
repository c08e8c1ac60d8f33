-- An ACK that acknowledges nothing. Whoever answers it can be used against others (RFC 3261 17.1.1.3).
local sip = require "sip"
local probe = require "_probe"

sip.test("a stray ACK is not answered", function(t)
  local p = probe(t)
  p:send(p:build("ACK").bytes)
  p:expect { right = { "silence" }, rfc = "RFC 3261 17, 13.2.2.4" }
  p:alive()
end)
