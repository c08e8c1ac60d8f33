-- Calls that are set up slowly: each proxy on the way adds its own delay. Set-up time and post-dial delay without a proxy, with one,
-- and with three, side by side.
local sip = require "sip"

sip.symptom {
  title = "Calls are set up slowly",
  seen = "After dialling there is a long silence before the phone rings; once the call is up, all is well.",
  cause = "Every hop adds its delay to the INVITE and to the responses: slow look-ups (DNS, a database, a routing service) in a proxy, or "
    .. "long lines between them. 100 Trying comes at once and hides it from the caller's timers.",
  remedy = "In the capture of each hop, measure the time from the INVITE that comes in to the one that goes out: the hop with the gap is the "
    .. "slow one. Mend its look-up (cache, nearer server), or take a hop out of the way.",
}

local line = 0.02        -- one way, between any two
local ringing = 1.0      -- until bob picks up

-- A call from alice to bob over `count` proxies that take `delay` seconds for a request.
local function measure(t, count, delay)
  local label = count == 0 and "direct" or ("p%d%s"):format(count, delay < 0.1 and "fast" or "slow")
  local bob = t:ua { aor = "sip:bob@example.test", name = "bob-" .. label }
  t:serve("bob", function()
    for call in bob:calls() do
      call:ring()
      t:sleep(ringing)
      call:answer()
    end
  end)
  local hop = bob
  for i = count, 1, -1 do
    hop = t:proxy { name = ("%s-%d"):format(label, i), delay = delay, to = i == count and bob or nil, next_hop = i < count and hop or nil }
  end
  local alice = t:ua { aor = "sip:alice@example.test", name = "alice-" .. label, outbound_proxy = count > 0 and hop or nil }
  local call = alice:invite(count > 0 and bob.aor or bob)
  call:expect(200, { within = 30 })
  call:bye():expect(200, { within = 30 })
  return call.post_dial_delay, call.setup_time
end

local function row(what, delay, setup)
  print(("%-22s  post-dial delay %6.0f ms   set-up %6.0f ms"):format(what, delay * 1000, setup * 1000))
end

sip.test("the more slow proxies, the longer until it rings", function(t)
  t:network { delay = line }
  local none, none_setup = measure(t, 0, 0)
  local one, one_setup = measure(t, 1, 0.4)
  local three, three_setup = measure(t, 3, 0.4)
  row("without a proxy", none, none_setup)
  row("one slow proxy", one, one_setup)
  row("three slow proxies", three, three_setup)

  t:near(none, 2 * line, 0.1, "post-dial delay without a proxy")
  t:near(one - none, 0.4 + 2 * line, 0.15, "what one proxy adds")
  t:near(three - none, 3 * (0.4 + 2 * line), 0.3, "what three add")
  t:near(three_setup - three, ringing, 0.15, "the callee's own time")
end)

sip.test("remedied: the same three proxies without the slow look-up", function(t)
  t:network { delay = line }
  local three, setup = measure(t, 3, 0.005)
  row("three quick proxies", three, setup)
  t:ok(three < 0.3, ("post-dial delay under 300 ms, it was %.0f ms"):format(three * 1000))
end)
