-- Waits: how long they take, what they return and raise, and what happens when two things are due at once.
local sip = require "sip"
local help = require "_help"
local failure_of = help.failure_of

sip.test("a wait that runs out raises; with optional it returns nil and why", function(t)
  local box = t:endpoint { name = "box" }
  local text = failure_of(box.take, box, { within = 1 })
  t:ok(text:find("box wanted a message within 1 s, got nothing", 1, true), text)
  t:near(t:now(), 1, help.slack(t))
  t:equal({ box:take { within = 1, optional = true } }, { nil, "timeout" })
  t:near(t:now(), 2, help.slack(t))
  t:equal({ box:expect("OPTIONS", { within = 0.5, optional = true }) }, { nil, "timeout" })
  t:equal({ box:incoming { within = 0.5, optional = true } }, { nil, "timeout" })
  t:equal({ box:incoming("OPTIONS", { within = 0.5, optional = true }) }, { nil, "timeout" })
  t:near(t:now(), 3.5, help.slack(t))
end)

sip.test("a wait takes five seconds unless it says otherwise; a number stands for within", function(t)
  local box = t:endpoint { name = "box" }
  t:equal({ box:take { optional = true } }, { nil, "timeout" })
  t:near(t:now(), 5, help.slack(t))
  failure_of(box.take, box, 0.5)
  t:near(t:now(), 5.5, help.slack(t))
end)

sip.test("within = 0 takes what is there, and what is due now", function(t)
  local box, from = t:endpoint { name = "box" }, t:endpoint { name = "from" }
  t:equal({ box:take { within = 0, optional = true } }, { nil, "timeout" })
  from:send("one", box)
  t:sleep(0.5)
  t:equal(box:take(0).bytes, "one")
  if t.virtual then
    from:send("two", box)                               -- the simulated network takes no time
    t:equal(box:take(0).bytes, "two")
  end
  local before = t:now()
  t:sleep(0)
  t:near(t:now(), before, help.slack(t))
end)

sip.test("where an event and the end of a wait are due at the same instant, the event wins", function(t)
  if not t.virtual then t:skip("real time knows no same instant") end
  local box, from = t:endpoint { name = "box" }, t:endpoint { name = "from" }
  t:network { delay = 0.5 }
  for _ = 1, 3 do
    from:send("exactly", box)
    t:equal(box:take { within = 0.5 }.bytes, "exactly")
  end
  from:send("exactly", box)
  local text = failure_of(box.expect_none, box, 0.5)
  t:ok(text:find("box wanted nothing for 0.5 s", 1, true), text)
  from:send("a moment late", box)
  box:expect_none(0.499999999)
  t:equal(box:take(1).bytes, "a moment late")
end)

sip.test("an answer that a task sends at the very end of the wait counts", function(t)
  if not t.virtual then t:skip("real time knows no same instant") end
  local server = t:endpoint { name = "server" }
  local alice = t:ua { aor = "sip:alice@example.test" }
  t:serve("server", function()
    for st in server:requests() do
      t:sleep(1)
      t:sleep(0)
      st:reply(200)
    end
  end)
  alice:options(server):expect(200, { within = 1 })
  t:equal(t:now(), 1)
end)

sip.test("the final response at the instant of timer F is the answer", function(t)
  if not t.virtual then t:skip("real time knows no same instant") end
  local server = t:endpoint { name = "server" }
  local alice = t:ua { aor = "sip:alice@example.test" }
  t:serve("server", function()
    for st in server:requests() do
      t:sleep(31.9)
      st:reply(200)
    end
  end)
  t:equal(alice:options(server):final().status, 200)
end)

