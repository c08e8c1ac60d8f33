-- INVITE with Replaces (RFC 3891).
local sip = require "sip"

local function phones(t)
  return t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }, t:ua { aor = "sip:carol@example.test" }
end

-- What names a call to the one who has it with us: as Refer-To would, seen from the other side.
local function replaces(dialog, flag)
  return ("%s;to-tag=%s;from-tag=%s%s"):format(dialog.call_id, dialog.remote_tag, dialog.local_tag, flag or "")
end

local function connect(from, to)
  local call = from:invite(to)
  local incoming = to:incoming()
  incoming:answer()
  call:expect(200)
  incoming:expect "ACK"
  return call, incoming
end

sip.test("a call takes the place of another: answered, and the old one is hung up", function(t)
  local alice, bob, carol = phones(t)
  local call, incoming = connect(alice, bob)
  local new = carol:invite(bob, { headers = { Replaces = replaces(call.dialog) } })
  local taken = bob:incoming()
  t:equal(taken.replaces, incoming)
  t:equal(incoming.state, "confirmed", "until the new one is answered")
  taken:answer()
  new:expect(200)
  call:expect "BYE"
  t:equal(incoming.ended_by, "replaced")
  new:bye():expect(200)
end)

sip.test("an early call of the callee's own is cancelled (call pickup)", function(t)
  local alice, bob, carol = phones(t)
  local call = bob:invite(alice)
  local ringing = alice:incoming()
  ringing:ring()
  call:expect(180)
  local pickup = carol:invite(bob, { headers = { Replaces = replaces(ringing.dialog, ";early-only") } })
  local taken = bob:incoming()
  t:equal(taken.replaces, call)
  taken:answer()
  pickup:expect(200)
  ringing:expect "CANCEL"
  t:equal(call:final().status, 487)
end)

sip.test("refused: unknown 481, over 603, answered but early-only 486, ringing here 481, malformed 400", function(t)
  local alice, bob, carol = phones(t)
  local function refused(status, value)
    t:equal(carol:invite(bob, { headers = { { "Replaces", value } } }):final().status, status, value)
  end
  local call = connect(alice, bob)
  refused(481, "nobody@example.test;to-tag=a;from-tag=b")
  refused(486, replaces(call.dialog, ";early-only"))
  refused(400, call.dialog.call_id)
  refused(400, call.dialog.call_id .. ";to-tag=x")
  local value = replaces(call.dialog)
  call:bye():expect(200)
  refused(603, value)
  local ring = alice:invite(bob)
  local incoming = bob:incoming()
  incoming:ring()
  ring:expect(180)
  refused(481, replaces(ring.dialog))
  local twice = carol:build("INVITE", { uri = bob.uri, headers = { { "Replaces", value }, { "Replaces", value } } })
  carol.endpoint:send(twice.bytes, bob.uri)
  t:equal(carol.endpoint:take().status, 400)
end)

sip.test("switched off, it is a call like any other", function(t)
  local alice, _, carol = phones(t)
  local dave = t:ua { aor = "sip:dave@example.test", answers = { Replaces = false } }
  local call, incoming = connect(alice, dave)
  local new = carol:invite(dave, { headers = { Replaces = replaces(call.dialog) } })
  local taken = dave:incoming()
  t:equal(taken.replaces, nil)
  taken:answer()
  new:expect(200)
  t:equal(incoming.state, "confirmed")
end)

sip.test("Replaces required of one that does not know it: 420", function(t)
  local _, _, carol = phones(t)
  local old = t:ua { aor = "sip:old@example.test", supports = {} }
  local answer = carol:invite(old, { headers = { Require = "replaces" } }):final()
  t:equal({ answer.status, answer["Unsupported"] }, { 420, "replaces" })
end)
