-- exit 1: t has no endpiont (did you mean "t:endpoint"?)
local sip = require "sip"

sip.test("a typing error in a method", function(t)
  t:endpiont()
end)
