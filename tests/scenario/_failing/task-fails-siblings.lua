-- exit 1: bob gives up
-- says: alice closed in time
local sip = require "sip"

sip.test("siblings are cancelled and close", function(t)
  t:spawn("alice", function()
    local _ <close> = setmetatable({}, { __close = function() print("alice closed " .. (t:now() < 5 and "in time" or "late")) end })
    t:sleep(50)
  end)
  t:spawn("bob", function() t:sleep(0) t:fail("bob gives up") end)
  t:sleep(100)
end)
