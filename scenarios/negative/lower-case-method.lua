-- A method is case sensitive: options is not OPTIONS (RFC 3261 7.1).
local sip = require "sip"
local probe = require "_probe"

sip.test("the method options is unknown: 501", function(t)
  local p = probe(t)
  local request = t:replace(p:build "OPTIONS", "OPTIONS sip:", "options sip:")
  p:send(t:replace(request, "CSeq: 1 OPTIONS", "CSeq: 1 options"))
  p:expect { right = { 501 }, tolerable = { 405 }, rfc = "RFC 3261 7.1, 8.2.1" }
  p:alive()
end)
