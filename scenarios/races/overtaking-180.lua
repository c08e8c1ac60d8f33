-- The 200 overtakes the 180: ringing arrives at a caller who is talking already.
--
-- Plays both phones. The hold keeps the 180 on its way until the call is up, every time.
local sip = require "sip"

sip.symptom {
  title = "The 200 overtakes the 180",
  seen = "Callers hear ringback over the voice of the callee, or the display says \"ringing\" through the whole call. It happens where the "
    .. "callee answers at once: voice mail, an automaton, a door.",
  cause = "UDP does not keep the order. The 180 arrives after the 200, and the phone goes back from talking to ringing in place of dropping "
    .. "a provisional response that comes after the final one.",
  remedy = "A response that comes after the final response changes nothing: the INVITE's client transaction has no state for it (RFC 3261 "
    .. "17.1.1.2, RFC 6026 7.2). Mend the phone; till then 100rel (RFC 3262) keeps the two in order.",
}

sip.test("a 180 that comes after the 200 changes nothing", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local held = t:hold { from = bob, to = alice, only = 180 }
  t:spawn("bob", function()
    local call = bob:incoming()
    call:ring()
    call:answer()
    call:expect("ACK")
    call:expect("BYE")
  end)

  local seen = alice.endpoint:watch()
  local call = alice:invite(bob)
  call:expect(200)
  held:expect(180)
  held:release()
  call:expect_none(0.2)                               -- it rings for nobody
  t:equal(call.state, "confirmed")
  call:bye():expect(200)

  local order = {}
  while seen:count() > 0 do
    local message = seen:take()
    if message.status and message.method == "INVITE" and message.status > 100 then order[#order + 1] = message.status end
  end
  t:equal(order, { 200, 180 }, "INVITE's responses as they came in")
end)
