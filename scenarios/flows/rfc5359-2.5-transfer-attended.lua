-- RFC 5359 2.5: Bob holds Alice, asks Carol, holds her too, and puts the two together: Alice's call to Carol replaces his (RFC 3891).
local sip = require "sip"
local ladder = require "_ladder"
local media = require "_media"

sip.test("RFC 5359 2.5: transfer, attended", function(t)
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com" }
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local carol = t:ua { name = "Carol", aor = "sip:carol@chicago.example.com" }
  local wire = ladder.watch(t, { alice, bob, carol })

  local call = alice:invite(bob)
  local at_bob = bob:incoming()
  at_bob:ring()
  call:expect(180)
  at_bob:answer()
  call:expect(200)
  at_bob:expect("ACK")
  at_bob:hold():expect(200)
  call:expect("ACK")

  local consultation = bob:invite(carol)
  local at_carol = carol:incoming()
  at_carol:ring()
  consultation:expect(180)
  at_carol:answer()
  consultation:expect(200)
  at_carol:expect("ACK")
  consultation:hold():expect(200)
  at_carol:expect("ACK")

  local refer = at_bob:refer(consultation)
  local new = call:expect("REFER"):follow()
  refer:expect(202)
  refer:expect("NOTIFY")
  local replacing = carol:incoming()
  t:equal(replacing.replaces, at_carol)
  replacing:answer()
  new:expect(200)
  replacing:expect("ACK")
  t:equal(consultation:ended(), "remote BYE")
  t:equal(refer:outcome(), 200)
  at_bob:bye():expect(200)

  local F = wire:expect [[
    F1 INVITE Alice -> Bob
    F2 180 Ringing Bob -> Alice
    F3 200 OK Bob -> Alice
    F4 ACK Alice -> Bob
    F5 INVITE Bob -> Alice
    F6 200 OK Alice -> Bob
    F7 ACK Bob -> Alice
    F8 INVITE Bob -> Carol
    F9 180 Ringing Carol -> Bob
    F10 200 OK Carol -> Bob
    F11 ACK Bob -> Carol
    F12 INVITE Bob -> Carol
    F13 200 OK Carol -> Bob
    F14 ACK Bob -> Carol
    F15 REFER Bob -> Alice
    F16 202 Accepted Alice -> Bob
    | F17 NOTIFY Alice -> Bob
    | F18 200 OK Bob -> Alice
    | F19 INVITE Alice -> Carol
    F20 200 OK Carol -> Alice
    | F21 ACK Alice -> Carol
    | F22 BYE Carol -> Bob
    | F23 200 OK Bob -> Carol
    | F24 NOTIFY Alice -> Bob
    | F25 200 OK Bob -> Alice
    F26 BYE Bob -> Alice
    F27 200 OK Alice -> Bob
  ]]
  t:equal({ media.direction(F[5]), media.direction(F[12]) }, { "sendonly", "sendonly" })
  t:equal(F[15].call_id, F[1].call_id, "within the call")
  t:equal(sip.refer_to(F[15]["Refer-To"]).uri, carol.contact)
  t:equal(F[19]["Replaces"], ("%s;to-tag=%s;from-tag=%s"):format(F[8].call_id, F[10].to_tag, F[8].from_tag), "as Carol knows the dialog")
  t:equal(F[19]["Referred-By"], "<sip:bob@biloxi.example.com>")
  t:equal({ F[17].body, F[24].body }, { "SIP/2.0 100 Trying\r\n", "SIP/2.0 200 OK\r\n" })
  t:equal(F[22].call_id, F[8].call_id)

  new:bye():expect(200)
end)
