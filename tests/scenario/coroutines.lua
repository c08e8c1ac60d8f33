-- A script's own coroutines, with waits of the engine inside.
local sip = require "sip"
local help = require "_help"
local failure_of = help.failure_of

sip.test("create, resume, yield, status as in the manual", function(t)
  local co = coroutine.create(function(a, b)
    local c = coroutine.yield(a + b)
    t:equal(coroutine.isyieldable(), true)
    local d, e = coroutine.yield(c * 2)
    return d, e
  end)
  t:equal(coroutine.status(co), "suspended")
  t:equal({ coroutine.resume(co, 1, 2) }, { true, 3 })
  t:equal({ coroutine.resume(co, 10) }, { true, 20 })
  t:equal({ coroutine.resume(co, "x", "y") }, { true, "x", "y" })
  t:equal(coroutine.status(co), "dead")
  t:equal({ coroutine.resume(co) }, { false, "cannot resume dead coroutine" })
  t:ok(failure_of(coroutine.resume, 1):find("coroutine expected", 1, true))
  t:ok(failure_of(coroutine.wrap, 1):find("function expected", 1, true))
  t:ok(failure_of(coroutine.create, 1):find("function expected", 1, true))
  t:equal({ coroutine.resume(coroutine.running()) }, { false, "cannot resume non-suspended coroutine" })
end)

sip.test("a wait inside a coroutine waits, and yields still reach the resumer", function(t)
  local co = coroutine.wrap(function(first)
    t:sleep(1)
    local second = coroutine.yield(first .. " at " .. math.floor(t:now() + 0.5))
    t:sleep(1)
    return second .. " at " .. math.floor(t:now() + 0.5)
  end)
  t:equal(co "one", "one at 1")
  t:sleep(1)
  t:equal(co "two", "two at 3")
  t:ok(failure_of(co):find("cannot resume dead coroutine", 1, true))
end)

