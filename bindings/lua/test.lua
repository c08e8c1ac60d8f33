-- The context of a test: what a script calls `t`.
local engine, use = ...
local expect, failure, hold, options = use "expect", use "failure", use "hold", use "options"

local Test = {}
local meta = { __metatable = "locked" }

local context_of = setmetatable({}, { __mode = "k" })   -- the context that made an endpoint
local ua_at = {}                                        -- names by address, where actors do not share one
local shares = engine.run().shares                      -- under load: endpoints at one transport
local root                                              -- under load: the context of what is made for all

-- What a context has: made when it is first asked for, because most virtual users of a load never do.
local state_of = setmetatable({}, { __mode = "k" })
local function state(t)
  local s = state_of[t]
  if not s then
    s = { spawned = {}, served = {}, links = {}, actors = {} }
    if shares then s.own, s.kept = {}, {} end                   -- endpoints of the iteration, and of t:once
    state_of[t] = s
  end
  return s
end

-- "bob", and when that is taken "bob-2", ...
local function fresh_name(self, wanted)
  local taken = state(self).actors
  local name, n = wanted, 1
  while taken[name] do
    n = n + 1
    name = ("%s-%d"):format(wanted, n)
  end
  taken[name] = true
  return name
end

local timer_names = { "T1", "T2", "T4", "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "trying" }

local endpoint_options = { "name", "address", "port", "ipv6", "timers" }

function Test:endpoint(given)
  given = options.check("t:endpoint", given, endpoint_options)
  options.check("timers", given.timers, timer_names)
  options.text("t:endpoint", given, "name")
  local s, nth, beside = state(self), nil, nil
  if shares then
    nth = #s.kept + #s.own
    beside = self ~= root and (s.kept[1] or s.own[1] or true) or nil
  end
  local endpoint = engine.endpoint {
    name = fresh_name(self, given.name or "endpoint"), address = given.address, port = given.port, ipv6 = given.ipv6,
    timers = given.timers, nth = nth, beside = beside,
  }
  context_of[endpoint] = self
  if shares then
    local list = s.keeps and s.kept or s.own
    list[#list + 1] = endpoint
  end
  return endpoint
end

local answer_names = {}
for i, answer in ipairs(engine.answer_names()) do answer_names[i] = answer.name end

local ua_options = { "aor", "display", "username", "password", "ha1", "outbound_proxy", "contact_user", "user_agent",
  "max_auth_attempts", "algorithms", "auth_int", "answers", "limits", "supports", "requires", "claims", "session_expires", "min_se", "refresher", "name", "address", "port", "ipv6", "timers", "endpoint" }

-- A list of option tags, or a string as in a header.
local function option_tags(given, name)
  local tags = given[name]
  if type(tags) == "table" then tags = table.concat(tags, ", ") end
  if tags ~= nil and type(tags) ~= "string" then
    error(("t:ua: %s wants a list of option tags, got %s"):format(name, type(tags)), 0)
  end
  return tags
end

function Test:ua(given)
  given = options.check("t:ua", given, ua_options)
  options.check("answers", given.answers, answer_names)
  options.check("limits", given.limits, { "uri", "body", "message" })
  if type(given.aor) ~= "string" then error('t:ua wants an aor, e.g. aor = "sip:alice@example.test"', 0) end
  local uri, why = engine.uri(given.aor)
  if not uri or (uri.scheme ~= "sip" and uri.scheme ~= "sips") then
    failure.raise { message = ('t:ua: aor "%s" is not a SIP URI%s'):format(given.aor, why and ": " .. why or ""), class = "usage" }
  end
  local proxy = options.uri("t:ua", given, "outbound_proxy")
  if given.endpoint ~= nil and not engine.is(given.endpoint, "endpoint") then
    error(("t:ua: endpoint wants an endpoint, got %s"):format(type(given.endpoint)), 0)
  end
  local endpoint = given.endpoint or self:endpoint {
    name = shares and given.contact_user or given.name or uri.user or uri.host, address = given.address, port = given.port, ipv6 = given.ipv6, timers = given.timers,
  }
  if not shares then ua_at[endpoint.address] = endpoint.name end
  local user_agent = given.user_agent
  if user_agent == nil then user_agent = "offhook" end
  return engine.ua(endpoint, {
    aor = given.aor, display = given.display, username = given.username, password = given.password, ha1 = given.ha1,
    outbound_proxy = proxy, contact_user = given.contact_user, user_agent = user_agent or nil,
    max_auth_attempts = given.max_auth_attempts, algorithms = given.algorithms, auth_int = given.auth_int, answers = given.answers,
    limits = given.limits, supports = option_tags(given, "supports"), requires = option_tags(given, "requires"), claims = given.claims,
    session_expires = given.session_expires, min_se = given.min_se,
    refresher = given.refresher,
  })
end

-- --- tasks ---

local task = engine.methods "task"

-- Waits until it is done.
function task:join()
  if not self.done then engine.wait(self, "ended") end
end

function task:cancel()
  engine.cancel_task(self)
end

local function task_args(what, name, f)
  if type(name) == "function" then name, f = what, name end
  if type(f) ~= "function" then
    error(("t:%s wants a function, got %s: t:%s(name, function() ... end)"):format(what, type(f), what), 0)
  end
  return tostring(name), f
end

-- Runs beside the test and is joined at its end: it must finish.
function Test:spawn(name, f)
  name, f = task_args("spawn", name, f)
  local new = engine.spawn(f, name, false)
  if self ~= root then                                  -- what is made for all is joined by nobody
    local spawned = state(self).spawned
    spawned[#spawned + 1] = new
  end
  return new
end

-- Runs beside the test until that ends, and is cancelled then.
function Test:serve(name, f)
  name, f = task_args("serve", name, f)
  local new = engine.spawn(f, name, true)
  if shares and self ~= root then
    local served = state(self).served
    served[#served + 1] = new
  end
  return new
end

function Test:sleep(seconds)
  engine.sleep(seconds)
end

-- Script time since the test, or the iteration, began, in seconds.
function Test:now()
  return engine.now() - (rawget(self, "began") or 0)
end

local Barrier = {}
Barrier.__index = Barrier

-- A meeting point of n tasks: each wait returns when the n-th has come.
function Test:barrier(n)
  if math.type(n) ~= "integer" or n < 1 then error("t:barrier wants the number of tasks that meet", 0) end
  return setmetatable({ n = n, waiting = {} }, Barrier)
end

function Barrier:wait(given)
  local within = options.within("barrier", given, nil)
  local mine = engine.inbox()
  self.waiting[#self.waiting + 1] = mine
  if #self.waiting == self.n then
    local all = self.waiting
    self.waiting = {}
    for _, one in ipairs(all) do engine.push(one, "met") end
  end
  if not engine.wait(mine, "events", within) then
    local came = #self.waiting
    for i, one in ipairs(self.waiting) do
      if one == mine then table.remove(self.waiting, i) end          -- it comes no more
    end
    failure.raise { message = ("the barrier waited %g s: %d of %d tasks came"):format(within, came, self.n), class = "timeout" }
  end
end

-- --- the network ---

local fault_names = { "from", "to", "delay", "jitter", "loss", "duplicate", "reorder" }

local function actor_name(where, actor)
  if actor == nil or type(actor) == "string" then return actor end
  local kind = type(actor)
  local name = (kind == "userdata" or kind == "table") and actor.name
  if type(name) ~= "string" then error(("%s: from and to want an actor or its name, got %s"):format(where, kind), 0) end
  return name
end

-- A fault of a link to or from nobody would be a test that passes for the wrong reason.
local function check_links(t, at_end)
  local actors, names = state(t).actors, {}
  for name in pairs(actors) do names[#names + 1] = name end
  table.sort(names)
  for _, link in ipairs(state(t).links) do
    for _, name in pairs { link.from, link.to } do
      if not actors[name] then
        local nearest = options.nearest(name, names)
        failure.raise { where = at_end and link.where, message = ('%s: the test has no actor "%s"%s'):format(
          at_end and link.what or ("%s at %s"):format(link.what, link.where), name,
          nearest and (' (did you mean "%s"?)'):format(nearest) or " (it has: " .. table.concat(names, ", ") .. ")") }
      end
    end
  end
end

-- The names of a link's ends, noted for check_links: the actors may come later.
local function link_of(t, what, given)
  local link = { what = what, where = engine.where(), from = actor_name(what, given.from), to = actor_name(what, given.to) }
  local links = state(t).links
  links[#links + 1] = link
  return link.from, link.to
end

-- Faults of links: t:network { delay = 0.05, loss = 0.1 } of all, or { from = alice, to = edge, loss = 1 } of one direction.
function Test:network(given)
  given = options.check("t:network", given, fault_names)
  local from, to = link_of(self, "t:network", given)
  engine.faults(from, to, given)
end

-- Messages that match stay at their sender until the script lets them go: see hold.lua.
function Test:hold(given)
  given = options.check("t:hold", given, { "from", "to", "only", "method" })
  local from, to = link_of(self, "t:hold", given)
  return hold.new(from, to, given, function() check_links(self) end)
end

-- The URI under test: --target, or what `role` returns (an actor, or a URI), or a UA of our own that answers.
function Test:target(role)
  local target = engine.run().target or state(self).target or root and state(root).target
  if target then return target end
  if role ~= nil and type(role) ~= "function" then error(("t:target wants a function that makes the role, got %s"):format(type(role)), 0) end
  local home = root or self                             -- under load one for all
  if role then
    local own = role()
    if type(own) ~= "string" then own = own.uri end
    if self == root then state(root).target = own end   -- another's role ends with its iteration
    return own
  end
  local uas = home:ua { aor = "sip:target@example.test", name = "target" }
  if root then state(root).target = uas.uri end
  home:serve("target", function()
    for call in uas:calls() do
      call:ring()
      call:answer()
    end
  end)
  home:serve("target's rest", function()
    for _ in uas.endpoint:messages() do end           -- what no answer is due to
  end)
  return uas.uri
end

-- --- chance and words ---

function Test:token(length)
  return engine.token("token", length or 16)
end

-- t:random() is uniform in [0, 1); t.random:exponential(mean), t.random:uniform(from, to), t.random:integer(from, to).
local Random = {}
Test.random = setmetatable({}, {
  __index = Random, __metatable = "locked",
  __call = function() return engine.random("t:random") end,
  __newindex = function() error("t.random cannot be changed", 2) end,
})
local function numbers(name, ...)
  for _, n in ipairs { ... } do
    if type(n) ~= "number" then error(("t.random:%s wants numbers, got %s"):format(name, type(n)), 3) end
  end
  return ...
end
function Random:exponential(mean)
  if type(mean) ~= "number" or not (mean >= 0) then error(("t.random:exponential wants a mean from 0 on, got %s"):format(tostring(mean)), 2) end
  return engine.exponential("t:random", mean)
end
function Random:uniform(from, to)
  from, to = numbers("uniform", from or 0, to or 1)
  return from + (to - from) * engine.random("t:random")
end
function Random:integer(from, to)
  from, to = numbers("integer", from or 0, to or 0)
  if math.type(from) ~= "integer" or math.type(to) ~= "integer" or from > to then
    error(("t.random:integer wants two whole numbers in order, got %s and %s"):format(tostring(from), tostring(to)), 2)
  end
  return from + math.floor((to - from + 1) * engine.random("t:random"))
end

-- --- what a script measures itself: under load among the numbers of the run, as custom.NAME ---

function Test:measure(name, seconds)
  if type(name) ~= "string" or type(seconds) ~= "number" then error("t:measure wants a name and seconds", 0) end
  engine.measure(name, seconds)
end

function Test:count(name, delta)
  if type(name) ~= "string" or (delta ~= nil and math.type(delta) ~= "integer") then error("t:count wants a name and a whole number", 0) end
  engine.count_up(name, delta or 1)
end

-- --- what a virtual user keeps ---

local KEPT = {}

-- While this is open, the actors that a virtual user makes are none of its iteration's, and stay.
local function keeping(t)
  local s = state(t)
  s.keeps = (s.keeps or 0) + 1
  return setmetatable({}, { __close = function() s.keeps = s.keeps > 1 and s.keeps - 1 or nil end })
end

-- What f returned when this virtual user came here first. A call that fails keeps nothing, and is tried again.
function Test:once(name, f)
  if type(name) ~= "string" or type(f) ~= "function" then error('t:once wants a name and a function: t:once("ua", function() ... end)', 0) end
  local kept = rawget(self, KEPT)
  if not kept then
    kept = {}
    rawset(self, KEPT, kept)
  end
  if kept[name] == nil then
    local s <close> = keeping(self)
    local value = f()
    kept[name] = value == nil and false or value
  end
  return kept[name]
end

-- A line in the capture, at a message or as a whole.
function Test:note(about, text)
  if text == nil then about, text = nil, about end
  if type(text) ~= "string" then error(("t:note wants a text, got %s"):format(type(text)), 0) end
  engine.comment(about, text)
end

local function show(value, depth)
  if type(value) == "string" then return (("%q"):format(value):gsub("\\\n", "\\n"):gsub("\\13", "\\r")) end
  if type(value) ~= "table" or (depth or 0) > 3 then return tostring(value) end
  local keys, parts = {}, {}
  local length = #value
  local function in_list(key) return math.type(key) == "integer" and key >= 1 and key <= length end
  for i = 1, length do parts[i] = show(value[i], (depth or 0) + 1) end          -- holes and all
  for key in pairs(value) do
    if not in_list(key) then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, key in ipairs(keys) do
    local name = type(key) == "string" and key or ("[%s]"):format(tostring(key))
    parts[#parts + 1] = name .. " = " .. show(value[key], (depth or 0) + 1)
  end
  return #parts == 0 and "{}" or "{ " .. table.concat(parts, ", ") .. " }"
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

-- Long texts: where they part, with some of what stands around.
local function show_difference(got, wanted)
  if type(got) ~= "string" or type(wanted) ~= "string" or #got + #wanted < 160 then
    return ("wanted %s, got %s"):format(show(wanted), show(got))
  end
  local at = 1
  while got:byte(at) == wanted:byte(at) do at = at + 1 end
  local from = math.max(1, at - 20)
  local function part(text) return (from > 1 and "..." or "") .. show(text:sub(from, at + 40)) .. (at + 40 < #text and "..." or "") end
  return ("they differ from byte %d on: wanted %s, got %s"):format(at, part(wanted), part(got))
end

-- Tables are compared by what they hold.
function Test:equal(got, wanted, what)
  if same(got, wanted) then return got end
  failure.raise { message = (what and what .. ": " or "") .. show_difference(got, wanted) }
end

-- |got - wanted| <= tolerance
function Test:near(got, wanted, tolerance, what)
  if type(wanted) ~= "number" or type(tolerance) ~= "number" then error("t:near wants the number got, the one wanted, and a tolerance", 0) end
  if type(got) == "number" and math.abs(got - wanted) <= tolerance then return got end
  failure.raise { message = ("%swanted %g within %g, got %s"):format(what and what .. ": " or "", wanted, tolerance, show(got)) }
end

function Test:ok(value, what)
  if value then return value end
  failure.raise { message = what or ("wanted a true value, got " .. show(value)) }
end

function Test:fail(text)
  failure.raise { message = text or "failed" }
end

-- Ends the test as skipped.
function Test:skip(why)
  failure.raise { message = why or "skipped", class = "skip" }
end

-- `text` with its only occurrence of `old` replaced; raises unless there is exactly one. Plain text, no patterns.
function Test:replace(text, old, new)
  if type(text) == "userdata" then text = text.bytes end
  if type(text) ~= "string" or type(old) ~= "string" or type(new) ~= "string" or old == "" then
    error("t:replace wants a text or a message, what is to be replaced, and by what", 0)
  end
  local from, to = text:find(old, 1, true)
  if not from then failure.raise { message = ("t:replace: %s does not occur"):format(show(old)) } end
  if text:find(old, from + 1, true) then failure.raise { message = ("t:replace: %s occurs more than once"):format(show(old)) } end
  return text:sub(1, from - 1) .. new .. text:sub(to + 1)
end

-- --- roles: see proxy.lua and registrar.lua ---

function Test:proxy(given)
  return require "sip.proxy" (self, given)
end

function Test:registrar(given)
  return require "sip.registrar" (self, given)
end

-- st:proxy { to = bob, record_route = true } relays a request as RFC 3261 16 says; see proxy.lua.
local server = engine.methods "server transaction"

function expect.ua_at(address) return ua_at[address] end

function server:proxy(given)
  return require "sip.proxy".forward(context_of[self.owner] or root, self, options.check("st:proxy", given, { "to", "next_hop", "record_route" }))
end

-- --- called with a dot in place of a colon ---

for name, f in pairs(Test) do
  if type(f) == "function" then
    Test[name] = function(self, ...)
      if not engine.made_of(self, meta) then error(("call it with a colon: t:%s(...)"):format(name), 0) end
      return f(self, ...)
    end
  end
end

Test.sleep = engine.sleeper(meta, Test.sleep)

-- --- the life of a test ---

local method_names = {}
for name in pairs(Test) do method_names[#method_names + 1] = name end
table.sort(method_names)

local env = setmetatable({}, {
  __metatable = "locked",
  __index = function(_, name) return engine.setting(name) end,
  __newindex = function() error("t.env is set with --set NAME=VALUE or the environment", 2) end,
})

local virtual = engine.run().virtual

-- Methods are found without a call.
meta.__index = setmetatable(Test, { __index = function(_, name)
  if name == "env" then return env end
  if name == "virtual" then return virtual end
  if name == "name" then return "call" end             -- of life.answer
  if name == "id" then return 0 end
  if name == "iteration" then return 1 end
  local nearest = options.nearest(tostring(name), method_names)
  error(("t has no %s%s"):format(tostring(name), nearest and (' (did you mean "t:%s"?)'):format(nearest) or ""), 2)
end })

local life = { Test = Test, ua_options = ua_options, env = env }
local users = 0
local shard, shards = engine.run().shard, engine.run().shards

local function context(name, id)
  return setmetatable({ name = name, id = id, iteration = 1, began = engine.now() }, meta)
end

-- Under load: the context of what is made for all, which is also where the target lives.
function life.context(name)
  root = context(name, 0)
  return root
end

-- A virtual user: it keeps what t:once made, and counts its iterations.
function life.virtual_user(name)
  users = users + 1
  return setmetatable({ name = name, id = (users - 1) * shards + shard + 1, iteration = 0 }, meta)
end

-- What the script serves: t:target() is that, unless --target says another.
function life.serves(t, ua)
  state(t).target = state(t).target or ua.uri
end

-- What a test or an iteration spawned is waited for.
local function join(t)
  local s = state_of[t]
  if not s then return end
  for _, spawned in ipairs(s.spawned) do
    if not spawned.done then engine.wait(spawned, "ended") end
  end
  s.spawned = {}
end

-- The end of an iteration, however it came: what it serves is cancelled, its actors go.
function meta.__close(t)
  local s = state_of[t]
  if not s then return end
  for _, served in ipairs(s.served) do
    if not served.done then engine.cancel_task(served) end
  end
  for _, endpoint in ipairs(s.own) do engine.close_endpoint(endpoint) end
  s.served, s.own, s.spawned, s.links = {}, {}, {}, {}
  if #s.kept == 0 then s.actors = {} end
end

local function over(t, ok)
  if not state_of[t] then return end
  local _ <close> = t
  if ok then join(t) end
end

-- The beginning of an iteration: what is called when it is over, with its context and whether it went well, and what it is, with its arguments. The
-- engine calls both, so that no frame of the library's lies below a script that waits: there may be a hundred thousand.
-- Of a virtual user:
function life.iterate(vu, f, shared)
  vu.iteration, vu.began = vu.iteration + 1, engine.now()
  return over, vu, f, vu, shared
end

-- Of a call that came in to what the script serves: it has a context of its own, small, for there is one for each call that is up.
function life.answer(call, f, shared)
  local t = setmetatable({ began = engine.now() }, meta)
  return over, t, f, call, t, shared
end

-- The function that runs one test from start to end.
function life.main_of(test)
  return function()
    local t = context(test.name, 1)
    test.f(t)
    join(t)
    check_links(t, true)
  end
end

return life
