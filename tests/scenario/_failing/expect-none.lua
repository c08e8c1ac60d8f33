-- exit 1: box wanted nothing for 1 s, got MESSAGE
local sip = require "sip"

sip.test("something where nothing should be", function(t)
  local box, alice = t:endpoint { name = "box" }, t:ua { aor = "sip:alice@example.test" }
  alice:message(box, "hello")
  box:expect_none(1)
end)
