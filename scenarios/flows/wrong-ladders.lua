-- What the flows beside this one rest on: a ladder that is not what was on the wire fails, and says where it differs.
local sip = require "sip"
local ladder = require "_ladder"

-- A call that is refused, the INVITE sent three times; and the ladder of it.
local right = [[
  F1 INVITE Alice -> Bob
  F2-F3 INVITE again Alice -> Bob
  F4 100 Trying Bob -> Alice
  F5 180 Ringing Bob -> Alice
  F6 486 Busy Here Bob -> Alice
  F7 ACK Alice -> Bob
]]

local function refused_call(t)
  local bob = t:endpoint { name = "Bob", timers = { trying = false } }
  local alice = t:ua { name = "Alice", aor = "sip:alice@example.test", timers = { T1 = 0.1 } }
  local wire = ladder.watch(t, { alice, bob })
  local call = alice:invite(bob)
  local st = bob:incoming("INVITE")
  t:sleep(0.5)                                            -- Alice asks again at 0.1 and 0.3 s
  st:reply(100)
  st:reply(180)
  st:reply(486)
  call:expect(486)
  st:expect("ACK")
  return wire
end

-- The ladder with one line exchanged must fail with this text.
local function must_fail(t, wire, old, new, text)
  local ok, message = pcall(wire.expect, wire, t:replace(right, old, new))
  t:ok(not ok, "a wrong ladder passed")
  t:ok(tostring(message):find(text, 1, true), ("it says: %s"):format(message))
end

sip.test("the right ladder passes and gives the messages by number", function(t)
  local F = refused_call(t):expect(right)
  t:equal({ F[1].method, F[4].status, F[6].status, F[7].method }, { "INVITE", 100, 486, "ACK" })
end)

sip.test("another status, method, reason, sender or receiver", function(t)
  local wire = refused_call(t)
  must_fail(t, wire, "486 Busy Here", "487", 'differs at F6: wanted "F6 487 Bob -> Alice", on the wire: "486 Busy Here Bob -> Alice" (frame 6)')
  must_fail(t, wire, "486 Busy Here", "486 Busy Everywhere", "differs at F6")
  must_fail(t, wire, "F7 ACK Alice", "F7 BYE Alice", 'on the wire: "ACK Alice -> Bob"')
  must_fail(t, wire, "F7 ACK Alice -> Bob", "F7 ACK Bob -> Alice", "differs at F7")
end)

sip.test("a line too few, too many, or in another order", function(t)
  local wire = refused_call(t)
  must_fail(t, wire, "F7 ACK Alice -> Bob", "", 'the ladder ends, but on the wire there was more: "ACK Alice -> Bob"')
  must_fail(t, wire, "F7 ACK Alice -> Bob", "F7 ACK Alice -> Bob\nF8 BYE Alice -> Bob", 'differs at F8: wanted "F8 BYE Alice -> Bob", on the wire: nothing more')
  must_fail(t, wire, "F5 180 Ringing Bob -> Alice\n", "", "differs at F6")
  must_fail(t, wire, "F6 486 Busy Here Bob -> Alice\n  F7 ACK Alice -> Bob", "F6 ACK Alice -> Bob\n  F7 486 Busy Here Bob -> Alice", "differs at F6")
end)

sip.test("retransmissions and 100 Trying, where the ladder shows them", function(t)
  local wire = refused_call(t)
  must_fail(t, wire, "F2-F3", "F2", "differs at F2: wanted INVITE Alice -> Bob 1 times again, on the wire it came 2 times again")
  must_fail(t, wire, "F5 180 Ringing", "F5-F6 486 again Bob -> Alice\n F7 180 Ringing", "F5-F6: no line before has 486 Bob -> Alice")
  must_fail(t, wire, "F4 100 Trying Bob -> Alice", "F4 100 Trying Alice -> Bob", "differs at F4: there was no 100 Trying Alice -> Bob before another answer")
end)

sip.test("what is no line of a ladder", function(t)
  local wire = refused_call(t)
  must_fail(t, wire, "F7 ACK Alice -> Bob", "F7 ACK Alice -> Carol", 'not a line of a ladder: "F7 ACK Alice -> Carol"')
  must_fail(t, wire, "F7 ACK Alice -> Bob", "ACK Alice -> Bob", "not a line of a ladder")
end)

sip.test("what goes on at several places at once", function(t)
  local bob, carol = t:ua { name = "Bob", aor = "sip:bob@example.test" }, t:ua { name = "Carol", aor = "sip:carol@example.test" }
  local alice = t:ua { name = "Alice", aor = "sip:alice@example.test" }
  local wire = ladder.watch(t, { alice, bob, carol })
  local first, second = alice:options(bob), alice:options(carol)
  first:expect(200)
  second:expect(200)
  local together = [[
    | F1 OPTIONS Alice -> Bob
    | F2 200 OK Bob -> Alice
    | F3 OPTIONS Alice -> Carol
    | F4 200 OK Carol -> Alice
  ]]
  local ok, message = pcall(wire.expect, wire, t:replace(together, "F4 200", "F4 202"))
  t:ok(not ok and tostring(message):find('differs at F4: wanted "F4 202 OK Carol -> Alice", on the wire: "200 OK Carol', 1, true), message)
  ok, message = pcall(wire.expect, wire, t:replace(together, "Alice -> Carol", "Bob -> Carol"))
  t:ok(not ok and tostring(message):find("differs at F4", 1, true), message)
  ok, message = pcall(wire.expect, wire, together .. "| F5 BYE Alice -> Bob")
  t:ok(not ok and tostring(message):find('differs at F5: wanted "F5 BYE Alice -> Bob", on the wire: nothing more', 1, true), message)
  local F = wire:expect(together)
  t:equal(F[2].call_id, F[1].call_id)
  t:equal(F[4].call_id, F[3].call_id)
  t:ok(F[3].frame < F[2].frame, "and yet it was so")
end)
