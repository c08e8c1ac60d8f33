-- User agents, calls, requests and registrations: methods on top of the engine's.
local engine, use = ...
local expect, failure, options = use "expect", use "failure", use "options"

local ua = engine.methods "ua"

local message_options = options.joined(options.of_message)
local sdp_options = options.joined(message_options, { "sdp" })
local invite_options = options.joined(message_options, { "sdp", "direction", "ack", "prack", "reliable", "keep_forks", "max_redirects",
  "session_expires", "min_se", "refresher", "retransmit" })
local follow_options = options.joined(invite_options, { "choice" })
local in_call_options = options.joined(message_options, { "sdp", "direction", "ack", "retry" })

-- A URI: a string, or an actor's contact.
local function uri_of(where, target)
  local kind = type(target)
  local uri = target
  if kind == "userdata" or kind == "table" then uri = target.uri end
  if type(uri) ~= "string" then
    error(("%s wants a SIP URI or an actor, got %s%s"):format(where, kind,
      kind == "nil" and (". Is the variable set, and is there a colon before %s?"):format(where) or ""), 0)
  end
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
  given = options.sent(method, given, message_options)
  return engine.request(self, method, given, uri_of(method, target))
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
  given = options.sent("invite", given, invite_options)
  local uri = uri_of("invite", target)
  if given and given.reliable == true then given.reliable = "supported" end
  if given and given.reliable ~= nil and given.reliable ~= "supported" and given.reliable ~= "required" then
    error(('invite: reliable wants true, "supported" or "required", got %s'):format(tostring(given.reliable)), 0)
  end
  return engine.invite(self, given, uri)
end

local register_options = { "registrar", "expires", "refresh", "headers" }

function ua:register(given)
  given = options.sent("register", given, register_options)
  if given and given.registrar then given.registrar = uri_of("register", given.registrar) end
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
  local st, why = expect.take(handle, "requests", given, 5, actor, method, "expect", expect.method_hint(method))
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

-- CANCEL, of an INVITE within a call: once a provisional came (RFC 3261 9.1) or with { now = true } at once.
function request:cancel(given)
  given = options.check("cancel", given, { "now" })
  engine.request_cancel(self, given.now)
  return self
end

-- The ACK to its 2xx, for an INVITE within a call made with ack = false; again for each call.
function request:ack(given)
  engine.request_ack(self, options.sent("ack", given, sdp_options))
end

function request:responses()
  return expect.iterate(self, "responses")
end

-- --- registrations ---

local registration = engine.methods "registration"
registration.expect = expect.response
registration.final = expect.final

-- Every response, as it comes, those to its own refreshes too.
function registration:responses()
  return expect.iterate(self, "responses")
end

-- Registers again now; the response is to be expected anew.
function registration:refresh(given)
  given = options.check("refresh", given, { "expires" })
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

-- Of a call, or of one of its dialogs.
local function request_within(self, method, given)
  check_method("request", method)
  return engine.call_request(self, method, options.sent(method, given, in_call_options))
end

local function ack_within(self, given)
  engine.call_ack(self, options.sent("ack", given, sdp_options))
end

local events = { ACK = true, BYE = true, CANCEL = true, PRACK = true }

local function expect_event(self, wanted, given)
  options.check_wait("expect", given)
  return engine.event(self, wanted, given, options.within("expect", given, 5))
end

-- What was waited for in vain: raises, or returns nil and "timeout" where that was allowed.
local function unmet_event(self, wanted, given, within, _, ended)
  if type(given) == "table" and given.optional then return nil, "timeout" end
  failure.raise { actor = self.actor, wanted = ("%s within %g s"):format(wanted == "ended" and "the end of the call" or wanted, within),
    got = ended == "ended" and ("the end of the call (%s)"):format(self.ended_by) or "nothing", about = self.invite,
    class = ended ~= "ended" and "timeout" or nil }
end
engine.set_unmet(expect.unmet, unmet_event)

-- A response to its INVITE; or "ACK", "BYE", "CANCEL", "PRACK" from the other side; or another request within the call, as its
-- server transaction, which the script then answers.
function call:expect(what, given, check)
  if events[what] then return expect_event(self, what, given) end
  if type(what) == "string" and what:match "^%u+$" then
    return expect_request(self, what, given, self.actor)
  end
  return expect.response(self, what, given, check)
end

call.final = expect.final

-- Every response to its INVITE, as it comes.
function call:responses()
  return expect.iterate(self, "responses")
end

function call:expect_none(seconds)
  expect.none(self, "responses", seconds, self.actor)
end

-- Requests within the call but ACK, BYE, PRACK and CANCEL, from now on all of them.
function call:requests()
  engine.claim_requests(self)
  return expect.iterate(self, "requests")
end

