-- t:target, t:note, t:near and the other small things of a test.
local sip = require "sip"
local help = require "_help"
local failure_of = help.failure_of

sip.test("the target: a UA of our own that answers calls and OPTIONS", function(t)
  if t.env.live then t:skip("against a live target") end
  local target = t:target()
  t:ok(target:find "^sip:target@")
  local alice = t:ua { aor = "sip:alice@example.test" }
  t:equal(alice:options(target):final().status, 200)
  local call = alice:invite(target)
  call:expect(180)
  call:expect(200)
  call:bye():expect(200)
end)

sip.test("the target: a role that the script makes", function(t)
  if t.env.live then t:skip("against a live target") end
  local bob = t:ua { aor = "sip:bob@example.test" }
  local target = t:target(function() return t:proxy { name = "edge", to = bob } end)
  local alice = t:ua { aor = "sip:alice@example.test", outbound_proxy = target }
  t:equal(alice:options(bob.aor):final().status, 200)
  t:equal(t:target(function() return "sip:192.0.2.1" end), "sip:192.0.2.1")
  t:ok(failure_of(t.target, t, "sip:x"):find("t:target wants a function", 1, true))
end)

sip.test("equal, near, ok, fail: what they return and say", function(t)
  t:equal(t:equal(5, 5), 5)
  t:equal(t:ok("x"), "x")
  t:equal(t:near(1.05, 1, 0.1), 1.05)
  local function says(wanted, f, ...)
    local got = failure_of(f, ...)
    t:ok(got == wanted, got)
  end
  says('wanted 2, got 1', t.equal, t, 1, 2)
  says('sum: wanted 2, got 1', t.equal, t, 1, 2, "sum")
  says('wanted "2", got 2', t.equal, t, 2, "2")
  says('wanted { 1, nil, 3 }, got { 1, 2, 3 }', t.equal, t, { 1, 2, 3 }, { 1, nil, 3 })
  says('wanted { a = 1, b = { 2 } }, got { a = 1, b = { 3 } }', t.equal, t, { a = 1, b = { 3 } }, { a = 1, b = { 2 } })
  says('wanted {}, got { [0] = 1, x = true }', t.equal, t, { [0] = 1, x = true }, {})
  says('wanted "a\\r\\nb", got "a\\r\\nc"', t.equal, t, "a\r\nc", "a\r\nb")
  says('wanted 1 within 0.1, got 1.2', t.near, t, 1.2, 1, 0.1)
  says('delay: wanted 1 within 0.1, got nil', t.near, t, nil, 1, 0.1, "delay")
  says('wanted a true value, got nil', t.ok, t, nil)
  says('it is wrong', t.ok, t, false, "it is wrong")
  says('failed', t.fail, t)
  says('reason', t.fail, t, "reason")
  local long = ("x"):rep(500)
  local text = failure_of(t.equal, t, long .. "a", long .. "b")
  t:ok(#text < 250 and text:find("they differ from byte 501 on", 1, true), text)
  text = failure_of(t.equal, t, long, long .. "b")
  t:ok(text:find("they differ from byte 501 on", 1, true), text)
  t:equal({ 1, { "a" } }, { 1, { "a" } })
  local m = sip.message "OPTIONS sip:x SIP/2.0\r\n\r\n"
  t:equal(m, sip.message(m.bytes))
  text = failure_of(t.equal, t, m, 5)
  t:ok(text:find("got OPTIONS sip:x", 1, true), text)
end)

sip.test("notes go into the capture, at a message or as a whole", function(t)
  local box, from = t:endpoint { name = "box" }, t:endpoint { name = "from" }
  local sent = from:send("x", box)
  t:note(sent, "this one")
  t:note("all of it")
  t:note(sent.frame or 0, "by its number")
  box:take()
end)

sip.test("print shows what was printed, values and all", function(t)
  print("a line", 5, nil, true, sip.message "OPTIONS sip:x SIP/2.0\r\n\r\n")
  print()
  print("bytes \0\1\255")
  t:equal(t.name, "print shows what was printed, values and all")
end)

sip.test("objects have names for people", function(t)
  local alice, box = t:ua { aor = "sip:alice@example.test" }, t:endpoint { name = "box" }
  t:equal(tostring(alice), "ua")
  t:equal(alice.kind, "ua")
  t:equal(tostring(box), "endpoint")
  local call = alice:invite(box)
  t:equal(call.kind, "call")
  t:equal(call.ua, alice)
  t:equal(call.actor, "alice")
  t:equal(t:spawn("x", function() end).kind, "task")
  t:equal(alice:options(box).kind, "request")
  t:equal(alice:register { registrar = box }.kind, "registration")
  t:equal(box:watch().kind, "watch")
  local st = box:incoming()
  t:equal(st.kind, "server transaction")
  st:reply(486)
  call:expect(486)
  t:ok(failure_of(function() alice.nosuch = 1 end))
end)

sip.test("a dot in place of a colon is named", function(t)
  local alice, box = t:ua { aor = "sip:alice@example.test" }, t:endpoint { name = "box" }
  local function says(wanted, f, ...)
    local got = failure_of(f, ...)
    t:ok(got:find(wanted, 1, true), got)
  end
  says("call it with a colon: t:ua(...)", t.ua, { aor = "sip:bob@example.test" })
  says("call it with a colon: t:sleep(...)", t.sleep, 1)
  says("call it with a colon, on a ua: ua:invite(...)", alice.invite, "sip:bob@example.test")
  says("call it with a colon, on an endpoint: endpoint:take(...)", box.take)
  says("call it with a colon, on a message: msg:header(...)", sip.message("x").header, "Via")
end)
