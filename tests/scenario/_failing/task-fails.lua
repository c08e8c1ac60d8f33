-- exit 1: FILE:7: the error
-- says: meanwhile the test waits at FILE:9
local sip = require "sip"

sip.test("an error in a spawned task", function(t)
  t:spawn("bob", function()
    error("the error")
  end)
  t:sleep(100)
end)
