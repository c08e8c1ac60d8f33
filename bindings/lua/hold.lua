-- Holds: messages that stay at their sender until the script lets them go.
local engine, use = ...
local expect, failure, options = use "expect", use "failure", use "options"

local Hold = {}
local hold = engine.methods "hold"

-- What expect takes as a flat list.
local function flat(what, out)
  if type(what) ~= "table" then
    out[#out + 1] = what
    return out
  end
  for _, one in ipairs(what) do flat(one, out) end
  return out
end

-- `check` raises when an end of the link has a name that no actor has.
function Hold.new(from, to, given, check)
  local only = {}
  if given.only ~= nil then
    expect.check_what(given.only, "t:hold: only")
    flat(given.only, only)
  end
  if given.method ~= nil and not (type(given.method) == "string" and given.method:match "^%u[%u%d]*$") then
    error(("t:hold: method wants a method, got %s"):format(tostring(given.method)), 0)
  end
  only.method = given.method
  local words = "the hold"
  if given.only ~= nil then words = ("%s of %s"):format(words, expect.words(given.only)) end
  if given.method then words = ("%s (%s)"):format(words, given.method) end
  if from then words = ("%s from %s"):format(words, from) end
  if to then words = ("%s to %s"):format(words, to) end
  local new = engine.hold(from, to, only, ("%s (%s)"):format(words, engine.where()))
  local s = expect.state(new)
  s.words, s.only, s.check, s.passed = words, only, check, {}
  return new
end

-- "nothing; it holds 100 Trying (INVITE), ..."
local function got_words(self)
  local list = {}
  for i, message in ipairs(self.messages) do list[i] = tostring(message) end
  return #list == 0 and "nothing" or "nothing; it holds " .. table.concat(list, ", ")
end

-- Marks who waits, until it does no more, be it cancelled: what one task passes over another would not see.
local function wait_alone(s)
  if s.waits_at then
    error(("%s: another task waits for it, at %s; make a second hold for the second task"):format(s.words, s.waits_at), 0)
  end
  s.waits_at = engine.where()
  return setmetatable({}, { __close = function() s.waits_at = nil end })
end

-- The next one that fits; nil when the time is over. Others are passed over, and may be expected later.
local function next_held(self, s, what, until_)
  local _ <close> = wait_alone(s)
  for i, message in ipairs(s.passed) do
    if expect.matches(what, message) and engine.is_held(self, message) then return table.remove(s.passed, i) end
  end
  while true do
    local message, why = engine.wait(self, "messages", math.max(0, until_ - engine.now()))
    if why == "ended" then error(s.words .. " has ended: nothing will be held any more", 0) end
    if not message then return nil end
    if engine.is_held(self, message) then
      if expect.matches(what, message) then return message end
      s.passed[#s.passed + 1] = message
    end
  end
end

-- The next message of that kind that is held, or comes to be held; it stays held.
function hold:expect(what, given, check)
  given, check = options.with_check(given, check)
  expect.check_what(what)
  options.check_wait("expect", given)
  local within = options.within("expect", given, 5)
  local s = expect.state(self)
  local message = next_held(self, s, what, engine.now() + within)
  if not message then
    if type(given) == "table" and given.optional then return nil, "timeout" end
    s.check()
    failure.raise { actor = s.words, wanted = ("%s within %g s"):format(expect.words(what), within), got = got_words(self) .. expect.method_hint(what) .. expect.method_hint(s.only),
      about = self.messages[1] }
  end
  if check then check(message) end
  return message
end

return Hold
