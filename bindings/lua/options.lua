-- Options of the script language: unknown names raise and name the nearest.
local engine = ...

local options = {}

-- How many single letters must change to make `b` of `a`.
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal
    diagonal, row[0] = row[0], i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      diagonal, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
    end
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

-- Raises unless `given` is nil or a table whose keys all stand in `names`; returns a table in any case.
function options.check(where, given, names)
  if given == nil then return {} end
  if type(given) ~= "table" then
    error(("%s wants a table of options, got %s"):format(where, type(given)), 0)
  end
  local unknown = {}
  for key in pairs(given) do
    local known = false
    for _, name in ipairs(names) do known = known or name == key end
    if not known then unknown[#unknown + 1] = tostring(key) end
  end
  if #unknown > 0 then
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
  if value ~= nil and (type(value) ~= "number" or value < 0) then
    error(("%s: %s wants a number from 0 on, got %s"):format(where, name, tostring(value)), 0)
  end
end
function options.flag(where, given, name)
  local value = given[name]
  if value ~= nil and type(value) ~= "boolean" then
    error(("%s: %s wants true or false, got %s"):format(where, name, tostring(value)), 0)
  end
end

-- The time a wait may take: a number, or a table with `within`.
function options.within(where, given, default)
  if type(given) == "number" then return given end
  if given ~= nil and type(given) ~= "table" then
    error(("%s wants seconds or a table of options, got %s"):format(where, type(given)), 0)
  end
  local within = given and given.within
  if within == nil then return default end
  if type(within) ~= "number" or within < 0 then
    error(("%s: within wants seconds from 0 on, got %s"):format(where, tostring(within)), 0)
  end
  return within
end

-- Options that end up in a message: numbers among the header values become text.
function options.message(given)
  local out = {}
  for key, value in pairs(given) do out[key] = value end
  if type(given.headers) == "table" then
    local headers = {}
    if #given.headers > 0 then
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
  if type(given.body) == "number" then out.body = tostring(given.body) end
  return out
end

-- The last argument of a method may be a function that checks what came.
function options.with_check(given, check)
  if type(given) == "function" then return nil, given end
  return given, check
end

return options
