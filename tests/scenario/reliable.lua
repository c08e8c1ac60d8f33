-- Reliable provisionals: 100rel, RSeq, PRACK and RAck (RFC 3262).
local sip = require "sip"
local failure_of = require("_help").failure_of

local function phones(t, given)
  return t:ua { aor = "sip:alice@example.test" }, t:ua(given or { aor = "sip:bob@example.test" })
end

sip.test("a reliable 183 is acknowledged by a PRACK, by itself", function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob, { reliable = true })
  t:equal(call.invite["Supported"], "100rel")
  local incoming = bob:incoming()
  local progress = incoming:reply(183, { reliable = true, sdp = true })
  t:equal(progress["Require"], "100rel")
  local got = call:expect(183)
  t:ok(#got.body > 0 and got["RSeq"])
  local prack = incoming:expect "PRACK"
  t:equal(prack["RAck"], ("%s %d INVITE"):format(progress["RSeq"], call.invite.cseq))
  t:equal(prack.body, "")
  incoming:ring { reliable = true }
  t:equal(tonumber(call:expect(180)["RSeq"]), tonumber(progress["RSeq"]) + 1)
  incoming:expect "PRACK"
  t:equal(incoming:answer().body, "", "the answer went with the 183 (RFC 3262 5)")
  call:expect(200)
  t:sleep(2)
  t:equal(call.repeated_reliable, 0)
  local again = call:reinvite()
  t:ok(#again:expect(200).body > 0, "a re-INVITE is answered again")
  call:bye():expect(200)
end)

sip.test("a caller that requires them gets them without being asked", function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob, { reliable = "required" })
  t:equal(call.invite["Require"], "100rel")
  local incoming = bob:incoming()
  incoming:ring()
  t:equal(call:expect(180)["Require"], "100rel")
  incoming:expect "PRACK"
  incoming:answer()
  call:expect(200)
end)

sip.test("a lost PRACK and a lost 180: both come again, the script sees each once", { timeout = 90 }, function(t)
  local alice, bob = phones(t)
  local ringing, pracks, oks = t:hold { only = 180 }, t:hold { only = "PRACK" }, t:hold { only = 200, method = "PRACK" }
  local call = alice:invite(bob, { reliable = true })
  local incoming = bob:incoming()
  incoming:ring { reliable = true }
  ringing:drop(ringing:expect(180))
  ringing:release()                            -- the second 180 arrives
  call:expect(180)
  pracks:drop(pracks:expect("PRACK"))
  pracks:release()
  incoming:expect "PRACK"
  oks:drop(oks:expect(200))                    -- its 200 is lost as well: the PRACK comes once more
  oks:release()
  t:equal(incoming:expect("PRACK", { within = 5, optional = true }), nil)
  incoming:answer()
  call:expect(200)
end)

sip.test("without a PRACK the 180 is repeated at T1 doubling, and after 64 T1 the INVITE is refused", { timeout = 60 }, function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob, { reliable = true, prack = false })
  local watch = bob.endpoint:watch()
  local incoming = bob:incoming()
  incoming:ring { reliable = true }
  t:equal(call:final { within = 40 }.status, 504)
  local times = {}
  for message in watch:messages() do
    if message.status == 180 then times[#times + 1] = message.time end
    if message.status == 504 then break end
  end
  t:equal(#times, 7)
  for i, gap in ipairs { 0.5, 1, 2, 4, 8, 16 } do t:near(times[i + 1] - times[i], gap, require("_help").slack(t)) end
end)

sip.test("a PRACK by hand, a wrong one, and one too many", function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob, { reliable = true, prack = false })
  local incoming = bob:incoming()
  incoming:ring { reliable = true }
  local ringing = call:expect(180)
  call:prack(ringing, { headers = { { "RAck", "1 2 INVITE" } } }):expect(481)
  call:prack(ringing):expect(200)
  incoming:expect "PRACK"
  call:prack(ringing):expect(481)
  incoming:answer()
  call:expect(200)
  t:ok(failure_of(call.prack, call, call.response):find("no PRACK: 200 is no reliable provisional of this call", 1, true))
end)

