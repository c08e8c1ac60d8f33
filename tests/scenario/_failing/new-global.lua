-- exit 1: "cal" is not declared: write `local cal`
-- says: FILE:6
local sip = require "sip"

sip.test("a new global", function(t)
  cal = 1
end)
