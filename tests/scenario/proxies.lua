-- The proxy role: routing, record-routing, policy, and what it does when things go wrong (RFC 3261 16).
local sip = require "sip"
local help = require "_help"

local function callee(t, given)
  given = given or {}
  given.aor = given.aor or "sip:bob@example.test"
  return t:ua(given)
end

local function caller(t, proxy, given)
  given = given or {}
  given.aor, given.outbound_proxy = given.aor or "sip:alice@example.test", proxy
  return t:ua(given)
end

-- A call over `count` proxies in a row; both ends, and the proxies from the caller's on.
local function call_over(t, count, record_route)
  local bob = callee(t)
  local proxies = {}
  for i = count, 1, -1 do
    proxies[i] = t:proxy { name = "p" .. i, record_route = record_route, to = i == count and bob or nil,
      next_hop = i < count and proxies[i + 1] or nil }
  end
  local alice = caller(t, proxies[1])
  local call = alice:invite(bob.aor)
  local other = bob:incoming()
  other:ring()
  call:expect(180)
  other:answer()
  call:expect(200)
  other:expect("ACK")
  return call, other, proxies
end

for _, count in ipairs { 1, 3 } do
  sip.test(("a call through %d record-routing prox%s, requests both ways, BYE from either side"):format(count, count > 1 and "ies" or "y"),
    function(t)
      for _, side in ipairs { "caller", "callee" } do
        local call, other, proxies = call_over(t, count)
        t:equal(#call.dialog.route_set, count)
        t:equal(#other.dialog.route_set, count)
        for i = 1, count do t:equal(call.dialog.route_set[i], other.dialog.route_set[count + 1 - i]) end
        t:equal(#other.invite:headers "Via", count + 1)
        t:equal(#other.invite:headers "Record-Route", count)
        t:equal(other.invite["Max-Forwards"], tostring(70 - count))
        t:equal(other.invite:headers "Route", {})
        local seen = {}
        for i, proxy in ipairs(proxies) do seen[i] = proxy.endpoint:watch() end
        call:request("INFO"):expect(200)
        other:request("INFO"):expect(200)
        call:request("INVITE"):expect(200)
        for i = 1, count do t:ok(seen[i]:count() >= 12, "every request of the dialog passes every proxy") end
        if side == "caller" then call:bye():expect(200) else other:bye():expect(200) end
        t:equal(call:ended(), side == "caller" and "local BYE" or "remote BYE")
        t:equal(other:ended(), side == "caller" and "remote BYE" or "local BYE")
      end
    end)
end

sip.test("without record-routing the dialog goes past the proxy", function(t)
  local call, other, proxies = call_over(t, 1, false)
  t:equal(call.dialog.route_set, {})
  local seen = proxies[1].endpoint:watch()
  call:request("INFO"):expect(200)
  other:bye():expect(200)
  t:equal(seen:count(), 0)
end)

sip.test("CANCEL is relayed, the 487 comes back, and both transactions are acknowledged", function(t)
  local bob = callee(t)
  local edge = t:proxy { to = bob }
  local alice = caller(t, edge)
  local call = alice:invite(bob.aor)
  local other = bob:incoming()
  other:ring()
  call:expect(180)
  call:cancel()
  t:equal(other:ended(), "CANCEL")
  t:equal(call:final().status, 487)
  t:sleep(2)
  t:equal(call.repeated_responses, 0)
  t:equal(other.retransmissions, 0)
end)

sip.test("a rejected call: every hop acknowledges its own", function(t)
  local bob = callee(t)
  local inner = t:proxy { name = "inner", to = bob }
  local outer = t:proxy { name = "outer", next_hop = inner }
  local alice = caller(t, outer)
  local call = alice:invite(bob.aor)
  bob:incoming():reject(486, { headers = { { "X-Reason", "busy" } } })
  local final = call:final()
  t:equal(final.status, 486)
  t:equal(final["X-Reason"], "busy")
  t:equal(#final:headers "Via", 1)
  t:sleep(2)
  t:equal(call.repeated_responses, 0)
end)

sip.test("100 is the proxy's own, and the callee's is not passed on", function(t)
  local bob = t:endpoint { name = "bob" }
  local edge = t:proxy { to = bob }
  local alice = caller(t, edge)
  local seen = alice.endpoint:watch()
  local call = alice:invite("sip:bob@example.test")
  local st = bob:incoming("INVITE")
  st:reply(100)
  st:reply(181)
  call:expect(181)
  st:reply(404)
  t:equal(call:final().status, 404)
  local hundreds = 0
  while seen:count() > 0 do
    if seen:take().status == 100 then hundreds = hundreds + 1 end
  end
  t:equal(hundreds, 1)
end)

sip.test("a silent callee: the proxy's 408", { timeout = 90 }, function(t)
  local silent = t:endpoint { name = "silent" }
  local edge = t:proxy { to = silent }
  local alice = caller(t, edge)
  local call = alice:invite("sip:bob@example.test")
  local final = call:final()
  t:equal(final.status, 408)
  t:equal(final.locally, false)                         -- this one was on the wire
  t:near(t:now(), 32, help.slack(t))
  local options = alice:options("sip:bob@example.test")
  t:equal(options:final().status, 408)
  while silent:take { within = 0, optional = true } do end
end)

sip.test("a next hop where nobody listens: 503 from the proxy", function(t)
  local edge = t:proxy { to = t.virtual and "sip:bob@198.18.99.99" or "sip:bob@127.0.0.1:9" }
  local alice = caller(t, edge)
  local final = alice:invite("sip:bob@example.test"):final()
  t:equal(final.status // 100, 5)
  t:equal(final.locally, false)
end)

sip.test("a callee that rings for ever: timer C cancels the call", function(t)
  local bob = callee(t)
  local edge = t:proxy { to = bob, timers = { C = 10 } }
  local alice = caller(t, edge)
  local call = alice:invite(bob.aor)
  local other = bob:incoming()
  other:ring()
  t:sleep(6)
  other:ring()                                          -- each provisional begins it anew
  t:equal(other:ended { within = 20 }, "CANCEL")
  t:near(t:now(), 16, help.slack(t))
  t:equal(call:final().status, 487)
end)

sip.test("a host that is not to be found: 503 with a Warning, and the proxy lives on", function(t)
  local bob = callee(t)
  local edge = t:proxy { route = function(request) return request.request_uri:find "bob" and bob or nil end }
  local alice = caller(t, edge)
  local final = alice:options("sip:carol@nohost.invalid"):final()
  t:equal(final.status, 503)
  t:ok(final["Warning"]:find("nohost.invalid", 1, true))
  t:equal(alice:options(bob.aor):final().status, 200)
end)

sip.test("Max-Forwards: 0 gets 483; none becomes 70", function(t)
  local bob = callee(t)
  local edge = t:proxy { to = bob }
  local alice = caller(t, edge)
  t:equal(alice:options(bob.aor, { headers = { ["Max-Forwards"] = 0 } }):final().status, 483)
  t:equal(alice:options(bob.aor, { headers = { ["Max-Forwards"] = 1 } }):final().status, 200)
  local seen = bob.endpoint:watch()
  t:equal(alice:options(bob.aor, { headers = { ["Max-Forwards"] = false } }):final().status, 200)
  t:equal(seen:take()["Max-Forwards"], "70")
end)

sip.test("several Route values in one line, and several lines", function(t)
  local bob = callee(t)
  local p2 = t:proxy { name = "p2" }
  local p1 = t:proxy { name = "p1" }
  local alice = t:ua { aor = "sip:alice@example.test" }
  local function over(headers)
    local seen = bob.endpoint:watch()
    local request = alice:build("OPTIONS", { uri = bob.contact, headers = headers })
    local ct = alice.endpoint:request(request, p1)
    t:equal(ct:final().status, 200)
    local got = seen:take()
    t:equal(got["Route"], nil)
    t:equal(#got:headers "Via", 3)
  end
  local r1, r2 = ("<%s;lr>"):format(p1.uri), ("<%s;lr>"):format(p2.uri)
  over { Route = r1 .. ", " .. r2 }
  over { { "Route", r1 }, { "Route", r2 } }
  over { { "Route", r1 .. "  ,\t" .. r2 } }
  over { { "Route", '"a, b" ' .. r1 .. ";x=y," .. r2 } }
end)

sip.test("a strict-routing peer: its Request-URI is ours, the last Route was the real one", function(t)
  local bob = callee(t)
  local edge = t:proxy { name = "edge" }
  local alice = t:ua { aor = "sip:alice@example.test" }
  local request = alice:build("OPTIONS", { uri = edge.uri .. ";lr", headers = { { "Route", ("<%s>"):format(bob.contact) } } })
  local seen = bob.endpoint:watch()
  local ct = alice.endpoint:request(request, edge)
  t:equal(ct:final().status, 200)
  local got = seen:take()
  t:equal(got.request_uri, bob.contact)                 -- RFC 3261 16.4
  t:equal(got["Route"], nil)
end)

sip.test("a strict router as the next hop: its URI goes into the Request-URI", function(t)
  local strict = t:endpoint { name = "strict" }
  local edge = t:proxy { name = "edge" }
  local alice = t:ua { aor = "sip:alice@example.test" }
  local request = alice:build("OPTIONS", { uri = "sip:bob@example.test",
    headers = { { "Route", ("<%s;lr>"):format(edge.uri) }, { "Route", ("<%s>"):format(strict.uri) } } })
  local ct = alice.endpoint:request(request, edge)
  local st = strict:incoming()
  t:equal(st.request.request_uri, strict.uri)           -- RFC 3261 16.6 step 6
  t:equal(st.request:headers "Route", { "<sip:bob@example.test>" })
  st:reply(200)
  ct:expect(200)
end)

sip.test("policy: an access list", function(t)
  local bob = callee(t)
  local function final(access, from)
    local edge = t:proxy { to = bob, access = access }
    return caller(t, edge, { aor = from }):options(bob.aor):final()
  end
  local allow = { allow = { "^sip:alice@" } }
  t:equal(final(allow, "sip:alice@example.test").status, 200)
  local refused = final(allow, "sip:mallory@example.test")
  t:equal(refused.status, 403)
  t:ok(refused["Warning"])
  t:equal(final({ deny = { "mallory" } }, "sip:mallory@example.test").status, 403)
  t:equal(final({ deny = { "mallory" } }, "sip:alice@example.test").status, 200)
  t:equal(final({ allow = { "alice" }, deny = { "" } }, "sip:alice@example.test").status, 200)
  t:equal(final({ allow = { "alice" }, deny = { "" } }, "sip:bob@example.test").status, 403)
end)

sip.test("policy: authentication, its status and its algorithms", function(t)
  local bob = callee(t)
  local edge = t:proxy { to = bob, auth = { realm = "example.test", users = { alice = "secret" },
    algorithms = { "SHA-512-256", "SHA-256", "MD5" }, qop = "auth,auth-int" } }
  local good = caller(t, edge, { password = "secret", algorithms = { "SHA-256" } })
  local call = good:invite(bob.aor)
  local other = bob:incoming()
  t:equal(call.invite:credentials()[1].algorithm, "SHA-256")
  t:equal(#call.invite:headers "Proxy-Authorization", 1)
  other:answer()
  call:expect(200)
  call:bye():expect(200)
  t:equal(edge.challenges, 1)
  t:equal(edge.refusals, { "missing" })
  local bad = caller(t, edge, { password = "wrong" })
  local refused = bad:options(bob.aor):final()
  t:equal(refused.status, 407)
  t:equal(#refused:headers "Proxy-Authenticate", 3)
  t:equal(edge.refusals, { "missing", "missing", "wrong" })
  local stranger = caller(t, edge, { aor = "sip:nobody@example.test", password = "secret" })
  t:equal(stranger:options(bob.aor):final().status, 407)
  local www = t:proxy { to = bob, auth = { realm = "example.test", users = { alice = "secret" }, status = 401 } }
  local request = caller(t, www, { password = "secret" }):options(bob.aor)
  t:equal(request:final().status, 200)
  t:ok(request.request["Authorization"])
end)

sip.test("policy: a delay holds up no other request; 100 comes at once", function(t)
  local bob = callee(t)
  local edge = t:proxy { to = bob, delay = 1 }
  local alice = caller(t, edge)
  local requests = {}
  for i = 1, 3 do requests[i] = alice:options(bob.aor) end
  for i = 1, 3 do requests[i]:expect(200) end
  t:near(t:now(), 1, help.slack(t))
  local call = alice:invite(bob.aor)
  local trying = call:expect(100)
  t:near(trying.time, t:now(), help.slack(t))
  bob:incoming():reject()
  call:expect(486)
end)

sip.test("policy: silence", function(t)
  local edge = t:proxy { silent = true }
  local alice = caller(t, edge, { timers = { T1 = 0.05 } })
  local call = alice:invite("sip:bob@example.test")
  t:equal(call:final().locally, true)
  t:equal(call.trying_time, nil)
  t:equal(edge.requests >= 1, true)
end)

sip.test("policy: a function that routes", function(t)
  local bob, carol = callee(t), callee(t, { aor = "sip:carol@example.test" })
  local asked
  local edge = t:proxy { route = function(request)
    asked = request.request_uri
    if request.request_uri:find "bob" then return bob end
    if request.request_uri:find "carol" then return carol.contact end
  end }
  local alice = caller(t, edge)
  local seen = carol.endpoint:watch()
  t:equal(alice:options("sip:bob@example.test"):final().status, 200)
  t:equal(asked, "sip:bob@example.test")
  t:equal(seen:count(), 0)
  t:equal(alice:options("sip:carol@example.test"):final().status, 200)
  t:equal(seen:take().request_uri, carol.contact)
end)

sip.test("policy: the next target after each failure; the best response goes back", function(t)
  local targets, asked = {}, {}
  for i = 1, 3 do targets[i] = callee(t, { name = "bob" .. i }) end
  local edge = t:proxy { route = function(_, failed)
    asked[#asked + 1] = failed and failed.status or "first"
    return targets[#asked]
  end }
  local alice = caller(t, edge)
  local call = alice:invite("sip:bob@example.test")
  targets[1]:incoming():reject(503)
  targets[2]:incoming():reject(404)
  targets[3]:incoming():reject(500)
  t:equal(call:final().status, 404)                     -- RFC 3261 16.7 step 6: the lowest class
  t:equal(asked, { "first", 503, 404, 500 })
  t:equal(call.trying_time ~= nil, true)

  asked = {}
  call = alice:invite("sip:bob@example.test")
  targets[1]:incoming():reject(486)
  local other = targets[2]:incoming()
  other:ring()
  call:expect(180)
  other:answer()
  call:expect(200)
  other:expect("ACK")
  t:equal(call.dialog.remote_target, targets[2].contact)
  call:bye():expect(200)
  t:equal(asked, { "first", 486 })                      -- the BYE is of a dialog: nobody is asked
end)

sip.test("policy: a 6xx ends the search, and so does a target that was tried", function(t)
  local bob, other = callee(t), callee(t, { name = "other" })
  local seen = other.endpoint:watch()
  local edge = t:proxy { route = function(_, failed) return failed and other or bob end }
  local alice = caller(t, edge)
  local call = alice:invite(bob.aor)
  bob:incoming():reject(603)
  t:equal(call:final().status, 603)
  t:equal(seen:count(), 0)
  edge.route = function() return bob end
  call = alice:invite(bob.aor)
  bob:incoming():reject(486)
  t:equal(call:final().status, 486)
  bob.endpoint:expect_none(0.5)
end)

sip.test("policy: a target that rings too long is cancelled; a caller who is gone is not taken elsewhere", function(t)
  local bob, other = callee(t), callee(t, { name = "other" })
  local edge = t:proxy { no_answer = 2, route = function(_, failed) return failed and other or bob end }
  local alice = caller(t, edge)
  local call = alice:invite(bob.aor)
  local first = bob:incoming()
  first:ring()
  t:equal(first:ended(), "CANCEL")
  t:near(t:now(), 2, help.slack(t))
  other:incoming():answer()
  call:expect(200)
  call:bye():expect(200)

  call = alice:invite(bob.aor)
  first = bob:incoming()
  first:ring()
  call:expect(180)
  call:cancel()
  t:equal(first:ended(), "CANCEL")
  t:equal(call:final().status, 487)
  t:equal(other:incoming { within = 0.5, optional = true }, nil)
end)

sip.test("policy: a route that answers itself", function(t)
  local edge = t:proxy { route = function(_, _, st) st:reply(604) end }
  t:equal(caller(t, edge):invite("sip:bob@example.test"):final().status, 604)
end)

sip.test("policy: what passes is rewritten, requests, responses and ACKs", function(t)
  local bob = callee(t)
  local passed = {}
  local edge = t:proxy { to = bob, rewrite = function(message)
    passed[#passed + 1] = message.method .. (message.status or "")
    return message:insert_header("X-Seen", #passed)
  end }
  local alice = caller(t, edge)
  local call = alice:invite(bob.aor)
  local other = bob:incoming()
  t:equal(other.invite["X-Seen"], "1")
  other:ring()
  t:equal(call:expect(180)["X-Seen"], "2")
  other:answer()
  t:equal(call:expect(200)["X-Seen"], "3")
  t:equal(other:expect("ACK")["X-Seen"], "4")
  call:bye():expect(200)
  t:equal(passed, { "INVITE", "INVITE180", "INVITE200", "ACK", "BYE", "BYE200" })
end)

sip.test("a request to the proxy itself goes nowhere: 404; a stray CANCEL: 481", function(t)
  local edge = t:proxy {}
  local alice = t:ua { aor = "sip:alice@example.test" }
  t:equal(alice:options(edge):final().status, 404)
  t:equal(alice.endpoint:request(alice:build("CANCEL", { uri = edge }), edge):final().status, 481)
end)

sip.test("retransmissions are absorbed at each hop", function(t)
  local bob = callee(t)
  local edge = t:proxy { to = bob }
  local alice = caller(t, edge, { timers = { T1 = 0.1 } })
  t:network { from = edge, to = alice, loss = 1 }
  local seen = bob.endpoint:watch()
  local request = alice:options(bob.aor)
  t:sleep(1)
  t:network { from = edge, to = alice, loss = 0 }
  t:equal(request:final().status, 200)
  t:ok(request.retransmissions >= 3)
  t:equal(seen:count(), 2)                              -- one request, one response
end)

sip.test("a 200 that is repeated passes the proxy each time, and so does each ACK", function(t)
  local bob = callee(t)
  local edge = t:proxy { to = bob }
  local alice = caller(t, edge)
  local call = alice:invite(bob.aor)
  local other = bob:incoming()
  t:network { from = edge, to = bob, loss = 1 }
  other:answer()
  call:expect(200)
  t:sleep(2)                                            -- at 0, 0.5, 1.5
  t:equal(call.repeated_responses, 2)
  t:network { from = edge, to = bob, loss = 0 }
  other:expect("ACK")
  t:equal(other.state, "confirmed")
  call:bye():expect(200)
end)

sip.test("a callee that joins the Via lines: the proxy takes its own off, and the rest stays", function(t)
  local bob = t:endpoint { name = "bob" }
  local edge = t:proxy { to = bob }
  local alice = caller(t, edge)
  local request = alice:options("sip:bob@example.test")
  local st = bob:incoming()
  local vias = table.concat(st.request:headers "Via", " ,\r\n\t")
  local bytes = st:reply(183).bytes
  local final = sip.message(t:replace(bytes, "183 Session Progress", "200 OK"))
  while final["Via"] do final = final:remove_header "Via" end
  st:respond(final:insert_header("v", vias, "From").bytes)
  local got = request:expect(200)
  t:equal(got:headers "Via", request:expect(200):headers "Via")
  t:equal(#got:headers "Via", 1)
  t:equal(sip.via(got:headers "Via" [1]).branch, request.request.branch)
end)

sip.test("a forked callee: two dialogs answer, the caller takes the first and hangs up the second", function(t)
  local fork = t:endpoint { name = "fork" }
  local edge = t:proxy { to = fork }
  local alice = caller(t, edge)
  local call = alice:invite("sip:bob@example.test")
  local st = fork:incoming("INVITE")
  st:reply(200, { to_tag = "one", contact = ("<%s>"):format(fork.uri) })
  call:expect(200)
  t:equal(call.dialog.remote_tag, "one")
  st:reply(200, { to_tag = "two", contact = ("<%s>"):format(fork.uri) })
  local bye = fork:incoming("BYE")
  t:equal(bye.request.to_tag, "two")
  bye:reply(200)
  t:equal(call.state, "confirmed")
  t:equal(call.dialog.remote_tag, "one")
  for _ = 1, 2 do t:equal(fork:take().method, "ACK") end
  call:bye()
  fork:incoming("BYE"):reply(200)
end)

sip.test("a proxy over IPv6", function(t)
  local bob = callee(t, { ipv6 = true })
  local edge = t:proxy { to = bob, ipv6 = true }
  local alice = caller(t, edge, { ipv6 = true })
  local call = alice:invite(bob.aor)
  bob:incoming():answer()
  call:expect(200)
  t:ok(call.dialog.route_set[1]:find("[", 1, true))
  call:request("INFO"):expect(200)
  call:bye():expect(200)
end)

sip.test("st:proxy in a script's own server", function(t)
  local bob = callee(t)
  local edge = t:endpoint { name = "edge" }
  t:serve("edge", function()
    for st in edge:requests() do
      if st.request.method == "SUBSCRIBE" then st:reply(489) else st:proxy { to = bob, record_route = true } end
    end
  end)
  local alice = caller(t, edge)
  t:equal(alice:request("SUBSCRIBE", bob.aor):final().status, 489)
  local call = alice:invite(bob.aor)
  bob:incoming():answer()
  call:expect(200)
  t:equal(#call.dialog.route_set, 1)
  call:bye():expect(200)
end)

sip.test("credentials for the proxy's own realm end there, those for another go on (RFC 3261 22.3)", function(t)
  local inner = t:endpoint { name = "inner" }
  local edge = t:proxy { name = "edge", to = inner, auth = { realm = "edge.test", users = { alice = "secret" } } }
  local alice = t:ua { aor = "sip:alice@example.test", password = "secret", outbound_proxy = edge }
  local call = alice:invite "sip:bob@example.test"
  local first = inner:incoming "INVITE"
  t:equal(first.request["Proxy-Authorization"], nil)
  first:reply(407, { { "Proxy-Authenticate", sip.challenge { realm = "inner.test", nonce = "n" } } })
  local second = inner:incoming "INVITE"
  local passed = second.request:headers "Proxy-Authorization"
  t:equal(#passed, 1)
  t:ok(passed[1]:find('realm="inner.test"', 1, true), passed[1])
  t:equal(#call.invite:headers "Proxy-Authorization", 2)
  second:reply(486)
  t:equal(call:final().status, 486)
end)
