-- SUBSCRIBE and NOTIFY (RFC 6665), both roles.
local sip = require "sip"
local help = require "_help"
local failure_of = help.failure_of

local function pair(t, more)
  local given = { aor = "sip:bob@example.test" }
  for key, value in pairs(more or {}) do given[key] = value end
  return t:ua { aor = "sip:alice@example.test" }, t:ua(given)
end

sip.test("subscribe, be notified, refresh, unsubscribe", function(t)
  local alice, bob = pair(t)
  local sub = alice:subscribe(bob, { event = "dialog", expires = 30, accept = "application/dialog-info+xml" })
  t:equal(sub.state, "notify_wait")
  local st = bob:expect("SUBSCRIBE")
  t:equal(st.request["Event"], "dialog")
  t:equal(st.request["Expires"], "30")
  t:equal(st.request["Accept"], "application/dialog-info+xml")
  local notifier = st:accept { expires = 600 }
  t:equal(notifier.state, "resp_wait")
  t:equal(sub:expect(200)["Expires"], "30")
  notifier:notify("pending"):expect(200)
  t:equal(sub:expect("NOTIFY")["Subscription-State"], "pending;expires=30")
  t:equal(sub.state, "pending")
  notifier:notify("active", { body = "<dialog-info/>", content_type = "application/dialog-info+xml" }):expect(200)
  local notify = sub:expect("NOTIFY")
  t:equal(notify.body, "<dialog-info/>")
  t:equal(notify["Event"], "dialog")
  t:equal(sub.state, "active")
  t:sleep(30)                                              -- it is refreshed at 27 s
  local refresh = notifier:expect("SUBSCRIBE")
  t:equal(refresh["Expires"], "30")
  t:equal(refresh["Accept"], "application/dialog-info+xml")
  t:equal(sub.refreshes, 1)
  t:equal(sub:expect("NOTIFY").body, "<dialog-info/>")      -- the last state again
  sub:unsubscribe():expect(200)
  notify = sub:expect("NOTIFY")
  t:equal(notify["Subscription-State"], "terminated;reason=timeout")
  t:equal(sub:ended(), "remote NOTIFY")
  t:equal(sub.reason, "timeout")
  t:equal(notifier:ended(), "local NOTIFY")
end)

-- That it is `seconds` since the test began: exactly so on the virtual clock; a loaded machine may be late on the real one, never early.
local function is_at(t, seconds)
  t:ok(t:now() >= seconds - 0.001, ("too early: %g s"):format(t:now()))
  if t.virtual then t:near(t:now(), seconds, 0.001) end
end

