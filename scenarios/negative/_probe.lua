-- A probe: it sends bytes to the target, takes what comes back, judges it, ends calls that the bytes began by accident, and asks
-- whether the target still lives. The scripts beside it are stories told with it; copy it along with them.
--
--   local p = probe(t)                                       -- or probe(t, role): role() gives the target when --target does not
--   local request = p:build "OPTIONS"                        -- a valid request, unsent
--   p:send(t:replace(request.bytes, "CSeq: 1 ", "CSeq: one "))
--   p:expect { right = { 400 }, tolerable = { "silence" }, rfc = "RFC 3261 8.1.1.5" }
--   p:alive()
--
-- Verdicts: statuses, classes ("2xx"), "silence" (no answer), and "policy" (what a target may say to a request that it could read
-- but does not want, or cannot judge as it only relays). What is right or tolerable passes, what is tolerable is printed; all else fails. Settings: --set wait=S is how
-- long an answer may take (1 s), --set address=A where on this host the probe lives.
local sip = require "sip"

local Probe = {}
Probe.__index = Probe

local policy = { 401, 403, 404, 405, 407, 480, 484, 486, 488, 600, 603 }

local quiet = 0.25 -- after an answer, for a second one that must not come

-- --- what an answer is worth ---

local function is_among(list, status)
  for _, one in ipairs(list) do
    if one == status then return true end
    if type(one) == "string" and status and one == (status // 100) .. "xx" then return true end
    if one == "silence" and not status then return true end
    if one == "policy" and status and is_among(policy, status) then return true end
  end
  return false
end

-- These must carry one of the headers (RFC 3261 8.2.1, 8.2.2.3, 8.2.3, RFC 6665 8.3.2).
local needed = {
  [405] = { "Allow" }, [420] = { "Unsupported" }, [415] = { "Accept", "Accept-Encoding", "Accept-Language" }, [489] = { "Allow-Events" },
}

-- What is missing in an answer, in words, or nil.
local function lacks(message)
  local headers = message and needed[message.status]
  if not headers then return nil end
  for _, name in ipairs(headers) do
    if message:header(name) then return nil end
  end
  return ("%d without %s"):format(message.status, table.concat(headers, " or "))
end

-- "right", "tolerable" or "WRONG", and why, for the answer of p:answer().
function Probe.judge(answer, right, tolerable)
  local status = answer.status
  if answer.finals > 1 then return "WRONG", ("%d final answers to one request"):format(answer.finals) end
  local missing = lacks(answer.message)
  if missing then return "WRONG", missing end
  if is_among(right, status) then return "right" end
  if is_among(tolerable or {}, status) then return "tolerable" end
  return "WRONG"
end

-- A list of verdicts in words.
function Probe.words(list)
  local out = {}
  for i, one in ipairs(list or {}) do out[i] = tostring(one) end
  return table.concat(out, " ")
end

function Probe.answer_words(answer)
  if not answer.status then return "silence" end
  return ("%d %s"):format(answer.status, answer.message.reason)
end

-- --- the end of what was begun ---

-- A request by hand, for transactions and dialogs that only these bytes know.
local function follow(self, method, request, to, uri, via, number, routes)
  local lines = { ("%s %s SIP/2.0"):format(method, uri), "Via: " .. via, "Max-Forwards: 70" }
  for _, route in ipairs(routes) do lines[#lines + 1] = "Route: " .. route end
  lines[#lines + 1] = "From: " .. (request["From"] or "<sip:anonymous@anonymous.invalid>")
  lines[#lines + 1] = "To: " .. (to or "<sip:anonymous@anonymous.invalid>")
  if request.call_id then lines[#lines + 1] = "Call-ID: " .. request.call_id end
  lines[#lines + 1] = ("CSeq: %d %s"):format(number, method)
  lines[#lines + 1] = "Content-Length: 0"
  self.sender:send(table.concat(lines, "\r\n") .. "\r\n\r\n", self.target)
end

-- RFC 3261 17.1.1.3 (the transaction's own ACK), 13.2.2.4 and 15 (a dialog's ACK, and its end).
local function acknowledge(self, request, response)
  local number, to = request.cseq or 1, response["To"]
  if response.status >= 300 then
    follow(self, "ACK", request, to, request.request_uri, request:headers("Via")[1] or self.sender:via(), number, {})
    return
  end
  local contact = response["Contact"]
  local uri = contact and contact:match "<([^>]*)>" or contact or request.request_uri
  local routes = {}
  for _, route in ipairs(response:headers "Record-Route") do table.insert(routes, 1, route) end
  follow(self, "ACK", request, to, uri, self.sender:via(), number, routes)
  if self.keep then return end
  follow(self, "BYE", request, to, uri, self.sender:via(), number + 1, routes)
end

-- --- sending and taking ---

-- Sends these bytes and nothing else, from `sender` if not from the probe's own endpoint. Returns them as a message.
function Probe:send(bytes, sender)
  self.sender = sender or self.endpoint
  self.sent = sip.message(bytes)
  while self.sender:take { within = 0, optional = true } do end -- what came late for the last one
  self.sender:send(self.sent, self.target)
  return self.sent
end

local function answers(self, message)
  if not message.is_response then return false end
  local id = self.sent.call_id
  if id and message.call_id ~= id then return false end
  local cseq, sent = message["CSeq"], self.sent.cseq
  return not (sent and cseq) or tonumber(cseq:match "^%d+") == sent
end

-- What comes back: { status, message (the last final, else the last provisional), finals (how many that differ), all }.
-- A request that gets nothing for half of the wait is sent once more, as the network may have lost it. An INVITE that is accepted
-- is acknowledged and ended.
function Probe:answer(given)
  local wait = given and given.within or tonumber(self.t.env.wait or "") or 1
  local invite = self.sent.is_request and self.sent.method == "INVITE"
  local result = { finals = 0, all = {} }
  local until_ = self.t:now() + wait
  local cancelled = false
  local again = self.sent.is_request and self.sent.method ~= "ACK"
  if again then until_ = until_ - wait / 2 end
  while true do
    local message = self.sender:take { within = math.max(0, until_ - self.t:now()), optional = true }
    if not message and again and #result.all == 0 then
      again = false
      self.sender:send(self.sent, self.target)
      until_ = self.t:now() + wait / 2
    elseif not message then
      local ringing = invite and result.finals == 0 and result.status
      if not ringing or cancelled then break end
      cancelled = true -- it rang: that is an answer, and enough of it
      follow(self, "CANCEL", self.sent, self.sent["To"], self.sent.request_uri, self.sent:headers("Via")[1], self.sent.cseq or 1, {})
      until_ = self.t:now() + wait
    elseif answers(self, message) then
      result.all[#result.all + 1] = message
      local about_cancel = cancelled and (message["CSeq"] or ""):find "CANCEL"
      if message.status < 200 then
        if result.finals == 0 then result.status, result.message = message.status, message end
        if not cancelled and message.status > 100 then until_ = self.t:now() + wait end
      elseif not about_cancel then
        if invite then acknowledge(self, self.sent, message) end
        local known = result.final and result.final.bytes == message.bytes
        if not known and not cancelled then
          result.finals = result.finals + 1
          result.final, result.status, result.message = message, message.status, message
        end
        until_ = self.t:now() + quiet
      end
    end
  end
  self.keep = false
  return result
end

-- Judges what comes back to the bytes sent last. Returns the answer (nil for silence).
function Probe:expect(given)
  sip.check_options("probe:expect", given, { "right", "tolerable", "rfc", "within" })
  local answer = self:answer { within = given.within }
  local verdict, why = Probe.judge(answer, given.right, given.tolerable)
  local came = Probe.answer_words(answer)
  local wanted = ("right: %s%s"):format(Probe.words(given.right),
    given.tolerable and "; tolerable: " .. Probe.words(given.tolerable) or "")
  if verdict == "WRONG" then self.t:fail(("%s: %s (%s; %s)"):format(verdict, why or came, wanted, given.rfc)) end
  if verdict == "tolerable" then print(("tolerable: %s (%s; %s)"):format(came, wanted, given.rfc)) end
  return answer.message, verdict
end

-- Any final answer to an OPTIONS is a sign of life: its status, or nil. Two tries, as a target may be busy with what it got.
function Probe:lives()
  for _ = 1, 2 do
    local answer = self.ua:options(self.target):final { within = 4, optional = true }
    if answer and not answer.locally then return answer.status end
  end
end

-- What the target answers to a sound OPTIONS: 200, unless it refuses them.
function Probe:sound()
  return self.t:ok(self:lives(), "the target answers no OPTIONS: nothing was sent")
end

function Probe:alive()
  self.t:ok(self:lives(), "dead: the target answers no OPTIONS any more")
end

-- --- what is sent ---

-- A valid request, unsent; options as of ua:build.
function Probe:build(method, given)
  local options = { uri = self.target }
  for key, value in pairs(given or {}) do options[key] = value end
  return self.ua:build(method, options)
end

local function start(t, role)
  local ua = t:ua { aor = "sip:probe@example.test", address = t.env.address }
  return setmetatable({ t = t, ua = ua, endpoint = ua.endpoint, sender = ua.endpoint, target = t:target(role), keep = false, sent = false },
    Probe)
end

return setmetatable({ judge = Probe.judge, words = Probe.words, answer_words = Probe.answer_words },
  { __call = function(_, ...) return start(...) end })
