-- Endpoints and transactions: methods on top of the engine's.
local engine, use = ...
local expect, failure, options = use "expect", use "failure", use "options"

local endpoint = engine.methods "endpoint"

local send = endpoint.send
function endpoint:send(bytes, to)
  if type(bytes) ~= "string" and not engine.is(bytes, "message") then
    error(("send wants bytes or a message, got %s"):format(type(bytes)), 0)
  end
  if to == nil then error("send: where to? Behind the bytes stands an actor, a SIP URI, or host:port", 0) end
  return send(self, bytes, to)
end

function endpoint:take(given)
  return expect.take(self, "unclaimed", given, 5, self.name, "a message")
end

function endpoint:expect(what, given, check)
  given, check = options.with_check(given, check)
  expect.check_what(what)
  options.check_wait("expect", given)
  local within = options.within("expect", given, 5)
  local until_ = engine.now() + within
  while true do
    local message = engine.wait(self, "unclaimed", math.max(0, until_ - engine.now()))
    if not message then
      if type(given) == "table" and given.optional then return nil, "timeout" end
      failure.raise { actor = self.name, wanted = ("%s within %g s"):format(expect.words(what), within),
        got = "nothing" .. expect.method_hint(what), class = "timeout" }
    end
    if expect.matches(what, message) then
      if check then check(message) end
      return message
    end
    local provisional = message.status and message.status < 200
    if not provisional or expect.wants_provisional(what) then
      failure.raise { actor = self.name, wanted = expect.words(what), got = expect.got_words(message), about = message,
        class = message.status and "response" or nil }
    end
  end
end

function endpoint:expect_none(seconds)
  expect.none(self, "unclaimed", seconds, self.name)
end

-- What no transaction or dialog claimed, for ever.
function endpoint:messages()
  return expect.iterate(self, "unclaimed")
end

local watch = engine.methods "watch"

-- Everything the endpoint sends and receives from now on.
function endpoint:watch()
  return engine.watch(self)
end

function watch:take(given)
  return expect.take(self, "messages", given, 5, self.actor .. "'s watch", "a message")
end

function watch:messages()
  return expect.iterate(self, "messages")
end

-- How many there are so far that nobody took.
function watch:count()
  return engine.count(self, "messages")
end

-- Requests as server transactions: all of them from now on, and those that wait already.
function endpoint:requests()
  engine.claim(self)
  return expect.iterate(self, "requests")
end

-- One of them: the next, or the next of that method.
function endpoint:incoming(method, given)
  if type(method) == "table" then method, given = nil, method end
  engine.claim(self)
  local st, why = expect.take(self, "requests", given, 5, self.name, method or "a request", "incoming")
  if not st then return nil, why end
  if method and st.request.method ~= method then
    failure.raise { actor = self.name, wanted = method, got = tostring(st.request), about = st.request }
  end
  return st
end

-- A client transaction for a built request.
function endpoint:request(message, destination, given)
  given = options.check("endpoint:request", given, { "timers", "retransmit", "ack" })
  if type(message) == "string" then message = engine.message(message) end
  return engine.transact(self, message, destination, given)
end

function endpoint:counters()
  return engine.counters(self)
end

-- Fresh identifiers of its own.
function endpoint:via() return engine.via(self) end
function endpoint:tag() return engine.tag(self) end
function endpoint:new_call_id() return engine.call_id(self) end

local client = engine.methods "client transaction"

client.expect = expect.response
client.final = expect.final

function client:expect_none(seconds)
  expect.none(self, "responses", seconds, self.actor)
end

-- Every response, provisionals and repeated 2xx too, as they come.
function client:responses()
  return expect.iterate(self, "responses")
end

-- CANCEL, once a provisional came (RFC 3261 9.1) or with { now = true } at once.
function client:cancel(given)
  given = options.check("cancel", given, { "now" })
  engine.cancel(self, given.now)
end

local server = engine.methods "server transaction"

local reply_options = options.joined { "reason", "headers", "body", "content_type", "to_tag", "contact", "sdp" }

-- st:reply(200, { headers = {...} }), or with the list of headers alone: st:reply(407, { { "Proxy-Authenticate", ... } }).
function server:reply(status, given)
  if type(given) == "table" and type(given[1]) == "table" then given = { headers = given } end
  given = options.sent("reply", given, reply_options) or {}
  options.status("reply", status, 100)
  if given.sdp then given.body, given.content_type = given.sdp, "application/sdp" end
  return engine.reply(self, status, given)
end

-- Waits for "cancelled", "acked" or "no ack"; returns that and the message that brought it.
function server:event(given)
  local item, text = expect.take(self, "events", given, nil, self.actor, "an event of the transaction", "event")
  if not item then return nil, text end
  return text, engine.is(item, "message") and item or nil
end

function server:expect(what, given)
  local names = { CANCEL = "cancelled", ACK = "acked" }
  local wanted = names[what] or error('a server transaction expects "ACK" or "CANCEL"', 0)
  local within = options.within("expect", given, 5)
  local until_ = engine.now() + within
  while true do
    local item, text = engine.wait(self, "events", math.max(0, until_ - engine.now()))
    if text == wanted then return item end
    if not item or text == "terminated" or text == "no ack" then
      failure.raise { actor = self.actor, wanted = ("%s within %g s"):format(what, within), got = item and text or "nothing",
        about = self.request, class = not item and "timeout" or nil }
    end
  end
end

local message = engine.methods "message"

local authorized_options = { "realm", "username", "password", "ha1", "nonce", "nonces", "nonce_lifetime", "check_uri" }

-- Whether a request carries right credentials: true, or false, why ("missing", "wrong", "stale", "replay", "malformed", "uri") and a text.
function message:authorized(given)
  return engine.authorized(self, options.check("authorized", given, authorized_options))
end

-- All digest credentials of a request, in order: { header, username, realm, nonce, uri, algorithm, qop, nc, ... } each.
function message:credentials()
  return engine.credentials(self)
end

return endpoint
