-- RFC 5359 2.15: Bob parks Alice at a server, whose call replaces his (RFC 3891). Carol asks the server once for the dialog (RFC 4235, with
-- "Expires: 0"), and calls Alice with Replaces: so she picks her up.
local sip = require "sip"
local ladder = require "_ladder"
local dialog_info = require "_dialog_info"

sip.test("RFC 5359 2.15: call park", function(t)
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com" }
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local server = t:ua { name = "Park Server", aor = "sip:park@server.example.com" }
  local carol = t:ua { name = "Carol", aor = "sip:carol@chicago.example.com" }
  local wire = ladder.watch(t, { alice, bob, server, carol })

  local call = alice:invite(bob)
  local at_bob = bob:incoming()
  at_bob:ring()
  call:expect(180)
  at_bob:answer()
  call:expect(200)
  at_bob:expect("ACK")

  local refer = bob:refer(server, at_bob)
  local parked = server:expect("REFER"):follow()
  refer:expect(202)
  refer:expect("NOTIFY")
  local waiting = alice:incoming()
  waiting:answer()
  parked:expect(200)
  waiting:expect("ACK")
  t:equal(refer:outcome(), 200)
  t:equal(at_bob:ended(), "remote BYE")

  local fetch = carol:subscribe(server, { event = "dialog", expires = 0 })
  local asked = server:expect("SUBSCRIBE"):accept()
  fetch:expect(200)
  local document = dialog_info.document(server, 0, "confirmed", parked.dialog)
  asked:notify("terminated", { reason = "timeout", content_type = document.content_type, body = document.body }):expect(200)
  local info = dialog_info.read(fetch:expect("NOTIFY"))
  local pickup = carol:invite(info.target, { headers = { Replaces = info.replaces } })
  local picked_up = alice:incoming()
  t:equal(picked_up.replaces, waiting)
  picked_up:answer()
  pickup:expect(200)
  picked_up:expect("ACK")
  t:equal(parked:ended(), "remote BYE")

  local F = wire:expect [[
    F1 INVITE Alice -> Bob
    F2 180 Ringing Bob -> Alice
    F3 200 OK Bob -> Alice
    F4 ACK Alice -> Bob
    F5 REFER Bob -> Park Server
    F6 202 Accepted Park Server -> Bob
    | F7 NOTIFY Park Server -> Bob
    | F8 200 OK Bob -> Park Server
    | F9 INVITE Park Server -> Alice
    F10 200 OK Alice -> Park Server
    | F11 ACK Park Server -> Alice
    | F12 BYE Alice -> Bob
    | F13 200 OK Bob -> Alice
    | F14 NOTIFY Park Server -> Bob
    | F15 200 OK Bob -> Park Server
    F16 SUBSCRIBE Carol -> Park Server
    F17 200 OK Park Server -> Carol
    F18 NOTIFY Park Server -> Carol
    F19 200 OK Carol -> Park Server
    F20 INVITE Carol -> Alice
    F21 200 OK Alice -> Carol
    | F22 ACK Carol -> Alice
    | F23 BYE Alice -> Park Server
    | F24 200 OK Park Server -> Alice
  ]]
  t:equal(F[9]["Replaces"], ("%s;to-tag=%s;from-tag=%s"):format(F[1].call_id, F[1].from_tag, F[3].to_tag))
  t:equal({ F[12].call_id, F[23].call_id }, { F[1].call_id, F[9].call_id }, "what is replaced ends")
  t:equal(F[16]["Expires"], "0")
  t:equal(F[18]["Subscription-State"], "terminated;reason=timeout")
  t:equal(F[20]["Replaces"], ("%s;to-tag=%s;from-tag=%s"):format(F[9].call_id, F[10].to_tag, F[9].from_tag))

  pickup:bye():expect(200)
end)
