-- For bench_calls: a script caller against a script callee.
local sip = require "sip"

local function callee(t)
  local bob = t:ua { aor = "sip:bob@example.test" }
  t:serve("bob", function()
    for call in bob:calls() do
      call:ring()
      call:answer()
    end
  end)
  return bob
end

sip.test("in sequence", { timeout = 1e6 }, function(t)
  local bob, alice = callee(t), t:ua { aor = "sip:alice@example.test" }
  for _ = 1, tonumber(t.env.calls) do
    local call = alice:invite(bob)
    call:expect(180)
    call:expect(200)
    call:bye():expect(200)
    t:sleep(0.01)
  end
end)

sip.test("all live", { timeout = 1e6 }, function(t)
  local bob, alice = callee(t), t:ua { aor = "sip:alice@example.test" }
  local calls = {}
  for i = 1, tonumber(t.env.calls) do
    calls[i] = alice:invite(bob)
    calls[i]:expect(200)
  end
  t:sleep(20)            -- measured after 10 s
end)
