-- The ladder of an RFC, held against what went over the wire.
--
--   local wire = ladder.watch(t, { alice, proxy1, bob })     -- from now on, everything that these send
--   ... the story ...
--   local F = wire:expect [[
--     F1 INVITE Alice -> Proxy 1
--     F2 INVITE Proxy 1 -> Bob
--     F3 100 Trying Proxy 1 -> Alice
--     F4-F5 INVITE again Proxy 1 -> Bob
--     F6 486 Busy Here Bob -> Proxy 1
--     ...
--   ]]
--   t:equal(F[6]["To"], ...)                                 -- the message F6
--
-- A line is a heading of the RFC: number, method or status, from, to. Who is who says the name of the actor; `{ alice, Bob = phone }`
-- gives an actor another name, so that a user can have two phones. A reason phrase may follow the status, and is compared then.
--
-- The order of the lines is the order on the wire, and nothing else may have been there. Lines with a | in front belong together: what
-- goes on at several places at once has no order. Within such a block the messages between two actors keep their order, the pairs of
-- actors may interleave:
--   F14 ACK Music Server -> Alice
--   | F15 BYE Alice -> Bob
--   | F16 200 OK Bob -> Alice
--   | F17 NOTIFY Music Server -> Bob
--
-- Two things stand beside the order:
--   * 100 Trying says of one hop that the request came; when it is sent is free (RFC 3261 16.2, 17.2.1), and the RFCs' own ladders
--     differ. A 100 of the ladder must have come on its hop, before any other answer; others may have come.
--   * Retransmissions (the same bytes on the same way) count only where the ladder shows them: "F4-F5 INVITE again" wants exactly two
--     repetitions of the INVITE above, whenever they came.
local Wire = {}
Wire.__index = Wire

-- --- what was on the wire ---

local function start_line(message)
  if message.status then return ("%d %s"):format(message.status, message.reason) end
  return message.method
end

local function words(line)
  return ("%s %s -> %s"):format(start_line(line.message), line.from, line.to)
end