sip.test("out of order: what comes before its turn waits for its repetition", { timeout = 60 }, function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local gateway = t:endpoint { name = "gateway" }
  local call = alice:invite(gateway.uri, { reliable = true })
  local st = gateway:incoming("INVITE")
  local function reliably(status, rseq)
    return st:reply(status, { to_tag = "gw", headers = { { "Contact", ("<%s>"):format(gateway.uri) }, { "Require", "100rel" }, { "RSeq", rseq } } })
  end
  reliably(183, 7)
  call:expect(183)
  local prack = gateway:incoming("PRACK")
  t:equal(prack.request["RAck"], "7 1 INVITE")
  prack:reply(200)
  reliably(180, 9)                                                      -- overtook 8
  t:equal(gateway:incoming("PRACK", { within = 1, optional = true }), nil)
  reliably(182, 8)
  call:expect(182)
  gateway:incoming("PRACK"):reply(200)
  reliably(182, 8)                                                      -- again: nothing happens
  t:equal(gateway:incoming("PRACK", { within = 1, optional = true }), nil)
  reliably(180, 9)
  call:expect(180)
  local last = gateway:incoming("PRACK")
  t:equal(last.request["RAck"], "9 1 INVITE")
  last:reply(200)
  st:reply(486)
  t:equal(call:final().status, 486)
end)

sip.test("PRACKs between do not count as answers to the challenges of the INVITE", { timeout = 120 }, function(t)
  local alice, box = t:ua { aor = "sip:alice@example.test", password = "secret" }, t:endpoint { name = "box" }
  local call = alice:invite(box.uri, { reliable = true })
  local tries = 0
  t:serve("box", function()
    for st in box:requests() do
      if st.request.method == "INVITE" then
        tries = tries + 1
        local nonce = ("n%d"):format(tries)
        st:reply(183, { to_tag = nonce, headers = { { "Contact", ("<%s>"):format(box.uri) }, { "Require", "100rel" }, { "RSeq", 1 } } })
        box:incoming("PRACK"):reply(200)
        st:reply(401, { { "WWW-Authenticate", sip.challenge { realm = "example.test", nonce = nonce } } })
      else
        st:reply(200)
      end
    end
  end)
  t:equal(call:final { within = 60 }.status, 401)
  t:equal(call.why, 'realm "example.test" refused 1 answer')
  t:equal(tries, 2)
end)

sip.test("after a challenge the same To tag is a new dialog, whose RSeq begins anew", function(t)
  local alice, box = t:ua { aor = "sip:alice@example.test", password = "secret" }, t:endpoint { name = "box" }
  local call = alice:invite(box.uri, { reliable = true })
  local function ring(st, rseq)
    st:reply(183, { to_tag = "same", headers = { { "Contact", ("<%s>"):format(box.uri) }, { "Require", "100rel" }, { "RSeq", rseq } } })
    call:expect(183)
    local prack = box:incoming("PRACK")
    prack:reply(200)
    return prack.request
  end
  local st = box:incoming "INVITE"
  t:equal(ring(st, 50)["RAck"], "50 1 INVITE")
  st:reply(407, { { "Proxy-Authenticate", sip.challenge { realm = "example.test", nonce = "n" } } })
  st = box:incoming "INVITE"
  t:equal(ring(st, 7)["RAck"], "7 2 INVITE")
  t:equal({ call.forks[1].state, call.forks[2].state, call.dialog == call.forks[2] }, { "terminated", "early", true })
  st:reply(200, { to_tag = "same", headers = { { "Contact", ("<%s>"):format(box.uri) } } })
  call:expect(200)
  t:equal(box:take().cseq, 2, "the ACK")
end)

sip.test("two PRACKs under way that are both challenged go out again both", function(t)
  local alice, box = t:ua { aor = "sip:alice@example.test", password = "secret" }, t:endpoint { name = "box" }
  alice:invite(box.uri, { reliable = true })
  local st = box:incoming "INVITE"
  for rseq = 1, 2 do
    st:reply(183, { to_tag = "box", headers = { { "Contact", "<" .. box.uri .. ">" }, { "Require", "100rel" }, { "RSeq", rseq } } })
  end
  local pracks = { box:incoming "PRACK", box:incoming "PRACK" }
  for _, prack in ipairs(pracks) do
    prack:reply(407, { { "Proxy-Authenticate", sip.challenge { realm = "example.test", nonce = "n" } } })
  end
  local seen = {}
  for i = 1, 2 do
    local again = box:incoming "PRACK"
    t:ok(again.request["Proxy-Authorization"])
    seen[i] = again.request["RAck"]
    again:reply(200)
  end
  table.sort(seen)
  t:equal(seen, { "1 1 INVITE", "2 1 INVITE" })
end)

