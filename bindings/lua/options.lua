-- Options of the script language: unknown names raise and name the nearest.
local engine = ...

local options = {}

-- How many letters must be changed, added, dropped or swapped with their neighbour to make `b` of `a`.
local function distance(a, b)
  local before, row = nil, {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local new = { [0] = i }
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      new[j] = math.min(row[j] + 1, new[j - 1] + 1, row[j - 1] + cost)
      if before and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        new[j] = math.min(new[j], before[j - 2] + 1)
      end
    end
    before, row = row, new
  end
  return row[#b]
end

-- The nearest of `names` to `name`, if it is near enough to have been meant.
function options.nearest(name, names)
  local best, best_distance
  for _, candidate in ipairs(names) do
    local d = distance(name:lower(), candidate:lower())
    if not best_distance or d < best_distance then best, best_distance = candidate, d end
  end
  if best and best_distance <= math.max(2, #name // 2) then return best end
end

engine.set_nearest(function(kind, name)
  local names = {}
  for method in pairs(engine.methods(kind)) do names[#names + 1] = method end
  table.sort(names)
  return options.nearest(name, names)
end)

local function stands_in(names, key)
  if names.set then return names.set[key] end
  for _, name in ipairs(names) do
    if name == key then return true end
  end
  return false
end

-- Raises unless `given` is nil or a table whose keys all stand in `names`; returns a table in any case.
function options.check(where, given, names)
  if given == nil then return {} end
  if type(given) ~= "table" then
    error(("%s wants a table of options, got %s"):format(where, type(given)), 0)
  end
  local unknown
  for key in pairs(given) do
    if not stands_in(names, key) then
      unknown = unknown or {}
      unknown[#unknown + 1] = tostring(key)
    end
  end
  if unknown then
    table.sort(unknown)
    local nearest = options.nearest(unknown[1], names)
    error(('%s has no option "%s"%s'):format(where, unknown[1],
      nearest and (' (did you mean "%s"?)'):format(nearest) or " (it has: " .. table.concat(names, ", ") .. ")"), 0)
  end
  return given
end

-- Raise unless the option of that name is left out, or a number from 0 on, or a boolean.
function options.number(where, given, name)
  local value = given[name]
  if value ~= nil and not (type(value) == "number" and value >= 0) then
    error(("%s: %s wants a number from 0 on, got %s"):format(where, name, type(value) == "string" and ("%q"):format(value) or tostring(value)), 0)
  end
end

function options.whole(where, given, name)
  options.number(where, given, name)
  local value = given[name]
  if value ~= nil and (value < 1 or math.tointeger(value) == nil) then
    error(("%s: %s wants a whole number from 1 on, got %s"):format(where, name, tostring(value)), 0)
  end
end
function options.flag(where, given, name)
  local value = given[name]
  if value ~= nil and type(value) ~= "boolean" then
    error(("%s: %s wants true or false, got %s"):format(where, name, tostring(value)), 0)
  end
end

-- Raises unless it is a status from `least` to 699. Digits in quotes are let pass, as elsewhere in Lua.
function options.status(where, status, least)
  local number = math.tointeger(status)
  if not number or number < least or number > 699 then
    error(("%s: a status is %d to 699, got %s"):format(where, least, tostring(status)), 0)
  end
end

function options.text(where, given, name)
  local value = given[name]
  if value ~= nil and type(value) ~= "string" then
    error(("%s: %s wants a string, got %s"):format(where, name, type(value)), 0)
  end
end
-- The URI of an actor, or a URI as it is; nil and false stay nil.
function options.uri(where, given, name)
  local value = given[name]
  if value == nil or value == false or type(value) == "string" then return value or nil end
  local kind = type(value)
  local uri = (kind == "userdata" or kind == "table") and value.uri
  if type(uri) ~= "string" then error(("%s: %s wants a URI or an actor, got %s"):format(where, name, kind), 0) end
  return uri
end

-- The time a wait may take: a number, or a table with `within`.
function options.within(where, given, default)
  if given ~= nil and type(given) ~= "number" and type(given) ~= "table" then
    error(("%s wants seconds or a table of options, got %s"):format(where, type(given)), 0)
  end
  local within = given
  if type(given) == "table" then within = given.within end
  if within == nil then return default end
  if type(within) ~= "number" or not (within >= 0) then
    error(("%s: within wants seconds from 0 on, got %s"):format(where, tostring(within)), 0)
  end
  return within
end

-- What a request may say, wherever one is sent.
options.of_message = { "uri", "to", "from", "headers", "content_type", "body", "call_id", "cseq", "contact", "destination",
  "outbound_proxy" }

-- Options that end up in a message: numbers among the header values become text.
function options.message(given)
  local out = {}
  for key, value in pairs(given) do out[key] = value end
  if type(given.headers) == "table" then
    local headers = {}
    if #given.headers > 0 then
      for key in pairs(given.headers) do
        if math.type(key) ~= "integer" then error("headers are either a list of { name, value } or a map, not both", 0) end
      end
      for i, pair in ipairs(given.headers) do
        if type(pair) ~= "table" then error(("headers: item %d is not { name, value }"):format(i), 0) end
        headers[i] = { pair[1], type(pair[2]) == "number" and tostring(pair[2]) or pair[2] }
      end
    else
      for name, value in pairs(given.headers) do
        headers[name] = type(value) == "number" and tostring(value) or value
      end
    end
    out.headers = headers
  end
  if given.outbound_proxy then
    error("outbound_proxy of a request is false or left out: the actor that sends has the option (t:ua { outbound_proxy = ... })", 0)
  end
  if type(given.body) == "number" then out.body = tostring(given.body) end
  return out
end

-- The same from what a script gave: nil stays nil, which says nothing.
function options.sent(where, given, names)
  if given == nil then return nil end
  return options.message(options.check(where, given, names))
end

-- What a wait may be given besides seconds.
local of_wait = { "within", "optional" }
function options.check_wait(where, given)
  if type(given) == "table" then options.check(where, given, of_wait) end
end

-- The names of several lists in one, which is quick to look through.
function options.joined(...)
  local names = { set = {} }
  for _, list in ipairs { ... } do
    for _, name in ipairs(list) do
      names[#names + 1], names.set[name] = name, true
    end
  end
  return names
end

-- A copy of the options with `name` set unless it is.
function options.with_default(given, name, value)
  local copy = {}
  for key, one in pairs(given or {}) do copy[key] = one end
  if copy[name] == nil then copy[name] = value end
  return copy
end

-- The headers of a script as a list behind `own`, of which those that it has itself are left out.
function options.headers_behind(given, own)
  local list, said, names = {}, {}, {}
  given = options.message(given).headers or {}
  for key, value in pairs(given) do
    local name = type(value) == "table" and value[1] or key
    said[tostring(name):lower()] = true
    if type(key) == "string" then names[#names + 1] = key end
  end
  for _, pair in ipairs(own) do
    if not said[pair[1]:lower()] then list[#list + 1] = { pair[1], tostring(pair[2]) } end
  end
  for _, pair in ipairs(given) do list[#list + 1] = pair end
  table.sort(names)
  for _, name in ipairs(names) do list[#list + 1] = { name, given[name] } end
  return list
end

-- The last argument of a method may be a function that checks what came.
function options.with_check(given, check)
  if type(given) == "function" then return nil, given end
  return given, check
end

return options
