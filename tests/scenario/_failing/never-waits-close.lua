-- exit 1: without waiting
-- says: FILE:8
local sip = require "sip"

sip.test("a loop in a <close> handler", { timeout = 0.5 }, function(t)
  local ep = t:endpoint()
  local _ <close> = setmetatable({}, { __close = function()
    while true do end
  end })
  t:sleep(0.1)
end)
