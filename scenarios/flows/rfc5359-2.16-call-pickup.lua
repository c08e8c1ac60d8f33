-- RFC 5359 2.16: Bob's telephone rings. Bill asks it once for the dialog (RFC 4235), and calls Alice with "Replaces ...;early-only": she is
-- answered by him, and cancels her call to Bob (RFC 3891 3).
local sip = require "sip"
local ladder = require "_ladder"
local dialog_info = require "_dialog_info"

sip.test("RFC 5359 2.16: call pickup", function(t)
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com" }
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local bill = t:ua { name = "Bill", aor = "sip:bill@biloxi.example.com" }
  local wire = ladder.watch(t, { alice, bob, bill })

  local call = alice:invite(bob)
  local at_bob = bob:incoming()
  at_bob:ring()
  call:expect(180)

  local fetch = bill:subscribe(bob, { event = "dialog", expires = 0 })
  local asked = bob:expect("SUBSCRIBE"):accept()
  fetch:expect(200)
  local document = dialog_info.document(bob, 0, "early", at_bob.dialog)
  asked:notify("terminated", { reason = "timeout", content_type = document.content_type, body = document.body }):expect(200)
  local info = dialog_info.read(fetch:expect("NOTIFY"), { early_only = true })
  t:equal(info.state, "early")
  local pickup = bill:invite(info.target, { headers = { Replaces = info.replaces } })
  local picked_up = alice:incoming()
  t:equal(picked_up.replaces, call)
  picked_up:answer()
  pickup:expect(200)
  picked_up:expect("ACK")
  t:equal(at_bob:ended(), "CANCEL")
  call:expect(487)
  t:sleep(0.1)                                            -- the ACK to the 487 reaches Bob
  picked_up:bye():expect(200)

  local F = wire:expect [[
    F1 INVITE Alice -> Bob
    F2 180 Ringing Bob -> Alice
    F3 SUBSCRIBE Bill -> Bob
    F4 200 OK Bob -> Bill
    F5 NOTIFY Bob -> Bill
    F6 200 OK Bill -> Bob
    F7 INVITE Bill -> Alice
    F8 200 OK Alice -> Bill
    | F9 CANCEL Alice -> Bob
    | F10 200 OK Bob -> Alice
    | F11 487 Request Terminated Bob -> Alice
    | F12 ACK Alice -> Bob
    | F13 ACK Bill -> Alice
    F14 BYE Alice -> Bill
    F15 200 OK Bill -> Alice
  ]]
  t:equal(F[5]["Subscription-State"], "terminated;reason=timeout")
  t:equal(F[7]["Replaces"], ("%s;to-tag=%s;from-tag=%s;early-only"):format(F[1].call_id, F[1].from_tag, F[2].to_tag))
  t:equal(F[9].branch, F[1].branch)
  t:equal(F[14].call_id, F[7].call_id)
end)
