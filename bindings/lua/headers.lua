-- Values of headers, both ways: a table is made to text, a text is taken apart (or nil and what is wrong with it).
local engine, use = ...
local options = use "options"

local headers = {}

-- --- pieces ---

-- `text` at each `separator` outside quotes and angle brackets.
local function split(text, separator)
  local list, quoted, inside, from, at = {}, false, false, 1, 1
  while at <= #text do
    local c = text:sub(at, at)
    if quoted then
      if c == "\\" then at = at + 1 elseif c == '"' then quoted = false end
    elseif c == '"' then quoted = true
    elseif c == "<" then inside = true
    elseif c == ">" then inside = false
    elseif c == separator and not inside then
      list[#list + 1] = text:sub(from, at - 1)
      from = at + 1
    end
    at = at + 1
  end
  list[#list + 1] = text:sub(from)
  for i, item in ipairs(list) do list[i] = item:match "^%s*(.-)%s*$" end
  return list
end

local function unquote(text)
  local inside = text:match '^"(.*)"$'
  return inside and inside:gsub("\\(.)", "%1") or text
end

local function quote(text)
  return '"' .. text:gsub('["\\]', "\\%0") .. '"'
end

local token_pattern = "^[%w%-.!%%*_+`'~]+$"

local function token(where, given, name)
  local value = given[name]
  if value == nil then return nil end
  value = tostring(value)
  if not value:match(token_pattern) then
    error(("%s: %s wants a token (letters, digits, - . ! %% * _ + ` ' ~), got %q"):format(where, name, value), 0)
  end
  return value
end

local function whole(where, given, name, least, most)
  local value = given[name]
  if value ~= nil and (math.type(value) ~= "integer" or value < least or value > most) then
    error(("%s: %s wants a whole number from %d to %d, got %s"):format(where, name, least, most, tostring(value)), 0)
  end
  return value
end

local function text(where, given, name)
  options.text(where, given, name)
  if given[name] and given[name]:find "[\r\n]" then
    error(("%s: %s has a line end in it; a header is one line (endpoint:send takes any bytes)"):format(where, name), 0)
  end
  return given[name]
end

-- An address: a URI, an actor (its address of record), or <...> as it is.
local function address(where, value, display)
  local kind = type(value)
  if kind == "userdata" or kind == "table" then value = engine.is(value, "ua") and value.aor or value.uri end
  if type(value) ~= "string" then error(("%s wants a URI or an actor, got %s"):format(where, kind), 0) end
  local uri = value:match "<([^>]*)>" or value
  if not uri:match "^%a[%w+.-]*:." or uri:find "[%s<>]" then
    error(('%s: %q is no URI; write e.g. "sip:alice@example.test" or "tel:+15550100"'):format(where, value), 0)
  end
  if value:find("<", 1, true) then return value end
  return (display and quote(display) .. " " or "") .. "<" .. value .. ">"
end

-- RFC 3261 25.1: what may stand in the value of a header inside a URI as it is.
local function escape(value)
  return (value:gsub("[^%w%[%]/?:+$_.!~*'()-]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function unescape(value)
  return (value:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

-- name=value pairs of the items from `first` on; a name alone is true.
local function params_of(items, first)
  local params = {}
  for i = first, #items do
    local name, value = items[i]:match "^([^=%s]+)%s*=%s*(.*)$"
    if name then params[name:lower()] = unquote(value) elseif items[i] ~= "" then params[items[i]:lower()] = true end
  end
  return params
end

-- --- Reason (RFC 3326) ---

local reason_options = { "protocol", "cause", "text" }

function headers.reason(given)
  if type(given) == "string" then
    local items = split(given, ";")
    if not items[1]:match(token_pattern) then return nil, ("%q begins with no protocol"):format(given) end
    local params = params_of(items, 2)
    return { protocol = items[1], cause = math.tointeger(tonumber(params.cause or "")) , text = params.text ~= true and params.text or nil }
  end
  given = options.check("sip.reason", given, reason_options)
  local protocol, cause = token("sip.reason", given, "protocol") or "SIP", whole("sip.reason", given, "cause", 0, 999)
  local words = text("sip.reason", given, "text")
  if protocol == "SIP" and cause and (cause < 100 or cause > 699) then
    error(('sip.reason: %d is no SIP status (100 to 699); for Q.850 causes add protocol = "Q.850"'):format(cause), 0)
  end
  return protocol .. (cause and (";cause=%d"):format(cause) or "") .. (words and ";text=" .. quote(words) or "")
end

-- --- P-Asserted-Identity, P-Preferred-Identity (RFC 3325) ---

-- The way back is sip.name_addr.
function headers.identity(uri, display)
  if display ~= nil and (type(display) ~= "string" or display:find "[\r\n]") then error("sip.identity wants a display name of one line", 0) end
  return address("sip.identity", uri, display)
end

-- --- Diversion (RFC 5806) ---

local diversion_options = { "uri", "display", "reason", "counter", "limit", "privacy", "screen" }

local function diverted(item)
  local items = split(item, ";")
  local parsed, why = engine.name_addr(items[1])
  if not parsed then return nil, why end
  local params = params_of(items, 2)
  return { uri = parsed.uri.raw, display = parsed.display, reason = params.reason, privacy = params.privacy, screen = params.screen,
    counter = math.tointeger(tonumber(params.counter or "")), limit = math.tointeger(tonumber(params.limit or "")) }
end

function headers.diversion(given)
  if type(given) == "string" then return diverted(given) end
  given = options.check("sip.diversion", given, diversion_options)
  local value = address("sip.diversion: uri", given.uri, text("sip.diversion", given, "display"))
  local reason = given.reason
  if reason ~= nil and (type(reason) ~= "string" or reason:find "[\r\n]") then error("sip.diversion: reason wants a text of one line", 0) end
  if reason then value = value .. ";reason=" .. (reason:match(token_pattern) and reason or quote(reason)) end
  for _, name in ipairs { "counter", "limit" } do
    local n = whole("sip.diversion", given, name, 0, 99)
    if n then value = ("%s;%s=%d"):format(value, name, n) end
  end
  for _, name in ipairs { "privacy", "screen" } do
    local word = token("sip.diversion", given, name)
    if word then value = ("%s;%s=%s"):format(value, name, word) end
  end
  return value
end

-- --- History-Info (RFC 7044) ---

local entry_options = { "uri", "index", "cause", "text", "rc", "mp", "np" }

local function entry_text(entry)
  options.check("sip.history_info", entry, entry_options)
  local uri = address("sip.history_info: uri", entry.uri):match "<(.*)>"
  if type(entry.index) ~= "string" or not entry.index:match "^%d+[%d.]*$" or entry.index:find("..", 1, true) or entry.index:sub(-1) == "." then
    error(('sip.history_info: index wants numbers with dots, e.g. "1" or "1.2"; got %s'):format(tostring(entry.index)), 0)
  end
  if entry.cause then
    local reason = headers.reason { cause = entry.cause, text = entry.text }
    uri = ("%s%sReason=%s"):format(uri, uri:find("?", 1, true) and "&" or "?", escape(reason))
  end
  local value = ("<%s>;index=%s"):format(uri, entry.index)
  for _, name in ipairs { "rc", "mp", "np" } do
    local of = token("sip.history_info", entry, name)
    if of then value = ("%s;%s=%s"):format(value, name, of) end
  end
  return value
end

local function entry_table(item)
  local items = split(item, ";")
  local uri = items[1]:match "<([^>]*)>"
  if not uri then return nil, ("%q has no <URI>"):format(item) end
  local params = params_of(items, 2)
  local entry = { index = params.index, rc = params.rc, mp = params.mp, np = params.np }
  local plain, rest = uri:match "^([^?]*)%??(.*)$"
  entry.uri = plain
  for header in rest:gmatch "[^&]+" do
    local name, value = header:match "^([^=]*)=(.*)$"
    if name and name:lower() == "reason" then
      local reason = headers.reason(unescape(value))
      if reason then entry.cause, entry.text = reason.cause, reason.text end
    end
  end
  return entry
end

-- A list of entries, or of values of History-Info.
function headers.history_info(given)
  if type(given) == "string" then given = { given } end
  if type(given) ~= "table" then error(("sip.history_info wants a list of entries, or a value, got %s"):format(type(given)), 0) end
  if type(given[1]) == "string" then
    local list = {}
    for _, value in ipairs(given) do
      for _, item in ipairs(split(value, ",")) do
        local entry, why = entry_table(item)
        if not entry then return nil, why end
        list[#list + 1] = entry
      end
    end
    return list
  end
  if #given == 0 then error('sip.history_info wants a list of entries, e.g. { { uri = "sip:bob@example.test", index = "1" } }', 0) end
  local values = {}
  for i, entry in ipairs(given) do values[i] = entry_text(entry) end
  return table.concat(values, ", ")
end

-- --- Replaces (RFC 3891), Refer-To (RFC 3515) ---

local replaces_options = { "call_id", "to_tag", "from_tag", "early_only" }

-- Of a call: the value that names it to its other side; the tags are as the one who gets it sees them.
function headers.replaces(given)
  if type(given) == "string" then
    local items = split(given, ";")
    local params = params_of(items, 2)
    if items[1] == "" or type(params["to-tag"]) ~= "string" or type(params["from-tag"]) ~= "string" then
      return nil, ("%q lacks its Call-ID, to-tag or from-tag (RFC 3891 6.1)"):format(given)
    end
    return { call_id = items[1], to_tag = params["to-tag"], from_tag = params["from-tag"], early_only = params["early-only"] == true }
  end
  if engine.is(given, "call") then
    local d = given.dialog
    if not d then error(("sip.replaces: the call has no dialog yet that could be replaced: it is %s"):format(given.state), 0) end
    given = { call_id = d.call_id, to_tag = d.remote_tag, from_tag = d.local_tag }
  end
  given = options.check("sip.replaces", given, replaces_options)
  for _, name in ipairs { "call_id", "to_tag", "from_tag" } do
    if not text("sip.replaces", given, name) then error(("sip.replaces wants a call, or call_id, to_tag and from_tag; %s is missing"):format(name), 0) end
  end
  return ("%s;to-tag=%s;from-tag=%s%s"):format(given.call_id, given.to_tag, given.from_tag, given.early_only and ";early-only" or "")
end

local refer_to_options = { "method", "replaces", "headers" }

local function refer_to_table(value)
  local parsed, why = engine.name_addr(value)
  if not parsed then return nil, why end
  local uri, rest = parsed.uri.raw:match "^([^?]*)%??(.*)$"
  local method = uri:match ";[Mm][Ee][Tt][Hh][Oo][Dd]=([^;]*)"
  local result = { uri = uri:gsub(";[Mm][Ee][Tt][Hh][Oo][Dd]=[^;]*", ""), display = parsed.display, method = method, headers = {} }
  for item in rest:gmatch "[^&]+" do
    local name, header = item:match "^([^=]*)=(.*)$"
    name, header = unescape(name or item), unescape(header or "")
    result.headers[#result.headers + 1] = { name, header }
    if name:lower() == "replaces" then result.replaces = header end
  end
  return result
end

-- A URI or actor, or a call: its other side's target, with Replaces for that call. A text in <> is taken apart.
function headers.refer_to(target, given)
  if type(target) == "string" and target:find("<", 1, true) and given == nil then return refer_to_table(target) end
  given = options.check("sip.refer_to", given, refer_to_options)
  local replaces = given.replaces
  if engine.is(target, "call") then
    replaces = replaces or headers.replaces(target)
    target = target.dialog.remote_target
  end
  local uri = address("sip.refer_to", options.uri("sip.refer_to", { target = target }, "target") or target):match "<(.*)>"
  if token("sip.refer_to", given, "method") then
    local front, behind = uri:match "^([^?]*)(.*)$"
    uri = ("%s;method=%s%s"):format(front, given.method, behind)
  end
  local items = {}
  for _, pair in ipairs(given.headers or {}) do items[#items + 1] = ("%s=%s"):format(escape(pair[1]), escape(tostring(pair[2]))) end
  if replaces then items[#items + 1] = "Replaces=" .. escape(replaces) end
  if #items > 0 then uri = uri .. (uri:find("?", 1, true) and "&" or "?") .. table.concat(items, "&") end
  return ("<%s>"):format(uri)
end

return headers
