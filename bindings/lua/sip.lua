-- The library: require "sip". Loaded first, with the engine's functions and the table of what scripts can require.
local engine, loaded = ...

local parts = {}
local function use(name)
  if parts[name] == nil then parts[name] = engine.load(name)(engine, use) end
  return parts[name]
end

local options = use "options"
use "endpoint"
use "ua"
use "subscription"
use "refer"
use "hold"
use "publication"
local headers = use "headers"
local test = use "test"
local load = use "load"

-- What is called with a dot in place of a colon says so; the names are those that the reference gives such a variable.
local short = { ["client transaction"] = "ct", ["server transaction"] = "st", subscription = "sub", message = "msg" }
local kinds = { "endpoint", "watch", "client transaction", "server transaction", "ua", "call", "dialog", "request", "registration", "subscription", "task", "hold", "message" }
for _, kind in ipairs(kinds) do
  local methods = engine.methods(kind)
  for name, f in pairs(methods) do
    methods[name] = engine.quick(kind, name, function(self, ...)
      if not engine.is(self, kind) then
        error(("call it with a colon, on %s %s: %s:%s(...)"):format(kind:find "^[aeio]" and "an" or "a", kind, short[kind] or kind, name), 0)
      end
      return f(self, ...)
    end)
  end
end

local sip = {}
local declared = { tests = {}, main_of = test.main_of, loads = load.loads, load_setup = load.load_setup, load_teardown = load.load_teardown,
  virtual_user = load.virtual_user, iteration = load.iteration }

local test_options = { "timeout", "strict" }

local function add_test(name, given, f)
  for _, other in ipairs(declared.tests) do
    if other.name == name then error(('there are two tests "%s"'):format(name), 3) end
  end
  declared.tests[#declared.tests + 1] = { name = name, timeout = given.timeout, strict = given.strict, f = f }
end

-- sip.test(name, [{ timeout = 60, strict = false }], function(t) ... end)
function sip.test(name, given, f)
  if type(given) == "function" then given, f = nil, given end
  given = options.check("sip.test", given, test_options)
  options.number("sip.test", given, "timeout")
  options.flag("sip.test", given, "strict")
  if type(name) ~= "string" or name == "" then error("sip.test wants a name first", 2) end
  if type(f) ~= "function" then error(('sip.test "%s" wants a function last'):format(name), 2) end
  add_test(name, given, f)
  load.test(name, given, f)
end

-- sip.load: `offhook load` runs it again and again, `offhook run` once.
function sip.load(name, given, f)
  local entry = load.load(name, given, f)
  add_test(name, { timeout = entry.given.timeout }, load.once(entry))
end

sip.serve, sip.csv, sip.env = load.serve, load.csv, test.env

-- sip.symptom { title, seen, cause, remedy }: what the file shows, printed as a table after the run.
function sip.symptom(given)
  declared.declared_symptom = options.check("sip.symptom", given, { "title", "seen", "cause", "remedy" })
end

local challenge_options = { "realm", "nonce", "algorithm", "qop", "opaque", "stale", "domain" }

function sip.challenge(given)
  return engine.challenge(options.check("sip.challenge", given, challenge_options))
end

-- A memory of nonces, for authorized { nonces = ... }: it finds stale ones and replays.
local nonces_methods = {}
nonces_methods.__index = nonces_methods
function nonces_methods:issue(nonce)
  engine.nonce_issue(self.memory, nonce)
  return nonce
end
function sip.nonces()
  return setmetatable({ memory = engine.nonces() }, nonces_methods)
end

local message = engine.methods "message"
local authorized = message.authorized
function message:authorized(given)
  if type(given) == "table" and type(given.nonces) == "table" then
    local plain = {}
    for key, value in pairs(given) do plain[key] = value end
    plain.nonces = given.nonces.memory
    given = plain
  end
  return authorized(self, given)
end

sip.message = engine.message
sip.uri = engine.uri
sip.uri_equal = engine.uri_equal
sip.name_addr = engine.name_addr
sip.via = engine.parse_via
for name, f in pairs(headers) do sip[name] = f end
sip.check_options = options.check

-- A misspelt name would be nil, and the error of calling it names nothing that was meant.
setmetatable(sip, { __metatable = "locked", __index = function(_, name)
  local names = {}
  for known in pairs(sip) do names[#names + 1] = tostring(known) end
  table.sort(names)
  local nearest = options.nearest(tostring(name), names)
  error(("sip has no %s%s"):format(tostring(name), nearest and (' (did you mean "sip.%s"?)'):format(nearest) or ""), 2)
end })

loaded["sip"] = sip
return declared
