-- exit 1: without waiting
local sip = require "sip"

-- Matching is C: no hook of Lua's reaches it. It ends by itself here, and the next instruction is stopped.
sip.test("a pattern that takes long, again and again", { timeout = 0.5 }, function(t)
  local s = ("a"):rep(200)
  while true do s:find(".-.-b") end
end)
