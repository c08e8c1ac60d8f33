-- exit 1: within wants seconds from 0 on, got -1
-- says: FILE:5
local sip = require "sip"

sip.test("a negative time", function(t) t:endpoint():take { within = -1 } end)
