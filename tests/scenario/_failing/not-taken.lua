-- exit 1: alice wanted 200 to its MESSAGE, got 405 Method Not Allowed (bob takes a MESSAGE only where a script line waits for it: bob:expect "MESSAGE"
local sip = require "sip"

sip.test("a phone that no line makes take messages", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  alice:message(bob, "hello"):expect(200)
end)
