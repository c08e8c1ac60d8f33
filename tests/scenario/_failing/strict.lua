-- exit 1: left unread
-- says: box: 1 message unread
-- says: MESSAGE sip:
local sip = require "sip"

sip.test("unread, and strict", { strict = true }, function(t)
  local box, alice = t:endpoint { name = "box" }, t:ua { aor = "sip:alice@example.test" }
  alice:message(box, "hello")
  t:sleep(0.1)
end)
