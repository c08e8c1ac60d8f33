-- exit 1: FILE:7: in the handler
local sip = require "sip"

sip.test("an error in a <close> handler of a serving task", function(t)
  t:serve("server", function()
    local _ <close> = setmetatable({}, { __close = function()
      error("in the handler")
    end })
    t:sleep(100)
  end)
  t:sleep(0.1)
end)
