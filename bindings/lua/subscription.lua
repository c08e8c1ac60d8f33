-- Subscriptions (RFC 6665), both roles: methods on top of the engine's.
local engine, use = ...
local expect, failure, options = use "expect", use "failure", use "options"

local ua = engine.methods "ua"
local server = engine.methods "server transaction"
local subscription = engine.methods "subscription"

local subscribe_options = options.joined(options.of_message, { "event", "id", "accept", "expires", "refresh", "forks" })

-- SUBSCRIBE; refreshed before its time is over unless refresh = false.
function ua:subscribe(target, given)
  given = options.message(options.check("subscribe", given, subscribe_options))
  options.text("subscribe", given, "event")
  options.text("subscribe", given, "accept")
  if not given.event then error('subscribe wants an event package, e.g. event = "dialog" (or message-summary, presence, reg)', 0) end
  if given.id then given.event = ("%s;id=%s"):format(given.event, given.id) end
  given.uri = given.uri or options.uri("subscribe", { target = target }, "target")
  if not given.uri then error("subscribe wants a SIP URI or an actor", 0) end
  if given.accept then given.headers = options.headers_behind(given, { { "Accept", given.accept } }) end
  return engine.subscribe(self, given)
end

-- Accepts a SUBSCRIBE with 200, a REFER with 202; returns the subscription, to notify.
function server:accept(given)
  given = options.message(options.check("accept", given, { "status", "expires", "headers", "content_type", "body" }))
  local method = self.request.method
  if method ~= "SUBSCRIBE" and method ~= "REFER" then
    error(("accept is for SUBSCRIBE and REFER; answer %s with st:reply(200)"):format(method), 0)
  end
  return engine.accept(self, given)
end

-- --- subscriptions ---

-- The words of a subscription: "REFER", "SUBSCRIBE for dialog".
local function words_of(self)
  return self.event == "refer" and "REFER" or ("subscription to %s"):format(self.event)
end

local function expect_event(self, wanted, words, given)
  options.check_wait("expect", given)
  local within = options.within("expect", given, 5)
  local message, ended = engine.wait(self, wanted, within)
  if engine.is(message, "message") then return message end
  if ended == "ended" and wanted == "ended" then return true end
  if type(given) == "table" and given.optional then return nil, "timeout" end
  local got = "nothing"
  if ended == "ended" then
    got = ("the end of the %s (%s)"):format(words_of(self), self.ended_by)
    if self.response and self.ended_by == "final response" then got = expect.got_words(self.response, self.why) end
  end
  failure.raise { actor = self.actor, wanted = ("%s within %g s"):format(words, within), got = got, about = self.request,
    class = ended ~= "ended" and "timeout" or nil }
end

-- A REFER's NOTIFY tells what it led to: status and reason of its sipfrag (RFC 3420), or nil.
local function sipfrag(message)
  local status, reason = message.body:match "^SIP/2%.0 (%d%d%d) ?([^\r\n]*)"
  return tonumber(status), reason
end

-- Keeps the first final one.
local function note_outcome(self, message)
  local status, reason = sipfrag(message)
  local s = expect.state(self)
  if status and status >= 200 and not s.outcome then s.outcome = { status, reason } end
  return status and ("%d %s"):format(status, reason)
end

-- A response to its SUBSCRIBE or REFER; or "NOTIFY"; or, for the notifier, "SUBSCRIBE": the next refresh. NOTIFY and SUBSCRIBE are answered.
function subscription:expect(what, given, check)
  if what == "NOTIFY" or what == "SUBSCRIBE" then
    given, check = options.with_check(given, check)
    local message, why = expect_event(self, what, what, given)
    if message and what == "NOTIFY" and self.event == "refer" then note_outcome(self, message) end
    if message and check then check(message) end
    return message, why
  end
  return expect.response(self, what, given, check)
end

subscription.final = expect.final

-- No NOTIFY (or SUBSCRIBE, where it is the notifier's) for that long.
function subscription:expect_none(seconds)
  if type(seconds) ~= "number" then error(("expect_none wants seconds, got %s"):format(type(seconds)), 0) end
  local until_ = engine.now() + seconds
  local message = engine.wait(self, self.subscriber and "NOTIFY" or "SUBSCRIBE", seconds)
  if engine.is(message, "message") then
    failure.raise { actor = self.actor, wanted = ("nothing for %g s"):format(seconds), got = expect.got_words(message), about = message }
  end
  engine.sleep(math.max(0, until_ - engine.now()))          -- where its end cut the wait short
end

-- NOTIFYs as they come, until it has ended.
function subscription:notifications()
  return function()
    local message = engine.wait(self, "NOTIFY")
    return engine.is(message, "message") and message or nil
  end
end

-- The subscription that another fork's NOTIFY made, with forks = true.
function subscription:forked(given)
  return expect.take(self, "forks", given, 5, self.actor, ("a NOTIFY of another fork of its %s"):format(words_of(self)), "forked")
end

-- What a REFER led to: the first final status and its reason, also when its NOTIFY was read before.
function subscription:outcome(given)
  if self.event ~= "refer" then error(("outcome is for a REFER; this is a subscription to %s"):format(self.event), 0) end
  options.check_wait("outcome", given)
  local within = options.within("outcome", given, 30)
  local until_ = engine.now() + within
  local s, last = expect.state(self), nil
  while not s.outcome do
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
    last = note_outcome(self, message) or ("a NOTIFY whose body is no sipfrag (%q)"):format(message.body)
  end
  return s.outcome[1], s.outcome[2]
end

-- It is over, whoever ended it; returns how.
function subscription:ended(given)
  if self.state ~= "terminated" then
    local over, why = expect_event(self, "ended", ("the end of the %s"):format(words_of(self)), given)
    if not over then return nil, why end
  end
  return self.ended_by
end

-- SUBSCRIBE within its dialog, now; the response is to be expected anew.
function subscription:refresh(given)
  given = options.message(options.check("refresh", given, { "expires", "headers", "content_type", "body" }))
  engine.subscription_refresh(self, given)
  while engine.poll(self, "responses") do end          -- answers to refreshes that nobody read
  return self
end

-- SUBSCRIBE with Expires: 0; the notifier then says that it is over.
function subscription:unsubscribe(given)
  given = options.check("unsubscribe", given, { "headers", "content_type", "body" })
  return self:refresh { expires = 0, headers = given.headers, content_type = given.content_type, body = given.body }
end

local states = { "active", "pending", "terminated" }

-- A NOTIFY: sub:notify("active", { body = ..., content_type = ... }):expect(200).
function subscription:notify(state, given)
  given = options.message(options.check("notify", given, { "reason", "expires", "retry_after", "headers", "content_type", "body" }))
  if type(state) ~= "string" then error('notify wants a state first: "active", "pending" or "terminated"', 0) end
  local known = false
  for _, name in ipairs(states) do known = known or state == name end
  if not known then
    local nearest = options.nearest(state, states)
    error(('notify: "%s" is no state of a subscription%s; for another one set the header Subscription-State'):format(state,
      nearest and (' (did you mean "%s"?)'):format(nearest) or " (active, pending or terminated)"), 0)
  end
  return engine.notify(self, state, given)
end

return subscription
