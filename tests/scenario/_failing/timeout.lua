-- exit 1: the test's time limit of 2 s is over
-- says: the test waits at FILE:18
-- says: alice waits at FILE:11
-- says: barrier 1 waits at FILE:14
-- says: in a coroutine waits at FILE:16
local sip = require "sip"

sip.test("all wait", { timeout = 2 }, function(t)
  local ep = t:endpoint()
  t:spawn("alice", function()
    ep:take { within = 100 }
  end)
  local b = t:barrier(3)
  t:spawn("barrier 1", function() b:wait() end)
  t:spawn("in a coroutine", function() coroutine.wrap(function()
    t:sleep(100)
  end)() end)
  t:sleep(100)
end)
