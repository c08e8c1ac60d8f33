-- A CSeq of 2**31: the number must be less (RFC 3261 8.1.1.5).
local sip = require "sip"
local probe = require "_probe"

sip.test("a CSeq of 2**31 gets 400", function(t)
  local p = probe(t)
  p:send(t:replace(p:build "OPTIONS", "CSeq: 1 OPTIONS", "CSeq: 2147483648 OPTIONS"))
  p:expect { right = { 400 }, rfc = "RFC 3261 8.1.1.5, 20.16" }
  p:alive()
end)
