-- Runs the examples of Markdown pages:  lua5.4 tests/examples.lua OFFHOOK DIRECTORY PAGE...
--
-- Every ```lua block is a whole script that must pass on the virtual clock, unless comments before it say otherwise:
--   <!-- file: NAME -->          the name it is written under; blocks of a page share a directory
--   <!-- options: ... -->        further options of `offhook run`
--   <!-- exit N: TEXT -->        it must end with this exit code, and the output hold the text
--   <!-- module -->              it is required by a later block, not run
--   <!-- fragment -->            part of a test: must only compile
--   <!-- needs a peer -->        must only load
--   <!-- load: OPTIONS -->       it is run by `offhook load --virtual` with these options
-- A ```csv block is written under the name that a comment gives it. A ```sh block after <!-- run --> is one command of offhook that is
-- run as it stands, with a seed.
-- A ```diff block after <!-- edit: NAME, a copy of PATH --> is applied to a copy of a file of the repository.
-- The lines of a ```text block after <!-- output --> must stand in this order in the output of the run before; "..." stands for
-- any number of lines. Options of `offhook` in ```sh blocks must exist.

local offhook, directory = arg[1], arg[2]
local passed, failed = 0, 0
local page, line_number -- where we are

local function complain(text, ...)
  failed = failed + 1
  print(("%s:%d: %s"):format(page, line_number, text:format(...)))
end

local function read(path)
  local f = assert(io.open(path, "rb"))
  local text = f:read "a"
  f:close()
  return text
end

local function write(path, text)
  local f = assert(io.open(path, "wb"))
  f:write(text)
  f:close()
end

local function quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

-- What a command says on both its outputs, and its exit code.
local function run(where, command)
  local f = assert(io.popen(("cd %s && COLUMNS=100 LC_ALL=C.UTF-8 %s 2>&1; echo \"exit $?\""):format(quote(where), command)))
  local text = f:read "a"
  f:close()
  local code = tonumber(text:match "exit (%d+)\n$")
  return text:gsub("exit %d+\n$", ""), code
end

-- Without what differs from run to run and machine to machine.
local function plain(line)
  line = line:gsub("%s+$", ""):gsub("%d+%.%d%d%d s", "T s"):gsub(" in %d+%.%d s", " in T s")
  line = line:gsub("CPU .* an iteration", "CPU T an iteration"):gsub(" +%d+%%(%s*%a*)$", " N%%%1") -- of a load
  return (line:gsub(offhook, "offhook", 1, true):gsub("build/release/offhook", "offhook"):gsub("runs/%d+%-%d+", "out"))
end

local known_options = {}
local function check_shell(text)
  for line in text:gmatch "[^\n]+" do
    local command = line:match "offhook (.*)"
    local name = command and command:match "^load%f[%W]" or "run"
    known_options[name] = known_options[name] or select(1, run(".", quote(offhook) .. " " .. name .. " --help"))
    for option in (command or ""):gmatch "%f[%S](%-%-?[%w-]+)" do
      if option ~= "--version" and not known_options[name]:find("%f[%S]" .. option:gsub("%-", "%%-") .. "%f[^%w-]") then
        complain("offhook has no option %s", option)
      end
    end
  end
  passed = passed + 1
end

