-- exit 1: a call has no field or method "anwser"
-- says: did you mean "answer"
local sip = require "sip"

sip.test("a typing error in a field", function(t)
  local alice = t:ua { aor = "sip:a@example.test" }
  alice:invite("sip:198.18.9.9"):anwser()
end)