sip.test("each fork counts its own RSeq", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local fork = t:endpoint { name = "fork" }
  local call = alice:invite(fork.uri, { reliable = true })
  local st = fork:incoming("INVITE")
  for _, tag in ipairs { "one", "two", "one", "two" } do
    local rseq = (tag == "one" and 100 or 500) + #call.forks // 2
    st:reply(183, { to_tag = tag, headers = { { "Contact", ("<%s>"):format(fork.uri) }, { "Require", "100rel" }, { "RSeq", rseq } } })
    call:expect(183)
    local prack = fork:incoming("PRACK")
    t:equal(prack.request.to_tag, tag)
    t:equal(prack.request["RAck"], rseq .. " 1 INVITE")
    prack:reply(200)
  end
end)

sip.test("an offer in the reliable 183 is answered in the PRACK; an offer in the PRACK in its 200", function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob, { reliable = true, sdp = false })
  local incoming = bob:incoming()
  incoming:reply(183, { reliable = true, sdp = true })
  call:expect(183)
  t:ok(#incoming:expect("PRACK").body > 0, "the answer")
  t:equal(incoming:answer().body, "", "no further description (RFC 3261 13.2.1)")
  call:expect(200)
  t:equal(incoming:expect("ACK").body, "", "it was given already")
  t:ok(#call:request("INVITE", { sdp = false }):expect(200).body > 0, "a re-INVITE has its own offer")
  t:ok(#incoming:expect("ACK").body > 0, "and its own answer")

  local second = alice:invite(bob, { reliable = true, prack = false })
  incoming = bob:incoming()
  incoming:reply(183, { reliable = true, sdp = true })
  local answer = second:prack(second:expect(183), { sdp = true }):expect(200)
  t:ok(#answer.body > 0)
end)

sip.test("an offer in the 200 behind a reliable 180 without one is answered in the ACK", function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob, { reliable = true, sdp = false })
  local incoming = bob:incoming()
  incoming:ring { reliable = true }
  t:equal(incoming:expect("PRACK").body, "")
  incoming:answer()
  call:expect(200)
  t:ok(#incoming:expect("ACK").body > 0)
end)

sip.test("a PRACK by hand of the callee's, whose INVITE within the call got a reliable provisional", function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob)
  local incoming = bob:incoming()
  incoming:answer()
  call:expect(200)
  incoming:expect "ACK"
  local again = incoming:request "INVITE"
  local st = call:expect "INVITE"
  st:reply(183, { sdp = call.invite.body, headers = { { "Require", "100rel" }, { "RSeq", "5" } } })
  local prack = incoming:prack(again:expect(183))
  t:equal({ prack.request["RAck"], prack.request.body }, { ("5 %d INVITE"):format(again.request.cseq), "" })
  prack:expect(481)                                                     -- it was not call:ring { reliable = true }
  st:reply(488)
end)

sip.test("UPDATE in the early dialog (RFC 3311)", function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob, { reliable = true })
  local incoming = bob:incoming()
  incoming:reply(183, { reliable = true, sdp = true })
  call:expect(183)
  incoming:expect "PRACK"
  local held = call:update { sdp = true, direction = "sendonly" }
  t:ok(held:expect(200).body:find "a=recvonly")
  t:ok(incoming:update { sdp = true, direction = "sendrecv" }:expect(200).body:find "a=sendonly")
  incoming:answer()
  call:expect(200)
  call:bye():expect(200)
end)

sip.test("a caller that does not know them is not made to; by hand it can be", function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob)
  local incoming = bob:incoming()
  t:ok(failure_of(incoming.ring, incoming, { reliable = true }):find("the caller does not know reliable provisionals", 1, true))
  incoming:reply(183, { headers = { { "Require", "100rel" }, { "RSeq", 5 } } })
  call:expect(183)
  t:equal(bob:expect("PRACK", { within = 1, optional = true }), nil, "it goes to the call")
  incoming:answer()
  call:expect(200)
end)

sip.test("the answers to PRACK switched off: the script's", function(t)
  local alice, bob = phones(t, { aor = "sip:bob@example.test", answers = { PRACK = false } })
  local call = alice:invite(bob, { reliable = true })
  local incoming = bob:incoming()
  incoming:ring { reliable = true }
  call:expect(180)
  local prack = incoming:requests()()
  t:equal(prack.request.method, "PRACK")
  prack:reply(488)
  incoming:reject()
  t:equal(call:final().status, 486)
end)
