-- PUBLISH: event state that a server keeps for us (RFC 3903). Each operation is a request of its own, which names the state by its entity-tag.
local engine, use = ...
local expect, options = use "expect", use "options"

local ua = engine.methods "ua"

local Publication = {}

-- The entity-tag that the answers so far left us with.
local function etag_of(self)
  local response = self.current.response
  if not response then return self.before end
  if response.status == 412 then return nil end                       -- the server knows it no more (RFC 3903 4.1)
  if response.status >= 300 then return self.before end
  if self.removing then return nil end
  return response:header "SIP-ETag"
end

local function send(self, given, body)
  local list = { { "Event", self.event } }
  if self.before then list[#list + 1] = { "SIP-If-Match", self.before } end
  list[#list + 1] = { "Expires", given.expires or self.asked }
  self.removing = given.expires == 0
  local plain = {}
  for key, value in pairs(given) do plain[key] = value end
  plain.event, plain.expires = nil, nil
  plain.headers = options.headers_behind(given, list)
  plain.body, plain.content_type = body, body and (given.content_type or self.type)
  plain.contact = given.contact or false                              -- RFC 3903 table 1: none is needed
  self.current = self.ua:request("PUBLISH", self.target, plain)
  return self
end

local change_options = { "expires", "headers", "content_type" }

local function change(self, where, given, body)
  given = options.check(where, given, change_options)
  local tag = etag_of(self)
  if not tag then
    local response = self.current.response
    error(("%s: there is no published state to change: %s; publish anew with ua:publish"):format(where,
      response and expect.got_words(response) or "the PUBLISH has no final response yet"), 0)
  end
  if given.expires and given.expires > 0 then self.asked = given.expires end
  self.before = tag
  if given.content_type then self.type = given.content_type end
  return send(self, given, body)
end

-- The same state for longer: no body (RFC 3903 4.3).
function Publication:refresh(given)
  return change(self, "refresh", given)
end

-- Another state in its place.
function Publication:modify(body, given)
  if type(body) ~= "string" then error(("modify wants the new body, got %s"):format(type(body)), 0) end
  return change(self, "modify", given, body)
end

-- The state goes: Expires: 0 (RFC 3903 4.5).
function Publication:remove(given)
  given = options.check("remove", given, { "headers" })
  local headers = given.headers
  return change(self, "remove", { expires = 0, headers = headers })
end

function Publication:expect(what, given, check)
  return expect.response(self.current, what, given, check)
end

function Publication:final(given)
  return expect.final(self.current, given)
end

local publication_meta = { __metatable = "locked" }
function publication_meta:__index(name)
  if Publication[name] then return Publication[name] end
  if name == "etag" then return etag_of(self) end
  if name == "expires" then
    local response = self.current.response
    return response and response.status < 300 and tonumber(response:header "Expires") or nil
  end
  if name == "request" or name == "response" or name == "why" or name == "challenges" or name == "actor" then return self.current[name] end
end

local publish_options = options.joined(options.of_message, { "event", "expires" })

function ua:publish(target, given)
  given = options.message(options.check("publish", given, publish_options))
  options.text("publish", given, "event")
  options.number("publish", given, "expires")
  if not given.event then error('publish wants an event package, e.g. event = "presence"', 0) end
  if not given.body then error("publish wants a body: the state that is published (pub:refresh() sends none)", 0) end
  local self = setmetatable({ ua = self, target = target, event = given.event, type = given.content_type, asked = given.expires or 3600 },
    publication_meta)
  return send(self, given, given.body)
end

return Publication
