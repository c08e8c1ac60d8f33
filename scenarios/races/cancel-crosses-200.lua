-- CANCEL crosses the 200: the caller hangs up in the moment in which the callee picks up.
--
-- Plays both phones. The hold keeps bob's 200 on its way until alice's CANCEL has reached him, every time.
local sip = require "sip"

sip.symptom {
  title = "CANCEL crosses the 200",
  seen = "Now and then a callee picks up and hears nothing, although the caller gave up: a ghost call, which lasts until somebody hangs up "
    .. "and may be billed. The log has CANCEL and 200 to the INVITE within one round trip, and no 487.",
  cause = "A CANCEL has no effect on an INVITE that has its final response (RFC 3261 9.1). The caller took the call for over when it sent "
    .. "the CANCEL, and treats the 200 that comes after it as noise.",
  remedy = "The caller counts a call as cancelled when the 487 is there, not before. A 200 that comes in its place gets its ACK and, "
    .. "at once, a BYE.",
}

-- bob answers; his 200 is held until the CANCEL was answered. The call as alice sees it, then.
local function cross(t, alice, bob, invite, cancel)
  local held = t:hold { from = bob, to = alice, only = 200, method = "INVITE" }
  local call = alice:invite(bob, invite)
  call:expect(180)
  held:expect(200)
  call:cancel(cancel)
  t:sleep(0.05)
  held:release()
  return call
end

sip.test("the caller forgets a call that it cancelled: the callee waits in silence", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local bob = t:ua { aor = "sip:bob@example.test", timers = { T1 = 0.1 } }      -- patient for 6.4 s, not for 32
  local up
  t:spawn("bob", function()
    local call = bob:incoming()
    call:ring()
    call:answer()
    up = t:now()
    t:equal(call:ended { within = 10 }, "no ACK to the 2xx")
    t:near(t:now() - up, 6.4, 0.5, "64*T1")
  end)

  local call = cross(t, alice, bob, { ack = false }, { keep = true })
  t:equal(call:final().status, 200, "the answer to an INVITE that was cancelled too late")
end)

sip.test("remedied: the late 200 gets an ACK and a BYE", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  t:spawn("bob", function()
    local call = bob:incoming()
    call:ring()
    call:answer()
    call:expect("ACK")
    call:expect("BYE")
  end)

  local call = cross(t, alice, bob)
  t:equal(call:final().status, 200)
  t:equal(call:ended(), "CANCEL, crossed by a 2xx")
end)
