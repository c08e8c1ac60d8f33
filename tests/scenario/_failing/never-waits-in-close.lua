-- exit 1: without waiting
-- says: FILE:8
local sip = require "sip"

sip.test("a loop in what coroutine.close closes", { timeout = 0.5 }, function(t)
  local co = coroutine.create(function()
    local _ <close> = setmetatable({}, { __close = function()
      while true do end
    end })
    coroutine.yield()
  end)
  coroutine.resume(co)
  coroutine.close(co)
end)
