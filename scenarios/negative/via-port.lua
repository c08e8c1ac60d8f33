-- A Via with a port that no port can be: an answer, if any, goes where the request came from (RFC 3261 18.2.2).
local sip = require "sip"
local probe = require "_probe"

sip.test("port 70000 in Via gets 400 or nothing", function(t)
  local p = probe(t)
  local request = p:build "OPTIONS"
  local via = ("SIP/2.0/UDP %s:70000;branch=%s"):format(p.endpoint.host, request.branch)
  p:send(request:replace_header("Via", via).bytes)
  p:expect { right = { 400 }, tolerable = { "silence" }, rfc = "RFC 3261 20.42, 18.2.2" }
  p:alive()
end)
