-- The same INVITE twice, 300 ms apart, as a lost response would have it: one transaction, one call (RFC 3261 17.2.1).
local sip = require "sip"
local probe = require "_probe"

sip.test("an INVITE that is repeated is answered as before, and is one call", function(t)
  local p = probe(t)
  local sdp = ("v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"):gsub("%%s", p.endpoint.host)
  local invite = p:send(p:build("INVITE", { body = sdp, content_type = "application/sdp" }).bytes)
  t:sleep(0.3)
  p.endpoint:send(invite, p.target)                      -- the same bytes
  local tags, count = {}, 0
  for _, response in ipairs(p:answer().all) do
    local tag = response.to_tag
    if tag and not tags[tag] then
      tags[tag] = true
      count = count + 1
    end
  end
  t:equal(count, 1, "To tags of the responses: each is a call")
  p:alive()
end)