-- A NOTIFY by hand to whoever sent `subscribe`; `given`: tag, state, event, cseq.
local function notify_to(subscribe, from, given)
  local lines = {
    ("NOTIFY %s SIP/2.0"):format(subscribe["Contact"]:match "<(.-)>"), ("Via: %s"):format(from:via()), "Max-Forwards: 70",
    ("From: %s;tag=%s"):format(subscribe["To"], given.tag), ("To: %s"):format(subscribe["From"]), ("Call-ID: %s"):format(subscribe.call_id),
    ("CSeq: %d NOTIFY"):format(given.cseq or 1), ("Contact: <%s>"):format(from.uri), ("Event: %s"):format(given.event or subscribe["Event"]),
  }
  if given.state ~= false then lines[#lines + 1] = ("Subscription-State: %s"):format(given.state or "active;expires=60") end
  return from:request(table.concat(lines, "\r\n") .. "\r\nContent-Length: 0\r\n\r\n", subscribe.source)
end

sip.test("a NOTIFY that comes before the 2xx makes the dialog", function(t)
  local alice, edge = t:ua { aor = "sip:alice@example.test" }, t:endpoint { name = "edge" }
  local sub = alice:subscribe(edge, { event = "presence", expires = 60 })
  local st = edge:incoming("SUBSCRIBE")
  notify_to(st.request, edge, { tag = "one" }):expect(200)
  t:equal(sub:expect("NOTIFY").from_tag, "one")
  t:equal(sub.state, "active")
  st:reply(200, { to_tag = "one", contact = ("<%s>"):format(edge.uri), headers = { Expires = 60 } })
  sub:expect(200)
  sub:unsubscribe()
  local last = edge:incoming("SUBSCRIBE")
  t:equal(last.request.to_tag, "one")
  t:equal(last.request["Expires"], "0")
  last:reply(200, { headers = { Expires = 0 } })
  notify_to(st.request, edge, { tag = "one", cseq = 2, state = "terminated;reason=timeout" }):expect(200)
  t:equal(sub:ended(), "remote NOTIFY")
end)

sip.test("a forked SUBSCRIBE: 481 to the second notifier, or a second subscription where forks are wanted", function(t)
  local alice, edge = t:ua { aor = "sip:alice@example.test" }, t:endpoint { name = "edge" }
  local sub = alice:subscribe(edge, { event = "dialog", expires = 60 })
  local st = edge:incoming("SUBSCRIBE")
  st:reply(200, { to_tag = "two", contact = ("<%s>"):format(edge.uri), headers = { Expires = 60 } })
  sub:expect(200)
  notify_to(st.request, edge, { tag = "one" }):expect(200)       -- this makes the dialog, not the 2xx
  notify_to(st.request, edge, { tag = "two" }):expect(481)
  t:equal(sub:expect("NOTIFY").from_tag, "one")

  local all = alice:subscribe(edge, { event = "dialog", expires = 60, forks = true })
  st = edge:incoming("SUBSCRIBE")
  st:reply(200, { to_tag = "one", contact = ("<%s>"):format(edge.uri), headers = { Expires = 60 } })
  notify_to(st.request, edge, { tag = "one" }):expect(200)
  notify_to(st.request, edge, { tag = "two", state = "pending;expires=30" }):expect(200)
  local second = all:forked()
  t:equal(second:expect("NOTIFY").from_tag, "two")
  t:equal(second.state, "pending")
  t:equal(second.expires, 30)
  t:equal(all.state, "active")
  second:unsubscribe()
  t:equal(edge:incoming("SUBSCRIBE").request.to_tag, "two")
  t:sleep(33)                                                    -- timer N: no more forks from here
  notify_to(st.request, edge, { tag = "three" }):expect(481)
end)

sip.test("NOTIFYs that match nothing get 481, one without a state 400", function(t)
  local alice, bob = pair(t)
  alice:request("NOTIFY", bob, { headers = { { "Event", "dialog" }, { "Subscription-State", "active" } } }):expect(481)
  local call = alice:invite(bob)
  local other = bob:incoming()
  other:answer()
  call:expect(200)
  call:request("NOTIFY", { headers = { { "Event", "refer" }, { "Subscription-State", "active" } } }):expect(481)
  call:bye():expect(200)

  local edge = t:endpoint { name = "edge" }
  local sub = alice:subscribe(edge, { event = "dialog", id = "7", expires = 60 })
  local st = edge:incoming("SUBSCRIBE")
  t:equal(st.request["Event"], "dialog;id=7")
  t:equal(sub.id, "7")
  st:reply(200, { to_tag = "one", headers = { Expires = 60 } })
  notify_to(st.request, edge, { tag = "one", event = "dialog" }):expect(481)
  notify_to(st.request, edge, { tag = "one", cseq = 2, event = "dialog;id=8" }):expect(481)
  notify_to(st.request, edge, { tag = "one", cseq = 3, event = "presence;id=7" }):expect(481)
  t:equal(notify_to(st.request, edge, { tag = "one", cseq = 4, state = false }):expect(400).reason, "Subscription-State is missing")
  notify_to(st.request, edge, { tag = "one", cseq = 6 }):expect(200)
  notify_to(st.request, edge, { tag = "one", cseq = 5 }):expect(500)    -- out of order
  t:equal(sub:expect("NOTIFY").cseq, 6)
  sub:expect_none(1)
end)

sip.test("no NOTIFY within timer N: the subscription failed", { timeout = 90 }, function(t)
  local alice, bob = pair(t)
  local sub = alice:subscribe(bob, { event = "dialog" })
  local notifier = bob:expect("SUBSCRIBE"):accept()
  sub:expect(200)
  t:equal(sub:ended { within = 40 }, "timer N")
  t:equal(sub.state, "terminated")
  is_at(t, 32)
  notifier:notify("active"):expect(481)
  t:equal(notifier:ended(), "failed NOTIFY")
  t:ok(failure_of(notifier.notify, notifier, "active"):find("the subscription is terminated (failed NOTIFY)", 1, true))
end)

sip.test("refused: 489 ends it; 423 is answered with the time that is wanted", function(t)
  local alice, bob = pair(t)
  local sub = alice:subscribe(bob, { event = "tea" })
  bob:expect("SUBSCRIBE"):reply(489, { headers = { { "Allow-Events", "dialog" } } })
  t:ok(failure_of(sub.expect, sub, "NOTIFY"):find("alice wanted NOTIFY within 5 s, got 489 Bad Event", 1, true))
  t:equal(sub:final().status, 489)
  t:equal(sub:ended(), "final response")
  t:ok(failure_of(sub.refresh, sub):find("no SUBSCRIBE: the subscription is terminated (final response)", 1, true))

  sub = alice:subscribe(bob, { event = "dialog", expires = 5 })
  bob:expect("SUBSCRIBE"):reply(423, { headers = { { "Min-Expires", 30 } } })
  local st = bob:expect("SUBSCRIBE")
  t:equal(st.request["Expires"], "30")
  st:accept():notify("active"):expect(200)
  sub:expect(200)
  sub:expect("NOTIFY")
  t:equal(sub.expires, 30)

  t:equal(alice:request("SUBSCRIBE", t:ua { aor = "sip:carol@example.test" }):final().status, 405)   -- carol's script takes none
end)

sip.test("a subscriber that does not refresh: the time runs out on both sides", function(t)
  local alice, bob = pair(t)
  local sub = alice:subscribe(bob, { event = "dialog", expires = 10, refresh = false })
  local notifier = bob:expect("SUBSCRIBE"):accept()
  notifier:notify("active", { body = "state", content_type = "text/plain" }):expect(200)
  sub:expect("NOTIFY")
  local last = sub:expect("NOTIFY", { within = 30 })
  is_at(t, 10)
  t:equal(last["Subscription-State"], "terminated;reason=timeout")
  t:equal(last.body, "state")
  t:equal(sub:ended(), "remote NOTIFY")
  t:equal(notifier:ended(), "local NOTIFY")
end)

sip.test("a refresh: 481 ends the subscription, 500 leaves it the time it has", function(t)
  local alice, bob = pair(t, { answers = { SUBSCRIBE = false } })
  local sub = alice:subscribe(bob, { event = "dialog", expires = 20 })
  local notifier = bob:expect("SUBSCRIBE"):accept()
  notifier:notify("active"):expect(200)
  sub:expect("NOTIFY")
  bob:expect("SUBSCRIBE", { within = 19 }):reply(500)
  t:sleep(1)
  sub:expect(200)
  sub:expect(500)
  t:equal(sub.state, "active")
  sub:refresh { expires = 40 }
  local st = bob:expect("SUBSCRIBE")
  t:equal(st.request["Expires"], "40")
  st:reply(481)
  sub:expect(481)
  t:equal(sub:ended(), "final response")
end)

sip.test("by hand: a subscriber that answers NOTIFY with 481 itself", function(t)
  local alice = t:ua { aor = "sip:alice@example.test", answers = { NOTIFY = false } }
  local bob = t:ua { aor = "sip:bob@example.test" }
  local sub = alice:subscribe(bob, { event = "dialog" })
  local notifier = bob:expect("SUBSCRIBE"):accept()
  local notify = notifier:notify("active")
  alice:expect("NOTIFY"):reply(481)
  notify:expect(481)
  t:equal(notifier:ended(), "failed NOTIFY")
  t:equal(sub.state, "active")                            -- it read the state, and left the answer to the script
end)

sip.test("a challenge to the SUBSCRIBE is answered, the refresh carries credentials at once", function(t)
  local alice = t:ua { aor = "sip:alice@example.test", password = "secret" }
  local bob = t:ua { aor = "sip:bob@example.test" }
  local sub = alice:subscribe(bob, { event = "dialog", expires = 60 })
  bob:expect("SUBSCRIBE"):reply(401, { { "WWW-Authenticate", sip.challenge { realm = "example.test", nonce = t:token(16) } } })
  local st = bob:expect("SUBSCRIBE")
  t:equal((st.request:authorized { realm = "example.test", username = "alice", password = "secret" }), true)
  local notifier = st:accept()
  notifier:notify("active"):expect(200)
  sub:expect(200)
  t:equal(sub.challenges, 1)
  sub:refresh():expect(200)
  local refresh = notifier:expect("SUBSCRIBE")
  t:equal((refresh:authorized { realm = "example.test", username = "alice", password = "secret" }), true)
  t:equal(refresh.cseq, 3)
end)

sip.test("a fetch: Expires: 0, one NOTIFY, and it is over", function(t)
  local alice, bob = pair(t)
  local sub = alice:subscribe(bob, { event = "presence", expires = 0 })
  local notifier = bob:expect("SUBSCRIBE"):accept()
  t:equal(notifier.expires, 0)
  t:equal(sub:expect(200)["Expires"], "0")
  notifier:notify("terminated", { reason = "timeout", body = "open", content_type = "text/plain" }):expect(200)
  t:equal(sub:expect("NOTIFY", function(notify) t:equal(notify.body, "open") end).body, "open")
  t:equal(sub:ended(), "remote NOTIFY")
end)

sip.test("what a NOTIFY may say: retry-after, expires, a state and headers of the script's own; a shorter time", function(t)
  local alice, bob = pair(t)
  local sub = alice:subscribe(bob, { event = "presence", expires = 600 })
  local st = bob:expect("SUBSCRIBE")
  local notifier = st:accept { status = 202, headers = { { "Allow-Events", "presence" } } }
  t:equal(sub:expect(202)["Allow-Events"], "presence")
  t:equal(sub.expires, 600)
  notifier:notify("active", { expires = 20 }):expect(200)
  sub:expect("NOTIFY")
  t:equal(sub.expires, 20)                               -- and it is refreshed by then
  t:sleep(19)
  t:equal(sub.refreshes, 1)
  notifier:expect("SUBSCRIBE")
  notifier:expect_none(1)
  notifier:notify("active", { headers = { { "Subscription-State", "sleeping;expires=9" }, { "X-Why", "a test" } } }):expect(200)
  notifier:notify("pending"):expect(200)
  notifier:notify("terminated", { reason = "probation", retry_after = 30 }):expect(200)
  local seen = {}
  for notify in sub:notifications() do seen[#seen + 1] = notify["Subscription-State"]:gsub("expires=.*", "") end
  t:equal(seen, { "active;", "sleeping;", "pending;", "terminated;reason=probation;retry-after=30" })
  t:equal(sub.reason, "probation")
  sub:expect_none(1)
  t:ok(failure_of(sub.expect, sub, "NOTIFY"):find("got the end of the subscription to presence (remote NOTIFY)", 1, true))
  t:ok(failure_of(st.accept, st):find("bob", 1, true))
end)

sip.test("through a proxy that stays on the way: NOTIFYs and refreshes take it too", function(t)
  local bob = t:ua { aor = "sip:bob@example.test" }
  local edge = t:proxy { name = "edge", to = bob, record_route = true, auth = { realm = "example.test", users = { alice = "secret" } } }
  local alice = t:ua { aor = "sip:alice@example.test", password = "secret", outbound_proxy = edge }
  local watch = edge.endpoint:watch()
  local sub = alice:subscribe(bob.aor, { event = "dialog", expires = 60 })
  local notifier = bob:expect("SUBSCRIBE"):accept()
  notifier:notify("active"):expect(200)
  sub:expect(200)
  t:equal(sub.challenges, 1)
  sub:expect("NOTIFY")
  sub:refresh():expect(200)
  t:equal(#notifier:expect("SUBSCRIBE"):headers "Via", 2)
  sub:expect("NOTIFY")
  local methods = {}
  while watch:count() > 0 do
    local m = watch:take()
    if m.is_request and m.destination == edge.endpoint.address then methods[#methods + 1] = m.method end
  end
  t:equal(methods, { "SUBSCRIBE", "SUBSCRIBE", "NOTIFY", "SUBSCRIBE", "NOTIFY" })
end)

sip.test("a network that loses a fifth: it is refreshed all the same, and ends", { timeout = 200 }, function(t)
  t:network { loss = 0.2 }
  local alice, bob = pair(t)
  local sub = alice:subscribe(bob, { event = "dialog", expires = 90 })
  local notifier = bob:expect("SUBSCRIBE", { within = 30 }):accept()
  notifier:notify("active"):final()
  for _ = 1, 3 do
    t:equal(sub:final().status, 200)
    t:sleep(10)
    sub:refresh()
    notifier:expect("SUBSCRIBE", { within = 30 })
  end
  sub:final()
  t:equal(sub.state, "active")
  sub:unsubscribe()
  t:ok(sub:ended { within = 40 })
  t:ok(notifier:ended { within = 40 })
end)

sip.test("wrong use names the remedy", function(t)
  local alice, bob = pair(t)
  t:ok(failure_of(alice.subscribe, alice, bob, {}):find("subscribe wants an event package", 1, true))
  t:ok(failure_of(alice.subscribe, alice, bob, { event = "dialog", expire = 5 }):find('did you mean "expires"', 1, true))
  local sub = alice:subscribe(bob, { event = "dialog" })
  t:ok(failure_of(sub.notify, sub, "activ"):find('"activ" is no state of a subscription (did you mean "active"?)', 1, true))
  t:ok(failure_of(sub.notify, sub, "active"):find("no NOTIFY: it is the subscriber", 1, true))
  t:ok(failure_of(sub.outcome, sub):find("outcome is for a REFER; this is a subscription to dialog", 1, true))
  local notifier = bob:expect("SUBSCRIBE"):accept()
  t:ok(failure_of(notifier.refresh, notifier):find("no SUBSCRIBE: the notifier is resp_wait", 1, true))
  t:ok(failure_of(sub.expect, sub, "NOTIFY", { within = 1 }):find("alice wanted NOTIFY within 1 s, got nothing", 1, true))
  t:equal(select(2, sub:expect("NOTIFY", { within = 0, optional = true })), "timeout")
  alice:options(bob):expect(200)
  local st = alice:request("OPTIONS", bob)
  t:ok(failure_of(function() return alice:subscribe(nil, { event = "dialog" }) end):find("wants a SIP URI or an actor", 1, true))
  st:expect(200)
end)
