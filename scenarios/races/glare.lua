-- Glare: both sides of a call send a re-INVITE at the same moment, and each refuses the other's.
--
-- Plays both phones. The hold keeps both re-INVITEs on their way until both are sent, every time.
local sip = require "sip"

sip.symptom {
  title = "491 Request Pending, again and again",
  seen = "Hold, resume or a session refresh fails now and then; the log has two re-INVITEs that cross and a 491 to each, sometimes several "
    .. "times in a row until one side gives up.",
  cause = "Both sides offered at once. A UA that waits for the answer to its own re-INVITE refuses the other's with 491 (RFC 3261 14.2). "
    .. "Who tries again at once, or after the same pause as the other, meets it again.",
  remedy = "After a 491 wait a random time: 2.1 to 4 s for the side that made the Call-ID, 0 to 2 s for the other (RFC 3261 14.1).",
}

-- A call that is up: alice's side and bob's.
local function connected(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local theirs
  local answering = t:spawn("bob", function()
    theirs = bob:incoming()
    theirs:answer()
    theirs:expect("ACK")
  end)
  local mine = alice:invite(bob)
  mine:expect(200)
  answering:join()
  return mine, theirs
end

-- Both offer, and the two re-INVITEs cross.
local function cross(t, mine, theirs, given)
  local held = t:hold { only = "INVITE" }
  local one, other = mine:reinvite(given), theirs:reinvite(given)
  held:expect("INVITE")
  held:expect("INVITE")
  held:release()
  return one, other
end

sip.test("both try again at once: 491 three times over", function(t)
  local mine, theirs = connected(t)
  for _ = 1, 3 do
    local one, other = cross(t, mine, theirs, { retry = false })
    one:expect(491)
    other:expect(491)
  end
  t:equal(mine.state, "confirmed", "the call itself goes on")
  mine:bye():expect(200)
end)

sip.test("remedied: each waits its own time, and both get through", function(t)
  local mine, theirs = connected(t)
  local one, other = cross(t, mine, theirs)            -- a 491 makes them wait and try once more
  other:expect(200)
  t:ok(t:now() < 2.1, "the side that did not make the Call-ID goes first")
  one:expect(200)
  t:ok(t:now() >= 2.1, "the side that made it waits longer")
  mine:bye():expect(200)
end)
