-- What scripts may do and what they may not; time and chance belong to the run.
local sip = require "sip"
local help = require "_help"
local failure_of = help.failure_of

sip.test("globals are strict, and the library's own are out of reach", function(t)
  t:ok(failure_of(function() return nosuch end):find('"nosuch" is not defined', 1, true))
  t:ok(failure_of(function() nosuch = 1 end):find('"nosuch" is not declared: write `local nosuch`', 1, true))
  t:ok(failure_of(function() return _G.nosuch end):find('"nosuch" is not defined', 1, true))
  t:ok(failure_of(function() _G.nosuch = 1 end):find("not declared", 1, true))
  t:equal(rawget(_G, "nosuch"), nil)
  t:ok(failure_of(setmetatable, _G, {}):find("protected metatable", 1, true))
  t:equal(getmetatable(_G), "locked")
  for _, value in ipairs { t, t.env, t:endpoint(), sip.message "x" } do t:equal(getmetatable(value), "locked") end
  local f <const> = load "return nosuch"
  t:ok(failure_of(f):find('"nosuch" is not defined', 1, true))
end)

sip.test("no processes, no exit, no debug, no loading of files", function(t)
  local unsafe = rawget(_G, "debug") ~= nil
  if unsafe then t:skip("run with --unsafe") end
  for _, name in ipairs { "debug", "dofile", "loadfile", "package" } do t:equal(rawget(_G, name), nil, name) end
  for _, name in ipairs { "execute", "exit", "setlocale" } do t:equal(os[name], nil, name) end
  t:equal(io.popen, nil)
end)

sip.test("load takes text alone", function(t)
  local dumped = string.dump(function() return 1 end)
  for _, mode in ipairs { "b", "bt", "t" } do
    local f, why = load(dumped, "x", mode)
    t:equal(f, nil)
    t:ok(why:find("attempt to load a binary chunk", 1, true), why)
  end
  t:equal(load(dumped), nil)
  t:equal(load(function() local d = dumped dumped = nil return d end), nil)
  t:equal(load("return ...")(7), 7)
  t:equal(load("return x", "x", "t", { x = 8 })(), 8)
  t:equal({ load("return (", "=name") }, { nil, "name:1: unexpected symbol near <eof>" })
  local env = {}
  load("y = 5", "x", "b", env)()
  t:equal(env, { y = 5 })
end)

sip.test("require: the library, the script's own folder, and nothing else", function(t)
  t:equal(require "sip", sip)
  t:equal(require "_help", help)
  t:ok(require "sip.proxy")
  t:ok(require "sip.registrar")
  for _, name in ipairs { "../x", "/etc/passwd", "a/b", "", "..", ".x", "x.", "a..b", "a\0b" } do
    local text = failure_of(require, name)
    t:ok(text:find("require", 1, true) or text:find("not found", 1, true), name .. ": " .. text)
  end
  local text = failure_of(require, "nothere")
  t:ok(text:find('module "nothere" not found', 1, true), text)
  t:ok(text:find("nothere.lua", 1, true), text)
  t:ok(failure_of(require, "sip.nothere"):find("not found", 1, true))
  t:ok(failure_of(require, "socket"):find("not found", 1, true))
  t:ok(failure_of(require):find("string expected", 1, true))
  t:ok(failure_of(require, "_broken"):find("_broken.lua:2:", 1, true))
end)

sip.test("time is the run's", function(t)
  local start = os.time()
  local clock = os.clock()
  t:sleep(10)
  t:near(os.time() - start, t.virtual and 10 or 5, t.virtual and 0 or 6)
  t:near(os.clock() - clock, 10, help.slack(t))
  if t.virtual then
    t:equal(start, 1767225600)                          -- every virtual run begins in the first second of 2026
    t:equal(os.date("%Y-%m-%d %H:%M:%S"), "2026-01-01 00:00:10")
    t:equal(os.date("*t").hour, 0)
    t:equal(os.date("!%H:%M", 3600), "01:00")
    t:equal(os.date("%H:%M", 3600), "01:00")            -- the place of the machine is no part of a virtual run
    t:equal(os.time { year = 2026, month = 1, day = 1, hour = 0 }, 1767225600)
  end
  t:equal(os.time(os.date("*t", 1000000)), 1000000)
  t:equal(os.difftime(5, 3), 2.0)
end)

