-- A NUL in a header value, outside of quotes (RFC 3261 25.1): who reads C strings loses what stands behind it.
local sip = require "sip"
local probe = require "_probe"

sip.test("a NUL in a header gets 400, or does no harm", function(t)
  local p = probe(t)
  local sound = p:sound()
  p:send(p:build("OPTIONS", { headers = { Subject = "a\0b" } }).bytes)
  local answer = p:expect { right = { 400 }, tolerable = { sound }, rfc = "RFC 3261 25.1" }
  t:equal(answer.cseq, p.sent.cseq)                       -- it stands behind the NUL, and was read
  p:alive()
end)
