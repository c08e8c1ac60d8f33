-- Referrals (RFC 3515): REFER, what becomes of it, and the side that follows it.
local engine, use = ...
local expect, failure, options, subscription_of = use "expect", use "failure", use "options", use "subscription"

local ua = engine.methods "ua"
local call = engine.methods "call"
local server = engine.methods "server transaction"
local subscription = engine.methods "subscription"

-- --- Refer-To ---

-- RFC 3261 25.1: what may stand in the value of a header inside a URI as it is.
local function escape(text)
  return (text:gsub("[^%w%[%]/?:+$_.!~*'()-]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function unescape(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

-- The value of Replaces that names a call to its other side (RFC 3891 6.1): the tags are as the one who gets it sees them.
local function replaces_of(other)
  local d = other.dialog
  if not d then error(("the call has no dialog yet that could be replaced: it is %s"):format(other.state), 0) end
  return ("%s;to-tag=%s;from-tag=%s"):format(d.call_id, d.remote_tag, d.local_tag)
end

-- The value of Refer-To: a URI as it is, or for a call the other side's target with the call's Replaces.
local function refer_to(where, target)
  if engine.is(target, "call") then
    local uri = target.dialog and target.dialog.remote_target or ""
    local mark = uri:find("?", 1, true) and "&" or "?"
    return ("<%s%sReplaces=%s>"):format(uri, mark, escape(replaces_of(target)))
  end
  local uri = options.uri(where, { target = target }, "target")
  if not uri then error(("%s wants whom to refer to: a URI, an actor, or a call"):format(where), 0) end
  return uri:find("<", 1, true) and uri or ("<%s>"):format(uri)
end

local refer_options = { "subscribe", "referred_by", "uri", "to", "from", "headers", "content_type", "body", "call_id", "cseq", "contact",
  "destination" }

local function refer_headers(self_ua, target, given)
  local headers = { { "Refer-To", refer_to("refer", target) } }
  if given.referred_by ~= false then
    headers[#headers + 1] = { "Referred-By", given.referred_by or ("<%s>"):format(self_ua.aor) }
  end
  if given.subscribe == false then
    headers[#headers + 1] = { "Refer-Sub", "false" }
    headers[#headers + 1] = { "Supported", "norefersub" }
  end
  -- What the script says takes the place of these.
  local said = {}
  for key, value in pairs(given.headers or {}) do said[(type(value) == "table" and value[1] or key):lower()] = true end
  local own = {}
  for _, pair in ipairs(headers) do
    if not said[pair[1]:lower()] then own[#own + 1] = pair end
  end
  return subscription_of.same_headers(given, own)
end

-- REFER within a call: a URI, an actor, or another call, whose other side is to replace that call by a new one (RFC 5589 7).
function call:refer(target, given)
  given = options.message(options.check("refer", given, refer_options))
  options.flag("refer", given, "subscribe")
  given.headers = refer_headers(self.ua, target, given)
  return engine.refer(self, given)
end

-- REFER outside of calls: a dialog of its own.
function ua:refer(target, to, given)
  given = options.message(options.check("refer", given, refer_options))
  options.flag("refer", given, "subscribe")
  given.uri = given.uri or options.uri("refer", { target = target }, "target")
  if not given.uri then error("ua:refer wants the URI or actor that gets the REFER, then whom it is referred to", 0) end
  given.headers = refer_headers(self, to, given)
  return engine.refer(self, given)
end

-- --- the outcome ---

-- Status and reason of a NOTIFY's sipfrag (RFC 3420), or nil.
local function sipfrag(message)
  local status, reason = message.body:match "^SIP/2%.0 (%d%d%d) ?([^\r\n]*)"
  return tonumber(status), reason
end

local outcomes = setmetatable({}, { __mode = "k" })
local plain_expect = subscription.expect

function subscription:expect(what, given, check)
  local message, why = plain_expect(self, what, given, check)
  if what == "NOTIFY" and message and self.event == "refer" then
    local status, reason = sipfrag(message)
    if status and status >= 200 then outcomes[self] = { status, reason } end
  end
  return message, why
end

-- What the REFER led to: the status and reason of the first final sipfrag, also when its NOTIFY was read before.
function subscription:outcome(given)
  if self.event ~= "refer" then error(("outcome is for a REFER; this is a subscription to %s"):format(self.event), 0) end
  options.check("outcome", type(given) == "table" and given or nil, { "within", "optional" })
  local within = options.within("outcome", given, 30)
  local until_ = engine.now() + within
  local last
  while not outcomes[self] do
    local message, ended = engine.wait(self, "NOTIFY", math.max(0, until_ - engine.now()))
    if not engine.is(message, "message") then
      if ended ~= "ended" and type(given) == "table" and given.optional then return nil, "timeout" end
      local got = last and ("nothing more than %s"):format(last) or "no NOTIFY"
      if ended == "ended" and self.ended_by == "final response" then
        got = expect.got_words(self.response, self.why)
      elseif ended == "ended" then
        got = ("%s, then its end (%s%s)"):format(last or "no NOTIFY with a final status", self.ended_by, self.reason and ", " .. self.reason or "")
      end
      failure.raise { actor = self.actor, wanted = ("the outcome of its REFER within %g s"):format(within), got = got, about = self.request }
    end
    local status, reason = sipfrag(message)
    if status and status >= 200 then outcomes[self] = { status, reason } end
    last = status and ("%d %s"):format(status, reason) or ("a NOTIFY whose body is no sipfrag (%q)"):format(message.body)
  end
  return outcomes[self][1], outcomes[self][2]
end

-- --- the side that is referred ---

-- RFC 3261 19.1.5: headers that no URI may bring along.
local refused = { from = true, ["call-id"] = true, cseq = true, via = true, ["record-route"] = true, route = true, accept = true,
  ["accept-encoding"] = true, ["accept-language"] = true, allow = true, contact = true, organization = true, supported = true,
  ["user-agent"] = true, to = true, ["content-length"] = true, ["content-type"] = true, body = true, authorization = true,
  ["proxy-authorization"] = true }

-- The Request-URI and headers that a Refer-To value asks for; raises for what cannot be followed.
local function taken_apart(value)
  local parsed, why = engine.name_addr(value or "")
  if not parsed then
    error(("follow: Refer-To %s%s; answer it with st:reply(400)"):format(value and ("%q"):format(value) or "is missing", why and ": " .. why or ""), 0)
  end
  local uri, rest = parsed.uri.raw:match "^([^?]*)%??(.*)$"
  local method = uri:match ";[Mm][Ee][Tt][Hh][Oo][Dd]=([^;]*)"
  if method and method:upper() ~= "INVITE" then
    error(("follow sends an INVITE, and Refer-To wants %s: take it with st:accept() and send that by hand"):format(method), 0)
  end
  uri = uri:gsub(";[Mm][Ee][Tt][Hh][Oo][Dd]=[^;]*", "")
  local headers = {}
  for item in rest:gmatch "[^&]+" do
    local name, header = item:match "^([^=]*)=(.*)$"
    name = unescape(name or item)
    if not refused[name:lower()] then headers[#headers + 1] = { name, unescape(header or "") } end
  end
  return uri, headers
end

-- Does what a REFER asks: 202, an INVITE to Refer-To, and NOTIFYs that tell what becomes of it. Returns the new call and the subscription.
function server:follow(given)
  if self.request.method ~= "REFER" then error(("follow is for a REFER, not %s"):format(self.request.method), 0) end
  local owner = self.owner
  local self_ua = engine.is(owner, "call") and owner.ua or owner
  if not engine.is(self_ua, "ua") then error("follow needs a UA that calls; an endpoint has none", 0) end
  local uri, headers = taken_apart(self.request:header "Refer-To")
  local by = self.request:header "Referred-By"
  if by then headers[#headers + 1] = { "Referred-By", by } end               -- RFC 3892 3
  local plain = {}
  for key, value in pairs(given or {}) do plain[key] = value end
  plain.headers = subscription_of.same_headers(options.message(plain), headers)
  local sub = engine.accept(self, { expires = 180 })
  local new = self_ua:invite(uri, plain)
  engine.follow(sub, new)
  return new, sub
end

return { replaces_of = replaces_of, escape = escape, unescape = unescape, refer_to = refer_to }
