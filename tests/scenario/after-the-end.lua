-- What comes late: after a BYE there is no dialog any more, and an ACK belongs to one INVITE.
local sip = require "sip"

local function pair(t, more)
  more = more or {}
  more.aor = "sip:alice@example.test"
  return t:ua(more), t:ua { aor = "sip:bob@example.test" }
end

sip.test("a request within a call that has ended gets 481", function(t)
  local alice, bob = pair(t)
  t:spawn("bob", function()
    local call = bob:incoming()
    call:answer()
    call:expect "BYE"
  end)
  local call = alice:invite(bob)
  call:expect(200)
  call:bye():expect(200)
  call:request("INFO"):expect(481)
  call:request("INVITE"):expect(481)
end)

sip.test("BYEs of both sides at once: both get 200", function(t)
  t:network { delay = 0.05 }
  local alice, bob = pair(t)
  local meet = t:barrier(2)
  t:spawn("bob", function()
    local call = bob:incoming()
    call:answer()
    call:expect "ACK"
    meet:wait()
    call:bye():expect(200)
  end)
  local call = alice:invite(bob)
  call:expect(200)
  meet:wait()
  call:bye():expect(200)
end)

sip.test("a BYE while a re-INVITE waits for its answer: 487 to that, and the call stays ended", function(t)
  local alice, bob = pair(t)
  t:spawn("bob", function()
    local call = bob:incoming()
    call:answer()
    call:expect "INVITE"
    call:expect "BYE"
    t:ok(not pcall(function() call:answer() end), "a call that is over cannot be answered")
    t:equal(call.state, "terminated")
  end)
  local call = alice:invite(bob)
  call:expect(200)
  local again = call:request "INVITE"
  t:sleep(0.1)
  call:bye():expect(200)
  again:expect(487)
end)

sip.test("a challenge too large to be answered in a datagram is the final response, and the request can still be read", function(t)
  local alice, bob = pair(t, { password = "secret" })
  t:spawn("bob", function()
    bob:expect "OPTIONS":reply(401, { { "WWW-Authenticate",
      ('Digest realm="r", nonce="n", opaque="%s"'):format(("x"):rep(7900)) } })
  end)
  t:sleep(0.01)
  local request = alice:options(bob, { headers = { { "Subject", ("y"):rep(59000) } } })
  t:equal(request:final().status, 401)
  t:ok(request.why, "it says why the challenge was not answered")
  t:equal(request.state, "Completed")
end)

sip.test("two forks take turns: the CSeq of each goes on from where it was", function(t)
  local alice = t:ua { aor = "sip:alice@example.test", answers = { stray = true } }
  local edge = t:endpoint { name = "edge" }
  t:spawn("edge", function()
    local st = edge:incoming "INVITE"
    local contact = ("<%s>"):format(edge.uri)
    st:reply(183, { to_tag = "one", contact = contact })
    edge:incoming "INFO":reply(200)
    st:reply(183, { to_tag = "two", contact = contact })
    st:reply(183, { to_tag = "one", contact = contact })
    local second = edge:incoming "INFO"
    t:equal(second.request.to_tag, "one")
    t:equal(second.request.cseq, 3)
    second:reply(200)
    st:reply(486)
  end)
  local call = alice:invite(edge.uri)
  call:expect(183)
  call:request("INFO"):expect(200)
  call:expect(183)
  call:expect(183)
  call:request("INFO"):expect(200)
  call:expect(486)
end)
