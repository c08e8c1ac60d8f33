-- A script that waits for one method takes that alone from the actor's own answers.
local sip = require "sip"

local function pair(t, answers)
  return t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test", answers = answers }
end

sip.test("a UA that expects MESSAGE still answers OPTIONS by itself", function(t)
  local alice, bob = pair(t)
  t:spawn("bob", function()
    bob:expect "MESSAGE":reply(202)
  end)
  t:sleep(0.01)
  t:equal(alice:options(bob):final().status, 200)
  t:equal(alice:message(bob, "hello"):final().status, 202)
  t:equal(alice:options(bob):final().status, 200)
end)

sip.test("a call that expects INFO still answers a re-INVITE by itself", function(t)
  local alice, bob = pair(t)
  t:spawn("bob", function()
    local call = bob:incoming()
    call:answer()
    call:expect "INFO":reply(200)
    call:expect "BYE"
  end)
  local call = alice:invite(bob)
  call:expect(200)
  call:request("INVITE"):expect(200)
  call:request("INFO"):expect(200)
  call:bye():expect(200)
end)

sip.test("with the answer to BYE switched off, the script sees it as an event and answers it itself", function(t)
  local alice, bob = pair(t, { BYE = false })
  t:spawn("bob", function()
    local call = bob:incoming()
    call:answer()
    call:expect "BYE"
    for st in call:requests() do
      t:equal(st.request.method, "BYE")
      st:reply(481)
      break
    end
  end)
  local call = alice:invite(bob)
  call:expect(200)
  call:bye():expect(481)
end)

sip.test("with the answer to CANCEL switched off, the script sees it and nothing is answered", function(t)
  local alice, bob = pair(t, { CANCEL = false })
  t:spawn("bob", function()
    local call = bob:incoming()
    call:ring()
    call:expect "CANCEL"
    call:answer()
  end)
  local call = alice:invite(bob)
  call:expect(180)
  call:cancel { keep = true }
  call:expect(200)
  call:bye():expect(200)
end)

sip.test("a link of an actor who never was is named at the end", function(t)
  t:ua { aor = "sip:alice@example.test" }
  t:network { from = "alice", delay = 0.01 }
end)

sip.test("claimed from the beginning: what comes before the script expects it waits for it", function(t)
  local bob = t:ua { aor = "sip:bob@example.test", claims = { "REFER", "INVITE", "MESSAGE" } }
  local alice = t:ua { aor = "sip:alice@example.test" }
  t:serve("bob", function()
    local call = bob:incoming()
    call:answer()
    t:sleep(1)
    call:expect("REFER"):reply(603)
    call:expect("INVITE"):reply(488)
    bob:expect("MESSAGE"):reply(202)
  end)
  local call = alice:invite(bob)
  call:expect(200)
  local refer, again, message = call:refer("sip:carol@example.test"), call:reinvite(), alice:message(bob, "hello")
  refer:expect(603)
  again:expect(488)
  message:expect(202)
  t:near(t:now(), 1, require("_help").slack(t))
end)
