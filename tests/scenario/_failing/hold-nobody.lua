-- exit 1: FILE:6: t:hold: the test has no actor "bobby" (did you mean "bob"?)
local sip = require "sip"

sip.test("a hold of somebody who never comes", function(t)
  local _, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  t:hold { from = "bobby" }
  bob.endpoint:expect_none(0.1)
end)
