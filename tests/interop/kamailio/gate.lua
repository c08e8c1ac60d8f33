-- What a proxy may answer at once: it scripts its answer by the user called. --target its URI.
local sip = require "sip"

local function phone(t)
  return t:ua { aor = "sip:alice@example.test", outbound_proxy = t:target() }
end

sip.test("final answers: each is acknowledged and none comes twice", function(t)
  local alice = phone(t)
  for _, status in ipairs { 302, 400, 403, 404, 480, 486, 500, 503, 603 } do
    local call = alice:invite(("sip:%d@example.test"):format(status))
    t:equal(call:final().status, status)
    t:equal(call.response.locally, false)
  end
  local moved = alice:invite("sip:302@example.test"):expect(302)
  t:equal(#moved:headers "Contact", 2)
  t:equal(alice:invite("sip:503@example.test"):expect(503)["Retry-After"], "5")
  t:sleep(1.5)                                      -- timer G would have repeated what was not acknowledged
  t:equal(alice.endpoint:counters().unclaimed or 0, 0)
end)

sip.test("it rings, then it is busy", function(t)
  local call = phone(t):invite("sip:ring-486@example.test")
  call:expect(180)
  call:expect(486)
end)

sip.test("it rings for ever: CANCEL ends it with 487", function(t)
  local call = phone(t):invite("sip:ringing@example.test")
  call:expect(180)
  t:sleep(0.5)
  call:cancel()
  t:equal(call:final { within = 5 }.status, 487)
end)

sip.test("100 and nothing more: the INVITE is not repeated, CANCEL ends it", function(t)
  local call = phone(t):invite("sip:trying@example.test")
  call:expect(100)
  t:sleep(2)
  t:equal(call.retransmissions, 0)
  call:cancel()
  t:equal(call:final { within = 5 }.status, 487)
end)

sip.test("an offer without a codec of the proxy's list: 488 with a Warning", function(t)
  local sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 20000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n"
  local refused = phone(t):invite("sip:bob@example.test", { sdp = sdp }):expect(488)
  t:ok(refused["Warning"]:find("305", 1, true), refused["Warning"])
end)

sip.test("a source address that is not on the list: 403", function(t)
  if t:target():find("[", 1, true) then t:skip "IPv6 has one loopback address" end
  local stranger = t:ua { aor = "sip:alice@example.test", name = "stranger", address = "127.0.0.66", outbound_proxy = t:target() }
  local refused = stranger:invite("sip:bob@example.test"):expect(403)
  t:ok(refused["Warning"]:find("source", 1, true), refused["Warning"])
end)
