-- Calls that are over are let go while the script goes on; whoever still holds one can read it.
local sip = require "sip"

sip.test("seven hundred calls in a row", function(t)
  local timers = { T1 = 0.01 }
  local bob = t:ua { aor = "sip:bob@example.test", timers = timers }
  local alice = t:ua { aor = "sip:alice@example.test", timers = timers }
  t:serve("bob", function()
    for call in bob:calls() do
      call:ring()
      call:answer()
    end
  end)
  local first
  for _ = 1, 700 do
    local call = alice:invite(bob)
    first = first or call
    call:expect(200)
    call:bye():expect(200)
    t:sleep(0.002)
  end
  collectgarbage()
  t:equal(first.state, "terminated")
  t:equal(first.ua.name, "alice")
  t:equal(first.actor, "alice")
end)
