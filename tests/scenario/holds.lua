-- Holds: messages stay at their sender until the script lets them go, so that races come out the same every time.
local sip = require "sip"
local help = require "_help"

local function ends(t) return t:endpoint { name = "a" }, t:endpoint { name = "b" } end

local function phones(t) return t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" } end

-- A call that is up: alice's side and bob's.
local function connected(t, alice, bob)
  local theirs
  local answering = t:spawn("bob answers", function()
    theirs = bob:incoming()
    theirs:answer()
    theirs:expect("ACK")
  end)
  local call = alice:invite(bob)
  call:expect(200)
  answering:join()
  return call, theirs
end

local function summaries(messages)
  local list = {}
  for i, message in ipairs(messages) do list[i] = tostring(message) end
  return list
end

-- What arrives at an endpoint within a moment.
local function arrivals(t, endpoint)
  local list = {}
  while true do
    local message = endpoint:take { within = 0.3, optional = true }
    if not message then return list end
    list[#list + 1] = message.bytes
  end
end

-- --- the races ---

sip.test("CANCEL crosses the 200", { strict = true }, function(t)
  local alice, bob = phones(t)
  local held = t:hold { from = bob, to = alice, only = 200, method = "INVITE" }
  t:spawn("bob", function()
    local call = bob:incoming()
    call:ring()
    call:answer()
    call:expect("ACK", { within = 10 })
    call:expect("BYE")
    t:equal(call:ended(), "remote BYE")
  end)

  local call = alice:invite(bob)
  call:expect(180)
  local answer = held:expect(200)
  t:equal(answer.method, "INVITE")
  t:equal(answer.to_tag ~= nil, true)
  call:cancel { keep = true }
  t:sleep(0.2)                                  -- the 200 to the CANCEL is none of the INVITE's
  call:expect_none(0)
  held:release()
  call:expect(200)                              -- and no 487
  call:bye():expect(200)
end)

sip.test("re-INVITE glare: both sides offer at once, both get 491", { strict = true }, function(t)
  local alice, bob = phones(t)
  local mine, theirs = connected(t, alice, bob)
  local held = t:hold { only = "INVITE" }       -- both ways
  local one, other = mine:request("INVITE"), theirs:request("INVITE")
  local first, second = held:expect("INVITE"), held:expect("INVITE")
  t:ok(first.from_tag ~= second.from_tag, "one of each side")
  t:equal(#held.messages, 2)
  held:release()
  one:expect(491)
  other:expect(491)
  mine:bye():expect(200)
end)

sip.test("the 180 is overtaken by the 200", { strict = true }, function(t)
  local alice, bob = phones(t)
  local held = t:hold { from = bob, to = alice, only = 180 }
  t:spawn("bob", function()
    local call = bob:incoming()
    call:ring()
    call:answer()
    call:expect("BYE")
  end)
  local call = alice:invite(bob)
  call:expect(200)                              -- no 180 before it
  held:expect(180, 0)
  held:release()
  call:expect_none(0.5)                         -- a call that is up rings no more
  t:equal(call.state, "confirmed")
  call:bye():expect(200)
end)

sip.test("a lost ACK: the 200 is repeated until one comes", { strict = true }, function(t)
  local alice, bob = phones(t)
  local held = t:hold { from = "alice", only = "ACK" }
  t:spawn("bob", function()
    local call = bob:incoming()
    call:answer()
    call:expect("ACK")
    t:near(t:now(), 1.5, help.slack(t), "the 200 at 0, 0.5 and 1.5 s")
    call:expect("BYE")
  end)
  local call = alice:invite(bob)
  call:expect(200)
  held:drop(held:expect("ACK"))
  held:drop(held:expect("ACK"))
  held:expect("ACK")
  held:release()
  t:equal(call.repeated_responses, 2)
  call:bye():expect(200)
end)

sip.test("BYE crosses BYE: both get 200", { strict = true }, function(t)
  local alice, bob = phones(t)
  local mine, theirs = connected(t, alice, bob)
  local held = t:hold { only = "BYE" }
  local one, other = mine:bye(), theirs:bye()
  held:expect("BYE")
  held:expect("BYE")
  held:release()
  t:equal(one:final().status, 200)
  t:equal(other:final().status, 200)
end)

sip.test("a held retransmission comes when all is over", { strict = true }, function(t)
  local alice, bob = phones(t)
  local invite = t:hold { from = alice, to = bob, only = "INVITE" }
  t:spawn("bob", function()
    local call = bob:incoming()
    call:answer()
    call:expect("BYE")
  end)
  local call = alice:invite(bob)
  local first = invite:expect("INVITE")
  local again = invite:expect("INVITE")         -- timer A
  t:equal(first.bytes, again.bytes)
  t:near(again.time - first.time, 0.5, help.slack(t))
  invite:release(first)
  call:expect(200)
  call:bye():expect(200)
  invite:release()                              -- after the end of its call
  t:sleep(0.5)
  t:ok(not bob:incoming { within = 0, optional = true }, "a retransmission made another call")
end)

-- --- what a hold takes ---

sip.test("raw datagrams: all of them, none but SIP, those of one link", function(t)
  local a, b = ends(t)
  local c = t:endpoint { name = "c" }
  local sip_only = t:hold { from = a, only = { "OPTIONS", "3xx" } }
  a:send("not SIP", b)
  a:send("SIP/2.0 302 Moved\r\nCSeq: 1 INVITE\r\n\r\n", b)
  a:send("SIP/2.0 400 Bad\r\nCSeq: 1 OPTIONS\r\n\r\n", b)
  a:send("OPTIONS sip:b SIP/2.0\r\n\r\n", b)
  c:send("OPTIONS sip:b SIP/2.0\r\n\r\n", b)
  t:equal(arrivals(t, b), { "not SIP", "SIP/2.0 400 Bad\r\nCSeq: 1 OPTIONS\r\n\r\n", "OPTIONS sip:b SIP/2.0\r\n\r\n" })
  t:equal(#sip_only.messages, 2)
  t:equal(sip_only:expect("OPTIONS").request_uri, "sip:b")
  t:equal(sip_only:expect("3xx").status, 302, "passed over before")
  sip_only:drop()
  local all = t:hold { from = c }
  c:send("\0\1 not SIP", b)
  c:send("", b)
  t:equal(arrivals(t, b), {})
  all:release()
  t:equal(arrivals(t, b), { "\0\1 not SIP", "" })
end)

sip.test("the newest hold that matches takes it; what it lets go, no other takes", function(t)
  local a, b = ends(t)
  local all = t:hold { to = b }
  local options = t:hold { from = a, only = "OPTIONS" }
  a:send("OPTIONS sip:b SIP/2.0\r\n\r\n", b)
  a:send("INFO sip:b SIP/2.0\r\n\r\n", b)
  t:equal(summaries(options.messages), { "OPTIONS sip:b" })
  t:equal(summaries(all.messages), { "INFO sip:b" })
  options:release()
  t:equal(arrivals(t, b), { "OPTIONS sip:b SIP/2.0\r\n\r\n" })
  a:send("OPTIONS sip:c SIP/2.0\r\n\r\n", b)
  t:equal(summaries(all.messages), { "INFO sip:b", "OPTIONS sip:c" })
  all:drop()
  t:equal(all.messages, {})
  a:send("3", b)
  t:equal(arrivals(t, b), { "3" })
end)

sip.test("let go in another order; some are lost; a released one meets the faults of its link", function(t)
  local a, b = ends(t)
  local held = t:hold { from = a, to = b }
  for i = 1, 4 do a:send(tostring(i), b) end
  local messages = held.messages
  held:release(messages[3])
  held:drop(messages[1])
  held:release(messages[2])
  t:equal(arrivals(t, b), { "3", "2" })
  t:network { from = a, to = b, delay = 2 }
  local then_ = t:now()
  held:release()
  t:near(b:take().time - then_, 2, help.slack(t))
end)

sip.test("waiting: in vain, for what was passed over, with a check; messages know where they go", function(t)
  local a, b = ends(t)
  local held = t:hold { from = a }
  local none, why = held:expect(200, { within = 0.1, optional = true })
  t:equal({ none, why }, { nil, "timeout" })
  t:spawn("later", function()
    t:sleep(1)
    a:send("INFO sip:b SIP/2.0\r\n\r\n", b)
    a:send("SIP/2.0 200 OK\r\nCSeq: 9 INFO\r\n\r\n", b)
  end)
  local checked
  local message = held:expect(200, 3, function(m) checked = m.cseq end)
  t:equal(checked, 9)
  t:near(message.time, t:now(), help.slack(t))
  local info = held:expect "INFO"
  held:drop(info)
  a:send("INFO sip:again SIP/2.0\r\n\r\n", b)
  t:equal(held:expect("INFO").request_uri, "sip:again", "one that was let go is expected no more")
  held:drop()
end)

-- --- what goes wrong ---

sip.test("failures say what was held, and where the hold stands", function(t)
  local a, b = ends(t)
  local held = t:hold { from = a, to = b, only = { "2xx", "BYE" }, method = "BYE" }
  local text = help.failure_of(held.expect, held, "BYE", 0.1)
  t:ok(text:find("the hold of 2xx or BYE (BYE) from a to b wanted BYE within 0.1 s, got nothing", 1, true), text)
  a:send("SIP/2.0 200 OK\r\nCSeq: 1 BYE\r\n\r\n", b)
  text = help.failure_of(held.expect, held, "BYE", 0.1)
  t:ok(text:find("got nothing; it holds 200 OK (BYE)", 1, true), text)
  local message = held:expect "2xx"
  held:release(message)
  text = help.failure_of(held.release, held, message)
  t:ok(text:find("release: the hold of 2xx or BYE (BYE) from a to b (", 1, true), text)
  t:ok(text:find("holds.lua:", 1, true) and text:find("does not hold 200 OK (BYE) (any more)", 1, true), text)
  text = help.failure_of(held.drop, held, nil)
  t:ok(text:find("drop wants a message that is held, got nil", 1, true), text)
  held:release()
  held:release()                                        -- is over: nothing to do
  text = help.failure_of(held.expect, held, "BYE")
  t:ok(text:find("has ended: nothing will be held any more", 1, true), text)
  t:equal(#arrivals(t, b), 1)
end)

sip.test("one task at a time waits for a hold", function(t)
  local a, b = ends(t)
  local held = t:hold { from = a }
  local first = t:spawn("first", function() held:expect("INFO", 10) end)
  t:sleep(0.1)
  local text = help.failure_of(held.expect, held, "BYE")
  t:ok(text:find("another task waits for it, at ", 1, true), text)
  first:cancel()
  first:join()
  a:send("BYE sip:b SIP/2.0\r\n\r\n", b)
  held:expect("BYE", 0)
  held:drop()
end)

sip.test("a hold that ends wakes who waits for it", function(t)
  local held = t:hold {}
  t:endpoint()
  t:spawn("ends it", function()
    t:sleep(0.5)
    held:release()
  end)
  local text = help.failure_of(held.expect, held, 200, 5)
  t:ok(text:find("has ended", 1, true), text)
  t:near(t:now(), 0.5, help.slack(t))
end)

sip.test("wrong options", function(t)
  local function says(text, given)
    local got = help.failure_of(t.hold, t, given)
    t:ok(got:find(text, 1, true), got)
  end
  says('t:hold has no option "onyl" (did you mean "only"?)', { onyl = 200 })
  says("t:hold: only: 99 is no SIP status", { only = 99 })
  says('t:hold: only wants a status, a class like "2xx", a method', { only = { 200, "ok" } })
  says("t:hold: only wants a status", { only = {} })
  says("t:hold: method wants a method, got 200", { method = 200 })
  says("t:hold: from and to want an actor or its name, got number", { from = 1 })
end)