sip.test("chance is the run's", function(t)
  local a = math.random()
  t:ok(a >= 0 and a < 1)
  for _ = 1, 100 do
    local n = math.random(3)
    t:ok(n >= 1 and n <= 3 and math.type(n) == "integer")
    n = math.random(-2, 2)
    t:ok(n >= -2 and n <= 2)
  end
  t:equal(math.random(5, 5), 5)
  t:equal(math.type(math.random(0)), "integer")
  t:equal(math.type(math.random(math.mininteger, math.maxinteger)), "integer")
  t:ok(failure_of(math.random, 2, 1):find("interval is empty", 1, true))
  t:ok(failure_of(math.random, 0.5):find("no integer representation", 1, true))
  t:ok(failure_of(math.random, 1, 2, 3):find("wrong number of arguments", 1, true))
  t:ok(failure_of(math.randomseed, 1):find("--seed", 1, true))
  t:equal(#t:token(), 16)
  t:equal(#t:token(24), 24)
  t:ok(t:token(200):find "^[0-9a-z]+$")
  t:ok(t:token() ~= t:token())
  t:ok(failure_of(t.token, t, 0):find("1 to 256", 1, true))
  t:ok(failure_of(t.token, t, 257):find("1 to 256", 1, true))
  local r = t:random()
  t:ok(r >= 0 and r < 1)
end)

sip.test("t.env: --set and the environment, read only", function(t)
  t:ok(t.env.PATH, "PATH is in the environment")
  t:equal(t.env.surely_not_there, nil)
  t:ok(failure_of(function() t.env.PATH = "x" end):find("--set NAME=VALUE", 1, true))
end)

sip.test("a module sees the same strict globals, and is loaded once", function(t)
  local first = require "_module"
  first.count = first.count + 1
  t:equal(require("_module").count, first.count)
  t:ok(failure_of(first.global):find('"leaked" is not declared', 1, true))
end)

sip.test("unknown options of everything name the nearest", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local box = t:endpoint { name = "box" }
  local function says(text, f, ...)
    local got = failure_of(f, ...)
    t:ok(got:find(text, 1, true), got)
  end
  says('t:endpoint has no option "nmae" (did you mean "name"?)', t.endpoint, t, { nmae = "x" })
  says('t:endpoint has no option "qqqqqqqq" (it has: name, address, port, ipv6, timers)', t.endpoint, t, { qqqqqqqq = 1 })
  says('timers has no option "T3"', t.endpoint, t, { timers = { T3 = 1 } })
  says('t:ua has no option "outbound_prxy" (did you mean "outbound_proxy"?)', t.ua, t, { aor = "sip:x@y", outbound_prxy = 1 })
  says('answers has no option "options" (did you mean "OPTIONS"?)', t.ua, t, { aor = "sip:x@y", answers = { options = false } })
  says('invite has no option "headrs" (did you mean "headers"?)', alice.invite, alice, box, { headrs = {} })
  says('build has no option "urii" (did you mean "uri"?)', alice.build, alice, "OPTIONS", { urii = "" })
  says('OPTIONS has no option "bdy" (did you mean "body"?)', alice.options, alice, box, { bdy = "" })
  says('register has no option "expire" (did you mean "expires"?)', alice.register, alice, { expire = 1 })
  says('t:network has no option "los" (did you mean "loss"?)', t.network, t, { los = 1 })
  says('t:proxy has no option "too" (did you mean "to"?)', t.proxy, t, { too = 1 })
  says('t:proxy auth has no option "relm" (did you mean "realm"?)', t.proxy, t, { auth = { relm = "x" } })
  says('t:proxy access has no option "alow" (did you mean "allow"?)', t.proxy, t, { access = { alow = {} } })
  says('t:registrar has no option "domian" (did you mean "domain"?)', t.registrar, t, { domian = "x" })
  says('sip.challenge has no option "realms" (did you mean "realm"?)', sip.challenge, { realms = "x" })
  says("t:ua wants a table of options, got string", t.ua, t, "sip:alice@example.test")
  says("t:ua wants an aor", t.ua, t, {})
  says("t:ua wants an aor", t.ua, t)
  t:equal(box.name, "box")
end)

sip.test("wrong types name the option and what it wants", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local box = t:endpoint { name = "box" }
  local function says(text, f, ...)
    local got = failure_of(f, ...)
    t:ok(got:find(text, 1, true), got)
  end
  says('option "port" wants a whole number from 0 to 65535, got 70000', t.endpoint, t, { address = "127.0.0.1", port = 70000 })
  says('option "port" wants a whole number from 0 to 65535, got 0.5', t.endpoint, t, { address = "127.0.0.1", port = 0.5 })
  says('option "port" wants a number, got string', t.endpoint, t, { address = "127.0.0.1", port = "5060" })
  says("a port needs an address", t.endpoint, t, { port = 5070 })
  says('"localhost" is not a numeric address', t.endpoint, t, { address = "localhost" })
  says("name", t.endpoint, t, { name = {} })
  says('option "max_auth_attempts" wants a whole number', t.ua, t, { aor = "sip:x@y", max_auth_attempts = -1 })
  says('option "algorithms" wants a list', t.ua, t, { aor = "sip:x@y", algorithms = "MD5" })
  says('algorithm "SHA1" is not one of', t.ua, t, { aor = "sip:x@y", algorithms = { "SHA1" } })
  says('option "auth_int" wants true or false, got string', t.ua, t, { aor = "sip:x@y", auth_int = "yes" })
  says('option "OPTIONS" wants true or false, got number', t.ua, t, { aor = "sip:x@y", answers = { OPTIONS = 0 } })
  says('option "cseq" wants a whole number', alice.options, alice, box, { cseq = -1 })
  says('option "cseq" wants a whole number', alice.options, alice, box, { cseq = 2 ^ 32 })
  says('option "expires" wants a whole number', alice.register, alice, { registrar = box, expires = -1 })
  says('option "sdp" wants a string', alice.invite, alice, box, { sdp = 5 })
  says('option "headers" wants a table, got string', alice.options, alice, box, { headers = "X: y" })
  says('item 1 is not { name, value }', alice.options, alice, box, { headers = { "X: y" } })
  says("not both", alice.options, alice, box, { headers = { { "X", "y" }, Y = "z" } })
  says('header "X" wants a string, or false to leave it out; got boolean', alice.options, alice, box, { headers = { X = true } })
  says('header "X" wants a string', alice.options, alice, box, { headers = { { "X" } } })
  says("t:proxy auth wants a realm", t.proxy, t, { auth = { realm = 5, users = {} } })
  says("a proxy wants a URI or an actor to send to, got table", t.proxy, t, { to = {} })
  says("t:ua: outbound_proxy wants a URI or an actor, got table", t.ua, t, { aor = "sip:x@y", outbound_proxy = {} })
  says("timer T1 wants seconds, or false for never; got boolean", t.ua, t, { aor = "sip:x@y", timers = { T1 = true } })
  says("t:network: from and to want an actor or its name, got number", t.network, t, { from = 5 })
  says("request wants a method, got nil", alice.request, alice, nil, box)
  says("t:near wants", t.near, t, 1)
  says("t:note wants a text", t.note, t)
  says("t:replace wants", t.replace, t, "x")
  says("loss is a share from 0 to 1, got 2", t.network, t, { loss = 2 })
  says("delay wants seconds from 0 on, got -1", t.network, t, { delay = -1 })
  says("OPTIONS wants a SIP URI or an actor, got nil", alice.options, alice)
  says("OPTIONS wants a SIP URI or an actor, got number", alice.options, alice, 5)
  says("where to?", box.send, box, "bytes")
  says("a transaction needs a request", box.request, box, "no request", "127.0.0.1")
  says("t.env", function() t.env.x = 1 end)
  says('t has no spwan (did you mean "t:spawn"?)', function() t:spwan(print) end)
  says('a message has no field "stauts"', function() return sip.message "x".stauts end)
  says('an endpoint has no field or method "tkae" (did you mean "take"?)', function() box:tkae() end)
end)
