-- 2000 headers: no RFC limits them. They are read in linear time, or refused as too large (RFC 3261 21.5.7).
local sip = require "sip"
local probe = require "_probe"

sip.test("2000 headers are read, or refused with 513", function(t)
  local p = probe(t)
  local sound = p:sound()
  local headers = {}
  for i = 1, 2000 do headers[i] = { "X-h", "1" } end
  p:send(p:build("OPTIONS", { headers = headers }).bytes)
  p:expect { right = { sound, 513 }, tolerable = { 400 }, rfc = "RFC 3261 21.5.7" }
  p:alive()
end)
