-- exit 2: FILE:3:
local sip = require "sip"
sip.test("oops" function(t) end)