-- Takes what the watches saw. A message is taken at its sender, and at its receiver when the sender is not watched.
function Wire:collect()
  for _, watched in ipairs(self.watched) do
    while watched.watch:count() > 0 do
      local message = watched.watch:take()
      local sent = message.source == watched.address
      local stranger = not self.names[message.source]
      if (sent or stranger) and (message.status or message.method) then
        local line = { message = message, from = self.names[message.source] or message.source,
          to = self.names[message.destination] or message.destination, frame = message.frame, again = 0 }
        self.all[#self.all + 1] = line
      end
    end
  end
  table.sort(self.all, function(a, b) return a.frame < b.frame end)
end

-- Without repetitions, which are counted at the first of them; the 100s by themselves.
function Wire:sorted()
  local lines, hundreds, known = {}, {}, {}
  for _, line in ipairs(self.all) do
    local key = line.from .. "\0" .. line.to .. "\0" .. line.message.bytes
    if known[key] then
      known[key].again = known[key].again + 1
    else
      known[key] = line
      line.again = 0
      local list = line.message.status == 100 and hundreds or lines
      list[#list + 1] = line
    end
  end
  return lines, hundreds
end

-- --- what the ladder says ---

-- "F6 486 Busy Here Bob -> Proxy 1" as { first = 6, last = 6, what = "486", reason = "Busy Here", from = "Bob", to = "Proxy 1" }.
local function parse_line(self, text)
  local bar, number, left, to = text:match "^(|?)%s*(F%d+[-F%d]*)%s+(.-)%s*%->%s*(.-)%s*$"
  local line
  for name in pairs(self.is_name) do
    local what = left and left:sub(-#name - 1) == " " .. name and left:sub(1, -#name - 2)
    if what and (not line or #name > #line.from) then line = { from = name, what = what } end
  end
  if not line or not self.is_name[to] then
    error(('not a line of a ladder: "%s". It is "F1 INVITE FROM -> TO", with the names of actors that are watched'):format(text), 4)
  end
  line.to, line.text, line.number, line.together = to, text:gsub("^|%s*", ""), number, bar == "|"
  line.first = tonumber(number:match "%d+")
  line.last = tonumber(number:match "%-F?(%d+)$") or line.first
  line.again = line.what:find "%s+again$" ~= nil
  line.what, line.reason = line.what:gsub("%s+again$", ""):match "^(%S+)%s*(.-)%s*$"
  line.in_order = not line.again and line.what ~= "100"
  return line
end

local function parse(self, text)
  local lines = {}
  for line in text:gmatch "[^\n]+" do
    line = line:gsub("^%s+", ""):gsub("%s+$", "")
    if line ~= "" then lines[#lines + 1] = parse_line(self, line) end
  end
  return lines
end

local function fits(wanted, line)
  local message = line.message
  if wanted.from ~= line.from or wanted.to ~= line.to then return false end
  if message.status then
    return wanted.what == tostring(message.status) and (wanted.reason == "" or wanted.reason == message.reason)
  end
  return wanted.what == message.method
end

-- --- the comparison ---

local function hop(from, to)
  return from .. "\0" .. to
end

local function same_pair(a, b)
  return a.from == b.from and a.to == b.to or a.from == b.to and a.to == b.from
end

local function differs(line, got)
  return ('the ladder differs at %s: wanted "%s", on the wire: %s'):format(line.number, line.text,
    got and ('"%s" (frame %d)'):format(words(got), got.frame) or "nothing more")
end

-- Where a comparison is: the lines of the ladder and of the wire, and what was found so far.
local Comparison = {}
Comparison.__index = Comparison

-- "F4-F5 INVITE again": that often, and no more.
function Comparison:repetitions(line)
  local first = self.found[hop(line.from, line.to) .. line.what]
  if not first then return ("%s: no line before has %s %s -> %s"):format(line.number, line.what, line.from, line.to) end
  local wants = line.last - line.first + 1
  if first.again ~= wants then
    return ("the ladder differs at %s: wanted %s %s -> %s %d times again, on the wire it came %d times again"):format(line.number, line.what,
      line.from, line.to, wants, first.again)
  end
end

-- The 100 to the INVITE of this line's hop, before any other answer to it.
function Comparison:hundred(line)
  local invite = self.found[hop(line.to, line.from) .. "INVITE"]
  local branch = invite and invite.message.branch
  local answered = math.huge
  for _, other in ipairs(self.lines) do
    local answers = other.from == line.from and other.to == line.to and other.message.status and other.message.branch == branch
    if answers then answered = math.min(answered, other.frame) end
  end
  for _, one in ipairs(self.hundreds) do
    if fits(line, one) and one.message.branch == branch and one.frame < answered then
      self.messages[line.first] = one.message
      return nil
    end
  end
  return ("the ladder differs at %s: there was no 100 Trying %s -> %s before another answer"):format(line.number, line.from, line.to)
end

-- The lines of the block that begins here.
function Comparison:begin_block(at)
  for i = at, #self.wanted do
    local line = self.wanted[i]
    if not line.together then return end
    if line.in_order then self.block[#self.block + 1] = line end
  end
end

-- The line of the block that `got` is: the next one between its two actors.
function Comparison:next_in_block(got)
  for i, line in ipairs(self.block) do
    if got and same_pair(line, got) then
      if fits(line, got) then return table.remove(self.block, i) end
      return nil, differs(line, got)
    end
  end
  return nil, differs(self.block[1], got)
end

function Comparison:in_order(line, at)
  self.at = self.at + 1
  local got, why = self.lines[self.at], nil
  if line.together then
    if not self.block[1] then self:begin_block(at) end
    line, why = self:next_in_block(got)
    if not line then return why end
  elseif not got or not fits(line, got) then
    return differs(line, got)
  end
  self.messages[line.first], self.found[hop(line.from, line.to) .. line.what] = got.message, got
end

-- The messages by their numbers; or nil and where they differ.
function Comparison:run()
  for i, line in ipairs(self.wanted) do
    local why
    if line.again then
      why = self:repetitions(line)
    elseif line.what == "100" then
      why = self:hundred(line)
    else
      why = self:in_order(line, i)
    end
    if why then return nil, why end
  end
  local extra = self.lines[self.at + 1]
  if extra then return nil, ('the ladder ends, but on the wire there was more: "%s" (frame %d)'):format(words(extra), extra.frame) end
  return self.messages
end

-- Compares, and returns the messages by their numbers. Raises when they differ.
function Wire:expect(text)
  local t, wanted = self.t, parse(self, text)
  local in_order = 0
  for _, line in ipairs(wanted) do
    if line.in_order then in_order = in_order + 1 end
  end
  local until_ = t:now() + 5
  repeat -- what is still on its way
    t:sleep(0.05)
    self:collect()
  until #self:sorted() >= in_order or t:now() >= until_
  t:sleep(0.1) -- and what should not come any more
  self:collect()
  local lines, hundreds = self:sorted()
  local comparison = setmetatable({ wanted = wanted, lines = lines, hundreds = hundreds, messages = {}, found = {}, block = {}, at = 0 }, Comparison)
  local messages, why = comparison:run()
  if not messages then error(why, 2) end
  self.all = {} -- another ladder goes on from here
  return messages
end

local ladder = {}

-- Watches actors: a list, in which `Name = actor` calls an actor by another name than its own.
function ladder.watch(t, actors)
  local wire = setmetatable({ t = t, watched = {}, names = {}, is_name = {}, all = {} }, Wire)
  for key, actor in pairs(actors) do
    local endpoint = type(actor) == "userdata" and actor.kind == "endpoint" and actor or actor.endpoint
    local name = type(key) == "string" and key or endpoint.name
    wire.names[endpoint.address], wire.is_name[name] = name, true
    wire.watched[#wire.watched + 1] = { watch = endpoint:watch(), address = endpoint.address }
  end
  return wire
end

return ladder
