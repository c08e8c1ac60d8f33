-- Makes docs/reference.md and docs/offhook.meta.lua from docs/api.lua and from tables in the sources.
--
--   lua5.4 docs/make.lua            writes them
--   lua5.4 docs/make.lua --check    writes nothing; fails when they are not up to date
--
-- Either way it fails when docs/api.lua and the sources know different methods, fields, parameters or options.

local root = (arg[0]:match "^(.*)/docs/[^/]*$") or "."
package.path = root .. "/docs/?.lua;" .. package.path
local api, source = require "api", require "source"
local truth = source.load(root)

-- --- api.lua against the sources ---

local complaints = {}
local function complain(...) complaints[#complaints + 1] = string.format(...) end

local function set_of(list, key)
  local set = {}
  for _, item in ipairs(list or {}) do set[key and item[key] or item] = true end
  return set
end

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

local function compare(where, documented, real)
  for _, name in ipairs(sorted(real)) do
    if not documented[name] then complain("%s: docs/api.lua does not know \"%s\"", where, name) end
  end
  for _, name in ipairs(sorted(documented)) do
    if not real[name] then complain("%s: the sources do not know \"%s\", docs/api.lua does", where, name) end
  end
end

-- The options of a method as one list: its own, then those of its group.
local function options_of(class, method)
  local given = method.options
  if given == nil then return {} end
  if type(given) == "string" then return api.groups[given].options, given end
  if given.same then
    for _, other in ipairs(class.methods) do
      if other.name == given.same then return options_of(class, other) end
    end
  end
  local list = {}
  for _, option in ipairs(given) do list[#list + 1] = option end
  for _, option in ipairs(given.group and api.groups[given.group].options or {}) do list[#list + 1] = option end
  return list, #given == 0 and given.group or nil
end

local function check_class(class)
  local real = truth.classes[class.kind or class.name]
  if not real then return complain("there is no class \"%s\"", class.kind or class.name) end
  local methods, fields = set_of(class.methods, "name"), set_of(class.fields, 1)
  for _, name in ipairs(class.internal or {}) do fields[name] = true end
  compare("methods of " .. class.name, methods, real.methods)
  compare("fields of " .. class.name, fields, real.fields)
  for name in pairs(real.fields) do
    if real.methods[name] then complain("%s.%s is a field and a method: one hides the other", class.name, name) end
  end
  for _, method in ipairs(class.methods) do
    local where = ("%s:%s"):format(class.name, method.name)
    local params = real.params[method.name]
    if params then
      local names = {}
      for i, param in ipairs(method.params or {}) do names[i] = param[1]:gsub("%?$", "") end
      if table.concat(names, ", ") ~= table.concat(params, ", ") then
        complain("parameters of %s: (%s) in the sources, (%s) in docs/api.lua", where, table.concat(params, ", "), table.concat(names, ", "))
      end
    end
    local options = real.options[method.name]
    if options then
      compare("options of " .. where, set_of(options_of(class, method), 1), options.names)
      for name, inside in pairs(options.nested) do
        local group = method.nested and method.nested[name]
        local documented = name == "timers" and set_of(truth.timers, "name") or name == "answers" and set_of(truth.answers, "name")
          or group and set_of(api.groups[group].options, 1) or {}
        compare(("option %s of %s"):format(name, where), documented, inside)
      end
    end
  end
end

local known = { inbox = true }
for _, class in ipairs(api.classes) do
  known[class.kind or class.name] = true
  check_class(class)
end
for name in pairs(truth.classes) do
  if not known[name] then complain("docs/api.lua does not know the class \"%s\"", name) end
end
for _, t in ipairs(api.tables) do compare("fields of the table " .. t.name, set_of(t.fields, 1), truth.tables[t.name] or {}) end
for _, enum in ipairs(api.enums) do compare("values of " .. enum.name, set_of(enum.values), set_of(truth.enums[enum.name])) end
for _, list in ipairs { "removed", "unsafe", "replaced" } do compare("sandbox, " .. list, set_of(api.sandbox[list]), set_of(truth.sandbox[list])) end
compare("timers", set_of(sorted(api.timer_defaults)), set_of(truth.timers, "name"))

-- --- Markdown ---

local out
local function put(...) out[#out + 1] = string.format(...) end
local function line(text) out[#out + 1] = text or "" end

local function anchor(title)
  return title:lower():gsub("[^%w%s_-]", ""):gsub("%s", "-")
end

local function cell(text) return (tostring(text or ""):gsub("|", "\\|")) end

-- A type as a reader reads it.
local function type_words(t)
  local words = t:gsub("sip%.options%.([%w_]+)", "options (%1)"):gsub("sip%.", ""):gsub("_", " ")
  return "`" .. words .. "`"
end

local function method_head(class, method)
  local names, open = {}, 0
  for i, param in ipairs(method.params or {}) do
    local name, optional = param[1]:match "^(.-)(%??)$"
    local text = (i > 1 and ", " or "") .. name
    if optional == "?" then
      text = "[" .. text .. "]"
    end
    names[i] = text
  end
  return ("%s%s%s(%s)"):format(class.written or class.var, method.static and "." or ":", method.name, table.concat(names))
end

local function put_options(options)
  line "| option | type | meaning | default |"
  line "|---|---|---|---|"
  for _, o in ipairs(options) do put("| `%s` | %s | %s | %s |", o[1], cell(type_words(o[2])), cell(o[3]), cell(o[4])) end
  line()
end

local group_titles = { wait = "Options of waits", message = "Options of requests", invite = "Options of calls", in_call = "Options of requests within a call", ua = "Options of UAs", ack = "Options of an ACK", endpoint = "Options of actors", auth = "Options of `auth`", access = "Options of `access`", limits = "Options of `limits`" }

local group_order = { "wait", "message", "invite", "in_call", "ack", "endpoint", "ua", "auth", "access", "limits" }

local function link(group) return ("[%s](#%s)"):format(group_titles[group]:gsub("^O", "o"), anchor(group_titles[group])) end

local function put_method(class, method)
  put("#### `%s`", method_head(class, method))
  line()
  line(method.about)
  local notes = {}
  for _, param in ipairs(method.params or {}) do
    if param[3] ~= "" and param[1] ~= "given?" and param[1] ~= "given" then notes[#notes + 1] = ("- `%s` (%s): %s"):format(param[1]:gsub("%?$", ""), type_words(param[2]), param[3])
    elseif param[1] ~= "given?" and param[1] ~= "given" then notes[#notes + 1] = ("- `%s`: %s"):format(param[1]:gsub("%?$", ""), type_words(param[2])) end
  end
  if method.options then
    local _, group = options_of(class, method)
    if method.options.same then notes[#notes + 1] = ("- `given`: options as of `%s`"):format(method.options.same)
    elseif group then notes[#notes + 1] = ("- `given`: %s%s"):format(link(group), method.default_within and ("; `within` unless given: " .. method.default_within) or "")
    elseif type(method.options) == "table" and method.options.group then notes[#notes + 1] = ("- `given`: the options below, and the %s"):format(link(method.options.group))
    else notes[#notes + 1] = "- `given`: the options below" end
  end
  if method.returns then
    local list = {}
    for i, r in ipairs(method.returns) do list[i] = r[3] ~= "" and ("%s: %s"):format(type_words(r[2]), r[3]:gsub("%.$", "")) or type_words(r[2]) end
    notes[#notes + 1] = "- returns " .. table.concat(list, "; then ")
  end
  if method.raises then notes[#notes + 1] = "- raises: " .. method.raises:sub(1, 1):lower() .. method.raises:sub(2) end
  if method.rfc then notes[#notes + 1] = "- " .. method.rfc end
  if #notes > 0 then
    line()
    line(table.concat(notes, "\n"))
  end
  line()
  if type(method.options) == "table" and #method.options > 0 then put_options(method.options) end
end

local function fields_table(fields)
  line "| field | type | meaning |"
  line "|---|---|---|"
  for _, f in ipairs(fields) do put("| `%s` | %s | %s |", f[1], cell(type_words(f[2])), cell(f[3])) end
  line()
end

local function code_list(list)
  local parts = {}
  for i, name in ipairs(list) do parts[i] = "`" .. name .. "`" end
  return table.concat(parts, ", ")
end

local titles = { sip = "sip", t = "t: the test, or the virtual user", client_transaction = "client transaction", server_transaction = "server transaction" }

-- The tables of engine/load/numbers.h, for the rules that have their names in braces.
local function rows_of(head, list)
  local rows = { ("| %s | meaning |"):format(head), "|---|---|" }
  for _, item in ipairs(list) do rows[#rows + 1] = ("| `%s` | %s |"):format(item.name, cell(item.what)) end
  return table.concat(rows, "\n")
end
local load_tables = {
  times = function() return rows_of("time", truth.load.times) end,
  counts = function() return rows_of("count", truth.load.counts) end,
}

local function reference()
  out = {}
  line "# Reference of the script language"
  line()
  line "<!-- Made by docs/make.lua from docs/api.lua and the sources. Change those, then run: lua5.4 docs/make.lua -->"
  line()
  line "A first script is in the [guide](guide.md), recipes are in the [cookbook](cookbook.md). With"
  line "[offhook.meta.lua](offhook.meta.lua) in its library, an editor with lua-language-server completes and checks scripts."
  line()
  line "**Rules**"
  line()
  for _, rule in ipairs(api.rules) do put("- [%s](#%s)", rule[1], anchor(rule[1])) end
  line()
  line "**Classes**"
  line()
  for _, class in ipairs(api.classes) do
    local title = titles[class.name] or class.name
    put("- [%s](#%s)", title, anchor(title))
  end
  line()
  line "**Tables**"
  line()
  for _, title in ipairs { "Shared options", "Types", "Values", "Tables that functions return", "What a UA answers by itself", "Timers", "Command line" } do put("- [%s](#%s)", title, anchor(title)) end
  line()
  line "## Rules"
  line()
  for _, rule in ipairs(api.rules) do
    put("### %s", rule[1])
    line()
    line((rule[2]:gsub("{(%w+)}", function(name)
      return load_tables[name] and load_tables[name]() or code_list(api.sandbox[name])
    end)))
    line()
  end
  line "## Classes"
  line()
  for _, class in ipairs(api.classes) do
    put("### %s", titles[class.name] or class.name)
    line()
    line(class.about)
    line()
    put("From: %s.", class.origin)
    line()
    if class.fields and #class.fields > 0 then fields_table(class.fields) end
    for _, method in ipairs(class.methods) do put_method(class, method) end
  end
  line "## Shared options"
  line()
  for _, name in ipairs(group_order) do
    put("### %s", group_titles[name])
    line()
    line(api.groups[name].about)
    line()
    put_options(api.groups[name].options)
  end
  line "## Types"
  line()
  line "| type | is | meaning |"
  line "|---|---|---|"
  for _, t in ipairs(api.types) do put("| `%s` | %s | %s |", t[1]:gsub("^sip%.", ""), cell(type_words(t[2])), cell(t[3])) end
  line()
  line "## Values"
  line()
  for _, enum in ipairs(api.enums) do
    local list = {}
    for i, value in ipairs(enum.values) do list[i] = ('`"%s"`'):format(value) end
    put("**%s**: %s %s", enum.name:gsub("^sip%.", ""):gsub("_", " "), enum.about, table.concat(list, ", ") .. ".")
    line()
  end
  line "## Tables that functions return"
  line()
  for _, t in ipairs(api.tables) do
    put("### %s", "Table: " .. t.name:gsub("_", "-"))
    line()
    put("From `%s`%s.", t.from, t.rfc and " (" .. t.rfc .. ")" or "")
    line()
    fields_table(t.fields)
  end
  line "## What a UA answers by itself"
  line()
  line "What nobody asked for is answered as a decent UA would. Each answer can be switched off by its name, e.g."
  line "`t:ua { aor = ..., answers = { OPTIONS = false } }`; the request then waits for"
  line "the script in `ua:requests` or `call:requests`. A CANCEL whose answer is switched off is ignored."
  line()
  line "| name | what it does | RFC |"
  line "|---|---|---|"
  for _, a in ipairs(truth.answers) do put("| `%s` | %s | %s |", a.name, cell(a.does), a.section) end
  line()
  line "## Timers"
  line()
  line "The option `timers` of an actor or a transaction, e.g. `{ T1 = 0.1, B = false }`: seconds, or `false` for never. What is not set follows from"
  line "T1, T2 and T4 (RFC 3261 table 4, RFC 6026)."
  line()
  line "| name | meaning | default, in seconds |"
  line "|---|---|---|"
  for _, t in ipairs(truth.timers) do put("| `%s` | %s | %s |", t.name, cell(t.meaning), cell(api.timer_defaults[t.name])) end
  line()
  line "## Command line"
  line()
  local function put_command_options(title, run, load)
    put("| %s | meaning |", title)
    line "|---|---|"
    for _, o in ipairs(truth.cli) do
      if o.commands.run == run and o.commands.load == load then
        put("| `%s--%s%s` | %s |", o.letter and "-" .. o.letter .. ", " or "", o.name, o.value and " " .. o.value or "", cell(o.help))
      end
    end
    line()
  end
  line "    offhook run [options] FILE|DIR..."
  line()
  line "Runs the tests of the files, and of all `.lua` files under the directories."
  line()
  line "    offhook load [options] FILE"
  line()
  line "Runs one scenario of the file again and again: its `sip.load`, else its `sip.test`; `-k` chooses where there are several. What it declares with `sip.serve` answers meanwhile."
  line()
  put_command_options("option of both", true, true)
  put_command_options("option of `offhook run`", true, false)
  put_command_options("option of `offhook load`", false, true)
  put("Exit codes of `offhook run`: %s", truth.exit.run)
  line()
  put("Exit codes of `offhook load`: %s", truth.exit.load)
  line()
  line "`offhook load` writes a capture only where `--record all` asks for it. It grows beside its place as `NAME.spill`, which is left when the program is killed, and can be read up to its end: all but the last few MB. Where the disk is full the run goes on: the capture holds what fitted and says how many packets are missing, and the exit code is 3."
  line()
  line "SIGTERM, SIGINT and the key q drain it: no more arrivals, and what is under way may end within `--drain` seconds. A second one cuts short what is left, which is counted as interrupted."
  line()
  line "Results go to stdout, what scripts `print` stands under its test, troubles go to stderr. Ctrl-C ends the tests; their captures are written and readable."
  return table.concat(out, "\n") .. "\n"
end

-- --- LuaCATS ---

local function option_class(class, method)
  local options, group = options_of(class, method)
  if type(method.options) == "table" and method.options.same then return option_class(class, { name = method.options.same, options = (function()
    for _, other in ipairs(class.methods) do if other.name == method.options.same then return other.options end end
  end)() }) end
  if group then return "sip.options." .. group end
  return #options > 0 and ("sip.options.%s_%s"):format(class.name, method.name) or nil
end

local function put_option_class(name, options)
  put("---@class (exact) %s", name)
  for _, o in ipairs(options) do
    put("---@field %s? %s %s%s", o[1], o[2], o[3]:gsub("\n", " "), o[4] and (" Default: %s."):format(o[4]) or "")
  end
  line()
end

local function put_meta_method(class, method)
  if method.callable then
    put("---%s", method.about)
    put("---@type %s", method.callable)
    put("%s.%s = {}", class.var, method.name)
    return line()
  end
  put("---%s", method.about:gsub("\n", " "))
  if method.rfc then put("---%s", method.rfc) end
  if method.raises then put("---Raises: %s", method.raises) end
  local names = {}
  for i, param in ipairs(method.params or {}) do
    local t = param[2]
    if t == "table" or t == "number|table" then t = t:gsub("table", option_class(class, method) or "table") end
    local name, optional = param[1]:match "^(.-)(%??)$"
    put("---@param %s%s %s %s", name, optional, t, param[3])
    names[i] = name
  end
  for i, r in ipairs(method.returns or {}) do
    -- Without `optional` a wait returns no nil; an editor that asks for a check behind each would be wrong nearly always.
    local t = i == 1 and method.options == "wait" and (method.editor_returns or r[2]:gsub("%?$", "")) or r[2]
    put("---@return %s %s %s", t, r[1]:gsub("%W", ""), r[3])
  end
  if method.overload then put("---@overload %s", method.overload) end
  put("function %s%s%s(%s) end", class.var, method.static and "." or ":", method.name, table.concat(names, ", "))
  line()
end

-- Field names that are no names in LuaCATS.
local function field_name(name)
  return name == "local" and '["local"]' or name
end

local function meta()
  out = {}
  line "---@meta sip"
  line "-- Made by docs/make.lua from docs/api.lua and the sources. Change those, then run: lua5.4 docs/make.lua"
  line "--"
  line "-- For lua-language-server: put the path of this file into \"workspace.library\" of a .luarc.json beside your scripts."
  line()
  for _, t in ipairs(api.types) do
    put("---%s", t[3])
    put("---@alias %s %s", t[1], t[2])
    line()
  end
  for _, enum in ipairs(api.enums) do
    local list = {}
    for i, value in ipairs(enum.values) do list[i] = ('"%s"'):format(value) end
    if enum.open then list[#list + 1] = "string" end
    put("---%s", enum.about)
    put("---@alias %s %s", enum.name, table.concat(list, "|"))
    line()
  end
  put "---@class (exact) sip.timers"
  for _, t in ipairs(truth.timers) do put("---@field %s? number|false Seconds: %s. Default: %s.", t.name, t.meaning, api.timer_defaults[t.name]) end
  line()
  for _, name in ipairs(group_order) do put_option_class("sip.options." .. name, api.groups[name].options) end
  for _, class in ipairs(api.classes) do
    for _, method in ipairs(class.methods) do
      local name = method.options and option_class(class, method)
      if name and name == ("sip.options.%s_%s"):format(class.name, method.name) then put_option_class(name, (options_of(class, method))) end
    end
  end
  for _, t in ipairs(api.tables) do
    put("---@class sip.%s", t.name)
    for _, f in ipairs(t.fields) do put("---@field %s %s %s", field_name(f[1]), f[2], f[3]) end
    line()
  end
  for _, class in ipairs(api.classes) do
    put("---%s", class.about)
    put("---@class %s", class.name == "sip" and "sip" or "sip." .. class.name)
    if class.callable then put("---@overload %s", class.callable) end
    for _, f in ipairs(class.fields or {}) do put("---@field %s %s %s", field_name(f[1]), f[2], f[3]) end
    if class.name == "message" then line "---@field [string] string? A header as on the wire, first letter upper case." end
    put("local %s = {}", class.var)
    line()
    for _, method in ipairs(class.methods) do put_meta_method(class, method) end
  end
  line "return sip"
  return (table.concat(out, "\n"):gsub("[ \t]+\n", "\n")) .. "\n"
end

-- --- the work ---

for path, text in pairs { ["docs/reference.md"] = reference(), ["docs/offhook.meta.lua"] = meta() } do
  if arg[1] == "--check" then
    local f = io.open(root .. "/" .. path, "rb")
    if not f or f:read "a" ~= text then complain("%s is not up to date: run lua5.4 docs/make.lua", path) end
    if f then f:close() end
  else
    local f = assert(io.open(root .. "/" .. path, "wb"))
    f:write(text)
    f:close()
  end
end
table.sort(complaints)
for _, text in ipairs(complaints) do io.stderr:write("docs: ", text, "\n") end
os.exit(#complaints == 0)
