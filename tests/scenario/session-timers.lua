-- Session timers (RFC 4028).
local sip = require "sip"

local function connect(t, alice, bob, given)
  local call = alice:invite(bob, given)
  local incoming = bob:incoming()
  incoming:answer()
  call:expect(200)
  incoming:expect "ACK"
  return call, incoming
end

local function phones(t, a, b)
  local alice, bob = a or {}, b or {}
  alice.aor, bob.aor = "sip:alice@example.test", "sip:bob@example.test"
  return t:ua(alice), t:ua(bob)
end

sip.test("the caller asks, and refreshes by UPDATE at half the interval", { timeout = 400 }, function(t)
  local alice, bob = phones(t)
  local call, incoming = connect(t, alice, bob, { session_expires = 100 })
  t:equal(call.invite["Session-Expires"], "100")
  t:equal(call.invite["Supported"], "timer")
  t:equal(call.response["Session-Expires"], "100;refresher=uac")
  t:equal(call.response["Require"], "timer")
  t:equal({ call.session_expires, call.refresher, incoming.refresher }, { 100, "local", "remote" })
  local watch = bob.endpoint:watch()
  t:sleep(205)
  t:equal({ call.session_refreshes, call.state, incoming.state }, { 4, "confirmed", "confirmed" })
  local refresh = watch:take()
  t:equal({ refresh.method, refresh["Session-Expires"], refresh.body }, { "UPDATE", "100;refresher=uac", "" })
  call:bye():expect(200)
end)

sip.test("without UPDATE in Allow it refreshes by INVITE", { timeout = 200 }, function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob, { session_expires = 90 })
  local incoming = bob:incoming()
  incoming:answer { headers = { Allow = "INVITE, ACK, BYE, CANCEL" } }
  call:expect(200)
  local watch = bob.endpoint:watch()
  t:sleep(50)
  local m
  repeat m = watch:take() until m.is_request and m.method ~= "ACK"
  t:equal(m.method, "INVITE")
  t:equal(call.state, "confirmed")
  call:bye():expect(200)
end)

sip.test("the callee refreshes when that is agreed", { timeout = 200 }, function(t)
  local alice, bob = phones(t)
  local call, incoming = connect(t, alice, bob, { session_expires = 90, refresher = "uas" })
  t:equal(call.response["Session-Expires"], "90;refresher=uas")
  t:equal(call.response["Require"], nil)
  t:sleep(100)
  t:equal({ call.session_refreshes, incoming.session_refreshes }, { 0, 2 })
  call:bye():expect(200)
end)

sip.test("an interval that is too small gets 422, and the caller asks again with the one that is wanted", function(t)
  local alice, bob = phones(t, nil, { min_se = 120 })
  local call, incoming = connect(t, alice, bob, { session_expires = 90 })
  t:equal(call.session_expires, 120)
  t:equal(call.invite["Min-SE"], "120")
  t:equal(incoming.invite.cseq, 2)
  call:bye():expect(200)
end)

sip.test("a 422 that asks for no more ends the try", function(t)
  local alice, box = t:ua { aor = "sip:alice@example.test" }, t:endpoint { name = "box" }
  local call = alice:invite(box.uri, { session_expires = 90 })
  box:incoming("INVITE"):reply(422, { { "Min-SE", "600" } })
  local again = box:incoming("INVITE")
  t:equal(again.request["Session-Expires"], "600")
  again:reply(422, { { "Min-SE", "600" } })
  t:equal(call:final().status, 422)
  t:equal(box:incoming("INVITE", { within = 1, optional = true }), nil)
end)

sip.test("a 422 that asks for less than was offered ends the try", function(t)
  local alice, box = t:ua { aor = "sip:alice@example.test" }, t:endpoint { name = "box" }
  local call = alice:invite(box.uri, { session_expires = 1800, min_se = 600 })
  box:incoming("INVITE"):reply(422, { { "Min-SE", "100" } })
  t:equal(call:final().status, 422)
end)

sip.test("a server that asks for more each time is given up", function(t)
  local alice, box = t:ua { aor = "sip:alice@example.test" }, t:endpoint { name = "box" }
  local tries = 0
  t:serve("box", function()
    for st in box:requests() do
      tries = tries + 1
      st:reply(422, { { "Min-SE", 100 + tries } })
    end
  end)
  t:equal(alice:invite(box.uri, { session_expires = 90 }):final().status, 422)
  t:equal(tries, 11)
end)

