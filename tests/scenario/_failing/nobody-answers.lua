-- exit 1: alice wanted 200 to its OPTIONS, got 408 Request Timeout (nobody answered: timer F)
local sip = require "sip"

sip.test("nobody answers", function(t)
  local silent = t:endpoint { name = "silent" }
  local alice = t:ua { aor = "sip:alice@example.test", timers = { T1 = 0.05 } }
  alice:options(silent):expect(200, { within = 10 })
end)
