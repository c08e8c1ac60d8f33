-- A CSeq with another method than the request line (RFC 3261 8.1.1.5).
local sip = require "sip"
local probe = require "_probe"

sip.test("OPTIONS with a CSeq of INVITE gets 400", function(t)
  local p = probe(t)
  p:send(t:replace(p:build "OPTIONS", "CSeq: 1 OPTIONS", "CSeq: 1 INVITE"))
  p:expect { right = { 400 }, rfc = "RFC 3261 8.1.1.5" }
  p:alive()
end)
