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
