-- exit 1: "cal" is not defined
-- says: FILE:6
local sip = require "sip"

sip.test("a global that is not there", function(t)
  cal = cal or 1
end)
