-- What the sources say about the interface of scripts: names of classes, fields, methods and their options, tables of the engine.
-- Plain pattern matching on our own code; where it finds nothing that it must find, it raises.

local source = {}

function source.read(path)
  local f = assert(io.open(path, "rb"))
  local text = f:read "a"
  f:close()
  return text
end

-- The files of a folder with that ending, in order.
function source.list(root, folder, ending)
  local paths = {}
  local f = assert(io.popen(("ls '%s/%s/'*.%s"):format(root, folder, ending)))
  for path in f:lines() do paths[#paths + 1] = path end
  f:close()
  assert(#paths > 0, "docs/source.lua finds no files in " .. folder)
  return paths
end

local function find(text, pattern, what)
  local found = { text:match(pattern) }
  if not found[1] then error("docs/source.lua does not find " .. what) end
  return table.unpack(found)
end

local function strings(text)
  local list = {}
  for s in text:gmatch '"([^"\n]*)"' do list[#list + 1] = s end
  return list
end

local function add(set, list)
  for _, name in ipairs(list) do set[name] = true end
end

-- --- C ---

local C = {}
C.__index = C

local function c_files(root, folder)
  local files = {}
  for _, path in ipairs(source.list(root, folder, "c")) do files[#files + 1] = source.read(path) end
  return setmetatable({ files = files }, C)
end

-- The body of a function that one of the files defines.
function C:body(name)
  for _, text in ipairs(self.files) do
    local body = text:match("\nstatic [%w_ ]+[ %*]" .. name .. "(%b()\n%b{})") or text:match("\n[%w_ ]+[ %*]" .. name .. "(%b()\n%b{})")
    if body then return body end
  end
end

-- Field names that a field function compares, those of functions it hands the name on to included.
function C:fields(name, set)
  set = set or {}
  local body = self:body(name) or error("docs/source.lua does not find the function " .. name)
  for field in body:gmatch 'strcmp%(name, "([%w_]+)"%)' do set[field] = true end
  for other in body:gmatch "([%w_]+)%(L, [%w_]+, name%)" do
    if other ~= name and self:body(other) then self:fields(other, set) end
  end
  return set
end

-- Fields of a table that a function builds.
function C:table_fields(body)
  local set = {}
  for field in body:gmatch 'lua_setfield%(L, %-?%d, "([%w_]+)"%)' do set[field] = true end
  for field in body:gmatch '[%w_]*set[%w_]*%(L, "([%w_]+)"' do set[field] = true end
  for field in body:gmatch "DIALOG_SLICE%(([%w_]+)%);" do set[field] = true end
  for field in body:gmatch "COUNTER%(([%w_]+)%);" do set[field] = true end
  if body:find "push_params%(" then set.params = true end
  return set
end

local function registered(text, name)
  local list = {}
  local entries = text:match("luaL_Reg " .. name .. "%[%] = (%b{});")
  for method in (entries or ""):gmatch '{"([%w_]+)",' do list[#list + 1] = method end
  return list
end

-- { field = true } and { method = true } by class, as far as C defines them.
local function c_classes(root)
  local c, classes, kinds = c_files(root, "bindings"), {}, {}
  for _, text in ipairs(c.files) do
    for id, name in text:gmatch '%[(OBJECT_[A-Z]+)%] = {"([^"]+)", {' do kinds[id] = name end
  end
  for _, text in ipairs(c.files) do
    for id, methods, field in text:gmatch "object_class%(L, (OBJECT_[A-Z]+), ([%w_]+), ([%w_]+)%);" do
      local class = { fields = { kind = true }, methods = {}, params = {}, options = {} }
      if field ~= "NULL" then c:fields(field, class.fields) end
      if methods ~= "NULL" then add(class.methods, registered(text, methods)) end
      classes[kinds[id]] = class
    end
  end
  classes.inbox = nil -- the library's own
  local message = { fields = c:fields "message_field", methods = {}, params = {}, options = {} }
  for _, text in ipairs(c.files) do
    if text:find("\nvoid lib_message_open", 1, true) then add(message.methods, registered(text, "methods")) end
  end
  assert(next(message.methods), "docs/source.lua does not find the methods of messages")
  classes.message = message

  local tables = {}
  local function of(name, ...)
    tables[name] = {}
    for _, f in ipairs { ... } do
      local body = c:body(f) or error("docs/source.lua does not find the function " .. f)
      for field in pairs(c:table_fields(body)) do tables[name][field] = true end
    end
  end
  of("counters", "endpoint_counters")
  of("uri", "push_uri")
  of("name_addr", "push_name_addr")
  of("via", "parse_via")
  of("credentials", "message_credentials")
  for _, text in ipairs(c.files) do
    local at = text:find("#define DIALOG_SLICE", 1, true)
    if at then tables.dialog = c:table_fields(text:sub(at, (text:find('"route_set"', at, true) or at) + 12)) end
  end
  return classes, tables
end

-- --- Lua ---

local function split(args)
  local list, depth, from = {}, 0, 1
  for at, char in args:gmatch "()([%(%){},])" do
    if char == "(" or char == "{" then depth = depth + 1
    elseif char == ")" or char == "}" then depth = depth - 1
    elseif depth == 0 then
      list[#list + 1] = args:sub(from, at - 1)
      from = at + 1
    end
  end
  list[#list + 1] = args:sub(from)
  for i, arg in ipairs(list) do list[i] = arg:match "^%s*(.-)%s*$" end
  return list
end

-- The functions of a Lua file: { ["owner.name"] = { params, body } }, local ones under their bare name.
local function lua_functions(text)
  local functions = {}
  text = "\n" .. text
  for head, params, at in text:gmatch "\n([%w_ ]*function [%w_.:]+)%(([^)]*)%)()" do
    local name = head:match "function ([%w_.:]+)$":gsub(":", ".")
    local line_end = text:find("\n", at, true) or #text
    local body = text:sub(at, line_end - 1)
    if not body:match " end$" then
      local stop = text:find("\nend", at, true)
      body = text:sub(at, stop)
    end
    functions[name] = { params = params == "" and {} or split(params), body = body, method = head:find(":", 1, true) ~= nil }
  end
  return functions
end

local library = {}

-- The names of a list of options as it is written in a call.
local function names_of(file, expression, answers)
  if expression:match "^{" then return strings(expression) end
  local joined = expression:match "^options%.joined%((.*)%)$"
  if joined then
    local list = {}
    for _, part in ipairs(split(joined)) do
      for _, name in ipairs(names_of(file, part, answers)) do list[#list + 1] = name end
    end
    return list
  end
  if expression == "answer_names" then return answers end
  if expression == "message_options" or expression == "options.of_message" then
    return strings(find(library["options.lua"].text, "options%.of_message = (%b{})", "the options of messages"))
  end
  local other, list = expression:match "^([%w_]+)%.([%w_]+)$"
  if other then return names_of(library[other .. ".lua"], list, answers) end
  local call = file.text:match("local " .. expression .. " = (options%.joined%b())")
  if call then return names_of(file, call, answers) end
  call = file.text:match("local " .. expression .. " = options%.joined (%b{})")
  if call then return strings(call) end
  return strings(find(file.text, "local " .. expression .. " = (%b{})", "the list " .. expression))
end

-- Adds the options that a function takes to `out`: { name = true }, those of a table inside as out.nested[name].
local function options_of(file, functions, f, out, answers, seen)
  if seen[f] then return end
  seen[f] = true
  for args in f.body:gmatch "check[_options]*(%b())" do
    local list = split(args:sub(2, -2))
    if #list == 3 then
      local set, inside = out.names, list[2]:match "^given%.([%w_]+)$"
      if inside then
        set = {}
        out.nested[inside] = set
      end
      add(set, names_of(file, list[3], answers))
    end
  end
  for args in f.body:gmatch "options%.sent(%b())" do
    add(out.names, names_of(file, split(args:sub(2, -2))[3], answers))
  end
  if f.body:find "options%.check_wait%(" then add(out.names, { "within", "optional" }) end
  if f.body:find "options%.within%(" then out.names.within = true end
  if f.body:find "given%.optional" then out.names.optional = true end
  -- What is handed on.
  for name, args in f.body:gmatch "([%w_.:]+)(%b())" do
    if args:find "%f[%w_]given%f[^%w_]" then
      local owner, method = name:match "^([%w_]+)[.:]([%w_]+)$"
      local other
      if owner == "expect" then
        other = library["expect.lua"].functions["expect." .. method]
        if other then options_of(library["expect.lua"], nil, other, out, answers, seen) end
      elseif owner == "self" then
        other = functions[f.owner .. "." .. method]
        if other then options_of(file, functions, other, out, answers, seen) end
      elseif owner == "load" and file == library["sip.lua"] then    -- a part of the library
        other = library["load.lua"].functions[name]
        if other then options_of(library["load.lua"], nil, other, out, answers, seen) end
      elseif not owner and functions then
        other = functions[name]
        if other then options_of(file, functions, other, out, answers, seen) end
      end
    end
  end
end

local function field_names(constructor)
  local set = {}
  for _, item in ipairs(split(constructor:sub(2, -2))) do
    local name = item:match "^([%w_]+)%s*="
    if name then set[name] = true end
  end
  return set
end

local function lua_classes(root, classes, answers)
  for _, path in ipairs(source.list(root, "bindings/lua", "lua")) do
    local text = source.read(path)
    library[path:match "[^/]+$"] = { text = text, functions = lua_functions(text) }
  end
  local function class(name)
    classes[name] = classes[name] or { fields = {}, methods = {}, params = {}, options = {} }
    return classes[name]
  end
  local named = { Test = "t", Barrier = "barrier", Proxy = "proxy", Registrar = "registrar", nonces_methods = "nonces", Publication = "publication", headers = "sip", Random = "random", Rows = "rows" }
  for name, file in pairs(library) do
    local owners = {}
    for owner, kind in file.text:gmatch '\nlocal ([%w_]+) = engine%.methods "([^"]+)"' do owners[owner] = kind end
    for owner, kind in pairs(named) do owners[owner] = kind end
    if name == "sip.lua" then owners.sip = "sip" end
    for full, f in pairs(file.functions) do
      local owner, method = full:match "^([%w_]+)%.([%w_]+)$"
      f.owner = owner
      local kind = owner and owners[owner]
      if kind and not method:match "^__" then
        local to, out = class(kind), { names = {}, nested = {} }
        to.methods[method] = true
        to.params[method] = f.params
        options_of(file, file.functions, f, out, answers, {})
        if next(out.names) or not to.options[method] then to.options[method] = out end
      end
    end
    -- `a.x = b.y`, and several in one line: functions of another part, or values, which are fields.
    local function assigned(owner, method, value)
      local kind = owners[owner]
      if not kind or method:match "^__" then return end
      local to, out = class(kind), { names = {}, nested = {} }
      local other, part = value:match "^([%w_]+)%.", nil
      part = other and library[other .. ".lua"]
      local f = part and part.functions[value]
      if f then
        to.params[method] = { table.unpack(f.params, other == "expect" and 2 or 1) }
        options_of(part, nil, f, out, answers, {})
      elseif part and part.text:find("\nlocal " .. value:match "%.(.*)" .. " = setmetatable") then
        to.fields[method] = true
        return
      end
      to.methods[method] = true
      to.options[method] = out
    end
    for left, right in file.text:gmatch "\n([%w_]+%.[%w_., ]+) = ([^\n]+)" do
      local values = {}
      for value in right:gmatch "[%w_.]+" do values[#values + 1] = value end
      for owner, method in left:gmatch "([%w_]+)%.([%w_]+)" do assigned(owner, method, table.remove(values, 1) or "") end
    end
  end
  -- The roles: what their start functions take, and the fields they make.
  for name, start in pairs { proxy = "start", registrar = "start" } do
    local file = library[name .. ".lua"]
    local out = { names = {}, nested = {} }
    options_of(file, file.functions, file.functions[start], out, answers, {})
    classes.t.options[name] = out
    local made = field_names(find(file.text, "setmetatable%((%b{}), " .. (name == "proxy" and "Proxy" or "Registrar") .. "%)", "the fields of a " .. name))
    for field in pairs(made) do class(name).fields[field] = true end
    for list in file.text:gmatch "\n  (self%.[^=\n]+) = " do
      for field in list:gmatch "self%.([%w_]+)" do class(name).fields[field] = true end
    end
  end
  for field in library["proxy.lua"].text:match "Proxy%.__index = (.-)\nend":gmatch 'name == "([%w_]+)"' do classes.proxy.fields[field] = true end
  for list in library["publication.lua"].text:match "publication_meta:__index(.-)\nend":gmatch "if (name == .-) then" do
    for field in list:gmatch 'name == "([%w_]+)"' do classes.publication.fields[field] = true end
  end
  classes.t.fields = field_names(find(library["test.lua"].text, "setmetatable%((%b{}), meta%)", "the fields of t"))
  for field in find(library["test.lua"].text, "meta.__index = setmetatable%(Test(.-)\nend", "the fields of t"):gmatch 'name == "([%w_]+)"' do classes.t.fields[field] = true end
  classes.rows.fields = field_names(find(library["load.lua"].text, "setmetatable%((%b{}), Rows%)", "the fields of rows"))
  classes.barrier.fields = field_names(find(library["test.lua"].text, "setmetatable%((%b{}), Barrier%)", "the fields of a barrier"))
  classes.nonces.fields = field_names(find(library["sip.lua"].text, "setmetatable%((%b{}), nonces_methods%)", "the fields of nonces"))
  classes.t.nested_timers = names_of(library["test.lua"], "timer_names", answers)
end

-- --- tables of the engine ---

-- Rows of an X-macro: each a list of its arguments as text.
local function x_macro(text, name)
  local rows = {}
  local from = find(text, "#define " .. name .. "%(X%)()", "the table " .. name)
  local stop = text:find("[^\\]\n", from)
  local body = text:sub(from, stop):gsub("\\\n", " ")
  for args in body:gmatch "X(%b())" do
    local row = {}
    local plain = args:sub(2, -2)
    row[1] = plain:match "^%s*([%w_]+)"
    for _, s in ipairs(strings(plain)) do row[#row + 1] = s end
    rows[#rows + 1] = row
  end
  assert(#rows > 0, name .. " has no rows")
  return rows
end

-- The rows of the table in cli/options.c: { commands = { run = true, load = true }, letter, name, value, help }.
local function cli_options(text)
  local rows = {}
  local body = find(text, "static const struct option_row rows%[%] = (%b{});", "the table of options")
  for row in body:sub(2, -2):gmatch "%b{}" do
    local commands, letter, name, rest = row:match "^{([^,]+), ([^,]+), \"([%w-]+)\",%s*(.*)}$"
    assert(letter, "docs/source.lua does not understand the option " .. row)
    local value, help = rest:match '^"([^"]*)",%s*(.*),%s*[%w_]+$'
    if not value then help = rest:match "^NULL,%s*(.*),%s*[%w_]+$" end
    help = help:gsub('"%s*"', ""):match '^"(.*)"$':gsub('\\"', '"')
    rows[#rows + 1] = { commands = { run = commands:find "COMMAND_RUN" ~= nil, load = commands:find "COMMAND_LOAD" ~= nil }, letter = letter:match "'(.)'", name = name, value = value, help = help }
  end
  return rows
end

local function add_strings(list, text)
  for _, s in ipairs(strings(text)) do list[#list + 1] = s end
end

local function list_in(text, pattern, what)
  return strings((find(text, pattern, what)))
end

local function exit_codes(text)
  return (find(text, 'Exit: (.-)",%s*f%)', "the exit codes"):gsub('\\n"%s*"%s*', " "):gsub("\\n", ""):gsub("%s+", " "))
end

-- A table of engine/load/numbers.h whose last column is text: { name, what }.
local function load_table(text, name)
  local list = {}
  for i, row in ipairs(x_macro(text, name)) do list[i] = { name = #row == 3 and row[2] or row[1], what = row[#row] } end
  return list
end

function source.load(root)
  local numbers = source.read(root .. "/engine/load/numbers.h")
  local ua = source.read(root .. "/engine/sip/verdict.h")
  local answers, answer_names = {}, {}
  for i, row in ipairs(x_macro(ua, "UA_ANSWERS")) do
    answers[i] = { name = row[2], does = row[3], section = row[4] }
    answer_names[i] = row[2]
  end
  local timers = {}
  for i, row in ipairs(x_macro(source.read(root .. "/engine/sip/timers.h"), "SIP_TIMERS")) do timers[i] = { name = row[2], meaning = row[3] } end
  local classes, tables = c_classes(root)
  lua_classes(root, classes, answer_names)

  local sandbox = source.read(root .. "/bindings/sandbox.c")
  local removed, unsafe, replaced = {}, {}, {}
  local block = find(sandbox, "if %(unsafe%) (%b{} else %b{})", "what --unsafe allows")
  local function field(global, name) return global == "LUA_GNAME" and name or global:gsub('"', "") .. "." .. name end
  for global, name in block:gmatch 'remove_field%(L, ([%w_"]+), "(%w+)"%)' do unsafe[#unsafe + 1] = field(global, name) end
  if block:find "luaopen_debug" then unsafe[#unsafe + 1] = "debug" end
  for global, name in sandbox:gsub("if %(unsafe%) %b{} else %b{}", ""):gmatch 'remove_field%(L, ([%w_"]+), "(%w+)"%)' do removed[#removed + 1] = field(global, name) end
  for global, name in sandbox:gmatch 'wrap_field%(L, ([%w_"]+), "(%w+)",' do replaced[#replaced + 1] = field(global, name) end

  local engine = {}
  for _, path in ipairs(source.list(root, "engine/sip", "c")) do engine[#engine + 1] = source.read(path) end
  engine = table.concat(engine, "\n")
  local bindings = table.concat(c_files(root, "bindings").files, "\n")
  local ended_by, causes, verdicts, subscription_ended_by = {}, {}, {}, {}
  for args in engine:gmatch "[%s_]end(%(call, [^\n]*%));" do add_strings(ended_by, args) end
  for args in engine:gmatch "call_hang_up(%(%w+, [^\n]*%));" do add_strings(ended_by, args) end
  for args in engine:gmatch "subscription_end(%(sub, [^\n]*%));" do add_strings(subscription_ended_by, args) end
  for args in engine:gmatch "[^%w_]fail(%(ct, [^;]*%));" do add_strings(causes, args) end
  for _, verdict in ipairs(list_in(engine, "digest_verdict_name(%b()%s*%b{})", "the verdicts")) do
    if verdict ~= "ok" and verdict ~= "failed" then verdicts[#verdicts + 1] = verdict end
  end
  return {
    classes = classes, tables = tables, answers = answers, timers = timers,
    cli = cli_options(source.read(root .. "/cli/options.c")),
    exit = { run = exit_codes(source.read(root .. "/cli/command.c")), load = exit_codes(source.read(root .. "/cli/load.c")) },
    load = { times = load_table(numbers, "LOAD_TIMES"), counts = load_table(numbers, "LOAD_COUNTS") },
    sandbox = { removed = removed, unsafe = unsafe, replaced = replaced },
    enums = {
      ["sip.transaction_state"] = list_in(engine, "trans_state_name(%b()%s*%b{})", "the states of transactions"),
      ["sip.call_state"] = list_in(engine, "call_state_name(%b()%s*%b{})", "the states of calls"),
      ["sip.subscription_state"] = list_in(engine, "subscription_state_name(%b()%s*%b{})", "the states of subscriptions"),
      ["sip.subscription_ended_by"] = subscription_ended_by,
      ["sip.ended_by"] = ended_by, ["sip.cause"] = causes, ["sip.verdict"] = verdicts,
      ["sip.transaction_event"] = list_in(bindings, "on_server_event%b()%s*(%b{})", "the events of server transactions"),
    },
  }
end

return source
