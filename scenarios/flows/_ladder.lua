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
-- The order of the lines is the order on the wire, and nothing else may have been there. Two things stand beside the order:
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
  local number, left, to = text:match "^(F%d+[-F%d]*)%s+(.-)%s*%->%s*(.-)%s*$"
  local line
  for name in pairs(self.is_name) do
    local what = left and left:sub(-#name - 1) == " " .. name and left:sub(1, -#name - 2)
    if what and (not line or #name > #line.from) then line = { from = name, what = what } end
  end
  if not line or not self.is_name[to] then
    error(('not a line of a ladder: "%s". It is "F1 INVITE FROM -> TO", with the names of actors that are watched'):format(text), 4)
  end
  line.to, line.text, line.number = to, text, number
  line.first = tonumber(number:match "%d+")
  line.last = tonumber(number:match "%-F?(%d+)$") or line.first
  line.what, line.again = line.what:gsub("%s+again$", "")
  line.what, line.reason = line.what:match "^(%S+)%s*(.-)%s*$"
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

local function same_hop(a, b)
  return a.from == b.from and a.to == b.to
end

-- The 100 that answered the INVITE of this line's hop, before any other answer did.
local function find_hundred(wanted, lines, hundreds, invites)
  local invite = invites[wanted.to .. "\0" .. wanted.from]
  if not invite then return nil end
  for _, line in ipairs(hundreds) do
    if fits(wanted, line) and line.message.branch == invite.message.branch then
      for _, other in ipairs(lines) do
        if same_hop(other, line) and other.message.status and other.message.branch == line.message.branch and other.frame < line.frame then
          return nil
        end
      end
      return line
    end
  end
end

-- Compares, and returns the messages by their numbers.
function Wire:expect(text)
  local t, wanted = self.t, parse(self, text)
  local in_order = 0
  for _, line in ipairs(wanted) do
    if line.what ~= "100" and line.again == 0 then in_order = in_order + 1 end
  end
  local until_ = t:now() + 5
  repeat -- what is still on its way
    t:sleep(0.05)
    self:collect()
  until #self:sorted() >= in_order or t:now() >= until_
  t:sleep(0.1)                                            -- and what should not come any more
  self:collect()

  local lines, hundreds = self:sorted()
  local messages, invites, last_of, at = {}, {}, {}, 0
  for _, line in ipairs(wanted) do
    local hop = line.from .. "\0" .. line.to
    if line.again > 0 then
      local first = last_of[hop .. line.what]
      local wants = line.last - line.first + 1
      if not first then error(("%s: no line before has %s %s -> %s"):format(line.number, line.what, line.from, line.to), 2) end
      if first.again ~= wants then
        error(("the ladder differs at %s: wanted %s %s -> %s %d times again, on the wire it came %d times again"):format(line.number,
          line.what, line.from, line.to, wants, first.again), 2)
      end
    elseif line.what == "100" then
      local hundred = find_hundred(line, lines, hundreds, invites)
      if not hundred then
        error(("the ladder differs at %s: there was no 100 Trying %s -> %s before another answer"):format(line.number, line.from, line.to), 2)
      end
      messages[line.first] = hundred.message
    else
      at = at + 1
      local got = lines[at]
      if not got or not fits(line, got) then
        error(('the ladder differs at %s: wanted "%s", on the wire: %s'):format(line.number, line.text,
          got and ('"%s" (frame %d)'):format(words(got), got.frame) or "nothing more"), 2)
      end
      messages[line.first], last_of[hop .. line.what] = got.message, got
      if line.what == "INVITE" then invites[hop] = got end
    end
  end
  local extra = lines[at + 1]
  if extra then error(('the ladder ends, but on the wire there was more: "%s" (frame %d)'):format(words(extra), extra.frame), 2) end
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
