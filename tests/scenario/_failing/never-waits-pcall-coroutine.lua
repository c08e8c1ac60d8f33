-- exit 1: without waiting
local sip = require "sip"

sip.test("loops of coroutines that catch everything", { timeout = 0.5 }, function(t)
  while true do
    pcall(coroutine.wrap(function()
      while true do pcall(function() while true do end end) end
    end))
  end
end)
