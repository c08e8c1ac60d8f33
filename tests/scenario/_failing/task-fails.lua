-- exit 1: FILE:8: the error
-- says: in the task "bob"
-- says: meanwhile the test waits at FILE:10
local sip = require "sip"

sip.test("an error in a spawned task", function(t)
  t:spawn("bob", function()
    error("the error")
  end)
  t:sleep(100)
end)