local function check_output(text, last)
  local at, lines, skip = 1, {}, false
  for line in (last or ""):gmatch "[^\n]*" do lines[#lines + 1] = plain(line) end
  for wanted in text:gmatch "[^\n]*" do
    wanted = plain(wanted)
    if wanted == "..." then
      skip = true
    elseif wanted ~= "" then
      local found
      for i = at, #lines do
        if lines[i] == wanted then
          found = i
          break
        end
        if not skip and lines[i] ~= "" and at > 1 then break end
      end
      if not found then return complain("the output has no line %q where it should:\n%s", wanted, last) end
      at, skip = found + 1, false
    end
  end
  passed = passed + 1
end

-- Applies a diff whose places are told by their text alone.
local function apply(text, diff)
  local old, new = {}, {}
  local function replace()
    if #old == 0 then return true end
    local from, to = text:find(table.concat(old), 1, true)
    if not from or text:find(table.concat(old), from + 1, true) then return false end
    text = text:sub(1, from - 1) .. table.concat(new) .. text:sub(to + 1)
    old, new = {}, {}
    return true
  end
  for line in diff:gmatch "[^\n]*\n" do
    local mark, rest = line:match "^([ +@-])(.*\n)$"
    if mark == "@" then
      if not replace() then return nil end
    elseif mark == nil then
      old[#old + 1], new[#new + 1] = line, line
    else
      if mark ~= "+" then old[#old + 1] = rest end
      if mark ~= "-" then new[#new + 1] = rest end
    end
  end
  return replace() and text or nil
end

local function compiles(text, name)
  local f, why = load("local sip, t, alice, bob, call, edge, endpoint = ...\n" .. text, "=" .. name, "t")
  if f then
    passed = passed + 1
  else
    complain("%s", why)
  end
end

local function examples(path)
  local name = path:match "([^/]+)%.md$"
  local where, number, last = directory .. "/" .. name, 0, nil
  assert(os.execute("mkdir -p " .. quote(where)))
  local marks, block, language, from = {}, nil, nil, nil
  -- Runs a command and holds what comes of it against the marks.
  local function ran(command)
    local output, code = run(where, command)
    local wanted, saying = 0, nil
    if marks.exit then
      wanted, saying = marks.exit:match "^(%d+): (.*)$"
      wanted = tonumber(wanted)
    end
    last = output
    if code ~= wanted then
      complain("exit %s, wanted %d\n%s", code, wanted, output)
    elseif saying and not output:find(saying, 1, true) then
      complain("the output does not say %q\n%s", saying, output)
    else
      passed = passed + 1
    end
  end
  local function finish(text)
    page, line_number = path, from
    if language == "sh" then
      check_shell(text)
      local command, rest = text:match "^offhook (%w+) (.*)\n$"
      if marks.run then ran(("%s %s --seed 1 --no-colour %s"):format(quote(offhook), command, rest)) end
      return
    end
    if language == "csv" and marks.file then return write(where .. "/" .. marks.file, text) end
    if language == "text" then
      if marks.output then check_output(text, last) end
      return
    end
    if language == "diff" and marks.edit then
      local file, original = marks.edit:match "^(%S+), a copy of (%S+)$"
      local changed = apply(read(original), text)
      if not changed then return complain("the change does not fit %s", original) end
      write(where .. "/" .. file, changed)
      passed = passed + 1
      return
    end
    if language ~= "lua" then return end
    number = number + 1
    local file = marks.file or ("example-%d.lua"):format(number)
    write(where .. "/" .. file, text)
    if marks.fragment then return compiles(text, file) end
    if marks.module then return compiles(text, file) end
    local command = ("%s run --virtual --seed 1 --no-colour --out out %s %s"):format(quote(offhook), marks.options or "", quote(file))
    if marks.load then command = ("%s load --virtual --seed 1 --no-colour %s %s"):format(quote(offhook), marks.load, quote(file)) end
    if marks["needs a peer"] then command = command .. " --list" end
    ran(command)
  end

  local n = 0
  for line in io.lines(path) do
    n = n + 1
    if block then
      if line == "```" then
        finish(#block > 0 and table.concat(block, "\n") .. "\n" or "")
        block, marks = nil, {}
      else
        block[#block + 1] = line
      end
    else
      local opened, mark = line:match "^```(%w*)$", line:match "^<!%-%- (.*) %-%->$"
      if opened then
        block, language, from = {}, opened, n
      elseif mark then
        local key, value = mark:match "^(%w+):? ?(.*)$"
        if key == "exit" then value = mark:match "^exit (.*)$" end
        if mark == "needs a peer" then key = mark end
        marks[key] = value
      elseif line ~= "" then
        marks = {}
      end
    end
  end
end

for i = 3, #arg do examples(arg[i]) end
print(("%d passed, %d failed, 0 skipped"):format(passed, failed))
os.exit(failed == 0 and passed > 0)
