-- A multipart body whose Content-Type names no boundary (RFC 2046 5.1.1).
local sip = require "sip"
local probe = require "_probe"

sip.test("multipart without boundary gets 400 or 415", function(t)
  local p = probe(t)
  p:send(p:build("INVITE", { body = "--x\r\n\r\nhi\r\n--x--\r\n", content_type = "multipart/mixed" }).bytes)
  p:expect { right = { 400, 415 }, tolerable = { "policy" }, rfc = "RFC 2046 5.1.1" }
  p:alive()
end)
