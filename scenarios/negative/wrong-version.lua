-- SIP/2.1: the peer answers 505 and lives on (RFC 3261 21.5.6).
local sip = require "sip"
local probe = require "_probe"

sip.test("another version than SIP/2.0 gets 505", function(t)
  local p = probe(t)
  p:send(t:replace(p:build "OPTIONS", " SIP/2.0\r\nVia", " SIP/2.1\r\nVia")) -- the request line alone
  p:expect { right = { 505 }, rfc = "RFC 3261 21.5.6" }
  p:alive()
end)