sip.test("two and three levels deep", function(t)
  local log = {}
  local outer = coroutine.create(function(...)
    local middle = coroutine.wrap(function(...)
      local inner = coroutine.create(function(...)
        t:sleep(0.5)
        local x = coroutine.yield("inner", ...)
        t:sleep(0.5)
        return x
      end)
      local _, name, value = coroutine.resume(inner, ...)
      t:sleep(0.5)
      local y = coroutine.yield(name, value)
      return select(2, coroutine.resume(inner, y))
    end)
    log[#log + 1] = { middle(...) }
    local z = coroutine.yield "outer"
    log[#log + 1] = { middle(z) }
    return "end"
  end)
  t:equal({ coroutine.resume(outer, 7) }, { true, "outer" })
  t:equal({ coroutine.resume(outer, 8) }, { true, "end" })
  t:equal(log, { { "inner", 7 }, { 8 } })
  t:near(t:now(), 1.5, help.slack(t))
end)

sip.test("errors come through, with their place; also those after a wait", function(t)
  local co = coroutine.create(function()
    t:sleep(0.1)
    error("inside")
  end)
  local ok, err = coroutine.resume(co)
  t:equal(ok, false)
  t:ok(err:find "coroutines.lua:%d+: inside$", err)
  t:equal(coroutine.status(co), "dead")

  local wrapped = coroutine.wrap(function()
    t:sleep(0.1)
    error({ code = 7 })
  end)
  local _, value = pcall(wrapped)
  t:equal(value, { code = 7 })
end)

sip.test("a failed expectation inside a coroutine, caught by resume, is a failure value", function(t)
  local ep = t:endpoint { name = "ep" }
  local co = coroutine.create(function() ep:take { within = 0.1 } end)
  local ok, err = coroutine.resume(co)
  t:equal(ok, false)
  t:ok(tostring(err):find("ep wanted a message within 0.1 s, got nothing", 1, true), tostring(err))
end)

sip.test("generators in a for loop, with waits on both sides", function(t)
  local function ticks(n)
    return coroutine.wrap(function()
      for i = 1, n do
        t:sleep(0.25)
        coroutine.yield(i, t:now())
      end
    end)
  end
  local seen = 0
  for i, at in ticks(4) do
    seen = seen + i
    t:sleep(0.25)
    t:near(at, i * 0.5 - 0.25, help.slack(t))
  end
  t:equal(seen, 10)
end)

sip.test("<close> variables in coroutines: at the end, at an error in wrap, and at close", function(t)
  local log = {}
  local function guard(name)
    return setmetatable({}, { __close = function()
      t:sleep(0.1)
      log[#log + 1] = name
    end })
  end
  coroutine.wrap(function()
    local _ <close> = guard "end"
    t:sleep(0.1)
  end)()
  t:equal(log, { "end" })
  -- Lua closes a failed coroutine, and one that coroutine.close ends, where nothing can wait.
  local failing = coroutine.create(function()
    local _ <close> = guard "error"
    error("e")
  end)
  t:equal(coroutine.resume(failing), false)
  local ok, err = coroutine.close(failing)
  t:equal(ok, false)
  t:ok(err:find("nothing can wait here", 1, true), err)
  t:ok(err:find("a <close> handler that coroutine.close runs", 1, true), err)
end)

sip.test("close: a suspended one, a dead one, a running one", function(t)
  local closed
  local co = coroutine.create(function()
    local _ <close> = setmetatable({}, { __close = function() closed = true end })
    coroutine.yield()
  end)
  coroutine.resume(co)
  t:equal(coroutine.close(co), true)
  t:equal(closed, true)
  t:equal(coroutine.status(co), "dead")
  t:equal(coroutine.close(co), true)
  t:ok(failure_of(coroutine.close, coroutine.running()):find("cannot close a running coroutine", 1, true))
end)

sip.test("a coroutine that waits belongs to its task: another task can neither resume nor close it", function(t)
  local co = coroutine.create(function()
    t:sleep(1)
    coroutine.yield "first"
    t:sleep(1)
    return "second"
  end)
  t:spawn("owner", function()
    t:equal({ coroutine.resume(co) }, { true, "first" })
  end)
  t:sleep(0.5)
  t:equal(coroutine.status(co), "normal")
  t:equal({ coroutine.resume(co) }, { false, "cannot resume non-suspended coroutine" })
  t:ok(failure_of(coroutine.close, co):find("cannot close a normal coroutine", 1, true))
  t:sleep(1)
  t:equal(coroutine.status(co), "suspended")
  t:equal({ coroutine.resume(co) }, { true, "second" })        -- handed over to this task
  t:near(t:now(), 2.5, help.slack(t))
end)

sip.test("a task's own coroutine is no script's to resume", function(t)
  local main
  t:spawn("task", function()
    main = coroutine.running()
    t:sleep(1)
  end)
  t:sleep(0.5)
  t:equal({ coroutine.resume(main) }, { false, "cannot resume non-suspended coroutine" })
  t:ok(failure_of(coroutine.close, main):find("cannot close", 1, true))
end)

sip.test("cancelling a task whose coroutine waits unwinds both", function(t)
  local log = {}
  local task = t:spawn("task", function()
    local _ <close> = setmetatable({}, { __close = function() log[#log + 1] = "task" end })
    coroutine.wrap(function()
      local _ <close> = setmetatable({}, { __close = function() log[#log + 1] = "inner" end })
      t:sleep(100)
    end)()
  end)
  t:sleep(1)
  task:cancel()
  task:join()
  t:equal(log, { "inner", "task" })
  t:near(t:now(), 1, help.slack(t))
end)

sip.test("where Lua cannot wait, it says so", function(t)
  local function says(f, ...)
    local text = failure_of(f, ...)
    t:ok(text:find("nothing can wait here", 1, true), text)
  end
  says(table.sort, { 3, 2, 1 }, function(a, b) t:sleep(0.1) return a < b end)
  says(string.gsub, "abc", "%w", function() t:sleep(0.1) end)
  says(table.concat, setmetatable({}, { __len = function() t:sleep(0.1) return 1 end }))
  says(table.sort, { 3, 2, 1 }, function(a, b)
    coroutine.wrap(function() t:sleep(0.1) end)()
    return a < b
  end)
  -- A metamethod that Lua itself calls can wait.
  local lazy = setmetatable({}, { __index = function() t:sleep(0.1) return 5 end })
  t:equal(lazy.any, 5)
end)

sip.test("coroutine.yield outside a coroutine is an error like any other", function(t)
  t:equal(coroutine.isyieldable(), false)
  t:ok(failure_of(coroutine.yield, 1):find("outside a coroutine", 1, true))
end)
