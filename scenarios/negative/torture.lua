-- The torture suite: the messages of RFC 4475 and RFC 5118, one after the other, to the target; what each answer means; whether
-- the target lives on. The bytes are those of the RFCs. Only where a target could take a message for a repetition of an earlier
-- one (same branch and sent-by, or same Call-ID and CSeq) its branch and Call-ID get an ending: it stands with a * in the table.
--
--   offhook run scenarios/negative/torture.lua --target 192.0.2.10
--
-- Settings: --set only=NAME,NAME... sends these alone; --set wait=S is how long an answer may take (1 s); --set fresh=yes gives
-- every message an ending of its own, for a second run within the 32 seconds that a target remembers the first one; --set uri=target
-- puts the target's URI in the place of every plain Request-URI (sip:user@example.com), for a target that answers 404 or 403 to
-- others: it stands with an @ in the table.
--
-- Answers go where the Via of a message says: to this host, at the port that stands there. Where that port is taken here, the
-- message gets ";rport" (RFC 3581) and stands with a + in the table.
local sip = require "sip"
local probe = require "_probe"
local suites = { [4475] = require "_torture.rfc4475", [5118] = require "_torture.rfc5118" }

-- --- from which port, with which bytes ---

local function top_via(bytes)
  local message = sip.message(bytes)
  return message:header "Via" and message:headers("Via")[1] or nil
end

-- The endpoint at the port where the answer will go, or nil when that port is taken.
local function listener(p, via)
  local sent_by = (via or ""):match "^[^;]*"
  local port = tonumber(sent_by:match ":%s*(%d+)%s*$") or 5060
  if p.listeners[port] == nil then
    local hosts = { p.endpoint.host }
    if p.endpoint.host:find "^127%." then hosts[2] = "127.0.0.77" end
    local found = p.endpoint.port == port and p.endpoint or false
    for _, host in ipairs(hosts) do
      if found then break end
      local ok, endpoint = pcall(function() return p.t:endpoint { name = "port " .. port, address = host, port = port } end)
      found = ok and endpoint
    end
    p.listeners[port] = found
  end
  return p.listeners[port] or nil
end

