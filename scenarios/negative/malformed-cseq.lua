-- A CSeq that is no number: the peer answers 400 and lives on (RFC 3261 8.1.1.5, 21.4.1).
local sip = require "sip"

sip.test("a malformed CSeq gets 400 and the target survives", function(t)
  local target = t:target()                                              -- --target, or a UA of our own
  local ua  = t:ua { aor = "sip:probe@example.test" }
  local req = ua:build("OPTIONS", { uri = target })                      -- valid, unsent
  local bad = t:replace(req.bytes, "CSeq: 1 OPTIONS", "CSeq: one OPTIONS") -- raises unless it matches exactly once
  ua.endpoint:send(bad, target)                                          -- these bytes and nothing else
  local res = ua.endpoint:take { within = 2 }                            -- what no transaction or dialog claimed
  t:equal(res.status, 400)
  t:equal(res["Call-ID"], req["Call-ID"])
  ua.endpoint:send(bad:sub(1, 40), target)                               -- truncated: no answer is due
  ua.endpoint:expect_none(1)
  t:equal(ua:options(target):final().status, 200)                        -- still alive
end)
