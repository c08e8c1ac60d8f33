-- Tasks: spawned, serving, cancelled, joined, meeting at barriers; <close> handlers that still have something to do.
local sip = require "sip"
local help = require "_help"
local failure_of = help.failure_of

sip.test("spawned tasks are joined: the test ends with the last of them", function(t)
  local log = {}
  t:spawn("slow", function()
    t:sleep(2)
    log[#log + 1] = "slow"
    t:spawn("nested", function()                       -- made by a task while the test's own body is over
      t:sleep(1)
      log[#log + 1] = "nested"
    end)
  end)
  t:spawn(function() log[#log + 1] = "nameless" end)
  t:sleep(0)
  local watcher = setmetatable({}, { __close = function() t:equal(log, { "nameless" }) end })
  local _ <close> = watcher                             -- the body ends before the slow one
end)

sip.test("join waits for a task, also for one that is done already, and from two places", function(t)
  local task = t:spawn("worker", function() t:sleep(1) end)
  t:equal(task.done, false)
  t:equal(task.name, "worker")
  local other = t:spawn("other", function()
    task:join()
    t:near(t:now(), 1, help.slack(t))
  end)
  task:join()
  t:near(t:now(), 1, help.slack(t))
  t:equal(task.done, true)
  task:join()
  other:join()
  other:join()
end)

sip.test("a serving task is cancelled when the test ends, and closes what it opened", function(t)
  local served = 0
  t:serve("server", function()
    local _ <close> = setmetatable({}, { __close = function() served = served + 100 end })
    while true do
      t:sleep(1)
      served = served + 1
    end
  end)
  t:sleep(2.5)
  t:equal(served, 2)
end)

sip.test("a task that was cancelled before it ever ran", function(t)
  local ran = false
  local task = t:spawn("never", function() ran = true t:sleep(1) ran = "long" end)
  task:cancel()
  task:join()
  t:ok(ran ~= "long")
  t:ok(t:now() < 0.5)
end)

sip.test("a cancelled task runs its <close> handlers, which may wait; others go on", function(t)
  local log = {}
  local task = t:spawn("worker", function()
    local _ <close> = setmetatable({}, { __close = function()
      log[#log + 1] = "closing"
      t:sleep(1)
      log[#log + 1] = "closed"
    end })
    t:sleep(100)
    log[#log + 1] = "not reached"
  end)
  t:sleep(1)
  task:cancel()
  task:join()
  t:equal(log, { "closing", "closed" })
  t:near(t:now(), 2, help.slack(t))
end)

sip.test("pcall does not hold up a cancelled task", function(t)
  local why
  local task = t:spawn("stubborn", function()
    local ok = true
    while ok do ok, why = pcall(t.sleep, t, 1) end
  end)
  t:sleep(0.5)
  task:cancel()
  task:join()
  t:near(t:now(), 0.5, help.slack(t))
  t:equal(tostring(why), "cancelled")
end)

sip.test("a task that goes on after its cancellation is ended all the same, two seconds later", function(t)
  local rounds = 0
  local task = t:spawn("deaf", function()
    while true do
      pcall(t.sleep, t, 0.5)
      rounds = rounds + 1
    end
  end)
  t:sleep(1)
  task:cancel()
  task:join()
  t:near(t:now(), 3, help.slack(t))
end)

sip.test("a <close> handler of a cancelled task sends its BYE and waits for the answer", function(t)
  local bob = t:ua { aor = "sip:bob@example.test" }
  local alice = t:ua { aor = "sip:alice@example.test" }
  local ended
  t:spawn("bob", function()
    local call = bob:incoming()
    call:answer()
    ended = call:ended { within = 20 }
  end)
  local status
  local caller = t:spawn("alice", function()
    local call = alice:invite(bob)
    local _ <close> = setmetatable({}, { __close = function() status = call:bye():final().status end })
    call:expect(200)
    t:sleep(1000)
  end)
  t:sleep(3)
  caller:cancel()
  caller:join()
  t:equal(status, 200)
  t:sleep(0.1)
  t:equal(ended, "remote BYE")
end)

sip.test("a <close> handler waits while an error unwinds", function(t)
  local log = {}
  local text = failure_of(function()
    local _ <close> = setmetatable({}, { __close = function(_, err)
      log[#log + 1] = tostring(err):match "the error"
      t:sleep(1)
      log[#log + 1] = "after a wait"
    end })
    t:sleep(1)
    error("the error")
  end)
  t:ok(text:find "the error$", text)
  t:equal(log, { "the error", "after a wait" })
  t:near(t:now(), 2, help.slack(t))
end)

sip.test("barriers: the last to come frees all, again and again", function(t)
  local meet = t:barrier(3)
  local log = {}
  for i = 1, 2 do
    t:spawn("task " .. i, function()
      for round = 1, 3 do
        t:sleep(i * 0.1)
        meet:wait()
        log[#log + 1] = round
      end
    end)
  end
  for round = 1, 3 do
    t:sleep(0.5)
    meet:wait()
    log[#log + 1] = round
  end
  t:sleep(0.1)
  t:equal(log, { 1, 1, 1, 2, 2, 2, 3, 3, 3 })
end)

sip.test("a barrier where one does not come", function(t)
  local meet = t:barrier(2)
  t:ok(failure_of(meet.wait, meet, { within = 1 }):find("1 of 2 tasks came", 1, true))
  t:near(t:now(), 1, help.slack(t))
  t:spawn("late", function() meet:wait { within = 1 } end)   -- who gave up does not count
  t:sleep(0.5)
  meet:wait { within = 1 }
  t:near(t:now(), 1.5, help.slack(t))
end)

sip.test("barrier and task functions say what they want", function(t)
  t:ok(failure_of(t.barrier, t, 0):find("number of tasks", 1, true))
  t:ok(failure_of(t.spawn, t, "name"):find("t:spawn wants a function", 1, true))
  t:ok(failure_of(t.serve, t):find("t:serve wants a function", 1, true))
  t:ok(failure_of(t.sleep, t, -1):find("seconds", 1, true))
  t:ok(failure_of(t.sleep, t, "soon"):find("sleep", 1, true))
  t:ok(failure_of(t.sleep, t):find("sleep", 1, true))
  t:ok(failure_of(t.sleep, t, 0 / 0):find("seconds", 1, true))
end)

sip.test("many tasks: first come, first served", function(t)
  local log = {}
  for i = 1, 200 do
    t:spawn("task " .. i, function()
      t:sleep(1)
      log[#log + 1] = i
    end)
  end
  t:sleep(1.5)
  t:equal(#log, 200)
  for i = 1, 200 do t:equal(log[i], i) end
end)

sip.test("what one inbox gets, two tasks share in turn", function(t)
  local box = t:endpoint { name = "box" }
  local from = t:endpoint { name = "from" }
  local got = {}
  for i = 1, 2 do
    t:spawn("reader " .. i, function()
      for _ = 1, 2 do
        local message = box:take()
        got[#got + 1] = message.body
      end
    end)
  end
  t:sleep(0.1)
  for i = 1, 4 do from:send(("MESSAGE sip:a SIP/2.0\r\nContent-Length: 1\r\n\r\n%d"):format(i), box) end
  t:sleep(0.2)
  table.sort(got)
  t:equal(got, { "1", "2", "3", "4" })
end)

sip.test("who waits at one inbox is served in the order they came, whoever leaves", function(t)
  local box = t:endpoint { name = "box" }
  local from = t:endpoint { name = "from" }
  local got, readers = {}, {}
  local function read(i)
    readers[i] = t:spawn("reader " .. i, function()
      local message = box:take()
      got[#got + 1] = i .. message.body
    end)
  end
  for i = 1, 6 do read(i) end
  t:sleep(0.1)
  for _, i in ipairs { 1, 3, 6 } do readers[i]:cancel() end -- the first, one between, the last
  t:sleep(0.1)
  read(7)
  t:sleep(0.1)
  for i = 1, 4 do from:send(("MESSAGE sip:a SIP/2.0\r\nContent-Length: 1\r\n\r\n%s"):format(("abcd"):sub(i, i)), box) end
  t:sleep(0.2)
  t:equal(got, { "2a", "4b", "5c", "7d" })
end)
