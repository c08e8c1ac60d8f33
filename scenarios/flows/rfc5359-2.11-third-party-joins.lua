-- RFC 5359 2.11: Alice and Bob talk; Carol knows of their dialog and asks Bob with Join (RFC 3911) to be let in. Bob's telephone becomes the
-- mixer: first Alice is told, then Carol is answered.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 5359 2.11: 3-way conference, third party joins", function(t)
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

  local dialog = at_bob.dialog                            -- as Carol has learnt, from the dialog event package, say
  local join = ("%s;from-tag=%s;to-tag=%s"):format(dialog.call_id, dialog.remote_tag, dialog.local_tag)
  local joining = carol:invite(bob, { headers = { { "Join", join }, { "Supported", "replaces, join" } } })
  local focus = { Contact = ("<%s>;isfocus"):format(bob.contact) }
  local at_mixer = bob:incoming()
  t:equal(at_mixer.invite["Join"], join)
  at_mixer:ring { headers = focus }
  joining:expect(180)
  at_bob:request("INVITE", { headers = focus }):expect(200)
  at_mixer:answer { headers = focus }
  joining:expect(200)
  at_mixer:expect("ACK")

  local F = wire:expect [[
    F1 INVITE Alice -> Bob
    F2 180 Ringing Bob -> Alice
    F3 200 OK Bob -> Alice
    F4 ACK Alice -> Bob
    F5 INVITE Carol -> Bob
    F6 180 Ringing Bob -> Carol
    F7 INVITE Bob -> Alice
    F8 200 OK Alice -> Bob
    F9 ACK Bob -> Alice
    F10 200 OK Bob -> Carol
    F11 ACK Carol -> Bob
  ]]
  t:equal(F[5]["Join"], ("%s;from-tag=%s;to-tag=%s"):format(F[1].call_id, F[1].from_tag, F[3].to_tag))
  t:equal({ F[6]["Contact"], F[7]["Contact"], F[10]["Contact"] }, { focus.Contact, focus.Contact, focus.Contact })
  t:equal({ F[7].from_tag, F[7].to_tag }, { F[3].to_tag, F[1].from_tag })

  at_bob:bye():expect(200)
  joining:bye():expect(200)
end)
