-- Referrals (RFC 3515): REFER, and the side that follows it. What becomes of it is in subscription.lua.
local engine, use = ...
local options, headers = use "options", use "headers"

local ua = engine.methods "ua"
local call = engine.methods "call"
local server = engine.methods "server transaction"

local refer_options = options.joined(options.of_message, { "subscribe", "referred_by" })

-- A text in <> is the value of Refer-To as it is.
local function value_of(target)
  if type(target) == "string" and target:find("<", 1, true) then return target end
  return headers.refer_to(target, {})
end

local function add_headers(given, target, referrer)
  options.flag("refer", given, "subscribe")
  local list = { { "Refer-To", value_of(target) } }
  if given.referred_by ~= false then
    list[2] = { "Referred-By", given.referred_by and headers.identity(given.referred_by) or ("<%s>"):format(referrer.aor) }
  end
  if given.subscribe == false then                                            -- RFC 4488 4
    list[#list + 1] = { "Refer-Sub", "false" }
    list[#list + 1] = { "Supported", "norefersub" }
  end
  given.headers = options.headers_behind(given, list)
end

-- REFER within a call: a URI, an actor, or another call, whose other side is to replace that call by a new one (RFC 5589 7).
function call:refer(target, given)
  given = options.message(options.check("refer", given, refer_options))
  add_headers(given, target, self.ua)
  return engine.refer(self, given)
end

-- REFER outside of calls: a dialog of its own.
function ua:refer(target, to, given)
  given = options.message(options.check("refer", given, refer_options))
  given.uri = given.uri or options.uri("refer", { target = target }, "target")
  if not given.uri or to == nil then error("ua:refer wants the URI or actor that gets the REFER, then whom it is referred to", 0) end
  add_headers(given, to, self)
  return engine.refer(self, given)
end

-- RFC 3261 19.1.5: headers that no URI may bring along.
local refused = { "From", "To", "Call-ID", "CSeq", "Via", "Route", "Record-Route", "Contact", "Accept", "Accept-Encoding", "Accept-Language",
  "Allow", "Organization", "Supported", "User-Agent", "Content-Type", "Content-Length", "Max-Forwards", "Authorization",
  "Proxy-Authorization", "body" }
for _, name in ipairs(refused) do refused[name:lower()] = true end

-- Does what a REFER asks: 202, an INVITE to Refer-To, and NOTIFYs that tell what becomes of it. Returns the new call and the subscription.
function server:follow(given)
  if self.request.method ~= "REFER" then error(("follow is for a REFER, not %s"):format(self.request.method), 0) end
  local caller = engine.is(self.owner, "call") and self.owner.ua or self.owner
  if not engine.is(caller, "ua") then error("follow needs a UA that calls; an endpoint has none", 0) end
  local value = self.request:header "Refer-To"
  local to, why = headers.refer_to(value and (value:find("<", 1, true) and value or ("<%s>"):format(value)) or "<>")
  if not to then error(("follow: Refer-To %s; answer it with st:reply(400)"):format(value and ("%q: %s"):format(value, why) or "is missing"), 0) end
  if to.method and to.method ~= "INVITE" then
    error(("follow sends an INVITE, and Refer-To wants %s: take it with st:accept() and send that by hand"):format(to.method), 0)
  end
  local list = {}
  for _, pair in ipairs(to.headers) do
    if not refused[pair[1]:lower()] then list[#list + 1] = pair end
  end
  local by = self.request:header "Referred-By"
  if by then list[#list + 1] = { "Referred-By", by } end                      -- RFC 3892 3
  local plain = {}
  for key, one in pairs(given or {}) do plain[key] = one end
  plain.headers = options.headers_behind(plain, list)
  local sub = engine.accept(self, { expires = 180 })
  local ok, new = pcall(caller.invite, caller, to.uri, plain)
  if not ok then                                                              -- nothing was sent: the referrer is told (RFC 3515 2.4.5)
    if sub.state ~= "terminated" then
      engine.notify(sub, "terminated", { reason = "noresource", content_type = "message/sipfrag;version=2.0", body = "SIP/2.0 503 Service Unavailable\r\n" })
    end
    error(new, 0)
  end
  engine.follow(sub, new)
  return new, sub
end

return { call = call, ua = ua, server = server }
