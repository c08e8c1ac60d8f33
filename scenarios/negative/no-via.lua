-- A request without Via: an answer can go to where it came from, or nowhere (RFC 3261 8.1.1.7, 18.2.2).
local sip = require "sip"
local probe = require "_probe"

sip.test("a request without Via is dropped or gets 400", function(t)
  local p = probe(t)
  p:send(p:build("OPTIONS"):remove_header("Via").bytes)
  p:expect { right = { 400 }, tolerable = { "silence" }, rfc = "RFC 3261 8.1.1.7, 18.2.2" }
  p:alive()
end)
