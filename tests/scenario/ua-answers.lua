-- What a UA answers by itself, and that each of these can be switched off.
local sip = require "sip"
local help = require "_help"
local failure_of = help.failure_of

-- A prober below every UA, and a UA that answers as it is told.
local function pair(t, answers, more)
  local given = { aor = "sip:bob@example.test", answers = answers }
  for key, value in pairs(more or {}) do given[key] = value end
  return t:ua { aor = "sip:probe@example.test" }, t:ua(given)
end

-- Sends bytes; the answer, or nil.
local function ask(probe, bytes, bob)
  probe.endpoint:send(bytes, bob)
  return (probe.endpoint:take { within = 0.4, optional = true })
end

-- With the answer on it is `status`; with it off the request waits for the script, who answers as it likes.
local function switch(t, name, status, make, check)
  local probe, bob = pair(t)
  local answer = ask(probe, make(probe, bob), bob)
  t:ok(answer, name .. ": no answer")
  t:equal(answer.status, status, name)
  if check then check(answer) end
  probe, bob = pair(t, { [name] = false })
  local request = make(probe, bob)
  t:equal(ask(probe, request, bob), nil, name .. " switched off")
  for st in bob:requests() do
    t:equal(st.request.bytes, type(request) == "string" and request or request.bytes)
    st:reply(299)
    break
  end
  t:equal(probe.endpoint:take().status, 299)
end

local function build(probe, method, bob, headers, more)
  local given = { uri = bob, headers = headers }
  for key, value in pairs(more or {}) do given[key] = value end
  return probe:build(method, given)
end

sip.test("400 to a malformed request, with the flaw as reason", function(t)
  switch(t, "malformed", 400, function(probe, bob)
    return t:replace(build(probe, "OPTIONS", bob), "CSeq: 1 OPTIONS", "CSeq: one OPTIONS")
  end, function(answer) t:ok(answer.reason:find("CSeq", 1, true), answer.reason) end)
end)

sip.test("505 to another version", function(t)
  switch(t, "version", 505, function(probe, bob)
    return t:replace(build(probe, "OPTIONS", bob), " SIP/2.0\r\nVia", " SIP/3.0\r\nVia")
  end)
end)

sip.test("416 to a Request-URI that is neither sip nor sips", function(t)
  switch(t, "scheme", 416, function(probe, bob)
    return t:replace(build(probe, "OPTIONS", bob), "OPTIONS " .. bob.uri, "OPTIONS http://example.test/")
  end)
end)

sip.test("481 to a request of an unknown dialog, and to a stray CANCEL", function(t)
  for _, method in ipairs { "BYE", "INFO", "UPDATE" } do
    switch(t, "stray", 481, function(probe, bob)
      return build(probe, method, bob, { To = ("<%s>;tag=unknown"):format(bob.uri) })
    end)
  end
  local probe, bob = pair(t)
  t:equal(ask(probe, build(probe, "CANCEL", bob), bob).status, 481)
  t:equal(ask(probe, build(probe, "INVITE", bob, { To = ("<%s>;tag=unknown"):format(bob.uri) }), bob).status, 481)
end)

sip.test("OPTIONS: 200 with Allow and Accept", function(t)
  switch(t, "OPTIONS", 200, function(probe, bob) return build(probe, "OPTIONS", bob) end, function(answer)
    t:ok(answer["Allow"]:find("INVITE, ACK, CANCEL, BYE, OPTIONS", 1, true))
    t:equal(answer["Accept"], "application/sdp")
    t:ok(answer.to_tag)
  end)
end)

sip.test("405 to a method that is known and not supported, 501 to an unknown one", function(t)
  switch(t, "method", 405, function(probe, bob) return build(probe, "SUBSCRIBE", bob) end, function(answer) t:ok(answer["Allow"]) end)
  switch(t, "method", 501, function(probe, bob) return build(probe, "DANCE", bob) end, function(answer) t:ok(answer["Allow"]) end)
end)

