-- The endpoint level: what comes, bytes that go, watching, claiming; client and server transactions by hand.
local sip = require "sip"
local help = require "_help"
local failure_of = help.failure_of

-- A request in the hands of an endpoint.
local function request_of(endpoint, method, target, more)
  local lines = {
    ("%s %s SIP/2.0"):format(method, target.uri),
    "Via: " .. endpoint:via(),
    "Max-Forwards: 70",
    ("From: <%s>;tag=%s"):format(endpoint.uri, endpoint:tag()),
    ("To: <%s>"):format(target.uri),
    "Call-ID: " .. endpoint:new_call_id(),
    "CSeq: 1 " .. method,
  }
  for _, line in ipairs(more or {}) do lines[#lines + 1] = line end
  lines[#lines + 1] = "Content-Length: 0\r\n\r\n"
  return sip.message(table.concat(lines, "\r\n"))
end

sip.test("an endpoint has a name, an address, a URI", function(t)
  local one, two = t:endpoint { name = "box" }, t:endpoint { name = "box" }
  t:equal(one.name, "box")
  t:equal(two.name, "box-2")                            -- a name is given once
  t:equal(one.uri, "sip:" .. one.address)
  t:equal(sip.uri(one.uri).port, one.port)
  t:ok(one.address ~= two.address)
  t:equal(t:endpoint().name, "endpoint")
  t:equal(one.kind, "endpoint")
  local own = t:endpoint { name = "own", address = one.host, port = one.port + 1 }
  t:equal(own.host, one.host)
  t:equal(own.port, one.port + 1)
end)

sip.test("take and expect at the endpoint; what was not expected", function(t)
  local box, from = t:endpoint { name = "box" }, t:endpoint { name = "from" }
  from:send(request_of(from, "MESSAGE", box), box)
  t:equal(box:take().method, "MESSAGE")
  from:send(request_of(from, "OPTIONS", box), box)
  t:equal(box:expect("OPTIONS").method, "OPTIONS")
  from:send("SIP/2.0 180 Ringing\r\nCSeq: 1 INVITE\r\n\r\n", box)
  from:send("SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n", box)
  t:equal(box:expect(200, function(m) t:equal(m.reason, "OK") end).status, 200)
  from:send(request_of(from, "INFO", box), box)
  local text = failure_of(box.expect, box, { "OPTIONS", 200 })
  t:ok(text:find("box wanted OPTIONS or 200, got INFO", 1, true), text)
  text = failure_of(box.expect, box, "BYE", { within = 0.5 })
  t:ok(text:find("box wanted BYE within 0.5 s, got nothing", 1, true), text)
end)

sip.test("send: to an endpoint, a UA, an address, a URI; bytes or a message; what was sent comes back", function(t)
  local box, from = t:endpoint { name = "box" }, t:endpoint { name = "from" }
  local ua = t:ua { aor = "sip:x@example.test", endpoint = box }
  for _, target in ipairs { box, ua, box.address, box.uri, "udp:" .. box.address, "sip:any@" .. box.address,
    "<" .. box.uri .. ";lr>" } do
    local sent = from:send("x", target)
    t:equal(sent.bytes, "x")
    t:equal(box:take().bytes, "x")
  end
  local message = request_of(from, "MESSAGE", box)
  t:equal(from:send(message, box), message)
  t:ok(failure_of(from.send, from, "x"):find("where to?", 1, true))
  t:ok(failure_of(from.send, from, "x", "nohost.invalid"):find("nohost.invalid", 1, true))
  t:ok(failure_of(from.send, from, "x", "sip:a@"):find("sip:a@", 1, true))
  t:ok(failure_of(from.send, from, "x", ""))
  t:ok(failure_of(from.send, from, ("x"):rep(65536), box):find("65536", 1, true))
  t:ok(failure_of(from.send, from, "x", from.host:find(":", 1, true) and "127.0.0.1" or "[::1]"))
  box:take { within = 0.2, optional = true }
  box:take { within = 0.2, optional = true }
end)

sip.test("watch sees everything from then on, retransmissions too, each at its own time", function(t)
  local box = t:endpoint { name = "box" }
  local alice = t:ua { aor = "sip:alice@example.test" }
  local watch, later = alice.endpoint:watch()
  local request = alice:options(box)
  t:sleep(2)
  later = alice.endpoint:watch()
  t:equal(later:count(), 0)
  box:incoming():reply(200)
  request:expect(200)
  local times = {}
  while watch:count() > 0 do
    local message = watch:take()
    if message.is_request then times[#times + 1] = message.time end
  end
  t:equal(#times, 3)
  for i, due in ipairs { 0, 0.5, 1.5 } do t:near(times[i] - times[1], due, help.slack(t)) end
  t:equal(request.retransmissions, 2)
  t:equal(later:take().status, 200)
  t:ok(failure_of(later.take, later, { within = 0.1 }):find("alice", 1, true))
end)

sip.test("claiming requests: those that wait already, in their order, retransmissions absorbed", function(t)
  local server = t:endpoint { name = "server" }
  local alice = t:ua { aor = "sip:alice@example.test" }
  local first, second = alice:options(server), alice:request("PING", server)
  t:sleep(1)                                            -- three datagrams of each wait
  local st = server:incoming()
  t:equal(st.request.method, "OPTIONS")
  t:near(st.retransmissions, 1, t.virtual and 0 or 1)
  st:reply(200)
  first:expect(200)
  local st2 = server:incoming "PING"
  st2:reply(202)
  second:expect(202)
  t:equal(st2.response.status, 202)
  t:equal(st2.state, "Completed")
  t:equal(st2.owner, server)
  t:equal(st2.actor, "server")
  alice:options(server)
  local text = failure_of(server.incoming, server, "BYE")
  t:ok(text:find("server wanted BYE, got OPTIONS", 1, true), text)
end)

sip.test("counters", function(t)
  local box, from = t:endpoint { name = "box" }, t:endpoint { name = "from" }
  local alice = t:ua { aor = "sip:alice@example.test" }
  from:send("\0\1\2", box)
  from:send("OPTIONS sip:x SIP/2.0\r\nCSeq: x\r\n\r\n", box)
  from:send("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 1.2.3.4;branch=z9hG4bKnone\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n"
    .. "Call-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n", box)
  alice:options(box)
  t:sleep(0.7)
  t:equal(box:incoming().request.flaw ~= nil, true)     -- what can be answered is a transaction, flawed or not
  box:incoming()
  local count = box:counters()
  t:equal(count.not_sip, 1)
  t:equal(count.flawed, 1)
  t:equal(count.stray_responses, 1)
  t:equal(count.retransmissions_in, 1)
  t:equal(alice.endpoint:counters().retransmissions_out, 1)
  for _ = 1, 2 do box:take() end
end)

sip.test("a client transaction by hand: INVITE, its timers, the ACK to a non-2xx", function(t)
  local server, client = t:endpoint { name = "server" }, t:endpoint { name = "client" }
  local seen = server:watch()
  local ct = client:request(request_of(client, "INVITE", server), server)
  t:equal(ct.state, "Calling")
  t:equal(ct.actor, "client")
  local st = server:incoming "INVITE"
  st:reply(180)
  t:equal(ct:expect(180).status, 180)
  t:equal(ct.state, "Proceeding")
  st:reply(486)
  t:equal(ct:expect(486)["To"], st.response["To"])
  t:equal(ct.state, "Completed")
  local ack = st:expect "ACK"
  t:equal(ack.branch, ct.request.branch)
  t:equal(ack["Max-Forwards"], "70")
  t:equal(ack["CSeq"], "1 ACK")
  t:equal(ack["To"], st.response["To"])
  t:equal(st.state, "Confirmed")
  t:equal(ct.response.status, 486)
  t:equal({ st:event() }, { "terminated" })             -- timer I
  t:equal(st.state, "Terminated")
  t:equal(seen:count(), 4)
end)

sip.test("retransmit = false sends once; timers can be set, or switched off", function(t)
  local silent, client = t:endpoint { name = "silent" }, t:endpoint { name = "client" }
  local seen = silent:watch()
  local ct = client:request(request_of(client, "OPTIONS", silent), silent, { retransmit = false, timers = { F = 2 } })
  local final = ct:final()
  t:near(t:now(), 2, help.slack(t))
  t:equal(final.status, 408)
  t:equal(final.cause, "timer F")
  t:equal(seen:count(), 1)
  client:request(request_of(client, "OPTIONS", silent), silent, { timers = { T1 = 0.1, T2 = 0.2, F = 1 } }):final()
  t:equal(seen:count(), 1 + 6)                          -- at 0, 0.1, 0.3, 0.5, 0.7, 0.9
  local never = client:request(request_of(client, "INVITE", silent), silent, { timers = { A = false, B = false } })
  t:equal({ never:final { within = 40, optional = true } }, { nil, "timeout" })
  t:equal(seen:count(), 8)
  while silent:take { within = 0, optional = true } do end
end)

sip.test("ack = false leaves a final response unacknowledged: the server repeats it, and gives up", function(t)
  local server = t:endpoint { name = "server", timers = { T1 = 0.1, T2 = 0.4 } }
  local client = t:endpoint { name = "client" }
  local ct = client:request(request_of(client, "INVITE", server), server, { ack = false })
  local st = server:incoming "INVITE"
  st:reply(404)
  ct:expect(404)
  t:equal(st:event { within = 10 }, "no ack")
  t:near(t:now(), 6.4, help.slack(t))
  t:ok(st.repeated_responses >= 14, st.repeated_responses)
  t:equal(ct.repeated_responses, st.repeated_responses)
  local text = failure_of(st.expect, st, "ACK", { within = 1 })
  t:ok(text:find("server wanted ACK within 1 s, got terminated", 1, true), text)
end)

sip.test("CANCEL: after a provisional, at once on demand, too late", function(t)
  local server, client = t:endpoint { name = "server" }, t:endpoint { name = "client" }
  local seen = client:watch()
  local function sent(method)
    local n = 0
    while seen:count() > 0 do
      local m = seen:take()
      if m.is_request and m.method == method then n = n + 1 end
    end
    return n
  end
  local ct = client:request(request_of(client, "INVITE", server), server)
  ct:cancel()
  t:sleep(0.1)
  t:equal(sent "CANCEL", 0)                             -- RFC 3261 9.1: not before a provisional
  local st = server:incoming "INVITE"
  st:reply(180)
  local cancel = st:expect "CANCEL"
  t:equal(cancel.branch, ct.request.branch)
  t:equal(cancel["CSeq"], "1 CANCEL")
  t:equal(st.cancelled, true)
  st:reply(487)
  ct:expect(487)
  st:expect "ACK"
  t:ok(failure_of(ct.cancel, ct):find("nothing to cancel: the transaction is Completed", 1, true))

  local other = client:request(request_of(client, "INVITE", server), server)
  other:cancel { now = true }
  st = server:incoming "INVITE"
  st:expect "CANCEL"
  st:reply(487)
  other:expect(487)

  local options = client:request(request_of(client, "OPTIONS", server), server)
  t:ok(failure_of(options.cancel, options):find("INVITE", 1, true))
  server:incoming("OPTIONS"):reply(200)
  options:expect(200)
end)

sip.test("a server transaction: headers of the reply, tags, bodies, once only", function(t)
  local server, client = t:endpoint { name = "server" }, t:endpoint { name = "client" }
  local ct = client:request(request_of(client, "OPTIONS", server, { "Record-Route: <sip:p;lr>", "Timestamp: 5" }), server)
  local st = server:incoming()
  t:equal(st.state, "Trying")
  local sent = st:reply(200, { reason = "Very well", to_tag = "mine", contact = "<sip:me@x>", body = "b", content_type = "text/x",
    headers = { { "X-A", "1" }, { "X-B", 2 } } })
  local got = ct:expect(200)
  t:equal(got, sent)
  t:equal(got.reason, "Very well")
  t:equal(got.to_tag, "mine")
  t:equal(got["Contact"], "<sip:me@x>")
  t:equal(got.body, "b")
  t:equal(got["Content-Type"], "text/x")
  t:equal(got["X-B"], "2")
  t:equal(got["Record-Route"], "<sip:p;lr>")
  t:equal(sip.via(got["Via"]).rport, client.port)
  local text = failure_of(st.reply, st, 200)
  t:ok(text:find("200 to OPTIONS: the transaction is Completed, it has had its final response 200", 1, true), text)
  t:ok(failure_of(st.reply, st, 99):find("a status is 100 to 699", 1, true))
  t:ok(failure_of(st.reply, st):find("a status is 100 to 699, got nil", 1, true))
  ct = client:request(request_of(client, "OPTIONS", server), server)
  st = server:incoming()
  st:reply(407, { { "Proxy-Authenticate", sip.challenge { realm = "r", nonce = "n" } } })     -- the headers alone
  t:ok(ct:expect(407)["Proxy-Authenticate"]:find('realm="r"', 1, true))
end)

sip.test("respond: a response made by hand, with the transaction's care for it", function(t)
  local server, client = t:endpoint { name = "server" }, t:endpoint { name = "client" }
  local request = request_of(client, "OPTIONS", server)
  local ct = client:request(request, server)
  local st = server:incoming()
  local bytes = ("SIP/2.0 299 By hand\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=h\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\n\r\n"):format(
    st.request["Via"], st.request["From"], st.request["To"], st.request.call_id)
  t:equal(st:respond(bytes).bytes, bytes)
  t:equal(ct:expect(299).bytes, bytes)
  client:send(request, server)                          -- the request once more: the same bytes come again
  t:sleep(0.1)
  t:equal(ct.repeated_responses, 1)
  t:ok(failure_of(st.respond, st, "OPTIONS sip:x SIP/2.0\r\n\r\n"):find("response", 1, true))
end)

sip.test("a request that comes again gets the same answer, and is counted", function(t)
  local server, client = t:endpoint { name = "server" }, t:endpoint { name = "client" }
  local request = request_of(client, "OPTIONS", server)
  client:send(request, server)
  local st = server:incoming()
  client:send(request, server)
  server:expect_none(0.1)
  client:expect_none(0.1)                               -- nothing to repeat yet
  st:reply(200)
  t:equal(client:take().status, 200)
  client:send(request, server)
  t:equal(client:take(), st.response)
  t:equal(st.retransmissions, 2)
  t:equal(st.repeated_responses, 1)
end)

sip.test("a port that nobody listens at: 503 at once, with its cause", function(t)
  local client, gone = t:endpoint { name = "client" }, nil
  local other = t:endpoint { name = "other" }
  gone = { uri = ("sip:%s:%d"):format(other.address:match "^(.*):%d+$", 9) }
  local ct = client:request(request_of(client, "OPTIONS", gone), gone)
  local final = ct:final()
  t:equal(final.status, 503)
  t:equal(final.locally, true)
  t:ok(#final.cause > 0)
  t:ok(t:now() < 2)
end)

sip.test("unread messages are listed, and are no failure by themselves", function(t)
  local box, from = t:endpoint { name = "box" }, t:endpoint { name = "from" }
  from:send(request_of(from, "MESSAGE", box), box)
  t:sleep(0.1)
end)

sip.test("a full inbox counts what it loses", function(t)
  local box, from = t:endpoint { name = "box" }, t:endpoint { name = "from" }
  if not t.virtual then t:skip("the kernel's buffer is smaller") end
  for _ = 1, 4100 do from:send("x", box) end
  t:sleep(0.1)
  local n = 0
  while box:take { within = 0, optional = true } do n = n + 1 end
  t:equal(n, 4096)
end)
