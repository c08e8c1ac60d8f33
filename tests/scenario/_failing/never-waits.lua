-- exit 1: without waiting
-- says: FILE:7
local sip = require "sip"

sip.test("a loop", { timeout = 0.5 }, function(t)
  local n = 0
  while true do n = n + 1 end
end)
