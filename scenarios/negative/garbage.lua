-- Datagrams that are hardly SIP: none may be answered with nonsense, none may end the peer.
local sip = require "sip"

local function probe(t)
  local ua = t:ua { aor = "sip:probe@example.test" }
  return ua, ua.endpoint, t:target()
end

-- The peer may keep silent, or refuse what it can read; it must live.
local function refused_or_silent(t, ua, endpoint, target)
  while true do
    local answer = endpoint:take { within = 0.5, optional = true }
    if not answer then break end
    t:ok(answer.status >= 400, ("wanted silence or a refusal, got %s"):format(answer))
  end
  t:equal(ua:options(target):final().status, 200)
end

sip.test("bytes that are not SIP at all", function(t)
  local ua, endpoint, target = probe(t)
  endpoint:send("\0\1\2\255 not SIP", target)
  endpoint:send("GET / HTTP/1.1\r\nHost: example.test\r\n\r\n", target)
  endpoint:send("", target)
  endpoint:send("\r\n\r\n", target)                  -- a keep-alive of RFC 5626
  refused_or_silent(t, ua, endpoint, target)
end)

sip.test("a message cut off at every header", function(t)
  local ua, endpoint, target = probe(t)
  local whole = ua:build("OPTIONS", { uri = target }).bytes
  for at in whole:gmatch "()\r\n" do
    endpoint:send(whole:sub(1, at - 1), target)
  end
  refused_or_silent(t, ua, endpoint, target)
end)

sip.test("a header of 60 kB of commas", function(t)
  local ua, endpoint, target = probe(t)
  local req = ua:build("OPTIONS", { uri = target, headers = { { "Supported", (","):rep(60000) } } })
  endpoint:send(req, target)
  local answer = endpoint:take { within = 2, optional = true }
  if answer then t:ok(answer.status, "wanted a response") end
  refused_or_silent(t, ua, endpoint, target)
end)
