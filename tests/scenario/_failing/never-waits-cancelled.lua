-- exit 1: without waiting
-- says: FILE:9
local sip = require "sip"

sip.test("a loop in the <close> handler of a serving task", { timeout = 0.5 }, function(t)
  t:serve("server", function()
    local _ <close> = setmetatable({}, { __close = function()
      local n = 0
      while true do n = n + 1 end
    end })
    t:sleep(100)
  end)
  t:sleep(0.1)
end)