sip.test("a 422 that crosses the CANCEL ends the try", function(t)
  local alice, box = t:ua { aor = "sip:alice@example.test" }, t:endpoint { name = "box" }
  local call = alice:invite(box.uri, { session_expires = 90 })
  local st = box:incoming("INVITE")
  st:reply(180)
  call:expect(180)
  call:cancel()
  st:expect "CANCEL"
  st:reply(422, { { "Min-SE", "600" } })
  t:equal(call:final().status, 422)
  t:equal(box:incoming("INVITE", { within = 1, optional = true }), nil)
end)

sip.test("a re-INVITE without offer that is sent again after a 422 is open still: theirs gets 491", function(t)
  local alice, bob = phones(t)
  local call, incoming = connect(t, alice, bob, { session_expires = 90 })
  t:spawn("bob", function()
    incoming:expect("INVITE"):reply(422, { { "Min-SE", "600" } })
    incoming:expect "INVITE"
    incoming:request("UPDATE", { sdp = true }):expect(491)
    incoming:answer()
  end)
  call:request("INVITE", { sdp = false }):expect(200)
  call:bye():expect(200)
end)

sip.test("nobody refreshes: the session expires, and the other side hangs up before", { timeout = 200 }, function(t)
  local alice, bob = phones(t)
  local call, incoming = connect(t, alice, bob, { session_expires = 90 })
  t:network { from = alice, to = bob, loss = 1 }
  local began = t:now()
  incoming:ended { within = 100 }
  t:equal(incoming.ended_by, "session expired")
  t:near(t:now() - began, 60, 1)
end)

sip.test("a refresh that gets no answer ends the call", { timeout = 200 }, function(t)
  local alice, bob = phones(t)
  local call = connect(t, alice, bob, { session_expires = 180 })
  t:network { loss = 1 }
  call:ended { within = 150 }
  t:equal(call.ended_by, "session refresh failed")
  t:near(t:now(), 90 + 32, 2)
end)

sip.test("a refresh that gets 481 ends the call", { timeout = 200 }, function(t)
  local alice, bob = phones(t)
  local call, incoming = connect(t, alice, bob, { session_expires = 90 })
  t:spawn("bob", function() incoming:expect("UPDATE", { within = 60 }):reply(481) end)
  call:ended { within = 100 }
  t:equal(call.ended_by, "session refresh failed")
end)

sip.test("a callee that keeps no timer: none runs; one that is asked of nobody neither", { timeout = 200 }, function(t)
  local alice, bob = phones(t, nil, { answers = { session_timer = false } })
  local call, incoming = connect(t, alice, bob, { session_expires = 90 })
  t:equal({ call.session_expires, incoming.session_expires }, {})
  t:sleep(120)
  t:equal(call.state, "confirmed")
  call:bye():expect(200)
end)

sip.test("a callee that wants one of a caller that knows none refreshes itself", { timeout = 200 }, function(t)
  local alice, bob = phones(t, nil, { session_expires = 100 })
  local call, incoming = connect(t, alice, bob)
  t:equal(call.response["Session-Expires"], "100;refresher=uas")
  t:sleep(60)
  t:equal(incoming.session_refreshes, 1)
  call:bye():expect(200)
end)

sip.test("a re-INVITE of the script's own is a refresh too", { timeout = 200 }, function(t)
  local alice, bob = phones(t)
  local call = connect(t, alice, bob, { session_expires = 90 })
  t:sleep(40)
  local again = call:hold()
  again:expect(200)
  t:equal(again.request["Session-Expires"], "90;refresher=uac")
  t:sleep(40)
  t:equal(call.session_refreshes, 0)
  t:sleep(10)
  t:equal(call.session_refreshes, 1)
  call:bye():expect(200)
end)

sip.test("a session that expires while a re-INVITE waits for its answer: that gets 487", { timeout = 300 }, function(t)
  local alice, bob = phones(t)
  local call, incoming = connect(t, alice, bob, { session_expires = 90 })
  t:serve("bob", function() for _ in incoming:requests() do end end)    -- never answers
  t:sleep(40)
  t:equal(call:reinvite():final { within = 60 }.status, 487)
  t:equal(incoming:ended(), "session expired")
end)