sip.test("420 to a Require that is not supported; off, the request goes on", function(t)
  local probe, bob = pair(t)
  local answer = ask(probe, build(probe, "OPTIONS", bob, { Require = "100rel, magic, gruu" }), bob)
  t:equal(answer.status, 420)
  t:equal(answer["Unsupported"], "magic, gruu")
  local plain = t:ua { aor = "sip:plain@example.test", supports = {} }
  t:equal(ask(probe, build(probe, "OPTIONS", plain, { Require = "100rel, magic" }), plain)["Unsupported"], "100rel, magic")
  t:equal(probe:options(plain):expect(200)["Supported"], nil)
  t:equal(probe:options(bob):expect(200)["Supported"], "100rel, replaces, timer")
  local rich = t:ua { aor = "sip:rich@example.test", supports = { "path", "gruu" } }
  t:equal(probe:request("OPTIONS", rich, { headers = { Require = "gruu" } }):expect(200)["Supported"], "path, gruu")
  probe, bob = pair(t, { Require = false })
  t:equal(ask(probe, build(probe, "OPTIONS", bob, { Require = "magic" }), bob).status, 200)
end)

sip.test("421 to an INVITE of a caller that does not support what is required; off, it is a call", function(t)
  local probe, bob = pair(t, nil, { requires = { "100rel", "timer" } })
  for _, case in ipairs { { {}, "100rel, timer" }, { { Supported = "timer, gruu" }, "100rel" }, { { Require = "100rel" }, "timer" } } do
    local refused = probe:invite(bob, { headers = case[1] }):final()
    t:equal({ refused.status, refused.reason, refused["Require"] }, { 421, "Extension Required", case[2] })
  end
  probe:invite(bob, { reliable = true, session_expires = 1800 })
  bob:incoming():reject()
  probe:invite(bob, { reliable = "required", headers = { Supported = "x, TIMER" } })
  bob:incoming():reject()
  t:equal(probe:options(bob):final().status, 200, "of INVITE alone")
  t:equal(probe:invite(bob, { headers = { Require = "magic" } }):final().status, 420, "that first")
  probe, bob = pair(t, { extension = false }, { requires = "100rel" })
  probe:invite(bob)
  bob:incoming():reject()
  t:ok(failure_of(t.ua, t, { aor = "sip:x@example.test", requires = 1 }):find("t:ua: requires wants a list of option tags, got number", 1, true))
end)

sip.test("415, 493, 406: bodies and their kinds; off, the call comes in", function(t)
  local function refused(name, status, headers, more)
    local probe, bob = pair(t)
    t:equal(ask(probe, build(probe, "INVITE", bob, headers, more), bob).status, status, name)
    probe, bob = pair(t, { [name] = false, content = false })
    ask(probe, build(probe, "INVITE", bob, headers, more), bob)
    bob:incoming():reject(603)
    while probe.endpoint:take { within = 0.2, optional = true } do end
  end
  refused("content", 415, nil, { body = "x", content_type = "text/strange" })
  refused("content", 415, { ["Content-Encoding"] = "zip" }, { body = "x", content_type = "application/sdp" })
  refused("encrypted", 493, nil, { body = "x", content_type = 'application/pkcs7-mime;smime-type=enveloped-data' })
  refused("Accept", 406, { Accept = "text/plain" })
end)

sip.test("414, 413, 513: limits", function(t)
  local probe, bob = pair(t)
  local long = "sip:" .. ("x"):rep(9000) .. "@example.test"
  t:equal(ask(probe, t:replace(build(probe, "OPTIONS", bob), "OPTIONS " .. bob.uri, "OPTIONS " .. long), bob).status, 414)
end)

sip.test("482 to a request that came already another way; off, it is answered twice", function(t)
  local function twice(answers)
    local probe, bob = pair(t, answers)
    local first = build(probe, "OPTIONS", bob)
    local one = ask(probe, first, bob)
    local two = ask(probe, first:replace_header("Via", probe.endpoint:via()), bob)
    return one.status, two.status
  end
  t:equal({ twice() }, { 200, 482 })
  t:equal({ twice { merged = false } }, { 200, 200 })
end)

-- A call from alice to bob, both ends in hand.
local function call_between(t, answers)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local bob = t:ua { aor = "sip:bob@example.test", answers = answers }
  local outgoing = alice:invite(bob)
  local incoming = bob:incoming()
  incoming:answer()
  outgoing:expect(200)
  incoming:expect("ACK")
  return outgoing, incoming
end

