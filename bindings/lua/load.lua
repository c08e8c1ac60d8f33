-- sip.load, sip.serve and sip.csv: the same scripts, thousands of times a second.
local engine, use = ...
local failure, options, test = use "failure", use "options", use "test"

local load = {}

-- What the scripts declared: { name, kind = "load" | "serve" | "test", given, f }.
local loads = {}
load.loads = loads

local load_options = { "rate", "arrivals", "ramp", "users", "duration", "calls", "max_live", "timeout", "setup", "teardown", "thresholds" }
local serve_options = options.joined({ "max_live", "timeout", "setup", "teardown", "thresholds" }, test.ua_options)

local function check_functions(where, given)
  for _, name in ipairs { "setup", "teardown" } do
    if given[name] ~= nil and type(given[name]) ~= "function" then
      error(("%s: %s wants a function, got %s"):format(where, name, type(given[name])), 0)
    end
  end
  if given.thresholds ~= nil then
    if type(given.thresholds) == "string" then given.thresholds = { given.thresholds } end
    if type(given.thresholds) ~= "table" then error(("%s: thresholds wants a list of texts"):format(where), 0) end
    for _, one in ipairs(given.thresholds) do
      if type(one) ~= "string" then error(('%s: a threshold is a text, e.g. "call.setup: p99 < 0.5"'):format(where), 0) end
    end
  end
end

local function declare(kind, name, given, f)
  local where = "sip." .. kind
  if type(name) ~= "string" or name == "" then error(where .. " wants a name first", 0) end
  if type(f) ~= "function" then error(('%s "%s" wants a function last'):format(where, name), 0) end
  for _, other in ipairs(loads) do
    if other.name == name and other.kind == kind then error(('there are two of sip.%s "%s"'):format(kind, name), 0) end
  end
  local entry = { name = name, kind = kind, given = given, f = f }
  loads[#loads + 1] = entry
  return entry
end

-- A test can be run under load as it is.
function load.test(name, given, f)
  loads[#loads + 1] = { name = name, kind = "test", given = given, f = f }
end

-- sip.load(name, [{ rate, duration, ... }], function(vu, shared) ... end)
function load.load(name, given, f)
  if type(given) == "function" then given, f = nil, given end
  given = options.check("sip.load", given, load_options)
  for _, option in ipairs { "rate", "duration", "timeout" } do options.number("sip.load", given, option) end
  for _, option in ipairs { "users", "calls", "max_live" } do options.whole("sip.load", given, option) end
  options.text("sip.load", given, "arrivals")
  if given.ramp ~= nil and type(given.ramp) ~= "string" then options.number("sip.load", given, "ramp") end
  check_functions("sip.load", given)
  return declare("load", name, given, f)
end

-- sip.serve(name, [{ aor, ... }], function(call, t, shared) ... end)
function load.serve(name, given, f)
  if type(given) == "function" then given, f = nil, given end
  given = options.check("sip.serve", given, serve_options)
  options.number("sip.serve", given, "timeout")
  options.whole("sip.serve", given, "max_live")
  check_functions("sip.serve", given)
  return declare("serve", name, given, f)
end

-- --- what a shard of a load run does ---

local root                 -- the context of setup, of teardown, and of what is served
local shared = {}          -- by entry: what its setup returned

local function set_up(entry)
  if entry.given.setup then shared[entry] = entry.given.setup(root) end
end

-- The UA that an entry of sip.serve answers at.
local function actor_of(t, entry)
  local ua = {}
  for _, name in ipairs(test.ua_options) do ua[name] = entry.given[name] end
  ua.aor = ua.aor or "sip:answer@example.test"
  return t:ua(ua)
end

-- The function of the task that sets a shard up: the entries that serve, and the one that calls (`caller` 0: none).
function load.load_setup(caller)
  return function()
    root = test.context("load")
    for _, entry in ipairs(loads) do
      if entry.kind == "serve" then
        local ua, f, answer = actor_of(root, entry), entry.f, test.answer
        test.serves(root, ua)
        set_up(entry)
        engine.serve_calls(ua, function(call) return answer(call, f, shared[entry]) end)
      end
    end
    if loads[caller] then set_up(loads[caller]) end
  end
end

-- Whatever the one raises, the next is run; the first error is raised in the end.
function load.load_teardown(caller)
  return function()
    local failed, first
    for i, entry in ipairs(loads) do
      if entry.given.teardown and (entry.kind == "serve" or i == caller) then
        local ok, why = pcall(entry.given.teardown, root, shared[entry])
        if not ok and not failed then failed, first = true, why end
      end
    end
    if failed then error(first, 0) end
  end
end

-- A new virtual user of an entry: its context.
function load.virtual_user(caller)
  return test.virtual_user(loads[caller].name)
end

-- The function that begins an iteration of whichever virtual user of that entry.
function load.iteration(caller)
  local entry, iterate = loads[caller], test.iterate
  return function(vu) return iterate(vu, entry.f, shared[entry]) end
end

-- --- the same in a test: `offhook run` runs each load once ---

-- The function of a test that runs one iteration: what the file serves, setup, the iteration, teardown whatever happens.
function load.once(entry)
  return function(t)
    load.serve_in_test(t)
    local result
    if entry.given.setup then result = entry.given.setup(t) end
    local _ <close> = setmetatable({}, { __close = function()
      if entry.given.teardown then entry.given.teardown(t, result) end
    end })
    entry.f(t, result)
  end
end

-- Answers calls as the file's sip.serve say, one task for each.
function load.serve_in_test(t)
  for _, entry in ipairs(loads) do
    if entry.kind == "serve" then
      local ua = actor_of(t, entry)
      local result
      if entry.given.setup then result = entry.given.setup(t) end
      test.serves(t, ua)
      t:serve(entry.name, function()
        for call in ua:calls() do
          t:serve(entry.name, function() entry.f(call, t, result) end)
        end
      end)
    end
  end
end

-- --- rows of a file ---

local Rows = {}
Rows.__index = Rows
Rows.__name = "rows"

local csv_options = { "pick" }

-- sip.csv(path, { pick = "sequential" | "random" | "unique" })
function load.csv(path, given)
  given = options.check("sip.csv", given, csv_options)
  if type(path) ~= "string" or path == "" then error("sip.csv wants the path of a file first", 2) end
  local pick = given.pick or "sequential"
  if pick ~= "sequential" and pick ~= "random" and pick ~= "unique" then
    error(('sip.csv: pick wants "sequential", "random" or "unique", got %s'):format(tostring(pick)), 2)
  end
  return setmetatable({ feeder = engine.csv(path, pick), path = path }, Rows)
end

-- The next row, a table by the names of the first line. Raises when a file that is picked from uniquely has no more.
function Rows:next()
  local row = engine.csv_next(self.feeder)
  if not row then
    failure.raise { message = ("%s has no more rows: each of its %d was picked once"):format(self.path, #self), class = "exhausted" }
  end
  return row
end

function Rows:__len()
  return engine.csv_count(self.feeder)
end

return load
