-- A body without Content-Type (RFC 3261 20.15): some guess that it is SDP.
local sip = require "sip"
local probe = require "_probe"

sip.test("a body without Content-Type gets 400", function(t)
  local p = probe(t)
  local sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
  p:send(p:build("INVITE", { body = sdp, content_type = "application/sdp" }):remove_header("Content-Type").bytes)
  p:expect { right = { 400 }, tolerable = { "1xx", "2xx", 415, "policy" }, rfc = "RFC 3261 7.4.1, 20.15" }
  p:alive()
end)
