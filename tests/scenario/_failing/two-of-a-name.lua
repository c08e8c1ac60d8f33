-- exit 2: there are two tests "same"
-- says: FILE:5
local sip = require "sip"
sip.test("same", function() end)
sip.test("same", function() end)
