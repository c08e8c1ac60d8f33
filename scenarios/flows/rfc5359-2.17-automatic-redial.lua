-- RFC 5359 2.17: Bob is busy. Alice's telephone subscribes to what becomes of his calls (RFC 4235), and calls again when he has hung up.
local sip = require "sip"
local ladder = require "_ladder"
local dialog_info = require "_dialog_info"

sip.test("RFC 5359 2.17: automatic redial", function(t)
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com" }
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local wire = ladder.watch(t, { alice, bob })

  local busy = alice:invite(bob)
  bob:incoming():reject(486)
  busy:expect(486)

  local watching = alice:subscribe(bob, { event = "dialog", accept = "application/dialog-info+xml", expires = 600 })
  local watched = bob:expect("SUBSCRIBE"):accept { expires = 600 }
  watching:expect(200)
  watched:notify("active", dialog_info.document(bob, 0, "confirmed")):expect(200)
  t:equal(dialog_info.read(watching:expect("NOTIFY")).state, "confirmed")
  watched:notify("active", dialog_info.document(bob, 1)):expect(200)
  t:equal(dialog_info.read(watching:expect("NOTIFY")).state, nil)       -- Bob has hung up

  local call = alice:invite(bob)
  local at_bob = bob:incoming()
  at_bob:ring()
  call:expect(180)
  at_bob:answer()
  call:expect(200)
  at_bob:expect("ACK")
  watched:notify("active", dialog_info.document(bob, 2, "confirmed")):expect(200)
  watching:expect("NOTIFY")
  watching:unsubscribe():expect(200)
  watching:expect("NOTIFY")

  local F = wire:expect [[
    F1 INVITE Alice -> Bob
    F2 486 Busy Here Bob -> Alice
    F3 ACK Alice -> Bob
    F4 SUBSCRIBE Alice -> Bob
    F5 200 OK Bob -> Alice
    F6 NOTIFY Bob -> Alice
    F7 200 OK Alice -> Bob
    F8 NOTIFY Bob -> Alice
    F9 200 OK Alice -> Bob
    F10 INVITE Alice -> Bob
    F11 180 Ringing Bob -> Alice
    F12 200 OK Bob -> Alice
    F13 ACK Alice -> Bob
    F14 NOTIFY Bob -> Alice
    F15 200 OK Alice -> Bob
    F16 SUBSCRIBE Alice -> Bob
    F17 200 OK Bob -> Alice
    F18 NOTIFY Bob -> Alice
    F19 200 OK Alice -> Bob
  ]]
  t:equal(F[4]["Event"], "dialog")
  t:equal({ F[6].call_id, F[6].to_tag, F[6].from_tag }, { F[4].call_id, F[4].from_tag, F[5].to_tag }, "the dialog of the SUBSCRIBE")
  t:equal({ F[8].cseq, F[14].cseq, F[18].cseq }, { F[6].cseq + 1, F[6].cseq + 2, F[6].cseq + 3 })
  t:ok(F[6]["Subscription-State"]:find "^active;expires=")
  t:equal(F[16]["Expires"], "0")
  t:equal({ F[16].call_id, F[16].to_tag, F[16].cseq }, { F[4].call_id, F[5].to_tag, F[4].cseq + 1 })
  t:ok(F[18]["Subscription-State"]:find "^terminated")
  t:ok(F[10].call_id ~= F[1].call_id)

  call:bye():expect(200)
end)
