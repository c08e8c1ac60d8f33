-- What `expect` takes, and how the responses of a request are waited for.
local engine, use = ...
local failure, options = use "failure", use "options"

local expect = {}

-- 200, "2xx", "INVITE", or a list of these, in words.
function expect.words(what)
  if type(what) == "table" then
    local words = {}
    for i, one in ipairs(what) do words[i] = expect.words(one) end
    return table.concat(words, " or ")
  end
  return tostring(what)
end

local function check_what(what, where)
  where = where or "expect"
  if type(what) == "table" then
    if #what == 0 then error(("%s wants a status, a class like \"2xx\", a method, or a list of these"):format(where), 0) end
    for _, one in ipairs(what) do check_what(one, where) end
  elseif math.type(what) == "integer" then
    if what < 100 or what > 699 then error(("%s: %d is no SIP status"):format(where, what), 0) end
  elseif type(what) ~= "string" or not (what:match "^[1-6]xx$" or what:match "^%u[%u%d]*$") then
    local status = type(what) == "string" and what:match "^%d%d%d$"
    error(('%s wants a status, a class like "2xx", a method, or a list of these; got %s%s'):format(where,
      type(what) == "string" and ('"%s"'):format(what) or tostring(what), status and (": write %s without quotes"):format(status) or ""), 0)
  end
end
expect.check_what = check_what

local methods = { "INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "PRACK", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO", "REFER", "MESSAGE",
  "UPDATE" }

-- Behind a failure that a method of no RFC may explain: ' (no RFC has a method "BYEE": did you mean "BYE"?)', else "".
function expect.method_hint(what)
  if type(what) == "table" then
    local hints = {}
    for i, one in ipairs(what) do hints[i] = expect.method_hint(one) end
    return table.concat(hints)
  end
  if type(what) ~= "string" or what:match "^[1-6]xx$" then return "" end
  for _, method in ipairs(methods) do
    if method == what then return "" end
  end
  local nearest = options.nearest(what, methods)
  return (' (no RFC has a method "%s"%s)'):format(what, nearest and (': did you mean "%s"?'):format(nearest) or "")
end

-- The name of the user agent at "ADDRESS:PORT", if it is one of this test; set by test.lua.
function expect.ua_at() end

-- Why a UA of this test refused a request, and what helps.
local function refusal_hint(handle, message)
  if message.status == 501 then return expect.method_hint(message.method) end
  local ua = message.status == 405 and message.source and expect.ua_at(message.source)
  if not ua then return "" end
  local within = handle.request and handle.request.to_tag or engine.is(handle, "call")
  return (' (%s takes a %s only where a script line waits for it: %s:expect "%s", before it comes)'):format(ua, message.method,
    within and "call" or ua, message.method)
end

function expect.matches(what, message)
  if type(what) == "table" then
    for _, one in ipairs(what) do
      if expect.matches(one, message) then return true end
    end
    return false
  end
  local status = message.status
  if status then
    if type(what) == "number" then return status == what end
    local class = what:match "^([1-6])xx$"
    return class ~= nil and status // 100 == tonumber(class)
  end
  return message.is_request and message.method == what
end

-- Whether a provisional was asked for.
local function wants_provisional(what)
  if type(what) == "table" then
    for _, one in ipairs(what) do
      if wants_provisional(one) then return true end
    end
    return false
  end
  return what == "1xx" or (type(what) == "number" and what < 200)
end
expect.wants_provisional = wants_provisional

-- "407 Proxy Authentication Required (the actor has no password)"
function expect.got_words(message, why)
  if not message then return nil end
  local words
  if message.status then
    words = ("%d %s"):format(message.status, message.reason or "")
    if message.locally then words = words .. (" (nobody answered: %s)"):format(message.cause) end
    if why and not message.locally then words = words .. (" (not answered: %s)"):format(why) end
    local warning = message["Warning"]
    if warning then words = words .. ", Warning: " .. warning end
  else
    words = tostring(message)
  end
  return words
end

-- What the library keeps beside a handle.
local state = setmetatable({}, { __mode = "k" })
function expect.state(handle)
  local s = state[handle]
  if not s then
    s = {}
    state[handle] = s
  end
  return s
end

-- The request whose responses come to a handle.
local function request_of(handle)
  return engine.is(handle, "call") and handle.invite or handle.request
end

-- What a response was waited for in vain: raises, or returns nil and "timeout" where that was allowed. `what` nil: a final one.
function expect.unmet(handle, what, given, within, message, why)
  if message then
    failure.raise { actor = handle.actor, wanted = ("%s to its %s"):format(expect.words(what), message.method),
      got = expect.got_words(message, why) .. refusal_hint(handle, message), about = message, class = "response" }
  end
  if type(given) == "table" and given.optional then return nil, "timeout" end
  local request, last = request_of(handle), engine.last(handle)
  local got = "nothing"
  if last then
    got = ("nothing more than %s%s"):format(expect.got_words(last), what and given == nil and " ({ within = 30 } waits longer)" or "")
  end
  failure.raise { actor = handle.actor, wanted = ("%s to its %s within %g s"):format(what and expect.words(what) or "a final response",
    request.method, within), got = got, about = last or request, call_id = request.call_id, class = "timeout" }
end

-- Anything with responses (a call, a request, a registration, a client transaction): see the reference of expect.
function expect.response(handle, what, given, check)
  given, check = options.with_check(given, check)
  options.check_wait("expect", given)
  check_what(what)
  local message, why = engine.response(handle, what, given, options.within("expect", given, 5))
  if message and check then check(message) end
  return message, why
end

-- The final response, as long as that takes; also when it was read already.
function expect.final(handle, given)
  options.check_wait("final", given)
  return engine.response(handle, nil, given, options.within("final", given, nil))
end

-- Nothing arrives in the inbox for that long.
function expect.none(handle, inbox, seconds, actor)
  if type(seconds) ~= "number" then error(("expect_none wants seconds, got %s"):format(type(seconds)), 0) end
  local message = engine.wait(handle, inbox, seconds)
  if message then
    failure.raise { actor = actor, wanted = ("nothing for %g s"):format(seconds),
      got = type(message) == "userdata" and (engine.is(message, "message") and expect.got_words(message) or tostring(message.request))
        or tostring(message), about = engine.is(message, "message") and message or nil }
  end
end

-- The next item of an inbox; raises when none comes, or returns nil, "timeout" if that was allowed.
function expect.take(handle, inbox, given, default, actor, what, where, hint)
  options.check_wait(where or "take", given)
  local within = options.within(where or "take", given, default)
  local item, text = engine.wait(handle, inbox, within)
  if item then return item, text end
  if type(given) == "table" and given.optional then return nil, "timeout" end
  failure.raise { actor = actor, wanted = ("%s within %g s"):format(what, within), got = "nothing" .. (hint or ""), class = "timeout" }
end

-- An iterator over an inbox that ends with its task.
function expect.iterate(handle, inbox)
  return engine.iterate(handle, inbox)
end

return expect
