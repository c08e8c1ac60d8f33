-- exit 1: without waiting
-- says: FILE:
local sip = require "sip"

sip.test("a loop that catches everything", { timeout = 0.5 }, function(t)
  while true do pcall(function() while true do end end) end
end)
