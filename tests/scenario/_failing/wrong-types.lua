-- exit 1: option "password" wants a string, got boolean
-- says: FILE:6
local sip = require "sip"

sip.test("a wrong type", function(t)
  t:ua { aor = "sip:a@example.test", password = true }
end)