-- The call is over, whoever ended it; returns how.
function call:ended(given)
  if self.state ~= "terminated" then
    local over, why = expect_event(self, "ended", given)
    if not over then return nil, why end
  end
  return self.ended_by
end

local reply_options = options.joined { "reason", "headers", "sdp", "direction", "reliable", "body", "content_type" }

function call:reply(status, given)
  if type(given) == "table" and type(given[1]) == "table" then given = { headers = given } end
  options.status("reply", status, 100)
  return engine.call_reply(self, status, options.sent("reply", given, reply_options))
end

function call:ring(given)
  return self:reply(180, given)
end

function call:answer(given)
  return self:reply(200, given)
end

function call:reject(status, given)
  options.status("reject", status or 486, 300)
  return self:reply(status or 486, given)
end

-- CANCEL, once a provisional came (RFC 3261 9.1) or with { now = true } at once. A 2xx that crosses it is hung up, unless
-- { keep = true }.
function call:cancel(given)
  given = options.check("cancel", given, { "now", "keep" })
  engine.call_cancel(self, given.now, given.keep)
  return self
end

-- The dialog of another fork that answered, for a call made with keep_forks = true.
function call:fork(given)
  local fork, why = expect.take(self, "forks", given, 5, self.actor, "a 2xx of another fork", "fork")
  return fork, why
end

-- The Contacts of a 3xx, those of the highest q first (RFC 3261 8.1.3.4).
local function redirect_targets(response)
  local targets = {}
  if not response or response.status // 100 ~= 3 then return targets end
  for i, value in ipairs(response:headers "Contact") do
    local contact = engine.name_addr(value)
    if contact and contact.uri then
      targets[#targets + 1] = { uri = contact.uri.raw, q = tonumber(contact.params.q or "") or 1, at = i }
    end
  end
  table.sort(targets, function(a, b) return a.q > b.q or a.q == b.q and a.at < b.at end)
  return targets
end

-- A new call to where the 3xx that it got points (its `choice`-th Contact in the order of q): same Call-ID, From and To, the CSeq counted
-- up (RFC 3261 8.1.3.4).
function call:follow(given)
  given = options.message(options.check("follow", given, follow_options))
  local response, invite = self.response, self.invite
  local target = redirect_targets(response)[given.choice or 1]
  if not target then
    failure.raise { actor = self.actor, wanted = ("a 3xx with %s to follow"):format(given.choice and given.choice .. " Contacts" or "a Contact"),
      got = response and expect.got_words(response) or "no final response yet (call:final() waits for it)", about = response or invite }
  end
  given.choice = nil
  if response.status == 305 then                                        -- Use Proxy: the same by way of the Contact (RFC 3261 21.3.4)
    given.headers = options.headers_behind(given, { { "Route", ("<%s;lr>"):format(target.uri) } })
    given.destination, target = given.destination or target.uri, { uri = invite.request_uri }
  end
  given.uri, given.to, given.call_id = given.uri or target.uri, given.to or invite["To"], invite.call_id
  given.cseq, given.from_tag = given.cseq or invite.cseq + 1, invite.from_tag
  return engine.invite(self.ua, given)
end

-- A request within the call. An INVITE offers the session as it is unless `sdp` says another, or false; a BYE ends the call.
function call:request(method, given)
  return request_within(self, method, given)
end

function call:bye(given)
  return self:request("BYE", given)
end

-- An INVITE within the call, as a phone sends it: after a 491 again at the time of RFC 3261 14.1, unless retry = false.
function call:reinvite(given)
  given = options.message(options.check("reinvite", given, in_call_options))
  if given.retry == nil then given.retry = true end
  return engine.call_request(self, "INVITE", given)
end

-- Puts the other side on hold, and back (RFC 3264 8.4).
function call:hold(given)
  return self:reinvite(options.with_default(given, "direction", "sendonly"))
end
function call:resume(given)
  return self:reinvite(options.with_default(given, "direction", "sendrecv"))
end

-- UPDATE (RFC 3311): with an offer where sdp = true or a description is given.
function call:update(given)
  return self:request("UPDATE", given)
end

function call:info(given)
  return self:request("INFO", given)
end

-- The PRACK to a reliable provisional, for a call made with prack = false.
function call:prack(provisional, given)
  if not engine.is(provisional, "message") then error("prack wants the provisional that it acknowledges", 0) end
  return engine.call_prack(self, provisional, options.sent("prack", given, sdp_options))
end

-- The ACK to its 2xx, for a call made with ack = false; again for each call.
function call:ack(given)
  ack_within(self, given)
end

-- --- dialogs: of each fork of a call ---

local dialog = engine.methods "dialog"

function dialog:request(method, given)
  return request_within(self, method, given)
end

function dialog:bye(given)
  return request_within(self, "BYE", given)
end

function dialog:ack(given)
  ack_within(self, given)
end

return ua
