-- A registrar: RFC 3261 section 10.3. Written with the public interface alone: copy it beside your script and change it.
--
--   local registrar = t:registrar { domain = "example.test", auth = { realm = "example.test", users = { bob = "secret" } } }
--   local edge = t:proxy { registrar = t:registrar { serve = false } }     -- both in one endpoint
local sip = require "sip"

local Registrar = {}
Registrar.__index = Registrar

-- "sip:user@host" in the form that is compared (10.3 step 5): no parameters, host in lower case.
local function canonical(uri)
  local parsed = sip.uri(uri)
  if not parsed or not parsed.host then return nil end
  return ("%s:%s%s"):format(parsed.scheme:lower(), parsed.user and parsed.user .. "@" or "", parsed.host:lower())
end

local function bindings_of(self, aor)
  local list = {}
  for _, binding in ipairs(self.bindings[aor] or {}) do
    if binding.expires > self.t:now() then list[#list + 1] = binding end
  end
  if self.bindings[aor] then self.bindings[aor] = list end
  return list
end

-- The contact registered last for an address of record, or nil.
function Registrar:lookup(uri)
  local aor = canonical(uri)
  local list = aor and bindings_of(self, aor) or {}
  return list[#list] and list[#list].uri
end

-- Whether it was ever registered here, or is a user of the account list.
function Registrar:knows(uri)
  local aor = canonical(uri)
  return aor ~= nil and self.bindings[aor] ~= nil
end

local function remove(list, uri)
  for i = #list, 1, -1 do
    if sip.uri_equal(list[i].uri, uri) then table.remove(list, i) end
  end
end

-- One REGISTER that is allowed.
function Registrar:handle(st)
  local request = st.request
  local to = sip.name_addr(request["To"] or "")
  local aor = to and canonical(to.uri.raw)
  if not aor then
    st:reply(400)
    return
  end
  if self.domain and to.uri.host:lower() ~= self.domain:lower() then
    st:reply(404)
    return
  end
  local list = bindings_of(self, aor)
  local default = tonumber(request["Expires"] or "") or self.default_expires
  local changes = {}
  for _, value in ipairs(request:headers "Contact") do
    local star = value == "*"
    local contact = not star and sip.name_addr(value)
    if not star and not contact then
      st:reply(400)
      return
    end
    local expires = contact and tonumber(contact.params.expires or "") or default
    if star and (request["Expires"] ~= "0" or #request:headers "Contact" > 1) then -- step 6
      st:reply(400)
      return
    end
    if expires > 0 and expires < self.min_expires then -- step 7
      st:reply(423, { headers = { { "Min-Expires", self.min_expires } } })
      return
    end
    changes[#changes + 1] = { star = star, contact = contact, expires = math.min(expires, self.max_expires) }
  end
  local call_id, cseq = request.call_id, request.cseq
  for _, binding in ipairs(list) do
    if binding.call_id == call_id and binding.cseq >= cseq and #changes > 0 then -- an old request that was overtaken
      st:reply(500)
      return
    end
  end
  for _, change in ipairs(changes) do
    if change.star then
      list = {}
    else
      remove(list, change.contact.uri.raw)
      if change.expires > 0 then
        list[#list + 1] = { uri = change.contact.uri.raw, expires = self.t:now() + change.expires, call_id = call_id, cseq = cseq }
      end
    end
  end
  self.bindings[aor] = list
  local headers = {}
  for i, binding in ipairs(list) do
    local left = math.ceil(binding.expires - self.t:now() - 1e-6)      -- sums of seconds are not exact
    headers[i] = { "Contact", ("<%s>;expires=%d"):format(binding.uri, left) }
  end
  st:reply(200, { headers = headers })
end

local registrar_options = { "name", "address", "port", "ipv6", "timers", "domain", "auth", "min_expires", "max_expires", "default_expires",
  "serve" }

-- Options: domain (others get 404), auth (as of t:proxy, with 401), min_expires, max_expires, default_expires in seconds;
-- serve = false makes no endpoint, for a proxy that handles REGISTER itself; and those of t:endpoint.
local function start(t, given)
  given = sip.check_options("t:registrar", given, registrar_options)
  local self = setmetatable({
    t = t, bindings = {}, domain = given.domain, min_expires = given.min_expires or 1, max_expires = given.max_expires or 3600,
    default_expires = given.default_expires or 3600,
  }, Registrar)
  if given.serve == false then return self end
  local auth = given.auth
  if type(auth) == "table" then
    auth = { status = 401 }
    for name, value in pairs(given.auth) do auth[name] = value end
  end
  -- A proxy that relays nothing: it challenges, and handles REGISTER.
  local server = t:proxy { name = given.name or "registrar", address = given.address, port = given.port, ipv6 = given.ipv6,
    timers = given.timers, auth = auth, registrar = self }
  self.endpoint, self.uri, self.name, self.server = server.endpoint, server.uri, server.name, server
  return self
end

return start
