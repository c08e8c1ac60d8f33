-- exit 1: what: wanted { 1, a = "x" }, got { 1, a = "y" }
-- says: FILE:6
local sip = require "sip"

sip.test("tables that differ", function(t)
  t:equal({ 1, a = "y" }, { 1, a = "x" }, "what")
end)
