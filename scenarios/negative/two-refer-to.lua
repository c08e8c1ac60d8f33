-- Two Refer-To headers where one must stand (RFC 3515 2.4.2). A UA without REFER may say that.
local sip = require "sip"
local probe = require "_probe"

sip.test("a REFER with two Refer-To gets 400", function(t)
  local p = probe(t)
  local request = p:build("REFER", { headers = { { "Refer-To", "<sip:a@192.0.2.3>" }, { "Refer-To", "<sip:b@192.0.2.4>" } } })
  p:send(request.bytes)
  p:expect { right = { 400 }, tolerable = { 481, 501, "policy" }, rfc = "RFC 3515 2.4.2" }
  p:alive()
end)
