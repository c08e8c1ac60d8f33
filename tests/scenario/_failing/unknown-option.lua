-- exit 1: t:ua has no option "pasword" (did you mean "password"?)
-- says: FILE:6
local sip = require "sip"

sip.test("a typing error in an option", function(t)
  t:ua { aor = "sip:a@example.test", pasword = "x" }
end)
