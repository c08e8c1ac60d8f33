-- exit 3: 203.0.113.7
-- clock: real
local sip = require "sip"

sip.test("an address that is not local", function(t) t:endpoint { address = "203.0.113.7" } end)
