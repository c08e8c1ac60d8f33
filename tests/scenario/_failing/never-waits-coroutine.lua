-- exit 1: without waiting
-- says: FILE:7
local sip = require "sip"

sip.test("a loop in a coroutine in a coroutine", { timeout = 0.5 }, function(t)
  coroutine.wrap(function() coroutine.wrap(function()
    while true do end
  end)() end)()
end)
