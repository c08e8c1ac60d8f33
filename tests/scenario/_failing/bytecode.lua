-- exit 1: attempt to load a binary chunk (mode is
local sip = require "sip"

sip.test("bytecode", function(t)
  assert(load(string.dump(function() return 1 end), "x", "b"))
end)