sip.test("within a call: INFO, UPDATE, re-INVITE, OPTIONS and BYE are answered by the callee itself", function(t)
  local call, other = call_between(t)
  t:equal(call:request("INFO"):final().status, 200)
  local update = call:request("UPDATE"):final()
  t:equal(update.status, 200)
  t:ok(update["Contact"])
  local again = call:request("INVITE"):final()
  t:equal(again.status, 200)
  t:equal(again["Content-Type"], "application/sdp")
  t:equal(call:request("OPTIONS"):final().status, 200)
  t:equal(call:request("MESSAGE", { body = "x", content_type = "text/plain" }):final().status, 405)
t:equal(call:request("DANCE"):final().status, 501)
  t:equal(call:request("PRACK"):final().status, 481)
  t:equal(call:bye():final().status, 200)
  t:equal(other:ended(), "remote BYE")
  t:equal(call.ended_by, "local BYE")
end)

sip.test("within a call: each of these switched off comes to the script", function(t)
  for _, method in ipairs { "INFO", "UPDATE", "INVITE", "OPTIONS" } do
    local call, other = call_between(t, { [method] = false })
    local request = call:request(method)
    local st = other:expect(method)
    t:equal(st.request.method, method)
    st:reply(488)
    t:equal(request:final().status, 488, method)
    call:bye():expect(200)
  end
end)

sip.test("500 to a CSeq lower than the last within the dialog; off, it is answered", function(t)
  local call = call_between(t)
  t:equal(call:request("INFO", { cseq = 10 }):final().status, 200)
  t:equal(call:request("INFO", { cseq = 5 }):final().status, 500)
  t:equal(call:request("INFO"):final().status, 200)
  t:equal(call.dialog.local_cseq, 11)
  call:bye():expect(200)
  call = call_between(t, { order = false })
  t:equal(call:request("INFO", { cseq = 10 }):final().status, 200)
  t:equal(call:request("INFO", { cseq = 5 }):final().status, 200)
  call:bye():expect(200)
end)

sip.test("with the answer to CANCEL switched off the script has the CANCEL, and the call goes on", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test", answers = { CANCEL = false } }
  local call = alice:invite(bob)
  local other = bob:incoming()
  other:ring()
  call:expect(180)
  call:cancel()
  other:expect("CANCEL")
  t:equal(other.state, "incoming")
  other:reject(486)
  call:expect(486)
end)

sip.test("ua:requests takes everything outside calls, but what cannot be processed", function(t)
  local probe, bob = pair(t)
  t:serve("bob", function()
    for st in bob:requests() do st:reply(288, { reason = st.request.method }) end
  end)
  t:sleep(0)
  for _, method in ipairs { "OPTIONS", "MESSAGE", "DANCE", "REGISTER" } do
    t:equal(probe:request(method, bob):final().reason, method)
  end
  t:equal(probe:options(bob, { headers = { Require = "x" } }):final().status, 288)
  local call = probe:invite(bob)
  t:equal(call:final().status, 288)
end)

sip.test("a call that nobody takes rings on: unread, and answered by nobody", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local call = alice:invite(bob)
  t:equal(call:expect("1xx").status, 100)               -- the transaction's own, after 200 ms
  t:near(call.trying_time, 0.2, help.slack(t))
  call:cancel()
  t:equal(call:final().status, 487)
  t:equal(bob:incoming().state, "terminated")
end)

sip.test("unknown names of answers", function(t)
  local text = failure_of(t.ua, t, { aor = "sip:x@y", answers = { BYEBYE = false } })
  t:ok(text:find('answers has no option "BYEBYE" (did you mean "BYE"?)', 1, true), text)
end)

sip.test("expect takes the requests of its method alone: what else comes is answered as before", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local text = alice:message(bob, "x")
  bob:expect("MESSAGE"):reply(200)
  text:expect(200)
  alice:options(bob):expect(200)
  alice:request("PUBLISH", bob):expect(405)

  local call = alice:invite(bob)
  local bobs = bob:incoming()
  bobs:answer()
  call:expect(200)
  local refer = bobs:refer(alice)
  call:expect("REFER"):reply(603)
  refer:expect(603)
  bobs:info():expect(200)
  bobs:update():expect(200)
  call:bye():expect(200)
end)