local function with_rport(bytes, via)
  if not via or via:find "rport" then return bytes end
  local from = bytes:find(via, 1, true)
  local head = via:match "^[^;,]*"
  return bytes:sub(1, from - 1 + #head) .. ";rport" .. bytes:sub(from + #head)
end

-- What a target tells transactions and requests apart by.
local function marks(bytes)
  local message = sip.message(bytes)
  if not message.is_request then return {} end
  local via = (top_via(bytes) or ""):match "^[^;]*"
  local request = ("%s %s %s"):format(message.call_id, message.from_tag, message.cseq)
  local branch = message.branch
  if not branch then return { request } end
  -- Some targets take the method of CSeq for that of the request.
  local cseq_method = (message["CSeq"] or ""):match "%S+%s*$" or ""
  return { ("%s %s %s"):format(branch, via, message.method), ("%s %s %s"):format(branch, via, cseq_method), request }
end

local function with_ending(bytes, ending)
  local message = sip.message(bytes)
  if not message.is_request then return bytes end
  local branch = message.branch
  if branch and #branch > 0 and branch ~= "z9hG4bK" then
    local from, to = bytes:find("branch%s*=%s*" .. branch:gsub("%W", "%%%0"))
    if from then bytes = bytes:sub(1, to) .. ending .. bytes:sub(to + 1) end
    message = sip.message(bytes)
  end
  if message.call_id then message = message:replace_header("Call-ID", message.call_id .. ending) end
  return message.bytes
end

-- A Request-URI that is not what a message is about.
local function with_uri(bytes, uri)
  local from, plain, to = bytes:match "^%S+ ()(sips?:[%w@.-]+)() SIP/2%.0\r\n"
  if not plain then return bytes end
  return bytes:sub(1, from - 1) .. uri .. bytes:sub(to)
end

-- --- one message ---

local function wanted(name, only)
  return not only or ("," .. only .. ","):find("," .. name .. ",", 1, true) ~= nil
end

local function meaning(entry, status)
  if not status then return entry.means and entry.means.silence end
  local means = entry.means or {}
  return means[status] or means[(status // 100) .. "xx"]
end

local function try(p, entry, number)
  local bytes, remark = entry.bytes, ""
  if p.t.env.uri == "target" then
    bytes = with_uri(bytes, p.target)
    if bytes ~= entry.bytes then remark = "@" end
  end
  local repeated = p.t.env.fresh ~= nil
  for _, mark in ipairs(marks(bytes)) do repeated = repeated or p.seen[mark] end
  if repeated then
    local before = bytes
    bytes = with_ending(bytes, "-" .. (p.t.env.fresh and p.t:token(6) or number))
    if bytes ~= before then remark = remark .. "*" end
  end
  for _, mark in ipairs(marks(bytes)) do p.seen[mark] = true end
  local via = top_via(bytes)
  local sender = listener(p, via)
  if not sender then
    bytes = with_rport(bytes, via)
    remark = remark .. "+"
  end
  local sent = p:send(bytes, sender)
  p.t:note(sent, ("%s of RFC %d %s: %s"):format(entry.name, entry.rfc, entry.section, entry.what))
  local answer = p:answer()
  local tolerable = {}
  for i, one in ipairs(entry.tolerable or {}) do tolerable[i] = one end
  if entry.well_formed and sent.is_request then tolerable[#tolerable + 1] = "policy" end
  local verdict, why = probe.judge(answer, entry.right, tolerable)
  if verdict ~= "right" and not why then why = meaning(entry, answer.status) end
  if not p:lives() then verdict, why = "dead", "no OPTIONS is answered any more" end
  return { entry = entry, remark = remark, came = probe.answer_words(answer), verdict = verdict, why = why, tolerable = tolerable }
end

-- --- the table ---

local row_format = "%-32s %-9s %-11s %-27s %-34s %s"

local function print_row(row)
  local entry = row.entry
  print(row_format:format(entry.name .. row.remark, entry.section, probe.words(entry.right), probe.words(row.tolerable),
    row.came:sub(1, 34), row.verdict))
end

local function print_why(row)
  local entry = row.entry
  if row.verdict == "right" then return end
  print(("%s: %s. %s%s%s"):format(entry.name, entry.what, row.verdict, row.why and ": " .. row.why or "",
    entry.because and " (" .. entry.because .. ")" or ""))
end

local function run(t, rfc)
  local p = probe(t)
  p.listeners, p.seen = {}, {}
  local rows, counts, left = {}, {}, 0
  t:ok(p:lives(), "the target answers no OPTIONS, not even with a refusal, so nobody could tell if it lives: nothing was sent")
  for i, entry in ipairs(suites[rfc]) do
    local dead = rows[#rows] and rows[#rows].verdict == "dead"
    if wanted(entry.name, t.env.only) then
      if dead and not p:lives() then -- it may have been started again
        left = left + 1
      else
        rows[#rows + 1] = try(p, entry, i)
        counts[rows[#rows].verdict] = (counts[rows[#rows].verdict] or 0) + 1
      end
    end
  end
  print(row_format:format("message", "RFC " .. rfc, "right", "tolerable", "came", "verdict"))
  for _, row in ipairs(rows) do print_row(row) end
  for _, row in ipairs(rows) do print_why(row) end
  local wrong, dead = counts.WRONG or 0, counts.dead or 0
  local sum = ("%d right, %d tolerable, %d WRONG, %d dead"):format(counts.right or 0, counts.tolerable or 0, wrong, dead)
  if left > 0 then sum = ("%s; %d not sent"):format(sum, left) end
  print(sum)
  t:ok(wrong + dead == 0, sum)
end

sip.test("RFC 4475: session initiation protocol torture test messages", { timeout = 600 }, function(t) run(t, 4475) end)

sip.test("RFC 5118: torture test messages for IPv6", { timeout = 300 }, function(t) run(t, 5118) end)

-- --- in memory: as they would come over any transport ---

-- What `reads` names that a message has not as a field.
local derived = {
  body_length = function(message) return #message.body end,
  host = function(message) return sip.uri(message.request_uri).host end,
  port = function(message) return sip.uri(message.request_uri).port end,
  received = function(message) return sip.via(message:headers("Via")[1]).params.received end,
}

sip.test("read in memory: the flaws of each message, and the fields of the sound ones", function(t)
  for _, rfc in ipairs { 4475, 5118 } do
    for _, entry in ipairs(suites[rfc]) do
      local message = sip.message(entry.bytes)
      t:equal(message.flaw, entry.flaw, entry.name)
      for name, value in pairs(entry.reads or {}) do
        local got = derived[name] and derived[name](message) or message[name]
        t:equal(got, value, entry.name .. ": " .. name)
      end
    end
  end
end)

sip.test("the messages are those of the archives of the RFCs, where these lie beside the repository", function(t)
  local compared = 0
  for _, rfc in ipairs { 4475, 5118 } do
    for _, entry in ipairs(suites[rfc]) do
      local file = io.open(("../shared/rfc%d/%s.dat"):format(rfc, entry.name), "rb")
      if file then
        local bytes = file:read "a"
        file:close()
        t:ok(bytes == entry.bytes, entry.name .. " differs from its file")
        compared = compared + 1
      end
    end
  end
  if compared == 0 then t:skip "../shared/rfc4475 and rfc5118 are not here" end
end)
