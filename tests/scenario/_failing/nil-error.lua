-- exit 1: nil
local sip = require "sip"

sip.test("error with nil", function() error() end)
