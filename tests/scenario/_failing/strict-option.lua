-- exit 1: left unread
-- with: --strict
local sip = require "sip"

sip.test("unread, and strict by the command line", function(t)
  local box, alice = t:endpoint { name = "box" }, t:ua { aor = "sip:alice@example.test" }
  alice:message(box, "hello")
  t:sleep(0.1)
end)