sip.test("final waits as long as the transaction lives; within cuts it short", function(t)
  local silent = t:endpoint { name = "silent" }
  local alice = t:ua { aor = "sip:alice@example.test", timers = { T1 = 0.1 } }
  local request = alice:options(silent)
  local text = failure_of(request.final, request, { within = 1 })
  t:ok(text:find("alice wanted a final response to its OPTIONS within 1 s, got nothing", 1, true), text)
  t:equal({ request:final { within = 1, optional = true } }, { nil, "timeout" })
  local final = request:final()
  t:near(t:now(), 6.4, help.slack(t))
  t:equal(final.status, 408)
  t:equal(final.locally, true)
  t:equal(final.cause, "timer F")
  t:equal(request:final(), final)                       -- also when it was read before
  t:equal(request.response, final)
end)

sip.test("expect takes a status, a class, a list, and a function that looks closer", function(t)
  local server = t:endpoint { name = "server" }
  local alice = t:ua { aor = "sip:alice@example.test" }
  t:serve("server", function()
    for st in server:requests() do
      st:reply(183)
      st:reply(180)
      st:reply(202, { reason = "Fine" })
    end
  end)
  local function ask() return alice:request("PING", server) end
  t:equal(ask():expect(202).reason, "Fine")             -- skips provisionals that it was not asked for
  t:equal(ask():expect("2xx").status, 202)
  t:equal(ask():expect({ 404, 202 }).status, 202)
  t:equal(ask():expect({ "4xx", "2xx" }).status, 202)
  t:equal(ask():expect("1xx").status, 183)
  local request = ask()
  t:equal(request:expect(180).status, 180)
  t:equal(request:expect(202).status, 202)
  t:equal(request:expect(202).status, 202)              -- the final one stays
  local seen
  ask():expect("2xx", { within = 2 }, function(response) seen = response.reason end)
  t:equal(seen, "Fine")
  ask():expect(202, function(response) seen = response.status end)
  t:equal(seen, 202)
  request = ask()
  t:ok(failure_of(request.expect, request, 200):find("alice wanted 200 to its PING, got 202 Fine", 1, true))
  t:ok(failure_of(request.expect, request, { 180, 200 }):find("alice wanted 180 or 200 to its PING, got 202 Fine", 1, true))
  for _, nonsense in ipairs { 99, 700, "2XX", "7xx", "200", 200.5, true, {}, { 200, "x" } } do
    t:ok(failure_of(request.expect, request, nonsense):find("expect", 1, true))
  end
  t:ok(failure_of(request.expect, request):find("expect", 1, true))
end)

sip.test("expect_none: silence for so long", function(t)
  local server = t:endpoint { name = "server" }
  local alice = t:ua { aor = "sip:alice@example.test" }
  local request = alice:options(server)
  request:expect_none(1)
  t:near(t:now(), 1, help.slack(t))
  local st = server:incoming()
  st:reply(200)
  local text = failure_of(request.expect_none, request, 1)
  t:ok(text:find("alice wanted nothing for 1 s, got 200 OK", 1, true), text)
  t:ok(failure_of(request.expect_none, request):find("expect_none wants seconds", 1, true))
  t:ok(failure_of(request.expect_none, request, "1"):find("expect_none wants seconds", 1, true))
end)

sip.test("no wait outlives the test's time limit, nor a cancelled task's", function(t)
  local task = t:spawn("task", function()
    local _ <close> = setmetatable({}, { __close = function() t:sleep(100) end })
    t:sleep(math.huge)                                  -- as long as the test
  end)
  t:sleep(1)
  task:cancel()
  task:join()
  t:near(t:now(), 3, help.slack(t))
end)

sip.test("wrong times and options raise, and say what is wanted", function(t)
  local box = t:endpoint { name = "box" }
  local function says(text, ...)
    local got = failure_of(box.take, box, ...)
    t:ok(got:find(text, 1, true), got)
  end
  says("take: within wants seconds from 0 on, got -1", { within = -1 })
  says("take: within wants seconds from 0 on, got soon", { within = "soon" })
  says("wants seconds from 0 on, got -nan", { within = 0 / 0 })
  says("wants seconds from 0 on, got -0.5", -0.5)
  says('take has no option "whithin" (did you mean "within"?)', { whithin = 1 })
  says("take wants seconds or a table of options, got string", "1")
  says("take wants seconds or a table of options, got boolean", true)
end)
