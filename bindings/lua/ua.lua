-- User agents, calls, requests and registrations: methods on top of the engine's.
local engine, use = ...
local expect, failure, options = use "expect", use "failure", use "options"

local ua = engine.methods "ua"

local message_options = { "uri", "to", "from", "headers", "content_type", "body", "call_id", "cseq", "contact", "destination" }
local function with(...)
  local names = {}
  for _, list in ipairs { message_options, { ... } } do
    for _, name in ipairs(list) do names[#names + 1] = name end
  end
  return names
end

-- A URI: a string, or an actor's contact.
local function uri_of(where, target)
  local kind = type(target)
  local uri = target
  if kind == "userdata" or kind == "table" then uri = target.uri end
  if type(uri) ~= "string" then error(("%s wants a SIP URI or an actor, got %s"):format(where, kind), 0) end
  return uri
end

local function check_method(where, method)
  if type(method) ~= "string" or method == "" then error(("%s wants a method, got %s"):format(where, method == "" and "an empty string" or type(method)), 0) end
end

-- A valid request, unsent: ua:build("OPTIONS", { uri = target }).
function ua:build(method, given)
  check_method("build", method)
  given = options.message(options.check("build", given, message_options))
  given.uri = uri_of("build", given.uri)
  return engine.build(self, method, given)
end

function ua:request(method, target, given)
  check_method("request", method)
  given = options.message(options.check(method, given, message_options))
  given.uri = uri_of(method, target)
  return engine.request(self, method, given)
end

function ua:options(target, given)
  return self:request("OPTIONS", target, given)
end

-- MESSAGE with a text (RFC 3428).
function ua:message(target, text, given)
  given = options.message(options.check("message", given, message_options))
  given.body, given.content_type, given.contact = text, given.content_type or "text/plain", false
  return self:request("MESSAGE", target, given)
end

function ua:invite(target, given)
  given = options.message(options.check("invite", given, with("sdp", "ack", "retransmit")))
  given.uri = uri_of("invite", target)
  return engine.invite(self, given)
end

function ua:register(given)
  given = options.message(options.check("register", given, { "registrar", "expires", "refresh", "headers" }))
  if given.registrar then given.registrar = uri_of("register", given.registrar) end
  return engine.register(self, given)
end

-- The next incoming call.
function ua:incoming(given)
  return expect.take(self, "calls", given, 5, self.name, "an incoming call", "incoming")
end

-- Incoming calls for ever.
function ua:calls()
  return expect.iterate(self, "calls")
end

-- Requests outside calls, from now on all of them; none is answered for the script any more.
function ua:requests()
  engine.claim_requests(self)
  return expect.iterate(self, "requests")
end

-- The next request of that method, as its server transaction; others stay with the actor's own answers.
local function expect_request(handle, method, given, actor)
  if type(method) ~= "string" or not method:match "^%u[%u%d]*$" then
    error(("expect wants a method, got %s"):format(tostring(method)), 0)
  end
  engine.claim_requests(handle, method)
  local st, why = expect.take(handle, "requests", given, 5, actor, method, "expect")
  if not st then return nil, why end
  if st.request.method ~= method then
    failure.raise { actor = actor, wanted = method, got = tostring(st.request), about = st.request }
  end
  return st
end

function ua:expect(method, given)
  return expect_request(self, method, given, self.name)
end

-- --- requests ---

local request = engine.methods "request"
request.expect = expect.response
request.final = expect.final

function request:expect_none(seconds)
  expect.none(self, "responses", seconds, self.actor)
end

function request:responses()
  return expect.iterate(self, "responses")
end

-- --- registrations ---

local registration = engine.methods "registration"
registration.expect = expect.response
registration.final = expect.final

-- Registers again now; the response is to be expected anew.
function registration:refresh(given)
  given = options.check("refresh", given, { "expires" })
  local s = expect.state(self)
  s.final_given, s.last = nil, nil
  while engine.poll(self, "responses") do end          -- answers to refreshes that nobody read
  engine.register_again(self, given.expires)
  return self
end

-- Removes the binding.
function registration:unregister()
  return self:refresh { expires = 0 }
end

-- --- calls ---

local call = engine.methods "call"

local events = { ACK = true, BYE = true, CANCEL = true }

local function expect_event(self, wanted, words, given)
  options.check("expect", type(given) == "table" and given or nil, { "within", "optional" })
  local within = options.within("expect", given, 5)
  local message, ended = engine.wait(self, wanted, within)
  if engine.is(message, "message") then return message end
  if ended == "ended" and wanted == "ended" then return true end
  if type(given) == "table" and given.optional then return nil, "timeout" end
  failure.raise { actor = self.actor, wanted = ("%s within %g s"):format(words, within),
    got = ended == "ended" and ("the end of the call (%s)"):format(self.ended_by) or "nothing", about = self.invite }
end

-- A response to its INVITE; or "ACK", "BYE", "CANCEL" from the other side; or another request within the call, as its
-- server transaction, which the script then answers.
function call:expect(what, given, check)
  if events[what] then return expect_event(self, what, what, given) end
  if type(what) == "string" and what:match "^%u+$" then
    return expect_request(self, what, given, self.actor)
  end
  return expect.response(self, what, given, check)
end

call.final = expect.final

function call:expect_none(seconds)
  expect.none(self, "responses", seconds, self.actor)
end

-- Requests within the call but ACK, BYE and CANCEL, from now on all of them.
function call:requests()
  engine.claim_requests(self)
  return expect.iterate(self, "requests")
end

-- The call is over, whoever ended it; returns how.
function call:ended(given)
  if self.state ~= "terminated" then
    local over, why = expect_event(self, "ended", "the end of the call", given)
    if not over then return nil, why end
  end
  return self.ended_by
end

local reply_options = { "reason", "headers", "sdp", "body", "content_type" }

function call:reply(status, given)
  if type(given) == "table" and type(given[1]) == "table" then given = { headers = given } end
  return engine.call_reply(self, status, options.message(options.check("reply", given, reply_options)))
end

function call:ring(given)
  return self:reply(180, given)
end

function call:answer(given)
  return self:reply(200, given)
end

function call:reject(status, given)
  return self:reply(status or 486, given)
end

-- CANCEL, once a provisional came (RFC 3261 9.1) or with { now = true } at once.
function call:cancel(given)
  given = options.check("cancel", given, { "now" })
  engine.call_cancel(self, given.now)
  return self
end

-- A request within the call. An INVITE offers the session as it is unless `sdp` says another, or false.
function call:request(method, given)
  check_method("request", method)
  return engine.call_request(self, method, options.message(options.check(method, given, with("sdp"))))
end

function call:bye(given)
  return self:request("BYE", given)
end

-- The ACK to its 2xx, for a call made with ack = false.
function call:ack(given)
  engine.call_ack(self, options.message(options.check("ack", given, message_options)))
end

return ua
