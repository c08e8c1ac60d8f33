-- exit 1: the script raised a table
local sip = require "sip"

sip.test("error with a table", function() error({ code = 7 }) end)
